"""Engines: which rules fire for an event, one for the three-valued policies and one for JSONLogic's own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from fastcore import _backend
from fastcore.errors import EvaluationError

from .blame import blame
from .clauses import make_clauses
from .decision import Decision, DecisionError
from .document import CheckedDocument
from .language import mentions
from .observe import LONG_LIST, Seen, has_long_list, observe
from .plan import Plan

__all__ = ["Engine", "KleeneEngine", "make_decider", "make_engine"]

Fired = tuple[list[int], tuple[DecisionError, ...]]


class Engine(Protocol):
    """Which of a plan's rules fire.

    Attributes:
        matcher: where the time takes no part, an object of a kernel that matches and decides by itself; see
            `kernels.matching`. None where every event needs the engine.
    """

    matcher: Any

    def fire(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> Fired:
        """Indices of the rules that fire, and what went wrong meanwhile."""
        ...

    def first(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> int:
        """Index of the first rule that fires, -1 if none does."""
        ...

    def explain(self, checked: CheckedDocument, index: int, event: Any, now: datetime) -> tuple[Seen, str]:
        """What the condition of a rule (its index is in the document's order of evaluation) sees in an
        event, and what went wrong, in words, if something did."""
        ...


def make_decider(checked: CheckedDocument, plan: Plan, backend: str) -> Any:
    """What turns fired rules into decisions."""
    return _backend.kernels("deciding", backend).decider(
        plan.ids,
        plan.scores,
        plan.actions,
        plan.decisions,
        plan.default_action,
        Decision,
        checked.name,
        checked.version,
    )


def make_engine(checked: CheckedDocument, plan: Plan, decider: Any, backend: str) -> Engine:
    if checked.missing == "jsonlogic":
        from .coercing import CoercingEngine

        return CoercingEngine(checked, plan, backend)
    # an explanation makes the nodes of its rule, but not the set of a million entries each time
    long_lists = any(len(values) > LONG_LIST for values in checked.lists.values())
    return KleeneEngine(plan, decider, checked.missing == "error", backend, long_lists)


class KleeneEngine:
    """Conditions are true, false or unknown; `strict` refuses the last.

    Where only the fired rules matter they are looked up in an index; the plain evaluator says what was thrown
    and which rule is undecided.
    """

    __slots__ = ("_build", "_plan", "_prepared", "_program", "_strict", "matcher")

    def __init__(self, plan: Plan, decider: Any, strict: bool, backend: str, long_lists: bool) -> None:
        self._plan = plan
        self._strict = strict
        self._build = program = _backend.kernels("conditions", backend).conditions_program
        self._program = program(plan.trees)
        self._prepared = {
            plan.ids[index]: program([plan.trees[index]])
            for index in (range(len(plan.trees)) if long_lists else ())
            if has_long_list(plan.trees[index])
        }
        self.matcher = None
        if not strict and not any(mentions(tree, "throw") for tree in plan.trees):
            clauses = make_clauses(plan.trees)
            matcher = _backend.kernels("matching", backend).matcher
            self.matcher = matcher(clauses, program(clauses.trees), plan.ids, decider)

    def fire(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> Fired:
        if self.matcher is not None:
            fired = self.matcher.fired(event, now)
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
        if self.matcher is not None or self._strict:
            fired, _ = self.fire(event, now, active)
            return fired[0] if fired else -1
        index: int = self._program.first(event, now, active)
        return index

    def explain(self, checked: CheckedDocument, index: int, event: Any, now: datetime) -> tuple[Seen, str]:
        tree = checked.trees[index]
        program = self._prepared.get(checked.rules[index].id) or self._build([tree])
        return observe(tree, program.probe(0, event, now)), ""


def thrown_text(value: Any) -> str:
    """What was thrown, in words."""
    kind = value.get("type") if isinstance(value, dict) else value
    return kind if isinstance(kind, str) else "an unknown value was thrown" if kind is None else str(kind)
