"""Follows the changes of a store's folder, by looking at it in short intervals from a thread.

Looking is what works everywhere: on network file systems, in containers and for configuration that an
orchestrator swaps by a symbolic link, notifications of the system miss changes or come for other files.
"""

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING
from weakref import finalize, ref

from .folder import Stamp

if TYPE_CHECKING:
    from .store import RuleStore

__all__ = ["SETTLE_SECONDS", "Settling", "Watch"]

# a change is taken when the next look, so much later, finds the same
SETTLE_SECONDS = 0.1
# so often all files must be found at rest, before those are taken that are
_PATIENCE = 3

_log = logging.getLogger("fastcore.rules")


class Settling:
    """Decides which of the files that are found changed are not being written at this moment."""

    def __init__(self) -> None:
        self._seen: Mapping[str, Stamp] | None = None
        self._patience = _PATIENCE

    @property
    def pending(self) -> bool:
        """Whether there is a change that was not taken yet."""
        return self._seen is not None

    def settled(self, looked: Mapping[str, Stamp], known: Mapping[str, Stamp]) -> Mapping[str, Stamp] | None:
        """The stamps of the folder to read now; None if nothing has changed, or nothing that has is at rest.

        Several files that change at once are taken at once, unless one of them does not come to rest.

        Parameters:
            looked: what is found there.
            known: what was read before.
        """
        if looked == known:
            self._seen, self._patience = None, _PATIENCE
            return None
        seen, self._seen = self._seen, looked
        if looked == seen:
            return looked
        if seen is None or self._patience:
            self._patience -= seen is not None
            return None
        resting = dict(known)
        for file in looked.keys() | known.keys():
            if looked.get(file) == seen.get(file):
                _put(resting, file, looked.get(file))
        return None if resting == known else dict(sorted(resting.items()))


def _put(stamps: dict[str, Stamp], file: str, stamp: Stamp | None) -> None:
    if stamp is None:
        stamps.pop(file, None)
    else:
        stamps[file] = stamp


class Watch:
    """The thread that follows a store's folder. It does not keep the store alive, nor the process.

    Parameters:
        store: whose folder to follow; the thread ends with it.
        interval: seconds between two looks.
    """

    def __init__(self, store: "RuleStore", interval: float) -> None:
        self.interval = interval
        self._stop = threading.Event()
        arguments = (ref(store), self._stop, interval)
        self._thread = threading.Thread(target=_run, args=arguments, name="fastcore-rules-watch", daemon=True)
        self._thread.start()
        self._ending = finalize(store, self._stop.set)

    def stop(self) -> None:
        """Ends the thread, after what it is reading."""
        self._ending()
        if self._thread is not threading.current_thread():
            self._thread.join()


def _run(watched: "ref[RuleStore]", stop: threading.Event, interval: float) -> None:
    settling = Settling()
    pause = min(SETTLE_SECONDS, interval)
    while not stop.wait(pause if settling.pending else interval):
        store = watched()
        if store is None:
            return
        try:
            store._follow(settling)
        except Exception:  # a mistake here must not end the following for good
            _log.exception("the folder of rulesets could not be followed; it is tried again")
        # else the store would live for as long as this waits
        del store
