"""Finding interpreters by name or path, and what each of them is."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = [
    "OLDEST",
    "Interpreter",
    "MissingInterpreterError",
    "configurations",
    "current",
    "describe",
    "find",
]

OLDEST = (3, 11)
SECONDS = 60
"""Within which an interpreter says what it is."""


class MissingInterpreterError(Exception):
    """There is no such interpreter, or it cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter as it is to run: an executable, and the switches that make it a configuration.

    Attributes:
        executable: its path.
        facts: of `facts.interpreter_facts`, as it said itself under these switches.
        switches: environment variables that it runs under, such as ``PYTHON_JIT``.
    """

    executable: Path
    facts: dict[str, Any] = field(hash=False)
    switches: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """What people call it: "CPython 3.15.2 JIT", "CPython 3.13.5t", "PyPy 8.0.1"."""
        label = f"{self.facts['implementation']} {self.facts['version']}"
        if self.facts["free_threaded"]:
            label += "t"
        if self.facts["debug"]:
            label += " debug"
        if self.facts["implementation"] != "PyPy" and self.facts["jit"]:
            label += " JIT"
        if self.facts["implementation"] == "PyPy" and not self.facts["jit"]:
            label += " without JIT"
        return label

    @property
    def key(self) -> str:
        """The label as a part of a file name."""
        return re.sub(r"[^a-z0-9.]+", "-", self.label.lower()).strip("-")

    @property
    def is_pypy(self) -> bool:
        return bool(self.facts["implementation"] == "PyPy")

    def environment(self, **more: str) -> dict[str, str]:
        """The variables for a process of it: those of this process, without what would change the result."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FASTCORE_", "PYTEST_"))
            and name not in ("PYTHONPATH", "PYTHONHOME", "PYTHON_JIT", "PYTHON_GIL", "VIRTUAL_ENV")
        }
        return {**kept, **dict(self.switches), **more}


def find(name: str) -> Interpreter:
    """The interpreter that a name or a path means.

    Names are looked for on PATH, in the folder that ``FASTCORE_INTERPRETERS`` names, among pyenv's versions,
    and by uv; a version alone, such as "3.13", means ``python3.13``.

    Raises:
        MissingInterpreterError: there is none, or it cannot be used.
    """
    if os.sep in name or Path(name).suffix == ".exe":
        return describe(Path(name))
    if re.fullmatch(r"3(\.\d+)?t?", name):
        name = f"python{name}"
    problem = f"{name}: found neither on PATH nor by pyenv or uv"
    for path in _candidates(name):
        try:
            return describe(path)
        except MissingInterpreterError as error:  # one of pyenv's shims answers for what is not there
            problem = str(error)
    raise MissingInterpreterError(problem)


def _candidates(name: str) -> Iterator[Path]:
    folders = os.environ.get("FASTCORE_INTERPRETERS")
    for where in (folders, None):
        if (where or where is None) and (found := shutil.which(name, path=where)):
            yield Path(found)
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from sorted(versions.glob(f"*/bin/{name}"), key=_by_version, reverse=True)
    if uv := shutil.which("uv"):
        asked = [uv, "python", "find", "--no-python-downloads", name.removeprefix("python")]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode == 0 and done.stdout.strip():
            yield Path(done.stdout.strip())


def _by_version(path: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", path.parents[1].name)]


def describe(executable: Path, switches: tuple[tuple[str, str], ...] = ()) -> Interpreter:
    """What an executable is, as it says itself when it runs under these switches.

    Raises:
        MissingInterpreterError: it is no Python, or too old.
    """
    unknown = Interpreter(executable, {}, switches)
    program = Path(__file__).with_name("facts.py").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:  # nothing of a current folder is imported
        try:
            done = subprocess.run(
                [executable, "-"],
                input=program,
                env=unknown.environment(),
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MissingInterpreterError(f"{executable}: {error}") from error
    try:
        facts = json.loads(done.stdout)
        path = Path(facts.pop("executable"))
    except (ValueError, KeyError, AttributeError, TypeError):
        said = (done.stderr.strip() or done.stdout.strip() or "said nothing").splitlines()[-1]
        raise MissingInterpreterError(f"{executable}: is no Python that answers: {said}") from None
    if tuple(map(int, facts["language"].split("."))) < OLDEST:
        least = ".".join(map(str, OLDEST))
        raise MissingInterpreterError(f"{executable}: is Python {facts['language']}; {least} is the oldest")
    return Interpreter(path, facts, switches)


def current() -> Interpreter:
    """The interpreter that runs this."""
    return describe(Path(sys.executable))


def configurations(interpreter: Interpreter) -> list[Interpreter]:
    """An interpreter as it is; one with a JIT that can be switched, without and with it.

    Raises:
        MissingInterpreterError: it does not start with its JIT switched.
    """
    if interpreter.is_pypy or not interpreter.facts["jit_available"]:
        return [interpreter]
    return [describe(interpreter.executable, (("PYTHON_JIT", state),)) for state in ("0", "1")]
