"""Arrow data as columns of fields: what its types may be, and structs and lists as the schema has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from fastcore.columns.arrow import (
    NUMBERS,
    TEXTS,
    arrow_column,
    arrow_list,
    arrow_placed,
    arrow_validity,
    bits,
    is_list,
    time_zone,
)
from fastcore.columns.arrow_interface import arrow_batches, extension_name
from fastcore.columns.column import Column
from fastcore.errors import PayloadError

from .column_reading import PayloadReading, default_column, has_default, struct_column
from .schema import SchemaField

__all__ = [
    "arrow_pieces",
    "arrow_table",
    "check_arrow",
    "child_schemas",
    "first_null",
    "read_arrow",
    "read_member",
]

OTHERS: Final = {
    "tt": "times of day",
    "tD": "durations",
    "ti": "calendar intervals",
    "+u": "unions",
    "+r": "run-end encoded values",
    "+m": "maps",
    "+s": "structs",
    "+l": "lists",
    "+L": "lists",
    "+w": "lists",
    "+v": "lists",
}


def arrow_pieces(
    data: Any, field: SchemaField, path: str, reading: PayloadReading, extra: str
) -> list[Column]:
    """The chunks of an Arrow column."""
    with _told(path):
        schema, batches = arrow_batches(data)
    check_arrow(field, schema, path, extra)
    with _told(path):
        return [
            read_arrow(field, schema, held.array, (held, batches), held.array.length, 0, reading.single)
            for held in batches
        ]


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Says which column cannot be read, and why."""
    try:
        yield
    except (ImportError, TypeError, ValueError) as error:
        got = f"{type(error).__name__}: {error}"
        raise PayloadError(None, path, "Arrow data that can be read", got) from error


def arrow_table(data: Any) -> tuple[Any, Iterator[Any]]:
    """The schema of a table or batch, and its batches."""
    with _told(""):
        schema, batches = arrow_batches(data)
    if schema.format != b"+s":
        got = f"{type(data).__name__} of the Arrow type {schema.format.decode()!r}"
        raise PayloadError(None, "", "columns, or an Arrow table of them", got)
    return schema, batches


def check_arrow(field: SchemaField, schema: Any, path: str, extra: str) -> None:
    """Refuse an Arrow type that the field could never take."""
    coded = bool(schema.dictionary)
    layout = (schema.dictionary.contents if coded else schema).format.decode()
    if layout == "n":
        return
    if field.kind == "list" and is_list(layout) and layout != "+m" and not coded:
        check_arrow(field.members[0], schema.children[0].contents, f"{path}[]", extra)
    elif field.kind == "object" and layout == "+s" and not coded:
        _check_members(field, schema, path, extra)
    elif field.kind in ("list", "object") or not _is_scalar(layout):
        raise PayloadError(
            None, path, f"a column for {field.describe()}", f"{_words(layout)} (Arrow type {layout!r})"
        )
    elif layout.startswith("ts") and layout[4:]:
        with _told(path):
            time_zone(layout[4:])


def _words(layout: str) -> str:
    return OTHERS.get(layout[:2], "single values" if _is_scalar(layout) else "others")


def _is_scalar(layout: str) -> bool:
    known = layout in NUMBERS or layout in TEXTS or layout in ("b", "vu", "vz", "tdD", "tdm")
    return known or layout.startswith(("ts", "d:", "w:"))


def _check_members(field: SchemaField, schema: Any, path: str, extra: str) -> None:
    children = dict(child_schemas(schema))
    for member in field.members:
        if member.kind in ("constant", "now"):
            continue
        inner = f"{path}.{member.name}"
        if member.source in children:
            check_arrow(member, children.pop(member.source), inner, extra)
        elif not has_default(member):
            raise PayloadError(None, inner, f"a column {member.source!r}", "none")
    if extra == "error" and children:
        raise PayloadError(None, f"{path}.{next(iter(children))}", "no column beyond the schema's", "one")


def child_schemas(schema: Any) -> list[tuple[str, Any]]:
    """Name and schema of the members of a struct."""
    inner = [schema.children[i].contents for i in range(schema.n_children)]
    return [((child.name or b"").decode("utf-8", "replace"), child) for child in inner]


def first_null(schema: Any, array: Any) -> int:
    """The number of the first row of a table that is null; its length if none is."""
    length: int = array.length
    for address, base in arrow_validity(schema, array):
        there = bits(address, array.offset + base, array.offset + base + length)
        length = there.index(False) if False in there else length
    return length


def read_arrow(
    field: SchemaField, schema: Any, array: Any, owner: Any, length: int, outer: int, single: type[float]
) -> Column:
    """An Arrow array, whose type has been checked, as the column of a field.

    Parameters:
        outer: the offset of the struct that it belongs to.
    """
    reading = PayloadReading(single, field)
    if field.kind == "object" and schema.format == b"+s":
        return _struct(field, schema, array, owner, length, outer, single)
    if field.kind == "list" and is_list(schema.format.decode()):
        inner = array.children[0].contents
        items = read_arrow(
            field.members[0], schema.children[0].contents, inner, owner, inner.length, 0, single
        )
        column = arrow_list(schema, array, items)
        return arrow_placed(column, length, array.offset + outer, owner, arrow_validity(schema, array))
    column = arrow_column(schema, array, owner, length, outer, reading=reading)
    if schema.format == b"w:16" and extension_name(schema) == "arrow.uuid":
        _as_uuids(column, array)
    return column


def _as_uuids(column: Column, array: Any) -> None:
    from uuid import UUID

    read = column.read
    column.kind, column.address, column.stride = "uuid", array.buffers[1] or 0, 16
    column.read = lambda start, stop: [
        None if value is None else UUID(bytes=value) for value in read(start, stop)
    ]


def read_member(
    field: SchemaField, schema: Any, array: Any, number: int, owner: Any, length: int, single: type[float]
) -> Column:
    """The column of a field that is a member of a struct."""
    inner, data = schema.children[number].contents, array.children[number].contents
    return read_arrow(field, inner, data, owner, length, array.offset, single)


def _struct(
    field: SchemaField, schema: Any, array: Any, owner: Any, length: int, outer: int, single: type[float]
) -> Column:
    offset = array.offset + outer
    numbers = {name: number for number, (name, _) in enumerate(child_schemas(schema))}
    fields = {}
    for member in field.members:
        if member.kind in ("constant", "now"):
            continue
        number = numbers.get(member.source)
        if number is None:
            fields[member.source] = default_column(member, length)
        else:
            inner, data = schema.children[number].contents, array.children[number].contents
            fields[member.source] = read_arrow(member, inner, data, owner, length, offset, single)
    rows = struct_column(length, fields).read
    column = Column("struct", 0, lambda start, stop: rows(start - offset, stop - offset))
    column.fields = fields
    return arrow_placed(column, length, offset, owner, arrow_validity(schema, array))
