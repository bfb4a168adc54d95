"""The elements of a JSON array as events, without reading the array as a whole."""

import re
from collections.abc import Iterable, Iterator

from .readers import BadRecord, Batch, bad_record, parse_event, too_long

__all__ = ["read_json"]

# Runs of what does not matter for finding the end of a record: complete strings, and everything but brackets
# (and, between the elements of the array, commas). They stop before the quote of an incomplete string.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_IN_ARRAY = re.compile(rb'[^"\[\]{},]*+(?:' + _STRING + rb'[^"\[\]{},]*+)*+', re.DOTALL)
_IN_RECORD = re.compile(rb'[^"\[\]{}]*+(?:' + _STRING + rb'[^"\[\]{}]*+)*+', re.DOTALL)
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_QUOTE, _BACKSLASH, _COMMA = b'"\\,'


def read_json(chunks: Iterable[bytes], *, limit: int) -> Iterator[Batch]:
    """The elements of a JSON array, or one JSON object.

    Only the ends of the elements are looked for, and each is parsed by itself, so that a bad one does not
    spoil the others. One that leaves a bracket or a string open takes with it what follows.

    Parameters:
        chunks: the input.
        limit: of a record, in bytes.
    """
    splitter = _Splitter(limit)
    for chunk in chunks:
        if batch := splitter.feed(chunk):
            yield batch
    if batch := splitter.finish():
        yield batch


class _Splitter:
    """Finds the records of a JSON text that comes in pieces, in time linear in its length.

    `state` goes from "before" to "array" or "object", then to "after", and to "refused" where text is found
    that belongs to neither.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.state = "before"
        self.buffer = b""
        self.start = 0  # of the record
        self.at = 0  # what is before this was looked at
        self.counted = 0  # line ends before this are in `line`
        self.line = 1
        self.depth = 0
        self.closing = 0  # the bracket that ends the text
        self.in_string = False
        self.elements = 0
        self.overlong: tuple[int, BadRecord] | None = None  # what is kept of a record that is too long
        self.found: Batch = []

    def feed(self, chunk: bytes) -> Batch:
        if self.state == "refused":
            return []
        self._forget(self.start)
        self.buffer += chunk
        if self.state == "before":
            self._begin()
        while self.depth and (at := self._next()) >= 0:
            self._handle(at, self.buffer[at])
        if self.state == "after":
            self._refuse_text("text after the end of the JSON")
        elif self.depth and self.at - self.start > self.limit:
            self._skip()
        return self._hand_over()

    def finish(self) -> Batch:
        """The end of the input: what is left of a record, and that the end is missing."""
        if self.depth:
            if self.overlong is not None or self.buffer[self.start :].strip():
                self._end_record(len(self.buffer))
            if self.state == "array":
                self._add(BadRecord("the JSON array is not closed: the input is cut off"))
        return self._hand_over()

    def _hand_over(self) -> Batch:
        found, self.found = self.found, []
        return found

    def _add(self, event: dict[str, object] | BadRecord) -> None:
        self.found.append((self.line, event))

    def _forget(self, count: int) -> None:
        self._count_lines(count)
        self.buffer = self.buffer[count:]
        self.start -= count
        self.at -= count
        self.counted -= count

    def _count_lines(self, end: int) -> None:
        self.line += self.buffer.count(b"\n", self.counted, end)
        self.counted = end

    def _skip_blanks(self) -> bool:
        """Moves the start to the first character that is not white space; whether there is one."""
        self.start = len(self.buffer) - len(self.buffer[self.start :].lstrip())
        self._count_lines(self.start)
        return self.start < len(self.buffer)

    def _refuse_text(self, reason: str) -> None:
        if self._skip_blanks():
            self._add(bad_record(reason, self.buffer[self.start :]))
            self.state, self.buffer = "refused", b""

    def _begin(self) -> None:
        if not self._skip_blanks():
            return
        first = self.buffer[self.start]
        if first not in b"[{":
            self._refuse_text("neither a JSON array nor an object")
            return
        self.depth, self.at = 1, self.start + 1
        if first == ord("["):
            self.state, self.closing, self.start = "array", ord("]"), self.at
        else:
            self.state, self.closing = "object", ord("}")

    def _next(self) -> int:
        """Position of the next bracket, or comma of the array; -1 where more input is needed."""
        buffer, length = self.buffer, len(self.buffer)
        while True:
            if self.in_string:
                self.at = _end(_IN_STRING, buffer, self.at)
                if self.at == length or buffer[self.at] == _BACKSLASH:
                    return -1
                self.in_string = False
                self.at += 1
            between = self.depth == 1 and self.state == "array"
            self.at = _end(_IN_ARRAY if between else _IN_RECORD, buffer, self.at)
            if self.at == length:
                return -1
            self.at += 1
            if buffer[self.at - 1] != _QUOTE:
                return self.at - 1
            self.in_string = True

    def _handle(self, at: int, byte: int) -> None:
        if byte == _COMMA:
            self._end_record(at)
            self.start = at + 1
        elif byte in b"[{":
            self.depth += 1
        elif self.depth > 1:
            self.depth -= 1
        elif byte == self.closing:  # any other belongs to a bad record
            self._close(at)

    def _close(self, at: int) -> None:
        if self.state == "object":
            self._end_record(at + 1)
        elif self.elements or self.overlong is not None or self.buffer[self.start : at].strip():
            self._end_record(at)
        self.state, self.depth, self.start = "after", 0, at + 1

    def _end_record(self, end: int) -> None:
        """Takes the record that ends before `end`; an empty one is an error: a comma is next to it."""
        self.elements += 1
        text = self.buffer[self.start : end]
        if self.overlong is not None:
            self.found.append(self.overlong)
            self.overlong = None
            return
        lead = len(text) - len(text.lstrip())
        self._count_lines(self.start + lead)
        if lead == len(text):
            self._add(BadRecord("a comma without a record"))
        elif len(text) > self.limit:
            self._add(too_long(self.limit, text[lead:]))
        else:
            self._add(parse_event(text))

    def _skip(self) -> None:
        """Drops the part of a record that is too long already."""
        text = self.buffer[self.start :].lstrip()
        if self.overlong is None and text:
            self._count_lines(len(self.buffer) - len(text))
            self.overlong = self.line, too_long(self.limit, text)
        self.start = self.at


def _end(pattern: re.Pattern[bytes], buffer: bytes, start: int) -> int:
    match = pattern.match(buffer, start)
    assert match is not None  # the patterns match the empty text
    return match.end()
