"""The text of floats: orjson's for every bit pattern, the shortest that reads back, on both backends."""

import json
import struct
from array import array
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastcore import Field, PayloadBuilder
from tests.float_text import close_calls, edges, notation, ties

try:
    import orjson
except ImportError:  # it does not exist for PyPy
    orjson = None

COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DOUBLES = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
SINGLES = st.integers(0, 2**32 - 1).map(lambda bits: struct.unpack("<f", struct.pack("<I", bits))[0])
DECIMALS = st.builds(
    lambda digits, power: float(f"{digits}e{power}"), st.integers(-(10**18), 10**18), st.integers(-40, 20)
)
DYADICS = st.builds(
    lambda digits, power: digits * 2.0**-power, st.integers(-(2**53), 2**53), st.integers(0, 80)
)


def finite(value):
    return value - value == 0


def texts(values, backend, **options):
    data = PayloadBuilder({"v": Field(float, **options)}, backend=backend).build(
        [(value,) for value in values], lines=True
    )
    return [line[5:-1] for line in data.decode().splitlines()]


def single_texts(values, backend):
    data = PayloadBuilder({"v": float}, backend=backend).build_columns([array("f", values)], lines=True)
    return [line[5:-1] for line in data.decode().splitlines()]


def check(values, backend):
    written = texts(values, backend)
    assert written == [notation(value) for value in values]
    assert [float(text).hex() for text in written] == [value.hex() for value in values]
    if orjson is not None:
        assert written == [orjson.dumps(value).decode() for value in values]


@given(st.lists(DOUBLES.filter(finite), max_size=50))
@settings(COMMON, max_examples=400)
def test_every_bit_pattern(backend, values):
    check(values, backend)


@given(st.lists(DECIMALS | DYADICS | st.integers(-(2**64), 2**64).map(float), max_size=50))
@settings(COMMON, max_examples=400)
def test_what_people_write(backend, values):
    check(values, backend)


@pytest.mark.parametrize("sign", [1, -1])
def test_edges(backend, sign):
    check([sign * value for value in edges()], backend)


def test_close_calls(backend):
    values = close_calls()
    assert len(values) > 2000
    check(values, backend)


# ------------------------------------------------------------------------------------------------- float32


def single_notation(value, digits, power):
    if -6 <= power < 0:
        return f"0.{'0' * (-power - 1)}{digits}"
    if 0 <= power < 13:
        return f"{digits[: power + 1].ljust(power + 1, '0')}.{digits[power + 1 :] or '0'}"
    return f"{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{power:+d}"


def check_singles(values, backend):
    written = single_texts(values, backend)
    for value, text in zip(values, written, strict=True):
        assert struct.pack("<f", float(text)) == struct.pack("<f", value)
        if value:
            _, digits, exponent = Decimal(text).as_tuple()
            digits = "".join(map(str, digits))
            power = exponent + len(digits) - 1
            digits = digits.rstrip("0")
            assert text.lstrip("-") == single_notation(value, digits, power)
            for count in range(len(digits) - 1):  # no shorter text reads back
                shorter = float(f"{value:.{count}e}")
                assert abs(shorter) > 3.4028235e38 or struct.pack("<f", shorter) != struct.pack("<f", value)
    assert written == single_texts(values, "python")


@given(st.lists(SINGLES.filter(finite), max_size=30))
@example([1e-6, 9.999999e-7, 1e13, 9.9999990e12, 16777216.0, 1e-45, 3.4028234663852886e38, -0.0, 0.0])
@settings(COMMON, max_examples=200)
def test_every_bit_pattern_of_float32(backend, values):
    check_singles(values, backend)


@pytest.mark.skipif(orjson is None, reason="orjson is not installed")
def test_ranges_of_float32_as_orjson(backend):
    np = pytest.importorskip("numpy", reason="numpy is not installed")
    for start in range(0, 2**32, 2**32 // 64 + 12345):
        values = np.arange(start, start + 300, dtype=np.uint64).astype(np.uint32).view(np.float32)
        values = values[np.isfinite(values)]
        expected = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY).decode()
        assert f"[{','.join(single_texts(values, backend))}]" == expected


# ------------------------------------------------------------------------------------------------ rounding


def check_rounded(values, places, backend):
    expected = [round(value, places) for value in values]
    assert texts(values, backend, precision=places) == [notation(value) for value in expected]


@given(st.lists(DOUBLES.filter(finite) | DECIMALS | DYADICS, max_size=30), st.integers(-5, 30))
@settings(COMMON, max_examples=400)
def test_rounding_is_that_of_python(backend, values, places):
    values = [value for value in values if abs(value) < 1e300]  # beyond, round() overflows
    check_rounded(values, places, backend)


@pytest.mark.parametrize("places", range(-3, 25))
def test_rounding_of_ties_and_limits(backend, places):
    values = ties(places)
    check_rounded(values + [-value for value in values], places, backend)


def test_rounded_numbers_keep_their_order(backend):
    values = [count / 1024 for count in range(-3000, 3000)]
    numbers = [json.loads(text) for text in texts(values, backend, precision=2)]
    assert all(a <= b for a, b in pairwise(numbers))
