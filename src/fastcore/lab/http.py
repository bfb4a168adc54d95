"""``fastcore bench http``: the same app on each runtime, under load.

For each configuration, way and request there is a server process, fresh and warmed up. First wrk asks as fast
as it is answered: requests per second. Then a client asks at a fixed rate and measures from the time at which
each request was due: latencies, because a client that waits for answers hides the queue (see `open_loop`).
"""

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .load import LoadError, Work, at_rate, closed_loop, find_wrk
from .results import Results
from .servers import Server, ServerError
from .targets import Gap, Target

__all__ = ["ARTICLE_RATE", "MODES", "WAYS", "Plan", "Way", "measure_target", "measure_way"]

ARTICLE_RATE = 400_000 / 60
"""Requests per second of the article about memory."""
SHARE = 0.7
"""Of what a server can take, that is asked of one that cannot take so many."""
_LEAST, _LONGEST = 8, 60.0
"""A load takes the time of so many requests in a row, but not longer than so many seconds for that reason."""
_QUEUE = 5.0
"""Seconds of work that wrk may leave behind in a server that is warming up."""
MODES = ("both", "closed", "open")


@dataclass(frozen=True, slots=True)
class Way:
    """An app that answers.

    Attributes:
        name: what options call it.
        title: what tables call it.
        app: what uvicorn imports.
        works: names of the requests that it is measured with.
        algorithms: for each of them, how the answer is found; rows of different ones do different work.
    """

    name: str
    title: str
    app: str
    works: tuple[str, ...] = ("fib", "rules", "payloads")
    algorithms: dict[str, str] = field(default_factory=dict, hash=False)


_FASTCORE = {"fib": "table", "rules": "bitsets", "payloads": "builder"}
_TUTORIAL = {"fib": "recursive", "rules": "a function per rule", "payloads": "dicts"}
WAYS = {
    way.name: way
    for way in (
        Way("naive", "naive FastAPI", "fastcore.lab.apps:naive", algorithms=_TUTORIAL),
        Way(
            "recursion",
            "the same recursion, ours",
            "fastcore.lab.apps:recursion",
            ("fib",),
            {"fib": "recursive"},
        ),
        Way("include", "included", "fastcore.lab.apps:include", algorithms=_FASTCORE),
        Way("mount", "mounted", "fastcore.lab.apps:mount", algorithms=_FASTCORE),
        Way("lane", "lane", "fastcore.lab.apps:lane", algorithms=_FASTCORE),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to measure.

    Attributes:
        seconds: of each load.
        warm_up: seconds of load before, which are not counted.
        pypy_warm_up: the same on PyPy.
        connections: that are open at the same time.
        workers: processes of the server.
        mode: "closed" (wrk), "open" (at a rate), or "both".
        rate: requests per second of the open loop; None takes the article's, or less where that is too many.
        server_cores, client_cores: where they run; empty for anywhere.
        folder: from which apps are imported.
    """

    seconds: float = 10.0
    warm_up: float = 3.0
    pypy_warm_up: float = 15.0
    connections: int = 64
    workers: int = 1
    mode: str = "both"
    rate: float | None = None
    server_cores: tuple[int, ...] = ()
    client_cores: tuple[int, ...] = ()
    folder: Path | None = None
    quick: bool = False

    def with_cores(self) -> "Plan":
        """The last core for the client, the others for the server, where there are two."""
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if len(cores) < 2:
            return self
        return replace(self, server_cores=tuple(cores[:-1][: self.workers]), client_cores=(cores[-1],))

    def shortened(self) -> "Plan":
        """The same for a look, not for figures to publish."""
        return replace(self, seconds=2.0, warm_up=1.0, pypy_warm_up=4.0, quick=True)

    def to_dict(self) -> dict[str, Any]:
        """What results say about it."""
        names = ("seconds", "connections", "workers", "mode", "rate", "server_cores", "client_cores")
        return {name: getattr(self, name) for name in names}


def measure_target(
    target: Target,
    ways: Sequence[Way],
    works: Sequence[Work],
    plan: Plan,
    report: Callable[[str], None] = lambda text: None,
) -> tuple[Results, list[Gap]]:
    """One document: every way and every request that it is measured with.

    Raises:
        NoWrkError: the plan needs wrk, and it is not there.
    """
    if plan.mode != "open":
        find_wrk()
    rows, gaps = [], []
    for work in works:
        for way in ways:
            if work.name not in way.works:
                continue
            report(f"{target.label}: {work.title}, {way.title}")
            try:
                rows.append(measure_way(target, way, work, plan))
            except (ServerError, LoadError) as error:
                gaps.append(Gap(f"{target.label}, {way.title}, {work.title}", str(error)))
    return Results("http", target.head(plan.quick), rows), gaps


def measure_way(target: Target, way: Way, work: Work, plan: Plan) -> dict[str, Any]:
    """One row of a document of kind "http".

    Raises:
        LoadError: a client did not work.
        NoWrkError: wrk is needed, and not there.
        ServerError: the server did not start or did not answer.
    """
    loads: dict[str, Any] = {}
    usage: dict[str, Any] = {"busy": os.getloadavg()[0] if hasattr(os, "getloadavg") else None}
    with _serve(target, way, plan) as server:
        start = server.start_seconds
        server.wait_until("/ready", 120)
        warm_up = plan.pypy_warm_up if target.interpreter.is_pypy else plan.warm_up
        compute, whole = _single(server, work)
        seconds = max(plan.seconds, min(_LONGEST, _LEAST * whole))
        if warm_up and plan.mode != "open" and whole * plan.connections < _QUEUE:
            closed_loop(server.port, work, seconds=warm_up, **_options(plan))
        elif warm_up:
            _warm(server, work, plan, warm_up)
        if plan.mode != "open":
            with _watched(server, usage):
                loads["closed"] = closed_loop(server.port, work, seconds=seconds, **_options(plan))
        rate = plan.rate or _rate(loads)
        if plan.mode != "closed" and rate:
            with _fresh(server, target, way, plan) as idle, _watched(idle, usage):
                loads["open"] = at_rate(idle.port, work, rate=rate, seconds=seconds, **_options(plan))
    return _row(way, work, plan, loads, usage, start, compute)


def _serve(target: Target, way: Way, plan: Plan) -> Server:
    return Server(
        target.python,
        way.app,
        target.variables(),
        workers=plan.workers,
        cores=plan.server_cores,
        folder=plan.folder,
    )


def _options(plan: Plan) -> dict[str, Any]:
    return {"connections": plan.connections, "cores": plan.client_cores}


def _rate(loads: dict[str, Any]) -> float | None:
    """The article's rate, or a share of what the server can take."""
    most = loads["closed"]["requests_per_second"] if "closed" in loads else 0
    return min(ARTICLE_RATE, SHARE * most) or None


def _warm(server: Server, work: Work, plan: Plan, seconds: float) -> None:
    """Load that is not counted, at a rate that leaves no queue behind in a slow server."""
    began = time.perf_counter()
    server.ask("/health")
    while time.perf_counter() - began < seconds:
        at_rate(
            server.port,
            work,
            rate=_pace(server, work),
            seconds=min(2.0, seconds),
            connections=plan.connections,
            cores=plan.client_cores,
        )


def _pace(server: Server, work: Work) -> float:
    """Half as many requests per second as one connection could make now."""
    began = time.perf_counter()
    for _ in range(3):
        server.send(work)
        if time.perf_counter() - began > 1:
            break
    return min(2000.0, 0.5 / max(1e-4, time.perf_counter() - began) * 3)


def _single(server: Server, work: Work) -> tuple[float | None, float]:
    """Medians of three requests alone: how long the app says that it computed, and the whole of it."""
    said: list[float] = []
    took: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        document = json.loads(server.send(work))
        took.append(time.perf_counter() - began)
        if "compute_time_seconds" in document:
            said.append(float(document["compute_time_seconds"]))
    return statistics.median(said) if said else None, statistics.median(took)


@contextmanager
def _fresh(server: Server, target: Target, way: Way, plan: Plan) -> Iterator[Server]:
    """The server if it is idle, else another: wrk leaves requests behind that nobody waits for."""
    try:
        status, _ = server.ask("/health", timeout=2)
    except ServerError:
        status = 0
    if status == 200:
        yield server
    else:
        with _serve(target, way, plan) as other:
            yield other


@contextmanager
def _watched(server: Server, usage: dict[str, Any]) -> Iterator[None]:
    """Notes memory and processor time of a server while it is under load."""
    ended = threading.Event()
    most: list[int] = [0]

    def sample() -> None:
        while True:
            most[0] = max(most[0], *server.resident(), 0)
            if ended.wait(0.2):
                return

    before = server.cpu_seconds()
    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        after = server.cpu_seconds()
        own = server.own()
        usage["resident"] = max(usage.get("resident", 0), most[0])
        usage["own"] = max(own) if own else None
        if before is not None and after is not None:
            usage.setdefault("cpu", after - before)


def _row(
    way: Way,
    work: Work,
    plan: Plan,
    loads: dict[str, Any],
    usage: dict[str, Any],
    start: float,
    compute: float | None,
) -> dict[str, Any]:
    first = loads.get("closed") or loads.get("open") or {}
    latency = loads.get("open") or first
    requests = first.get("requests") or 0
    cpu = usage.get("cpu")
    return {
        "work": work.title,
        "way": way.title,
        "algorithm": way.algorithms.get(work.name),
        "requests_per_second": first.get("requests_per_second", 0.0),
        "p50": latency.get("p50"),
        "p99": latency.get("p99"),
        "errors": sum(load.get("errors", 0) for load in loads.values()),
        "memory_bytes": usage.get("resident") or None,
        "own_memory_bytes": usage.get("own"),
        "cpu_seconds_per_request": cpu / requests if cpu and requests else None,
        "compute_seconds": compute,
        "start_seconds": start,
        "rate": loads.get("open", {}).get("rate"),
        "load_average": usage.get("busy"),
        "plan": plan.to_dict(),
        "loads": loads,
    }
