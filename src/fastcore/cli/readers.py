"""Events from lines of JSON, and what all readers share.

A reader works on the input as it arrives, in memory that does not grow with it. It yields lists of
``(line, event)``, where ``line`` is the number of the line on which the record starts. What cannot be read
comes as a BadRecord in its place, and the reader goes on behind it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastcore.errors import EventError
from fastcore.rules.reading import read_event

__all__ = ["BadRecord", "Batch", "bad_record", "numbered_lines", "parse_event", "read_ndjson", "too_long"]


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that is not an event.

    Attributes:
        reason: what is wrong with it.
        text: how it begins.
    """

    reason: str
    text: str = ""


Batch = list[tuple[int, dict[str, object] | BadRecord]]
_SHOWN = 200
_BLANK = b" \t\r"


def bad_record(reason: str, data: bytes) -> BadRecord:
    return BadRecord(reason, data[: 4 * _SHOWN].decode("utf-8", "replace").rstrip("\r")[:_SHOWN])


def too_long(limit: int, data: bytes) -> BadRecord:
    return bad_record(f"longer than {limit:,} bytes", data)


def parse_event(data: bytes) -> dict[str, object] | BadRecord:
    """The object that JSON text holds."""
    try:
        return read_event(data)
    except EventError as error:
        return bad_record(str(error), data)
    except RecursionError:
        return bad_record("nested too deeply", data)


def read_ndjson(chunks: Iterable[bytes], *, limit: int) -> Iterator[Batch]:
    """One JSON object per line; lines of white space are not records.

    Parameters:
        chunks: the input.
        limit: of a line, in bytes.
    """
    for lines in numbered_lines(chunks, limit):
        yield [
            (number, line if isinstance(line, BadRecord) else parse_event(line))
            for number, line in lines
            if isinstance(line, BadRecord) or line.strip(_BLANK)
        ]


def numbered_lines(chunks: Iterable[bytes], limit: int) -> Iterator[list[tuple[int, bytes | BadRecord]]]:
    """Numbered lines without their ends; of one that is too long, nothing is kept but how it begins."""
    number, rest = 1, b""
    overlong: BadRecord | None = None
    for chunk in chunks:
        lines = chunk.split(b"\n")
        lines[0] = rest + lines[0]
        rest = lines.pop()
        found: list[tuple[int, bytes | BadRecord]] = []
        for line in lines:
            if overlong is not None:
                found.append((number, overlong))
                overlong = None
            else:
                found.append((number, line if len(line) <= limit else too_long(limit, line)))
            number += 1
        if overlong is None and len(rest) > limit:
            overlong = too_long(limit, rest)
        if overlong is not None:
            rest = b""
        if found:
            yield found
    if overlong is not None:
        yield [(number, overlong)]
    elif rest:
        yield [(number, rest if len(rest) <= limit else too_long(limit, rest))]
