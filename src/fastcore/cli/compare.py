"""A shadow run: two rulesets on the same events, and what the second would do otherwise."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fastcore.errors import FastcoreError
from fastcore.rules import Decision, RuleSet

from .readers import Batch

__all__ = ["Comparison", "RuleDifference", "Sample", "compare"]

EXPLAINED = 5
"""How many rules are explained for one sample."""


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """A rule that makes a decision differ.

    Attributes:
        rule: its id.
        effect: ``fires``: it fires only in the new ruleset; ``stops``: only in the old one; ``counts``: it
            fires in both, with another score, action or priority.
        before, after: why it fires or does not; None where the ruleset has no such rule.
    """

    rule: str
    effect: str
    before: str | None
    after: str | None

    def to_dict(self) -> dict[str, Any]:
        return {"rule": self.rule, "effect": self.effect, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Sample:
    """An event that is decided otherwise: its index among all records, its line, and both decisions."""

    event: int
    line: int
    before: Decision
    after: Decision
    rules: tuple[RuleDifference, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "event": self.event,
            "line": self.line,
            "before": _decided(self.before),
            "after": _decided(self.after),
            "rules": [rule.to_dict() for rule in self.rules],
        }


@dataclass(slots=True)
class Comparison:
    """What two rulesets make of the same events, in sums; its size depends on the rulesets alone.

    Attributes:
        old, new: the rulesets.
        keep: how many samples are kept: the first ones.
        records: how many were read, bad ones included.
        bad: how many of them were no events.
        failed: how many events the old and the new ruleset could not evaluate.
        changed: events of which the fired rules, the score or the action differ.
        actions: pairs of an old and a new action that differ, and how often; see `action`.
        scored: events of which the score differs; `least`, `mean`, `most` are of the differences.
        fired: for how many events each rule fired: in the old ruleset, in the new one, only in the new one,
            only in the old one.
        samples: the kept ones.
        seconds: that it took.
    """

    old: RuleSet
    new: RuleSet
    keep: int
    records: int = 0
    bad: int = 0
    failed: list[int] = field(default_factory=lambda: [0, 0])
    changed: int = 0
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    scored: int = 0
    least: int | float = math.inf
    mean: float = 0.0
    most: int | float = -math.inf
    fired: dict[str, list[int]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    seconds: float = 0.0
    _revalued: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        values = [
            {rule.id: (rule.score, rule.action, rule.priority) for rule in ruleset.rules}
            for ruleset in (self.old, self.new)
        ]
        self._revalued = frozenset(rule for rule, value in values[0].items() if values[1].get(rule) != value)

    def add(self, line: int, event: Any, before: Decision, after: Decision, now: datetime) -> None:
        """Takes one event into the sums."""
        index = self.records
        self.records += 1
        self.failed[0] += before.failed
        self.failed[1] += after.failed
        earlier, later = frozenset(before.matched), frozenset(after.matched)
        for rule in before.matched:
            counts = self._counts(rule)
            counts[0] += 1
            counts[3] += rule not in later
        for rule in after.matched:
            counts = self._counts(rule)
            counts[1] += 1
            counts[2] += rule not in earlier
        actions = action(before), action(after)
        if earlier == later and before.score == after.score and actions[0] == actions[1]:
            return
        self.changed += 1
        if actions[0] != actions[1]:
            self.actions[actions] += 1
        if before.score != after.score and not (before.failed or after.failed):
            self._score(_difference(before.score, after.score))
        if len(self.samples) < self.keep:
            self.samples.append(
                Sample(index, line, before, after, self._differences(event, before, after, now))
            )

    def _counts(self, rule: str) -> list[int]:
        counts = self.fired.get(rule)
        if counts is None:
            counts = self.fired[rule] = [0, 0, 0, 0]
        return counts

    def _score(self, difference: int | float) -> None:
        self.scored += 1
        self.least = min(self.least, difference)
        self.most = max(self.most, difference)
        self.mean += (difference - self.mean) / self.scored

    def _differences(
        self, event: Any, before: Decision, after: Decision, now: datetime
    ) -> tuple[RuleDifference, ...]:
        found = [(rule, "fires") for rule in after.matched if rule not in before.matched]
        found += [(rule, "stops") for rule in before.matched if rule not in after.matched]
        found += [
            (rule, "counts") for rule in before.matched if rule in after.matched and rule in self._revalued
        ]
        return tuple(
            RuleDifference(rule, effect, _why(self.old, rule, event, now), _why(self.new, rule, event, now))
            for rule, effect in found[:EXPLAINED]
        )

    def changed_rules(self) -> list[tuple[str, list[int]]]:
        """Rules that fire for other events, those of most events first."""
        found = [(rule, counts) for rule, counts in self.fired.items() if counts[2] or counts[3]]
        return sorted(found, key=lambda item: (-item[1][2] - item[1][3], item[0]))

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        difference = [_finite(value) for value in (self.least, self.mean, self.most)]
        return {
            "before": {"ruleset": self.old.name, "version": self.old.version},
            "after": {"ruleset": self.new.name, "version": self.new.version},
            "records": self.records,
            "bad_records": self.bad,
            "failed": {"before": self.failed[0], "after": self.failed[1]},
            "changed": self.changed,
            "actions": [
                {"before": before, "after": after, "events": count}
                for (before, after), count in self.actions.most_common()
            ],
            "scores": {
                "changed": self.scored,
                **dict(zip(("min", "mean", "max"), difference if self.scored else [None] * 3, strict=True)),
            },
            "rules": [
                {"rule": rule, **dict(zip(("before", "after", "fires", "stops"), counts, strict=True))}
                for rule, counts in self.changed_rules()
            ],
            "samples": [sample.to_dict() for sample in self.samples],
        }


def compare(comparison: Comparison, batches: Iterable[Batch], *, progress: Callable[[int], None]) -> None:
    """Evaluates both rulesets on all events, as of one moment.

    Parameters:
        comparison: is kept up to date, so that it tells of all that was read whenever the run ends.
        batches: of numbered records.
        progress: called after each batch with the number of records so far.
    """
    now = datetime.now(UTC)
    started = time.perf_counter()
    try:
        for batch in batches:
            events = [event for _, event in batch if isinstance(event, dict)]
            decided = zip(
                comparison.old.evaluate_many(events, now=now),
                comparison.new.evaluate_many(events, now=now),
                strict=True,
            )
            for line, event in batch:
                if isinstance(event, dict):
                    comparison.add(line, event, *next(decided), now)
                else:
                    comparison.records += 1
                    comparison.bad += 1
            progress(comparison.records)
    finally:
        comparison.seconds = time.perf_counter() - started


def _difference(before: int | float, after: int | float) -> int | float:
    difference = after - before
    try:
        float(difference)
    except OverflowError:
        return math.inf if difference > 0 else -math.inf
    return difference


def action(decision: Decision) -> str:
    """The action of a decision, in words where there is none."""
    return "(failed)" if decision.failed else "(none)" if decision.action is None else decision.action


def _why(ruleset: RuleSet, rule: str, event: Any, now: datetime) -> str | None:
    try:
        return ruleset.explain(event, rule, now=now).rules[0].why
    except KeyError:
        return None
    except FastcoreError as error:
        return f"could not be evaluated: {error}"


def _decided(decision: Decision) -> dict[str, Any]:
    found = {"matched": list(decision.matched), "score": decision.score, "action": decision.action}
    return {**found, "error": decision.errors[0].message} if decision.failed else found


def _finite(number: int | float) -> int | float | None:
    return number if math.isfinite(number) else None
