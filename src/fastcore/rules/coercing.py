"""The engine of ``missing="jsonlogic"``: the truthiness of what the JSONLogic evaluator gives, coercions and
all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

from fastcore.errors import LimitError, LogicError
from fastcore.kernels import conditions as _conditions

from . import jsonlogic
from .decision import DecisionError
from .describe import describe
from .document import CheckedDocument
from .explain import LOGICAL, ExplainedCondition, fields_of
from .language import OPERATORS, ConditionChecker, Tree, branches
from .plan import Plan

__all__ = ["CoercingEngine"]

Evaluate = Callable[[Any], Any]

CLOCK: Final[ContextVar[datetime | None]] = ContextVar("fastcore.rules.now", default=None)
EXTENSIONS: Final = ("date", "now")
"""Operators of conditions that the JSONLogic evaluator does not have, or whose clock must be that of the
call; an unknown result is null."""


class CoercingEngine:
    """Evaluates each condition by JSONLogic's own rules; a condition that raises does not fire."""

    __slots__ = ("_backend", "_evaluate", "_lists", "_plan", "asked", "matcher")

    def __init__(self, checked: CheckedDocument, plan: Plan, backend: str) -> None:
        self.matcher = None
        self.asked: list[Tree] = []
        self._backend = backend
        self._plan = plan
        self._lists = checked.lists
        logics = [logic for rule, logic in zip(checked.rules, checked.logics, strict=True) if rule.enabled]
        self._evaluate = [self._compile(logic) for logic in logics]

    def _compile(self, logic: Any) -> Evaluate:
        """A callable that gives the truth of a condition for plain data."""
        operators = {name: _extension(name) for name in EXTENSIONS}
        asked = {"!!": [_Rewrite(self._lists, operators).logic(logic)]}
        # the checker has bounded the condition; entries of named lists are not its nodes
        return jsonlogic.compile(asked, operators=operators, backend=self._backend, max_nodes=1 << 40)

    def fire(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> Any:
        data = plain(event)
        fired: list[int] = []
        errors: list[DecisionError] = []
        with _clock(now):
            for index, evaluate in enumerate(self._evaluate):
                if active is not None and not active[index]:
                    continue
                try:
                    if evaluate(data):
                        fired.append(index)
                except (LogicError, LimitError) as error:
                    errors.append(DecisionError("logic", str(error), self._plan.ids[index]))
        return fired, tuple(errors)

    def first(self, event: Any, now: datetime | None, active: Sequence[bool] | None) -> int:
        data = plain(event)
        with _clock(now):
            for index, evaluate in enumerate(self._evaluate):
                try:
                    if (active is None or active[index]) and evaluate(data):
                        return index
                except (LogicError, LimitError):
                    continue
        return -1

    def explain(
        self, checked: CheckedDocument, index: int, event: Any, now: datetime
    ) -> tuple[ExplainedCondition, str]:
        with _clock(now):
            return self._explain(
                checked.logics[index], checked.trees[index], plain(event), event, now, "when"
            )

    def _explain(
        self, logic: Any, tree: Tree, data: Any, event: Any, now: datetime, path: str
    ) -> tuple[ExplainedCondition, str]:
        parts: list[ExplainedCondition] = []
        if tree[0] in LOGICAL:
            name, given = next(iter(logic.items()))
            operands = given if isinstance(given, list) else [given]
            for position, (operand, branch) in enumerate(zip(operands, branches(tree), strict=True)):
                where = f"{path}.{name}" + (f"[{position}]" if isinstance(given, list) else "")
                parts.append(self._explain(operand, branch, data, event, now, where)[0])
        problem = ""
        value: bool | None = None
        try:
            value = bool(self._compile(logic)(data))
        except (LogicError, LimitError) as error:
            problem = f"could not be evaluated: {error}"
        probe = _conditions.conditions_program([tree]).probe(0, event, now)
        fields = fields_of(tree, probe)
        return ExplainedCondition(
            path, tree[0], describe(tree), value, fields, problem, tuple(parts)
        ), problem


@contextmanager
def _clock(now: datetime | None) -> Iterator[None]:
    token = CLOCK.set(now)
    try:
        yield
    finally:
        CLOCK.reset(token)


def _extension(name: str) -> Callable[..., Any]:
    """An operator of conditions as a function for JSONLogic."""
    if name == "now":
        return lambda *given: CLOCK.get()
    least = OPERATORS[name].least
    operands = [("var", (str(position),), 0) for position in range(least)]
    program = _conditions.conditions_program([(name, *operands)])

    def call(*given: Any) -> Any:
        event = {str(position): value for position, value in enumerate(given)}
        return program.probe(0, event, None).value()

    return call


def _in_network(blocks: Any) -> Callable[..., Any]:
    program = _conditions.conditions_program([("in_network", ("var", ("0",), 0), blocks)])

    def call(*given: Any) -> Any:
        return program.probe(0, {"0": given[0] if given else None}, None).value()

    return call


class _Rewrite:
    """Conditions as plain JSONLogic: named lists become arrays, networks an operator of their own."""

    def __init__(self, lists: Mapping[str, Any], operators: dict[str, Callable[..., Any]]) -> None:
        self.lists = lists
        self.operators = operators

    def logic(self, logic: Any) -> Any:
        if isinstance(logic, list):
            return [self.logic(member) for member in logic]
        if not isinstance(logic, dict):
            return logic
        name, given = next(iter(logic.items()))
        if name == "list":
            return list(self.lists[given[0] if isinstance(given, list) else given])
        if name == "in_network":
            unique = f"in_network {len(self.operators)}"
            self.operators[unique] = _in_network(self._blocks(given[1]))
            return {unique: [self.logic(given[0])]}
        return {name: self.logic(given)}

    def _blocks(self, held: Any) -> Any:
        checker = ConditionChecker(self.lists)
        tree = checker.check({"in_network": ["", held]}, "")
        return tree[2]


def plain(value: Any) -> Any:
    """An event as the dicts and lists that JSONLogic reads; nothing is copied that is plain already."""
    kind = type(value)
    if kind in (str, int, float, bool, type(None)):
        return value
    if kind is list:
        members = [plain(member) for member in value]
        return members if any(new is not old for new, old in zip(members, value, strict=True)) else value
    if kind is dict:
        found = {key: plain(member) for key, member in value.items()}
        return found if any(found[key] is not member for key, member in value.items()) else value
    named = _conditions.conditions_members(value)
    if named is not None:
        return {key: plain(member) for key, member in named}
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    return value
