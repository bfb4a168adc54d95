"""What every operator of a ruleset's conditions means, line by line, on both backends."""

import collections
import dataclasses
import decimal
import enum
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import LimitError
from fastcore.kernels.conditions import conditions_blocks
from fastcore.rules.language import MAX_DEPTH, ConditionChecker

UTC = UTC
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
X, Y = {"var": "x"}, {"var": "y"}


def probe(backend, logic, event, lists=None):
    checker = ConditionChecker(lists or {})
    tree = checker.check(logic, "when")
    assert checker.errors == []
    kernels = _backend.kernels("conditions", backend)
    tables = {
        name: kernels.conditions_list(values, conditions_blocks(values)[0] if name == "nets" else None)
        for name, values in (lists or {}).items()
    }
    return kernels.conditions_program([tree]).probe(0, event, kernels.conditions_setting(NOW, tables))


def value(backend, logic, event=None, lists=None):
    return probe(backend, logic, {} if event is None else event, lists).value()


def truth(backend, logic, event=None, lists=None):
    return probe(backend, logic, {} if event is None else event, lists).truth()


def same(a, b):
    """Equal in type too."""
    return type(a) is type(b) and a == b


# --- reading ------------------------------------------------------------------------------------------------


class Point(NamedTuple):
    x: Any
    y: Any = 2


@dataclasses.dataclass
class Record:
    x: Any
    shared: ClassVar[int] = 5

    @property
    def secret(self):
        raise AssertionError("a property was read")


@dataclasses.dataclass(slots=True)
class Slotted:
    x: Any


class Plain:
    x = 1


class Loud(dict):
    """A dict subclass that would invent what is missing."""

    def __missing__(self, key):
        raise AssertionError("asked for what is missing")


class Lazy(collections.abc.Mapping):
    def __getitem__(self, key):
        if key == "x":
            return 7
        raise KeyError(key)

    def __iter__(self):
        return iter(["x"])

    def __len__(self):
        return 1


@pytest.mark.parametrize(
    "event",
    [
        {"x": 7},
        Loud(x=7),
        collections.OrderedDict(x=7),
        collections.UserDict(x=7),
        MappingProxyType({"x": 7}),
        collections.ChainMap({}, {"x": 7}),
        Lazy(),
        Point(7),
        Record(7),
        Slotted(7),
    ],
    ids=lambda event: type(event).__name__,
)
def test_events_of_every_kind(backend, event):
    assert value(backend, X, event) == 7
    assert value(backend, {"var": "zzz"}, event) is None
    assert value(backend, {"var": "x.deeper"}, event) is None
    assert value(backend, {"var": "inner.x"}, {"inner": event}) == 7
    assert value(backend, {"!!": [{"var": ""}]}, event) is True


def test_a_default_dict_is_not_filled(backend):
    event = collections.defaultdict(lambda: 5, y=1)
    assert value(backend, X, event) is None
    assert dict(event) == {"y": 1}


@pytest.mark.parametrize(
    "name", ["secret", "shared", "__class__", "__dict__", "__init__.__globals__", "_asdict"]
)
def test_only_declared_fields_are_attributes(backend, name):
    for event in (Record(1), Slotted(1), Point(1), {"x": Plain()}):
        assert value(backend, {"var": name}, event) is None
    assert value(backend, {"var": "x.x"}, {"x": Plain()}) is None
    assert value(backend, {"var": "x.real"}, {"x": 1}) is None


def test_a_declared_field_that_is_unset_is_missing(backend):
    record = Record(1)
    del record.x
    assert value(backend, {"var": ["x", 9]}, record) == 9


def test_pydantic_models(backend):
    pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed")

    class Model(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        x: int
        items: list[dict[str, int]]

    event = Model(x=7, items=[{"price": 3}], extra=1)
    assert value(backend, X, event) == 7
    assert value(backend, {"var": "items.0.price"}, event) == 3
    assert value(backend, {"var": "extra"}, event) is None
    assert value(backend, {"var": "model_dump"}, event) is None


@pytest.mark.parametrize(
    "nothing", [None, math.nan, Decimal("NaN"), Decimal("sNaN"), b"x", {1, 2}, object(), Plain()]
)
def test_null_nan_and_unknown_types_are_one_value(backend, nothing):
    event = {"x": nothing}
    assert value(backend, X, event) is None
    assert value(backend, {"==": [X, X]}, event) is None
    assert truth(backend, {"!": [X]}, event) is None
    assert value(backend, {"missing": ["x"]}, event) == ["x"]
    assert value(backend, {"exists": ["x"]}, event) is True


def test_infinities_are_numbers(backend):
    assert value(backend, {">": [X, 1]}, {"x": math.inf}) is True
    assert value(backend, {"<": [X, 1]}, {"x": Decimal("-Infinity")}) is True
    assert value(backend, {"-": [X, X]}, {"x": math.inf}) is None  # NaN


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, 5),
        ({"a": {}}, 5),
        ({"a": None}, 5),
        ({"a": 3}, 5),
        ({"a": {"b": None}}, None),
        ({"a": {"b": 0}}, 0),
    ],
)
def test_a_default_replaces_a_missing_path_only(backend, event, expected):
    assert value(backend, {"var": ["a.b", 5]}, event) == expected


def test_paths(backend):
    event = {"a": {"b": [10, {"c": "deep"}]}, "a.b": "dotted", "": "empty", "7": "seven"}
    assert value(backend, {"var": "a.b.0"}, event) == 10
    assert value(backend, {"var": "a.b.1.c"}, event) == "deep"
    assert value(backend, {"var": "a.b.2"}, event) is None
    assert value(backend, {"var": "a.b.-1"}, event) is None
    assert value(backend, {"var": "a.b.00000000000000000000"}, event) is None
    assert value(backend, {"var": 7}, event) == "seven"
    assert value(backend, {"val": "a.b"}, event) == "dotted"
    assert value(backend, {"val": ["a", "b", 1, "c"]}, event) == "deep"
    assert value(backend, {"val": ""}, event) == "empty"
    assert value(backend, {"val": []}, event) is event
    assert value(backend, {"var": ""}, event) is event
    assert value(backend, {"var": []}, event) is event
    assert value(backend, {"exists": ["a", "b"]}, event) is True
    assert value(backend, {"exists": ["a", "z"]}, event) is False
    assert value(backend, {"exists": "a.b"}, event) is True
    assert value(backend, {"var": "a.b.0"}, {"a": {"b": (10,)}}) == 10
    assert value(backend, {"var": "a.0"}, {"a": "text"}) is None


# --- comparing ----------------------------------------------------------------------------------------------

OF_TYPE = {
    "number": [1, 1.5, Decimal("2.5"), 10**30],
    "bool": [True, False],
    "string": ["1", "", "abc"],
    "datetime": [NOW, datetime(2026, 1, 1, tzinfo=UTC)],
    "date": [date(2026, 1, 1)],
    "duration": [timedelta(hours=1), timedelta(0)],
    "array": [[1], []],
    "object": [{"a": 1}, {}],
}
OPERATORS = ["==", "===", "!=", "!==", "<", "<=", ">", ">="]


@pytest.mark.parametrize("op", OPERATORS)
def test_values_of_different_types_are_unknown(backend, op):
    for left, lefts in OF_TYPE.items():
        for right, rights in OF_TYPE.items():
            if left != right:
                for a in lefts:
                    for b in rights:
                        assert value(backend, {op: [X, Y]}, {"x": a, "y": b}) is None, (a, b)


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_booleans_arrays_and_objects_have_no_order(backend, op):
    for kind in ("bool", "array", "object"):
        for a in OF_TYPE[kind]:
            assert value(backend, {op: [X, Y]}, {"x": a, "y": a}) is None


def python_answer(op, a, b):
    return {
        "==": a == b,
        "===": a == b,
        "!=": a != b,
        "!==": a != b,
        "<": a < b,
        "<=": a <= b,
        ">": a > b,
        ">=": a >= b,
    }[op]


numbers = st.one_of(
    st.integers(),
    st.integers(2**53 - 2, 2**53 + 2),
    st.integers(-(10**400), 10**400),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False, places=3),
    st.sampled_from(
        [0.1, Decimal("0.1"), 2.0**53, Decimal(2**53 + 1), 10**400, math.inf, Decimal("Infinity"), -0.0]
    ),
)


@given(a=numbers, b=numbers, op=st.sampled_from(OPERATORS))
def test_numbers_compare_exactly(a, b, op):
    exact = python_answer(op, a, b)
    for name in backends():
        assert value(name, {op: [X, Y]}, {"x": a, "y": b}) is exact


def backends():
    try:
        _backend.load_extension()
    except ImportError:
        return ("python",)
    return ("cython", "python")


def test_comparing_never_goes_through_float(backend):
    assert value(backend, {"==": [X, Y]}, {"x": 2**53 + 1, "y": 2.0**53}) is False
    assert value(backend, {"==": [X, Y]}, {"x": Decimal("0.1"), "y": 0.1}) is False
    assert value(backend, {">": [X, Y]}, {"x": 0.1, "y": Decimal("0.1")}) is True
    assert value(backend, {"in": [X, [1, 2.0]]}, {"x": Decimal(2)}) is True


def test_a_callers_decimal_traps_take_no_part(backend):
    with decimal.localcontext() as context:
        context.clear_flags()  # of what ran before
        context.traps[decimal.FloatOperation] = True
        context.prec = 2
        assert value(backend, {"<": [X, 0.5]}, {"x": Decimal("0.1")}) is True
        assert value(backend, {"in": [X, [0.5]]}, {"x": Decimal("0.5")}) is True
        assert value(backend, {"+": [X, 1]}, {"x": Decimal("1.2345")}) == Decimal("2.2345")
        assert not context.flags[decimal.Inexact]


@given(a=st.text(), b=st.text(), op=st.sampled_from(OPERATORS))
def test_strings_compare_by_code_point(a, b, op):
    for name in backends():
        assert value(name, {op: [X, Y]}, {"x": a, "y": b}) is python_answer(op, a, b)


def test_datetimes(backend):
    zone = timezone(timedelta(hours=2))
    event = {"x": datetime(2026, 1, 1, 12, tzinfo=zone), "y": datetime(2026, 1, 1, 10, tzinfo=UTC)}
    assert value(backend, {"==": [X, Y]}, event) is True
    assert value(backend, {"<": [X, Y]}, event) is False
    naive = {"x": datetime(2026, 1, 1), "y": datetime(2026, 1, 2)}
    assert value(backend, {"<": [X, Y]}, naive) is True
    assert value(backend, {"<": [X, Y]}, {"x": datetime(2026, 1, 1), "y": NOW}) is None
    assert value(backend, {"==": [X, Y]}, {"x": datetime(2026, 1, 1), "y": NOW}) is None
    edges = {
        "x": datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
        "y": datetime.max.replace(tzinfo=UTC),
    }
    assert value(backend, {">": [X, Y]}, edges) is True


def test_datetimes_of_one_zone_compare_as_instants(backend):
    zoneinfo = pytest.importorskip("zoneinfo")
    try:
        berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        berlin = FoldZone()
    first = datetime(2026, 10, 25, 2, 45, tzinfo=berlin)
    second = datetime(2026, 10, 25, 2, 15, tzinfo=berlin, fold=1)
    assert value(backend, {"<": [X, Y]}, {"x": first, "y": second}) is True


class FoldZone(timezone.__base__):
    def utcoffset(self, moment):
        return timedelta(hours=1 if moment.fold else 2)

    def dst(self, moment):
        return None

    def tzname(self, moment):
        return "fold"


def test_dates_and_durations(backend):
    assert value(backend, {"<": [X, Y]}, {"x": date(2026, 1, 1), "y": date(2026, 1, 2)}) is True
    assert value(backend, {">=": [X, Y]}, {"x": timedelta(1), "y": timedelta(hours=24)}) is True
    assert value(backend, {"==": [X, Y]}, {"x": date(2026, 1, 1), "y": datetime(2026, 1, 1)}) is None


@pytest.mark.parametrize(
    ("operands", "event", "expected"),
    [
        ([1, X, 3], {"x": 2}, True),
        ([1, X, 3], {"x": 3}, False),
        ([1, X, 3], {}, None),
        ([3, 2, X], {}, False),
        ([X, 2, 1], {}, False),
        ([1, 2, 3, X], {"x": 4}, True),
    ],
)
def test_a_chain_is_the_and_of_its_pairs(backend, operands, event, expected):
    assert value(backend, {"<": operands}, event) is expected


def test_chains_of_equality(backend):
    assert value(backend, {"==": [X, 1, Y]}, {"x": 1, "y": 1}) is True
    assert value(backend, {"==": [X, 1, Y]}, {"x": 2}) is False
    assert value(backend, {"==": [X, 1, Y]}, {"x": 1}) is None
    assert value(backend, {"!=": [X, 1, Y]}, {"x": 2, "y": 2}) is True
    assert value(backend, {"between": [X, 1, 3]}, {"x": 3}) is True
    assert value(backend, {"between": [X, 1, 3]}, {"x": 4}) is False
    assert value(backend, {"between": [X, 1, Y]}, {"x": 0}) is False
    assert value(backend, {"between": [X, 1, Y]}, {"x": 2}) is None


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, "a"], [1.0, "a"], True),
        ([1], [1, 2], False),
        ([None], [None], None),
        ([None, 1], [None, 2], False),
        ([1], ["1"], None),
        ((1, 2), [1, 2], True),
        ({"a": [1]}, {"a": [1]}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": None}, {"a": 1}, None),
        ({"x": 1, "y": 2}, Point(1), True),
    ],
)
def test_arrays_and_objects_are_equal_member_by_member(backend, a, b, expected):
    assert value(backend, {"==": [X, Y]}, {"x": a, "y": b}) is expected
    assert value(backend, {"!=": [X, Y]}, {"x": a, "y": b}) is (None if expected is None else not expected)


def test_equality_of_cyclic_and_shared_values_ends(backend):
    a, b = [1], [1]
    a.append(a)
    b.append(b)
    assert value(backend, {"==": [X, Y]}, {"x": a, "y": b}) is True
    shared, other = [1], [1]
    for _ in range(100):
        shared, other = [shared, shared], [other, other]
    assert value(backend, {"==": [X, Y]}, {"x": shared, "y": other}) is True
    deep = other = []
    for _ in range(100_000):
        deep, other = [deep], [other]
    assert value(backend, {"==": [X, Y]}, {"x": deep, "y": other}) is True
    while deep:  # taken apart by hand: freeing it at once is deep recursion on some interpreters
        deep, other = deep.pop(), other.pop()


# --- in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needle", "array", "expected"),
    [
        (7, [7, "x"], True),
        (8, [7, "x"], False),
        (7, ["x"], None),
        ("y", ["x"], False),
        (True, [1], None),
        (True, [False], False),
        (True, [True, 1], True),
        (1, [True], None),
        (2.0, [2], True),
        (7, [], None),
        ([1], ["x"], None),
    ],
)
def test_in_an_array(backend, needle, array, expected):
    assert value(backend, {"in": [X, array]}, {"x": needle}) is expected
    assert value(backend, {"in": [X, Y]}, {"x": needle, "y": array}) is expected
    assert value(backend, {"in": [X, Y]}, {"x": needle, "y": tuple(array)}) is expected
    assert value(backend, {"contains": [Y, X]}, {"x": needle, "y": array}) is expected
    scalars = [member for member in array if not isinstance(member, list)]
    assert value(backend, {"in": [X, {"list": "l"}]}, {"x": needle}, {"l": scalars}) is expected


def test_in_with_unknowns(backend):
    assert value(backend, {"in": [X, [1]]}) is None
    assert value(backend, {"in": [X, Y]}, {"x": 1}) is None
    assert value(backend, {"in": [X, Y]}, {"x": 1, "y": [None, 2]}) is False
    assert value(backend, {"in": [X, Y]}, {"x": 1, "y": [None]}) is None
    assert value(backend, {"in": [X, [Y, 2]]}, {"x": 1}) is False
    assert value(backend, {"in": [X, [Y, 2]]}, {"x": 1, "y": 1}) is True
    assert value(backend, {"in": [[1], Y]}, {"y": [[1], 5]}) is True


def test_in_a_string(backend):
    assert value(backend, {"in": ["ell", X]}, {"x": "hello"}) is True
    assert value(backend, {"in": ["z", X]}, {"x": "hello"}) is False
    assert value(backend, {"in": [Y, X]}, {"x": "hello", "y": 1}) is None
    assert value(backend, {"in": ["z", X]}, {"x": 5}) is None
    assert value(backend, {"in": ["z", X]}, {"x": {"z": 1}}) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", True),
        ("11.0.0.1", False),
        ("192.168.1.77", True),
        ("192.168.2.1", False),
        ("1.2.3.4", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("::ffff:10.0.0.1", True),
        ("not an address", None),
        ("", None),
        ("9" * 100, None),
        (12, None),
        (None, None),
    ],
)
def test_in_network(backend, address, expected):
    blocks = ["10.0.0.0/8", "192.168.1.0/24", "1.2.3.4", "2001:db8::/32"]
    event = {"x": address}
    assert value(backend, {"in_network": [X, blocks]}, event) is expected
    assert value(backend, {"in_network": [X, {"list": "nets"}]}, event, {"nets": blocks}) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abc", True), ("ac", False), ("", False), ("\U0001f600b", True), ("b\ud800", None), (b"b", None)]
    + [(other, None) for other in (None, 5, True, ["b"], {"b": 1})],
)
def test_matches(backend, text, expected):
    """Whatever searches: it is given UTF-8, and nothing that is no text."""
    asked = []

    def search(encoded):
        asked.append(encoded)
        return 0 if b"b" in encoded else None

    tree = ("matches", ("var", ("x",), 0), SimpleNamespace(search=search))
    program = _backend.kernels("conditions", backend).conditions_program([tree])
    assert program.probe(0, {"x": text}, None).value() is expected
    assert asked == ([] if expected is None else [text.encode()])


# --- and, or, not, if ---------------------------------------------------------------------------------------

T, F, U = True, False, None


@pytest.mark.parametrize("a", [T, F, U])
@pytest.mark.parametrize("b", [T, F, U])
def test_kleene_tables(backend, a, b):
    event = {"x": a, "y": b}
    both = F if F in (a, b) else (U if U in (a, b) else T)
    either = T if T in (a, b) else (U if U in (a, b) else F)
    assert truth(backend, {"and": [X, Y]}, event) is both
    assert truth(backend, {"or": [X, Y]}, event) is either
    assert truth(backend, {"!": [X]}, event) is (U if a is U else not a)
    assert truth(backend, {"!!": [{"and": [X, Y]}]}, event) is both
    assert truth(backend, {"!!": [X]}, event) is a
    assert truth(backend, {"or": [X, {"!": [X]}]}, event) is (U if a is U else T)


@pytest.mark.parametrize(
    ("logic", "event", "expected"),
    [
        ({"and": [X, Y]}, {"x": 1, "y": "b"}, "b"),
        ({"and": [X, Y]}, {"x": 0, "y": "b"}, 0),
        ({"or": [X, Y]}, {"x": "", "y": "b"}, "b"),
        ({"or": [X, Y]}, {"x": "", "y": 0}, 0),
        ({"or": [X, Y]}, {"y": "b"}, "b"),
        ({"or": [X, Y]}, {"y": 0}, None),
        ({"and": [X, Y]}, {"y": 1}, None),
        ({"and": [X, Y]}, {"y": 0}, 0),
    ],
)
def test_and_and_or_as_values_give_the_operand_that_decided(backend, logic, event, expected):
    assert same(value(backend, {"cat": [logic]}, event), None if expected is None else str(expected))
    assert same(value(backend, logic, event), expected)


@given(
    st.recursive(
        st.sampled_from([True, False, None, 0, 1, "", "a", [], [0]]), lambda x: st.tuples(x, x), max_leaves=8
    )
)
def test_the_truth_of_a_value_is_the_value_of_the_condition(shape):
    event, logic, count = {}, None, 0

    def build(node, op):
        nonlocal count
        if isinstance(node, tuple):
            return {op: [build(part, "or" if op == "and" else "and") for part in node]}
        count += 1
        event[f"v{count}"] = node
        return {"var": f"v{count}"}

    logic = build(shape, "and")
    for name in backends():
        found = value(name, logic, event)
        assert truth(name, logic, event) is truth(name, X, {"x": found})


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (0, False),
        (0.0, False),
        (-0.0, False),
        (Decimal(0), False),
        ("", False),
        ([], False),
        ((), False),
        (False, False),
        (1, True),
        (-1, True),
        (math.inf, True),
        ("0", True),
        ("false", True),
        ([0], True),
        ({}, True),
        ({"a": 0}, True),
        (NOW, True),
        (timedelta(0), True),
        (None, None),
        (math.nan, None),
    ],
)
def test_truthiness_of_a_bare_value(backend, known, expected):
    assert truth(backend, X, {"x": known}) is expected
    assert value(backend, {"!!": [X]}, {"x": known}) is expected
    assert value(backend, {"!": [X]}, {"x": known}) is (None if expected is None else not expected)


@pytest.mark.parametrize("op", ["if", "?:"])
def test_if(backend, op):
    logic = {op: [X, "yes", Y, "maybe", "no"]}
    assert value(backend, logic, {"x": 1}) == "yes"
    assert value(backend, logic, {"x": 0, "y": 1}) == "maybe"
    assert value(backend, logic, {"x": 0, "y": 0}) == "no"
    assert value(backend, logic, {"y": 1}) is None, "an unknown test is not else"
    assert value(backend, logic, {"x": False}) is None
    assert value(backend, {op: [X, "yes"]}, {"x": 0}) is None
    assert value(backend, {op: [X]}, {"x": 3}) == 3
    assert truth(backend, {op: [X, {"and": [Y, False]}, True]}, {"x": 1}) is False


# --- arithmetic ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        ({"+": [1, 2, 3]}, 6),
        ({"+": [2**70, 1]}, 2**70 + 1),
        ({"-": [5]}, -5),
        ({"-": [5, 2, 1]}, 2),
        ({"*": [2, 3]}, 6),
        ({"*": [4]}, 4),
        ({"/": [7, 2]}, 3.5),
        ({"/": [6, 2]}, 3),
        ({"/": [4]}, 0.25),
        ({"/": [10**40, 10**20]}, 10**20),
        ({"%": [-8, 3]}, -2),
        ({"%": [8, -3]}, 2),
        ({"%": [-7.5, 2]}, -1.5),
        ({"%": [2**70, 7]}, 2**70 % 7),
        ({"min": [3, 1.5, 2]}, 1.5),
        ({"max": [3, 1.5, 2**60]}, 2**60),
        ({"+": ["12"]}, 12),
        ({"+": ["-1.5e2"]}, -150.0),
        ({"+": [3]}, 3),
        ({"max": [2**53, 2.0**53]}, 2**53),
    ],
)
def test_arithmetic(backend, logic, expected):
    assert same(value(backend, logic), expected)


@pytest.mark.parametrize(
    ("logic", "event"),
    [
        ({"+": [X, 1]}, {}),
        ({"+": [X, 1]}, {"x": "1"}),
        ({"+": [X, 1]}, {"x": True}),
        ({"*": [X, 0]}, {}),
        ({"/": [1, X]}, {"x": 0}),
        ({"/": [1.0, X]}, {"x": 0.0}),
        ({"%": [1, X]}, {"x": 0}),
        ({"/": [X, 0]}, {"x": Decimal(1)}),
        ({"%": [X, 0.0]}, {"x": 1}),
        ({"-": [X, X]}, {"x": math.inf}),
        ({"%": [X, 2]}, {"x": math.inf}),
        ({"*": [X, 0]}, {"x": math.inf}),
        ({"min": [1, X]}, {}),
        ({"max": [1, X]}, {"x": "5"}),
        ({"+": [X]}, {"x": "abc"}),
        ({"+": [X]}, {"x": ""}),
        ({"+": [X]}, {"x": True}),
        ({"+": [X, 0.5]}, {"x": 10**400}),
        ({"/": [X, 3]}, {"x": 10**400}),
        ({"+": [X]}, {"x": "٣"}),
        ({"+": [X]}, {"x": "1_000"}),
        ({"-": [X]}, {"x": "1"}),
        ({"+": [X, 1]}, {"x": NOW}),
        ({"-": [X, Y]}, {"x": NOW, "y": NOW}),
    ],
)
def test_arithmetic_without_a_number_is_unknown(backend, logic, event):
    assert value(backend, logic, event) is None


def test_decimals(backend):
    assert same(value(backend, {"+": [X, 1]}, {"x": Decimal("0.1")}), Decimal("1.1"))
    assert same(value(backend, {"+": [X, 0.5]}, {"x": Decimal("0.25")}), 0.75)
    assert same(value(backend, {"%": [X, 3]}, {"x": Decimal(-7)}), Decimal(-1))
    assert same(value(backend, {"/": [X, 3]}, {"x": Decimal(1)}), Decimal("0." + "3" * 28))
    assert value(backend, {"max": [X, 2]}, {"x": Decimal("2.5")}) == Decimal("2.5")


@given(a=st.integers(), b=st.integers())
def test_integers_are_exact(a, b):
    for name in backends():
        event = {"x": a, "y": b}
        assert same(value(name, {"+": [X, Y]}, event), a + b)
        assert same(value(name, {"-": [X, Y]}, event), a - b)
        assert same(value(name, {"*": [X, Y]}, event), a * b)
        if b:
            rest = value(name, {"%": [X, Y]}, event)
            assert abs(rest) < abs(b)
            assert (a - rest) % b == 0
            assert rest == 0 or (rest < 0) == (a < 0)


# --- text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        ({"cat": ["a", 1, True, 2.0, 0.5]}, "a1true20.5"),
        ({"cat": "ice"}, "ice"),
        ({"lower": "ÄB"}, "äb"),
        ({"upper": "aß"}, "ASS"),
        ({"substr": ["jsonlogic", 4]}, "logic"),
        ({"substr": ["jsonlogic", -5]}, "logic"),
        ({"substr": ["jsonlogic", 1, 3]}, "son"),
        ({"substr": ["jsonlogic", 4, -2]}, "log"),
        ({"substr": ["test", -10, 1]}, "t"),
        ({"substr": ["abc", 5]}, ""),
        ({"substr": ["abc", 2, -3]}, ""),
        ({"starts_with": ["hello", "he"]}, True),
        ({"ends_with": ["hello", "he"]}, False),
        ({"length": "héé"}, 3),
        ({"length": [[1, 2]]}, 2),
        ({"contains": ["hello", "ell"]}, True),
    ],
)
def test_text(backend, logic, expected):
    assert same(value(backend, logic), expected)


@pytest.mark.parametrize(
    "logic",
    [
        {"cat": ["a", X]},
        {"substr": [X, 1]},
        {"substr": ["abc", X]},
        {"lower": X},
        {"upper": X},
        {"length": X},
        {"starts_with": [X, "a"]},
        {"ends_with": ["a", X]},
        {"contains": [X, 1]},
        {"merge": [[1], X]},
    ],
)
def test_text_with_an_unknown_operand_is_unknown(backend, logic):
    assert value(backend, logic) is None
    if "merge" not in logic and "cat" not in logic:
        assert value(backend, logic, {"x": {"a": 1}}) is None


# --- arrays -------------------------------------------------------------------------------------------------

BIG = {">": [{"var": ""}, 5]}


@pytest.mark.parametrize(
    ("array", "some", "every", "none"),
    [
        ([], F, F, T),
        ([6, 7], T, T, F),
        ([6, 1], T, F, F),
        ([1, 2], F, F, T),
        ([6, None], T, U, F),
        ([1, None], U, F, U),
        ([None], U, U, U),
        ("abc", U, U, U),
        (None, U, U, U),
    ],
)
def test_some_all_none(backend, array, some, every, none):
    event = {"x": array}
    assert value(backend, {"some": [X, BIG]}, event) is some
    assert value(backend, {"all": [X, BIG]}, event) is every
    assert value(backend, {"none": [X, BIG]}, event) is none


def test_filter_map_reduce(backend):
    event = {"x": [1, None, 7, "a"]}
    assert value(backend, {"filter": [X, BIG]}, event) == [7]
    assert value(backend, {"map": [X, {"+": [{"var": ""}, 1]}]}, event) == [2, None, 8, None]
    total = {"+": [{"var": "current"}, {"var": "accumulator"}]}
    assert value(backend, {"reduce": [X, total, 0]}, {"x": [1, 2, 3]}) == 6
    assert value(backend, {"reduce": [X, total]}, {"x": [1, 2, 3]}) == 6
    assert value(backend, {"reduce": [X, total, 0]}, {"x": []}) == 0
    assert value(backend, {"reduce": [X, total]}, {"x": []}) is None
    assert value(backend, {"reduce": [X, total, 0]}, event) is None
    assert value(backend, {"reduce": [X, 1, 0]}, event) is None, "it met null"
    assert value(backend, {"reduce": [X, total, 0]}, {"x": 5}) is None
    assert value(backend, {"reduce": [X, total, Y]}, {"x": [1]}) is None
    assert value(backend, {"merge": [[1], 2, X]}, {"x": [3]}) == [1, 2, 3]


def test_scopes(backend):
    event = {"x": [1, 2], "k": 10, "rows": [{"qty": 2, "tags": ["a"]}, {"qty": 3, "tags": ["b"]}]}
    assert value(backend, {"map": [X, {"+": [{"val": []}, {"val": [[2], "k"]}]}]}, event) == [11, 12]
    assert value(backend, {"map": [X, {"val": [[-1], "index"]}]}, event) == [0, 1]
    assert value(backend, {"map": [{"var": "rows"}, {"var": "qty"}]}, event) == [2, 3]
    nested = {
        "map": [
            {"var": "rows"},
            {"map": [{"var": "tags"}, {"cat": [{"val": [[2], "qty"]}, {"val": [[4], "k"]}]}]},
        ]
    }
    assert value(backend, nested, event) == [["210"], ["310"]]
    assert value(backend, {"some": [{"var": "rows"}, {"in": ["b", {"var": "tags"}]}]}, event) is True


# --- always known -------------------------------------------------------------------------------------------


def test_missing_and_coalesce(backend):
    event = {"a": None, "b": 1, "c": {"d": 2}}
    assert value(backend, {"missing": ["a", "b", "c.d", "c.e", "z"]}, event) == ["a", "c.e", "z"]
    assert value(backend, {"missing": "b"}, event) == []
    assert value(backend, {"missing": {"merge": ["b", ["z"]]}}, event) == ["z"]
    assert value(backend, {"missing_some": [1, ["a", "b"]]}, event) == []
    assert value(backend, {"missing_some": [2, ["a", "b"]]}, event) == ["a"]
    assert truth(backend, {"missing": ["a"]}, event) is True
    assert value(backend, {"??": [{"var": "a"}, {"/": [1, 0]}, {"var": "b"}, 5]}, event) == 1
    assert value(backend, {"??": [{"var": "a"}]}, event) is None
    assert value(backend, {"missing": [""]}, {"": 1}) == []


# --- time ---------------------------------------------------------------------------------------------------


def test_time(backend):
    assert value(backend, {"now": []}) == NOW
    assert value(backend, {"datetime": "2026-11-21T12:00:00Z"}) == NOW
    assert value(backend, {"==": [{"datetime": X}, {"now": []}]}, {"x": "2026-11-21T13:00:00+01:00"}) is True
    assert value(backend, {"date": X}, {"x": "2026-11-21"}) == date(2026, 11, 21)
    assert value(backend, {"date": X}, {"x": NOW}) == date(2026, 11, 21)
    assert value(backend, {"duration": "P1DT12H"}) == timedelta(1.5)
    assert value(backend, {"duration": "-PT0.5S"}) == timedelta(seconds=-0.5)
    assert value(backend, {"duration": "1d 2h"}) == timedelta(days=1, hours=2)
    assert value(backend, {"datetime": X}, {"x": date(2026, 1, 2)}) == datetime(2026, 1, 2)
    for text in ("", "yesterday", "2026-13-01T00:00:00Z", "x" * 100, 5, None):
        assert value(backend, {"datetime": X}, {"x": text}) is None
    for text in (
        "",
        "P",
        "PT",
        "P1Y",
        "1",
        "P1D ",
        "PT1H30",
        "P999999999W",
        "+",
        "P" + "9" * 70 + "D",
        5,
        None,
    ):
        assert value(backend, {"duration": X}, {"x": text}) is None, text
    for text in ("2026-02-30", "2026", 5, None):
        assert value(backend, {"date": X}, {"x": text}) is None


@pytest.mark.parametrize(
    ("a", "b", "unit", "expected"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T12:00:00Z", "hours", 12),
        ("2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z", "days", 0),
        ("2026-01-01T12:00:00Z", "2026-01-03T00:00:00Z", "days", -1),
        ("2026-01-01T12:00:00+02:00", "2026-01-01T09:59:59Z", "seconds", 1),
        (datetime(2026, 1, 1, 0, 0, 1), date(2026, 1, 1), "milliseconds", 1000),
        ("2026-01-01T12:00:00", "2026-01-01T12:00:00Z", "hours", None),
        ("nothing", "2026-01-01", "hours", None),
        (5, "2026-01-01", "hours", None),
    ],
)
def test_date_diff(backend, a, b, unit, expected):
    assert value(backend, {"date_diff": [X, Y, unit]}, {"x": a, "y": b}) == expected


# --- try, throw ---------------------------------------------------------------------------------------------


def test_throw_makes_its_branch_unknown(backend):
    asked = probe(backend, {"or": [{"throw": "odd"}, X]}, {"x": True})
    assert asked.truth() is True
    assert asked.thrown() == [{"type": "odd"}]
    assert truth(backend, {"and": [{"throw": "odd"}, X]}, {"x": False}) is False
    assert truth(backend, {"throw": "odd"}) is None
    not_reached = probe(backend, {"and": [X, {"throw": "odd"}]}, {"x": False})
    assert not_reached.truth() is False
    assert not_reached.thrown() == []


def test_try_gives_the_first_operand_that_did_not_throw(backend):
    def run(logic, event=None):
        asked = probe(backend, logic, event or {})
        return asked.value(), asked.thrown()

    assert run({"try": [{"throw": "A"}, 1]}) == (1, [])
    assert run({"try": [{"throw": "A"}, {"throw": "B"}]}) == (None, [{"type": "B"}])
    assert run({"try": [{"throw": "A"}, {"val": "type"}]}) == ("A", [])
    assert run({"try": [{"throw": "A"}, {"throw": {"val": []}}]}) == (None, [{"type": "A"}])
    assert run({"try": [{"throw": "A"}, {"val": [[2], "x"]}]}, {"x": 5}) == (5, [])
    assert run({"try": [{"/": [1, 0]}, 1]}) == (None, []), "an unknown was not thrown"
    assert run({"try": [{"if": [X, {"throw": "A"}, 3]}, 4]}, {"x": False}) == (3, [])


# --- foreign values and limits ------------------------------------------------------------------------------


class Colour(enum.StrEnum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


class OddText(str):
    __hash__ = None

    def __eq__(self, other):
        raise AssertionError("a subclass's operator was used")


def test_subclasses_are_what_they_derive_from(backend):
    assert value(backend, {"in": [X, ["red"]]}, {"x": Colour.RED}) is True
    assert value(backend, {"==": [X, 3]}, {"x": Size.BIG}) is True
    assert value(backend, {"in": [X, ["a"]]}, {"x": OddText("a")}) is True
    assert value(backend, {"==": [X, Y]}, {"x": OddText("a"), "y": OddText("a")}) is True
    assert same(value(backend, {"+": [X, 1]}, {"x": Size.BIG}), 4)


def test_numpy_scalars(backend):
    numpy = pytest.importorskip("numpy", reason="numpy is not installed")
    assert value(backend, {">": [X, 1]}, {"x": numpy.int64(2)}) is True
    assert value(backend, {"*": [X, 10]}, {"x": numpy.float64(1e308)}) == math.inf
    assert value(backend, {"==": [X, 0.5]}, {"x": numpy.float32(0.5)}) is True
    assert truth(backend, X, {"x": numpy.bool_(True)}) is True
    assert value(backend, X, {"x": numpy.float32("nan")}) is None
    assert value(backend, X, {"x": numpy.datetime64("NaT", "s")}) is None
    assert value(backend, X, {"x": numpy.datetime64("2026-01-01T00:00:00", "ns")}) == datetime(2026, 1, 1)
    assert value(backend, X, {"x": numpy.datetime64("2026-01-01")}) == date(2026, 1, 1)
    assert value(backend, X, {"x": numpy.timedelta64(1, "h")}) == timedelta(hours=1)
    assert value(backend, {"in": [X, Y]}, {"x": 2, "y": [numpy.int32(2)]}) is True


def test_results_cannot_grow_without_bound(backend):
    square = {"reduce": [X, {"*": [{"var": "accumulator"}, {"var": "accumulator"}]}, 3]}
    with pytest.raises(LimitError, match="65536 bits"):
        value(backend, square, {"x": [1] * 64})
    double = {"reduce": [X, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "ab"]}
    with pytest.raises(LimitError, match="10000000 characters"):
        value(backend, double, {"x": [1] * 64})
    nested = {"some": [X, {"some": [{"val": [[2], "x"]}, {"some": [{"val": [[4], "x"]}, False]}]}]}
    with pytest.raises(LimitError, match="1000000 array elements"):
        value(backend, nested, {"x": [1] * 200})


def test_the_deepest_condition_evaluates(backend):
    logic = X
    for _ in range(MAX_DEPTH):
        logic = {"!": [logic]}
    assert truth(backend, logic, {"x": True}) is True
    iterated = {"var": ""}
    for _ in range(MAX_DEPTH // 2):
        iterated = {"map": [[1], {"??": [iterated, 0]}]}
    assert value(backend, iterated) is not None


def test_nothing_of_the_kernel_shows(backend):
    module = _backend.kernels("conditions", backend)
    assert [name for name in dir(module) if name.startswith("cond")] == [
        "conditions_blocks",
        "conditions_clean",
        "conditions_event",
        "conditions_kind",
        "conditions_list",
        "conditions_members",
        "conditions_passed",
        "conditions_program",
        "conditions_setting",
    ]
