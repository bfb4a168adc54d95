"""What only the measured process can say about its memory; prints one JSON object.

``python -m fastcore.lab.memory_probe lane`` runs in the measured interpreter. What it has no means for is a
gap: an object with its reason instead of a value.
"""

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

LARGE = 100
"""Requests for large payloads, as in the article."""
TRACED = 100


def requests(name: str) -> dict[str, Any]:
    """Allocation and collection while an app answers, called as a server calls it."""
    from . import apps
    from .load import PREFIX, WORKS

    app = getattr(apps, name)()
    works = {"fib": f"{PREFIX}/fib/20", **{key: PREFIX + WORKS[key].path for key in ("rules", "payloads")}}
    loop = asyncio.new_event_loop()

    def asked(key: str) -> Callable[[], None]:
        work = WORKS[key]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": work.method,
            "scheme": "http",
            "path": works[key],
            "raw_path": works[key].encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(work.body)),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        return lambda: loop.run_until_complete(_call(app, dict(scope), work.body.encode()))

    asks = {key: asked(key) for key in works}
    for ask in asks.values():
        for _ in range(20):
            ask()
    found = {"collection": _collection(asks["payloads"]), "allocation": _allocation(asks)}
    loop.close()
    return found


async def _call(app: Any, scope: dict[str, Any], body: bytes) -> None:
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    if statuses != [200]:
        raise RuntimeError(f"{scope['path']}: status {statuses}")


def _collection(ask: Callable[[], None]) -> dict[str, Any]:
    """What collecting garbage costs during large answers, and a full collection after them."""
    times: list[float] = []
    began = [0.0]

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            began[0] = time.perf_counter()
        else:
            times.append(time.perf_counter() - began[0])

    gc.collect()
    callbacks = getattr(gc, "callbacks", None)
    if callbacks is not None:
        callbacks.append(note)
    start = time.perf_counter()
    for _ in range(LARGE):
        ask()
    seconds = time.perf_counter() - start
    if callbacks is not None:
        callbacks.remove(note)
    start = time.perf_counter()
    gc.collect()
    full = time.perf_counter() - start
    found: dict[str, Any] = {"full": full, "seconds": seconds}
    if callbacks is None:
        gap = {"gap": "this collector does not report to gc.callbacks"}
        return {**found, "total": gap, "longest": gap, "count": gap}
    return {**found, "total": sum(times), "longest": max(times, default=0.0), "count": len(times)}


def _allocation(asks: dict[str, Callable[[], None]]) -> dict[str, Any]:
    """The most that a request needs at one time, and what stays of it; medians and means of many."""
    try:
        import tracemalloc
    except ImportError:
        return {key: {"gap": "this interpreter has no tracemalloc"} for key in asks}
    found = {}
    for key, ask in asks.items():
        tracemalloc.start(1)
        for _ in range(10):
            ask()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        peaks = []
        for _ in range(TRACED):
            base, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            ask()
            peaks.append(tracemalloc.get_traced_memory()[1] - base)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # the list of peaks itself was traced, too
        found[key] = {
            "peak": statistics.median(peaks),
            "retained": (after - before - sys.getsizeof(peaks) - sum(map(sys.getsizeof, peaks))) / TRACED,
        }
    return found


if __name__ == "__main__":
    print(json.dumps(requests(sys.argv[1])))
