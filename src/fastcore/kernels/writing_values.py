"""Single values to JSON text: one node per field, which knows every accepted type, policy and refusal.

The half of the writing kernel below ``writing``: a node is called with a value and gives text, or raises
``_WriteMisfit`` with the path of the value inside its row.
"""

from fastcore import _cython as cython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Any, NoReturn

    from fastcore.payloads.plan import Plan, Step

# Escapes exactly what must be.
try:
    from _json import encode_basestring  # the json package is slow to import
except ImportError:  # PyPy has none
    from fastcore.kernels.writing_jit import short_quote as encode_basestring

_write_quote = encode_basestring

_WRITE_INFINITY = float("inf")
_WRITE_UNITS = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}


class _WriteMisfit(Exception):  # noqa: N818 - it is never seen as an error
    """A value that its field refuses; becomes a PayloadError where the number of the row is known."""

    @cython.annotation_typing(False)
    def __init__(self, path: str, expected: str, got: str) -> None:
        self.path = path
        self.expected = expected
        self.got = got

    @cython.annotation_typing(False)
    def below(self, prefix: str) -> "_WriteMisfit":
        return _WriteMisfit(_write_join(prefix, self.path), self.expected, self.got)


@cython.annotation_typing(False)
def _write_join(prefix: str, path: str) -> str:
    return f"{prefix}.{path}" if prefix and path and path[0] != "[" else prefix + path


@cython.annotation_typing(False)
def _write_shorten(value: object) -> str:
    """A value as a message shows it: its type and up to 60 ASCII characters of its text."""
    name = type(value).__name__
    if value is None:
        return "None"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"{name} of {value.bit_length()} bits"
    if isinstance(value, (str, bytes, bytearray)):
        value = value[:61]
    try:
        text = ascii(value)
    except Exception:  # a broken __repr__ must not hide the error that is being told
        return name
    return f"{name} {text if len(text) <= 60 else text[:57] + '...'}"


@cython.annotation_typing(False)
def _write_numpy_kind(value: object) -> str:
    """The one-letter kind of a numpy scalar (``i u f b M`` …), else ""; numpy is never imported."""
    if type(value).__module__ != "numpy" or hasattr(value, "__setitem__"):  # arrays have it, scalars have not
        return ""
    return str(getattr(getattr(value, "dtype", None), "kind", ""))


@cython.annotation_typing(False)
def _write_is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# --------------------------------------------------------------------------------------------- number text


@cython.annotation_typing(False)
def _write_float_text(text: str) -> str:
    """`repr` of a finite float in orjson's notation: fixed from 1e-5 on, exponents without padding."""
    if "e" not in text:
        return text
    digits, exponent = text.split("e")
    power = int(exponent)
    if power == -5:
        sign = "-" if digits[0] == "-" else ""
        return f"{sign}0.0000{digits.lstrip('-').replace('.', '')}"
    return f"{digits}e{power:+d}" if power > 0 else f"{digits}e{power}"


@cython.annotation_typing(False)
def _write_reads_back(text: str, value: float) -> bool:
    """Whether a text rounds to this float32."""
    from struct import pack, unpack

    try:
        return bool(unpack("<f", pack("<f", float(text)))[0] == value)
    except OverflowError:
        return False


@cython.annotation_typing(False)
def _write_single_text(value: float) -> str:
    """The shortest text that reads back as this float32, in orjson's notation for it (fixed for 1e-6 <= |x| <
    1e13).

    Tries each number of digits, correctly rounded; at a power of two, where the gap below is half the gap
    above, the next decimal away from zero may read back where the nearest one does not.
    """
    if value == 0.0:
        return float.__repr__(value)
    text = ""
    for count in range(9):
        text = f"{value:.{count}e}"
        if _write_reads_back(text, value):
            break
        digits, exponent = text.split("e")
        away = int(digits.replace(".", "")) + (-1 if value < 0 else 1)
        text = f"{float(f'{away}e{int(exponent) - count}'):.{count}e}"
        if _write_reads_back(text, value):
            break
    digits, exponent = text.split("e")
    sign = "-" if value < 0 else ""
    digits = digits.lstrip("-").replace(".", "").rstrip("0")
    power = int(exponent)
    if -6 <= power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    if 0 <= power < 13:
        return f"{sign}{digits[: power + 1].ljust(power + 1, '0')}.{digits[power + 1 :] or '0'}"
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{power:+d}" if power > 0 else f"{sign}{digits[0]}{fraction}e{power}"


class WriteSingle(float):
    """A float out of a float32 buffer, to be written with the shortest text of that."""

    __slots__ = ()


# --------------------------------------------------------------------------------------------------- nodes


class _WriteNode:
    """One field: a value to JSON text. Subclasses write what is not None."""

    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        self.step = step
        self.path = path
        self.nan = plan.nan
        self.utc_z = plan.utc_z

    @cython.annotation_typing(False)
    def __call__(self, value: "Any") -> str:
        if value is None:
            return "null" if self.step.nullable else self.refuse(value)
        return self.text(value)

    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        raise NotImplementedError

    @cython.annotation_typing(False)
    def refuse(self, value: object, expected: "str | None" = None) -> "NoReturn":
        raise _WriteMisfit(self.path, expected or self.step.expected, _write_shorten(value))

    @cython.annotation_typing(False)
    def not_finite(self, value: object) -> str:
        return "null" if self.nan == "null" else self.refuse(value, "a finite value")


class _WriteInt(_WriteNode):
    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        if not _write_is_number(value):
            value = self.converted(value)
        try:
            text = int.__repr__(value)
        except ValueError:
            from sys import get_int_max_str_digits

            limit = get_int_max_str_digits()
            self.refuse(value, f"an int of at most {limit} digits (the interpreter's limit)")
        return f'"{text}"' if self.step.as_string else text

    @cython.annotation_typing(False)
    def converted(self, value: "Any") -> int:
        if _write_numpy_kind(value) in ("i", "u"):
            return int(value)
        if self.step.unit is not None and hasattr(value, "utcoffset"):
            return _write_epoch(self, value) // _WRITE_UNITS[self.step.unit]
        return self.refuse(value)


class _WriteFloat(_WriteNode):
    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        single = False
        if type(value) is not float:
            kind = _write_numpy_kind(value)
            single = type(value) is WriteSingle or (kind == "f" and not isinstance(value, float))
            value = self.converted(value, kind)
        if value != value or value in (_WRITE_INFINITY, -_WRITE_INFINITY):
            return self.not_finite(value)
        if self.step.precision is not None:
            value, single = self.rounded(value), False
        text = _write_single_text(value) if single else _write_float_text(float.__repr__(value))
        return f'"{text}"' if self.step.as_string else text

    @cython.annotation_typing(False)
    def converted(self, value: "Any", kind: str) -> float:
        if isinstance(value, float):
            return float(value)
        if kind == "f" and value.dtype.itemsize > 8:
            self.refuse(value, f"{self.step.expected} of at most 64 bits")
        if kind in ("f", "i", "u") or _write_is_number(value):
            try:
                return float(value)
            except OverflowError:
                self.refuse(value, f"{self.step.expected} (an int in its range)")
        if self.step.unit is not None and hasattr(value, "utcoffset"):
            return _write_epoch(self, value) / _WRITE_UNITS[self.step.unit]
        return self.refuse(value)

    @cython.annotation_typing(False)
    def rounded(self, value: float) -> float:
        try:
            return round(value, self.step.precision)
        except OverflowError:
            self.refuse(value, f"a float that can be rounded to {self.step.precision} places")


class _WriteStr(_WriteNode):
    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        if isinstance(value, str):
            return _write_quote(str.__str__(value))
        return self.refuse(value)


class _WriteBool(_WriteNode):
    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        if isinstance(value, bool) or _write_numpy_kind(value) == "b":
            return "true" if value else "false"
        return self.refuse(value)


class _WriteUuid(_WriteNode):
    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        from uuid import UUID

        super().__init__(step, plan, path)
        self.type = UUID

    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        if not isinstance(value, self.type):
            self.refuse(value)
        digits = f"{value.int:032x}"
        return f'"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"'


class _WriteDecimal(_WriteNode):
    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        from decimal import Decimal

        super().__init__(step, plan, path)
        self.type = Decimal

    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        if not isinstance(value, self.type):
            self.refuse(value)
        if not value.is_finite():
            return self.not_finite(value)
        if self.step.precision is not None:
            try:
                value = round(value, self.step.precision)
            except ArithmeticError:
                self.refuse(value, f"a Decimal that can be rounded to {self.step.precision} places")
        text = self.type.__str__(value)
        return text if self.step.as_number else f'"{text}"'


class _WriteEnum(_WriteNode):
    """The texts of the members were written when the schema was checked."""

    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        super().__init__(step, plan, path)
        self.type, texts = step.detail
        self.texts = dict(texts)

    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        if not isinstance(value, self.type):
            self.refuse(value)
        text: str | None = self.texts.get(value)
        return self.refuse(value, f"a named member of {self.type.__name__}") if text is None else text


class _WriteRaw(_WriteNode):
    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        super().__init__(step, plan, path)
        self.type = step.detail

    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        raw = value.json if isinstance(value, self.type) else value
        try:
            if isinstance(raw, str):
                raw = raw.encode()
            elif not isinstance(raw, (bytes, bytearray, memoryview)):
                self.refuse(value)
            text = bytes(raw).decode()
        except UnicodeError:
            self.refuse(value, "JSON that is UTF-8")
        return text or self.refuse(value, "JSON, not nothing")


class _WriteConstant(_WriteNode):
    @cython.annotation_typing(False)
    def __call__(self, value: "Any") -> str:
        return str(self.step.detail)


# ---------------------------------------------------------------------------------------------------- time


@cython.annotation_typing(False)
def _write_epoch(node: _WriteNode, value: "Any") -> int:
    """Microseconds from the epoch to an aware datetime, exact."""
    from datetime import UTC, datetime, timedelta

    if not isinstance(value, datetime) or value.utcoffset() is None:
        node.refuse(value)
    return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@cython.annotation_typing(False)
def _write_datetime_text(value: "datetime", utc_z: bool) -> str:
    """RFC 3339 text. Its offsets have no seconds: they are rounded to minutes, as orjson does."""
    text = f"{value.year:04d}-{value.month:02d}-{value.day:02d}T{value.hour:02d}:{value.minute:02d}"
    text += f":{value.second:02d}"
    if value.microsecond:
        text += f".{value.microsecond:06d}"
    offset = value.utcoffset()
    if offset is None:
        return text
    if utc_z and not offset:
        return text + "Z"
    seconds = offset.days * 86400 + offset.seconds
    minutes = (abs(seconds) + 30) // 60
    return f"{text}{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


class _WriteDatetime(_WriteNode):
    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        from datetime import UTC, datetime, timedelta

        super().__init__(step, plan, path)
        self.type = datetime
        self.delta = timedelta
        self.epoch = datetime(1970, 1, 1, tzinfo=UTC)

    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        if type(value) is self.type:
            text = value.isoformat()
            if len(text) in (19, 26):  # naive
                return f'"{text}"'
            if len(text) in (25, 32):  # an offset of whole minutes
                return f'"{text.replace("+00:00", "Z")}"' if self.utc_z else f'"{text}"'
            return f'"{_write_datetime_text(value, self.utc_z)}"'
        if not isinstance(value, self.type):
            kind = _write_numpy_kind(value)
            moment = self.from_numpy(value) if kind == "M" else self.from_number(value, kind)
        else:
            moment = value if value == value else None  # the NaT of pandas is a datetime
        return self.not_finite(value) if moment is None else f'"{_write_datetime_text(moment, self.utc_z)}"'

    @cython.annotation_typing(False)
    def from_numpy(self, value: "Any") -> "datetime | None":
        if value != value:
            return None
        try:
            known = not isinstance(value.astype("datetime64[D]").item(), int)
        except OverflowError:  # numpy has no days of picoseconds; so few of them are in those years
            known = True
        if not known:
            self.refuse(value, f"{self.step.expected} in the years 1 to 9999")
        moment: datetime = value.astype("datetime64[us]").item()
        return moment

    @cython.annotation_typing(False)
    def from_number(self, value: "Any", kind: str) -> "datetime | None":
        unit = self.step.unit
        if unit is None:
            self.refuse(value)
        number = int(value) if kind in ("i", "u") else float(value) if kind == "f" else value
        if isinstance(number, float):
            if number != number or number in (_WRITE_INFINITY, -_WRITE_INFINITY):
                return None
        elif not _write_is_number(number):
            self.refuse(value)
        try:
            return self.epoch + self.delta(**{unit: number})
        except OverflowError:
            self.refuse(value, f"{self.step.expected} in the years 1 to 9999")


class _WriteDate(_WriteNode):
    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        from datetime import date, datetime

        super().__init__(step, plan, path)
        self.type = date
        self.not_type = datetime

    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        if _write_numpy_kind(value) == "M":
            if value != value:
                return self.not_finite(value)
            expected = f"{self.step.expected} (whole days in the years 1 to 9999)"
            try:
                days = value.astype("datetime64[D]")
                whole = bool(days == value) and not isinstance(days.item(), int)
            except OverflowError:  # numpy has no days of picoseconds
                self.refuse(value, expected)
            if not whole:
                self.refuse(value, expected)
            value = days.item()
        if not isinstance(value, self.type) or isinstance(value, self.not_type):
            self.refuse(value)
        return f'"{value.year:04d}-{value.month:02d}-{value.day:02d}"'


class _WriteNow(_WriteNode):
    """The clock, read when the row is written."""

    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        from datetime import UTC, datetime
        from time import time, time_ns

        super().__init__(step, plan, path)
        self.kind, unit = step.detail
        self.nanoseconds = _WRITE_UNITS[unit] * 1000
        self.time = time
        self.time_ns = time_ns
        self.now = datetime.now
        self.utc = UTC

    @cython.annotation_typing(False)
    def __call__(self, value: "Any") -> str:
        if self.kind == "datetime":
            return f'"{_write_datetime_text(self.now(self.utc), self.utc_z)}"'
        if self.kind == "int":
            return str(self.time_ns() // self.nanoseconds)
        if self.nanoseconds == 1_000_000_000:
            return float.__repr__(self.time())
        return float.__repr__(self.time_ns() / self.nanoseconds)


_WRITE_VALUE_NODES: "dict[str, Callable[[Step, Plan, str], _WriteNode]]" = {
    "int": _WriteInt,
    "float": _WriteFloat,
    "str": _WriteStr,
    "bool": _WriteBool,
    "datetime": _WriteDatetime,
    "date": _WriteDate,
    "uuid": _WriteUuid,
    "decimal": _WriteDecimal,
    "enum": _WriteEnum,
    "raw": _WriteRaw,
    "constant": _WriteConstant,
    "now": _WriteNow,
}


# ------------------------------------------------------------------------------------------- plain constants


@cython.annotation_typing(False)
def write_constant(value: "Any", depth: int = 0) -> str:
    """The JSON text of a plain value (None, bool, int, float, str, lists and dicts of these), as fields write
    them.

    Raises:
        ValueError: it is none of these, or not finite, or holds a lone surrogate, or nests deeper than 64
            levels.
    """
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if value != value or value in (_WRITE_INFINITY, -_WRITE_INFINITY):
            raise ValueError(f"{value!r} is not a JSON number")
        return _write_float_text(float.__repr__(value))
    if isinstance(value, str):
        str.encode(value)  # raises for a lone surrogate
        return _write_quote(str.__str__(value))
    if depth > 64:
        raise ValueError("it nests deeper than 64 levels, or contains itself")
    if isinstance(value, (list, tuple)):
        return f"[{','.join([write_constant(item, depth + 1) for item in value])}]"
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        members = [f"{write_constant(key)}:{write_constant(item, depth + 1)}" for key, item in value.items()]
        return f"{{{','.join(members)}}}"
    raise ValueError(f"{_write_shorten(value)} is not a JSON value")
