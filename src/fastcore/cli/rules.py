"""``fastcore rules``: check, test and explain rulesets, and run them over files of events."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
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
from .output import Output, Shield
from .progress import reporting
from .readers import Batch, parse_event, read_ndjson
from .run import StoppedError, Summary, run
from .sources import Source, SourceError

__all__ = ["rules"]

rules = typer.Typer(
    help="Check, test and explain rulesets, and run them over files of events.", no_args_is_help=True
)

BAD_RECORDS, CANNOT_START, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141


class Backend(StrEnum):
    cython = "cython"
    python = "python"


class Format(StrEnum):
    auto = "auto"
    ndjson = "ndjson"
    json = "json"
    csv = "csv"


class Errors(StrEnum):
    record = "record"
    stop = "stop"


Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Rulesets: .json, .yaml, .yml or .toml.")
]
RulesFile = Annotated[Path, typer.Argument(metavar="RULES", help="A ruleset: .json, .yaml, .yml or .toml.")]
BackendOption = Annotated[
    Backend | None,
    typer.Option(help="Evaluate with this backend instead of the selected one.", show_default=False),
]


@rules.command()
def check(files: Files) -> None:
    """Report every error of rulesets with its path, and what is hardly meant; exit with 1 on errors."""
    bad = False
    for file in files:
        try:
            ruleset = RuleSet.from_file(file)
        except (RuleSetError, OSError, ImportError) as error:
            bad = True
            for line in report.load_errors(file, error):
                print(line)
            continue
        for warning in ruleset.warnings:
            print(f"{file}: warning: {warning.path}: {warning.message}")
        print(f"{file}: valid: {report.describe(ruleset)}")
    raise typer.Exit(1 if bad else 0)


@rules.command("test")
def run_examples(files: Files, backend: BackendOption = None) -> None:
    """Run the examples in rulesets, and explain those that fail; exit with 1 if any does."""
    failed = 0
    for file in files:
        try:
            ruleset = RuleSet.from_file(file, backend=_name(backend))
        except (RuleSetError, OSError, ImportError) as error:
            failed += 1
            for line in report.load_errors(file, error):
                print(line)
            continue
        results = ruleset.run_examples()
        failures = [
            (result, example)
            for result, example in zip(results, ruleset.examples, strict=True)
            if not result.passed
        ]
        for result, example in failures:
            print(f"{file}: {report.failure(ruleset, result, example)}")
        failed += len(failures)
        print(f"{file}: {len(results)} examples, {len(failures)} failed")
    raise typer.Exit(1 if failed else 0)


@rules.command()
def explain(
    ruleset: RulesFile,
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="A file with one JSON object; - is standard input.")
    ],
    rule: Annotated[
        str | None, typer.Option(help="Explain only the rule with this id.", show_default=False)
    ] = None,
    fired: Annotated[bool, typer.Option("--fired", help="Leave out rules that did not fire.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Show why rules fire for an event, or do not: each condition, its value and the fields it reads."""
    loaded = _load(ruleset, None)
    try:
        with Source(event) as source:
            text = b"".join(source.chunks())
    except SourceError as error:
        _give_up(str(error))
    parsed = parse_event(text)
    if not isinstance(parsed, dict):
        _give_up(f"{event}: {parsed.reason}")
    try:
        explanation = loaded.explain(parsed, rule)
    except KeyError:
        _give_up(f"{ruleset}: no rule has the id {rule!r}")
    if fired:
        explanation = replace(explanation, rules=tuple(each for each in explanation.rules if each.fired))
    print(json.dumps(explanation.to_dict(), indent=2, ensure_ascii=False) if as_json else explanation)


@rules.command("run")
def run_command(
    ruleset: RulesFile,
    events: Annotated[
        str,
        typer.Argument(
            metavar="EVENTS",
            help="NDJSON, a JSON array, or CSV with a header; also .gz and .zip; - is standard input.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write decisions here instead of to standard output.", show_default=False
        ),
    ] = None,
    input_format: Annotated[
        Format,
        typer.Option("--format", help="Of the events; auto tells it from the name or the first bytes."),
    ] = Format.auto,
    null: Annotated[
        list[str] | None,
        typer.Option(
            help="CSV: this text means a missing value, as an empty cell does; repeatable.",
            show_default=False,
        ),
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="COLUMN=TYPE",
            help=f"CSV: a column is a {', '.join(TYPES)}; repeatable. By default the ruleset tells.",
            show_default=False,
        ),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="CSV: what stands between values.", show_default="comma; tab for .tsv")
    ] = None,
    backend: BackendOption = None,
    errors: Annotated[
        Errors, typer.Option(help="What a bad record does: give an error record and go on, or end the run.")
    ] = Errors.record,
    max_record_bytes: Annotated[
        int, typer.Option(min=1, help="A longer record is bad; bounds the memory that is used.")
    ] = 1 << 24,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no summary.")] = False,
) -> None:
    """Decide on every event of a file: one line of JSON each, in order, with the number of its line.

    A bad record gives an error record in its place. The status is 0 if all went well, 1 if there were bad
    records, 2 if the run could not start.
    """
    loaded = _load(ruleset, backend)
    if delimiter is not None and len(delimiter.encode()) != 1:
        _give_up(f"--delimiter: one ASCII character, not {delimiter!r}")
    columns = Columns(loaded.fields, _types(types or []), null or ())
    summary = Summary()

    def carry_out() -> None:
        with Source(events) as source, Shield() as shield, Output(output) as sink:
            batches = _batches(source, input_format.value, columns, delimiter, max_record_bytes)
            # a bar and decisions on the same terminal would spoil one another
            visible = not quiet and (output is not None or not sys.stdout.isatty())
            with reporting(source, enabled=visible) as progress:
                run(loaded, batches, sink, shield, summary, stop=errors is Errors.stop, progress=progress)
            sink.finish()

    status = _status_of(carry_out, summary)
    if not quiet and status not in (CANNOT_START, BROKEN_PIPE):
        print(report.summary(loaded, summary), file=sys.stderr)
    raise typer.Exit(status)


def _status_of(carry_out: Callable[[], None], summary: Summary) -> int:
    """Does the work and tells people, in one line, if it ended early."""
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
        _say(str(error), error)
        return BAD_RECORDS if summary.records else CANNOT_START
    return BAD_RECORDS if summary.errors else 0


def _batches(
    source: Source, chosen: str, columns: Columns, delimiter: str | None, limit: int
) -> Iterator[Batch]:
    kind = source.format() if chosen == "auto" else chosen
    if kind == "csv":
        return read_csv(source.chunks(), columns, delimiter=delimiter or source.delimiter(), limit=limit)
    return (read_json if kind == "json" else read_ndjson)(source.chunks(), limit=limit)


def _types(given: list[str]) -> dict[str, str]:
    """Columns and their types, from `COLUMN=TYPE`."""
    types = {}
    for text in given:
        column, _, kind = text.rpartition("=")
        if not column or kind not in TYPES:
            _give_up(f"--type: COLUMN=TYPE with a type of {', '.join(TYPES)}, not {text!r}")
        types[column] = kind
    return types


def _name(backend: Backend | None) -> str | None:
    return None if backend is None else backend.value


def _load(file: Path, backend: Backend | None) -> RuleSet:
    try:
        return RuleSet.from_file(file, backend=_name(backend))
    except (RuleSetError, OSError, ImportError) as error:
        for line in report.load_errors(file, error):
            _say(line)
        raise typer.Exit(CANNOT_START) from None


def _say(text: str, error: BaseException | None = None) -> None:
    print("; ".join([f"fastcore: {text}", *getattr(error, "__notes__", ())]), file=sys.stderr)


def _give_up(text: str) -> NoReturn:
    _say(text)
    raise typer.Exit(CANNOT_START)


def _close_standard_output() -> None:
    """Nobody reads it any more; without this the interpreter would complain when it flushes at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
