"""``fastcore bench memory``: what a process that serves needs, from its start to large answers.

A server process tells its start, its first answer and its memory; `memory_probe` runs in the same interpreter
for what only the process itself can say.
"""

import asyncio
import functools
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .http import Way
from .load import WORKS, Work
from .open_loop import Client
from .results import Results
from .servers import Server, ServerError
from .targets import Gap, Target

__all__ = ["Plan", "measure_target"]

FIRST = Work("fib", "GET", "/fib/20")
NAMES = ("fastcore", "fastapi", "fastcore.router")
_IMPORTS = """
import sys, time
seconds = {}
for name in sys.argv[1:]:
    began = time.perf_counter()
    __import__(name)
    seconds[name] = time.perf_counter() - began
import json
from pathlib import Path
import fastapi, fastcore
def size(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files)
package, site = Path(fastcore.__file__).parent, Path(fastapi.__file__).parents[1]
print(json.dumps({"import": seconds, "installed": {"fastcore": size(package), "site-packages": size(site)}}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to measure.

    Attributes:
        repeats: processes that are started for each measure; results are medians.
        large: requests for large payloads to a server.
        connections: that are open at the same time for those.
    """

    repeats: int = 5
    large: int = 1000
    connections: int = 16
    quick: bool = False


def measure_target(
    target: Target,
    ways: Sequence[Way],
    plan: Plan,
    report: Callable[[str], None] = lambda text: None,
) -> tuple[Results, list[Gap]]:
    """One document: rows of measures, each with its value or the reason that there is none."""
    rows: list[dict[str, Any]] = []
    gaps: list[Gap] = []
    steps: list[tuple[str, Callable[[], Iterable[dict[str, Any]]]]] = [
        ("imports", functools.partial(_imports, target, plan))
    ]
    for way in ways:
        steps.append((f"server, {way.title}", functools.partial(_server, target, way, plan)))
        steps.append((f"requests, {way.title}", functools.partial(_requests, target, way)))
    for name, step in steps:
        report(f"{target.label}: {name}")
        try:
            rows += step()
        except ServerError as error:
            gaps.append(Gap(f"{target.label}, {name}", str(error)))
    return Results("memory", target.head(plan.quick), rows), gaps


def _row(measure: str, unit: str, values: Sequence[Any], way: str | None = None) -> dict[str, Any]:
    """A row of the medians of values; of gaps, the first of them."""
    gap = next((value["gap"] for value in values if isinstance(value, dict)), None)
    known = [value for value in values if value is not None and not isinstance(value, dict)]
    if gap is None and not known:
        gap = "this system does not tell"
    value = None if gap is not None else statistics.median(known)
    samples = [] if gap is not None else known
    return {"measure": measure, "way": way, "unit": unit, "value": value, "samples": samples, "gap": gap}


def _probe(target: Target, *words: str) -> dict[str, Any]:
    """What a program prints that runs with these arguments.

    Raises:
        ServerError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [str(target.python), "-W", "ignore", *words],
            env=target.variables(),
            cwd=folder,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise ServerError((done.stderr.strip() or "it said nothing").splitlines()[-1])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _imports(target: Target, plan: Plan) -> list[dict[str, Any]]:
    found = [_probe(target, "-c", _IMPORTS, *NAMES) for _ in range(plan.repeats)]
    rows = [_row(f"import {name}", "seconds", [each["import"][name] for each in found]) for name in NAMES]
    sizes = found[0]["installed"]
    return [*rows, *(_row(f"installed: {name}", "bytes", [size]) for name, size in sizes.items())]


def _server(target: Target, way: Way, plan: Plan) -> list[dict[str, Any]]:
    measures = {
        "start to the first answer of /health": "seconds",
        "first answer of GET /fib/20": "seconds",
        "RSS when idle": "bytes",
        "USS when idle": "bytes",
        "RSS at most, large payloads": "bytes",
        "RSS after large payloads": "bytes",
        "USS after large payloads": "bytes",
    }
    values: dict[str, list[Any]] = {name: [] for name in measures}
    for _ in range(plan.repeats):
        with Server(target.python, way.app, target.variables()) as server:
            for name, value in zip(values, _observed(server, plan), strict=True):
                values[name].append(value)
    return [_row(name, unit, values[name], way.title) for name, unit in measures.items()]


def _observed(server: Server, plan: Plan) -> list[Any]:
    began = time.perf_counter()
    server.send(FIRST)
    first = time.perf_counter() - began
    idle = [sum(server.resident()) or None, sum(server.own()) or None]
    client = Client(
        server.port,
        [WORKS["payloads"].message.encode("latin-1")],
        connections=plan.connections,
        total=plan.large,
    )
    most = asyncio.run(_largest(client, server))
    if client.errors:
        raise ServerError(f"{client.errors} of {plan.large} large payloads were not answered")
    peak = max([most, *server.peak()]) or None
    return [
        server.start_seconds,
        first,
        *idle,
        peak,
        sum(server.resident()) or None,
        sum(server.own()) or None,
    ]


async def _largest(client: Client, server: Server) -> int:
    """The most resident memory that was seen while the client ran."""
    task = asyncio.ensure_future(client.run())
    most = 0
    while not task.done():
        await asyncio.wait([task], timeout=0.05)
        most = max(most, sum(server.resident()))
    task.result()
    return most


def _requests(target: Target, way: Way) -> list[dict[str, Any]]:
    found = _probe(target, "-m", "fastcore.lab.memory_probe", way.app.rpartition(":")[2])
    rows = []
    for key, each in found["allocation"].items():
        request = FIRST.title if key == "fib" else WORKS[key].title
        for name, what in (("peak", "allocated at most"), ("retained", "not freed")):
            value = each if "gap" in each else each[name]
            rows.append(_row(f"{what}, {request}", "bytes", [value], way.title))
    collection = found["collection"]
    for name, what, unit in (
        ("total", "collecting garbage, 100 large payloads", "seconds"),
        ("longest", "longest collection of these", "seconds"),
        ("count", "collections of these", "count"),
        ("full", "full collection after them", "seconds"),
        ("seconds", "all of these requests", "seconds"),
    ):
        rows.append(_row(what, unit, [collection[name]], way.title))
    return rows
