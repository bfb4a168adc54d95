"""From condition trees to the plan of a matcher: which clause each value of each operand leaves standing.

A rule fires when its condition is true. Negations are pushed down to the leaves (a negated condition is true
exactly where the condition is false; under Kleene's logic `and`, `or` and `not` all keep that), so every rule
becomes clauses, each a conjunction of at most one set of values per *operand*, a field or an expression that
is read once per event. For every operand the plan lists where the clauses' sets begin and end; a kernel turns
that into one bitset per interval and category, the clauses *not falsified* there, and an event costs one
look-up and one AND per operand. The index is that of bitmap indexes over intervals (O'Neil and Quass,
"Improved query performance with variant indexes", SIGMOD 1997).

What no set of values describes (a function, two fields compared, an `or` that would multiply the clauses)
becomes an operand of its own, whose truth is looked up like any value's and which is evaluated only where
some clause still needs it.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import and_, or_
from typing import Any, Final

__all__ = ["MAX_CLAUSES", "ClausePlan", "Operand", "make_clauses"]

MAX_CLAUSES: Final = 16
"""How many clauses one rule may become; an `or` beyond that is evaluated as one operand."""

Tree = tuple[Any, ...]
Cut = tuple[Any, int]

_FALSE, _TRUE = 1, 2
_BOTH = _FALSE | _TRUE
_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_SCALARS: Final = frozenset({str, int, float, bool})
_STRINGS: Final = frozenset({str})
_ALIASES: Final = {"===": "==", "!==": "!="}


@dataclass(slots=True)
class Values:
    """A set of known values, by type.

    Attributes:
        cuts: where membership of a number changes, ascending, beginning outside: (c, 0) is just below c, (c,
            1) just above.
        strings: these strings, or with `others` all but these.
        others: see `strings`.
        bools: 1 for false, 2 for true, or both.
        rest: of the values of other types: 1 for the falsy, 2 for the truthy, or both.
    """

    cuts: tuple[Cut, ...] = ()
    strings: frozenset[str] = frozenset()
    others: bool = False
    bools: int = 0
    rest: int = 0

    def __bool__(self) -> bool:
        return bool(self.cuts or self.strings or self.others or self.bools or self.rest)

    def __and__(self, other: "Values") -> "Values":
        if self.others and other.others:
            strings = self.strings | other.strings
        elif self.others:
            strings = other.strings - self.strings
        elif other.others:
            strings = self.strings - other.strings
        else:
            strings = self.strings & other.strings
        return Values(
            _combine(self.cuts, other.cuts, 2),
            strings,
            self.others and other.others,
            self.bools & other.bools,
            self.rest & other.rest,
        )

    def __or__(self, other: "Values") -> "Values":
        if self.others and other.others:
            strings = self.strings & other.strings
        elif self.others:
            strings = self.strings - other.strings
        elif other.others:
            strings = other.strings - self.strings
        else:
            strings = self.strings | other.strings
        return Values(
            _combine(self.cuts, other.cuts, 1),
            strings,
            self.others or other.others,
            self.bools | other.bools,
            self.rest | other.rest,
        )


BELOW_ALL: Final[Cut] = (float("-inf"), 0)
ABOVE_ALL: Final[Cut] = (float("inf"), 1)


_TRUTHY: Final = Values((BELOW_ALL, (0, 0), (0, 1)), frozenset([""]), True, _TRUE, 2)
_FALSY: Final = Values(((0, 0), (0, 1)), frozenset([""]), False, _FALSE, 1)


def _combine(left: tuple[Cut, ...], right: tuple[Cut, ...], needed: int) -> tuple[Cut, ...]:
    """The cuts of the numbers that are in `needed` of two sets."""
    if not left or not right:
        return () if needed == 2 else left or right
    result: list[Cut] = []
    inside, held = [False, False], False
    for cut, which in sorted([(cut, 0) for cut in left] + [(cut, 1) for cut in right]):
        inside[which] = not inside[which]
        now = inside[0] + inside[1] >= needed
        if now != held:
            held = now
            if result and result[-1] == cut:
                result.pop()
            else:
                result.append(cut)
    return tuple(result)


Clause = dict[int, Values]


@dataclass(frozen=True, slots=True)
class Operand:
    """What one operand's values mean for the clauses that read it; clauses are numbered through the whole
    plan.

    Attributes:
        tree: the operand, or a condition whose truth is the operand.
        condition: whether it is such a condition.
        users: the clauses that read it; no other is ever falsified by it.
        cuts: where numbers change clauses, ascending.
        thresholds: for each cut the least double that is past it.
        steps: one more list than cuts: the clauses that accept the numbers below every cut, then those that
            change at each cut.
        strings: for each string that is named, the clauses that treat it otherwise than they treat strings
            not named.
        unnamed: the clauses that accept strings not named.
        false, true, falsy, truthy: the clauses that accept the two booleans, and values of further types.
    """

    tree: Tree
    condition: bool
    users: list[int] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    steps: list[list[int]] = field(default_factory=list)
    strings: dict[str, list[int]] = field(default_factory=dict)
    unnamed: list[int] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    true: list[int] = field(default_factory=list)
    falsy: list[int] = field(default_factory=list)
    truthy: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClausePlan:
    """Everything a matcher needs, as plain data.

    Attributes:
        owners: for each clause the position of its rule, ascending.
        operands: fields first, then expressions, then conditions.
        fields: the paths that are read from an event, each with the position of the operand that it is, or -1
            where only arithmetic reads it.
    """

    owners: list[int]
    operands: list[Operand]
    fields: list[tuple[tuple[str, ...], int]]

    @property
    def trees(self) -> list[Tree]:
        """What the plain evaluator is asked where there is no fast path: the operands, then the fields."""
        return [operand.tree for operand in self.operands] + [("var", keys, 0) for keys, _ in self.fields]

    @property
    def asked(self) -> list[Tree]:
        """The operands that are no fields."""
        fields = {position for _, position in self.fields}
        return [operand.tree for number, operand in enumerate(self.operands) if number not in fields]


def make_clauses(trees: Iterable[Tree]) -> ClausePlan:
    """The plan of conditions in the order of their rules.

    Complexity: linear in the operators of all conditions, times MAX_CLAUSES at worst; for each operand, n log
        n in the
    constants that it is compared with.
    """
    planner = _Planner()
    trees = tuple(trees)  # the planner knows trees by their identity
    owners: list[int] = []
    for position, tree in enumerate(trees):
        for clause in planner.clauses(tree, True):
            planner.read(len(owners), clause)
            owners.append(position)
    operands = planner.operands()
    return ClausePlan(owners, operands, _fields(operands))


class _Planner:
    """Collects the operands while conditions become clauses."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        # by identity, because equal leaves of conditions are one object: the operand and its values
        self._reads: dict[int, int] = {}
        self._known: dict[int, Values] = {}
        self._operands: list[tuple[Tree, bool]] = []
        self._readers: list[tuple[list[int], list[Values]]] = []

    def operand(self, tree: Tree, condition: bool) -> int:
        # equal constants of different types are different operands: 1, 1.0 and True compare equal
        key: object = (
            tree if tree[0] == "var" and len(tree) == 3 and not condition else (repr(tree), condition)
        )
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._operands)
            self._operands.append((tree, condition))
            self._readers.append(([], []))
        return number

    def clauses(self, tree: Tree, wanted: bool) -> list[Clause]:
        """The clauses of which one holds exactly where the condition has the wanted truth."""
        op = tree[0]
        if op == "!":
            return self.clauses(tree[1], not wanted)
        if op == "!!":
            return self.clauses(tree[1], wanted)
        if op == "and" or op == "or":
            if (op == "and") is wanted:
                return self._all(tree[1:], wanted)
            return self._any([self.clauses(operand, wanted) for operand in tree[1:]])
        key = id(tree) if wanted else -id(tree)
        values = self._known.get(key)
        if values is not None:
            return [{self._reads[key]: values}]
        clauses = self._leaf(_ALIASES.get(op, op), tree, wanted)
        if len(clauses) == 1 and len(clauses[0]) == 1:
            ((self._reads[key], self._known[key]),) = clauses[0].items()
        return clauses

    def _leaf(self, op: str, tree: Tree, wanted: bool) -> list[Clause]:
        if op == "const":
            return [{}] if tree[1] is not None and bool(tree[1]) is wanted else []
        if op in _FLIPPED:
            return self._comparisons(op, tree, wanted)
        if op == "between":
            pairs = ((">=", tree[1], tree[2]), ("<=", tree[1], tree[3]))
            if wanted:
                return _product([self._comparisons(pair[0], pair, True) for pair in pairs])
            return self._any([self._comparisons(pair[0], pair, False) for pair in pairs])
        if op == "in_set":
            return self._membership(tree, wanted)
        return self._truth(tree, wanted)

    def _truth(self, tree: Tree, wanted: bool) -> list[Clause]:
        """A bare operand: its truthiness if it is a field or an expression, else the condition's truth."""
        if tree[0] not in _EXPRESSIONS:
            return self._truth_of(tree, wanted)
        return [{self.operand(tree, False): _TRUTHY if wanted else _FALSY}]

    def _all(self, conditions: Sequence[Tree], wanted: bool) -> list[Clause]:
        factors = [(self.clauses(condition, wanted), condition) for condition in conditions]
        factors.sort(key=lambda factor: len(factor[0]))
        size, bounded = 1, []
        for clauses, condition in factors:
            size *= len(clauses)
            if size > MAX_CLAUSES and len(clauses) > 1:
                size //= len(clauses)
                clauses = self._truth_of(condition, wanted)
            bounded.append(clauses)
        return _product(bounded)

    def _truth_of(self, condition: Tree, wanted: bool) -> list[Clause]:
        return [{self.operand(condition, True): Values(bools=_TRUE if wanted else _FALSE)}]

    def _any(self, alternatives: Sequence[list[Clause]]) -> list[Clause]:
        """One after the other, those about one and the same operand united."""
        single: dict[int, list[Values]] = {}
        result: list[Clause] = []
        for clause in (clause for clauses in alternatives for clause in clauses):
            if not clause:
                return [{}]
            if len(clause) > 1:
                result.append(clause)
                continue
            ((number, values),) = clause.items()
            single.setdefault(number, []).append(values)
        return result + [{number: _fold(or_, sets)} for number, sets in single.items()]

    def _comparisons(self, op: str, tree: Tree, wanted: bool) -> list[Clause]:
        if len(tree) == 3:
            return self._comparison(op, tree[1], tree[2], wanted)
        operands = tree[1:]
        pairs = [self._comparison(op, left, right, wanted) for left, right in pairwise(operands)]
        return _product(pairs) if wanted else self._any(pairs)

    def _comparison(self, op: str, left: Tree, right: Tree, wanted: bool) -> list[Clause]:
        if left[0] == "const":
            if right[0] == "const":
                return self._truth_of((op, left, right), wanted)
            left, right, op = right, left, _FLIPPED[op]
        if right[0] != "const" or left[0] not in _EXPRESSIONS:
            return self._truth_of((op, left, right), wanted)
        values = _compared(op if wanted else _OPPOSITE[op], right[1])
        if values is None:
            return self._truth_of((op, left, right), wanted)
        return [{self.operand(left, False): values}] if values else []

    def _membership(self, tree: Tree, wanted: bool) -> list[Clause]:
        needle, members = tree[1], tree[2]
        types = set(map(type, members))
        if needle[0] not in _EXPRESSIONS or not types <= _SCALARS:
            return self._truth_of(tree, wanted)
        if types == _STRINGS:
            values = Values(strings=frozenset(members), others=not wanted)
            return [{self.operand(needle, False): values}]
        kinds = {_kind(member) for member in members}
        strings = frozenset(member for member in members if isinstance(member, str))
        numbers: tuple[Cut, ...] = tuple(
            cut
            for number in sorted({m for m in members if _kind(m) == "number" and m == m})
            for cut in ((number, 0), (number, 1))
        )
        bools = 0
        for member in members:
            if isinstance(member, bool):
                bools |= _TRUE if member else _FALSE
        if wanted:
            values = Values(cuts=numbers, strings=strings, bools=bools)
        else:
            values = Values(
                cuts=(BELOW_ALL, *numbers) if "number" in kinds else (),
                strings=strings,
                others="string" in kinds,
                bools=_BOTH & ~bools if bools else 0,
            )
            if "string" not in kinds:
                values.strings = frozenset()
        return [{self.operand(needle, False): values}] if values else []

    def read(self, number: int, clause: Clause) -> None:
        """Records which operands a clause reads."""
        readers = self._readers
        for operand, values in clause.items():
            numbers, sets = readers[operand]
            numbers.append(number)
            sets.append(values)

    def operands(self) -> list[Operand]:
        """The plans of the operands that some clause reads, the cheapest to read first."""
        plans = [
            _operand_plan(tree, condition, numbers, sets)
            for (tree, condition), (numbers, sets) in zip(self._operands, self._readers, strict=True)
            if numbers
        ]
        return sorted(plans, key=lambda plan: (plan.condition, plan.tree[0] != "var"))


_EXPRESSIONS: Final = frozenset(["var", "+", "-", "*", "/", "%", "min", "max", "length"])
"""What is read as a value and looked up; everything else is evaluated as a condition."""


_ARITHMETIC: Final = frozenset(["+", "-", "*", "/", "%"])


def _is_field(tree: Tree) -> bool:
    return tree[0] == "var" and len(tree) == 3 and tree[2] == 0 and len(tree[1]) > 0


def _fields(operands: Sequence[Operand]) -> list[tuple[tuple[str, ...], int]]:
    found: dict[tuple[str, ...], int] = {}
    pending = []
    for position, operand in enumerate(operands):
        if operand.condition:
            continue
        if _is_field(operand.tree):
            found[operand.tree[1]] = position
        else:
            pending.append(operand.tree)
    while pending:
        tree = pending.pop()
        if _is_field(tree):
            found.setdefault(tree[1], -1)
        elif tree[0] in _ARITHMETIC:
            pending.extend(tree[1:])
    return list(found.items())


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, (int, float)) and value == value else ""


def _compared(op: str, constant: Any) -> Values | None:
    """The values that compare so with a constant; None where no set of them says it."""
    kind = _kind(constant)
    if kind == "number":
        return Values(cuts=_normal(_cuts(op, constant)))
    if op not in ("==", "!="):
        return None if kind == "string" else Values() if kind == "boolean" or constant is None else None
    if kind == "string":
        return Values(strings=frozenset([constant]), others=op == "!=")
    if kind == "boolean":
        return Values(bools=_TRUE if constant is (op == "==") else _FALSE)
    return Values() if constant is None or constant != constant else None


def _cuts(op: str, constant: Any) -> tuple[Cut, ...]:
    if op == "<":
        return (BELOW_ALL, (constant, 0))
    if op == "<=":
        return (BELOW_ALL, (constant, 1))
    if op == ">":
        return ((constant, 1),)
    if op == ">=":
        return ((constant, 0),)
    outside = (BELOW_ALL,) if op == "!=" else ()
    return (*outside, (constant, 0), (constant, 1))


def _normal(cuts: tuple[Cut, ...]) -> tuple[Cut, ...]:
    return cuts[2:] if len(cuts) > 1 and cuts[0] == cuts[1] else cuts


def _product(factors: Sequence[list[Clause]]) -> list[Clause]:
    """The clauses of which one holds where one of every factor does."""
    common = _meet([factor[0] for factor in factors if len(factor) == 1])
    if common is None:
        return []
    result = [common]
    for factor in factors:
        if len(factor) != 1:
            result = [
                both for left in result for right in factor if (both := _meet([left, right])) is not None
            ]
    return result


def _meet(clauses: Sequence[Clause]) -> Clause | None:
    """All clauses at once; None where no value can satisfy that."""
    result: Clause = {}
    several: dict[int, list[Values]] = {}
    for clause in clauses:
        for number, values in clause.items():
            if number in result:
                several.setdefault(number, [result[number]]).append(values)
            else:
                result[number] = values
    for number, sets in several.items():
        result[number] = values = _fold(and_, sets)
        if not values:
            return None
    return result


def _fold(combine: Callable[[Values, Values], Values], sets: list[Values]) -> Values:
    """All sets combined, neighbours first, so that no large one is gone through for each small one."""
    while len(sets) > 1:
        rest = [sets[-1]] if len(sets) % 2 else []
        sets = [*map(combine, sets[:-1:2], sets[1::2]), *rest]
    return sets[0]


def _operand_plan(tree: Tree, condition: bool, users: list[int], sets: list[Values]) -> Operand:
    plan = Operand(tree, condition, users=users)
    keys = list(map(id, sets))
    distinct = dict(zip(keys, sets, strict=True))
    cuts = {cut for values in distinct.values() for cut in values.cuts} - {BELOW_ALL, ABOVE_ALL}
    plan.cuts.extend(sorted(cuts))
    plan.thresholds.extend(map(_threshold, plan.cuts))
    has_numbers = any(values.cuts for values in distinct.values())
    plan.steps.extend([] for _ in range(len(cuts) + 1 if has_numbers else 0))
    steps = {cut: step for step, cut in enumerate(plan.cuts, 1)}
    accepting = {key: _accepting(plan, values, steps) for key, values in distinct.items()}
    for number, key in zip(users, keys, strict=True):
        for clauses in accepting[key]:
            clauses.append(number)
    return plan


def _accepting(plan: Operand, values: Values, steps: dict[Cut, int]) -> list[list[int]]:
    """The lists of the plan that a clause with these values belongs to."""
    found = [plan.steps[0 if cut == BELOW_ALL else steps[cut]] for cut in values.cuts if cut != ABOVE_ALL]
    found.extend(plan.strings.setdefault(text, []) for text in values.strings)
    for belongs, clauses in (
        (values.others, plan.unnamed),
        (values.bools & _FALSE, plan.false),
        (values.bools & _TRUE, plan.true),
        (values.rest & 1, plan.falsy),
        (values.rest & 2, plan.truthy),
    ):
        if belongs:
            found.append(clauses)
    return found


def _threshold(cut: Cut) -> float:
    """The least double that is past a cut."""
    value, side = cut
    if type(value) is not float:
        try:
            nearest = float(value)
        except OverflowError:
            return math.inf if value > 0 else math.nextafter(-math.inf, 0)
        if nearest < value:
            return math.nextafter(nearest, math.inf)
        if nearest > value:
            return nearest
        value = nearest
    return math.nextafter(value, math.inf) if side else value
