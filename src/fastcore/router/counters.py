"""What this process has answered so far."""

from collections.abc import Callable
from threading import Lock
from typing import Any

__all__ = ["Counters"]


class Counters:
    """Counts of one router in one process; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: dict[str, dict[int, int]] = {}
        self._decided = self._failed = 0
        self.before_reading: Callable[[], None] = lambda: None

    def of(self, operation: str) -> Callable[[int], None]:
        """What counts an answer of this operation, by its status."""
        lock = self._lock
        answers = self._answers.setdefault(operation, {})

        def answered(status: int) -> None:
            with lock:
                answers[status] = answers.get(status, 0) + 1

        return answered

    def decided(self, count: int) -> None:
        """So many events more got a decision."""
        with self._lock:
            self._decided += count

    def failed(self, count: int) -> None:
        """So many events more got an error."""
        with self._lock:
            self._failed += count

    def to_dict(self) -> dict[str, Any]:
        self.before_reading()
        with self._lock:
            records = {"evaluated": self._decided, "failed": self._failed}
            answers = {
                operation: {str(status): count for status, count in sorted(counts.items())}
                for operation, counts in sorted(self._answers.items())
                if counts
            }
        return {"scope": "this process", "answers": answers, "events": records}
