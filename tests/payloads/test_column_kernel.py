"""What writing from memory must hold beside equal bytes: threads, errors in place, memory that changes."""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

import pytest

from fastcore import Field, PayloadBuilder, PayloadError, backend_info
from tests.conftest import cython_problem

np = pytest.importorskip("numpy", reason="numpy is not installed")
pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

SCHEMA = {
    "id": int,
    "x": float,
    "ok": bool,
    "name": str | None,
    "code": str,
    "at": datetime,
    "price": Decimal,
    "tags": list[str],
    "o": {"lat": float, "day": date},
}


def typed_table(length, seed=1):
    """Columns of memory only."""
    rng = np.random.default_rng(seed)
    names = np.array(["", "a", 'say "hi"', "žluť", "x" * 40, "\t\n", None], object)
    tags = [["red"], [], ["green", "blue\n"], ["é"]]
    lat = pa.array(rng.uniform(-90, 90, length).round(6))
    day = pa.array(rng.integers(-700_000, 2_000_000, length).astype("i4"), pa.date32())
    return pa.table(
        {
            "id": rng.integers(-(2**63), 2**63 - 1, length),
            "x": rng.normal(size=length),
            "ok": pa.array(rng.random(length) < 0.5),
            "name": pa.array(rng.choice(names, length), pa.string()),
            "code": pa.array(rng.choice(["EUR", "USD", '"'], length)).dictionary_encode(),
            "at": pa.array(rng.integers(0, 2**50, length), pa.timestamp("us", "UTC")),
            "price": pa.array([Decimal(int(n)).scaleb(-2) for n in rng.integers(-(10**9), 10**9, length)]),
            "tags": pa.array([tags[i] for i in rng.integers(0, len(tags), length)]),
            "o": pa.StructArray.from_arrays([lat, day], ["lat", "day"]),
        }
    )


# ---------------------------------------------------------------------------------------------------- threads


@pytest.mark.skipif(not backend_info().gil, reason="this build has no GIL")
def test_another_thread_runs_while_typed_columns_are_written():
    """With this switch interval the main thread never gives the GIL away but by releasing it."""
    if problem := cython_problem():
        pytest.skip(f"no compiled backend: {problem}")
    builder = PayloadBuilder({"a": int, "b": float}, backend="cython")
    columns = {"a": np.arange(2_000_000), "b": np.linspace(0, 1, 2_000_000)}
    stop, steps = threading.Event(), [0]

    def count():
        while not stop.is_set():
            steps[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        thread.start()
        seen = []
        for write in (builder.build_columns, lambda columns: list(builder.stream_columns(columns))):
            start = steps[0]
            write(columns)
            seen.append(steps[0] - start)
    finally:
        stop.set()
        sys.setswitchinterval(before)
        thread.join()
    assert all(seen)


def test_halves_in_threads_are_the_whole(backend):
    table = typed_table(4000)
    builder = PayloadBuilder(SCHEMA, backend=backend)
    whole = builder.build_columns(table, lines=True)
    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(
            lambda start: builder.build_columns(table.slice(start, 500), lines=True), range(0, 4000, 500)
        )
        assert b"".join(parts) == whole


def test_typed_tables_are_their_rows(backend):
    table = typed_table(3000)
    builder = PayloadBuilder(SCHEMA, backend=backend)
    expected = builder.build(table.to_pylist())
    assert builder.build_columns(table) == expected
    assert b"".join(builder.stream_columns(table, chunk_bytes=10_000)) == expected
    assert len(json.loads(expected)) == 3000


@pytest.mark.parametrize("chunk_bytes", [1, 100, 5000, 10**9])
@pytest.mark.parametrize("lines", [False, True])
def test_both_backends_cut_columns_alike(backend, chunk_bytes, lines):
    table = typed_table(700)
    mixed = {"id": range(700), "note": ["é" * (i % 90) if i % 7 else None for i in range(700)]}
    for schema, columns in ((SCHEMA, table), ({"id": int, "note": str | None}, mixed)):
        chunks = [
            list(
                PayloadBuilder(schema, backend=each).stream_columns(
                    columns, chunk_bytes=chunk_bytes, lines=lines
                )
            )
            for each in (backend, "python")
        ]
        assert chunks[0] == chunks[1]


# ----------------------------------------------------------------------------------------------------- errors


def broken(kind, place, length):
    """A schema and a column whose row at a place is refused, and the words of the error."""
    numbers = np.arange(length, dtype="f8")
    if kind == "nan":
        numbers[place] = np.nan
        return float, numbers, "expected a finite value, got float nan"
    if kind == "null":
        return int, pa.array([None if i == place else i for i in range(length)]), "expected an int, got None"
    if kind == "text":
        data = [b"\xff" if i == place else b"ok" for i in range(length)]
        return str, pa.array(data).view(pa.string()), "expected a str, got bytes"
    if kind == "surrogate":
        column = np.array(["ok"] * length, "U2")
        column[place] = "\ud800"
        return str, column, "expected text without lone surrogates"
    if kind == "year":
        moments = np.zeros(length, "M8[s]")
        moments[place] = 2**60
        return datetime, moments, "in the years 1 to 9999"
    if kind == "item":
        lists = [[1, None] if i == place else [1] for i in range(length)]
        return list[int], pa.array(lists), "expected an int, got None"
    values = ["ok"] * length
    values[place] = 5
    return str, values, "expected a str, got int 5"


@pytest.mark.parametrize("kind", ["nan", "null", "text", "surrogate", "year", "item", "object"])
@pytest.mark.parametrize("place", [0, 1, 255, 256, 257, 1023, 1024, 1299])
def test_a_refused_value_is_told_after_whole_rows(kind, place, backend):
    length = 1300
    type_, column, words = broken(kind, place, length)
    builder = PayloadBuilder({"n": int, "v": type_}, nan="error", backend=backend)
    columns = {"n": range(length), "v": column}
    with pytest.raises(PayloadError, match=words) as caught:
        builder.build_columns(columns)
    assert caught.value.row == place
    stream = builder.stream_columns(columns, chunk_bytes=300, lines=True)
    chunks = []
    with pytest.raises(PayloadError, match=words) as caught:
        chunks.extend(iter(stream.__next__, None))
    assert caught.value.row == place
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    assert [json.loads(line)["n"] for line in b"".join(chunks).splitlines()] == list(range(place))
    assert list(stream) == []


# --------------------------------------------------------------------------------------------- memory layouts


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", ["plain", "strided", "reversed", "misaligned"])
def test_every_layout_of_numbers_text_and_times(order, layout, backend):
    values = {
        "i": (int, np.array([-(2**40), 0, 7, 2**62], f"{order}i8")),
        "u": (int, np.array([2**64 - 1, 0, 7, 9], f"{order}u8")),
        "h": (float, np.array([0.1, -0.0, 65504, 6e-8], f"{order}f2")),
        "f": (float, np.array([0.1, -0.0, 1e-45, 3e38], f"{order}f4")),
        "d": (float, np.array([0.1, -0.0, 5e-324, 1e22], f"{order}f8")),
        "w": (float, np.array([2**53 + 1, 0, -1, 5], f"{order}i8")),
        "t": (str, np.array(["", "aé", "\U0001f600\n", "x"], f"{order}U3")),
        "m": (datetime, np.array([-1, 0, 10**15, 1], f"{order}M8[us]")),
        "r": (Field(float, precision=1), np.array([0.25, 0.35, -1e300, 2.0], f"{order}f8")),
        "s": (Field(int, as_string=True), np.array([1, -2, 3, 4], f"{order}i2")),
    }
    columns = {}
    for name, (_, column) in values.items():
        if layout == "strided":
            column = np.repeat(column, 3)[::3]
        elif layout == "reversed":
            column = column[::-1].copy()[::-1]
        elif layout == "misaligned":
            record = np.zeros(4, [("pad", "u1"), ("v", column.dtype)])
            record["v"] = column
            column = record["v"]
        columns[name] = column
    builder = PayloadBuilder({name: type_ for name, (type_, _) in values.items()}, backend=backend)
    rows = list(zip(*[list(column) for column in columns.values()], strict=True))
    assert builder.build_columns(columns) == builder.build(rows)


def test_members_that_are_left_out(backend):
    absent = {
        "a": Field(int | None, omit_null=True),
        "b": Field(float, omit_null=True),
        "c": Field(constant=1),
    }
    schema = {**absent, "o": {"x": Field(str | None, omit_null=True), "y": Field(int | None, omit_null=True)}}
    columns = {
        "a": pa.array([1, None, None]),
        "b": np.array([np.nan, 0.5, np.inf]),
        "o": {"x": pa.array(["p", None, None]), "y": [None, 3, None]},
    }
    builder = PayloadBuilder(schema, backend=backend)
    expected = b'[{"a":1,"c":1,"o":{"x":"p"}},{"b":0.5,"c":1,"o":{"y":3}},{"c":1,"o":{}}]'
    assert builder.build_columns(columns) == expected
    del schema["c"]
    rest = PayloadBuilder({"a": schema["a"], "b": schema["b"]}, backend=backend)
    assert rest.build_columns(columns) == b'[{"a":1},{"b":0.5},{}]'


def test_text_longer_than_every_piece(backend):
    texts = ['é"\n' * 5000, "\x01" * 70_000, "", "日本" * 3000]
    for type_ in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        column = pa.array(texts, pa.string()).cast(type_)
        data = PayloadBuilder({"v": str}, backend=backend).build_columns({"v": column})
        assert json.loads(data) == [{"v": text} for text in texts]
    columns = {"v": np.array(texts), "w": texts}
    data = PayloadBuilder({"v": str, "w": str}, backend=backend).build_columns(columns)
    assert json.loads(data) == [{"v": text, "w": text} for text in texts]


def test_dictionaries_of_every_size(backend):
    words = [f"w{i}é" for i in range(70_000)]
    codes = np.random.default_rng(3).integers(0, len(words), 500).astype("i4")
    builder = PayloadBuilder({"v": str | None}, backend=backend)
    for count in (1, 300, len(words)):
        column = pa.DictionaryArray.from_arrays(pa.array(codes % count), pa.array([None, *words[1:count]]))
        expected = [{"v": words[code] if code else None} for code in (codes % count).tolist()]
        assert json.loads(builder.build_columns({"v": column})) == expected
    moments = pa.array([0, None, 10**15], pa.timestamp("us", "+05:30"))
    column = pa.DictionaryArray.from_arrays(pa.array([2, 0, 1, None, 2]), moments)
    data = PayloadBuilder({"v": datetime | None}, backend=backend).build_columns({"v": column})
    values = [json.loads(line)["v"] for line in data[1:-1].replace(b"},{", b"}\n{").splitlines()]
    assert values == ["2001-09-09T07:16:40+05:30", "1970-01-01T05:30:00+05:30", None, None, values[0]]


# ---------------------------------------------------------------------------------------- memory that changes


def test_numbers_that_change_during_the_build(backend):
    column = np.arange(20_000)
    stop = threading.Event()

    def disturb():
        while not stop.is_set():
            column[:] = np.roll(column, 7)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(5):
            data = PayloadBuilder({"v": int}, backend=backend).build_columns({"v": column})
            assert len(json.loads(data)) == 20_000
    finally:
        stop.set()
        thread.join()


def test_a_list_that_a_value_empties(backend):
    """Zones are code of the user, which may change the column that is being written."""
    column = [datetime(2026, 1, 2)] * 3000

    class Emptying(tzinfo):
        def utcoffset(self, moment):
            column.clear()
            return timedelta(hours=1)

    column[100] = datetime(2026, 1, 2, tzinfo=Emptying())
    builder = PayloadBuilder({"v": datetime, "n": int}, backend=backend)
    with pytest.raises(PayloadError, match="expected a column of 3000 values, got fewer"):
        builder.build_columns({"v": column, "n": range(3000)})


def test_offsets_that_lie_outside_of_the_text(backend):
    """Nothing is read there: an error is all right, and so is a row that changed before it was read."""
    offsets = np.array([0, 2, 4, 6, 8], "i4")
    column = pa.StringArray.from_buffers(4, pa.py_buffer(offsets), pa.py_buffer(b"aabbccdd"))
    stream = PayloadBuilder({"v": str}, backend=backend).stream_columns(
        {"v": column}, chunk_bytes=1, lines=True
    )
    assert next(stream) == b'{"v":"aa"}\n'
    offsets[2] = 2**31 - 1
    offsets[3] = -(2**31)
    try:
        rest = b"".join(stream)
    except ValueError:
        return
    assert [json.loads(line)["v"] for line in rest.splitlines()] == ["bb", "cc", "dd"]


def test_the_clock_is_read_for_each_row(backend):
    schema = {"n": int, "i": Field(int, now=True, unit="microseconds"), "f": Field(float, now=True)}
    schema["d"] = Field(datetime, now=True)
    before = time.time()
    data = PayloadBuilder(schema, backend=backend).build_columns([range(5000)], lines=True)
    after = time.time()
    rows = [json.loads(line) for line in data.splitlines()]
    for row in rows:
        assert before <= row["f"] <= after
        assert int(before * 1e6) - 1 <= row["i"] <= after * 1e6
        assert datetime.fromtimestamp(int(before), UTC) <= datetime.fromisoformat(row["d"])
    assert [row["i"] for row in rows] == sorted(row["i"] for row in rows)
    assert len({row["i"] for row in rows}) > 1
