"""What a build puts into the source distribution and the wheels, for each value of FASTCORE_BUILD."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPY = sys.implementation.name == "pypy"

if not (ROOT / "setup.py").exists():
    pytest.skip("the project's sources are not beside the tests", allow_module_level=True)


def build(kind, source, target, environment, **variables):
    return subprocess.run(
        [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", target, source],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="module")
def environment():
    import os

    return {key: value for key, value in os.environ.items() if not key.startswith("FASTCORE_")}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory, environment):
    source = tmp_path_factory.mktemp("checkout") / "fastcore"
    shutil.copytree(
        ROOT,
        source,
        ignore=shutil.ignore_patterns(
            ".*", "*.so", "_speedups.c", "build", "dist", "*.egg-info", "__pycache__"
        ),
    )
    target = tmp_path_factory.mktemp("sdist")
    done = build("sdist", source, target, environment, FASTCORE_BUILD="skip")
    assert done.returncode == 0, done.stderr
    (archive,) = target.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def unpacked(sdist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


def wheel(unpacked, target, environment, **variables):
    """The wheel that a build from the source distribution gives: its name, its members, and the output."""
    shutil.rmtree(unpacked / "build", ignore_errors=True)
    done = build("wheel", unpacked, target, environment, **variables)
    wheels = list(target.glob("*.whl"))
    if not wheels:
        return None, [], done
    with zipfile.ZipFile(wheels[0]) as archive:
        return wheels[0].name, archive.namelist(), done


def extensions(members):
    return [member for member in members if member.endswith(tuple(EXTENSION_SUFFIXES))]


def test_sdist_holds_every_source_and_nothing_generated(unpacked):
    members = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src" / "fastcore").rglob("*")
        if path.suffix in (".py", ".pyx", ".pxd", ".pyi", ".h", ".json") or path.name == "py.typed"
    }
    assert sources <= members
    assert {"src/fastcore/_speedups.pyx", "src/fastcore/_speedups.pyi", "LICENSE", "README.md"} <= members
    assert [member for member in members if member.endswith((".c", ".cpp", ".so", ".pyd", ".html"))] == []


def test_every_kernel_is_compiled_but_those_whose_work_is_done_in_c_already():
    interpreted = {"__init__.py", "fibonacci_decimal.py", "fibonacci_fft.py"}  # by libmpdec and numpy
    pyx = (ROOT / "src/fastcore/_speedups.pyx").read_text()
    included = {line.split('"')[1] for line in pyx.splitlines() if line.startswith("include ")}
    folder = ROOT / "src/fastcore/kernels"
    twins = {path.name for path in folder.glob("*_c.pyx")}
    twinned = {f"{name.removeprefix('_').removesuffix('_c.pyx')}.py" for name in twins}
    kernels = {path.name for path in folder.glob("*.py")}
    # the parts of a kernel with a twin, such as matching_rows.py of matching.py
    twinned |= {name for name in kernels if any(name.startswith(f"{twin[:-3]}_") for twin in twinned)}
    # the C twin of writing.py leaves to these what it does not write
    twinned -= {"writing_columns.py", "writing_rows.py", "writing_values.py"}
    assert included == {f"kernels/{name}" for name in kernels - interpreted - twinned | twins}


def test_skip_gives_a_pure_wheel(unpacked, environment, tmp_path):
    name, members, done = wheel(unpacked, tmp_path, environment, FASTCORE_BUILD="skip")
    assert name is not None, done.stderr
    assert name.endswith("-py3-none-any.whl")
    assert extensions(members) == []
    assert {"fastcore/py.typed", "fastcore/lab/results.schema.json"} <= set(members)
    assert "fastcore/_speedups.pyi" in members


def test_an_unknown_value_is_refused(unpacked, environment, tmp_path):
    name, _, done = wheel(unpacked, tmp_path, environment, FASTCORE_BUILD="yes")
    assert name is None
    assert "FASTCORE_BUILD='yes' is not one of auto, require, skip" in done.stdout + done.stderr


@pytest.mark.skipif(PYPY, reason="on PyPy the extension is built on request only")
class TestCompiled:
    def test_require_gives_a_wheel_with_the_extension(self, unpacked, environment, tmp_path):
        # optimizing would take minutes
        name, members, done = wheel(unpacked, tmp_path, environment, FASTCORE_BUILD="require", CFLAGS="-O0")
        assert name is not None, done.stderr
        assert "none-any" not in name
        assert len(extensions(members)) == 1
        assert [member for member in members if member.endswith((".c", ".pyx", ".h"))] == []

        folder = tmp_path / "installed"
        with zipfile.ZipFile(tmp_path / name) as archive:
            archive.extractall(folder)
        done = subprocess.run(
            [sys.executable, "-m", "fastcore", "--require", "cython"],
            env=environment | {"PYTHONPATH": str(folder)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert str(folder) in done.stdout

    def test_auto_without_a_compiler_says_so_and_gives_a_pure_wheel(self, unpacked, environment, tmp_path):
        name, members, done = wheel(unpacked, tmp_path, environment, FASTCORE_BUILD="auto", CC="false")
        assert name is not None, done.stderr
        assert (done.stdout + done.stderr).count("could NOT be built") == 1
        assert name.endswith("-py3-none-any.whl"), "an installer would cache it as a build for this platform"
        assert extensions(members) == []

    def test_require_without_a_compiler_fails(self, unpacked, environment, tmp_path):
        name, _, done = wheel(unpacked, tmp_path, environment, FASTCORE_BUILD="require", CC="false")
        assert name is None
        assert done.returncode != 0
