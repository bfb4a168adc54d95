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
from ._logic_extensions import matcher
from .decision import DecisionError
from .document import CheckedDocument
from .language import OPERATORS, ConditionChecker, Tree, branches
from .lists import NamedList
from .observe import LOGICAL, Seen, facts_of
from .plan import Plan
from .regex import Pattern
from .trees import lists_of

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
        self._evaluate = [self._compile(rule.when) for rule in checked.rules if rule.enabled]

    def setting(self, now: datetime | None) -> Any:
        return now

    def with_lists(self, checked: CheckedDocument, changed: frozenset[str]) -> "CoercingEngine":
        new = object.__new__(CoercingEngine)
        new.asked, new.matcher = [], None
        new._backend, new._plan, new._lists = self._backend, self._plan, checked.lists
        rules = [
            (rule, tree) for rule, tree in zip(checked.rules, checked.trees, strict=True) if rule.enabled
        ]
        new._evaluate = [
            evaluate if changed.isdisjoint(lists_of(tree)) else new._compile(rule.when)
            for (rule, tree), evaluate in zip(rules, self._evaluate, strict=True)
        ]
        return new

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

    def explain(self, checked: CheckedDocument, index: int, event: Any, now: datetime) -> tuple[Seen, str]:
        with _clock(now):
            seen = self._observe(checked.rules[index].when, checked.trees[index], plain(event), event, now)
        return seen, seen[2]

    def _observe(self, logic: Any, tree: Tree, data: Any, event: Any, now: datetime) -> Seen:
        """Each condition evaluated by itself; the reason is what kept it from having a value."""
        parts: list[Seen] = []
        steps: list[str] = []
        if tree[0] in LOGICAL:
            name, given = next(iter(logic.items()))
            operands = given if isinstance(given, list) else [given]
            for position, (operand, branch) in enumerate(zip(operands, branches(tree), strict=True)):
                parts.append(self._observe(operand, branch, data, event, now))
                steps.append(f".{name}[{position}]" if isinstance(given, list) else f".{name}")
        problem = ""
        value: bool | None = None
        try:
            value = bool(self._compile(logic)(data))
        except (LogicError, LimitError) as error:
            problem = f"could not be evaluated: {error}"
        facts = [] if parts else facts_of(tree, _conditions.conditions_program([tree]).probe(0, event, now))
        return value, facts, problem, parts, steps


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
    """Conditions as plain JSONLogic: named lists become arrays, networks and patterns operators of their
    own."""

    def __init__(self, lists: Mapping[str, NamedList], operators: dict[str, Callable[..., Any]]) -> None:
        self.lists = lists
        self.operators = operators

    def logic(self, logic: Any) -> Any:
        if isinstance(logic, list):
            return [self.logic(member) for member in logic]
        if not isinstance(logic, dict):
            return logic
        name, given = next(iter(logic.items()))
        if name == "list":
            return list(self.lists[given[0] if isinstance(given, list) else given].values)
        if name == "in_network":
            return self._prepared(_in_network(self._blocks(given[1])), given[0])
        if name == "matches":
            return self._prepared(matcher(Pattern(given[1])), given[0])
        return {name: self.logic(given)}

    def _prepared(self, operator: Callable[..., Any], operand: Any) -> Any:
        """An operation by a function that no other condition calls."""
        unique = f"prepared {len(self.operators)}"
        self.operators[unique] = operator
        return {unique: [self.logic(operand)]}

    def _blocks(self, held: Any) -> Any:
        checker = ConditionChecker(self.lists)
        tree = checker.check({"in_network": ["", held]}, "")
        return self.lists[tree[2]].blocks if isinstance(tree[2], str) else tree[2]


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
