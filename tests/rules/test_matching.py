"""The index over conditions against the plain evaluator, which explanations use: the same rules fire."""

import math
import random
from collections import OrderedDict, namedtuple
from dataclasses import make_dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import EventError
from fastcore.kernels import conditions, matching
from fastcore.rules import RuleSet
from fastcore.rules.clauses import make_clauses
from fastcore.rules.document import check_document
from tests.conftest import cython_problem

try:
    import pydantic
except ImportError:
    pydantic = None

NUMBERS = ["amount", "velocity", "device.risk", "geo.distance"]
TEXTS = ["country", "device.browser", "card.country"]
FLAGS = ["proxy", "card.present"]
COUNTRIES = ["US", "DE", "FR", "GB", "", "IL"]
THRESHOLDS = [-1, 0, -0.0, 0.1, 0.5, 1, 10, 99.5, 2**53, 2**53 + 1, -(2**60), 10**400, 1e308, 5e-324]


def number(source, chance=0.4):
    if source.random() >= chance:
        return {"var": source.choice(NUMBERS)}
    op, count = source.choice("+-*/%"), 2
    if op in "+-*":
        count = source.choice([1, 2, 2, 3]) if op == "-" else source.choice([2, 2, 3])
    operands = [number(source, chance / 2) for _ in range(count)]
    if count > 1 and source.random() < 0.5:
        operands[source.randrange(count)] = source.choice([2, 0, 0.5, -3, 2**53 - 1, 2**53, 1e300])
    return {op: operands}


def leaf(source):
    shape = source.randrange(8)
    if shape < 3:
        return {
            source.choice(["<", "<=", ">", ">=", "==", "!="]): [number(source), source.choice(THRESHOLDS)]
        }
    if shape == 3:
        low, high = source.choice(THRESHOLDS), source.choice(THRESHOLDS)
        return source.choice([{"between": [number(source), low, high]}, {"<=": [low, number(source), high]}])
    if shape == 4:
        members = source.sample([*COUNTRIES, 1, 1.0, True, 0.5], source.randrange(5))
        return {"in": [{"var": source.choice([*TEXTS, *NUMBERS])}, members]}
    if shape == 5:
        return {source.choice(["==", "!="]): [{"var": source.choice(TEXTS)}, source.choice(COUNTRIES)]}
    if shape == 6:
        return {source.choice(["==", "!="]): [{"var": source.choice(FLAGS)}, source.choice([True, False])]}
    return source.choice(
        [
            {"var": source.choice([*FLAGS, *TEXTS, *NUMBERS])},
            {"starts_with": [{"var": source.choice(TEXTS)}, "U"]},
            {"<": [{"var": source.choice(NUMBERS)}, {"var": source.choice(NUMBERS)}]},
            {">": [{"length": [{"var": "country"}]}, 1]},
            {"<": [{"var": "country"}, "F"]},
            {"missing": [source.choice(NUMBERS)]},
            {"exists": source.choice(["amount", "proxy"])},
            {"var": [source.choice(NUMBERS), 7]},
            source.choice([True, False, None]),
        ]
    )


def condition(source, depth=3):
    if depth == 0 or source.random() < 0.35:
        return leaf(source)
    op = source.choice(["and", "and", "or", "!", "!!", "if"])
    count = {"!": 1, "!!": 1, "if": 3}.get(op) or source.randrange(1, 6)
    return {op: [condition(source, depth - 1) for _ in range(count)]}


def ruleset(count, seed, backend, more=()):
    source = random.Random(seed)
    conditions = [*[condition(source) for _ in range(count)], *more]
    rules = [
        {"id": f"r{index}", "when": when, "priority": source.randrange(3)}
        for index, when in enumerate(conditions)
    ]
    return RuleSet.from_rules(rules, backend=backend)


SIZES = {
    "tested": 9,
    "tested too": 14,
    "one word": 40,
    "asked before read": 250,
    "gathered": 700,
    "very many fields": 60,
}
WIDE = {"or": [{"==": [{"var": f"padding{index}"}, 1]} for index in range(600)]}
BACKENDS = [name for name in _backend.NAMES if name == "python" or cython_problem() is None]
RULESETS = {
    (name, backend): ruleset(count, count, backend, [WIDE] if name == "very many fields" else [])
    for name, count in SIZES.items()
    for backend in BACKENDS
}
THROWS = {"id": "throws", "when": {"try": [{"throw": "one"}, False]}}
PLAIN = {
    name: RuleSet.from_rules([*RULESETS[name, BACKENDS[0]].rules, THROWS], backend=BACKENDS[0])
    for name in SIZES
}
"""The same rules beside one that throws, because of which all are evaluated."""


def plain_matcher(count):
    source = random.Random(count)
    checked = check_document(
        {"name": "plain", "rules": [{"id": str(i), "when": condition(source)} for i in range(count)]}
    )
    plan = make_clauses(checked.trees)
    return matching.matcher(plan, conditions.conditions_program(plan.trees), [str(i) for i in range(count)])


MATCHERS = {name: plain_matcher(count) for name, count in SIZES.items()}


class Text(str):
    __slots__ = ()


class Whole(int):
    __slots__ = ()


class Real(float):
    __slots__ = ()


class Record(dict):
    __slots__ = ()


odd = st.sampled_from(
    [
        None,
        True,
        False,
        math.nan,
        math.inf,
        -math.inf,
        2**53,
        2**53 + 1,
        -(2**53) - 1,
        10**400,
        -(10**400),
        2**53 - 1,
        -(2**53),
        94_906_267,
        1e300,
        5e-324,
        -0.0,
        Text("US"),
        Whole(10),
        Whole(2**60),
        Real(0.5),
        Real("nan"),
        Decimal("0.1"),
        Decimal(2**53 + 1),
        Decimal("Infinity"),
        Decimal("NaN"),
        Decimal(10**30),
        b"US",
        [],
        [1],
        {},
        {"risk": 1},
        "DE",
        "US",
        "",
        object(),
    ]
)
values = st.one_of(odd, st.integers(-20, 120), st.floats(-2, 120), st.sampled_from(COUNTRIES), st.booleans())


def records(keys):
    """What makes an event of a dict: other mappings, and records where the dict has the keys as names."""
    point = make_dataclass("Point", [(key, object, None) for key in keys])
    row = namedtuple("Row", keys, defaults=[None] * len(keys))
    makes = [
        dict,
        OrderedDict,
        Record,
        MappingProxyType,
        lambda members: point(**members),
        lambda members: row(**members),
    ]
    if pydantic is not None:
        model = pydantic.create_model("Model", **dict.fromkeys(keys, (Any, None)))
        makes.append(lambda members: model.model_construct(**members))
    return makes


def nested(keys):
    inner = st.dictionaries(st.sampled_from(keys), values)
    made = st.builds(lambda members, make: make(members), inner, st.sampled_from(records(keys)))
    return st.one_of(inner, made, values)


events = st.fixed_dictionaries(
    {},
    optional={
        "amount": values,
        "velocity": values,
        "country": values,
        "proxy": values,
        "device": nested(["risk", "browser"]),
        "geo": nested(["distance"]),
        "card": nested(["country", "present"]),
    },
)


WRAPS = records(["amount", "velocity", "country", "proxy", "device", "geo", "card"])


def explained(rules, event):
    return [entry.rule.id for entry in rules.explain(event).rules if entry.fired]


@pytest.mark.parametrize("size", SIZES)
@settings(max_examples=100, phases=[Phase.explicit, Phase.generate])
@given(event=events, wrap=st.sampled_from(WRAPS))
def test_the_index_agrees_with_the_plain_evaluator(size, event, wrap):
    event = wrap(event)
    expected = PLAIN[size].matches(event)
    for backend in BACKENDS:
        rules = RULESETS[size, backend]
        assert rules.matches(event) == expected
        assert list(rules.evaluate(event).matched) == expected
        assert rules.first(event) == (expected[0] if expected else None)


@settings(max_examples=20, phases=[Phase.explicit, Phase.generate])
@given(event=events)
def test_the_index_agrees_with_explanations(event):
    for backend in BACKENDS:
        rules = RULESETS["one word", backend]
        assert rules.matches(event) == explained(rules, event)


@pytest.mark.parametrize("size", ["tested", "asked before read"])
@settings(max_examples=50, phases=[Phase.explicit, Phase.generate])
@given(event=events)
def test_the_first_position_of_the_plain_matcher(size, event):
    matcher = MATCHERS[size]
    fired = matcher.fired(event, None)
    assert matcher.first(event, None) == (fired[0] if fired else -1)
    assert matcher.matches(event, None) == [str(position) for position in fired]


def test_twenty_ors_under_one_and_do_not_explode(backend):
    alternatives = [{"or": [{">": [{"var": f"a{i}"}, 1]}, {"<": [{"var": f"b{i}"}, 1]}]} for i in range(20)]
    rules = RuleSet.from_rules([{"id": "wide", "when": {"and": alternatives}}], backend=backend)
    every = {f"b{i}": 0 for i in range(20)}
    assert rules.matches(every) == ["wide"]
    assert rules.matches({**every, "b13": 1}) == []
    assert rules.matches({**every, "b13": 1, "a13": 2}) == ["wide"]


def test_ten_thousand_thresholds_on_one_field(backend):
    rules = [{"id": str(index), "when": {">=": [{"var": "x"}, index]}} for index in range(10_000)]
    ruleset = RuleSet.from_rules(rules, backend=backend)
    for value in (-1, 0, 0.5, 77, 9_998.5, 10**6):
        assert len(ruleset.matches({"x": value})) == min(10_000, max(0, math.floor(value) + 1))


def test_five_hundred_fields(backend):
    when = {"and": [{"==": [{"var": f"f{index}.value"}, index]} for index in range(500)]}
    rules = RuleSet.from_rules([{"id": "all", "when": when}], backend=backend)
    event = {f"f{index}": {"value": index} for index in range(500)}
    assert rules.matches(event) == ["all"]
    event["f499"] = {"value": 498}
    assert rules.matches(event) == []


def test_a_key_that_raises_is_not_swallowed(backend):
    class Strange(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            raise RuntimeError("compared")

    rules = RuleSet.from_rules([{"id": "r", "when": {">": [{"var": "amount"}, 1]}}], backend=backend)
    with pytest.raises(RuntimeError, match="compared"):
        rules.matches({Strange("amount"): 2})


def test_what_is_no_event_is_refused(backend):
    rules = RuleSet.from_rules([{"id": "r", "when": True}], backend=backend)
    for event in (None, 3, "text", [1]):
        with pytest.raises(EventError):
            rules.matches(event)
    assert rules.matches({}) == ["r"]


def test_no_rules_match_nothing(backend):
    assert RuleSet.from_rules([], backend=backend).matches({"a": 1}) == []


@pytest.mark.parametrize(
    "key",
    [
        "'",
        '"',
        "\\",
        "a\nb",
        "') or exit(",
        "{0}",
        "%s",
        "def",
        "\u2028",
        "\0",
        "é",
        "0",
        "",
        "event",
    ],
)
def test_any_text_is_a_key(backend, key):
    rules = RuleSet.from_rules(
        [
            {"id": "above", "when": {">": [{"val": [key]}, 1]}},
            {"id": "within", "when": {"==": [{"val": ["outer", key]}, "x"]}},
            {"id": "double", "when": {">": [{"*": [{"val": [key]}, 2]}, 5]}},
        ],
        backend=backend,
    )
    assert rules.matches({key: 3, "outer": {key: "x"}}) == ["above", "within", "double"]
    assert rules.matches({key: 2, "outer": {key: "y"}}) == ["above"]
    assert rules.matches({}) == []


class Attributes:
    """Its __dict__ shares its keys with those of its like."""

    def __init__(self, values):
        for key, value in values.items():
            setattr(self, key, value)


def reordered(event):
    """The same keys, some of them deleted and put back."""
    changed = {**event, "z": 0}
    for key in [*list(event)[::2], "z"]:
        changed.pop(key)
    return changed | event


@pytest.mark.parametrize("extra", [0, 3, 300, 70_000])
@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(dict, id="plain"),
        pytest.param(reordered, id="deleted"),
        pytest.param(lambda event: {**event, 1: 2}, id="keys of other types"),
        pytest.param(lambda event: Attributes(event).__dict__, id="shared keys"),
        pytest.param(lambda event: {**event}.copy(), id="copied"),
    ],
)
def test_a_dict_of_any_layout_is_read(backend, layout, extra):
    names = [f"f{number}" for number in range(20)]
    rules = RuleSet.from_rules(
        [{"id": name, "when": {"==": [{"var": name}, number]}} for number, name in enumerate(names)],
        backend=backend,
    )
    event = {name: number for number, name in enumerate(names)} | {f"x{i}": i for i in range(extra)}
    assert rules.matches(layout(event)) == names
    held = layout(event)
    del held["f7"]
    assert rules.matches(held) == [name for name in names if name != "f7"]


def test_members_of_members_and_of_sequences(backend):
    deep = ".".join(["a"] * 60)
    rules = RuleSet.from_rules(
        [
            {"id": "deep", "when": {"==": [{"var": deep}, 1]}},
            {"id": "second", "when": {">": [{"var": "items.1.price"}, 5]}},
            {"id": "outer", "when": {"var": "items"}},
        ],
        backend=backend,
    )
    event = 1
    for _ in range(60):
        event = {"a": event}
    event["items"] = [{"price": 9}, {"price": 6}]
    assert rules.matches(event) == ["deep", "second", "outer"]
    event["items"] = {"1": {"price": 4}}
    event["a"]["a"] = OrderedDict(event["a"]["a"])
    assert rules.matches(event) == ["deep", "outer"]


def test_a_field_that_only_arithmetic_reads_is_compared_exactly(backend):
    rules = RuleSet.from_rules(
        [
            {"id": "product", "when": {">": [{"*": [{"var": "a"}, {"var": "b"}]}, 2**80]}},
            {"id": "sum", "when": {"==": [{"+": [{"var": "a"}, {"var": "b"}, 1]}, 2**53 + 2]}},
            {"id": "quotient", "when": {"==": [{"/": [{"var": "a"}, {"var": "b"}]}, 2**53 + 1]}},
            {"id": "third", "when": {"<": [{"/": [{"var": "a"}, {"var": "b"}]}, 3]}},
        ],
        backend=backend,
    )
    assert rules.matches({"a": 2**40, "b": 2**40}) == ["third"]
    assert rules.matches({"a": 2**40 + 1, "b": 2**40}) == ["product", "third"]
    assert rules.matches({"a": 2**53, "b": 1}) == ["sum"]
    assert rules.matches({"a": 2**53 + 1, "b": 1}) == ["quotient"]
    assert rules.matches({"a": 3 * 10**400, "b": 10**400}) == ["product"]
    assert rules.matches({"a": 1, "b": 0}) == []
    assert rules.matches({"a": 1.0, "b": 0.0}) == []
    assert rules.matches({"a": math.inf, "b": 1}) == ["product"]
    assert rules.matches({"a": math.inf, "b": math.inf}) == ["product"]
    assert rules.matches({"a": True, "b": 1}) == []


@pytest.mark.parametrize("count", [3, 70, 1_024, 2_100])
def test_each_rule_is_found_alone_and_with_all_others(backend, count):
    rules = RuleSet.from_rules(
        [
            {"id": f"r{index}", "when": {"or": [{"==": [{"var": "x"}, index]}, {"var": "all"}]}}
            for index in range(count)
        ],
        backend=backend,
    )
    for index in {0, 1, 2, 31, 32, 63, 64, 511, 512, 1_023, 1_024, count - 1} & set(range(count)):
        assert rules.matches({"x": index}) == [f"r{index}"]
        assert rules.first({"x": index}) == f"r{index}"
    assert rules.matches({"x": 1, "all": True}) == [f"r{index}" for index in range(count)]
    assert rules.first({"all": 1}) == "r0"
    assert rules.first({"x": -1}) is None
