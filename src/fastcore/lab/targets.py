"""Which runtime configurations a measurement of servers is about: interpreters, and backends on each."""

import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import results
from .environments import UnavailableError, default_source, prepare, read_source
from .interpreters import Interpreter, MissingInterpreterError, configurations, current, find

__all__ = ["BACKENDS", "Gap", "Target", "find_targets"]

BACKENDS = ("cython", "python")
SERVER = {
    True: ("fastapi>=0.130", "uvicorn>=0.34"),  # uvloop and httptools do not exist for PyPy
    False: ("fastapi>=0.130", "uvicorn[standard]>=0.34"),
}
_PACKAGES = (
    *("fastapi", "starlette", "pydantic", "pydantic_core", "uvicorn", "uvloop", "httptools", "h11"),
    *("rule-engine", "json-logic-qubit"),
)
_ASK = """
import importlib.metadata, json, sys
found = {}
for name in json.loads(sys.argv[1]):
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
import fastcore
print(json.dumps({"packages": found, "version": fastcore.__version__}))
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was asked for and cannot be measured, and why."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Target:
    """An interpreter with one backend, and where it finds fastcore.

    Attributes:
        python: the interpreter of the environment.
        interpreter: what it is.
        backend: "cython" or "python".
        source: what fastcore was installed from.
        packages: versions of what serves.
        version: of fastcore.
    """

    python: Path
    interpreter: Interpreter
    backend: str
    source: str
    packages: dict[str, str]
    version: str

    @property
    def label(self) -> str:
        return f"{self.interpreter.label}, {self.backend}"

    def variables(self, **more: str) -> dict[str, str]:
        """The environment for its processes."""
        return self.interpreter.environment(FASTCORE_BACKEND=self.backend, PYTHONHASHSEED="0", **more)

    def file(self, kind: str) -> str:
        """The name of its document of results."""
        return f"{kind}-{self.interpreter.key}-{self.backend}.json"

    def head(self, quick: bool) -> dict[str, Any]:
        """The conditions, for its document."""
        return results.head(
            self.interpreter,
            backend=self.backend,
            source=self.source,
            quick=quick,
            packages=self.packages,
            version=self.version,
        )


def find_targets(
    names: Sequence[str],
    backends: Sequence[str] | None = None,
    *,
    requirements: Sequence[str] = (),
    source: str | None = None,
    report: Callable[[str], None] = lambda text: None,
) -> tuple[list[Target], list[Gap]]:
    """The configurations that can be measured, and what of the asked cannot.

    Parameters:
        names: interpreters; none means this one, with what is installed beside this fastcore.
        backends: of fastcore; None for both, on PyPy for `python`, as the other takes minutes to build.
        requirements: what their environments need besides a server.
        source: what fastcore is installed from; None for what this one came from.
        report: told what is being made.
    """
    found: list[Target] = []
    gaps: list[Gap] = []
    if not names:
        here = current()
        for backend in backends or _usual(here):
            _add(found, gaps, here.executable, here, backend, "this environment")
        return found, gaps
    origin = default_source() if source is None else read_source(source)
    for name in names:
        try:
            interpreters = configurations(find(name))
        except MissingInterpreterError as error:
            gaps.append(Gap(name, str(error)))
            continue
        chosen = backends or _usual(interpreters[0])
        for interpreter, backend in itertools.product(interpreters, chosen):
            needed = (*SERVER[interpreter.is_pypy], *requirements)
            report(f"{interpreter.label}, {backend}: environment")
            try:
                made = prepare(interpreter, origin, compiled=backend == "cython", requirements=needed)
            except UnavailableError as error:
                gaps.append(Gap(f"{interpreter.label}, {backend}", str(error)))
            else:
                _add(found, gaps, made.python, interpreter, backend, origin.name)
    return found, gaps


def _usual(interpreter: Interpreter) -> Sequence[str]:
    return ("python",) if interpreter.is_pypy else BACKENDS


def _add(
    found: list[Target], gaps: list[Gap], python: Path, interpreter: Interpreter, backend: str, source: str
) -> None:
    """Adds what answers with this backend."""
    with tempfile.TemporaryDirectory() as folder:  # nothing of a current folder is imported
        done = subprocess.run(
            [str(python), "-W", "ignore", "-c", _ASK, json.dumps(_PACKAGES)],
            env=interpreter.environment(FASTCORE_BACKEND=backend),
            cwd=folder,
            capture_output=True,
            text=True,
        )
    what = f"{interpreter.label}, {backend}"
    if done.returncode:
        gaps.append(Gap(what, (done.stderr.strip() or "it does not run").splitlines()[-1]))
        return
    said = json.loads(done.stdout)
    for needed in ("fastapi", "uvicorn"):
        if needed not in said["packages"]:
            cure = f'{sys.executable} -m pip install "fastcore-kernels[server]"'
            gaps.append(Gap(what, f"{needed} is not installed: {cure}"))
            return
    found.append(Target(python, interpreter, backend, source, said["packages"], said["version"]))
