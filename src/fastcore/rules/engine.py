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
from .explain import ExplainedCondition, explain_tree
from .language import Tree, mentions
from .plan import Plan

__all__ = ["Engine", "KleeneEngine", "make_decider", "make_engine"]

Fired = tuple[list[int], tuple[DecisionError, ...]]


class Engine(Protocol):
    """Which of a plan's rules fire.

    Attributes:
        matcher: where the time takes no part, an object of a kernel that matches and decides by itself; see
            `kernels.matching`. None where every event needs the engine.
        asked: the trees about which the matcher may have to ask the plain evaluator.
    """

    matcher: Any
    asked: list[Tree]

    def fire(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> Fired:
        """Indices of the rules that fire, and what went wrong meanwhile."""
        ...

    def first(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> int:
        """Index of the first rule that fires, -1 if none does."""
        ...

    def explain(
        self, checked: CheckedDocument, index: int, event: Any, now: datetime
    ) -> tuple[ExplainedCondition, str]:
        """The condition of a rule (its index is in the document's order of evaluation) for an event, and
        what went wrong, in words, if something did."""
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
    return KleeneEngine(plan, decider, checked.missing == "error", backend)


class KleeneEngine:
    """Conditions are true, false or unknown; `strict` refuses the last.

    Where only the fired rules matter they are looked up in an index; the plain evaluator says what was thrown
    and which rule is undecided. `asked` are the trees that the index may have to ask it about.
    """

    __slots__ = ("_index", "_plan", "_program", "_strict", "asked", "matcher")

    def __init__(self, plan: Plan, decider: Any, strict: bool, backend: str) -> None:
        self._plan = plan
        self._strict = strict
        self._index = {identity: index for index, identity in enumerate(plan.ids)}
        program = _backend.kernels("conditions", backend).conditions_program
        self._program = program(plan.trees)
        self.matcher = None
        self.asked: list[Tree] = []
        if not strict and not any(mentions(tree, "throw") for tree in plan.trees):
            clauses = make_clauses(plan.trees)
            self.asked = clauses.asked
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

    def explain(
        self, checked: CheckedDocument, index: int, event: Any, now: datetime
    ) -> tuple[ExplainedCondition, str]:
        tree = checked.trees[index]
        probe = self._program.probe(self._index[checked.rules[index].id], event, now)
        return explain_tree(tree, probe, "when"), ""


def thrown_text(value: Any) -> str:
    """What was thrown, in words."""
    kind = value.get("type") if isinstance(value, dict) else value
    return kind if isinstance(kind, str) else "an unknown value was thrown" if kind is None else str(kind)
