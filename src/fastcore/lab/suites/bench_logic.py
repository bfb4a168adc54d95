"""General JSONLogic: 60 conditions that a fraud analyst could have written, each on 20 events.

Inside of *evaluating*: calling compiled conditions. Inside of *compiling*: making them from parsed documents.
"""

from collections.abc import Callable
from typing import Any

from fastcore.lab.plugin import Measure
from fastcore.lab.workloads.logic import fraud
from fastcore.rules import jsonlogic

CONDITIONS, EVENTS = fraud()
FRAUD: dict[str, Any] = {
    "group": "evaluating JSONLogic",
    "work": "fraud conditions",
    "unit": "evaluation",
    "units": len(CONDITIONS) * len(EVENTS),
}


def evaluated(functions: list[Callable[[Any], Any]]) -> list[Any]:
    return [function(event) for function in functions for event in EVENTS]


def compiled(backend: str) -> list[Any]:
    return [jsonlogic.compile(condition, backend=backend) for condition in CONDITIONS]


def test_evaluating(measure: Measure, backend: str) -> None:
    found = measure(evaluated, compiled(backend), algorithm="compiled tree", **FRAUD)
    assert found == evaluated(compiled("python"))


def test_compiling(measure: Measure, backend: str) -> None:
    found = measure(
        compiled,
        backend,
        group="compiling JSONLogic",
        work="fraud conditions",
        algorithm="compiled tree",
        unit="condition",
        units=len(CONDITIONS),
        normal=len,
    )
    assert evaluated(found) == evaluated(compiled("python"))
