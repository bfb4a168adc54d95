"""Documents as plain JSON values that nobody else holds a part of.

What is JSON already, as most documents are, is written as text and read again, which is faster than copying
it and gives the canonical text besides; a rule at a time, so that there is never a second document in memory.
All else (mappings and sequences of other types, dates, and whatever is wrong) is copied value by value.
"""

import json
import math
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Any, Final

from . import reading
from .language import MAX_DEPTH
from .lists import SCALARS
from .text import DocumentText, canonical
from .trees import quote

__all__ = ["DOCUMENT_DEPTH", "MAX_VALUES", "NotPlainError", "PlainCopy", "PlainText", "text_of"]

DOCUMENT_DEPTH: Final = 2 * MAX_DEPTH + 32
CLOSE: Final = DOCUMENT_DEPTH - 4
MAX_VALUES: Final = 20_000_000
MAX_DIGITS: Final = 4000
IN_CONDITION: Final = re.compile(r"rules\[[0-9]+\]\.when\b")
DIGITS: Final = re.compile(f"[0-9]{{{MAX_DIGITS}}}")

Errors = list[tuple[str, str]]

_decode = json.JSONDecoder().raw_decode


class NotPlainError(Exception):
    """A document that is not plain JSON, or so large that its limits must be looked at closely."""


class PlainText:
    """A document of plain JSON values, taken apart.

    Attributes:
        document: everything but the rules, copied; `rules` is empty.

    Raises:
        NotPlainError: at once or while its rules are read, if it is to be copied value by value.
    """

    def __init__(self, document: object) -> None:
        if type(document) is not dict or type(document.get("rules")) is not list:
            raise NotPlainError
        rest = dict(document)
        self._given: list[Any] = rest.pop("rules")
        lists = rest.pop("lists", None)
        if lists is not None and type(lists) is not dict:
            raise NotPlainError
        self._parts: dict[str, bytes] = {}
        try:
            self.document: dict[str, Any] = {"rules": []}
            for key, value in rest.items():
                part = canonical(value)
                self.document[key] = _read(part, 0, value)[0]
                self._parts[key] = part.encode("utf-8")
            self._lists = None if lists is None else {name: list_text(lists[name]) for name in lists}
            if lists is not None:
                self.document["lists"] = {name: list(values) for name, values in lists.items()}
            # one by one, so that other threads get their turns
            self._rules = f"[{','.join([canonical(rule) for rule in self._given])}]"
            self._parts["rules"] = self._rules.encode("utf-8")
        except (TypeError, ValueError, RecursionError):
            raise NotPlainError from None
        if not all(type(key) is str for key in rest):
            raise NotPlainError
        if self._rules.count(",") + 2 * len(self._given) > MAX_VALUES:
            raise NotPlainError
        self._starts: list[int] = []

    def rules(self) -> Iterator[Any]:
        """The rules, one after the other, as fresh values."""
        position = 1
        for given in self._given:
            self._starts.append(position)
            rule, end = _read(self._rules, position, given)
            position = end + 1
            yield rule
        self._starts.append(position)

    def text(self) -> DocumentText:
        """The canonical text, once all rules were read."""
        return DocumentText(self._parts, self._lists, offsets(self._rules, self._starts))


def _read(text: str, position: int, given: Any) -> tuple[Any, int]:
    """The value that begins there, and where it ends; it must be what was given, and within the limits."""
    try:
        value, end = _decode(text, position)
        if value != given:  # a key that was no string, a tuple
            raise NotPlainError
    except (ValueError, RecursionError):
        raise NotPlainError from None
    brackets = text.count("[", position, end) + text.count("{", position, end)
    # a few levels less, for those around it
    if brackets > CLOSE and reading.too_deep(text[position:end], CLOSE) is not None:
        raise NotPlainError
    if end - position > MAX_DIGITS and DIGITS.search(text, position, end):
        raise NotPlainError
    return value, end


def list_text(values: Any) -> bytes:
    """The text of a named list of plain values."""
    if type(values) is not list or not SCALARS.issuperset(map(type, values)) or len(values) > MAX_VALUES // 2:
        raise NotPlainError
    try:
        text = canonical(values)
        encoded = text.encode("utf-8")
    except ValueError:
        raise NotPlainError from None
    if int in set(map(type, values)) and DIGITS.search(text):
        raise NotPlainError
    return encoded


def offsets(text: str, starts: list[int]) -> "array[int]":
    """Positions of characters as positions of bytes in UTF-8."""
    if text.isascii():
        return array("Q", starts)
    lengths = (len(text[start:end].encode("utf-8")) for start, end in zip([0, *starts], starts, strict=False))
    return array("Q", accumulate(lengths))


def text_of(document: Mapping[str, Any]) -> DocumentText:
    """The canonical text of a document of plain values."""
    parts = {key: canonical(value).encode("utf-8") for key, value in document.items() if key != "lists"}
    rules = [canonical(rule) for rule in document["rules"]]
    starts = list(accumulate((len(rule.encode("utf-8")) + 1 for rule in rules), initial=1))
    lists = document.get("lists")
    texts = None if lists is None else {name: canonical(lists[name]).encode("utf-8") for name in lists}
    return DocumentText(parts, texts, array("Q", starts))


@dataclass(slots=True)
class PlainCopy:
    """Copies a document to plain JSON values, so that nobody else holds a part of it."""

    errors: Errors
    count: int = 0

    def copy(self, value: Any, path: str, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_VALUES or depth > DOCUMENT_DEPTH:
            limit = f"nested deeper than {DOCUMENT_DEPTH} levels"
            if self.count > MAX_VALUES:
                limit = f"more than {MAX_VALUES} values"
                if self.count > MAX_VALUES + 1:
                    return None
            return self._error(path, limit)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, int):
            return (
                int(value)
                if value.bit_length() < 14000
                else self._error(path, "an integer too long for JSON")
            )
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else self._error(path, f"{value} is not JSON")
        if isinstance(value, Mapping):
            return self._object(value, path, depth)
        if isinstance(value, (list, tuple)):
            return [self.copy(member, f"{path}[{index}]", depth + 1) for index, member in enumerate(value)]
        if isinstance(value, (datetime, date)):
            text = value.isoformat()
            literal = "datetime" if isinstance(value, datetime) else "date"
            return {literal: text} if IN_CONDITION.match(path) else text
        return self._error(path, f"{type(value).__name__} is not a type of JSON")

    def _object(self, value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        found = {}
        for key, member in value.items():
            if isinstance(key, str):
                found[self._text(key, path)] = self.copy(member, f"{path}.{key}" if path else key, depth + 1)
            else:
                self._error(path, f"the key {quote(key)} is not a string")
        return found

    def _text(self, value: str, path: str) -> str:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            self._error(path, "a string with a lone surrogate, which is not Unicode text")
            return ""
        return str(value)

    def _error(self, path: str, message: str) -> None:
        self.errors.append((path, message))
