"""How late an asyncio event loop is: what everything that it serves waits while one thing holds it."""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Self
from weakref import ref

__all__ = ["BOUNDS", "EventLoopLag", "EventLoopMonitor"]

# Upper bounds, in seconds, of the buckets of the histogram; one more bucket has what is above.
BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

_log = logging.getLogger("fastcore.event_loop")


@dataclass(frozen=True, slots=True)
class EventLoopLag:
    """What a monitor found in the last one or two windows.

    Attributes:
        counts: measurements by bucket: up to each of `BOUNDS`, and above all of them.
        maximum: the longest, in seconds.
    """

    counts: tuple[int, ...]
    maximum: float

    @property
    def samples(self) -> int:
        return sum(self.counts)

    def quantile(self, share: float) -> float:
        """The lag, in seconds, that so large a share of the measurements does not exceed.

        Within a bucket it is interpolated, so it is as exact as the buckets are fine; nought without
        measurements.

        Parameters:
            share: from 0 to 1; 0.99 for p99.
        """
        below, rank = 0, share * self.samples
        for index, count in enumerate(self.counts):
            if count and below + count >= rank:
                low = BOUNDS[index - 1] if index else 0.0
                high = min(BOUNDS[index], self.maximum) if index < len(BOUNDS) else self.maximum
                return min(low, high) + max(0.0, high - low) * max(0.0, rank - below) / count
            below += count
        return 0.0

    @property
    def p50(self) -> float:
        return self.quantile(0.5)

    @property
    def p99(self) -> float:
        return self.quantile(0.99)


class _Window:
    """Measurements of a stretch of time."""

    __slots__ = ("counts", "maximum", "until")

    def __init__(self, until: float) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.maximum = 0.0
        self.until = until


class EventLoopMonitor:
    """Measures how late the timers of an event loop fire, asyncio's own or uvloop.

    ``async with EventLoopMonitor(): …`` in the lifespan of any app, or `start` and `stop`. It sets one timer
    after another, and is no task: nothing has to be awaited or cancelled at the end of the loop. A monitor
    that nobody holds ends by itself.

    What holds the loop is seen for certain if it lasts `interval` and `threshold` together, and in part if
    it is shorter. Timers of an idle loop are up to a millisecond late.

    Parameters:
        threshold: a lag of so many seconds is worth a warning in the log ``fastcore.event_loop``.
        interval: seconds between two measurements.
        log_interval: least seconds between two warnings; the next one says how many it stands for.
        window: seconds that a histogram covers. `lag` gives the present and the last one.
        observe: called with every measurement, in the event loop.

    Raises:
        ValueError: a number is not positive.
    """

    def __init__(
        self,
        threshold: float = 0.1,
        interval: float = 0.05,
        *,
        log_interval: float = 10.0,
        window: float = 300.0,
        observe: Callable[[float], object] | None = None,
    ) -> None:
        given = {
            "threshold": threshold,
            "interval": interval,
            "log_interval": log_interval,
            "window": window,
        }
        for name, value in given.items():
            if not (value > 0 and isfinite(value)):
                raise ValueError(f"{name} must be a positive number of seconds, not {value!r}")
        self.threshold = threshold
        self.interval = interval
        self._log_interval = log_interval
        self._length = window
        self._observe = observe
        self._last = self._window = _Window(perf_counter() + window)
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._quiet_until = 0.0
        self._late = self._unsaid = 0

    def start(self) -> None:
        """Watches the running event loop from now on, and no other.

        Raises:
            RuntimeError: no asyncio event loop is running.
        """
        self.stop()
        self._set_timer(asyncio.get_running_loop(), perf_counter())

    def stop(self) -> None:
        """Ends it; what was found stays."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        self.stop()

    @property
    def late(self) -> int:
        """How many measurements reached the threshold, since it was made."""
        return self._late

    def lag(self) -> EventLoopLag:
        """What was found in the present window and the one before; from any thread."""
        windows = {id(each): each for each in (self._last, self._window)}.values()
        counts = tuple(map(sum, zip(*(each.counts for each in windows), strict=True)))
        return EventLoopLag(counts, max(each.maximum for each in windows))

    def _set_timer(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        self._due = now + self.interval
        # a context of its own: the one of the request that happened to start it would be kept alive
        self._timer = loop.call_later(self.interval, _measure, ref(self), loop, context=Context())

    def _measure(self, loop: asyncio.AbstractEventLoop) -> None:
        now = perf_counter()
        lag = max(0.0, now - self._due)
        self._set_timer(loop, now)
        self._count(lag, now)
        if lag >= self.threshold:
            self._late += 1
            self._warn(lag, now)
        if self._observe is not None:
            self._observe(lag)

    def _count(self, lag: float, now: float) -> None:
        window = self._window
        if now >= window.until:
            self._last = window
            self._window = window = _Window(now + self._length)
        window.counts[bisect_left(BOUNDS, lag)] += 1
        window.maximum = max(window.maximum, lag)

    def _warn(self, lag: float, now: float) -> None:
        if now < self._quiet_until:
            self._unsaid += 1
            return
        more = f", and {self._unsaid} more times since the last warning" if self._unsaid else ""
        _log.warning("something held the event loop for %.3f seconds%s", lag, more)
        self._quiet_until, self._unsaid = now + self._log_interval, 0


def _measure(reference: Callable[[], EventLoopMonitor | None], loop: asyncio.AbstractEventLoop) -> None:
    monitor = reference()
    if monitor is not None:
        monitor._measure(loop)
