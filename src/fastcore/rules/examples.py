"""Examples of a document: events with what is expected of them, run as a rule author's tests."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastcore.errors import FastcoreError

from .decision import Decision

if TYPE_CHECKING:
    from .ruleset import RuleSet

__all__ = ["ExampleResult", "run_example"]


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """How one example went.

    Attributes:
        path: where it stands in the document, such as ``rules[3].examples[0]``.
        description: the example's.
        passed: whether all that was expected came true.
        problems: what did not, in words.
        decision: what the event got; None if it could not be evaluated.
    """

    path: str
    description: str
    passed: bool
    problems: tuple[str, ...]
    decision: Decision | None


def run_example(ruleset: "RuleSet", example: dict[str, Any]) -> ExampleResult:
    """Evaluates an example's event and compares with what it expects."""
    moment = datetime.fromisoformat(example["now"]) if "now" in example else None
    decision = None
    try:
        decision = ruleset.evaluate(example["event"], now=moment)
        problems = tuple(_problems(decision, example["expect"]))
    except FastcoreError as error:
        problems = (f"could not be evaluated: {error}",)
    return ExampleResult(example["path"], example.get("description", ""), not problems, problems, decision)


def _problems(decision: Decision, expect: dict[str, Any]) -> list[str]:
    problems = []
    if "matched" in expect and tuple(expect["matched"]) != decision.matched:
        problems.append(f"expected matched {expect['matched']}, got {list(decision.matched)}")
    problems += [f"{rule} did not fire" for rule in expect.get("fires", ()) if rule not in decision.matched]
    problems += [f"{rule} fired" for rule in expect.get("not_fires", ()) if rule in decision.matched]
    if "score" in expect and expect["score"] != decision.score:
        problems.append(f"expected score {expect['score']}, got {decision.score}")
    if "action" in expect and expect["action"] != decision.action:
        problems.append(f"expected action {expect['action']!r}, got {decision.action!r}")
    return problems
