"""``PUT /rules/{name}``: replaces a ruleset for all requests that follow, and in the store's folder."""

import json
import re
from threading import Lock

from fastcore.errors import RuleSetError
from fastcore.rules import RuleSet, RuleStore

from .exchange import Call, Reply, Work
from .parameters import Text, matches
from .problems import Problem, echo, refused
from .rulesets import Library
from .settings import RouterSettings

__all__ = ["Updates", "updates"]

# what is safe as a file name everywhere
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
# per byte of a document, to read, check and compile it
_DOCUMENT_SECONDS = 1e-6


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
    """Replaces rulesets for one router; one at a time, so that a precondition holds until the replacement."""

    def __init__(self, settings: RouterSettings, library: Library) -> None:
        self.settings = settings
        self.library = library
        self.match = Text("If-Match", "header", "replace only what has this ETag; `*`: anything that exists")
        self.none_match = Text("If-None-Match", "header", "`*`: create only, never replace")
        self._lock = Lock()

    def handle(self, call: Call) -> Work:
        return Work(len(call.body) * _DOCUMENT_SECONDS, lambda: self._replace(call))

    def _replace(self, call: Call) -> Reply:
        name = call.path["name"]
        if not _NAME.fullmatch(name):
            rule = "must be 1 to 100 of A-Z, a-z, 0-9, _ and -, and begin with a letter or digit"
            raise refused("invalid-parameter", "path.name", f"the name {rule}")
        ruleset = self._compile(call.body)
        if ruleset.name != name:
            names = f"the document is named {echo(ruleset.name, 60)!r}, the path {name!r}"
            raise refused("name-mismatch", "name", names)
        with self._lock:
            before = self.library.find(name)
            self._check(call, None if before is None else before.tag)
            self._write(ruleset)
            self.library.store.replace(ruleset)
            now = self.library.called(call)
        body = json.dumps(now.summary(), separators=(",", ":")).encode()
        return Reply(body, 201 if before is None else 200, headers=(("etag", now.tag),))

    def _compile(self, body: bytes) -> RuleSet:
        try:
            return RuleSet.from_json(body)
        except RuleSetError as error:
            errors = [{"path": echo(path), "message": echo(message)} for path, message in error.errors]
            count = f"{len(errors)} errors; the first: " if len(errors) > 1 else ""
            first = ": ".join(filter(None, errors[0].values()))
            raise Problem("invalid-ruleset", count + first, errors) from error

    def _check(self, call: Call, tag: str | None) -> None:
        match, none_match = self.match.read(call), self.none_match.read(call)
        if match is not None and not matches(match, tag, weak=False):
            state = "there is no such ruleset to replace" if tag is None else f"the ETag is now {tag}"
            raise refused("precondition-failed", "header.if-match", state)
        if none_match is not None and matches(none_match, tag, weak=True):
            state = f"the ruleset exists already; its ETag is {tag}"
            raise refused("precondition-failed", "header.if-none-match", state)
