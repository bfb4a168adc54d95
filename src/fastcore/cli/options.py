"""What commands that read events share: options, loading, and how a run ends."""

import contextlib
import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from fastcore.errors import RuleSetError
from fastcore.rules import RuleSet

from . import report
from .columns import TYPES, Columns
from .csv_reader import read_csv
from .json_reader import read_json
from .readers import Batch, read_ndjson
from .run import StoppedError
from .sources import Source, SourceError

__all__ = [
    "BAD_RECORDS",
    "BROKEN_PIPE",
    "CANNOT_START",
    "CHANGED",
    "INTERRUPTED",
    "Backend",
    "BackendOption",
    "BytesOption",
    "DelimiterOption",
    "EventsFile",
    "Format",
    "FormatOption",
    "NullOption",
    "QuietOption",
    "RegexOption",
    "RulesFile",
    "TypeOption",
    "batches_of",
    "columns_of",
    "ended",
    "give_up",
    "load",
    "named",
]

BAD_RECORDS, CANNOT_START, CHANGED, INTERRUPTED, BROKEN_PIPE = 1, 2, 3, 130, 141


class Backend(StrEnum):
    cython = "cython"
    python = "python"


class Format(StrEnum):
    auto = "auto"
    ndjson = "ndjson"
    json = "json"
    csv = "csv"


RulesFile = Annotated[Path, typer.Argument(metavar="RULES", help="A ruleset: .json, .yaml, .yml or .toml.")]
EventsFile = Annotated[
    str,
    typer.Argument(
        metavar="EVENTS",
        help="NDJSON, a JSON array, or CSV with a header; also .gz and .zip; - is standard input.",
    ),
]
BackendOption = Annotated[
    Backend | None,
    typer.Option(help="Evaluate with this backend instead of the selected one.", show_default=False),
]
FormatOption = Annotated[
    Format,
    typer.Option("--format", help="Of the events; auto tells it from the name or the first bytes."),
]
NullOption = Annotated[
    list[str] | None,
    typer.Option(
        help="CSV: this text means a missing value, as an empty cell does; repeatable.",
        show_default=False,
    ),
]
TypeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        metavar="COLUMN=TYPE",
        help=f"CSV: a column is a {', '.join(TYPES)}; repeatable. By default the ruleset tells.",
        show_default=False,
    ),
]
DelimiterOption = Annotated[
    str | None, typer.Option(help="CSV: what stands between values.", show_default="comma; tab for .tsv")
]
BytesOption = Annotated[
    int, typer.Option(min=1, help="A longer record is bad; bounds the memory that is used.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no summary.")]


RegexOption = Annotated[
    bool, typer.Option("--allow-regex", help="Conditions may use `matches`; needs google-re2.")
]


def columns_of(
    fields: Mapping[str, Iterable[str]],
    types: list[str] | None,
    null: list[str] | None,
    delimiter: str | None,
) -> Columns:
    """What CSV cells are, from the options."""
    if delimiter is not None and len(delimiter.encode()) != 1:
        give_up(f"--delimiter: one ASCII character, not {delimiter!r}")
    return Columns(fields, _types(types or []), null or ())


def _types(given: list[str]) -> dict[str, str]:
    """Columns and their types, from `COLUMN=TYPE`."""
    types = {}
    for text in given:
        column, _, kind = text.rpartition("=")
        if not column or kind not in TYPES:
            give_up(f"--type: COLUMN=TYPE with a type of {', '.join(TYPES)}, not {text!r}")
        types[column] = kind
    return types


def batches_of(
    source: Source, chosen: Format, columns: Columns, delimiter: str | None, limit: int
) -> Iterator[Batch]:
    """The records of an open input, in the chosen format."""
    kind = source.format() if chosen is Format.auto else chosen.value
    if kind == "csv":
        csv.field_size_limit(min(limit, 2**31 - 1))
        return read_csv(source.chunks(), columns, delimiter=delimiter or source.delimiter(), limit=limit)
    return (read_json if kind == "json" else read_ndjson)(source.chunks(), limit=limit)


def ended(carry_out: Callable[[], None], records: Callable[[], int]) -> int:
    """Does the work and tells people, in one line, if it ended early; the status so far.

    Parameters:
        carry_out: the work.
        records: how many records were read until it ended.
    """
    try:
        carry_out()
    except BrokenPipeError:
        _close_standard_output()
        return BROKEN_PIPE
    except KeyboardInterrupt as interruption:
        _say("interrupted", interruption)
        return INTERRUPTED
    except StoppedError as bad:
        _say(f"stopped at a bad record: {bad}", bad)
        return BAD_RECORDS
    except (SourceError, OSError) as error:
        where = getattr(error, "filename", None)
        _say(
            f"cannot write {where}: {error.strerror}" if isinstance(error, OSError) and where else str(error),
            error,
        )
        return BAD_RECORDS if records() else CANNOT_START
    return 0


def named(backend: Backend | None) -> str | None:
    return None if backend is None else backend.value


def load(file: Path, backend: Backend | None = None, *, allow_regex: bool) -> RuleSet:
    """The ruleset of a file; without one, the command ends."""
    try:
        return RuleSet.from_file(file, backend=named(backend), allow_regex=allow_regex)
    except (RuleSetError, OSError, ImportError) as error:
        for line in report.load_errors(file, error):
            _say(line)
        raise typer.Exit(CANNOT_START) from None


def give_up(text: str) -> NoReturn:
    _say(text)
    raise typer.Exit(CANNOT_START)


def _say(text: str, error: BaseException | None = None) -> None:
    print("; ".join([f"fastcore: {text}", *getattr(error, "__notes__", ())]), file=sys.stderr)


def _close_standard_output() -> None:
    """Nobody reads it any more; without this the interpreter would complain when it flushes at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
