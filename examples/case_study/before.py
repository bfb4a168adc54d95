"""The service before: an endpoint in ``async def`` that asks every rule; uvicorn imports a factory of these.

The rules are those of ``fastcore.lab.payments``: 200, over 22 fields of a payment. Each app answers
``POST /fastcore/rules/fraud/evaluate`` with the rules that fired, their score and the action.
"""

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from fastcore.lab.payments import CONDITIONS, decisions_of, python_rules
from fastcore.lab.workloads.rules import text

__all__ = ["functions", "json_logic", "rule_engine"]

Event = dict[str, Any]


def functions() -> FastAPI:
    """A Python function for each rule."""
    return service(decisions_of(python_rules()))


def rule_engine() -> FastAPI:
    """The library rule-engine, each rule compiled once."""
    import rule_engine as library

    context = library.Context(resolver=library.resolve_item)
    rules = [
        library.Rule(text(logic, str, json.dumps, lambda flag: flag), context=context) for logic in CONDITIONS
    ]
    return service(decisions_of([rule.matches for rule in rules]))


def json_logic() -> FastAPI:
    """The library json-logic-qubit, which has nothing to compile."""
    from json_logic import jsonLogic

    def rule(logic: dict[str, Any]) -> Callable[[Event], Any]:
        return lambda event: jsonLogic(logic, event)

    return service(decisions_of([rule(logic) for logic in CONDITIONS]))


def service(decide: Callable[[Event], dict[str, Any]]) -> FastAPI:
    """The endpoint, as it is usually written."""
    app = FastAPI()

    @app.get("/fastcore/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/fastcore/rules/fraud/evaluate")
    async def evaluate(event: Event) -> dict[str, Any]:
        return decide(event)

    return app
