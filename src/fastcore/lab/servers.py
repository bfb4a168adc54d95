"""A server process for a measurement: uvicorn with an app, from ``with`` to its end."""

import contextlib
import http.client
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .load import PREFIX, Work
from .processes import cpu_seconds, own_memory, peak_memory, pinned, resident_memory

__all__ = ["Server", "ServerError"]

START_SECONDS = 180.0
STOP_SECONDS = 5.0


class ServerError(Exception):
    """A server did not start, or did not answer; the message has the end of what it said."""


class Server:
    """Runs ``python -m uvicorn APP --factory`` on a free port of this machine.

    Parameters:
        python: the interpreter that serves.
        app: what uvicorn imports, ``module:factory``.
        variables: the environment of the process.
        workers: processes that answer.
        cores: on which they run; empty for all.
        folder: from which the app may be imported, besides what is installed.

    Attributes:
        start_seconds: from the start of the process until it answered.
        workers: process ids of those that answer.
    """

    def __init__(
        self,
        python: Path,
        app: str,
        variables: Mapping[str, str],
        *,
        workers: int = 1,
        cores: Sequence[int] = (),
        folder: Path | None = None,
    ) -> None:
        self._command = [*pinned(tuple(cores)), str(python), "-m", "uvicorn", app, "--factory"]
        self._command += ["--port", "0", "--no-access-log", "--workers", str(workers)]
        if folder is not None:
            self._command += ["--app-dir", str(folder)]
        self._variables = {**variables, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
        self._count = workers
        self.workers: list[int] = []

    def __enter__(self) -> Self:
        self._scratch = tempfile.TemporaryDirectory()
        log = Path(self._scratch.name) / "log"
        began = time.perf_counter()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                self._command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self._variables,
                cwd=self._scratch.name,
                start_new_session=True,  # Ctrl-C is for the one that measures
            )
        self._log = log
        try:
            self._wait_for_start(began + START_SECONDS)
            self.wait_until("/health", START_SECONDS, pause=0.005)
            self.start_seconds = time.perf_counter() - began
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _wait_for_start(self, end: float) -> None:
        while True:
            said = self.said()
            port = re.search(r"running on http://127\.0\.0\.1:(\d+)", said)
            self.workers = [int(number) for number in re.findall(r"Started server process \[(\d+)\]", said)]
            if port and said.count("Application startup complete") >= self._count:
                self.port = int(port[1])
                return
            if self.process.poll() is not None:
                raise ServerError(f"the server ended: {self.last_words()}")
            if time.perf_counter() > end:
                raise ServerError(f"the server did not start: {self.last_words()}")
            time.sleep(0.005)

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def last_words(self) -> str:
        lines = [line.strip() for line in self.said().splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it; requests that it still works on are not waited for."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                self._kill_workers()
        self._scratch.cleanup()

    def _kill_workers(self) -> None:
        """Ends what a parent that was killed has left."""
        for pid in self.workers:
            if pid != self.process.pid:
                with contextlib.suppress(OSError):
                    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def ask(self, path: str, timeout: float = 60.0) -> tuple[int, bytes]:
        """Status and body of a GET below the prefix.

        Raises:
            ServerError: no answer within this time.
        """
        return self._exchange("GET", path, "", timeout)

    def send(self, work: Work, timeout: float = 120.0) -> bytes:
        """The body of one answer.

        Raises:
            ServerError: no answer within this time, or another status than 200.
        """
        status, body = self._exchange(work.method, work.path, work.body, timeout)
        if status != 200:
            said = body[:200].decode(errors="replace")
            raise ServerError(f"{work.title}: status {status}: {said}")
        return body

    def _exchange(self, method: str, path: str, body: str, timeout: float) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        fields = {"content-type": "application/json"} if body else {}
        try:
            connection.request(method, PREFIX + path, body or None, fields)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(f"{method} {path}: {error or type(error).__name__}") from error
        finally:
            connection.close()

    def wait_until(self, path: str, seconds: float, pause: float = 0.1) -> bool:
        """Asks until the answer is 200, or 404, for which nobody need wait; gives whether it is 200.

        Raises:
            ServerError: the process ended.
        """
        end = time.perf_counter() + seconds
        while True:
            with contextlib.suppress(ServerError):
                status, _ = self.ask(path, timeout=max(0.05, end - time.perf_counter()))
                if status in (200, 404):
                    return status == 200
            if self.process.poll() is not None:
                raise ServerError(f"the server ended: {self.last_words()}")
            if time.perf_counter() > end:
                return False
            time.sleep(pause)

    def resident(self) -> list[int]:
        """Bytes in memory now, of each worker."""
        return [size for pid in self.workers if (size := resident_memory(pid)) is not None]

    def own(self) -> list[int]:
        """Bytes of its own, of each worker."""
        return [size for pid in self.workers if (size := own_memory(pid)) is not None]

    def peak(self) -> list[int]:
        """The most bytes that were resident, of each worker."""
        return [size for pid in self.workers if (size := peak_memory(pid)) is not None]

    def cpu_seconds(self) -> float | None:
        """Processor time of all workers so far."""
        times = [cpu_seconds(pid) for pid in self.workers]
        return sum(times) if all(time is not None for time in times) else None  # type: ignore[arg-type]
