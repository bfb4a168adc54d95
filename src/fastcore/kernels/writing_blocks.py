"""Blocks of rows to JSON bytes, column by column: a call for a column costs less than one for each value.

What is ordinary is written here; for all else, be it an error, the rows are written one by one
(``writing_rows``), which alone says what is allowed and what is wrong. For interpreters and a JIT compiler,
never compiled ahead of time.
"""

from itertools import chain, repeat
from sys import implementation
from types import NoneType
from typing import TYPE_CHECKING, Any

from fastcore.kernels.writing_columns import _write_leaf_columns
from fastcore.kernels.writing_rows import (
    _write_inlined,
    _write_node,
    _write_read_lines,
    _write_shape,
    _WriteReader,
    _WriteSource,
)
from fastcore.kernels.writing_values import _write_float_text, _write_quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fastcore.payloads.columns import Table
    from fastcore.payloads.plan import Plan, Step

    Pieces = list[str | Sequence[str]]
    """What a row is put together from: texts that all rows share, and sequences that have a text for each."""

__all__ = ["BlockWriter"]

_ESCAPED = bytes(range(32)) + b'"\\'


class BlockWriter:
    """Writes rows of one kind.

    Parameters:
        reader: of the rows.
        kind: how they are read: ``sequence flat dict object``.
    """

    __slots__ = ("object", "reader")

    def __init__(self, reader: _WriteReader, kind: str) -> None:
        self.reader = _Columns(reader, kind)
        self.object = _Members(reader.plan, kind == "flat")

    def rows(self, rows: "Sequence[Any]", separator: str) -> bytes | None:
        """The rows with a separator between them; None where they must be written one by one."""
        try:
            return self.joined(self.reader.of(rows), len(rows), separator)
        except Exception:  # it will be raised again for the row that it comes from
            return None

    def columns(self, columns: "Sequence[Sequence[Any]]", count: int, separator: str) -> bytes | None:
        """The same of rows that are columns already."""
        try:
            return self.joined(columns, count, separator)
        except Exception:
            return None

    def joined(self, columns: "Sequence[Sequence[Any]]", count: int, separator: str) -> bytes:
        pieces: Pieces = []
        self.object.write(iter(columns), count, pieces)
        fragments, texts = _sorted_pieces(pieces)
        if not texts:
            raise ValueError("rows without values")
        opening, *between, closing = fragments
        end = closing + separator.strip(",")  # a line ends with its separator, an array does not
        return _join_rows([closing + separator + opening, *between], texts, count, opening, end)


def table_blocks(
    plan: "Plan", tables: "Iterable[Table]", flat: bool, size: int
) -> "Iterator[tuple[int, list[Sequence[Any]]]]":
    """Blocks of up to so many rows of tables: their number, their columns."""
    for table in tables:
        length = table.length
        leaves = _write_leaf_columns(plan, table.columns, flat)
        del table
        for start in range(0, length, size):
            stop = min(start + size, length)
            yield stop - start, [column.values(start, stop) for column in leaves]
        del leaves


class _Columns:
    """Rows of one kind to columns."""

    __slots__ = ("flat", "positional", "read", "reader", "width")

    def __init__(self, reader: _WriteReader, kind: str) -> None:
        self.positional = kind in ("sequence", "flat")
        self.width = reader.flat_width if kind == "flat" else reader.width
        source = _WriteSource(reader, kind == "flat")
        source.values = [f"v{index}" for index in range(self.width)]
        values = "".join(f"{value}, " for value in source.values)
        lines = [*_write_read_lines(reader, kind, source), f"found.append(({values}))"]
        body = "".join(f"        {line}\n" for line in lines)
        exec(f"def read(rows):\n    found = []\n    for row in rows:\n{body}    return found", source.names)
        self.read = source.names["read"]

    def of(self, rows: "Sequence[Any]") -> "list[tuple[Any, ...]]":
        if not self.width:
            raise ValueError("rows without values")
        if not self.positional or not set(map(type, rows)) <= {tuple, list}:
            rows = self.read(rows)
        columns = list(zip(*rows, strict=True))
        if len(columns) != self.width:
            raise ValueError("rows of another width")
        return columns


# -------------------------------------------------------------------------------------------------- pieces


def _sorted_pieces(pieces: "Pieces") -> "tuple[list[str], list[Sequence[str]]]":
    """The sequences, and the shared texts before, between and after them."""
    fragments = [""]
    texts: list[Sequence[str]] = []
    for piece in pieces:
        if isinstance(piece, str):
            fragments[-1] += piece
        else:
            texts.append(piece)
            fragments.append("")
    return fragments, texts


def _row_texts(pieces: "Pieces", count: int) -> "list[str]":
    """One text for each row."""
    columns = [repeat(piece, count) if isinstance(piece, str) else piece for piece in pieces]
    return list(map("".join, zip(*columns, strict=True)))


def _join_in_parts(
    fragments: "list[str]", texts: "list[Sequence[str]]", count: int, opening: str, closing: str
) -> bytes:
    """Every row is the first fragment, the first text, the second fragment …

    The first row has an opening in place of its first fragment.
    """
    width = 2 * len(texts)
    row = [""] * width
    row[::2] = fragments
    parts = row * count
    for index, column in enumerate(texts):
        parts[2 * index + 1 :: width] = column
    parts[0] = opening
    parts.append(closing)
    return "".join(parts).encode()


def _int_texts(values: "Sequence[Any]", nullable: bool, node: Any) -> "list[str]":
    types = set(map(type, values))
    if types == {int}:
        return list(map(repr, values))
    if nullable and types == {int, NoneType}:
        return ["null" if value is None else repr(value) for value in values]
    return [node(value) for value in values]


def _float_texts(values: "Sequence[Any]", nullable: bool, node: Any) -> "list[str]":
    types = set(map(type, values))
    if types == {float}:
        texts = list(map(repr, values))
    elif nullable and types == {float, NoneType}:
        texts = ["null" if value is None else repr(value) for value in values]
    else:
        return [node(value) for value in values]
    text = "".join(texts)
    if "i" in text or "a" in text:  # an infinity, NaN
        return [node(value) for value in values]
    return list(map(_write_float_text, texts)) if "e" in text else texts


def _str_pieces(values: "Sequence[Any]", nullable: bool, node: Any) -> "Pieces":
    if nullable and None in values:
        return [["null" if value is None else _write_quote(value) for value in values]]
    text = "".join(values)
    if text.isascii() and len(text.encode().translate(None, _ESCAPED)) == len(text):
        return ['"', values, '"']
    return [list(map(_write_quote, values))]


def _slice_groups(texts: "Sequence[str]", sizes: "list[int]", between: str) -> "list[str]":
    """As many texts for each list as its size says."""
    joined = []
    start = 0
    for size in sizes:
        joined.append(between.join(texts[start : start + size]))
        start += size
    return joined


def _join_groups(texts: "Sequence[str]", sizes: "list[int]", between: str) -> "list[str]":
    """`_slice_groups`, faster where every list is as long."""
    if len(set(sizes)) == 1:
        following = iter(texts)
        return list(map(between.join, zip(*[following] * sizes[0])))  # noqa: B905 - strict takes longer
    return _slice_groups(texts, sizes, between)


_join_rows = _join_in_parts
if implementation.name == "pypy":
    from fastcore.kernels import writing_jit

    _int_texts = writing_jit.int_texts
    _float_texts = writing_jit.float_texts
    _str_pieces = writing_jit.str_pieces
    _join_groups = _slice_groups
    _join_rows = writing_jit.join_rows


# --------------------------------------------------------------------------------------------------- cells


class _Cells:
    """One step: a column of its values to pieces."""

    def __init__(self, step: "Step", plan: "Plan") -> None:
        self.step = step
        self.node: Any = _write_node(step, plan, "")

    def pieces(self, values: "Sequence[Any]", pieces: "Pieces") -> None:
        node = self.node
        pieces.append([node(value) for value in values])


class _IntCells(_Cells):
    def pieces(self, values: "Sequence[Any]", pieces: "Pieces") -> None:
        pieces.append(_int_texts(values, self.step.nullable, self.node))


class _FloatCells(_Cells):
    def pieces(self, values: "Sequence[Any]", pieces: "Pieces") -> None:
        pieces.append(_float_texts(values, self.step.nullable, self.node))


class _BoolCells(_Cells):
    def pieces(self, values: "Sequence[Any]", pieces: "Pieces") -> None:
        node = self.node
        pieces.append(
            ["true" if value is True else "false" if value is False else node(value) for value in values]
        )


class _StrCells(_Cells):
    def pieces(self, values: "Sequence[Any]", pieces: "Pieces") -> None:
        try:
            pieces += _str_pieces(values, self.step.nullable, self.node)
        except TypeError:  # one is no string
            super().pieces(values, pieces)


class _DatetimeCells(_Cells):
    def pieces(self, values: "Sequence[Any]", pieces: "Pieces") -> None:
        kind = self.node.type
        if self.node.utc_z or set(map(type, values)) != {kind}:
            super().pieces(values, pieces)
            return
        texts = list(map(kind.isoformat, values))
        if set(map(len, texts)) <= {19, 26, 25, 32}:  # naive, or an offset of whole minutes
            pieces += ['"', texts, '"']
        else:
            super().pieces(values, pieces)


class _OmittableCells:
    """A member that may be left out: its texts hold its key and a comma too."""

    def __init__(self, step: "Step", plan: "Plan", before: str, after: str) -> None:
        self.cells = _cells(step, plan)
        self.step = step
        self.empty = ("", "null") if step.omit_null else ("",)
        self.before = before
        self.after = after

    def pieces(self, values: "Sequence[Any]", pieces: "Pieces") -> None:
        there = [value for value in values if value is not ...] if self.step.omit_missing else values
        found: Pieces = []
        self.cells.pieces(there, found)
        texts = _row_texts(found, len(there))
        texts = ["" if text in self.empty else f"{self.before}{text}{self.after}" for text in texts]
        if len(there) < len(values):
            following = iter(texts)
            texts = ["" if value is ... else next(following) for value in values]
        pieces.append(texts)


class _ListCells(_Cells):
    """All elements of all lists are one column."""

    def __init__(self, step: "Step", plan: "Plan") -> None:
        super().__init__(step, plan)
        self.item = _cells(step.detail, plan)

    def pieces(self, values: "Sequence[Any]", pieces: "Pieces") -> None:
        if not set(map(type, values)) <= {list, tuple}:
            super().pieces(values, pieces)
            return
        lists = [tuple(value) for value in values]  # what other threads do to them is of no effect from here
        elements = list(chain.from_iterable(lists))
        if not elements:
            pieces += ["[]", [""] * len(lists)]
            return
        found: Pieces = []
        self.item.pieces(elements, found)
        fragments, texts = _sorted_pieces(found)
        if len(texts) != 1:
            fragments, texts = ["", ""], [_row_texts(found, len(elements))]
        before, after = fragments
        sizes = list(map(len, lists))
        joined = _join_groups(texts[0], sizes, f"{after},{before}")
        if 0 in sizes:
            pieces.append(
                [
                    f"[{before}{text}{after}]" if size else "[]"
                    for text, size in zip(joined, sizes, strict=True)
                ]
            )
        else:
            pieces += [f"[{before}", joined, f"{after}]"]


class _ObjectCells(_Cells):
    def __init__(self, step: "Step", plan: "Plan") -> None:
        super().__init__(step, plan)
        self.members = _Members(step.detail, False)
        self.columns: dict[str, _Columns] = {}

    def pieces(self, values: "Sequence[Any]", pieces: "Pieces") -> None:
        shape = _write_shape(values[0]) if len(set(map(type, values))) == 1 else None
        if shape not in ("sequence", "dict", "object"):  # by its type alone
            super().pieces(values, pieces)
            return
        columns = self.columns.get(shape)
        if columns is None:
            columns = self.columns[shape] = _Columns(self.node.reader, shape)
        self.members.write(iter(columns.of(values)), len(values), pieces)


class _Members:
    """The members of an object, side by side."""

    def __init__(self, plan: "Plan", flat: bool) -> None:
        steps = plan.steps
        first = next((index for index, step in enumerate(steps) if not step.omittable), len(steps))
        self.certain = first < len(steps)
        self.parts: list[tuple[str, Any]] = []
        for index, step in enumerate(steps):
            before = "," if index > first or not self.certain else ""
            after = "," if index < first and self.certain else ""
            if flat and _write_inlined(step):
                self.parts.append((before + step.fragment, _Members(step.detail, flat)))
            elif step.omittable:
                self.parts.append(("", _OmittableCells(step, plan, before + step.fragment, after)))
            elif step.kind == "constant":
                self.parts.append((before + step.fragment + step.detail, None))
            else:
                self.parts.append((before + step.fragment, _cells(step, plan)))

    def write(self, columns: "Iterator[Sequence[Any]]", count: int, pieces: "Pieces") -> None:
        """Takes as many columns as it needs."""
        found: Pieces = []
        for text, cells in self.parts:
            found.append(text)
            if isinstance(cells, _Members):
                cells.write(columns, count, found)
            elif cells is not None:
                values = next(columns) if cells.step.source is not None else [None] * count  # of a clock
                cells.pieces(values, found)
        if not self.certain:
            found = [[text[1:] for text in _row_texts(found, count)]]
        pieces += ["{", *found, "}"]


_KINDS: "dict[str, type[_Cells]]" = {
    "int": _IntCells,
    "float": _FloatCells,
    "str": _StrCells,
    "bool": _BoolCells,
    "datetime": _DatetimeCells,
    "list": _ListCells,
    "object": _ObjectCells,
}


def _cells(step: "Step", plan: "Plan") -> _Cells:
    plain = step.precision is None and not step.as_string
    return _KINDS.get(step.kind, _Cells)(step, plan) if plain else _Cells(step, plan)
