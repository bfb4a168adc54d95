"""``fastcore bench http``."""

from pathlib import Path
from typing import Annotated

import typer

from . import options

__all__ = ["http"]


def http(
    python: options.Python = None,
    backend: options.Backends = None,
    work: Annotated[
        list[str] | None, typer.Option("--work", help="fib, rules or payloads; all by default.")
    ] = None,
    way: Annotated[
        list[str] | None,
        typer.Option("--way", help="naive, recursion, include, mount or lane; all by default."),
    ] = None,
    mode: Annotated[
        str, typer.Option(help="closed: wrk, as fast as it is answered. open: at a fixed rate. Or both.")
    ] = "both",
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=100_000,
            help="Requests per second of the open loop. By default 400,000 a minute, or 70 % of what wrk "
            "found where that is less.",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="Of each load.")] = 10,
    warm_up: Annotated[float, typer.Option(min=0, max=600, help="Seconds of load before it counts.")] = 3,
    pypy_warm_up: Annotated[float, typer.Option(min=0, max=600, help="The same on PyPy.")] = 15,
    connections: Annotated[int, typer.Option(min=1, max=1024, help="Open at the same time.")] = 64,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes of the server.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Short loads: 2 s each.")] = False,
    source: options.Source = None,
    output: options.Output = Path("bench-results"),
) -> None:
    """Put the same app on each runtime under load: requests per second, latencies, memory, errors.

    Without --python it measures the environment that it runs in.
    """
    from fastcore.lab.http import MODES, WAYS, Plan, measure_target
    from fastcore.lab.load import WORKS, NoWrkError, find_wrk

    chosen = options.choose("--way", way, WAYS), options.choose("--work", work, WORKS)
    options.choose("--mode", [mode], dict.fromkeys(MODES))
    if mode == "open" and rate is None:
        raise typer.BadParameter("--mode open needs --rate", param_hint="--rate")
    plan = Plan(
        seconds=seconds,
        warm_up=warm_up,
        pypy_warm_up=pypy_warm_up,
        connections=connections,
        workers=workers,
        mode=mode,
        rate=rate,
    ).with_cores()
    if quick:
        plan = plan.shortened()
    try:
        if mode != "open":
            find_wrk()  # before environments are made
        targets, gaps = options.targets(python, backend, source)
        for target in targets:
            found, missing = measure_target(target, *chosen, plan, options.say)
            gaps += missing
            options.keep(found, output / target.file("http"))
            for request in dict.fromkeys(row["work"] for row in found.rows):
                rows = [row for row in found.rows if row["work"] == request]
                options.show(f"{request}: {found.label}", rows, COLUMNS, quick)
    except NoWrkError as error:
        options.fail(str(error))
    options.finish(gaps, anything=bool(targets))


COLUMNS = (
    ("way", "way", str),
    ("algorithm", "algorithm", str),
    ("requests_per_second", "per second", options.number),
    ("rate", "at rate", options.number),
    ("p50", "p50", options.milliseconds),
    ("p99", "p99", options.milliseconds),
    ("errors", "errors", str),
    ("compute_seconds", "computing", options.milliseconds),
    ("cpu_seconds_per_request", "CPU", options.milliseconds),
    ("memory_bytes", "RSS", options.megabytes),
    ("own_memory_bytes", "USS", options.megabytes),
)
