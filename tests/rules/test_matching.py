"""The index over conditions against the plain evaluator, which explanations use: the same rules fire."""

import math
import random
from collections import OrderedDict
from dataclasses import make_dataclass
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import EventError
from fastcore.rules import RuleSet
from tests.conftest import cython_problem

NUMBERS = ["amount", "velocity", "device.risk", "geo.distance"]
TEXTS = ["country", "device.browser", "card.country"]
FLAGS = ["proxy", "card.present"]
COUNTRIES = ["US", "DE", "FR", "GB", "", "IL"]
THRESHOLDS = [-1, 0, -0.0, 0.1, 0.5, 1, 10, 99.5, 2**53, 2**53 + 1, -(2**60), 10**400, 1e308, 5e-324]


def number(source):
    field = {"var": source.choice(NUMBERS)}
    if source.random() < 0.6:
        return field
    other = source.choice([{"var": source.choice(NUMBERS)}, source.choice([2, 0, 0.5, -3, 2**53 - 1])])
    return {source.choice("+-*/%"): [field, other]}


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


def ruleset(count, seed, backend):
    source = random.Random(seed)
    rules = [
        {"id": f"r{index}", "when": condition(source), "priority": source.randrange(3)}
        for index in range(count)
    ]
    return RuleSet.from_rules(rules, backend=backend)


SIZES = {"one word": 40, "asked before read": 250, "gathered": 700}
RULESETS = {
    (name, backend): ruleset(count, count, backend)
    for name, count in SIZES.items()
    for backend in _backend.NAMES
    if backend == "python" or cython_problem() is None
}

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
        5e-324,
        -0.0,
        Decimal("0.1"),
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


def nested(keys):
    inner = st.dictionaries(st.sampled_from(keys), values)
    point = make_dataclass("Point", keys)
    return st.one_of(
        inner,
        inner.map(OrderedDict),
        inner.map(MappingProxyType),
        st.tuples(*[values for _ in keys]).map(lambda members: point(*members)),
        values,
    )


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


def explained(rules, event):
    return [entry.rule.id for entry in rules.explain(event).rules if entry.fired]


@pytest.mark.parametrize("size", SIZES)
@settings(max_examples=20, phases=[Phase.explicit, Phase.generate])
@given(event=events, wrap=st.sampled_from([dict, OrderedDict, MappingProxyType]))
def test_the_index_agrees_with_the_plain_evaluator(size, event, wrap):
    for (name, _), rules in RULESETS.items():
        if name == size:
            expected = explained(rules, wrap(event))
            assert rules.matches(wrap(event)) == expected
            assert list(rules.evaluate(wrap(event)).matched) == expected
            assert rules.first(wrap(event)) == (expected[0] if expected else None)


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
