"""From documents of results to the tables of a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .agreement import require_agreement
from .figures import duration, is_settling, order, per_unit, ratio, steady_after, who
from .results import BadResultsError, Results
from .view import Table

__all__ = ["Baseline", "Line", "baseline", "kernel_lines", "labels", "reference", "tables"]

MISSING = "–"
OTHER = "*"
"""Marks a ratio to who did the work by another algorithm."""
SETTLING = "†"
"""Marks a time that was still falling while it was measured."""
HEADLINES = (
    ("fibonacci", "F(22) by its definition"),
    ("fibonacci", "F(n), n = 100,000"),
    ("rules", "matches, 200 rules"),
    ("rules", "matches, 2,000 rules"),
    ("rules", "from JSON text, 200 rules"),
    ("logic", "fraud conditions"),
    ("payloads", "10,000 orders"),
    ("payloads", "a page of 50 orders"),
)
"""Of each suite, what the short table has: suite and work."""
TITLES = {"http": "Over HTTP", "memory": "Memory", "soak": "Soak"}


@dataclass(frozen=True, slots=True)
class Line:
    """A work that somebody did by an algorithm, with what it took on each interpreter.

    Attributes:
        suite, group, work, algorithm, unit: of the work.
        who: did it, the interpreter aside.
        rows: by the interpreter's label.
    """

    suite: str
    group: str
    work: str
    algorithm: str
    unit: str
    who: str
    rows: dict[str, dict[str, Any]]

    @property
    def names(self) -> tuple[str, str]:
        """What was done, in words, and by whom."""
        return self.title if self.unit == "call" else f"{self.title}, per {self.unit}", self.who

    @property
    def title(self) -> str:
        """Group and work, without saying anything twice."""
        return self.group if self.work in self.group else f"{self.group}: {self.work}"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What ratios are to: an interpreter, and who did the work there; None is the line's own."""

    label: str
    who: str | None = None

    def __str__(self) -> str:
        return self.label if self.who is None else f"{self.who} on {self.label}"


def kernel_lines(documents: Sequence[Results]) -> list[Line]:
    """The works of all documents, in the order of the suites, the same work side by side."""
    found: dict[tuple[str, ...], Line] = {}
    for document in sorted(documents, key=order):
        if document.kind != "kernels":
            continue
        for row in document.rows:
            name = who(document, row)
            key = (row["suite"], row["group"], row["work"], row["algorithm"], row["unit"], name)
            found.setdefault(key, Line(*key, {})).rows[document.head["label"]] = row
    works = list(dict.fromkeys((line.suite, line.group, line.work) for line in found.values()))
    return sorted(
        found.values(), key=lambda line: (works.index((line.suite, line.group, line.work)), line.who)
    )


def labels(documents: Sequence[Results]) -> list[str]:
    """The interpreters, in the order of the report's columns."""
    return list(dict.fromkeys(document.head["label"] for document in sorted(documents, key=order)))


def baseline(documents: Sequence[Results], wanted: str | None) -> Baseline:
    """The baseline that a text means: an interpreter's label, or that, a comma, and who did it there.

    Parameters:
        documents: of the report.
        wanted: the text; None is the first interpreter.

    Raises:
        BadResultsError: there is no such interpreter, or nobody of that name.
    """
    known = labels(documents)
    if wanted is None:
        return Baseline(known[0])
    label, _, name = (part.strip() for part in wanted.partition(","))
    if label not in known:
        raise BadResultsError(f"no results of {label!r}; there are {', '.join(known)}")
    people = {line.who for line in kernel_lines(documents)}
    if name and name not in people:
        raise BadResultsError(f"nobody is called {name!r}; there are {', '.join(sorted(people))}")
    return Baseline(label, name or None)


def tables(documents: Sequence[Results], gaps: dict[str, str], to: Baseline) -> list[Table]:
    """All tables of a report.

    Raises:
        BadResultsError: a work gave different results.
    """
    require_agreement(documents)
    lines = kernel_lines(documents)
    columns = labels(documents)
    found = [_conditions(documents)]
    if gaps:
        rows = [[what, reason] for what, reason in sorted(gaps.items())]
        found.append(Table("gaps", "Not measured", ["what", "why"], rows, names=2))
    short = [line for line in lines if (line.suite, line.work) in HEADLINES]
    if short:
        found.append(_kernels("kernels", "Kernels, in short", short, columns, to))
    for suite in dict.fromkeys(line.suite for line in lines):
        chosen = [line for line in lines if line.suite == suite]
        found.append(_kernels(f"kernels.{suite}", f"Kernels: {suite}", chosen, columns, to))
    if lines:
        warm_up = _warm_up(lines, documents)
        found += [*([warm_up] if warm_up.rows else []), _details(lines)]
    return found + [table for kind in TITLES for table in _other(kind, documents)]


def _conditions(documents: Sequence[Results]) -> Table:
    rows = []
    for label in labels(documents):
        head = next(each.head for each in documents if each.head["label"] == label)
        facts, machine = head["interpreter"], head["machine"]
        rows.append(
            [
                label,
                {True: "on", False: "off", None: "unknown"}[facts["jit"]],
                "on" if facts["gil"] else "off",
                str(facts["compiler"]),
                f"{machine['cpu']}, {machine['cores']} cores, {machine['system']} {machine['architecture']}",
                head["created"][:10],
                "quick" if head["quick"] else "full",
            ]
        )
    columns = ["interpreter", "JIT", "GIL", "compiler", "machine", "date", "run"]
    versions = sorted({f"fastcore {each.head['fastcore']}, {each.head['source']}" for each in documents})
    return Table("conditions", "Conditions", columns, rows, names=7, note="; ".join(versions))


def _kernels(key: str, title: str, lines: list[Line], columns: list[str], to: Baseline) -> Table:
    rows = [
        [
            *line.names,
            line.algorithm,
            *(_cell(line, label, reference(line, lines, to), to) for label in columns),
        ]
        for line in lines
    ]
    marked = any(cell.endswith(f"{OTHER})") for row in rows for cell in row)
    settling = any(SETTLING in cell for row in rows for cell in row)
    note = (
        f"Median times for one unit of the work; in parentheses how many times faster than {to}"
        f"{' with the same code' if to.who is None else ''}: below 1 is slower."
        f"{f' {OTHER} by another algorithm than that.' if marked else ''}"
        f"{f' {SETTLING} still falling while it was measured.' if settling else ''} {MISSING}: not measured."
    )
    return Table(key, title, ["work", "by", "algorithm", *columns], rows, names=3, note=note)


def reference(line: Line, lines: list[Line], to: Baseline) -> Line | None:
    """What a line is compared with: the same code, or who the baseline names, at the same work."""
    for other in lines:
        same = other is line if to.who is None else other.who == to.who
        if same and (other.group, other.work) == (line.group, line.work) and to.label in other.rows:
            return other
    return None


def _cell(line: Line, label: str, other: Line | None, to: Baseline) -> str:
    row = line.rows.get(label)
    if row is None:
        return MISSING
    time = per_unit(row)
    shown = duration(time) + (SETTLING if is_settling(row) else "")
    if other is None or (other is line and label == to.label):
        return shown
    mark = "" if other.algorithm == line.algorithm else OTHER
    return f"{shown} ({ratio(per_unit(other.rows[to.label]) / time)}{mark})"


def _warm_up(lines: list[Line], documents: Sequence[Results]) -> Table:
    """Of the interpreters with a JIT: what a call takes at first, and how long until it is steady."""
    jits = {each.head["label"] for each in documents if each.head["interpreter"]["jit"]}
    rows = []
    for line in lines:
        for label, row in line.rows.items():
            if label in jits and line.who != "fastcore cython":
                steady = steady_after(row)
                rows.append(
                    [
                        *line.names,
                        label,
                        duration(row["first_call"] / row["units"]),
                        f"> {duration(row['warm_up'][-1][1])}" if steady is None else duration(steady),
                        duration(per_unit(row)),
                    ]
                )
    note = (
        "First call, and seconds of work until a call took at most 1.1 times the median of the steady state. "
        "In a quick run the works of a suite share a process: a first call may find code that is warm."
    )
    columns = ["work", "by", "interpreter", "first call", "steady after", "steady"]
    return Table("warm-up", "Warm-up, where there is a JIT", columns, rows, names=3, note=note)


def _details(lines: list[Line]) -> Table:
    rows = [
        [
            *line.names,
            line.algorithm,
            label,
            duration(per_unit(row)),
            duration((row["q3"] - row["q1"]) / row["units"]),
            f"{(row['q3'] - row['q1']) / row['median']:.1%}",
            f"{row['rounds']:,} × {row['iterations']:,}",
            duration(row["first_call"] / row["units"]),
            row["checksum"],
        ]
        for line in lines
        for label, row in line.rows.items()
    ]
    columns = [
        "work",
        "by",
        "algorithm",
        "interpreter",
        "median",
        "IQR",
        "IQR",
        "rounds × calls",
        "first call",
    ]
    note = (
        "Times for one unit of the work; IQR: interquartile range of the rounds, and its share of the median."
    )
    return Table("details", "All figures", [*columns, "checksum"], rows, names=4, note=note, folded=True)


def _other(kind: str, documents: Sequence[Results]) -> list[Table]:
    """Rows of another kind as they are, without their series."""
    found = [
        (each.label, row) for each in sorted(documents, key=order) if each.kind == kind for row in each.rows
    ]
    names = dict.fromkeys(name for _, row in found for name in row)
    kinds = {name: {type(row[name]) for _, row in found if row.get(name) is not None} for name in names}
    words = [name for name, of in kinds.items() if of == {str}]
    figures = [name for name, of in kinds.items() if of and of <= {int, float, bool}]
    if not found:
        return []
    fields = [*words, *figures]
    rows = [[label, *(_plain(name, row.get(name)) for name in fields)] for label, row in found]
    titles = ["configuration", *(name.removesuffix("_bytes").replace("_", " ") for name in fields)]
    return [Table(kind, TITLES[kind], titles, rows, names=1 + len(words))]


def _plain(name: str, value: object) -> str:
    if value is None:
        return MISSING
    if name.endswith("_bytes") and isinstance(value, (int, float)):
        return f"{value / 2**20:,.1f} MiB"
    if name.startswith("p") and name[1:].isdigit() and isinstance(value, float):
        return duration(value)
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
