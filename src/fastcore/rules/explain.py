"""Why rules did or did not fire: each condition with its value and the fields that it read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from .blame import blame
from .decision import to_json
from .describe import describe, plain_value
from .document import CheckedDocument, Rule
from .language import Tree, branches, field_name, scoped

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["ExplainedCondition", "ExplainedField", "ExplainedRule", "Explanation", "explain"]

LOGICAL: Final = frozenset({"and", "or", "!", "!!", "if"})
WORDS: Final = {True: "true", False: "false", None: "unknown"}
MARKS: Final = {True: "✓", False: "✗", None: "?"}


@dataclass(frozen=True, slots=True)
class ExplainedField:
    """A field that a condition read: `present` says whether the event has it, `value` is JSON-able."""

    name: str
    present: bool
    value: Any

    def text(self) -> str:
        return f"{self.name} = {to_json(self.value).decode()}" if self.present else f"{self.name} is missing"


@dataclass(frozen=True, slots=True)
class ExplainedCondition:
    """One condition of a rule.

    Attributes:
        path: where it stands, below the rule: ``when.and[1]``.
        operator: its outermost operator.
        text: the condition as an analyst would write it.
        value: True, False, or None for unknown.
        fields: those that it read, those of its parts too.
        reason: of an unknown condition, why.
        parts: the conditions that it consists of.
    """

    path: str
    operator: str
    text: str
    value: bool | None
    fields: tuple[ExplainedField, ...]
    reason: str
    parts: tuple["ExplainedCondition", ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "condition": self.text,
            "value": WORDS[self.value],
            "fields": [{"field": f.name, "present": f.present, "value": f.value} for f in self.fields],
            "reason": self.reason,
            "parts": [part.to_dict() for part in self.parts],
        }

    def lines(self, indent: int) -> Iterator[str]:
        """The text rendering, one line for each condition."""
        line = f"{'  ' * indent}{MARKS[self.value]} {self.text}"
        if self.parts:
            yield line
            for part in self.parts:
                yield from part.lines(indent + 1)
            return
        facts = ", ".join(field.text() for field in self.fields)
        yield f"{line}   [{facts}]" if facts else line


@dataclass(frozen=True, slots=True)
class ExplainedRule:
    """One rule: whether it fired, why or why not, and its condition."""

    rule: Rule
    fired: bool
    why: str
    condition: ExplainedCondition | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule.id,
            "description": self.rule.description,
            "score": self.rule.score,
            "action": self.rule.action,
            "fired": self.fired,
            "value": WORDS[self.condition.value] if self.condition else None,
            "why": self.why,
            "condition": self.condition.to_dict() if self.condition else None,
        }

    def lines(self) -> Iterator[str]:
        title = f"{self.rule.id}: {'FIRED' if self.fired else 'did not fire'}"
        yield f"{title} - {self.rule.description}" if self.rule.description else title
        yield f"  {self.why}"
        if self.condition:
            yield from self.condition.lines(1)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The rules of a ruleset, explained for one event, in the order of evaluation."""

    ruleset: str
    version: str
    rules: tuple[ExplainedRule, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        rules = [rule.to_dict() for rule in self.rules]
        return {"ruleset": self.ruleset, "version": self.version, "rules": rules}

    def to_json(self) -> bytes:
        """The same as compact UTF-8 JSON."""
        return to_json(self.to_dict())

    def text(self) -> str:
        """A rendering to read: ✓ true, ✗ false, ? unknown, each condition with the fields it read."""
        head = f"ruleset {self.ruleset}, version {self.version}"
        return "\n\n".join([head, *("\n".join(rule.lines()) for rule in self.rules)])

    def __str__(self) -> str:
        return self.text()


def explain(
    checked: CheckedDocument, engine: "Engine", event: Any, now: datetime, rule: str | None
) -> Explanation:
    """Explains one rule or all; errors as `RuleSet.explain`."""
    if rule is None:
        indices = list(range(len(checked.rules)))
    elif rule in checked.index:
        indices = [checked.index[rule]]
    else:
        raise KeyError(f"no rule has the id {rule!r}")
    explained = [_explain_rule(checked, index, engine, event, now) for index in indices]
    return Explanation(checked.name, checked.version, tuple(explained))


def _explain_rule(
    checked: CheckedDocument, index: int, engine: "Engine", event: Any, now: datetime
) -> ExplainedRule:
    rule = checked.rules[index]
    if not rule.enabled:
        return ExplainedRule(rule, False, "the rule is disabled", None)
    if rule.valid_from is not None and now < rule.valid_from:
        return ExplainedRule(rule, False, f"the rule is valid from {rule.valid_from.isoformat()}", None)
    if rule.valid_until is not None and rule.valid_until <= now:
        return ExplainedRule(rule, False, f"the rule was valid until {rule.valid_until.isoformat()}", None)
    condition, problem = engine.explain(checked, index, event, now)
    fired = condition.value is True
    return ExplainedRule(rule, fired, problem or _why(condition), condition)


def _why(condition: ExplainedCondition) -> str:
    if condition.value is True:
        return "its condition is true"
    if condition.value is None:
        return f"undecided: {condition.reason}"
    return "because " + "; ".join(_decisive(condition)) + " is false"


def _decisive(condition: ExplainedCondition) -> Iterator[str]:
    """The conditions that made a false one false."""
    if condition.operator in ("and", "or"):
        for part in condition.parts:
            if part.value is False:
                yield from _decisive(part)
        return
    yield condition.text


def explain_tree(tree: Tree, probe: Any, path: str) -> ExplainedCondition:
    """A condition and its parts, in the scope of the event."""
    parts: list[ExplainedCondition] = []
    if tree[0] in LOGICAL:
        name = f"{path}.{tree[0]}"
        single = len(tree) == 2
        for position, (branch, inner) in enumerate(zip(branches(tree), probe.operands(), strict=True)):
            parts.append(explain_tree(branch, inner, name if single else f"{name}[{position}]"))
    value = probe.truth()
    reason = ""
    if value is None:
        cause = blame(tree, probe)
        reason = f"{cause.field} {cause.reason}" if cause.field else cause.reason
    return ExplainedCondition(
        path, tree[0], describe(tree), value, fields_of(tree, probe), reason, tuple(parts)
    )


def fields_of(tree: Tree, probe: Any) -> tuple[ExplainedField, ...]:
    """The fields that a condition reads in the scope of the event, each once."""
    return tuple({found.name: found for found in _names(tree, probe)}.values())


def _names(tree: Tree, probe: Any) -> Iterator[ExplainedField]:
    if tree[0] in ("var", "exists"):
        present, raw = probe.raw()
        yield ExplainedField(field_name(tree[1]), present, plain_value(raw))
    parts, inner = branches(tree), probe.operands()
    for position in scoped(tree):
        yield from _names(parts[position], inner[position])
