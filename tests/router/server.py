"""A real uvicorn in processes of its own, for what a client in this process cannot show."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.waiting import eventually

__all__ = ["Server"]

START_SECONDS = 120
STOP_SECONDS = 120


class Server:
    """Runs ``app`` of a module in a folder, from ``with`` to its end; `port` is free and of 127.0.0.1."""

    def __init__(self, folder, module, workers=1, environment=None):
        command = [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", "0", "--app-dir", str(folder)]
        if workers > 1:
            command += ["--workers", str(workers)]
        self.log = []
        self._said = threading.Condition()
        self.process = subprocess.Popen(
            command,
            stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.workers = workers

    def _read(self):
        for line in self.process.stdout:
            with self._said:
                self.log.append(line)
                self._said.notify_all()
        with self._said:
            self._said.notify_all()

    def said(self, pattern, count=1):
        """Waits until so many lines match, and gives the first match."""
        end = time.monotonic() + START_SECONDS
        with self._said:
            while True:
                found = [match for line in self.log if (match := re.search(pattern, line))]
                if len(found) >= count:
                    return found[0]
                if time.monotonic() > end or (not self._said.wait(1) and self.process.poll() is not None):
                    pytest.fail(f"the server never said {pattern!r} {count} times:\n{''.join(self.log)}")

    def __enter__(self):
        try:
            self.port = int(self.said(r"running on http://127\.0\.0\.1:(\d+)").group(1))
            self.said("Application startup complete", self.workers)
            eventually(self._accepts, "a connection is accepted")  # the log says so a moment before
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *error):
        self._end()

    def _accepts(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def stop(self):
        """Asks it to end, as an orchestrator does."""
        self.process.send_signal(signal.SIGTERM)

    def ended(self):
        """Waits for its end."""
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the server did not end:\n{''.join(self.log)}")

    def _end(self):
        self.stop()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(60)
        self.process.stdout.close()
