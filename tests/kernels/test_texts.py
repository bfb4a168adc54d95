"""The C headers that write strings and times, each checked by a program in C, once per level of vectors."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HEADERS = HERE.parents[1] / "src" / "fastcore" / "kernels" / "c"


def run_checks(source: str, level: int, folder: Path) -> subprocess.CompletedProcess[str]:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform == "win32":
        pytest.skip("no C compiler for POSIX")
    if not HEADERS.is_dir():
        pytest.skip("the project's sources are not beside the tests")
    program = folder / "checks"
    options = ["-std=c11", "-D_GNU_SOURCE", "-O2", f"-DSTRING_TEXT_LEVEL={level}", f"-I{HEADERS}"]
    subprocess.run([compiler, *options, str(HERE / source), "-o", str(program)], check=True)
    return subprocess.run([str(program)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("level", [0, 1, 2, 3], ids=["words", "vectors", "AVX2", "AVX-512"])
def test_strings_are_escaped_alike_at_every_level(level: int, tmp_path: Path) -> None:
    checks = run_checks("strings.c", level, tmp_path)
    assert (checks.stdout, checks.returncode) == ("", 0)


@pytest.mark.parametrize("level", [0, 1], ids=["words", "vectors"])
def test_every_day_and_uuid_is_written(level: int, tmp_path: Path) -> None:
    checks = run_checks("times.c", level, tmp_path)
    assert (checks.stdout, checks.returncode) == ("", 0)
