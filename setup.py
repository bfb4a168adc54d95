"""Builds the compiled backend. Everything else about the project is in pyproject.toml.

FASTCORE_BUILD says what happens when the extension cannot be built:

auto (default)  build it on CPython; if that fails, say so in one banner and install pure Python
require         fail the build; also the way to compile it on PyPy
skip            do not build it: the wheel is py3-none-any
"""

import os
import platform
import re
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

PACKAGE = Path("src/fastcore")
DIRECTIVES = {
    "language_level": 3,
    "binding": True,
    "embedsignature": False,
    "initializedcheck": False,
    "freethreading_compatible": True,
}


def build_switch():
    value = os.environ.get("FASTCORE_BUILD") or "auto"
    if value not in ("auto", "require", "skip"):
        raise SystemExit(f"FASTCORE_BUILD={value!r} is not one of auto, require, skip")
    if value == "auto" and platform.python_implementation() != "CPython":
        return "skip"
    return value


def version():
    source = (PACKAGE / "_version.py").read_text(encoding="utf-8")
    return re.search(r'__version__ = "(.+)"', source)[1]


def optimization():
    """-O3, unless whoever builds has asked for something else."""
    return [] if "-O" in os.environ.get("CFLAGS", "") else ["-O3"]


def extensions():
    from Cython.Build import cythonize

    kernels = [
        str(path) for path in sorted((PACKAGE / "kernels").rglob("*")) if path.suffix in (".py", ".pyx", ".h")
    ]
    generated = PACKAGE / "_speedups.c"
    # Cython looks at its sources, not at changed directives
    stale = generated.exists() and generated.stat().st_mtime < Path("setup.py").stat().st_mtime
    modules = cythonize(
        [
            Extension(
                "fastcore._speedups",
                [str(PACKAGE / "_speedups.pyx")],
                depends=[*kernels, "setup.py"],
                include_dirs=[str(PACKAGE / "kernels" / "c")],
                define_macros=[("FASTCORE_VERSION", f'"{version()}"')],
                # Debug information multiplies the time of the build by five, for a file that no one debugs.
                # Where in a cache line a short function begins changed its time by a quarter between builds.
                extra_compile_args=["/O2"]
                if sys.platform == "win32"
                else [*optimization(), "-g0", "-falign-functions=64"],
            )
        ],
        compiler_directives=DIRECTIVES,
        force=stale,
    )
    for module in modules:  # cythonize() drops the flag
        module.optional = SWITCH == "auto"
    return modules


def banner(text):
    rule = "=" * 78
    print(f"\n{rule}\n{text}\n{rule}\n", file=sys.stderr, flush=True)


class BuildExtensions(build_ext):
    """Says once, clearly, which backend this build contains."""

    def run(self):
        super().run()
        if all(Path(self.get_ext_fullpath(module.name)).exists() for module in self.extensions):
            return
        banner(
            "fastcore: the compiled backend could NOT be built; the pure-Python backend will be used.\n"
            "It gives the same results, more slowly. FASTCORE_BUILD=require makes this an error,\n"
            "FASTCORE_BUILD=skip makes it a choice."
        )
        self.distribution.ext_modules = []


class BuildWheel(bdist_wheel):
    """A wheel that holds no extension must not claim to be built for one platform: installers cache it."""

    def run(self):
        if self.distribution.has_ext_modules():
            self.run_command("build_ext")
            self.root_is_pure = not self.distribution.has_ext_modules()
        super().run()


SWITCH = build_switch()
setup(
    ext_modules=[] if SWITCH == "skip" else extensions(),
    cmdclass={"build_ext": BuildExtensions, "bdist_wheel": BuildWheel},
)
