"""Columns as the rows of a build: what may be one, and how a part of it becomes Python values.

Columns are read in blocks, so that a build never holds more than a block of Python objects of a typed buffer.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fastcore.errors import PayloadError

from .schema import REQUIRED, SchemaField

__all__ = ["column_rows"]

BLOCK = 1024  # rows; large enough that its own cost disappears, small enough for the cache
KINDS = "a list, tuple, range, array.array, memoryview or numpy array"

Members = tuple[Mapping[str, Any], str]
Column = tuple[str, int, Callable[[int, int], Sequence[Any]]]  # path, length, values from start to stop


def column_rows(
    fields: tuple[SchemaField, ...], columns: Any, single: type[float], extra: str
) -> tuple[str, Iterator[tuple[Any, ...]]]:
    """The rows that columns make.

    Parameters:
        fields: of the schema.
        columns: a mapping of names to columns, a structured numpy array, or a sequence of columns in the
            schema's order. Members of a nested object have columns of their own, as a mapping under its name
            or under dotted names; or the object has one column of objects.
        single: type for values of float32 buffers, as the kernel wants them.
        extra: ``"error"`` refuses columns that the schema does not have.

    Returns:
        How the kernel reads the rows (``"flat"`` or ``"sequence"``), and the rows, read block by block.

    Raises:
        PayloadError: there is no such column, it is of another kind, or the lengths differ.
    """
    named = _named(fields, columns)
    if extra == "error":
        _refuse_extra(fields, named, "")
    inlined = [f for f in fields if f.kind == "object"]
    kind = "flat" if all(_is_flat(field, named, "") for field in inlined) else "sequence"
    found = list(_find(fields, named, "", kind == "flat", single))
    lengths = [length for _, length, _ in found if length >= 0]
    if not lengths:
        raise PayloadError(None, "", "at least one column", "none")
    for path, length, _ in found:
        if length >= 0 and length != lengths[0]:
            raise PayloadError(None, path, f"a column of {lengths[0]} values", f"{length} values")
    return kind, _rows(found, lengths[0])


def _rows(found: list[Column], length: int) -> Iterator[tuple[Any, ...]]:
    for start in range(0, length, BLOCK):
        stop = min(start + BLOCK, length)
        parts = []
        for path, _, take in found:
            part = take(start, stop)
            if len(part) != stop - start:
                raise PayloadError(None, path, f"a column of {length} values", "fewer during the build")
            parts.append(part)
        yield from zip(*parts, strict=True)


# ------------------------------------------------------------------------------------ finding the columns


def _named(fields: tuple[SchemaField, ...], columns: Any) -> Mapping[str, Any]:
    if isinstance(columns, Mapping):
        return columns
    names = getattr(getattr(columns, "dtype", None), "names", None)
    if names:
        return {name: columns[name] for name in names}
    if not isinstance(columns, (list, tuple)):
        raise PayloadError(
            None, "", "a mapping or list of columns", f"{type(columns).__name__}{_arrow_hint(columns)}"
        )
    readable = [field for field in fields if field.kind not in ("constant", "now")]
    leaves = list(_leaf_paths(fields, ""))
    if len(columns) == len(readable):
        return {field.source: column for field, column in zip(readable, columns, strict=True)}
    if len(columns) == len(leaves):
        return dict(zip(leaves, columns, strict=True))
    raise PayloadError(None, "", f"{len(readable)} columns", f"{len(columns)}")


def _leaf_paths(fields: tuple[SchemaField, ...], prefix: str) -> Iterator[str]:
    for field in fields:
        if _is_inlined(field):
            yield from _leaf_paths(field.members, f"{prefix}{field.source}.")
        elif field.kind not in ("constant", "now"):
            yield prefix + field.source


def _is_inlined(field: SchemaField) -> bool:
    plain = not (field.nullable or field.omit_null or field.omit_missing) and field.default is REQUIRED
    return field.kind == "object" and plain


def _members(field: SchemaField, named: Mapping[str, Any], prefix: str) -> Members | None:
    """Where the members of an object have columns of their own: the mapping and the prefix of their names."""
    path = prefix + field.source
    if isinstance(named.get(path), Mapping):
        return named[path], ""
    if path not in named and any(isinstance(name, str) and name.startswith(path + ".") for name in named):
        return named, path + "."
    return None


def _is_flat(field: SchemaField, named: Mapping[str, Any], prefix: str) -> bool:
    """Whether an object of the schema, and all within it, is given as columns of its members."""
    if not _is_inlined(field):
        return _members(field, named, prefix) is None
    inner = _members(field, named, prefix)
    return inner is not None and all(
        _is_flat(member, *inner) for member in field.members if member.kind == "object"
    )


def _find(
    fields: tuple[SchemaField, ...],
    named: Mapping[str, Any],
    prefix: str,
    flat: bool,
    single: type[float],
    at: str = "",
) -> Iterator[Column]:
    for field in fields:
        if field.kind in ("constant", "now"):
            continue
        name = prefix + field.source
        path = at + field.name
        inner = _members(field, named, prefix) if field.kind == "object" else None
        if inner is not None:
            members = _find(field.members, *inner, flat, single, path + ".")
            if flat:
                yield from members
            else:
                yield _zipped(path, list(members))
        elif name in named:
            yield _column(named[name], field, path, single)
        elif field.omit_missing:
            yield path, -1, _repeated(...)
        elif field.default is not REQUIRED:
            yield path, -1, _repeated(field.default)
        else:
            raise PayloadError(None, path, f"a column {name!r}", "none")


def _zipped(path: str, members: list[Column]) -> Column:
    """Columns of an object's members as one column of tuples."""
    lengths = [length for _, length, _ in members if length >= 0]
    for inner_path, length, _ in members:
        if length >= 0 and length != lengths[0]:
            raise PayloadError(None, inner_path, f"a column of {lengths[0]} values", f"{length} values")

    def take(start: int, stop: int) -> Sequence[Any]:
        return list(zip(*[part(start, stop) for _, _, part in members], strict=True))

    return path, lengths[0] if lengths else -1, take


def _refuse_extra(fields: tuple[SchemaField, ...], named: Mapping[str, Any], at: str) -> None:
    known = {field.source for field in fields if field.kind not in ("constant", "now")}
    known |= set(_all_paths(fields, ""))
    for name, column in named.items():
        if name not in known:
            raise PayloadError(None, f"{at}{name}", "no column beyond the schema's", "one")
        field = next((field for field in fields if field.source == name), None)
        if field is not None and field.kind == "object" and isinstance(column, Mapping):
            _refuse_extra(field.members, column, f"{at}{name}.")


def _all_paths(fields: tuple[SchemaField, ...], prefix: str) -> Iterator[str]:
    for field in fields:
        if field.kind == "object":
            yield from _all_paths(field.members, f"{prefix}{field.source}.")
        elif field.kind not in ("constant", "now"):
            yield prefix + field.source


# ---------------------------------------------------------------------------------------- reading a column


def _column(column: Any, field: SchemaField, path: str, single: type[float]) -> Column:
    if isinstance(column, (list, tuple)):
        return path, len(column), lambda start, stop: column[start:stop]
    if isinstance(column, array):
        return path, len(column), _buffer(column, column.typecode, single)
    if isinstance(column, memoryview):
        return path, _view_length(column, path), _buffer(column, column.format, single)
    if type(column).__module__.partition(".")[0] == "numpy" and hasattr(column, "dtype"):
        return _numpy_column(column, field, path, single)
    if _arrow_hint(column) or isinstance(column, (str, bytes, bytearray)) or not isinstance(column, Sequence):
        raise PayloadError(None, path, f"a column: {KINDS}", f"{type(column).__name__}{_arrow_hint(column)}")
    return path, len(column), lambda start, stop: list(column[start:stop])


def _arrow_hint(value: Any) -> str:
    if any(hasattr(value, f"__arrow_c_{name}__") for name in ("array", "stream", "schema")):
        return " (Arrow data is not read yet: give .to_numpy() or .to_pylist() of it)"
    return ""


def _repeated(value: Any) -> Callable[[int, int], Sequence[Any]]:
    return lambda start, stop: [value] * (stop - start)


def _buffer(column: Any, code: str, single: type[float]) -> Callable[[int, int], Sequence[Any]]:
    def take(start: int, stop: int) -> Sequence[Any]:
        values: list[Any] = column[start:stop].tolist()
        return list(map(single, values)) if code in ("f", "e") else values

    return take


def _view_length(column: memoryview, path: str) -> int:
    if column.ndim != 1 or column.format not in tuple("bBhHiIlLqQnN?efd"):
        got = f"memoryview of {column.ndim} dimensions and format {column.format!r}"
        raise PayloadError(None, path, "a memoryview of one dimension of native numbers", got)
    return len(column)


def _numpy_column(column: Any, field: SchemaField, path: str, single: type[float]) -> Column:
    kind, size = column.dtype.kind, column.dtype.itemsize
    got = f"numpy array of {column.dtype} in {column.ndim} dimensions"
    if column.ndim == 0 or (column.ndim > 1 and field.kind not in ("list", "object")):
        raise PayloadError(None, path, "a numpy array of one dimension", got)
    if kind not in "biufMUSOT" or (kind == "f" and size > 8):
        raise PayloadError(
            None, path, "a numpy array of ints, floats up to 64 bits, bools, datetime64, text or objects", got
        )
    masked = hasattr(column, "mask") and hasattr(column, "filled")
    data = column.data if masked and not isinstance(column.data, memoryview) else column

    def take(start: int, stop: int) -> Sequence[Any]:
        part = data[start:stop]
        if kind == "M" or column.ndim > 1:
            values = list(part)  # scalars keep their unit and their width
        elif kind == "S":
            values = [_decoded(value, path, start + index) for index, value in enumerate(part.tolist())]
        else:
            values = part.tolist()
            if kind == "f" and size < 8:
                values = list(map(single, values))
        if masked:
            hidden = _mask(column, start, stop)
            values = [None if hide else value for value, hide in zip(values, hidden, strict=True)]
        return values

    return path, len(column), take


def _mask(column: Any, start: int, stop: int) -> list[bool]:
    mask = column[start:stop].mask
    return [bool(mask)] * (stop - start) if getattr(mask, "ndim", 0) == 0 else mask.tolist()


def _decoded(value: bytes, path: str, row: int) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise PayloadError(row, path, "text in UTF-8", f"bytes {value!r}"[:60]) from None
