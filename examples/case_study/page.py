"""Puts results of the study into a Markdown page: conditions, a table, and a plot beside it as SVG."""

import html
import math
from collections.abc import Sequence
from pathlib import Path

from fastcore.lab.results import BadResultsError, Results

__all__ = ["fill"]

BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"
NAME_WIDTH, BAR_WIDTH, LINE, HEAD = 190, 430, 22, 34
COLOURS = {"before": "#d9702b", "after": "#2f86d6"}
COLUMNS = ["per second", "at rate", "p50, ms", "p99, ms", "errors", "CPU per request, ms", "RSS, MB"]


def fill(documents: Sequence[Results], page: Path) -> None:
    """Replaces what is between the marks of the page, and the drawing that it shows.

    Raises:
        BadResultsError: there are no results of the study, or the page has no marks.
    """
    found = [each for each in documents if any(row["way"].startswith("before: ") for row in each.rows)]
    if not found:
        raise BadResultsError("these are no results of the case study")
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise BadResultsError(f"{page}: {BEGIN.strip()} and {END.strip()} are not in it")
    drawing = page.with_suffix(".svg")
    drawing.write_text(svg(found), encoding="utf-8")
    shown = f"![Requests per second, by interpreter and way]({drawing.name})\n"
    parts = [conditions(found), shown, *(table(each) for each in found)]
    before, _, rest = text.partition(BEGIN)
    made = "\n".join(["", *parts, ""])
    page.write_text(f"{before}{BEGIN}{made}{END}{rest.partition(END)[2]}", encoding="utf-8")


def conditions(documents: Sequence[Results]) -> str:
    """What the figures were measured on."""
    head = documents[0].head
    machine, packages = head["machine"], head["packages"]
    plan = documents[0].rows[0]["plan"]
    short = head["quick"] or plan["seconds"] < 10
    said = "**A short run, to show the form: no figures to rely on.** " if short else ""
    busy = [row["load_average"] for each in documents for row in each.rows if row["load_average"] is not None]
    load = f" Load average before: {min(busy):.1f} to {max(busy):.1f}." if busy else ""
    names = ("fastapi", "starlette", "uvicorn", "uvloop", "rule-engine", "json-logic-qubit")
    versions = ", ".join(f"{name} {packages[name]}" for name in names if name in packages)
    return (
        f"{said}{machine['cpu']}, {machine['cores']} cores, {machine['system']}; {versions}; "
        f"{head['created']}. "
        f"Loads of {plan['seconds']:g} s over {plan['connections']} connections, {plan['workers']} worker; "
        f"the server on one core, the load on another.{load}\n"
    )


def table(document: Results) -> str:
    lines = [f"**{document.label}**\n", f"| way | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for row in document.rows:
        cpu = row["cpu_seconds_per_request"]
        cells = [
            row["way"],
            f"{row['requests_per_second']:,.0f}",
            _number(row["rate"]),
            _number(row["p50"], 1e3),
            _number(row["p99"], 1e3),
            str(row["errors"]),
            _number(cpu, 1e3),
            _number(row["memory_bytes"], 1e-6),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _number(value: float | None, scale: float = 1.0) -> str:
    if value is None:
        return ""
    value *= scale
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def svg(documents: Sequence[Results]) -> str:
    """Bars of requests per second on a logarithmic axis, readable on light and dark pages."""
    most = max(row["requests_per_second"] for each in documents for row in each.rows)
    decades = max(1, math.ceil(math.log10(max(10.0, most))))
    parts: list[str] = []
    top = 8
    for document in documents:
        parts.append(f'<text x="0" y="{top + 18}" font-weight="bold">{html.escape(document.label)}</text>')
        top += HEAD
        for row in document.rows:
            parts += _bar(row["way"], row["requests_per_second"], decades, top)
            top += LINE
        top += 10
    for decade in range(decades + 1):
        x = NAME_WIDTH + BAR_WIDTH * decade / decades
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="{top}" stroke="#888" stroke-opacity="0.3"/>'
        )
        parts.append(f'<text x="{x:.1f}" y="{top + 16}" text-anchor="middle">{10**decade:,}</text>')
    parts.append(f'<text x="{NAME_WIDTH}" y="{top + 36}">requests per second, logarithmic</text>')
    width, height = NAME_WIDTH + BAR_WIDTH + 80, top + 46
    style = "text{font:13px sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img"><title>Requests per second, logarithmic</title>'
        f"<style>{style}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _bar(way: str, rate: float, decades: int, top: int) -> list[str]:
    width = BAR_WIDTH * max(0.0, math.log10(max(1.0, rate))) / decades
    colour = COLOURS[way.partition(":")[0]]
    return [
        f'<text x="{NAME_WIDTH - 8}" y="{top + 14}" text-anchor="end">{html.escape(way)}</text>',
        f'<rect x="{NAME_WIDTH}" y="{top + 2}" width="{width:.1f}" height="16" fill="{colour}"/>',
        f'<text x="{NAME_WIDTH + width + 6:.1f}" y="{top + 14}">{rate:,.0f}</text>',
    ]
