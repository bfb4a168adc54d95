"""Random columns of every representation, each with the values that rows would hold instead."""

import sys
from array import array
from collections import UserList
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from fastcore import PayloadBuilder, PayloadError

try:
    import numpy as np
except ImportError:
    np = None
try:
    import polars as pl
    import pyarrow as pa
except ImportError:
    pa = pl = None

TYPES = {
    "int": int | None,
    "float": float | None,
    "str": str | None,
    "bool": bool | None,
    "datetime": datetime | None,
    "date": date | None,
    "decimal": Decimal | None,
    "ints": list[int | None] | None,
    "floats": list[float | None] | None,
    "texts": list[list[str | None]] | None,
}
NEVER_NULL = {"int": int, "float": float, "str": str, "datetime": datetime, "ints": list[int]}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=14)
ASCII = st.text(st.characters(max_codepoint=127, exclude_characters="\0"), max_size=14)
LINES = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))
VALUES = {
    "int": st.integers(-100, 100),
    "float": st.floats(-1000, 1000, width=16) | st.just(0.1) | st.just(float("nan")),
    "str": TEXT | ASCII,
    "bool": st.booleans(),
    "datetime": LINES,
    "date": st.dates(),
    "decimal": st.decimals(-1000, 1000, places=3),
    "ints": st.lists(st.none() | st.integers(-100, 100), max_size=3),
    "floats": st.lists(st.none() | st.floats(width=16), max_size=3),
    "texts": st.lists(st.lists(st.none() | TEXT, max_size=2), max_size=3),
}


@st.composite
def scattered(draw, data):
    """A numpy array with the same elements, laid out in another way."""
    step = draw(st.sampled_from([1, 2, -1, -3]))
    if step != 1:
        wide = np.zeros(len(data) * abs(step), data.dtype)
        wide[::step][: len(data)] = data
        data = wide[::step][: len(data)]
    elif data.dtype != object and draw(st.booleans()):  # misaligned
        raw = bytearray(data.nbytes + 1)
        raw[1:] = data.tobytes()
        data = np.frombuffer(raw, np.uint8)[1:].view(data.dtype) if data.nbytes else data
    if draw(st.booleans()):
        data.flags.writeable = False
    return data


@st.composite
def numpy_column(draw, kind, values):
    """An array and the scalars in it; None where it is masked."""
    codes = {
        "int": [order + code for order in "<>" for code in ("i1", "i2", "i4", "i8")],
        "float": [order + code for order in "<>" for code in ("f2", "f4", "f8")] + ["i4", "u1"],
        "str": ["<U14", ">U14", "O"],
        "bool": ["?"],
        "datetime": [
            f"{order}M8[{unit}]" for order in "<>" for unit in ("s", "ms", "us", "ns", "h", "D", "10ms")
        ],
        "date": ["<M8[D]", ">M8[D]", "O"],
    }
    code = draw(st.sampled_from(codes.get(kind, ["O"])))
    if code == "u1" or kind == "str":  # numpy's own text ends with its last character that is not zero
        values = [abs(int(v)) % 200 if v == v else 0 for v in values] if kind == "float" else values
        values = [v.rstrip("\0") for v in values] if kind == "str" else values
    elif code == "i4":
        values = [int(v) if v == v else 0 for v in values]
    if code == "O" or not values:
        data = np.empty(len(values), code)
        data[:] = values
    else:
        data = np.array(values, code)
        if "M8" in code:
            data[draw(st.lists(st.integers(0, len(values) - 1), max_size=1))] = "NaT"
    data = draw(scattered(data))
    rows = list(data)
    if draw(st.booleans()):
        mask = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
        data = np.ma.masked_array(data, mask)
        rows = [None if hide else row for row, hide in zip(rows, mask, strict=True)]
    return data, rows


def as_singles(values):
    return [None if value is None else np.float32(value) for value in values]


def plain_columns(kind, values):
    """What needs no library."""
    nullable = [*values[:-1], None][: len(values)]
    kinds = [(values, values), (tuple(values), values), (UserList(nullable), nullable), (nullable, nullable)]
    if kind == "int":
        low = values[0] if values else 0
        numbers = list(range(low, low + 3 * len(values), 3))
        kinds += [(range(low, low + 3 * len(values), 3), numbers), (range(low, low - len(values), -1), None)]
        kinds += [(array(code, values), values) for code in "bhilq"]
        kinds += [(memoryview(array("h", [*values, *values]))[::-2], [*values, *values][::-2])]
        kinds += [(memoryview(array("b", values)).toreadonly(), values)]
    if kind == "float":
        kinds += [(array("d", values), values), (memoryview(array("d", values))[::-1], values[::-1])]
        if np is not None:
            kinds += [(array("f", values), as_singles(values))]
            kinds += [(memoryview(np.array(values, ">f4")), as_singles(values))]
            kinds += [(memoryview(np.array(values, "f2")), [np.float16(value) for value in values])]
    if kind == "str" and all(len(value) == 1 for value in values):
        kinds += [(array("w" if sys.version_info >= (3, 13) else "u", "".join(values)), values)]
    return [(column, list(column) if rows is None else rows) for column, rows in kinds]


@st.composite
def arrow_column(draw, kind, values, chunks=True):
    """A pyarrow or polars column, and its values by that library."""
    values = [None if draw(st.integers(0, 3)) == 0 else value for value in values]
    types = {
        "int": [pa.int8(), pa.int16(), pa.int32(), pa.int64()],
        "float": [pa.float16(), pa.float32(), pa.float64()],
        "str": [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
        "bool": [pa.bool_()],
        "datetime": [
            pa.timestamp(unit, zone)
            for unit in ("s", "ms", "us", "ns")
            for zone in (None, "UTC", "+05:30", "Europe/Berlin", "-01:00")
        ],
        "date": [pa.date32(), pa.date64()],
        "decimal": [pa.decimal128(20, 3), pa.decimal256(50, 5)],
        "ints": [pa.list_(pa.int64()), pa.large_list(pa.int8()), pa.list_view(pa.int16())],
        "floats": [pa.list_(pa.float64()), pa.large_list(pa.float64())],
        "texts": [pa.list_(pa.list_(pa.string())), pa.list_(pa.large_list(pa.string_view()))],
    }
    type_ = draw(st.sampled_from([*types[kind], pa.null()]))
    if type_ == pa.null():
        values = [None] * len(values)
    if kind == "datetime" and type_ != pa.null():
        zone = None if type_.tz is None else UTC
        keep = 0 if type_.unit == "s" else 1000 if type_.unit == "ms" else 1
        values = [
            None
            if v is None
            else v.replace(microsecond=v.microsecond // keep * keep if keep else 0, tzinfo=zone)
            for v in values
        ]
    before, after = draw(st.integers(0, 9)), draw(st.integers(0, 2))
    spare = [values[0] if values else None]
    whole = pa.array(spare * before + values + spare * after, type_)
    column = whole.slice(before, len(values))
    rows = [as_single(value, type_) for value in column.to_pylist()]
    if chunks and draw(st.booleans()):
        cut = draw(st.integers(0, len(values)))
        column = pa.chunked_array([column.slice(0, cut), column.slice(cut)])
    polars = (pa.int8(), pa.int32(), pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.date32())
    if chunks and type_ in polars and draw(st.booleans()):
        column = pl.Series(values)
        if column.dtype == pl.Null:
            rows = [None] * len(values)
    return column, rows


def as_single(value, type_):
    return np.float32(value) if value is not None and type_ in (pa.float16(), pa.float32()) else value


@st.composite
def columns(draw, kind, length, arrow):
    """A column of any representation, and the values of its rows."""
    values = draw(st.lists(VALUES[kind], min_size=length, max_size=length))
    if arrow:
        return draw(arrow_column(kind, values))
    ways = ["plain", "numpy"] if np is not None else ["plain"]
    if draw(st.sampled_from(ways)) == "numpy" and kind not in ("ints", "floats", "texts"):
        return draw(numpy_column(kind, values))
    ways = plain_columns(kind, values)
    return ways[draw(st.integers(0, len(ways) - 1))]


@st.composite
def tables(draw, arrow=False, depth=2, length=None):
    """A schema, columns for it, and their rows as dicts."""
    length = draw(st.integers(0, 7)) if length is None else length
    schema, given, rows = {}, {}, [{} for _ in range(length)]
    for name in draw(st.lists(st.sampled_from("abcde"), unique=True, min_size=1, max_size=4)):
        if depth and draw(st.integers(0, 4)) == 0:
            inner, members, objects = draw(tables(arrow, depth - 1, length))
            schema[name] = inner
            if draw(st.booleans()):
                given[name] = members
            else:
                given |= {f"{name}.{member}": column for member, column in flatten(members).items()}
        else:
            kind = draw(st.sampled_from(sorted(TYPES)))
            types = [TYPES[kind], TYPES[kind], NEVER_NULL.get(kind, TYPES[kind])]
            schema[name] = types[draw(st.integers(0, 2))]
            given[name], objects = draw(columns(kind, length, arrow and draw(st.booleans())))
        for row, value in zip(rows, objects, strict=True):
            row[name] = value
    return schema, given, rows


def flatten(members):
    found = {}
    for name, column in members.items():
        if isinstance(column, dict):
            found |= {f"{name}.{inner}": value for inner, value in flatten(column).items()}
        else:
            found[name] = column
    return found


def outcome(build):
    try:
        return build()
    except PayloadError as error:
        return error.row, error.field


def check(schema, columns, rows, backend):
    """Columns give what rows of their values give: the same bytes, or an error at the same place."""
    builder = PayloadBuilder(schema, backend=backend)
    expected = outcome(lambda: builder.build(rows))
    assert outcome(lambda: builder.build_columns(columns)) == expected
    assert outcome(lambda: b"".join(builder.stream_columns(columns, chunk_bytes=60))) == expected
    if isinstance(expected, bytes):
        assert builder.build_columns(columns, lines=True) == builder.build(rows, lines=True)
    return expected
