"""Source of the function that reads an event and gives the clauses that its values leave standing.

One function per plan reads every field once and looks up its row inline, by the kinds of values that the
rules compare it with. What it does with a field that is compared with strings, for one::

    if type(v1) is str:
        alive &= named1.get(v1, unnamed1)
    elif v1 is None:
        alive &= unknown1
    else:
        alive &= other1(v1)

The only text of a ruleset in it are the keys of fields and finite numbers, as literals by ``repr``; all else
is bound to names.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fastcore.kernels.conditions_values import _cond_steps

if TYPE_CHECKING:
    from fastcore.kernels.matching_rows import OperandRows
    from fastcore.rules.clauses import ClausePlan

__all__ = ["EXACT", "MAX_OPERANDS", "AliveSource", "Tree", "indented", "is_plain"]

EXACT = 1 << 53
"""Ints below it are exact as doubles."""

MAX_OPERANDS = 1024
"""How many operands and fields, together, a function is made of; more would take long to compile."""

MAX_LEAVES = 8
"""How many fields and constants an expression has that is computed inline: with ints below EXACT no result on
the way leaves the range of doubles or comes near the limit on products."""

Tree = tuple[Any, ...]


class _Field:
    """A key on the way to fields: the local variable that holds its value, and what is read from that."""

    __slots__ = ("key", "members", "name", "operand")

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self.key = key
        self.operand = -1
        self.members: dict[str, _Field] = {}


class AliveSource:
    """Writes the function ``alive(event, now)`` of a plan.

    Parameters:
        plan: the clauses and their operands.
        rows: of the operands.

    Attributes:
        names: what its globals must hold once `text` was called, besides ``bisect`` and functions:
            ``member`` (of some data, by key and index), ``plain`` (whether a value is None or fit for inline
            arithmetic), ``ask`` (for the value of an operand, by position, event and time) and ``finish``
            (all operands that are not inline; takes the clauses, the event and the time).
        inline: positions of the operands that it looks up.
    """

    def __init__(self, plan: "ClausePlan", rows: Sequence["OperandRows"]) -> None:
        self.names: dict[str, Any] = {"everything": (1 << len(plan.owners)) - 1}
        self._rows = rows
        self._root = _Field("event", "")
        self._leaves: dict[tuple[str, ...], _Field] = {}
        for keys, position in plan.fields:
            self._add(keys, position)
        self._fields = [field for field in self._leaves.values() if field.operand >= 0]
        self._expressions = {
            position: operand.tree
            for position, operand in enumerate(plan.operands)
            if self._is_computable(operand.tree, rows[position])
        }
        self.inline = {*self._expressions, *[field.operand for field in self._fields]}

    def _add(self, keys: tuple[str, ...], position: int) -> None:
        field = self._root
        for key in keys:
            if key not in field.members:
                field.members[key] = _Field(f"{field.name}_{len(field.members)}", key)
            field = field.members[key]
        self._leaves[keys] = field
        field.operand = position

    def _bound(self, name: str, value: Any) -> str:
        self.names[name] = value
        return name

    def text(self) -> str:
        lines = ["alive = everything", *self._readings()]
        for field in self._fields:
            lines += self._look_up(field)
        for position, tree in self._expressions.items():
            lines += self._compute(position, tree)
        return self._function(lines)

    def _function(self, lines: Sequence[str]) -> str:
        end = "return alive" if len(self.inline) == len(self._rows) else "return finish(alive, event, now)"
        return "\n".join(["def alive(event, now):", *indented([*lines, end]), ""])

    # --- fields ---------------------------------------------------------------------------------------------

    def _readings(self) -> Iterator[str]:
        levels = [self._root] if self._root.members else []
        for level in levels:  # grows meanwhile
            yield from self._reading(level)
            levels.extend(field for field in level.members.values() if field.members)

    def _reading(self, level: _Field) -> list[str]:
        gets, members = [], []
        for field in level.members.values():
            key = str.__repr__(field.key)
            ((_, index),) = _cond_steps((field.key,))
            gets.append(f"{field.name} = {level.name}.get({key})")
            members.append(f"{field.name} = member({level.name}, {key}, {index})")
        return [f"if type({level.name}) is dict:", *indented(gets), "else:", *indented(members)]

    def _look_up(self, field: _Field) -> list[str]:
        value, n, rows = field.name, field.operand, self._rows[field.operand]
        cases = []
        if rows.numbers:
            cases += [
                (f"kind is float and {value} == {value}", self._of_double(n, value)),
                ("kind is int", self._of_integer(n, value)),
            ]
        if rows.named or rows.unnamed != rows.unknown:
            named = self._bound(f"named{n}", rows.named), self._bound(f"unnamed{n}", rows.unnamed)
            cases.append(("kind is str", f"{named[0]}.get({value}, {named[1]})"))
        if rows.true != rows.unknown or rows.false != rows.unknown:
            cases.append((f"{value} is True", self._bound(f"true{n}", rows.true)))
            cases.append((f"{value} is False", self._bound(f"false{n}", rows.false)))
        cases.append((f"{value} is None", self._bound(f"unknown{n}", rows.unknown)))
        lines = []
        for number, (test, row) in enumerate(cases):
            lines += [f"{'elif' if number else 'if'} {test}:", f"    alive &= {row}"]
        lines += ["else:", f"    alive &= {self._bound(f'other{n}', rows.of)}({value})"]
        if sum("kind is" in test for test, _ in cases) > 1:
            return [f"kind = type({value})", *lines]
        return [line.replace("kind is", f"type({value}) is") for line in lines]

    def _of_double(self, n: int, value: str) -> str:
        rows, cuts = (
            self._bound(f"numbers{n}", self._rows[n].numbers),
            self._bound(f"doubles{n}", self._rows[n].doubles),
        )
        return f"{rows}[bisect({cuts}, {value})]"

    def _of_integer(self, n: int, value: str) -> str:
        rows, cuts = (
            self._bound(f"numbers{n}", self._rows[n].numbers),
            self._bound(f"integers{n}", self._rows[n].integers),
        )
        return f"{rows}[bisect({cuts}, {value})]"

    # --- arithmetic -----------------------------------------------------------------------------------------

    def _is_computable(self, tree: Tree, rows: "OperandRows") -> bool:
        """Whether Python's own arithmetic gives the row of an expression if its fields hold plain numbers.

        The evaluator gives an exact quotient of two ints as an int, Python as a double; that is no difference
        for cuts within the ints that are exact as doubles, as long as nothing is computed from the quotient.
        """
        if tree[0] == "/":
            if not all(-EXACT < cut < EXACT for cut, _ in rows.cuts):
                return False
            tree = ("-", *tree[1:])
        if tree[0] not in _INLINE or not rows.numbers:
            return False
        leaves, pending = 0, [tree]
        while pending:
            part = pending.pop()
            size = len(part)  # asked here, else type checkers take the rest for tuples of fewer than three
            if part[0] in _INLINE and size > 2:
                pending.extend(part[1:])
            elif (part[0] == "const" and is_plain(part[1])) or self._field_of(part) is not None:
                leaves += 1
            else:
                return False
        return leaves <= MAX_LEAVES and bool(self._fields_in(tree))  # what reads none is known beforehand

    def _field_of(self, tree: Tree) -> _Field | None:
        return self._leaves.get(tree[1]) if tree[0] == "var" and len(tree) == 3 and tree[2] == 0 else None

    def _fields_in(self, tree: Tree) -> list[_Field]:
        if tree[0] in ("const", "var"):
            field = self._field_of(tree)
            return [] if field is None else [field]
        return list({field.name: field for part in tree[1:] for field in self._fields_in(part)}.values())

    def _compute(self, n: int, tree: Tree) -> list[str]:
        names = [field.name for field in self._fields_in(tree)]
        whole = f"-{EXACT} < {{0}} < {EXACT}"
        fit = " and ".join(
            f"(type({name}) is float or (type({name}) is int and {whole.format(name)}))" for name in names
        )
        unknown, other = (
            self._bound(f"unknown{n}", self._rows[n].unknown),
            self._bound(f"other{n}", self._rows[n].of),
        )
        look_up = [
            "if result == result:",
            f"    alive &= {self._of_double(n, 'result')}",
            "else:",
            f"    alive &= {unknown}",
        ]
        if tree[0] == "/":
            lines = [
                "try:",
                f"    result = {self._python(tree)}",
                "except ZeroDivisionError:",
                f"    alive &= {unknown}",
            ]
            lines += ["else:", *indented(look_up)]
        else:
            lines = [f"result = {self._python(tree)}", "if type(result) is int:"]
            lines += [f"    alive &= {self._of_integer(n, 'result')}", "el" + look_up[0], *look_up[1:]]
        plain = " and ".join(f"plain({name})" for name in names)
        return [
            f"if {fit}:",
            *indented(lines),
            f"elif {plain}:",  # and one of them None
            f"    alive &= {unknown}",
            "else:",
            f"    alive &= {other}(ask({n}, event, now))",
        ]

    def _python(self, tree: Tree) -> str:
        if tree[0] == "const":
            return f"({tree[1]!r})"
        if tree[0] == "var":
            return self._leaves[tree[1]].name
        return "(" + f" {tree[0]} ".join(self._python(part) for part in tree[1:]) + ")"


_INLINE = frozenset("+-*")


def is_plain(constant: object) -> bool:
    if type(constant) is int:
        return -EXACT < constant < EXACT
    return type(constant) is float and math.isfinite(constant)


def indented(lines: Sequence[str]) -> list[str]:
    return ["    " + line for line in lines]
