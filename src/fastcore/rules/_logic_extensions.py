"""The operators that fastcore adds to JSONLogic, as functions of their evaluated arguments.

``between`` and ``now`` are the kernel's: the one is a chain of comparisons, the other is read once an
evaluation.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from fastcore.errors import LogicError

from .regex import Pattern, library

__all__ = ["extensions", "matcher"]

_UNITS = {
    "days": timedelta(days=1),
    "hours": timedelta(hours=1),
    "minutes": timedelta(minutes=1),
    "seconds": timedelta(seconds=1),
    "milliseconds": timedelta(milliseconds=1),
}
_DURATION_LENGTH = 64
_DURATIONS = (
    # ISO 8601, without the years and months that have no length of their own
    re.compile(
        r"([+-]?)P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,6})?)S)?)?",
        re.ASCII,
    ),
    # 1d2h3m4s, also with colons or spaces between
    re.compile(
        r"([+-]?)(?=.)(?:(\d+)w[: ]?)?(?:(\d+)d[: ]?)?(?:(\d+)h[: ]?)?"
        r"(?:(\d+)m[: ]?)?(?:(\d+(?:\.\d{1,6})?)s)?",
        re.ASCII,
    ),
)


def extensions(allow_regex: bool) -> dict[str, Callable[..., Any]]:
    """All of them by name.

    Raises:
        ImportError: regular expressions are allowed, but google-re2 is not installed.
    """
    if allow_regex:
        library()
    return {
        "starts_with": _starts_with,
        "ends_with": _ends_with,
        "contains": _contains,
        "lower": _lower,
        "upper": _upper,
        "matches": _matches if allow_regex else _matches_not_allowed,
        "datetime": _datetime,
        "duration": _duration,
        "date_diff": _date_diff,
    }


def _invalid() -> LogicError:
    return LogicError("Invalid Arguments")


def _texts(values: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    if len(values) != count or not all(isinstance(value, str) for value in values):
        raise _invalid()
    return values


def _starts_with(*args: Any) -> bool:
    text, start = _texts(args, 2)
    return bool(text.startswith(start))


def _ends_with(*args: Any) -> bool:
    text, end = _texts(args, 2)
    return bool(text.endswith(end))


def _contains(*args: Any) -> bool:
    text, part = _texts(args, 2)
    return part in text


def _lower(*args: Any) -> str:
    return str(_texts(args, 1)[0].lower())


def _upper(*args: Any) -> str:
    return str(_texts(args, 1)[0].upper())


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Pattern:
    try:
        return Pattern(pattern)
    except ValueError:
        raise LogicError("Invalid Regular Expression") from None


def _matches(*args: Any) -> bool:
    """Whether the pattern is found anywhere in the text."""
    text, pattern = _texts(args, 2)
    return _found(_compiled(pattern), text)


def _found(pattern: Pattern, text: str) -> bool:
    found = pattern.found(text)
    if found is None:
        raise _invalid()
    return found


def matcher(pattern: Pattern) -> Callable[..., bool]:
    """``matches`` with a constant pattern, as a function of the evaluated text alone."""
    return lambda *args: _found(pattern, _texts(args, 1)[0])


def _matches_not_allowed(*args: Any) -> bool:
    raise LogicError("Regular Expressions Not Allowed")


def _datetime(*args: Any) -> datetime:
    """From ISO 8601 text; a date is its midnight."""
    if len(args) != 1:
        raise _invalid()
    return _as_datetime(args[0])


def _as_datetime(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if not isinstance(value, str):
        raise _invalid()
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise _invalid() from None


def _duration(*args: Any) -> timedelta:
    if len(args) != 1:
        raise _invalid()
    value = args[0]
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or len(value) > _DURATION_LENGTH:
        raise _invalid()
    for form in _DURATIONS:
        match = form.fullmatch(value)
        if match:
            return _duration_of(*match.groups(default=""))
    raise _invalid()


def _duration_of(sign: str, weeks: str, days: str, hours: str, minutes: str, seconds: str) -> timedelta:
    whole, _, fraction = seconds.partition(".")
    try:
        length = timedelta(
            weeks=int(weeks or 0),
            days=int(days or 0),
            hours=int(hours or 0),
            minutes=int(minutes or 0),
            seconds=int(whole or 0),
            microseconds=int(fraction.ljust(6, "0")) if fraction else 0,
        )
    except OverflowError:
        raise _invalid() from None
    return -length if sign == "-" else length


def _date_diff(*args: Any) -> int:
    """Whole units from the second to the first, towards zero."""
    if len(args) != 3 or not isinstance(args[2], str) or args[2] not in _UNITS:
        raise _invalid()
    try:
        difference = _as_datetime(args[0]) - _as_datetime(args[1])
    except TypeError:
        # one knows its time zone, the other does not
        raise _invalid() from None
    count = abs(difference) // _UNITS[args[2]]
    return count if difference >= timedelta() else -count
