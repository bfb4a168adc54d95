"""Operators of conditions that are functions of values: called with the context and a list of clean values.

``_COND_CALLS`` names them; the node that calls them is ``_CondCall``.
"""

# Compiled, a comprehension or generator is a function of its own, to whom loop variables are untyped.
# ruff: noqa: C419

from fastcore import _cython as cython
from fastcore.errors import LimitError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.conditions_membership import _cond_in
    from fastcore.kernels.conditions_nodes import _CondContext
    from fastcore.kernels.conditions_values import (
        _COND_ARRAY,
        _COND_DATE,
        _COND_DATETIME,
        _COND_DURATION,
        _COND_MISSING,
        _COND_NUMBER,
        _COND_STRING,
        _cond_clean,
        _cond_follow,
        _cond_kind,
        _cond_steps,
        _cond_text,
        _cond_types,
    )

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_COND_MAX_TEXT = 10_000_000

# --- membership and strings ---------------------------------------------------------------------------------


def _cond_call_in(context: _CondContext, values: "Any") -> "Any":
    return _cond_in(values[0], values[1])


def _cond_call_contains(context: _CondContext, values: "Any") -> "Any":
    return _cond_in(values[1], values[0])


def _cond_strings(values: "Any") -> bool:
    return all([value is not None and _cond_kind(value) == _COND_STRING for value in values])


def _cond_call_starts_with(context: _CondContext, values: "Any") -> "Any":
    return values[0].startswith(values[1]) if _cond_strings(values) else None


def _cond_call_ends_with(context: _CondContext, values: "Any") -> "Any":
    return values[0].endswith(values[1]) if _cond_strings(values) else None


def _cond_call_lower(context: _CondContext, values: "Any") -> "Any":
    return values[0].lower() if _cond_strings(values) else None


def _cond_call_upper(context: _CondContext, values: "Any") -> "Any":
    return values[0].upper() if _cond_strings(values) else None


def _cond_call_length(context: _CondContext, values: "Any") -> "Any":
    kind = _cond_kind(values[0])
    return len(values[0]) if kind in (_COND_STRING, _COND_ARRAY) else None


def _cond_call_cat(context: _CondContext, values: "Any") -> "Any":
    texts = [_cond_text(value) for value in values]
    if None in texts:
        return None
    if sum([len(text) for text in texts]) > _COND_MAX_TEXT:
        raise LimitError(f"a text has more than {_COND_MAX_TEXT} characters")
    return "".join(texts)


def _cond_whole(value: "Any") -> "Any":
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _cond_call_substr(context: _CondContext, values: "Any") -> "Any":
    numbers = [_cond_whole(value) for value in values[1:]]
    if None in numbers or not _cond_strings(values[:1]):
        return None
    text, start = values[0], numbers[0]
    if start < 0:
        start = max(len(text) + start, 0)
    if len(numbers) == 1:
        return text[start:]
    stop = len(text) + numbers[1] if numbers[1] < 0 else start + numbers[1]
    return text[start : max(stop, start)]


# --- arrays and what is missing -----------------------------------------------------------------------------


def _cond_call_merge(context: _CondContext, values: "Any") -> "Any":
    merged: list[Any] = []
    for value in values:
        if value is None:
            return None
        if _cond_kind(value) == _COND_ARRAY:
            merged.extend(value)
        else:
            merged.append(value)
    return merged


def _cond_call_coalesce(context: _CondContext, values: "Any") -> "Any":
    for value in values:
        if value is not None:
            return value
    return None


def _cond_absent(context: _CondContext, keys: "Any") -> "Any":
    data = context.data
    absent = []
    for key in keys:
        if not isinstance(key, str):
            if _cond_kind(key) != _COND_NUMBER:
                continue
            key = str(key)
        found = _cond_follow(data, _cond_steps(key.split(".")))
        if found is _COND_MISSING or _cond_clean(found) is None:
            absent.append(key)
    return absent


def _cond_call_missing(context: _CondContext, values: "Any") -> "Any":
    if len(values) == 1 and _cond_kind(values[0]) == _COND_ARRAY:
        values = values[0]
    return _cond_absent(context, values)


def _cond_call_missing_some(context: _CondContext, values: "Any") -> "Any":
    need, keys = values
    keys = list(keys) if _cond_kind(keys) == _COND_ARRAY else []
    absent = _cond_absent(context, keys)
    return [] if len(keys) - len(absent) >= need else absent


def _cond_call_throw(context: _CondContext, values: "Any") -> "Any":
    value = values[0]
    context.thrown.append({"type": value} if not isinstance(value, dict) else value)
    return None


# --- dates and durations ------------------------------------------------------------------------------------


def _cond_call_datetime(context: _CondContext, values: "Any") -> "Any":
    return _cond_moment(values[0])


@cython.cfunc
def _cond_moment(value: "Any") -> "Any":
    """A datetime from itself, from a date (its midnight) or from ISO 8601 text."""
    kind = _cond_kind(value)
    if kind == _COND_DATETIME:
        return value
    if kind == _COND_DATE:
        return _cond_types.datetime(value.year, value.month, value.day)
    if kind != _COND_STRING or len(value) > 64:
        return None
    try:
        return _cond_types.datetime.fromisoformat(value)
    except ValueError:
        return None


def _cond_call_date(context: _CondContext, values: "Any") -> "Any":
    value = values[0]
    kind = _cond_kind(value)
    if kind == _COND_DATETIME:
        return value.date()
    if kind == _COND_DATE:
        return value
    if kind != _COND_STRING or len(value) > 64:
        return None
    try:
        return _cond_types.date.fromisoformat(value)
    except ValueError:
        return None


def _cond_call_duration(context: _CondContext, values: "Any") -> "Any":
    import re

    value = values[0]
    kind = _cond_kind(value)
    if kind == _COND_DURATION:
        return value
    if kind != _COND_STRING or len(value) > 64:
        return None
    fraction = r"([0-9]+(?:\.[0-9]{1,6})?)"
    iso = rf"([+-]?)P(?=.)(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?=.)(?:([0-9]+)H)?(?:([0-9]+)M)?(?:{fraction}S)?)?"
    separated = "".join([rf"(?:([0-9]+){unit}[: ]?)?" for unit in "wdhm"])
    match = re.fullmatch(iso, value) or re.fullmatch(rf"([+-]?)(?=.){separated}(?:{fraction}s)?", value)
    return _cond_span(match.groups("0")) if match else None


@cython.cfunc
def _cond_span(parts: "Any") -> "Any":
    whole, _, fraction = parts[5].partition(".")
    weeks, days, hours, minutes = [int(part) for part in parts[1:5]]
    microseconds = int(fraction.ljust(6, "0")) if fraction else 0
    try:
        span = _cond_types.timedelta(
            weeks=weeks,
            days=days,
            hours=hours,
            minutes=minutes,
            seconds=int(whole),
            microseconds=microseconds,
        )
    except OverflowError:
        return None
    return -span if parts[0] == "-" else span


def _cond_call_date_diff(context: _CondContext, values: "Any") -> "Any":
    """Whole units from the second moment to the first, towards zero."""
    first, second = _cond_moment(values[0]), _cond_moment(values[1])
    unit = values[2]
    if first is None or second is None or unit not in ("days", "hours", "minutes", "seconds", "milliseconds"):
        return None
    offset, other = first.utcoffset(), second.utcoffset()
    if (offset is None) != (other is None):
        return None
    span = first.replace(tzinfo=None) - second.replace(tzinfo=None)
    if offset is not None:
        span += other - offset
    count = abs(span) // _cond_types.timedelta(**{unit: 1})
    return count if span >= _cond_types.timedelta(0) else -count


# --- names --------------------------------------------------------------------------------------------------

_COND_CALLS = {
    "in": _cond_call_in,
    "contains": _cond_call_contains,
    "starts_with": _cond_call_starts_with,
    "ends_with": _cond_call_ends_with,
    "lower": _cond_call_lower,
    "upper": _cond_call_upper,
    "length": _cond_call_length,
    "cat": _cond_call_cat,
    "substr": _cond_call_substr,
    "merge": _cond_call_merge,
    "??": _cond_call_coalesce,
    "missing": _cond_call_missing,
    "missing_some": _cond_call_missing_some,
    "throw": _cond_call_throw,
    "datetime": _cond_call_datetime,
    "date": _cond_call_date,
    "duration": _cond_call_duration,
    "date_diff": _cond_call_date_diff,
}
