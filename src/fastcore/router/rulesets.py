"""The rulesets that a router serves, found by name, and the decisions that they give."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from math import inf
from threading import Lock

from fastcore.errors import EvaluationError, EventError, LimitError, RuleSetError
from fastcore.rules import Decision, RejectedFile, RuleSet, RuleStore
from fastcore.rules.files import parse_json

from .counters import Counters
from .decisions import decision_writer
from .exchange import Answer, Call, Dialogue, Reply, Work
from .parameters import entity_tag
from .problems import Problem, echo, refused
from .rule_counts import RuleCounts

__all__ = [
    "DOCUMENT_SECONDS",
    "REFUSED",
    "Library",
    "Served",
    "as_store",
    "read_ruleset",
    "refusal",
    "served",
]

# what evaluating an event may raise because of the event
REFUSED = (EventError, EvaluationError, LimitError)

# Estimated seconds, on the high side of what was measured on CPython 3.11: to read a byte of an event; and
# per byte of the conditions, to evaluate and to explain them. Most conditions are looked up in an index and
# cost far less; those that are not cost more, but are few.
_READ_SECONDS = 5e-8
_EVALUATE_SECONDS = {
    "cython": {"unknown": 2e-9, "error": 3e-9, "jsonlogic": 1.2e-8},
    "python": {"unknown": 4e-9, "error": 8e-9, "jsonlogic": 5e-8},
}
_EXPLAIN_SECONDS = {"unknown": 1e-6, "error": 1e-6, "jsonlogic": 3e-6}
# per byte of a document, to read, check and compile it
DOCUMENT_SECONDS = 1e-6
# with more rules than this, what is derived from a ruleset takes too long for the event loop
_FEW = 20


@dataclass(frozen=True, slots=True)
class Served:
    """A ruleset, its entity tag, how long its document and its conditions are as text, and its counts."""

    ruleset: RuleSet
    tag: str
    size: int
    length: int
    event_seconds: float
    write: Callable[[Decision], bytes]
    counts: RuleCounts

    def decide(self, body: bytes, max_depth: int, now: datetime | None = None) -> bytes:
        """The decision on one event, given as JSON that nests at most `max_depth` deep; it is counted.

        Parameters:
            now: the time, None for that of the call.

        Raises:
            Problem: the event is not valid, or the ruleset's policy refuses it.
        """
        try:
            decision = self.ruleset.evaluate_json(body, now=now, depth=max_depth)
        except REFUSED as error:
            raise refusal(error, self.ruleset) from error
        self.counts.add(decision.matched)
        return self.write(decision)

    def counted(self) -> dict[str, object]:
        """How often its rules have fired."""
        events, fired = self.counts.read()
        return {
            "ruleset": self.ruleset.name,
            "version": self.ruleset.version,
            "since": self.counts.since.isoformat(timespec="milliseconds"),
            "events": events,
            "rules": fired,
        }

    def seconds(self, size: int, events: int = 1) -> float:
        """Estimated time to decide so many events of `size` bytes in all."""
        return events * self.event_seconds + size * _READ_SECONDS

    def explain_seconds(self, size: int, rule: str | None) -> float:
        """Estimated time to explain an event of `size` bytes, by one rule or by all."""
        length = self.length if rule is None else self.length / max(1, len(self.ruleset))
        return length * _EXPLAIN_SECONDS[self.ruleset.missing] + size * _READ_SECONDS

    def summary(self) -> dict[str, object]:
        ruleset = self.ruleset
        return {
            "name": ruleset.name,
            "version": ruleset.version,
            "rules": len(ruleset),
            "fields": {field: list(types) for field, types in ruleset.fields.items()},
            "etag": self.tag,
        }


class Library:
    """Looks up rulesets of a store. What it derives from one is kept as long as the store holds that one."""

    def __init__(self, store: RuleStore, counters: Counters) -> None:
        self.store = store
        self._served: dict[str, Served] = {}
        self._lock = Lock()
        self._decided = counters.decided
        counters.before_reading = self._add_up

    def find(self, name: str) -> Served | None:
        known = self._served.get(name)
        if known is None or known.ruleset is not self.store.get(name):
            with self._lock:
                return self._renewed(name)
        return known

    def _renewed(self, name: str) -> Served | None:
        known, ruleset = self._served.get(name), self.store.get(name)
        if known is not None:
            if known.ruleset is ruleset:
                return known
            del self._served[name]
            known.counts.retire()
        if ruleset is None:
            return None
        self._served[name] = found = served(ruleset, self._decided)
        return found

    def _add_up(self) -> None:
        for known in list(self._served.values()):
            known.counts.read()

    def called(self, call: Call, handler: Callable[[Call, Served], Answer]) -> Answer:
        """What the handler says of the ruleset that the path names; of one that is large and new here it is
        asked off the event loop.

        Raises:
            Problem: "not-found".
        """
        name = call.path["name"]
        known = self._served.get(name)
        ruleset = self.store.get(name)
        if known is None or known.ruleset is not ruleset:
            if ruleset is not None and len(ruleset) > _FEW:
                return Work(inf, self._asked, (call, name, handler))
            known = self._found(name)
        return handler(call, known)

    def _asked(self, call: Call, name: str, handler: Callable[[Call, Served], Answer]) -> Reply | Dialogue:
        answer = handler(call, self._found(name))
        return answer.run(*answer.arguments) if isinstance(answer, Work) else answer

    def _found(self, name: str) -> Served:
        found = self.find(name)
        if found is None:
            raise refused("not-found", "path.name", f"there is no ruleset {echo(name, 100)!r}")
        return found

    def all(self) -> list[Served]:
        found = [self.find(name) for name in self.store.names()]
        return [each for each in found if each is not None]

    def rejected(self, limit: int) -> list[dict[str, object]]:
        """The files of the store's folder that are not used; at most `limit` errors of each."""
        return [_rejected(file, limit) for file in self.store.rejected]

    def rejected_for(self, name: str, limit: int) -> dict[str, object] | None:
        """The file that would give this ruleset another content if it were valid."""
        found = (_rejected(file, limit) for file in self.store.rejected if file.ruleset == name)
        return next(found, None)


def _rejected(file: RejectedFile, limit: int) -> dict[str, object]:
    errors = [{"path": echo(path), "message": echo(message)} for path, message in file.errors[:limit]]
    return {"file": echo(file.file), "ruleset": file.ruleset, "errors": errors}


def served(ruleset: RuleSet, decided: Callable[[int], None] = lambda count: None) -> Served:
    """The ruleset with what is derived from it, and counts that begin now and report to `decided`."""
    text = ruleset.to_json()
    digest = hashlib.sha256(text).hexdigest()[:32]
    length = sum(len(rule.condition) for rule in ruleset.rules)
    seconds = 1e-5 + length * _EVALUATE_SECONDS[ruleset.backend][ruleset.missing]
    writer, counts = decision_writer(ruleset), RuleCounts(ruleset, decided)
    return Served(ruleset, entity_tag(digest), len(text), length, seconds, writer, counts)


def as_store(source: RuleStore | RuleSet | Iterable[RuleSet] | None, backend: str) -> RuleStore:
    """The store to serve from: the one given, or a new one of the rulesets given, on this backend.

    Raises:
        ValueError: two rulesets have the same name.
    """
    if isinstance(source, RuleStore):
        return source
    given = () if source is None else (source,) if isinstance(source, RuleSet) else source
    return RuleStore(
        RuleSet.from_json(ruleset.to_json(), backend=backend, allow_regex=ruleset.allow_regex)
        for ruleset in given
    )


def read_ruleset(
    body: bytes, max_rules: int, backend: str | None, allow_regex: bool, name: str | None = None
) -> RuleSet:
    """The ruleset of a document that came from outside.

    Parameters:
        body: the document as JSON.
        max_rules: how many rules it may have.
        backend, allow_regex: as in `RuleSet`.
        name: of a document that does not say its own.

    Raises:
        Problem: "invalid-ruleset", with all that is wrong; or "limit-exceeded", before rules are looked at.
    """
    try:
        document = parse_json(body)
        _check_count(document, max_rules)
        if name is not None and isinstance(document, dict) and "name" not in document:
            document = {"name": name, **document}
        return RuleSet(document, backend=backend, allow_regex=allow_regex)
    except RuleSetError as error:
        errors = [{"path": echo(path), "message": echo(message)} for path, message in error.errors]
        count = f"{len(errors)} errors; the first: " if len(errors) > 1 else ""
        first = ": ".join(filter(None, errors[0].values()))
        raise Problem("invalid-ruleset", count + first, errors) from error


def _check_count(document: object, limit: int) -> None:
    rules = document.get("rules") if isinstance(document, dict) else None
    if isinstance(rules, list) and len(rules) > limit:
        raise refused("limit-exceeded", "rules", f"{len(rules)} rules, a ruleset may have at most {limit}")


def refusal(error: EventError | EvaluationError | LimitError, ruleset: RuleSet) -> Problem:
    """The Problem that an error of evaluation stands for; it says which version of the rules refused."""
    version = ruleset.version
    if isinstance(error, EvaluationError):
        return refused("evaluation-failed", error.field, str(error), rule=error.rule, version=version)
    if isinstance(error, LimitError):
        return refused("limit-exceeded", "body", str(error), version=version)
    more = {} if error.offset is None else {"offset": error.offset}
    return refused("invalid-event", "body", str(error), **more, version=version)
