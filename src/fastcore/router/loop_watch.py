"""The event loops that serve a router, each watched from its first request on."""

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import Any

from fastcore.event_loop import EventLoopLag, EventLoopMonitor

from .settings import RouterSettings

__all__ = ["LoopWatch"]


class LoopWatch:
    """Has a monitor for each event loop of one router; no lifespan is needed.

    A monitor is a timer that holds nothing but a weak reference, so it ends with its loop or with the router.

    Parameters:
        settings: whether to watch, and what to warn of.
        observe: called with every measurement.

    Attributes:
        loop: the one that was begun last. Whoever serves a request compares its own with it, and calls
            `begin` if it is another.
    """

    def __init__(self, settings: RouterSettings, observe: Callable[[float], object] | None = None) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._enabled = settings.watch_event_loop
        self._threshold = settings.lag_warning_seconds
        self._observe = observe
        self._lock = Lock()
        self._monitors: dict[asyncio.AbstractEventLoop, EventLoopMonitor] = {}

    def begin(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Watch the running event loop; None if it is not one of asyncio's, and cannot be watched."""
        self.loop = loop
        if loop is None or not self._enabled:
            return
        with self._lock:
            # each monitor holds its loop: forget those that have ended
            self._monitors = {one: its for one, its in self._monitors.items() if not one.is_closed()}
            if loop not in self._monitors:
                monitor = EventLoopMonitor(self._threshold, observe=self._observe)
                monitor.start()
                self._monitors[loop] = monitor

    def state(self) -> dict[str, Any]:
        """The lag of the running event loop, ready for JSON."""
        loop = asyncio._get_running_loop()
        monitor = None if loop is None else self._monitors.get(loop)
        lag = _NOTHING if monitor is None else monitor.lag()
        return {
            "watched": monitor is not None,
            "samples": lag.samples,
            "lag_p50_seconds": round(lag.p50, 6),
            "lag_p99_seconds": round(lag.p99, 6),
            "lag_max_seconds": round(lag.maximum, 6),
        }


_NOTHING = EventLoopLag((), 0.0)
