"""Rows to JSON bytes: the loop behind ``PayloadBuilder``.

The contract with the rest is a plan: ``fastcore.payloads.plan.Plan``, plain data. ``RowWriter(plan)`` writes
by it: ``build`` gives everything at once, ``open`` and ``fill`` chunks of whole rows, ``page`` an envelope.
This is the twin for an interpreter or a JIT: one function per way of reading a row, generated from the plan
(``writing_rows``). Rows that are all there are written column by column instead, in blocks
(``writing_blocks``), and that function says what is wrong with one that does not fit. ``_writing_c.pyx`` is
the twin for C; a row that it cannot write is given to the same function, so that the error is the same.
"""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import islice, repeat
from sys import implementation
from typing import TYPE_CHECKING, Any, NoReturn

from fastcore.errors import PayloadError
from fastcore.kernels.writing_blocks import BlockWriter, table_blocks
from fastcore.kernels.writing_columns import _write_table_rows
from fastcore.kernels.writing_rows import (
    _write_count,
    _write_iterable,
    _write_next,
    _write_surrogate,
    _WriteReader,
    write_one,
)
from fastcore.kernels.writing_values import WriteSingle, _write_shorten, _WriteMisfit, write_constant

if TYPE_CHECKING:
    from fastcore.kernels.writing_rows import RowFunction
    from fastcore.payloads.columns import Table
    from fastcore.payloads.plan import Plan

    ReadColumns = Callable[[Any], tuple[bool, Iterator[Table]]]

__all__ = ["RowWriter", "WriteProgress", "WriteSingle", "write_constant", "write_one"]

_BLOCK = 256
"""Rows whose texts wait to be joined: few enough that their memory is used again and again."""

_FEW = 8 if implementation.name == "pypy" else 48
"""Fewer rows cost less one by one."""


class WriteProgress:
    """Where one build is. It belongs to that build; nothing else refers to it.

    Attributes:
        done: every row has been written, or an error has been raised.
    """

    __slots__ = ("count", "done", "error", "iterator", "kind", "lines", "narrow", "separator", "write")

    def __init__(self, rows: Iterable[Any], lines: bool, kind: str | None) -> None:
        self.iterator: Iterator[Any] = iter(_write_iterable(rows))
        self.lines = lines
        self.separator = "\n" if lines else ","
        self.kind = kind
        self.write: RowFunction | None = None
        self.narrow = True
        self.count = 0
        self.error: Exception | None = None
        self.done = False

    def fail(self, error: Exception) -> NoReturn:
        self.iterator = iter(())
        self.error = None
        self.done = True
        raise error

    def told(self, error: Exception, ahead: int) -> Exception:
        """The error to raise for one that was met `ahead` rows after those that are counted."""
        if isinstance(error, _WriteMisfit):
            return PayloadError(self.count + ahead, error.path, error.expected, error.got)
        return error

    def opening(self) -> bytes:
        """What comes before the next row."""
        return b"" if self.lines else b"," if self.count else b"["


class RowWriter:
    """A plan made ready. It holds no state of a build.

    Parameters:
        plan: of the schema, with the policies of the builder.
    """

    __slots__ = ("reader", "writers")

    def __init__(self, plan: "Plan") -> None:
        self.reader = _WriteReader(plan)
        self.writers: dict[str, BlockWriter] = {}

    def open(self, rows: Iterable[Any], lines: bool, kind: str | None = None) -> WriteProgress:
        """Start a build.

        Parameters:
            rows: any iterable of rows.
            lines: end every row with a newline instead of writing an array.
            kind: how rows are read (``"sequence"``, ``"flat"``, …); None: the first row decides.
        """
        return WriteProgress(rows, lines, kind)

    def open_columns(self, columns: Any, lines: bool, read: "ReadColumns") -> WriteProgress:
        """Start a build of columns.

        Parameters:
            columns: as the user gave them. The C twin reads the usual ones, a dict of lists, ranges and
                arrays of numbers, itself.
            lines: as of ``open``.
            read: gives of columns whether every object whose members a flat row holds side by side is a
                struct that is never null, and the tables: rows and their columns.
        """
        flat, tables = read(columns)
        rows = _write_table_rows(self.reader.plan, tables, flat)
        return WriteProgress(rows, lines, "flat" if flat else "sequence")

    def fill(self, progress: WriteProgress, limit: int) -> bytes:
        """Write rows until they are `limit` bytes or more, or there are no more rows.

        An error after good rows is kept for the next call, so that every row before it is given out. Brackets
        of an array count as part of the rows beside them.
        """
        if progress.error is not None:
            progress.fail(progress.error)
        if progress.done:
            return b""
        parts: list[bytes] = []
        size = 0
        try:
            for row in progress.iterator:
                part = _encoded(self.choose(progress, row)(row))
                parts.append(part)
                size += len(part) + 1
                if size >= limit:
                    break
            else:
                progress.done = True
        except Exception as met:
            error = progress.told(met, len(parts))
            if not parts:
                progress.fail(error)
            progress.error = error
        opening = progress.opening()
        progress.count += len(parts)
        if progress.lines:
            parts.append(b"")
            return b"\n".join(parts)
        closing = b"]" if progress.done else b""
        return opening * (progress.count == 0 or bool(parts)) + b",".join(parts) + closing

    def build(self, rows: Iterable[Any], lines: bool, kind: str | None = None) -> bytes:
        """All rows; an error is raised at once. Parameters as of ``open``."""
        progress = WriteProgress(rows, lines, kind)
        result = BytesIO()  # one growing buffer, which becomes the result without a copy
        if (
            type(rows) is list or type(rows) is tuple
        ):  # another iterable may change a row when it gives the next
            self.write_rows(progress, result, islice(progress.iterator, 1))
            while block := rows[progress.count : progress.count + _BLOCK]:
                data = None
                if len(block) >= _FEW:
                    data = self.blocks(progress).rows(block, progress.separator)
                if data is None:
                    self.write_rows(progress, result, iter(block))
                else:
                    self.write(progress, result, data, len(block))
        else:
            self.write_rows(progress, result, progress.iterator)
        return self.closed(progress, result)

    def build_columns(self, columns: Any, lines: bool, read: "ReadColumns") -> bytes:
        """All rows of columns. Parameters as of ``open_columns``."""
        flat, tables = read(columns)
        progress = WriteProgress((), lines, "flat" if flat else "sequence")
        result = BytesIO()
        for count, block in table_blocks(self.reader.plan, tables, flat, _BLOCK):
            data = None
            if count >= _FEW:
                data = self.blocks(progress).columns(block, count, progress.separator)
            if data is None:
                self.write_rows(progress, result, zip(*block, strict=True) if block else repeat((), count))
            else:
                self.write(progress, result, data, count)
        return self.closed(progress, result)

    def write(self, progress: WriteProgress, result: BytesIO, data: bytes, count: int) -> None:
        result.write(progress.opening())
        result.write(data)
        progress.count += count

    def write_rows(self, progress: WriteProgress, result: BytesIO, rows: Iterator[Any]) -> None:
        """Rows one by one."""
        more = True
        while more:
            texts: list[str] = []
            error: Exception | None = None
            try:
                for row in rows:
                    texts.append(self.choose(progress, row)(row))
                    break
                write = progress.write
                if write is not None:
                    for row in islice(rows, _BLOCK):
                        texts.append(write(row))  # noqa: PERF401 - their count says which one failed
            except Exception as met:
                error = met
            if texts:
                self.write(progress, result, self.joined(progress, texts), len(texts))
            if error is not None:
                progress.fail(progress.told(error, 0))
            more = len(texts) > _BLOCK

    def closed(self, progress: WriteProgress, result: BytesIO) -> bytes:
        if not progress.lines:
            result.write(b"]" if progress.count else b"[]")
        return result.getvalue()

    def page(self, items: Any, total: int | None, page: int | None, next: str | None) -> bytes:
        """An envelope around rows, or around JSON that is there already (bytes).

        Parameters:
            items: rows as of ``open``, or bytes.
            total, page, next: as of ``PayloadBuilder.page``.

        Raises:
            PayloadError: a row does not fit, or one of the others has another type.
        """
        fragment = items if isinstance(items, bytes) else self.build(items, False)
        if not fragment:
            raise PayloadError(None, "items", "rows or JSON", "nothing")
        counts = _write_count("total", total), _write_count("page", page), _write_next(next)
        return b'{"items":%b,"total":%b,"page":%b,"next":%b}' % (fragment, *counts)

    def joined(self, progress: WriteProgress, texts: list[str]) -> bytes:
        """The bytes of a block; a row that cannot be encoded is found in it.

        One wide character widens all that it is joined with, and that is slow to encode: after the first such
        block every row is encoded by itself.
        """
        if progress.narrow:
            text = ("\n" if progress.lines else ",").join(texts)
            if text.isascii():
                return (text + "\n" if progress.lines and texts else text).encode()
            progress.narrow = False
        parts: list[bytes] = []
        try:
            for text in texts:
                parts.append(text.encode())  # noqa: PERF401 - their count says which one failed
        except UnicodeEncodeError:
            try:
                _write_surrogate(texts[len(parts)])
            except _WriteMisfit as misfit:
                progress.fail(progress.told(misfit, len(parts)))
        if progress.lines and parts:
            parts.append(b"")
        return (b"\n" if progress.lines else b",").join(parts)

    def choose(self, progress: WriteProgress, row: Any) -> "RowFunction":
        """The function for the rows of a build, by its first row."""
        if progress.write is None:
            reader = self.reader
            kind = progress.kind or reader.kind(row)
            if kind is None:
                raise _WriteMisfit("", "a row: a tuple, list, mapping or object", _write_shorten(row))
            if kind == "sequence" and progress.kind is None and len(row) == reader.flat_width != reader.width:
                kind = "flat"
            progress.kind = "dict" if kind in ("mapping", "record") else kind
            progress.write = reader.function(progress.kind)
        return progress.write

    def blocks(self, progress: WriteProgress) -> BlockWriter:
        """What writes the rows of a build column by column."""
        kind = progress.kind or "sequence"
        writer = self.writers.get(kind)
        if writer is None:
            writer = self.writers[kind] = BlockWriter(self.reader, kind)
        return writer


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        _write_surrogate(text)
