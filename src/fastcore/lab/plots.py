"""The plots of a report, as SVG for a page that may be light or dark. Needs matplotlib."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .figures import duration, order, per_unit, ratio
from .reporting import Baseline, Line, kernel_lines, labels, reference
from .results import Results
from .view import Plot

__all__ = ["plots"]

FORE = "#010203"
"""Stands for the page's own colour of text while a plot is drawn."""
COLOURS = ("#2f86d6", "#d9702b", "#2a9d73", "#b65fc4", "#a88a12", "#d2476f", "#5f6fe0", "#7d8791", "#149aa8")
"""Of a middle lightness, so that they can be told from black and from white."""
MARKERS = "osD^vPX*p"
SETTINGS: Any = {
    "svg.fonttype": "path",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FORE,
    "axes.labelcolor": FORE,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#808890",
    "grid.alpha": 0.3,
    "grid.linewidth": 0.6,
    "text.color": FORE,
    "xtick.color": FORE,
    "ytick.color": FORE,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
}


def plots(documents: Sequence[Results], to: Baseline) -> list[Plot]:
    """Every plot that the documents have figures for.

    Raises:
        ImportError: matplotlib is not installed.
    """
    lines = kernel_lines(documents)
    names = labels(documents)
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    found = [
        _ratios(suite, lines, names, colours, to) for suite in dict.fromkeys(line.suite for line in lines)
    ]
    found += [_rules(lines, colours), _warm_up(lines, documents, colours)]
    found += [_throughput(documents, colours), _resident(documents, colours)]
    return [plot for plot in found if plot is not None]


@contextmanager
def _drawing(
    name: str, columns: int, rows: int, width: float, height: float
) -> Iterator[tuple[Any, Any, Callable[[], str]]]:
    """A figure, its axes in rows, and what gives the figure as SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**SETTINGS, "svg.hashsalt": name}):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.subplots(rows, columns, squeeze=False)
        for each in axes.flat:
            each.patch.set_alpha(0)

        def svg() -> str:
            written = io.StringIO()
            figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
            text = written.getvalue()
            text = text[text.index("<svg") :].replace(FORE, "currentColor")
            # names of parts are unique in a drawing, and must be in the page
            text = re.sub(r'id="', f'id="{name}-', text)
            return re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", text)

        yield figure, axes, svg


def _legend(figure: Any, handles: dict[str, Any], columns: int = 5) -> None:
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside upper left",
        ncols=min(columns, len(handles)),
        fontsize=9,
    )


def _ratios(
    suite: str, lines: list[Line], names: list[str], colours: dict[str, str], to: Baseline
) -> Plot | None:
    """A row of dots for each line: how many times faster than the baseline."""
    rows = []
    for line in (each for each in lines if each.suite == suite):
        other = reference(line, lines, to)
        if other is not None:
            time = per_unit(other.rows[to.label])
            rows.append((line, {label: time / per_unit(row) for label, row in line.rows.items()}))
    if all(value == 1 for _, found in rows for value in found.values()):
        return None
    with _drawing(f"ratios-{suite}", 1, 1, 10, 1.3 + 0.3 * len(rows)) as (figure, axes, svg):
        axis = axes[0][0]
        handles: dict[str, Any] = {}
        for index, label in enumerate(names):
            points = [(found[label], -at) for at, (_, found) in enumerate(rows) if label in found]
            if points:
                marker = MARKERS[index % len(MARKERS)]
                (handles[label],) = axis.plot(
                    *zip(*points, strict=True), marker, color=colours[label], alpha=0.9
                )
        axis.axvline(1, color=FORE, linewidth=1)
        axis.set_xscale("log")
        _log_ticks(axis.xaxis, ratio)
        axis.set_yticks(range(0, -len(rows), -1), [f"{line.title} · {line.who}" for line, _ in rows])
        axis.set_ylim(-len(rows) + 0.4, 0.6)
        axis.set_xlabel(f"times as fast as {to} (right is faster)")
        _legend(figure, handles)
        return Plot(f"Ratios: {suite}", svg(), "Medians; each row is the same work, on a logarithmic axis.")


def _log_ticks(axis: Any, text: Callable[[float], str], wide: float = 1000) -> None:
    """Labels in words: of powers of ten, and the more between them the fewer of these the axis spans."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = sorted(axis.get_view_interval())
    between = (1, 2, 5) if high / low < wide else (1, 3) if high / low < 10 * wide else (1,)
    axis.set_major_locator(LogLocator(subs=between))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_locator(NullLocator())


def _rules(lines: list[Line], colours: dict[str, str]) -> Plot | None:
    """What an event costs against the number of rules, a panel for each who does it."""
    chosen = [line for line in lines if any("rules" in row["parameters"] for row in line.rows.values())]
    chosen = [line for line in chosen if line.work.startswith("matches")]
    people = list(dict.fromkeys(line.who for line in chosen))
    if not people:
        return None
    with _drawing("rules", len(people), 1, min(11.0, 3.6 * len(people) + 0.6), 4.2) as (figure, axes, svg):
        handles: dict[str, Any] = {}
        for axis, person in zip(axes[0], people, strict=True):
            series: dict[str, list[tuple[float, float]]] = {}
            for line in (each for each in chosen if each.who == person):
                for label, row in line.rows.items():
                    series.setdefault(label, []).append((row["parameters"]["rules"], per_unit(row)))
            for label, points in series.items():
                (handles[label],) = axis.plot(
                    *zip(*sorted(points), strict=True), "o-", color=colours[label], label=label
                )
            axis.set_title(person)
            axis.set_xlabel("rules")
        counts = sorted({row["parameters"]["rules"] for line in chosen for row in line.rows.values()})
        _share_log_axes(axes[0], counts)
        axes[0][0].set_ylabel("for an event")
        _legend(figure, handles)
        return Plot(
            "Cost against the number of rules", svg(), "Median for an event of which fired rules are wanted."
        )


def _share_log_axes(axes: Any, counts: list[int]) -> None:
    """The same logarithmic scales for all panels: these counts across, times up."""
    from matplotlib.ticker import NullLocator

    for axis in axes:
        axis.set_xscale("log")
        axis.set_yscale("log")
    limits = [min(axis.get_ylim()[0] for axis in axes), max(axis.get_ylim()[1] for axis in axes)]
    for axis in axes:
        axis.set_xlim(counts[0] / 1.5, counts[-1] * 1.5)
        axis.set_xticks(counts, [f"{count:,}" for count in counts])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_ylim(*limits)
        _log_ticks(axis.yaxis, duration)


def _warm_up(lines: list[Line], documents: Sequence[Results], colours: dict[str, str]) -> Plot | None:
    """The time of a call while it warms up; a panel for a few works that Python itself does."""
    jits = {each.head["label"] for each in documents if each.head["interpreter"]["jit"]}
    chosen = [line for line in lines if line.who != "fastcore cython" and jits & set(line.rows)]
    preferred = ("matches, 200 rules", "evaluating JSONLogic", "10,000 orders from tuples", "recursion")
    panels = [line for group in preferred for line in chosen if line.group == group][:6]
    if not panels:
        return None
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    with _drawing("warm-up", columns, rows, 10.5, 0.9 + 2.9 * rows) as (figure, axes, svg):
        handles: dict[str, Any] = {}
        for axis, line in zip(axes.flat, panels, strict=False):
            for label, row in line.rows.items():
                curve = [(after, time / row["units"]) for _, after, time in row["warm_up"]]
                (handles[label],) = axis.plot(*zip(*curve, strict=True), "-", color=colours[label])
                axis.plot([curve[-1][0]], [per_unit(row)], "o", color=colours[label], markersize=4)
            axis.set_title(f"{line.title}\n{line.who}", fontsize=9.5)
            axis.set_xscale("log")
            axis.set_yscale("log")
            _log_ticks(axis.xaxis, duration, 12)
            _log_ticks(axis.yaxis, duration, 200)
        for axis in list(axes.flat)[len(panels) :]:
            axis.set_visible(False)
        figure.supxlabel("work done since the first call", fontsize=9.5)
        figure.supylabel("for a unit of the work", fontsize=9.5)
        _legend(figure, handles)
        note = "Each curve begins with the first call; the dot at its end is the median of the steady state."
        return Plot("Warm-up", svg(), note)


def _throughput(documents: Sequence[Results], colours: dict[str, str]) -> Plot | None:
    """Requests per second against the memory of a worker, a panel for each thing asked for."""
    chosen = [
        (each.head["label"], row)
        for each in sorted(documents, key=order)
        if each.kind == "http"
        for row in each.rows
        if row["memory_bytes"] and row["requests_per_second"]
    ]
    works = list(dict.fromkeys(row["work"] for _, row in chosen))
    if not works:
        return None
    columns = min(2, len(works))
    rows = -(-len(works) // columns)
    with _drawing("throughput", columns, rows, 5.2 * columns, 0.9 + 3.2 * rows) as (figure, axes, svg):
        handles: dict[str, Any] = {}
        ways = list(dict.fromkeys(row["way"] for _, row in chosen))
        for axis, work in zip(axes.flat, works, strict=False):
            for label, row in ((label, row) for label, row in chosen if row["work"] == work):
                marker = MARKERS[ways.index(row["way"]) % len(MARKERS)]
                point = row["memory_bytes"] / 2**20, row["requests_per_second"]
                (handles[f"{label}, {row['way']}"],) = axis.plot(*zip(point), marker, color=colours[label])
            axis.set_title(work)
            axis.set_xlim(left=0)
            axis.set_ylim(bottom=0)
            axis.yaxis.set_major_formatter("{x:,.0f}")
        for axis in list(axes.flat)[len(works) :]:
            axis.set_visible(False)
        figure.supxlabel("resident memory of a worker, MiB", fontsize=9.5)
        figure.supylabel("requests per second", fontsize=9.5)
        _legend(figure, handles, 3)
        return Plot("Throughput against memory", svg(), "Up and to the left is better.")


def _resident(documents: Sequence[Results], colours: dict[str, str]) -> Plot | None:
    """Resident memory against the requests answered."""
    chosen = [each for each in sorted(documents, key=order) if each.kind == "soak"]
    series = [(each, row) for each in chosen for row in each.rows if row["samples"]]
    if not series:
        return None
    with _drawing("resident", 1, 1, 10, 4.2) as (figure, axes, svg):
        axis = axes[0][0]
        handles: dict[str, Any] = {}
        for index, (document, row) in enumerate(series):
            points = [(requests, size / 2**20) for requests, size in row["samples"]]
            style = ("-", "--", ":", "-.")[index % 4]
            (handles[f"{document.label}: {row.get('way', row['work'])}"],) = axis.plot(
                *zip(*points, strict=True), style, color=colours[document.head["label"]]
            )
        axis.set_ylim(bottom=0)
        axis.set_xlabel("requests answered")
        axis.set_ylabel("resident memory, MiB")
        axis.xaxis.set_major_formatter("{x:,.0f}")
        _legend(figure, handles, 3)
        return Plot("Memory over a soak", svg())
