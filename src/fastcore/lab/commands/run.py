"""``fastcore bench run``."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fastcore.lab.running import Run

__all__ = ["run"]

SUITES = ("fibonacci", "rules", "logic", "payloads")
BACKENDS = ("cython", "python")


def run(
    python: Annotated[
        list[str] | None,
        typer.Option(
            help="An interpreter, by path or by a name that PATH, pyenv or uv knows; repeatable. "
            "Without it, the environment that runs this command is measured as it is."
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(help="fibonacci, rules, logic or payloads; repeatable. Without it, all."),
    ] = None,
    backend: Annotated[
        list[str] | None, typer.Option(help="cython or python; repeatable. Without it, both.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Spend little time; for a look, not for publishing.")
    ] = False,
    output: Annotated[Path, typer.Option(help="The folder for the results.")] = Path("bench-results"),
    source: Annotated[
        str | None,
        typer.Option(
            help="What to install fastcore from: a checkout, a wheel, an sdist, or a requirement for pip. "
            "Without it, what this fastcore was installed from."
        ),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Measure other libraries, too; needs a checkout as the source.")
    ] = False,
    jit: Annotated[bool, typer.Option(help="Measure a switchable JIT both off and on.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Measure finished cells again.")] = False,
) -> None:
    """Measure the kernels on interpreters and backends; a run that was interrupted goes on where it was.

    Each interpreter gets an environment of its own. What is missing (an interpreter, a compiler, a library)
    is named as a gap in the results. Exit status: 0 if something was measured or was there already, 1 if
    nothing could be, if a work failed or if results differ, 130 when interrupted.
    """
    from fastcore.lab.progress import Progress

    for option, values, known in (("--suite", suite, SUITES), ("--backend", backend, BACKENDS)):
        for value in values or ():
            if value not in known:
                raise typer.BadParameter(f"{value!r} is not one of {', '.join(known)}", param_hint=option)
    made = _prepared(python, output, source, peers, jit)
    made.suites, made.backends = suite or SUITES, backend or BACKENDS
    made.quick, made.force = quick, force
    wanted = [cell for cell in made.cells() if not made.is_finished(cell)]
    if kept := len(made.cells()) - len(wanted):
        typer.echo(f"{kept} finished cells are kept; --force measures them again", err=True)
    measured = 0
    try:
        with Progress(len(wanted)) as progress:
            made.prepare(wanted, lambda what: progress.begin(f"environment: {what}"))
            for cell in wanted:
                measured += made.measure(cell, partial(progress.begin, cell.label))
                progress.done()
    except KeyboardInterrupt:
        typer.echo("interrupted; finished cells are kept, and the same command goes on", err=True)
        raise typer.Exit(130) from None
    _finish(made, kept + measured)


def _prepared(python: list[str] | None, output: Path, source: str | None, peers: bool, jit: bool) -> "Run":
    """The run that the options ask for, but for what to measure in it."""
    from fastcore.lab.environments import UnavailableError, default_source, read_source
    from fastcore.lab.gaps import Gaps
    from fastcore.lab.running import Run, here, resolve

    try:
        origin = read_source(source) if source else default_source()
    except UnavailableError as error:
        raise typer.BadParameter(str(error), param_hint="--source") from None
    benchmarks = Path(origin.target) / "benchmarks"
    if peers and not benchmarks.is_dir():
        raise typer.BadParameter(f"{origin.target} is no checkout", param_hint="--peers")
    gaps = Gaps(output)
    ready = None if python or source else here()
    if ready is not None:
        there = {(ready.interpreter.executable, compiled): ready for compiled in (True, False)}
        interpreters = [ready.interpreter]
    else:
        there = {}
        interpreters = resolve(python or [sys.executable], gaps, jit=jit)
    return Run(
        interpreters, (), (), origin, output, gaps, peers=benchmarks if peers else None, environments=there
    )


def _finish(made: "Run", there: int) -> None:
    """Says what came of it.

    Raises:
        Exit: nothing was measured, something failed, or results differ.
    """
    from fastcore.lab.gaps import NAME

    typer.echo(f"{there} cells measured, in {made.folder}", err=True)
    for what, reason in made.gaps.reasons.items():
        typer.echo(f"gap: {what}: {reason}", err=True)
    if made.gaps.reasons:
        typer.echo(f"{len(made.gaps.reasons)} gaps are named in {made.folder / NAME}", err=True)
    problems = made.problems()
    for problem in problems:
        typer.echo(f"different results: {problem}", err=True)
    broken = [reason for reason in made.gaps.reasons.values() if reason.startswith("failed: ")]
    raise typer.Exit(1 if problems or broken or not there else 0)
