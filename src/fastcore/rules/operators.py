"""The operators of conditions: how many operands each takes, of which types, and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["CONDITIONAL", "ITERATORS", "LITERALS", "OPERATORS", "RESULTS", "UNITS", "Operator", "arity"]

NUMBER = frozenset({"number"})
STRING = frozenset({"string"})
ARRAY = frozenset({"array"})
ORDERED = frozenset({"number", "string", "datetime", "date", "duration"})
MOMENT = frozenset({"datetime", "date"})
ANY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Operator:
    """What one operator takes.

    Attributes:
        least, most: number of operands; `most` is None where there is no limit.
        operands: the types each operand may have, empty for any; the last entry stands for all that follow.
        alike: whether the operands are compared with one another, so that a constant tells the others' type.
    """

    least: int
    most: int | None
    operands: tuple[frozenset[str], ...] = (ANY,)
    alike: bool = False


OPERATORS: Final[Mapping[str, Operator]] = {
    "var": Operator(0, 2),
    "val": Operator(0, None),
    "exists": Operator(1, None),
    "list": Operator(1, 1),
    "missing": Operator(0, None),
    "missing_some": Operator(2, 2, (NUMBER, ARRAY)),
    "??": Operator(1, None),
    "==": Operator(2, None, alike=True),
    "===": Operator(2, None, alike=True),
    "!=": Operator(2, None, alike=True),
    "!==": Operator(2, None, alike=True),
    "<": Operator(2, None, (ORDERED,), alike=True),
    "<=": Operator(2, None, (ORDERED,), alike=True),
    ">": Operator(2, None, (ORDERED,), alike=True),
    ">=": Operator(2, None, (ORDERED,), alike=True),
    "between": Operator(3, 3, (ORDERED,), alike=True),
    "in": Operator(2, 2, (ANY, STRING | ARRAY)),
    "contains": Operator(2, 2, (STRING | ARRAY, ANY)),
    "in_network": Operator(2, 2, (STRING, STRING | ARRAY)),
    "and": Operator(1, None),
    "or": Operator(1, None),
    "!": Operator(1, 1),
    "!!": Operator(1, 1),
    "if": Operator(1, None),
    "?:": Operator(1, None),
    "+": Operator(1, None, (NUMBER,)),
    "-": Operator(1, None, (NUMBER,)),
    "*": Operator(1, None, (NUMBER,)),
    "/": Operator(1, None, (NUMBER,)),
    "%": Operator(2, None, (NUMBER,)),
    "min": Operator(1, None, (NUMBER,)),
    "max": Operator(1, None, (NUMBER,)),
    "cat": Operator(1, None),
    "substr": Operator(2, 3, (STRING, NUMBER)),
    "lower": Operator(1, 1, (STRING,)),
    "upper": Operator(1, 1, (STRING,)),
    "starts_with": Operator(2, 2, (STRING,)),
    "ends_with": Operator(2, 2, (STRING,)),
    "matches": Operator(2, 2, (STRING,)),
    "length": Operator(1, 1, (STRING | ARRAY,)),
    "some": Operator(2, 2, (ARRAY, ANY)),
    "all": Operator(2, 2, (ARRAY, ANY)),
    "none": Operator(2, 2, (ARRAY, ANY)),
    "filter": Operator(2, 2, (ARRAY, ANY)),
    "map": Operator(2, 2, (ARRAY, ANY)),
    "reduce": Operator(2, 3, (ARRAY, ANY, ANY)),
    "merge": Operator(0, None),
    "now": Operator(0, 0),
    "datetime": Operator(1, 1, (STRING | MOMENT,)),
    "date": Operator(1, 1, (STRING | MOMENT,)),
    "duration": Operator(1, 1, (STRING | {"duration"},)),
    "date_diff": Operator(3, 3, (STRING | MOMENT, STRING | MOMENT, STRING)),
    "try": Operator(1, None),
    "throw": Operator(1, 1),
}

ITERATORS: Final = frozenset({"some", "all", "none", "filter", "map", "reduce"})
CONDITIONAL: Final = frozenset({"and", "or", "!", "!!"})
UNITS: Final = ("days", "hours", "minutes", "seconds", "milliseconds")
LITERALS: Final[Mapping[str, str]] = {
    "datetime": 'an ISO 8601 date and time such as "2026-01-31T12:00:00Z"',
    "date": 'an ISO 8601 date such as "2026-01-31"',
    "duration": 'a duration of weeks, days, hours, minutes and seconds such as "P1DT12H" or "1d 12h"',
}
RESULTS: Final[Mapping[str, str]] = {
    "now": "datetime",
    "datetime": "datetime",
    "date": "date",
    "duration": "duration",
    "cat": "string",
    "substr": "string",
    "lower": "string",
    "upper": "string",
    **dict.fromkeys(["+", "-", "*", "/", "%", "min", "max", "length", "date_diff"], "number"),
    **dict.fromkeys(["array", "filter", "list", "map", "merge", "missing", "missing_some"], "array"),
    **dict.fromkeys(["==", "===", "!=", "!==", "<", "<=", ">", ">=", "between"], "boolean"),
    **dict.fromkeys(
        ["in", "in_set", "in_list", "in_network", "contains", "starts_with", "ends_with", "matches"],
        "boolean",
    ),
    **dict.fromkeys(["!", "!!", "exists", "some", "all", "none"], "boolean"),
}
"""The type of what an operator gives, where its name tells."""


def arity(operator: Operator) -> str:
    """How many operands, in words."""
    least, most = operator.least, operator.most
    if most is None:
        return f"at least {least} operand{'s' * (least != 1)}"
    if least == most:
        return f"{least or 'no'} operand{'s' * (least != 1)}"
    return f"{least} to {most} operands"
