"""What changed from one ruleset to another, rule by rule and key by key."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .decision import to_json
from .describe import describe
from .document import CheckedDocument
from .text import canonical
from .trees import quote

if TYPE_CHECKING:
    from .ruleset import RuleSet

__all__ = ["Change", "ListChange", "MovedRule", "RuleChange", "RuleSetDiff", "diff"]

SAMPLES: Final = 5
SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Change:
    """A key whose value is another one.

    Attributes:
        key: of the rule or the document.
        before, after: the values as in the documents, None where the key is absent.
        text: the same in words; conditions as an analyst would write them.
    """

    key: str
    before: Any
    after: Any
    text: str

    def to_dict(self) -> dict[str, Any]:
        return {"key": self.key, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule of both rulesets that is not the same in them."""

    rule: str
    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"rule": self.rule, "changes": [change.to_dict() for change in self.changes]}


@dataclass(frozen=True, slots=True)
class MovedRule:
    """A rule of both rulesets that others have passed; its indices in the documents."""

    rule: str
    before: int
    after: int

    def to_dict(self) -> dict[str, Any]:
        return {"rule": self.rule, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class ListChange:
    """A named list that is not the same.

    Attributes:
        name: of the list.
        before, after: how many entries it has, None where there is no such list.
        added, removed: how many entries only the later and only the earlier one has; where both are 0, the
            order or the number of equal entries is another.
        added_samples, removed_samples: the first of them.
    """

    name: str
    before: int | None
    after: int | None
    added: int
    removed: int
    added_samples: tuple[Any, ...]
    removed_samples: tuple[Any, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "list": self.name,
            "before": self.before,
            "after": self.after,
            "added": {"count": self.added, "samples": list(self.added_samples)},
            "removed": {"count": self.removed, "samples": list(self.removed_samples)},
        }

    def text(self) -> str:
        kind = "added" if self.before is None else "removed" if self.after is None else "changed"
        counted = (
            (self.added, "more", self.added_samples),
            (self.removed, "fewer", self.removed_samples),
        )
        facts = [f"{count} {word}: {_sampled(samples, count)}" for count, word, samples in counted if count]
        return f"list {self.name} {kind}: {'; '.join(facts) or 'the same entries in another order or number'}"


@dataclass(frozen=True, slots=True)
class RuleSetDiff:
    """What changed; false if nothing did, and so exactly if the rulesets are equal.

    Attributes:
        before, after: name and version of the two rulesets.
        added, removed: ids of rules that only one of them has, in the order of its document.
        changed: rules of both, with their changes.
        moved: rules of both that changed places in the document; as few as say it.
        settings: changes of the document's other keys: name, version, missing, decisions, …
        lists: named lists that changed.
    """

    before: tuple[str, str]
    after: tuple[str, str]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[RuleChange, ...]
    moved: tuple[MovedRule, ...]
    settings: tuple[Change, ...]
    lists: tuple[ListChange, ...]

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.changed, self.moved, self.settings, self.lists))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "before": dict(zip(("ruleset", "version"), self.before, strict=True)),
            "after": dict(zip(("ruleset", "version"), self.after, strict=True)),
            "added": list(self.added),
            "removed": list(self.removed),
            "changed": [rule.to_dict() for rule in self.changed],
            "moved": [rule.to_dict() for rule in self.moved],
            "settings": [change.to_dict() for change in self.settings],
            "lists": [change.to_dict() for change in self.lists],
        }

    def to_json(self) -> bytes:
        """The same as compact UTF-8 JSON."""
        return to_json(self.to_dict())

    def text(self) -> str:
        """A rendering to read, one line for each change."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        (name, version), (new_name, new_version) = self.before, self.after
        yield f"{name} {version} → {new_name} {new_version}" + ("" if self else ": no changes")
        yield from (f"{change.key}: {change.text}" for change in self.settings)
        yield from (change.text() for change in self.lists)
        yield from (f"removed {rule}" for rule in self.removed)
        yield from (f"added {rule}" for rule in self.added)
        for rule in self.changed:
            yield f"changed {rule.rule}"
            yield from (f"  {change.key}: {change.text}" for change in rule.changes)
        yield from (f"moved {rule.rule}: from rules[{rule.before}] to [{rule.after}]" for rule in self.moved)

    def __str__(self) -> str:
        return self.text()


def diff(old: "RuleSet", new: "RuleSet", checked: tuple[CheckedDocument, CheckedDocument]) -> RuleSetDiff:
    """What changed from the old ruleset to the new one; `checked` are their documents, taken apart.

    Complexity: linear in the documents, and n log n in the rules that both have.
    Source: the rules that did not move are a longest increasing subsequence, found by patience sorting
        (Schensted 1961, Fredman 1975).
    """
    documents = old.to_dict(), new.to_dict()
    before, after = ({rule["id"]: rule for rule in document.pop("rules")} for document in documents)
    lists = tuple(document.pop("lists", {}) for document in documents)
    places = tuple({identity: index for index, identity in enumerate(rules)} for rules in (before, after))
    changed = []
    for identity in (identity for identity in after if identity in before):
        conditions = [(one, identity) for one in checked]
        changes = _changes(before[identity], after[identity], conditions)
        if changes:
            changed.append(RuleChange(identity, changes))
    return RuleSetDiff(
        before=(old.name, old.version),
        after=(new.name, new.version),
        added=tuple(identity for identity in after if identity not in before),
        removed=tuple(identity for identity in before if identity not in after),
        changed=tuple(changed),
        moved=tuple(
            MovedRule(identity, places[0][identity], places[1][identity])
            for identity in _moved(list(before), list(after))
        ),
        settings=_changes(*documents),
        lists=tuple(_lists_changed(*lists)),
    )


def _changes(
    before: dict[str, Any], after: dict[str, Any], conditions: Sequence[tuple[CheckedDocument, str]] = ()
) -> tuple[Change, ...]:
    """Changes of the keys of a document or a rule; of a rule also where to find its condition."""
    found = []
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if key in before and key in after and canonical(old) == canonical(new):
            continue
        shown = [describe(one.trees[one.index[rule]]) for one, rule in conditions if key == "when"]
        if not shown or shown[0] == shown[1]:
            shown = [quote(holder[key], SHOWN) if key in holder else "none" for holder in (before, after)]
        found.append(Change(key, old, new, " → ".join(shown)))
    return tuple(found)


def _moved(before: list[str], after: list[str]) -> list[str]:
    """Ids of both whose order is another, as few as possible, in their later order."""
    places = {identity: place for place, identity in enumerate(before)}
    common = [(places[identity], identity) for identity in after if identity in places]
    ends: list[int] = []  # the least place at which an increasing subsequence of each length ends
    lengths = []
    for place, _ in common:
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        lengths.append(length)
    wanted = len(ends) - 1
    moved = []
    for (_, identity), length in zip(reversed(common), reversed(lengths), strict=True):
        if length == wanted:
            wanted -= 1
        else:
            moved.append(identity)
    return moved[::-1]


def _lists_changed(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> Iterator[ListChange]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None and canonical(old) == canonical(new):
            continue
        # 1, 1.0 and true are different entries that Python holds for equal
        earlier, later = ({(type(entry), entry): entry for entry in entries or ()} for entries in (old, new))
        added = [entry for key, entry in later.items() if key not in earlier]
        removed = [entry for key, entry in earlier.items() if key not in later]
        yield ListChange(
            name,
            None if old is None else len(old),
            None if new is None else len(new),
            len(added),
            len(removed),
            tuple(added[:SAMPLES]),
            tuple(removed[:SAMPLES]),
        )


def _sampled(samples: Sequence[Any], count: int) -> str:
    shown = ", ".join(quote(sample) for sample in samples)
    return f"{shown}, …" if count > len(samples) else shown
