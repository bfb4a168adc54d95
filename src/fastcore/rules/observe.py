"""What an evaluation of one rule saw: the truth of each condition and the fields that it read.

This is all that an explanation takes from the event, as plain tuples that cost little to make; names and
texts follow from the rule and are made by `explain` for those who ask.
"""

from typing import Any, Final

from .blame import blame
from .describe import plain_value
from .operators import ITERATORS
from .trees import Tree, branches, field_name, scoped

__all__ = ["LOGICAL", "Fact", "Seen", "facts_of", "observe", "shown_value"]

LOGICAL: Final = frozenset({"and", "or", "!", "!!", "if"})
"""Operators whose operands are conditions of their own; their truth follows from those of the operands."""

Fact = tuple[tuple[str, ...], bool, Any]
"""A field's path, whether the event has it, and what it holds there."""

Seen = tuple[bool | None, "list[Fact]", str, "list[Seen]", "list[str] | None"]
"""Of a condition: its truth, the fields that it read itself, of an unknown one the reason, its parts, and how
their paths continue its own, None where the operator tells."""


OWN_SCOPES: Final = ITERATORS | {"try"}
"""Operators with operands that are evaluated in another scope."""

_ATOMS: Final = frozenset({str, int, float, bool, type(None)})


def observe(tree: Tree, probe: Any) -> Seen:
    """Evaluates a condition in the scope of the event, each of its parts once.

    Parameters:
        tree: the condition.
        probe: the kernel's view of it for the event in question.
    """
    if tree[0] not in LOGICAL:
        value = probe.truth()
        facts: list[Fact] = []
        _read(tree, probe, facts)
        return value, facts, _reason(tree, probe, facts) if value is None else "", [], None
    inner = probe.operands()
    parts = []
    for position, branch in enumerate(branches(tree)):
        parts.append(observe(branch, inner[position]))
    value, cause = _truth(tree[0], tree, parts)
    reason = ""
    if value is None:
        reason = _reason(tree, probe, []) if cause is None else cause[2]
    return value, [], reason, parts, None


def _truth(operator: str, tree: Tree, parts: list[Seen]) -> tuple[bool | None, Seen | None]:
    """The truth of a logical operator; if it is unknown, also the part to blame, None if none is."""
    if operator == "if":
        return _chosen(parts)
    cause = None
    unknown = False
    deciding = operator == "or"
    for branch, part in zip(branches(tree), parts, strict=True):
        truth = part[0]
        if truth is None:
            unknown = True
            if cause is None and branch[0] != "const":
                cause = part
        elif operator == "!":
            return not truth, None
        elif operator == "!!" or truth is deciding:
            return truth, None
    return (None, cause) if unknown else (not deciding, None)


def _chosen(parts: list[Seen]) -> tuple[bool | None, Seen | None]:
    """Of the operands of `if`, the one that the tests lead to, or the test that is unknown."""
    position = 0
    while position + 1 < len(parts):
        test = parts[position]
        if test[0] is None:
            return None, test
        if test[0]:
            return parts[position + 1][0], parts[position + 1]
        position += 2
    return (parts[position][0], parts[position]) if position < len(parts) else (None, None)


def _reason(tree: Tree, probe: Any, facts: list[Fact]) -> str:
    """Why a condition is unknown."""
    if facts and tree[0] != "throw":
        # most often its first operand is a field that is not there: that is what `blame` would find first
        first = tree if tree[0] == "var" else tree[1]
        keys, present, value = facts[0]
        if first[0] == "var" and len(first) == 3 and value is None:
            return f"{field_name(keys)} {'is null' if present else 'is missing'}"
    cause = blame(tree, probe)
    return f"{cause.field} {cause.reason}" if cause.field else cause.reason


def facts_of(tree: Tree, probe: Any) -> list[Fact]:
    """The fields that a condition reads in the scope of the event, in the order of reading."""
    facts: list[Fact] = []
    _read(tree, probe, facts)
    return facts


def _read(tree: Tree, probe: Any, facts: list[Fact]) -> None:
    operator = tree[0]
    if operator in ("var", "exists"):
        present, raw = probe.raw()
        # what can change after the call is copied now
        facts.append((tree[1], present, raw if type(raw) in _ATOMS else plain_value(raw)))
        if len(tree) == 3:
            return
    parts, inner = branches(tree), probe.operands()
    for position in scoped(tree) if operator in OWN_SCOPES else range(len(parts)):
        if parts[position][0] != "const":
            _read(parts[position], inner[position], facts)


def shown_value(value: Any) -> Any:
    """The value of a fact as JSON values."""
    return plain_value(value) if type(value) in _ATOMS else value
