"""A virtual environment for each interpreter, with fastcore and what measures it, in a cache folder.

An environment is made once for a state of the sources and used again; its key is in the name of its folder,
so deleting the cache folder is always safe.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import fastcore
from fastcore._version import __version__
from fastcore.rules.file_lock import locked, replace_file

from .interpreters import Interpreter

__all__ = [
    "Environment",
    "Source",
    "UnavailableError",
    "cache_folder",
    "default_source",
    "prepare",
    "read_source",
]

DISTRIBUTION = "fastcore-kernels"
LONGEST_BUILD = 1800.0
BUILD_FILES = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "src")
GENERATED = shutil.ignore_patterns("*.so", "*.pyd", "_speedups.c", "__pycache__", "*.egg-info")


class UnavailableError(Exception):
    """An environment cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """What fastcore is installed from.

    Attributes:
        target: a checkout, a wheel or an sdist as a path, or a requirement for pip.
        name: what results say about it: the content's fingerprint, or the requirement.
    """

    target: str
    name: str

    @property
    def is_checkout(self) -> bool:
        return Path(self.target).is_dir()


@dataclass(frozen=True, slots=True)
class Environment:
    """Where an interpreter finds fastcore.

    Attributes:
        python: the environment's interpreter.
        interpreter: that it was made of, with its switches.
        source: what fastcore was installed from.
        compiled: whether the extension was to be built.
        path: where fastcore is, if it is not installed.
    """

    python: Path
    interpreter: Interpreter
    source: Source
    compiled: bool
    path: Path | None = None

    def variables(self, **more: str) -> dict[str, str]:
        """The variables for a process that measures."""
        found = {} if self.path is None else {"PYTHONPATH": str(self.path)}
        return self.interpreter.environment(PYTHONHASHSEED="0", **found, **more)


def cache_folder() -> Path:
    """Where environments are kept: ``FASTCORE_BENCH_CACHE``, or a folder in the user's cache."""
    if named := os.environ.get("FASTCORE_BENCH_CACHE"):
        return Path(named).resolve()
    home = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "fastcore" / "bench"


def running_checkout() -> Path | None:
    """The checkout that this fastcore runs from, None if it is installed."""
    folder = Path(fastcore.__file__).parents[2]
    return folder if (folder / "setup.py").is_file() and (folder / "pyproject.toml").is_file() else None


def default_source() -> Source:
    """What this fastcore came from: its checkout, the file it was installed from, else its version."""
    if checkout := running_checkout():
        return read_source(str(checkout))
    try:
        origin = importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        origin = None
    if origin:
        parts = urlsplit(json.loads(origin)["url"])
        if parts.scheme == "file" and Path(unquote(parts.path)).exists():
            return read_source(unquote(parts.path))
    return read_source(f"{DISTRIBUTION}=={__version__}")


def read_source(target: str) -> Source:
    """A source by the path of a checkout, a wheel or an sdist, or by a requirement.

    Raises:
        UnavailableError: a folder is no checkout.
    """
    path = Path(target)
    if path.is_dir():
        if not (path / "setup.py").is_file() or not (path / "src" / "fastcore").is_dir():
            raise UnavailableError(f"{target}: is no checkout of fastcore")
        return Source(str(path.resolve()), f"checkout {_fingerprint(_sources(path), path)}")
    if path.is_file():
        return Source(str(path.resolve()), f"{path.name} {_fingerprint([path], path.parent)}")
    return Source(target, target)


def _sources(checkout: Path) -> Iterable[Path]:
    """What a build reads."""
    skipped = {".so", ".pyd", ".pyc", ".c"}
    found = [path for path in (checkout / "src").rglob("*") if path.is_file() and path.suffix not in skipped]
    found = [path for path in found if ".egg-info" not in path.parent.name]
    return sorted([*found, checkout / "setup.py", checkout / "pyproject.toml"])


def _fingerprint(paths: Iterable[Path], base: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(base).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def prepare(
    interpreter: Interpreter, source: Source, *, compiled: bool, requirements: Sequence[str] = ()
) -> Environment:
    """An environment with fastcore and these requirements; one that is there is used again.

    Parameters:
        interpreter: to make it of.
        source: to install fastcore from.
        compiled: whether the extension must be built; otherwise it must not.
        requirements: what else to install, as for pip.

    Raises:
        UnavailableError: something could not be built or installed; the message has the end of what was said.
    """
    key = _key(interpreter, source, compiled)
    folder = cache_folder() / key
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, LONGEST_BUILD):
        venv, marker = folder / "venv", folder / "installed.json"
        python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        if not marker.exists():
            shutil.rmtree(venv, ignore_errors=True)
            _run(
                [str(interpreter.executable), "-m", "venv", str(venv)], interpreter, "no virtual environment"
            )
            _install_fastcore(python, interpreter, source, compiled)
            replace_file(marker, b"[]")
        installed: list[str] = json.loads(marker.read_text(encoding="utf-8"))
        if missing := [requirement for requirement in requirements if requirement not in installed]:
            _pip(python, interpreter, ["install", *missing], f"cannot install {', '.join(missing)}")
            replace_file(marker, json.dumps([*installed, *missing]).encode())
    return Environment(python, interpreter, source, compiled)


def _key(interpreter: Interpreter, source: Source, compiled: bool) -> str:
    facts = interpreter.facts
    what = json.dumps([str(interpreter.executable), facts["build"], source.target, source.name])
    digest = hashlib.sha256(what.encode()).hexdigest()[:10]
    name = f"{facts['implementation'].lower()}-{facts['version']}{'t' * facts['free_threaded']}"
    return f"{name}-{'compiled' if compiled else 'pure'}-{digest}"


def _install_fastcore(python: Path, interpreter: Interpreter, source: Source, compiled: bool) -> None:
    problem = "cannot build the extension" if compiled else "cannot install fastcore"
    target = source.target
    if source.is_checkout:
        kind = str(interpreter.facts["abi"]) if compiled else "pure"
        folder = cache_folder() / "wheels" / f"{source.name.replace(' ', '-')}-{kind}"
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, LONGEST_BUILD):
            if not list(folder.glob("*.whl")):
                _build(python, interpreter, source, compiled, folder, problem)
            target = str(next(folder.glob("*.whl")))
    _pip(python, interpreter, ["install", "--no-cache-dir", target], problem, **_switch(compiled))
    if compiled:
        check = [str(python), "-m", "fastcore", "--require", "cython"]
        # asked for by name: PyPy would choose plain Python
        _run(check, interpreter, "no compiled backend", FASTCORE_BACKEND="cython")


def _build(
    python: Path, interpreter: Interpreter, source: Source, compiled: bool, folder: Path, problem: str
) -> None:
    """A wheel of a copy of the checkout: two builds in one tree would overwrite each other."""
    with tempfile.TemporaryDirectory(prefix="fastcore-bench-") as scratch:
        for name in BUILD_FILES:
            path = Path(source.target) / name
            if path.is_dir():
                shutil.copytree(path, Path(scratch) / name, ignore=GENERATED)
            elif path.exists():
                shutil.copy(path, scratch)
        command = ["wheel", "--no-deps", "--wheel-dir", str(folder), scratch]
        _pip(python, interpreter, command, problem, **_switch(compiled))


def _switch(compiled: bool) -> dict[str, str]:
    return {"FASTCORE_BUILD": "require" if compiled else "skip"}


def _pip(python: Path, interpreter: Interpreter, what: list[str], problem: str, **variables: str) -> None:
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    _run([*pip, *what, "--quiet"], interpreter, problem, **variables)


def _run(command: list[str], interpreter: Interpreter, problem: str, **variables: str) -> None:
    """Runs a step in an empty folder, where nothing of the current one can be imported.

    Raises:
        UnavailableError: it failed; with the problem and the line that tells most.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command,
            env=interpreter.environment(**variables),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )
    if done.returncode:
        raise UnavailableError(f"{interpreter.label}: {problem}: {_reason(done.stdout)}")


def _reason(output: str) -> str:
    """Of what a program said, the first line that names an error, else the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if "error:" in line.lower() and "subprocess" not in line]
    return (named or lines or ["it said nothing"])[0 if named else -1][:300]
