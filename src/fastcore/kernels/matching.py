"""Which rules fire for an event: one look-up and one AND per operand, in bitsets of clauses.

``matcher(plan, program, ids)`` gives an object that says of an event which rules fire: ``fired(event, now)``
gives their positions in order, ``matches(event, now)`` their ids, ``first(event, now)`` the first position or
-1, and ``decide_many(events, now, decider, failed)`` decisions, where ``failed(error, index)`` gives the one for
an event that raised; ``nbytes`` is the size of its bitsets. ``bind(now, decider)`` gives an object that is asked
about an event alone: ``matches(event)``, ``first(event)``, ``score(event)``, ``decide(event)``. `plan` is a
``rules.clauses.ClausePlan``, `program` the plain evaluator of ``plan.trees``, asked where a value has no fast
path, `now` what that evaluator takes as the time, `decider` a ``kernels.deciding``.

This is the twin for an interpreter or a JIT: bitsets are Python ints (``matching_rows``), and the look-ups
are a function generated for the plan (``matching_source``), or a loop (``matching_loop``) on PyPy and for
very many fields. Few clauses are tested instead (``matching_direct``). ``_matching_c.pyx`` is the twin for C.
"""

import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fastcore.kernels.conditions import conditions_event
from fastcore.kernels.conditions_values import _COND_MISSING, _cond_member
from fastcore.kernels.matching_direct import DirectSource, is_small
from fastcore.kernels.matching_loop import AliveLoop
from fastcore.kernels.matching_rows import OperandRows
from fastcore.kernels.matching_source import EXACT, MAX_OPERANDS, AliveSource

if TYPE_CHECKING:
    from fastcore.rules.clauses import ClausePlan

__all__ = ["matcher"]

_CHUNK = 1024
"""How many bits are taken from a bitset at once, a power of 2; removing each alone copies all the others."""

_HIGHEST = tuple([0] + [1 << bit for bit in range(_CHUNK)])
"""The bit that an int has at the end, by its length."""


Alive = Callable[[Any, Any], int]
"""Gives for an event and the time the clauses that are left."""


class _Matcher:
    """See the module.

    For columns there are also `fields`, the paths that are looked up and the rows of their operands, and
    ``ask(alive, event, now)``, which takes out of a set of clauses those that only the evaluator can tell
    about; `asked` are the clauses that it may take out.
    """

    __slots__ = ("_alive", "_ids", "_owners", "_rows", "ask", "asked", "fields")

    def __init__(self, plan: "ClausePlan", program: Any, ids: Sequence[str]) -> None:
        # by the length of a bitset, which its first clause decides
        self._owners = (-1, *reversed(plan.owners))
        self._ids = ("", *[ids[owner] for owner in reversed(plan.owners)])
        self._rows = [OperandRows(operand, len(plan.owners)) for operand in plan.operands]
        self.fields = [(keys, self._rows[position]) for keys, position in plan.fields if position >= 0]
        seen = {position for _, position in plan.fields}
        self.ask = _finisher(plan, self._rows, program, seen)
        self.asked = 0
        for position, rows in enumerate(self._rows):
            if position not in seen:
                self.asked |= rows.users
        looked_up = len(plan.fields) + sum(not operand.condition for operand in plan.operands)
        if sys.implementation.name == "pypy" or looked_up > MAX_OPERANDS:
            self._alive = _loop(plan, self._rows, program)
        else:
            self._alive = _generated(plan, self._rows, program)

    def everything(self, active: Sequence[bool] | None) -> int:
        """The set of all clauses, or of those of active rules."""
        owners = self._owners[1:]
        if active is None:
            return (1 << len(owners)) - 1
        return sum([1 << bit for bit, owner in enumerate(owners) if active[owner]])

    def owners_of(self, alive: int) -> list[int]:
        """Positions of the rules of a set of clauses, in order."""
        return _distinct(alive, self._owners) if alive else []

    def first(self, event: Any, now: Any = None) -> int:
        if type(event) is not dict:
            conditions_event(event)
        owner: int = self._owners[self._alive(event, now).bit_length()]
        return owner

    def fired(self, event: Any, now: Any = None) -> list[int]:
        if type(event) is not dict:
            conditions_event(event)
        return self.owners_of(self._alive(event, now))

    def matches(self, event: Any, now: Any = None) -> list[str]:
        if type(event) is not dict:
            conditions_event(event)
        alive = self._alive(event, now)
        return _distinct(alive, self._ids) if alive else []

    def bind(self, setting: Any, decider: Any) -> "_Bound":
        return _Bound(self, setting, decider)

    def decide_many(
        self, events: list[Any], now: Any, decider: Any, failed: Callable[[Exception, int], Any]
    ) -> list[Any]:
        decisions = []
        for index, event in enumerate(events):
            try:
                decisions.append(decider.decision(self.fired(event, now)))
            except Exception as error:
                decisions.append(failed(error, index))
        return decisions

    @property
    def nbytes(self) -> int:
        return sum(rows.nbytes for rows in self._rows)


class _Bound:
    """A matcher with all that one RuleSet adds: the questions about an event alone."""

    __slots__ = ("_decider", "_matcher", "_setting", "first", "matches")

    def __init__(self, matcher: _Matcher, setting: Any, decider: Any) -> None:
        self._matcher = matcher
        self._setting = setting
        self._decider = decider
        self.matches = matcher.matches if setting is None else partial(matcher.matches, now=setting)
        self.first = matcher.first if setting is None else partial(matcher.first, now=setting)

    def score(self, event: Any) -> int | float:
        score: int | float = self._decider.total(self._matcher.fired(event, self._setting))
        return score

    def decide(self, event: Any) -> Any:
        return self._decider.decision(self._matcher.fired(event, self._setting))


def _loop(plan: "ClausePlan", rows: Sequence[OperandRows], program: Any) -> Alive:
    finish = _finisher(plan, rows, program, {position for _, position in plan.fields})
    return AliveLoop(plan, rows, _member, finish).alive


def _generated(plan: "ClausePlan", rows: Sequence[OperandRows], program: Any) -> Alive:
    def ask(position: int, event: Any, now: Any) -> Any:
        return program.probe(position, event, now).value()

    def function(source: AliveSource, **more: Any) -> Alive:
        code = compile(source.text(), "<matcher>", "exec")
        scope = {**source.names, **given, **more}
        exec(code, scope)
        made: Alive = scope.pop("alive")  # else it would be part of a cycle, which only the collector frees
        return made

    source = AliveSource(plan, rows)
    finish = _finisher(plan, rows, program, source.inline)
    given = {"bisect": bisect_right, "member": _member, "plain": _plain, "ask": ask, "finish": finish}
    by_rows = function(source)
    return function(DirectSource(plan, rows), by_rows=by_rows) if is_small(plan) else by_rows


def _finisher(
    plan: "ClausePlan", rows: Sequence[OperandRows], program: Any, seen: set[int]
) -> Callable[[int, Any, Any], int]:
    """Makes the function that sees to the operands that are asked for, all but those seen before."""
    asked = [
        (position, operand.condition, rows[position])
        for position, operand in enumerate(plan.operands)
        if position not in seen
    ]

    def finish(alive: int, event: Any, now: Any) -> int:
        for position, condition, row in asked:
            if alive & row.users:
                probe = program.probe(position, event, now)
                alive &= row.of(probe.truth() if condition else probe.value())
        return alive

    return finish


def _distinct(alive: int, owners: Sequence[Any]) -> list[Any]:
    """The owners of the bits, highest first; those of one owner are neighbours."""
    found: list[Any] = []
    last = owners[0]
    while alive:
        base = (alive.bit_length() - 1) & -_CHUNK
        part = alive >> base
        alive ^= part << base
        while part:
            length = part.bit_length()
            part ^= _HIGHEST[length]
            owner = owners[base + length]
            if owner != last:
                found.append(owner)
                last = owner
    return found


def _member(data: Any, key: str, index: int | None) -> Any:
    """What something that is no plain dict holds under a key; None if nothing."""
    found = _cond_member(data, key, index)
    return None if found is _COND_MISSING else found


def _plain(value: Any) -> bool:
    """Whether a value is None or one that arithmetic is done with inline."""
    return value is None or type(value) is float or (type(value) is int and -EXACT < value < EXACT)


def matcher(plan: "ClausePlan", program: Any, ids: Sequence[str]) -> _Matcher:
    """Builds the matcher of a plan.

    Parameters:
        plan: the clauses and their operands.
        program: evaluates ``plan.trees``.
        ids: of the rules, in order.

    An event costs a look-up and an AND of a bit per clause for every field, and what the program takes for
    those conditions that have no fast path and still matter.
    """
    return _Matcher(plan, program, ids)
