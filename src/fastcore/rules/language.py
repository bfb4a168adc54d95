"""How a condition is checked: JSONLogic in, a tree out, with everything that is wrong on the way.

`trees` says what the trees look like, `operators` which operators there are.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from fastcore import _backend
from fastcore.kernels import conditions as _conditions

from .operators import CONDITIONAL, ITERATORS, LITERALS, OPERATORS, UNITS, Operator, arity
from .regex import Pattern
from .trees import BROKEN, CONSTANT_KINDS, Tree, branches, field_name, quote, scoped, type_of

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "OPERATORS",
    "ConditionChecker",
    "Operator",
    "Place",
    "Tree",
    "branches",
    "field_name",
    "path_of",
    "quote",
    "scoped",
    "type_of",
]

MAX_DEPTH: Final = 100
"""How deep operators may nest in one condition."""

MAX_NODES: Final = 10_000
"""How many operators and operands one condition may have; entries of constant arrays do not count."""

FIELDS: Final = frozenset({"var", "exists"})
SCOPING: Final = ITERATORS | {"try", "if", "?:"}
"""Operators whose operands differ in their scope or in whether they are conditions."""

STRINGS: Final = {str}
SHARED: Final = frozenset(["==", "===", "!=", "!==", "<", "<=", ">", ">=", "in"])

Place = str | tuple[Any, str | int]
"""A path that is made text only for an error: the place around it and a key, or text."""


def path_of(place: Place) -> str:
    """The text of a path."""
    parts = []
    while isinstance(place, tuple):
        place, key = place
        parts.append(f"[{key}]" if isinstance(key, int) else f".{key}")
    return place + "".join(reversed(parts))


@dataclass(slots=True)
class ConditionChecker:
    """Turns conditions into trees and collects what is wrong with them.

    Conditions are plain JSON values: dict, list, str, int, float, bool and None, no subclasses of them.

    Attributes:
        lists: the names of the document's lists.
        typed: whether constants must have the types that operators take; not so under JSONLogic's coercions.
        allow_regex: whether `matches` may be used; google-re2 must then be installed.
        errors: pairs of path and message, all of them.
        clock: whether some condition reads ``now``.
        throws: whether some condition may throw.
        readers: named list → the fields that are looked up in it.
        networks: the named lists that `in_network` reads.
    """

    lists: Iterable[str]
    typed: bool = True
    errors: list[tuple[str, str]] = field(default_factory=list)
    clock: bool = False
    throws: bool = False
    readers: dict[str, set[str]] = field(default_factory=dict)
    networks: set[str] = field(default_factory=set)
    allow_regex: bool = False
    _kinds: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    _paths: dict[str, Tree] = field(default_factory=dict)
    _constants: dict[type, dict[Any, Tree]] = field(default_factory=dict)
    _leaves: dict[tuple[str, str, type], dict[Any, Tree]] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _patterns: dict[str, Pattern] = field(default_factory=dict)
    _nodes: int = 0

    def check(self, logic: object, place: Place) -> Tree:
        """The tree of one condition; where `errors` grew, it is not to be evaluated."""
        self._nodes = 0
        tree = self._tree(logic, place, 0, 0)
        if tree[0] in FIELDS:
            self._note(tree, "boolean", 0)
        return tree

    def check_apart(self, logic: object, place: Place) -> Tree:
        """The same for a condition that takes no part: nothing but its errors is recorded."""
        other = ConditionChecker(
            self.lists, self.typed, self.errors, networks=self.networks, allow_regex=self.allow_regex
        )
        return other.check(logic, place)

    @property
    def fields(self) -> dict[str, set[str]]:
        """Dotted path → the types that the conditions imply, apart from those of named lists."""
        return {field_name(keys): kinds for keys, kinds in self._kinds.items()}

    def _error(self, place: Place, message: str) -> Tree:
        self.errors.append((path_of(place), message))
        return BROKEN

    def _note(self, tree: Tree, kind: str, scopes: int) -> None:
        """Records that a field of the event is read, and as what."""
        if tree[0] in FIELDS and tree[1] and tree[2] == 2 * scopes:
            kinds = self._kinds.get(tree[1])
            if kinds is None:
                kinds = self._kinds[tree[1]] = set()
            if kind:
                kinds.add(kind)

    # -- one step of the recursion, which MAX_DEPTH bounds ---------------------------------------------------

    def _tree(self, logic: Any, place: Place, depth: int, scopes: int) -> Tree:
        if depth > MAX_DEPTH:
            return self._error(place, f"nested deeper than {MAX_DEPTH} operators")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            if self._nodes == MAX_NODES + 1:
                self._error(place, f"more than {MAX_NODES} operators and operands in one condition")
            return BROKEN
        kind = type(logic)
        if kind is not dict:
            return self._array(logic, place, depth, scopes) if kind is list else self._constant(logic)
        if len(logic) != 1:
            found = "none" if not logic else ", ".join(quote(key) for key in list(logic)[:5])
            return self._error(place, f"an operation is an object with one key, the operator; found {found}")
        ((name, given),) = logic.items()
        if name == "var" and type(given) is str:
            return self._field(given)
        operator = OPERATORS.get(name)
        if operator is None:
            return self._error(place, f"unknown operator {quote(name)}")
        operands = given if type(given) is list else [given]
        count = len(operands)
        if count < operator.least or (operator.most is not None and count > operator.most):
            return self._error(place, f"{quote(name)} takes {arity(operator)}, not {count}")
        if name in SHARED and scopes == 0 and count == 2:
            return self._leaf(name, operator, operands, place, depth)
        return self._operation(name, operator, operands, given, (place, name), depth, scopes)

    def _operation(
        self,
        name: str,
        operator: Operator,
        operands: list[object],
        given: object,
        here: Place,
        depth: int,
        scopes: int,
    ) -> Tree:
        special = SPECIAL.get(name)
        if special is not None:
            return special(self, name, given, here, depth, scopes)
        trees = self._operands(name, operands, given, here, depth, scopes)
        if name in CONDITIONAL:
            return (name, *trees)
        self._check_types(name, operator, trees, given, here, scopes)
        if name == "date_diff" and trees[2] not in [BROKEN, *(("const", unit) for unit in UNITS)]:
            self._error((here, 2), f"the unit is one of {', '.join(map(quote, UNITS))}")
        if name in LITERALS and trees[0][0] == "const" and isinstance(trees[0][1], str):
            return self._literal(name, trees[0][1], here)
        return ("if" if name == "?:" else name, *trees)

    def _field(self, name: str) -> Tree:
        tree = self._paths.get(name)
        if tree is None:
            tree = self._paths[name] = ("var", tuple(name.split(".")) if name else (), 0)
        return tree

    def _constant(self, value: Any) -> Tree:
        known = self._constants.get(type(value))
        if known is None:
            known = self._constants[type(value)] = {}
        tree = known.get(value)
        if tree is None:
            tree = ("const", value)
            if value != 0:  # 0.0 and -0.0 are equal, and not the same
                known[value] = tree
        return tree

    def _leaf(self, name: str, operator: Operator, operands: Any, place: Place, depth: int) -> Tree:
        """Two operands that are mostly a field and a constant: what is most of any ruleset."""
        left, right = operands
        if (
            type(left) is dict
            and len(left) == 1
            and type(path := left.get("var")) is str
            and depth < MAX_DEPTH
            and self._nodes < MAX_NODES - 1
        ):
            kind = type(right)
            key: Any = None
            if kind is list:
                if name == "in" and set(map(type, right)) == STRINGS:
                    kind, key = tuple, tuple(map(self._texts.setdefault, right, right))
            elif name != "in" and (kind is str or kind is int or kind is bool or (kind is float and right)):
                key = right
            if key is not None:
                known = self._leaves.get((name, path, kind))
                if known is None:
                    known = self._leaves[name, path, kind] = {}
                tree = known.get(key)
                if tree is None and (tree := self._new_leaf(name, path, key, operator)) is not None:
                    known[key] = tree
                if tree is not None:
                    self._nodes += 2
                    return tree
        return self._operation(name, operator, operands, operands, (place, name), depth, 0)

    def _new_leaf(self, name: str, path: str, constant: Any, operator: Operator) -> Tree | None:
        """The tree of a leaf that was not met before; None if something is wrong with it."""
        kind = "string" if name == "in" else CONSTANT_KINDS[type(constant)]
        allowed = operator.operands[0]
        if allowed and kind not in allowed:
            return None
        needle = self._field(path)
        self._note(needle, kind, 0)
        return ("in_set", needle, constant) if name == "in" else (name, needle, self._constant(constant))

    def _operands(
        self, name: str, operands: Sequence[object], given: object, here: Place, depth: int, scopes: int
    ) -> list[Tree]:
        if name in SCOPING:
            return self._scoped_operands(name, operands, given, here, depth, scopes)
        kind = "boolean" if name in CONDITIONAL else ""
        listed = type(given) is list
        trees = []
        for position, operand in enumerate(operands):
            tree = self._tree(operand, (here, position) if listed else here, depth + 1, scopes)
            if tree[0] in FIELDS:
                self._note(tree, kind, scopes)
            trees.append(tree)
        return trees

    def _scoped_operands(
        self, name: str, operands: Sequence[object], given: object, here: Place, depth: int, scopes: int
    ) -> list[Tree]:
        trees = []
        for position, operand in enumerate(operands):
            inner = scopes
            if (name in ITERATORS and position == 1) or (name == "try" and position > 0):
                inner = scopes + 1
            tree = self._tree(operand, (here, position) if type(given) is list else here, depth + 1, inner)
            is_condition = (name in ITERATORS - {"map", "reduce"} and position == 1) or (
                name in ("if", "?:") and position % 2 == 0 and position + 1 < len(operands)
            )
            self._note(tree, "boolean" if is_condition else "", inner)
            trees.append(tree)
        return trees

    def _array(self, values: list[Any], place: Place, depth: int, scopes: int) -> Tree:
        kinds = set(map(type, values))
        if dict in kinds or list in kinds:
            trees = [
                self._tree(value, (place, index), depth + 1, scopes) for index, value in enumerate(values)
            ]
            for tree in trees:
                self._note(tree, "", scopes)
            if all(tree[0] == "const" for tree in trees):
                return ("const", [tree[1] for tree in trees])
            return ("array", *trees)
        if self.typed and type(None) in kinds:
            for index, value in enumerate(values):
                if value is None:
                    self._error((place, index), "null in a constant array: nothing ever equals it")
        return ("const", list(values))

    def _literal(self, name: str, text: str, here: Place) -> Tree:
        value = literal(name, text)
        if value is None:
            return self._error(here, f"{quote(text)} is not {LITERALS[name]}")
        return ("const", value)

    def _check_types(
        self, name: str, operator: Operator, trees: Sequence[Tree], given: object, here: Place, scopes: int
    ) -> None:
        kinds = [type_of(tree) for tree in trees]
        known = set(kinds) - {"", "nothing"} if operator.alike else set()
        last = len(operator.operands) - 1
        for position, (tree, kind) in enumerate(zip(trees, kinds, strict=True)):
            allowed = operator.operands[min(last, position)]
            if tree[0] in FIELDS:
                inner = scopes + 1 if name in ITERATORS and position == 1 else scopes
                alike = known & allowed if allowed else known
                for implied in alike if operator.alike else allowed if len(allowed) == 1 else ():
                    self._note(tree, implied, inner)
            if kind and allowed and kind not in allowed and self.typed:
                self._refuse_type(name, trees, position, given, here)

    def _refuse_type(
        self, name: str, trees: Sequence[Tree], position: int, given: object, here: Place
    ) -> None:
        tree = trees[position]
        kind = type_of(tree)
        reads_text = name == "+" and len(trees) == 1 and kind == "string"
        if reads_text and (tree[0] != "const" or numeric_text(tree[1])):
            return
        operator = OPERATORS[name]
        allowed = operator.operands[min(position, len(operator.operands) - 1)]
        what = quote(tree[1]) if tree[0] == "const" else f"the {kind} that {quote(tree[0])} gives"
        where = (here, position) if type(given) is list else here
        self._error(where, f"{quote(name)} takes {words(allowed)} here, not {what}")

    # -- operators with a form of their own ------------------------------------------------------------------

    def _var(self, name: str, given: object, here: Place, depth: int, scopes: int) -> Tree:
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
        default = self._tree(operands[1], (here, 1), depth + 1, scopes)
        self._note(default, "", scopes)
        tree = ("var", keys, 0, default)
        if default[0] == "const":
            self._note(tree, type_of(default).replace("nothing", ""), scopes)
        return tree

    def _val(self, name: str, given: object, here: Place, depth: int, scopes: int) -> Tree:
        parts = given if isinstance(given, list) else [given]
        level = 0
        if parts and isinstance(parts[0], list):
            jump = parts[0]
            if name != "val" or len(jump) != 1 or not isinstance(jump[0], int) or isinstance(jump[0], bool):
                return self._error((here, 0), f"a level is an array of one integer, not {quote(jump)}")
            level, parts = abs(jump[0]), parts[1:]
            if level > 2 * scopes:
                message = f"level {level} is outside of the event; {2 * scopes} reaches it from here"
                return self._error((here, 0), message)
        keys = []
        for position, part in enumerate(parts):
            if isinstance(part, bool) or not isinstance(part, (str, int)) or part == -1:
                return self._error((here, position), f"a key is a string or index, not {quote(part)}")
            keys.append(str(part))
        return ("var" if name == "val" else "exists", tuple(keys), level)

    def _list(self, name: str, given: object, here: Place, depth: int, scopes: int) -> Tree:
        wanted = given[0] if isinstance(given, list) else given
        if not isinstance(wanted, str) or wanted not in self.lists:
            known = ", ".join(quote(known) for known in list(self.lists)[:10]) or "none"
            return self._error(here, f"no list is named {quote(wanted)}; the document has {known}")
        return ("list", wanted)

    def _in(self, name: str, given: object, here: Place, depth: int, scopes: int) -> Tree:
        assert isinstance(given, list)
        operands = self._operands(name, given, given, here, depth, scopes)
        needle, hay = operands if name == "in" else operands[::-1]
        if hay[0] == "list":
            if needle[0] in ("var", "exists") and needle[2] == 2 * scopes:
                self.readers.setdefault(hay[1], set()).add(field_name(needle[1]))
            return ("in_list", needle, hay[1])
        if name == "in" and hay[0] == "const" and isinstance(hay[1], (list, tuple)):
            for kind in {CONSTANT_KINDS.get(type(v)) or _conditions.conditions_kind(v) for v in hay[1]}:
                self._note(needle, kind, scopes)
            return ("in_set", needle, tuple(hay[1]))
        if name == "in" and hay[0] == "const" and isinstance(hay[1], str):
            self._note(needle, "string", scopes)
        self._check_types(name, OPERATORS[name], operands, given, here, scopes)
        return (name, *operands)

    def _in_network(self, name: str, given: object, here: Place, depth: int, scopes: int) -> Tree:
        assert isinstance(given, list)
        address, held = self._operands(name, given, given, here, depth, scopes)
        self._note(address, "string", scopes)
        if held == BROKEN:
            return BROKEN
        if held[0] == "list":
            self.networks.add(held[1])
            return ("in_network", address, held[1])
        if held[0] != "const" or not isinstance(held[1], (str, list, tuple)):
            message = "the networks are a constant: a CIDR block, an array of them, or a named list"
            return self._error((here, 1), message)
        texts = (held[1],) if isinstance(held[1], str) else tuple(held[1])
        blocks, errors = cidr_blocks(texts)
        for index, message in errors:
            self._error(((here, 1), index) if isinstance(given[1], list) else (here, 1), message)
        return ("in_network", address, blocks, texts)

    def _matches(self, name: str, given: object, here: Place, depth: int, scopes: int) -> Tree:
        assert isinstance(given, list)
        if not self.allow_regex:
            return self._error(here, f"{quote(name)} must be allowed with allow_regex=True")
        text, pattern = given
        trees = self._operands(name, [text], given, here, depth, scopes)
        self._check_types(name, OPERATORS[name], trees, given, here, scopes)
        if not isinstance(pattern, str):
            return self._error((here, 1), f"a pattern is a constant string, not {quote(pattern)}")
        compiled = self._patterns.get(pattern)
        if compiled is None:
            try:
                compiled = self._patterns[pattern] = Pattern(pattern)
            except ValueError as error:
                return self._error((here, 1), f"{quote(pattern)} is not a pattern: {error}")
        return (name, *trees, compiled)

    def _missing(self, name: str, given: object, here: Place, depth: int, scopes: int) -> Tree:
        operands = given if isinstance(given, list) else [given]
        for key in literal_keys(operands):
            self._note(("var", tuple(key.split(".")), 0), "", scopes)
        trees = self._operands(name, operands, given, here, depth, scopes)
        if name == "missing_some" and trees[0] != BROKEN:
            need = trees[0][1] if trees[0][0] == "const" else None
            if not isinstance(need, int) or isinstance(need, bool) or need < 0:
                return self._error((here, 0), f"a constant count, 0 or more, not {quote(operands[0])}")
            self._check_types(name, OPERATORS[name], trees, given, here, scopes)
        return (name, *trees)

    def _throw(self, name: str, given: object, here: Place, depth: int, scopes: int) -> Tree:
        self.throws = True
        operands = given if isinstance(given, list) else [given]
        return (name, *self._operands(name, operands, given, here, depth, scopes))

    def _now(self, name: str, given: object, here: Place, depth: int, scopes: int) -> Tree:
        self.clock = True
        return ("now",)


SPECIAL: Final[Mapping[str, "Special"]] = {
    "var": ConditionChecker._var,
    "val": ConditionChecker._val,
    "exists": ConditionChecker._val,
    "list": ConditionChecker._list,
    "in": ConditionChecker._in,
    "contains": ConditionChecker._in,
    "in_network": ConditionChecker._in_network,
    "matches": ConditionChecker._matches,
    "missing": ConditionChecker._missing,
    "missing_some": ConditionChecker._missing,
    "now": ConditionChecker._now,
    "throw": ConditionChecker._throw,
}


def cidr_blocks(texts: Sequence[object]) -> tuple[dict[int, Any], list[tuple[int, str]]]:
    """CIDR blocks prepared for look-ups, see `conditions_blocks`, and what is wrong: index and message."""
    read = _backend.kernels("conditions").conditions_blocks
    wrong = [
        (index, f'{quote(text)} is not a CIDR block such as "10.0.0.0/8"')
        for index, text in enumerate(texts)
        if not isinstance(text, str)
    ]
    if wrong:
        others = [(index, text) for index, text in enumerate(texts) if isinstance(text, str)]
        blocks, found = read([text for _, text in others])
        return blocks, sorted([*wrong, *((others[index][0], message) for index, message in found)])
    blocks, found = read(texts)
    return blocks, found


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


Special = Callable[[ConditionChecker, str, Any, Place, int, int], Tree]
