"""Rows of CSV as events."""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from .readers import BadRecord, Batch, bad_record, numbered_lines
from .sources import SourceError

__all__ = ["read_csv"]

MakeEvent = Callable[[list[str]], dict[str, object] | BadRecord]


def read_csv(
    chunks: Iterable[bytes], columns: Callable[[list[str]], MakeEvent], *, delimiter: str, limit: int
) -> Iterator[Batch]:
    """The rows of a CSV file with a header; blank lines are not records.

    A quote that is never closed costs one line, not the rest of the file: where a record of several lines
    turns out to be none, its first line is bad and the next is read anew.

    Parameters:
        chunks: the input.
        columns: given the names in the header, returns what makes an event of a row's values.
        delimiter: between values.
        limit: of a record, in bytes.

    Raises:
        SourceError: the header cannot be used; also what `columns` raises.
    """
    lines = _PendingLines(numbered_lines(chunks, limit))
    header = _read_header(lines, delimiter, limit)
    if header is None:
        return
    make_event, width = columns(header), len(header)
    batch: Batch = []
    while True:
        if not lines.pending:
            if batch:
                yield batch
                batch = []
            if not lines.refill():
                return
        number, line = lines.take()
        if isinstance(line, BadRecord):
            batch.append((number, line))
            continue
        row = _parse_row(number, line, lines, delimiter, limit, width)
        if row is not None:
            batch.append((number, row if isinstance(row, BadRecord) else make_event(row)))


class _PendingLines:
    def __init__(self, batches: Iterator[list[tuple[int, bytes | BadRecord]]]) -> None:
        self.batches = batches
        self.pending: deque[tuple[int, bytes | BadRecord]] = deque()
        self.take = self.pending.popleft

    def refill(self) -> bool:
        self.pending.extend(next(self.batches, ()))
        return bool(self.pending)

    def put_back(self, lines: list[tuple[int, bytes | BadRecord]]) -> None:
        self.pending.extendleft(reversed(lines))


def _read_header(lines: _PendingLines, delimiter: str, limit: int) -> list[str] | None:
    while lines.pending or lines.refill():
        number, line = lines.take()
        row = line if isinstance(line, BadRecord) else _parse_row(number, line, lines, delimiter, limit, 0)
        if isinstance(row, BadRecord):
            raise SourceError(f"the header of the CSV input cannot be read: {row.reason}")
        if row is not None:
            return row
    return None


def _parse_row(
    number: int, line: bytes, lines: _PendingLines, delimiter: str, limit: int, width: int
) -> list[str] | BadRecord | None:
    """The values of the row that starts with a line; None for a blank one. Width 0 takes any number."""
    if b'"' not in line:
        line = line.removesuffix(b"\r")
        if not line:
            return None
        try:
            cells = line.decode("utf-8").split(delimiter)
        except UnicodeDecodeError as error:
            return bad_record(f"not UTF-8 at byte {error.start}", line)
        return bad_record(_wrong_width(cells, width), line) if width and len(cells) != width else cells
    taken: list[tuple[int, bytes | BadRecord]] = []
    row: list[str] = []
    try:
        row = next(csv.reader(_row_lines(line, lines, taken, limit), delimiter=delimiter, strict=True))
        reason = _wrong_width(row, width) if width and len(row) != width else ""
    except csv.Error as error:
        reason = f"not CSV: {error}"
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 at byte {error.start}"
    if not reason:
        return row
    lines.put_back(taken)
    return bad_record(reason, line)


def _row_lines(
    line: bytes, lines: _PendingLines, taken: list[tuple[int, bytes | BadRecord]], limit: int
) -> Iterator[str]:
    """The lines that the CSV parser asks for; those after the first are noted in `taken`."""
    yield line.decode("utf-8") + "\n"
    size = len(line)
    while size <= limit and (lines.pending or lines.refill()):
        following = lines.take()
        taken.append(following)
        if isinstance(following[1], BadRecord):
            return
        size += len(following[1])
        yield following[1].decode("utf-8") + "\n"


def _wrong_width(row: list[str], width: int) -> str:
    return f"{len(row)} value{'s' * (len(row) != 1)}, but the header names {width}"
