"""The usual form of columns, told at a glance: a dict of a list, range or array for each value of a row.

What a schema asks for is found when a builder is made, so that a small build does not pay for the forms that
it does not use. Everything else, and everything that is wrong, is left to ``columns``.
"""

from typing import Any, NamedTuple

from fastcore.columns.arrays import range_column
from fastcore.columns.column import Column

from .column_reading import PayloadReading, has_default, numpy_piece, sequence_piece, struct_column
from .schema import SchemaField

__all__ = ["PlainColumns"]


class _Source(NamedTuple):
    """Where a field's values are: under a name, or those of its members under names of their own."""

    name: str
    path: str
    field: SchemaField
    reading: PayloadReading
    members: "tuple[_Source, ...]"


class PlainColumns:
    """The names that a schema has for columns; those of a nested object's members are dotted."""

    __slots__ = ("_leaves", "_sources")

    def __init__(self, fields: tuple[SchemaField, ...], single: type[float]) -> None:
        self._sources = _sources(fields, single, "", "")
        leaves = _leaves(self._sources)
        # objects without members that take values have no column of the usual form
        usual = all(source.field.kind != "object" or has_default(source.field) for source in leaves)
        self._leaves = leaves if usual else []

    def read(self, columns: Any) -> tuple[int, list[Column]] | None:
        """How many rows there are, and a column for each field that takes values, as in a ``Table``.

        None if the columns have another form, or something may be wrong with them.
        """
        if type(columns) is not dict or len(columns) != len(self._leaves) or not columns:
            return None
        found: list[Column] = []
        length = -1
        for source in self._leaves:
            column = _piece(columns.get(source.name), source)
            if column is None or length not in (-1, column.length):
                return None
            length = column.length
            found.append(column)
        return length, _nested(self._sources, iter(found), length)


def _sources(
    fields: tuple[SchemaField, ...], single: type[float], prefix: str, at: str
) -> tuple[_Source, ...]:
    found = []
    for field in fields:
        if field.kind not in ("constant", "now"):
            name, path = prefix + field.source, at + field.name
            inner = field.members if field.kind == "object" and not has_default(field) else ()
            members = _sources(inner, single, name + ".", path + ".")
            found.append(_Source(name, path, field, PayloadReading(single, field), members))
    return tuple(found)


def _leaves(sources: tuple[_Source, ...]) -> "list[_Source]":
    leaves: list[_Source] = []
    for source in sources:
        leaves.extend(_leaves(source.members) if source.members else (source,))
    return leaves


def _piece(column: Any, source: _Source) -> Column | None:
    kind = type(column)
    if kind is list or kind is tuple:
        return sequence_piece(column, source.path)
    if kind is range:
        return range_column(column)
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray" and column.dtype.names is None:
        return numpy_piece(column, source.field, source.path, source.reading)
    return None


def _nested(sources: tuple[_Source, ...], leaves: Any, length: int) -> list[Column]:
    columns = []
    for source in sources:
        if source.members:
            members = _nested(source.members, leaves, length)
            names = [member.field.source for member in source.members]
            columns.append(struct_column(length, dict(zip(names, members, strict=True))))
        else:
            columns.append(next(leaves))
    return columns
