"""Values as conditions see them: their types, what they hold, comparison and arithmetic.

Unknown is one value, None: missing, null, NaN and NaT are None as soon as they are read.
"""

import math as _cond_math
import sys as _cond_sys

from fastcore import _cython as cython
from fastcore.errors import LimitError

TYPE_CHECKING = False
if TYPE_CHECKING:
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
# of a product: dividing is quadratic, and holds the GIL for a few milliseconds at this size
_COND_MAX_BITS = 65_536


@cython.final
@cython.cclass
class _CondTypes:
    """Classes of the values that JSON does not have.

    Importing them with this module would cost every program that never sees one. They are bound before the
    first tree is built, once, and are attributes of one object so that every part sees them.
    """

    mapping: object
    sequence: object
    datetime: object
    date: object
    timedelta: object
    decimal: object

    def __init__(self) -> None:
        self.mapping = None

    @cython.cfunc
    def bind(self) -> "Any":
        if self.mapping is not None:
            return
        import collections.abc
        import datetime as dt
        import decimal

        self.sequence = collections.abc.Sequence
        self.datetime = dt.datetime
        self.date = dt.date
        self.timedelta = dt.timedelta
        self.decimal = decimal.Decimal
        self.mapping = collections.abc.Mapping  # last: it tells another thread that all are there


_cond_types = cython.declare(_CondTypes, _CondTypes())

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
    if isinstance(value, _cond_types.decimal):
        return _COND_NOTHING if value.is_nan() else _COND_NUMBER
    if isinstance(value, _cond_types.datetime):
        return (
            _COND_DATETIME if value == value else _COND_NOTHING
        )  # pandas.NaT is one and differs from itself
    if isinstance(value, _cond_types.date):
        return _COND_DATE
    if isinstance(value, _cond_types.timedelta):
        return _COND_DURATION
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _COND_NOTHING
    if isinstance(value, _cond_types.mapping) or _cond_declared(value) is not None:
        return _COND_OBJECT
    if isinstance(value, _cond_types.sequence):
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
    if kind == _COND_DATETIME and type(value) is not _cond_types.datetime:
        return _cond_types.datetime.combine(
            _cond_types.date(value.year, value.month, value.day), value.timetz(), tzinfo=value.tzinfo
        )
    if kind == _COND_DURATION and type(value) is not _cond_types.timedelta:
        return _cond_types.timedelta(days=value.days, seconds=value.seconds, microseconds=value.microseconds)
    if kind != _COND_NOTHING:
        return value
    numpy = _cond_sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic):
        return None
    if isinstance(value, (numpy.datetime64, numpy.timedelta64)) and numpy.isnat(value):
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
    if isinstance(data, _cond_types.mapping):
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
def _cond_object_keys(value: "Any") -> "Any":
    if isinstance(value, _cond_types.mapping):
        return list(value)
    return list(_cond_declared(value))


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
        if isinstance(a, _cond_types.decimal):
            return _cond_apply(op, a, _cond_types.decimal.from_float(b) if isinstance(b, float) else b)
        if isinstance(b, _cond_types.decimal):
            return _cond_apply(op, _cond_types.decimal.from_float(a) if isinstance(a, float) else a, b)
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
    start = _cond_types.datetime.min
    return _cond_apply(op, a.replace(tzinfo=None) - start - offset, b.replace(tzinfo=None) - start - other)


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
        elif isinstance(a, _cond_types.decimal) or isinstance(b, _cond_types.decimal):
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
            raise LimitError(f"a product has more than {_COND_MAX_BITS} bits")
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
