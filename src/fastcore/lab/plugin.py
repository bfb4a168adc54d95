"""The pytest plugin of the benchmarks: the fixtures ``backend`` and ``measure``, and what is recorded.

``-p fastcore.lab.plugin`` loads it, or ``pytest_plugins`` in a conftest. pytest-benchmark measures the steady
state; `measure` adds what it leaves out: the first call, the way to the steady state, the label of the
algorithm, and a checksum of the result.
"""

import hashlib
import importlib.metadata
import json
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastcore import _backend
from fastcore.info import backend_info

from .facts import interpreter_facts, machine_facts

__all__ = ["Measure", "backend", "checksum", "measure"]

BENEATH = ("gmpy2", "numpy")
"""What fastcore uses where it is installed, and a bare comparison leaves out."""
GROWTH = 1.3
"""By how much a batch of the warm-up is greater than the one before, so that a curve has some 50 points."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fastcore")
    group.addoption("--lab-backend", choices=_backend.NAMES, help="run what this backend does, no more")
    group.addoption("--lab-warm-up", type=float, metavar="SECONDS", help="how long each benchmark warms up")
    group.addoption("--lab-notes", type=Path, metavar="FILE", help="write gaps, failures and facts as JSON")
    group.addoption(
        "--lab-bare", action="store_true", help="fastcore cannot import numpy or gmpy2, even if installed"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--lab-bare"):
        for name in BENEATH:
            sys.modules[name] = None  # type: ignore[assignment]
    if path := config.getoption("--lab-notes"):
        config.pluginmanager.register(_Notes(path))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With a backend chosen: what has another leaves, and so does what has none unless it is "python"."""
    chosen = config.getoption("--lab-backend")
    if chosen is None:
        return
    left = [item for item in items if _backend_of(item) != chosen]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if _backend_of(item) == chosen]


def _backend_of(item: pytest.Item) -> str:
    call = getattr(item, "callspec", None)
    return str(call.params.get("backend", "python")) if call else "python"


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """pytest-benchmark says neither whether there is a GIL or a JIT, nor which backend ran."""
    facts = {**interpreter_facts(), **machine_facts()}
    machine_info["fastcore"] = {**facts, **backend_info().to_dict()}


class _Notes:
    """Writes what a run did not measure, and why, and what took part."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.gaps: list[dict[str, str]] = []
        self.failures: list[dict[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("/")[2]
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.gaps.append({"test": name, "reason": reason.removeprefix("Skipped: ")})
        elif report.failed:
            lines = str(report.longrepr).strip().splitlines() or [report.outcome]
            told = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
            self.failures.append({"test": name, "reason": (told or lines[-1:])[0]})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self.gaps.append({"test": report.nodeid, "reason": report.longrepr[2].removeprefix("Skipped: ")})
        elif report.failed:
            reason = str(report.longrepr).strip().splitlines()[-1].removeprefix("E").strip()
            self.failures.append({"test": report.nodeid, "reason": reason})

    def pytest_sessionfinish(self) -> None:
        packages = {each.name: each.version for each in importlib.metadata.distributions()}
        notes = {
            "gaps": self.gaps,
            "failures": self.failures,
            "fastcore": backend_info().to_dict(),
            "interpreter": interpreter_facts(),  # now: an extension may have turned the GIL on
            "packages": dict(sorted(packages.items())),
        }
        self.path.write_text(json.dumps(notes), encoding="utf-8")


@pytest.fixture(params=_backend.NAMES)
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn, in this process."""
    try:
        return _backend.resolve(request.param)
    except ImportError as error:
        pytest.skip(f"no compiled backend: {error}")


@pytest.fixture
def measure(request: pytest.FixtureRequest, benchmark: Any) -> "Measure":
    """Measures a call, labelled; see `Measure`."""
    seconds = request.config.getoption("--lab-warm-up")
    if seconds is None:
        seconds = 1.0 if interpreter_facts()["jit"] else 0.05
    timer = pkgutil.resolve_name(str(request.config.getoption("benchmark_timer")))
    return Measure(benchmark, seconds, timer)


class Measure:
    """The fixture: like pytest-benchmark's, it is called once with what is to be timed.

    Parameters:
        benchmark: pytest-benchmark's fixture.
        seconds: how long to warm up.
        timer: pytest-benchmark's.
    """

    def __init__(self, benchmark: Any, seconds: float, timer: Callable[[], float]) -> None:
        self._benchmark = benchmark
        self._seconds = seconds
        self._timer = timer

    def __call__(
        self,
        call: Callable[..., Any],
        *arguments: Any,
        group: str,
        work: str,
        algorithm: str,
        by: str = "fastcore",
        unit: str = "call",
        units: int = 1,
        normal: Callable[[Any], Any] = lambda result: result,
        **parameters: float,
    ) -> Any:
        """Times ``call(*arguments)``: the first, the way to the steady state, and the steady state.

        Parameters:
            call: what is timed, with its arguments.
            group: of rows that do the same work.
            work: what it is, in words that hold for every interpreter, backend and peer.
            algorithm: how it is done; rows of different algorithms are kept apart.
            by: who does it.
            unit: what the work is counted in.
            units: how many of them a call does.
            normal: makes of a result what must be equal for all who do this work.
            parameters: numbers that a plot may have as an axis.

        Returns:
            The result of the last call.
        """
        benchmark = self._benchmark
        benchmark.group = group
        if benchmark.disabled:
            return benchmark(call, *arguments)
        result, curve = self._warm_up(call, arguments)
        first = checksum(normal(result))
        result = benchmark(call, *arguments)
        if checksum(normal(result)) != first:
            pytest.fail(f"{work}: the last call gave another result than the first")
        benchmark.extra_info.update(
            work=work,
            algorithm=algorithm,
            by=by,
            unit=unit,
            units=units,
            parameters=parameters,
            checksum=first,
            first_call=curve[0][2],
            warm_up=curve,
        )
        return result

    def _warm_up(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, list[list[float]]]:
        """The first result; and calls done, time since the start, time of a call, of batches that grow."""
        timer, calls, batch = self._timer, 1, 1.0
        start = before = timer()
        result = call(*arguments)
        now = timer()
        curve = [[1, now - start, now - start]]
        while now - start < self._seconds:
            count = int(batch)
            before = timer()
            for _ in range(count):
                call(*arguments)
            now = timer()
            calls += count
            curve.append([calls, now - start, (now - before) / count])
            # a batch takes no more than a tenth of the time, so that a slow call has a curve, too
            per_call = max((now - before) / count, 1e-9)
            batch = min(batch * GROWTH, max(1.0, self._seconds / 10 / per_call))
        return result, _thinned(curve)


def _thinned(curve: list[list[float]], most: int = 80) -> list[list[float]]:
    """At most so many points of a curve, evenly chosen, with its ends."""
    if len(curve) <= most:
        return curve
    return [curve[round(index * (len(curve) - 1) / (most - 1))] for index in range(most)]


def checksum(value: Any) -> str:
    """The same for equal plain data on every interpreter."""
    if isinstance(value, int):
        data = hex(value).encode()
    elif isinstance(value, bytes):
        data = value
    else:
        data = repr(value).encode("utf-8", "backslashreplace")
    return hashlib.sha256(data).hexdigest()[:16]
