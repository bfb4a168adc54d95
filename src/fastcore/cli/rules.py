"""``fastcore rules``: check, test, explain and compare rulesets, and run them over files of events."""

import json
import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fastcore.errors import RuleSetError
from fastcore.rules import RuleSet
from fastcore.rules.examples import run_example

from . import report
from .compare import Comparison, compare
from .options import (
    BAD_RECORDS,
    BROKEN_PIPE,
    CANNOT_START,
    CHANGED,
    BackendOption,
    BytesOption,
    DelimiterOption,
    EventsFile,
    Format,
    FormatOption,
    NullOption,
    QuietOption,
    RegexOption,
    RulesFile,
    TypeOption,
    batches_of,
    columns_of,
    ended,
    give_up,
    load,
    named,
)
from .output import Output, Shield
from .progress import counting, reporting
from .readers import parse_event
from .run import Summary, run
from .sources import Source, SourceError

__all__ = ["rules"]

rules = typer.Typer(
    help="Check, test, explain and compare rulesets, and run them over files of events.", no_args_is_help=True
)


class Errors(StrEnum):
    record = "record"
    stop = "stop"


Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Rulesets: .json, .yaml, .yml or .toml.")
]
OldFile = Annotated[Path, typer.Argument(metavar="OLD", help="The ruleset as it was.")]
NewFile = Annotated[Path, typer.Argument(metavar="NEW", help="The ruleset as it is to be.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")]
FailOption = Annotated[
    bool, typer.Option("--fail-on-change", help=f"Exit with {CHANGED} if there is any difference.")
]


@rules.command()
def check(files: Files, allow_regex: RegexOption = False) -> None:
    """Report every error of rulesets with its path, and what is hardly meant; exit with 1 on errors."""
    bad = False
    for file in files:
        try:
            ruleset = RuleSet.from_file(file, allow_regex=allow_regex)
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
def run_examples(
    files: Files,
    backend: BackendOption = None,
    allow_regex: RegexOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run the examples in rulesets, and explain those that fail; exit with 1 if any does."""
    failed = 0
    for file in files:
        try:
            ruleset = RuleSet.from_file(file, backend=named(backend), allow_regex=allow_regex)
        except (RuleSetError, OSError, ImportError) as error:
            failed += 1
            for line in report.load_errors(file, error):
                print(line)
            continue
        failed += _run_examples(file, ruleset, quiet)
    raise typer.Exit(1 if failed else 0)


def _run_examples(file: Path, ruleset: RuleSet, quiet: bool) -> int:
    """Prints the examples of one ruleset that fail, as they do; returns how many."""
    examples = ruleset.examples
    failed = 0
    fired: set[str] = set()
    with counting(len(examples), f"{file}", enabled=not quiet) as progress:
        for number, example in enumerate(examples, 1):
            result = run_example(ruleset, example)
            if result.decision is not None:
                fired.update(result.decision.matched)
            if not result.passed:
                failed += 1
                print(f"{file}: {report.failure(ruleset, result, example)}", flush=True)
            progress(number)
    print(f"{file}: {len(examples)} examples, {failed} failed")
    silent = [rule.id for rule in ruleset.rules if rule.enabled and rule.id not in fired]
    if silent and examples and not quiet:
        print(f"{file}: no example fires {report.some(silent)}", file=sys.stderr)
    return failed


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
    allow_regex: RegexOption = False,
) -> None:
    """Show why rules fire for an event, or do not: each condition, its value and the fields it reads."""
    loaded = load(ruleset, allow_regex=allow_regex)
    try:
        with Source(event) as source:
            text = b"".join(source.chunks())
    except SourceError as error:
        give_up(str(error))
    parsed = parse_event(text)
    if not isinstance(parsed, dict):
        give_up(f"{event}: {parsed.reason}")
    try:
        explanation = loaded.explain(parsed, rule)
    except KeyError:
        give_up(f"{ruleset}: no rule has the id {rule!r}")
    if fired:
        explanation = replace(explanation, rules=tuple(each for each in explanation.rules if each.fired))
    print(json.dumps(explanation.to_dict(), indent=2, ensure_ascii=False) if as_json else explanation)


@rules.command("run")
def run_command(
    ruleset: RulesFile,
    events: EventsFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write decisions here instead of to standard output.", show_default=False
        ),
    ] = None,
    input_format: FormatOption = Format.auto,
    null: NullOption = None,
    types: TypeOption = None,
    delimiter: DelimiterOption = None,
    backend: BackendOption = None,
    allow_regex: RegexOption = False,
    errors: Annotated[
        Errors, typer.Option(help="What a bad record does: give an error record and go on, or end the run.")
    ] = Errors.record,
    max_record_bytes: BytesOption = 1 << 24,
    quiet: QuietOption = False,
) -> None:
    """Decide on every event of a file: one line of JSON each, in order, with the number of its line.

    A bad record gives an error record in its place. The status is 0 if all went well, 1 if there were bad
    records, 2 if the run could not start.
    """
    loaded = load(ruleset, backend, allow_regex=allow_regex)
    columns = columns_of(loaded.fields, types, null, delimiter)
    summary = Summary()

    def carry_out() -> None:
        with Source(events) as source, Shield() as shield, Output(output) as sink:
            batches = batches_of(source, input_format, columns, delimiter, max_record_bytes)
            # a bar and decisions on the same terminal would spoil one another
            visible = not quiet and (output is not None or not sys.stdout.isatty())
            with reporting(source, enabled=visible) as progress:
                run(loaded, batches, sink, shield, summary, stop=errors is Errors.stop, progress=progress)
            sink.finish()

    status = ended(carry_out, lambda: summary.records) or (BAD_RECORDS if summary.errors else 0)
    if not quiet and status not in (CANNOT_START, BROKEN_PIPE):
        print(report.summary(loaded, summary), file=sys.stderr)
    raise typer.Exit(status)


@rules.command("compare")
def compare_command(
    old: OldFile,
    new: NewFile,
    events: EventsFile,
    samples: Annotated[int, typer.Option(min=0, help="Show so many of the events that change.")] = 10,
    as_json: JsonOption = False,
    fail_on_change: FailOption = False,
    input_format: FormatOption = Format.auto,
    null: NullOption = None,
    types: TypeOption = None,
    delimiter: DelimiterOption = None,
    backend: BackendOption = None,
    allow_regex: RegexOption = False,
    max_record_bytes: BytesOption = 1 << 24,
    quiet: QuietOption = False,
) -> None:
    """Decide on every event of a file with two rulesets, and show what the new one changes.

    The status is 0 if all went well, 1 if there were bad records, 2 if the run could not start, 3 if
    something changes and --fail-on-change is given.
    """
    before, after = (load(file, backend, allow_regex=allow_regex) for file in (old, new))
    fields = {path: set(kinds) for path, kinds in before.fields.items()}
    for path, kinds in after.fields.items():
        fields.setdefault(path, set()).update(kinds)
    columns = columns_of(fields, types, null, delimiter)
    comparison = Comparison(before, after, samples)

    def carry_out() -> None:
        with Source(events) as source:
            batches = batches_of(source, input_format, columns, delimiter, max_record_bytes)
            with reporting(source, enabled=not quiet) as progress:
                compare(comparison, batches, progress=progress)

    status = ended(carry_out, lambda: comparison.records) or (BAD_RECORDS if comparison.bad else 0)
    if status == CANNOT_START:
        raise typer.Exit(status)
    shown = json.dumps(comparison.to_dict(), indent=2) if as_json else report.comparison(comparison)
    status = ended(lambda: print(shown, flush=True), lambda: 1) or status
    if not quiet:
        print(report.speed(comparison.records, comparison.seconds, before.backend), file=sys.stderr)
    raise typer.Exit(status or (CHANGED if fail_on_change and comparison.changed else 0))


@rules.command()
def diff(
    old: OldFile,
    new: NewFile,
    as_json: JsonOption = False,
    fail_on_change: FailOption = False,
    allow_regex: RegexOption = False,
) -> None:
    """Show what changes from one ruleset to another: rules, their keys and order, lists and settings."""
    before, after = (load(file, allow_regex=allow_regex) for file in (old, new))
    found = before.diff(after)
    print(json.dumps(found.to_dict(), indent=2) if as_json else found)
    raise typer.Exit(CHANGED if fail_on_change and found else 0)
