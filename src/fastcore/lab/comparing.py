"""Before and after: the same works of two documents, with what the rounds allow to say about the difference.

The ratio of the medians has an interval from a moving-block bootstrap of the rounds: blocks of neighbours are
drawn with replacement, because rounds that follow one another are not independent. Intervals are of 99 %, so
that of a hundred works that did not change about one seems to have. What they cannot see is whatever was the
same for all rounds of a run: another load of the machine, another layout of memory.
"""

import math
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .agreement import require_agreement
from .figures import duration, per_unit, ratio
from .reporting import Line, kernel_lines
from .results import BadResultsError, Results
from .view import Table

__all__ = ["METHOD", "Change", "changes", "interval", "table"]

CONFIDENCE = 0.99
RESAMPLES = 1000
METHOD = (
    f"after ÷ before, of medians; {CONFIDENCE:.0%} intervals by a moving-block bootstrap of the rounds, "
    f"{RESAMPLES:,} resamples. A change is named where the interval leaves out 1; of a hundred works "
    "without a change, about one is named all the same. What was the same for all rounds of a run, such as "
    "the load of the machine, no interval shows."
)


@dataclass(frozen=True, slots=True)
class Change:
    """A work before and after.

    Attributes:
        line: the work.
        label: the interpreter, or two.
        before, after: medians for a unit, in seconds.
        low, high: of the interval of their ratio.
    """

    line: Line
    label: str
    before: float
    after: float
    low: float
    high: float

    @property
    def ratio(self) -> float:
        return self.after / self.before

    @property
    def verdict(self) -> str:
        if self.low > 1:
            return "slower"
        return "faster" if self.high < 1 else "no difference shown"


def changes(before: Sequence[Results], after: Sequence[Results]) -> list[Change]:
    """The works that both have, compared.

    Interpreters and backends are those of the same name; where each side has but one, those two.

    Raises:
        BadResultsError: they have no work in common, or one gave different results.
    """
    require_agreement([*before, *after])
    sides = before, after
    across = all(len({each.head["label"] for each in side}) == 1 for side in sides)
    backends = all(len({each.head["backend"] for each in side}) == 1 for side in sides)
    old = dict(_works(before, across, backends))
    pairs = [(old[key], new) for key, new in _works(after, across, backends) if key in old]
    if not pairs:
        first, second = (", ".join(sorted({each.label for each in side})) for side in sides)
        raise BadResultsError(f"no work is in both: the first has {first}, the second {second}")
    return [_change(was, new) for was, new in pairs]


def _works(
    documents: Sequence[Results], across: bool, backends: bool
) -> Iterator[tuple[tuple[str, ...], tuple[Line, str]]]:
    """Lines with an interpreter, by what must be equal of two that are compared."""
    for line in kernel_lines(documents):
        person = "fastcore" if backends and line.who.startswith("fastcore ") else line.who
        for label in line.rows:
            where = "" if across else label
            yield (line.suite, line.group, line.work, line.algorithm, person, where), (line, label)


def _change(before: tuple[Line, str], after: tuple[Line, str]) -> Change:
    (old, was), (new, label) = before, after
    first, second = old.rows[was], new.rows[label]
    low, high = interval(first["samples"], second["samples"])
    name = label if was == label else f"{was} → {label}"
    return Change(new, name, per_unit(first), per_unit(second), low, high)


def interval(before: Sequence[float], after: Sequence[float]) -> tuple[float, float]:
    """The interval of the ratio of two medians.

    Parameters:
        before: rounds in their order.
        after: likewise.
    """
    source = random.Random(0)  # the same files give the same interval
    ratios = sorted(
        statistics.median(_resample(source, after)) / statistics.median(_resample(source, before))
        for _ in range(RESAMPLES)
    )
    tail = (1 - CONFIDENCE) / 2
    return ratios[round(tail * (RESAMPLES - 1))], ratios[round((1 - tail) * (RESAMPLES - 1))]


def _resample(source: random.Random, rounds: Sequence[float]) -> list[float]:
    """As many rounds, of blocks of neighbours that were drawn with replacement."""
    length = math.isqrt(len(rounds))
    drawn: list[float] = []
    while len(drawn) < len(rounds):
        start = source.randrange(len(rounds) - length + 1)
        drawn += rounds[start : start + length]
    return drawn[: len(rounds)]


def table(found: Sequence[Change]) -> Table:
    """The changes, the greatest slowdown first."""
    rows = [
        [
            *each.line.names,
            each.label,
            duration(each.before),
            duration(each.after),
            ratio(each.ratio),
            f"{each.low:.3g} to {each.high:.3g}",
            each.verdict,
        ]
        for each in sorted(found, key=lambda change: -change.ratio)
    ]
    columns = ["work", "by", "interpreter", "before", "after", "ratio", "interval", "rounds say"]
    return Table("compare", "Before and after", columns, rows, names=3, note=METHOD)
