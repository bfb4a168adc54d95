"""Why rules did or did not fire: each condition with its value and the fields that it read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from fastcore.errors import LimitError

from .decision import to_json
from .describe import describe
from .document import CheckedDocument, Rule
from .language import Tree, branches, field_name
from .observe import Seen, shown_value

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["ExplainedCondition", "ExplainedField", "ExplainedRule", "Explanation", "explain"]

WORDS: Final = {True: "true", False: "false", None: "unknown"}
MARKS: Final = {True: "✓", False: "✗", None: "?"}


@dataclass(slots=True)
class _Room:
    """How many bytes an explanation may still take as JSON."""

    limit: int
    left: int

    def take(self, value: dict[str, Any]) -> None:
        """Takes what this value needs.

        Raises:
            LimitError: that much is not left.
        """
        self.left -= len(to_json(value))
        if self.left < 0:
            raise LimitError(f"the explanation takes more than {self.limit} bytes")


class _Value:
    """Compares, hashes and shows itself by its public attributes, some of which are made when asked for."""

    __slots__ = ()
    PUBLIC: ClassVar[tuple[str, ...]]

    def _content(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.PUBLIC)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.PUBLIC)
        return f"{type(self).__name__}({shown})"


@dataclass(frozen=True, slots=True)
class ExplainedField:
    """A field that a condition read: `present` says whether the event has it, `value` is JSON-able."""

    name: str
    present: bool
    value: Any

    def text(self) -> str:
        return f"{self.name} = {to_json(self.value).decode()}" if self.present else f"{self.name} is missing"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExplainedCondition(_Value):
    """One condition of a rule.

    What the event decided was noted when it was evaluated; names and texts are made when they are asked for.

    Attributes:
        path: where it stands, below the rule: ``when.and[1]``.
        operator: its outermost operator.
        text: the condition as an analyst would write it.
        value: True, False, or None for unknown.
        fields: those that it read, those of its parts too.
        reason: of an unknown condition, why.
        parts: the conditions that it consists of.
    """

    PUBLIC: ClassVar[tuple[str, ...]] = ("path", "operator", "text", "value", "fields", "reason", "parts")

    path: str
    _tree: Tree
    _seen: Seen

    @property
    def operator(self) -> str:
        operator: str = self._tree[0]
        return operator

    @property
    def text(self) -> str:
        return describe(self._tree)

    @property
    def value(self) -> bool | None:
        return self._seen[0]

    @property
    def reason(self) -> str:
        return self._seen[2]

    @property
    def fields(self) -> tuple[ExplainedField, ...]:
        found: dict[str, ExplainedField] = {}
        pending = [self._seen]
        while pending:
            _, facts, _, parts, _ = pending.pop()
            pending.extend(reversed(parts))
            for keys, present, value in facts:
                name = field_name(keys)
                found[name] = ExplainedField(name, present, shown_value(value))
        return tuple(found.values())

    @property
    def parts(self) -> tuple["ExplainedCondition", ...]:
        _, _, _, parts, steps = self._seen
        if not steps:
            name = f".{self._tree[0]}"
            steps = [name] if len(parts) == 1 else [f"{name}[{index}]" for index in range(len(parts))]
        return tuple(
            ExplainedCondition(self.path + step, tree, seen)
            for step, tree, seen in zip(steps, branches(self._tree) if parts else (), parts, strict=True)
        )

    def to_dict(self, room: _Room | None = None) -> dict[str, Any]:
        own = {
            "path": self.path,
            "condition": self.text,
            "value": WORDS[self.value],
            "fields": [{"field": f.name, "present": f.present, "value": f.value} for f in self.fields],
            "reason": self.reason,
        }
        if room is not None:
            room.take(own)
        return own | {"parts": [part.to_dict(room) for part in self.parts]}

    def lines(self, indent: int) -> Iterator[str]:
        """The text rendering, one line for each condition."""
        line = f"{'  ' * indent}{MARKS[self.value]} {self.text}"
        parts = self.parts
        if parts:
            yield line
            for part in parts:
                yield from part.lines(indent + 1)
            return
        facts = ", ".join(field.text() for field in self.fields)
        yield f"{line}   [{facts}]" if facts else line


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExplainedRule(_Value):
    """One rule: whether it fired, why or why not, and its condition.

    Attributes:
        rule: the rule.
        fired: whether it fired.
        why: the conditions that made it false, why it is unknown, or why it does not take part.
        condition: with its parts; None where the rule does not take part.
    """

    PUBLIC: ClassVar[tuple[str, ...]] = ("rule", "fired", "why", "condition")

    rule: Rule
    _tree: Tree
    _seen: Seen | None
    _why: str

    @property
    def fired(self) -> bool:
        return self._seen is not None and self._seen[0] is True

    @property
    def why(self) -> str:
        if self._why or self._seen is None:
            return self._why
        value, _, reason, _, _ = self._seen
        if value is None:
            return f"undecided: {reason}"
        if value:
            return "its condition is true"
        return "because " + "; ".join(_decisive(self._tree, self._seen)) + " is false"

    @property
    def condition(self) -> ExplainedCondition | None:
        return None if self._seen is None else ExplainedCondition("when", self._tree, self._seen)

    def to_dict(self, room: _Room | None = None) -> dict[str, Any]:
        condition = self.condition
        own = {
            "rule": self.rule.id,
            "description": self.rule.description,
            "score": self.rule.score,
            "action": self.rule.action,
            "fired": self.fired,
            "value": WORDS[condition.value] if condition else None,
            "why": self.why,
        }
        if room is not None:
            room.take(own)
        return own | {"condition": condition.to_dict(room) if condition else None}

    def to_json(self, max_bytes: int | None = None) -> bytes:
        """The same as compact UTF-8 JSON; parameters and errors as those of ``Explanation.to_dict``."""
        return to_json(self.to_dict(None if max_bytes is None else _Room(max_bytes, max_bytes)))

    def lines(self) -> Iterator[str]:
        title = f"{self.rule.id}: {'FIRED' if self.fired else 'did not fire'}"
        yield f"{title} - {self.rule.description}" if self.rule.description else title
        yield f"  {self.why}"
        condition = self.condition
        if condition:
            yield from condition.lines(1)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The rules of a ruleset, explained for one event, in the order of evaluation."""

    ruleset: str
    version: str
    rules: tuple[ExplainedRule, ...]

    def to_dict(self, max_bytes: int | None = None) -> dict[str, Any]:
        """The same as plain JSON values.

        Parameters:
            max_bytes: how many bytes they may take as JSON, about: a short rule can read a long field, and
                each condition repeats what its parts have read.

        Raises:
            LimitError: they take more; found out before the rest is made.
        """
        room = None if max_bytes is None else _Room(max_bytes, max_bytes)
        rules = [rule.to_dict(room) for rule in self.rules]
        return {"ruleset": self.ruleset, "version": self.version, "rules": rules}

    def to_json(self, max_bytes: int | None = None) -> bytes:
        """The same as compact UTF-8 JSON; parameters and errors as `to_dict`."""
        return to_json(self.to_dict(max_bytes))

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
        explained = [_explain_rule(checked, index, engine, event, now) for index in range(len(checked.rules))]
        return Explanation(checked.name, checked.version, tuple(explained))
    if rule not in checked.index:
        raise KeyError(f"no rule has the id {rule!r}")
    only = _explain_rule(checked, checked.index[rule], engine, event, now)
    return Explanation(checked.name, checked.version, (only,))


def _explain_rule(
    checked: CheckedDocument, index: int, engine: "Engine", event: Any, now: datetime
) -> ExplainedRule:
    rule, tree = checked.rules[index], checked.trees[index]
    if not rule.enabled:
        return ExplainedRule(rule, tree, None, "the rule is disabled")
    if rule.valid_from is not None and now < rule.valid_from:
        return ExplainedRule(rule, tree, None, f"the rule is valid from {rule.valid_from.isoformat()}")
    if rule.valid_until is not None and rule.valid_until <= now:
        return ExplainedRule(rule, tree, None, f"the rule was valid until {rule.valid_until.isoformat()}")
    seen, problem = engine.explain(checked, index, event, now)
    return ExplainedRule(rule, tree, seen, problem)


def _decisive(tree: Tree, seen: Seen) -> Iterator[str]:
    """The conditions that made a false one false."""
    if tree[0] not in ("and", "or"):
        yield describe(tree)
        return
    for branch, part in zip(branches(tree), seen[3], strict=True):
        if part[0] is False:
            yield from _decisive(branch, part)
