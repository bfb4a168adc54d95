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
from .trees import Tree
from .truths import Truths

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

    Fired rules are looked up in an index; where it also matters what was thrown and which rule is undecided,
    `Truths` says so. `asked` are the trees that the index may have to ask the evaluator about.
    """

    __slots__ = ("_clockless", "_kernels", "_lists", "_plan", "_truths", "asked", "matcher")

    def __init__(self, checked: CheckedDocument, plan: Plan, backend: str) -> None:
        self._plan = plan
        self._kernels = _backend.kernels("conditions", backend)
        self.matcher: Any = None
        self.asked: list[Tree] = []
        self._truths: Truths | None = None
        if checked.missing == "error" or checked.throws:
            self._truths = Truths(plan.trees, checked.missing == "error", backend)
        else:
            clauses = make_clauses(plan.trees)
            self.asked = clauses.asked
            program = self._kernels.conditions_program(clauses.trees)
            self.matcher = _backend.kernels("matching", backend).matcher(clauses, program, plan.ids)
        self._hold({}, checked, frozenset(checked.lists))

    def with_lists(self, checked: CheckedDocument, changed: frozenset[str]) -> "KleeneEngine":
        new = object.__new__(KleeneEngine)
        new._plan, new._kernels = self._plan, self._kernels
        new.asked, new.matcher, new._truths = self.asked, self.matcher, self._truths
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
        setting = self.setting(now)
        if self._truths is None:
            found = self.matcher.fired(event, setting)
            return found if active is None else [index for index in found if active[index]], ()
        fired, thrown, unknown = self._truths.fired(event, setting, active)
        if unknown >= 0:
            tree = self._plan.trees[unknown]
            cause = blame(tree, self._kernels.conditions_program([tree]).probe(0, event, setting))
            raise EvaluationError(self._plan.ids[unknown], cause.field, cause.value, cause.reason)
        if not thrown:
            return fired, ()
        ids = self._plan.ids
        return fired, tuple(DecisionError("throw", thrown_text(what), ids[index]) for index, what in thrown)

    def first(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> int:
        fired, _ = self.fire(event, now, active)
        return fired[0] if fired else -1

    def explain(self, checked: CheckedDocument, index: int, event: Any, now: datetime) -> tuple[Seen, str]:
        tree = checked.trees[index]
        probe = self._kernels.conditions_program([tree]).probe(0, event, self.setting(now))
        return observe(tree, probe), ""


def thrown_text(value: Any) -> str:
    """What was thrown, in words."""
    kind = value.get("type") if isinstance(value, dict) else value
    return kind if isinstance(kind, str) else "an unknown value was thrown" if kind is None else str(kind)
