"""A dict of lists, ranges and arrays is read in a way of its own; it gives what any other mapping gives."""

import gc
import sys
from array import array
from collections import OrderedDict
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType

import pytest

from fastcore import Field, PayloadBuilder, PayloadError

TYPES = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str | None,
    "quoted": Field(int, as_string=True),
    "rounded": Field(float, precision=1),
    "tens": Field(float, precision=-1),  # which C does not round
    "datetime": Field(datetime, unit="seconds"),
    "left out": Field(float | None, omit_null=True),
    "list": list[float],
}


def plain_columns():
    ends = array("d", [0.25, -0.0, 1e300, 5e-324])
    return {
        "list": [1, -2, 3, 2**70],
        "floats": [0.25, float("nan"), None, 1.5],
        "text": ["a", None, '"', "\ud800"],
        "tuple": (1, 2, 3, 4),
        "range": range(-1, 7, 2),
        "down": range(2**63 - 1, 2**63 - 5, -1),
        "beyond": range(2**63 - 2, 2**63 + 2),
        "doubles": ends,
        "singles": array("f", [0.1, -0.0, 1e30, 5.0]),
        "bytes": array("b", [-128, 0, 1, 127]),
        "largest": array("Q", [0, 1, 2**63, 2**64 - 1]),
        "characters": array("w" if sys.version_info >= (3, 13) else "u", "abcd"),
        "reversed": memoryview(ends)[::-1],
        "flags": memoryview(b"\x00\x01\x01\x00").cast("?"),
        "c": memoryview(b"abcd").cast("c"),
        "nothing": memoryview(b"\x01").cast("B", ()),
        "rows": memoryview(array("i", [1, 2, 3, 4])).cast("B").cast("i", (2, 2)),
    }


def numpy_columns():
    np = pytest.importorskip("numpy", reason="numpy is not installed")
    numbers = np.array([0, 1, 2, 3])
    found = {code: numbers.astype(code) for code in "bBhHiIlLqQefdg?"}
    found |= {order: numbers.astype(order) for order in (">i8", ">f4", "<i4", "=u2")}
    return found | {
        "strided": np.arange(12.0)[::3],
        "reversed": np.arange(4, dtype="i2")[::-1],
        "large": np.array([2**53 + 1, 2**63, 2**64 - 1, 0], "u8"),
        "not finite": np.array([np.nan, np.inf, -np.inf, -0.0]),
        "read-only": np.broadcast_to(np.float64(1.5), 4),
        "none": np.zeros((), "i8"),
        "matrix": np.arange(8.0).reshape(4, 2),
        "times": np.array([0, 1, 2, 3], "M8[s]"),
        "text": np.array(["a", "b", "é", ""]),
        "objects": np.array([1, None, "x", 2.5], object),
        "structured": np.zeros(4, [("a", "i4")]),
        "masked": np.ma.array([1, 2, 3, 4], mask=[0, 1, 0, 0]),
        "complex": numbers.astype("D"),
    }


def outcome(build):
    try:
        return build()
    except PayloadError as error:
        return str(error)


@pytest.mark.parametrize("make", [plain_columns, numpy_columns])
@pytest.mark.parametrize("name", TYPES)
def test_a_dict_is_any_mapping(make, name, backend):
    builder = PayloadBuilder({"n": int, "o": {"v": TYPES[name]}}, backend=backend)
    for column in make().values():
        columns = {"n": range(4), "o.v": column}
        usual = outcome(lambda columns=columns: builder.build_columns(columns))
        other = MappingProxyType(columns)
        assert usual == outcome(lambda other=other: builder.build_columns(other)), column
        chunks = outcome(lambda columns=columns: b"".join(builder.stream_columns(columns, chunk_bytes=1)))
        assert chunks == usual, column
        lines = outcome(lambda columns=columns: builder.build_columns(columns, lines=True))
        assert lines == outcome(lambda other=other: builder.build_columns(other, lines=True)), column


@pytest.mark.parametrize(
    "schema",
    [
        {"a": int, "b": int},
        {"a": int, "b": Field(int, default=7)},
        {"a": int, "b": Field(int | None, omit_null=True, default=None)},
        {"a": int, "b": {"c": Field(constant=1)}},
        {"a": int, "b": {"c": int, "d": Field(int, now=True)}},
        {"a": Field(int, name="b"), "c": Field(constant=[1])},
        {"k": Field(constant=1)},
    ],
)
@pytest.mark.parametrize(
    "columns",
    [
        {"a": [1, 2], "b": [3, 4]},
        {"a": [1, 2], "b": [3]},
        {"a": [1, 2]},
        {"b": [1, 2]},
        {"a": [], "b": range(0)},
        {"a": [1], "b.c": [2]},
        {"a": [1], "b": {"c": [2]}},
        {"a": [1], "b": [{"c": 2}]},
        {"a": [1], 5: [2]},
        {},
    ],
)
def test_names_and_lengths(schema, columns, backend):
    builder = PayloadBuilder(schema, backend=backend)
    usual = outcome(lambda: builder.build_columns(columns))
    other = outcome(lambda: builder.build_columns(OrderedDict(columns)))
    if isinstance(usual, bytes) and b'"d"' in usual:  # a clock
        usual, other = usual[:20], other[:20]
    assert usual == other


class Zone(tzinfo):
    def __init__(self, hook):
        self.hook = hook

    def utcoffset(self, moment):
        self.hook()
        return timedelta(hours=1)


def test_lists_that_shrink(backend):
    """Told with the column, where C meets the end of a list and where Python reads a row that C leaves."""
    builder = PayloadBuilder({"t": datetime, "n": Field(float, precision=-1)}, backend=backend)
    for keep in (0, 2500):
        numbers = [1.5] * 3000
        times = [datetime(2026, 1, 2)] * 3000
        times[100] = datetime(2026, 1, 2, tzinfo=Zone(lambda: numbers.__delitem__(slice(keep, None))))  # noqa: B023
        with pytest.raises(PayloadError, match="expected a column of 3000 values, got fewer during"):
            builder.build_columns({"t": times, "n": numbers})


def test_columns_live_as_long_as_their_stream(backend):
    builder = PayloadBuilder({"n": int, "t": str, "x": float}, backend=backend)
    columns = {"n": range(900), "t": [f"{i:>50}" for i in range(900)], "x": array("d", range(900))}
    expected = builder.build_columns(columns)
    stream = builder.stream_columns(columns, chunk_bytes=1000)
    del builder
    columns.clear()
    gc.collect()
    assert b"".join(stream) == expected


def test_builds_at_once_have_clocks_of_their_own(backend):
    builder = PayloadBuilder({"n": int, "at": Field(int, now=True, unit="microseconds")}, backend=backend)
    streams = [builder.stream_columns({"n": range(50)}, chunk_bytes=1, lines=True) for _ in range(3)]
    rows = [b"".join(parts) for parts in zip(*streams, strict=True)]
    assert len(rows) == 50
    times = [int(line.partition(b'"at":')[2].strip(b"}")) for row in rows for line in row.splitlines()]
    assert times == sorted(times)
