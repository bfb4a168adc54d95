"""Whether the service should get traffic: warmed up, and its rulesets there. Once ready it stays so."""

import sys
from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from time import perf_counter

__all__ = ["Readiness"]

# with a JIT: a step has settled when two batches in a row take about the same time
_BATCH = 50
_AGREE = 1.25
_BUDGET_SECONDS = 2.0


class Readiness:
    """Runs each warm-up step once, in a thread of its own that the first question starts.

    Parameters:
        steps: name → what to do; each is short, may run many times, and changes nothing.
        needs: asked each time until all is ready: None, or what is missing yet.
    """

    def __init__(self, steps: Mapping[str, Callable[[], object]], needs: Callable[[], str | None]) -> None:
        self._steps = steps
        self._needs = needs
        self._lock = Lock()
        self._thread: Thread | None = None
        self._warm = Event()
        self._states = dict.fromkeys(steps, "waiting")
        self._ready = False

    @property
    def ready(self) -> bool:
        if not self._ready and self._warm.is_set() and self._needs() is None:
            self._ready = True
        return self._ready

    def start(self) -> None:
        """Begin the warm-up, unless it has begun."""
        with self._lock:
            if not self._warm.is_set() and (self._thread is None or not self._thread.is_alive()):
                self._thread = Thread(target=self._warm_up, name="fastcore-warm-up", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether it is ready, after at most so many seconds of waiting for the warm-up."""
        self._warm.wait(seconds)
        return self.ready

    def checks(self) -> dict[str, str]:
        """The state of each step, and of the rulesets."""
        return {**self._states, "rules": self._needs() or "ready"}

    def _warm_up(self) -> None:
        for name, step in self._steps.items():
            self._states[name] = "warming up"
            try:
                _settle(step)
            except Exception as error:  # shown by /ready, which starts the next attempt
                self._states[name] = f"failed: {type(error).__name__}"
                return
            self._states[name] = "ready"
        self._warm.set()


def _settle(step: Callable[[], object]) -> None:
    step()
    if sys.implementation.name != "pypy":
        return
    end = perf_counter() + _BUDGET_SECONDS
    before = 0.0
    while perf_counter() < end:
        start = perf_counter()
        for _ in range(_BATCH):
            step()
        now = perf_counter() - start
        if before and max(now, before) <= _AGREE * min(now, before):
            return
        before = now
