"""What the commands tell people."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from fastcore.errors import RuleSetError
from fastcore.rules import Decision, ExampleResult, RuleSet

from .compare import Comparison, Sample, action
from .run import Summary

__all__ = ["comparison", "describe", "failure", "load_errors", "some", "speed", "summary"]

NAMED = 20
SIGNS = {"fires": "+", "stops": "-", "counts": "~"}


def load_errors(file: Path, error: Exception) -> Iterator[str]:
    """One line for each reason why a ruleset cannot be loaded, with its path in the document."""
    if not isinstance(error, RuleSetError):
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield f"{file}: {reason.removeprefix(f'{file.name}: ')}"
        return
    for path, message in error.errors:
        where = path.removeprefix(file.name).removeprefix(": ")
        yield f"{file}: {where}: {message}" if where else f"{file}: {message}"


def describe(ruleset: RuleSet) -> str:
    """One line about a ruleset."""
    counts = (len(ruleset), "rule"), (len(ruleset.fields), "field"), (len(ruleset.examples), "example")
    sizes = ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counts)
    return f"{ruleset.name} {ruleset.version}, {sizes}"


def failure(ruleset: RuleSet, result: ExampleResult, example: dict[str, Any]) -> str:
    """An example that failed: what was expected, and why the rules concerned did what they did."""
    lines = [f"{result.path}: {result.description}".rstrip(" :")]
    lines += [f"  {problem}" for problem in result.problems]
    if result.decision is not None and not _concerned(result, example["expect"]):
        lines += [f"    {line}" for line in _scores(ruleset, result.decision)]
    for rule in _concerned(result, example["expect"]):
        lines += [f"    {line}" for line in _explanation(ruleset, example, rule)]
    return "\n".join(lines)


def _concerned(result: ExampleResult, expect: dict[str, Any]) -> list[str]:
    """The rules that did the opposite of what an example expects."""
    fired = set(result.decision.matched) if result.decision else set()
    wrong = [rule for rule in expect.get("fires", ()) if rule not in fired]
    wrong += [rule for rule in expect.get("not_fires", ()) if rule in fired]
    if "matched" in expect:
        wrong += sorted(fired.symmetric_difference(expect["matched"]))
    return list(dict.fromkeys(wrong))


def _scores(ruleset: RuleSet, decision: Decision) -> Iterator[str]:
    """What made a decision, for who expected another score or action."""
    if not decision.matched:
        yield "no rule fired"
    rules = {rule.id: rule for rule in ruleset.rules}
    for identity in decision.matched:
        rule = rules[identity]
        yield f"{identity} fired: score {rule.score}" + (f", action {rule.action}" if rule.action else "")


def _explanation(ruleset: RuleSet, example: dict[str, Any], rule: str) -> Iterable[str]:
    now = datetime.fromisoformat(example["now"]) if "now" in example else None
    return ruleset.explain(example["event"], rule, now=now).rules[0].lines()


def summary(ruleset: RuleSet, found: Summary) -> str:
    """What a run came to: records, errors, actions, rules, speed."""
    lines = [
        f"records   {found.records:,}",
        f"errors    {found.errors:,}",
        speed(found.records, found.seconds, ruleset.backend),
    ]
    actions = [(action or "(none)", count) for action, count in found.actions.most_common()]
    if actions:
        lines += ["", "decisions", *_table(actions, found.records)]
    fired = sorted(found.rules.items(), key=lambda item: (-item[1], item[0]))
    if fired:
        lines += ["", "rules that fired", *_table(fired, found.records)]
    silent = [rule.id for rule in ruleset.rules if rule.enabled and rule.id not in found.rules]
    if silent and found.records:
        lines += ["", f"never fired: {', '.join(silent)}"]
    return "\n".join(lines)


def _table(counts: list[tuple[str, int]], total: int) -> Iterator[str]:
    width = max(len(name) for name, _ in counts)
    digits = max(len(f"{count:,}") for _, count in counts)
    for name, count in counts:
        yield f"  {name:<{width}}  {count:>{digits},}  {count / total:7.2%}"


def speed(records: int, seconds: float, backend: str) -> str:
    """How long a run took."""
    rate = records / seconds if seconds else 0.0
    return f"time      {seconds:.2f} s, {rate:,.0f} records per second, {backend} backend"


def some(names: list[str]) -> str:
    """Names, of many only the first."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def comparison(found: Comparison) -> str:
    """What a shadow run came to: how many decisions change, actions, scores, rules, and samples."""
    old, new = found.old, found.new
    share = f"  {found.changed / found.records:.2%}" if found.records else ""
    lines = [
        f"{old.name} {old.version} → {new.name} {new.version}",
        "",
        f"records   {found.records:,}",
        f"bad       {found.bad:,}",
        f"changed   {found.changed:,}{share}",
    ]
    if any(found.failed):
        lines.append(f"failed    {found.failed[0]:,} → {found.failed[1]:,}")
    if found.scored:
        spread = f"min {found.least:+g}, mean {found.mean:+g}, max {found.most:+g}"
        lines.append(f"scores    {found.scored:,} changed: {spread}")
    actions = [(f"{before} → {after}", count) for (before, after), count in found.actions.most_common()]
    if actions:
        lines += ["", "actions", *_table(actions, found.records)]
    if rules := found.changed_rules():
        lines += ["", *_columns(["rule", "before", "after", "fires", "stops"], rules)]
    if found.samples:
        lines += ["", f"the first {len(found.samples):,} of {found.changed:,} events that change"]
        lines += [line for sample in found.samples for line in _sample(sample)]
    return "\n".join(lines)


def _columns(titles: list[str], rows: list[tuple[str, list[int]]]) -> Iterator[str]:
    cells = [titles, *([name, *(f"{count:,}" for count in counts)] for name, counts in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(titles))]
    for name, *counts in cells:
        rest = "".join(f"  {count:>{width}}" for count, width in zip(counts, widths[1:], strict=True))
        yield f"  {name:<{widths[0]}}{rest}"


def _sample(sample: Sample) -> Iterator[str]:
    before, after = sample.before, sample.after
    scores = (
        f"score {before.score} → {after.score}" if before.score != after.score else f"score {after.score}"
    )
    actions = action(before), action(after)
    shown = " → ".join(actions) if actions[0] != actions[1] else actions[0]
    yield f"  line {sample.line}: {shown}, {scores}"
    for decision in (before, after):
        if decision.failed:
            yield f"    {decision.errors[0].message}"
    for rule in sample.rules:
        if rule.effect == "counts":
            yield f"    ~ {rule.rule} fires as before, and counts otherwise"
            continue
        was, now = rule.before or "no such rule", rule.after or "no such rule"
        yield f"    {SIGNS[rule.effect]} {rule.rule}: was: {was}; is: {now}"
