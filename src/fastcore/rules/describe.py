"""Conditions as an analyst would write them: ``amount > 100 and card.country in ["NG", "RU"]``."""

import itertools
import json
import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from fastcore.kernels import conditions as _conditions

from .language import Tree, branches, field_name
from .trees import CONSTANT_SECOND

__all__ = ["describe", "plain_value"]

INFIX: Final = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(["==", "===", "!=", "!==", "<", "<=", ">", ">=", "in"], 4),
    **dict.fromkeys(["+", "-"], 5),
    **dict.fromkeys(["*", "/", "%"], 6),
}
"""How tightly the operators bind that are written between their operands; `not` binds with 3."""

VERBS: Final = {"in_network": "in network", "matches": "matches"}
SAME: Final = {"===": "==", "!==": "!="}
ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode
LONGEST: Final = 80
LONGEST_VALUE: Final = 1000


def describe(tree: Tree, binding: int = 0) -> str:
    """One line of text for a tree; in parentheses where what surrounds it binds tighter."""
    op = tree[0]
    if op == "const":
        return constant(tree[1])
    if op in ("var", "exists"):
        return _field(tree)
    if op == "list":
        return _list(tree[1])
    if op in CONSTANT_SECOND:
        text = f"{describe(tree[1], 4)} {VERBS.get(op, 'in')} {_second(tree)}"
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


def _second(tree: Tree) -> str:
    """The constant of an operator that has one for its second operand."""
    if tree[0] == "matches":
        return constant(tree[2].text)
    return _list(tree[2]) if isinstance(tree[2], str) else constant(tree[2:][tree[0] == "in_network"])


def _list(name: str) -> str:
    return f"list {constant(name)}"


def _field(tree: Tree) -> str:
    name = field_name(tree[1]) or "it"
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
    kind = type(value)
    if kind is float and math.isfinite(value):
        return float.__repr__(value)
    text = ENCODE(plain_value(value))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def plain_value(value: Any, budget: int = 200, depth: int = 8, whole: int = 2000) -> Any:
    """A value as JSON values, for showing: what is long or deep is cut, other types become text.

    Parameters:
        value: anything.
        budget: members of one array or object.
        depth: how deep they nest.
        whole: members in each depth altogether, about; those of one depth share it evenly.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value) if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "…"
    if isinstance(value, int):
        return (
            int.__int__(value) if value.bit_length() < 14000 else f"an integer of {value.bit_length()} bits"
        )
    if isinstance(value, float):
        return float.__float__(value) if math.isfinite(value) else str(float.__float__(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (timedelta, Decimal)):
        return str(value)
    members = _conditions.conditions_members(value)
    if members is None and not isinstance(value, (list, tuple)):
        return f"<{type(value).__name__}>"
    if depth == 0:
        return "…"
    most = min(budget, whole)
    if members is not None:
        kept = list(itertools.islice(members, most))
        share = max(1, whole // max(1, len(kept)))
        return {str(key): plain_value(member, budget, depth - 1, share) for key, member in kept}
    share = max(1, whole // max(1, min(len(value), most)))
    shown = [plain_value(member, budget, depth - 1, share) for member in value[:most]]
    return shown if len(value) <= most else [*shown, "…"]
