"""Rules that are limited in time: by every way, under each policy, with conditions that throw."""

import datetime as dt
import json

import pytest

from fastcore.errors import EvaluationError
from fastcore.rules import RuleSet

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY, LEAST = dt.timedelta(1), dt.timedelta(microseconds=1)
OPEN = [(None, None), (NOW, None), (NOW, NOW + LEAST), (None, NOW + LEAST), (NOW - DAY, NOW + DAY)]
CLOSED = [(None, NOW), (NOW - DAY, NOW), (NOW + LEAST, None), (NOW + DAY, None), (NOW - 2 * DAY, NOW - DAY)]
X = {"var": "x"}
QUIET = [
    (True, lambda x: True),
    (False, lambda x: False),
    ({"==": [X, 1]}, lambda x: None if x is None else x == 1),
    ({"!": [{"<": [X, 1]}]}, lambda x: None if x is None else x >= 1),
    ({"<": [{"+": [X, {"var": "o.y"}]}, 1]}, lambda x: None),
    ({"==": [{"length": [X]}, 1]}, lambda x: None),
]
LOUD = [
    ({"throw": "no"}, lambda x: "throw"),
    ({"if": [{"==": [X, 1]}, {"throw": "one"}, True]}, lambda x: {1: "throw", None: None}.get(x, True)),
]
DECIDED = [0, 1, 3]
"""Of QUIET those that an event with a number decides."""


def limited(conditions, windows):
    """Rules, what each condition is of a value, and whether the rule takes part; each window in turn."""
    rules, truths, active = [], [], []
    for start, end in windows:
        for logic, truth in conditions:
            rule = {"id": f"r{len(rules)}", "when": logic, "score": 1}
            rule |= {} if start is None else {"valid_from": start.isoformat()}
            rules.append(rule | ({} if end is None else {"valid_until": end.isoformat()}))
            truths.append(truth)
            active.append((start, end) in OPEN)
    return rules, truths, active


def outcome(ruleset, event):
    """What all ways agree on: who fired, who threw, who is undecided."""
    found = set()
    for way in (
        lambda: ruleset.evaluate(event, now=NOW),
        lambda: ruleset.evaluate_json(json.dumps(event), now=NOW),
        lambda: ruleset.evaluate_many([event], now=NOW, errors="raise")[0],
    ):
        try:
            decision = way()
        except EvaluationError as error:
            found.add(((), (), error.rule))
            for ask in (ruleset.matches, ruleset.first, ruleset.score):
                with pytest.raises(EvaluationError):
                    ask(event, now=NOW)
            continue
        found.add((decision.matched, tuple(error.rule for error in decision.errors), None))
        assert ruleset.matches(event, now=NOW) == list(decision.matched)
        assert ruleset.first(event, now=NOW) == (decision.matched or (None,))[0]
        assert ruleset.score(event, now=NOW) == len(decision.matched)
    (only,) = found
    return only


@pytest.mark.parametrize(
    "windows",
    [OPEN + CLOSED, CLOSED + OPEN, [pair for two in zip(CLOSED, OPEN, strict=True) for pair in two]],
)
@pytest.mark.parametrize(
    "conditions", [QUIET, QUIET + LOUD, LOUD, [QUIET[i] for i in DECIDED], [QUIET[0], LOUD[1]]]
)
@pytest.mark.parametrize("missing", ["unknown", "error"])
def test_only_rules_of_the_time_take_part(windows, conditions, missing, backend):
    rules, truths, active = limited(conditions, windows)
    ruleset = RuleSet({"missing": missing, "rules": rules}, backend=backend)
    for x in (0, 1, 2, None):
        found = [(rule["id"], truth(x)) for rule, truth, on in zip(rules, truths, active, strict=True) if on]
        matched = tuple(rule for rule, truth in found if truth is True)
        thrown = tuple(rule for rule, truth in found if truth == "throw")
        undecided = [rule for rule, truth in found if truth not in (True, False)]
        wanted = (matched, thrown, None)
        if missing == "error" and undecided:
            wanted = ((), (), undecided[0])
        assert outcome(ruleset, {"x": x} if x is not None else {}) == wanted, x


@pytest.mark.parametrize("missing", ["unknown", "error"])
def test_no_rule_of_the_time_is_left(missing, backend):
    rules, _, _ = limited(QUIET + LOUD, CLOSED)
    ruleset = RuleSet({"missing": missing, "rules": rules}, backend=backend)
    assert outcome(ruleset, {}) == outcome(ruleset, {"x": 1}) == ((), (), None)
