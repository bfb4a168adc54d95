"""Explanations: the tree with values, why a rule did or did not fire, and the text for an analyst."""

import copy
import json
import math
import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given

from fastcore.errors import LimitError
from fastcore.rules import RuleSet
from fastcore.rules.describe import describe, plain_value
from fastcore.rules.language import ConditionChecker

from .test_kleene import UNKNOWN, backends, conditions, events, oracle, read

UTC = UTC
X, Y = {"var": "x"}, {"var": "y"}
DOCUMENT = {
    "name": "fraud",
    "version": "7",
    "lists": {"risky": ["NG", "RU"]},
    "rules": [
        {
            "id": "risky-amount",
            "description": "Large amount from a risky country",
            "score": 50,
            "action": "review",
            "when": {
                "and": [
                    {">": [{"var": "amount"}, 100]},
                    {"or": [{"in": [{"var": "card.country"}, {"list": "risky"}]}, {"var": "ip.proxy"}]},
                ]
            },
        },
        {"id": "off", "when": True, "enabled": False},
        {"id": "early", "when": True, "valid_from": "2030-01-01T00:00:00Z"},
        {"id": "late", "when": True, "valid_until": "2020-01-01T00:00:00Z"},
    ],
}
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_the_text(backend):
    text = (
        RuleSet(DOCUMENT, backend=backend).explain({"amount": 500, "card": {"country": "RU"}}, now=NOW).text()
    )
    assert (
        text
        == """\
ruleset fraud, version 7

risky-amount: FIRED - Large amount from a risky country
  its condition is true
  ✓ amount > 100 and (card.country in list "risky" or ip.proxy)
    ✓ amount > 100   [amount = 500]
    ✓ card.country in list "risky" or ip.proxy
      ✓ card.country in list "risky"   [card.country = "RU"]
      ? ip.proxy   [ip.proxy is missing]

off: did not fire
  the rule is disabled

early: did not fire
  the rule is valid from 2030-01-01T00:00:00+00:00

late: did not fire
  the rule was valid until 2020-01-01T00:00:00+00:00"""
    )


def test_the_tree(backend):
    rules = RuleSet(DOCUMENT, backend=backend)
    explanation = rules.explain({"amount": 50, "card": {"country": "DE"}}, "risky-amount")
    assert str(explanation) == explanation.text()
    assert json.loads(explanation.to_json()) == explanation.to_dict()
    (rule,) = explanation.to_dict()["rules"]
    assert {key: rule[key] for key in ("rule", "fired", "value", "why", "score", "action")} == {
        "rule": "risky-amount",
        "fired": False,
        "value": "false",
        "why": "because amount > 100 is false",
        "score": 50,
        "action": "review",
    }
    amount, either = rule["condition"]["parts"]
    assert amount == {
        "path": "when.and[0]",
        "condition": "amount > 100",
        "value": "false",
        "fields": [{"field": "amount", "present": True, "value": 50}],
        "reason": "",
        "parts": [],
    }
    assert either["value"] == "unknown"
    assert either["reason"] == "ip.proxy is missing"
    assert either["parts"][1]["fields"] == [{"field": "ip.proxy", "present": False, "value": None}]


@pytest.mark.parametrize(
    ("when", "event", "fired", "why"),
    [
        (
            {"or": [{">": [X, 5]}, {"==": [Y, "a"]}]},
            {"x": 1, "y": "b"},
            False,
            'because x > 5; y == "a" is false',
        ),
        ({"and": [X, {"!": [Y]}]}, {"x": True, "y": True}, False, "because not y is false"),
        ({">": [X, 5]}, {}, False, "undecided: x is missing"),
        (
            {">": [X, 5]},
            {"x": "a"},
            False,
            'undecided: x leaves ">" without a result for a string and a number',
        ),
        (
            {"some": [X, {">": [{"var": "p"}, 1]}]},
            {"x": [{"p": 0}, {}]},
            False,
            "undecided: x[1].p is missing",
        ),
        ({"or": [True, {"throw": "odd"}]}, {}, True, "its condition is true"),
        ({"throw": "odd"}, {}, False, 'undecided: threw "odd"'),
    ],
)
def test_why(backend, when, event, fired, why):
    rules = RuleSet.from_rules([{"id": "a", "when": when}], backend=backend)
    (rule,) = rules.explain(event).rules
    assert (rule.fired, rule.why) == (fired, why)
    assert rule.fired == (rules.matches(event) == ["a"])


def test_under_error_an_explanation_does_not_raise(backend):
    rules = RuleSet.from_rules([{"id": "a", "when": {">": [X, 1]}}], missing="error", backend=backend)
    assert rules.explain({}).rules[0].why == "undecided: x is missing"


def test_under_jsonlogic(backend):
    rules = RuleSet.from_rules(
        [
            {"id": "a", "when": {"and": [{"<": [X, 10]}, {"==": [{"var": "y"}, 1]}]}},
            {"id": "b", "when": {"+": ["abc", 1]}},
            {"id": "c", "when": {"!": {"var": "y"}}},
        ],
        missing="jsonlogic",
        backend=backend,
    )
    a, b, c = rules.explain({"y": "1"}).rules
    assert (a.fired, b.fired, c.fired) == (True, False, False)
    assert [part.value for part in a.condition.parts] == [True, True]
    assert b.why == "could not be evaluated: NaN"
    assert c.condition.parts[0].path == "when.!"


def walk(condition, logic):
    """Each condition of an explanation beside the part of the document that it stands for."""
    yield condition, logic
    if condition.parts:
        ((_, operands),) = logic.items()
        for part, operand in zip(condition.parts, operands, strict=True):
            yield from walk(part, operand)


@given(conditions, events)
def test_each_condition_has_the_value_of_the_truth_table(when, event):
    for backend in backends():
        rules = RuleSet.from_rules([{"id": "a", "when": when}], backend=backend)
        (rule,) = rules.explain(event, "a").rules
        assert rule.fired == (rules.matches(event) == ["a"])
        for condition, logic in walk(rule.condition, when):
            expected = oracle(logic, event)
            assert condition.value is (None if expected is UNKNOWN else expected)
            assert bool(condition.reason) == (condition.value is None)
            for field in condition.fields:
                assert field.present == (field.name in event)
                known = read(field.name, event) is not UNKNOWN
                assert not known or field.value == plain_value(event[field.name])


def test_the_parts_of_a_document_are_named_alike_on_both_backends():
    when = {"and": [{"!": [X]}, {"or": [{"in": [X, ["a"]]}, {">": [Y, 1]}]}, {"if": [X, Y, {"!!": [Y]}]}]}
    found = []
    for backend in backends():
        (rule,) = RuleSet.from_rules([{"id": "a", "when": when}], backend=backend).explain({"x": 1}).rules
        found.append([condition.path for condition, _ in walk(rule.condition, when)])
    assert all(paths == found[0] for paths in found)
    assert found[0] == [
        "when",
        "when.and[0]",
        "when.and[0].!",
        "when.and[1]",
        "when.and[1].or[0]",
        "when.and[1].or[1]",
        "when.and[2]",
        "when.and[2].if[0]",
        "when.and[2].if[1]",
        "when.and[2].if[2]",
        "when.and[2].if[2].!!",
    ]


def test_an_explanation_is_of_the_moment(backend):
    rules = RuleSet.from_rules([{"id": "a", "when": {"in": [1, X]}}, {"id": "b", "when": Y}], backend=backend)
    event = {"x": [1, 2], "y": True}
    explanation = rules.explain(event)
    before = explanation.to_dict()
    event["x"].append(3)
    event["y"] = False
    del event["x"]
    assert explanation.to_dict() == before
    assert before["rules"][0]["condition"]["fields"] == [{"field": "x", "present": True, "value": [1, 2]}]


def test_explanations_are_values(backend):
    rules = RuleSet(DOCUMENT, backend=backend)
    event = {"amount": 50, "card": {"country": "DE"}}
    one, other = (rules.explain(event, now=NOW) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one.rules[0].condition == other.rules[0].condition
    assert one != rules.explain({**event, "amount": 51}, now=NOW)
    assert one.rules[0] != one.rules[1]
    assert one.rules[0].condition != "when"
    assert pickle.loads(pickle.dumps(one)) == one == copy.deepcopy(one)
    assert "fired=False" in repr(one)
    assert "operator='and'" in repr(one.rules[0].condition)
    for value in (one, one.rules[0], one.rules[0].condition, one.rules[0].condition.fields[0]):
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            value.value = None
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            value.path = "elsewhere"


def test_a_list_of_many_entries(backend):
    entries = [f"merchant {index}" for index in range(1000)]
    when = {"!": [{"in": [X, {"list": "many"}]}]}
    rules = RuleSet.from_rules(
        [{"id": "off", "when": when, "enabled": False}, {"id": "a", "when": when}],
        lists={"many": entries},
        backend=backend,
    )
    assert [rules.explain({"x": x}, "a").rules[0].fired for x in ("merchant 7", "other")] == [False, True]
    (rule,) = rules.explain({"x": 7}, "a").rules
    assert rule.why == "undecided: x is a number, and the list has no such value to compare with"
    assert rule.condition.parts[0].text == 'x in list "many"'


def test_an_unknown_rule(backend):
    with pytest.raises(KeyError, match="no rule has the id 'z'"):
        RuleSet(DOCUMENT, backend=backend).explain({}, "z")


def test_any_value_can_be_shown(backend):
    rules = RuleSet.from_rules([{"id": "a", "when": {"==": [X, 1]}}], backend=backend)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    cyclic = {}
    cyclic["self"] = cyclic
    for value in (
        math.nan,
        math.inf,
        Decimal("1.5"),
        b"x",
        {1},
        object(),
        NOW,
        10**5000,
        "\ud800",
        deep,
        cyclic,
        "x" * 10_000,
    ):
        explanation = rules.explain({"x": value})
        json.loads(explanation.to_json())
        assert len(explanation.text()) < 10_000
    while deep:
        deep = deep.pop()


def test_an_explanation_of_limited_size():
    ruleset = RuleSet({"rules": [{"id": "a", "when": {"or": [{"==": [{"var": "x"}, 1]}, {"var": "y"}]}}]})
    explanation = ruleset.explain({"x": "é" * 500})
    size = len(explanation.to_json())
    assert explanation.to_json(size) == explanation.to_json()
    assert explanation.to_dict(size) == explanation.to_dict()
    with pytest.raises(LimitError, match="the explanation takes more than 1500 bytes"):
        explanation.to_json(1500)


def test_values_of_many_members_in_several_depths_are_cut():
    grid = plain_value([[[7] * 100] * 100] * 100)
    assert len(str(grid)) < 30_000
    assert plain_value([{"a": 1, "b": [1, 2]}] * 50) == [{"a": 1, "b": [1, 2]}] * 50


def test_plain_values():
    assert plain_value(timedelta(1)) == "1 day, 0:00:00"
    assert plain_value([1] * 300) == [1] * 200 + ["…"]
    assert plain_value({"a": (1, math.inf)}) == {"a": [1, "inf"]}
    assert plain_value(10**5000) == "an integer of 16610 bits"


@pytest.mark.parametrize(
    ("logic", "text"),
    [
        ({"*": [{"+": [X, 1]}, 2]}, "(x + 1) * 2"),
        ({"+": [{"*": [X, 1]}, 2]}, "x * 1 + 2"),
        ({"-": [X, {"-": [Y, 1]}]}, "x - (y - 1)"),
        ({"or": [{"and": [X, Y]}, {"!": [{"or": [X, Y]}]}]}, "x and y or not (x or y)"),
        ({"!": [{"in": [X, [1]]}]}, "not x in [1]"),
        ({"==": [{"in": [X, [1]]}, True]}, "(x in [1]) == true"),
        ({"in": [X, list(range(10))]}, "x in [0, 1, 2, 3, 4, … 10 values]"),
        ({"===": [X, "a"]}, 'x == "a"'),
        ({"<": [1, X, 3]}, "1 < x < 3"),
        ({"if": [X, 1, 2]}, "if(x, 1, 2)"),
        ({"var": ["x", 5]}, "x (else 5)"),
        ({"exists": ["a", "b"]}, "a.b exists"),
        ({"in_network": [X, "10.0.0.0/8"]}, 'x in network ["10.0.0.0/8"]'),
        ({">": [{"now": []}, {"datetime": "2026-01-01T00:00:00Z"}]}, "now() > 2026-01-01T00:00:00+00:00"),
        ({"<": [X, {"duration": "PT1H"}]}, "x < 1:00:00"),
        ({"some": [X, {">": [{"var": ""}, 1]}]}, "some(x, it > 1)"),
        ({"-": [X]}, "-(x)"),
        ({"map": [X, {"val": [[2], "k"]}]}, "map(x, k of scope 2)"),
    ],
)
def test_describe(logic, text):
    checker = ConditionChecker({})
    assert describe(checker.check(logic, "")) == text
    assert checker.errors == []
