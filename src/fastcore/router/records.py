"""A batch of events, cut into the bytes of its records without reading them.

Cutting instead of parsing keeps a bad record from taking its neighbours along: what is wrong inside a record
is found when that record is evaluated, and reported in its place.
"""

import re
from collections.abc import Iterator
from itertools import islice

from .problems import refused

__all__ = ["Broken", "array_records", "batches", "line_records"]

# a string (an unclosed one runs to the end), or what opens, closes or separates
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
_BLANK = b" \t\n\r"


class Broken(str):
    """Stands in the place of a record that could not be cut out, and says why."""

    __slots__ = ()


def line_records(body: bytes) -> Iterator[bytes]:
    """The lines of a body that are not blank."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start)
        if end < 0:
            end = len(body)
        line = body[start:end].strip(_BLANK)
        if line:
            yield line
        start = end + 1


def array_records(body: bytes) -> Iterator[bytes | Broken]:
    """The elements of a JSON array, each as the bytes between two commas of the outermost level.

    What is left of an array that is not closed, and what follows its end, is a Broken: nothing is dropped in
    silence.

    Raises:
        Problem: "invalid-json": the body does not begin with ``[``.
    """
    at = len(body) - len(body.lstrip(_BLANK))
    if body[at : at + 1] != b"[":
        raise refused("invalid-json", "body", "expected a JSON array of events", offset=at)
    return _elements(body, at + 1)


def _elements(body: bytes, start: int) -> Iterator[bytes | Broken]:
    depth = count = 0
    for token in _TOKEN.finditer(body, start):
        kind = token.group()
        if kind == b"," and depth == 0:
            yield body[start : token.start()].strip(_BLANK)
            start = token.end()
            count += 1
        elif kind in (b"[", b"{"):
            depth += 1
        elif kind in (b"]", b"}"):
            depth -= 1
            if depth < 0 and kind == b"}":
                break
            if depth < 0:
                yield from _last(body[start : token.start()].strip(_BLANK), count, body, token.end())
                return
    after = f" after its element {count - 1}" if count else ""
    yield Broken(f"the array is not closed{after}")


def _last(element: bytes, count: int, body: bytes, end: int) -> Iterator[bytes | Broken]:
    if element or count:
        yield element
    if body[end:].strip(_BLANK):
        yield Broken(f"there is data after the end of the array, at offset {end}")


def batches(records: Iterator[bytes | Broken], size: int) -> Iterator[list[bytes | Broken]]:
    """The records, `size` at a time."""
    while batch := list(islice(records, size)):
        yield batch
