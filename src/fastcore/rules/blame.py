"""Which field left a condition unknown, and why."""

from dataclasses import dataclass
from typing import Any

from fastcore.kernels import conditions as _conditions

from .language import Tree, branches, field_name, quote, scoped

__all__ = ["Cause", "blame", "type_name"]


@dataclass(frozen=True, slots=True)
class Cause:
    """The field that decided it, what the event holds there (None where nothing), and what is wrong with
    that."""

    field: str
    value: Any
    reason: str


def type_name(value: object) -> str:
    """The type of a value as conditions see it, with its article."""
    kind: str = _conditions.conditions_kind(value)
    if kind == "nothing":
        return "null" if value is None else "not a value" if value != value else f"a {type(value).__name__}"
    return f"an {kind}" if kind[0] in "ao" else f"a {kind}"


def blame(tree: Tree, probe: Any) -> Cause:
    """The first cause, reading from left to right, of a tree that is unknown.

    Parameters:
        tree: what was evaluated.
        probe: the kernel's view of it for the event in question.
    """
    op = tree[0]
    pairs = list(zip(branches(tree), probe.operands(), strict=True))
    if op == "var":
        return _blame_field(tree, probe, pairs)
    if op == "throw":
        return Cause(*_first_field(tree, probe), reason=f"threw {quote(probe.operands()[0].value())}")
    if op == "if":
        return _blame_if(tree, probe, pairs)
    if op in ("some", "all", "none") and pairs[0][1].value() is not None:
        return _blame_elements(tree, probe, pairs)
    for branch, inner in [pairs[position] for position in scoped(tree)]:
        if branch[0] == "const":
            continue
        if (inner.truth() if op in ("and", "or", "!", "!!") else inner.value()) is None:
            return blame(branch, inner)
    return Cause(*_first_field(tree, probe), reason=_clash(tree, pairs))


def _blame_field(tree: Tree, probe: Any, pairs: list[tuple[Tree, Any]]) -> Cause:
    present, raw = probe.raw()
    name = field_name(tree[1])
    if not present:
        return blame(*pairs[0]) if pairs else Cause(name, None, "is missing")
    if raw is None:
        return Cause(name, None, "is null")
    kind = type(raw).__name__
    reason = "is not a number (NaN)" if _is_nan(raw) else f"has the type {kind}, which conditions do not know"
    return Cause(name, raw, reason)


def _is_nan(value: Any) -> bool:
    try:
        return bool(value != value)
    except Exception:  # a foreign type may refuse to be compared
        return False


def _blame_if(tree: Tree, probe: Any, pairs: list[tuple[Tree, Any]]) -> Cause:
    position = 0
    while position + 1 < len(pairs):
        test = pairs[position][1].truth()
        if test is None:
            return blame(*pairs[position])
        if test:
            return blame(*pairs[position + 1])
        position += 2
    if position < len(pairs):
        return blame(*pairs[position])
    return Cause(*_first_field(tree, probe), reason="leaves the if without a true test, and it has no else")


def _blame_elements(tree: Tree, probe: Any, pairs: list[tuple[Tree, Any]]) -> Cause:
    array = pairs[0][1].value()
    field, value = _first_field(*pairs[0])
    if _conditions.conditions_kind(array) != "array":
        return Cause(field, value, f"is {type_name(array)}, not an array")
    for index, element in enumerate(array):
        inner = probe.element(element, index)
        if inner.truth() is None:
            cause = blame(tree[2], inner)
            where = f"{field}[{index}]" + (f".{cause.field}" if cause.field else "")
            return Cause(where, cause.value, cause.reason)
    return Cause(field, value, "cannot be decided")


def _first_field(tree: Tree, probe: Any) -> tuple[str, Any]:
    """The first field that a tree reads: its name and what the event holds there."""
    if tree[0] in ("var", "exists"):
        return field_name(tree[1]), probe.raw()[1]
    parts, inner = branches(tree), probe.operands()
    for position in scoped(tree):
        name, value = _first_field(parts[position], inner[position])
        if name:
            return name, value
    return "", None


def _clash(tree: Tree, pairs: list[tuple[Tree, Any]]) -> str:
    """Why known operands have no result."""
    op = tree[0]
    values = [pairs[position][1].value() for position in scoped(tree)]
    if op == "in_set":
        return f"is {type_name(values[0])}, and the array has no such value to compare with"
    if op == "in_list":
        return f"is {type_name(values[0])}, and the list has no such value to compare with"
    if op == "in_network":
        return f"is not an IP address: {quote(values[0])}"
    if op == "matches" and isinstance(values[0], str):
        return "holds half of a surrogate pair"
    if op == "const":
        return "null is unknown"
    if op in ("/", "%") and any(value == 0 for value in values[1:]):
        return "leads to a division by zero"
    if op in ("datetime", "date", "duration"):
        return f"is not a {op}: {quote(values[0])}"
    if op == "reduce":
        return "leads reduce to a value that is unknown"
    kinds = " and ".join(type_name(value) for value in values) or "nothing"
    return f"leaves {quote(op)} without a result for {kinds}"
