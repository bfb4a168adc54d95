"""A client that sends at times set beforehand, and measures from them.

A client that waits for an answer before it sends again slows down with the server, and so never sees the
queue that independent users would make. Here every request has a time at which it is due. Its latency runs
from that time, whether or not a connection was free then, so waiting for one counts. What has no answer at
the end counts as an error, with the latency that it has at least.

As a program it reads one JSON object, the arguments of `measure`, and prints one. It needs only the standard
library.
"""

import asyncio
import json
import math
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Client", "Failed", "measure", "quantile"]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SPIN = 0.002
"""A selector waits in steps of a millisecond; for times nearer than this the loop is kept awake."""
_MOST_REFUSALS = 200


class Failed(Exception):  # noqa: N818  # what happened, not what is wrong with a program
    """There is nothing to measure: no connection could be made, or the server stays away."""


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, client: "Client") -> None:
        self.client = client
        self.due = 0.0
        self._busy = False
        self._head = b""
        self._missing: int | None = None
        self._status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.client.is_idle(self)

    def send(self, message: bytes, due: float) -> None:
        self.due, self._busy = due, True
        self._head, self._missing = b"", None
        self.transport.write(message)

    def data_received(self, data: bytes) -> None:
        if self._missing is None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._head, 0, end)
            self._status = int(self._head[9:12])
            if length is None:  # chunks: no hot path answers so
                self.transport.abort()
                return
            self._missing = end + 4 + int(length[1]) - len(self._head)
        else:
            self._missing -= len(data)
        if self._missing <= 0:
            self._busy = False
            self.client.is_answered(self, self._status)

    def connection_lost(self, exc: Exception | None) -> None:
        self.client.is_lost(self, self._busy)


class Client:
    """Sends requests over connections that are kept open.

    Parameters:
        port: of the server, on this machine.
        messages: HTTP requests as they are sent, in turn.
        connections: how many requests may be under way.
        total: how many to send.
        rate: how many are due each second; None sends whenever a connection is free.

    Attributes:
        latencies: in seconds, in the order of answers.
        lags: how late the client itself was, where a connection was free.
        errors: how many were answered by another status than 2xx, or not at all.
    """

    def __init__(
        self, port: int, messages: Sequence[bytes], *, connections: int, total: int, rate: float | None = None
    ) -> None:
        self.port, self.messages, self.connections = port, messages, connections
        self.total, self.rate = total, rate
        self.latencies: list[float] = []
        self.lags: list[float] = []
        self.errors = self.answered = self.sent = self.unanswered = 0
        self._idle: list[_Connection] = []
        self._under_way: set[_Connection] = set()
        self._refusals = 0
        self._stopped = False

    async def run(self, grace: float = 5.0) -> float:
        """Sends all, and waits for answers for so long after the last one was due; gives the seconds it took.

        Raises:
            Failed: the server cannot be reached.
        """
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._reconnecting: set[asyncio.Task[None]] = set()
        self._start = float("inf")  # nothing is due before all are connected
        limit = None if self.rate is None else self.total / self.rate + grace
        try:
            await asyncio.gather(*(self._connect() for _ in range(self.connections)))
            self._start = time.perf_counter()
            self._tick()
            await asyncio.wait_for(asyncio.shield(self._done), limit)
        except TimeoutError:
            self._give_up()
        finally:
            self._stopped = True
            for task in self._reconnecting:
                task.cancel()
            await asyncio.gather(*self._reconnecting, return_exceptions=True)
            for connection in [*self._idle, *self._under_way]:
                connection.transport.abort()
            await asyncio.sleep(0)  # transports close in the loop
        return time.perf_counter() - self._start

    def is_idle(self, connection: _Connection) -> None:
        if self._stopped:
            connection.transport.abort()
            return
        self._idle.append(connection)
        self._release()

    def is_answered(self, connection: _Connection, status: int) -> None:
        self._under_way.discard(connection)
        self.latencies.append(time.perf_counter() - connection.due)
        self.answered += 1
        self._refusals = 0
        if not 200 <= status < 300:
            self.errors += 1
        self._idle.append(connection)
        self._release()
        self._finish_if_all()

    def is_lost(self, connection: _Connection, busy: bool) -> None:
        if self._stopped:
            return
        if busy:
            self._under_way.discard(connection)
            self.latencies.append(time.perf_counter() - connection.due)
            self.answered += 1
            self.errors += 1
            self._finish_if_all()
        elif connection in self._idle:
            self._idle.remove(connection)
        task = self._loop.create_task(self._connect())
        self._reconnecting.add(task)
        task.add_done_callback(self._reconnected)

    def _reconnected(self, task: "asyncio.Task[None]") -> None:
        self._reconnecting.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self._done.done():
            self._done.set_exception(error)

    async def _connect(self) -> None:
        while not self._stopped:
            try:
                await self._loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)
            except OSError as error:
                self._refusals += 1
                if self._refusals > _MOST_REFUSALS:
                    raise Failed(f"no connection to port {self.port}: {error}") from error
                await asyncio.sleep(0.05)
            else:
                return

    def _due(self) -> float:
        """When the next one is to be sent."""
        return self._start if self.rate is None else self._start + self.sent / self.rate

    def _release(self) -> None:
        """Sends what is due, as far as connections are free."""
        now = time.perf_counter()
        while self._idle and self.sent < self.total and (due := self._due()) <= now:
            connection = self._idle.pop()
            self._under_way.add(connection)
            message = self.messages[self.sent % len(self.messages)]
            self.sent += 1
            connection.send(message, now if self.rate is None else due)

    def _tick(self) -> None:
        if self._done.done() or self.sent >= self.total:
            self._finish_if_all()
            return
        late = time.perf_counter() - self._due()
        if late >= 0 and self._idle and self.rate is not None:
            self.lags.append(late)
        self._release()
        wait = self._due() - time.perf_counter()
        if not self._idle or self.rate is None:
            self._loop.call_later(0.001, self._tick)
        elif wait > _SPIN:
            self._loop.call_later(wait - _SPIN, self._tick)
        else:
            self._loop.call_soon(self._tick)

    def _finish_if_all(self) -> None:
        if self.answered >= self.total and not self._done.done():
            self._done.set_result(None)

    def _give_up(self) -> None:
        """The time is over: what was due and has no answer has at least this latency."""
        now = time.perf_counter()
        self.latencies += [now - connection.due for connection in self._under_way]
        if self.rate is not None:
            self.latencies += [
                now - (self._start + number / self.rate) for number in range(self.sent, self.total)
            ]
        self.unanswered = self.total - self.answered
        self.errors += self.unanswered


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The least value that so large a share does not exceed; None of nothing."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def measure(
    port: int, messages: Sequence[str], connections: int, total: int, rate: float, grace: float = 5.0
) -> dict[str, Any]:
    """Sends so many requests at a rate and says what came of them.

    Parameters:
        port: of the server.
        messages: requests, as text in Latin-1.
        connections: how many may be under way.
        total: how many are sent.
        rate: how many are due each second.
        grace: how long to wait for answers at the end, in seconds.

    Raises:
        Failed: the server cannot be reached.
    """
    client = Client(
        port,
        [message.encode("latin-1") for message in messages],
        connections=connections,
        total=total,
        rate=rate,
    )
    seconds = asyncio.run(client.run(grace))
    ordered, lags = sorted(client.latencies), sorted(client.lags)
    return {
        "rate": rate,
        "requests": client.answered,
        "unanswered": client.unanswered,
        "seconds": seconds,
        "requests_per_second": client.answered / seconds,
        "errors": client.errors,
        "p50": quantile(ordered, 0.5),
        "p99": quantile(ordered, 0.99),
        "p999": quantile(ordered, 0.999),
        "maximum": quantile(ordered, 1.0),
        "client_lag_p99": quantile(lags, 0.99),
        "client_lag_maximum": quantile(lags, 1.0),
    }


def _program(arguments: Callable[[], str] = sys.stdin.read) -> int:
    try:
        found = measure(**json.loads(arguments()))
    except Failed as error:
        print(json.dumps({"failed": str(error)}))
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(_program())
