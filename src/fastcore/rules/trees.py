"""Trees: conditions as plain tuples, ``(operator, operand, …)``, that kernels, lint and explanations share.

Leaves are ``("const", value)``, ``("var", keys, level, default?)`` and ``("exists", keys, level)``.
``("in_set", needle, values)`` and ``("in_network", address, blocks, texts)`` are `in` and `in_network` with
their constants prepared; ``("array", …)`` is an array with computed elements. A named list is looked up when
an event is evaluated: ``("in_list", needle, name)``, ``("in_network", address, name)``, and ``("list",
name)`` where it is a value. ``("matches", text, pattern)`` has its pattern compiled. Equal leaves of one
ruleset are mostly one object, and equal trees have equal reprs.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from fastcore.kernels import conditions as _conditions

from .operators import ITERATORS, RESULTS

__all__ = ["BROKEN", "Tree", "branches", "field_name", "lists_of", "mentions", "quote", "scoped", "type_of"]

Tree = tuple[Any, ...]
BROKEN: Final[Tree] = ("broken",)
"""What stands for an operand that is wrong, so that nothing more is said about it."""

CONSTANT_KINDS: Final = {str: "string", int: "number", float: "number", bool: "boolean", list: "array"}

CONSTANT_SECOND: Final = frozenset({"in_set", "in_list", "in_network", "matches"})
"""Only their first operand is a tree."""


def branches(tree: Tree) -> tuple[Tree, ...]:
    """The operands of a tree that are trees themselves, as a kernel's node has children."""
    op = tree[0]
    if op in ("const", "list", "now"):
        return ()
    if op in ("var", "exists"):
        return tree[3:]
    return tree[1:2] if op in CONSTANT_SECOND else tree[1:]


def scoped(tree: Tree) -> tuple[int, ...]:
    """Positions of the operands evaluated in the tree's own scope, not for an element or an error."""
    count = len(branches(tree))
    if tree[0] in ITERATORS:
        return (0, 2) if count > 2 else (0,)
    return (0,) if tree[0] == "try" else tuple(range(count))


def lists_of(tree: Tree) -> set[str]:
    """The named lists that a tree reads."""
    found, pending = set(), [tree]
    while pending:
        tree = pending.pop()
        if tree[0] == "list":
            found.add(tree[1])
        elif tree[0] == "in_list" or (tree[0] == "in_network" and isinstance(tree[2], str)):
            found.add(tree[2])
        pending.extend(branches(tree))
    return found


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
        return CONSTANT_KINDS.get(type(tree[1])) or _conditions.conditions_kind(tree[1])
    return RESULTS.get(tree[0], "")
