"""Engines: which rules fire for an event, one for the three-valued policies and one for JSONLogic's own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from fastcore import _backend
from fastcore.errors import EvaluationError

from .blame import blame
from .clauses import make_clauses
from .decision import DecisionError
from .document import CheckedDocument
from .language import mentions
from .observe import Seen, observe
from .plan import Plan

__all__ = ["Engine", "KleeneEngine", "make_engine"]

Fired = tuple[list[int], tuple[DecisionError, ...]]


class Engine(Protocol):
    """Which of a plan's rules fire."""

    def fire(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> Fired:
        """Indices of the rules that fire, and what went wrong meanwhile."""
        ...

    def matches(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> list[str]:
        """Ids of the rules that fire, in order."""
        ...

    def first(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> int:
        """Index of the first rule that fires, -1 if none does."""
        ...

    def explain(self, checked: CheckedDocument, index: int, event: Any, now: datetime) -> tuple[Seen, str]:
        """What the condition of a rule (its index is in the document's order of evaluation) sees in an
        event, and what went wrong, in words, if something did."""
        ...


def make_engine(checked: CheckedDocument, plan: Plan, backend: str) -> Engine:
    if checked.missing == "jsonlogic":
        from .coercing import CoercingEngine

        return CoercingEngine(checked, plan, backend)
    return KleeneEngine(plan, checked.missing == "error", backend)


class KleeneEngine:
    """Conditions are true, false or unknown; `strict` refuses the last.

    Where only the fired rules matter they are looked up in an index; the plain evaluator says what was thrown
    and which rule is undecided.
    """

    __slots__ = ("_build", "_matcher", "_plan", "_program", "_strict")

    def __init__(self, plan: Plan, strict: bool, backend: str) -> None:
        self._plan = plan
        self._strict = strict
        self._build = program = _backend.kernels("conditions", backend).conditions_program
        self._program = program(plan.trees)
        self._matcher = None
        if not strict and not any(mentions(tree, "throw") for tree in plan.trees):
            clauses = make_clauses(plan.trees)
            matcher = _backend.kernels("matching", backend).matcher
            self._matcher = matcher(clauses, program(clauses.trees), plan.ids)

    def matches(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> list[str]:
        if self._matcher is not None and active is None:
            found: list[str] = self._matcher.matches(event, now)
            return found
        ids = self._plan.ids
        return [ids[index] for index in self.fire(event, now, active)[0]]

    def fire(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> Fired:
        if self._matcher is not None:
            fired = self._matcher.fired(event, now)
            return fired if active is None else [index for index in fired if active[index]], ()
        fired, thrown, unknown = self._program.fired(event, now, active, self._strict)
        if unknown >= 0:
            cause = blame(self._plan.trees[unknown], self._program.probe(unknown, event, now))
            raise EvaluationError(self._plan.ids[unknown], cause.field, cause.value, cause.reason)
        if not thrown:
            return fired, ()
        ids = self._plan.ids
        return fired, tuple(DecisionError("throw", thrown_text(what), ids[index]) for index, what in thrown)

    def first(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> int:
        if self._matcher is not None:
            fired, _ = self.fire(event, now, active)
            return fired[0] if fired else -1
        index: int = self._program.first(event, now, active)
        return index

    def explain(self, checked: CheckedDocument, index: int, event: Any, now: datetime) -> tuple[Seen, str]:
        tree = checked.trees[index]
        return observe(tree, self._build([tree]).probe(0, event, now)), ""


def thrown_text(value: Any) -> str:
    """What was thrown, in words."""
    kind = value.get("type") if isinstance(value, dict) else value
    return kind if isinstance(kind, str) else "an unknown value was thrown" if kind is None else str(kind)
