"""The language of conditions: which operators there are, what they take, and how a condition is checked.

A condition of a document becomes a *tree* of plain tuples, ``(operator, operand, …)``, that kernels, lint and
explanations share. Leaves are ``("const", value)``, ``("var", keys, level, default?)`` and
``("exists", keys, level)``; ``("in_set", needle, values)`` and ``("in_network", address, blocks, texts)``
are `in` and `in_network` with their constants prepared; ``("array", …)`` is an array with computed elements.
"""

import ipaddress
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from fastcore.kernels import conditions as _conditions

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "OPERATORS",
    "ConditionChecker",
    "Operator",
    "branches",
    "field_name",
    "quote",
    "scoped",
]

MAX_DEPTH: Final = 100
"""How deep operators may nest in one condition."""

MAX_NODES: Final = 10_000
"""How many operators and operands one condition may have; entries of constant arrays do not count."""

Tree = tuple[Any, ...]
BROKEN: Final[Tree] = ("broken",)
"""What stands for an operand that is wrong, so that nothing more is said about it."""

NUMBER = frozenset({"number"})
STRING = frozenset({"string"})
ARRAY = frozenset({"array"})
ORDERED = frozenset({"number", "string", "datetime", "date", "duration"})
MOMENT = frozenset({"datetime", "date"})
ANY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Operator:
    """What one operator takes.

    Attributes:
        least, most: number of operands; `most` is None where there is no limit.
        operands: the types each operand may have, empty for any; the last entry stands for all that follow.
        alike: whether the operands are compared with one another, so that a constant tells the others' type.
    """

    least: int
    most: int | None
    operands: tuple[frozenset[str], ...] = (ANY,)
    alike: bool = False


OPERATORS: Final[Mapping[str, Operator]] = {
    "var": Operator(0, 2),
    "val": Operator(0, None),
    "exists": Operator(1, None),
    "list": Operator(1, 1),
    "missing": Operator(0, None),
    "missing_some": Operator(2, 2, (NUMBER, ARRAY)),
    "??": Operator(1, None),
    "==": Operator(2, None, alike=True),
    "===": Operator(2, None, alike=True),
    "!=": Operator(2, None, alike=True),
    "!==": Operator(2, None, alike=True),
    "<": Operator(2, None, (ORDERED,), alike=True),
    "<=": Operator(2, None, (ORDERED,), alike=True),
    ">": Operator(2, None, (ORDERED,), alike=True),
    ">=": Operator(2, None, (ORDERED,), alike=True),
    "between": Operator(3, 3, (ORDERED,), alike=True),
    "in": Operator(2, 2, (ANY, STRING | ARRAY)),
    "contains": Operator(2, 2, (STRING | ARRAY, ANY)),
    "in_network": Operator(2, 2, (STRING, STRING | ARRAY)),
    "and": Operator(1, None),
    "or": Operator(1, None),
    "!": Operator(1, 1),
    "!!": Operator(1, 1),
    "if": Operator(1, None),
    "?:": Operator(1, None),
    "+": Operator(1, None, (NUMBER,)),
    "-": Operator(1, None, (NUMBER,)),
    "*": Operator(1, None, (NUMBER,)),
    "/": Operator(1, None, (NUMBER,)),
    "%": Operator(2, None, (NUMBER,)),
    "min": Operator(1, None, (NUMBER,)),
    "max": Operator(1, None, (NUMBER,)),
    "cat": Operator(1, None),
    "substr": Operator(2, 3, (STRING, NUMBER)),
    "lower": Operator(1, 1, (STRING,)),
    "upper": Operator(1, 1, (STRING,)),
    "starts_with": Operator(2, 2, (STRING,)),
    "ends_with": Operator(2, 2, (STRING,)),
    "length": Operator(1, 1, (STRING | ARRAY,)),
    "some": Operator(2, 2, (ARRAY, ANY)),
    "all": Operator(2, 2, (ARRAY, ANY)),
    "none": Operator(2, 2, (ARRAY, ANY)),
    "filter": Operator(2, 2, (ARRAY, ANY)),
    "map": Operator(2, 2, (ARRAY, ANY)),
    "reduce": Operator(2, 3, (ARRAY, ANY, ANY)),
    "merge": Operator(0, None),
    "now": Operator(0, 0),
    "datetime": Operator(1, 1, (STRING | MOMENT,)),
    "date": Operator(1, 1, (STRING | MOMENT,)),
    "duration": Operator(1, 1, (STRING | {"duration"},)),
    "date_diff": Operator(3, 3, (STRING | MOMENT, STRING | MOMENT, STRING)),
    "try": Operator(1, None),
    "throw": Operator(1, 1),
}

ITERATORS: Final = frozenset({"some", "all", "none", "filter", "map", "reduce"})
CONDITIONAL: Final = frozenset({"and", "or", "!", "!!"})
UNITS: Final = ("days", "hours", "minutes", "seconds", "milliseconds")
LITERALS: Final[Mapping[str, str]] = {
    "datetime": 'an ISO 8601 date and time such as "2026-01-31T12:00:00Z"',
    "date": 'an ISO 8601 date such as "2026-01-31"',
    "duration": 'a duration of weeks, days, hours, minutes and seconds such as "P1DT12H" or "1d 12h"',
}
RESULTS: Final[Mapping[str, str]] = {
    "now": "datetime",
    "datetime": "datetime",
    "date": "date",
    "duration": "duration",
    "cat": "string",
    "substr": "string",
    "lower": "string",
    "upper": "string",
    **dict.fromkeys(["+", "-", "*", "/", "%", "min", "max", "length", "date_diff"], "number"),
    **dict.fromkeys(["array", "filter", "map", "merge", "missing", "missing_some"], "array"),
    **dict.fromkeys(["==", "===", "!=", "!==", "<", "<=", ">", ">=", "between"], "boolean"),
    **dict.fromkeys(["in", "in_set", "in_network", "contains", "starts_with", "ends_with"], "boolean"),
    **dict.fromkeys(["!", "!!", "exists", "some", "all", "none"], "boolean"),
}
"""The type of what an operator gives, where its name tells."""


def branches(tree: Tree) -> tuple[Tree, ...]:
    """The operands of a tree that are trees themselves, as a kernel's node has children."""
    op = tree[0]
    if op in ("const", "now"):
        return ()
    if op in ("var", "exists"):
        return tree[3:]
    return tree[1:2] if op in ("in_set", "in_network") else tree[1:]


def scoped(tree: Tree) -> tuple[int, ...]:
    """Positions of the operands evaluated in the tree's own scope, not for an element or an error."""
    count = len(branches(tree))
    if tree[0] in ITERATORS:
        return (0, 2) if count > 2 else (0,)
    return (0,) if tree[0] == "try" else tuple(range(count))


def mentions(tree: Tree, operator: str) -> bool:
    """Whether an operator occurs in a tree."""
    pending = [tree]
    while pending:
        tree = pending.pop()
        if tree[0] == operator:
            return True
        pending.extend(branches(tree))
    return False


def quote(value: object, limit: int = 60) -> str:
    """A value as JSON in a message, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = str(type(value).__name__)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def field_name(keys: Sequence[str]) -> str:
    """The dotted name of a path; a dot within a key is written ``\\.``."""
    return ".".join(key.replace("\\", "\\\\").replace(".", "\\.") if "." in key else key for key in keys)


def type_of(tree: Tree) -> str:
    """The type that a tree's value has if it is known, "" where the tree does not tell."""
    if tree[0] == "const":
        return _conditions.conditions_kind(tree[1])
    return RESULTS.get(tree[0], "")


@dataclass(slots=True)
class ConditionChecker:
    """Turns conditions into trees and collects what is wrong with them.

    Attributes:
        lists: the document's named lists.
        typed: whether constants must have the types that operators take; not so under JSONLogic's coercions.
        errors: pairs of path and message, all of them.
        fields: dotted path → the types that the conditions imply.
        clock: whether some condition reads ``now``.
    """

    lists: Mapping[str, Sequence[Any]]
    typed: bool = True
    errors: list[tuple[str, str]] = field(default_factory=list)
    fields: dict[str, set[str]] = field(default_factory=dict)
    clock: bool = False
    _nodes: int = 0
    _networks: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def check(self, logic: object, path: str) -> Tree:
        """The tree of one condition; where `errors` grew, it is not to be evaluated."""
        self._nodes = 0
        tree = self._tree(logic, path, 0, 0)
        self._note(tree, "boolean", 0)
        return tree

    def _error(self, path: str, message: str) -> Tree:
        self.errors.append((path, message))
        return BROKEN

    def _note(self, tree: Tree, kind: str, scopes: int) -> None:
        """Records that a field of the event is read, and as what."""
        if tree[0] in ("var", "exists") and tree[1] and tree[2] == 2 * scopes:
            kinds = self.fields.setdefault(field_name(tree[1]), set())
            if kind:
                kinds.add(kind)

    # -- one step of the recursion, which MAX_DEPTH bounds ---------------------------------------------------

    def _tree(self, logic: object, path: str, depth: int, scopes: int) -> Tree:
        if depth > MAX_DEPTH:
            return self._error(path, f"nested deeper than {MAX_DEPTH} operators")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            if self._nodes == MAX_NODES + 1:
                self._error(path, f"more than {MAX_NODES} operators and operands in one condition")
            return BROKEN
        if isinstance(logic, list):
            return self._array(logic, path, depth, scopes)
        if not isinstance(logic, dict):
            return ("const", logic)
        if len(logic) != 1:
            found = "none" if not logic else ", ".join(quote(key) for key in list(logic)[:5])
            return self._error(path, f"an operation is an object with one key, the operator; found {found}")
        name, given = next(iter(logic.items()))
        operator = OPERATORS.get(name)
        if operator is None:
            return self._error(path, f"unknown operator {quote(name)}")
        operands = given if isinstance(given, list) else [given]
        count = len(operands)
        if count < operator.least or (operator.most is not None and count > operator.most):
            return self._error(path, f"{quote(name)} takes {arity(operator)}, not {count}")
        here = f"{path}.{name}"
        special = self._SPECIAL.get(name)
        if special is not None:
            return special(self, name, given, here, depth, scopes)
        trees = self._operands(name, operands, given, here, depth, scopes)
        self._check_types(name, operator, trees, given, here, scopes)
        if name == "date_diff" and trees[2] not in [BROKEN, *(("const", unit) for unit in UNITS)]:
            self._error(f"{here}[2]", f"the unit is one of {', '.join(map(quote, UNITS))}")
        if name in LITERALS and trees[0][0] == "const" and isinstance(trees[0][1], str):
            return self._literal(name, trees[0][1], here)
        return ("if" if name == "?:" else name, *trees)

    def _operands(
        self, name: str, operands: Sequence[object], given: object, here: str, depth: int, scopes: int
    ) -> list[Tree]:
        trees = []
        for position, operand in enumerate(operands):
            inner = scopes
            if (name in ITERATORS and position == 1) or (name == "try" and position > 0):
                inner = scopes + 1
            where = f"{here}[{position}]" if isinstance(given, list) else here
            tree = self._tree(operand, where, depth + 1, inner)
            if (
                (name in CONDITIONAL)
                or (name in ITERATORS - {"map", "reduce"} and position == 1)
                or (name in ("if", "?:") and position % 2 == 0 and position + 1 < len(operands))
            ):
                self._note(tree, "boolean", inner)
            else:
                self._note(tree, "", inner)
            trees.append(tree)
        return trees

    def _array(self, values: Sequence[object], path: str, depth: int, scopes: int) -> Tree:
        if any(isinstance(value, (dict, list)) for value in values):
            trees = [
                self._tree(value, f"{path}[{index}]", depth + 1, scopes) for index, value in enumerate(values)
            ]
            for tree in trees:
                self._note(tree, "", scopes)
            if all(tree[0] == "const" for tree in trees):
                return ("const", [tree[1] for tree in trees])
            return ("array", *trees)
        for index, value in enumerate(values):
            if value is None and self.typed:
                self._error(f"{path}[{index}]", "null in a constant array: nothing ever equals it")
        return ("const", list(values))

    def _literal(self, name: str, text: str, here: str) -> Tree:
        value = literal(name, text)
        if value is None:
            return self._error(here, f"{quote(text)} is not {LITERALS[name]}")
        return ("const", value)

    def _check_types(
        self, name: str, operator: Operator, trees: Sequence[Tree], given: object, here: str, scopes: int
    ) -> None:
        known = {type_of(tree) for tree in trees} - {"", "nothing"}
        for position, tree in enumerate(trees):
            allowed = operator.operands[min(position, len(operator.operands) - 1)]
            if operator.alike:
                implied = frozenset(known & allowed if allowed else known)
            else:
                implied = allowed if len(allowed) == 1 else ANY
            inner = scopes + 1 if name in ITERATORS and position == 1 else scopes
            for kind in implied:
                self._note(tree, kind, inner)
            if not self.typed or not allowed:
                continue
            kind = type_of(tree)
            if not kind or kind in allowed:
                continue
            reads_text = name == "+" and len(trees) == 1 and kind == "string"
            if reads_text and (tree[0] != "const" or numeric_text(tree[1])):
                continue
            where = f"{here}[{position}]" if isinstance(given, list) else here
            what = quote(tree[1]) if tree[0] == "const" else f"the {kind} that {quote(tree[0])} gives"
            self._error(where, f"{quote(name)} takes {words(allowed)} here, not {what}")

    # -- operators with a form of their own ------------------------------------------------------------------

    def _var(self, name: str, given: object, here: str, depth: int, scopes: int) -> Tree:
        operands = given if isinstance(given, list) else [given]
        key = operands[0] if operands else ""
        if key is None or key == "":
            keys: tuple[str, ...] = ()
        elif isinstance(key, str):
            keys = tuple(key.split("."))
        elif isinstance(key, int) and not isinstance(key, bool) and key >= 0:
            keys = (str(key),)
        else:
            return self._error(here, f"a path is a constant string or index, not {quote(key)}")
        if len(operands) < 2:
            return ("var", keys, 0)
        default = self._tree(operands[1], f"{here}[1]", depth + 1, scopes)
        self._note(default, "", scopes)
        tree = ("var", keys, 0, default)
        if default[0] == "const":
            self._note(tree, type_of(default).replace("nothing", ""), scopes)
        return tree

    def _val(self, name: str, given: object, here: str, depth: int, scopes: int) -> Tree:
        parts = given if isinstance(given, list) else [given]
        level = 0
        if parts and isinstance(parts[0], list):
            jump = parts[0]
            if name != "val" or len(jump) != 1 or not isinstance(jump[0], int) or isinstance(jump[0], bool):
                return self._error(f"{here}[0]", f"a level is an array of one integer, not {quote(jump)}")
            level, parts = abs(jump[0]), parts[1:]
            if level > 2 * scopes:
                message = f"level {level} is outside of the event; {2 * scopes} reaches it from here"
                return self._error(f"{here}[0]", message)
        keys = []
        for position, part in enumerate(parts):
            if isinstance(part, bool) or not isinstance(part, (str, int)) or part == -1:
                return self._error(f"{here}[{position}]", f"a key is a string or index, not {quote(part)}")
            keys.append(str(part))
        return ("var" if name == "val" else "exists", tuple(keys), level)

    def _list(self, name: str, given: object, here: str, depth: int, scopes: int) -> Tree:
        wanted = given[0] if isinstance(given, list) else given
        if not isinstance(wanted, str) or wanted not in self.lists:
            known = ", ".join(quote(known) for known in list(self.lists)[:10]) or "none"
            return self._error(here, f"no list is named {quote(wanted)}; the document has {known}")
        return ("const", self.lists[wanted])

    def _in(self, name: str, given: object, here: str, depth: int, scopes: int) -> Tree:
        assert isinstance(given, list)
        needle, hay = self._operands(name, given, given, here, depth, scopes)
        if hay[0] == "const" and isinstance(hay[1], (list, tuple)):
            for kind in sorted({_conditions.conditions_kind(value) for value in hay[1]}):
                self._note(needle, kind, scopes)
            return ("in_set", needle, tuple(hay[1]))
        if hay[0] == "const" and isinstance(hay[1], str):
            self._note(needle, "string", scopes)
        self._check_types(name, OPERATORS[name], (needle, hay), given, here, scopes)
        return (name, needle, hay)

    def _in_network(self, name: str, given: object, here: str, depth: int, scopes: int) -> Tree:
        assert isinstance(given, list)
        address, held = self._operands(name, given, given, here, depth, scopes)
        self._note(address, "string", scopes)
        if held == BROKEN:
            return BROKEN
        if held[0] != "const" or not isinstance(held[1], (str, list, tuple)):
            message = "the networks are a constant: a CIDR block, an array of them, or a named list"
            return self._error(f"{here}[1]", message)
        texts = (held[1],) if isinstance(held[1], str) else tuple(held[1])
        second = given[1]
        if isinstance(second, dict):
            name_of_list = next(iter(second.values()))
            name_of_list = name_of_list[0] if isinstance(name_of_list, list) else name_of_list
            blocks = self._networks.get(name_of_list)
            if blocks is None:
                blocks = self._blocks(texts, f"lists.{name_of_list}", True)
                self._networks[name_of_list] = blocks
        else:
            blocks = self._blocks(texts, f"{here}[1]", isinstance(second, list))
        return ("in_network", address, blocks, texts)

    def _blocks(self, texts: Sequence[object], path: str, indexed: bool) -> tuple[Any, ...]:
        """CIDR blocks as the kernel wants them: per IP version, pairs of shift and set of prefixes."""
        found: dict[tuple[int, int], set[int]] = {}
        for index, text in enumerate(texts):
            try:
                if not isinstance(text, str):
                    raise ValueError(f'{quote(text)} is not a CIDR block such as "10.0.0.0/8"')
                block = ipaddress.ip_network(text)
            except ValueError as error:
                self._error(f"{path}[{index}]" if indexed else path, str(error))
                continue
            shift = block.max_prefixlen - block.prefixlen
            found.setdefault((block.version, shift), set()).add(int(block.network_address) >> shift)
        by_version: dict[int, list[Any]] = {}
        for (version, shift), prefixes in sorted(found.items()):
            by_version.setdefault(version, []).append((shift, frozenset(prefixes)))
        return tuple((version, tuple(pairs)) for version, pairs in by_version.items())

    def _missing(self, name: str, given: object, here: str, depth: int, scopes: int) -> Tree:
        operands = given if isinstance(given, list) else [given]
        for key in literal_keys(operands):
            self._note(("var", tuple(key.split(".")), 0), "", scopes)
        trees = self._operands(name, operands, given, here, depth, scopes)
        if name == "missing_some" and trees[0] != BROKEN:
            need = trees[0][1] if trees[0][0] == "const" else None
            if not isinstance(need, int) or isinstance(need, bool) or need < 0:
                return self._error(f"{here}[0]", f"a constant count, 0 or more, not {quote(operands[0])}")
            self._check_types(name, OPERATORS[name], trees, given, here, scopes)
        return (name, *trees)

    def _now(self, name: str, given: object, here: str, depth: int, scopes: int) -> Tree:
        self.clock = True
        return ("now",)

    _SPECIAL = {  # noqa: RUF012
        "var": _var,
        "val": _val,
        "exists": _val,
        "list": _list,
        "in": _in,
        "in_network": _in_network,
        "missing": _missing,
        "missing_some": _missing,
        "now": _now,
    }


def literal_keys(operands: Sequence[object]) -> list[str]:
    """The keys that `missing` is given as plain strings, also within arrays and operators."""
    keys, pending = [], list(operands)
    while pending:
        operand = pending.pop()
        if isinstance(operand, str):
            keys.append(operand)
        elif isinstance(operand, list):
            pending.extend(operand)
    return keys


def literal(name: str, text: str) -> datetime | date | timedelta | None:
    """The value of a ``datetime``, ``date`` or ``duration`` literal, None if the text is none."""
    program = _conditions.conditions_program([(name, ("const", text))])
    value: datetime | date | timedelta | None = program.probe(0, {}, None).value()
    return value


def numeric_text(text: str) -> bool:
    program = _conditions.conditions_program([("+", ("const", text))])
    value = program.probe(0, {}, None).value()
    return value is not None and not (isinstance(value, float) and math.isinf(value))


def words(kinds: frozenset[str]) -> str:
    names = sorted(kinds)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def arity(operator: Operator) -> str:
    """How many operands, in words."""
    least, most = operator.least, operator.most
    if most is None:
        return f"at least {least} operand{'s' * (least != 1)}"
    if least == most:
        return f"{least or 'no'} operand{'s' * (least != 1)}"
    return f"{least} to {most} operands"


Special = Callable[[ConditionChecker, str, object, str, int, int], Tree]
