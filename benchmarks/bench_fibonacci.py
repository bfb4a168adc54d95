"""Fibonacci beside its peers: ``pytest benchmarks/bench_fibonacci.py --benchmark-group-by=group``.

Every figure of fastcore here is without gmpy2, which this process cannot import once the peers have it;
numpy may be used. ``fibonacci_goals.py`` measures the project's goals, as ratios, with and without either.
Results are checked after the timing; nothing but the call is timed.
"""

import sys

import fibonacci_peers as peers
import pytest

from fastcore import _backend

peers.block("gmpy2")

PRIME = 10**9 + 7
BIG = 10**18
BACKENDS = ["cython", "python"]


@pytest.fixture(params=BACKENDS)
def kernels(request):
    try:
        return _backend.kernels("fibonacci", request.param)
    except ImportError as error:
        pytest.skip(str(error))


needs_gmpy2 = pytest.mark.skipif(peers.gmpy2 is None, reason="gmpy2 is not installed")


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    if sys.implementation.name != "cpython":
        pytest.skip("an extension is no peer here")
    pytest.importorskip("Cython", reason="the empty function is compiled on the spot")
    return peers.empty_call(tmp_path_factory.mktemp("empty"))


SMALL = pytest.mark.parametrize("n", [10, 93, 1000])


@pytest.mark.benchmark(group="small n")
class TestSmall:
    @SMALL
    def test_fastcore(self, benchmark, kernels, n):
        assert benchmark(kernels.fibonacci, n) == peers.additions(n)

    @SMALL
    def test_empty_compiled_def(self, benchmark, empty, n):
        assert benchmark(empty, n) is None

    @SMALL
    def test_bare_tuple_look_up(self, benchmark, n):
        assert benchmark(peers.table_look_up(), n) == peers.additions(n)

    @SMALL
    def test_python_loop(self, benchmark, n):
        assert benchmark(peers.additions, n) == peers.textbook(n)

    @needs_gmpy2
    @SMALL
    def test_gmpy2(self, benchmark, n):
        assert benchmark(peers.gmp, n) == peers.additions(n)


LARGE = pytest.mark.parametrize("n", [10**4, 10**5, 10**6, 10**7])


@pytest.mark.benchmark(group="large n")
class TestLarge:
    @LARGE
    def test_fastcore(self, benchmark, kernels, n):
        result = benchmark(kernels.fibonacci, n)
        assert result % PRIME == peers.modular(n, PRIME)

    @needs_gmpy2
    @LARGE
    def test_gmpy2(self, benchmark, n):
        assert benchmark(peers.gmp, n) % PRIME == peers.modular(n, PRIME)

    @pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
    @pytest.mark.parametrize("doubling", [peers.two_squarings, peers.textbook])
    def test_python(self, benchmark, doubling, n):
        assert benchmark(doubling, n) % PRIME == peers.modular(n, PRIME)


@pytest.mark.benchmark(group="text")
class TestText:
    @LARGE
    def test_fastcore(self, benchmark, kernels, n):
        text = benchmark(kernels.fibonacci_text, n)
        assert int(text[-9:]) == peers.modular(n, 10**9)

    @needs_gmpy2
    @LARGE
    def test_gmpy2(self, benchmark, n):
        text = benchmark(peers.gmp_text, n)
        assert int(text[-9:]) == peers.modular(n, 10**9)


@pytest.mark.benchmark(group="modular")
class TestModular:
    @pytest.mark.parametrize("m", [PRIME, 10**18 + 9, 2**63 - 25, 10**9])
    def test_fastcore(self, benchmark, kernels, m):
        assert benchmark(kernels.fibonacci_mod, BIG, m) == peers.modular(BIG, m)

    @pytest.mark.parametrize("m", [PRIME, 10**18 + 9])
    def test_python_loop(self, benchmark, m):
        assert benchmark(peers.modular, BIG, m) < m


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


@pytest.mark.benchmark(group="sequence")
class TestSequence:
    @pytest.mark.parametrize("start", [0, 10_000])
    def test_fastcore(self, benchmark, kernels, start):
        result = benchmark(kernels.fibonacci_sequence, start, start + 2000)
        assert result[-1] == result[-2] + result[-3] == peers.textbook(start + 1999)


@pytest.mark.benchmark(group="recursion")
class TestRecursion:
    def test_fastcore(self, benchmark, kernels):
        assert benchmark(kernels.fibonacci_recursive, 25) == 75025

    def test_plain_python(self, benchmark):
        assert benchmark(peers.recursive, 25) == 75025
