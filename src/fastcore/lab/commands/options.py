"""What the commands about servers have in common: options, progress, tables, gaps."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from fastcore.lab.results import Results, save
from fastcore.lab.targets import BACKENDS, Gap, Target, find_targets

__all__ = [
    "Backends",
    "Output",
    "Python",
    "Source",
    "choose",
    "fail",
    "finish",
    "keep",
    "megabytes",
    "milliseconds",
    "number",
    "say",
    "show",
    "targets",
]

Python = Annotated[
    list[str] | None,
    typer.Option("--python", help="An interpreter by name or path; may be given several times."),
]
Backends = Annotated[
    list[str] | None, typer.Option("--backend", help="cython or python; by default both, on PyPy python.")
]
Source = Annotated[
    str | None,
    typer.Option(help="What environments get: a checkout, a wheel, a requirement. By default this fastcore."),
]
Output = Annotated[Path, typer.Option(help="The folder for results.")]
Column = tuple[str, str, Callable[[Any], str]]
"""A key of rows, what it is called, and how it is shown."""
T = TypeVar("T")


def choose(option: str, names: Sequence[str] | None, known: Mapping[str, T]) -> list[T]:
    """What these names mean; all that is known where none are given."""
    if unknown := [name for name in names or () if name not in known]:
        raise typer.BadParameter(f"{unknown[0]} is not one of {', '.join(known)}", param_hint=option)
    return [known[name] for name in names or known]


def targets(
    python: list[str] | None,
    backend: list[str] | None,
    source: str | None,
    requirements: Sequence[str] = (),
) -> tuple[list[Target], list[Gap]]:
    """The configurations that options name."""
    from fastcore.lab.environments import UnavailableError

    if backend:
        choose("--backend", backend, dict.fromkeys(BACKENDS))
    try:
        return find_targets(
            python or (), backend or None, requirements=requirements, source=source, report=say
        )
    except UnavailableError as error:
        fail(str(error))


def say(text: str) -> None:
    """One line of progress."""
    typer.echo(text, err=True)


def fail(reason: str) -> NoReturn:
    """Ends the command with a reason."""
    typer.echo(f"fastcore bench: {reason}", err=True)
    raise typer.Exit(2)


def finish(gaps: Iterable[Gap], *, anything: bool) -> None:
    """Names what was not measured; having measured nothing is an error."""
    for gap in gaps:
        say(f"not measured: {gap}")
    if not anything:
        raise typer.Exit(2)


def keep(found: Results, path: Path) -> None:
    """Writes a document, and says where."""
    try:
        save(found, path)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    say(f"written: {path}")


def show(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], quick: bool) -> None:
    """Prints rows as a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=title + " (quick: no figures to publish)" * quick, title_justify="left", box=box.SIMPLE
    )
    for _, name, form in columns:
        table.add_column(name, justify="left" if form is str else "right", overflow="fold")
    for row in rows:
        values = (row.get(key) for key, _, _ in columns)
        table.add_row(
            *(
                "" if value is None else form(value)
                for value, (_, _, form) in zip(values, columns, strict=True)
            )
        )
    # what is not a terminal need not be narrow
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def milliseconds(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"
