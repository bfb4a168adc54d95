"""Runs: a small suite in a process of its own, what is kept of it, and what a run says."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fastcore.lab import cells, running
from fastcore.lab.cells import Cell, Effort, Measured
from fastcore.lab.environments import Environment, Source, UnavailableError, prepare, read_source
from fastcore.lab.gaps import Gaps
from fastcore.lab.interpreters import Interpreter, current
from fastcore.lab.results import Results, load, save, schema
from fastcore.lab.running import Run, here
from tests.cli.conftest import invoke

from .made import FACTS, PYPY, head, kernels, row

SUITE = """
import pytest

def counted(numbers):
    return sum(numbers)

def test_sum(measure, backend):
    found = measure(counted, range(1000), group="sums", work="1,000 numbers", algorithm="loop",
                    unit="number", units=1000, numbers=1000)
    assert found == 499500

def test_peer(measure):
    pytest.importorskip("no_such_peer", reason="no_such_peer is not installed")
"""
FAILING = """
import itertools

def test_changing(measure, backend, counter=itertools.count()):
    measure(lambda: next(counter), group="g", work="a counter", algorithm="a")

def test_wrong(measure, backend):
    assert measure(int, group="g", work="zero", algorithm="a") == 1
"""


@pytest.fixture(scope="module")
def ready():
    return here()


@pytest.fixture
def run(ready, tmp_path, monkeypatch):
    """A run of one suite, whose text it takes, on the interpreter of the tests."""
    monkeypatch.setattr(cells, "QUICK", Effort(0.01, 0.01, 0.01, 0.0001, 5, isolated=False))
    monkeypatch.setattr(cells, "FULL", Effort(0.01, 0.01, 0.01, 0.0001, 5, isolated=True))

    def make(suite, **options):
        folder = tmp_path / "suite"
        folder.mkdir()
        (folder / "bench_logic.py").write_text(suite)
        (folder / "conftest.py").write_text('pytest_plugins = ["fastcore.lab.plugin"]\n')
        output = tmp_path / "results"
        there = {(ready.interpreter.executable, False): ready}
        settings = {"peers": folder, "environments": there, "quick": True, **options}
        source = Source("here", "checkout 1")
        return Run([ready.interpreter], ["python"], ["logic"], source, output, Gaps(output), **settings)

    return make


def test_a_cell(run):
    made = run(SUITE)
    (cell,) = made.cells()
    told = []
    assert made.measure(cell, told.append), made.gaps.reasons
    document = load(cell.path(made.folder))
    facts = current()
    assert document.head["label"] == facts.label
    assert document.head["interpreter"]["gil"] is facts.facts["gil"]
    assert (document.head["backend"], document.head["quick"]) == ("python", True)
    assert "pytest-benchmark" in document.head["packages"]
    (found,) = document.rows
    assert found["test"] == "test_sum[python]"
    assert (found["group"], found["work"], found["algorithm"]) == ("sums", "1,000 numbers", "loop")
    assert (found["unit"], found["units"], found["parameters"]) == ("number", 1000, {"numbers": 1000})
    assert found["clock"] == "process_time"
    assert found["rounds"] >= 5
    assert 0 < found["minimum"] <= found["q1"] <= found["median"] <= found["q3"]
    assert found["first_call"] == found["warm_up"][0][2]
    assert [point[0] for point in found["warm_up"]] == sorted({point[0] for point in found["warm_up"]})
    assert made.gaps.reasons == {f"{cell.label}: bench_logic.py::test_peer": "no_such_peer is not installed"}
    validate = pytest.importorskip("jsonschema", reason="jsonschema is not installed").validate
    validate(document.to_dict(), schema())


def test_a_process_for_each_work(run):
    made = run(SUITE, quick=False)
    (cell,) = made.cells()
    told = []
    assert made.measure(cell, told.append), made.gaps.reasons
    assert told == ["test_sum[python]", "test_peer"]
    assert load(cell.path(made.folder)).rows[0]["isolated"]


def test_works_that_fail_are_named_and_nothing_is_written(run):
    made = run(FAILING)
    (cell,) = made.cells()
    assert not made.measure(cell, lambda test: None)
    reasons = [
        made.gaps.reasons[f"{cell.label}: bench_logic.py::{name}[python]"]
        for name in ("test_changing", "test_wrong")
    ]
    assert reasons[0] == "failed: Failed: a counter: the last call gave another result than the first"
    assert reasons[1] == "failed: AssertionError: assert 0 == 1"
    assert not cell.path(made.folder).exists()


def test_a_suite_that_cannot_be_imported(run):
    made = run("import no_such_module\n")
    (cell,) = made.cells()
    assert not made.measure(cell, lambda test: None)
    (reason,) = made.gaps.reasons.values()
    assert "no_such_module" in reason


@pytest.mark.parametrize(
    ("options", "quick", "source", "finished"),
    [
        ({}, False, "checkout 1", True),
        ({}, True, "checkout 1", True),
        ({}, False, "checkout 2", False),
        ({"force": True}, False, "checkout 1", False),
        ({"quick": False}, False, "checkout 1", True),
        ({"quick": False}, True, "checkout 1", False),
    ],
)
def test_what_is_finished(run, options, quick, source, finished):
    made = run(SUITE, **options)
    (cell,) = made.cells()
    assert not made.is_finished(cell)
    conditions = head(cell.interpreter.label, source=source, quick=quick)
    save(Results("kernels", conditions, [row()]), cell.path(made.folder))
    assert made.is_finished(cell) is finished


@pytest.fixture
def pretend(monkeypatch):
    """Lets cells give documents without measuring; gives the labels of those asked for."""
    asked = []

    def measure(cell, environment, *, peers, report):
        report("test")
        asked.append(cell.suite)
        if len(asked) == 2:
            raise KeyboardInterrupt
        conditions = head(cell.interpreter.label, cell.backend, source=environment.source.name, quick=True)
        return Measured(Results("kernels", conditions, [row(suite=cell.suite)]), {}, {})

    monkeypatch.setattr(running.cells, "measure", measure)
    return asked


def test_an_interrupted_run_goes_on_where_it_was(pretend, tmp_path):
    command = ["bench", "run", "--quick", "--backend", "python", "--output", tmp_path]
    command += ["--suite", "rules", "--suite", "logic", "--suite", "payloads"]
    done = invoke(*command)
    assert done.exit_code == 130, done.output
    assert "the same command goes on" in done.stderr
    assert len([load(path) for path in tmp_path.glob("kernels-*.json")]) == 1
    done = invoke(*command)
    assert done.exit_code == 0, done.output
    assert "1 finished cells are kept" in done.stderr
    assert pretend == ["rules", "logic", "logic", "payloads"]
    assert invoke(*command).exit_code == 0
    assert len(pretend) == 4


def test_different_results_end_a_run_with_1(pretend, tmp_path):
    save(kernels("PyPy 1.0", rows=[row(checksum="bb")]), tmp_path / "kernels-other.json")
    done = invoke("bench", "run", "--quick", "--suite", "rules", "--backend", "python", "--output", tmp_path)
    assert done.exit_code == 1
    assert "different results: rules: matches, 200 rules: " in done.stderr


def test_a_missing_interpreter_is_a_gap(tmp_path):
    done = invoke("bench", "run", "--python", "python3.99", "--output", tmp_path)
    assert done.exit_code == 1
    assert "gap: python3.99: found neither on PATH nor by pyenv or uv" in done.stderr
    assert list(json.loads((tmp_path / "gaps.json").read_text())["gaps"]) == ["python3.99"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--suite", "cars"], "'cars' is not one of fibonacci"),
        (["--backend", "rust"], "'rust' is not one of cython, python"),
        (["--source", "tests"], "is no checkout of fastcore"),
        (["--peers", "--source", "fastcore-kernels==1"], "is no checkout"),
    ],
)
def test_bad_options(option, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tests").mkdir()
    done = invoke("bench", "run", "--output", "out", *option)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())


def test_two_interpreters_of_one_name(monkeypatch):
    monkeypatch.setattr(running, "find", lambda name: Interpreter(Path(name), FACTS))
    gaps = Gaps(None)
    assert [each.executable.name for each in running.resolve(["a", "a", "b"], gaps, jit=True)] == ["a"]
    assert gaps.reasons == {"b": "is another CPython 3.11.7: measure it into another folder"}


def test_a_closed_gap_is_forgotten(tmp_path):
    gaps = Gaps(tmp_path)
    for what in ("PyPy 8, compiled", "PyPy 8: orjson", "PyPy 80"):
        gaps.add(what, "why")
    gaps.close("PyPy 8")
    assert list(Gaps(tmp_path).reasons) == ["PyPy 8, compiled", "PyPy 80"]


# --- environments -------------------------------------------------------------------------------------------


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel of another fastcore, small and pure; environments are made in a folder of this test."""
    monkeypatch.setenv("FASTCORE_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "fastcore_kernels-9.9-py3-none-any.whl"
    about = "fastcore_kernels-9.9.dist-info"
    files = {
        "fastcore/__init__.py": "__version__ = '9.9'\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: fastcore-kernels\nVersion: 9.9\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_an_environment_is_made_once(wheel, tmp_path):
    source = read_source(str(wheel))
    assert source.name.startswith(f"{wheel.name} ")
    made = prepare(current(), source, compiled=False)
    program = "import fastcore; print(fastcore.__version__)"
    done = subprocess.run(
        [made.python, "-c", program], env=made.variables(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "9.9\n"
    stamp = made.python.lstat().st_mtime_ns
    assert prepare(current(), source, compiled=False) == made
    assert made.python.lstat().st_mtime_ns == stamp
    with pytest.raises(UnavailableError, match=r"cannot install \./none-1-py3-none-any\.whl: "):
        prepare(current(), source, compiled=False, requirements=["./none-1-py3-none-any.whl"])
    assert prepare(current(), source, compiled=False) == made
    assert made.python.lstat().st_mtime_ns == stamp, "what cannot be added spoils nothing"


def test_sources(tmp_path):
    requirement = read_source("fastcore-kernels==1.0")
    assert (requirement.name, requirement.is_checkout) == ("fastcore-kernels==1.0", False)
    package = tmp_path / "src" / "fastcore"
    package.mkdir(parents=True)
    for name in ("setup.py", "pyproject.toml", "src/fastcore/a.py"):
        (tmp_path / name).write_text("")
    before = read_source(str(tmp_path))
    (package / "a.cpython-311.so").write_text("built")
    assert read_source(str(tmp_path)) == before, "what a build leaves is no source"
    (package / "a.py").write_text("changed")
    assert read_source(str(tmp_path)) != before


def test_one_environment_serves_both_backends_but_on_pypy(ready, tmp_path):
    made = Run([ready.interpreter], ["cython", "python"], ["logic"], ready.source, tmp_path, Gaps(tmp_path))
    executable = ready.interpreter.executable
    made.environments = {(executable, True): ready}
    found = [made.environment(cell) for cell in made.cells()]
    if sys.implementation.name == "pypy":
        assert [isinstance(each, Environment) for each in found] == [True, False]
    else:
        assert found == [ready, ready]


def test_pypy_is_compiled_only_where_there_is_time(tmp_path):
    interpreter = current()
    pypy = type(interpreter)(interpreter.executable, interpreter.facts | PYPY)
    for quick, backends, expected in [
        (True, ["cython", "python"], ["python"]),
        (True, ["cython"], ["cython"]),
        (False, ["cython", "python"], ["cython", "python"]),
    ]:
        made = Run([pypy], backends, ["logic"], Source("", ""), tmp_path, Gaps(None), quick=quick)
        assert [cell.backend for cell in made.cells()] == expected
    assert Cell(pypy, "python", "logic", True).path(tmp_path).name == "kernels-pypy-8.0.1-python-logic.json"
