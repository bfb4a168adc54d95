"""``POST /playground/try``: a document that is not saved, decided on one event and explained."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fastcore.errors import EvaluationError, LimitError
from fastcore.router.exchange import Call, Reply, Work
from fastcore.router.explanations import explain_rules
from fastcore.router.problems import Problem, echo, refused
from fastcore.router.rulesets import DOCUMENT_SECONDS, REFUSED, read_ruleset, refusal
from fastcore.router.settings import RouterSettings
from fastcore.rules import Decision, RuleSet, RuleStore
from fastcore.rules.reading import read_event

from .cutting import members

__all__ = ["WRAPPING_BYTES", "Trial"]

# what the body may have besides document and event: keys, spaces, ids of rules
WRAPPING_BYTES = 65_536

_KEYS = ("document", "event", "rules")
# per byte of a document, to explain every rule of it
_EXPLAIN_SECONDS = 2e-6

_LESS = "name fewer rules in `rules`"


class Trial:
    """Tries documents for one router, one at a time.

    A document may be made to take long, and a thread cannot be stopped. So no more than one thread is ever
    given to this, explaining ends at a deadline, and the kernels are the interpreted ones: compiled ones hold
    the GIL, and with it all other requests, until a condition is decided.
    """

    def __init__(self, settings: RouterSettings, store: RuleStore) -> None:
        self.settings = settings
        self.store = store
        self._turn = threading.Lock()

    def handle(self, call: Call) -> Work:
        # never on the event loop: what a document costs is known only when it is compiled
        seconds = self.settings.inline_budget_seconds + 0.001
        seconds += len(call.body) * (DOCUMENT_SECONDS + _EXPLAIN_SECONDS)
        return Work(seconds, self._in_turn, (call.body,))

    def _in_turn(self, body: bytes) -> Reply:
        if not self._turn.acquire(blocking=False):
            wait = b"%d" % self.settings.retry_after_seconds
            raise Problem("busy", "another document is being tried", headers=((b"retry-after", wait),))
        try:
            return self._try(body)
        finally:
            self._turn.release()

    def _try(self, body: bytes) -> Reply:
        parts = members(body, _KEYS)
        for name in _KEYS[:2]:
            if name not in parts:
                raise refused("invalid-json", f"body.{name}", f"the key {json.dumps(name)} is missing")
        self._check_size("document", parts["document"], self.settings.max_ruleset_bytes)
        self._check_size("event", parts["event"], self.settings.max_body_bytes)
        rules = _rule_ids(parts["rules"]) if "rules" in parts else None
        ruleset = read_ruleset(parts["document"], self.settings.max_rules, "python", self._allow_regex())
        now = datetime.now(UTC)
        try:
            event = read_event(parts["event"], self.settings.max_depth)
            explanation = self._explain(ruleset, event, rules, now)
        except REFUSED as error:
            raise refusal(error, ruleset) from error
        text = json.dumps(_decide(ruleset, event, now).to_dict(), ensure_ascii=False, separators=(",", ":"))
        # a lone surrogate can come in through a JSON escape and has no UTF-8 form
        decision = text.encode("utf-8", "replace")
        return Reply(b'{"decision":%b,"explanation":%b}' % (decision, explanation))

    def _check_size(self, name: str, text: bytes, limit: int) -> None:
        if len(text) > limit:
            raise refused("body-too-large", f"body.{name}", f"the {name} may have at most {limit} bytes")

    def _explain(
        self, ruleset: RuleSet, event: dict[str, Any], rules: list[str] | None, now: datetime
    ) -> bytes:
        known = [rule.id for rule in ruleset.rules]
        asked = known if rules is None else rules
        for name in set(asked).difference(known):
            raise refused("not-found", "body.rules", f"there is no rule {echo(name, 100)!r}")
        limit = self.settings.max_explanation_bytes
        return explain_rules(ruleset, event, self._in_time(asked), limit, _LESS, now)

    def _in_time(self, names: list[str]) -> Iterator[str]:
        """The names, as long as the deadline has not come."""
        end = time.monotonic() + self.settings.deadline_seconds
        for name in names:
            yield name
            if time.monotonic() > end:
                what = f"explaining took longer than {self.settings.deadline_seconds:g} seconds"
                raise refused("limit-exceeded", "body.rules", f"{what}; {_LESS}")

    def _allow_regex(self) -> bool:
        """Patterns may be tried where a ruleset that is served may have them."""
        served = self.store.snapshot().values()
        return self.store.allow_regex or any(ruleset.allow_regex for ruleset in served)


def _decide(ruleset: RuleSet, event: dict[str, Any], now: datetime) -> Decision:
    """The decision; where the policy for missing values refuses, the record that says so."""
    try:
        return ruleset.evaluate(event, now=now)
    except (EvaluationError, LimitError) as error:
        return ruleset.failure(error)


def _rule_ids(text: bytes) -> list[str]:
    try:
        ids = json.loads(text)
    except (ValueError, RecursionError):
        ids = None
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise refused("invalid-json", "body.rules", "expected an array of ids of rules")
    return list(dict.fromkeys(ids))
