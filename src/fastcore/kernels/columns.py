"""Which rules fire for every row of columns, by the index of a matcher.

``column_fields(matcher)`` gives the paths that are read, as tuples of keys. ``column_runner(matcher, decider,
columns, active, events, rows)`` gives an object for a batch of `rows` rows: `columns` holds one
``columns.column.Column`` for each of those paths, `active` says of each rule whether it takes part (None:
all
do), and ``events(start, stop)`` gives what has ``at(index)``, the event of that row, counted from `start`.

Its ``run(start, stop, now, counts, scores, actions, base, wanted)`` puts the number of fired rules, their
score and
the code of the action (a position among ``column_actions(...)``, -1 for none) of the rows from `start` to
`stop` into
buffers, from `base` on. It gives the positions of all the rules that fired, row after row, as bytes of 32-bit
ints
(none unless they are `wanted`), and pairs of a row and what it raised. Any number of threads may run it at
once.

``_columns_c.pyx`` is the twin for C.
"""

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from fastcore.errors import EvaluationError, EventError, LimitError

__all__ = ["column_actions", "column_fields", "column_runner"]

_CHUNK = 1024  # rows of which values and sets are held at once


def column_fields(matcher: Any) -> list[tuple[str, ...]]:
    """The paths of the fields that a matcher looks up; what other conditions read is asked of events."""
    return [path for path, _ in matcher.fields]


class _ColumnRunner:
    """See the module."""

    __slots__ = ("_columns", "_decider", "_events", "_everything", "_matcher")

    def __init__(
        self,
        matcher: Any,
        decider: Any,
        columns: Sequence[Any],
        active: Sequence[bool] | None,
        events: Callable[[int, int], Any],
    ) -> None:
        self._matcher = matcher
        self._decider = decider
        self._events = events
        fields = [rows for _, rows in matcher.fields]
        self._columns = [
            (column, rows, _coded(column, rows)) for column, rows in zip(columns, fields, strict=True)
        ]
        self._everything = matcher.everything(active)

    def run(
        self,
        start: int,
        stop: int,
        now: Any,
        counts: Any,
        scores: Any,
        actions: Any,
        base: int,
        wanted: bool,
    ) -> tuple[bytes, list[tuple[int, Exception]]]:
        found = array("i")
        failures: list[tuple[int, Exception]] = []
        codes = {action: code for code, action in enumerate(column_actions(self._decider))}
        decider, fire = self._decider, self._matcher.owners_of
        for at in range(start, stop, _CHUNK):
            for alive in self._alive(at, min(at + _CHUNK, stop), now, failures):
                fired = fire(alive)
                counts[base] = len(fired)
                scores[base] = score = decider.total(fired)
                action = decider.action(fired, score)
                actions[base] = -1 if action is None else codes[action]
                if wanted:
                    found.extend(fired)
                base += 1
        return found.tobytes(), failures

    def _alive(self, start: int, stop: int, now: Any, failures: list[tuple[int, Exception]]) -> list[int]:
        """The set of the clauses that hold, for each row."""
        alive = [self._everything] * (stop - start)
        for column, rows, coded in self._columns:
            if column.kind == "missing":
                alive = [bits & rows.unknown for bits in alive]
            elif coded is not None:
                found = column.codes(start, stop)
                alive = [bits & coded[code] for bits, code in zip(alive, found, strict=True)]
            else:
                of = rows.of
                values = column.values(start, stop)
                alive = [bits & of(value) for bits, value in zip(alive, values, strict=True)]
        if self._matcher.asked:
            self._ask(alive, start, now, failures)
        return alive

    def _ask(self, alive: list[int], start: int, now: Any, failures: list[tuple[int, Exception]]) -> None:
        users, ask = self._matcher.asked, self._matcher.ask
        events = None
        for index, bits in enumerate(alive):
            if not bits & users:
                continue
            if events is None:
                events = self._events(start, start + len(alive))
            try:
                alive[index] = ask(bits, events.at(index), now)
            except (EventError, EvaluationError, LimitError) as error:
                alive[index] = 0
                failures.append((start + index, error))


def _coded(column: Any, rows: Any) -> list[int] | None:
    """Of a column of codes, for each of them the bitset of what it stands for; the last is that of
    nothing."""
    if column.dictionary is None:
        return None
    dictionary = column.dictionary
    coded = [rows.of(value) for value in dictionary.values(0, dictionary.length)]
    return [*coded, rows.unknown]


def column_actions(decider: Any) -> tuple[str, ...]:
    """What the codes of actions stand for."""
    named = [*(decider._actions or ()), *[action for _, action in decider._decisions], decider._default]
    return tuple(dict.fromkeys([action for action in named if action is not None]))


def column_runner(
    matcher: Any,
    decider: Any,
    columns: Sequence[Any],
    active: Sequence[bool] | None,
    events: Callable[[int, int], Any],
    rows: int,
) -> _ColumnRunner:
    """Makes what runs a batch of columns.

    Parameters:
        matcher: of `matching`.
        decider: of `deciding`.
        columns, active, events: see the module.
        rows: how many there are; the C twin makes tables for them.

    Complexity: a value costs a look-up and an AND of a bit per clause, and a row what its fired rules take.
        Values and
        sets of 1,024 rows are held at a time.
    """
    return _ColumnRunner(matcher, decider, columns, active, events)
