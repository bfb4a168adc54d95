"""What a row may be, how it is read, and what happens when rows or their iterator misbehave."""

import json
import sqlite3
from collections import ChainMap, UserDict, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import NamedTuple, NotRequired, TypedDict

import pytest

from fastcore import Field, PayloadBuilder, PayloadError

SCHEMA = {"id": int, "name": str}
BYTES = b'[{"id":1,"name":"a"},{"id":2,"name":"b"}]'


class Pair(NamedTuple):
    id: int
    name: str


@dataclass
class Plain:
    id: int
    name: str


@dataclass(slots=True, frozen=True)
class Slotted:
    id: int
    name: str


class Property:
    def __init__(self, id, name):
        self.id = id
        self._name = name

    @property
    def name(self):
        return self._name


class Record:
    """As asyncpg's: values by key or position, neither a Mapping nor a Sequence."""

    def __init__(self, **members):
        self._members = members

    def keys(self):
        return self._members.keys()

    def __len__(self):
        return len(self._members)

    def __iter__(self):
        return iter(self._members.values())

    def __getitem__(self, key):
        return list(self._members.values())[key] if isinstance(key, int) else self._members[key]


ROW_KINDS = [
    lambda i, n: (i, n),
    lambda i, n: [i, n],
    Pair,
    lambda i, n: deque([i, n]),
    lambda i, n: {"name": n, "id": i},
    lambda i, n: {"name": n, "id": i, "more": object()},
    lambda i, n: defaultdict(list, id=i, name=n),
    lambda i, n: MappingProxyType({"id": i, "name": n}),
    lambda i, n: UserDict(id=i, name=n),
    lambda i, n: ChainMap({"id": i}, {"name": n}),
    Plain,
    Slotted,
    Property,
    lambda i, n: SimpleNamespace(id=i, name=n),
    lambda i, n: Record(id=i, name=n),
    lambda i, n: Record(name=n, id=i),
    lambda i, n: Record(a=i, b=n),
]


@pytest.mark.parametrize("make", ROW_KINDS)
@pytest.mark.parametrize("container", [list, tuple, iter, lambda rows: (row for row in rows), deque])
def test_every_kind_of_row(make, container, backend):
    rows = container([make(1, "a"), make(2, "b")])
    assert PayloadBuilder(SCHEMA, backend=backend).build(rows) == BYTES


@pytest.mark.parametrize("make", ROW_KINDS)
def test_every_kind_of_nested_object(make, backend):
    builder = PayloadBuilder({"k": int, "o": SCHEMA, "l": list[Plain]}, backend=backend)
    data = builder.build([(0, make(1, "a"), [make(2, "b"), Plain(3, "c")])])
    assert data == b'[{"k":0,"o":{"id":1,"name":"a"},"l":[{"id":2,"name":"b"},{"id":3,"name":"c"}]}]'


def test_database_rows(backend):
    with sqlite3.connect(":memory:") as connection:
        by_position = connection.execute("select 1 as x, 'a' as y union select 2, 'b'").fetchall()
        connection.row_factory = sqlite3.Row
        by_name = connection.execute("select 'a' as name, 1 as id union all select 'b', 2").fetchall()
        other_names = connection.execute("select 1 as x, 'a' as y union select 2, 'b'")
        builder = PayloadBuilder(SCHEMA, backend=backend)
        assert builder.build(by_position) == BYTES
        assert builder.build(by_name) == BYTES
        assert builder.build(other_names) == BYTES
    connection.close()


def test_no_rows(backend):
    builder = PayloadBuilder(SCHEMA, backend=backend)
    for rows in ((), [], iter(())):
        assert builder.build(rows) == b"[]"
        assert builder.build(rows, lines=True) == b""
        assert list(builder.stream(rows)) == [b"[]"]
        assert list(builder.stream(rows, lines=True)) == []


def test_lines(backend):
    builder = PayloadBuilder(SCHEMA, backend=backend)
    assert builder.build([(1, "a"), (2, "\n")], lines=True) == b'{"id":1,"name":"a"}\n{"id":2,"name":"\\n"}\n'


def test_flat_rows_fill_nested_objects(backend):
    schema = {"id": int, "loc": {"lat": float, "lon": float, "at": {"x": int}}, "note": str | None}
    builder = PayloadBuilder(schema, backend=backend)
    expected = b'[{"id":1,"loc":{"lat":0.5,"lon":1.5,"at":{"x":2}},"note":null}]'
    assert builder.build([(1, 0.5, 1.5, 2, None)]) == expected
    assert builder.build([[1, 0.5, 1.5, 2, None]]) == expected
    assert builder.build([(1, (0.5, 1.5, (2,)), None)]) == expected
    assert builder.build([{"id": 1, "loc": [0.5, 1.5, {"x": 2}], "note": None}]) == expected
    for row, path in [((1, 0.5, None, 2, None), "loc.lon"), ((1, 0.5, 1.5, "x", None), "loc.at.x")]:
        with pytest.raises(PayloadError) as caught:
            builder.build([(1, 0.5, 1.5, 2, None), row])
        assert (caught.value.row, caught.value.field) == (1, path)
    # the first row decides for the whole build
    with pytest.raises(PayloadError, match="row 1: expected a tuple or list of 5 values, got 3 values"):
        builder.build([(1, 0.5, 1.5, 2, None), (1, (0.5, 1.5, (2,)), None)])


@dataclass
class Inner:
    a: int
    b: int


def test_an_optional_object_has_a_value_of_its_own(backend):
    builder = PayloadBuilder({"o": Inner | None}, backend=backend)
    assert (
        builder.build([(None,), ((1, 2),), ({"a": 3, "b": 4},)])
        == b'[{"o":null},{"o":{"a":1,"b":2}},{"o":{"a":3,"b":4}}]'
    )


def test_an_ambiguous_length_means_one_value_per_field(backend):
    builder = PayloadBuilder({"a": {"x": int}, "b": int}, backend=backend)
    assert builder.build([((1,), 2)]) == b'[{"a":{"x":1},"b":2}]'


@pytest.mark.parametrize("row", [(1,), (1, "a", 2), [], Pair(1, "a")[:1]])
def test_wrong_lengths(row, backend):
    with pytest.raises(PayloadError, match=r"row 1: expected a tuple or list of 2 values, got \d values?"):
        PayloadBuilder(SCHEMA, backend=backend).build([(1, "a"), row])


@pytest.mark.parametrize("row", [None, 1, 1.5, True, "ab", b"ab", {1, 2}, frozenset(), int, bytearray(2)])
def test_what_is_no_row(row, backend):
    builder = PayloadBuilder(SCHEMA, backend=backend)
    with pytest.raises(PayloadError, match="row 0: expected a row"):
        builder.build([row])
    for first in ((1, "a"), {"id": 1, "name": "a"}, Plain(1, "a")):
        with pytest.raises(PayloadError, match="row 1"):
            builder.build([first, row])


def test_kinds_of_rows_do_not_mix(backend):
    builder = PayloadBuilder(SCHEMA, backend=backend)
    kinds = {
        "tuple or list": (1, "a"),
        "mapping": {"id": 1, "name": "a"},
        "object with attributes": Plain(1, "a"),
    }
    for expected, first in kinds.items():
        for name, second in kinds.items():
            if name != expected:
                with pytest.raises(PayloadError, match=f"row 1: expected an? {expected}"):
                    builder.build([first, second])


@pytest.mark.parametrize("rows", [None, 5, "ab", b"ab", {"id": 1}, bytearray(b"x"), object()])
def test_what_are_no_rows(rows, backend):
    builder = PayloadBuilder(SCHEMA, backend=backend)
    for call in (builder.build, builder.stream, builder.page):
        if isinstance(rows, bytes) and call == builder.page:
            continue
        with pytest.raises(PayloadError, match="expected an iterable of rows"):
            call(rows)


def test_missing_values(backend):
    builder = PayloadBuilder({"id": int, "tag": Field(str, default="none"), "n": int | None}, backend=backend)
    assert builder.build([{"id": 1, "n": None}]) == b'[{"id":1,"tag":"none","n":null}]'
    assert builder.build([SimpleNamespace(id=1, n=2)]) == b'[{"id":1,"tag":"none","n":2}]'
    for row in ({"id": 1}, SimpleNamespace(id=1), MappingProxyType({"id": 1})):
        with pytest.raises(
            PayloadError, match="row 0, field 'n': expected an int or None, got nothing: it is missing"
        ):
            builder.build([row])


def test_defaults_are_not_made_by_the_mapping(backend):
    row = defaultdict(int, id=1)
    with pytest.raises(PayloadError, match="missing"):
        PayloadBuilder({"id": int, "n": int}, backend=backend).build([row])
    assert row == {"id": 1}


def test_extra_keys(backend):
    builder = PayloadBuilder(SCHEMA, extra="error", backend=backend)
    assert builder.build([{"id": 1, "name": "a"}, Record(id=2, name="b")]) == BYTES
    assert builder.build([(1, "a"), (2, "b")]) == BYTES
    for row in ({"id": 1, "name": "a", "x": 2}, Record(id=1, name="a", x=2), UserDict(id=1, name="a", x=2)):
        with pytest.raises(
            PayloadError, match="row 0: expected no key beyond the schema's, got the key str 'x'"
        ):
            builder.build([row])
    nested = PayloadBuilder({"o": SCHEMA, "d": Field(int, default=1)}, extra="error", backend=backend)
    assert nested.build([{"o": {"id": 1, "name": "a"}}]) == b'[{"o":{"id":1,"name":"a"},"d":1}]'
    with pytest.raises(PayloadError, match="row 0, field 'o': expected no key"):
        nested.build([{"o": {"id": 1, "name": "a", 5: 2}}])


class Partial(TypedDict):
    id: int
    note: NotRequired[str | None]
    tags: NotRequired[list[int]]


def test_keys_that_are_not_required_are_left_out(backend):
    builder = PayloadBuilder(Partial, backend=backend)
    rows = [{"id": 1}, {"id": 2, "note": None}, {"id": 3, "tags": [1]}]
    assert builder.build(rows) == b'[{"id":1},{"id":2,"note":null},{"id":3,"tags":[1]}]'
    with pytest.raises(PayloadError, match="field 'tags': expected a list, got None"):
        builder.build([{"id": 1, "tags": None}])


@pytest.mark.parametrize("names", ["abc", "Abc", "aBc", "abC", "ABc", "aBC", "AbC", "ABC"])
def test_omitted_members_keep_the_commas_right(names, backend):
    """Capital letters are fields that may be left out."""
    schema = {name: Field(int | None, omit_null=name.isupper()) for name in names}
    builder = PayloadBuilder(schema, backend=backend)
    for bits in range(8):
        values = tuple(index if bits >> index & 1 else None for index in range(3))
        members = [
            f'"{name}":{"null" if value is None else value}'
            for name, value in zip(names, values, strict=True)
            if value is not None or not name.isupper()
        ]
        assert builder.build([values]).decode() == f"[{{{','.join(members)}}}]"


def test_omission_counts_what_is_written(backend):
    schema = {"a": Field(float, omit_null=True), "o": {"b": Field(float | None, omit_null=True)}}
    assert PayloadBuilder(schema, backend=backend).build([(float("nan"), (None,))]) == b'[{"o":{}}]'


def test_names_of_any_kind(backend):
    names = [
        'quote"',
        "back\\slash",
        "{brace}",
        "%s",
        "new\nline",
        "ünï",
        "class",
        "__private",
        "1",
        "",
        "a.b",
        "ﬁ",
    ]
    builder = PayloadBuilder(dict.fromkeys(names, int), backend=backend)
    row = {name: index for index, name in enumerate(names)}
    for rows in ([row], [tuple(row.values())], [SimpleNamespace(**row)]):
        assert json.loads(builder.build(rows)) == [row]
    rename = PayloadBuilder({"v": Field(int, name="{'\"}\\")}, backend=backend)
    assert json.loads(rename.build([(1,)])) == [{"{'\"}\\": 1}]


def test_no_fields_and_many(backend):
    assert PayloadBuilder({}, backend=backend).build([(), ()]) == b"[{},{}]"
    assert PayloadBuilder({}, backend=backend).build([{}, {"x": 1}]) == b"[{},{}]"
    many = PayloadBuilder({f"f{index}": int for index in range(1500)}, backend=backend)
    assert many.build([tuple(range(1500))]).count(b":") == 1500


def test_an_iterator_that_raises(backend):
    class OddError(Exception):
        pass

    def rows(good):
        for index in range(good):
            yield index, "x"
        raise OddError

    builder = PayloadBuilder(SCHEMA, backend=backend)
    for good in (0, 1, 5):
        with pytest.raises(OddError):
            builder.build(rows(good))
    chunks = []
    with pytest.raises(OddError):
        chunks.extend(builder.stream(rows(5), lines=True))
    assert b"".join(chunks).count(b"\n") == 5


def test_a_row_that_raises(backend):
    class Row:
        id = 1

        @property
        def name(self):
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        PayloadBuilder(SCHEMA, backend=backend).build([Plain(1, "a"), Row()])

    class Broken(Mapping):
        def __getitem__(self, key):
            raise OSError("inside")

        def __iter__(self):
            return iter(("id", "name"))

        def __len__(self):
            return 2

    with pytest.raises(OSError, match="inside"):
        PayloadBuilder(SCHEMA, backend=backend).build([Broken()])


def test_a_row_object_used_again_and_again(backend):
    def rows(row):
        for row["id"], row["name"] in [(1, "a"), (2, "b")]:
            yield row

    assert PayloadBuilder(SCHEMA, backend=backend).build(rows({})) == BYTES

    def lists():
        row = [0, ""]
        for row[0], row[1] in [(1, "a"), (2, "b")]:
            yield row

    assert PayloadBuilder(SCHEMA, backend=backend).build(lists()) == BYTES


def test_rows_that_change_while_they_are_read(backend):
    rows = []

    class Growing:
        def __init__(self, id):
            self.id = id

        @property
        def name(self):
            if self.id < 3:
                rows.append(Growing(self.id + 1))
            return "n"

    rows.append(Growing(1))
    data = PayloadBuilder(SCHEMA, backend=backend).build(rows)
    assert data == b'[{"id":1,"name":"n"},{"id":2,"name":"n"},{"id":3,"name":"n"}]'


def test_a_builder_inside_its_own_rows(backend):
    builder = PayloadBuilder(SCHEMA, backend=backend)

    def rows():
        for index in range(2):
            yield index, builder.build([(index, "inner")]).decode()

    assert builder.build(rows()).count(b"inner") == 2


@dataclass
class WithDefaults:
    id: int = 5
    tags: list[int] = field(default_factory=list)


def test_defaults_of_a_dataclass(backend):
    builder = PayloadBuilder(WithDefaults, backend=backend)
    assert builder.build([WithDefaults()]) == b'[{"id":5,"tags":[]}]'
    assert builder.build([{}]) == b'[{"id":5,"tags":[]}]'
