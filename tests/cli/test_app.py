"""``fastcore`` itself: what it needs, what it loads, ``info`` and ``doctor``."""

import dataclasses
import importlib.util
import json
import subprocess
import sys

import pytest

import fastcore
from fastcore import _backend
from fastcore.cli import doctor, main

from .conftest import invoke


def python(code, environment, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_info():
    result = invoke("info")
    assert result.exit_code == 0
    assert result.stdout == f"{fastcore.backend_info()}\n"


def test_info_as_json():
    assert json.loads(invoke("info", "--json").stdout) == fastcore.backend_info().to_dict()


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_without_its_extra_the_command_says_how_to_get_it(clean_environment, module):
    code = f"import sys; sys.modules[{module!r}] = None; from fastcore.cli import main; sys.exit(main())"
    done = python(code, clean_environment)
    assert done.returncode == 2
    assert done.stdout == ""
    assert (
        done.stderr
        == 'fastcore: the command line needs typer and rich: pip install "fastcore-kernels[cli]"\n'
    )


def test_another_missing_module_is_not_blamed_on_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastcore.cli.app", None)
    with pytest.raises(ModuleNotFoundError, match="app"):
        main([])


@pytest.mark.parametrize("command", [["--help"], ["info"], ["doctor"], ["rules", "check"]])
def test_no_command_loads_a_framework(clean_environment, ruleset, command):
    code = """
import sys
from fastcore.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ending:
    assert ending.code in (0, 1), ending  # 1 from a doctor who found something
print([name for name in ("fastapi", "numpy", "uvicorn", "pyarrow") if name in sys.modules])
"""
    arguments = [*command, str(ruleset)] if command[0] == "rules" else command
    done = python(code, clean_environment, *arguments)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_module_is_the_command(clean_environment):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "fastcore.cli", "info"],
        env=clean_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("fastcore ")


class TestDoctor:
    @staticmethod
    def finding(what):
        return next(finding for finding in doctor.diagnose() if finding.what == what)

    def test_its_status_follows_its_findings(self, monkeypatch):
        fine = [doctor.Finding("ok", "a", "b"), doctor.Finding("note", "c", "d")]
        monkeypatch.setattr("fastcore.cli.app.diagnose", lambda: fine)
        result = invoke("doctor")
        assert result.exit_code == 0
        assert result.stdout.endswith("\nNothing is wrong.\n")
        missing = [*fine, doctor.Finding("missing", "extra x", "not there", "pip install x")]
        monkeypatch.setattr("fastcore.cli.app.diagnose", lambda: missing)
        assert invoke("doctor").exit_code == 0
        assert invoke("doctor", "--strict").exit_code == 1
        broken = [*missing, doctor.Finding("problem", "e", "f", "do g")]
        monkeypatch.setattr("fastcore.cli.app.diagnose", lambda: broken)
        result = invoke("doctor")
        assert result.exit_code == 1
        assert "problem  e: f\n         cure: do g\n" in result.stdout
        assert result.stdout.endswith("\n1 problem\n")

    def test_here(self):
        found = {finding.what for finding in doctor.diagnose()}
        assert {
            "distribution",
            "compiled backend",
            "backend",
            "interpreter",
            "extra cli",
            "extra arrow",
        } <= found

    def test_a_missing_extra_and_its_cure(self, monkeypatch):
        find_spec = importlib.util.find_spec
        monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == "uvicorn" else find_spec(name))
        found = self.finding("extra server")
        assert found.is_missing
        assert found.cure == 'python -m pip install "fastcore-kernels[server]"'

    def test_the_other_project_of_that_name(self, monkeypatch):
        monkeypatch.setattr(doctor, "_version", lambda name: "1.8.0")
        found = self.finding("distribution")
        assert found.is_problem
        assert "fastcore 1.8.0" in found.detail
        assert "pip uninstall -y fastcore &&" in found.cure

    @staticmethod
    def extension_finding(monkeypatch, problem, **changes):
        """What is said of an interpreter on which loading the extension fails."""

        def load():
            raise problem

        monkeypatch.setattr(_backend, "load_extension", load)
        here = {"implementation": "CPython", "extension_file": None, "requested": "auto"}
        info = dataclasses.replace(fastcore.backend_info(), **(here | changes))
        return next(doctor._extension(info))

    def test_a_missing_extension(self, monkeypatch):
        problem = ImportError("fastcore._speedups is not part of this installation")
        found = self.extension_finding(monkeypatch, problem)
        assert found.is_problem
        assert found.detail == str(problem)
        assert "pip install" in found.cure
        assert not self.extension_finding(monkeypatch, problem, requested="python").is_problem
        assert not self.extension_finding(monkeypatch, problem, implementation="PyPy").is_problem

    def test_a_stale_extension(self, monkeypatch):
        problem = ImportError("stale: built for fastcore 0.0", path="/somewhere/_speedups.so")
        assert self.extension_finding(monkeypatch, problem).cure.startswith("rm /somewhere/_speedups.so && ")

    @pytest.mark.parametrize(
        ("checkout", "published", "command"),
        [
            (True, True, "FASTCORE_BUILD=require python -m pip install -e "),
            (False, True, "python -m pip install --force-reinstall --no-deps fastcore-kernels"),
            (
                False,
                False,
                "FASTCORE_BUILD=require python -m pip install --force-reinstall --no-deps --no-binary ",
            ),
        ],
    )
    def test_how_to_rebuild(self, monkeypatch, tmp_path, checkout, published, command):
        if checkout:
            (tmp_path / "setup.py").touch()
        monkeypatch.setattr(_backend, "__file__", str(tmp_path / "src" / "fastcore" / "_backend.py"))
        monkeypatch.setattr(_backend, "has_published_wheel", lambda: published)
        assert doctor._rebuild(None).startswith(command)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no C compiler on the path")
    def test_no_compiler_to_build_with(self, monkeypatch):
        monkeypatch.setenv("CC", "no-such-compiler")
        monkeypatch.setattr(doctor.sysconfig, "get_path", lambda name: "/no/such/folder")
        found = {finding.what: finding for finding in doctor._build_tools()}
        assert set(found) == {"C compiler", "Python headers"}
        assert all(finding.cure for finding in found.values())

    def test_a_lock_that_came_back(self, monkeypatch):
        monkeypatch.setattr(doctor.sysconfig, "get_config_var", lambda name: 1)
        info = dataclasses.replace(fastcore.backend_info(), implementation="CPython", gil=True)
        monkeypatch.setenv("PYTHON_GIL", "1")
        _, found = doctor._interpreter(info)
        assert found.is_problem
        assert found.cure == "unset PYTHON_GIL"
        monkeypatch.delenv("PYTHON_GIL")
        _, found = doctor._interpreter(info)
        assert "an extension module" in found.detail
        assert len(list(doctor._interpreter(dataclasses.replace(info, gil=False)))) == 1

    def test_a_jit_that_is_off(self):
        info = dataclasses.replace(fastcore.backend_info(), implementation="PyPy", jit=False, gil=False)
        assert any(finding.what == "JIT" and finding.is_problem for finding in doctor._interpreter(info))
