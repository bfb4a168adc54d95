"""How often each rule fires."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain
from threading import Lock

from fastcore.rules import RuleSet

__all__ = ["RuleCounts"]

# So many events are added up at once. The ids that wait meanwhile are references to strings of the ruleset.
_BATCH = 64


class RuleCounts:
    """Counts for one ruleset, from when it is made; exact, also where several threads count at once.

    An event costs an ``append``, which is atomic; whoever finds many of them, or reads, adds them up.

    Parameters:
        ruleset: whose rules they are.
        decided: called with the number of events whenever some were added up.
    """

    __slots__ = ("_batch", "_decided", "_events", "_fired", "_lock", "_pending", "since")

    def __init__(self, ruleset: RuleSet, decided: Callable[[int], None]) -> None:
        self.since = datetime.now(UTC)
        self._lock = Lock()
        self._fired = Counter({rule.id: 0 for rule in ruleset.rules})
        self._events = 0
        self._pending: list[tuple[str, ...]] = []
        self._batch = _BATCH
        self._decided = decided

    def add(self, matched: tuple[str, ...]) -> None:
        """An event for which these rules fired."""
        pending = self._pending
        pending.append(matched)
        if len(pending) >= self._batch:
            self._add_up()

    def read(self) -> tuple[int, dict[str, int]]:
        """How many events were decided, and for how many each rule fired, in the order of `matched`."""
        self._add_up()
        with self._lock:
            return self._events, dict(self._fired)

    def retire(self) -> None:
        """The ruleset was replaced: events that are still under way are added up one by one."""
        self._batch = 1
        self._add_up()

    def _add_up(self) -> None:
        pending = self._pending
        with self._lock:
            count = len(pending)
            fired = pending[:count]
            del pending[:count]  # others may have appended meanwhile: the list itself is never replaced
            self._fired.update(chain.from_iterable(fired))
            self._events += count
        self._decided(count)
