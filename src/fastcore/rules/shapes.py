"""The parts of a document: which keys there are, and what each may hold.

A check gives None, or in words what it expected and found.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from .trees import quote

__all__ = [
    "DECISION",
    "DOCUMENT",
    "EXAMPLE",
    "EXPECT",
    "MAX_NAME",
    "POLICIES",
    "RULE",
    "RULE_EXAMPLE",
    "Shape",
]

POLICIES: Final = ("unknown", "jsonlogic", "error")
MAX_NAME: Final = 200


def text(value: object) -> str | None:
    return None if isinstance(value, str) and value else f"a non-empty string, not {quote(value)}"


def any_text(value: object) -> str | None:
    return None if isinstance(value, str) else f"a string, not {quote(value)}"


def file_name(value: object) -> str | None:
    """Names of rulesets are parts of URLs and of file names."""
    if text(value) is not None:
        return text(value)
    assert isinstance(value, str)
    if len(value) > MAX_NAME or value in (".", "..") or any(c in "/\\" or ord(c) < 32 for c in value):
        return f"at most {MAX_NAME} characters without slashes and control characters, not {quote(value)}"
    return None


def number(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"an integer or a float, not {quote(value)}"
    try:
        float(value)
    except OverflowError:
        return "a number within the range of a float"
    return None


def integer(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return None
    return f"an integer, not {quote(value)}"


def flag(value: object) -> str | None:
    return None if isinstance(value, bool) else f"true or false, not {quote(value)}"


def array(value: object) -> str | None:
    return None if isinstance(value, list) else f"an array, not {quote(value)}"


def mapping(value: object) -> str | None:
    return None if isinstance(value, dict) else f"an object, not {quote(value)}"


def texts(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return None
    return f"an array of strings, not {quote(value)}"


def policy(value: object) -> str | None:
    if isinstance(value, str) and value in POLICIES:
        return None
    return f"one of {', '.join(quote(name) for name in POLICIES)}, not {quote(value)}"


def moment(value: object) -> str | None:
    what = 'an ISO 8601 date and time with an offset, such as "2026-01-31T12:00:00Z"'
    if not isinstance(value, str) or len(value) < 11:
        return f"{what}, not {quote(value)}"
    try:
        aware = datetime.fromisoformat(value).utcoffset() is not None
    except ValueError:
        aware = False
    return None if aware else f"{what}, not {quote(value)}"


def anything(value: object) -> str | None:
    return None


def optional(check: Callable[[object], str | None]) -> Callable[[object], str | None]:
    return lambda value: None if value is None else check(value)


Shape = Mapping[str, Callable[[object], str | None]]

DOCUMENT: Final[Shape] = {
    "name": file_name,
    "version": text,
    "missing": policy,
    "description": any_text,
    "lists": mapping,
    "rules": array,
    "decisions": array,
    "default_action": optional(text),
    "examples": array,
}
RULE: Final[Shape] = {
    "id": text,
    "when": anything,
    "score": number,
    "action": text,
    "priority": integer,
    "tags": texts,
    "description": any_text,
    "enabled": flag,
    "valid_from": moment,
    "valid_until": moment,
    "examples": array,
}
DECISION: Final[Shape] = {"at_least": number, "action": text}
EXAMPLE: Final[Shape] = {"event": mapping, "expect": mapping, "description": any_text, "now": moment}
RULE_EXAMPLE: Final[Shape] = {"event": mapping, "fires": flag, "description": any_text, "now": moment}
EXPECT: Final[Shape] = {
    "matched": texts,
    "fires": texts,
    "not_fires": texts,
    "score": number,
    "action": optional(text),
}
