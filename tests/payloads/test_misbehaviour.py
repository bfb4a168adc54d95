"""Rows that change while they are written, or use the builder that writes them; errors from anywhere."""

import gc
import sys
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace

import pytest

from fastcore import Field, PayloadBuilder, PayloadError, Raw

SCHEMA = {"id": int, "name": str}


class Whole(int):
    """An int that is not exactly one, so that Python code looks at it; some of it may be run then."""

    def __new__(cls, value, hook=None):
        self = super().__new__(cls, value)
        self.hook = hook
        return self


class Zone(tzinfo):
    """A time zone that runs some code when it is asked for its offset."""

    def __init__(self, hook):
        self.hook = hook

    def utcoffset(self, moment):
        self.hook()
        return timedelta(hours=1)


def moment(hook):
    return datetime(2026, 1, 1, tzinfo=Zone(hook))


MOMENT = '"2026-01-01T00:00:00+01:00"'


def cleared(container):
    """Empties it, and lets its former items go and others take their place in memory."""
    container.clear()
    gc.collect()
    return [object() for _ in range(100)]


def test_rows_that_lose_their_values_while_they_are_written(backend):
    builder = PayloadBuilder({"at": datetime, "text": str, "n": int}, backend=backend)
    expected = f'[{{"at":{MOMENT},"text":"{"x" * 50}","n":{10**15}}}]'.encode()
    for _ in range(3):  # each collects all garbage of the run
        row = []
        row += [moment(lambda row=row: cleared(row)), "".join(["x"] * 50), int("1" + "0" * 15)]
        assert builder.build([row]) == expected
        named = {}
        named |= {"at": moment(lambda row=named: cleared(row)), "text": "".join(["x"] * 50), "n": 10**15}
        assert builder.build([named]) == expected


def test_a_list_of_rows_that_is_emptied(backend):
    rows = []
    rows += [(moment(lambda: cleared(rows)), "".join(["a"] * 40)), (None, None)]
    builder = PayloadBuilder({"at": datetime, "text": str}, backend=backend)
    assert builder.build(rows) == f'[{{"at":{MOMENT},"text":"{"a" * 40}"}}]'.encode()


def test_a_nested_list_that_changes(backend):
    builder = PayloadBuilder({"l": list[datetime]}, backend=backend)
    inner = []
    inner += [moment(lambda: cleared(inner)), moment(lambda: None)]
    assert builder.build([(inner,)]) == f'[{{"l":[{MOMENT}]}}]'.encode()
    growing = []
    growing.append(moment(lambda: len(growing) < 5 and growing.append(growing[0])))
    assert builder.build([(growing,)]).count(b"2026") == 5


def test_a_nested_object_that_changes(backend):
    builder = PayloadBuilder({"o": {"at": datetime, "text": str}, "n": int}, backend=backend)
    inner = {}
    inner |= {"at": moment(lambda: cleared(inner)), "text": "".join(["b"] * 40)}
    assert builder.build([(inner, 1)]) == f'[{{"o":{{"at":{MOMENT},"text":"{"b" * 40}"}},"n":1}}]'.encode()


def test_an_object_that_drops_its_values(backend):
    class Row:
        @property
        def name(self):
            del self.id
            return "n"

    row = Row()
    row.id = int("9" * 30)
    assert PayloadBuilder(SCHEMA, backend=backend).build([row]) == b'[{"id":%s,"name":"n"}]' % (b"9" * 30)


def test_keys_that_run_code_when_they_are_compared(backend):
    class Key:
        row = None

        def __hash__(self):
            return hash("name")

        def __eq__(self, other):
            if self.row is not None:
                self.row["id"] = 5
            return False

    key = Key()
    row = {"id": int("9" * 30), key: None, "name": "n"}
    key.row = row
    assert PayloadBuilder(SCHEMA, backend=backend).build([row]) == b'[{"id":%s,"name":"n"}]' % (b"9" * 30)
    assert row["id"] == 5


@pytest.mark.parametrize("way", ["attribute", "zone", "generator"])
def test_a_builder_that_is_used_while_it_writes(way, backend):
    builder = PayloadBuilder({"at": datetime | None, "text": str}, backend=backend)
    inner = []

    def again():
        if len(inner) < 5:
            inner.append(builder.build([(None, "inner" * 1000)] * 10))

    class Row:
        at = None

        @property
        def text(self):
            again()
            return "outer"

    def rows():
        for _ in range(3):
            again()
            yield None, "outer"

    given = {
        "attribute": [Row(), Row()],
        "zone": [(moment(again), "outer")] * 2,
        "generator": rows(),
    }[way]
    data = builder.build(given)
    assert data.count(b'"outer"') == (3 if way == "generator" else 2)
    assert set(inner) == {builder.build([(None, "inner" * 1000)] * 10)}


def test_interruptions_pass(backend):
    builder = PayloadBuilder({"at": datetime, "n": int}, backend=backend)

    def interrupt():
        raise KeyboardInterrupt

    def rows():
        yield moment(lambda: None), 1
        raise KeyboardInterrupt

    for given in (rows, lambda: [(moment(interrupt), 1)]):
        with pytest.raises(KeyboardInterrupt):
            builder.build(given())
        with pytest.raises(KeyboardInterrupt):
            list(builder.stream(given(), chunk_bytes=10))
    with pytest.raises(SystemExit):
        builder.build([(moment(sys.exit), 1)])


def test_the_first_error_of_a_row_wins(backend):
    """Types are checked in order; text that cannot be encoded comes after them."""

    class Row:
        a = "\ud800"

        @property
        def b(self):
            raise OSError("inside")

    builder = PayloadBuilder({"a": str, "b": int, "c": list[str]}, backend=backend)
    with pytest.raises(OSError, match="inside"):
        builder.build([Row()])
    with pytest.raises(PayloadError) as caught:
        builder.build([("a", 1, []), ("\ud800", 1, ["a", 5])])
    assert (caught.value.row, caught.value.field) == (1, "c[1]")
    with pytest.raises(PayloadError) as caught:
        builder.build([("a", 1, []), ("\ud800", 1, ["\udfff"])])
    assert (caught.value.row, caught.value.field) == (1, "a")


def test_a_row_that_fails_is_taken_back_whole(backend):
    builder = PayloadBuilder({"l": list[str], "n": int}, backend=backend)
    rows = [(["x" * 3000] * 5, 1), (["y" * 3000] * 5, None), (["z"], 1)]
    for lines in (False, True):
        chunks = []
        with pytest.raises(PayloadError, match="row 1, field 'n': expected an int, got None"):
            chunks.extend(builder.stream(rows, lines=lines))
        assert chunks == [builder.build(rows[:1], lines=lines)[: None if lines else -1]]


def test_failed_builds_leave_nothing_behind(backend):
    if sys.implementation.name != "cpython":
        pytest.skip("tracemalloc counts CPython's allocations")
    import tracemalloc

    builder = PayloadBuilder({"o": {"a": str, "l": list[int]}, "n": int}, backend=backend)
    rows = [{"o": {"a": "x" * 1000, "l": [1, 2]}, "n": 1}] * 50
    bad = [*rows, {"o": {"a": "x", "l": [1, None]}, "n": 1}]

    def fail():
        with pytest.raises(PayloadError):
            builder.build(bad)
        stream = builder.stream(rows, chunk_bytes=5000)
        next(stream)
        stream.close()

    fail()
    tracemalloc.start()
    try:
        fail()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            fail()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000


def test_values_are_let_go(backend):
    if sys.implementation.name != "cpython":
        pytest.skip("tracemalloc counts CPython's allocations")
    text, number = "".join(["text"] * 9), int("7" * 25)
    counts = sys.getrefcount(text), sys.getrefcount(number)
    builder = PayloadBuilder({"a": str, "b": {"c": int}, "d": list[str]}, backend=backend)
    for row in (
        (text, {"c": number}, [text]),
        [text, (number,), (text,)],
        {"a": text, "b": [number], "d": [text]},
        SimpleNamespace(a=text, b=SimpleNamespace(c=number), d=[text]),
        (text, number, [text]),
        (text, {"c": None}, [text]),
        {"a": text, "b": {}, "d": [text]},
    ):
        for _ in range(10):
            try:
                builder.build([row])
            except PayloadError:
                continue
    del row
    gc.collect()
    assert (sys.getrefcount(text), sys.getrefcount(number)) == counts


@dataclass(slots=True)
class Slotted:
    id: int
    name: str


def test_long_strings(backend):
    builder = PayloadBuilder({"s": str}, backend=backend)
    for piece in ("a", "\n", "ü", "€", "😀", '"\\'):
        for length in (65_535, 65_536, 65_537, 200_001):
            text = piece * length
            escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            assert builder.build([(text,)]) == f'[{{"s":"{escaped}"}}]'.encode()
    with pytest.raises(PayloadError, match="row 0, field 's': expected text without lone surrogates"):
        builder.build([("😀" * 100_000 + "\ud800",)])


def test_wide_and_deep(backend):
    names = [f"f{index}" for index in range(100)]
    builder = PayloadBuilder(dict.fromkeys(names, int), backend=backend)
    row = dict(zip(names, range(100), strict=True))
    backwards = dict(reversed(row.items()))
    data = builder.build([row, backwards, row])
    assert data == builder.build([tuple(range(100))] * 3)
    assert builder.build([SimpleNamespace(**row)] * 3) == data
    deep = int
    value = 5
    for _ in range(60):
        deep, value = {"o": deep}, {"o": value}
    assert (
        PayloadBuilder(deep, backend=backend).build([value]) == b"[" + b'{"o":' * 60 + b"5" + b"}" * 60 + b"]"
    )


def test_every_kind_of_raw(backend):
    builder = PayloadBuilder({"r": Field(Raw | None, omit_null=True), "n": int}, backend=backend)
    rows = [
        (b"[1]", 1),
        ("[2]", 2),
        (Raw("{}"), 3),
        (None, 4),
        (b"null", 5),
        ('"ü"', 6),
        (bytearray(b"7"), 7),
    ]
    assert (
        builder.build(rows).decode()
        == '[{"r":[1],"n":1},{"r":[2],"n":2},{"r":{},"n":3},{"n":4},{"n":5},{"r":"ü","n":6},{"r":7,"n":7}]'
    )


def test_one_builder_in_many_threads(backend):
    """Also while the rows are changed: what was written is then one of the states that a row had."""
    builder = PayloadBuilder({"id": int, "name": str, "l": list[int]}, backend=backend)
    shared = [{"id": index, "name": "n" * 20, "l": [1, 2, 3]} for index in range(300)]
    lists = [[index, "n" * 20, [1, 2, 3]] for index in range(300)]
    over = threading.Event()
    problems = []

    def change():
        step = 0
        while not over.is_set():
            step += 1
            row, values = shared[step % 300], lists[step % 300]
            row["id"], row["name"] = step, "m" * (step % 30)
            values[0], values[1] = step, "m" * (step % 30)
            if step % 7:
                row["l"].append(step)
                values[2].append(step)
            else:
                row["l"].clear()
                values[2].clear()

    def write():
        try:
            for _ in range(10):
                for rows in (shared, lists, iter(shared)):
                    assert builder.build(rows, lines=True).count(b"\n") == 300
        except BaseException as error:
            problems.append(error)

    writers = [threading.Thread(target=write) for _ in range(3)]
    changers = [threading.Thread(target=change) for _ in range(2)]
    for thread in (*writers, *changers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in changers:
        thread.join()
    assert problems == []
