"""Rows to JSON text: the loops behind ``PayloadBuilder``.

A plan is plain data: a tuple ``(steps, nan, extra, utc_z)``, and a step is a tuple of the members of
``fastcore.payloads.plan.Step`` (this kernel reads them by name). From a plan this kernel makes one function per way
of reading a row: source text with the constant key fragments and one line per field, which tests the exact type,
writes the common case in place and calls the step's node for everything else. Nodes know every accepted type, every
policy and every refusal; the generated function is only their short cut, so the two can never disagree about what is
allowed. A C twin needs the plan alone: it takes over ``RowWriter.open`` and ``RowWriter.fill``.
"""

import json.encoder

from fastcore import _cython as cython
from fastcore.errors import PayloadError

_write_quote = json.encoder.encode_basestring  # C on CPython, RPython on PyPy; escapes exactly what must be


class _WriteMisfit(Exception):
    """A value that its step refuses; becomes a PayloadError where the number of the row is known."""

    def __init__(self, path, expected, got):
        self.path = path
        self.expected = expected
        self.got = got

    def below(self, prefix):
        path = self.path
        joint = "." if prefix and path and not path.startswith("[") else ""
        return _WriteMisfit(prefix + joint + path, self.expected, self.got)


def _write_shorten(value):
    """A value as a person should see it in a message: its type and at most 60 characters of its text."""
    name = type(value).__name__
    if value is None:
        return "None"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return f"{name} of {value.bit_length()} bits"
    if isinstance(value, (str, bytes, bytearray)):
        value = value[:60] if len(value) <= 60 else value[:61]
    try:
        text = repr(value)
    except Exception:
        return name
    text = text.encode("ascii", "backslashreplace").decode("ascii") if not text.isascii() else text
    return f"{name} {text if len(text) <= 60 else text[:57] + '...'}"


def _write_numpy_kind(value):
    """The one-letter kind of a numpy scalar (``i u f b M`` …), "" of anything else; numpy is never imported."""
    if type(value).__module__ != "numpy":
        return ""
    return getattr(getattr(value, "dtype", None), "kind", "")


# ------------------------------------------------------------------------------------------------ numbers


def _write_float_text(text):
    """`repr` of a finite float in the notation of the field: fixed from 1e-5 on, exponents without padding."""
    if "e" not in text:
        return text
    digits, exponent = text.split("e")
    power = int(exponent)
    if power == -5:
        sign = "-" if digits[0] == "-" else ""
        return sign + "0.0000" + digits.lstrip("-").replace(".", "")
    return f"{digits}e{power:+d}" if power > 0 else f"{digits}e{power}"


def _write_single_text(value):
    """Shortest text that reads back as this float32, in its own fixed range 1e-6 <= |x| < 1e13."""
    from struct import pack, unpack

    if value == 0.0:
        return repr(value)

    def reads_back(text):
        try:
            return unpack("<f", pack("<f", float(text)))[0] == value
        except OverflowError:
            return False

    for count in range(9):
        text = f"{value:.{count}e}"
        if reads_back(text):
            break
        # at a power of two the gap below is half of the gap above: the next decimal away from zero may still fit
        digits, exponent = text.split("e")
        bumped = int(digits.replace(".", "")) + (-1 if value < 0 else 1)
        text = f"{bumped}e{int(exponent) - count}"
        if reads_back(text):
            text = f"{float(text):.{count}e}"
            break
    digits, exponent = text.split("e")
    sign = "-" if digits[0] == "-" else ""
    digits = digits.lstrip("-").replace(".", "").rstrip("0") or "0"
    power = int(exponent)
    if -6 <= power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    if 0 <= power < 13:
        whole = digits[: power + 1].ljust(power + 1, "0")
        return f"{sign}{whole}.{digits[power + 1 :] or '0'}"
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{power:+d}" if power > 0 else f"{sign}{digits[0]}{fraction}e{power}"


class WriteSingle(float):
    """A float that came from a float32 buffer and is to be written with the shortest text of that."""

    __slots__ = ()


# -------------------------------------------------------------------------------------------------- nodes


class _WriteNode:
    """One field: its value to JSON text. Subclasses write what is not null and refuse the rest."""

    def __init__(self, step, plan, path):
        self.step = step
        self.path = path
        self.nan = plan.nan
        self.utc_z = plan.utc_z

    def __call__(self, value):
        if value is None:
            if self.step.nullable:
                return "null"
            raise self.misfit(value)
        return self.text(value)

    def misfit(self, value, expected=None):
        return _WriteMisfit(self.path, expected or self.step.expected, _write_shorten(value))

    def not_finite(self, value):
        if self.nan == "null":
            return "null"
        return self.refuse(value, "a finite number")

    def refuse(self, value, expected=None):
        raise self.misfit(value, expected)


class _WriteInt(_WriteNode):
    def text(self, value):
        if not isinstance(value, int) or isinstance(value, bool):
            value = self.converted(value)
        try:
            text = int.__repr__(value)
        except ValueError:
            from sys import get_int_max_str_digits

            limit = f"an int of at most {get_int_max_str_digits()} digits (the interpreter's limit)"
            self.refuse(value, limit)
        return f'"{text}"' if self.step.as_string else text

    def converted(self, value):
        if _write_numpy_kind(value) in ("i", "u"):
            return int(value)
        if self.step.unit is not None and hasattr(value, "utcoffset"):
            return _write_epoch(self, value) // _WRITE_UNITS[self.step.unit]
        return self.refuse(value)


class _WriteFloat(_WriteNode):
    def text(self, value):
        single = False
        if type(value) is not float:
            single = type(value) is WriteSingle
            if not single:
                kind = _write_numpy_kind(value)
                if kind == "f" and not isinstance(value, float):
                    if value.dtype.itemsize > 8:
                        self.refuse(value, f"{self.step.expected} of at most 64 bits")
                    single, value = True, float(value)
                else:
                    value = self.converted(value, kind)
        if value != value or value in (_WRITE_INFINITY, -_WRITE_INFINITY):
            return self.not_finite(value)
        if self.step.precision is not None:
            value = round(float(value), self.step.precision)
            single = False
        text = _write_single_text(value) if single else _write_float_text(float.__repr__(value))
        return f'"{text}"' if self.step.as_string else text

    def converted(self, value, kind):
        if isinstance(value, float):
            return value
        if (isinstance(value, int) and not isinstance(value, bool)) or kind in ("i", "u"):
            try:
                return float(value)
            except OverflowError:
                return self.refuse(value, "a float (an int in its range)")
        if self.step.unit is not None and hasattr(value, "utcoffset"):
            return _write_epoch(self, value) / _WRITE_UNITS[self.step.unit]
        return self.refuse(value)


_WRITE_INFINITY = float("inf")


class _WriteStr(_WriteNode):
    def text(self, value):
        if isinstance(value, str):
            return _write_quote(str.__str__(value))
        return self.refuse(value)


class _WriteBool(_WriteNode):
    def text(self, value):
        if value is True:
            return "true"
        if value is False:
            return "false"
        if _write_numpy_kind(value) == "b":
            return "true" if value else "false"
        return self.refuse(value)


class _WriteUuid(_WriteNode):
    def __init__(self, step, plan, path):
        from uuid import UUID

        super().__init__(step, plan, path)
        self.type = UUID

    def text(self, value):
        if not isinstance(value, self.type):
            self.refuse(value)
        digits = f"{value.int:032x}"
        return f'"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"'


class _WriteDecimal(_WriteNode):
    def __init__(self, step, plan, path):
        from decimal import Decimal

        super().__init__(step, plan, path)
        self.type = Decimal

    def text(self, value):
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
    """Members are told by identity of their class; their texts were written when the schema was checked."""

    def __init__(self, step, plan, path):
        super().__init__(step, plan, path)
        self.type, texts = step.detail
        self.texts = dict(texts)

    def text(self, value):
        if not isinstance(value, self.type):
            self.refuse(value)
        text = self.texts.get(value)
        return self.refuse(value, f"a named member of {self.type.__name__}") if text is None else text


class _WriteRaw(_WriteNode):
    def __init__(self, step, plan, path):
        super().__init__(step, plan, path)
        self.type = step.detail

    def text(self, value):
        if isinstance(value, self.type):
            value = value.json
        if isinstance(value, str):
            text = str.__str__(value)
        elif isinstance(value, (bytes, bytearray, memoryview)):
            try:
                text = bytes(value).decode("utf-8")
            except UnicodeDecodeError:
                self.refuse(value, "JSON in UTF-8")
        else:
            self.refuse(value)
        return text or self.refuse(value, "JSON, not nothing")


class _WriteConstant(_WriteNode):
    def __call__(self, value):
        return self.step.detail


# --------------------------------------------------------------------------------------------------- time

_WRITE_UNITS = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}


def _write_epoch(node, value):
    """Microseconds from the epoch to an aware datetime, exact."""
    from datetime import UTC, datetime, timedelta

    if not isinstance(value, datetime) or value.utcoffset() is None:
        node.refuse(value, f"{node.step.expected} (a datetime needs its time zone)")
    return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _write_datetime_text(value, utc_z):
    """ISO 8601 as RFC 3339 wants it: offsets in minutes; seconds in an offset are rounded, as orjson does."""
    offset = value.utcoffset()
    text = f"{value.year:04d}-{value.month:02d}-{value.day:02d}T{value.hour:02d}:{value.minute:02d}:{value.second:02d}"
    if value.microsecond:
        text += f".{value.microsecond:06d}"
    if offset is None:
        return text
    seconds = offset.days * 86400 + offset.seconds
    if utc_z and not offset:
        return text + "Z"
    minutes = (abs(seconds) + 30) // 60
    return f"{text}{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


class _WriteDatetime(_WriteNode):
    def __init__(self, step, plan, path):
        from datetime import UTC, datetime, timedelta

        super().__init__(step, plan, path)
        self.type = datetime
        self.delta = timedelta
        self.epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def text(self, value):
        if not isinstance(value, self.type):
            kind = _write_numpy_kind(value)
            value = self.from_numpy(value) if kind == "M" else self.from_number(value, kind)
        if value is None or value != value:  # NaT of numpy, NaT of pandas
            return self.not_finite(value)
        return f'"{_write_datetime_text(value, self.utc_z)}"'

    def from_numpy(self, value):
        result = value.astype("datetime64[us]").item()
        if result is not None and not isinstance(result, self.type):
            self.refuse(value, f"{self.step.expected} in the years 1 to 9999")
        return result

    def from_number(self, value, kind):
        unit = self.step.unit
        if unit is None:
            self.refuse(value)
        if kind in ("i", "u"):
            value = int(value)
        elif kind == "f":
            value = float(value)
        if isinstance(value, float):
            if value != value or value in (_WRITE_INFINITY, -_WRITE_INFINITY):
                return None
        elif not isinstance(value, int) or isinstance(value, bool):
            self.refuse(value)
        try:
            return self.epoch + self.delta(microseconds=value * _WRITE_UNITS[unit])
        except OverflowError:
            return self.refuse(value, f"{self.step.expected} in the years 1 to 9999")


class _WriteDate(_WriteNode):
    def __init__(self, step, plan, path):
        from datetime import date, datetime

        super().__init__(step, plan, path)
        self.type = date
        self.not_type = datetime

    def text(self, value):
        if _write_numpy_kind(value) == "M":
            if value != value:
                return self.not_finite(value)
            if value.astype("datetime64[D]") != value:
                self.refuse(value, "a date (a datetime64 of whole days)")
            value = value.astype("datetime64[D]").item()
        if not isinstance(value, self.type) or isinstance(value, self.not_type):
            self.refuse(value)
        return f'"{value.year:04d}-{value.month:02d}-{value.day:02d}"'


class _WriteNow(_WriteNode):
    """The clock, read when the row is written."""

    def __call__(self, value):
        from time import time_ns

        micros = time_ns() // 1000
        target, unit = self.step.detail
        if target == "datetime":
            from datetime import UTC, datetime, timedelta

            now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
            return f'"{_write_datetime_text(now, self.utc_z)}"'
        if target == "int":
            return str(micros // _WRITE_UNITS[unit])
        return _write_float_text(repr(micros / _WRITE_UNITS[unit]))


# --------------------------------------------------------------------------------------- lists and objects


class _WriteList(_WriteNode):
    def __init__(self, step, plan, path):
        super().__init__(step, plan, path)
        self.item = _write_node(step.detail, plan, "")

    def text(self, value):
        if not isinstance(value, (list, tuple)):
            if getattr(value, "ndim", 0) == 0 or not hasattr(value, "tolist"):
                self.refuse(value)
            value = list(value)
        item = self.item
        texts = []
        try:
            for element in value:
                texts.append(item(element))
        except _WriteMisfit as misfit:
            raise misfit.below(f"{self.path}[{len(texts)}]") from None
        return f"[{','.join(texts)}]"


class _WriteObject(_WriteNode):
    """A nested object; each value says by its type how it is read."""

    def __init__(self, step, plan, path):
        super().__init__(step, plan, path)
        self.reader = _WriteReader(step.detail)
        self.functions = {}

    def text(self, value):
        reader = "dict" if type(value) is dict else self.reader.kind(value, False)
        if reader is None:
            self.refuse(value)
        function = self.functions.get(reader)
        if function is None:
            function = self.functions[reader] = self.reader.function(reader, False)
        try:
            return function(value)
        except _WriteMisfit as misfit:
            raise misfit.below(self.path) from None


_WRITE_NODES = {
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
    "list": _WriteList,
    "object": _WriteObject,
}


def _write_node(step, plan, path):
    return _WRITE_NODES[step.kind](step, plan, path)


# ------------------------------------------------------------------------------------------ reading a row

_WRITE_NOT_ROWS = (str, bytes, bytearray, memoryview, int, float, complex, set, frozenset, type)


class _WriteReader:
    """How the values of a plan's steps are found in a row, and the function that writes such rows."""

    def __init__(self, plan):
        self.plan = plan
        self.read_steps = tuple(step for step in plan.steps if step.source is not None)
        self.names = tuple(step.source for step in self.read_steps)
        self.leaves = _write_leaves(plan)

    def kind(self, row, flat_allowed):
        """One of ``sequence flat dict mapping record object``; None for what cannot be a row."""
        if isinstance(row, (tuple, list)):
            return self.sequence_kind(len(row), flat_allowed)
        if type(row) is dict:
            return "dict"
        if row is None or isinstance(row, _WRITE_NOT_ROWS):
            return None
        if hasattr(type(row), "__dataclass_fields__") or hasattr(type(row), "model_fields"):
            return "object"
        from collections.abc import Mapping

        if isinstance(row, Mapping):
            return "mapping"
        if hasattr(type(row), "__getitem__") and hasattr(type(row), "__len__"):
            keys = getattr(row, "keys", None)
            if keys is not None and {step.source for step in self.read_steps if step.default == ()} <= set(
                keys()
            ):
                return "record"
            return self.sequence_kind(len(row), flat_allowed)
        return "object"

    def sequence_kind(self, length, flat_allowed):
        if flat_allowed and length != len(self.names) and length == len(self.leaves):
            return "flat"
        return "sequence"

    def function(self, reader, encode):
        """Compile the function from a row to its text (or bytes) for one way of reading."""
        return _write_compile(self, reader, encode)

    def sequence(self, row):
        """A row of another type than tuple, in a build whose rows are read by position."""
        if self.kind(row, False) != "sequence":
            raise _WriteMisfit("", f"a tuple or list of {len(self.names)} values", _write_shorten(row))
        return tuple(row)

    def wrong_length(self, row, expected):
        counts = f"{expected} value" + ("s" if expected != 1 else "")
        got = f"{len(row)}: {_write_shorten(row)}"
        return _WriteMisfit("", f"a tuple or list of {counts}", got)

    def mapping(self, row):
        """The values of a mapping that is not a plain dict, or lacks a key."""
        if not hasattr(type(row), "keys") or not hasattr(type(row), "__getitem__"):
            raise _WriteMisfit("", "a mapping", _write_shorten(row))
        keys = set(row.keys())
        return tuple(
            [row[step.source] if step.source in keys else self.missing(step) for step in self.read_steps]
        )

    def attributes(self, row):
        if row is None or isinstance(row, (*_WRITE_NOT_ROWS, dict, tuple, list)):
            raise _WriteMisfit("", "an object with attributes", _write_shorten(row))
        values = []
        for step in self.read_steps:
            value = getattr(row, step.source, ...)
            values.append(self.missing(step) if value is ... else value)
        return tuple(values)

    def missing(self, step):
        if step.default == ():
            raise _WriteMisfit(step.key, step.expected, "nothing: it is missing")
        return step.default[0]

    def extra(self, row):
        unknown = [key for key in row.keys() if key not in self.names]  # noqa: SIM118
        if unknown:
            raise _WriteMisfit("", "no key but those of the schema", f"the key {_write_shorten(unknown[0])}")


def _write_leaves(plan):
    """The steps that a flat row has values for: members of nested required objects stand for themselves."""
    leaves = []
    for step in plan.steps:
        if step.kind == "object" and step.default == () and not step.nullable:
            leaves.extend(_write_leaves(step.detail))
        elif step.source is not None:
            leaves.append(step)
    return leaves


# --------------------------------------------------------------------------------- generating the function

_WRITE_INLINE = {
    "int": "{v} if type({v}) is int else {w}({v})",
    "float": (
        "float_repr({v}) if type({v}) is float and (1e-4 <= {v} < 1e16 or -1e16 < {v} <= -1e-4 or {v} == 0.0)"
        " else {w}({v})"
    ),
    "str": "quote({v}) if type({v}) is str else {w}({v})",
    "bool": "'true' if {v} is True else 'false' if {v} is False else {w}({v})",
}


class _WriteSource:
    """Collects the lines and the names of one generated function."""

    def __init__(self):
        self.lines = []
        self.names = {"float_repr": float.__repr__, "int_repr": int.__repr__, "quote": _write_quote}
        self.values = []  # variables that the reader must set, in order
        self.count = 0

    def literal(self, text):
        return text.replace("{", "{{").replace("}", "}}")

    def steps(self, plan, flat, prefix=""):
        """Emit the lines of a plan's steps; gives the template of the object that they make."""
        present = [not step.omittable for step in plan.steps]
        first = present.index(True) if True in present else len(present)
        template = []
        for index, step in enumerate(plan.steps):
            comma_before = index > first or first == len(present)
            comma_after = index < first and not comma_before
            if flat and step.kind == "object" and step.default == () and not step.nullable:
                text = self.literal(step.fragment) + self.steps(step.detail, flat, f"{prefix}{step.key}.")
                template.append(("," if comma_before else "") + text)
                continue
            variable = self.step(step, plan, prefix)
            if step.omittable:
                key = ("," if comma_before else "") + step.fragment
                tail = f" + {variable} + ','" if comma_after else f" + {variable}"
                self.lines.append(
                    f"{variable} = '' if {variable} == 'null' else {key!r}{tail}"
                    if step.omit_null
                    else f"{variable} = '' if {variable} == '' else {key!r}{tail}"
                )
                template.append("{%s}" % variable)
            else:
                template.append(
                    ("," if comma_before else "") + self.literal(step.fragment) + "{%s}" % variable
                )
        body = "".join(template)
        if first == len(present) and present:
            joined = f"b{self.count}"
            self.count += 1
            self.lines.append(f"{joined} = f{body!r}[1:]")
            body = "{%s}" % joined
        return "{{" + body + "}}"

    def step(self, step, plan, prefix):
        """Emit the line that turns a step's value into text; gives its variable."""
        variable, writer = f"v{self.count}", f"w{self.count}"
        self.count += 1
        node = _write_node(step, plan, prefix + step.key)
        self.names[writer] = node
        if step.kind == "constant":
            self.lines.append(f"{variable} = {step.detail!r}")
            return variable
        if step.source is None:
            self.lines.append(f"{variable} = {writer}(None)")
            return variable
        self.values.append(variable)
        plain = step.precision is None and not step.as_string
        code = _WRITE_INLINE.get(step.kind, "{w}({v})") if plain else "{w}({v})"
        if step.omittable and step.kind == "int" and plain:
            code = code.replace("{v} if", "int_repr({v}) if")
        code = code.format(v=variable, w=writer)
        if step.nullable and code != f"{writer}({variable})":
            code = f"'null' if {variable} is None else {code}"
        if step.omittable:
            code = f"{'null' if step.omit_null else ''!r} if {variable} is ... else {code}"
        self.lines.append(f"{variable} = {code}")
        return variable


def _write_compile(reader, kind, encode):
    source = _WriteSource()
    flat = kind == "flat"
    template = source.steps(reader.plan, flat)
    lines = _write_read_lines(reader, kind, source)
    source.names["fail"] = _write_fail
    lines += source.lines
    result = f"f{template!r}"
    if encode:
        values = "".join(f"{name}, " for name in source.values)
        writers = "".join(f"w{name[1:]}, " for name in source.values)
        lines += [
            "try:",
            f"    return {result}.encode()",
            "except ValueError as error:",
            f"    fail(error, ({writers}), ({values}))",
        ]
    else:
        lines.append(f"return {result}")
    code = "def write(row):\n    " + "\n    ".join(lines) + "\n"
    exec(code, source.names)
    return source.names["write"]


def _write_read_lines(reader, kind, source):
    names = source.names
    variables = "".join(f"{name}, " for name in source.values)
    count = len(source.values)
    names["reader"] = reader
    unpack = f"{variables} = " if count else ""
    if kind in ("sequence", "flat"):
        return [
            "if type(row) is not tuple:",
            "    row = reader.sequence(row)",
            f"if len(row) != {count}:",
            f"    raise reader.wrong_length(row, {count})",
            f"{unpack}row",
        ]
    if kind == "object":
        reads = [
            f"{variable} = row.{name}"
            if name.isidentifier() and not _write_is_keyword(name)
            else f"{variable} = getattr(row, {name!r})"
            for variable, name in zip(source.values, reader.names)
        ]
        return [
            "try:",
            *(f"    {line}" for line in reads or ["pass"]),
            "except AttributeError:",
            f"    {unpack}reader.attributes(row)",
        ]
    reads = [f"{variable} = row[{name!r}]" for variable, name in zip(source.values, reader.names)]
    lines = [
        "if type(row) is dict:",
        "    try:",
        *(f"        {line}" for line in reads or ["pass"]),
        "    except KeyError:",
        f"        {unpack}reader.mapping(row)",
        "else:",
        f"    {unpack}reader.mapping(row)",
    ]
    if reader.plan.extra == "error":
        lines += (
            [f"if len(row) != {count}:", "    reader.extra(row)"] if kind == "dict" else ["reader.extra(row)"]
        )
    return lines


def _write_is_keyword(name):
    from keyword import iskeyword

    return iskeyword(name)


def _write_fail(error, writers, values):
    """The text of a row could not be made or encoded: say which field did it."""
    for writer, value in zip(writers, values):
        if isinstance(value, int):
            writer(value)  # beyond the interpreter's limit of digits: refuses
        elif isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                path, bad = _write_surrogate(value)
                joint = "." if path and not path.startswith("[") else ""
                raise _WriteMisfit(
                    writer.path + joint + path, "text without lone surrogates", _write_shorten(bad)
                ) from None
    raise error


def _write_surrogate(text):
    """Path and value of the first string in a JSON text that holds a lone surrogate."""
    place = next(index for index, char in enumerate(text) if "\ud800" <= char <= "\udfff")
    mark = next(char for char in map(chr, range(0xE000, 0xF8FF)) if char not in text)
    marked = text[:place] + mark + text[place + 1 :]
    pending = [("", json.loads(marked))]
    while pending:
        path, value = pending.pop()
        if isinstance(value, str) and mark in value:
            return path, value.replace(mark, text[place])
        if isinstance(value, dict):
            pending += [(f"{path}.{key}" if path else key, member) for key, member in value.items()]
        elif isinstance(value, list):
            pending += [(f"{path}[{index}]", member) for index, member in enumerate(value)]
    return "", text


# ----------------------------------------------------------------------------------------------- the loop


class WriteSource:
    """Where one build is: its iterator, its row number, the function that its first row chose."""

    def __init__(self, rows, lines, flat):
        self.iterator = iter(rows)
        self.lines = lines
        self.kind = "flat" if flat else None
        self.write = None
        self.number = 0
        self.error = None
        self.done = False


class RowWriter:
    """A compiled plan. It holds no state of a build; functions made once are kept, which any thread may do."""

    def __init__(self, plan):
        self.plan = plan
        self.reader = _WriteReader(plan)
        self.functions = {}

    def open(self, rows, lines, flat=False):
        """Start a build.

        Parameters:
            rows: any iterable of rows.
            lines: end each row with a newline instead of separating them by commas.
            flat: the rows are tuples of leaf values, as columns give them.
        """
        return WriteSource(rows, lines, flat)

    def fill(self, source, limit):
        """Write rows until they fill `limit` bytes or more; ``source.done`` tells that they are all.

        An error (of a row or of the iterator) that follows good rows is kept for the next call, so that every
        row before it has been given out.
        """
        if source.error is not None:
            error, source.error = source.error, None
            source.done = True
            raise error
        parts = []
        size = 0
        write = source.write
        error = None
        try:
            for row in source.iterator:
                if write is None:
                    write = source.write = self.choose(source, row)
                part = write(row)
                parts.append(part)
                size += len(part) + 1
                if size >= limit:
                    break
            else:
                source.done = True
        except _WriteMisfit as misfit:
            error = PayloadError(source.number + len(parts), misfit.path, misfit.expected, misfit.got)
        except Exception as other:
            error = other
        if error is not None:
            source.iterator = iter(())
            if not parts:
                source.done = True
                raise error
            source.error = error
        started = source.number > 0
        source.number += len(parts)
        if not parts:
            return b""
        if source.lines:
            parts.append(b"")
            return b"\n".join(parts)
        return (b"," if started else b"") + b",".join(parts)

    def choose(self, source, row):
        kind = source.kind or self.reader.kind(row, True)
        if kind is None:
            raise _WriteMisfit("", "a row (tuple, list, mapping or object)", _write_shorten(row))
        function = self.functions.get(kind)
        if function is None:
            function = self.functions[kind] = self.reader.function(kind, True)
        return function


# ----------------------------------------------------------------------------------------- single values


def write_one(plan, value):
    """The JSON text of one value by the only step of a plan: how a schema checks its defaults."""
    try:
        text = _write_node(plan.steps[0], plan, "")(value)
        text.encode()
    except _WriteMisfit as misfit:
        raise PayloadError(None, misfit.path, misfit.expected, misfit.got) from None
    except UnicodeEncodeError:
        raise PayloadError(None, "", "text without lone surrogates", _write_shorten(value)) from None
    return text


def write_constant(value):
    """The JSON text of a plain value (None, bool, int, float, str, lists and dicts of these), in the field's notation.

    Raises:
        ValueError: it is none of these, or not finite, or holds a lone surrogate, or contains itself.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if value != value or value in (_WRITE_INFINITY, -_WRITE_INFINITY):
            raise ValueError(f"{value!r} is not a JSON number")
        return _write_float_text(float.__repr__(value))
    if isinstance(value, str):
        value = str.__str__(value)
        value.encode()
        return _write_quote(value)
    try:
        if isinstance(value, (list, tuple)):
            return f"[{','.join([write_constant(item) for item in value])}]"
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            members = [f"{write_constant(key)}:{write_constant(member)}" for key, member in value.items()]
            return "{%s}" % ",".join(members)
    except RecursionError:
        raise ValueError("it contains itself or nests too deep") from None
    raise ValueError(f"{_write_shorten(value)} is not a JSON value")
