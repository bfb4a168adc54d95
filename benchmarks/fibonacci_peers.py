"""What the Fibonacci benchmarks compare with: the floor of a call, plain Python, GMP."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

try:
    import gmpy2
except ImportError:
    gmpy2 = None

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


def additions(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def textbook(n):
    """Fast doubling as it is usually written: three products per bit."""
    a, b = 0, 1
    for i in range(n.bit_length() - 1, -1, -1):
        c, d = a * (2 * b - a), a * a + b * b
        a, b = (d, c + d) if n >> i & 1 else (c, d)
    return a


def two_squarings(n):
    """GMP's recurrence on Python's ints, for n >= 2."""
    f, g, k = 1, 0, 1
    bits = bin(n)[3:]
    for bit in bits[:-1]:
        f, g = f * f, g * g
        high, low = 4 * f - g + (-2 if k & 1 else 2), f + g
        f, g, k = (high, high - low, 2 * k + 1) if bit == "1" else (high - low, low, 2 * k)
    return f * (f + 2 * g) if bits[-1] == "0" else (2 * f + g) * (2 * f - g) + (-2 if k & 1 else 2)


def modular(n, m):
    a, b = 0, 1 % m
    for i in range(n.bit_length() - 1, -1, -1):
        c, d = a * (2 * b - a) % m, (a * a + b * b) % m
        a, b = (d, (c + d) % m) if n >> i & 1 else (c, d)
    return a


def recursive(n):
    return n if n < 2 else recursive(n - 1) + recursive(n - 2)


def gmp(n):
    return int(gmpy2.fib(n))


def gmp_text(n):
    return str(gmpy2.fib(n))
