"""A lock that processes share, on a file; and files replaced as a whole."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["LOCK_NAME", "locked", "replace_file"]

# hidden, and with no suffix that a store loads
LOCK_NAME = ".fastcore.lock"
_RETRY_SECONDS = 0.01

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

    _HELD: tuple[type[OSError], ...] = (PermissionError,)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        # closing would not do: a child that was forked meanwhile has the same open file
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    _HELD = (BlockingIOError,)


@contextmanager
def locked(folder: Path, seconds: float) -> Iterator[None]:
    """Keeps every other process that does the same for this folder out; the system ends it with the process.

    Parameters:
        folder: a file named ``.fastcore.lock`` is made in it, and left there.
        seconds: the longest time to wait.

    Raises:
        TimeoutError: another process held it for all that time.
        OSError: the file cannot be made, or the file system has no locks.
    """
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor, seconds)
        try:
            yield
        finally:
            _unlock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            _try_lock(descriptor)
            return
        except _HELD:
            if time.monotonic() >= end:
                raise TimeoutError("another process held the lock of the folder for too long") from None
        time.sleep(_RETRY_SECONDS)


def replace_file(file: Path, content: bytes) -> None:
    """Replaces a file as a whole: whoever reads it sees the old content or the new, also after a crash.

    Raises:
        OSError: it cannot be written; it is then as it was.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            shutil.copymode(file, temporary)
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the names in a folder last, where the system can do that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # the file is replaced already, and some file systems have nothing to do
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
