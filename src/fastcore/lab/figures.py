"""Numbers of results: durations in words, what a row comes to, and in which order people read."""

import statistics
from typing import Any

from .results import Results

__all__ = ["duration", "is_settling", "order", "per_unit", "ratio", "steady_after", "who"]

STEADY = 1.1
"""A call is in the steady state when it takes no more than so many times the median."""


def duration(seconds: float) -> str:
    """A time in three digits: "432 ns", "1.06 µs"."""
    for unit, scale in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * scale < 999.5:
            return f"{_digits(seconds * scale)} {unit}"
    return f"{_digits(seconds)} s"


def ratio(value: float) -> str:
    """A ratio in three digits: "0.982×", "41.3×"."""
    return f"{_digits(value)}×"


def _digits(value: float) -> str:
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text else text


def per_unit(row: dict[str, Any]) -> float:
    """The median of a row for one of the units of its work."""
    return float(row["median"]) / int(row["units"])


def steady_after(row: dict[str, Any]) -> float | None:
    """Seconds from the first call until one is in the steady state; None if none was while it warmed up."""
    limit = STEADY * row["median"]
    return next((float(after) for _, after, time in row["warm_up"] if time <= limit), None)


def is_settling(row: dict[str, Any]) -> bool:
    """Whether rounds still became shorter while they were counted: the median is of no steady state."""
    samples: list[float] = row["samples"]
    third = len(samples) // 3
    if not third:
        return False
    return statistics.median(samples[:third]) > STEADY * statistics.median(samples[-third:])


def who(document: Results, row: dict[str, Any]) -> str:
    """Who did the work, the interpreter aside: "fastcore cython", "plain Python"."""
    return f"fastcore {document.head['backend']}" if row["by"] == "fastcore" else str(row["by"])


def order(document: Results) -> tuple[object, ...]:
    """CPython before others, older versions first, then the JIT and the free-threaded build."""
    facts = document.head["interpreter"]
    version = [int(part) for part in str(facts["version"]).split(".") if part.isdigit()]
    return (
        facts["implementation"] != "CPython",
        facts["implementation"],
        version,
        facts["free_threaded"],
        bool(facts["jit"]),
        document.head["label"],
    )
