"""Fibonacci, and the same algorithms in plain Python.

Inside: the call, and where a work is many calls, the loop over them. fastcore does without gmpy2 and numpy
under ``--lab-bare``, as ``fastcore bench run`` has it.
"""

from collections.abc import Callable

import pytest

from fastcore import _backend
from fastcore.lab.plugin import Measure
from fastcore.lab.workloads import fibonacci as plain

SMALL = [*range(94)] * 10
PRIME = 10**9 + 7
BIG = 10**18
RECURSION = 22

LARGE = pytest.mark.parametrize("n", [10_000, 100_000])


def each(function: Callable[[int], int], numbers: list[int]) -> list[int]:
    """Nothing but the loop."""
    return [function(n) for n in numbers]


def test_small(measure: Measure, backend: str) -> None:
    function = _backend.kernels("fibonacci", backend).fibonacci
    found = measure(
        each, function, SMALL, group="small n", work="F(n), n = 0 to 93", algorithm="table", units=len(SMALL)
    )
    assert found == [plain.additions(n) for n in SMALL]


def test_small_plain(measure: Measure) -> None:
    found = measure(
        each,
        plain.additions,
        SMALL,
        group="small n",
        work="F(n), n = 0 to 93",
        algorithm="iterative",
        by="plain Python",
        units=len(SMALL),
    )
    assert found[90] == 2880067194370816120


@LARGE
def test_large(measure: Measure, backend: str, n: int) -> None:
    function = _backend.kernels("fibonacci", backend).fibonacci
    work = f"F(n), n = {n:,}"
    found = measure(function, n, group="large n", work=work, algorithm="doubling", n=n)
    assert found % PRIME == plain.modular(n, PRIME)


@LARGE
def test_large_plain(measure: Measure, n: int) -> None:
    work = f"F(n), n = {n:,}"
    found = measure(
        plain.doubling, n, group="large n", work=work, algorithm="doubling", by="plain Python", n=n
    )
    assert found % PRIME == plain.modular(n, PRIME)


def test_text(measure: Measure, backend: str) -> None:
    function = _backend.kernels("fibonacci", backend).fibonacci_text
    found = measure(
        function, 100_000, group="text", work="F(n) as decimal text, n = 100,000", algorithm="doubling"
    )
    assert len(found) == 20_899
    assert int(found[-9:]) == plain.modular(100_000, 10**9)


def test_modular(measure: Measure, backend: str) -> None:
    function = _backend.kernels("fibonacci", backend).fibonacci_mod
    work = "F(10^18) modulo a prime"
    found = measure(function, BIG, PRIME, group="modular", work=work, algorithm="doubling")
    assert found == plain.modular(BIG, PRIME)


def test_modular_plain(measure: Measure) -> None:
    work = "F(10^18) modulo a prime"
    found = measure(
        plain.modular, BIG, PRIME, group="modular", work=work, algorithm="doubling", by="plain Python"
    )
    assert found == 209783453


def test_recursion(measure: Measure, backend: str) -> None:
    function = _backend.kernels("fibonacci", backend).fibonacci_recursive
    work = f"F({RECURSION}) by its definition"
    found = measure(function, RECURSION, group="recursion", work=work, algorithm="recursive")
    assert found == plain.additions(RECURSION)


def test_recursion_plain(measure: Measure) -> None:
    work = f"F({RECURSION}) by its definition"
    found = measure(
        plain.recursive, RECURSION, group="recursion", work=work, algorithm="recursive", by="plain Python"
    )
    assert found == plain.additions(RECURSION)
