"""Explanations: the tree with values, why a rule did or did not fire, and the text for an analyst."""

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fastcore.rules import RuleSet
from fastcore.rules.describe import describe, plain_value
from fastcore.rules.language import ConditionChecker

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
