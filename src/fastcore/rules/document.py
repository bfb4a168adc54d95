"""The document: what a ruleset is written as, and everything that can be wrong with it, all at once."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from fastcore.errors import RuleSetError

from .language import MAX_DEPTH, ConditionChecker, Tree, quote

__all__ = ["DOCUMENT_DEPTH", "POLICIES", "CheckedDocument", "Rule", "canonical", "check_document"]

POLICIES: Final = ("unknown", "jsonlogic", "error")
DOCUMENT_DEPTH: Final = 2 * MAX_DEPTH + 32
MAX_VALUES: Final = 20_000_000
MAX_NAME: Final = 200
IN_CONDITION: Final = re.compile(r"rules\[[0-9]+\]\.when\b")

Errors = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a ruleset.

    Attributes:
        id: unique in its ruleset.
        condition: the condition as canonical JSON text; `when` is the same as a value.
        score: what it adds when it fires; 0 where the document gives none.
        action: what it asks for when it fires, or None.
        priority: rules are evaluated in its descending order, then in the order of the document.
        tags, description: for people.
        enabled: whether it takes part at all.
        valid_from, valid_until: it takes part from the first moment, and until just before the second.
    """

    id: str
    condition: str
    score: int | float = 0
    action: str | None = None
    priority: int = 0
    tags: tuple[str, ...] = ()
    description: str = ""
    enabled: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def when(self) -> Any:
        """The condition, as a fresh value that the caller may change."""
        return json.loads(self.condition)


@dataclass(slots=True)
class CheckedDocument:
    """A valid document taken apart, rules in their order of evaluation.

    `index` finds a rule by its id; `positions` are the rules' places in the document.
    """

    text: bytes
    name: str
    version: str
    missing: str
    rules: tuple[Rule, ...]
    index: dict[str, int]
    positions: tuple[int, ...]
    trees: tuple[Tree, ...]
    logics: tuple[Any, ...]
    lists: dict[str, list[Any]]
    decisions: tuple[tuple[int | float, str], ...]
    default_action: str | None
    examples: tuple[dict[str, Any], ...]
    fields: dict[str, tuple[str, ...]]
    clock: bool


def canonical(value: object) -> str:
    """JSON text that is equal for equal content: keys sorted, no spaces, no needless escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def check_document(document: object) -> CheckedDocument:
    """Checks a document and takes it apart.

    Raises:
        RuleSetError: it is not valid; `errors` holds all that is wrong, each with its path.
    """
    errors: Errors = []
    plain = _Copy(errors).copy(document, "", 0)
    if not isinstance(plain, dict):
        errors.insert(0, ("", f"a ruleset is an object, not {quote(plain)}"))
        raise RuleSetError(tuple(errors))
    unreadable = dict(errors)
    checked = _Check(plain, errors).run()
    if checked is not None:
        return checked
    # what could not even be copied stands there as null; nothing more is to be said about it
    found = [(path, message) for path, message in errors if unreadable.get(path, message) == message]
    raise RuleSetError(tuple(sorted(dict.fromkeys(found), key=_reading_order)))


def _reading_order(error: tuple[str, str]) -> list[tuple[int, str]]:
    """Sorts paths by their parts, indices as the numbers they are."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", error[0])]


@dataclass(slots=True)
class _Copy:
    """Copies a document to plain JSON values, so that nobody else holds a part of it."""

    errors: Errors
    count: int = 0

    def copy(self, value: Any, path: str, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_VALUES or depth > DOCUMENT_DEPTH:
            limit = f"nested deeper than {DOCUMENT_DEPTH} levels"
            if self.count > MAX_VALUES:
                limit = f"more than {MAX_VALUES} values"
                if self.count > MAX_VALUES + 1:
                    return None
            return self._error(path, limit)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, int):
            return (
                int(value)
                if value.bit_length() < 14000
                else self._error(path, "an integer too long for JSON")
            )
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else self._error(path, f"{value} is not JSON")
        if isinstance(value, Mapping):
            return self._object(value, path, depth)
        if isinstance(value, (list, tuple)):
            return [self.copy(member, f"{path}[{index}]", depth + 1) for index, member in enumerate(value)]
        if isinstance(value, (datetime, date)):
            text = value.isoformat()
            literal = "datetime" if isinstance(value, datetime) else "date"
            return {literal: text} if IN_CONDITION.match(path) else text
        return self._error(path, f"{type(value).__name__} is not a type of JSON")

    def _object(self, value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        found = {}
        for key, member in value.items():
            if isinstance(key, str):
                found[self._text(key, path)] = self.copy(member, f"{path}.{key}" if path else key, depth + 1)
            else:
                self._error(path, f"the key {quote(key)} is not a string")
        return found

    def _text(self, value: str, path: str) -> str:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            self._error(path, "a string with a lone surrogate, which is not Unicode text")
            return ""
        return str(value)

    def _error(self, path: str, message: str) -> None:
        self.errors.append((path, message))


def text(value: object) -> str | None:
    return None if isinstance(value, str) and value else f"a non-empty string, not {quote(value)}"


def any_text(value: object) -> str | None:
    return None if isinstance(value, str) else f"a string, not {quote(value)}"


def file_name(value: object) -> str | None:
    """Names of rulesets are parts of URLs and of file names."""
    if text(value) is not None:
        return text(value)
    assert isinstance(value, str)
    if len(value) > MAX_NAME or value in (".", "..") or any(c in "/\\" or ord(c) < 32 for c in value):
        return f"at most {MAX_NAME} characters without slashes and control characters, not {quote(value)}"
    return None


def number(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"an integer or a float, not {quote(value)}"
    try:
        float(value)
    except OverflowError:
        return "a number within the range of a float"
    return None


def integer(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return None
    return f"an integer, not {quote(value)}"


def flag(value: object) -> str | None:
    return None if isinstance(value, bool) else f"true or false, not {quote(value)}"


def array(value: object) -> str | None:
    return None if isinstance(value, list) else f"an array, not {quote(value)}"


def mapping(value: object) -> str | None:
    return None if isinstance(value, dict) else f"an object, not {quote(value)}"


def texts(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return None
    return f"an array of strings, not {quote(value)}"


def policy(value: object) -> str | None:
    if isinstance(value, str) and value in POLICIES:
        return None
    return f"one of {', '.join(quote(name) for name in POLICIES)}, not {quote(value)}"


def moment(value: object) -> str | None:
    what = 'an ISO 8601 date and time with an offset, such as "2026-01-31T12:00:00Z"'
    if not isinstance(value, str) or len(value) < 11:
        return f"{what}, not {quote(value)}"
    try:
        aware = datetime.fromisoformat(value).utcoffset() is not None
    except ValueError:
        aware = False
    return None if aware else f"{what}, not {quote(value)}"


def anything(value: object) -> str | None:
    return None


def optional(check: Callable[[object], str | None]) -> Callable[[object], str | None]:
    return lambda value: None if value is None else check(value)


Shape = Mapping[str, Callable[[object], str | None]]

DOCUMENT: Final[Shape] = {
    "name": file_name,
    "version": text,
    "missing": policy,
    "description": any_text,
    "lists": mapping,
    "rules": array,
    "decisions": array,
    "default_action": optional(text),
    "examples": array,
}
RULE: Final[Shape] = {
    "id": text,
    "when": anything,
    "score": number,
    "action": text,
    "priority": integer,
    "tags": texts,
    "description": any_text,
    "enabled": flag,
    "valid_from": moment,
    "valid_until": moment,
    "examples": array,
}
DECISION: Final[Shape] = {"at_least": number, "action": text}
EXAMPLE: Final[Shape] = {"event": mapping, "expect": mapping, "description": any_text, "now": moment}
RULE_EXAMPLE: Final[Shape] = {"event": mapping, "fires": flag, "description": any_text, "now": moment}
EXPECT: Final[Shape] = {
    "matched": texts,
    "fires": texts,
    "not_fires": texts,
    "score": number,
    "action": optional(text),
}


@dataclass(slots=True)
class _Check:
    """The checks of one document, top down; what failed is None from then on."""

    document: dict[str, Any]
    errors: Errors
    ids: dict[str, int] = field(default_factory=dict)

    def run(self) -> CheckedDocument | None:
        document = self.document
        self._shape(document, "", DOCUMENT, required=("rules",))
        lists = self._lists()
        checker = ConditionChecker(lists, document.get("missing") != "jsonlogic", self.errors)
        entries = self._objects(document.get("rules"), "rules")
        for index, entry in entries:
            self._rule(entry, f"rules[{index}]", index)
        trees = [self._tree(checker, entry, f"rules[{index}].when") for index, entry in entries]
        if not math.isfinite(sum(abs(float(entry.get("score", 0))) for _, entry in entries)):
            self._error("rules", "the scores add up beyond the range of a float")
        decisions = self._decisions()
        examples = self._examples(entries)
        if self.errors:
            return None
        rules = [_rule_of(entry) for _, entry in entries]
        order = sorted(range(len(rules)), key=lambda index: -rules[index].priority)
        canonical_text = canonical(document).encode("utf-8")
        return CheckedDocument(
            text=canonical_text,
            name=document.get("name", "rules"),
            version=document.get("version") or hashlib.sha256(canonical_text).hexdigest()[:12],
            missing=document.get("missing", "unknown"),
            rules=tuple(rules[index] for index in order),
            index={rules[index].id: position for position, index in enumerate(order)},
            positions=tuple(order),
            trees=tuple(tree for tree in (trees[index] for index in order) if tree is not None),
            logics=tuple(entries[index][1]["when"] for index in order),
            lists=lists,
            decisions=decisions,
            default_action=document.get("default_action"),
            examples=examples,
            fields={path: tuple(sorted(kinds)) for path, kinds in sorted(checker.fields.items())},
            clock=checker.clock,
        )

    def _error(self, path: str, message: str) -> None:
        self.errors.append((path, message))

    def _tree(self, checker: ConditionChecker, rule: dict[str, Any], path: str) -> Tree | None:
        if "when" not in rule:
            return None
        if rule.get("enabled", True):
            return checker.check(rule["when"], path)
        fields, checker.fields = checker.fields, {}  # of rules that take part only
        tree = checker.check(rule["when"], path)
        checker.fields = fields
        return tree

    def _shape(self, value: dict[str, Any], path: str, shape: Shape, required: tuple[str, ...] = ()) -> None:
        """Checks keys and the types of their values; what is wrong is then left out."""
        for key in required:
            if key not in value:
                self._error(path, f'the key "{key}" is missing')
        for key in list(value):
            where = f"{path}.{key}" if path else key
            if key not in shape:
                self._error(where, f"unknown key; allowed are {', '.join(shape)}")
                continue
            expected = shape[key](value[key])
            if expected is not None:
                self._error(where, f"expected {expected}")
                del value[key]

    def _objects(self, values: Any, path: str) -> list[tuple[int, dict[str, Any]]]:
        found = []
        for index, value in enumerate(values or ()):
            if isinstance(value, dict):
                found.append((index, value))
            else:
                self._error(f"{path}[{index}]", f"expected an object, not {quote(value)}")
        return found

    def _lists(self) -> dict[str, list[Any]]:
        found = {}
        for name, values in self.document.get("lists", {}).items():
            path = f"lists.{name}"
            found[name] = values if isinstance(values, list) else []
            if not isinstance(values, list):
                self._error(path, f"expected an array, not {quote(values)}")
                continue
            for index, value in enumerate(values):
                if value is None:
                    self._error(f"{path}[{index}]", "null in a list: nothing ever equals it")
                elif isinstance(value, (dict, list)):
                    what = "a string, number or boolean"
                    self._error(f"{path}[{index}]", f"expected {what}, not {quote(value)}")
        return found

    def _rule(self, rule: dict[str, Any], path: str, index: int) -> None:
        self._shape(rule, path, RULE, required=("id", "when"))
        identity = rule.get("id")
        if identity is not None:
            if identity in self.ids:
                self._error(f"{path}.id", f"{quote(identity)} is also the id of rules[{self.ids[identity]}]")
            else:
                self.ids[identity] = index
        if "valid_from" in rule and "valid_until" in rule:
            first, last = (datetime.fromisoformat(rule[key]) for key in ("valid_from", "valid_until"))
            if first >= last:
                self._error(f"{path}.valid_until", "not after valid_from: the rule could never take part")

    def _decisions(self) -> tuple[tuple[int | float, str], ...]:
        found: dict[int | float, tuple[int, str]] = {}
        for index, decision in self._objects(self.document.get("decisions"), "decisions"):
            path = f"decisions[{index}]"
            self._shape(decision, path, DECISION, required=("at_least", "action"))
            if len(decision) < 2 or "at_least" not in decision or "action" not in decision:
                continue
            threshold = decision["at_least"]
            if threshold in found:
                message = f"{quote(threshold)} is also the threshold of decisions[{found[threshold][0]}]"
                self._error(f"{path}.at_least", message)
            else:
                found[threshold] = (index, decision["action"])
        return tuple((threshold, found[threshold][1]) for threshold in sorted(found, reverse=True))

    def _examples(self, rules: list[tuple[int, dict[str, Any]]]) -> tuple[dict[str, Any], ...]:
        examples = []
        for index, example in self._objects(self.document.get("examples"), "examples"):
            path = f"examples[{index}]"
            self._shape(example, path, EXAMPLE, required=("event", "expect"))
            if "expect" in example:
                self._expect(example["expect"], f"{path}.expect")
            examples.append({"path": path, **example})
        for position, rule in rules:
            where = f"rules[{position}].examples"
            for index, example in self._objects(rule.get("examples"), where):
                path = f"{where}[{index}]"
                self._shape(example, path, RULE_EXAMPLE, required=("event", "fires"))
                key = "fires" if example.get("fires") else "not_fires"
                rest = {name: member for name, member in example.items() if name != "fires"}
                examples.append({"path": path, **rest, "expect": {key: [rule.get("id", "")]}})
        return tuple(examples)

    def _expect(self, expect: dict[str, Any], path: str) -> None:
        if not expect:
            self._error(path, f"expects nothing; allowed are {', '.join(EXPECT)}")
        self._shape(expect, path, EXPECT)
        for key in ("matched", "fires", "not_fires"):
            for index, identity in enumerate(expect.get(key, ())):
                if identity not in self.ids:
                    self._error(f"{path}.{key}[{index}]", f"no rule has the id {quote(identity)}")


def _rule_of(entry: dict[str, Any]) -> Rule:
    times = {
        key: datetime.fromisoformat(entry[key]) if key in entry else None
        for key in ("valid_from", "valid_until")
    }
    return Rule(
        id=entry["id"],
        condition=canonical(entry["when"]),
        score=entry.get("score", 0),
        action=entry.get("action"),
        priority=entry.get("priority", 0),
        tags=tuple(entry.get("tags", ())),
        description=entry.get("description", ""),
        enabled=entry.get("enabled", True),
        **times,
    )
