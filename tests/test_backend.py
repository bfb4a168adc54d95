"""The selector: each value of each switch, in interpreters of their own."""

import inspect
import os
import pickle
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import fastcore
from fastcore import _backend

from .conftest import cython_problem

PYPY = sys.implementation.name == "pypy"
COMPILED = cython_problem() is None
needs_cython = pytest.mark.skipif(not COMPILED, reason=f"no compiled backend: {cython_problem()}")

REPORT = (
    "import fastcore; info = fastcore.backend_info(); print(info.name, info.requested, info.reason, sep='|')"
)


def run(code, environment, *arguments, path=None, **variables):
    if path is not None:
        variables["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, *arguments, "-c", code],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def copy(tmp_path):
    """The package's Python sources alone, where a test may put a strange extension beside them."""
    package = tmp_path / "fastcore"
    shutil.copytree(
        Path(fastcore.__file__).parent,
        package,
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__"),
    )
    return package


class TestVariable:
    @pytest.mark.parametrize("value", ["", "auto"])
    def test_auto_takes_the_compiled_backend_on_cpython_only(self, clean_environment, value):
        done = run(REPORT, clean_environment, FASTCORE_BACKEND=value)
        name, requested, reason = done.stdout.strip().split("|")
        assert requested == "auto"
        assert name == ("cython" if COMPILED and not PYPY else "python")
        assert reason

    def test_auto_on_pypy_says_why(self, monkeypatch):
        monkeypatch.setattr(sys.implementation, "name", "pypy")
        assert _backend.select("auto") == ("python", "plain Python is the faster choice on pypy")

    def test_python_can_be_forced(self, clean_environment):
        done = run(REPORT, clean_environment, FASTCORE_BACKEND="python")
        assert done.stdout.strip() == "python|python|FASTCORE_BACKEND=python"
        assert done.stderr == ""

    @needs_cython
    def test_cython_can_be_forced(self, clean_environment):
        done = run(REPORT, clean_environment, FASTCORE_BACKEND="cython")
        assert done.stdout.strip() == "cython|cython|FASTCORE_BACKEND=cython"

    def test_an_unknown_value_is_refused_with_what_is_allowed(self, clean_environment):
        done = run("import fastcore", clean_environment, FASTCORE_BACKEND="fast")
        assert done.returncode == 1
        assert "ImportError: FASTCORE_BACKEND='fast' is not one of 'auto', 'cython', 'python'" in done.stderr


class TestBrokenExtension:
    def test_a_missing_one_is_named_with_the_cure(self, clean_environment, copy):
        done = run("import fastcore", clean_environment, path=copy.parent, FASTCORE_BACKEND="cython")
        assert done.returncode == 1
        assert "FASTCORE_BACKEND=cython cannot be satisfied: fastcore._speedups is not part of" in done.stderr
        assert "FASTCORE_BUILD=require" in done.stderr
        assert "ModuleNotFoundError: No module named 'fastcore._speedups'" in done.stderr, (
            "the cause is chained"
        )

    def test_auto_falls_back_and_keeps_the_reason(self, clean_environment, copy):
        done = run(REPORT, clean_environment, "-W", "ignore", path=copy.parent)
        name, _, reason = done.stdout.strip().split("|")
        assert name == "python"
        assert PYPY or "not part of this installation" in reason

    def test_auto_warns_once_where_a_wheel_is_published(self, clean_environment, copy):
        done = run("import fastcore, fastcore.info", clean_environment, path=copy.parent)
        assert done.stderr.count("RuntimeWarning") == (1 if _backend.has_published_wheel() else 0)
        assert done.returncode == 0

    def test_one_that_cannot_be_loaded_gives_its_error(self, clean_environment, copy):
        (copy / f"_speedups{EXTENSION_SUFFIXES[0]}").write_bytes(b"not an extension")
        done = run("import fastcore", clean_environment, path=copy.parent, FASTCORE_BACKEND="cython")
        assert done.returncode == 1
        assert "fastcore._speedups cannot be loaded" in done.stderr
        assert "reinstall fastcore-kernels" in done.stderr

    def test_a_stale_one_is_named(self, clean_environment, copy):
        stale = copy / "_speedups.py"  # the stamp is all that the selector looks at
        stale.write_text("BUILD_VERSION = '0.0.1'")
        done = run("import fastcore", clean_environment, path=copy.parent, FASTCORE_BACKEND="cython")
        assert done.returncode == 1
        assert f"{stale} is stale: built for fastcore 0.0.1" in done.stderr
        assert "delete that file or reinstall" in done.stderr

    def test_a_stale_one_is_not_used_by_auto(self, clean_environment, copy):
        (copy / "_speedups.py").write_text("BUILD_VERSION = '0.0.1'")
        done = run(REPORT, clean_environment, "-W", "ignore", path=copy.parent)
        name, _, reason = done.stdout.strip().split("|")
        assert name == "python"
        assert PYPY or "is stale" in reason


class TestArgument:
    def test_none_is_the_selected_one(self):
        assert _backend.resolve(None) == _backend.name

    def test_an_unknown_one_is_refused(self):
        with pytest.raises(ValueError, match="backend must be 'cython', 'python' or None, not 'c'"):
            _backend.resolve("c")

    @needs_cython
    def test_both_live_in_one_process(self):
        compiled = _backend.kernels("fibonacci", "cython")
        plain = _backend.kernels("fibonacci", "python")
        assert compiled is not plain
        assert compiled.__file__.endswith(tuple(EXTENSION_SUFFIXES))
        assert plain.__file__.endswith("fibonacci.py")
        assert compiled.fibonacci(300) == plain.fibonacci(300)

    @needs_cython
    def test_kernel_functions_do_not_show_their_backend(self):
        for name in (name for name in fastcore.__all__ if name.startswith("fibonacci")):
            compiled = getattr(_backend.kernels("fibonacci", "cython"), name)
            plain = getattr(_backend.kernels("fibonacci", "python"), name)
            assert compiled.__module__ == plain.__module__ == "fastcore"
            assert compiled.__name__ == plain.__name__ == name
            assert compiled.__qualname__ == plain.__qualname__
            # CPython 3.13 and later take the indentation away, Cython does not
            assert inspect.cleandoc(compiled.__doc__) == inspect.cleandoc(plain.__doc__)
            assert pickle.dumps(getattr(fastcore, name))


class TestReport:
    def test_it_is_frozen(self):
        info = fastcore.backend_info()
        with pytest.raises(AttributeError):
            info.name = "other"

    def test_it_is_complete(self):
        info = fastcore.backend_info()
        assert info.version == fastcore.__version__
        assert (info.extension_version == fastcore.__version__) is COMPILED
        assert (info.extension_file is not None) is COMPILED
        assert info.implementation.lower() == sys.implementation.name
        assert info.gil is getattr(sys, "_is_gil_enabled", lambda: True)()
        assert set(info.to_dict()) == set(info.__slots__)

    def test_command(self, clean_environment):
        done = subprocess.run(
            [sys.executable, "-m", "fastcore"],
            env=clean_environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"fastcore      {fastcore.__version__}" in done.stdout
        assert "backend       " in done.stdout

    @pytest.mark.parametrize("required", ["cython", "python"])
    @pytest.mark.parametrize("selected", [pytest.param("cython", marks=needs_cython), "python"])
    def test_command_requires(self, clean_environment, required, selected):
        done = subprocess.run(
            [sys.executable, "-m", "fastcore", "--require", required],
            env=clean_environment | {"FASTCORE_BACKEND": selected},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (required != selected)
        assert ("required: " in done.stdout) is (required != selected)

    @pytest.mark.parametrize(("required", "status"), [("python", 0), ("cython", 1)])
    def test_command_whose_reader_has_gone(self, clean_environment, required, status):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "fastcore", "--require", required],
                env=clean_environment | {"FASTCORE_BACKEND": "python"},
                stdout=writer,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (status, "")


class TestImport:
    @pytest.mark.parametrize("selected", [pytest.param("cython", marks=needs_cython), "python"])
    def test_it_brings_in_nothing_heavy(self, clean_environment, selected):
        done = run(
            "import sys; old = set(sys.modules); import fastcore; print(*sorted(set(sys.modules) - old))",
            clean_environment,
            "-S",
            path=Path(fastcore.__file__).parents[1],
            FASTCORE_BACKEND=selected,
        )
        heavy = {
            "numpy",
            "fastapi",
            "pydantic",
            "dataclasses",
            "inspect",
            "typing",
            "decimal",
            "asyncio",
            "json",
        }
        assert done.returncode == 0, done.stderr
        assert not heavy & set(done.stdout.split())

    def test_every_public_name_is_there(self):
        assert [name for name in fastcore.__all__ if getattr(fastcore, name, None) is None] == []
        assert set(fastcore.__all__) <= set(dir(fastcore))

    def test_another_name_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="module 'fastcore' has no attribute 'fibonaci'"):
            _ = fastcore.fibonaci

    def test_this_is_the_package_of_this_project(self):
        # another distribution owns the import name too: installed over ours, it would be tested instead
        assert Path(fastcore.__file__).with_name("_backend.py").exists()


@needs_cython
@pytest.mark.skipif(
    not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled(),
    reason="the interpreter is not free-threaded",
)
def test_the_gil_stays_off(clean_environment):
    clean_environment.pop("PYTHON_GIL", None)
    done = run(
        "import sys; import fastcore; fastcore.fibonacci(2000); fastcore.RuleSet; fastcore.PayloadBuilder; "
        "assert fastcore.backend_info().name == 'cython'; print(sys._is_gil_enabled())",
        clean_environment,
        "-W",
        "error",
    )
    assert done.stdout.strip() == "False", done.stderr
