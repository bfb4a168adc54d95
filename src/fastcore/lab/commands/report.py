"""``fastcore bench report``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(
    results: Annotated[list[Path], typer.Argument(help="Folders or files of results.")],
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page with plots.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables as Markdown.")] = None,
    into: Annotated[
        list[Path] | None,
        typer.Option(help="Fill what is between <!-- bench:… --> markers of a Markdown file; repeatable."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Of --into: write nothing, exit with 1 if something differs.")
    ] = False,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="What ratios are to: an interpreter as its column is called, with the same code; "
            'or that and who did it there: "CPython 3.11.7, plain Python". Without it, the first column.'
        ),
    ] = None,
    title: Annotated[str, typer.Option(help="Of the page and the Markdown.")] = "fastcore bench",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no tables.")] = False,
) -> None:
    """Show results as tables, as Markdown and as a page of HTML with plots."""
    from rich.console import Console

    from fastcore.lab import documents, reporting, view
    from fastcore.lab.results import BadResultsError, load_all

    try:
        found = load_all(results)
        to = reporting.baseline(found, baseline)
        tables = reporting.tables(found, documents.gaps(results), to)
        made = view.Report(title, tables)
        if html is not None:
            from fastcore.lab.plots import plots

            made.plots.extend(plots(found, to))
            html.write_text(view.html(made), encoding="utf-8")
        if markdown is not None:
            markdown.write_text(view.markdown(made), encoding="utf-8")
        differing = documents.fill(into or [], tables, write=not check)
    except BadResultsError as error:
        typer.echo(f"fastcore bench report: {error}", err=True)
        raise typer.Exit(1) from None
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        needed = 'the page needs matplotlib: pip install "fastcore-kernels[bench]"'
        typer.echo(f"fastcore bench report: {needed}", err=True)
        raise typer.Exit(2) from None
    if not quiet:
        console = Console(file=sys.stdout)
        view.show(made, console if console.is_terminal else Console(file=sys.stdout, width=200))
    for path in differing:
        typer.echo(f"{path}: {'differs from the results' if check else 'written'}", err=True)
    raise typer.Exit(1 if check and differing else 0)
