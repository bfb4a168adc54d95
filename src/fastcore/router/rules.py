"""``/rules``: what is loaded, decisions on events, explanations, and replacement where that is enabled."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import Any, cast

from fastcore.errors import FastcoreError
from fastcore.rules import RuleSet, RuleStore
from fastcore.rules.reading import read_event

from . import examples
from .batch import Batch
from .counters import Counters
from .exchange import JSON, JSONL, NDJSON, Answer, Call, Fields, Operation, Reply, Work
from .explanations import explanation
from .parameters import Text, matches
from .problems import Problem, echo, refused
from .rulesets import REFUSED, Library, Served, as_store, refusal
from .schemas import (
    COUNTS,
    DECISION,
    DETAIL,
    DOCUMENT,
    ERROR_RECORD,
    EVENT,
    EXPLANATION,
    LISTING,
    REPLACED,
    answer,
)
from .settings import RouterSettings
from .updates import Updates, updates

__all__ = ["as_store", "operations", "updates", "warm_up"]

# per byte of the document, to copy it
_DETAIL_SECONDS = 5e-9

_NAME = Text("name", "path", "name of the ruleset")
_RULE = Text("rule", "query", "explain only this rule")
_NONE_MATCH = Text("If-None-Match", "header", "tags that the client holds; 304 if one matches")


_FRESH = ((b"cache-control", b"no-store"),)


class _Rules:
    def __init__(self, settings: RouterSettings, library: Library, counters: Counters) -> None:
        self.settings = settings
        self.library = library
        self.counters = counters
        self.max_depth = settings.max_depth
        self.inline_seconds = settings.inline_budget_seconds

    def listing(self, call: Call) -> Work:
        # never on the event loop: what it derives from rulesets that are new here takes long
        return Work(inf, self._listing)

    def _listing(self) -> Reply:
        summaries = [served.summary() for served in self.library.all()]
        rejected = self.library.rejected(self.settings.max_reported_errors)
        watching = self.library.store.watching
        return _json({"rulesets": summaries, "watching": watching, "rejected": rejected})

    def detail(self, call: Call) -> Answer:
        return self.library.called(call, self._held)

    def _held(self, call: Call, served: Served) -> Reply | Work:
        headers = ((b"etag", served.tag.encode()),)
        rejected = self.library.rejected_for(served.ruleset.name, self.settings.max_reported_errors)
        # what the client holds does not say that a newer file was rejected
        if rejected is None and matches(_NONE_MATCH.read(call) or "", served.tag, weak=True):
            return Reply(b"", 304, headers=headers)
        return Work(_DETAIL_SECONDS * served.size, self._detail, (served, rejected, headers))

    def _detail(self, served: Served, rejected: dict[str, object] | None, headers: Fields) -> Reply:
        # the document is text already: to read and write it again would hold the GIL all that time
        head = _json({**served.summary(), "rejected": rejected}, headers)
        head.body = b'%b,"document":%b}' % (cast(bytes, head.body)[:-1], served.ruleset.to_json())
        return head

    def counts(self, call: Call) -> Answer:
        return self.library.called(call, self._counted)

    def _counted(self, call: Call, served: Served) -> Work:
        return Work(1e-6 * len(served.ruleset), self._counts, (served,))

    def _counts(self, served: Served) -> Reply:
        return _json({**served.counted(), "scope": "this process"}, _FRESH)

    def evaluate(self, call: Call) -> Answer:
        return self.library.called(call, self._decided)

    def _decided(self, call: Call, served: Served) -> Reply | Work:
        seconds = served.seconds(len(call.body))
        if seconds <= self.inline_seconds:
            return self._evaluate(served, call.body)
        return Work(seconds, self._evaluate, (served, call.body))

    def _evaluate(self, served: Served, body: bytes) -> Reply:
        try:
            return Reply(served.decide(body, self.max_depth))
        except Problem:
            self.counters.failed(1)
            raise

    def explain(self, call: Call) -> Answer:
        return self.library.called(call, self._asked)

    def _asked(self, call: Call, served: Served) -> Work:
        rule = _RULE.read(call)
        return Work(
            served.explain_seconds(len(call.body), rule), self._explain, (served.ruleset, call.body, rule)
        )

    def _explain(self, ruleset: RuleSet, body: bytes, rule: str | None) -> Reply:
        limit = self.settings.max_explanation_bytes
        try:
            return Reply(explanation(ruleset, read_event(body, self.max_depth), rule, limit))
        except KeyError:
            raise refused("not-found", "query.rule", f"there is no rule {echo(rule, 100)!r}") from None
        except REFUSED as error:
            raise refusal(error, ruleset) from error


def _json(value: dict[str, Any], headers: Fields = ()) -> Reply:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Reply(text.encode("utf-8", "replace"), headers=headers)


def warm_up(store: RuleStore) -> Callable[[], object]:
    """What /ready runs once before it says so: each ruleset decides on an event that has nothing."""

    def evaluate() -> None:
        for ruleset in store.snapshot().values():
            with suppress(FastcoreError):  # a policy may refuse an event that has nothing
                ruleset.evaluate_json(b"{}")

    return evaluate


def operations(
    settings: RouterSettings, library: Library, counters: Counters, with_updates: bool
) -> list[Operation]:
    """The rows of this family in the router's table."""
    # a request is matched against one route after the other, so the hot ones come first
    table = _deciding(settings, library, counters) + _reading(_Rules(settings, library, counters))
    return table + ([_replacing(Updates(library, settings), settings)] if with_updates else [])


def _reading(rules: _Rules) -> list[Operation]:
    return [
        Operation(
            name="list_rulesets",
            method="GET",
            path="/rules",
            handler=rules.listing,
            summary="What is loaded",
            description=(
                "Each ruleset with its version and the fields that it reads; and the files that are not used "
                "because they are not valid."
            ),
            answers={200: answer("The rulesets, by name.", LISTING, examples.LISTING)},
            problems=("busy",),
        ),
        Operation(
            name="get_ruleset",
            method="GET",
            path="/rules/{name}",
            handler=rules.detail,
            summary="A ruleset",
            description=(
                "Its version, the fields that it reads, and its document; and why its file is not used, if "
                "that was changed to something that is not valid."
            ),
            answers={
                200: answer("The ruleset.", DETAIL, examples.DETAIL, headers=_TAGGED),
                304: {"description": "The client holds it already."},
            },
            problems=("not-found", "busy"),
            parameters=(_NAME.describe(), _NONE_MATCH.describe()),
        ),
        Operation(
            name="count_rules",
            method="GET",
            path="/rules/{name}/counts",
            handler=rules.counts,
            summary="How often each rule fired",
            description=(
                "Counted over `events`, the events that this version decided on since `since`, alone or in "
                "batches, in the process that answers. A new version begins at nought."
            ),
            answers={200: answer("The counts.", COUNTS, examples.COUNTS)},
            problems=("not-found", "busy"),
            parameters=(_NAME.describe(),),
        ),
    ]


def _deciding(settings: RouterSettings, library: Library, counters: Counters) -> list[Operation]:
    rules, batch = _Rules(settings, library, counters), Batch(settings, library, counters)
    event: Mapping[str, Any] = {JSON: {"schema": EVENT, "example": examples.EVENT}}
    refusals = ("not-found", "invalid-event", "limit-exceeded", "evaluation-failed", "busy")
    return [
        Operation(
            name="evaluate",
            method="POST",
            path="/rules/{name}/evaluate",
            handler=rules.evaluate,
            summary="Decide on one event",
            description=f"Nested at most {settings.max_depth} deep.",
            answers={200: answer("The decision.", DECISION, examples.DECISION)},
            problems=refusals,
            parameters=(_NAME.describe(),),
            accepts=event,
            max_bytes=settings.max_body_bytes,
            hot=True,
        ),
        Operation(
            name="evaluate_many",
            method="POST",
            path="/rules/{name}/evaluate-many",
            handler=batch.handle,
            summary="Decide on many events",
            description=(
                f"{_any_number(settings)}, of at most {settings.max_body_bytes} bytes each. A bad event "
                "gives an error record in its place; the others are decided. The answer begins before the "
                "body has ended; one that is broken off ends with an error record that is `final`."
            ),
            answers={200: _decisions()},
            problems=("not-found", "invalid-json", "limit-exceeded", "busy"),
            parameters=(_NAME.describe(),),
            accepts=_events(settings),
            max_bytes=settings.max_batch_bytes,
            dialogue=True,
        ),
        Operation(
            name="explain",
            method="POST",
            path="/rules/{name}/explain",
            handler=rules.explain,
            summary="Why each rule fired or did not",
            description=(
                "Each condition with its value and the fields that it read; at most "
                f"{settings.max_explanation_bytes} bytes, so of many rules ask for one."
            ),
            answers={200: answer("The explanation.", EXPLANATION, examples.EXPLANATION)},
            problems=refusals,
            parameters=(_NAME.describe(), _RULE.describe()),
            accepts=event,
            max_bytes=settings.max_body_bytes,
        ),
    ]


def _any_number(settings: RouterSettings) -> str:
    return (
        "Any number of events" if settings.max_records is None else f"At most {settings.max_records} events"
    )


def _events(settings: RouterSettings) -> dict[str, Any]:
    array: dict[str, Any] = {"type": "array", "items": EVENT}
    if settings.max_records is not None:
        array["maxItems"] = settings.max_records
    lines = {
        "schema": {"type": "string", "description": "an event in each line; blank lines are skipped"},
        "example": examples.LINES,
    }
    return {JSON: {"schema": array, "example": [examples.EVENT]}, NDJSON: lines, JSONL: lines}


def _decisions() -> dict[str, Any]:
    one = {"anyOf": [DECISION, ERROR_RECORD]}
    lines = {
        "schema": {"type": "string", "description": "a decision or error record in each line"},
        "example": json.dumps(examples.DECISION, separators=(",", ":")) + "\n",
    }
    array = {"schema": {"type": "array", "items": one}, "example": [examples.DECISION]}
    content = {JSON: array, NDJSON: lines, JSONL: lines}
    return {
        "description": "In the form of the request, a decision for each event, in order.",
        "content": content,
    }


def _replacing(update: Updates, settings: RouterSettings) -> Operation:
    return Operation(
        name="replace_ruleset",
        method="PUT",
        path="/rules/{name}",
        handler=update.handle,
        summary="Replace or create a ruleset",
        description=(
            "Requests that follow see the new one, those under way finish with the old. Other processes that "
            "serve the folder follow within a second of its being written, and the time to load it. "
            f"At most {settings.max_rules} rules."
        ),
        answers={
            200: answer("Replaced.", REPLACED, examples.SUMMARY, headers=_TAGGED),
            201: answer("Created.", REPLACED, examples.SUMMARY, headers=_TAGGED),
        },
        problems=(
            "invalid-parameter",
            "invalid-ruleset",
            "limit-exceeded",
            "name-mismatch",
            "not-replaceable",
            "precondition-failed",
            "busy",
            "not-stored",
        ),
        parameters=tuple(each.describe() for each in (_NAME, update.match, update.none_match)),
        accepts={JSON: {"schema": DOCUMENT, "example": examples.DETAIL["document"]}},
        max_bytes=settings.max_ruleset_bytes,
        guarded=True,
    )


_TAGGED = {"ETag": {"schema": {"type": "string"}, "description": "changes with the content"}}
