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
from .observe import Seen, observe
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

    def setting(self, now: datetime | None) -> Any:
        """What a kernel gets as the time: with it come the named lists, if there are any."""
        ...

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

    def with_lists(self, checked: CheckedDocument, changed: frozenset[str]) -> "Engine":
        """The engine of the same document with other entries in these lists."""
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


def make_engine(checked: CheckedDocument, plan: Plan, backend: str) -> Engine:
    if checked.missing == "jsonlogic":
        from .coercing import CoercingEngine

        return CoercingEngine(checked, plan, backend)
    return KleeneEngine(checked, plan, backend)


class KleeneEngine:
    """Conditions are true, false or unknown; `strict` refuses the last.

    Where only the fired rules matter they are looked up in an index; the plain evaluator says what was thrown
    and which rule is undecided.
    """

    __slots__ = ("_clockless", "_kernels", "_lists", "_plan", "_program", "_strict", "matcher")

    def __init__(self, checked: CheckedDocument, plan: Plan, backend: str) -> None:
        self._plan = plan
        self._strict = checked.missing == "error"
        self._kernels = _backend.kernels("conditions", backend)
        self.matcher: Any = None
        self._program: Any = None
        if self._strict or checked.throws:
            self._program = self._kernels.conditions_program(plan.trees)
        else:
            clauses = make_clauses(plan.trees)
            program = self._kernels.conditions_program(clauses.trees)
            self.matcher = _backend.kernels("matching", backend).matcher(clauses, program, plan.ids)
        self._hold({}, checked, frozenset(checked.lists))

    def with_lists(self, checked: CheckedDocument, changed: frozenset[str]) -> "KleeneEngine":
        new = object.__new__(KleeneEngine)
        new._plan, new._strict, new._kernels = self._plan, self._strict, self._kernels
        new.matcher, new._program = self.matcher, self._program
        new._hold(self._lists, checked, changed)
        return new

    def _hold(self, before: dict[str, Any], checked: CheckedDocument, changed: frozenset[str]) -> None:
        prepare = self._kernels.conditions_list
        lists = {name: prepare(checked.lists[name].values, checked.lists[name].blocks) for name in changed}
        self._lists = {**before, **lists}
        self._clockless = self._kernels.conditions_setting(None, self._lists) if self._lists else None

    def setting(self, now: datetime | None) -> Any:
        if now is None or not self._lists:
            return now if now is not None else self._clockless
        return self._kernels.conditions_setting(now, self._lists)

    def fire(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> Fired:
        now = self.setting(now)
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
        index: int = self._program.first(event, self.setting(now), active)
        return index

    def explain(self, checked: CheckedDocument, index: int, event: Any, now: datetime) -> tuple[Seen, str]:
        tree = checked.trees[index]
        probe = self._kernels.conditions_program([tree]).probe(0, event, self.setting(now))
        return observe(tree, probe), ""


def thrown_text(value: Any) -> str:
    """What was thrown, in words."""
    kind = value.get("type") if isinstance(value, dict) else value
    return kind if isinstance(kind, str) else "an unknown value was thrown" if kind is None else str(kind)
