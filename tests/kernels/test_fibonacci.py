"""The contract of the scalar Fibonacci functions, on both backends.

Truth comes three independent ways: additions, the identity F(m + n) = F(m) F(n + 1) + F(m - 1) F(n), and GMP.
"""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import LimitError

LIMIT = 10**9
EDGES = [0, 1, 2, 3, 46, 47, 78, 92, 93, 94, 186, 187, 999, 1000, 1001, 1002, 1023, 1024]
LARGE = [3062, 3063, 4095, 4096, 6999, 7000, 10_000, 20_577, 20_578]
CROSSOVERS = [54_999, 55_000, 55_001, 99_999, 100_000, 131_071, 131_072, 299_999, 300_000]


@pytest.fixture(scope="module")
def added():
    """F(0) to F(3000), by additions only."""
    values = [0, 1]
    while len(values) <= 3000:
        values.append(values[-1] + values[-2])
    return values


@pytest.fixture
def kernels(backend):
    return _backend.kernels("fibonacci", backend)


def by_identity(n):
    """(F(n), F(n - 1)) from smaller ones by F(m + n) = F(m) F(n + 1) + F(m - 1) F(n) alone."""
    if n == 1:
        return 1, 0
    m = n // 2
    f, before = by_identity(m)
    after = f + before
    f, before = f * after + before * f, f * f + before * before
    return (f + before, f) if n % 2 else (f, before)


class Five(IntEnum):
    """An int subclass as users have them."""

    FIVE = 5


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


class TestFibonacci:
    def test_additions(self, kernels, added):
        assert [kernels.fibonacci(n) for n in range(len(added))] == added

    @pytest.mark.parametrize("n", EDGES[1:] + LARGE + CROSSOVERS)
    def test_identity(self, kernels, n):
        assert kernels.fibonacci(n) == by_identity(n)[0]

    @pytest.mark.parametrize("n", EDGES + LARGE + CROSSOVERS + [1_000_000])
    def test_gmp(self, kernels, n):
        gmpy2 = pytest.importorskip(
            "gmpy2", reason="gmpy2 has no wheel for this interpreter", exc_type=ImportError
        )
        assert kernels.fibonacci(n) == int(gmpy2.fib(n))

    @settings(deadline=None)  # a busy machine is no error
    @given(m=st.integers(1, 6000), n=st.integers(0, 6000))
    def test_property(self, m, n):
        for backend in available():
            f = _backend.kernels("fibonacci", backend).fibonacci
            assert f(m + n) == f(m) * f(n + 1) + f(m - 1) * f(n)

    def test_without_any_faster_products(self, kernels, added):
        assert [kernels._fib_doubled(n) for n in range(2, len(added))] == added[2:]
        for n in [*LARGE, *CROSSOVERS]:
            assert kernels._fib_doubled(n) == by_identity(n)[0]

    def test_every_size_of_limbs(self, kernels):
        """Each number of limbs up to 160, so that both of Karatsuba's thresholds lie inside, odd and even."""
        f, before = by_identity(1000)
        n = 1000
        while n < 15_000:
            if n % 31 == 0:
                assert kernels._fib_doubled(n) == f, n
            f, before, n = f + before, f, n + 1

    def test_exact_ints_come_back(self, kernels):
        for n in (5, 1001, 100_000):
            assert type(kernels.fibonacci(n)) is int

    @pytest.mark.parametrize("n", [Five.FIVE, Index(5)])
    def test_integer_objects(self, kernels, n):
        assert kernels.fibonacci(n) == 5
        assert kernels.fibonacci_text(n) == "5"
        assert kernels.fibonacci_mod(n, Index(3)) == 2
        assert kernels.fibonacci_sequence(n, Index(7)) == [5, 8]
        assert kernels.fibonacci_recursive(n) == 5

    def test_keyword(self, kernels):
        assert kernels.fibonacci(n=10) == 55
        assert kernels.fibonacci_mod(n=10, m=7) == 6
        assert kernels.fibonacci_sequence(start=0, stop=3) == [0, 1, 1]


def available():
    try:
        _backend.load_extension()
    except ImportError:
        return ["python"]
    return ["cython", "python"]


ONE_INDEX = ["fibonacci", "fibonacci_text", "fibonacci_recursive"]


class TestArguments:
    @pytest.mark.parametrize("name", ONE_INDEX)
    @pytest.mark.parametrize("n", [True, False, 5.0, "5", b"5", None, [5], 5j, Index("5"), Index(True)])
    def test_type(self, kernels, name, n, recwarn):
        with pytest.raises(TypeError, match=rf"^n must be an int >= 0, not {type(n).__name__}$"):
            getattr(kernels, name)(n)

    @pytest.mark.parametrize("name", ONE_INDEX)
    def test_negative(self, kernels, name):
        with pytest.raises(ValueError, match=r"^n must be an int >= 0, got -1$"):
            getattr(kernels, name)(-1)
        with pytest.raises(ValueError, match=r"^n must be an int >= 0, got an int of 33220 bits$"):
            getattr(kernels, name)(-(10**10_000))

    @pytest.mark.parametrize(
        ("name", "limit"), [("fibonacci", LIMIT), ("fibonacci_text", LIMIT), ("fibonacci_recursive", 50)]
    )
    def test_limit(self, kernels, name, limit):
        with pytest.raises(LimitError, match=rf"^n must be at most {limit}, got {limit + 1}$"):
            getattr(kernels, name)(limit + 1)
        with pytest.raises(LimitError, match=rf"^n must be at most {limit}, got an int of 33220 bits$"):
            getattr(kernels, name)(10**10_000)

    def test_limit_is_a_value_error(self):
        assert issubclass(LimitError, ValueError)

    @pytest.mark.parametrize("m", [0, -7])
    def test_modulus(self, kernels, m):
        with pytest.raises(ValueError, match=rf"^m must be an int >= 1, got {m}$"):
            kernels.fibonacci_mod(10, m)

    @pytest.mark.parametrize("m", [True, 2.0, "7", None])
    def test_modulus_type(self, kernels, m):
        with pytest.raises(TypeError, match=rf"^m must be an int >= 1, not {type(m).__name__}$"):
            kernels.fibonacci_mod(10, m)

    def test_arguments_of_mod_in_order(self, kernels):
        with pytest.raises(ValueError, match=r"^n must be"):
            kernels.fibonacci_mod(-1, 0)

    def test_an_error_of_the_object_itself_passes(self, kernels):
        class Broken:
            def __index__(self):
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            kernels.fibonacci(Broken())

    @pytest.mark.parametrize("arguments", [(), (1, 2)])
    def test_count(self, kernels, arguments):
        with pytest.raises(TypeError):
            kernels.fibonacci(*arguments)


class TestText:
    @pytest.fixture(autouse=True)
    def limit(self, monkeypatch):
        """The strictest limit that can be set, and no way to change it."""
        if not hasattr(sys, "set_int_max_str_digits"):
            yield
            return
        change, before = sys.set_int_max_str_digits, sys.get_int_max_str_digits()
        change(640)
        monkeypatch.setattr(sys, "set_int_max_str_digits", pytest.fail)
        yield
        assert sys.get_int_max_str_digits() == 640
        monkeypatch.undo()
        change(before)

    @pytest.mark.parametrize("n", EDGES + LARGE + [54_321, 99_999, 100_000, 123_456])
    def test_value(self, kernels, n):
        text = kernels.fibonacci_text(n)
        assert read(text) == (by_identity(n)[0] if n else 0)
        assert n == 0 or text[0] != "0"

    def test_first_above_the_limit_of_interpreters(self, kernels):
        assert len(kernels.fibonacci_text(20_577)) == 4300
        assert len(kernels.fibonacci_text(20_578)) == 4301

    @pytest.mark.parametrize("n", [10**6, 2 * 10**6])
    def test_gmp(self, kernels, n):
        gmpy2 = pytest.importorskip(
            "gmpy2", reason="gmpy2 has no wheel for this interpreter", exc_type=ImportError
        )
        assert kernels.fibonacci_text(n) == str(gmpy2.fib(n))


def read(digits):
    """int(digits) by halves, below the limit of interpreters."""
    if len(digits) <= 600:
        return int(digits)
    half = len(digits) // 2
    return read(digits[:-half]) * 10**half + read(digits[-half:])


class TestMod:
    MODULI = (
        [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 1000, 10**9, 10**9 + 7, 10**18 + 9, 10**30]
        + [2**k + d for k in (31, 32, 54, 55, 56, 59, 63, 64, 65, 127) for d in (-1, 0, 1)]
        + [3 * 2**k for k in (1, 30, 59, 61, 62)]
    )

    @pytest.mark.parametrize("m", MODULI)
    def test_additions(self, kernels, added, m):
        assert [kernels.fibonacci_mod(n, m) for n in range(400)] == [f % m for f in added[:400]]

    @pytest.mark.parametrize("m", MODULI)
    def test_ints(self, kernels, m):
        for n in (10**18, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, 10**40):
            assert kernels.fibonacci_mod(n, m) == by_python(n, m), n

    @settings(deadline=None)  # a busy machine is no error
    @given(
        n=st.integers(0, 2**70) | st.integers(0, 300),
        m=st.integers(1, 2**66) | st.integers(1, 200) | st.integers(0, 62).map(lambda k: 5 << k),
    )
    def test_property(self, n, m):
        for backend in available():
            assert _backend.kernels("fibonacci", backend).fibonacci_mod(n, m) == by_python(n, m)

    def test_no_limit(self, kernels):
        """As with pow(): neither argument has a size limit."""
        n, m = 10**400, 7**300
        assert kernels.fibonacci_mod(n, m) == by_python(n, m)


def by_python(n, m):
    """F(n) modulo m by powers of ((1, 1), (1, 0)): the k-th is ((F(k+1), F(k)), (F(k), F(k-1)))."""
    power, result = (1, 1, 0), (1, 0, 1)
    while n:
        if n & 1:
            result = times(result, power, m)
        power = times(power, power, m)
        n >>= 1
    return result[1] % m


def times(x, y, m):
    return (
        (x[0] * y[0] + x[1] * y[1]) % m,
        (x[0] * y[1] + x[1] * y[2]) % m,
        (x[1] * y[1] + x[2] * y[2]) % m,
    )


class TestSequence:
    @pytest.mark.parametrize(
        ("start", "stop"), [(0, 0), (5, 5), (9, 3), (0, 1), (0, 2), (0, 94), (90, 95), (999, 1000), (0, 3001)]
    )
    def test_slices(self, kernels, added, start, stop):
        assert kernels.fibonacci_sequence(start, stop) == added[start:stop]

    @pytest.mark.parametrize("start", [998, 999, 1000, 1001, 1002, 2500])
    @pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
    def test_round_the_end_of_the_table(self, kernels, added, start, count):
        assert kernels.fibonacci_sequence(start, start + count) == added[start : start + count]

    def test_far(self, kernels):
        values = kernels.fibonacci_sequence(60_000, 60_004)
        assert values == [by_identity(n)[0] for n in range(60_000, 60_004)]

    def test_result_belongs_to_the_caller(self, kernels):
        kernels.fibonacci_sequence(0, 10).clear()
        assert kernels.fibonacci_sequence(0, 3) == [0, 1, 1]

    def test_limits(self, kernels):
        with pytest.raises(LimitError, match=r"^stop must be at most 1000000001, got 1000000002$"):
            kernels.fibonacci_sequence(LIMIT, LIMIT + 2)
        message = r"^the indices must add up to at most 10000000000, got 10000020331$"
        with pytest.raises(LimitError, match=message):
            kernels.fibonacci_sequence(0, 141_422)
        assert kernels.fibonacci_sequence(LIMIT, 5) == []

    @pytest.mark.parametrize(("start", "stop", "name"), [(True, 3, "start"), (0, 3.0, "stop")])
    def test_type(self, kernels, start, stop, name):
        with pytest.raises(TypeError, match=f"^{name} must be an int >= 0, not "):
            kernels.fibonacci_sequence(start, stop)

    def test_negative(self, kernels):
        with pytest.raises(ValueError, match=r"^start must be an int >= 0, got -3$"):
            kernels.fibonacci_sequence(-3, 3)


class TestRecursive:
    def test_value(self, kernels, added):
        assert [kernels.fibonacci_recursive(n) for n in range(20)] == added[:20]

    @pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 17])
    def test_calls(self, kernels, backend, added, n):
        assert calls(kernels, backend, n) == 2 * added[n + 1] - 1


def calls(kernels, backend, n):
    """How often the recursive function ran: its own counter in C, the profiler's count in Python."""
    if backend == "cython":
        return kernels._fib_calls(n)
    count = 0
    code = kernels._fib_recursive.__code__

    def profile(frame, event, argument):
        nonlocal count
        count += event == "call" and frame.f_code is code

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        kernels.fibonacci_recursive(n)
    finally:
        sys.setprofile(before)
    return count


PUBLIC = ["fibonacci", "fibonacci_text", "fibonacci_mod", "fibonacci_sequence", "fibonacci_recursive"]


class TestTwins:
    @pytest.mark.parametrize("name", [*PUBLIC, "fibonacci_array", "fibonacci_mod_array"])
    def test_identity_of_the_functions(self, kernels, name):
        function = getattr(kernels, name)
        assert function.__module__ == "fastcore"
        assert function.__name__ == function.__qualname__ == name
        assert function.__doc__
        if function is getattr(_backend.kernels("fibonacci"), name):
            assert pickle.loads(pickle.dumps(function)) is function

    @pytest.mark.parametrize(
        "call",
        [
            ("fibonacci", True),
            ("fibonacci", -5),
            ("fibonacci", LIMIT + 1),
            ("fibonacci_mod", 5, "x"),
            ("fibonacci_mod", 5, 0),
            ("fibonacci_sequence", 0, 10**6),
            ("fibonacci_recursive", 51),
        ],
    )
    def test_equal_errors(self, call):
        name, *arguments = call
        errors = set()
        for backend in available():
            with pytest.raises(Exception, match="must") as caught:
                getattr(_backend.kernels("fibonacci", backend), name)(*arguments)
            errors.add((caught.type, str(caught.value), pickle.dumps(caught.value)))
        assert len(errors) == 1

    def test_threads(self, kernels):
        def work(n):
            return (
                kernels.fibonacci(n),
                kernels.fibonacci_text(n),
                kernels.fibonacci_mod(n, 10**9 + 7),
                kernels._fib_doubled(n),
            )

        ns = [1001, 5000, 20_001, 60_001, 110_001] * 4
        with ThreadPoolExecutor(8) as pool:
            parallel = list(pool.map(work, ns))
        assert parallel == [work(n) for n in ns]
