"""What PyPy writes floats and strings with, on every interpreter: the texts of the library."""

from json.encoder import encode_basestring

from hypothesis import given
from hypothesis import strategies as st

from fastcore.kernels.writing_jit import short_float, short_quote
from fastcore.kernels.writing_values import _write_float_text


def library(value):
    return _write_float_text(repr(value))


@given(st.floats() | st.integers(-(10**15), 10**15).map(lambda n: n / 10**6) | st.floats(-1e-4, 1e-4))
def test_floats(value):
    assert short_float(value, library) == library(value)


def test_floats_around_every_limit():
    for limit in (1e-6, 1e-5, 9.99999e-6, 1e-4, 1.0, 99999999.999999, 1e8, 1e15, 0.0, float("inf"), 5e-324):
        for value in (limit, limit * (1 - 2**-53), limit * (1 + 2**-52)):
            assert short_float(value, library) == library(value)
            assert short_float(-value, library) == library(-value)


@given(st.text() | st.text(st.characters(max_codepoint=0xFF)))
def test_strings(text):
    assert short_quote(text) == encode_basestring(text)


def test_every_character_of_the_first_plane():
    for code in range(0x10000):
        assert short_quote(chr(code)) == encode_basestring(chr(code))
