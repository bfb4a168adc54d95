"""Every way to multiply is forced, at its crossovers and alone, and its guards are seen to work."""

import hashlib
import json
import subprocess
import sys
import textwrap

import pytest

from fastcore import _backend
from fastcore.kernels import fibonacci_decimal

EDGES = [1001, 3062, 3063, 6999, 7000, 20_578, 54_999, 55_000, 99_999, 100_000, 131_072, 299_999, 300_001]

CHILD = """
import hashlib, json, sys
backend, absent, ns = json.loads(sys.argv[1])
for name in absent:
    sys.modules[name] = None
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(640)
from fastcore import _backend
kernels = _backend.kernels("fibonacci", backend)
answer = {
    "values": [hashlib.sha256(hex(kernels.fibonacci(n)).encode()).hexdigest() for n in ns],
    "texts": [hashlib.sha256(kernels.fibonacci_text(n).encode()).hexdigest() for n in ns],
}
answer["used"] = [n for n in ("gmpy2", "numpy", "fastcore.kernels.fibonacci_fft") if sys.modules.get(n)]
print(json.dumps(answer))
"""


def run(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True


@pytest.fixture(scope="module")
def truth():
    """Digests of F(n) and its digits, by textbook doubling and by division."""

    def value(n):
        a, b = 0, 1
        for bit in f"{n:b}":
            a, b = a * (2 * b - a), a * a + b * b
            if bit == "1":
                a, b = b, a + b
        return a

    def text(number):
        if number < 10**600:
            return str(number)
        half = number.bit_length() * 3 // 20
        high, low = divmod(number, 10**half)
        return text(high) + text(low).zfill(half)

    values = [value(n) for n in EDGES]
    return {
        "values": [hashlib.sha256(hex(number).encode()).hexdigest() for number in values],
        "texts": [hashlib.sha256(text(number).encode()).hexdigest() for number in values],
    }


@pytest.mark.parametrize(
    "absent", [[], ["gmpy2"], ["numpy"], ["gmpy2", "numpy"], ["gmpy2", "numpy", "_decimal"]]
)
def test_with_and_without_accelerators(backend, absent, truth):
    answer = json.loads(run(CHILD, json.dumps([backend, absent, EDGES])))
    used = answer.pop("used")
    assert answer == truth
    with_gmpy2 = installed("gmpy2") and "gmpy2" not in absent
    with_fft = installed("numpy") and "numpy" not in absent and not with_gmpy2
    assert ("gmpy2" in used) == with_gmpy2
    assert ("fastcore.kernels.fibonacci_fft" in used) == with_fft


def test_import_is_light(backend):
    heavy = ["numpy", "gmpy2", "decimal", "typing", "dataclasses", "inspect"]
    code = f"""
        import sys
        before = set(sys.modules)
        from fastcore import _backend
        kernels = _backend.kernels("fibonacci", {backend!r})
        kernels.fibonacci(1000), kernels.fibonacci_mod(10**18, 7), kernels.fibonacci_text(1000)
        print(*[name for name in {heavy} if name in sys.modules and name not in before])
    """
    assert run(code).strip() == ""


def test_arrays_without_numpy(backend):
    code = f"""
        import sys
        sys.modules["numpy"] = None
        from fastcore import _backend
        kernels = _backend.kernels("fibonacci", {backend!r})
        for call in (lambda: kernels.fibonacci_array([1]), lambda: kernels.fibonacci_mod_array([1], 7)):
            try:
                call()
            except ImportError as error:
                print(error.name, error)
    """
    want = "numpy {0} needs numpy: pip install 'fastcore-kernels[numpy]'\n"
    assert run(code) == want.format("fibonacci_array") + want.format("fibonacci_mod_array")


class TestFFT:
    @pytest.fixture(autouse=True)
    def fft(self):
        pytest.importorskip("numpy", reason="numpy has no wheel for this interpreter", exc_type=ImportError)
        from fastcore.kernels import fibonacci_fft

        return fibonacci_fft

    @pytest.mark.parametrize("n", [1001, 1002, 1003, 4096, 33_333, 60_001, 99_999, 250_000, 700_001])
    def test_value(self, backend, n):
        kernels = _backend.kernels("fibonacci", backend)
        assert kernels._fib_by_fft(n) == kernels._fib_doubled(n)

    @pytest.mark.parametrize("shift", [1, 2, 5, 8])
    @pytest.mark.parametrize("n", [1200, 2047, 2048, 54_321])
    def test_any_start(self, fft, shift, n):
        doubled = _backend.kernels("fibonacci", "python")._fib_doubled
        fibonacci = _backend.kernels("fibonacci", "python").fibonacci
        k = n >> shift
        f, g = fibonacci(k), fibonacci(k - 1)
        assert fft.integer(n, shift, f, g) == doubled(n)
        digits = [fibonacci_decimal.text_of(number) for number in (f, g)]
        assert fft.text(n, shift, *digits) == fibonacci_decimal.text_of(doubled(n))

    @pytest.mark.parametrize("n", [30_000, 30_001])
    def test_inexact_products_are_refused(self, fft, monkeypatch, n):
        monkeypatch.setattr(fft, "_GUARD", 0.0)
        with pytest.raises(ArithmeticError, match="not precise enough"):
            fft.integer(n, 3, 1, 1)

    @pytest.mark.parametrize("n", [30_000, 30_001])
    @pytest.mark.parametrize("call", ["first", "last"])
    def test_wrong_products_are_refused(self, fft, monkeypatch, n, call):
        import numpy as np

        shift = 1 if call == "last" else 3
        fibonacci = _backend.kernels("fibonacci", "python").fibonacci
        f, g = fibonacci(n >> shift), fibonacci((n >> shift) - 1)
        inverse = np.fft.irfft

        def wrong(spectrum, size):
            result = inverse(spectrum, size)
            result[7] += 1
            return result

        assert fft.integer(n, shift, f, g) == fibonacci(n)
        monkeypatch.setattr(np.fft, "irfft", wrong)
        with pytest.raises(ArithmeticError, match="an FFT product is wrong"):
            fft.integer(n, shift, f, g)
        with pytest.raises(ArithmeticError, match="an FFT product is wrong"):
            fft.text(n, shift, fibonacci_decimal.text_of(f), fibonacci_decimal.text_of(g))

    def test_a_refused_product_falls_back(self, backend, truth):
        code = """
            import sys
            sys.modules["gmpy2"] = None
            from fastcore.kernels import fibonacci_fft
            fibonacci_fft._GUARD = 0.0
        """
        answer = json.loads(run(textwrap.dedent(code) + CHILD, json.dumps([backend, [], EDGES])))
        assert {key: answer[key] for key in truth} == truth

    def test_sizes(self, fft):
        for count in [*range(1, 300), 12_345, 999_999]:
            size = fft._fft_size(count)
            assert count <= size < 1.25 * count + 2
            for factor in (2, 3, 5):
                while size % factor == 0:
                    size //= factor
            assert size == 1

    def test_borrows_run_through_zeros(self, fft):
        import numpy as np

        limbs = np.array([-1.0, 0.0, 0.0, 0.0, 1.0])
        assert fft._digits(limbs, 2**16).tolist() == [65535, 65535, 65535, 65535, 0]
        assert fft._digits(limbs, 10**4).tolist() == [9999, 9999, 9999, 9999, 0]


class TestDecimal:
    @pytest.mark.parametrize("n", [2, 3, 4, 5, 100, 101, 1000, 1001, 5000, 5001, 12_345])
    def test_text(self, n):
        value = _backend.kernels("fibonacci", "python")._fib_doubled(n)
        assert fibonacci_decimal.text(n) == fibonacci_decimal.text_of(value)

    def test_context_of_the_thread_is_left_alone(self):
        import decimal

        with decimal.localcontext(decimal.Context(prec=3)) as context:
            assert len(fibonacci_decimal.text(1000)) == 209
            assert not any(context.flags.values())

    @pytest.mark.parametrize("digits", [1, 599, 600, 601, 1199, 1200, 1201, 2400, 2401, 4800])
    @pytest.mark.parametrize("last", [0, 1])
    def test_text_of(self, digits, last):
        text = "1" + "0" * (digits - 2) + str(last) if digits > 1 else "7"
        value = 10 ** (digits - 1) + last if digits > 1 else 7
        assert fibonacci_decimal.text_of(value) == text
