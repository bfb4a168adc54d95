"""200 rules about payments as a ruleset and as Python functions, which decide the same.

Events have every field, so that engines without a notion of missing values decide the same, too.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .workloads import rules as workload

__all__ = ["CONDITIONS", "DOCUMENT", "EVENTS", "decisions_of", "python_rules"]

Event = dict[str, Any]

CONDITIONS = workload.logics(200)
EVENTS = workload.events(100)
DOCUMENT: dict[str, Any] = {**workload.document(CONDITIONS), "name": "fraud"}
"""The ruleset."""


def python_rules() -> list[Callable[[Event], bool]]:
    """A function for each rule, as one would write it by hand."""
    rules = []
    for number, logic in enumerate(CONDITIONS):
        text = workload.text(
            logic,
            lambda path: "event" + "".join(f"[{key!r}]" for key in path.split(".")),
            lambda texts: "{" + ", ".join(map(repr, texts)) + "}",
            lambda name: name,
        )
        scope: dict[str, Any] = {}
        exec(f"def r{number}(event):\n    return {text}", scope)
        rules.append(scope[f"r{number}"])
    return rules


def decisions_of(rules: Sequence[Callable[[Event], Any]]) -> Callable[[Event], dict[str, Any]]:
    """A function that asks a callable for each rule, and decides as the ruleset does."""
    entries = [
        (rule["id"], rule["score"], rule.get("action"), function)
        for rule, function in zip(DOCUMENT["rules"], rules, strict=True)
    ]
    levels = sorted(DOCUMENT["decisions"], key=lambda level: -level["at_least"])

    def decide(event: Event) -> dict[str, Any]:
        matched, score, action = [], 0, None
        for name, points, own, fires in entries:
            if fires(event):
                matched.append(name)
                score += points
                action = action or own
        if action is None:
            above = [level["action"] for level in levels if score >= level["at_least"]]
            action = above[0] if above else DOCUMENT["default_action"]
        return {"matched": matched, "score": score, "action": action}

    return decide
