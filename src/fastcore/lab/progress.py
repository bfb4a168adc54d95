"""The progress of a long run on standard error: a live line on a terminal, a line per step elsewhere."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

__all__ = ["Progress"]


class Progress:
    """Tells what is being done. Use as a context manager.

    Parameters:
        total: how many steps there are, where that is known.
    """

    def __init__(self, total: int | None = None) -> None:
        self._live = sys.stderr.isatty()
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
        )
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=total)
        self._started = time.monotonic()
        self._last = ""

    def __enter__(self) -> "Progress":
        if self._live:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._bar.stop()

    def begin(self, what: str, detail: str = "") -> None:
        """Something begins; elsewhere than on a terminal, a detail is not printed."""
        if self._live:
            self._bar.update(self._task, description=f"{what} {detail}".rstrip())
        elif what != self._last:
            print(f"{time.monotonic() - self._started:6.0f} s  {what}", file=sys.stderr, flush=True)
        self._last = what

    def done(self, steps: int = 1) -> None:
        """So many steps are done."""
        self._bar.advance(self._task, steps)
