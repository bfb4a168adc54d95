"""Conditions as an analyst would write them: ``amount > 100 and card.country in ["NG", "RU"]``."""

import json
from datetime import date, datetime, timedelta
from typing import Any, Final

from .language import Tree, branches, field_name

__all__ = ["describe", "plain_value"]

INFIX: Final = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(["==", "===", "!=", "!==", "<", "<=", ">", ">=", "in"], 4),
    **dict.fromkeys(["+", "-"], 5),
    **dict.fromkeys(["*", "/", "%"], 6),
}
"""How tightly the operators bind that are written between their operands; `not` binds with 3."""

SAME: Final = {"===": "==", "!==": "!="}
LONGEST: Final = 80


def describe(tree: Tree, binding: int = 0) -> str:
    """One line of text for a tree; in parentheses where what surrounds it binds tighter."""
    op = tree[0]
    if op == "const":
        return constant(tree[1])
    if op in ("var", "exists"):
        return _field(tree)
    if op in ("in_set", "in_network"):
        shown = constant(list(tree[2] if op == "in_set" else tree[3]))
        text = f"{describe(tree[1], 4)} {'in' if op == 'in_set' else 'in network'} {shown}"
        return f"({text})" if binding >= 4 else text
    parts = branches(tree)
    if op == "!":
        return f"not {describe(parts[0], 3)}"
    if op == "array":
        return "[" + ", ".join(describe(part) for part in parts) + "]"
    own = INFIX.get(op)
    if own is None or len(parts) < 2:
        return f"{op}(" + ", ".join(describe(part) for part in parts) + ")"
    text = f" {SAME.get(op, op)} ".join(describe(part, own) for part in parts)
    return f"({text})" if own <= binding else text


def _field(tree: Tree) -> str:
    name = field_name(tree[1]) or ("the event" if tree[2] == 0 else "the element")
    if tree[2]:
        name = f"{name} of scope {tree[2]}"
    if tree[0] == "exists":
        return f"{name} exists"
    return f"{name} (else {describe(tree[3])})" if len(tree) > 3 else name


def constant(value: Any) -> str:
    """A constant as JSON, shortened; long arrays tell their length."""
    if isinstance(value, (list, tuple)) and len(value) > 6:
        return f"[{', '.join(constant(member) for member in value[:5])}, … {len(value)} values]"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(constant(member) for member in value) + "]"
    text = json.dumps(plain_value(value), ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def plain_value(value: Any, budget: int = 200, depth: int = 8) -> Any:
    """A value of an event as JSON values, for showing: what is long or deep is cut, other types become text."""
    if value is None or isinstance(value, (bool, str)):
        return value if not isinstance(value, str) or len(value) <= 1000 else value[:999] + "…"
    if isinstance(value, int):
        return int(value) if value.bit_length() < 14000 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return float(value) if value - value == 0 else str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if depth == 0:
        return "…"
    if isinstance(value, (list, tuple)):
        shown = [plain_value(member, budget, depth - 1) for member in value[:budget]]
        return shown if len(value) <= budget else [*shown, "…"]
    if isinstance(value, dict):
        items = list(value.items())[:budget]
        return {str(key): plain_value(member, budget, depth - 1) for key, member in items}
    text = str(value) if isinstance(value, timedelta) or type(value).__name__ == "Decimal" else repr(value)
    return text if len(text) <= 1000 else text[:999] + "…"
