"""What is asked of a server, and the two ways to ask: as fast as it answers, and at a fixed rate."""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .payments import EVENTS
from .processes import pinned

__all__ = ["WORKS", "LoadError", "NoWrkError", "Work", "at_rate", "closed_loop", "find_wrk"]

PREFIX = "/fastcore"
LATENCY_TIMEOUT = 30
"""Seconds after which wrk counts a request as timed out."""


@dataclass(frozen=True, slots=True)
class Work:
    """A request.

    Attributes:
        name: what options call it.
        method: of HTTP.
        path: below the prefix of the app.
        body: sent as JSON; empty for none.
    """

    name: str
    method: str
    path: str
    body: str = ""

    @property
    def title(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def message(self) -> str:
        """The request as it is sent."""
        lines = [f"{self.method} {PREFIX}{self.path} HTTP/1.1", "host: 127.0.0.1"]
        if self.body:
            lines += ["content-type: application/json", f"content-length: {len(self.body)}"]
        return "\r\n".join([*lines, "", self.body])


def _rules() -> Work:
    body = json.dumps(EVENTS[0], separators=(",", ":"))
    return Work("rules", "POST", "/rules/fraud/evaluate", body)


WORKS = {
    work.name: work
    for work in (Work("fib", "GET", "/fib/35"), _rules(), Work("payloads", "GET", "/payloads/1000"))
}


class NoWrkError(Exception):
    """wrk is needed and not there; the message says what to do."""


class LoadError(Exception):
    """A client did not work; the message says why."""


def find_wrk() -> str:
    """The path of wrk.

    Raises:
        NoWrkError: it is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise NoWrkError(
            "wrk, which measures how much a server can take, is not on PATH: install it "
            "(`apt install wrk`, `brew install wrk`), or measure at a fixed rate only, "
            "which needs no wrk: --mode open --rate 1000"
        )
    return found


_SCRIPT = """\
wrk.method = {method}
{body}
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{{"requests":%d,"microseconds":%d,"status":%d,"broken":%d,"timeouts":%d,' ..
    '"p50":%d,"p99":%d,"maximum":%d}}\\n', summary.requests, summary.duration, e.status,
    e.connect + e.read + e.write, e.timeout, latency:percentile(50), latency:percentile(99), latency.max))
end
"""
_BODY = 'wrk.body = {body}\nwrk.headers["Content-Type"] = "application/json"'


def closed_loop(
    port: int, work: Work, *, seconds: float, connections: int, cores: tuple[int, ...] = ()
) -> dict[str, Any]:
    """wrk over so many connections, each of which sends again when it is answered.

    Raises:
        LoadError: it did not work.
        NoWrkError: it is not installed.
    """
    body = _BODY.format(body=_quoted(work.body)) if work.body else ""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(_SCRIPT.format(method=_quoted(work.method), body=body), encoding="utf-8")
        threads = max(1, min(len(cores) or 1, connections))
        options = [f"-t{threads}", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        options += ["--timeout", f"{LATENCY_TIMEOUT}s", "-s", str(script)]
        url = f"http://127.0.0.1:{port}{PREFIX}{work.path}"
        done = subprocess.run(
            [*pinned(cores), find_wrk(), *options, url],
            capture_output=True,
            text=True,
            timeout=seconds + LATENCY_TIMEOUT + 60,
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise LoadError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    found = json.loads(lines[-1])
    elapsed = found["microseconds"] / 1e6
    answered = found["requests"]
    return {
        "requests": answered,
        "seconds": elapsed,
        "requests_per_second": (answered - found["status"]) / elapsed,
        "errors": found["status"] + found["broken"] + found["timeouts"],
        "timeouts": found["timeouts"],
        # of those that were answered while wrk still listened
        "p50": found["p50"] / 1e6 if answered else None,
        "p99": found["p99"] / 1e6 if answered else None,
        "maximum": found["maximum"] / 1e6 if answered else None,
    }


def _quoted(text: str) -> str:
    """A literal of Lua."""
    return json.dumps(text, ensure_ascii=True)


def at_rate(
    port: int, work: Work, *, rate: float, seconds: float, connections: int, cores: tuple[int, ...] = ()
) -> dict[str, Any]:
    """Requests at a fixed rate, their latency from the time at which each was due (see `open_loop`).

    Raises:
        LoadError: the client did not work, or found no server.
    """
    spec = {
        "port": port,
        "messages": [work.message],
        "connections": connections,
        "total": max(1, round(rate * seconds)),
        "rate": rate,
        "grace": max(5.0, seconds),
    }
    done = subprocess.run(
        # -P: the standard library's modules, not those beside the program
        [*pinned(cores), sys.executable, "-P", str(Path(__file__).with_name("open_loop.py"))],
        input=json.dumps(spec),
        capture_output=True,
        text=True,
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise LoadError(f"the client failed: {done.stderr.strip()}") from None
    if "failed" in found:
        raise LoadError(found["failed"])
    return found
