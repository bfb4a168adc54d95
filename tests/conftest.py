"""What every test file may use: the ``backend`` fixture, and a run that cannot pass by skipping."""

import importlib
import importlib.util
import os
import re
import shutil
import sys
import tomllib
import warnings
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

with warnings.catch_warnings():
    # a pure-Python build warns once where a compiled wheel is published; tests/test_backend.py looks at that
    warnings.simplefilter("ignore", RuntimeWarning)
    import fastcore
from fastcore import _backend

# a deadline would fail tests on a busy machine
settings.register_profile("fastcore", deadline=None, print_blob=True)
settings.load_profile("fastcore")

SKIPS = Path(__file__).with_name("allowed_skips.toml")


def cython_problem() -> str | None:
    """Why the compiled backend cannot be tested here, or None."""
    try:
        _backend.load_extension()
    except ImportError as error:
        return str(error)
    return None


def browser_problem() -> str | None:
    """Why pages cannot be tested here, or None."""
    for name in ("playwright", "axe_playwright_python"):
        if importlib.util.find_spec(name) is None:
            return f"{name.replace('_', '-')} is not installed"
    return None if chromium() else "Chromium is not installed"


def chromium() -> str | None:
    """The system's Chromium, or what is made of it."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-cython", action="store_true", help="fail at once where the compiled backend is missing"
    )
    parser.addoption(
        "--require-browser", action="store_true", help="fail at once where pages cannot be tested"
    )
    parser.addoption(
        "--check-skips",
        action="store_true",
        help="fail on a skip that tests/allowed_skips.toml does not name",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--require-cython") and (problem := cython_problem()):
        raise pytest.UsageError(f"--require-cython: {problem}")
    if config.getoption("--require-browser") and (problem := browser_problem()):
        raise pytest.UsageError(f"--require-browser: {problem}")


def pytest_report_header() -> str:
    info = fastcore.backend_info()
    backends = "python" if cython_problem() else "cython, python"
    gil = "on" if info.gil else "off"
    return f"fastcore {info.version}: tests run on {backends}; selected: {info.name}; GIL {gil}"


@pytest.fixture(params=_backend.NAMES)
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn, in this process."""
    if request.param == "cython" and (problem := cython_problem()):
        pytest.skip(f"no compiled backend: {problem}")
    return request.param


@pytest.fixture(scope="session")
def re2() -> ModuleType:
    """The module of google-re2."""
    try:
        return importlib.import_module("re2")
    except ImportError:
        made = sys.implementation.name == "cpython" and sys.version_info < (3, 15)
        pytest.skip(f"google-re2 is not {'installed' if made else 'made for this Python'}")


def _allowed_skips() -> list[re.Pattern[str]]:
    here = {
        "any",
        sys.implementation.name,
        "pure" if cython_problem() else "compiled",
        "locked" if fastcore.backend_info().gil else "free",
    }
    entries = tomllib.loads(SKIPS.read_text(encoding="utf-8"))["skip"]
    return [re.compile(entry["reason"]) for entry in entries if entry["where"] in here]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    count = {
        kind: len(terminalreporter.stats.get(kind, [])) for kind in ("passed", "failed", "error", "skipped")
    }
    info = fastcore.backend_info()
    terminalreporter.write_line(
        f"{info.implementation} {'.'.join(map(str, sys.version_info[:3]))}, backend {info.name}: "
        + ", ".join(f"{number} {kind}" for kind, number in count.items())
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.getoption("--check-skips"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    allowed = _allowed_skips()
    reasons = {report.longrepr[2].removeprefix("Skipped: ") for report in reporter.stats.get("skipped", [])}
    unexpected = sorted(reason for reason in reasons if not any(pattern.match(reason) for pattern in allowed))
    for reason in unexpected:
        reporter.write_line(f"not in {SKIPS.name}: skipped because {reason!r}", red=True)
    if unexpected and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def clean_environment() -> dict[str, str]:
    """The environment for a subprocess, without any switch of ours."""
    return {key: value for key, value in os.environ.items() if not key.startswith("FASTCORE_")}
