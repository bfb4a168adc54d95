"""``fastcore bench memory``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options

__all__ = ["memory"]


def memory(
    python: options.Python = None,
    backend: options.Backends = None,
    way: Annotated[
        list[str] | None,
        typer.Option("--way", help="naive, include, mount or lane; naive and lane by default."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, max=100, help="Processes for each measure.")] = 5,
    large: Annotated[int, typer.Option(min=1, max=100_000, help="Requests for large payloads.")] = 1000,
    connections: Annotated[int, typer.Option(min=1, max=1024, help="Open at the same time.")] = 16,
    quick: Annotated[bool, typer.Option("--quick", help="One process for each, 100 large payloads.")] = False,
    source: options.Source = None,
    output: options.Output = Path("bench-results"),
) -> None:
    """Say what a process that serves needs: start, first answer, memory, allocation, collections, size.

    Without --python it measures the environment that it runs in.
    """
    from fastcore.lab.http import WAYS
    from fastcore.lab.memory import Plan, measure_target

    known = {name: each for name, each in WAYS.items() if name != "recursion"}
    ways = options.choose("--way", way or ["naive", "lane"], known)
    plan = Plan(
        repeats=1 if quick else repeats,
        large=min(large, 100) if quick else large,
        connections=connections,
        quick=quick,
    )
    targets, gaps = options.targets(python, backend, source)
    for target in targets:
        found, missing = measure_target(target, ways, plan, options.say)
        gaps += missing
        options.keep(found, output / target.file("memory"))
        options.show(found.label, *_table(found.rows), quick)
        for reason in dict.fromkeys(row["gap"] for row in found.rows if row["gap"]):
            options.say(f"-: not measurable: {reason}")
    options.finish(gaps, anything=bool(targets))


def _table(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[options.Column]]:
    """One row for a measure, with a column for each way."""
    titles = dict.fromkeys(row["way"] or "any" for row in rows)
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        shown = FORMS[row["unit"]](row["value"]) if row["gap"] is None else "-"
        lines.setdefault(row["measure"], {"measure": row["measure"]})[row["way"] or "any"] = shown
    columns: list[options.Column] = [("measure", "", str), *((title, title, _as_is) for title in titles)]
    return list(lines.values()), columns


def _as_is(text: str) -> str:
    return text


def _size(size: float) -> str:
    if abs(size) >= 1e6:
        return f"{size / 1e6:,.1f} MB"
    return f"{size / 1e3:,.1f} kB" if abs(size) >= 1000 else f"{size:,.1f} B"


FORMS: dict[str, Callable[[float], str]] = {
    "seconds": options.milliseconds,
    "bytes": _size,
    "count": lambda value: f"{value:,.0f}",
}
