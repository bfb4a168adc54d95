"""The members of a JSON object, cut out without reading them: each keeps its own text, limits and errors."""

import json
import re
from typing import NoReturn

from fastcore.router.problems import echo, refused

__all__ = ["members"]

# a string (an unclosed one runs to the end), or what opens, closes or separates
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
_KEY = re.compile(rb'[ \t\r\n]*("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\r\n]*:', re.DOTALL)
_BLANK = b" \t\r\n"


def members(body: bytes, allowed: tuple[str, ...]) -> dict[str, bytes]:
    """The text of each member of the object that a body is; whether that text is JSON is not looked at.

    Parameters:
        body: of a request.
        allowed: the keys that it may have.

    Raises:
        Problem: "invalid-json": it is no object, or has a key that is not allowed, or one of them twice.
    """
    start = len(body) - len(body.lstrip(_BLANK))
    if body[start : start + 1] != b"{":
        _refuse(f"expected a JSON object with {' and '.join(allowed[:2])}", start)
    found: dict[str, bytes] = {}
    start += 1
    depth = 0
    for token in _TOKEN.finditer(body, start):
        kind = token.group()
        if kind in (b"[", b"{"):
            depth += 1
        elif depth == 0 and kind in (b",", b"}"):
            if kind == b"," or found or body[start : token.start()].strip(_BLANK):
                _add(found, body[start : token.start()], start, allowed)
            start = token.end()
            if kind == b"}":
                break
        elif kind in (b"]", b"}"):
            depth -= 1
            if depth < 0:
                _refuse("a bracket closes nothing", token.start())
    else:
        _refuse("the object is not closed", len(body))
    if body[start:].strip(_BLANK):
        _refuse("there is data after the end of the object", start)
    return found


def _add(found: dict[str, bytes], member: bytes, start: int, allowed: tuple[str, ...]) -> None:
    key = _KEY.match(member)
    if key is None:
        _refuse("expected a key and a colon", start)
    try:
        name = json.loads(key[1])
    except ValueError:
        _refuse("the key is not valid JSON", start)
    if name not in allowed:
        path = f"body.{echo(name, 40)}"
        raise refused("invalid-json", path, f"unknown key; allowed are {', '.join(allowed)}", offset=start)
    if name in found:
        raise refused("invalid-json", f"body.{name}", "the key occurs twice", offset=start)
    found[name] = member[key.end() :].strip(_BLANK)


def _refuse(message: str, offset: int) -> NoReturn:
    raise refused("invalid-json", "body", message, offset=offset)
