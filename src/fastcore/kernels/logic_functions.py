"""Operators of JSONLogic that are functions of evaluated arguments: called with the scope and their list.

``_LOGIC_CALLS`` names them; the node that calls them is ``_LogicCall``.
"""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython
from fastcore.errors import LogicError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.logic_paths import _logic_var_path, _logic_walk
    from fastcore.kernels.logic_scopes import _LOGIC_MISSING, _logic_charge, _LogicScope
    from fastcore.kernels.logic_values import (
        _LOGIC_ARGUMENTS,
        _LOGIC_NAN,
        _logic_compare_other,
        _logic_integer,
        _logic_native,
        _logic_operand,
        _logic_same,
        _logic_text,
    )


def _logic_max(scope, args):
    return _logic_extreme(2, args)


def _logic_min(scope, args):
    return _logic_extreme(0, args)


def _logic_extreme(operation, args):
    if not args:
        raise LogicError(_LOGIC_ARGUMENTS)
    best = None
    for value in args:
        if value is None or isinstance(value, (bool, str)):
            raise LogicError(_LOGIC_ARGUMENTS)
        try:
            number = _logic_operand(value)
        except LogicError:
            raise LogicError(_LOGIC_NAN if isinstance(value, float) else _LOGIC_ARGUMENTS) from None
        try:
            if best is None or _logic_native(operation, number, best):
                best = number
        except TypeError:
            raise LogicError(_LOGIC_ARGUMENTS) from None
    return best


@cython.locals(length=cython.Py_ssize_t, text=str)
def _logic_cat(scope, args):
    parts: list = []
    length = 0
    for value in args:
        text = value if type(value) is str else _logic_text(value, scope)
        length += len(text)
        parts.append(text)
    # before they are joined, so that a budget bounds the memory too
    _logic_charge(scope, length)
    return "".join(parts)


def _logic_substr(scope, args):
    """Code points, where JavaScript counts halves of those above U+FFFF."""
    if not args:
        raise LogicError(_LOGIC_ARGUMENTS)
    text = _logic_text(args[0], scope)
    length = len(text)
    start = _logic_integer(args[1]) if len(args) > 1 else 0
    start = max(0, length + start) if start < 0 else min(start, length)
    stop = length
    if len(args) > 2 and args[2] is not None:
        count = _logic_integer(args[2])
        stop = length + count if count < 0 else min(length, start + count)
    text = text[start : max(start, stop)]
    _logic_charge(scope, len(text))
    return text


def _logic_in(scope, args):
    if len(args) < 2:
        return False
    needle, haystack = args[0], args[1]
    if isinstance(haystack, str):
        if needle is None or isinstance(needle, (list, tuple, dict)):
            return False
        _logic_charge(scope, len(haystack) >> 4)
        return _logic_text(needle, scope) in haystack
    if not isinstance(haystack, (list, tuple)):
        return False
    _logic_charge(scope, len(haystack))
    return any(_logic_same(needle, item, scope) for item in haystack)


def _logic_merge(scope, args):
    merged: list = []
    for value in args:
        if isinstance(value, (list, tuple)):
            _logic_charge(scope, len(value))
            merged.extend(value)
        else:
            merged.append(value)
    return merged


def _logic_length(scope, args):
    if args and isinstance(args[0], (str, list, tuple, dict)):
        return len(args[0])
    raise LogicError(_LOGIC_ARGUMENTS)


def _logic_missing(scope: _LogicScope, args):
    """Keys of the list that the event does not have; null is there."""
    if args and isinstance(args[0], (list, tuple)):
        args = args[0]
    _logic_charge(scope, len(args))
    return [key for key in args if _logic_walk(scope.data, _logic_var_path(key)[1]) is _LOGIC_MISSING]


def _logic_missing_some(scope, args):
    if len(args) < 2:
        raise LogicError(_LOGIC_ARGUMENTS)
    keys = list(args[1]) if isinstance(args[1], (list, tuple)) else [args[1]]
    absent = _logic_missing(scope, keys)
    return [] if _logic_compare_other(3, len(keys) - len(absent), args[0]) else absent


def _logic_log(scope, args):
    return args[0] if args else None


def _logic_throw(scope, args):
    value = args[0] if args else None
    if isinstance(value, dict):
        kind = value.get("type")
        raise LogicError(kind if isinstance(kind, str) else "Error", value)
    raise LogicError("null" if value is None else _logic_text(value, scope))


_LOGIC_CALLS = {
    "max": _logic_max,
    "min": _logic_min,
    "cat": _logic_cat,
    "substr": _logic_substr,
    "in": _logic_in,
    "merge": _logic_merge,
    "length": _logic_length,
    "missing": _logic_missing,
    "missing_some": _logic_missing_some,
    "log": _logic_log,
    "throw": _logic_throw,
}

# a single argument is taken as it is by these, be it an array or not
_LOGIC_WHOLE = frozenset(["merge", "length", "log"])
_LOGIC_FOLDED = frozenset(["max", "min", "cat", "substr", "in", "merge", "length"])
