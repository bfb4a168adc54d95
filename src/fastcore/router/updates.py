"""``PUT /rules/{name}``: replaces a ruleset for all requests that follow, and in the store's folder."""

import json
import os
import re
import shutil
from pathlib import Path
from threading import Lock

from fastcore.errors import RuleSetError
from fastcore.rules import RuleSet, RuleStore
from fastcore.rules.files import SUFFIXES, load, parse_json

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

    def __init__(self, library: Library, backend: str) -> None:
        self.library = library
        self.backend = backend
        self.match = Text("If-Match", "header", "replace only what has this ETag; `*`: anything that exists")
        self.none_match = Text("If-None-Match", "header", "`*`: create only, never replace")
        self._lock = Lock()

    def handle(self, call: Call) -> Work:
        return Work(len(call.body) * _DOCUMENT_SECONDS, self._replace, (call,))

    def _replace(self, call: Call) -> Reply:
        name = call.path["name"]
        if not _NAME.fullmatch(name):
            rule = "must be 1 to 100 of A-Z, a-z, 0-9, _ and -, and begin with a letter or digit"
            raise refused("invalid-parameter", "path.name", f"the name {rule}")
        ruleset = self._compile(name, call.body)
        if ruleset.name != name:
            names = f"the document is named {echo(ruleset.name, 60)!r}, the path {name!r}"
            raise refused("name-mismatch", "name", names)
        with self._lock:
            before = self.library.find(name)
            self._check(call, None if before is None else before.tag)
            write(self._file(name), call.body)
            self.library.store.replace(ruleset)
            now = self.library.called(call)
        body = json.dumps(now.summary(), separators=(",", ":")).encode()
        return Reply(body, 201 if before is None else 200, headers=((b"etag", now.tag.encode()),))

    def _compile(self, name: str, body: bytes) -> RuleSet:
        try:
            document = parse_json(body)
            if isinstance(document, dict) and "name" not in document:
                document = {"name": name, **document}
            # what `reload` would refuse must not be written to the folder
            return RuleSet(document, backend=self.backend, allow_regex=self.library.store.allow_regex)
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

    def _file(self, name: str) -> Path:
        """The JSON file of the folder that holds this ruleset, or shall hold it."""
        folder = self.library.store.folder
        assert folder is not None
        home = home_of(folder, name)
        if home is None:
            home = folder / f"{name}.json"
            if home.exists():
                raise refused("not-replaceable", "path.name", f"{home.name} holds another ruleset")
        elif home.suffix.lower() != ".json":
            raise refused("not-replaceable", "path.name", f"it is kept in {home.name}, which is not JSON")
        return home


def home_of(folder: Path, name: str) -> Path | None:
    """The file of a folder that holds the ruleset of this name; a file that cannot be read holds none."""
    for file in sorted(folder.iterdir(), key=lambda file: (file.stem != name, file.name)):
        if file.suffix.lower() in SUFFIXES and file.is_file():
            try:
                document = load(file)
            except (RuleSetError, OSError, ImportError):
                continue
            if isinstance(document, dict) and document.get("name", file.stem) == name:
                return file
    return None


def write(file: Path, content: bytes) -> None:
    """Replace a file as a whole: whoever reads it sees the old content or the new, also after a crash."""
    # not one of the suffixes that a store loads
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            shutil.copymode(file, temporary)
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
