"""What a store has read of its folder, and the three ways in which that changes: reload, follow, save."""

import logging
import threading
from collections.abc import Callable, Mapping

from fastcore.errors import RuleSetError

from .file_lock import locked, replace_file
from .folder import Entry, Folder, RejectedFile, home, stamps
from .ruleset import RuleSet
from .watching import Settling

__all__ = ["Following"]

_log = logging.getLogger("fastcore.rules")
_LOGGED_ERRORS = 5

Entries = Mapping[str, Entry]
# called with the entries of before and of now, to put what has changed in its place
Take = Callable[[Entries, Entries], None]


class Following:
    """The files of a folder as they were read last.

    Parameters:
        folder: which one, and how its rulesets are made.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        # reading takes long, so readers and writers of the store itself have another lock
        self.turn = threading.Lock()
        self.rejected: tuple[RejectedFile, ...] = ()
        self._entries: Entries = {}
        self._unreachable: tuple[RejectedFile, ...] = ()

    def reload(self) -> dict[str, RuleSet]:
        """Reads everything, and gives it by name; with an error anywhere nothing changes.

        Raises: as `RuleStore.from_folder`.
        """
        entries = self.folder.read(self.folder.look(), {})
        for entry in entries.values():
            if entry.error is not None and not isinstance(entry.error, RuleSetError):
                raise entry.error
        errors = [pair for file, entry in entries.items() for pair in entry.errors(file)]
        if errors:
            raise RuleSetError(tuple(errors))
        self._entries, self.rejected = entries, ()
        rulesets = [entry.ruleset for entry in entries.values() if entry.ruleset is not None]
        return {ruleset.name: ruleset for ruleset in rulesets}

    def follow(self, settling: Settling, take: Take) -> None:
        """Looks at the folder once, and takes what has changed and come to rest."""
        with self.turn:
            try:
                found = settling.settled(self.folder.look(), stamps(self._entries))
                if found is None:
                    changed = self._entries
                else:
                    changed = self.folder.read(found, self._entries)
                    if self._written_meanwhile(found):
                        return
            except OSError as error:
                self._lost(f"it cannot be read: {error.strerror or type(error).__name__}")
                return
            self._found_again()
            self._put(changed, take)

    def _written_meanwhile(self, found: Mapping[str, tuple[object, ...]]) -> bool:
        """Whether a file changed while it was read, so that what was read may be half of it."""
        now = self.folder.look()
        before = stamps(self._entries)
        return any(now.get(file) != stamp for file, stamp in found.items() if before.get(file) != stamp)

    def save(
        self,
        ruleset: RuleSet,
        content: bytes,
        expect: Callable[[RuleSet | None], object],
        wait: float,
        current: Callable[[str], RuleSet | None],
        take: Take,
    ) -> RuleSet | None:
        """Writes a document and takes its ruleset; see `RuleStore.save`."""
        if not self.turn.acquire(timeout=wait):
            raise TimeoutError("the folder was being read for too long")
        try:
            with locked(self.folder.path, wait):
                self._refresh(ruleset.name, take)
                before = current(ruleset.name)
                expect(before)
                file = self.folder.home(ruleset.name, self._entries)
                replace_file(self.folder.path / file, content)
                written = self.folder.written(file, content, ruleset)
                self._put(dict(sorted({**self._entries, file: written}.items())), take)
                return before
        finally:
            self.turn.release()

    def _refresh(self, name: str, take: Take) -> None:
        """Takes what another process may have written to the file of this ruleset, and nothing else."""
        looked = self.folder.look()
        wanted = stamps(self._entries)
        for file in {home(name, self._entries), f"{name}.json"} - {None}:
            assert file is not None
            if file in looked:
                wanted[file] = looked[file]
            else:
                wanted.pop(file, None)
        self._put(self.folder.read(dict(sorted(wanted.items())), self._entries), take)

    def _put(self, entries: Entries, take: Take) -> None:
        before = self._entries
        if entries is before:
            return
        take(before, entries)
        self._entries = entries
        self.rejected = tuple(entry.rejected(file) for file, entry in entries.items() if entry.error)
        _report(before, entries)

    def _lost(self, message: str) -> None:
        trouble = RejectedFile(".", None, ((".", message),))
        if self._unreachable != (trouble,):
            _log.warning("folder %s: %s; its rulesets stay as they are", self.folder.path, message)
        self._unreachable = (trouble,)
        self.rejected = (trouble, *(each for each in self.rejected if each.file != "."))

    def _found_again(self) -> None:
        if self._unreachable:
            _log.info("folder %s can be read again", self.folder.path)
            self._unreachable = ()
            self.rejected = tuple(each for each in self.rejected if each.file != ".")


def _report(before: Entries, now: Entries) -> None:
    """Says in the log what has changed."""
    for file in sorted(before.keys() | now.keys()):
        old, new = before.get(file), now.get(file)
        was = None if old is None else old.ruleset
        if new is None:
            if was is not None:
                _log.info("%s is gone, and with it ruleset %r", file, was.name)
        elif new.error is not None:
            errors = new.errors(file)
            if old is None or old.errors(file) != errors:
                _log.warning("%s is not used, %s: %s", file, _kept(new.ruleset), _some(errors))
        elif new.ruleset is not None and new.ruleset is not was:
            _log.info("%s gives ruleset %r version %r", file, new.ruleset.name, new.ruleset.version)
        elif new.ruleset is not None and old is not None and old.error is not None:
            _log.info("%s gives ruleset %r version %r again", file, new.ruleset.name, new.ruleset.version)


def _kept(ruleset: RuleSet | None) -> str:
    if ruleset is None:
        return "and no ruleset comes from it"
    return f"ruleset {ruleset.name!r} stays at version {ruleset.version!r}"


def _some(errors: tuple[tuple[str, str], ...]) -> str:
    told = [f"{path}: {message}" for path, message in errors[:_LOGGED_ERRORS]]
    more = len(errors) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")
