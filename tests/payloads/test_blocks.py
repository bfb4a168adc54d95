"""Rows by the hundred: whether they are written column by column or one by one must not show.

A list of rows is written in blocks, an iterator of the same rows one by one, and columns in blocks again.
"""

import math
import random
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest

from fastcore import Field, PayloadBuilder
from fastcore.errors import PayloadError
from fastcore.kernels import writing

ZONES = (None, UTC, timezone(timedelta(hours=-2)), timezone(timedelta(seconds=77)))
TEXTS = ("", "plain", 'a "quote"', "\\", "é", "配達", "\x7f", "\n\t\x00", "~^`|#$<>", "\u2028", "\U0001f382")
FLOATS = (0.0, -0.0, 1.5, 1e-5, 1e-7, 1e16, 1e22, 0.1 + 0.2, 123456.654321, -99999999.5)
LEAVES = (
    (int, lambda r: r.choice((0, -5, r.randrange(1000), 10 ** r.randrange(30)))),
    (float, lambda r: r.choice((*FLOATS, r.random(), r.randrange(10**7) / 100))),
    (float, lambda r: r.choice((1.25, math.nan, -math.inf, 3))),
    (str, lambda r: r.choice(TEXTS)),
    (str, lambda r: r.choice(("EUR", "", "USD"))),
    (bool, lambda r: r.random() < 0.5),
    (datetime, lambda r: datetime(2026, 1, r.randrange(1, 29), 12, 5, tzinfo=r.choice(ZONES))),
    (date, lambda r: date(2026, 1, r.randrange(1, 29))),
    (UUID, lambda r: UUID(int=r.getrandbits(128))),
    (Decimal, lambda r: Decimal(r.randrange(1000)) / 8),
)
OPTIONS = (
    (Field(float, precision=2), lambda r: r.random()),
    (Field(int, as_string=True), lambda r: r.randrange(100)),
    (Field(str | None, omit_null=True), lambda r: r.choice((None, *TEXTS))),
    (Field(float | None, omit_null=True), lambda r: r.choice((None, math.nan, 2.5))),
    (Field(int | None), lambda r: r.choice((None, 7))),
)


def some_type(source, depth=0):
    """A type and what makes a value of it."""
    chance = source.random()
    if depth == 3 or chance < 0.6:
        kind, make = source.choice(LEAVES if depth else LEAVES + OPTIONS)
        if not isinstance(kind, Field) and source.random() < 0.4:
            return kind | None, lambda r: None if r.random() < 0.3 else make(r)
        return kind, make
    if chance < 0.8:
        kind, make = some_type(source, depth + 1)
        size = source.choice((None, 0, 2))
        return list[kind], lambda r: [make(r) for _ in range(r.randrange(4) if size is None else size)]
    made = {f"m{index}": some_type(source, depth + 1) for index in range(source.randrange(1, 4))}
    shape = source.choice((tuple, dict, SimpleNamespace, None))

    def value(r):
        values = {name: make(r) for name, (_, make) in made.items()}
        return shaped(values, shape or r.choice((tuple, dict)))

    return {name: kind for name, (kind, _) in made.items()}, value


def shaped(values, shape):
    if shape is dict:
        return values
    return shape(**values) if shape is SimpleNamespace else shape(values.values())


def outcome(build, *arguments, **options):
    try:
        return build(*arguments, **options)
    except PayloadError as error:
        return error.row, error.field, error.expected, error.got


@pytest.mark.parametrize("seed", range(30))
def test_a_list_of_rows_is_written_as_their_iterator(backend, seed):
    source = random.Random(seed)
    made = {f"{source.choice('aé')}{index}": some_type(source) for index in range(source.randrange(1, 6))}
    schema = {name: kind for name, (kind, _) in made.items()}
    if source.random() < 0.3:
        schema["constant"] = Field(constant={"x": "é"})
    shape = source.choice((tuple, list, dict, SimpleNamespace))
    rows = [
        shaped({name: make(source) for name, (_, make) in made.items()}, shape)
        for _ in range(source.choice((3, 60, 300)))
    ]
    builder = PayloadBuilder(schema, nan=source.choice(("null", "null", "error")), backend=backend)
    for lines in (False, True):
        expected = outcome(builder.build, iter(rows), lines=lines)
        assert outcome(builder.build, rows, lines=lines) == expected
        assert outcome(builder.build, tuple(rows), lines=lines) == expected
    if shape is tuple and len(rows) > 9:
        columns = [list(column) for column in zip(*rows, strict=True)]
        assert outcome(builder.build_columns, columns) == outcome(builder.build, iter(rows))


@pytest.mark.parametrize(
    ("field", "value", "got"),
    [
        ("id", True, "bool True"),
        ("name", "\ud800", r"str '\ud800'"),
        ("tags", ["a", 1], "int 1"),
        ("place", (1.0,), "tuple (1.0,)"),
    ],
)
@pytest.mark.parametrize("at", [5, 300, 511])
def test_an_error_in_a_block_names_its_row(backend, field, value, got, at):
    schema = {"id": int, "name": str, "tags": list[str], "place": {"lat": float, "lon": float}}
    rows = [{"id": 1, "name": "n", "tags": ["a"], "place": (1.0, 2.0)} for _ in range(600)]
    rows[at][field] = value
    rows[at + 3]["id"] = None
    with pytest.raises(PayloadError) as raised:
        PayloadBuilder(schema, backend=backend).build(rows)
    assert raised.value.row == at
    assert raised.value.field.startswith(field)
    assert raised.value.got.endswith(got)


def test_a_list_that_grows_while_it_is_read(backend):
    rows = []

    class Growing:
        def __init__(self, id):
            self.id = id

        @property
        def name(self):
            if self.id == 200:
                rows.extend(Growing(id) for id in range(201, 401))
            return "n"

    rows += [Growing(id) for id in range(1, 201)]
    data = PayloadBuilder({"id": int, "name": str}, backend=backend).build(rows, lines=True)
    assert data.splitlines()[-1] == b'{"id":400,"name":"n"}'
    assert data.count(b"\n") == 400


def test_rows_without_values(backend):
    builder = PayloadBuilder({"kind": Field(constant="é")}, backend=backend)
    assert builder.build([()] * 99) == "[{}]".format(",".join(['{"kind":"é"}'] * 99)).encode()
    clocks = PayloadBuilder({"at": Field(float, now=True)}, backend=backend)
    assert clocks.build([()] * 99).count(b'{"at":1') == 99


def test_ordinary_rows_are_not_written_one_by_one(monkeypatch):
    item = {"sku": str, "count": int}
    schema = {
        "id": int,
        "amount": float | None,
        "note": str | None,
        "at": datetime,
        "place": {"lat": float, "lon": float},
        "tags": list[str],
        "lines": list[item],
        "left": Field(str | None, omit_null=True),
    }
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    row = (7, 1.5, None, noon, (52.5, 13.4), ["a", "é"], [("s", 1), ("t", 2)], None)
    counts = []
    write_rows = writing.RowWriter.write_rows

    def counted(self, progress, result, rows):
        write_rows(self, progress, result, rows)
        counts.append(progress.count)

    monkeypatch.setattr(writing.RowWriter, "write_rows", counted)
    PayloadBuilder(schema, backend="python").build([row] * 1000)
    assert counts == [1]
