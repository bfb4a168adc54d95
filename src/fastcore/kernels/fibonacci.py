"""Fibonacci numbers: a table of prebuilt ints; above it two squarings per bit, by the products that pay.

What F(n) above the table is made of, in this order: gmpy2 where it is installed; numpy's FFT for large n (see
``fibonacci_fft``); 64-bit limbs in C where this file is compiled, Python's own ints where it is not.
"""

from fastcore import _cython as cython
from fastcore.errors import LimitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

_FIB_LAST = 1000  # in the table: 72 kB
_FIB_LAST_64 = 93  # F(93) is the last below 2**64
_FIB_LIMIT = 10**9  # F of it has 87 MB
_FIB_SEQUENCE_LIMIT = 10**10  # the sum of the indices: 868 MB of digits
_FIB_RECURSIVE_LIMIT = 50  # 4 * 10**10 calls
_FIB_SAFE_TEXT = 3062  # F of it has 640 digits, which the interpreter's limit never forbids

# Measured: where one way becomes faster than the other
_FIB_FFT_FROM = 300_000 if cython.compiled else 55_000
_FIB_FFT_START = 50_000 if cython.compiled else 30_000
_FIB_TEXT_FFT_FROM = 100_000
_FIB_TEXT_DECIMAL_FROM = 7_000
_FIB_TEXT_GMPY2_BELOW = 2_000_000


if cython.compiled:

    @cython.annotation_typing(False)
    def _fib_doubled(n: int) -> int:
        return _fib_object(n)

    @cython.annotation_typing(False)
    def _fib_calls(n: int) -> int:
        """How many calls the recursion makes: for the tests."""
        return _fib_recursive_calls(n)

else:
    _FIB_COMPILED = False  # asking cython.compiled would take a sixth of the time of a look-up
    if TYPE_CHECKING:  # what the extension has from kernels/c/fibonacci_objects.h
        _FIB_TABLE: tuple[int, ...]

        def _fib_small_index(n: object, last: int) -> int: ...
        def _fib_object(n: int) -> int: ...
        def _fib_modular(n: int, m: int) -> int | None: ...
        def _fib_buffers(ns: object, out: object, modular: bool, modulus: int) -> bool: ...
        def _fib_recursive_calls(n: int) -> int: ...

    def _fib_doubled(n: int) -> int:
        """F(n) for n >= 2 with nothing but ints; its compiled twin uses limbs in C."""
        f, g, sign = 1, 0, -2  # F(k), F(k - 1), 2 (-1)**k for k = 1
        bits = f"{n:b}"[1:]
        for bit in bits[:-1]:
            f *= f
            g *= g
            double_plus = 4 * f - g + sign
            g += f
            if bit == "1":
                f, g, sign = double_plus, double_plus - g, -2
            else:
                f, sign = double_plus - g, 2
        if bits[-1] == "0":
            return f * (f + 2 * g)
        return (2 * f + g) * (2 * f - g) + sign

    def _fib_recursive(n: int) -> int:
        return n if n < 2 else _fib_recursive(n - 1) + _fib_recursive(n - 2)


@cython.annotation_typing(False)
def _fib_build_table() -> "tuple[int, ...]":
    values = []
    a, b = 0, 1
    for _ in range(_FIB_LAST + 1):
        values.append(a)
        a, b = b, a + b
    return tuple(values)


_FIB_TABLE = cython.declare(tuple, _fib_build_table())
_fib_gmpy2_fib: object = None  # None: not looked for yet
_fib_fft_module: object = None


def _fib_gmpy2() -> "Any":
    """gmpy2's function, else False. Looked for once: a search in vain takes longer than F(10000)."""
    global _fib_gmpy2_fib
    if _fib_gmpy2_fib is None:
        try:
            from gmpy2 import fib  # type: ignore[import-untyped]
        except ImportError:
            fib = False
        _fib_gmpy2_fib = fib
    return _fib_gmpy2_fib


def _fib_fft() -> "Any":
    """The module of FFT products where numpy is installed, else False. Looked for once, likewise."""
    global _fib_fft_module
    if _fib_fft_module is None:
        try:
            from fastcore.kernels import fibonacci_fft
        except ImportError:
            _fib_fft_module = False
        else:
            _fib_fft_module = fibonacci_fft
    return _fib_fft_module


@cython.cfunc
@cython.annotation_typing(False)
def _fib_shown(value: int) -> str:
    return str(value) if value.bit_length() <= 128 else f"an int of {value.bit_length()} bits"


@cython.cfunc
@cython.annotation_typing(False)
def _fib_int(name: str, value: object, least: int) -> int:
    """The argument as an exact int: it may be any integer object (``__index__``) but a bool."""
    kind = type(value)
    if kind is int:
        number: Any = value
    else:
        try:
            number = None if kind is bool else kind.__index__(value)  # type: ignore[attr-defined]
        except (AttributeError, TypeError):
            number = None
        if type(number) is not int:
            raise TypeError(f"{name} must be an int >= {least}, not {kind.__name__}")
    if number < least:
        raise ValueError(f"{name} must be an int >= {least}, got {_fib_shown(number)}")
    return number  # type: ignore[no-any-return]


@cython.cfunc
@cython.annotation_typing(False)
def _fib_index(name: str, value: object, limit: int) -> int:
    n = _fib_int(name, value, 0)
    if n > limit:
        raise LimitError(f"{name} must be at most {limit}, got {_fib_shown(n)}")
    return n


@cython.annotation_typing(False)
@cython.boundscheck(False)  # _fib_small_index has checked it
@cython.wraparound(False)
@cython.locals(small=cython.Py_ssize_t)
def fibonacci(n: int) -> int:
    """F(n), exactly.

    Parameters:
        n: the index, 0 to 10**9; any integer object but a bool.

    Returns:
        F(0) = 0, F(1) = 1, F(n) = F(n - 1) + F(n - 2); about 0.694 n bits.

    Raises:
        TypeError: n is not an integer.
        ValueError: n is negative.
        LimitError: n is above 10**9; nothing was computed.

    Up to n = 1000 this is a look-up. Above, each bit of n costs two squarings (the recurrence of GMP's
    manual, "Fibonacci Numbers Algorithm"): by gmpy2 where it is installed; else by Karatsuba's method, and
    from some 10**5 on, where numpy is installed, by its FFT, every product of which is verified.
    """
    if _FIB_COMPILED:
        small = _fib_small_index(n, 1000)
        if small >= 0:
            return _FIB_TABLE[small]
    elif type(n) is int and n >= 0 and n <= 1000:  # two fused comparisons beat a chain
        return _FIB_TABLE[n]
    return _fib_value(_fib_index("n", n, _FIB_LIMIT))


@cython.cfunc
@cython.annotation_typing(False)
def _fib_value(n: int) -> int:
    if n <= _FIB_LAST:
        return _FIB_TABLE[n]
    fib = _fib_gmpy2()
    if fib:
        return int(fib(n))
    if n >= _FIB_FFT_FROM and _fib_fft():
        try:
            return _fib_by_fft(n)
        except ArithmeticError:  # its rounding was not to be trusted
            pass
    return _fib_doubled(n)


@cython.annotation_typing(False)
def _fib_by_fft(n: int) -> int:
    shift = max((n // _FIB_FFT_START).bit_length() - 1, 1)
    k = n >> shift
    value: int = _fib_fft().integer(n, shift, _fib_doubled(k), _fib_doubled(k - 1))
    return value


@cython.annotation_typing(False)
def fibonacci_text(n: int) -> str:
    """F(n) in decimal digits; the interpreter's limit on converting ints to text neither matters nor changes.

    Parameters:
        n: the index, 0 to 10**9; any integer object but a bool.

    Returns:
        About 0.209 n digits: 4300 for n = 20577.

    Raises: as ``fibonacci``.

    Up to 2 * 10**6 gmpy2 computes and converts where it is installed. Without it, and above, large numbers
    are computed in decimal from the start, because that is faster than converting them: by numpy's FFT over
    base 10**4, else by the number-theoretic transform of the decimal module. PyPy converts by halves.
    """
    index = _fib_index("n", n, _FIB_LIMIT)
    if index <= _FIB_SAFE_TEXT:
        return str(_fib_value(index))
    fib = _fib_gmpy2()
    if fib and index < _FIB_TEXT_GMPY2_BELOW:
        value = fib(index)
        if cython.compiled and index >= _FIB_TEXT_FFT_FROM:
            with cython.nogil:  # type: ignore[attr-defined]  # each of the two steps takes milliseconds
                pass
        return str(value)
    if index >= _FIB_TEXT_FFT_FROM and _fib_fft():
        try:
            return _fib_text_by_fft(index)
        except ArithmeticError:  # its rounding was not to be trusted
            pass
    from fastcore.kernels import fibonacci_decimal

    if index >= _FIB_TEXT_DECIMAL_FROM and fibonacci_decimal.FAST:
        return fibonacci_decimal.text(index)
    return fibonacci_decimal.text_of(_fib_value(index))


@cython.annotation_typing(False)
def _fib_text_by_fft(n: int) -> str:
    shift = max((n // _FIB_SAFE_TEXT).bit_length(), 1)
    k = n >> shift
    digits: str = _fib_fft().text(n, shift, str(_fib_value(k)), str(_fib_value(k - 1)))
    return digits


@cython.annotation_typing(False)
def fibonacci_mod(n: int, m: int) -> int:
    """F(n) modulo m.

    Parameters:
        n: the index, >= 0, of any size; any integer object but a bool.
        m: the modulus, >= 1, of any size.

    Returns:
        0 <= result < m.

    Raises:
        TypeError: n or m is not an integer.
        ValueError: n is negative or m is not positive.

    Time: proportional to the bits of n. Where n < 2**64 and m <= 2**64 the compiled backend uses
    Montgomery's multiplication for the odd part of m, fastest where that is below 2**55, and wrapping
    arithmetic for its power of two; all else, as on the Python backend, is done with Python's ints.
    """
    index = _fib_int("n", n, 0)
    modulus = _fib_int("m", m, 1)
    if cython.compiled:
        result = _fib_modular(index, 0 if modulus == 2**64 else modulus)
        if result is not None:
            return result
    return _fib_mod_doubled(index, modulus)


@cython.cfunc
@cython.annotation_typing(False)
def _fib_mod_doubled(n: int, m: int) -> int:
    a, b = 0, 1 % m
    for bit in f"{n:b}":
        even = a * (2 * b - a) % m
        odd = (a * a + b * b) % m
        if bit == "1":
            a, b = odd, even + odd
        else:
            a, b = even, odd
    return a


@cython.annotation_typing(False)
def fibonacci_sequence(start: int, stop: int) -> "list[int]":
    """F(start), F(start + 1), ..., F(stop - 1).

    Parameters:
        start: the first index, >= 0; any integer object but a bool.
        stop: the index after the last, as in ``range``: at most 10**9 + 1.

    Returns:
        A list of stop - start ints; empty where stop <= start.

    Raises:
        TypeError: start or stop is not an integer.
        ValueError: start or stop is negative.
        LimitError: stop is above 10**9 + 1, or the indices add up to more than 10**10 (the result would have
            some 870 MB); nothing was computed.

    Two doublings give the first values, one addition each of the others.
    """
    first = _fib_int("start", start, 0)
    last = _fib_index("stop", stop, _FIB_LIMIT + 1)
    if last <= first:
        return []
    total = (last - first) * (first + last - 1) // 2
    if total > _FIB_SEQUENCE_LIMIT:
        raise LimitError(f"the indices must add up to at most {_FIB_SEQUENCE_LIMIT}, got {total}")
    if last <= _FIB_LAST + 1:
        return list(_FIB_TABLE[first:last])
    a = _fib_value(first)
    values = [a]
    if last > first + 1:
        b = _fib_value(first + 1)
        values.append(b)
        for _ in range(last - first - 2):
            a, b = b, a + b
            values.append(b)
    return values


@cython.annotation_typing(False)
def fibonacci_recursive(n: int) -> int:
    """F(n) by its definition, in 2 F(n + 1) - 1 calls on every backend: a load for tests.

    Parameters:
        n: the index, 0 to 50; any integer object but a bool.

    Raises:
        TypeError: n is not an integer.
        ValueError: n is negative.
        LimitError: n is above 50, which makes 4 * 10**10 calls; nothing was computed.

    Time: grows 1.618 times with each n. The compiled backend lets other threads run meanwhile, but a call of
    it cannot be interrupted.
    """
    index = _fib_index("n", n, _FIB_RECURSIVE_LIMIT)
    return _fib_recursive(index)


@cython.annotation_typing(False)
def fibonacci_array(ns: "Any") -> "np.ndarray[Any, np.dtype[np.uint64]]":
    """F of every element, as unsigned 64-bit integers. Needs np.

    Parameters:
        ns: indices, 0 to 93: an array of any integer type, shape and layout, or
            a sequence of integers.

    Returns:
        A new array of the same shape.

    Raises:
        ImportError: numpy is not installed.
        TypeError: something in it is not an integer: bools, floats and text are refused.
        ValueError: an element is negative; the message says where.
        LimitError: an element is above 93: F(94) has more than 64 bits.

    Time: a look-up per element; the compiled backend lets other threads run meanwhile.
    """
    np = _fib_numpy("fibonacci_array")
    array, flat = _fib_indices(np, ns, _FIB_LAST_64)
    if cython.compiled:
        out = np.empty(flat.size, np.uint64)
        if not _fib_buffers(flat, out, False, 0):
            _fib_refuse(np, array, flat, _FIB_LAST_64)
    else:
        if flat.size and flat.max() > _FIB_LAST_64:
            _fib_refuse(np, array, flat, _FIB_LAST_64)
        table = np.array(_FIB_TABLE[: _FIB_LAST_64 + 1], np.uint64)
        out = table.take(flat.view(np.int64))
    return out.reshape(array.shape)  # type: ignore[no-any-return]


@cython.annotation_typing(False)
def fibonacci_mod_array(ns: "Any", m: int) -> "np.ndarray[Any, np.dtype[np.uint64]]":
    """F(n) modulo m for every element n, as unsigned 64-bit integers. Needs np.

    Parameters:
        ns: indices, 0 to 2**64 - 1: an array of any integer type, shape and layout, or
            a sequence of integers.
        m: the modulus, 1 to 2**64.

    Returns:
        A new array of the same shape.

    Raises:
        ImportError: numpy is not installed.
        TypeError: m or something in ns is not an integer: bools, floats and text are refused.
        ValueError: an element is negative (the message says where) or m is not positive.
        LimitError: m is above 2**64 or an element above 2**64 - 1.

    Time: as ``fibonacci_mod`` per element; the compiled backend works on several at once, which is twice as
    fast, and lets other threads run meanwhile.
    """
    np = _fib_numpy("fibonacci_mod_array")
    modulus = _fib_int("m", m, 1)
    if modulus > 2**64:
        raise LimitError(f"m must be at most {2**64}, got {_fib_shown(modulus)}")
    array, flat = _fib_indices(np, ns, 2**64 - 1)
    if array.dtype.kind == "i" and array.size and array.min() < 0:
        _fib_refuse(np, array, flat, 2**63 - 1)
    if cython.compiled:
        out = np.empty(flat.size, np.uint64)
        _fib_buffers(flat, out, True, 0 if modulus == 2**64 else modulus)
    else:
        out = np.array([_fib_mod_doubled(n, modulus) for n in flat.tolist()], np.uint64)
    return out.reshape(array.shape)  # type: ignore[no-any-return]


@cython.cfunc
@cython.annotation_typing(False)
def _fib_numpy(caller: str) -> "Any":
    try:
        np = __import__("numpy")  # a compiled import statement takes None in sys.modules for a module
    except ImportError as error:
        raise ImportError(
            f"{caller} needs numpy: pip install 'fastcore-kernels[numpy]'", name="numpy"
        ) from error
    return np


@cython.annotation_typing(False)
def _fib_indices(np: "Any", ns: object, limit: int) -> "tuple[Any, Any]":
    """The argument as an array of integers, and its elements as one contiguous row of native unsigned ones.

    Negative elements of an array look like huge ones in that row; elements of sequences are checked here.
    """
    array = np.array(ns, object) if isinstance(ns, (list, tuple)) else np.asarray(ns)
    kind = array.dtype.kind
    if kind == "O":
        checked = [_fib_index(_fib_place(np, array, i), array.flat[i], limit) for i in range(array.size)]
        array = np.array(checked, np.uint64).reshape(array.shape)
    elif kind not in "iu":
        raise TypeError(f"ns must hold ints, not {array.dtype}")
    wide = np.int64 if kind == "i" else np.uint64
    return array, np.require(array, wide, ["C", "A"]).reshape(-1).view(np.uint64)


@cython.annotation_typing(False)
def _fib_place(np: "Any", array: "Any", i: int) -> str:
    place = [int(part) for part in np.unravel_index(i, array.shape)]
    return f"ns{place}" if place else "ns"


@cython.annotation_typing(False)
def _fib_refuse(np: "Any", array: "Any", flat: "Any", limit: int) -> None:
    """Raises what the first element beyond the limit calls for."""
    i = int(np.flatnonzero(flat > np.uint64(limit))[0])
    _fib_index(_fib_place(np, array, i), int(array.flat[i]), limit)


for _fib_public in (
    fibonacci,
    fibonacci_array,
    fibonacci_mod,
    fibonacci_mod_array,
    fibonacci_recursive,
    fibonacci_sequence,
    fibonacci_text,
):
    _fib_public.__module__ = "fastcore"
del _fib_public
