"""What this process has answered so far."""

from collections import Counter
from threading import Lock
from typing import Any

__all__ = ["Counters"]


class Counters:
    """Counts of one router in one process; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: Counter[tuple[str, int]] = Counter()
        self._records: Counter[str] = Counter(evaluated=0, failed=0)

    def answered(self, operation: str, status: int) -> None:
        with self._lock:
            self._answers[operation, status] += 1

    def evaluated(self, good: int, bad: int) -> None:
        """Events that got a decision, and those that got an error."""
        with self._lock:
            self._records["evaluated"] += good
            self._records["failed"] += bad

    def to_dict(self) -> dict[str, Any]:
        with self._lock:
            answers, records = dict(self._answers), dict(self._records)
        by_operation: dict[str, dict[str, int]] = {}
        for (operation, status), count in sorted(answers.items()):
            by_operation.setdefault(operation, {})[str(status)] = count
        return {"scope": "this process", "answers": by_operation, "events": records}
