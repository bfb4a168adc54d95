"""Every type, policy and refusal of a single value: the correctness table, line by line."""

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from fractions import Fraction
from uuid import UUID

import pytest

from fastcore import Field, PayloadBuilder, PayloadError, Raw


class Colour(Enum):
    RED = "red"
    NONE = None
    HALF = 0.5


class Level(IntEnum):
    LOW = 1


class Name(StrEnum):
    A = "a"


class Bits(Flag):
    ONE = 1
    TWO = 2


class Text(str):
    def __str__(self):
        return "not this"


class Whole(int):
    def __repr__(self):
        return "not this"


class Real(float):
    def __repr__(self):
        return "not this"


class Zone(tzinfo):
    """A time zone that does not know its offset: its datetimes are naive."""

    def utcoffset(self, moment):
        return None


def written(type_, value, backend, **options):
    """The text of one value."""
    data = PayloadBuilder({"v": type_}, backend=backend, **options).build([(value,)])
    assert data.startswith(b'[{"v":')
    assert data.endswith(b"}]")
    return data[6:-2].decode()


def refused(type_, value, backend, **options):
    """Expected and got of the refusal of one value."""
    with pytest.raises(PayloadError) as caught:
        PayloadBuilder({"v": type_}, backend=backend, **options).build([(value,)])
    assert caught.value.row == 0
    assert caught.value.field == "v"
    return caught.value.expected, caught.value.got


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-1, "-1"),
        (2**53 + 1, "9007199254740993"),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
        (2**63, "9223372036854775808"),
        (2**64 - 1, "18446744073709551615"),
        (2**64, "18446744073709551616"),
        (-(2**63) - 1, "-9223372036854775809"),
        (10**30, "1000000000000000000000000000000"),
        (10**4000, "1" + "0" * 4000),
        (Whole(7), "7"),
        (Level.LOW, "1"),
    ],
)
def test_int_is_exact(value, text, backend):
    assert written(int, value, backend) == text
    assert written(Field(int, as_string=True), value, backend) == f'"{text}"'


@pytest.mark.parametrize(
    "value", [True, False, 1.0, "1", None, Decimal(1), Fraction(1), b"1", [1], Colour.HALF]
)
def test_int_takes_nothing_else(value, backend):
    assert refused(int, value, backend)[0] == "an int"


def test_an_int_beyond_the_digit_limit_is_refused(backend):
    expected, got = refused(int, 10**5000, backend)
    assert expected.startswith("an int of at most 4300 digits")
    assert got == "int of 16610 bits"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (5, "5.0"),
        (-3, "-3.0"),
        (1.5, "1.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-4, "0.0001"),
        (1e-5, "0.00001"),
        (-1.25e-5, "-0.0000125"),
        (9.999999999999999e-6, "9.999999999999999e-6"),
        (1.5e-7, "1.5e-7"),
        (1e15, "1000000000000000.0"),
        (9999999999999998.0, "9999999999999998.0"),
        (1e16, "1e+16"),
        (-1e22, "-1e+22"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (Real(2.5), "2.5"),
        (2**53 + 1, "9007199254740992.0"),
        (Level.LOW, "1.0"),
    ],
)
def test_float_text(value, text, backend):
    assert written(float, value, backend) == text
    assert written(Field(float, as_string=True), value, backend) == f'"{text}"'


@pytest.mark.parametrize("value", [True, "1", None, Decimal(1), Fraction(1, 2), 1j, [1.0]])
def test_float_takes_nothing_else(value, backend):
    assert refused(float, value, backend)[0] == "a float"


def test_an_int_beyond_floats_is_refused(backend):
    assert refused(float, 10**400, backend)[0] == "a float (an int in its range)"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Real("nan")])
def test_not_finite_by_policy(value, backend):
    assert written(float, value, backend) == "null"
    assert written(float | None, value, backend) == "null"
    for type_ in (float, float | None):
        assert refused(type_, value, backend, nan="error")[0] == "a finite value"


@pytest.mark.parametrize(
    ("precision", "value"), [(2, 2.675), (0, 2.5), (0, 3.5), (-2, 1250.0), (3, 1), (20, 0.1)]
)
def test_precision_rounds_as_python(precision, value, backend):
    text = written(Field(float, precision=precision), value, backend)
    assert json.loads(text) == round(float(value), precision)


def test_precision_that_overflows_is_refused(backend):
    assert "rounded" in refused(Field(float, precision=-308), 1.7e308, backend)[0]
    assert "rounded" in refused(Field(Decimal, precision=2), Decimal("1e999999"), backend)[0]


@pytest.mark.parametrize(
    "code", [*range(0x20), 0x22, 0x2F, 0x5C, 0x7F, 0x80, 0x2028, 0x2029, 0xFFFF, 0x1F600]
)
def test_escapes(code, backend):
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 0x22: '\\"', 0x5C: "\\\\"}
    text = short.get(code, f"\\u{code:04x}" if code < 0x20 else chr(code))
    assert written(str, f"a{chr(code)}b", backend) == f'"a{text}b"'


@pytest.mark.parametrize(
    ("value", "text"), [("", '""'), (Text("x"), '"x"'), (Name.A, '"a"'), ("</script>", '"</script>"')]
)
def test_str(value, text, backend):
    assert written(str, value, backend) == text


@pytest.mark.parametrize("value", [b"x", 1, None, Colour.RED, ["x"], bytearray(b"x")])
def test_str_takes_nothing_else(value, backend):
    assert refused(str, value, backend)[0] == "a str"


@pytest.mark.parametrize("value", ["\ud800", "a\udfffb", "\ude00\ud83d", "\n\udc80"])
def test_lone_surrogates_are_refused(value, backend):
    expected, got = refused(str, value, backend)
    assert expected == "text without lone surrogates"
    assert got == f"str {value!a}"


def test_surrogates_inside_objects_and_lists_are_located(backend):
    schema = {"a": str, "o": {"tags": list[str | None], "x": Field(str | None, omit_null=True)}, "r": Raw}
    builder = PayloadBuilder(schema, backend=backend)
    for row, field in [
        (("ok", (["a", None, "\udead"], None), b'"\\ud800"'), "o.tags[2]"),
        (("ok", ([], "\udead"), b"[1]"), "o.x"),
        (("\udead", ([], "\udead"), b"[1]"), "a"),
    ]:
        with pytest.raises(PayloadError) as caught:
            builder.build([("fine", ([], None), b"1"), row])
        assert (caught.value.row, caught.value.field) == (1, field)


def test_bool(backend):
    assert written(bool, True, backend) == "true"
    assert written(bool, False, backend) == "false"
    for value in (1, 0, None, "true", Level.LOW):
        assert refused(bool, value, backend)[0] == "a bool"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(1, 2, 3), "0001-02-03T00:00:00"),
        (datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02T03:04:05.000006"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (datetime(2026, 1, 2, tzinfo=timezone(-timedelta(hours=3, minutes=30))), "2026-01-02T00:00:00-03:30"),
        (
            datetime(2026, 1, 2, 3, 4, 5, 678, timezone(timedelta(hours=14))),
            "2026-01-02T03:04:05.000678+14:00",
        ),
        (datetime(2026, 1, 2, tzinfo=Zone()), "2026-01-02T00:00:00"),
        (datetime(9999, 12, 31, 23, 59, 59, 999999), "9999-12-31T23:59:59.999999"),
        # offsets with seconds, as before standard time: RFC 3339 has none
        (datetime(1880, 1, 1, tzinfo=timezone(timedelta(seconds=1172))), "1880-01-01T00:00:00+00:20"),
        (datetime(1880, 1, 1, tzinfo=timezone(-timedelta(seconds=31))), "1880-01-01T00:00:00-00:01"),
        (datetime(1880, 1, 1, tzinfo=timezone(timedelta(seconds=3599))), "1880-01-01T00:00:00+01:00"),
    ],
)
def test_datetime(value, text, backend):
    assert written(datetime, value, backend) == f'"{text}"'


def test_utc_z(backend):
    for value, text in [
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (datetime(2026, 1, 2, 0, 0, 0, 5, UTC), "2026-01-02T00:00:00.000005Z"),
        (datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=1))), "2026-01-02T00:00:00+01:00"),
        (datetime(2026, 1, 2), "2026-01-02T00:00:00"),
    ]:
        assert written(datetime, value, backend, utc_z=True) == f'"{text}"'


@pytest.mark.parametrize("value", [date(2026, 1, 2), "2026-01-02", 0, 0.0, None, timedelta(1)])
def test_datetime_takes_nothing_else(value, backend):
    assert refused(datetime, value, backend)[0] == "a datetime"


def test_epoch_counts_become_datetimes(backend):
    for unit, value, text in [
        ("seconds", 0, "1970-01-01T00:00:00+00:00"),
        ("seconds", -1, "1969-12-31T23:59:59+00:00"),
        ("seconds", 1.5, "1970-01-01T00:00:01.500000+00:00"),
        ("milliseconds", 1500, "1970-01-01T00:00:01.500000+00:00"),
        ("microseconds", 1_700_000_000_000_001, "2023-11-14T22:13:20.000001+00:00"),
        ("seconds", datetime(2026, 1, 2), "2026-01-02T00:00:00"),
    ]:
        assert written(Field(datetime, unit=unit), value, backend) == f'"{text}"'
    assert written(Field(datetime, unit="seconds"), math.nan, backend) == "null"
    for value in (10**12, -(10**12), 1e300):
        assert "years 1 to 9999" in refused(Field(datetime, unit="seconds"), value, backend)[0]
    for value in (True, "0", Decimal(0)):
        assert refused(Field(datetime, unit="seconds"), value, backend)[0] == "a datetime or seconds"


def test_datetimes_become_epoch_counts(backend):
    moment = datetime(1970, 1, 1, 1, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert written(Field(int, unit="seconds"), moment, backend) == "0"
    assert written(Field(int, unit="milliseconds"), moment, backend) == "999"
    assert written(Field(int, unit="microseconds"), moment, backend) == "999999"
    assert written(Field(float, unit="seconds"), moment, backend) == "0.999999"
    assert written(Field(int, unit="seconds"), moment - timedelta(seconds=1), backend) == "-1"
    assert written(Field(int, unit="seconds"), 5, backend) == "5"
    for type_ in (int, float):
        assert "an aware datetime" in refused(Field(type_, unit="seconds"), datetime(2026, 1, 1), backend)[0]


def test_date(backend):
    assert written(date, date(12, 3, 4), backend) == '"0012-03-04"'
    for value in (datetime(2026, 1, 2), "2026-01-02", 0, None):
        assert refused(date, value, backend)[0] == "a date"


def test_uuid(backend):
    assert written(UUID, UUID(int=5), backend) == '"00000000-0000-0000-0000-000000000005"'
    assert refused(UUID, str(UUID(int=5)), backend)[0] == "a UUID"


@pytest.mark.parametrize("text", ["1.10", "-0", "0E-10", "1E+30", "123456789012345678901234567890.5"])
def test_decimal(text, backend):
    assert written(Decimal, Decimal(text), backend) == f'"{text}"'
    assert written(Field(Decimal, as_number=True), Decimal(text), backend) == text
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == Decimal(text)


def test_decimal_policies(backend):
    assert written(Field(Decimal, precision=2), Decimal("2.675"), backend) == '"2.68"'
    assert written(Field(Decimal, precision=1), Decimal("0.25"), backend) == '"0.2"'
    for text in ("NaN", "sNaN", "Infinity", "-Infinity"):
        assert written(Decimal, Decimal(text), backend) == "null"
        assert refused(Decimal, Decimal(text), backend, nan="error")[0] == "a finite value"
    for value in (1, 1.0, "1"):
        assert refused(Decimal, value, backend)[0] == "a Decimal"


def test_enum_by_value(backend):
    assert [written(Colour, member, backend) for member in Colour] == ['"red"', "null", "0.5"]
    assert written(Level, Level.LOW, backend) == "1"
    assert written(Name, Name.A, backend) == '"a"'
    assert written(Bits, Bits.TWO, backend) == "2"
    assert refused(Bits, Bits.ONE | Bits.TWO, backend)[0] == "a named member of Bits"
    for type_, value in [(Colour, "red"), (Name, "a"), (Level, 1)]:
        assert refused(type_, value, backend)[0] == f"a {type_.__name__}"


@pytest.mark.parametrize(
    "value", [b"[1, 2]", bytearray(b"[1, 2]"), memoryview(b"[1, 2]"), "[1, 2]", Raw("[1, 2]")]
)
def test_raw_is_inserted_unchanged(value, backend):
    assert written(Raw, value, backend) == "[1, 2]"


def test_raw_refusals(backend):
    assert refused(Raw, b"", backend)[0] == "JSON, not nothing"
    assert refused(Raw, b"\xff", backend)[0] == "JSON that is UTF-8"
    assert refused(Raw, "\ud800", backend)[0] == "JSON that is UTF-8"
    assert refused(Raw, 5, backend)[0] == "JSON as bytes or str"
    with pytest.raises(TypeError, match="bytes or str"):
        Raw(5)


@pytest.mark.parametrize(
    "type_", [int, float, str, bool, datetime, date, UUID, Decimal, Colour, Raw, list[int], {"a": int}]
)
def test_null_only_where_allowed(type_, backend):
    assert refused(type_, None, backend)[1] == "None"
    if not isinstance(type_, dict):
        assert written(type_ | None, None, backend) == "null"


def test_lists(backend):
    assert written(list[int], [], backend) == "[]"
    assert written(list[int | None], (1, None), backend) == "[1,null]"
    assert written(list[list[float]], [[1.0], []], backend) == "[[1.0],[]]"
    assert written(list[str], ["a", "ü"], backend) == '["a","ü"]'
    for value in ({1}, "ab", iter([1]), {1: 2}):
        assert refused(list[int], value, backend)[0] == "a list"


def test_the_place_in_a_list_is_named(backend):
    inner = {"x": list[int]}
    builder = PayloadBuilder({"a": list[list[int]], "o": list[inner]}, backend=backend)
    with pytest.raises(PayloadError) as caught:
        builder.build([([[1]], []), ([[], [1, "x"]], [])])
    assert (caught.value.row, caught.value.field) == (1, "a[1][1]")
    with pytest.raises(PayloadError) as caught:
        builder.build([([], [{"x": []}, {"x": [1, 2, None]}])])
    assert (caught.value.row, caught.value.field) == (0, "o[1].x[2]")


def test_got_is_shortened(backend):
    _, got = refused(int, "x" * 10_000, backend)
    assert len(got) < 80
    _, got = refused(int, ["\ud800" * 100] * 100, backend)
    assert len(got) < 80
    assert got.isascii()

    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert refused(int, Broken(), backend)[1] == "Broken"


def test_constants(backend):
    for constant in (None, True, 5, 1e22, "ü\n", [1, {"a": []}], {"{}": "%s"}):
        builder = PayloadBuilder({"v": Field(constant=constant), "{w}": int}, backend=backend)
        (row,) = json.loads(builder.build([(1,)]))
        assert row == {"v": constant, "{w}": 1}


def test_the_clock_is_read_per_row(backend):
    schema = {
        "f": Field(float, now=True),
        "i": Field(int, now=True, unit="microseconds"),
        "s": Field(int, now=True),
        "ms": Field(float, now=True, unit="milliseconds"),
        "d": Field(datetime, now=True),
        "id": int,
    }
    builder = PayloadBuilder(schema, backend=backend)
    before = datetime.now(UTC)
    rows = json.loads(builder.build([(index,) for index in range(300)]))
    after = datetime.now(UTC)
    slack = timedelta(milliseconds=1)
    for row in rows:
        for moment in (
            datetime.fromisoformat(row["d"]),
            datetime.fromtimestamp(row["f"], UTC),
            datetime.fromtimestamp(row["i"] / 1e6, UTC),
            datetime.fromtimestamp(row["ms"] / 1e3, UTC),
        ):
            assert before - slack <= moment <= after + slack
        assert before.timestamp() - 1 <= row["s"] <= after.timestamp()
    assert len({row["i"] for row in rows}) > 1
