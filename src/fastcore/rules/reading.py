"""JSON text to Python values by RFC 8259 to the letter: what `json` lets pass is refused, with its offset."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from fastcore.errors import EventError

__all__ = ["MAX_DEPTH", "read_document", "read_event", "read_json", "too_deep"]

MAX_DEPTH: Final = 128
"""How deep arrays and objects of an event may nest, unless the caller says otherwise."""

BLANK: Final = " \t\r\n"
STRING_OR: Final = r'"[^"\\]*(?:\\.[^"\\]*)*"'
BRACKETS: Final = re.compile(STRING_OR + r"|[\[\]{}]", re.DOTALL)
CONSTANTS: Final = re.compile(STRING_OR + r"|NaN|-?Infinity", re.DOTALL)
INTEGERS: Final = re.compile(STRING_OR + r"|-?[0-9]{4301,}", re.DOTALL)


class _ConstantError(Exception):
    """`json` met NaN or an infinity."""


def _refuse_constant(name: str) -> NoReturn:
    raise _ConstantError(name)


_decoder: Final[Any] = json.JSONDecoder(parse_constant=_refuse_constant)


if sys.implementation.name == "pypy":

    def _decode_directly(text: str) -> Any:
        # the hook for constants would cost it its fast decoder
        if "NaN" in text or "Infinity" in text:
            raise ValueError
        return json.loads(text)

else:

    def _decode_directly(text: str) -> Any:
        """What a valid text holds; of others no more is said than that they raise an error."""
        value, end = _decoder.scan_once(text, 0)
        if end != len(text):
            raise ValueError
        return value


def read_event(body: bytes | bytearray | memoryview | str, depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The object that a JSON text holds; of duplicate keys the last wins.

    Parameters:
        body: UTF-8 bytes, or text.
        depth: how deep arrays and objects may nest.

    Raises:
        EventError: it is not JSON, or no object; `offset` counts bytes, or characters if `body` is a str.
        TypeError: `body` is neither.
    """
    text = _text(body)
    event = None
    # each of these opens at most one level
    if text.count("[") + text.count("{") <= depth:
        try:
            event = _decode_directly(text.strip(BLANK))
        except (ValueError, StopIteration, _ConstantError):
            event = None  # what is wrong, and where, is found out below
    if type(event) is not dict:
        event = _read_carefully(body, text, depth, _decoder.decode)
    if not isinstance(event, dict):
        kind = "null" if event is None else KINDS[type(event)]
        raise EventError(f"an event is a JSON object, not {kind}", len(text) - len(text.lstrip(BLANK)))
    return event


KINDS: Final = {list: "an array", str: "a string", int: "a number", float: "a number", bool: "a boolean"}


def read_document(
    body: bytes | bytearray | memoryview | str, depth: int
) -> tuple[Any, list[tuple[str, str]]]:
    """A JSON text in which an object with two equal keys is an error: pairs of path and message tell
    where."""
    doubled: list[tuple[dict[str, Any], str]] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            keys = [key for key, _ in items]
            doubled.extend((found, key) for key in found if keys.count(key) > 1)
        return found

    decode = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=pairs).decode
    document = read_json(body, depth, decode)
    if not doubled:
        return document, []
    paths = {id(value): path for path, value in _walk(document)}
    # an object that is itself the earlier value of a doubled key is no longer in the document
    return document, [
        (paths[id(holder)], f"the key {json.dumps(key)} occurs twice")
        for holder, key in doubled
        if id(holder) in paths
    ]


def _walk(document: Any) -> Iterator[tuple[str, Any]]:
    pending = [("", document)]
    while pending:
        path, value = pending.pop()
        yield path, value
        if isinstance(value, dict):
            pending.extend((f"{path}.{key}" if path else key, member) for key, member in value.items())
        elif isinstance(value, list):
            pending.extend((f"{path}[{index}]", member) for index, member in enumerate(value))


def read_json(body: Any, depth: int, decode: Any) -> Any:
    """Decodes strictly; the errors as `read_event`."""
    return _read_carefully(body, _text(body), depth, decode)


def _text(body: Any) -> str:
    if isinstance(body, str):
        return body
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError(f"JSON text is bytes or str, not {type(body).__name__}")
    try:
        # not str(body, "utf-8"): PyPy's lets encoded surrogates pass
        return bytes(body).decode("utf-8")
    except UnicodeDecodeError as error:
        raise EventError(f"not UTF-8: {error.reason}", error.start) from None


def _read_carefully(body: Any, text: str, depth: int, decode: Any) -> Any:
    if text.startswith("\ufeff"):
        raise EventError("a byte order mark is not allowed", 0)
    if text.count("[") + text.count("{") > depth:
        position = too_deep(text, depth)
        if position is not None:
            _refuse(f"nested deeper than {depth} levels", body, text, position)
    try:
        return decode(text)
    except json.JSONDecodeError as error:
        _refuse(error.msg, body, text, error.pos)
    except _ConstantError as error:
        _refuse(f"{error} is not JSON", body, text, _find(CONSTANTS, text))
    except ValueError:
        _refuse("an integer of more than 4300 digits", body, text, _find(INTEGERS, text))


def _refuse(message: str, body: object, text: str, position: int) -> NoReturn:
    offset = position if isinstance(body, str) else len(text[:position].encode("utf-8"))
    raise EventError(message, offset) from None


def _find(pattern: re.Pattern[str], text: str) -> int:
    return next((match.start() for match in pattern.finditer(text) if match[0][0] != '"'), 0)


def too_deep(text: str, depth: int) -> int | None:
    level = 0
    for match in BRACKETS.finditer(text):
        token = match[0]
        if token in "[{":
            level += 1
            if level > depth:
                return match.start()
        elif token in "]}":
            level -= 1
    return None
