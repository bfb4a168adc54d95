"""Where decisions go: standard output or a file, always in whole lines."""

import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import BinaryIO

__all__ = ["Output", "Shield"]

PARTIAL = ".partial"


class Output:
    """Takes lines; a file appears under its name when it is complete, and until then as ``NAME.partial``.

    Parameters:
        path: of the file; None for standard output. What exists and is no regular file, such as a pipe, is
            written as it is.

    Attributes:
        path: where it goes.
        partial: where an unfinished result is, None where there is none.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path = None if path is None else path.resolve()  # what a link points to is replaced
        self.partial: Path | None = None
        self._file: BinaryIO
        if path is None:
            self._file = sys.stdout.buffer
        elif path.exists() and not stat.S_ISREG(path.stat().st_mode):
            self._file = open(path, "wb")  # noqa: SIM115
        else:
            self.partial = path.with_name(path.name + PARTIAL)
            self._file = open(self.partial, "wb")  # noqa: SIM115

    def write(self, lines: bytes) -> None:
        self._file.write(lines)
        self._file.flush()

    def finish(self) -> None:
        """The result is complete: gives the file its name."""
        if self.path is not None and self.partial is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self.partial, self.path)
            self.partial = None

    def __enter__(self) -> "Output":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Closes; what is not finished stays under its partial name, if there is anything in it."""
        if self.path is not None:
            self._file.close()
        if self.partial is not None and self.partial.stat().st_size == 0:
            self.partial.unlink()
        elif self.partial is not None and error is not None:
            error.add_note(f"what was decided until then is in {self.partial}")


class Shield:
    """Lets Ctrl-C wait until a line is written; pressed again, it does not wait. Use as a context manager."""

    def __init__(self) -> None:
        self._raised = False
        self._up = False
        self._previous: object = None

    def __enter__(self) -> "Shield":
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, *failure: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)  # type: ignore[arg-type]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around what must not be cut in two.

        Raises:
            KeyboardInterrupt: behind it, if there was a reason.
        """
        self._up = True
        try:
            yield
        finally:
            self._up = False
        if self._raised:
            raise KeyboardInterrupt

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if not self._up or self._raised:
            raise KeyboardInterrupt
        self._raised = True
