"""Finding interpreters, and what they are called."""

import sys
from pathlib import Path

import pytest

from fastcore.lab.interpreters import (
    Interpreter,
    MissingInterpreterError,
    configurations,
    current,
    describe,
    find,
)

from .made import FACTS, PYPY


def named(facts, **changes):
    return Interpreter(Path("python"), facts | changes)


@pytest.mark.parametrize(
    ("interpreter", "label", "key"),
    [
        (named(FACTS), "CPython 3.11.7", "cpython-3.11.7"),
        (named(FACTS, version="3.15.2", jit=True), "CPython 3.15.2 JIT", "cpython-3.15.2-jit"),
        (named(FACTS, version="3.13.5", free_threaded=True), "CPython 3.13.5t", "cpython-3.13.5t"),
        (named(FACTS, debug=True), "CPython 3.11.7 debug", "cpython-3.11.7-debug"),
        (named(PYPY), "PyPy 8.0.1", "pypy-8.0.1"),
        (named(PYPY, jit=False), "PyPy 8.0.1 without JIT", "pypy-8.0.1-without-jit"),
    ],
)
def test_label(interpreter, label, key):
    assert (interpreter.label, interpreter.key) == (label, key)


def test_this_interpreter():
    found = find(sys.executable)
    assert found == current()
    assert found.facts["implementation"].lower() == sys.implementation.name
    assert found.facts["language"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert found.facts["compiler_flags"] is None or isinstance(found.facts["compiler_flags"], str)


def test_a_switchable_jit_gives_two_configurations():
    interpreter = current()
    found = configurations(interpreter)
    switchable = interpreter.facts["jit_available"] and not interpreter.is_pypy
    assert [each.facts["jit"] for each in found] == (
        [False, True] if switchable else [interpreter.facts["jit"]]
    )


def test_switches_of_this_process_do_not_reach_an_interpreter(monkeypatch):
    monkeypatch.setenv("PYTHON_JIT", "1")
    monkeypatch.setenv("FASTCORE_BACKEND", "cython")
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    found = Interpreter(Path("python"), FACTS, (("PYTHON_JIT", "0"),)).environment(MORE="1")
    assert (found["PYTHON_JIT"], found["MORE"]) == ("0", "1")
    assert not {"FASTCORE_BACKEND", "PYTHONPATH"} & set(found)


def test_unknown_name(monkeypatch):
    monkeypatch.setenv("PYENV_ROOT", "nowhere")
    with pytest.raises(MissingInterpreterError, match=r"^python3\.99: found neither on PATH"):
        find("3.99")


@pytest.fixture
def script(tmp_path):
    """Makes an executable that prints something."""
    if sys.platform == "win32":
        pytest.skip("this system has no SIGTERM")

    def make(text, name="python3.98"):
        path = tmp_path / "versions" / "9.9" / "bin" / name
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{text}'\n")
        path.chmod(0o755)
        return path

    return make


def test_too_old(script):
    path = script('{"executable": "/old", "language": "3.10"}')
    with pytest.raises(MissingInterpreterError, match=r"is Python 3\.10; 3\.11 is the oldest"):
        describe(path)


@pytest.mark.parametrize("said", ["no Python", "[]", "{}", ""])
def test_what_is_no_python(script, said):
    with pytest.raises(MissingInterpreterError, match="is no Python that answers"):
        describe(script(said))


def test_missing_path():
    with pytest.raises(MissingInterpreterError, match="No such file"):
        find("/nowhere/python3")


def test_pyenv(script, tmp_path, monkeypatch):
    script('{"executable": "/old", "language": "3.10"}')
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(MissingInterpreterError, match=r"9\.9.*is Python 3\.10"):
        find("3.98")
