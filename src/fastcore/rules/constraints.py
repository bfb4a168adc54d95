"""What the conditions of one rule say of each operand alone: enough to see contradictions and implications.

A condition is flattened to the conjuncts that must all be true for it to be. Those that compare one operand
with
constants become constraints on it: an interval of numbers, or a set of allowed values; all others stand for
themselves. Everything concluded here holds for every event; much that holds is not concluded.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from fastcore.errors import LimitError
from fastcore.kernels import conditions as _conditions

from .language import Tree, branches, type_of
from .trees import lists_of

__all__ = ["Constraint", "conjuncts", "constraints", "key_of", "outcomes"]

ANYTHING: Final = frozenset({True, False, None})
DECIDED: Final = frozenset({True, False})
UNDECIDED: Final = frozenset({None})
SAME: Final = {"===": "==", "!==": "!="}
FLIPPED: Final = {
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
    "==": "==",
    "===": "==",
    "!=": "!=",
    "!==": "!=",
}
NEGATED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
KINDS_OF_SETS: Final = frozenset({"number", "string", "boolean"})
LONG_LIST: Final = 1000
KINDS: Final = {str: "string", bool: "boolean", int: "number", float: "number"}

Value = tuple[str, Any]
"""A constant beside its type, because True == 1 in Python."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """What one operand must be for a rule to fire.

    Attributes:
        low, high: bounds of a number, None where there is none; `low_open` and `high_open` leave the bound
            out.
        allowed: the only values, None where any will do.
        denied: values that it must not have.
        kind: the type that the comparisons ask for, "" if none does.
    """

    low: Any = None
    low_open: bool = False
    high: Any = None
    high_open: bool = False
    allowed: frozenset[Value] | None = None
    denied: frozenset[Value] = frozenset()
    kind: str = ""

    def empty(self) -> bool:
        """Whether nothing satisfies it."""
        if self.kind == "impossible":
            return True
        low, high = self.low, self.high
        open_end = self.low_open or self.high_open
        if low is not None and high is not None and (low > high or (low == high and open_end)):
            return True
        return self.allowed is not None and not any(self.holds(value) for value in self.allowed)

    def holds(self, value: Value) -> bool:
        """Whether a value satisfies it."""
        kind, known = value
        if (self.kind and kind != self.kind) or value in self.denied:
            return False
        if self.allowed is not None and value not in self.allowed:
            return False
        if self.low is not None and (known < self.low or (known == self.low and self.low_open)):
            return False
        return self.high is None or known < self.high or (known == self.high and not self.high_open)

    def meet(self, other: "Constraint") -> "Constraint":
        """Both at once."""
        kind = self.kind or other.kind
        if self.kind and other.kind and self.kind != other.kind:
            return replace(self, kind="impossible")
        merged = replace(self, kind=kind, denied=self.denied | other.denied)
        if other.allowed is not None:
            both = other.allowed if self.allowed is None else self.allowed & other.allowed
            merged = replace(merged, allowed=both)
        if other.low is not None and (
            self.low is None or (other.low, other.low_open) > (self.low, self.low_open)
        ):
            merged = replace(merged, low=other.low, low_open=other.low_open)
        if other.high is not None and (
            self.high is None or (other.high, not other.high_open) < (self.high, not self.high_open)
        ):
            merged = replace(merged, high=other.high, high_open=other.high_open)
        return merged

    def implies(self, other: "Constraint") -> bool:
        """Whether whatever satisfies this one satisfies the other."""
        if self.allowed is not None:
            return all(other.holds(value) for value in self.allowed if self.holds(value))
        if other.allowed is not None or (other.kind and self.kind != other.kind):
            return False
        if not all(value in self.denied or not self.holds(value) for value in other.denied):
            return False
        if other.low is not None and (
            self.low is None or (self.low, self.low_open) < (other.low, other.low_open)
        ):
            return False
        return other.high is None or (
            self.high is not None and (self.high, not self.high_open) <= (other.high, not other.high_open)
        )


def key_of(tree: Tree, typed: bool = True) -> str:
    """Text that is equal only for conditions that always have the same truth.

    Parameters:
        tree: a condition or an operand.
        typed: whether it is three-valued. Then the order of `and` and `or` does not matter, and ``===`` is
            ``==``; under JSONLogic's coercions, and where an operand may raise, both do.
    """
    op: str = tree[0]
    if typed:
        op = SAME.get(op, op)
    if op in ("const", "var", "exists", "list", "now", "in_set", "in_list", "in_network", "matches"):
        inner = [key_of(branch, typed) for branch in branches(tree)]
        held = _members(tree[2]) if op == "in_set" else [repr(part) for part in tree[1:3]]
        return f"{op}{held}{inner}"
    parts = [key_of(branch, typed) for branch in branches(tree)]
    return f"{op}({','.join(sorted(parts) if typed and op in ('and', 'or') else parts)})"


def _members(values: tuple[Any, ...]) -> list[str]:
    """Text that is equal only for equal sets; of long ones a digest of them as they are written."""
    if len(values) > LONG_LIST:
        return [hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).hexdigest()]
    return sorted(map(repr, values))


def conjuncts(tree: Tree, negated: bool = False) -> Iterator[Tree]:
    """Conditions that are all true whenever the tree (or its negation) is; together they say no less than
    it."""
    op: str = tree[0]
    if op == "!":
        yield from conjuncts(tree[1], not negated)
    elif op == "!!":
        yield from conjuncts(tree[1], negated)
    elif op == ("or" if negated else "and"):
        for branch in branches(tree):
            yield from conjuncts(branch, negated)
    elif negated and op in ("and", "or"):
        yield ("and" if op == "or" else "or", *(("!", branch) for branch in branches(tree)))
    elif op == "between" and not negated:
        yield (">=", tree[1], tree[2])
        yield ("<=", tree[1], tree[3])
    elif op in FLIPPED and len(tree) > 3 and not negated:
        yield from ((op, left, right) for left, right in pairwise(tree[1:]))
    elif negated and op in FLIPPED and len(tree) == 3:
        yield (NEGATED[SAME.get(op, op)], tree[1], tree[2])
    else:
        yield ("!", tree) if negated else tree


def constraints(tree: Tree) -> tuple[dict[str, Constraint], frozenset[str]]:
    """Constraints by operand, and the keys of the conjuncts that are no constraint."""
    found: dict[str, Constraint] = {}
    others = set()
    for conjunct in conjuncts(tree):
        single = _constraint(conjunct)
        if single is None:
            others.add(key_of(conjunct))
            continue
        operand, constraint = single
        found[operand] = found[operand].meet(constraint) if operand in found else constraint
    return found, frozenset(others)


def _values(constants: Sequence[Any]) -> frozenset[Value] | None:
    """Constants with their types; None where they are no set, or one too long to be looked into."""
    if len(constants) > LONG_LIST:
        return None
    typed = [(_kind(constant), constant) for constant in constants]
    return frozenset(typed) if all(kind in KINDS_OF_SETS for kind, _ in typed) else None


def _kind(constant: Any) -> str:
    # a document's floats are finite
    return KINDS.get(type(constant)) or _conditions.conditions_kind(constant)


def _constraint(tree: Tree) -> tuple[str, Constraint] | None:
    if tree[0] == "in_set":
        allowed = _values(tree[2])
        return None if allowed is None else (key_of(tree[1]), Constraint(allowed=allowed))
    if tree[0] == "!" and tree[1][0] == "in_set":
        denied = _values(tree[1][2])
        kinds = {kind for kind, _ in denied or ()}
        if denied is None or len(kinds) != 1:
            return None
        return key_of(tree[1][1]), Constraint(denied=denied, kind=next(iter(kinds)))
    if tree[0] not in FLIPPED or len(tree) != 3:
        return None
    op: str = tree[0]
    left, right = tree[1:]
    if left[0] == "const":
        op, left, right = FLIPPED[op], right, left
    if left[0] == "const" or right[0] != "const":
        return None
    return _comparison(SAME.get(op, op), key_of(left), right[1])


def _comparison(op: str, operand: str, constant: Any) -> tuple[str, Constraint] | None:
    values = _values([constant])
    if values is None:
        return None
    kind = _kind(constant)
    if op == "==":
        return operand, Constraint(allowed=values, kind=kind)
    if op == "!=":
        return operand, Constraint(denied=values, kind=kind)
    if kind != "number":
        return None
    if op in (">", ">="):
        return operand, Constraint(low=constant, low_open=op == ">", kind=kind)
    return operand, Constraint(high=constant, high_open=op == "<", kind=kind)


def outcomes(tree: Tree) -> frozenset[bool | None]:
    """Truths that a condition may have; never too few."""
    op = tree[0]
    if op in ("and", "or"):
        return _fold(op == "or", [outcomes(branch) for branch in branches(tree)])
    if op == "!":
        return frozenset(None if truth is None else not truth for truth in outcomes(tree[1]))
    if op == "!!":
        return outcomes(tree[1])
    if op == "exists" or (op == "missing" and tree[1:]):
        return DECIDED
    if _is_constant(tree):
        return _constant_truth(tree)
    if op == "in_set":
        return ANYTHING if tree[2] else UNDECIDED
    if op in FLIPPED or op == "between":
        return _compared(tree)
    return ANYTHING


def _compared(tree: Tree) -> frozenset[bool | None]:
    kinds = [type_of(branch) for branch in branches(tree)]
    known = {kind for kind in kinds if kind}
    if len(tree) == 3 and ("nothing" in known or (len(known) == 2 and all(kinds))):
        return UNDECIDED
    return frozenset({False, None}) if "nothing" in known else ANYTHING


def _fold(deciding: bool, parts: list[frozenset[bool | None]]) -> frozenset[bool | None]:
    if any(part == {deciding} for part in parts):
        return frozenset({deciding})
    found: set[bool | None] = set()
    if any(deciding in part for part in parts):
        found.add(deciding)
    rest = [part - {deciding} for part in parts]
    if all(rest):
        if any(None in part for part in rest):
            found.add(None)
        if all((not deciding) in part for part in rest):
            found.add(not deciding)
    return frozenset(found)


def _is_constant(tree: Tree) -> bool:
    if tree[0] in ("var", "exists", "now", "missing", "missing_some", "throw") or lists_of(tree):
        return False
    return all(_is_constant(branch) for branch in branches(tree))


def _constant_truth(tree: Tree) -> frozenset[bool | None]:
    try:
        return frozenset({_conditions.conditions_program([tree]).probe(0, {}, None).truth()})
    except LimitError:
        return ANYTHING
