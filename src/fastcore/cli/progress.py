"""The progress of a run, on a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from .sources import Source

__all__ = ["counting", "reporting"]


@contextmanager
def reporting(source: Source, enabled: bool) -> Iterator[Callable[[int], None]]:
    """Shows a bar on standard error while a source is read; gives what to tell the number of records."""
    if not enabled or not sys.stderr.isatty():
        yield lambda records: None
        return
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[records]:,} records, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=source.size, records=0, rate=0.0)

        def report(records: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            rate = records / elapsed if elapsed else 0.0
            progress.update(task, completed=source.position(), records=records, rate=rate)

        yield report


@contextmanager
def counting(total: int, label: str, enabled: bool) -> Iterator[Callable[[int], None]]:
    """Shows a bar on standard error while so many things are done; gives what to tell how many are."""
    if not enabled or not sys.stderr.isatty():
        yield lambda done: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    # what is printed meanwhile goes above the bar, but only where that is the same terminal
    shared = sys.stdout.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=shared) as progress:
        task = progress.add_task(label, total=total)
        yield lambda done: progress.update(task, completed=done)
