"""What is missing or broken in this installation, and the command that cures it."""

import importlib.metadata
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fastcore import _backend
from fastcore.info import BackendInfo, backend_info

__all__ = ["Finding", "diagnose"]

EXTRAS = {
    "fastapi": ("fastapi",),
    "server": ("uvicorn",),
    "numpy": ("numpy",),
    "arrow": ("pyarrow",),
    "cli": ("typer", "rich", "yaml"),
    "regex": ("re2",),
    "bench": ("pytest", "pytest_benchmark"),
}
USES = {
    "fastapi": "fastcore.router",
    "server": "serving the examples",
    "numpy": "arrays and columns, very large Fibonacci numbers",
    "arrow": "rules over Arrow data",
    "cli": "this command; yaml: rulesets in YAML",
    "regex": "regular expressions in rules",
    "bench": "fastcore bench",
}
NOT_FOR_PYPY = ("numpy", "arrow", "regex")
REINSTALL = "python -m pip install --force-reinstall --no-deps fastcore-kernels"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: "ok", "note" (worth knowing), "missing" (optional and not there) or "problem".
        what: was looked at.
        detail: what was found.
        cure: the command that changes it, or "".
    """

    state: str
    what: str
    detail: str
    cure: str = ""

    @property
    def is_problem(self) -> bool:
        return self.state == "problem"

    @property
    def is_missing(self) -> bool:
        return self.state == "missing"

    def __str__(self) -> str:
        text = f"{self.state:<8} {self.what}: {self.detail}"
        return f"{text}\n         cure: {self.cure}" if self.cure else text


def diagnose() -> list[Finding]:
    """Looks at everything that decides how fastcore runs here."""
    info = backend_info()
    return [
        _distributions(),
        *_extension(info),
        _backend_choice(info),
        *_interpreter(info),
        *_extras(),
    ]


def _distributions() -> Finding:
    what = "distribution"
    other, ours = _version("fastcore"), _version("fastcore-kernels")
    if other is not None:
        return Finding(
            "problem",
            what,
            f"another project's distribution, fastcore {other}, is installed and shares the import package",
            f"python -m pip uninstall -y fastcore && {REINSTALL}",
        )
    if ours is None:
        return Finding(
            "note", what, "fastcore-kernels is not installed; this is a bare source tree on the path"
        )
    return Finding("ok", what, f"fastcore-kernels {ours}")


def _extension(info: BackendInfo) -> Iterator[Finding]:
    what = "compiled backend"
    if info.extension_file is not None:
        yield Finding("ok", what, info.extension_file)
        return
    if info.implementation == "PyPy":
        yield Finding("note", what, "not built: plain Python is the faster choice on PyPy")
        return
    try:
        _backend.load_extension()
    except ImportError as error:
        chosen = info.requested == "python"
        yield Finding("note" if chosen else "problem", what, str(error), _rebuild(error.path))
        yield from _build_tools()


def _rebuild(stale: str | None) -> str:
    """The command that builds the extension for the installation at hand."""
    checkout = Path(_backend.__file__).parents[2]
    if (checkout / "setup.py").is_file():
        command = f"FASTCORE_BUILD=require python -m pip install -e {checkout}"
    elif _backend.has_published_wheel():
        command = REINSTALL
    else:
        options = "--force-reinstall --no-deps --no-binary fastcore-kernels"
        command = f"FASTCORE_BUILD=require python -m pip install {options} fastcore-kernels"
    return f"rm {stale} && {command}" if stale else command


def _build_tools() -> Iterator[Finding]:
    if sys.platform == "win32":
        return
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(os.environ.get("CC", compiler)) is None:
        cure = (
            "xcode-select --install"
            if sys.platform == "darwin"
            else "apt-get install gcc (or your system's equivalent)"
        )
        yield Finding("note", "C compiler", f"{compiler} is not on the path; building needs it", cure)
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.is_file():
        yield Finding(
            "note",
            "Python headers",
            f"{header} does not exist; building needs it",
            "apt-get install python3-dev (or your system's equivalent)",
        )


def _backend_choice(info: BackendInfo) -> Finding:
    detail = f"{info.name} ({info.reason})"
    if info.requested == "python" and info.extension_file is not None:
        return Finding(
            "note", "backend", f"{detail}; the compiled one is there, too", "unset FASTCORE_BACKEND"
        )
    return Finding("ok", "backend", detail)


def _interpreter(info: BackendInfo) -> Iterator[Finding]:
    yield Finding("ok", "interpreter", f"{info.implementation} {info.interpreter}")
    if info.implementation == "PyPy" and info.jit is False:
        yield Finding("problem", "JIT", "is off: PyPy interprets", "unset PYPY_DISABLE_JIT")
    if sysconfig.get_config_var("Py_GIL_DISABLED") and info.gil:
        forced = os.environ.get("PYTHON_GIL") == "1" or sys._xoptions.get("gil") == "1"
        yield Finding(
            "problem",
            "GIL",
            "is on although this interpreter is free-threaded: "
            + (
                "it was asked for"
                if forced
                else "an extension module that does not support free threading turned it on"
            ),
            "unset PYTHON_GIL"
            if forced
            else "python -W error -c 'import fastcore'  # then each import of your own: names it",
        )


def _extras() -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        what = f"extra {extra}"
        absent = [module for module in modules if find_spec(module) is None]
        if not absent:
            yield Finding("ok", what, ", ".join(modules))
        elif extra in NOT_FOR_PYPY and sys.implementation.name == "pypy":
            yield Finding("note", what, "does not exist for PyPy, and nothing needs it there")
        else:
            yield Finding(
                "missing",
                what,
                f"{', '.join(absent)} not installed ({USES[extra]})",
                f'python -m pip install "fastcore-kernels[{extra}]"',
            )


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
