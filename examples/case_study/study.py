"""Measures every way on every interpreter, after all of them have made the same decisions."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from fastcore.lab.http import WAYS, Plan, Way, measure_target
from fastcore.lab.load import WORKS, Work
from fastcore.lab.payments import EVENTS, decisions_of, python_rules
from fastcore.lab.results import Results
from fastcore.lab.servers import Server, ServerError
from fastcore.lab.targets import Gap, Target

__all__ = ["LIBRARIES", "STUDIED", "DifferentDecisionError", "measure"]

LIBRARIES = ("rule-engine", "json-logic-qubit")
ROOT = Path(__file__).parents[2]
RULES = WORKS["rules"]


def _before(name: str, title: str) -> Way:
    algorithms = {"rules": "each rule in turn"}
    return Way(name, title, f"examples.case_study.before:{name}", ("rules",), algorithms)


STUDIED = {
    way.name: way
    for way in (
        _before("functions", "before: Python functions"),
        _before("rule_engine", "before: rule-engine"),
        _before("json_logic", "before: json-logic-qubit"),
        *(replace(WAYS[name], title=f"after: {name}") for name in ("include", "mount", "lane")),
    )
}


class DifferentDecisionError(Exception):
    """Two ways do not decide the same, so their speed is not compared."""


def measure(
    target: Target, ways: Iterable[Way], plan: Plan, report: Callable[[str], None]
) -> tuple[Results, list[Gap]]:
    """One document, of the ways that start here.

    Raises:
        DifferentDecisionError: a way decides otherwise.
        NoWrkError: the plan needs wrk, and it is not there.
    """
    plan = replace(plan, folder=ROOT)
    able, gaps = [], []
    for way in ways:
        report(f"{target.label}: the same decisions, {way.title}")
        try:
            with Server(target.python, way.app, target.variables(), folder=ROOT) as server:
                agree(server, way)
        except ServerError as error:
            gaps.append(Gap(f"{target.label}, {way.title}", str(error)))
        else:
            able.append(way)
    found, missing = measure_target(target, able, [RULES], plan, report)
    return found, [*gaps, *missing]


def agree(server: Server, way: Way, events: Sequence[dict[str, object]] = tuple(EVENTS)) -> None:
    """Asks for a decision on each event.

    Raises:
        DifferentDecisionError: one is not what the Python functions decide.
    """
    decide = decisions_of(python_rules())
    for event in events:
        expected = decide(event)
        work = Work("rules", RULES.method, RULES.path, json.dumps(event))
        found = json.loads(server.send(work))
        if {name: found.get(name) for name in expected} != expected:
            raise DifferentDecisionError(f"{way.title}: {event['id']}: {found}, not {expected}")
