"""What the ruleset files of a folder give, file by file, and which of them have changed since."""

import hashlib
import logging
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fastcore.errors import RuleSetError, StoreError

from . import files
from .ruleset import RuleSet

__all__ = ["Entry", "Folder", "RejectedFile", "Stamp", "stamps"]

_log = logging.getLogger("fastcore.rules")

# A file that was written a moment ago may be written again without any sign of it: some file systems keep
# times by the second or two. It is read once more when it is older than this.
_COARSE_NANOSECONDS = 2_000_000_000

# times of content and of its state, size, number of the file and of its device, and whether it is fresh
Stamp = tuple[int, int, int, int, int, bool]


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file of a store's folder whose present content is not used.

    Attributes:
        file: its name; ``"."`` stands for the folder itself.
        ruleset: name of the ruleset that it gave before, which is still used; None if there is none.
        errors: why, each a pair of path and message, as in RuleSetError.
    """

    file: str
    ruleset: str | None
    errors: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as it was read last: the ruleset that it gives, or gave before its content had an error."""

    stamp: Stamp
    digest: bytes
    ruleset: RuleSet | None
    error: Exception | None = None
    doubled: bool = False

    def rejected(self, file: str) -> RejectedFile:
        name = None if self.ruleset is None else self.ruleset.name
        return RejectedFile(file, name, self.errors(file))

    def errors(self, file: str) -> tuple[tuple[str, str], ...]:
        if isinstance(self.error, RuleSetError):
            return self.error.errors
        if isinstance(self.error, OSError):
            return ((file, f"it cannot be read: {self.error.strerror or type(self.error).__name__}"),)
        if isinstance(self.error, ImportError):
            return ((file, str(self.error)),)
        return () if self.error is None else ((file, f"it cannot be read: {type(self.error).__name__}"),)


def stamps(entries: Mapping[str, Entry]) -> dict[str, Stamp]:
    """The stamp of each file, by name."""
    return {file: entry.stamp for file, entry in entries.items()}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of ruleset files, and how its rulesets are made."""

    path: Path
    backend: str | None
    allow_regex: bool

    def look(self) -> dict[str, Stamp]:
        """The stamps of the files that are there, sorted by name; hidden ones are nobody's rulesets.

        Raises:
            OSError: the folder cannot be listed.
        """
        now = time.time_ns()
        root = os.fspath(self.path)
        found: dict[str, Stamp] = {}
        for file in sorted(os.listdir(root)):
            if not file.startswith(".") and files.suffix_of(file) in files.SUFFIXES:
                try:
                    status = os.stat(os.path.join(root, file))
                except OSError:  # gone meanwhile, or a link to nothing
                    continue
                if stat.S_ISREG(status.st_mode):
                    found[file] = _stamp(status, now)
        return found

    def stamp(self, file: str) -> Stamp:
        """The stamp of one file."""
        return _stamp((self.path / file).stat(), time.time_ns())

    def read(self, looked: Mapping[str, Stamp], before: Mapping[str, Entry]) -> dict[str, Entry]:
        """What these files give. Only those are read whose stamp is not as before.

        A file with an error keeps the ruleset that it gave before.
        """
        found = {}
        for file, stamp in looked.items():
            old = before.get(file)
            known = old is not None and old.stamp == stamp and not old.doubled
            found[file] = old if known and old is not None else self._read(file, stamp, old)
        _refuse_doubles(found, before)
        return found

    def _read(self, file: str, stamp: Stamp, old: Entry | None) -> Entry:
        kept = None if old is None else old.ruleset
        try:
            content = (self.path / file).read_bytes()
        except OSError as error:
            return Entry(stamp, b"", kept, error.with_traceback(None))
        digest = hashlib.sha256(content).digest()
        if old is not None and old.digest == digest and not old.doubled:
            return replace(old, stamp=stamp)
        try:
            return Entry(stamp, digest, self._build(file, content))
        except Exception as error:  # whatever it is, the other files are still to be read
            if not isinstance(error, RuleSetError | ImportError):
                _log.exception("%s cannot be read because of a mistake in fastcore", file)
            return Entry(stamp, digest, kept, error.with_traceback(None))

    def _build(self, file: str, content: bytes) -> RuleSet:
        with files.naming(file):
            document = files.parse(file, content)
            if isinstance(document, dict) and "name" not in document:
                document = {"name": Path(file).stem, **document}
            return RuleSet(document, backend=self.backend, allow_regex=self.allow_regex)

    def written(self, file: str, content: bytes, ruleset: RuleSet) -> Entry:
        """The entry of a file that was written just now and gives this ruleset."""
        return Entry(self.stamp(file), hashlib.sha256(content).digest(), ruleset)

    def home(self, name: str, entries: Mapping[str, Entry]) -> str:
        """The JSON file that gives the ruleset of this name, or shall give it.

        Raises:
            StoreError: that file is not JSON, or gives something else.
        """
        file = home(name, entries)
        if file is None:
            file = f"{name}.json"
            if (self.path / file).exists():
                raise StoreError(f"{file} holds another ruleset, or none that is valid")
        elif files.suffix_of(file) != ".json":
            raise StoreError(f"it is kept in {file}, which is not JSON")
        return file


def home(name: str, entries: Mapping[str, Entry]) -> str | None:
    """The file that gives the ruleset of this name."""
    for file, entry in entries.items():
        if entry.ruleset is not None and entry.ruleset.name == name:
            return file
    return None


def _stamp(status: os.stat_result, now: int) -> Stamp:
    fresh = now - status.st_mtime_ns < _COARSE_NANOSECONDS
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev, fresh)


def _refuse_doubles(found: dict[str, Entry], before: Mapping[str, Entry]) -> None:
    """Leaves each name to one file: the one that had it before, else the first.

    A file that is refused keeps what it gave before, which may be a name that another file took just now; so
    this is done again until all names differ. Rulesets of before have different names, so it ends.
    """

    def held(file: str) -> bool:
        old = before.get(file)
        return old is not None and old.ruleset is found[file].ruleset

    again = True
    while again:
        again = False
        with_names = {file: entry.ruleset for file, entry in found.items() if entry.ruleset is not None}
        homes = {ruleset.name: file for file, ruleset in with_names.items() if held(file)}
        for file, ruleset in with_names.items():
            other = homes.setdefault(ruleset.name, file)
            if other != file:
                old = before.get(file)
                kept = None if old is None else old.ruleset
                error = RuleSetError(((file, f"the name {ruleset.name!r} is also that of {other}"),))
                found[file] = replace(found[file], ruleset=kept, error=error, doubled=True)
                again = True
