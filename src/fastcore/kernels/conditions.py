"""Conditions of a ruleset, evaluated to true, false or unknown: one small object per operator.

This is the plain evaluator: every rule is evaluated, one after the other, by a tree of nodes. The semantics
of the
operators live here and nowhere else; faster matchers are tested against it and explanations are read from
its nodes.

Unknown is one value, None: missing, null, NaN and NaT are None as soon as they are read. A node has two
questions to
answer: ``value``, what another operator sees, and ``truth``, what decides a condition. Both are None for
unknown.
"""

# Compiled, a comprehension or generator is a function of its own, to whom loop variables are untyped.
# ruff: noqa: C419, PERF401, SIM110

import math as _cond_math
import sys as _cond_sys

from fastcore import _cython as cython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_COND_NOTHING = cython.declare(cython.int, 0)
_COND_NUMBER = cython.declare(cython.int, 1)
_COND_BOOL = cython.declare(cython.int, 2)
_COND_STRING = cython.declare(cython.int, 3)
_COND_DATETIME = cython.declare(cython.int, 4)
_COND_DATE = cython.declare(cython.int, 5)
_COND_DURATION = cython.declare(cython.int, 6)
_COND_ARRAY = cython.declare(cython.int, 7)
_COND_OBJECT = cython.declare(cython.int, 8)

_COND_KIND_NAMES = (
    "nothing",
    "number",
    "boolean",
    "string",
    "datetime",
    "date",
    "duration",
    "array",
    "object",
)

_COND_LT = cython.declare(cython.int, 0)
_COND_LE = cython.declare(cython.int, 1)
_COND_GT = cython.declare(cython.int, 2)
_COND_GE = cython.declare(cython.int, 3)
_COND_EQ = cython.declare(cython.int, 4)
_COND_NE = cython.declare(cython.int, 5)

_COND_MISSING: "Any" = object()
_COND_MAX_BITS = 1_000_000
_COND_MAX_TEXT = 10_000_000
_COND_MAX_STEPS = cython.declare(cython.Py_ssize_t, 1_000_000)

# The classes below are needed only for values that JSON does not have; importing them with this module would
# cost every program that never sees one. They are bound once, before the first tree is built.
_cond_bound: "Any" = None
_cond_mapping: "Any" = None
_cond_sequence: "Any" = None
_cond_datetime: "Any" = None
_cond_date: "Any" = None
_cond_timedelta: "Any" = None
_cond_decimal: "Any" = None
_cond_limit_error: "Any" = None


def _cond_bind() -> None:
    global \
        _cond_bound, \
        _cond_mapping, \
        _cond_sequence, \
        _cond_datetime, \
        _cond_date, \
        _cond_timedelta, \
        _cond_decimal
    global _cond_limit_error
    import collections.abc
    import datetime as dt
    import decimal

    from fastcore import errors

    _cond_mapping = collections.abc.Mapping
    _cond_sequence = collections.abc.Sequence
    _cond_datetime = dt.datetime
    _cond_date = dt.date
    _cond_timedelta = dt.timedelta
    _cond_decimal = decimal.Decimal
    _cond_limit_error = errors.LimitError
    _cond_bound = True


# --- kinds and members --------------------------------------------------------------------------------------


@cython.cfunc
@cython.returns(cython.int)
@cython.exceptval(-1)
def _cond_kind(value: "Any") -> "Any":
    kind = type(value)
    if kind is str:
        return _COND_STRING
    if kind is int:
        return _COND_NUMBER
    if kind is float:
        return _COND_NUMBER if value == value else _COND_NOTHING
    if kind is bool:
        return _COND_BOOL
    if value is None:
        return _COND_NOTHING
    if kind is dict:
        return _COND_OBJECT
    if kind is list:
        return _COND_ARRAY
    return _cond_kind_of_other(value)


@cython.cfunc
@cython.returns(cython.int)
@cython.exceptval(-1)
def _cond_kind_of_other(value: "Any") -> "Any":
    if isinstance(value, str):
        return _COND_STRING
    if isinstance(value, (int, float)):
        return _COND_NUMBER if value == value else _COND_NOTHING
    if isinstance(value, _cond_decimal):
        return _COND_NOTHING if value.is_nan() else _COND_NUMBER
    if isinstance(value, _cond_datetime):
        return (
            _COND_DATETIME if value == value else _COND_NOTHING
        )  # pandas.NaT is one and differs from itself
    if isinstance(value, _cond_date):
        return _COND_DATE
    if isinstance(value, _cond_timedelta):
        return _COND_DURATION
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _COND_NOTHING
    if isinstance(value, _cond_mapping) or _cond_declared(value) is not None:
        return _COND_OBJECT
    if isinstance(value, _cond_sequence):
        return _COND_ARRAY
    return _COND_NOTHING


@cython.cfunc
def _cond_declared(value: "Any") -> "Any":
    """The field names that a record declares, None for what is no record; the only attributes ever read."""
    kind = type(value)
    if isinstance(getattr(kind, "__dataclass_fields__", None), dict):
        import dataclasses

        return [field.name for field in dataclasses.fields(kind)]
    if isinstance(value, tuple):
        return getattr(kind, "_fields", None)
    pydantic = _cond_sys.modules.get("pydantic")
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        return kind.model_fields if hasattr(kind, "model_fields") else kind.__fields__
    return None


@cython.cfunc
def _cond_clean(value: "Any") -> "Any":
    """The value as conditions see it: None for null, NaN, NaT and types that no operator knows."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None or kind is dict or kind is list:
        return value
    if kind is float:
        return value if value == value else None
    return _cond_clean_other(value)


@cython.cfunc
def _cond_clean_other(value: "Any") -> "Any":
    """Subclasses become what they derive from, whose operators are known; so do numpy's scalars."""
    kind = _cond_kind_of_other(value)
    if kind == _COND_STRING:
        return str.__str__(value)
    if kind == _COND_NUMBER:
        if isinstance(value, int):
            return int.__int__(value)
        return float.__float__(value) if isinstance(value, float) else value
    if kind == _COND_DATETIME and type(value) is not _cond_datetime:
        return _cond_datetime.combine(
            _cond_date(value.year, value.month, value.day), value.timetz(), tzinfo=value.tzinfo
        )
    if kind == _COND_DURATION and type(value) is not _cond_timedelta:
        return _cond_timedelta(days=value.days, seconds=value.seconds, microseconds=value.microseconds)
    if kind != _COND_NOTHING:
        return value
    numpy = _cond_sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic):
        return None
    if isinstance(value, numpy.datetime64) and numpy.datetime_data(value)[0] not in ("Y", "M", "W", "D"):
        value = value.astype("datetime64[us]")
    elif isinstance(value, numpy.timedelta64):
        value = value.astype("timedelta64[us]")
    plain = value.item()
    return plain if _cond_kind(plain) != _COND_NOTHING else None


@cython.cfunc
def _cond_member(data: "Any", key: "Any", index: "Any") -> "Any":
    """What `data` holds under a key, raw; `_COND_MISSING` where it holds nothing there."""
    kind = type(data)
    if kind is dict:
        plain: dict = data  # type: ignore[type-arg]
        return plain.get(key, _COND_MISSING)
    if kind is list:
        return data[index] if index is not None and index < len(data) else _COND_MISSING
    if data is None or kind is str or kind is int or kind is float or kind is bool:
        return _COND_MISSING
    if isinstance(data, _cond_mapping):
        return data.get(key, _COND_MISSING)
    names = _cond_declared(data)
    if names is not None and key in names:
        return getattr(data, key, _COND_MISSING)
    if index is not None and _cond_kind(data) == _COND_ARRAY:
        return data[index] if index < len(data) else _COND_MISSING
    return _COND_MISSING


@cython.cfunc
def _cond_follow(data: "Any", steps: tuple) -> "Any":  # type: ignore[type-arg]
    for key, index in steps:
        data = _cond_member(data, key, index)
        if data is _COND_MISSING:
            return data
    return data


@cython.cfunc
def _cond_steps(keys: "Any") -> tuple:  # type: ignore[type-arg]
    """Keys of a path with the index that each means in a sequence; None where it means none."""
    return tuple(
        [(key, int(key) if key.isascii() and key.isdigit() and len(key) < 16 else None) for key in keys]
    )


@cython.cfunc
def _cond_truthy(value: "Any") -> "Any":
    if value is None or value is True or value is False:
        return value
    kind = _cond_kind(value)
    if kind == _COND_NUMBER:
        return bool(value != 0)
    if kind in (_COND_STRING, _COND_ARRAY):
        return len(value) > 0
    return True


# --- comparing ----------------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
def _cond_apply(op: cython.int, a: "Any", b: "Any") -> "Any":
    if op == _COND_LT:
        return bool(a < b)
    if op == _COND_LE:
        return bool(a <= b)
    if op == _COND_GT:
        return bool(a > b)
    if op == _COND_GE:
        return bool(a >= b)
    if op == _COND_EQ:
        return bool(a == b)
    return bool(a != b)


@cython.cfunc
def _cond_compare(op: cython.int, a: "Any", b: "Any") -> "Any":
    """Two clean values, typed and exact; None where they cannot be compared."""
    if a is None or b is None:
        return None
    kind = type(a)
    if kind is type(b) and (kind is str or kind is int or kind is float):
        return _cond_apply(op, a, b)
    left = _cond_kind(a)
    if left != _cond_kind(b):
        return None
    if left == _COND_NUMBER:
        # a caller's decimal context may trap a comparison of Decimal and float; from_float is exact and
        # never traps
        if isinstance(a, _cond_decimal):
            return _cond_apply(op, a, _cond_decimal.from_float(b) if isinstance(b, float) else b)
        if isinstance(b, _cond_decimal):
            return _cond_apply(op, _cond_decimal.from_float(a) if isinstance(a, float) else a, b)
        return _cond_apply(op, a, b)
    if left in (_COND_STRING, _COND_DATE, _COND_DURATION):
        return _cond_apply(op, a, b)
    if left == _COND_DATETIME:
        return _cond_compare_datetimes(op, a, b)
    if op != _COND_EQ and op != _COND_NE:
        return None
    if left == _COND_BOOL:
        return _cond_apply(op, a, b)
    return _cond_not(_cond_equal(a, b)) if op == _COND_NE else _cond_equal(a, b)


@cython.cfunc
def _cond_not(value: "Any") -> "Any":
    return None if value is None else not value


@cython.cfunc
def _cond_compare_datetimes(op: cython.int, a: "Any", b: "Any") -> "Any":
    offset, other = a.utcoffset(), b.utcoffset()
    if (offset is None) != (other is None):
        return None
    if offset == other:
        return _cond_apply(op, a.replace(tzinfo=None), b.replace(tzinfo=None))
    # instants, whatever the zones say about themselves; as distances from year 1 they cannot overflow
    start = _cond_datetime.min
    return _cond_apply(op, a.replace(tzinfo=None) - start - offset, b.replace(tzinfo=None) - start - other)


@cython.cfunc
def _cond_object_keys(value: "Any") -> "Any":
    if isinstance(value, _cond_mapping):
        return list(value)
    return list(_cond_declared(value))


@cython.cfunc
def _cond_equal(a: "Any", b: "Any") -> "Any":
    """Deep equality of two arrays or two objects: the Kleene `and` of their members.

    A pair of containers is looked at once, so shared and cyclic values end.
    """
    pending = [(a, b)]
    seen = {(id(a), id(b))}
    unknown = False
    while pending:
        a, b = pending.pop()
        pairs = _cond_pairs(a, b)
        if pairs is None:
            return False
        for x, y in pairs:
            x, y = _cond_clean(x), _cond_clean(y)
            kind = _cond_kind(x)
            if kind >= _COND_ARRAY and kind == _cond_kind(y):
                if (id(x), id(y)) not in seen:
                    seen.add((id(x), id(y)))
                    pending.append((x, y))
                continue
            same = _cond_compare(_COND_EQ, x, y)
            if same is False:
                return False
            if same is None:
                unknown = True
    return None if unknown else True


@cython.cfunc
def _cond_pairs(a: "Any", b: "Any") -> "Any":
    """Members of two containers of one kind, side by side; None where their shapes differ."""
    if _cond_kind(a) == _COND_ARRAY:
        return list(zip(a, b, strict=True)) if len(a) == len(b) else None
    keys = _cond_object_keys(a)
    if set(keys) != set(_cond_object_keys(b)):
        return None
    return [(_cond_member(a, key, None), _cond_member(b, key, None)) for key in keys]


# --- arithmetic ---------------------------------------------------------------------------------------------


@cython.cfunc
def _cond_number(value: "Any") -> "Any":
    return value if value is not None and _cond_kind(value) == _COND_NUMBER else None


@cython.cfunc
def _cond_arithmetic(op: str, a: "Any", b: "Any") -> "Any":
    """One step of arithmetic; None where there is no number as its result."""
    a, b = _cond_number(a), _cond_number(b)
    if a is None or b is None:
        return None
    try:
        if isinstance(a, float) or isinstance(b, float):
            result = _cond_float_step(op, float(a), float(b))
        elif isinstance(a, _cond_decimal) or isinstance(b, _cond_decimal):
            result = _cond_decimal_step(op, a, b)
        else:
            return _cond_int_step(op, int(a), int(b))
    except (OverflowError, ZeroDivisionError):
        return None
    return result if result is not None and result == result else None


@cython.cfunc
def _cond_float_step(op: str, a: "Any", b: "Any") -> "Any":
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        return a * b
    if b == 0:
        return None
    if op == "/":
        return a / b
    return None if _cond_math.isinf(a) else _cond_math.fmod(a, b)


@cython.cfunc
def _cond_int_step(op: str, a: "Any", b: "Any") -> "Any":
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        if a.bit_length() + b.bit_length() > _COND_MAX_BITS:
            raise _cond_limit_error(f"a product has more than {_COND_MAX_BITS} bits")
        return a * b
    if b == 0:
        return None
    if op == "/":
        quotient, rest = divmod(a, b)
        return a / b if rest else quotient
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


@cython.cfunc
def _cond_decimal_step(op: str, a: "Any", b: "Any") -> "Any":
    import decimal

    # a context of its own: neither the caller's precision and traps nor its flags take part
    context = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN, traps=[])
    if op == "+":
        return context.add(a, b)
    if op == "-":
        return context.subtract(a, b)
    if op == "*":
        return context.multiply(a, b)
    if b == 0:
        return None
    return context.divide(a, b) if op == "/" else context.remainder(a, b)


@cython.cfunc
def _cond_numeric_text(text: str) -> "Any":
    """What unary `+` reads: a decimal number as JSON or a CSV file writes it."""
    import re

    if re.fullmatch(r"[+-]?[0-9]{1,4300}", text):
        return int(text)
    if re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", text):
        return float(text)
    return None


@cython.cfunc
def _cond_text(value: "Any") -> "Any":
    """The text of a value in `cat`; None where it has none."""
    kind = _cond_kind(value)
    if kind == _COND_STRING:
        return value
    if kind == _COND_BOOL:
        return "true" if value else "false"
    if kind == _COND_NUMBER:
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        if isinstance(value, int):
            return str(int(value)) if value.bit_length() < 14000 else None
        return str(value)
    if kind in (_COND_DATETIME, _COND_DATE):
        return value.isoformat()
    return None


# --- nodes --------------------------------------------------------------------------------------------------


@cython.cclass
class _CondContext:
    """What one evaluation knows: the data in scope, the scopes around it, the clock, and what was thrown."""

    data: object
    index: object
    frames: list  # type: ignore[type-arg]
    now: object
    thrown: list  # type: ignore[type-arg]
    steps: cython.Py_ssize_t

    def __init__(self, event: "Any", now: "Any") -> None:
        self.data = event
        self.index = 0
        self.frames = []
        self.now = now
        self.thrown = []
        self.steps = 0

    @cython.cfunc
    def push(self, data: "Any", index: "Any") -> "Any":
        self.frames.append((self.data, self.index))
        self.data = data
        self.index = index

    @cython.cfunc
    def pop(self) -> "Any":
        self.data, self.index = self.frames.pop()

    @cython.cfunc
    def step(self) -> "Any":
        self.steps += 1
        if self.steps > _COND_MAX_STEPS:
            raise _cond_limit_error(f"one evaluation visited more than {_COND_MAX_STEPS} array elements")

    @cython.cfunc
    def scope(self, level: cython.int) -> "Any":
        """The data `level` scopes up: even levels are data, odd ones the index of the iteration between."""
        depth: cython.Py_ssize_t = level // 2
        if depth > len(self.frames):
            return None
        if level % 2:
            if depth == 0:
                return {"index": self.index}
            return {"index": self.frames[len(self.frames) - depth][1]}
        if depth == 0:
            return self.data
        return self.frames[len(self.frames) - depth][0]


@cython.cclass
class _CondNode:
    """One operator with its operands."""

    children: tuple  # type: ignore[type-arg]

    def __init__(self, children: "Any" = ()) -> None:
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        return None

    @cython.cfunc
    def truth(self, context: _CondContext) -> "Any":
        return _cond_truthy(self.value(context))

    @cython.cfunc
    def operand(self, position: cython.Py_ssize_t, context: _CondContext) -> "Any":
        node: _CondNode = self.children[position]
        return node.value(context)


@cython.cclass
class _CondConst(_CondNode):
    held: object

    def __init__(self, held: "Any") -> None:
        self.children = ()
        self.held = _cond_clean(held)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        return self.held


@cython.cclass
class _CondVar(_CondNode):
    """A field: `children` is empty or holds the default for a missing path."""

    steps: tuple  # type: ignore[type-arg]
    level: cython.int

    def __init__(self, keys: "Any", level: int, children: "Any") -> None:
        self.steps = _cond_steps(keys)
        self.level = level
        self.children = tuple(children)

    @cython.cfunc
    def raw(self, context: _CondContext) -> "Any":
        data = context.data if self.level == 0 else context.scope(self.level)
        return _cond_follow(data, self.steps)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        found = self.raw(context)
        if found is _COND_MISSING:
            return self.operand(0, context) if self.children else None
        return _cond_clean(found)


@cython.cclass
class _CondExists(_CondVar):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        return self.raw(context) is not _COND_MISSING


@cython.cclass
class _CondNow(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        return context.now


@cython.cclass
class _CondArray(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode
        values = []
        for node in self.children:
            values.append(node.value(context))
        return values


@cython.cclass
class _CondCompare(_CondNode):
    op: cython.int

    def __init__(self, op: int, children: "Any") -> None:
        self.op = op
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        left = self.operand(0, context)
        if len(self.children) == 2:
            return _cond_compare(self.op, left, self.operand(1, context))
        result: object = True
        position: cython.Py_ssize_t
        for position in range(1, len(self.children)):
            right = self.operand(position, context)
            pair = _cond_compare(self.op, left, right)
            if pair is False:
                result = False
            elif pair is None and result is True:
                result = None
            left = right
        return result


@cython.cclass
class _CondBetween(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        x = self.operand(0, context)
        low = _cond_compare(_COND_GE, x, self.operand(1, context))
        high = _cond_compare(_COND_LE, x, self.operand(2, context))
        if low is False or high is False:
            return False
        return None if low is None or high is None else True


@cython.cclass
class _CondAnd(_CondNode):
    """`and` and `or`: they differ in the truth that decides at once."""

    deciding: object

    def __init__(self, deciding: bool, children: "Any") -> None:
        self.deciding = deciding
        self.children = tuple(children)

    @cython.cfunc
    def truth(self, context: _CondContext) -> "Any":
        node: _CondNode
        unknown = False
        for node in self.children:
            truth = node.truth(context)
            if truth is None:
                unknown = True
            elif truth is self.deciding:
                return truth
        return None if unknown else not self.deciding

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode
        unknown = False
        last: object = None
        for node in self.children:
            last = node.value(context)
            truth = _cond_truthy(last)
            if truth is None:
                unknown = True
            elif truth is self.deciding:
                return last
        return None if unknown else last


@cython.cclass
class _CondNot(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode = self.children[0]
        return _cond_not(node.truth(context))


@cython.cclass
class _CondTruth(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode = self.children[0]
        return node.truth(context)


@cython.cclass
class _CondIf(_CondNode):
    @cython.cfunc
    def chosen(self, context: _CondContext) -> "Any":
        """The operand that the tests lead to; None if a test is unknown or nothing is left."""
        test: _CondNode
        position: cython.Py_ssize_t = 0
        count: cython.Py_ssize_t = len(self.children)
        while position + 1 < count:
            test = self.children[position]
            truth = test.truth(context)
            if truth is None:
                return None
            if truth:
                return self.children[position + 1]
            position += 2
        return self.children[position] if position < count else None

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        branch = self.chosen(context)
        if branch is None:
            return None
        node: _CondNode = branch
        return node.value(context)

    @cython.cfunc
    def truth(self, context: _CondContext) -> "Any":
        branch = self.chosen(context)
        if branch is None:
            return None
        node: _CondNode = branch
        return node.truth(context)


@cython.cclass
class _CondInSet(_CondNode):
    """`in` with a constant array: a set look-up for numbers and strings, a scan for what is rare in lists."""

    kinds: frozenset  # type: ignore[type-arg]
    found: frozenset  # type: ignore[type-arg]
    others: tuple  # type: ignore[type-arg]

    def __init__(self, children: "Any", values: "Any") -> None:
        self.children = tuple(children)
        self.kinds = frozenset([_cond_kind(value) for value in values])
        self.found = frozenset([v for v in values if _cond_kind(v) in (_COND_NUMBER, _COND_STRING)])
        self.others = tuple([v for v in values if _cond_kind(v) not in (_COND_NUMBER, _COND_STRING)])

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        needle = self.operand(0, context)
        if needle is None:
            return None
        kind = _cond_kind(needle)
        if kind in (_COND_NUMBER, _COND_STRING):
            if needle in self.found:
                return True
        else:
            for other in self.others:
                if _cond_compare(_COND_EQ, needle, other) is True:
                    return True
        return False if kind in self.kinds else None


@cython.cfunc
def _cond_in(needle: "Any", hay: "Any") -> "Any":
    if needle is None or hay is None:
        return None
    kind = _cond_kind(hay)
    if kind == _COND_STRING:
        return needle in hay if _cond_kind(needle) == _COND_STRING else None
    if kind != _COND_ARRAY:
        return None
    wanted = _cond_kind(needle)
    comparable = False
    for element in hay:
        element = _cond_clean(element)
        if element is None or _cond_kind(element) != wanted:
            continue
        comparable = True
        if _cond_compare(_COND_EQ, needle, element) is True:
            return True
    return False if comparable else None


@cython.cclass
class _CondArithmetic(_CondNode):
    op: str

    def __init__(self, op: str, children: "Any") -> None:
        self.op = op
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        result = self.operand(0, context)
        if len(self.children) == 1:
            return self.unary(result)
        position: cython.Py_ssize_t
        for position in range(1, len(self.children)):
            right = self.operand(position, context)
            result = _cond_arithmetic(self.op, result, right)
        return result

    @cython.cfunc
    def unary(self, value: "Any") -> "Any":
        if self.op == "+":
            return _cond_numeric_text(value) if isinstance(value, str) else _cond_number(value)
        if self.op == "-":
            return _cond_arithmetic("-", 0, value)
        return _cond_arithmetic("/", 1, value) if self.op == "/" else _cond_number(value)


@cython.cclass
class _CondExtreme(_CondNode):
    """`min` and `max`."""

    op: cython.int

    def __init__(self, op: int, children: "Any") -> None:
        self.op = op
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode
        best: object = None
        unknown = False
        for node in self.children:
            number = _cond_number(node.value(context))
            if number is None:
                unknown = True
            elif best is None or _cond_compare(self.op, number, best):
                best = number
        return None if unknown else best


@cython.cclass
class _CondIterate(_CondNode):
    """`some`, `all`, `none`, `filter`, `map`: an array and what is asked of each element."""

    op: str

    def __init__(self, op: str, children: "Any") -> None:
        self.op = op
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        array = self.operand(0, context)
        if array is None or _cond_kind(array) != _COND_ARRAY:
            return None
        context.push(None, None)
        try:
            return self.each(array, context)
        finally:
            context.pop()

    @cython.cfunc
    def each(self, array: "Any", context: _CondContext) -> "Any":
        body: _CondNode = self.children[1]
        if self.op == "map" or self.op == "filter":
            kept = []
            for index, element in enumerate(array):
                context.step()
                context.data = element
                context.index = index
                if self.op == "map":
                    kept.append(body.value(context))
                elif body.truth(context) is True:
                    kept.append(element)
            return kept
        if self.op == "all" and len(array) == 0:
            return False
        deciding = self.op != "all"
        unknown = False
        for index, element in enumerate(array):
            context.step()
            context.data = element
            context.index = index
            truth = body.truth(context)
            if truth is None:
                unknown = True
            elif truth is deciding:
                return self.op == "some"
        return None if unknown else self.op != "some"


@cython.cclass
class _CondReduce(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        array = self.operand(0, context)
        total = self.operand(2, context) if len(self.children) > 2 else None
        if array is None or _cond_kind(array) != _COND_ARRAY:
            return None
        body: _CondNode = self.children[1]
        started = len(self.children) > 2
        context.push(None, None)
        try:
            for index, element in enumerate(array):
                context.step()
                element = _cond_clean(element)
                if not started:
                    total = element
                    started = True
                    continue
                if total is None or element is None:
                    return None
                context.data = {"current": element, "accumulator": total}
                context.index = index
                total = body.value(context)
        finally:
            context.pop()
        return total


@cython.cclass
class _CondTry(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        before: cython.Py_ssize_t = len(context.thrown)
        position: cython.Py_ssize_t
        value: object = None
        for position in range(len(self.children)):
            if position == 0:
                value = self.operand(position, context)
            else:
                error = context.thrown[before]
                del context.thrown[before:]
                context.push(error, None)
                try:
                    value = self.operand(position, context)
                finally:
                    context.pop()
            if len(context.thrown) == before:
                return value
        return None


@cython.cclass
class _CondCall(_CondNode):
    """A plain function of its operands' values."""

    function: object

    def __init__(self, function: "Any", children: "Any") -> None:
        self.function = function
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode
        values = []
        for node in self.children:
            values.append(node.value(context))
        function: Any = self.function
        return function(context, values)


# --- functions of values, called with the context and a list of clean values --------------------------------


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
        raise _cond_limit_error(f"a text has more than {_COND_MAX_TEXT} characters")
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


def _cond_call_datetime(context: _CondContext, values: "Any") -> "Any":
    return _cond_moment(values[0])


@cython.cfunc
def _cond_moment(value: "Any") -> "Any":
    """A datetime from itself, from a date (its midnight) or from ISO 8601 text."""
    kind = _cond_kind(value)
    if kind == _COND_DATETIME:
        return value
    if kind == _COND_DATE:
        return _cond_datetime(value.year, value.month, value.day)
    if kind != _COND_STRING or len(value) > 64:
        return None
    try:
        return _cond_datetime.fromisoformat(value)
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
        return _cond_date.fromisoformat(value)
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
        span = _cond_timedelta(
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
    count = abs(span) // _cond_timedelta(**{unit: 1})
    return count if span >= _cond_timedelta(0) else -count


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


# --- networks -----------------------------------------------------------------------------------------------


@cython.cclass
class _CondInNetwork(_CondNode):
    """An address in CIDR blocks: one set look-up for each prefix length that occurs.

    `blocks` maps the IP version to pairs of a shift and the set of network prefixes that remain after it.
    """

    blocks: dict  # type: ignore[type-arg]

    def __init__(self, children: "Any", blocks: "Any") -> None:
        self.children = tuple(children)
        self.blocks = dict(blocks)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        import ipaddress

        text = self.operand(0, context)
        if not isinstance(text, str) or len(text) > 64:
            return None
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return None
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:
            address = mapped
        number = int(address)
        for shift, prefixes in self.blocks.get(address.version, ()):
            if number >> shift in prefixes:
                return True
        return False


# --- building and running -----------------------------------------------------------------------------------

_COND_COMPARISONS = {
    "<": _COND_LT,
    "<=": _COND_LE,
    ">": _COND_GT,
    ">=": _COND_GE,
    "==": _COND_EQ,
    "===": _COND_EQ,
    "!=": _COND_NE,
    "!==": _COND_NE,
}


def _cond_build(tree: "Any") -> "Any":
    """A node from a checked tree: ``(operator, operand, …)`` with the leaf forms named below."""
    op = tree[0]
    if op == "const":
        return _CondConst(tree[1])
    if op == "var" or op == "exists":
        kind = _CondVar if op == "var" else _CondExists
        return kind(tree[1], tree[2], [_cond_build(default) for default in tree[3:]])
    if op == "in_set":
        return _CondInSet([_cond_build(tree[1])], tree[2])
    if op == "in_network":
        return _CondInNetwork([_cond_build(tree[1])], tree[2])
    children = [_cond_build(operand) for operand in tree[1:]]
    if op in _COND_COMPARISONS:
        return _CondCompare(_COND_COMPARISONS[op], children)
    if op == "and" or op == "or":
        return _CondAnd(op == "or", children)
    if op == "min" or op == "max":
        return _CondExtreme(_COND_LT if op == "min" else _COND_GT, children)
    if op in ("+", "-", "*", "/", "%"):
        return _CondArithmetic(op, children)
    if op in ("some", "all", "none", "filter", "map"):
        return _CondIterate(op, children)
    if op in _COND_CALLS:
        return _CondCall(_COND_CALLS[op], children)
    return _cond_build_single(op, children)


def _cond_build_single(op: str, children: "Any") -> "Any":
    if op == "!":
        return _CondNot(children)
    if op == "!!":
        return _CondTruth(children)
    if op == "if":
        return _CondIf(children)
    if op == "array":
        return _CondArray(children)
    if op == "between":
        return _CondBetween(children)
    if op == "now":
        return _CondNow(children)
    if op == "reduce":
        return _CondReduce(children)
    if op == "try":
        return _CondTry(children)
    raise ValueError(f"no node for {op!r}")


@cython.cclass
class _CondProgram:
    """The conditions of a ruleset's rules, in order of evaluation."""

    nodes: list  # type: ignore[type-arg]

    def __init__(self, trees: "Any") -> None:
        if _cond_bound is None:
            _cond_bind()
        self.nodes = [_cond_build(tree) for tree in trees]

    def fired(self, event: "Any", now: "Any", active: "Sequence[bool] | None", strict: bool) -> "Any":
        """Evaluates every active rule.

        Returns: indices of the rules that fired; pairs of an index and what its rule threw; with `strict` the
            index of the first rule that is unknown, where the evaluation then ended, else -1.
        """
        node: _CondNode
        context: _CondContext = _CondContext(event, now)
        fired = []
        thrown: list = []  # type: ignore[type-arg]
        index: cython.Py_ssize_t
        for index in range(len(self.nodes)):
            if active is not None and not active[index]:
                continue
            node = self.nodes[index]
            context.steps = 0
            truth = node.truth(context)
            if truth is True:
                fired.append(index)
            elif truth is None and strict:
                return fired, thrown, index
            if context.thrown:
                thrown.extend([(index, value) for value in context.thrown])
                context.thrown = []
        return fired, thrown, -1

    def first(self, event: "Any", now: "Any", active: "Sequence[bool] | None") -> int:
        """Index of the first active rule that fires; -1 if none does."""
        node: _CondNode
        context: _CondContext = _CondContext(event, now)
        index: cython.Py_ssize_t
        for index in range(len(self.nodes)):
            if active is not None and not active[index]:
                continue
            node = self.nodes[index]
            context.steps = 0
            if node.truth(context) is True:
                return index
        return -1

    def probe(self, index: int, event: "Any", now: "Any") -> "Any":
        """A rule opened for an explanation: the values of its nodes, one at a time."""
        return _CondProbe(self.nodes[index], _CondContext(event, now))


@cython.cclass
class _CondProbe:
    """A node beside the context it is evaluated in, for who asks why."""

    node: _CondNode
    context: _CondContext

    def __init__(self, node: "Any", context: "Any") -> None:
        self.node = node
        self.context = context

    def truth(self) -> "Any":
        return self.node.truth(self.context)

    def value(self) -> "Any":
        return self.node.value(self.context)

    def operands(self) -> "list[Any]":
        return [_CondProbe(child, self.context) for child in self.node.children]

    def raw(self) -> "tuple[bool, Any]":
        """Of a field: whether the event has it, and what it holds, as it is."""
        node: _CondVar = self.node  # type: ignore[assignment]
        found = node.raw(self.context)
        return (False, None) if found is _COND_MISSING else (True, found)

    def element(self, data: "Any", index: int) -> "Any":
        """The body of an iteration, asked about one element."""
        context: _CondContext = _CondContext(None, self.context.now)
        context.frames = [*self.context.frames, (self.context.data, self.context.index)]
        context.data = data
        context.index = index
        return _CondProbe(self.node.children[1], context)

    def thrown(self) -> "list[Any]":
        """What was thrown by the questions asked so far."""
        return list(self.context.thrown)


def conditions_program(trees: "Sequence[Any]") -> "Any":
    """Builds the evaluator of a list of checked condition trees."""
    return _CondProgram(trees)


def conditions_members(value: "Any") -> "list[tuple[Any, Any]] | None":
    """Names and values of what has members: a mapping or a record; None for everything else."""
    if _cond_bound is None:
        _cond_bind()
    if _cond_kind(value) != _COND_OBJECT:
        return None
    return [(key, _cond_member(value, key, None)) for key in _cond_object_keys(value)]


def conditions_kind(value: "Any") -> str:
    """The type that conditions see in a value; "nothing" for null, NaN and what they do not know."""
    if _cond_bound is None:
        _cond_bind()
    return _COND_KIND_NAMES[_cond_kind(_cond_clean(value))]
