"""What a run could not measure, by name and with the reason: a gap in the report, not an error."""

import json
import threading
from pathlib import Path

from fastcore.rules.file_lock import replace_file

__all__ = ["NAME", "Gaps"]

NAME = "gaps.json"


class Gaps:
    """The gaps of a folder of results, kept in ``gaps.json``.

    Parameters:
        folder: of the results; None keeps them in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / NAME if folder is not None else None
        self._lock = threading.Lock()  # environments are made in several threads
        self.reasons: dict[str, str] = {}
        if self._path is not None and self._path.exists():
            found = json.loads(self._path.read_text(encoding="utf-8"))
            self.reasons = {str(what): str(reason) for what, reason in found["gaps"].items()}

    def add(self, what: str, reason: str) -> None:
        """Names a gap."""
        with self._lock:
            self.reasons[what] = reason
            self._save()

    def close(self, what: str) -> None:
        """Forgets a gap and those within it: it is being measured again."""
        with self._lock:
            inside = [name for name in self.reasons if name == what or name.startswith(f"{what}: ")]
            for name in inside:
                del self.reasons[name]
            if inside:
                self._save()

    def _save(self) -> None:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"gaps": dict(sorted(self.reasons.items()))}, indent=1, ensure_ascii=False)
            replace_file(self._path, f"{text}\n".encode())
