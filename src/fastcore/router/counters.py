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
        self._good = self._bad = 0

    def of(self, operation: str) -> Callable[[int], None]:
        """What counts an answer of this operation, by its status."""
        lock = self._lock
        answers = self._answers.setdefault(operation, {})

        def answered(status: int) -> None:
            with lock:
                answers[status] = answers.get(status, 0) + 1

        return answered

    def evaluated(self, good: int, bad: int) -> None:
        """Events that got a decision, and those that got an error."""
        with self._lock:
            self._good += good
            self._bad += bad

    def to_dict(self) -> dict[str, Any]:
        with self._lock:
            records = {"evaluated": self._good, "failed": self._bad}
            answers = {
                operation: {str(status): count for status, count in sorted(counts.items())}
                for operation, counts in sorted(self._answers.items())
                if counts
            }
        return {"scope": "this process", "answers": answers, "events": records}
