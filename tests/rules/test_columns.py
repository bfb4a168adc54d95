"""Columns against rows: what a ruleset decides for columns is what it decides for dicts of their values."""

import array
import gc
import math
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import EvaluationError
from fastcore.rules import RuleSet
from fastcore.rules.column_table import split_path
from tests.conftest import cython_problem
from tests.rules.test_matching import COUNTRIES, FLAGS, NUMBERS, TEXTS, condition

try:
    import numpy as np
except ImportError:
    np = None  # type: ignore[assignment]
try:
    import pyarrow as pa
except ImportError:
    pa = None
try:
    import polars as pl
except ImportError:
    pl = None  # type: ignore[assignment]

needs_numpy = pytest.mark.skipif(np is None, reason="numpy is not installed")
needs_arrow = pytest.mark.skipif(pa is None or np is None, reason="pyarrow is not installed")
needs_polars = pytest.mark.skipif(pl is None or np is None, reason="polars is not installed")

BACKENDS = [name for name in _backend.NAMES if name == "python" or cython_problem() is None]
FIELDS = [*NUMBERS, *TEXTS, *FLAGS]
WHOLE = [-1, 0, 1, 2, 10, 11, 99, 100, 120, -5]
WIDE = [2**53, 2**53 + 1, 2**53 - 1, -(2**60), -(2**53) - 1, 2**62 + 1, 2**63 - 1, -(2**63)]
REAL = [0.1, 0.5, -0.0, 99.5, 1e308, 5e-324, -1.5, math.nan, math.inf, -math.inf, 7.0, 2.0**53]
WORDS = [*COUNTRIES, "Unknown", "USA", "U", "é", "日本", "\U0001f600"]
ODD = [
    None,
    True,
    False,
    10**400,
    Decimal("0.1"),
    Decimal(2**53),
    b"US",
    [1],
    {},
    {"risk": 1},
    date(2026, 1, 2),
]


def make_ruleset(count, seed, backend, **document):
    source = random.Random(seed)
    rules = []
    for index in range(count):
        rule = {"id": f"r{index}", "when": condition(source), "priority": source.randrange(3)}
        if source.random() < 0.8:
            rule["score"] = source.choice([1, 2, -3, 10])
        if source.random() < 0.3:
            rule["action"] = source.choice(["block", "review"])
        rules.append(rule)
    document.setdefault("decisions", [{"at_least": 20, "action": "look"}, {"at_least": 0, "action": "note"}])
    return RuleSet.from_rules(rules, backend=backend, **document)


RULESETS = {
    (count, backend): make_ruleset(count, count, backend)
    for count in (3, 40, 120, 520)
    for backend in BACKENDS
}
UNUSUAL = [
    make_ruleset(12, 5, backend, missing=missing)
    for missing in ("error", "jsonlogic")
    for backend in BACKENDS
]


def put(event, path, value):
    *outer, last = split_path(path)
    for key in outer:
        event = event.setdefault(key, {})
    event[last] = value


def to_rows(values, length):
    rows = [{} for _ in range(length)]
    for path, column in values.items():
        for row, value in zip(rows, column, strict=True):
            put(row, path, value)
    return rows


def check(rules, got, rows, **options):
    """The decisions for columns are those for rows."""
    expected = rules.evaluate_many(rows, **options)
    assert len(got) == len(rows)
    actions = [None if code < 0 else got.actions[code] for code in got.action.tolist()]
    scores = got.score if isinstance(got.score, list) else got.score.tolist()
    assert [tuple(got.matches(row)) for row in range(len(rows))] == [d.matched for d in expected]
    assert got.matched_count.tolist() == [len(d.matched) for d in expected]
    assert scores == [decision.score for decision in expected]
    assert actions == [decision.action for decision in expected]
    assert got.errors == [(row, error) for row, d in enumerate(expected) for error in d.errors]


# --- columns of every kind ----------------------------------------------------------------------------------


def lists(length):
    anything = st.sampled_from([*WHOLE, *WIDE, *REAL, *WORDS, *ODD])
    return st.lists(anything, min_size=length, max_size=length).flatmap(
        lambda values: st.sampled_from([(values, values), (tuple(values), values)])
    )


def numbers(values, dtype):
    info = np.iinfo(dtype)
    return np.array([value for value in values if info.min <= value <= info.max] or [0], dtype)


def numpy_kinds():
    kinds = [numbers([*WHOLE, *WIDE, 2**64 - 1, 2**63], code) for code in "bBhHiIqQ"]
    with np.errstate(over="ignore"):
        kinds += [np.array([*WHOLE, *REAL], code) for code in "efdg"]
    kinds += [
        np.array(WHOLE, "i4").astype(">i4"),
        np.array([True, False]),
        np.array(WORDS),
        np.array(COUNTRIES),
    ]
    kinds += [np.array(["US", "b"], "S2"), np.array([""]), np.array(WORDS).astype(">U8")]
    kinds += [np.array(["2026-01-02T03:04:05", "NaT"], f"M8[{unit}]") for unit in ("D", "s", "us", "ns")]
    kinds += [np.array([0, 5, "NaT"], "m8[s]")]
    odd = np.empty(len(ODD), object)
    odd[:] = ODD
    return [*kinds, odd, np.array([np.float64(1.5), np.int64(2**60), np.bool_(True), "US", 0.1], object)]


@st.composite
def numpy_columns(draw, length):
    base = draw(st.sampled_from(numpy_kinds()))
    picks = draw(st.lists(st.integers(0, len(base) - 1), min_size=length, max_size=length))
    column = base[np.array(picks, int)]
    shape = draw(st.sampled_from(["plain", "strided", "reversed", "masked"]))
    if shape == "strided":
        column = np.repeat(column, 3)[::3]
    elif shape == "reversed":
        column = column[::-1].copy()[::-1]
    values = column.tolist() if column.dtype.kind in "biufUO" and column.dtype.char != "g" else list(column)
    if shape == "masked":
        hidden = draw(st.lists(st.booleans(), min_size=length, max_size=length))
        mask = draw(st.sampled_from([hidden, np.ma.nomask]))
        column = np.ma.MaskedArray(column, mask)
        values = [None if hide and mask is hidden else v for v, hide in zip(values, hidden, strict=True)]
    return column, values


def arrow_types():
    moments = [datetime(2026, 1, 2, tzinfo=UTC), datetime(1969, 5, 6, 7, 8, 9, 12, tzinfo=UTC)]
    return [
        *((kind, [v for v in [*WHOLE, *WIDE] if low <= v <= high]) for kind, low, high in [
            (pa.int8(), -128, 127),
            (pa.uint8(), 0, 255),
            (pa.int16(), -(2**15), 2**15 - 1),
            (pa.uint16(), 0, 2**16 - 1),
            (pa.int32(), -(2**31), 2**31 - 1),
            (pa.uint32(), 0, 2**32 - 1),
            (pa.int64(), -(2**63), 2**63 - 1),
            (pa.uint64(), 0, 2**64 - 1),
        ]),
        (pa.uint64(), [2**64 - 1, 2**63, 1]),
        (pa.float64(), REAL),
        (pa.float32(), [0.5, 1.5, math.nan, math.inf, 99.5]),
        (pa.bool_(), [True, False]),
        (pa.string(), WORDS),
        (pa.large_string(), WORDS),
        (pa.string_view(), [*WORDS, "longer than twelve bytes", "a text of many bytes: US"]),
        (pa.dictionary(pa.int8(), pa.string()), WORDS),
        (pa.dictionary(pa.uint16(), pa.large_string()), WORDS),
        (pa.dictionary(pa.int32(), pa.int64()), [*WHOLE, *WIDE]),
        (pa.null(), [None]),
        (pa.decimal128(38, 3), [Decimal("0.100"), Decimal("-7.125"), Decimal(2**60)]),
        (pa.date32(), [date(2026, 1, 2), date(1960, 1, 1)]),
        (pa.timestamp("us", "UTC"), moments),
        (pa.timestamp("ms"), [datetime(2026, 1, 2), datetime(1969, 12, 31, 1)]),
        (pa.duration("s"), [timedelta(0), timedelta(days=-3)]),
        (pa.binary(), [b"US", b""]),
        (pa.list_(pa.int64()), [[1, 2], [], [None, 3]]),
        (pa.map_(pa.string(), pa.int64()), [[("risk", 1)], []]),
    ]  # fmt: skip


@st.composite
def arrow_columns(draw, length):
    kind, values = draw(st.sampled_from(arrow_types()))
    picked = draw(
        st.lists(
            st.sampled_from([*values, None] if draw(st.booleans()) else values),
            min_size=length + 9,
            max_size=length + 9,
        )
    )
    start = draw(st.integers(0, 9))
    column = pa.array(picked, kind)[start : start + length]
    if draw(st.booleans()):
        cut = draw(st.integers(0, length))
        column = pa.chunked_array([column[:cut], column[cut:]], kind)
    return column, column.to_pylist()


def columns_of(length):
    kinds = [lists(length)]
    if np is not None:
        kinds.append(numpy_columns(length))
    if pa is not None and np is not None:
        kinds.append(arrow_columns(length))
    return st.dictionaries(st.sampled_from(FIELDS), st.one_of(kinds), min_size=1, max_size=len(FIELDS))


batches = st.integers(0, 12).flatmap(lambda length: st.tuples(st.just(length), columns_of(length)))


@settings(max_examples=25)
@given(batch=batches, threads=st.sampled_from([1, 1, 2]))
def test_columns_agree_with_rows(batch, threads):
    length, columns = batch
    rows = to_rows({path: values for path, (_, values) in columns.items()}, length)
    for rules in RULESETS.values():
        given = {path: column for path, (column, _) in columns.items()}
        check(rules, rules.evaluate_columns(given, matched=True, threads=threads), rows)


@settings(max_examples=15)
@given(batch=batches)
def test_every_policy_agrees_with_rows(batch):
    length, columns = batch
    rows = to_rows({path: values for path, (_, values) in columns.items()}, length)
    for rules in UNUSUAL:
        given = {path: column for path, (column, _) in columns.items()}
        check(rules, rules.evaluate_columns(given, matched=True), rows)


@needs_arrow
@settings(max_examples=15)
@given(data=st.data(), length=st.integers(0, 12))
def test_tables_agree_with_rows(data, length):
    names = data.draw(st.lists(st.sampled_from(FIELDS), unique=True, min_size=1))
    flat = {name: data.draw(arrow_columns(length))[0] for name in names}
    table = pa.table(flat)
    rows = to_rows({name: table[name].to_pylist() for name in names}, length)
    for (count, _), rules in RULESETS.items():
        if count <= 40:
            check(rules, rules.evaluate_arrow(table, matched=True), rows)


@needs_arrow
@settings(max_examples=15)
@given(data=st.data(), length=st.integers(0, 9))
def test_members_of_structs_are_fields(data, length):
    values = st.lists(
        st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {"risk": st.sampled_from([None, *REAL]), "browser": st.sampled_from([None, *WORDS])}
            ),
        ),
        min_size=length + 4,
        max_size=length + 4,
    )
    inner = pa.struct([("risk", pa.float64()), ("browser", pa.dictionary(pa.int8(), pa.string()))])
    start = data.draw(st.integers(0, 4))
    device = pa.array(data.draw(values), inner)[start : start + length]
    whole = pa.table({"id": pa.array(range(length + 2), pa.int64())})[2:].append_column("device", device)
    shifted = (
        pa.StructArray.from_arrays(whole.combine_chunks().to_batches()[0].columns, ["id", "device"])
        if length
        else whole
    )
    rows = device.to_pylist()
    for (count, _), rules in RULESETS.items():
        if count <= 40:
            expected = [{"device": value} for value in rows]
            check(rules, rules.evaluate_arrow(whole, matched=True), expected)
            check(rules, rules.evaluate_arrow(shifted, matched=True), expected)
            check(rules, rules.evaluate_columns({"device": device}, matched=True), expected)


@needs_polars
def test_frames_of_polars(backend):
    rules = RULESETS[40, backend]
    frame = pl.DataFrame(
        {
            "amount": [1.0, 0.5, None, 99.5] * 10,
            "velocity": pl.Series([1, None, 2**53 + 1, 11] * 10, dtype=pl.Int64),
            "country": pl.Series(["US", "DE", None, "FR"] * 10, dtype=pl.Categorical),
            "device": [
                {"browser": "US"},
                {"browser": None},
                None,
                {"browser": "a longer text than a view holds"},
            ]
            * 10,
            "card.country": pl.Series(["US", "IL", "", None] * 10, dtype=pl.Enum(["IL", "US", ""])),
            "proxy": [True, None, False, True] * 10,
        }
    )
    rows = [{} for _ in range(len(frame))]
    for name in frame.columns:
        for row, value in zip(rows, frame[name].to_list(), strict=True):
            put(row, name, value)
    check(rules, rules.evaluate_arrow(frame, matched=True), rows)
    check(
        rules,
        rules.evaluate_arrow(pl.concat([frame, frame[5:9]], rechunk=False), matched=True),
        [*rows, *rows[5:9]],
    )
    check(rules, rules.evaluate_columns({"velocity": frame["velocity"]}, matched=True), [
        {"velocity": value} for value in frame["velocity"].to_list()
    ])  # fmt: skip


@needs_numpy
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_many_rows(backend, threads):
    source = np.random.default_rng(7)
    size = 150_001
    columns = {
        "amount": source.lognormal(3, 2, size),
        "velocity": source.integers(-5, 120, size, dtype="i2"),
        "device.risk": source.random(size).astype("f4"),
        "country": np.array(COUNTRIES)[source.integers(0, len(COUNTRIES), size)],
        "proxy": source.random(size) < 0.5,
    }
    rules = RuleSet.from_rules(
        [
            {"id": "a", "when": {">": [{"var": "amount"}, 20]}, "score": 3},
            {"id": "b", "when": {"in": [{"var": "country"}, ["US", "DE"]]}, "score": 5, "action": "b"},
            {"id": "c", "when": {"<": [{"*": [{"var": "velocity"}, {"var": "device.risk"}]}, 7]}},
            {"id": "d", "when": {"or": [{"var": "proxy"}, {"==": [{"var": "velocity"}, 9]}]}, "action": "d"},
        ],
        backend=backend,
    )
    got = rules.evaluate_columns(columns, matched=True, threads=threads)
    picked = [0, 1, 1023, 1024, 65_535, 65_536, 131_072, size - 1]
    for row in picked:
        event = {}
        for path, column in columns.items():
            put(event, path, column[row].item())
        assert tuple(got.matches(row)) == rules.evaluate(event).matched
    one = rules.evaluate_columns(columns)
    assert (one.matched_count == got.matched_count).all()
    assert (one.score == got.score).all()
    assert (one.action == got.action).all()
    assert int(got.offsets[-1]) == len(got.indices) == int(got.matched_count.sum())


# --- paths --------------------------------------------------------------------------------------------------


def simple(when, backend, **document):
    return RuleSet.from_rules([{"id": "r", "when": when}], backend=backend, **document)


def counts(rules, columns, **options):
    return rules.evaluate_columns(columns, **options).matched_count.tolist()


def test_fields_within_values_and_above_columns(backend):
    rules = simple({">": [{"var": "device.risk"}, 1]}, backend)
    assert counts(rules, {"device": [{"risk": 2}, {"risk": 1}, None, 5]}) == [1, 0, 0, 0]
    assert counts(rules, {"device.risk": [2, 1], "unknown": [1, 2, 3]}) == [1, 0]
    rules = simple({"==": [{"var": "items.1.price"}, 5]}, backend)
    assert counts(rules, {"items": [[{"price": 1}, {"price": 5}], []]}) == [1, 0]
    rules = simple({"!!": [{"var": "device"}]}, backend)
    assert counts(rules, {"device.risk": [2, None]}) == [1, 1]
    rules = simple({"==": [{"val": ["a.b", "c"]}, 1]}, backend)
    assert counts(rules, {path: [1, 2] for path in rules.fields}) == [1, 0]
    with pytest.raises(ValueError, match=r"'device' and 'device\.risk' exclude one another"):
        counts(simple({"var": "device.risk"}, backend), {"device.risk": [2], "device": [1]})


def test_the_whole_event_has_every_column(backend):
    rules = simple({"==": [{"missing": ["a", "b"]}, ["b"]]}, backend)
    assert counts(rules, {"a": [1, None]}) == [1, 0]
    rules = simple({"==": [{"var": ""}, {"cat": "x"}]}, backend)
    assert counts(rules, {"x": [1]}) == [0]


def test_columns_have_one_length(backend):
    rules = simple({"and": [{"var": "a"}, {"var": "b"}]}, backend)
    with pytest.raises(ValueError, match="the columns 'a' and 'b' have 2 and 3 rows"):
        counts(rules, {"a": [1, 2], "b": (1, 2, 3)})
    assert counts(rules, {}) == []
    assert counts(rules, {"other": [1, 2]}) == [0, 0]
    assert counts(rules, {"a": array.array("d", [1, 0]), "b": memoryview(b"\1\1")}) == [1, 0]


def test_what_is_no_column_is_refused(backend):
    rules = simple({"var": "a"}, backend)
    for column in ("text", 5, {"a": 1}, None, b"bytes"):
        with pytest.raises(TypeError, match="the column 'a' is no numpy array"):
            counts(rules, {"a": column})
    with pytest.raises(TypeError, match="the name of a column must be a str, not int"):
        rules.evaluate_columns({5: [1]})
    with pytest.raises(TypeError, match="columns are a mapping"):
        rules.evaluate_columns([[1]])
    with pytest.raises(TypeError, match="has neither __arrow_c_stream__"):
        rules.evaluate_arrow({"a": [1]})
    with pytest.raises(ValueError, match="threads must be at least 1"):
        counts(rules, {}, threads=0)
    with pytest.raises(TypeError, match="threads must be an int"):
        counts(rules, {}, threads=True)
    with pytest.raises(ValueError, match="errors must be"):
        counts(rules, {}, errors="ignore")


@needs_numpy
def test_a_column_has_one_dimension(backend):
    with pytest.raises(ValueError, match="the column 'a' has 2 dimensions"):
        counts(simple({"var": "a"}, backend), {"a": np.zeros((2, 2))})


@needs_arrow
def test_arrow_data_that_is_no_table_is_refused(backend):
    rules = simple({"var": "a"}, backend)
    with pytest.raises(TypeError, match="is no table: its Arrow type is 'l'"):
        rules.evaluate_arrow(pa.array([1]))
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])
    with pytest.raises(TypeError, match=r"the column 'a' has the Arrow type '\+us:0,1'"):
        rules.evaluate_arrow(pa.table({"a": union}))
    assert rules.evaluate_arrow(pa.table({"b": union})).matched_count.tolist() == [0, 0]


@needs_arrow
def test_an_error_of_a_stream_is_told(backend):
    def batches():
        yield pa.record_batch({"a": [1]})
        raise OSError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"a": pa.int64()}), batches())
    with pytest.raises(ValueError, match="the disk is gone"):
        simple({"var": "a"}, backend).evaluate_arrow(reader)


# --- numbers ------------------------------------------------------------------------------------------------


@needs_numpy
def test_ints_are_exact_and_never_wrap(backend):
    large = np.array([2**53, 2**53 + 1, 2**62, -(2**63)])
    equal = simple({"==": [{"var": "a"}, 2**53 + 1]}, backend)
    assert counts(equal, {"a": large}) == [0, 1, 0, 0]
    product = simple({">": [{"*": [{"var": "a"}, {"var": "a"}]}, 2**123]}, backend)
    assert counts(product, {"a": large}) == [0, 0, 1, 1]
    total = simple({"==": [{"+": [{"var": "a"}, 1]}, 2**53 + 1]}, backend)
    assert counts(total, {"a": large}) == [1, 0, 0, 0]
    beyond = simple({">=": [{"var": "a"}, 2**63 + 1]}, backend)
    assert counts(beyond, {"a": np.array([2**63, 2**63 + 1, 5], "u8")}) == [0, 1, 0]
    assert counts(beyond, {"a": large}) == [0, 0, 0, 0]


def test_scores_beyond_64_bits(backend):
    rules = RuleSet.from_rules(
        [{"id": str(i), "when": {">": [{"var": "a"}, i]}, "score": 2**62 - i} for i in range(3)],
        backend=backend,
    )
    got = rules.evaluate_columns({"a": [0, 1, 2, 3, None]}, matched=True)
    check(rules, got, [{"a": value} for value in (0, 1, 2, 3, None)])
    assert got.score == [0, 2**62, 2**63 - 1, 3 * 2**62 - 3, 0]


def test_float_scores(backend):
    rules = make_ruleset(90, 3, backend)
    rules = RuleSet.from_rules(
        [{**rule, "score": rule.get("score", 0) + 0.1} for rule in rules.to_dict()["rules"]], backend=backend
    )
    rows = [{"amount": value, "country": "US", "proxy": value == 1} for value in WHOLE]
    columns = {"amount": WHOLE, "country": ["US"] * len(WHOLE), "proxy": [value == 1 for value in WHOLE]}
    check(rules, rules.evaluate_columns(columns, matched=True), rows)


def test_one_rule_of_very_many_clauses(backend):
    wide = {"or": [{">": [{"var": f"f{i}"}, 0]} for i in range(200)]}
    rules = RuleSet.from_rules(
        [{"id": "w", "when": wide, "score": 2}, {"id": "x", "when": {"var": "f7"}, "score": 5}],
        backend=backend,
    )
    rows = [{}, {"f0": 1, "f7": 1, "f199": 1}, {"f150": 1}, {f"f{i}": 1 for i in range(200)}, {"f7": 1}]
    columns = {f"f{i}": [row.get(f"f{i}", math.nan) for row in rows] for i in range(200)}
    got = rules.evaluate_columns(columns, matched=True)
    assert got.score.tolist() == [0, 7, 2, 7, 7]
    assert [got.matches(row) for row in range(5)] == [[], ["w", "x"], ["w"], ["w", "x"], ["w", "x"]]


# --- errors and the clock -----------------------------------------------------------------------------------


def test_an_undecided_row_is_a_record_or_raises(backend):
    rules = simple({">": [{"var": "a"}, 1]}, backend, missing="error", default_action="pass")
    got = rules.evaluate_columns({"a": [5, None, 0, "x"]}, matched=True)
    check(rules, got, [{"a": value} for value in (5, None, 0, "x")])
    assert [(row, error.code) for row, error in got.errors] == [(1, "evaluation"), (3, "evaluation")]
    assert got.action.tolist() == [0, -1, 0, -1]
    with pytest.raises(EvaluationError, match="event 1"):
        rules.evaluate_columns({"a": [5, None, 0, "x"]}, errors="raise")


def test_what_a_row_throws_is_recorded(backend):
    rules = simple({"if": [{">": [{"var": "a"}, 1]}, {"throw": "much"}, True]}, backend)
    got = rules.evaluate_columns({"a": [5, 0]}, matched=True)
    check(rules, got, [{"a": 5}, {"a": 0}])
    assert [(row, error.code) for row, error in got.errors] == [(0, "throw")]


def test_a_limit_that_one_row_exceeds(backend):
    huge = {"*": [{"var": "a"}, {"var": "a"}]}
    rules = simple({">": [huge, 1]}, backend, default_action="pass")
    values = [3, 10**200_000, 2]
    check(rules, rules.evaluate_columns({"a": values}, matched=True), [{"a": value} for value in values])


def test_rules_are_limited_in_time(backend):
    rules = RuleSet.from_rules(
        [
            {"id": "old", "when": {">": [{"var": "a"}, 0]}, "valid_until": "2026-01-01T00:00:00Z"},
            {"id": "new", "when": {">": [{"var": "a"}, 1]}, "valid_from": "2026-01-01T00:00:00Z"},
            {"id": "soon", "when": {"<": [{"now": []}, {"datetime": {"var": "t"}}]}},
        ],
        backend=backend,
    )
    columns = {"a": [0, 1, 2], "t": ["2025-06-01T00:00:00Z", None, "2030-01-01T00:00:00Z"]}
    rows = to_rows(columns, 3)
    for moment in (datetime(2025, 5, 5, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)):
        check(rules, rules.evaluate_columns(columns, matched=True, now=moment), rows, now=moment)


def test_matches_have_to_be_asked_for(backend):
    got = simple({"var": "a"}, backend).evaluate_columns({"a": [1]})
    assert got.indices is None
    assert got.offsets is None
    with pytest.raises(ValueError, match="matched=True"):
        got.matches(0)


# --- as Arrow -----------------------------------------------------------------------------------------------


@needs_arrow
@pytest.mark.parametrize("size", [0, 1, 9, 1000])
def test_decisions_are_arrow_data(backend, size):
    rules = RULESETS[40, backend]
    columns = {"amount": list(range(size)), "country": ["US"] * size}
    got = rules.evaluate_columns(columns, matched=True)
    for table in (pa.table(got), pa.RecordBatchReader.from_stream(got).read_all()):
        assert table.schema == pa.schema(got)
        table.validate(full=True)
        assert table["matched_count"].to_pylist() == got.matched_count.tolist()
        assert table["score"].to_pylist() == got.score.tolist()
        assert table["action"].to_pylist() == [None if c < 0 else got.actions[c] for c in got.action.tolist()]
        assert [[got.ids[i] for i in row] for row in table["matched"].to_pylist()] == [
            got.matches(row) for row in range(size)
        ]
    assert pa.record_batch(got).num_rows == size
    assert pa.schema(rules.evaluate_columns(columns)).names == ["matched_count", "score", "action"]


@needs_arrow
def test_exported_arrays_outlive_the_decisions(backend):
    rules = RULESETS[3, backend]
    got = rules.evaluate_columns({"amount": [1, 2, 3] * 1000}, matched=True)
    expected = got.matched_count.tolist()
    table = pa.table(got)
    column = table["matched_count"]
    got.__arrow_c_stream__()  # nobody reads these
    got.__arrow_c_array__()
    got.__arrow_c_schema__()
    del got, table
    gc.collect()
    assert column.to_pylist() == expected


@needs_polars
def test_polars_reads_decisions(backend):
    rules = make_ruleset(20, 1, backend)
    got = rules.evaluate_columns({"amount": WHOLE}, matched=True)
    frame = pl.DataFrame(got)
    assert frame["score"].to_list() == got.score.tolist()
    assert frame["matched"].list.len().to_list() == got.matched_count.tolist()


@needs_arrow
def test_an_input_is_released(backend):
    rules = RULESETS[40, backend]
    before = pa.total_allocated_bytes()
    table = pa.table({"amount": pa.array(range(5000), pa.float64()), "country": ["US"] * 5000})
    for _ in range(3):
        rules.evaluate_arrow(table)
        rules.evaluate_columns({"amount": table["amount"]})
    del table
    gc.collect()
    assert pa.total_allocated_bytes() <= before
