"""``fastcore bench compare``."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["compare"]


def compare(
    before: Annotated[Path, typer.Argument(help="A file or a folder of results.")],
    after: Annotated[Path, typer.Argument(help="Another, of the same interpreter and backend.")],
    markdown: Annotated[Path | None, typer.Option(help="Write the table as Markdown, too.")] = None,
    fail_above: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            help="Exit with 3 if a work is slower by more than this ratio, its whole interval counted.",
        ),
    ] = None,
) -> None:
    """Compare results from before and after a change, work by work, with what the rounds allow to say.

    Works are the same if suite, work, algorithm, backend and interpreter are; results with different
    checksums are refused, with exit status 1.
    """
    from rich.console import Console

    from fastcore.lab import comparing, view
    from fastcore.lab.results import BadResultsError, load_all

    try:
        found = comparing.changes(load_all([before]), load_all([after]))
    except BadResultsError as error:
        typer.echo(f"fastcore bench compare: {error}", err=True)
        raise typer.Exit(1) from None
    report = view.Report("Before and after", [comparing.table(found)])
    console = Console()
    view.show(report, console if console.is_terminal else Console(width=200))
    if markdown is not None:
        markdown.write_text(view.markdown(report), encoding="utf-8")
    if fail_above is not None and any(change.low > fail_above for change in found):
        raise typer.Exit(3)
