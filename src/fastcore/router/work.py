"""Where work is done: short work at once, long work in threads of our own behind a bounded queue."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar
from weakref import WeakSet

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar, checkpoint

from .problems import Problem
from .settings import RouterSettings

__all__ = ["Workers"]

T = TypeVar("T")

_END = object()


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Pool:
    """The threads of one event loop: `gate` admits, `threads` runs, so that only waiting can be given up."""

    gate: anyio.CapacityLimiter
    threads: anyio.CapacityLimiter
    waiting: int = 0
    running: int = 0


@dataclass(slots=True, eq=False)
class Workers:
    """Runs work for one router.

    Limiters belong to an event loop, so each loop that uses the router gets its own on first use; that is
    also why no lifespan is needed.
    """

    settings: RouterSettings
    refused: int = 0
    _pools: "RunVar[_Pool]" = field(default_factory=lambda: RunVar("fastcore.router"))
    _lock: Lock = field(default_factory=Lock)
    _known: "WeakSet[_Pool]" = field(default_factory=WeakSet)

    def _pool(self) -> _Pool:
        pool = self._pools.get(None)
        if pool is None:
            count = self.settings.worker_threads
            pool = _Pool(anyio.CapacityLimiter(count), anyio.CapacityLimiter(count))
            self._pools.set(pool)
            with self._lock:
                self._known.add(pool)
        return pool

    def state(self) -> dict[str, int]:
        """Threads at work and requests that wait for one, in the loop that asks."""
        pool = self._pool()
        return {"running": pool.running, "waiting": pool.waiting, "refused": self.refused}

    def totals(self) -> dict[str, int]:
        """The same of all loops together, from any thread."""
        with self._lock:
            pools = list(self._known)
        running, waiting = sum(pool.running for pool in pools), sum(pool.waiting for pool in pools)
        return {"running": running, "waiting": waiting, "refused": self.refused}

    async def run(self, seconds: float, work: Callable[[], T], admitted: bool = False) -> T:
        """Do `work`, which is estimated to take `seconds`.

        Parameters:
            seconds: the estimate.
            work: any function; it must not need the event loop.
            admitted: part of an answer that has begun already: it waits instead of being refused.

        Raises:
            Problem: "busy": the queue is full, or no thread was free before the deadline.
        """
        if seconds <= self.settings.inline_budget_seconds:
            return work()
        pool = self._pool()
        borrower = object()
        await self._enter(pool, borrower, admitted)
        try:
            pool.running += 1
            return await anyio.to_thread.run_sync(work, limiter=pool.threads)
        finally:
            pool.running -= 1
            pool.gate.release_on_behalf_of(borrower)

    async def _enter(self, pool: _Pool, borrower: object, admitted: bool) -> None:
        room = self.settings.worker_threads + self.settings.queue_length
        if pool.running + pool.waiting >= room and not admitted:
            raise self._busy("every thread is at work and the queue is full")
        pool.waiting += 1
        try:
            with anyio.fail_after(None if admitted else self.settings.deadline_seconds):
                await pool.gate.acquire_on_behalf_of(borrower)
        except TimeoutError:
            raise self._busy("no thread was free in time") from None
        finally:
            pool.waiting -= 1

    def _busy(self, why: str) -> Problem:
        self.refused += 1
        wait = b"%d" % self.settings.retry_after_seconds
        return Problem("busy", f"{why}; try again later", headers=((b"retry-after", wait),))

    async def chunks(
        self, first: bytes | None, rest: Iterator[bytes], seconds: float
    ) -> AsyncIterator[bytes]:
        """The chunks of a streamed answer, the first of which is made; others get turns in between."""
        chunk: bytes | object | None = first
        while isinstance(chunk, bytes):
            yield chunk
            await checkpoint()
            chunk = await self.run(seconds, lambda: next(rest, _END), admitted=True)
