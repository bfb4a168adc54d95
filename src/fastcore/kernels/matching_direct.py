"""Source of a function that tests few clauses one after the other, as one would write them by hand.

Up to some dozen clauses comparing is cheaper than looking up rows. The fields are read as in
``matching_source``, then brought to what comparisons treat as unknown: null becomes NaN where a number is
expected. A value of another type than the clauses expect, or an int too large for inline arithmetic, sends
the whole event to the function with the look-ups. A field of several types has its look-up here too. For
two clauses over a number and a string::

    alive = 0
    if event_0 >= 100 and event_1 == 'US':
        alive |= 2
    if event_0 < 5 or event_0 > 5:
        alive |= 1
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastcore.kernels.matching_source import EXACT, AliveSource, Tree, indented, is_plain

if TYPE_CHECKING:
    from fastcore.kernels.matching_rows import OperandRows
    from fastcore.rules.clauses import ClausePlan, Operand

__all__ = ["DirectSource", "is_small"]

MAX_CLAUSES = 64
"""From about so many clauses on the look-ups are faster."""

MAX_CUTS = 256
"""How many cuts the numbers of all clauses may have together; long lists of numbers are for bisection."""

NUMBER, STRING, BOOLEAN = "number", "string", "boolean"


def is_small(plan: "ClausePlan") -> bool:
    """Whether testing clauses one after the other is the faster way for a plan."""
    cuts = sum(len(clauses) for operand in plan.operands for clauses in operand.steps)
    return 0 < len(plan.owners) <= MAX_CLAUSES and cuts <= MAX_CUTS


class DirectSource(AliveSource):
    """Writes the function ``alive(event, now)`` of a plan; ``by_rows`` in its globals is the other one."""

    def __init__(self, plan: "ClausePlan", rows: Sequence["OperandRows"]) -> None:
        super().__init__(plan, rows)
        self._count = len(plan.owners)
        self._operands = plan.operands
        self.names["nan"] = math.nan
        self._values: dict[int, tuple[str, str]] = {}
        """Of the operands that are tested: the kind and the local variable."""

    def text(self) -> str:
        lines = list(self._readings())
        others = []
        for field in self._fields:
            kind = _only_kind(self._operands[field.operand])
            if kind:
                lines += _checked(kind, field.name)
                self._values[field.operand] = kind, field.name
            else:
                others.append(field)
        lines += self._numbers()
        lines.append("alive = 0")
        for clause in range(self._count):
            tests = self._tests(clause)
            row = [f"alive |= {1 << (self._count - 1 - clause)}"]
            lines += [f"if {' and '.join(tests)}:", *indented(row)] if tests else row
        for field in others:
            lines += self._look_up(field)
        for position, tree in self._expressions.items():
            if position not in self._values:
                lines += self._compute(position, tree)
        return self._function(lines)

    def _numbers(self) -> list[str]:
        """The expressions over fields that are numbers, or that nothing but expressions reads."""
        lines, checked = [], set()
        for position, tree in self._expressions.items():
            fields = self._fields_in(tree)
            if not all(
                field.operand < 0 or self._values.get(field.operand, ("", ""))[0] == NUMBER
                for field in fields
            ):
                continue
            for field in fields:
                if field.name in checked:
                    continue
                checked.add(field.name)
                if field.operand < 0:
                    lines += _checked(NUMBER, field.name)
                lines += [
                    f"if type({field.name}) is int and not -{EXACT} < {field.name} < {EXACT}:",
                    "    return by_rows(event, now)",
                ]
            name = f"number{position}"
            lines += self._computed(name, tree)
            self._values[position] = NUMBER, name
        return lines

    def _computed(self, name: str, tree: Tree) -> list[str]:
        line = f"{name} = {self._python(tree)}"
        if tree[0] != "/":
            return [line]
        return ["try:", f"    {line}", "except ZeroDivisionError:", f"    {name} = nan"]

    # --- clauses --------------------------------------------------------------------------------------------

    def _tests(self, clause: int) -> list[str]:
        tests = []
        for wanted in (BOOLEAN, STRING, NUMBER):  # the cheapest first
            for position, (kind, name) in self._values.items():
                users = self._operands[position].users
                at = bisect_left(users, clause)
                if kind == wanted and at < len(users) and users[at] == clause:
                    test = {BOOLEAN: self._is_bool, STRING: self._is_string, NUMBER: self._is_number}[kind]
                    tests.append(test(self._operands[position], clause, name))
        return tests

    def _is_bool(self, operand: "Operand", clause: int, name: str) -> str:
        if clause in operand.true:
            return f"{name} is not None" if clause in operand.false else f"{name} is True"
        return f"{name} is False"

    def _is_string(self, operand: "Operand", clause: int, name: str) -> str:
        texts: set[str | None] = {text for text, clauses in operand.strings.items() if clause in clauses}
        if clause in operand.unnamed:
            return f"{name} not in {self._bound(f'set{len(self.names)}', frozenset([*texts, None]))}"
        if len(texts) == 1:
            return f"{name} == {str.__repr__(str(*texts))}"
        return f"{name} in {self._bound(f'set{len(self.names)}', frozenset(texts))}"

    def _is_number(self, operand: "Operand", clause: int, name: str) -> str:
        """In one of the intervals between the cuts where the clause changes."""
        cuts = [
            cut
            for cut, clauses in zip([None, *operand.cuts], operand.steps, strict=True)
            if clause in clauses
        ]
        if len(cuts) % 2:
            cuts.append(None)  # without an end
        tests = [self._in_interval(low, high, name) for low, high in zip(cuts[::2], cuts[1::2], strict=True)]
        return tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"

    def _in_interval(self, low: tuple[Any, int] | None, high: tuple[Any, int] | None, name: str) -> str:
        if low is None and high is None:
            return f"{name} == {name}"
        if low is not None and high is not None and low[0] == high[0]:
            return f"{name} == {self._constant(low[0])}"
        test = name
        if low is not None:
            test = f"{self._constant(low[0])} {'<' if low[1] else '<='} {test}"
        if high is not None:
            test = f"{test} {'<=' if high[1] else '<'} {self._constant(high[0])}"
        return test

    def _constant(self, number: int | float) -> str:
        return repr(number) if is_plain(number) else self._bound(f"constant{len(self.names)}", number)


def _only_kind(operand: "Operand") -> str:
    """The one type of values that clauses accept of an operand; empty if there are several."""
    kinds = [
        (NUMBER, operand.steps),
        (STRING, operand.strings or operand.unnamed),
        (BOOLEAN, operand.false or operand.true),
        ("", operand.falsy or operand.truthy),
    ]
    found = [kind for kind, clauses in kinds if clauses]
    return found[0] if len(found) == 1 else ""


def _checked(kind: str, name: str) -> list[str]:
    """Brings a value to what comparisons with its kind of constant treat as unknown."""
    by_rows = "return by_rows(event, now)"
    if kind == NUMBER:
        test = f"if type({name}) is not float and type({name}) is not int:"
        return [test, f"    if {name} is not None:", f"        {by_rows}", f"    {name} = nan"]
    if kind == STRING:
        return [f"if type({name}) is not str and {name} is not None:", f"    {by_rows}"]
    return [f"if {name} is not True and {name} is not False and {name} is not None:", f"    {by_rows}"]
