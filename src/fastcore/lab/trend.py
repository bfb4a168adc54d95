"""Whether a series grows: the Theil-Sen slope, with an interval by a moving block bootstrap.

Resident memory moves in steps and remembers its past, so least squares and its usual error say too much. The
median of the slopes between all pairs of points does not mind steps and outliers. What is left beside the
line is drawn again in blocks, as long as the square root of the number of points, so that neighbours stay
neighbours; 95 % of the slopes of 400 such series are the interval.
"""

import itertools
import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Trend", "trend"]

Point = tuple[float, float]

LEAST_POINTS = 10
MOST_POINTS = 60
RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Trend:
    """A slope and its interval of 95 %.

    Attributes:
        slope: what one step to the right adds.
        low, high: the ends of the interval.
        points: of how many.
    """

    slope: float
    low: float
    high: float
    points: int


def trend(segments: Sequence[Sequence[Point]]) -> Trend | None:
    """The common slope of several series; each may lie higher or lower than the others.

    Parameters:
        segments: points of each, from left to right.

    Returns:
        None where there are too few points.
    """
    total = sum(map(len, segments))
    if total < LEAST_POINTS:
        return None
    kept = [_thinned(list(segment), max(2, MOST_POINTS * len(segment) // total)) for segment in segments]
    kept = [segment for segment in kept if len(segment) > 1]
    slope = _theil_sen(kept)
    source = random.Random(0)  # the same series always has the same interval
    slopes = sorted(
        _theil_sen([_redrawn(segment, slope, source) for segment in kept]) for _ in range(RESAMPLES)
    )
    low, high = slopes[round(0.025 * RESAMPLES)], slopes[round(0.975 * RESAMPLES) - 1]
    return Trend(slope, low, high, sum(map(len, kept)))


def _thinned(points: list[Point], most: int) -> list[Point]:
    """Means of neighbours, at most so many."""
    if len(points) <= most:
        return points
    edges = [round(number * len(points) / most) for number in range(most + 1)]
    groups = [points[left:right] for left, right in itertools.pairwise(edges)]
    return [
        (statistics.fmean(x for x, _ in group), statistics.fmean(y for _, y in group)) for group in groups
    ]


def _theil_sen(segments: Sequence[Sequence[Point]]) -> float:
    slopes = [
        (later - earlier) / (right - left)
        for points in segments
        for number, (left, earlier) in enumerate(points)
        for right, later in points[number + 1 :]
        if right > left
    ]
    return statistics.median(slopes) if slopes else 0.0


def _redrawn(points: Sequence[Point], slope: float, source: random.Random) -> list[Point]:
    """The line, with what is beside it in another order, block by block."""
    middle = statistics.median(y - slope * x for x, y in points)
    rests = [y - slope * x - middle for x, y in points]
    length = max(1, math.isqrt(len(rests)))
    drawn: list[float] = []
    while len(drawn) < len(rests):
        start = source.randrange(len(rests) - length + 1)
        drawn += rests[start : start + length]
    return [(x, slope * x + middle + rest) for (x, _), rest in zip(points, drawn, strict=False)]
