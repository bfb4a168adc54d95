"""Arrow data by its C interface: every type, layout and way of giving it, against rows of the same values."""

import gc
import uuid
import weakref
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Optional, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore import Field, PayloadBuilder, PayloadError, Raw

from . import column_strategies as cs
from .test_differential import examples

np = pytest.importorskip("numpy", reason="numpy is not installed")
pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pl = pytest.importorskip("polars", reason="polars is not installed")


# ------------------------------------------------------------------------------------------- random columns


@given(cs.tables(arrow=True))
@examples(250)
def test_arrow_columns_are_their_rows(backend, table):
    cs.check(*table, backend)


@st.composite
def arrow_tables(draw):
    """A schema, an Arrow table with structs, and its rows."""
    length = draw(st.integers(0, 20))
    schema, types, columns = {}, {}, {}
    for name in draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1)):
        kind = draw(st.sampled_from(sorted(cs.TYPES)))
        values = draw(st.lists(cs.VALUES[kind], min_size=length, max_size=length))
        column, _ = draw(cs.arrow_column(kind, values, chunks=False))
        types[name], columns[name] = cs.TYPES[kind], column
    inside = [name for name in types if draw(st.booleans())]
    if inside and draw(st.booleans()):
        mask = draw(st.lists(st.booleans(), min_size=length, max_size=length))
        struct = pa.StructArray.from_arrays(
            [columns.pop(name) for name in inside], names=inside, mask=pa.array(mask, pa.bool_())
        )
        columns["o"] = struct
        members = {name: types.pop(name) for name in reversed(inside)}
        types["o"] = draw(st.sampled_from([Field(optional(members)), Field(members)]))
    schema = types
    return schema, pa.table(columns)


def optional(members):
    return Optional[TypedDict("Members", members)]  # noqa: UP045 - a made type has no operator


def with_singles(value, type_):
    """Values as pyarrow gives them, but float32 as such."""
    if value is None:
        return None
    if pa.types.is_struct(type_):
        return {field.name: with_singles(value[field.name], field.type) for field in type_}
    return cs.as_single(value, type_)


def rows_of(table):
    return [
        {field.name: with_singles(row[field.name], field.type) for field in table.schema}
        for row in table.to_pylist()
    ]


@given(arrow_tables(), st.integers(1, 9), st.integers(0, 5))
@examples(250)
def test_arrow_tables_are_their_rows(backend, table, size, begin):
    schema, whole = table
    whole = whole.slice(begin)
    rows = rows_of(whole)
    expected = cs.check(schema, whole, rows, backend)
    batches = pa.Table.from_batches(whole.to_batches(max_chunksize=size), whole.schema)
    assert cs.check(schema, batches, rows, backend) == expected
    builder = PayloadBuilder(schema, backend=backend)
    reader = pa.RecordBatchReader.from_batches(whole.schema, whole.to_batches(max_chunksize=size))
    assert cs.outcome(lambda: b"".join(builder.stream_columns(reader, chunk_bytes=50))) == expected


# ---------------------------------------------------------------------------------------- types one by one


def one(type_, column, backend="python", **options):
    data = PayloadBuilder({"v": type_}, backend=backend, **options).build_columns({"v": column}, lines=True)
    return [line.removeprefix('{"v":').removesuffix("}") for line in data.decode().splitlines()]


def test_numbers(backend):
    for type_ in (pa.int8(), pa.int16(), pa.int32(), pa.int64()):
        low = -(2 ** (type_.bit_width - 1))
        assert one(int | None, pa.array([low, None, -low - 1], type_), backend) == [
            str(low),
            "null",
            str(-low - 1),
        ]
    assert one(int, pa.array([2**64 - 1], pa.uint64()), backend) == ["18446744073709551615"]
    assert one(float, pa.array([5], pa.uint8()), backend) == ["5.0"]
    for type_, text in [(pa.float16(), "0.099975586"), (pa.float32(), "0.1"), (pa.float64(), "0.1")]:
        column = pa.array([np.float16(0.1) if type_ == pa.float16() else 0.1, float("nan"), None], type_)
        assert one(float | None, column, backend) == [text, "null", "null"]
    with pytest.raises(PayloadError, match="row 1, field 'v': expected an int, got None"):
        one(int, pa.array([1, None]), backend)
    with pytest.raises(PayloadError, match="row 0, field 'v': expected a finite value"):
        one(float | None, pa.array([float("nan")]), backend, nan="error")


def test_times(backend):
    moment = datetime(2026, 7, 2, 3, 4, 5, 123456, UTC)
    for zone, text in [
        (None, "2026-07-02T03:04:05.123456"),
        ("UTC", "2026-07-02T03:04:05.123456+00:00"),
        ("Europe/Berlin", "2026-07-02T05:04:05.123456+02:00"),
        ("-03:30", "2026-07-01T23:34:05.123456-03:30"),
    ]:
        value = moment if zone else moment.replace(tzinfo=None)
        for unit in ("us", "ns"):
            assert one(datetime, pa.array([value], pa.timestamp(unit, zone)), backend) == [f'"{text}"']
        for unit in ("s", "ms"):
            column = pa.array([value.replace(microsecond=0)], pa.timestamp(unit, zone))
            assert one(datetime, column, backend) == [f'"{text.replace(".123456", "")}"']
    assert one(datetime, pa.array([-1], pa.timestamp("ns")), backend) == ['"1969-12-31T23:59:59.999999"']
    assert one(datetime, pa.array([0], pa.timestamp("s", "UTC")), backend, utc_z=True) == [
        '"1970-01-01T00:00:00Z"'
    ]
    assert one(Field(int, unit="seconds"), pa.array([7], pa.timestamp("s", "UTC")), backend) == ["7"]
    days = [date(1, 1, 1), date(2026, 1, 2), date(9999, 12, 31)]
    for type_ in (pa.date32(), pa.date64()):
        assert one(date, pa.array(days, type_), backend) == [f'"{day.isoformat()}"' for day in days]


@pytest.mark.parametrize("value", [-(2**62), 2**62, -62135596801, 253402300800])
def test_times_that_python_does_not_have(value, backend):
    for zone in (None, "UTC", "Europe/Berlin"):
        column = pa.array([0, value], pa.timestamp("s", zone))
        for type_ in (datetime, Field(datetime, unit="seconds")):
            with pytest.raises(PayloadError, match="row 1, field 'v': expected a datetime") as caught:
                one(type_, column, backend)
            assert "out of range" in caught.value.got
    with pytest.raises(PayloadError, match=r"row 0, field 'v': expected a date, got .*out of range"):
        one(date, pa.array([2**31 - 1], pa.date32()), backend)


def test_decimals(backend):
    values = [Decimal("1.10"), Decimal("-0.001"), Decimal("12345678901234567.890"), None]
    for type_ in (pa.decimal128(30, 3), pa.decimal256(60, 3), pa.decimal128(38, 3)):
        column = pa.array(values, type_)
        assert one(Decimal | None, column, backend) == [
            '"1.100"',
            '"-0.001"',
            '"12345678901234567.890"',
            "null",
        ]
    assert one(Field(Decimal, as_number=True), pa.array([Decimal(700)], pa.decimal128(5, -2)), backend) == [
        "7E+2"
    ]


def test_uuids_and_bytes(backend):
    value = uuid.UUID(int=2**100 + 7)
    column = pa.array([value.bytes, None], pa.uuid())
    assert one(uuid.UUID | None, column, backend) == [f'"{value}"', "null"]
    assert one(Raw, pa.array([b"[1]"], pa.binary()), backend) == ["[1]"]
    assert one(Raw, pa.array(["{}"]), backend) == ["{}"]
    for column in (pa.array([b"a", b"\xff"]), pa.array([value.bytes], pa.binary(16))):
        with pytest.raises(PayloadError, match="row 0, field 'v': expected a str, got bytes"):
            one(str, column, backend)
    with pytest.raises(PayloadError, match="row 1, field 'v': expected JSON that is UTF-8"):
        one(Raw, pa.array([b"1", b'"\xff"']), backend)


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view"])
def test_text_that_is_not_utf8(kind, backend):
    """No library would make it, but a broken file may hold it."""
    type_ = getattr(pa, kind)()
    column = pa.array(
        [b"good", b"\xed\xa0\x80", b"x" * 30 + b"\xff"], getattr(pa, f"{kind}".replace("string", "binary"))()
    )
    column = column.view(type_) if kind != "string_view" else column.cast(pa.binary()).view(pa.string())
    for start, row in ((0, 1), (2, 0)):
        with pytest.raises(PayloadError, match=f"row {row}, field 'v': expected a str, got bytes"):
            one(str, column.slice(start), backend)


def test_dictionaries(backend):
    column = pa.array(["a", "ü", None, "a"]).dictionary_encode()
    assert one(str | None, column, backend) == ['"a"', '"ü"', "null", '"a"']
    chunks = pa.chunked_array([column, pa.array(["b"]).dictionary_encode()])
    assert one(str | None, chunks, backend) == ['"a"', '"ü"', "null", '"a"', '"b"']
    nulls = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.uint8()), pa.array([1.5, None], pa.float32()))
    assert one(float | None, nulls, backend) == ["1.5", "null"]
    assert one(str, pl.Series(["x", "y", "x"], dtype=pl.Categorical), backend) == ['"x"', '"y"', '"x"']
    nothing = pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int8()), pa.nulls(1))
    for type_ in (int | None, list[int] | None, optional({"a": int})):
        assert one(type_, nothing, backend) == ["null", "null"]


def test_polars(backend):
    schema = {
        "a": list[int],
        "c": str,
        "d": Decimal,
        "e": str,
        "l": list[str | None] | None,
        "o": optional({"x": int | None, "y": list[bool]}),
        "t": datetime,
        "u": int,
        "z": datetime,
    }
    data = {
        "a": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int16, 2)),
        "c": pl.Series(["x", "ü"], dtype=pl.Categorical),
        "d": pl.Series([Decimal("1.5"), Decimal("-0.25")], dtype=pl.Decimal(20, 2)),
        "e": pl.Series(["b", "a"], dtype=pl.Enum(["a", "b"])),
        "l": [["long enough to be no inline view", None], None],
        "o": [{"x": None, "y": [True, False]}, {"x": 7, "y": []}],
        "t": [datetime(1965, 1, 1, 0, 0, 0, 1), datetime(2026, 1, 1)],
        "u": pl.Series([2**64 - 1, 0], dtype=pl.UInt64),
        "z": pl.Series([datetime(2026, 1, 1), datetime(2026, 7, 1)]).dt.replace_time_zone("Europe/Berlin"),
    }
    frame = pl.DataFrame(data)
    expected = cs.check(schema, frame, frame.to_dicts(), backend)
    assert isinstance(expected, bytes)
    assert cs.check(schema, {name: frame[name] for name in schema}, frame.to_dicts(), backend) == expected
    for column in (pl.Series([time(1)]), pl.Series([timedelta(1)])):
        with pytest.raises(PayloadError, match="expected a column for an int, got"):
            one(int, column, backend)


def test_structs_and_lists_within_one_another(backend):
    schema = {"o": {"b": int | None, "a": list[str], "c": Field(constant=1), "d": Field(int, default=5)}}
    rows = [{"a": ["x"], "b": 1, "z": 0}, {"a": [], "b": None, "z": 0}]
    column = pa.array(rows)
    expected = b'[{"o":{"b":1,"a":["x"],"c":1,"d":5}},{"o":{"b":null,"a":[],"c":1,"d":5}}]'
    builder = PayloadBuilder(schema, backend=backend)
    assert builder.build_columns({"o": column}) == expected
    assert builder.build_columns(pa.table({"o": column})) == expected
    assert builder.build_columns(pa.table({"o.b": [1, None], "o.a": [["x"], []]})) == expected
    with pytest.raises(PayloadError) as caught:
        PayloadBuilder(schema, extra="error", backend=backend).build_columns({"o": column})
    assert caught.value.field == "o.z"
    with pytest.raises(PayloadError, match=r"field 'o\.a': expected a column 'a', got none"):
        builder.build_columns({"o": pa.array([{"b": 1}])})
    with pytest.raises(PayloadError, match="row 1, field 'o': expected an object, got None"):
        builder.build_columns({"o": pa.array([rows[0], None])})
    items = PayloadBuilder({"v": list[Point]}, backend=backend)
    column = pa.array([[{"y": 0.5, "x": 1}], [], [{"y": 1.5, "x": 2}, {"y": 2.5, "x": 3}]])
    expected = b'[{"v":[{"x":1,"y":0.5}]},{"v":[]},{"v":[{"x":2,"y":1.5},{"x":3,"y":2.5}]}]'
    assert items.build_columns({"v": column}) == expected
    assert items.build_columns({"v": pa.concat_arrays([column, column]).slice(3)}) == expected


class Point(TypedDict):
    x: int
    y: float


def test_fixed_size_lists(backend):
    values = [[1.5, 2.5], None, [0.1, 3.0]]
    column = pa.array([[9, 9], *values], pa.list_(pa.float32(), 2)).slice(1)
    assert one(list[float] | None, column, backend) == ["[1.5,2.5]", "null", "[0.1,3.0]"]
    assert one(list[list[int]], pa.array([[[1]]], pa.list_(pa.list_(pa.int8(), 1), 1)), backend) == ["[[1]]"]


@pytest.mark.parametrize(
    ("type_", "column"),
    [
        (int, [time(1)]),
        (int, [timedelta(1)]),
        (int, [[1]]),
        (int, [{"a": 1}]),
        (list[int], [1]),
        (list[int], [[time(1)]]),
        ({"a": int}, [1]),
        ({"a": int}, [{"a": {"b": 1}}]),
        ({"a": int}, [[1]]),
    ],
)
def test_types_that_no_field_takes(type_, column, backend):
    for length in (0, 1):
        with pytest.raises(PayloadError, match=r"expected a column for .*Arrow type") as caught:
            one(type_, pa.array(column).slice(0, length), backend)
        assert caught.value.row is None


def test_maps_unions_and_runs(backend):
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([1]))
    for column in (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())), union, runs):
        for type_ in (int, list[int], {"a": int}):
            with pytest.raises(PayloadError, match=r"field 'v'.*: expected a column for"):
                one(type_, column, backend)


def test_zones_that_are_not_known(backend):
    column = pa.array([0], pa.timestamp("s", "Nowhere/At_all"))
    for columns in ({"v": column}, pa.table({"v": column})):
        with pytest.raises(PayloadError, match=r"field 'v': expected Arrow data that can be read.*Nowhere"):
            PayloadBuilder({"v": datetime}, backend=backend).build_columns(columns)


# -------------------------------------------------------------------------------------------------- tables


def test_tables_of_every_library(backend):
    schema = {"i": int, "s": str | None, "c": Field(constant="k"), "d": Field(int, default=0)}
    builder = PayloadBuilder(schema, backend=backend)
    rows = [{"s": "ü", "i": 1, "more": 1.5}, {"s": None, "i": 2, "more": 2.5}]
    expected = builder.build(rows)
    for table in (
        pa.Table.from_pylist(rows),
        pa.RecordBatch.from_pylist(rows),
        pa.array(rows),
        pl.DataFrame(rows),
        pa.Table.from_pylist(rows).to_reader(),
    ):
        assert builder.build_columns(table) == expected
    constants = PayloadBuilder({"c": Field(constant="k")}, backend=backend)
    assert constants.build_columns(pl.DataFrame(rows)) == b'[{"c":"k"},{"c":"k"}]'
    assert builder.build_columns(pa.Table.from_pylist(rows).slice(2)) == b"[]"
    empty = pa.Table.from_batches([], pa.schema([("i", pa.int8()), ("s", pa.null())]))
    assert builder.build_columns(empty) == b"[]"
    assert builder.build_columns({"i": empty["i"], "s": empty["s"]}) == b"[]"


def test_tables_that_do_not_fit(backend):
    builder = PayloadBuilder({"i": int, "o": {"x": int}}, extra="error", backend=backend)
    good = {"i": [1], "o": [{"x": 1}]}
    with pytest.raises(PayloadError, match=r"field 'o\.y': expected no column beyond"):
        builder.build_columns(pa.table({"i": [1], "o": [{"x": 1, "y": 1}]}))
    with pytest.raises(PayloadError, match="field 'z': expected no column beyond"):
        builder.build_columns(pa.table({**good, "z": [1]}))
    with pytest.raises(PayloadError, match="field 'o': expected a column 'o', got none"):
        builder.build_columns(pa.table({"i": [1]}))
    for data in (pa.array([1]), pa.chunked_array([[1]]), pl.Series([1])):
        with pytest.raises(PayloadError, match="expected columns, or an Arrow table of them"):
            builder.build_columns(data)
    with pytest.raises(PayloadError, match="field 'o': expected a column of 3 values, got 1 values"):
        builder.build_columns({"i": pa.chunked_array([[1], [2, 3]]), "o": [{"x": 1}]})


def test_null_rows_of_a_struct_array(backend):
    rows = pa.StructArray.from_arrays([pa.array(range(5))], ["i"], mask=pa.array([False] * 3 + [True, False]))
    chunks = []
    with pytest.raises(PayloadError, match="row 3: expected a row, got None"):
        chunks.extend(PayloadBuilder({"i": int}, backend=backend).stream_columns(rows, lines=True))
    assert b"".join(chunks) == b'{"i":0}\n{"i":1}\n{"i":2}\n'
    builder = PayloadBuilder({"i": int}, backend=backend)
    with pytest.raises(PayloadError, match="row 1: expected a row, got None"):
        builder.build_columns(rows.slice(2))
    assert builder.build_columns(rows.slice(1, 2)) == b'[{"i":1},{"i":2}]'
    assert builder.build_columns(rows.slice(4)) == b'[{"i":4}]'


def test_a_stream_holds_one_batch(backend):
    """Batches are made when they are asked for, and let go before that."""
    alive, most = set(), 0
    count = 40

    def batches():
        nonlocal most
        for number in range(count):
            values = np.full(20_000, number)
            alive.add(number)
            weakref.finalize(values, alive.discard, number)
            batch = pa.record_batch({"i": pa.array(values)})
            del values
            most = max(most, len(alive))
            yield batch
            del batch

    reader = pa.RecordBatchReader.from_batches(pa.schema([("i", pa.int64())]), batches())
    stream = PayloadBuilder({"i": int}, backend=backend).stream_columns(reader, chunk_bytes=1000, lines=True)
    assert sum(chunk.count(b"\n") for chunk in stream) == count * 20_000
    gc.collect()
    assert most == 1


def test_an_error_in_a_stream_of_batches(backend):
    def batches():
        yield pa.record_batch({"i": [1, 2]})
        raise RuntimeError("the source is gone")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("i", pa.int64())]), batches())
    chunks = []
    with pytest.raises(ValueError, match=r"the Arrow stream cannot be read: .*the source is gone"):
        chunks.extend(PayloadBuilder({"i": int}, backend=backend).stream_columns(reader, lines=True))
    assert b"".join(chunks) == b'{"i":1}\n{"i":2}\n'
    reader = pa.RecordBatchReader.from_batches(
        pa.schema([("i", pa.int64())]), [pa.record_batch({"i": [1, 2]}), pa.record_batch({"i": [3, None]})]
    )
    chunks = []
    with pytest.raises(PayloadError, match="row 3, field 'i'"):
        chunks.extend(PayloadBuilder({"i": int}, backend=backend).stream_columns(reader, lines=True))
    assert b"".join(chunks) == b'{"i":1}\n{"i":2}\n{"i":3}\n'


def test_what_only_claims_to_be_arrow(backend):
    class Broken:
        def __arrow_c_array__(self, requested_schema=None):
            raise TypeError("not today")

    class Foreign:
        def __arrow_c_array__(self, requested_schema=None):
            return 1, 2

    builder = PayloadBuilder({"v": int}, backend=backend)
    for bad in (Broken(), Foreign()):
        with pytest.raises(PayloadError, match="expected Arrow data that can be read"):
            builder.build_columns(bad)
        with pytest.raises(PayloadError, match="field 'v': expected Arrow data that can be read"):
            builder.build_columns({"v": bad})


def test_no_c_api(backend, monkeypatch):
    """PyPy has no ``ctypes.pythonapi``."""
    import ctypes

    from fastcore.columns import arrow_interface

    monkeypatch.delattr(ctypes, "pythonapi")
    arrow_interface.python_function.cache_clear()
    with pytest.raises(
        PayloadError, match=r"field 'v': expected Arrow data that can be read.*C API of CPython"
    ):
        PayloadBuilder({"v": int}, backend=backend).build_columns({"v": pa.array([1])})


def test_columns_are_released(backend):
    values = np.arange(1000)
    gone = []
    weakref.finalize(values, gone.append, True)
    column = pa.array(values)
    del values
    builder = PayloadBuilder({"v": int}, backend=backend)
    assert builder.build_columns({"v": column}) == builder.build_columns(pa.table({"v": column}))
    del column
    gc.collect()
    assert gone
