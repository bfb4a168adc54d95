"""What the Fibonacci benchmarks compare with: the floor of a call, plain Python, GMP."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from fastcore.lab.workloads.fibonacci import additions, modular, recursive
from fastcore.lab.workloads.fibonacci import doubling as textbook

try:
    import gmpy2
except ImportError:
    gmpy2 = None

__all__ = [
    "additions",
    "block",
    "empty_call",
    "gmp",
    "gmp_text",
    "gmpy2",
    "modular",
    "recursive",
    "table_look_up",
    "textbook",
    "two_squarings",
]

EMPTY = "# cython: language_level=3, binding=True, embedsignature=False\ndef f(n):\n    return None\n"


def block(*names):
    """Make modules impossible to import in this process, whatever of them is loaded already."""
    for name in names:
        sys.modules[name] = None


def empty_call(folder):
    """A compiled ``def f(n)`` that does nothing: what calling any function of an extension costs."""
    folder = Path(folder)
    source = folder / "fibonacci_empty.pyx"
    source.write_text(EMPTY)
    subprocess.run(
        [sys.executable, "-m", "Cython.Build.Cythonize", "-q", "-i", str(source)],
        check=True,
        capture_output=True,
        env={**os.environ, "CFLAGS": "-O3"},
    )
    path = source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
    spec = importlib.util.spec_from_file_location("fibonacci_empty", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


def table_look_up(size=1001):
    """A bare tuple look-up in a def."""
    table = tuple(additions(n) for n in range(size))

    def look_up(n):
        return table[n]

    return look_up


def two_squarings(n):
    """GMP's recurrence on Python's ints, for n >= 2."""
    f, g, k = 1, 0, 1
    bits = bin(n)[3:]
    for bit in bits[:-1]:
        f, g = f * f, g * g
        high, low = 4 * f - g + (-2 if k & 1 else 2), f + g
        f, g, k = (high, high - low, 2 * k + 1) if bit == "1" else (high - low, low, 2 * k)
    return f * (f + 2 * g) if bits[-1] == "0" else (2 * f + g) * (2 * f - g) + (-2 if k & 1 else 2)


def gmp(n):
    return int(gmpy2.fib(n))


def gmp_text(n):
    return str(gmpy2.fib(n))
