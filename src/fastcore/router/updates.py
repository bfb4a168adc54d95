"""``PUT /rules/{name}``: replaces a ruleset in the folder of the store, for all processes that serve it."""

import json
import logging
import re

from fastcore.errors import StoreError
from fastcore.rules import RuleSet, RuleStore

from .exchange import Call, Reply, Work
from .parameters import Text, matches
from .problems import Problem, echo, refused
from .rulesets import DOCUMENT_SECONDS, Library, read_ruleset, served
from .settings import RouterSettings

__all__ = ["Updates", "updates"]

_log = logging.getLogger("fastcore.router")

# what is safe as a file name everywhere
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
# until it is on the disk
_WRITE_SECONDS = 0.01


def updates(store: RuleStore, settings: RouterSettings, guarded: bool) -> str:
    """``"on"``, or why rulesets cannot be replaced over HTTP."""
    if not settings.allow_updates:
        return "off: the setting allow_updates is false"
    if store.folder is None:
        return "off: the store has no folder to write to"
    if not guarded:
        return "off: no update_dependencies were given"
    return "on"


class Updates:
    """Replaces rulesets for one router, and makes its store follow what other processes replace."""

    def __init__(self, library: Library, settings: RouterSettings) -> None:
        self.library = library
        self.settings = settings
        self.match = Text("If-Match", "header", "replace only what has this ETag; `*`: anything that exists")
        self.none_match = Text("If-None-Match", "header", "`*`: create only, never replace")
        library.store.watch()

    def handle(self, call: Call) -> Work:
        # never on the event loop: it waits for the disk, and perhaps for another process
        seconds = self.settings.inline_budget_seconds + _WRITE_SECONDS
        return Work(seconds + len(call.body) * DOCUMENT_SECONDS, self._replace, (call,))

    def _replace(self, call: Call) -> Reply:
        name = call.path["name"]
        if not _NAME.fullmatch(name):
            rule = "must be 1 to 100 of A-Z, a-z, 0-9, _ and -, and begin with a letter or digit"
            raise refused("invalid-parameter", "path.name", f"the name {rule}")
        # what `reload` would refuse must not be written to the folder
        store = self.library.store
        ruleset = read_ruleset(call.body, self.settings.max_rules, store.backend, store.allow_regex, name)
        if ruleset.name != name:
            names = f"the document is named {echo(ruleset.name, 60)!r}, the path {name!r}"
            raise refused("name-mismatch", "name", names)
        before = self._save(ruleset, call)
        now = served(ruleset)
        body = json.dumps(now.summary(), separators=(",", ":")).encode()
        return Reply(body, 201 if before is None else 200, headers=((b"etag", now.tag.encode()),))

    def _save(self, ruleset: RuleSet, call: Call) -> RuleSet | None:
        wait = self.settings.deadline_seconds
        try:
            return self.library.store.save(
                ruleset, call.body, expect=lambda before: self._check(call, before), wait=wait
            )
        except StoreError as error:
            raise refused("not-replaceable", "path.name", str(error)) from error
        except TimeoutError as error:
            raise self._unavailable("busy", f"{error}; try again later") from error
        except OSError as error:
            _log.exception("ruleset %r could not be written", ruleset.name)
            state = "the folder of the rulesets cannot be written; the ruleset is as it was"
            raise self._unavailable("not-stored", state) from error

    def _unavailable(self, code: str, state: str) -> Problem:
        return Problem(code, state, headers=((b"retry-after", b"%d" % self.settings.retry_after_seconds),))

    def _check(self, call: Call, before: RuleSet | None) -> None:
        tag = None if before is None else served(before).tag
        match, none_match = self.match.read(call), self.none_match.read(call)
        if match is not None and not matches(match, tag, weak=False):
            state = "there is no such ruleset to replace" if tag is None else f"the ETag is now {tag}"
            raise refused("precondition-failed", "header.if-match", state)
        if none_match is not None and matches(none_match, tag, weak=True):
            state = f"the ruleset exists already; its ETag is {tag}"
            raise refused("precondition-failed", "header.if-none-match", state)
