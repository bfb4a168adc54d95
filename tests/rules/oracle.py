"""What conditions are by three-valued logic, in exact arithmetic and with nothing of how fastcore does it.

Covers the operators whose values an index can look up: comparisons, membership, arithmetic and what connects
them. None is "unknown".
"""

import math
import operator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

__all__ = ["COMPARE", "fired", "truth"]

COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "===": operator.eq,
    "!=": operator.ne,
    "!==": operator.ne,
}
ARITHMETIC = {"+", "-", "*", "/", "%", "min", "max"}


def fired(rules, event):
    """Ids of the rules that fire, in their order; conditions that are one object are evaluated once."""
    known = {}
    return [rule["id"] for rule in rules if truth(rule["when"], event, known) is True]


def truth(logic, event, known=None):
    """True, False or None. `known` has by identity what is known of this event's conditions."""
    known = {} if known is None else known
    if id(logic) not in known:
        known[id(logic)] = _truth(logic, event, known)
    return known[id(logic)]


def _truth(logic, event, known):
    op, operands = _parts(logic)
    if op in ("and", "or"):
        found = [truth(operand, event, known) for operand in operands]
        decisive = op == "or"
        return decisive if decisive in found else None if None in found else not decisive
    if op == "!":
        found = truth(operands[0], event, known)
        return None if found is None else not found
    if op == "!!":
        return truth(operands[0], event, known)
    if op in COMPARE:
        found = [value(operand, event) for operand in operands]
        return _all([compare(op, left, right) for left, right in pairwise(found)])
    if op == "between":
        middle, low, high = [value(operand, event) for operand in operands]
        return _all([compare(">=", middle, low), compare("<=", middle, high)])
    if op == "in":
        return member(value(operands[0], event), operands[1])
    return truthy(value(logic, event))


def _parts(logic):
    if not isinstance(logic, dict):
        return None, []
    ((op, operands),) = logic.items()
    return op, operands if isinstance(operands, list) else [operands]


def _all(found):
    return False if False in found else None if None in found else True


KINDS = {bool: "bool", int: "number", float: "number", Decimal: "number", str: "string"}


def kind(given):
    """The type that a value counts as; None for what is unknown."""
    return None if given is None or given != given else KINDS.get(type(given), type(given).__name__)


@lru_cache(maxsize=None, typed=True)
def exact(number):
    """A number as what orders all numbers: infinities around the fractions."""
    if number == math.inf or number == -math.inf:
        return (1, 0) if number > 0 else (-1, 0)
    return (0, Fraction(number))


def compare(op, left, right):
    kinds = {kind(left), kind(right)}
    if kinds == {"number"}:
        return COMPARE[op](exact(left), exact(right))
    if kinds == {"string"} or (kinds == {"bool"} and op[0] in "=!"):
        return COMPARE[op](left, right)
    return None


def member(needle, hay):
    if isinstance(hay, str):
        return needle in hay if kind(needle) == "string" else None
    found = [compare("==", needle, element) for element in hay]
    return True if True in found else False if False in found else None


def truthy(given):
    if kind(given) is None:
        return None
    return given != 0 if kind(given) == "number" else given is not False and given not in ("", [], ())


def value(logic, event):
    op, operands = _parts(logic)
    if op is None:
        return logic
    if op == "var":
        found = event
        for key in operands[0].split("."):
            found = found.get(key) if isinstance(found, dict) else None
        return found
    found = [value(operand, event) for operand in operands]
    if op == "length":
        return len(found[0]) if isinstance(found[0], (str, list)) else None
    assert op in ARITHMETIC, op
    if any(kind(each) != "number" for each in found):
        return None
    if op in ("min", "max"):
        return (min if op == "min" else max)(found, key=exact)
    if len(found) == 1:
        return -found[0] if op == "-" else found[0]
    result = found[0]
    for each in found[1:]:
        result = None if result is None else step(op, result, each)
    return result


def step(op, left, right):
    """One step of arithmetic on ints and floats."""
    if op in "/%" and right == 0:
        return None
    try:
        if isinstance(left, int) and isinstance(right, int):
            return whole_step(op, left, right)
        left, right = float(left), float(right)
        if op == "%":
            return None if math.isinf(left) else math.fmod(left, right)
        result = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[op](
            left, right
        )
    except OverflowError:
        return None
    return None if result != result else result


def whole_step(op, left, right):
    if op == "%":
        return left - right * int(Fraction(left, right))  # int() cuts towards zero
    if op == "/":
        quotient = Fraction(left, right)
        return quotient.numerator if quotient.denominator == 1 else left / right
    return {"+": operator.add, "-": operator.sub, "*": operator.mul}[op](left, right)
