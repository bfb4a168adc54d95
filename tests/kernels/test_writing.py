"""The contract between a plan and the writing kernel, on both backends: what a C twin must keep."""

import struct

import pytest

from fastcore import Field, PayloadError, _backend
from fastcore.payloads.plan import Plan, Step, make_plan
from fastcore.payloads.schema import freeze_schema


def plan(schema, nan="null", extra="ignore", utc_z=False):
    return make_plan(freeze_schema(schema), nan, extra, utc_z)


def test_a_plan_is_plain_data():
    made = plan(
        {"a": int, "o": {"b": Field(float, omit_null=True)}, "l": list[str], "c": Field(constant=[1])}
    )

    def is_plain(value):
        if isinstance(value, (Plan, Step, tuple)):
            return all(map(is_plain, value))
        return value is None or type(value) in (str, int, bool)

    assert is_plain(made)
    assert [step.fragment for step in made.steps] == ['"a":', '"o":', '"l":', '"c":']
    assert made.steps[3].source is None
    assert made.steps[3].detail == "[1]"
    assert made == plan(
        {"a": int, "o": {"b": Field(float, omit_null=True)}, "l": list[str], "c": Field(constant=[1])}
    )


def test_open_and_fill(backend):
    writer = _backend.kernels("writing", backend).RowWriter(plan({"a": int}))
    progress = writer.open([(1,), (2,), (3,)], False)
    assert writer.fill(progress, 1) == b'[{"a":1}'
    assert not progress.done
    assert writer.fill(progress, 9) == b',{"a":2},{"a":3}'
    assert writer.fill(progress, 1) == b"]"
    assert progress.done
    assert writer.fill(progress, 1) == b""


def test_build_and_page(backend):
    writer = _backend.kernels("writing", backend).RowWriter(plan({"a": int}))
    assert writer.build([(1,), (2,)], False) == b'[{"a":1},{"a":2}]'
    assert writer.build(iter([(1,), (2,)]), True) == b'{"a":1}\n{"a":2}\n'
    assert writer.build([], False) == b"[]"
    assert writer.build((), True) == b""
    assert writer.page([(1,)], 7, None, "x") == b'{"items":[{"a":1}],"total":7,"page":null,"next":"x"}'
    assert writer.page(b"[2]", None, 0, None) == b'{"items":[2],"total":null,"page":0,"next":null}'


def test_lines(backend):
    writer = _backend.kernels("writing", backend).RowWriter(plan({"a": int}))
    progress = writer.open(iter([(1,), (2,)]), True)
    assert writer.fill(progress, 100) == b'{"a":1}\n{"a":2}\n'
    assert progress.done
    assert writer.fill(progress, 100) == b""


def test_an_error_waits_until_the_rows_before_it_are_out(backend):
    writer = _backend.kernels("writing", backend).RowWriter(plan({"a": int}))
    progress = writer.open([(1,), (None,), (3,)], True)
    assert writer.fill(progress, 100) == b'{"a":1}\n'
    assert not progress.done
    with pytest.raises(PayloadError) as caught:
        writer.fill(progress, 100)
    assert progress.done
    assert caught.value.args == (1, "a", "an int", "None")
    assert caught.value.__context__ is None
    assert writer.fill(progress, 100) == b""


def test_a_writer_serves_many_builds_at_once(backend):
    writer = _backend.kernels("writing", backend).RowWriter(plan({"a": int}))
    first, second = writer.open([(1,), (2,)], True), writer.open([{"a": 3}, {"a": 4}], True)
    assert [writer.fill(progress, 1) for progress in (first, second, first, second)] == [
        b'{"a":1}\n',
        b'{"a":3}\n',
        b'{"a":2}\n',
        b'{"a":4}\n',
    ]


def test_the_way_of_reading_may_be_given(backend):
    writer = _backend.kernels("writing", backend).RowWriter(plan({"a": int, "o": {"b": int, "c": int}}))
    assert writer.fill(writer.open([(1, 2, 3)], True, "flat"), 1) == b'{"a":1,"o":{"b":2,"c":3}}\n'
    with pytest.raises(PayloadError, match="expected a tuple or list of 2 values, got 3 values"):
        writer.fill(writer.open([(1, 2, 3)], True, "sequence"), 1)


def test_single_values(backend):
    kernel = _backend.kernels("writing", backend)
    assert kernel.write_one(plan({"a": float}), 5) == "5.0"
    with pytest.raises(PayloadError, match="expected a float, got str 'x'"):
        kernel.write_one(plan({"a": float}), "x")
    assert kernel.write_constant({"a": [1, 1e-7, None, True, "ü\n"]}) == '{"a":[1,1e-7,null,true,"ü\\n"]}'
    endless = []
    endless.append(endless)
    for value in (float("inf"), {1: 2}, b"x", {1}, "\ud800", endless):
        with pytest.raises(ValueError):  # noqa: PT011 - each has its own message
            kernel.write_constant(value)


def test_the_text_of_singles(backend):
    kernel = _backend.kernels("writing", backend)
    for value, text in [
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (9e-7, "9e-7"),
        (1e12, "1000000000000.0"),
        (-1e13, "-1e+13"),
        (-1e-45, "-1e-45"),
        (2.0**87, "1.5474251e+26"),  # not the nearest of its length, but the one that reads back
    ]:
        single = kernel.WriteSingle(struct.unpack("<f", struct.pack("<f", value))[0])
        assert kernel.write_one(plan({"a": float}), single) == text
