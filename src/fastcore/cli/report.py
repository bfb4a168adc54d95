"""What the commands tell people."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from fastcore.errors import RuleSetError
from fastcore.rules import ExampleResult, RuleSet

from .run import Summary

__all__ = ["describe", "failure", "load_errors", "summary"]


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


def _explanation(ruleset: RuleSet, example: dict[str, Any], rule: str) -> Iterable[str]:
    now = datetime.fromisoformat(example["now"]) if "now" in example else None
    return ruleset.explain(example["event"], rule, now=now).rules[0].lines()


def summary(ruleset: RuleSet, found: Summary) -> str:
    """What a run came to: records, errors, actions, rules, speed."""
    lines = [
        f"records   {found.records:,}",
        f"errors    {found.errors:,}",
        f"time      {found.seconds:.2f} s, {found.rate:,.0f} records per second, {ruleset.backend} backend",
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
