"""``fastcore bench soak``: many requests to one server, and whether its memory grows.

The document is written every few seconds and at the end, also when the run is stopped, and a later run may
go on from it. Each run has a server process of its own: its samples are a segment, of which the first are
warm-up, and slopes are taken within segments only.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .load import WORKS, Work
from .open_loop import Client
from .results import BadResultsError, Results, load
from .servers import Server, ServerError
from .targets import Target
from .trend import Trend, trend

__all__ = ["SOAKED", "Plan", "Soak", "judge", "run"]

SOAKED = (WORKS["fib"], WORKS["rules"], Work("payloads", "GET", "/payloads/10"))
"""The requests, in turn."""
SAMPLES = 1000
WRITE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a soak is.

    Attributes:
        requests: how many, over all segments.
        warm_up: how many of each segment do not count.
        connections: that are open at the same time.
        workers: processes of the server.
        tolerance: bytes per request that are no growth.
        app: what uvicorn imports.
        title: what the app is called.
        folder: from which the app may be imported.
    """

    requests: int = 1_000_000
    warm_up: int = 200_000
    connections: int = 32
    workers: int = 1
    tolerance: float = 1.0
    app: str = "fastcore.lab.apps:lane"
    title: str = "lane"
    folder: Path | None = None


class Soak:
    """What is known so far.

    Attributes:
        samples: pairs of requests answered and resident bytes of all workers.
        segments: the index of the first sample of each server process.
        answered, errors: requests so far.
        seconds: how long they took.
    """

    def __init__(self) -> None:
        self.samples: list[tuple[int, int]] = []
        self.segments: list[int] = []
        self.answered = 0
        self.errors = 0
        self.seconds = 0.0

    @classmethod
    def resumed(cls, path: Path, head: dict[str, Any], plan: Plan) -> "Soak":
        """What an earlier run has written.

        Raises:
            BadResultsError: it cannot be read, or was about something else.
        """
        found = load(path)
        if found.kind != "soak" or len(found.rows) != 1:
            raise BadResultsError(f"{path}: holds no soak")
        row = found.rows[0]
        for what, here, there in (
            ("interpreter", head["label"], found.head["label"]),
            ("backend", head["backend"], found.head["backend"]),
            ("source", head["source"], found.head["source"]),
            ("app", plan.app, row["app"]),
            ("workers", plan.workers, row["workers"]),
        ):
            if here != there:
                raise BadResultsError(f"{path}: its {what} is {there!r}, and now it is {here!r}")
        made = cls()
        made.samples = [(int(requests), int(size)) for requests, size in row["samples"]]
        made.segments = list(row["segments"])
        made.answered, made.errors, made.seconds = row["requests"], row["errors"], row["seconds"]
        return made

    def row(self, plan: Plan, *, judged: bool = True) -> dict[str, Any]:
        """Its row of results, with the judgement so far, which takes a second."""
        return {
            "work": " · ".join(work.title for work in SOAKED),
            "way": plan.title,
            "app": plan.app,
            "requests": self.answered,
            "of": plan.requests,
            "errors": self.errors,
            "seconds": self.seconds,
            "warm_up": plan.warm_up,
            "workers": plan.workers,
            "connections": plan.connections,
            "samples": [list(pair) for pair in self.samples],
            "segments": self.segments,
            **(judge(self, plan) if judged else _verdict(plan)),
        }


def judge(soak: Soak, plan: Plan) -> dict[str, Any]:
    """Whether memory grows by more than the tolerance: "grows", "steady", or "undecided".

    It grows if the whole interval of the slope lies above the tolerance, and is steady if it lies below.
    """
    counted = []
    for start, end in itertools.pairwise([*soak.segments, len(soak.samples)]):
        points = soak.samples[start:end]
        if points:
            first = points[0][0] + plan.warm_up
            counted.append([(float(x), float(y)) for x, y in points if x >= first])
    found = trend(counted)
    if found is None:
        return _verdict(plan)
    verdict = "undecided"
    if found.low > plan.tolerance:
        verdict = "grows"
    elif found.high <= plan.tolerance:
        verdict = "steady"
    return _verdict(plan, verdict, found)


def _verdict(plan: Plan, verdict: str = "undecided", found: Trend | None = None) -> dict[str, Any]:
    slope = {name: getattr(found, name, None) for name in ("slope", "low", "high")}
    return {"verdict": verdict, "tolerance": plan.tolerance, **slope}


def run(
    target: Target,
    plan: Plan,
    soak: Soak,
    write: Callable[[Results], None],
    report: Callable[[int], None] = lambda answered: None,
) -> bool:
    """Sends what is left of the requests, and adds to the soak what comes of them.

    Parameters:
        target: that serves.
        plan: what to do.
        soak: what there is; changed.
        write: told the document every few seconds, and at the end.
        report: told how many requests were answered.

    Returns:
        Whether it came to its end; not, if it was interrupted.

    Raises:
        ServerError: the server did not start or stopped answering.
    """
    complete = True

    def keep(judged: bool = False) -> None:
        if soak.samples:
            write(Results("soak", target.head(False), [soak.row(plan, judged=judged)]))

    server = Server(target.python, plan.app, target.variables(), workers=plan.workers, folder=plan.folder)
    try:
        with server:
            server.wait_until("/ready", 120)
            asyncio.run(_drive(server, plan, soak, keep, report))
    except KeyboardInterrupt:
        complete = False
    finally:
        keep(judged=True)
    return complete


async def _drive(
    server: Server, plan: Plan, soak: Soak, keep: Callable[[], None], report: Callable[[int], None]
) -> None:
    before, errors, seconds = soak.answered, soak.errors, soak.seconds
    client = Client(
        server.port,
        [work.message.encode("latin-1") for work in SOAKED],
        connections=plan.connections,
        total=max(0, plan.requests - before),
    )
    began = written = time.perf_counter()
    soak.segments.append(len(soak.samples))
    step = max(1, plan.requests // SAMPLES)
    due = before
    task = asyncio.ensure_future(client.run())
    try:
        while True:
            await asyncio.wait([task], timeout=0.02)
            client.latencies.clear()
            soak.answered = before + client.answered
            soak.errors = errors + client.errors
            soak.seconds = seconds + time.perf_counter() - began
            if soak.answered >= due and (sizes := server.resident()):
                soak.samples.append((soak.answered, sum(sizes)))
                due = soak.answered + step
                report(soak.answered)
            if task.done():
                task.result()
                return
            if server.process.poll() is not None:
                raise ServerError(f"the server ended: {server.last_words()}")
            if len(soak.samples) == soak.segments[-1] + 1 or time.perf_counter() - written > WRITE_SECONDS:
                keep()
                written = time.perf_counter()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


def with_requests(plan: Plan, requests: int, warm_up: int | None) -> Plan:
    """The plan for so many requests; a fifth of them is warm-up, where nothing else is said."""
    return replace(plan, requests=requests, warm_up=requests // 5 if warm_up is None else warm_up)
