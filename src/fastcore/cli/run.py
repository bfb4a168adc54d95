"""Decisions on many events: batches in, lines of JSON out, and the sums."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastcore.rules import Decision, RuleSet

from .output import Output, Shield
from .readers import BadRecord, Batch

__all__ = ["StoppedError", "Summary", "run"]


@dataclass(slots=True)
class Summary:
    """What happened in a run.

    Attributes:
        records: how many were read, bad ones included.
        errors: how many of them gave an error record.
        actions: decisions per action; None is a decision without one.
        rules: how often each rule fired.
        seconds: from the first read to the last write.
    """

    records: int = 0
    errors: int = 0
    actions: Counter[str | None] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Records per second."""
        return self.records / self.seconds if self.seconds else 0.0


class StoppedError(Exception):
    """A bad record ended the run, as asked; the message names it."""


def run(
    ruleset: RuleSet,
    batches: Iterable[Batch],
    output: Output,
    shield: Shield,
    summary: Summary,
    *,
    stop: bool,
    progress: Callable[[int], None],
) -> None:
    """Writes one line for each record, in order: a decision, or what is wrong with the record.

    Parameters:
        ruleset: decides; all events are evaluated as of one moment.
        batches: of numbered records.
        output: takes the lines.
        shield: keeps Ctrl-C from cutting a line in two.
        summary: is kept up to date, so that it tells what is written whenever the run ends.
        stop: end behind the first bad record.
        progress: called after each batch with the number of records so far.

    Raises:
        StoppedError: a record is bad and `stop` is true.
    """
    now = datetime.now(UTC)
    started = time.perf_counter()
    try:
        for batch in batches:
            answers = _decide(ruleset, batch, now)
            if stop:
                answers = _until_error(answers)
            with shield.writing():
                output.write(b"".join([_line(number, answer) for number, answer in answers]))
                _count(summary, answers)
            progress(summary.records)
            if stop and summary.errors:
                number, bad = answers[-1]
                raise StoppedError(f"line {number}: {_reason(bad)}")
    finally:
        summary.seconds = time.perf_counter() - started


Answers = list[tuple[int, Decision | BadRecord]]


def _decide(ruleset: RuleSet, batch: Batch, now: datetime) -> Answers:
    decided = iter(ruleset.evaluate_many([event for _, event in batch if isinstance(event, dict)], now=now))
    return [(number, next(decided) if isinstance(event, dict) else event) for number, event in batch]


def _is_error(answer: Decision | BadRecord) -> bool:
    return isinstance(answer, BadRecord) or (bool(answer.errors) and answer.failed)


def _until_error(answers: Answers) -> Answers:
    end = next((index for index, (_, answer) in enumerate(answers, 1) if _is_error(answer)), len(answers))
    return answers[:end]


def _count(summary: Summary, answers: Answers) -> None:
    summary.records += len(answers)
    for _, answer in answers:
        if isinstance(answer, BadRecord) or (answer.errors and answer.failed):
            summary.errors += 1
        else:
            summary.actions[answer.action] += 1
            summary.rules.update(answer.matched)


def _line(number: int, answer: Decision | BadRecord) -> bytes:
    if not _is_error(answer):
        assert isinstance(answer, Decision)
        return b'{"line":%d,%b\n' % (number, answer.to_json()[1:])
    error: dict[str, object]
    if isinstance(answer, BadRecord):
        error = {"code": "event", "message": answer.reason}
        if answer.text:
            error["text"] = answer.text
    else:
        error = answer.errors[0].to_dict()
    return json.dumps({"line": number, "error": error}, separators=(",", ":")).encode("ascii") + b"\n"


def _reason(answer: Decision | BadRecord) -> str:
    return answer.reason if isinstance(answer, BadRecord) else answer.errors[0].message
