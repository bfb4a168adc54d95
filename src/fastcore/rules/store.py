"""RuleStore: named RuleSets that can be replaced while other threads evaluate."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

from fastcore.errors import RuleSetError

from . import files
from .ruleset import RuleSet

__all__ = ["RuleStore"]


class RuleStore:
    """Named RuleSets, safe to share between threads.

    Readers see a snapshot and take no lock: who holds a RuleSet keeps it, whatever is replaced meanwhile.
    Writers take turns and swap the snapshot as a whole.

    Parameters:
        rulesets: what it holds at first; their names must differ.

    Raises:
        ValueError: two rulesets have one name.
    """

    __slots__ = ("_allow_regex", "_backend", "_folder", "_lock", "_snapshot")

    def __init__(self, rulesets: Iterable[RuleSet] = ()) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._backend: str | None = None
        self._allow_regex = False
        found: dict[str, RuleSet] = {}
        for ruleset in rulesets:
            if ruleset.name in found:
                raise ValueError(f"two rulesets are named {ruleset.name!r}")
            found[ruleset.name] = ruleset
        self._snapshot: Mapping[str, RuleSet] = MappingProxyType(found)

    @classmethod
    def from_folder(cls, path: str | Path, *, backend: str | None = None, allow_regex: bool = False) -> Self:
        """Loads every ruleset file of a folder; a document without a name takes its file's.

        Parameters:
            path: of the folder.
            backend, allow_regex: of all rulesets, as in `RuleSet`; `reload` takes the same.

        Raises:
            RuleSetError: files are not valid, or two hold one name; all errors, their paths begin with the
                file.
            OSError: the folder cannot be read.
            ImportError: regular expressions are allowed, but google-re2 is not installed.
        """
        store = cls()
        store._folder = Path(path)
        store._backend = backend
        store._allow_regex = bool(allow_regex)
        store.reload()
        return store

    @property
    def folder(self) -> Path | None:
        """Where it was loaded from."""
        return self._folder

    @property
    def allow_regex(self) -> bool:
        """Whether conditions of the rulesets in its folder may use `matches`."""
        return self._allow_regex

    def reload(self) -> None:
        """Reads the folder again; if anything in it is not valid, the store stays as it is.

        Raises: as `from_folder`.
            ValueError: the store was not loaded from a folder.
        """
        if self._folder is None:
            raise ValueError("this store was not loaded from a folder")
        with self._lock:
            found = load_folder(self._folder, self._backend, self._allow_regex)
            self._snapshot = MappingProxyType(found)

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


def load_folder(folder: Path, backend: str | None, allow_regex: bool) -> dict[str, RuleSet]:
    """The rulesets of a folder by name; errors as `RuleStore.from_folder`."""
    found: dict[str, RuleSet] = {}
    homes: dict[str, str] = {}
    errors: list[tuple[str, str]] = []
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in files.SUFFIXES or not file.is_file():
            continue
        try:
            with files.naming(file):
                document = files.load(file)
                if isinstance(document, dict) and "name" not in document:
                    document = {"name": file.stem, **document}
                ruleset = RuleSet(document, backend=backend, allow_regex=allow_regex)
        except RuleSetError as error:
            errors.extend(error.errors)
            continue
        if ruleset.name in found:
            errors.append((file.name, f"the name {ruleset.name!r} is also that of {homes[ruleset.name]}"))
        found[ruleset.name] = ruleset
        homes[ruleset.name] = file.name
    if errors:
        raise RuleSetError(tuple(errors))
    return found
