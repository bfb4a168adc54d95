"""``fastcore bench soak``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fastcore.lab.targets import Target

from . import options

__all__ = ["soak"]


def soak(
    python: options.Python = None,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", help="cython or python; by default cython, else python."),
    ] = None,
    requests: Annotated[int, typer.Option(min=100, max=10**10, help="How many, over all runs.")] = 1_000_000,
    warm_up: Annotated[
        int | None, typer.Option(min=0, help="How many at the start do not count; a fifth by default.")
    ] = None,
    way: Annotated[str, typer.Option(help="naive, include, mount or lane.")] = "lane",
    app: Annotated[
        str | None,
        typer.Option(
            help="module:factory of an app of yours, with the router at /fastcore and a ruleset fraud."
        ),
    ] = None,
    app_dir: Annotated[Path, typer.Option(help="Where your app is imported from.")] = Path(),
    connections: Annotated[int, typer.Option(min=1, max=1024, help="Open at the same time.")] = 32,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes of the server.")] = 1,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Bytes per request that do not count as growth.")
    ] = 1.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the results that are there.")] = False,
    source: options.Source = None,
    output: options.Output = Path("bench-results"),
) -> None:
    """Send many requests to one server and watch its memory; exit with 1 if it grows.

    Ctrl-C writes what there is; --resume goes on from it, with a new server process.
    """
    from fastcore.lab.http import WAYS
    from fastcore.lab.processes import no_memory_reason
    from fastcore.lab.soak import Plan, with_requests

    if reason := no_memory_reason():
        options.fail(reason)
    known = {name: each for name, each in WAYS.items() if name != "recursion"}
    (chosen,) = options.choose("--way", [way], known)
    plan = Plan(
        connections=connections,
        workers=workers,
        tolerance=tolerance,
        app=app or chosen.app,
        title=app or chosen.title,
        folder=app_dir.resolve() if app else None,
    )
    plan = with_requests(plan, requests, warm_up)
    found, gaps = options.targets(python, backend, source)
    if not backend:  # of each interpreter the first
        found = list({target.interpreter.label: target for target in reversed(found)}.values())[::-1]
        gaps = [
            gap for gap in gaps if not any(gap.what.startswith(target.interpreter.label) for target in found)
        ]
    verdicts = [_one(target, plan, output / target.file("soak"), resume) for target in found]
    options.finish(gaps, anything=bool(found))
    raise typer.Exit(130 if None in verdicts else int("grows" in verdicts))


def _one(target: Target, plan: Any, path: Path, resume: bool) -> str | None:
    """The verdict on one target; None if it was interrupted."""
    from fastcore.cli.progress import counting
    from fastcore.lab.results import BadResultsError, save
    from fastcore.lab.servers import ServerError
    from fastcore.lab.soak import Soak, run

    try:
        state = Soak.resumed(path, target.head(False), plan) if resume and path.exists() else Soak()
        options.say(f"{target.label}: {plan.requests - state.answered:,} requests to {plan.title}")
        with counting(plan.requests, target.label, enabled=True) as report:
            complete = run(target, plan, state, lambda document: save(document, path), report)
    except (BadResultsError, ServerError) as error:
        options.fail(str(error))
    except OSError as error:
        options.fail(f"{path}: {error.strerror}")
    row = state.row(plan)
    options.say(f"written: {path}")
    typer.echo(_said(target, row))
    if not complete:
        options.say("interrupted: --resume goes on from there")
        return None
    return str(row["verdict"])


def _said(target: Target, row: dict[str, Any]) -> str:
    """The result in words."""
    begin = f"{target.label}, {row['way']}: {row['requests']:,} requests, {row['errors']:,} errors"
    if row["slope"] is None:
        return f"{begin}; too few samples after the warm-up to say whether memory grows"
    last = row["samples"][-1][1]
    slope = f"{row['slope']:+.3f} bytes per request, between {row['low']:+.3f} and {row['high']:+.3f} (95 %)"
    verdict = {
        "grows": f"memory GROWS by more than {row['tolerance']:g}",
        "steady": f"memory does not grow by more than {row['tolerance']:g}",
        "undecided": f"whether that is more than {row['tolerance']:g} takes more requests to say",
    }
    return f"{begin}; {options.megabytes(last)} at the end; {slope}: {verdict[row['verdict']]}"
