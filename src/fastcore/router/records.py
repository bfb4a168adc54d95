"""A batch of events, cut into the bytes of its records as it arrives, without reading them.

Cutting instead of parsing keeps a bad record from taking its neighbours along: what is wrong inside a record
is found when that record is evaluated, and reported in its place. Where the pieces of the body happen to end
makes no difference.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from .problems import Problem, refused

__all__ = ["ArrayCutter", "LineCutter", "Record"]

Record = bytes | Problem
"""A record, or why there is none in this place."""

_BLANK = b" \t\n\r"
_BLANKS = re.compile(rb"[ \t\n\r]*+")
# blanks after a record that count as part of it only beyond this many
_SLACK = 4_096
# so much of a record is kept to be looked at again as a whole, instead of being scanned piece by piece
_HELD = 4_096
_GUESSES = 4


class _Gathered:
    """The record that has begun, in parts, of which no more are kept than a record may have."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        if not self._size:
            part = part.lstrip(_BLANK)
        self._size += len(part)
        if self._size <= self._limit + _SLACK:
            self._parts.append(part)
        else:
            self._parts.clear()

    def take(self, part: bytes = b"") -> Record:
        """The record that ends with this part."""
        if self._size or len(part) > self._limit:
            self.add(part)
            part = b"".join(self._parts)
            too_long = self._size > self._limit + _SLACK
            self._parts.clear()
            self._size = 0
            if too_long or len(part.rstrip(_BLANK)) > self._limit:
                return Problem("limit-exceeded", f"an event may have at most {self._limit} bytes")
        return part.strip(_BLANK)


class LineCutter:
    """Cuts lines; those that are blank are no records.

    Parameters:
        limit: the most bytes of a record.
    """

    def __init__(self, limit: int) -> None:
        self._begun = _Gathered(limit)

    def feed(self, data: bytes) -> list[Record]:
        """The records that end in this piece of the body."""
        first, *lines = data.split(b"\n")
        if not lines:
            self._begun.add(first)
            return []
        last = lines.pop()
        take = self._begun.take
        records = [record for line in (first, *lines) if (record := take(line))]
        self._begun.add(last)
        return records

    def end(self) -> list[Record]:
        """The record that ends with the body."""
        last = self._begun.take()
        return [last] if last else []


class ArrayCutter:
    """Cuts the elements of a JSON array, each being the bytes between two commas of the outermost level.

    Of an object it is guessed that it ends where such a separator follows as stood before it; the guess is
    checked by the brackets in between, at the speed of ``bytes``; what does not fit is scanned token by
    token, with the same result. In both a backslash takes the next byte with it.

    What is left of an array that is not closed, and what follows its end, gives a Problem in its place:
    nothing is dropped in silence.

    Parameters:
        limit: the most bytes of a record.
    """

    def __init__(self, limit: int) -> None:
        self._begun = _Gathered(limit)
        self._state: Callable[[bytes, int], int | None] = self._open
        self._records: list[Record] = []
        self._count = 0
        self._held = b""
        self._offset = self._ended = 0
        self._whole = False
        self._depth = 0
        self._quoted = False
        self._separator = b""

    def feed(self, data: bytes) -> list[Record]:
        """The records that end in this piece of the body.

        Raises:
            Problem: "invalid-json": the body does not begin with ``[``.
        """
        return self._cut(self._held + data)

    def end(self) -> list[Record]:
        """The records that end with the body; errors as `feed`."""
        self._whole = True
        records = self._cut(self._held)
        if self._state == self._open:
            raise self._no_array(len(self._held))
        if self._state in (self._between, self._guess, self._scan):
            records.append(self._unclosed())
        return records

    def _cut(self, data: bytes) -> list[Record]:
        end = len(data)
        # what a backslash takes with it may be still to come
        if not self._whole and (end - len(data.rstrip(b"\\"))) % 2:
            end -= 1
        text = data if end == len(data) else data[:end]
        at = 0
        while at < end:
            after = self._state(text, at)
            if after is None:
                break
            at = after
        self._held = data[at:]
        self._offset += at
        records, self._records = self._records, []
        return records

    # The states: each goes on from an offset in the text and gives the offset where the next one does, or
    # None to wait for more.

    def _open(self, text: bytes, at: int) -> int:
        at = _after_blanks(text, at)
        if at == len(text):
            return at
        if text[at] != _BRACKET:
            raise self._no_array(at)
        self._state = self._between
        return at + 1

    def _between(self, text: bytes, at: int) -> int:
        start = at
        at = _after_blanks(text, at)
        if at < len(text):
            self._state = self._guess
            self._separator = b"}," + text[start : at + 1]
        return at

    def _guess(self, text: bytes, at: int) -> int | None:
        """Where the next object ends, if it is followed by what stood before this one."""
        start = end = at
        separator = self._separator
        guesses = 0
        while text[at] == _BRACE and guesses < _GUESSES:
            end = text.find(separator, end) + 1
            if not end:
                if self._whole or len(text) - at > _HELD:
                    break
                rest = text[at:].rstrip(_BLANK)
                if rest.endswith(b"},") and _is_object(rest[:-1]):  # the next one is still to come
                    self._add(self._begun.take(rest[:-1]))
                    self._state = self._between
                    return at + len(rest)
                return at if at > start else None
            if _is_object(text[at:end]):
                self._add(self._begun.take(text[at:end]))
                at = end = end + len(separator) - 2
                guesses = 0
            else:
                guesses += 1
        self._state = self._scan
        self._depth = 0
        return at

    def _scan(self, text: bytes, at: int) -> int:
        start = at
        if self._quoted:
            rest = _REST.match(text, at)
            assert rest is not None
            self._quoted = rest.lastindex is None
            at = rest.end()
        for token in _TOKEN.finditer(text, at):
            kind = text[token.start()]
            if kind in _OPENING:
                self._depth += token.lastindex is None
            elif kind in _CLOSING:
                self._depth -= 1
                if self._depth < 0:
                    return self._closed(text, start, token.start())
            elif kind == _COMMA and self._depth == 0:
                self._add(self._begun.take(text[start : token.start()]))
                self._state = self._between
                return token.end()
            elif kind == _QUOTE:
                self._quoted = token.lastindex is None
        self._begun.add(text[start:])
        return len(text)

    def _closed(self, text: bytes, start: int, end: int) -> int:
        """At the bracket that closes the array, or a brace in its place."""
        last = self._begun.take(text[start:end])
        if text[end] == _CLOSING_BRACE:
            self._records.append(self._unclosed())
            self._state = self._ignored
        else:
            if last or self._count:
                self._add(last)
            self._state = self._after
            self._ended = self._offset + end + 1
        return end + 1

    def _after(self, text: bytes, at: int) -> int:
        at = _after_blanks(text, at)
        if at < len(text):
            what = f"there is data after the end of the array, at offset {self._ended}"
            self._records.append(Problem("invalid-json", what))
            self._state = self._ignored
        return at

    def _ignored(self, text: bytes, at: int) -> int:
        return len(text)

    def _add(self, record: Record) -> None:
        self._records.append(record)
        self._count += 1

    def _no_array(self, at: int) -> Problem:
        offset = self._offset + at
        return refused("invalid-json", "body", "expected a JSON array of events", offset=offset)

    def _unclosed(self) -> Problem:
        after = f" after its element {self._count - 1}" if self._count else ""
        return Problem("invalid-json", f"the array is not closed{after}")


_BRACE, _CLOSING_BRACE, _BRACKET, _COMMA, _QUOTE = b'{}[,"'
_OPENING = b"[{"
_CLOSING = b"]}"

# A byte that a backslash takes with it; a string, with group 1 if it is closed; brackets without others in
# them, with group 2; or what opens, closes or separates.
_INSIDE = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_LEAF = rb'[^"\\\[\]{}]*+(?:(?:\\.|"' + _INSIDE + rb'")[^"\\\[\]{}]*+)*+'
_TOKEN = re.compile(
    rb'\\.|"' + _INSIDE + rb'(")?|[\[{]' + _LEAF + rb"([\]}])|[\[\]{},]",
    re.DOTALL,
)
_REST = re.compile(_INSIDE + rb'(")?', re.DOTALL)

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*+"')
_TEXT = bytes(set(range(256)) - set(b'"[]{}'))


def _after_blanks(text: bytes, at: int) -> int:
    found = _BLANKS.match(text, at)
    assert found is not None
    return found.end()


def _is_object(text: bytes) -> bool:
    """Whether brackets and strings are those of one object. False says nothing."""
    if b"\\" in text:
        text = _ESCAPE.sub(b"", text)
    shape = text.translate(None, _TEXT).replace(b'""', b"")
    if b'"' in shape:  # strings with brackets in them
        shape = _STRING.sub(b"", text).translate(None, _TEXT)
    return _known_shape(shape) if len(shape) <= _MAX_KNOWN else _is_nested(shape)


_MAX_KNOWN = 64


def _is_nested(shape: bytes) -> bool:
    if shape[:1] != b"{" or shape[-1:] != b"}" or len(shape) < 2:
        return False
    inner = shape[1:-1]
    for _ in range(16):
        if not inner:
            return True
        inner = inner.replace(b"{}", b"").replace(b"[]", b"")
    return False


_known_shape = lru_cache(256)(_is_nested)
