"""Which rules fire for an event: one look-up and one AND per operand, in bitsets of clauses.

``matcher(plan, program, ids, decider)`` gives an object that says of an event which rules fire:
``fired(event, now)`` gives their positions in order, ``matches(event, now)`` their ids, ``first(event, now)``
the
first position or -1, ``score(event, now)`` the sum of their scores, ``decide(event, now)`` the decision and
``decide_many(events, now, failed)`` those for many events; ``nbytes`` is the size of its bitsets. `plan` is a
``rules.clauses.ClausePlan``, `program` the plain evaluator of ``plan.trees``, asked where a value has no fast
path,
`decider` a ``kernels.deciding`` of the rules. `now` may be left out where no condition reads the time.

This is the twin for an interpreter or a JIT: bitsets are Python ints. ``_matching_c.pyx`` is the twin for C.
"""

import math
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastcore.kernels import conditions

if TYPE_CHECKING:
    from fastcore.rules.clauses import ClausePlan, Operand

__all__ = ["matcher"]

EXACT = 1 << 53
"""Ints below it are exact as doubles."""

Node = tuple[str, int, int, tuple[Any, ...]]


def _bits(clauses: Sequence[int]) -> int:
    result = 0
    for clause in clauses:
        result ^= 1 << clause
    return result


class _Rows:
    """The bitsets of one operand: which clauses each of its values leaves standing."""

    __slots__ = (
        "cuts",
        "false",
        "falsy",
        "named",
        "numbers",
        "thresholds",
        "true",
        "truthy",
        "unknown",
        "unnamed",
        "users",
    )

    def __init__(self, operand: "Operand", everything: int) -> None:
        self.users = _bits(operand.users)
        self.unknown = unknown = everything & ~self.users
        self.false, self.true = unknown | _bits(operand.false), unknown | _bits(operand.true)
        self.falsy, self.truthy = unknown | _bits(operand.falsy), unknown | _bits(operand.truthy)
        self.unnamed = unknown | _bits(operand.unnamed)
        self.named = {text: self.unnamed ^ _bits(clauses) for text, clauses in operand.strings.items()}
        self.cuts = operand.cuts
        self.thresholds = [threshold(cut) for cut in operand.cuts]
        self.numbers = []
        row = unknown
        for clauses in operand.steps:
            row ^= _bits(clauses)
            self.numbers.append(row)

    def of(self, value: Any) -> int:
        """The row of a value."""
        kind = type(value)
        if kind is str:
            return self.named.get(value, self.unnamed)
        if kind is float or (kind is int and -EXACT < value < EXACT):
            if value != value or not self.numbers:
                return self.unknown
            return self.numbers[bisect_right(self.thresholds, value)]
        if value is True:
            return self.true
        if value is False:
            return self.false
        return self.unknown if value is None else self._of_other(value)

    def _of_other(self, value: Any) -> int:
        value, kind, truth = conditions.conditions_clean(value)
        if kind == "nothing":
            return self.unknown
        if kind == "boolean":
            return self.true if value else self.false
        if kind == "string":
            return self.named.get(str.__str__(value), self.unnamed)
        if kind != "number":
            return self.truthy if truth else self.falsy
        if not self.numbers:
            return self.unknown
        low, high = 0, len(self.cuts)
        while low < high:
            middle = (low + high) // 2
            if conditions.conditions_passed(value, self.cuts[middle]):
                low = middle + 1
            else:
                high = middle
        return self.numbers[low]

    @property
    def nbytes(self) -> int:
        rows = [self.unknown, self.false, self.true, self.falsy, self.truthy, self.unnamed]
        return sum(row.__sizeof__() for row in [*rows, *self.numbers, *self.named.values()])


def threshold(cut: tuple[Any, int]) -> float:
    """The least double that is past a cut."""
    value, side = cut
    try:
        nearest = float(value)
    except OverflowError:
        return math.inf if value > 0 else math.nextafter(-math.inf, 0)
    if nearest < value or (side and nearest == value):
        nearest = math.nextafter(nearest, math.inf)
    return nearest


class _Matcher:
    """See the module."""

    __slots__ = (
        "_asked",
        "_decider",
        "_everything",
        "_ids",
        "_nodes",
        "_owners",
        "_program",
        "_rows",
        "_words",
    )

    def __init__(self, plan: "ClausePlan", program: Any, ids: Sequence[str], decider: Any) -> None:
        self._program = program
        self._decider = decider
        self._ids = tuple(ids)
        self._owners = plan.owners
        self._everything = (1 << len(plan.owners)) - 1
        self._words = struct.Struct(f"<{(len(plan.owners) + 63) // 64}Q")
        self._rows = [_Rows(operand, self._everything) for operand in plan.operands]
        fields = {operand for _, operand in plan.fields}
        self._asked = [
            (position, operand.condition, self._rows[position])
            for position, operand in enumerate(plan.operands)
            if position not in fields
        ]
        tree: dict[str, Any] = {}
        for number, (keys, position) in enumerate(plan.fields):
            if position >= 0:
                branch = tree
                for key in keys[:-1]:
                    branch = branch.setdefault(key, [None, 0, {}])[2]
                branch.setdefault(keys[-1], [None, 0, {}])[:2] = [
                    self._rows[position],
                    len(plan.operands) + number,
                ]
        self._nodes = _frozen(tree)

    def _read(self, data: dict[str, Any], nodes: Any, event: Any, now: Any) -> int:
        """The AND of the rows of all fields within a mapping."""
        alive = self._everything
        for key, rows, _, members in nodes:
            value = data.get(key)
            if rows is not None:
                alive &= rows.of(value)
            if members:
                alive &= self._members(value, members, event, now)
        return alive

    def _members(self, value: Any, members: Any, event: Any, now: Any) -> int:
        if type(value) is dict:
            return self._read(value, members, event, now)
        if value is None or type(value) is str:
            return self._read({}, members, event, now)
        return self._ask(members, event, now)

    def _ask(self, nodes: Any, event: Any, now: Any) -> int:
        """Fields within something that is no plain dict: the evaluator knows how."""
        alive = self._everything
        for _, rows, number, members in nodes:
            if rows is not None:
                alive &= rows.of(self._program.probe(number, event, now).value())
            alive &= self._ask(members, event, now)
        return alive

    def _alive(self, event: Any, now: Any) -> int:
        if type(event) is not dict:
            conditions.conditions_event(event)
        read = self._read if type(event) is dict else None
        alive = (
            read(event, self._nodes, event, now) if read is not None else self._ask(self._nodes, event, now)
        )
        return self.ask(alive, event, now)

    def ask(self, alive: int, event: Any, now: Any) -> int:
        """Takes out the clauses that conditions falsify which only the evaluator can tell."""
        for position, condition, rows in self._asked:
            if alive & rows.users:
                probe = self._program.probe(position, event, now)
                alive &= rows.of(probe.truth() if condition else probe.value())
        return alive

    def fired(self, event: Any, now: Any = None) -> list[int]:
        return self.owners_of(self._alive(event, now))

    def owners_of(self, alive: int) -> list[int]:
        """Positions of the rules of a set of clauses, in order."""
        found: list[int] = []
        if not alive:
            return found
        owners, last, base = self._owners, -1, 0
        for word in self._words.unpack(alive.to_bytes(self._words.size, "little")):
            while word:
                low = word & -word
                word ^= low
                owner = owners[base + low.bit_length() - 1]
                if owner != last:
                    found.append(owner)
                    last = owner
            base += 64
        return found

    def matches(self, event: Any, now: Any = None) -> list[str]:
        ids = self._ids
        return [ids[position] for position in self.fired(event, now)]

    def first(self, event: Any, now: Any = None) -> int:
        alive = self._alive(event, now)
        return self._owners[(alive & -alive).bit_length() - 1] if alive else -1

    def score(self, event: Any, now: Any = None) -> int | float:
        score: int | float = self._decider.total(self.fired(event, now))
        return score

    def decide(self, event: Any, now: Any = None) -> Any:
        return self._decider.decision(self.fired(event, now))

    def decide_many(self, events: list[Any], now: Any, failed: Callable[[Exception, int], Any]) -> list[Any]:
        decisions = []
        for index, event in enumerate(events):
            try:
                decisions.append(self.decide(event, now))
            except Exception as error:
                decisions.append(failed(error, index))
        return decisions

    @property
    def nbytes(self) -> int:
        return sum(rows.nbytes for rows in self._rows)


def _frozen(tree: dict[str, Any]) -> tuple[Any, ...]:
    return tuple((key, rows, number, _frozen(members)) for key, (rows, number, members) in tree.items())


def matcher(plan: "ClausePlan", program: Any, ids: Sequence[str], decider: Any = None) -> _Matcher:
    """Builds the matcher of a plan.

    Parameters:
        plan: the clauses and their operands.
        program: evaluates ``plan.trees``.
        ids: of the rules, in order.
        decider: turns fired rules into decisions; None if only they are asked for.

    An event costs a look-up and an AND of a bit per clause for every field, and what the program takes for
    those conditions that have no fast path and still matter.
    """
    return _Matcher(plan, program, ids, decider)
