"""Which of N rules fire for an event, beside one function of plain Python that tests them all.

Inside: one pass over 200 distinct events, as dicts or as JSON text; rulesets, functions and events are ready.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from fastcore.lab.plugin import Measure
from fastcore.lab.workloads import rules as workload
from fastcore.rules import RuleSet

EVENTS = workload.events(200)
BODIES = [json.dumps(event, separators=(",", ":")).encode() for event in EVENTS]
INDEXED, TESTED = "bitsets", "every condition"


def over(function: Callable[[Any], Any], events: list[Any]) -> list[Any]:
    """Nothing but the loop."""
    return [function(event) for event in events]


def ruleset(count: int, backend: str) -> RuleSet:
    return RuleSet(workload.document(workload.logics(count)), backend=backend)


def labels(count: int, what: str = "matches") -> dict[str, Any]:
    """What the rows of a group have in common."""
    work = f"{what}, {count:,} rules"
    return {"group": work, "work": work, "unit": "event", "units": len(EVENTS), "rules": count}


@pytest.mark.parametrize("count", [20, 200, 2_000, 10_000])
def test_matches(measure: Measure, backend: str, count: int) -> None:
    found = measure(over, ruleset(count, backend).matches, EVENTS, algorithm=INDEXED, **labels(count))
    assert found == over(workload.generated(workload.logics(count)), EVENTS)


@pytest.mark.parametrize("count", [20, 200, 2_000])
def test_matches_plain(measure: Measure, count: int) -> None:
    function = workload.generated(workload.logics(count))
    found = measure(over, function, EVENTS, algorithm=TESTED, by="plain Python", **labels(count))
    assert found == over(ruleset(count, "python").matches, EVENTS)


def decided(decisions: list[Any]) -> list[bytes]:
    return [decision.to_json() for decision in decisions]


def fired(found: list[Any]) -> list[list[str]]:
    """The ids, of decisions or as they are."""
    return [list(getattr(each, "matched", each)) for each in found]


def test_evaluate(measure: Measure, backend: str) -> None:
    rules = ruleset(200, backend)
    about = labels(200, "evaluate")
    found = measure(over, rules.evaluate, EVENTS, algorithm=INDEXED, normal=decided, **about)
    assert fired(found) == over(rules.matches, EVENTS)


def test_batch(measure: Measure, backend: str) -> None:
    rules = ruleset(200, backend)
    about = labels(200, "evaluate a batch")
    found = measure(rules.evaluate_many, EVENTS, algorithm=INDEXED, normal=decided, **about)
    assert found == over(rules.evaluate, EVENTS)


def test_json(measure: Measure, backend: str) -> None:
    rules = ruleset(200, backend)
    about = labels(200, "from JSON text")
    found = measure(over, rules.evaluate_json, BODIES, algorithm=INDEXED, normal=fired, **about)
    assert found == over(rules.evaluate, EVENTS)


def test_json_plain(measure: Measure) -> None:
    """json.loads and every condition; a list of ids where fastcore gives decisions."""
    function = workload.generated(workload.logics(200))
    found = measure(
        over,
        lambda body: function(json.loads(body)),
        BODIES,
        algorithm=TESTED,
        by="plain Python",
        **labels(200, "from JSON text"),
    )
    assert found == over(ruleset(200, "python").matches, EVENTS)


def test_building(measure: Measure, backend: str) -> None:
    make = partial(RuleSet, workload.document(workload.logics(200)), backend=backend)
    work = "a RuleSet from a parsed document, 200 rules"
    found = measure(make, group="building", work=work, algorithm=INDEXED, normal=len)
    assert len(found) == 200
