"""The look-ups of a plan as one loop over its fields, where a generated function is no gain.

A tracing JIT follows one loop well and a function with some hundred branches badly; and a function for
thousands of fields takes long to compile.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastcore.kernels.conditions_values import _cond_steps

if TYPE_CHECKING:
    from fastcore.kernels.matching_rows import OperandRows
    from fastcore.rules.clauses import ClausePlan

__all__ = ["AliveLoop"]


class AliveLoop:
    """The function ``alive(event, now)`` of a plan, as an object with a method.

    Parameters:
        plan: the clauses and their operands.
        rows: of the operands.
        member: what something that is no plain dict holds, by key and index.
        finish: sees to the operands that are no fields; takes the clauses left, the event and the time.
    """

    __slots__ = ("_everything", "_finish", "_member", "_nodes")

    def __init__(
        self,
        plan: "ClausePlan",
        rows: Sequence["OperandRows"],
        member: Callable[[Any, str, int | None], Any],
        finish: Callable[[int, Any, Any], int],
    ) -> None:
        self._everything = (1 << len(plan.owners)) - 1
        self._member = member
        self._finish = finish
        # parents come before their members; number 0 is the event
        numbers: dict[tuple[str, ...], int] = {(): 0}
        found: list[tuple[int, str, int | None, OperandRows | None]] = []
        for keys, position in plan.fields:
            if position < 0:
                continue
            for (key, index), length in zip(_cond_steps(keys), range(len(keys)), strict=True):
                if keys[: length + 1] not in numbers:
                    numbers[keys[: length + 1]] = len(numbers)
                    found.append((numbers[keys[:length]], key, index, None))
            number = numbers[keys] - 1
            found[number] = (*found[number][:3], rows[position])
        self._nodes = tuple(found)

    def alive(self, event: Any, now: Any) -> int:
        alive = self._everything
        values = [event]
        for parent, key, index, rows in self._nodes:
            data = values[parent]
            value = data.get(key) if type(data) is dict else self._member(data, key, index)
            values.append(value)
            if rows is not None:
                alive &= rows.of(value)
        return self._finish(alive, event, now)
