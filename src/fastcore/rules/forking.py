"""Locks and threads of objects that live on in a forked child, where only the forking thread does."""

import os
import threading
from typing import Protocol
from weakref import WeakSet

__all__ = ["survive_fork"]


class Forkable(Protocol):
    """What an object does around a fork of the process."""

    def _before_fork(self) -> None:
        """Take all locks, so that nothing is half done in the child."""

    def _after_fork(self, child: bool) -> None:
        """Give the locks back; in the child, make new ones, and start again the threads that ran."""


_lock = threading.Lock()
_known: "WeakSet[Forkable]" = WeakSet()
_held: list[Forkable] = []


def survive_fork(one: Forkable) -> None:
    """Calls the methods of an object around every fork, for as long as the object lives."""
    with _lock:
        _known.add(one)


def _before() -> None:
    _lock.acquire()
    _held.extend(_known)
    for one in _held:
        one._before_fork()


def _after(child: bool) -> None:
    global _lock
    held = _held.copy()
    _held.clear()
    if child:
        _lock = threading.Lock()
    for one in held:
        one._after_fork(child)
    if not child:
        _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before,
        after_in_parent=lambda: _after(False),
        after_in_child=lambda: _after(True),
    )
