"""RuleSet: making one, what it is, and what it says of events."""

import copy
import dataclasses
import decimal
import json
import math
import pickle
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

import fastcore
from fastcore import _backend
from fastcore.errors import EvaluationError, EventError, FastcoreError, LimitError, RuleSetError
from fastcore.rules import Decision, DecisionError, RuleSet

UTC = UTC
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def greater(field, than):
    return {">": [{"var": field}, than]}


FRAUD = {
    "name": "fraud",
    "version": "7",
    "lists": {"risky": ["NG", "RU"]},
    "rules": [
        {"id": "big", "when": greater("amount", 100), "score": 10},
        {
            "id": "far",
            "when": {"in": [{"var": "card.country"}, {"list": "risky"}]},
            "score": 30,
            "action": "review",
        },
        {"id": "first", "when": greater("amount", 500), "score": 60, "priority": 5},
        {"id": "off", "when": True, "enabled": False, "score": 1000, "action": "block"},
    ],
    "decisions": [{"at_least": 20, "action": "call"}, {"at_least": 60, "action": "hold"}],
    "default_action": "accept",
}


def make(backend, *rules, **document):
    return RuleSet.from_rules(rules, backend=backend, **document)


# --- deciding -----------------------------------------------------------------------------------------------


def test_matches_are_ordered_by_priority_then_document(backend):
    rules = RuleSet(FRAUD, backend=backend)
    event = {"amount": 600, "card": {"country": "RU"}}
    assert rules.matches(event) == ["first", "big", "far"]
    assert rules.first(event) == "first"
    assert rules.score(event) == 100
    decision = rules.evaluate(event)
    assert decision == Decision(("first", "big", "far"), 100, "review", (), "fraud", "7")
    assert not decision.failed


def test_negative_priorities_come_last(backend):
    rules = make(
        backend,
        {"id": "c", "when": True, "priority": -1},
        {"id": "a", "when": True},
        {"id": "b", "when": True, "priority": 0},
        {"id": "z", "when": True, "priority": 10**30},
    )
    assert rules.matches({}) == ["z", "a", "b", "c"]
    assert [rule.id for rule in rules.rules] == ["z", "a", "b", "c"]


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ({"amount": 600}, "hold"),
        ({"amount": 200, "card": {"country": "RU"}}, "review"),
        ({"amount": 200}, "accept"),
        ({}, "accept"),
    ],
)
def test_the_action(backend, event, action):
    assert RuleSet(FRAUD, backend=backend).evaluate(event).action == action


def test_the_action_is_of_the_first_fired_rule_in_order_that_has_one(backend):
    rules = make(
        backend,
        {"id": "a", "when": True, "action": "later"},
        {"id": "b", "when": True, "priority": 1},
        {"id": "c", "when": True, "action": "sooner", "priority": 1},
    )
    assert rules.evaluate({}).action == "sooner"
    assert make(backend, {"id": "a", "when": True}).evaluate({}).action is None


def test_scores(backend):
    integers = make(
        backend, {"id": "a", "when": True, "score": 10**20}, {"id": "b", "when": True, "score": -1}
    )
    assert type(integers.score({})) is int
    assert integers.score({}) == 10**20 - 1
    floats = [
        {"id": str(index), "when": True, "score": score} for index, score in enumerate([0.1, 0.2, 0.3, -1])
    ]
    assert make(backend, *floats).score({}) == 0.1 + 0.2 + 0.3 - 1
    mixed = make(backend, {"id": "a", "when": True, "score": 1}, {"id": "b", "when": False, "score": 0.5})
    assert type(mixed.score({})) is float
    assert type(mixed.evaluate({}).score) is float
    negative = make(
        backend, {"id": "a", "when": True, "score": -5}, decisions=[{"at_least": -10, "action": "x"}]
    )
    assert negative.evaluate({}).action == "x"


def test_unknown_fires_nothing(backend):
    rules = make(
        backend,
        {"id": "a", "when": {"<": [{"var": "x"}, 10]}},
        {"id": "b", "when": {"!": [{"<": [{"var": "x"}, 10]}]}},
        {"id": "c", "when": {"==": [{"var": "x"}, None]}},
        {"id": "d", "when": {"missing": ["x"]}},
    )
    for nothing in ({}, {"x": None}, {"x": math.nan}):
        assert rules.matches(nothing) == ["d"]
    assert rules.matches({"x": 5}) == ["a"]


def test_time_limits(backend):
    rules = make(
        backend,
        {"id": "new", "when": True, "valid_from": "2026-11-21T12:00:00Z"},
        {"id": "old", "when": True, "valid_until": "2026-11-21T13:00:00+01:00"},
        {"id": "always", "when": True},
    )
    assert rules.matches({}, now=NOW) == ["new", "always"]
    assert rules.matches({}, now=NOW - timedelta(microseconds=1)) == ["old", "always"]
    assert rules.first({}, now=NOW - timedelta(1)) == "old"
    assert len(rules.matches({})) == 2


def test_now(backend):
    rules = make(backend, {"id": "a", "when": {">": [{"now": []}, {"datetime": "2026-11-21T11:59:59Z"}]}})
    assert rules.matches({}, now=NOW) == ["a"]
    assert rules.matches({}, now=NOW - timedelta(1)) == []
    with pytest.raises(ValueError, match="no time zone"):
        rules.matches({}, now=datetime(2026, 1, 1))
    with pytest.raises(TypeError, match="aware datetime, not str"):
        rules.evaluate({}, now="2026-01-01T00:00:00Z")


def test_throws_are_reported(backend):
    rules = make(
        backend,
        {"id": "a", "when": {"or": [{"throw": "odd"}, {"var": "x"}]}},
        {"id": "b", "when": {"try": [{"throw": "odd"}, True]}},
    )
    decision = rules.evaluate({"x": True})
    assert decision.matched == ("a", "b")
    assert decision.errors == (DecisionError("throw", "odd", "a"),)
    assert not decision.failed


# --- events -------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Card:
    country: str


@dataclasses.dataclass
class Payment:
    amount: Any
    card: Card


class Pair(NamedTuple):
    amount: Any
    card: Any


def test_events_of_every_kind(backend):
    rules = RuleSet(FRAUD, backend=backend)
    events = [
        Payment(600, Card("RU")),
        Pair(600, {"country": "RU"}),
        {"amount": Decimal(600), "card": Card("RU")},
    ]
    for event in events:
        assert rules.matches(event) == ["first", "big", "far"]


@pytest.mark.parametrize("event", [None, 5, "text", b"{}", [1], (1, 2), Payment, object(), {1}])
def test_what_is_no_event(backend, event):
    rules = RuleSet(FRAUD, backend=backend)
    for ask in (rules.evaluate, rules.matches, rules.score, rules.first, rules.explain):
        with pytest.raises(EventError, match="mapping, dataclass, pydantic model or named tuple, not"):
            ask(event)


def test_nothing_is_changed_in_an_event(backend):
    event = {"amount": 600, "card": {"country": "RU"}, "list": [1, {"a": None}]}
    before = copy.deepcopy(event)
    rules = RuleSet(FRAUD, backend=backend)
    rules.evaluate(event)
    rules.explain(event)
    assert event == before


# --- JSON ---------------------------------------------------------------------------------------------------


def test_evaluate_json(backend):
    rules = RuleSet(FRAUD, backend=backend)
    text = '{"amount": 600, "card": {"country": "RU"}, "ü": "\\ud83d\\ude00"}'
    expected = rules.evaluate(json.loads(text))
    for body in (text, text.encode(), bytearray(text.encode()), memoryview(text.encode())):
        assert rules.evaluate_json(body) == expected


def test_of_duplicate_keys_the_last_wins(backend):
    rules = RuleSet(FRAUD, backend=backend)
    assert (
        rules.evaluate_json('{"card": {"country": "RU"}, "amount": 600, "amount": 1, "card": {}}').matched
        == ()
    )


def test_numbers_of_json(backend):
    rules = make(backend, {"id": "a", "when": {"==": [{"var": "x"}, 2**70 + 1]}})
    assert rules.evaluate_json(f'{{"x": {2**70 + 1}}}').matched == ("a",)
    assert rules.evaluate_json(f'{{"x": {2**70}}}').matched == ()
    assert rules.evaluate_json(f'{{"x": {2**70 + 1}.0}}').matched == ()


@pytest.mark.parametrize(
    ("body", "offset", "message"),
    [
        (b'\xef\xbb\xbf{"a": 1}', 0, "byte order mark"),
        ('\ufeff{"a": 1}', 0, "byte order mark"),
        (b'{"a": NaN}', 6, "NaN is not JSON"),
        (b'{"a": "NaN", "b": -Infinity}', 18, "-Infinity is not JSON"),
        ('{"\\"": Infinity}', 7, "Infinity is not JSON"),
        (b'{"a": 1} x', 9, "Extra data"),
        (b'{"a": 1}{}', 8, "Extra data"),
        ('{"ü": 1,}', (7, 8), ""),  # which one depends on the interpreter's json
        ('{"ü": x}', 6, "Expecting value"),
        ('{"ü": x}'.encode(), 7, "Expecting value"),
        (b"", 0, "Expecting value"),
        (b"  [1]", 2, "not an array"),
        (b"null", 0, "not null"),
        (b'"a"', 0, "not a string"),
        (b"5", 0, "not a number"),
        (b"true", 0, "not a boolean"),
        (b'{"a": "\xff"}', 7, "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', (7, 8), "not UTF-8"),
        (b'{"a": 01}', 7, ""),
        (b'{"a": "\n"}', (6, 7, 8), ""),
        (b"{'a': 1}", 1, ""),
        (b'{"a": 1', 7, ""),
        (b'{"a": ' + b"9" * 5000 + b"}", 6, "4300 digits"),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", 6 + 127, "deeper than 128"),
    ],
)
def test_json_that_is_refused(backend, body, offset, message):
    with pytest.raises(EventError) as caught:
        RuleSet(FRAUD, backend=backend).evaluate_json(body)
    assert message in str(caught.value)
    assert caught.value.offset in (offset if isinstance(offset, tuple) else (offset,))
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, FastcoreError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_depth_of_json_is_limited(backend):
    rules = RuleSet(FRAUD, backend=backend)
    text = '{"a": ' + "[" * 127 + "]" * 127 + ', "b": "' + "[" * 200 + '"}'
    assert rules.evaluate_json(text).matched == ()
    with pytest.raises(EventError, match="deeper than 10 levels"):
        rules.evaluate_json(text, depth=10)
    with pytest.raises(EventError, match="deeper than 128"):
        rules.evaluate_json("[" * 100_000)
    with pytest.raises(TypeError, match="bytes or str, not dict"):
        rules.evaluate_json({})


# --- missing="error" ----------------------------------------------------------------------------------------


def strict(backend, *rules):
    return make(backend, *rules, missing="error")


def test_error_names_the_first_undecided_rule(backend):
    rules = strict(
        backend,
        {"id": "later", "when": greater("y", 1)},
        {"id": "sooner", "when": greater("x", 1), "priority": 1},
        {"id": "off", "when": greater("z", 1), "priority": 2, "enabled": False},
    )
    for event in ({}, {"y": None}):
        with pytest.raises(EvaluationError, match="rule 'sooner': field 'x': is missing") as caught:
            rules.evaluate(event)
    assert (caught.value.rule, caught.value.field, caught.value.value) == ("sooner", "x", None)
    with pytest.raises(EvaluationError, match="rule 'later': field 'y': is null"):
        rules.matches({"x": 5, "y": None})
    assert rules.matches({"x": 5, "y": 0}) == ["sooner"]
    for ask in (rules.evaluate, rules.matches, rules.score, rules.first):
        with pytest.raises(EvaluationError, match="sooner"):
            ask({})


def test_error_does_not_depend_on_short_circuits(backend):
    rules = strict(
        backend,
        {"id": "a", "when": {"and": [greater("x", 1), {"var": "no"}]}},
        {"id": "b", "when": {"or": [greater("x", 1), {"var": "yes"}]}},
    )
    assert rules.matches({"no": False, "yes": True}) == ["b"]
    with pytest.raises(EvaluationError, match="rule 'a': field 'x'"):
        rules.matches({"no": True, "yes": True})


X = {"var": "x"}


@pytest.mark.parametrize(
    ("when", "event", "field", "reason"),
    [
        (greater("x", 1), {"x": "a"}, "x", 'leaves ">" without a result for a string and a number'),
        ({"==": [X, None]}, {"x": 5}, "x", 'leaves "==" without a result for a number and null'),
        (greater("x.y", 1), {"x": 5}, "x.y", "is missing"),
        (greater("x", 1), {"x": math.nan}, "x", "is not a number (NaN)"),
        (greater("x", 1), {"x": {1}}, "x", "has the type set, which conditions do not know"),
        ({">": [{"/": [1, X]}, 2]}, {"x": 0}, "x", "leads to a division by zero"),
        ({"in": [X, ["a"]]}, {"x": 1}, "x", "is a number, and the array has no such value to compare with"),
        ({"in_network": [X, "10.0.0.0/8"]}, {"x": "home"}, "x", 'is not an IP address: "home"'),
        ({"if": [X, True, False]}, {}, "x", "is missing"),
        ({"if": [X, True]}, {"x": 0}, "x", "leaves the if without a true test, and it has no else"),
        ({"if": [X, {"var": "y"}, False]}, {"x": 1}, "y", "is missing"),
        ({"!": [{"and": [True, X]}]}, {}, "x", "is missing"),
        ({"some": [X, greater("p", 1)]}, {"x": [{"p": 0}, {"q": 1}]}, "x[1].p", "is missing"),
        ({"some": [X, greater("", 1)]}, {"x": [None]}, "x[0]", "is null"),
        ({"some": [X, greater("p", 1)]}, {"x": "abc"}, "x", "is a string, not an array"),
        ({"all": [{"map": [X, 1]}, True]}, {}, "x", "is missing"),
        (
            {"==": [{"reduce": [X, {"var": "current"}, 0]}, 1]},
            {"x": [None]},
            "x",
            "leads reduce to a value that is unknown",
        ),
        ({"throw": "odd"}, {}, "", 'threw "odd"'),
        ({"var": ["x", {"var": "y"}]}, {}, "y", "is missing"),
        ({">": [{"datetime": X}, {"now": []}]}, {"x": "later"}, "x", 'is not a datetime: "later"'),
        ({"try": [{"throw": "a"}, {"val": [[2], "x"]}]}, {}, "", 'threw "a"'),
    ],
)
def test_the_reason(backend, when, event, field, reason):
    with pytest.raises(EvaluationError) as caught:
        strict(backend, {"id": "a", "when": when}).evaluate(event)
    assert (caught.value.field, caught.value.reason) == (field, reason)


def test_error_in_a_batch(backend):
    rules = strict(backend, {"id": "a", "when": greater("x", 1)})
    good, bad, worse = rules.evaluate_many([{"x": 5}, {}, 7])
    assert good.matched == ("a",)
    assert bad.failed
    assert bad.errors == (DecisionError("evaluation", "rule 'a': field 'x': is missing", "a", "x"),)
    assert (bad.matched, bad.score, bad.action) == ((), 0, None)
    assert worse.errors[0].code == "event"
    with pytest.raises(EvaluationError) as caught:
        rules.evaluate_many([{"x": 5}, {}], errors="raise")
    assert caught.value.index == 1
    with pytest.raises(EventError, match=r"^event 0: an event is"):
        rules.evaluate_many([7], errors="raise")
    with pytest.raises(ValueError, match="'record' or 'raise'"):
        rules.evaluate_many([], errors="ignore")


def test_many_equals_one_by_one(backend):
    rules = RuleSet(FRAUD, backend=backend)
    events = [
        {"amount": amount, "card": {"country": "RU" if amount % 2 else "DE"}} for amount in range(0, 1000, 37)
    ]
    assert rules.evaluate_many(iter(events)) == [rules.evaluate(event) for event in events]


def test_a_limit_in_a_batch(backend):
    square = {"reduce": [X, {"*": [{"var": "accumulator"}, {"var": "accumulator"}]}, 3]}
    rules = make(backend, {"id": "a", "when": square})
    assert rules.evaluate_many([{"x": [1] * 64}, {"x": [1]}])[0].errors[0].code == "limit"
    with pytest.raises(LimitError, match=r"^event 0: "):
        rules.evaluate_many([{"x": [1] * 64}], errors="raise")


# --- missing="jsonlogic" ------------------------------------------------------------------------------------


def test_jsonlogic_coerces(backend):
    rules = make(
        backend,
        {"id": "null", "when": {"<": [X, 10]}},
        {"id": "text", "when": {"==": [{"var": "y"}, 1]}},
        {"id": "nan", "when": {"+": ["abc", 1]}},
        {"id": "list", "when": [0]},
        missing="jsonlogic",
    )
    decision = rules.evaluate({"y": "1"})
    assert decision.matched == ("null", "text", "list")
    assert decision.errors == (DecisionError("logic", "NaN", "nan"),)
    assert rules.first({"x": 50, "y": "1"}) == "text"
    assert [decision.matched for decision in rules.evaluate_many([{"x": 1}, {"x": 20, "y": 1}])] == [
        ("null", "list"),
        ("text", "list"),
    ]


def test_jsonlogic_with_lists_networks_and_time(backend):
    rules = make(
        backend,
        {"id": "list", "when": {"in": [X, {"list": "l"}]}},
        {"id": "net", "when": {"in_network": [{"var": "ip"}, {"list": "nets"}]}},
        {"id": "time", "when": {">": [{"now": []}, {"datetime": "2026-11-21T11:59:59Z"}]}},
        missing="jsonlogic",
        lists={"l": ["a", 1], "nets": ["10.0.0.0/8"]},
    )
    assert rules.matches({"x": "a", "ip": "10.1.2.3"}, now=NOW) == ["list", "net", "time"]
    assert rules.matches({"x": "b", "ip": "11.1.2.3"}, now=NOW - timedelta(1)) == []
    assert rules.matches(Payment(1, Card("x")), now=NOW) == ["time"]


# --- a value among values -----------------------------------------------------------------------------------


def test_equality_and_hash_are_by_content(backend):
    rules = RuleSet(FRAUD, backend=backend)
    reordered = RuleSet.from_json(json.dumps(dict(reversed(FRAUD.items())), indent=4), backend=backend)
    assert rules == reordered
    assert hash(rules) == hash(reordered)
    assert rules.to_json() == reordered.to_json()
    assert rules == RuleSet(FRAUD, backend="python")
    assert rules != RuleSet({**FRAUD, "version": "8"}, backend=backend)
    assert rules != FRAUD
    assert len({rules, reordered}) == 1


def test_versions():
    unnamed = RuleSet({"rules": []})
    assert unnamed.name == "rules"
    assert len(unnamed.version) == 12
    assert int(unnamed.version, 16) >= 0
    assert unnamed.version == RuleSet({"rules": []}, backend="python").version
    assert unnamed.version != RuleSet({"rules": [], "default_action": "a"}).version
    assert RuleSet(FRAUD).version == "7"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_do_not_name_the_backend(backend, protocol):
    rules = RuleSet(FRAUD, backend=backend)
    data = pickle.dumps(rules, protocol)
    assert data == pickle.dumps(RuleSet(FRAUD, backend="python"), protocol)
    assert b"cython" not in data
    assert b"_speedups" not in data
    loaded = pickle.loads(data)
    assert loaded == rules
    assert loaded.backend == _backend.name
    assert loaded.evaluate({"amount": 600}) == rules.evaluate({"amount": 600})


def test_a_ruleset_cannot_be_changed(backend):
    rules = RuleSet(FRAUD, backend=backend)
    for name in ("name", "version", "_plan", "anything"):
        with pytest.raises(AttributeError):
            setattr(rules, name, 1)
        with pytest.raises(AttributeError):
            delattr(rules, name)
    before = rules.to_json()
    rules.to_dict()["rules"].clear()
    rules.fields["x"] = ()
    rules.rules[0].when["!"] = []
    assert rules.to_json() == before
    assert "x" not in rules.fields
    assert copy.copy(rules) is rules
    assert copy.deepcopy(rules) is rules
    with pytest.raises(dataclasses.FrozenInstanceError):
        rules.rules[0].score = 5


def test_the_callers_document_is_copied(backend):
    document = copy.deepcopy(FRAUD)
    rules = RuleSet(document, backend=backend)
    document["rules"][0]["when"][">"][1] = 10**9
    document["lists"]["risky"].clear()
    assert rules.matches({"amount": 600, "card": {"country": "RU"}}) == ["first", "big", "far"]


def test_properties(backend):
    rules = RuleSet(FRAUD, backend=backend)
    assert rules.backend == backend
    assert rules.missing == "unknown"
    assert rules.to_dict() == FRAUD
    assert len(rules) == 4
    assert repr(rules) == "<RuleSet 'fraud' version '7': 4 rules>"
    assert rules.fields == {"amount": ("number",), "card.country": ("string",)}
    far = next(rule for rule in rules.rules if rule.id == "far")
    assert (far.score, far.action, far.tags, far.enabled) == (30, "review", (), True)
    assert far.when == {"in": [{"var": "card.country"}, {"list": "risky"}]}
    assert fastcore.RuleSet is RuleSet
    assert RuleSet.__module__.startswith("fastcore.rules")


@pytest.mark.parametrize(
    ("when", "fields"),
    [
        ({"and": [{"var": "a.b"}, {"var": "c"}]}, {"a.b": ("boolean",), "c": ("boolean",)}),
        ({"==": [{"var": "a"}, "x"]}, {"a": ("string",)}),
        ({"==": [{"var": "a"}, {"var": "b"}]}, {"a": (), "b": ()}),
        ({"in": [{"var": "a"}, [1, "x"]]}, {"a": ("number", "string")}),
        (
            {">": [{"+": [{"var": "a"}, 1]}, {"val": ["b", "c.d"]}]},
            {"a": ("number",), "b.c\\.d": ("number",)},
        ),
        (
            {"some": [{"var": "a"}, {">": [{"var": "inner"}, {"val": [[2], "k"]}]}]},
            {"a": ("array",), "k": ()},
        ),
        ({"missing": ["a", "b.c"]}, {"a": (), "b.c": ()}),
        ({"exists": ["a", "b"]}, {"a.b": ("boolean",)}),
        ({"starts_with": [{"var": "a"}, "x"]}, {"a": ("string",)}),
        ({"in_network": [{"var": "ip"}, "10.0.0.0/8"]}, {"ip": ("string",)}),
        ({"var": ["a", 5]}, {"a": ("boolean", "number")}),
    ],
)
def test_fields(when, fields):
    found = make(None, {"id": "a", "when": when}).fields
    if "exists" in when:
        found = dict.fromkeys(found, ())
        fields = dict.fromkeys(fields, ())
    assert found == fields


def test_fields_of_disabled_rules_are_not_needed():
    assert make(None, {"id": "a", "when": X, "enabled": False}).fields == {}


def test_rules_can_be_taken_over(backend):
    rules = RuleSet(FRAUD, backend=backend)
    again = RuleSet.from_rules(
        rules.rules,
        name="fraud",
        version="7",
        lists=FRAUD["lists"],
        decisions=FRAUD["decisions"],
        default_action="accept",
        backend=backend,
    )
    event = {"amount": 600, "card": {"country": "RU"}}
    assert again.evaluate(event) == rules.evaluate(event)
    assert [rule.id for rule in again.rules] == [rule.id for rule in rules.rules]


def test_decisions_are_values():
    a = Decision(("x",), 1, None, (DecisionError("throw", "odd", "x"),), "r", "1")
    b = Decision(("x",), 1.0, None, (DecisionError("throw", "odd", "x"),), "r", "1")
    assert a == b
    assert hash(a) == hash(b)
    assert pickle.loads(pickle.dumps(a)) == a
    assert json.loads(a.to_json()) == a.to_dict()
    assert a.to_json().startswith(b'{"matched":["x"],"score":1,"action":null,"errors":[{"code":"throw",')
    assert json.loads(Decision(("\ud800",), 0, None, (), "r", "1").to_json())["matched"] == ["\ud800"]


def test_an_unknown_backend():
    with pytest.raises(ValueError, match="backend must be"):
        RuleSet(FRAUD, backend="fortran")


def test_one_ruleset_in_many_threads(backend):
    rules = RuleSet(FRAUD, backend=backend)
    events = [{"amount": amount} for amount in range(0, 1000, 7)]
    expected = [rules.evaluate(event) for event in events]
    results = []

    def work():
        results.append([rules.evaluate(event) for event in events])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8


# --- examples -----------------------------------------------------------------------------------------------


def test_examples(backend):
    document = {
        **FRAUD,
        "rules": [
            {
                "id": "big",
                "when": greater("amount", 100),
                "score": 10,
                "examples": [
                    {"event": {"amount": 101}, "fires": True, "description": "just above"},
                    {"event": {"amount": 100}, "fires": False},
                    {"event": {"amount": 99}, "fires": True},
                ],
            }
        ],
        "examples": [
            {"event": {"amount": 500}, "expect": {"matched": ["big"], "score": 10, "action": "accept"}},
            {
                "event": {"amount": 500},
                "expect": {"matched": [], "not_fires": ["big"], "score": 11, "action": None},
            },
        ],
    }
    results = {result.path: result for result in RuleSet(document, backend=backend).run_examples()}
    assert {path: result.passed for path, result in results.items()} == {
        "examples[0]": True,
        "examples[1]": False,
        "rules[0].examples[0]": True,
        "rules[0].examples[1]": True,
        "rules[0].examples[2]": False,
    }
    assert results["examples[1]"].problems == (
        "expected matched [], got ['big']",
        "big fired",
        "expected score 11, got 10",
        "expected action None, got 'accept'",
    )
    assert results["rules[0].examples[2]"].problems == ("big did not fire",)
    assert results["rules[0].examples[0]"].description == "just above"


def test_examples_at_their_own_time_and_with_errors(backend):
    rules = make(
        backend,
        {
            "id": "a",
            "when": greater("x", 1),
            "valid_from": "2030-01-01T00:00:00Z",
            "examples": [
                {"event": {"x": 2}, "fires": True, "now": "2031-01-01T00:00:00Z"},
                {"event": {"x": 2}, "fires": False, "now": "2029-01-01T00:00:00Z"},
                {"event": {}, "fires": False, "now": "2031-01-01T00:00:00Z"},
            ],
        },
        missing="error",
    )
    results = rules.run_examples()
    assert [result.passed for result in results] == [True, True, False]
    assert results[2].problems == ("could not be evaluated: rule 'a': field 'x': is missing",)


def test_a_callers_decimal_context_takes_no_part(backend):
    with decimal.localcontext() as context:
        context.traps[decimal.FloatOperation] = True
        assert RuleSet(FRAUD, backend=backend).matches({"amount": Decimal("100.5")}) == ["big"]


def test_errors_of_documents_survive_pickling():
    with pytest.raises(RuleSetError) as caught:
        RuleSet({"rules": [{"id": ""}]})
    assert pickle.loads(pickle.dumps(caught.value)).errors == caught.value.errors
