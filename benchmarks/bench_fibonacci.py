"""Fibonacci beside its peers: ``pytest benchmarks/bench_fibonacci.py --benchmark-group-by=group``.

Every figure of fastcore here is without gmpy2, which this process cannot import once the peers have it;
numpy may be used. ``fibonacci_goals.py`` measures the project's goals, as ratios, with and without either.
Results are checked after the timing; nothing but the call is timed.
"""

import sys

import fibonacci_peers as peers
import pytest

from fastcore import _backend
from fastcore.lab.suites.bench_fibonacci import *  # noqa: F403
from fastcore.lab.suites.bench_fibonacci import BIG, PRIME

peers.block("gmpy2")

LARGER = pytest.mark.parametrize("n", [10**6, 10**7])
LARGE = pytest.mark.parametrize("n", [10**4, 10**5, 10**6, 10**7])
SMALL = pytest.mark.parametrize("n", [10, 93, 1000])
GMP = "doubling, products by GMP"


@pytest.fixture
def kernels(backend):
    return _backend.kernels("fibonacci", backend)


needs_gmpy2 = pytest.mark.skipif(peers.gmpy2 is None, reason="gmpy2 is not installed")


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    if sys.implementation.name != "cpython":
        pytest.skip("an extension is no peer here")
    pytest.importorskip("Cython", reason="the empty function is compiled on the spot")
    return peers.empty_call(tmp_path_factory.mktemp("empty"))


def small(n):
    return {"group": "one call, small n", "work": f"F(n), n = {n:,}"}


def large(n):
    return {"group": "large n", "work": f"F(n), n = {n:,}", "n": n}


def text(n):
    return {"group": "text", "work": f"F(n) as decimal text, n = {n:,}", "n": n}


# --- one call, small n --------------------------------------------------------------------------------------


@SMALL
def test_one_call(measure, kernels, n):
    assert measure(kernels.fibonacci, n, algorithm="table", **small(n)) == peers.additions(n)


@SMALL
def test_empty_compiled_def(benchmark, empty, n):
    benchmark.group = small(n)["group"]
    assert benchmark(empty, n) is None


@SMALL
def test_bare_tuple_look_up(measure, n):
    about = {"by": "tuple look-up in a def", "algorithm": "table"}
    assert measure(peers.table_look_up(), n, **about, **small(n)) == peers.additions(n)


@SMALL
def test_one_call_plain(measure, n):
    about = {"by": "plain Python", "algorithm": "iterative"}
    assert measure(peers.additions, n, **about, **small(n)) == peers.textbook(n)


@needs_gmpy2
@SMALL
def test_one_call_gmpy2(measure, n):
    assert measure(peers.gmp, n, by="gmpy2", algorithm=GMP, **small(n)) == peers.additions(n)


# --- large n ------------------------------------------------------------------------------------------------


@LARGER
def test_larger(measure, kernels, n):
    assert measure(kernels.fibonacci, n, algorithm="doubling", **large(n)) % PRIME == peers.modular(n, PRIME)


@needs_gmpy2
@LARGE
def test_large_gmpy2(measure, n):
    assert measure(peers.gmp, n, by="gmpy2", algorithm=GMP, **large(n)) % PRIME == peers.modular(n, PRIME)


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
def test_two_squarings(measure, n):
    about = {"by": "plain Python, two squarings per bit", "algorithm": "doubling"}
    assert measure(peers.two_squarings, n, **about, **large(n)) % PRIME == peers.modular(n, PRIME)


@LARGER
def test_larger_text(measure, kernels, n):
    found = measure(kernels.fibonacci_text, n, algorithm="doubling", **text(n))
    assert int(found[-9:]) == peers.modular(n, 10**9)


@needs_gmpy2
@pytest.mark.parametrize("n", [10**5, 10**6, 10**7])
def test_text_gmpy2(measure, n):
    found = measure(peers.gmp_text, n, by="gmpy2", algorithm=GMP, **text(n))
    assert int(found[-9:]) == peers.modular(n, 10**9)


# --- modular, arrays, sequences -----------------------------------------------------------------------------


@pytest.mark.parametrize("m", [10**18 + 9, 2**63 - 25, 10**9])
def test_other_moduli(benchmark, kernels, m):
    benchmark.group = f"modular, m = {m:,}"
    assert benchmark(kernels.fibonacci_mod, BIG, m) == peers.modular(BIG, m)


@pytest.mark.benchmark(group="arrays")
class TestArrays:
    @pytest.fixture(autouse=True)
    def np(self):
        return pytest.importorskip("numpy", reason="arrays need numpy", exc_type=ImportError)

    def test_look_up(self, benchmark, kernels, np):
        ns = np.random.default_rng(0).integers(0, 94, 1_000_000)
        assert benchmark(kernels.fibonacci_array, ns)[:9].tolist() == [
            peers.additions(n) for n in ns[:9].tolist()
        ]

    def test_numpy_take(self, benchmark, np):
        ns = np.random.default_rng(0).integers(0, 94, 1_000_000)
        table = np.array([peers.additions(n) for n in range(94)], np.uint64)
        assert benchmark(table.take, ns).size == ns.size

    def test_modular(self, benchmark, kernels, np):
        ns = np.random.default_rng(0).integers(0, BIG, 10_000)
        result = benchmark(kernels.fibonacci_mod_array, ns, PRIME)
        assert result[:9].tolist() == [peers.modular(n, PRIME) for n in ns[:9].tolist()]


@pytest.mark.parametrize("start", [0, 10_000])
def test_sequence(measure, kernels, start):
    about = {"group": "sequence", "work": f"2,000 numbers from F({start:,})", "algorithm": "additions"}
    result = measure(kernels.fibonacci_sequence, start, start + 2000, units=2000, **about)
    assert result[-1] == result[-2] + result[-3] == peers.textbook(start + 1999)
