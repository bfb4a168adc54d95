"""A run: which cells there are, their environments, and one cell after the other."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import cells
from .agreement import disagreements
from .cells import Cell, CellError
from .environments import Environment, Source, UnavailableError, default_source, prepare, running_checkout
from .gaps import Gaps
from .interpreters import Interpreter, MissingInterpreterError, configurations, current, find
from .results import BadResultsError, load, save

__all__ = ["BUILDERS", "NEEDED", "Run", "here", "resolve"]

NEEDED = ("pytest>=8.3", "pytest-benchmark>=5.1")
BUILDERS = 2
"""How many environments are made at a time; nothing is measured meanwhile."""


def resolve(names: Sequence[str], gaps: Gaps, *, jit: bool) -> list[Interpreter]:
    """The configurations of interpreters by name or path; what is missing becomes a gap."""
    found: dict[str, Interpreter] = {}
    for name in names:
        gaps.close(name)
        try:
            interpreter = find(name)
            for each in configurations(interpreter) if jit else [interpreter]:
                if found.setdefault(each.key, each).executable != each.executable:
                    raise MissingInterpreterError(f"is another {each.label}: measure it into another folder")
        except MissingInterpreterError as error:
            gaps.add(name, str(error).removeprefix(f"{name}: "))
    return list(found.values())


def here() -> Environment | None:
    """The environment that runs this, if it can run the suites itself."""
    try:
        import pytest_benchmark  # noqa: F401
    except ImportError:
        return None
    interpreter, checkout = current(), running_checkout()
    path = None if checkout is None else checkout / "src"
    return Environment(interpreter.executable, interpreter, default_source(), compiled=True, path=path)


@dataclass
class Run:
    """What to measure and where: `cells`, then `prepare`, then `measure` each.

    Attributes:
        interpreters: configurations.
        backends: by name.
        suites: by name.
        source: what environments get fastcore from.
        folder: of the results.
        gaps: of that folder.
        quick: whether little time is to be spent.
        force: whether finished cells are measured again.
        peers: the folder ``benchmarks`` of a checkout, or None.
        environments: by executable and whether the extension is in it; those that are there already.
    """

    interpreters: list[Interpreter]
    backends: Sequence[str]
    suites: Sequence[str]
    source: Source
    folder: Path
    gaps: Gaps
    quick: bool = False
    force: bool = False
    peers: Path | None = None
    environments: dict[tuple[Path, bool], Environment] = field(default_factory=dict)

    def cells(self) -> list[Cell]:
        """All cells; a quick run leaves out the compiled backend on PyPy, unless that alone is asked for."""
        return [
            Cell(interpreter, backend, suite, self.quick)
            for interpreter in self.interpreters
            for backend in self.backends
            for suite in self.suites
            if not (self.quick and interpreter.is_pypy and backend == "cython" and len(self.backends) > 1)
        ]

    def is_finished(self, cell: Cell) -> bool:
        """Whether there are results of this cell, of the same sources and with no less effort."""
        if self.force:
            return False
        try:
            found = load(cell.path(self.folder))
        except BadResultsError:
            return False
        return found.head["source"] == self.source.name and (self.quick or not found.head["quick"])

    def prepare(self, wanted: Sequence[Cell], report: Callable[[str], None]) -> None:
        """Makes the environments of these cells, some at a time; what fails becomes a gap.

        Where the extension cannot be built, plain Python gets an environment without it.
        """
        self._make({self._key(cell): cell.interpreter for cell in wanted}, report)
        without = {
            (cell.interpreter.executable, False): cell.interpreter
            for cell in wanted
            if cell.backend == "python" and self._key(cell) not in self.environments
        }
        self._make(without, report)

    def _key(self, cell: Cell) -> tuple[Path, bool]:
        """Which environment: one with the extension serves both backends, except on PyPy."""
        compiled = cell.backend == "cython" or ("cython" in self.backends and not cell.interpreter.is_pypy)
        return cell.interpreter.executable, compiled

    def _make(self, needed: dict[tuple[Path, bool], Interpreter], report: Callable[[str], None]) -> None:
        def make(key: tuple[Path, bool]) -> None:
            interpreter, compiled = needed[key], key[1]
            name = interpreter.label.removesuffix(" JIT")
            what = f"{name}, {'compiled' if compiled else 'pure Python'}"
            report(what)
            try:
                self.gaps.close(what)
                environment = prepare(interpreter, self.source, compiled=compiled, requirements=NEEDED)
                self.environments[key] = environment
            except UnavailableError as error:
                self.gaps.add(what, str(error).partition(": ")[2])
                return
            for peer in self._peers():
                try:
                    self.gaps.close(f"{name}: {peer}")
                    prepare(interpreter, self.source, compiled=compiled, requirements=[peer])
                except UnavailableError as error:
                    self.gaps.add(f"{name}: {peer}", str(error).partition(": ")[2])

        missing = [key for key in needed if key not in self.environments]
        pool = ThreadPoolExecutor(BUILDERS)
        try:
            list(pool.map(make, missing))
        finally:  # whoever interrupts does not wait for what has not begun
            pool.shutdown(cancel_futures=True)

    def _peers(self) -> list[str]:
        """The other libraries that take part."""
        if self.peers is None:
            return []
        return sorted({peer for suite in self.suites for peer in cells.PEERS[suite]})

    def environment(self, cell: Cell) -> Environment | None:
        """Where a cell is measured."""
        found = self.environments.get(self._key(cell))
        if found is None and cell.backend == "python":
            found = self.environments.get((cell.interpreter.executable, False))
        if found is None:
            return None
        return replace(found, interpreter=cell.interpreter)

    def measure(self, cell: Cell, report: Callable[[str], None]) -> bool:
        """Measures a cell and writes its document; says whether it could."""
        environment = self.environment(cell)
        if environment is None:
            return False
        self.gaps.close(cell.label)
        try:
            measured = cells.measure(cell, environment, peers=self.peers, report=report)
        except CellError as error:
            self.gaps.add(cell.label, str(error).partition(": ")[2])
            return False
        for test, reason in measured.gaps.items():
            self.gaps.add(f"{cell.label}: {test}", reason)
        for test, reason in measured.failures.items():
            self.gaps.add(f"{cell.label}: {test}", f"failed: {reason}")
        if measured.failures or not measured.results.rows:
            return False
        save(measured.results, cell.path(self.folder))
        return True

    def problems(self) -> list[str]:
        """Works whose results differ between cells that are there."""
        found = [load(path) for path in sorted(self.folder.glob("kernels-*.json"))]
        return disagreements(found)
