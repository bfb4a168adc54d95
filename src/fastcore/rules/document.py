"""The document: what a ruleset is written as, and everything that can be wrong with it, all at once."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fastcore.errors import RuleSetError

from .copying import DOCUMENT_DEPTH, NotPlainError, PlainCopy, PlainText, list_text, text_of
from .language import ConditionChecker
from .lists import NamedList, check_lists, network_lists
from .regex import library
from .shapes import DECISION, DOCUMENT, EXAMPLE, EXPECT, POLICIES, RULE, RULE_EXAMPLE, Shape
from .text import DocumentText, canonical
from .trees import Tree, quote

__all__ = ["DOCUMENT_DEPTH", "POLICIES", "CheckedDocument", "Rule", "check_document", "replace_lists"]

Errors = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule of a ruleset; equal to another by content.

    Attributes:
        id: unique in its ruleset.
        score: what it adds when it fires; 0 where the document gives none.
        action: what it asks for when it fires, or None.
        priority: rules are evaluated in its descending order, then in the order of the document.
        tags, description: for people.
        enabled: whether it takes part at all.
        valid_from, valid_until: it takes part from the first moment, and until just before the second.
    """

    _text: DocumentText = field(repr=False)
    _position: int = field(repr=False)
    id: str
    score: int | float
    action: str | None
    priority: int
    tags: tuple[str, ...]
    description: str
    enabled: bool
    valid_from: datetime | None
    valid_until: datetime | None

    @property
    def when(self) -> Any:
        """The condition, as a fresh value that the caller may change."""
        return self._text.rule(self._position)["when"]

    @property
    def condition(self) -> str:
        """The condition as canonical JSON text."""
        return canonical(self.when)

    def _content(self) -> tuple[Any, ...]:
        times = (self.valid_from, self.valid_until)
        what = (self.id, self.score, self.action, self.priority, self.tags, self.description, self.enabled)
        return (*what, *times, self.condition)

    def __eq__(self, other: object) -> bool:
        return self._content() == other._content() if isinstance(other, Rule) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._content())


@dataclass(slots=True)
class CheckedDocument:
    """A valid document taken apart, rules in their order of evaluation.

    Attributes:
        text: the canonical text.
        version: the document's, or derived from its text.
        index: finds a rule by its id.
        positions: the rules' places in the document.
        trees: the rules' conditions.
        kinds: dotted path → the types that the conditions imply, apart from those of named lists.
        readers: named list → the fields that are looked up in it.
        clock, throws: whether an enabled rule reads the time, and whether one may throw.
        allow_regex: whether `matches` was allowed.
    """

    text: DocumentText
    name: str
    version: str
    versioned: bool
    missing: str
    rules: tuple[Rule, ...]
    index: dict[str, int]
    positions: tuple[int, ...]
    trees: tuple[Tree, ...]
    lists: dict[str, NamedList]
    decisions: tuple[tuple[int | float, str], ...]
    default_action: str | None
    examples: tuple[dict[str, Any], ...]
    kinds: dict[str, set[str]]
    readers: dict[str, set[str]]
    clock: bool
    throws: bool
    allow_regex: bool

    @property
    def fields(self) -> dict[str, tuple[str, ...]]:
        """Dotted path → the types that the conditions imply."""
        found = {path: set(kinds) for path, kinds in self.kinds.items()}
        for name, paths in self.readers.items():
            for path in paths:
                found[path] |= self.lists[name].kinds
        return {path: tuple(sorted(found[path])) for path in sorted(found)}


def check_document(document: object, allow_regex: bool = False) -> CheckedDocument:
    """Checks a document and takes it apart.

    Raises:
        RuleSetError: it is not valid; `errors` holds all that is wrong, each with its path.
        ImportError: regular expressions are allowed, but google-re2 is not installed.

    Complexity: linear in the document; n log n in the rules with a priority.
    """
    if allow_regex:
        library()
    try:
        plain = PlainText(document)
        check = _Check(plain.document, [], allow_regex)
        check.run(plain.rules())
        if check.errors:
            _refuse(check.errors, {})
        return check.result(plain.text())
    except NotPlainError:
        pass
    errors: Errors = []
    copy = PlainCopy(errors).copy(document, "", 0)
    if not isinstance(copy, dict):
        errors.insert(0, ("", f"a ruleset is an object, not {quote(copy)}"))
        raise RuleSetError(tuple(errors))
    unreadable = dict(errors)
    check = _Check(copy, errors, allow_regex)
    rules = copy.get("rules")
    check.run(rules if isinstance(rules, list) else ())
    if check.errors:
        _refuse(check.errors, unreadable)
    return check.result(text_of(copy))


def _refuse(errors: Errors, unreadable: Mapping[str, str]) -> None:
    # what could not even be copied stands there as null; nothing more is to be said about it
    found = [(path, message) for path, message in errors if unreadable.get(path, message) == message]
    raise RuleSetError(tuple(sorted(dict.fromkeys(found), key=_reading_order)))


def _reading_order(error: tuple[str, str]) -> list[tuple[int, str]]:
    """Sorts paths by their parts, indices as the numbers they are."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", error[0])]


def replace_lists(checked: CheckedDocument, lists: Mapping[str, Iterable[Any]]) -> CheckedDocument:
    """The same document with other entries in some of its named lists; everything else is shared.

    Raises:
        RuleSetError: the document has no such list, or entries are not valid; all errors, with their paths.

    Complexity: linear in the new lists.
    """
    if not isinstance(lists, Mapping):
        raise TypeError(f"lists are a mapping from names to entries, not a {type(lists).__name__}")
    errors: Errors = []
    known = ", ".join(quote(name) for name in list(checked.lists)[:10]) or "none"
    plain: dict[str, list[Any]] = {}
    texts: dict[str, bytes] = {}
    for name, values in lists.items():
        path = f"lists.{name}"
        if name not in checked.lists:
            errors.append((path, f"no list is named {quote(name)}; the document has {known}"))
        elif isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            errors.append((path, f"expected an array, not {quote(values)}"))
        else:
            plain[name] = list(values)
            try:
                texts[name] = list_text(plain[name])
            except NotPlainError:
                plain[name] = PlainCopy(errors).copy(plain[name], path, 1)
    unreadable = dict(errors)
    found = check_lists(plain, errors)
    read = [name for name in found if checked.lists[name].blocks is not None]
    found = network_lists(found, read, errors)
    if errors:
        _refuse(errors, unreadable)
    texts.update((name, canonical(plain[name]).encode("utf-8")) for name in plain.keys() - texts.keys())
    text = checked.text.with_lists(texts)
    version = checked.version if checked.versioned else text.digest()[:12]
    return replace(checked, text=text, version=version, lists={**checked.lists, **found})


@dataclass(slots=True)
class _Check:
    """The checks of one document, top down; what failed is None from then on."""

    document: dict[str, Any]
    errors: Errors
    allow_regex: bool
    lists: dict[str, NamedList] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    rules: list[tuple[Any, ...]] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    decisions: tuple[tuple[int | float, str], ...] = ()
    examples: list[dict[str, Any]] = field(default_factory=list)
    checker: ConditionChecker = field(default_factory=lambda: ConditionChecker(()))

    def run(self, rules: Iterable[Any]) -> None:
        """Checks everything; what is wrong is in `errors`."""
        document = self.document
        self._shape(document, "", DOCUMENT, required=("rules",))
        self.lists = check_lists(document.get("lists", {}), self.errors)
        typed = document.get("missing") != "jsonlogic"
        self.checker = ConditionChecker(self.lists, typed, self.errors, allow_regex=self.allow_regex)
        rule_examples: list[dict[str, Any]] = []
        total = 0.0
        for index, entry in enumerate(rules):
            place = f"rules[{index}]"
            if not isinstance(entry, dict):
                self._error(place, f"expected an object, not {quote(entry)}")
                continue
            self._rule(entry, place, index)
            total += abs(float(entry.get("score", 0)))
            if "examples" in entry:
                rule_examples.extend(self._rule_examples(entry, f"{place}.examples"))
        if not math.isfinite(total):
            self._error("rules", "the scores add up beyond the range of a float")
        self.lists = network_lists(self.lists, sorted(self.checker.networks), self.errors)
        self.decisions = self._decisions()
        self.examples = [*self._examples(), *rule_examples]

    def result(self, text: DocumentText) -> CheckedDocument:
        """The document, if nothing was wrong with it."""
        document, checker = self.document, self.checker
        order = sorted(range(len(self.rules)), key=lambda position: -self.rules[position][3])
        rules = tuple(Rule(text, position, *self.rules[position]) for position in order)
        return CheckedDocument(
            text=text,
            name=document.get("name", "rules"),
            version=document.get("version") or text.digest()[:12],
            versioned="version" in document,
            missing=document.get("missing", "unknown"),
            rules=rules,
            index={rule.id: index for index, rule in enumerate(rules)},
            positions=tuple(order),
            trees=tuple([self.trees[position] for position in order]),
            lists=self.lists,
            decisions=self.decisions,
            default_action=document.get("default_action"),
            examples=tuple(self.examples),
            kinds=checker.fields,
            readers=checker.readers,
            clock=checker.clock,
            throws=checker.throws,
            allow_regex=self.allow_regex,
        )

    def _error(self, path: str, message: str) -> None:
        self.errors.append((path, message))

    def _shape(self, value: dict[str, Any], path: str, shape: Shape, required: tuple[str, ...] = ()) -> None:
        """Checks keys and the types of their values; what is wrong is then left out."""
        for key in required:
            if key not in value:
                self._error(path, f'the key "{key}" is missing')
        for key in list(value):
            check = shape.get(key)
            if check is None:
                self._error(f"{path}.{key}" if path else key, f"unknown key; allowed are {', '.join(shape)}")
                continue
            expected = check(value[key])
            if expected is not None:
                self._error(f"{path}.{key}" if path else key, f"expected {expected}")
                del value[key]

    def _objects(self, values: Any, path: str) -> list[tuple[int, dict[str, Any]]]:
        found = []
        for index, value in enumerate(values or ()):
            if isinstance(value, dict):
                found.append((index, value))
            else:
                self._error(f"{path}[{index}]", f"expected an object, not {quote(value)}")
        return found

    def _rule(self, rule: dict[str, Any], path: str, index: int) -> None:
        self._shape(rule, path, RULE, required=("id", "when"))
        identity = rule.get("id")
        if identity is not None and self.ids.setdefault(identity, index) != index:
            self._error(f"{path}.id", f"{quote(identity)} is also the id of rules[{self.ids[identity]}]")
        first, last = rule.get("valid_from"), rule.get("valid_until")
        first = None if first is None else datetime.fromisoformat(first)
        last = None if last is None else datetime.fromisoformat(last)
        if first is not None and last is not None and first >= last:
            self._error(f"{path}.valid_until", "not after valid_from: the rule could never take part")
        enabled = rule.get("enabled", True)
        if "when" in rule:
            check = self.checker.check if enabled else self.checker.check_apart
            self.trees.append(check(rule["when"], (path, "when")))
        get = rule.get
        about = (get("priority", 0), tuple(get("tags", ())), get("description", ""), enabled, first, last)
        self.rules.append((identity, get("score", 0), get("action"), *about))

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

    def _examples(self) -> list[dict[str, Any]]:
        examples = []
        for index, example in self._objects(self.document.get("examples"), "examples"):
            path = f"examples[{index}]"
            self._shape(example, path, EXAMPLE, required=("event", "expect"))
            if "expect" in example:
                self._expect(example["expect"], f"{path}.expect")
            examples.append({"path": path, **example})
        return examples

    def _rule_examples(self, rule: dict[str, Any], where: str) -> list[dict[str, Any]]:
        examples = []
        for index, example in self._objects(rule["examples"], where):
            path = f"{where}[{index}]"
            self._shape(example, path, RULE_EXAMPLE, required=("event", "fires"))
            key = "fires" if example.get("fires") else "not_fires"
            rest = {name: member for name, member in example.items() if name != "fires"}
            examples.append({"path": path, **rest, "expect": {key: [rule.get("id", "")]}})
        return examples

    def _expect(self, expect: dict[str, Any], path: str) -> None:
        if not expect:
            self._error(path, f"expects nothing; allowed are {', '.join(EXPECT)}")
        self._shape(expect, path, EXPECT)
        for key in ("matched", "fires", "not_fires"):
            for index, identity in enumerate(expect.get(key, ())):
                if identity not in self.ids:
                    self._error(f"{path}.{key}[{index}]", f"no rule has the id {quote(identity)}")
