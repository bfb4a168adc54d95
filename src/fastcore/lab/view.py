"""A report as data, and how it is shown: on a terminal, as Markdown, as one page of HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from rich.console import Console
from rich.markup import escape as plain
from rich.table import Table as RichTable

__all__ = ["Plot", "Report", "Table", "html", "markdown", "markdown_table", "show"]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in rows; the first `names` columns are words, the others figures.

    Attributes:
        key: what a document refers to it by.
        title: above it.
        columns: titles.
        rows: texts.
        names: how many columns hold words.
        note: what the figures mean.
        folded: whether the page shows it only on demand.
    """

    key: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    note: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing as SVG, with what it says in words."""

    title: str
    svg: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Tables and plots in their order."""

    title: str
    tables: list[Table]
    plots: list[Plot] = field(default_factory=list)


def show(report: Report, console: Console) -> None:
    """Prints the tables that are not folded."""
    for table in report.tables:
        if table.folded:
            continue
        shown = RichTable(title=plain(table.title), title_justify="left", caption=plain(table.note) or None)
        shown.caption_justify = "left"
        for index, column in enumerate(table.columns):
            shown.add_column(plain(column), justify="left" if index < table.names else "right")
        for row in table.rows:
            shown.add_row(*map(plain, row))
        console.print(shown)
        console.print()


def markdown_table(table: Table) -> str:
    """A table alone."""
    lines = [list(table.columns), ["---"] * table.names + ["--:"] * (len(table.columns) - table.names)]
    cells = [*lines, *([cell.replace("|", "\\|") for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def markdown(report: Report) -> str:
    """All tables, with their titles and notes."""
    parts = [f"# {report.title}"]
    for table in report.tables:
        parts.append(f"## {table.title}")
        if table.note:
            parts.append(table.note)
        parts.append(markdown_table(table))
    return "\n\n".join(parts) + "\n"


STYLE = """
:root {
  color-scheme: light dark;
  --back: #fff; --fore: #1c1e21; --quiet: #5b6470; --line: #d5dae1; --band: #f4f6f8;
}
@media (prefers-color-scheme: dark) {
  :root { --back: #15181c; --fore: #e4e7eb; --quiet: #9aa4b1; --line: #363d47; --band: #1d2126; }
}
body {
  background: var(--back); color: var(--fore); font: 15px/1.5 system-ui, sans-serif;
  margin: 2rem auto; max-width: 78rem; padding: 0 1rem;
}
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p.note { color: var(--quiet); margin: .2rem 0 .7rem; max-width: 60rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .87rem; }
th, td {
  border-bottom: 1px solid var(--line); padding: .25rem .7rem;
  text-align: right; vertical-align: top; white-space: nowrap;
}
th.name, td.name { text-align: left; white-space: normal; min-width: 6rem; }
thead th { border-bottom: 2px solid var(--line); vertical-align: bottom; white-space: normal; }
tbody tr:nth-child(even) { background: var(--band); }
figure { margin: 0; } svg { color: var(--fore); height: auto; max-width: 100%; }
summary { cursor: pointer; }
""".strip()
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
{style}
</style></head>
<body>
{body}
</body></html>
"""


def html(report: Report) -> str:
    """One page that needs nothing else; its colours follow the reader's setting."""
    parts = [f"<h1>{escape(report.title)}</h1>"]
    parts += [_html_table(table) for table in report.tables if not table.folded]
    parts += [
        f"<h2>{escape(plot.title)}</h2>{_html_note(plot.note)}<figure class=wide>{plot.svg}</figure>"
        for plot in report.plots
    ]
    parts += [_html_table(table) for table in report.tables if table.folded]
    return PAGE.format(title=escape(report.title), style=STYLE, body="\n".join(parts))


def _html_note(note: str) -> str:
    return f'<p class="note">{escape(note)}</p>' if note else ""


def _html_table(table: Table) -> str:
    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = [' class="name"' if index < table.names else "" for index in range(len(row))]
        return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, row, strict=True))

    lines = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in table.rows)
    head = f"<thead><tr>{cells('th', table.columns)}</tr></thead>"
    body = (
        f'{_html_note(table.note)}<div class="wide"><table>{head}\n<tbody>\n{lines}\n</tbody></table></div>'
    )
    title = f"<h2>{escape(table.title)}</h2>"
    return (
        f"<details><summary>{escape(table.title)}</summary>{body}</details>" if table.folded else title + body
    )
