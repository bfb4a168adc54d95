"""The bitsets of one operand, as Python ints: which clauses each of its values leaves standing.

Clause 0 has the highest bit, so that ``int.bit_length`` finds the first clause that is left.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastcore.kernels import conditions

if TYPE_CHECKING:
    from fastcore.rules.clauses import Operand

__all__ = ["OperandRows"]

Cut = tuple[Any, int]


class OperandRows:
    """See the module.

    Parameters:
        operand: of a plan of clauses.
        count: of all clauses of that plan.

    Attributes:
        users: the clauses that read the operand; the others are in every row.
        unknown, false, true, falsy, truthy, unnamed: the rows of such values.
        named: the rows of strings that rules name.
        numbers: the rows of numbers below every cut, then past each.
        doubles, integers: for each cut the least double and the least int past it, or an infinity.
        cuts: as the plan has them.
    """

    __slots__ = (
        "cuts",
        "doubles",
        "false",
        "falsy",
        "integers",
        "named",
        "numbers",
        "true",
        "truthy",
        "unknown",
        "unnamed",
        "users",
    )

    def __init__(self, operand: "Operand", count: int) -> None:
        def bits(clauses: Iterable[int]) -> int:
            result = 0
            for clause in clauses:
                result ^= 1 << (count - 1 - clause)
            return result

        self.users = bits(operand.users)
        self.unknown = unknown = ((1 << count) - 1) ^ self.users
        self.false, self.true = unknown | bits(operand.false), unknown | bits(operand.true)
        self.falsy, self.truthy = unknown | bits(operand.falsy), unknown | bits(operand.truthy)
        self.unnamed = unknown | bits(operand.unnamed)
        self.named = {text: self.unnamed ^ bits(clauses) for text, clauses in operand.strings.items()}
        self.cuts = tuple(operand.cuts)
        self.doubles = tuple([least_double(cut) for cut in operand.cuts])
        self.integers = tuple([least_integer(cut) for cut in operand.cuts])
        numbers = []
        row = unknown
        for clauses in operand.steps:
            row ^= bits(clauses)
            numbers.append(row)
        self.numbers = tuple(numbers)

    def of(self, value: Any) -> int:
        """The row of a value."""
        kind = type(value)
        if kind is str:
            return self.named.get(value, self.unnamed)
        if kind is float:
            if value != value or not self.numbers:
                return self.unknown
            return self.numbers[bisect_right(self.doubles, value)]
        if kind is int:
            return self.numbers[bisect_right(self.integers, value)] if self.numbers else self.unknown
        if value is True:
            return self.true
        if value is False:
            return self.false
        return self.unknown if value is None else self._of_other(value)

    def _of_other(self, value: Any) -> int:
        value, kind, truth = conditions.conditions_clean(value)
        if type(value) in (str, int, float, bool, type(None)):
            return self.of(value)
        if kind == "number":
            return self._of_decimal(value)
        return self.truthy if truth else self.falsy

    def _of_decimal(self, value: Any) -> int:
        if not self.numbers:
            return self.unknown
        low, high = 0, len(self.cuts)
        while low < high:
            middle = (low + high) // 2
            if conditions.conditions_passed(value, self.cuts[middle]):
                low = middle + 1
            else:
                high = middle
        return self.numbers[low]

    @property
    def nbytes(self) -> int:
        rows = [self.unknown, self.false, self.true, self.falsy, self.truthy, self.unnamed]
        return sum((row.bit_length() + 7) // 8 for row in [*rows, *self.numbers, *self.named.values()])


def least_double(cut: Cut) -> float:
    """The least double that is past a cut."""
    value, side = cut
    try:
        nearest = float(value)
    except OverflowError:
        return math.inf if value > 0 else math.nextafter(-math.inf, 0)
    if nearest < value or (side and nearest == value):
        nearest = math.nextafter(nearest, math.inf)
    return nearest


def least_integer(cut: Cut) -> int | float:
    """The least int that is past a cut; an infinity where all or none are."""
    value, side = cut
    if isinstance(value, float) and math.isinf(value):
        return value
    least: int = math.floor(value) + 1 if side else math.ceil(value)
    return least
