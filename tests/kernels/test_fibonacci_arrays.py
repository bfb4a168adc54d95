"""Fibonacci over numpy arrays: every layout right, everything else refused with its place."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import LimitError

np = pytest.importorskip("numpy", reason="numpy has no wheel for this interpreter", exc_type=ImportError)

INTEGERS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
VALUES = [0, 1]
while len(VALUES) < 94:
    VALUES.append(VALUES[-1] + VALUES[-2])


@pytest.fixture
def kernels(backend):
    return _backend.kernels("fibonacci", backend)


def unaligned(values, dtype):
    raw = np.empty(len(values) * np.dtype(dtype).itemsize + 1, np.uint8)
    array = raw[1:].view(dtype)
    array[:] = values
    return array


def read_only(values, dtype):
    array = np.array(values, dtype)
    array.setflags(write=False)
    return array


LAYOUTS = {
    "contiguous": lambda values, dtype: np.array(values, dtype),
    "strided": lambda values, dtype: np.repeat(np.array(values, dtype), 3)[::3],
    "reversed": lambda values, dtype: np.array(values[::-1], dtype)[::-1],
    "big-endian": lambda values, dtype: np.array(values, ">" + dtype),
    "little-endian": lambda values, dtype: np.array(values, "<" + dtype),
    "read-only": read_only,
    "unaligned": unaligned,
    "sequence": lambda values, dtype: list(values),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", INTEGERS)
class TestLayouts:
    def test_look_up(self, kernels, layout, dtype):
        ns = LAYOUTS[layout](list(range(94)), dtype)
        before = list(ns)
        result = kernels.fibonacci_array(ns)
        assert result.dtype == np.uint64
        assert result.tolist() == VALUES
        assert list(ns) == before

    @pytest.mark.parametrize("m", [1, 2, 12, 97, 10**9 + 7, 2**55 - 1, 2**55 + 1, 2**63, 2**64 - 1, 2**64])
    def test_modular(self, kernels, layout, dtype, m):
        result = kernels.fibonacci_mod_array(LAYOUTS[layout](list(range(94)), dtype), m)
        assert result.dtype == np.uint64
        assert result.tolist() == [value % m for value in VALUES]


SHAPES = [(), (0,), (1,), (5,), (0, 3), (2, 3), (2, 1, 4)]


class TestShapes:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_kept(self, kernels, shape, order):
        size = int(np.prod(shape))
        ns = np.arange(size).reshape(shape).copy(order)
        want = [VALUES[i] for i in range(size)]
        for result in (kernels.fibonacci_array(ns), kernels.fibonacci_mod_array(ns, 2**64)):
            assert type(result) is np.ndarray
            assert result.shape == shape
            assert result.reshape(-1).tolist() == want

    def test_sequences(self, kernels):
        assert kernels.fibonacci_array([]).tolist() == []
        assert kernels.fibonacci_array(()).tolist() == []
        assert kernels.fibonacci_array(range(5)).tolist() == [0, 1, 1, 2, 3]
        assert kernels.fibonacci_array([[1, 2], (3, np.int8(4))]).tolist() == [[1, 1], [2, 3]]
        assert kernels.fibonacci_array(7).tolist() == 13
        assert kernels.fibonacci_array(memoryview(bytes([1, 2, 3]))).tolist() == [1, 1, 2]
        assert kernels.fibonacci_mod_array([2**64 - 1, 0], 10).tolist() == [0, 0]

    def test_result_is_new(self, kernels):
        first = kernels.fibonacci_array([5])
        first[0] = 99
        assert kernels.fibonacci_array([5]).tolist() == [5]


class TestScalars:
    @pytest.mark.parametrize("n", [np.int8(10), np.uint64(10), np.array(10)])
    def test_accepted(self, kernels, n):
        value = kernels.fibonacci(n)
        assert value == 55
        assert type(value) is int
        assert kernels.fibonacci_mod(n, np.int16(7)) == 6
        assert kernels.fibonacci_text(n) == "55"

    @pytest.mark.parametrize("n", [np.bool_(True), np.float64(10), np.array(10.0), np.array([10, 11])])
    def test_refused(self, kernels, n):
        with pytest.raises(TypeError, match=r"^n must be an int >= 0, not "):
            kernels.fibonacci(n)


class TestRefused:
    @pytest.mark.parametrize(
        "ns",
        [
            np.array([True, False]),
            np.array([1.0]),
            np.array([1j]),
            np.array(["1"]),
            np.array([1], "M8[s]"),
            np.array([1], "m8[s]"),
            np.array([(1,)], [("n", "i8")]),
            1.0,
            True,
            "5",
            b"5",
        ],
        ids=lambda ns: str(getattr(ns, "dtype", type(ns))),
    )
    def test_types(self, kernels, ns):
        for call in (kernels.fibonacci_array, lambda ns: kernels.fibonacci_mod_array(ns, 7)):
            with pytest.raises(TypeError, match=r"^ns must hold ints, not "):
                call(ns)

    @pytest.mark.parametrize(
        ("ns", "message"),
        [
            ([1, True], r"ns\[1\] must be an int >= 0, not bool"),
            ([[1, 2], [3, 4.0]], r"ns\[1, 1\] must be an int >= 0, not float"),
            ([[1, 2], [3]], r"ns\[0\] must be an int >= 0, not list"),
            (["5"], r"ns\[0\] must be an int >= 0, not str"),
            ([np.bool_(True)], r"ns\[0\] must be an int >= 0, not bool.*"),
            (None, r"ns must be an int >= 0, not NoneType"),
            ({1, 2}, r"ns must be an int >= 0, not set"),
            (np.array([3, None]), r"ns\[1\] must be an int >= 0, not NoneType"),
        ],
    )
    def test_elements(self, kernels, ns, message):
        for call in (kernels.fibonacci_array, lambda ns: kernels.fibonacci_mod_array(ns, 7)):
            with pytest.raises(TypeError, match=f"^{message}$"):
                call(ns)

    @pytest.mark.parametrize(
        ("ns", "error", "message"),
        [
            ([0, 94], LimitError, r"ns\[1\] must be at most 93, got 94"),
            (np.array([93, 94, 95]), LimitError, r"ns\[1\] must be at most 93, got 94"),
            (np.array([[1, 2], [3, 255]], "u1"), LimitError, r"ns\[1, 1\] must be at most 93, got 255"),
            (np.array(2**64 - 1, "u8"), LimitError, rf"ns must be at most 93, got {2**64 - 1}"),
            (10**40, LimitError, r"ns must be at most 93, got an int of 133 bits"),
            (np.array([5, -1], "i1"), ValueError, r"ns\[1\] must be an int >= 0, got -1"),
            (np.array([-(2**63)]), ValueError, rf"ns\[0\] must be an int >= 0, got {-(2**63)}"),
            ([-1], ValueError, r"ns\[0\] must be an int >= 0, got -1"),
        ],
    )
    def test_values(self, kernels, ns, error, message):
        with pytest.raises(error, match=f"^{message}$"):
            kernels.fibonacci_array(ns)

    @pytest.mark.parametrize(
        ("ns", "m", "error", "message"),
        [
            ([1], 0, ValueError, r"m must be an int >= 1, got 0"),
            ([1], 2.0, TypeError, r"m must be an int >= 1, not float"),
            ([1], 2**64 + 1, LimitError, rf"m must be at most {2**64}, got {2**64 + 1}"),
            ([1, 2**64], 7, LimitError, rf"ns\[1\] must be at most {2**64 - 1}, got {2**64}"),
            (np.array([5, -1]), 7, ValueError, r"ns\[1\] must be an int >= 0, got -1"),
        ],
    )
    def test_modular(self, kernels, ns, m, error, message):
        with pytest.raises(error, match=f"^{message}$"):
            kernels.fibonacci_mod_array(ns, m)


class TestModular:
    @settings(deadline=None)  # a busy machine is no error
    @given(
        ns=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 300), max_size=11),
        m=st.integers(1, 2**64) | st.integers(1, 100) | st.integers(0, 61).map(lambda k: 5 << k),
    )
    def test_equals_the_scalar(self, ns, m):
        want = [_backend.kernels("fibonacci", "python").fibonacci_mod(n, m) for n in ns]
        array = np.array(ns, np.uint64)
        for backend in ("cython", "python"):
            try:
                kernels = _backend.kernels("fibonacci", backend)
            except ImportError:
                continue
            assert kernels.fibonacci_mod_array(array, m).tolist() == want

    def test_threads(self, kernels):
        ns = np.arange(2000, dtype=np.uint64) * np.uint64(10**15)
        want = kernels.fibonacci_mod_array(ns, 10**9 + 7).tolist()
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: kernels.fibonacci_mod_array(ns, 10**9 + 7).tolist(), range(8)))
        assert results == [want] * 8
