"""Random schemas and rows: equal on every backend and way of reading, equal to orjson, parsed back equal."""

import json
import struct
from array import array
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastcore import Field, PayloadBuilder

try:  # neither exists for PyPy
    import msgspec
    import orjson
except ImportError:
    msgspec = orjson = None


def examples(count):
    # the fixture is a name: nothing of it needs to be reset between examples
    return settings(
        max_examples=count, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


class Colour(Enum):
    RED = "red"
    TWO = 2
    HALF = 0.5
    NONE = None


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = TEXT.filter(lambda name: not hasattr(SimpleNamespace(), name))  # objects have some of their own
ZONES = st.none() | st.builds(
    lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-24 * 60 + 1, 24 * 60 - 1)
)
ORJSON_INTS = st.integers(-(2**63), 2**64 - 1)
SCALARS = {
    int: ORJSON_INTS,
    float: st.floats()
    | st.floats(-1e-3, 1e-3)
    | st.floats(-1e17, 1e17)
    | st.integers(-1000, 1000).map(float),
    str: TEXT,
    bool: st.booleans(),
    datetime: st.datetimes(timezones=ZONES) | st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    date: st.dates(),
    UUID: st.uuids(),
    Colour: st.sampled_from(Colour),
}


@st.composite
def objects(draw, depth=2):
    """A schema and a strategy for rows as dicts."""
    schema, values = {}, {}
    for name in draw(st.lists(NAMES, unique=True, max_size=5)):
        shape = draw(
            st.sampled_from(["plain", "optional", "list", "object"] if depth else ["plain", "optional"])
        )
        if shape == "object":
            schema[name], values[name] = draw(objects(depth - 1))
            continue
        type_ = draw(st.sampled_from(sorted(SCALARS, key=lambda kind: kind.__name__)))
        schema[name] = {"plain": type_, "optional": type_ | None, "list": list[type_]}[shape]
        values[name] = {
            "plain": SCALARS[type_],
            "optional": st.none() | SCALARS[type_],
            "list": st.lists(SCALARS[type_], max_size=3),
        }[shape]
    return schema, st.fixed_dictionaries(values)


@st.composite
def tables(draw):
    schema, rows = draw(objects())
    return schema, draw(st.lists(rows, max_size=4))


def ordered(row, schema):
    """A row with its keys in the schema's order, as it is written."""
    return {
        name: ordered(row[name], type_) if isinstance(type_, dict) else row[name]
        for name, type_ in schema.items()
    }


def as_tuple(row, schema):
    """A row as a tuple, nested objects too."""
    return tuple(
        as_tuple(row[name], type_) if isinstance(type_, dict) else row[name] for name, type_ in schema.items()
    )


def as_leaves(row, schema):
    """A row as a flat tuple."""
    leaves = []
    for name, type_ in schema.items():
        leaves += as_leaves(row[name], type_) if isinstance(type_, dict) else [row[name]]
    return tuple(leaves)


def as_object(row, schema):
    return SimpleNamespace(
        **{name: as_object(row[name], t) if isinstance(t, dict) else row[name] for name, t in schema.items()}
    )


def as_columns(rows, schema):
    return {
        name: as_columns([row[name] for row in rows], type_)
        if isinstance(type_, dict)
        else [row[name] for row in rows]
        for name, type_ in schema.items()
    }


def plain(value):
    """What a parser gives back for a value."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value


@given(tables())
@examples(150)
def test_every_way_gives_the_same_bytes(backend, table):
    schema, shuffled = table
    builder = PayloadBuilder(schema, backend=backend)
    data = builder.build(shuffled)
    rows = [ordered(row, schema) for row in shuffled]
    assert json.loads(data) == plain(rows)
    assert repr(json.loads(data)) == repr(plain(rows))  # 1 is not 1.0, 0.0 is not -0.0
    if orjson is not None:
        assert data == orjson.dumps(rows)
        for parse in (orjson.loads, msgspec.json.decode):
            assert repr(parse(data)) == repr(plain(rows))
    assert builder.build([as_tuple(row, schema) for row in rows]) == data
    assert builder.build(as_object(row, schema) for row in rows) == data
    assert b"".join(builder.stream(rows, chunk_bytes=50)) == data
    lines = builder.build(rows, lines=True)
    assert [json.loads(line) for line in lines.decode().split("\n")[:-1]] == plain(rows)
    if rows and len(as_leaves(rows[0], schema)) != len(schema):
        assert builder.build([as_leaves(row, schema) for row in rows]) == data
    if rows and as_leaves(rows[0], schema):
        assert builder.build_columns(as_columns(rows, schema)) == data
        assert b"".join(builder.stream_columns(as_columns(rows, schema), chunk_bytes=50)) == data


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30))
@examples(300)
def test_floats_of_every_bit_pattern(backend, patterns):
    values = [struct.unpack("<d", struct.pack("<Q", pattern))[0] for pattern in patterns]
    data = PayloadBuilder({"v": float}, backend=backend).build([(value,) for value in values])
    rows = json.loads(data)
    for value, row in zip(values, rows, strict=True):
        if value - value == 0:
            assert float.hex(row["v"]) == float.hex(value)
        else:
            assert row["v"] is None
    if orjson is not None:
        assert data == orjson.dumps([{"v": value} for value in values])


def test_floats_at_every_power(backend):
    values = [sign * 2.0**power for power in range(-1074, 1024) for sign in (1, -1)]
    values += [
        float(f"{digits}e{power}") for power in range(-30, 30) for digits in ("1", "1.5", "9.999999999999999")
    ]
    data = PayloadBuilder({"v": float}, backend=backend).build([(value,) for value in values])
    assert [row["v"] for row in json.loads(data)] == values
    if orjson is not None:
        assert data == orjson.dumps([{"v": value} for value in values])


def singles(patterns):
    return [struct.unpack("<f", struct.pack("<I", pattern))[0] for pattern in patterns]


def single_texts(values, backend):
    data = PayloadBuilder({"v": float}, backend=backend).build_columns([array("f", values)], lines=True)
    return [line[5:-1] for line in data.decode().splitlines()]


@given(st.lists(st.integers(0, 2**32 - 1), max_size=30))
@examples(200)
def test_float32_of_every_bit_pattern(backend, patterns):
    values = singles(patterns)
    for value, text in zip(values, single_texts(values, backend), strict=True):
        if value - value != 0:
            assert text == "null"
            continue
        assert struct.pack("<f", float(text)) == struct.pack("<f", value)
        digits = len(Decimal(text).normalize().as_tuple().digits)
        assert digits <= 9
        if digits > 1:  # no shorter text reads back
            shorter = float(f"{value:.{digits - 2}e}")
            assert abs(shorter) > 3.4028235e38 or struct.pack("<f", shorter) != struct.pack("<f", value)


@pytest.mark.skipif(orjson is None, reason="orjson does not exist for PyPy")
def test_float32_as_orjson(backend):
    np = pytest.importorskip("numpy", reason="numpy is not installed")
    powers = [np.float32(2.0) ** power for power in range(-149, 128)]
    decimals = [
        np.float32(f"{digits}e{power}") for power in range(-44, 38) for digits in ("1", "1.5", "9.87654")
    ]
    rng = np.random.default_rng(7)
    bits = rng.integers(0, 2**32, 5000, dtype=np.uint32).view(np.float32)
    values = np.array([*powers, *decimals, *bits[np.isfinite(bits)], 0.0, -0.0], np.float32)
    expected = [orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode() for value in values]
    assert single_texts(values.tolist(), backend) == expected


@given(st.integers(), st.decimals(), st.decimals(allow_nan=False, allow_infinity=False))
@examples(200)
def test_numbers_beyond_orjson(backend, whole, decimal, finite):
    schema = {
        "i": int,
        "s": Field(int, as_string=True),
        "d": Decimal,
        "n": Field(Decimal, as_number=True),
        "f": Field(float, as_string=True),
    }
    (row,) = json.loads(
        PayloadBuilder(schema, backend=backend).build([(whole, whole, decimal, finite, 0.5)]),
        parse_int=str,
        parse_float=str,
    )
    assert int(row["i"]) == int(row["s"]) == whole
    assert row["d"] == (str(decimal) if decimal.is_finite() else None)
    assert Decimal(row["n"]) == finite
    assert row["f"] == "0.5"


@given(
    st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()), max_size=4
    ),
    st.lists(st.sampled_from([int, float, str, bool, int | None, str | None]), max_size=4),
)
@examples(300)
def test_any_row_is_written_or_refused_alike(row, types):
    """Both backends: the same bytes, or the same exception with the same message."""
    outcomes = set()
    for backend in ("python", None):
        builder = PayloadBuilder({f"f{index}": type_ for index, type_ in enumerate(types)}, backend=backend)
        try:
            data = builder.build([tuple(row)])
            json.loads(data)
            outcomes.add(data)
        except ValueError as error:
            outcomes.add((type(error), str(error)))
    assert len(outcomes) == 1
