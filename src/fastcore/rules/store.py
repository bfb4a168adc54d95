"""RuleStore: named RuleSets that can be replaced while other threads evaluate, and that follow a folder."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from .folder import Entry, Folder, RejectedFile
from .following import Following
from .forking import survive_fork
from .ruleset import RuleSet
from .watching import Settling, Watch

__all__ = ["RuleStore"]

_INTERVAL_SECONDS = 0.5


class RuleStore:
    """Named RuleSets, safe to share between threads, and to fork with.

    Readers see a snapshot and take no lock: who holds a RuleSet keeps it, whatever is replaced meanwhile.
    Writers take turns and swap the snapshot as a whole.

    Parameters:
        rulesets: what it holds at first; their names must differ.

    Raises:
        ValueError: two rulesets have one name.
    """

    __slots__ = ("__weakref__", "_following", "_lock", "_snapshot", "_watch")

    def __init__(self, rulesets: Iterable[RuleSet] = ()) -> None:
        self._lock = threading.Lock()
        self._following: Following | None = None
        self._watch: Watch | None = None
        found: dict[str, RuleSet] = {}
        for ruleset in rulesets:
            if ruleset.name in found:
                raise ValueError(f"two rulesets are named {ruleset.name!r}")
            found[ruleset.name] = ruleset
        self._snapshot: Mapping[str, RuleSet] = MappingProxyType(found)
        survive_fork(self)

    @classmethod
    def from_folder(
        cls,
        path: str | Path,
        *,
        backend: str | None = None,
        allow_regex: bool = False,
        watch: bool = False,
        interval: float = _INTERVAL_SECONDS,
    ) -> Self:
        """Loads every ruleset file of a folder; a document without a name takes its file's.

        Hidden files, whose names begin with a dot, are left out.

        Parameters:
            path: of the folder.
            backend, allow_regex: of all rulesets, as in `RuleSet`; whatever is read later takes the same.
            watch: follow changes of the files, as `watch` does, with this `interval`.

        Raises:
            RuleSetError: files are not valid, or two hold one name; all errors, their paths begin with the
                file.
            OSError: the folder or a file cannot be read.
            ImportError: regular expressions are allowed, but google-re2 is not installed.
            ValueError: as `watch`.
        """
        store = cls()
        store._following = Following(Folder(Path(path), backend, bool(allow_regex)))
        store.reload()
        if watch:
            store.watch(interval)
        return store

    @property
    def folder(self) -> Path | None:
        """Where it was loaded from."""
        return None if self._following is None else self._following.folder.path

    @property
    def backend(self) -> str | None:
        """The backend that was asked for when it was loaded from its folder."""
        return None if self._following is None else self._following.folder.backend

    @property
    def allow_regex(self) -> bool:
        """Whether conditions of the rulesets in its folder may use `matches`."""
        return self._following is not None and self._following.folder.allow_regex

    @property
    def watching(self) -> bool:
        """Whether it follows its folder."""
        return self._watch is not None

    @property
    def rejected(self) -> tuple[RejectedFile, ...]:
        """The files of its folder whose present content is not used, as they were found last."""
        return () if self._following is None else self._following.rejected

    def _source(self) -> Following:
        if self._following is None:
            raise ValueError("this store was not loaded from a folder")
        return self._following

    def reload(self) -> None:
        """Reads the folder again; if anything in it is not valid, the store stays as it is.

        Raises: as `from_folder`.
            ValueError: the store was not loaded from a folder.
        """
        source = self._source()
        with source.turn:
            found = source.reload()
            with self._lock:
                self._snapshot = MappingProxyType(found)

    def watch(self, interval: float = _INTERVAL_SECONDS) -> None:
        """Follows its folder from now on: files that change, come or go change the store, one file apart from
        the other. If it does so already, nothing happens.

        A change is taken once a file is found the same twice, 0.1 seconds apart, so that none is read while
        it is written. A file that is not valid is rejected: what it gave before stays, `rejected` names it
        with its errors, and so does a warning in the log ``fastcore.rules``. The thread that looks ends with
        `close`, with the store, or with the process; a forked child has its own.

        Parameters:
            interval: seconds between two looks. A change is seen after at most that long, and taken within
                half a second more and the time that it takes to load.

        Raises:
            ValueError: the store was not loaded from a folder, or the interval is not positive.
        """
        self._source()
        if not (interval > 0 and isfinite(interval)):
            raise ValueError(f"interval must be a positive number of seconds, not {interval!r}")
        with self._lock:
            if self._watch is None:
                self._watch = Watch(self, interval)

    def close(self) -> None:
        """Stops following the folder. The store and its rulesets remain as they are, to be used further."""
        with self._lock:
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _follow(self, settling: Settling) -> None:
        self._source().follow(settling, self._take)

    def _take(self, before: Mapping[str, Entry], now: Mapping[str, Entry]) -> None:
        """Puts the rulesets that have changed with the files in place, all at once."""
        old = {file: entry.ruleset for file, entry in before.items() if entry.ruleset is not None}
        new = {file: entry.ruleset for file, entry in now.items() if entry.ruleset is not None}
        with self._lock:
            names = dict(self._snapshot)
            for file, ruleset in old.items():
                if new.get(file) is not ruleset:
                    names.pop(ruleset.name, None)
            names.update((each.name, each) for file, each in new.items() if old.get(file) is not each)
            self._snapshot = MappingProxyType(names)

    def _before_fork(self) -> None:
        if self._following is not None:
            self._following.turn.acquire()
        self._lock.acquire()

    def _after_fork(self, child: bool) -> None:
        if not child:
            self._lock.release()
            if self._following is not None:
                self._following.turn.release()
            return
        self._lock = threading.Lock()
        if self._following is not None:
            self._following.turn = threading.Lock()
        if self._watch is not None:
            self._watch = Watch(self, self._watch.interval)

    def snapshot(self) -> Mapping[str, RuleSet]:
        """All rulesets of this moment, by name; it never changes."""
        return self._snapshot

    def names(self) -> tuple[str, ...]:
        """The names, sorted."""
        return tuple(sorted(self._snapshot))

    def get(self, name: str) -> RuleSet | None:
        """The ruleset of that name, None if there is none."""
        return self._snapshot.get(name)

    def replace(self, ruleset: RuleSet) -> RuleSet | None:
        """Puts a ruleset in the place of the one of its name, or adds it; gives the one that was there."""
        if not isinstance(ruleset, RuleSet):
            raise TypeError(f"a store holds RuleSets, not {type(ruleset).__name__}")
        with self._lock:
            before = self._snapshot.get(ruleset.name)
            self._snapshot = MappingProxyType({**self._snapshot, ruleset.name: ruleset})
        return before

    def save(
        self,
        ruleset: RuleSet,
        content: bytes,
        *,
        expect: Callable[[RuleSet | None], object] = lambda before: None,
        wait: float = 10.0,
    ) -> RuleSet | None:
        """Writes a ruleset's document to the folder and puts the ruleset in place.

        That is one step for all processes that save to the folder, and those that watch it follow. The file
        is replaced as a whole.

        Parameters:
            ruleset: what the document gives.
            content: the document, as JSON text.
            expect: called with the ruleset of that name that the folder has, or None, while nobody else can
                save; if it raises, nothing is changed.
            wait: the longest time to wait for others, in seconds.

        Returns:
            The ruleset that was there.

        Raises:
            ValueError: the store was not loaded from a folder.
            StoreError: the ruleset is kept in a file of another format, or its file is another's.
            TimeoutError: others were saving or loading for all that time.
            OSError: the folder cannot be written.
        """
        return self._source().save(ruleset, content, expect, wait, self.get, self._take)

    def replace_lists(self, name: str, lists: Mapping[str, Iterable[str | int | float | bool]]) -> RuleSet:
        """Puts the ruleset of that name with other named lists in its place, and gives it.

        Parameters:
            name: of the ruleset.
            lists: as in `RuleSet.with_lists`.

        Raises:
            KeyError: there is none of that name.
            RuleSetError: as `RuleSet.with_lists`; the store then stays as it is.

        Two replacements at once never lose one another's lists. From a folder, `reload` brings back the lists
        that its files have.
        """
        with self._lock:
            replaced = self[name].with_lists(lists)
            self._snapshot = MappingProxyType({**self._snapshot, name: replaced})
        return replaced

    def remove(self, name: str) -> RuleSet:
        """Takes a ruleset out and gives it.

        Raises:
            KeyError: there is none of that name.
        """
        with self._lock:
            kept = dict(self._snapshot)
            if name not in kept:
                raise KeyError(f"no ruleset is named {name!r}")
            removed = kept.pop(name)
            self._snapshot = MappingProxyType(kept)
        return removed

    def __getitem__(self, name: str) -> RuleSet:
        found = self._snapshot.get(name)
        if found is None:
            raise KeyError(f"no ruleset is named {name!r}")
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._snapshot

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._snapshot)

    def __repr__(self) -> str:
        return f"<RuleStore: {', '.join(self.names()) or 'empty'}>"
