"""One cell of a run: a suite on a backend of an interpreter, measured by pytest in processes of its own."""

import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .environments import Environment
from .interpreters import Interpreter
from .results import Results, head

__all__ = ["FULL", "PEERS", "QUICK", "Cell", "CellError", "Effort", "Measured", "measure"]

PEERS = {
    "fibonacci": ("gmpy2",),
    "rules": ("datalogic-py", "json-logic-qubit", "zen-engine"),
    "logic": ("datalogic-py", "json-logic-qubit"),
    "payloads": ("orjson", "msgspec"),
}
"""What the files of ``benchmarks/`` compare with; each is left out where it cannot be installed."""
LABELS = ("work", "by", "algorithm", "unit", "units", "parameters", "checksum")
KEPT = 200
"""How many rounds a document keeps of a row."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much time a work gets; seconds, but for the rounds.

    Attributes:
        warm_up: before the steady state is measured, without a JIT.
        jit_warm_up: with one.
        most: for the rounds of the steady state.
        least_round: what a round takes at least.
        rounds: at least.
        isolated: whether each work has a process of its own, so that its first call is the process's first.
    """

    warm_up: float
    jit_warm_up: float
    most: float
    least_round: float
    rounds: int
    isolated: bool


QUICK = Effort(0.05, 1.5, 0.15, 0.0005, 5, False)
FULL = Effort(0.5, 8.0, 1.0, 0.002, 20, True)


class CellError(Exception):
    """A cell could not be measured; the message says why."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A suite on a backend of an interpreter."""

    interpreter: Interpreter
    backend: str
    suite: str
    quick: bool

    @property
    def label(self) -> str:
        return f"{self.interpreter.label}, {self.backend}, {self.suite}"

    def path(self, folder: Path) -> Path:
        return folder / f"kernels-{self.interpreter.key}-{self.backend}-{self.suite}.json"

    @property
    def effort(self) -> Effort:
        return QUICK if self.quick else FULL


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a cell: its document, what it left out, and what went wrong, by test with the reason."""

    results: Results
    gaps: dict[str, str]
    failures: dict[str, str]


def measure(
    cell: Cell, environment: Environment, *, peers: Path | None, report: Callable[[str], None]
) -> Measured:
    """Runs the suite of a cell.

    Parameters:
        cell: what to measure.
        environment: where.
        peers: the folder ``benchmarks`` of a checkout, to measure what is in it, too.
        report: is told what runs.

    Raises:
        CellError: nothing came back.
    """
    with tempfile.TemporaryDirectory(prefix="fastcore-bench-") as name:
        scratch = Path(name)
        (scratch / "pytest.ini").touch()  # no configuration of a folder above takes part
        file = _suite_file(cell, environment, peers)
        rows: list[dict[str, Any]] = []
        gaps: dict[str, str] = {}
        failures: dict[str, str] = {}
        notes: dict[str, Any] = {}
        for test in _tests(cell, environment, file, scratch, bare=peers is None):
            report(test.rpartition("::")[2])
            benchmarks, notes = _run(cell, environment, test, scratch, bare=peers is None)
            rows += [_row(cell, found) for found in benchmarks if "checksum" in found["extra_info"]]
            gaps |= {each["test"]: each["reason"] for each in notes["gaps"]}
            failures |= {each["test"]: each["reason"] for each in notes["failures"]}
    return Measured(Results("kernels", _head(cell, environment, notes), rows), gaps, failures)


def _head(cell: Cell, environment: Environment, notes: dict[str, Any]) -> dict[str, Any]:
    """The conditions, as the process that measured saw them."""
    interpreter = Interpreter(
        cell.interpreter.executable,
        notes.get("interpreter", cell.interpreter.facts),
        cell.interpreter.switches,
    )
    return head(
        interpreter,
        backend=cell.backend,
        source=environment.source.name,
        quick=cell.quick,
        packages=notes.get("packages", {}),
        version=notes.get("fastcore", {}).get("version", ""),
    )


def _suite_file(cell: Cell, environment: Environment, peers: Path | None) -> Path:
    if peers is not None:
        return peers / f"bench_{cell.suite}.py"
    program = "import fastcore.lab.suites as suites; print(suites.__path__[0])"
    done = _call(environment, [str(environment.python), "-c", program], environment.python.parent)
    if done.returncode:
        raise CellError(f"{cell.label}: {_last_line(done.stderr)}")
    return Path(done.stdout.strip()) / f"bench_{cell.suite}.py"


def _tests(cell: Cell, environment: Environment, file: Path, scratch: Path, bare: bool) -> Iterator[str]:
    """The file, or where each work has a process of its own, its tests."""
    if not cell.effort.isolated:
        yield str(file)
        return
    done = _call(environment, [*_pytest(cell, environment, str(file), bare), "--collect-only", "-q"], scratch)
    found = [line for line in done.stdout.splitlines() if "::" in line and not line.startswith(" ")]
    if not found:
        raise CellError(f"{cell.label}: {_last_line(done.stdout or done.stderr)}")
    for line in found:
        yield f"{file}::{line.partition('::')[2]}"


def _pytest(cell: Cell, environment: Environment, target: str, bare: bool) -> list[str]:
    folder = Path(target.partition("::")[0]).parent
    command = [str(environment.python), "-m", "pytest", "-c", "pytest.ini", "--rootdir", str(folder)]
    command += ["-p", "no:cacheprovider", "-p", "fastcore.lab.plugin", "--lab-backend", cell.backend]
    return [*command, *(["--lab-bare"] if bare else []), target]


def _run(
    cell: Cell, environment: Environment, target: str, scratch: Path, bare: bool
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What pytest-benchmark wrote, and the notes of our plugin."""
    written, notes = scratch / "benchmark.json", scratch / "notes.json"
    for path in (written, notes):
        path.unlink(missing_ok=True)
    effort = cell.effort
    # on CPython a JIT has nothing to do for compiled code
    jit = cell.interpreter.facts["jit"] and (cell.interpreter.is_pypy or cell.backend == "python")
    options = {
        # its own warm-up is on for PyPy alone, and would come after ours
        "benchmark-warmup": "off",
        "benchmark-timer": "time.process_time",
        "benchmark-max-time": effort.most,
        "benchmark-min-time": effort.least_round,
        "benchmark-min-rounds": effort.rounds,
        "benchmark-json": written,
        "lab-notes": notes,
        "lab-warm-up": effort.jit_warm_up if jit else effort.warm_up,
    }
    command = [*_pytest(cell, environment, target, bare), "--benchmark-only", "--benchmark-quiet", "-q"]
    done = _call(environment, [*command, *(f"--{name}={value}" for name, value in options.items())], scratch)
    if not notes.exists():
        raise CellError(f"{cell.label}: {_last_line(done.stderr or done.stdout)}")
    # without a benchmark the file is not written, or empty
    text = written.read_text(encoding="utf-8") if written.exists() else ""
    return json.loads(text)["benchmarks"] if text else [], json.loads(notes.read_text(encoding="utf-8"))


def _call(environment: Environment, command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        env=environment.variables(FASTCORE_BACKEND="auto"),
        cwd=folder,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["pytest said nothing"])[-1][:300]


def _row(cell: Cell, found: dict[str, Any]) -> dict[str, Any]:
    """A row of a document from what pytest-benchmark wrote of a test."""
    data = found["stats"]["data"]
    low, median, high = statistics.quantiles(data, n=4, method="inclusive") if len(data) > 1 else data * 3
    extra = found["extra_info"]
    step = max(1, len(data) // KEPT)
    return {
        "suite": cell.suite,
        "test": found["name"],
        "group": found["group"],
        **{
            name: extra[name]
            for name in ("work", "by", "algorithm", "unit", "units", "parameters", "checksum")
        },
        "clock": found["options"]["timer"],
        "isolated": cell.effort.isolated,
        "first_call": _short(extra["first_call"]),
        "warm_up": [[calls, _short(after), _short(time)] for calls, after, time in extra["warm_up"]],
        "rounds": len(data),
        "iterations": found["stats"]["iterations"],
        "median": _short(median),
        "q1": _short(low),
        "q3": _short(high),
        "mean": _short(statistics.fmean(data)),
        "minimum": _short(min(data)),
        "samples": [_short(each) for each in data[::step][:KEPT]],
    }


def _short(value: float) -> float:
    """Six digits are more than any clock is good for."""
    return float(f"{value:.6g}")
