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

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
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
    owners: list[int] = []
    clauses: list[Clause] = []
    for position, tree in enumerate(trees):
        for clause in planner.clauses(tree, True):
            owners.append(position)
            clauses.append(clause)
    operands = planner.operands(clauses)
    return ClausePlan(owners, operands, _fields(operands))


class _Planner:
    """Collects the operands while conditions become clauses."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._operands: list[tuple[Tree, bool]] = []

    def operand(self, tree: Tree, condition: bool) -> int:
        # equal constants of different types are different operands: 1, 1.0 and True compare equal
        key: object = (
            tree if tree[0] == "var" and len(tree) == 3 and not condition else (repr(tree), condition)
        )
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._operands)
            self._operands.append((tree, condition))
        return number

    def clauses(self, tree: Tree, wanted: bool) -> list[Clause]:
        """The clauses of which one holds exactly where the condition has the wanted truth."""
        op = _ALIASES.get(tree[0], tree[0])
        if op == "!":
            return self.clauses(tree[1], not wanted)
        if op == "!!":
            return self.clauses(tree[1], wanted)
        if op in ("and", "or"):
            if (op == "and") is wanted:
                return self._all(tree[1:], wanted)
            return self._any([self.clauses(operand, wanted) for operand in tree[1:]])
        if op == "const":
            return [{}] if tree[1] is not None and bool(tree[1]) is wanted else []
        if op in _FLIPPED:
            return self._comparisons(op, tree, wanted)
        if op == "between":
            pairs = ((">=", tree[1], tree[2]), ("<=", tree[1], tree[3]))
            if wanted:
                return self._product([self._comparisons(pair[0], pair, True) for pair in pairs])
            return self._any([self._comparisons(pair[0], pair, False) for pair in pairs])
        if op == "in_set":
            return self._membership(tree, wanted)
        return self._truth(tree, wanted)

    def _truth(self, tree: Tree, wanted: bool) -> list[Clause]:
        """A bare operand: its truthiness if it is a field or an expression, else the condition's truth."""
        values = Values(
            cuts=(BELOW_ALL, (0, 0), (0, 1)) if wanted else ((0, 0), (0, 1)),
            strings=frozenset([""]),
            others=wanted,
            bools=_TRUE if wanted else _FALSE,
            rest=2 if wanted else 1,
        )
        return [{self.operand(tree, tree[0] not in _EXPRESSIONS): values}]

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
        return self._product(bounded)

    def _truth_of(self, condition: Tree, wanted: bool) -> list[Clause]:
        return [{self.operand(condition, True): Values(bools=_TRUE if wanted else _FALSE)}]

    def _product(self, factors: Sequence[list[Clause]]) -> list[Clause]:
        result: list[Clause] = [{}]
        for factor in factors:
            result = [
                both for left in result for right in factor if (both := _conjunction(left, right)) is not None
            ]
        return result

    def _any(self, alternatives: Sequence[list[Clause]]) -> list[Clause]:
        """One after the other, those about one and the same operand united."""
        single: dict[int, Values] = {}
        result: list[Clause] = []
        for clause in (clause for clauses in alternatives for clause in clauses):
            if not clause:
                return [{}]
            if len(clause) > 1:
                result.append(clause)
                continue
            ((number, values),) = clause.items()
            single[number] = single[number] | values if number in single else values
        return result + [{number: values} for number, values in single.items()]

    def _comparisons(self, op: str, tree: Tree, wanted: bool) -> list[Clause]:
        operands = tree[1:]
        pairs = [self._comparison(op, left, right, wanted) for left, right in pairwise(operands)]
        return self._product(pairs) if wanted else self._any(pairs)

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
        if needle[0] not in _EXPRESSIONS or not all(
            isinstance(member, (str, int, float)) for member in members
        ):
            return self._truth_of(tree, wanted)
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

    def operands(self, clauses: Sequence[Clause]) -> list[Operand]:
        """The plans of the operands that some clause reads, the cheapest to read first."""
        readers: list[list[tuple[int, Values]]] = [[] for _ in self._operands]
        for number, clause in enumerate(clauses):
            for operand, values in clause.items():
                readers[operand].append((number, values))
        plans = [
            _operand_plan(tree, condition, used)
            for (tree, condition), used in zip(self._operands, readers, strict=True)
            if used
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
        below, above = (constant, 0), (constant, 1)
        cuts: dict[str, tuple[Cut, ...]] = {
            "<": (BELOW_ALL, below),
            "<=": (BELOW_ALL, above),
            ">": (above,),
            ">=": (below,),
            "==": (below, above),
            "!=": (BELOW_ALL, below, above),
        }
        return Values(cuts=_normal(cuts[op]))
    if op not in ("==", "!="):
        return None if kind == "string" else Values() if kind == "boolean" or constant is None else None
    if kind == "string":
        return Values(strings=frozenset([constant]), others=op == "!=")
    if kind == "boolean":
        return Values(bools=_TRUE if constant is (op == "==") else _FALSE)
    return Values() if constant is None or constant != constant else None


def _normal(cuts: tuple[Cut, ...]) -> tuple[Cut, ...]:
    return cuts[2:] if len(cuts) > 1 and cuts[0] == cuts[1] else cuts


def _conjunction(left: Clause, right: Clause) -> Clause | None:
    """Both clauses at once; None where no value can satisfy that."""
    both = {**left, **right}
    for number in left.keys() & right.keys():
        values = left[number] & right[number]
        if not values:
            return None
        both[number] = values
    return both


def _operand_plan(tree: Tree, condition: bool, used: Sequence[tuple[int, Values]]) -> Operand:
    plan = Operand(tree, condition, users=[number for number, _ in used])
    cuts = sorted({cut for _, values in used for cut in values.cuts} - {BELOW_ALL, ABOVE_ALL})
    plan.cuts.extend(cuts)
    has_numbers = any(values.cuts for _, values in used)
    plan.steps.extend([] for _ in range(len(cuts) + 1 if has_numbers else 0))
    for number, values in used:
        for cut in values.cuts:
            if cut == ABOVE_ALL:
                continue
            plan.steps[0 if cut == BELOW_ALL else bisect_left(cuts, cut) + 1].append(number)
        if values.others:
            plan.unnamed.append(number)
        for text in values.strings:
            plan.strings.setdefault(text, []).append(number)
        for bit, accepted in ((values.bools & _FALSE, plan.false), (values.bools & _TRUE, plan.true)):
            if bit:
                accepted.append(number)
        for bit, accepted in ((values.rest & 1, plan.falsy), (values.rest & 2, plan.truthy)):
            if bit:
                accepted.append(number)
    return plan
