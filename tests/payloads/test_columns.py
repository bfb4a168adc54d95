"""Columns of every kind give what the same values give in rows, or are refused."""

import gc
import sys
from array import array
from collections import UserList, deque
from datetime import date, datetime
from types import MappingProxyType

import pytest
from hypothesis import given

from fastcore import Field, PayloadBuilder, PayloadError

from . import column_strategies as cs
from .test_differential import examples


@pytest.fixture
def np():
    return pytest.importorskip("numpy", reason="numpy is not installed")


@given(cs.tables())
@examples(300)
def test_columns_are_their_rows(backend, table):
    schema, columns, rows = table
    cs.check(schema, columns, rows, backend)


@pytest.mark.parametrize(
    "column",
    [
        [1, 2, 3],
        (1, 2, 3),
        range(1, 4),
        UserList([1, 2, 3]),
        array("b", [1, 2, 3]),
        array("Q", [1, 2, 3]),
        range(3, 0, -1)[::-1],
        memoryview(array("i", [1, 2, 3])),
        memoryview(array("q", [1, 0, 2, 0, 3]))[::2],
        memoryview(b"\x01\x02\x03").toreadonly(),
    ],
)
def test_ints(column, backend):
    builder = PayloadBuilder({"v": int}, backend=backend)
    assert builder.build_columns({"v": column}) == b'[{"v":1},{"v":2},{"v":3}]'
    assert builder.build_columns([column], lines=True) == b'{"v":1}\n{"v":2}\n{"v":3}\n'


def test_other_buffers(backend):
    floats = PayloadBuilder({"v": float}, backend=backend)
    assert floats.build_columns([array("d", [0.1, -0.0])]) == b'[{"v":0.1},{"v":-0.0}]'
    assert floats.build_columns([array("f", [0.1, 16777216.0])]) == b'[{"v":0.1},{"v":16777216.0}]'
    assert floats.build_columns([memoryview(array("f", [0.1]))]) == b'[{"v":0.1}]'
    assert floats.build_columns([array("i", [5])]) == b'[{"v":5.0}]'
    text = PayloadBuilder({"v": str}, backend=backend)
    code = "w" if sys.version_info >= (3, 13) else "u"
    assert text.build_columns([array(code, "aü")]) == '[{"v":"a"},{"v":"ü"}]'.encode()
    flags = PayloadBuilder({"v": bool}, backend=backend)
    assert flags.build_columns([memoryview(b"\x00\x01").cast("?")]) == b'[{"v":false},{"v":true}]'


@pytest.mark.parametrize(
    "column",
    [
        None,
        5,
        "abc",
        b"abc",
        bytearray(b"abc"),
        {1, 2},
        {1: 2},
        iter([1, 2]),
        memoryview(b"abcd").cast("B", (2, 2)),
        memoryview(b"abc").cast("c"),
    ],
)
def test_what_is_no_column(column, backend):
    with pytest.raises(PayloadError) as caught:
        PayloadBuilder({"v": int}, backend=backend).build_columns({"v": column})
    assert caught.value.row is None
    assert caught.value.field == "v"


@pytest.mark.parametrize("columns", [None, 5, "ab", iter([[1]]), {1, 2}, deque([[1]])])
def test_what_are_no_columns(columns, backend):
    builder = PayloadBuilder({"v": int}, backend=backend)
    with pytest.raises(PayloadError, match="expected a mapping or list of columns"):
        builder.build_columns(columns)
    with pytest.raises(PayloadError, match="expected a mapping or list of columns"):
        builder.stream_columns(columns)


def test_missing_and_extra_columns(backend):
    schema = {"a": int, "b": Field(str, default="-"), "c": Field(constant=1)}
    builder = PayloadBuilder(schema, backend=backend)
    assert builder.build_columns({"a": [1, 2], "x": [3]}) == b'[{"a":1,"b":"-","c":1},{"a":2,"b":"-","c":1}]'
    assert builder.build_columns([[1], ["x"]]) == b'[{"a":1,"b":"x","c":1}]'
    with pytest.raises(PayloadError, match=r"field 'a': expected a column 'a', got none"):
        builder.build_columns({"b": ["x"]})
    with pytest.raises(PayloadError, match="expected 2 columns, got 1"):
        builder.build_columns([[1]])
    strict = PayloadBuilder({**schema, "o": {"x": int}}, extra="error", backend=backend)
    assert strict.build_columns({"a": [1], "o": {"x": [2]}}) == b'[{"a":1,"b":"-","c":1,"o":{"x":2}}]'
    assert strict.build_columns({"a": [1], "o.x": [2]}) == b'[{"a":1,"b":"-","c":1,"o":{"x":2}}]'
    for columns, path in [
        ({"a": [1], "o": {"x": [2], "y": [3]}}, "o.y"),
        ({"a": [1], "o.x": [2], "z": []}, "z"),
    ]:
        with pytest.raises(PayloadError, match="expected no column beyond the schema's") as caught:
            strict.build_columns(columns)
        assert caught.value.field == path
    with pytest.raises(PayloadError, match="expected at least one column, got none"):
        PayloadBuilder({"b": Field(int, default=1)}, backend=backend).build_columns({})


def test_lengths_must_agree(backend):
    builder = PayloadBuilder({"a": int, "o": {"b": int, "c": int | None}}, backend=backend)
    with pytest.raises(PayloadError, match=r"field 'o\.c': expected a column of 2 values, got 1 values"):
        builder.build_columns({"a": [1, 2], "o": {"b": [1, 2], "c": [1]}})
    assert builder.build_columns({"a": [], "o": {"b": [], "c": []}}) == b"[]"
    assert builder.build_columns({"a": [], "o": {"b": [], "c": []}}, lines=True) == b""


def test_a_column_that_shrinks_during_the_build(backend):
    column = list(range(5000))
    stream = PayloadBuilder({"a": int, "b": int}, backend=backend).stream_columns(
        {"a": column, "b": range(5000)}, chunk_bytes=100, lines=True
    )
    next(stream)
    del column[2000:]
    with pytest.raises(PayloadError, match="field 'a': expected a column of 5000 values, got fewer"):
        list(stream)


def test_ranges(backend):
    builder = PayloadBuilder({"v": int, "w": float}, backend=backend)
    for numbers in (
        range(0),
        range(5, 6),
        range(10, -10, -3),
        range(-(2**63), -(2**63) + 3),
        range(2**63 - 3, 2**63),
        range(2**63 - 1, 2**63 + 2),
        range(-(10**30), 10**30, 10**29),
        range(0, 3000, 2),
    ):
        rows = [(number, number) for number in numbers]
        assert builder.build_columns([numbers, numbers]) == builder.build(rows)


@pytest.mark.skipif(sys.implementation.name == "pypy", reason="PyPy resizes buffers that are in use")
def test_buffers_that_grow_during_the_build(backend):
    builder = PayloadBuilder({"v": int}, backend=backend)
    data = bytearray(range(100)) * 50
    view, numbers = memoryview(data), array("i", range(5000))
    for column in (view, numbers):
        expected = builder.build_columns([column], lines=True)
        stream = builder.stream_columns([column], chunk_bytes=100, lines=True)
        begin = next(stream)
        view.release()
        with pytest.raises(BufferError):
            (data if column is view else numbers).append(1)
        assert begin + b"".join(stream) == expected
    del stream, column
    gc.collect()
    numbers.append(1)
    data.append(1)


@pytest.mark.parametrize("column", [list(range(5000)), UserList(range(5000))])
def test_a_list_that_grows_during_the_build(column, backend):
    builder = PayloadBuilder({"v": int}, backend=backend)
    expected = builder.build_columns([column], lines=True)
    stream = builder.stream_columns([column], chunk_bytes=100, lines=True)
    begin = next(stream)
    column += [7] * 5000
    assert begin + b"".join(stream) == expected


def test_a_list_that_changes_during_the_build(backend):
    column = [1] * 5000
    stream = PayloadBuilder({"a": int}, backend=backend).stream_columns([column], chunk_bytes=50, lines=True)
    begin = next(stream)
    column[4000] = None
    with pytest.raises(PayloadError, match="row 4000, field 'a': expected an int, got None"):
        begin += b"".join(stream)
    column[4000] = 2
    data = b"".join(PayloadBuilder({"a": int}, backend=backend).stream_columns([column], lines=True))
    assert data.count(b"2") == 1


def test_buffers_of_either_byte_order(np, backend):
    builder = PayloadBuilder({"v": int}, backend=backend)
    for code, values in [("i2", [1, -2, 300]), ("u8", [0, 2**64 - 1]), ("i4", [-(2**31), 7])]:
        for order in "<>":
            view = memoryview(np.array(values, order + code))
            assert builder.build_columns([view]) == builder.build([(value,) for value in values])
            assert builder.build_columns([view[::-1]]) == builder.build([(value,) for value in values[::-1]])


def test_nested_objects_in_columns(backend):
    schema = {"id": int, "o": {"x": int, "p": {"y": int}}, "t": list[int]}
    builder = PayloadBuilder(schema, backend=backend)
    expected = b'[{"id":1,"o":{"x":3,"p":{"y":5}},"t":[7]},{"id":2,"o":{"x":4,"p":{"y":6}},"t":[]}]'
    lists = [[7], []]
    for columns in (
        {"id": [1, 2], "o": {"x": [3, 4], "p": {"y": [5, 6]}}, "t": lists},
        {"id": [1, 2], "o.x": [3, 4], "o.p.y": [5, 6], "t": lists},
        {"id": [1, 2], "o.x": [3, 4], "o.p": [{"y": 5}, (6,)], "t": lists},
        {"id": [1, 2], "o": MappingProxyType({"x": [3, 4], "p.y": [5, 6]}), "t": lists},
        {"id": [1, 2], "o": [(3, (5,)), {"x": 4, "p": {"y": 6}}], "t": lists},
        [[1, 2], [3, 4], [5, 6], lists],
        [[1, 2], [(3, (5,)), (4, (6,))], lists],
    ):
        assert builder.build_columns(columns) == expected
    with pytest.raises(PayloadError) as caught:
        builder.build_columns({"id": [1, 2], "o.x": [3, 4], "o.p.y": [5, None], "t": lists})
    assert (caught.value.row, caught.value.field) == (1, "o.p.y")


def test_many_rows_keep_their_numbers(backend):
    builder = PayloadBuilder({"a": int, "b": str}, backend=backend)
    names = ["x"] * 5000
    data = builder.build_columns({"a": range(5000), "b": names})
    assert data == builder.build(zip(range(5000), names, strict=True))
    names[4321] = None
    with pytest.raises(PayloadError, match="row 4321, field 'b'"):
        builder.build_columns({"a": range(5000), "b": names})


# --------------------------------------------------------------------------------------------------- numpy


def test_numpy_ints_of_every_width(np, backend):
    builder = PayloadBuilder({"v": int}, backend=backend)
    for code in "bhilqBHILQ":
        info = np.iinfo(code)
        column = np.array([info.min, 0, info.max], code)
        expected = f'[{{"v":{info.min}}},{{"v":0}},{{"v":{info.max}}}]'.encode()
        assert builder.build_columns([column]) == expected
        assert builder.build_columns([column.astype(column.dtype.newbyteorder())]) == expected
        assert builder.build([(value,) for value in column]) == expected


def test_numpy_layouts(np, backend):
    builder = PayloadBuilder({"v": int}, backend=backend)
    frozen = np.arange(6)
    frozen.flags.writeable = False
    table = np.arange(12).reshape(6, 2)
    unaligned = np.frombuffer(b"\x00" + np.arange(3).tobytes() + b"\x00" * 7, np.uint8)[1:25].view(np.int64)
    for column in (frozen, frozen[::2], frozen[::-1], table[:, 1], unaligned):
        assert builder.build_columns([column]) == builder.build([(int(value),) for value in column])


def test_numpy_floats(np, backend):
    builder = PayloadBuilder({"v": float}, backend=backend)
    assert builder.build_columns([np.array([0.1, np.nan, -np.inf, -0.0])]) == (
        b'[{"v":0.1},{"v":null},{"v":null},{"v":-0.0}]'
    )
    for code in ("f4", ">f4", "f2"):
        column = np.array([0.1, 1.5, np.nan], code)
        by_row = builder.build([(value,) for value in column])
        assert builder.build_columns([column]) == by_row
        assert by_row.endswith(b'{"v":1.5},{"v":null}]')
    assert builder.build_columns([np.array([0.1], "f4")]) == b'[{"v":0.1}]'
    assert builder.build_columns([np.array([5, 6], "u1")]) == b'[{"v":5.0},{"v":6.0}]'
    rounded = PayloadBuilder({"v": Field(float, precision=1)}, backend=backend)
    assert rounded.build_columns([np.array([0.26], "f4")]) == b'[{"v":0.3}]'
    with pytest.raises(PayloadError, match="row 1, field 'v': expected a finite value"):
        PayloadBuilder({"v": float | None}, nan="error", backend=backend).build_columns(
            [np.array([0, np.nan])]
        )


def test_numpy_bools_text_and_objects(np, backend):
    flags = PayloadBuilder({"v": bool}, backend=backend)
    assert flags.build_columns([np.array([True, False])]) == b'[{"v":true},{"v":false}]'
    assert flags.build([(np.True_,)]) == b'[{"v":true}]'
    text = PayloadBuilder({"v": str | None}, backend=backend)
    for column in (np.array(["a", "ü"]), np.array(["a", "ü"], ">U5"), np.array(["a", "ü".encode()], "S2")):
        assert text.build_columns([column]) == '[{"v":"a"},{"v":"ü"}]'.encode()
    assert text.build([(np.str_("x"),)]) == b'[{"v":"x"}]'
    assert text.build_columns([np.array(["a", None], object)]) == b'[{"v":"a"},{"v":null}]'
    with pytest.raises(PayloadError, match="row 1, field 'v': expected a str or None, got bytes"):
        text.build_columns([np.array([b"a", b"\xff"])])


def test_numpy_times(np, backend):
    moments = PayloadBuilder({"v": datetime}, backend=backend)
    for unit, text in [("s", ""), ("ms", ".123000"), ("us", ".123456"), ("ns", ".123456")]:
        column = np.array(["2026-01-02T03:04:05.123456789", "NaT"], f"M8[{unit}]")
        expected = f'[{{"v":"2026-01-02T03:04:05{text}"}},{{"v":null}}]'.encode()
        assert moments.build_columns([column]) == expected
        assert moments.build([(value,) for value in column]) == expected
    days = np.array(["2026-01-02"], "M8[D]")
    assert moments.build_columns([days]) == b'[{"v":"2026-01-02T00:00:00"}]'
    dates = PayloadBuilder({"v": date}, backend=backend)
    assert dates.build_columns([days]) == b'[{"v":"2026-01-02"}]'
    assert dates.build_columns([np.array(["NaT"], "M8[D]")]) == b'[{"v":null}]'
    for column in (np.array(["2026-01-02T01"], "M8[h]"), np.array([10**6], "M8[Y]")):
        with pytest.raises(PayloadError, match="whole days"):
            dates.build_columns([column])
    with pytest.raises(PayloadError, match="whole days"):
        dates.build_columns([np.array([0], "M8[ps]")])
    for year in (10**6, -(10**6), 2**62):
        with pytest.raises(PayloadError, match="years 1 to 9999"):
            moments.build_columns([np.array([year - 1970], "M8[Y]")])


def test_text_with_zeros_in_it(np, backend):
    text = PayloadBuilder({"v": str}, backend=backend)
    for column in (np.array(["a\0b", "", "\0"]), np.array([b"a\0b", b"", b"\0"])):
        assert text.build_columns([column], lines=True) == b'{"v":"a\\u0000b"}\n{"v":""}\n{"v":""}\n'
    for column in (np.array(["", ""]), np.array([b"", b""]), np.zeros(2, "U0"), np.zeros(2, "S0")):
        assert text.build_columns([column]) == b'[{"v":""},{"v":""}]'


def test_text_that_is_none(np, backend):
    text = PayloadBuilder({"v": str}, backend=backend)
    surrogate = np.array(["a", "\ud800"])
    with pytest.raises(PayloadError, match="row 1, field 'v': expected text without lone surrogates"):
        text.build_columns([surrogate])
    for order in "<>":
        numbers = np.array([ord("a"), 0, 0x110000, 0], f"{order}u4").view(f"{order}U2")
        with pytest.raises(PayloadError, match="row 1, field 'v': expected a str, got bytes"):
            text.build_columns([numbers])
    chunks = []
    data = np.array([b"good"] * 3 + [b"\xed\xa0\x80"] + [b"good"])
    with pytest.raises(PayloadError, match="row 3, field 'v': expected a str, got bytes"):
        chunks.extend(text.stream_columns([data], lines=True))
    assert b"".join(chunks) == b'{"v":"good"}\n' * 3


def test_bools_of_other_bytes(np, backend):
    column = np.array([0, 1, 2, 255], "u1").view(bool)
    assert PayloadBuilder({"v": bool}, backend=backend).build_columns([column], lines=True) == (
        b'{"v":false}\n{"v":true}\n{"v":true}\n{"v":true}\n'
    )


def test_times_in_units_of_all_kinds(np, backend):
    builder = PayloadBuilder({"v": datetime}, backend=backend)
    for unit in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "7s", "250ms", "2D"):
        for numbers in ([0, 1, -1, 50], [3, -7], [0, -(2**63), 1]):
            for order in "<>":
                column = np.array(numbers, "i8").view(f"M8[{unit}]").astype(f"{order}M8[{unit}]")
                expected = builder.build([(value,) for value in column])
                assert builder.build_columns([column]) == expected
                assert builder.build_columns([column[::-1]]) == builder.build([(v,) for v in column[::-1]])
    for unit, number in [("s", 253402300800), ("s", -62135596801), ("us", 2**63 - 1), ("D", 2932897)]:
        column = np.array([0, number], "i8").view(f"M8[{unit}]")
        for columns in ([column], [np.ma.masked_array(column, [True, False])]):
            nullable = PayloadBuilder({"v": datetime | None}, backend=backend)
            with pytest.raises(PayloadError, match="row 1, field 'v': expected a datetime or None in the"):
                nullable.build_columns(columns)
    edge = np.array([-62135596800, 253402300799], "M8[s]")
    assert builder.build_columns([edge], lines=True) == (
        b'{"v":"0001-01-01T00:00:00"}\n{"v":"9999-12-31T23:59:59"}\n'
    )
    strict = PayloadBuilder({"v": datetime | None}, nan="error", backend=backend)
    with pytest.raises(PayloadError, match="row 0, field 'v': expected a finite value"):
        strict.build_columns([np.array(["NaT"], "M8[s]")])


@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")  # as long as NumPy allows it
def test_an_array_whose_shape_or_type_changes_during_the_build(np, backend):
    builder = PayloadBuilder({"v": int}, backend=backend)
    column = np.arange(6000)
    stream = builder.stream_columns([column], chunk_bytes=100, lines=True)
    begin = next(stream)
    column.shape = (2, 3000)
    assert begin + b"".join(stream) == builder.build_columns([range(6000)], lines=True)
    masked = np.ma.masked_array(np.arange(6000), np.arange(6000) < 0)
    stream = builder.stream_columns([masked], chunk_bytes=100, lines=True)
    begin = next(stream)
    masked.mask = np.ma.nomask
    assert begin + b"".join(stream) == builder.build_columns([range(6000)], lines=True)


def test_what_wraps_an_array(np, backend):
    """Such as a series of pandas: its array if that has a numpy type, else its Arrow data."""

    class Series:
        dtype = np.dtype("f4")

        def __array__(self, dtype=None, copy=None):
            return np.array([0.1, np.nan], self.dtype)

        def __arrow_c_stream__(self, requested_schema=None):
            raise ImportError("no pyarrow")

    class Extension(Series):
        dtype = "string"

        def __array__(self, dtype=None, copy=None):
            return np.array([0.5, None], object)

    builder = PayloadBuilder({"v": float | None}, backend=backend)
    assert builder.build_columns([Series()]) == b'[{"v":0.1},{"v":null}]'
    assert builder.build_columns([Extension()]) == b'[{"v":0.5},{"v":null}]'
    with pytest.raises(PayloadError, match="Arrow data that can be read, got ImportError: no pyarrow"):
        builder.build_columns(Extension())


def test_masked_arrays(np, backend):
    builder = PayloadBuilder({"v": int | None}, backend=backend)
    column = np.ma.masked_array([1, 2, 3], [False, True, False])
    assert builder.build_columns([column]) == b'[{"v":1},{"v":null},{"v":3}]'
    assert builder.build_columns([np.ma.masked_array([1, 2])]) == b'[{"v":1},{"v":2}]'
    times = np.ma.masked_array(np.array(["2026-01-02", "2026-01-03"], "M8[D]"), [True, False])
    dates = PayloadBuilder({"v": date | None}, backend=backend)
    assert dates.build_columns([times]) == b'[{"v":null},{"v":"2026-01-03"}]'


def test_arrays_as_lists_and_structured_arrays(np, backend):
    lists = PayloadBuilder({"v": list[float]}, backend=backend)
    table = np.array([[0.1, 1.5], [2.5, 3.5]], "f4")
    assert lists.build_columns([table]) == b'[{"v":[0.1,1.5]},{"v":[2.5,3.5]}]'
    assert lists.build([(table[0],)]) == b'[{"v":[0.1,1.5]}]'
    assert lists.build_columns([np.ma.masked_array(table, [[0, 0], [0, 0]])]) == lists.build_columns([table])
    with pytest.raises(PayloadError, match=r"row 1, field 'v\[0\]': expected a float, got None"):
        lists.build_columns([np.ma.masked_array(table, [[0, 0], [1, 0]])])
    deep = PayloadBuilder({"v": list[list[int]]}, backend=backend)
    cube = np.arange(12).reshape(2, 3, 2)
    for column in (
        cube,
        np.asfortranarray(cube),
        cube[::-1],
        cube[:, ::2],
        cube[:, :, :0],
        cube[:, :0],
        cube[:0],
    ):
        assert deep.build_columns([column]) == deep.build([(value.tolist(),) for value in column])
    matrix = np.asarray(cube[0]).view(np.matrix)
    assert PayloadBuilder({"v": list[int]}, backend=backend).build_columns([matrix]) == (
        b'[{"v":[0,1]},{"v":[2,3]},{"v":[4,5]}]'
    )
    pairs = PayloadBuilder({"o": {"a": int, "b": int}}, backend=backend)
    assert pairs.build_columns([cube[0]]).startswith(b'[{"o":{"a":0,"b":1}},{"o":{"a":2,"b":3}}')
    records = np.array([(1, 0.1, "a"), (2, 1.5, "b")], [("i", "i4"), ("f", "f4"), ("s", "U3")])
    builder = PayloadBuilder({"i": int, "f": float, "s": str}, backend=backend)
    expected = b'[{"i":1,"f":0.1,"s":"a"},{"i":2,"f":1.5,"s":"b"}]'
    assert builder.build_columns(records) == expected
    assert builder.build(records) == expected
    assert builder.build_columns(records.view(np.recarray)) == expected
    nested = PayloadBuilder({"o": {"f": float, "i": int, "s": str}, "c": Field(constant=1)}, backend=backend)
    expected = b'[{"o":{"f":0.1,"i":1,"s":"a"},"c":1},{"o":{"f":1.5,"i":2,"s":"b"},"c":1}]'
    assert nested.build_columns({"o": records}) == expected
    assert (
        nested.build_columns(np.array([(record,) for record in records], [("o", records.dtype)])) == expected
    )
    masked = np.ma.masked_array(records, [(False, False, False), (True, False, False)])
    with pytest.raises(PayloadError, match=r"row 1, field 'o\.i': expected an int, got None"):
        nested.build_columns({"o": masked})


def test_arrays_that_are_refused(np, backend):
    builder = PayloadBuilder({"v": float}, backend=backend)
    for column in (
        np.array(5.0),
        np.zeros((2, 2)),
        np.zeros(2, complex),
        np.zeros(2, "m8[s]"),
        np.zeros(2, [("a", int)]),
        np.zeros(2, "V3"),
        np.zeros(2, np.longdouble),
    ):
        with pytest.raises(PayloadError, match="field 'v': expected a numpy array"):
            builder.build_columns([column])
    for value in (
        np.longdouble(1.5),
        np.complex128(1),
        np.array([1.5]),
        np.timedelta64(1, "s"),
        np.bool_(True),
    ):
        with pytest.raises(PayloadError, match="field 'v': expected a float"):
            builder.build([(value,)])
    with pytest.raises(PayloadError, match="row 0, field 'v': expected an int, got"):
        PayloadBuilder({"v": int}, backend=backend).build_columns([np.array([1.0])])
