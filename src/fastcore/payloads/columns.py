"""Columns as the rows of a build: which column, or default, each field of a schema takes.

A build reads tables. A ``Table`` has a ``columns.column.Column`` for each field that takes values, in the
schema's order; the members of a nested object that is given as members are the ``fields`` of a column of the
kind ``"struct"``, in the same way, and its values are tuples of theirs.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from fastcore.columns.column import Column
from fastcore.columns.segments import segments
from fastcore.errors import PayloadError

from .column_reading import default_column, has_arrow, has_default, read_pieces, struct_column
from .schema import SchemaField

__all__ = ["Table", "column_tables"]


class Table(NamedTuple):
    """Some rows: how many, and the column of each field that takes values."""

    length: int
    columns: list[Column]


class _Place:
    """Where the values of a field are: in a column, in those of its members, or nowhere (the default)."""

    __slots__ = ("column", "field", "given", "members", "path")

    def __init__(self, field: SchemaField, path: str, given: bool, column: Any = None) -> None:
        self.field = field
        self.path = path
        self.given = given
        self.column = column
        self.members: list[_Place] | None = None


Find = Callable[[_Place], Column]


def column_tables(
    fields: tuple[SchemaField, ...], columns: Any, single: type[float], extra: str
) -> tuple[bool, Iterator[Table]]:
    """The tables that columns make.

    Parameters:
        fields: of the schema.
        columns: as in ``PayloadBuilder.build_columns``.
        single: type for floats of fewer than 64 bits, as the kernel wants them.
        extra: ``"error"`` refuses columns that the schema does not have.

    Returns:
        Whether every object whose members flat rows hold side by side is a struct, and never null; and the
        tables, read one by one.

    Raises:
        PayloadError: a column is missing, of another kind, or of another length.
    """
    if has_arrow(columns):
        return _arrow_tables(fields, columns, single, extra)
    named = _named(fields, columns)
    if extra == "error":
        _refuse_extra(fields, named, "")
    places = _locate(fields, named, "", "")
    leaves = list(_given(places))
    if not leaves:
        raise PayloadError(None, "", "at least one column", "none")
    pieces = {place: read_pieces(place.column, place.field, place.path, single, extra) for place in leaves}
    lengths = [sum(piece.length for piece in pieces[place]) for place in leaves]
    for place, length in zip(leaves, lengths, strict=True):
        if length != lengths[0]:
            raise PayloadError(None, place.path, f"a column of {lengths[0]} values", f"{length} values")
    return _is_flat(places), _tables(places, pieces)


def _tables(places: list[_Place], pieces: Mapping[_Place, list[Column]]) -> Iterator[Table]:
    for length, parts in segments(pieces):
        yield Table(length, _columns(places, length, parts.__getitem__))


def _columns(places: list[_Place], length: int, find: Find) -> list[Column]:
    return [_column(place, length, find) for place in places]


def _column(place: _Place, length: int, find: Find) -> Column:
    if place.members is None:
        return find(place) if place.given else default_column(place.field, length)
    members = _columns(place.members, length, find)
    names = [member.field.source for member in place.members]
    return struct_column(length, dict(zip(names, members, strict=True)))


def _given(places: list[_Place]) -> Iterator[_Place]:
    """The places that are columns."""
    for place in places:
        if place.members is not None:
            yield from _given(place.members)
        elif place.given:
            yield place


# -------------------------------------------------------------------------------------------- Arrow tables


def _arrow_tables(
    fields: tuple[SchemaField, ...], data: Any, single: type[float], extra: str
) -> tuple[bool, Iterator[Table]]:
    from .arrow_reading import arrow_table, check_arrow, child_schemas

    schema, batches = arrow_table(data)
    children = child_schemas(schema)
    named = {name: number for number, (name, _) in enumerate(children)}
    if extra == "error":
        _refuse_extra(fields, named, "")
    places = _locate(fields, named, "", "")
    for place in _given(places):
        check_arrow(place.field, children[place.column][1], place.path, extra)
    return _is_flat(places), _batch_tables(places, schema, batches, single)


def _batch_tables(
    places: list[_Place], schema: Any, batches: Iterator[Any], single: type[float]
) -> Iterator[Table]:
    """A table for each batch, which is let go before the next one is read."""
    from .arrow_reading import first_null, read_member

    begun = 0
    for held in batches:
        owner = (held, batches)
        length = first_null(schema, held.array)
        columns = {
            place: read_member(place.field, schema, held.array, place.column, owner, length, single)
            for place in _given(places)
        }
        table = Table(length, _columns(places, length, columns.__getitem__))
        failed = length < held.array.length
        del held, owner, columns
        yield table
        del table
        begun += length
        if failed:
            raise PayloadError(begun, "", "a row", "None")


# ------------------------------------------------------------------------------------ finding the columns


def _named(fields: tuple[SchemaField, ...], columns: Any) -> Mapping[str, Any]:
    members = _as_members(columns)
    if members is not None:
        return members
    if not isinstance(columns, (list, tuple)):
        raise PayloadError(None, "", "a mapping or list of columns", type(columns).__name__)
    readable = [field for field in fields if _takes_values(field)]
    leaves = list(_leaf_paths(fields, ""))
    if len(columns) == len(readable):
        return {field.source: column for field, column in zip(readable, columns, strict=True)}
    if len(columns) == len(leaves):
        return dict(zip(leaves, columns, strict=True))
    raise PayloadError(None, "", f"{len(readable)} columns", f"{len(columns)}")


def _as_members(columns: Any) -> Mapping[str, Any] | None:
    """A mapping, or a structured numpy array, as a mapping of columns."""
    if isinstance(columns, Mapping):
        return columns
    names = getattr(getattr(columns, "dtype", None), "names", None)
    return {name: columns[name] for name in names} if isinstance(names, tuple) else None


def _takes_values(field: SchemaField) -> bool:
    return field.kind not in ("constant", "now")


def _leaf_paths(fields: tuple[SchemaField, ...], prefix: str) -> Iterator[str]:
    for field in fields:
        if _is_inlined(field):
            yield from _leaf_paths(field.members, f"{prefix}{field.source}.")
        elif _takes_values(field):
            yield prefix + field.source


def _is_inlined(field: SchemaField) -> bool:
    """Whether a flat row holds the members side by side."""
    plain = not (field.nullable or field.omit_null or has_default(field))
    return field.kind == "object" and plain


def _is_flat(places: list[_Place]) -> bool:
    return all(
        place.members is not None and _is_flat(place.members) for place in places if _is_inlined(place.field)
    )


def _locate(fields: tuple[SchemaField, ...], named: Mapping[str, Any], prefix: str, at: str) -> list[_Place]:
    """A place for each field that takes values.

    Parameters:
        prefix: of the names of their columns.
        at: of their paths in the output.
    """
    places = []
    for field in filter(_takes_values, fields):
        name, path = prefix + field.source, at + field.name
        place = _Place(field, path, name in named, named.get(name))
        inner = _members(field, named, name)
        if inner is not None:
            place.members = _locate(field.members, *inner, path + ".")
        elif not place.given and not has_default(field):
            raise PayloadError(None, path, f"a column {name!r}", "none")
        places.append(place)
    return places


def _members(field: SchemaField, named: Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], str] | None:
    """Where the members of an object have columns of their own: the mapping and the prefix of their names."""
    if field.kind != "object":
        return None
    if path in named:
        members = _as_members(named[path])
        return None if members is None else (members, "")
    prefix = path + "."
    dotted = any(isinstance(name, str) and name.startswith(prefix) for name in named)
    return (named, prefix) if dotted else None


def _refuse_extra(fields: tuple[SchemaField, ...], named: Mapping[str, Any], at: str) -> None:
    known = {field.source for field in fields if _takes_values(field)}
    known |= set(_all_paths(fields, ""))
    for name, column in named.items():
        if name not in known:
            raise PayloadError(None, f"{at}{name}", "no column beyond the schema's", "one")
        field = next((field for field in fields if field.source == name), None)
        members = _as_members(column) if field is not None and field.kind == "object" else None
        if field is not None and members is not None:
            _refuse_extra(field.members, members, f"{at}{name}.")


def _all_paths(fields: tuple[SchemaField, ...], prefix: str) -> Iterator[str]:
    for field in fields:
        if field.kind == "object":
            yield from _all_paths(field.members, f"{prefix}{field.source}.")
        elif _takes_values(field):
            yield prefix + field.source
