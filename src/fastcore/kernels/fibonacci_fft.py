"""F(n) for large n over numpy's FFT, in binary or in decimal. Never compiled: the work is numpy's.

Numbers are arrays of float64 limbs, least significant first and balanced (about -base/2 to base/2), which
keeps the rounding errors of the FFT small; they stay arrays from one doubling to the next. Two guards watch
every product: no coefficient may be farther than 1/4 from an integer, and the residue of the result must be
what the same doubling gives in modular arithmetic on ints: modulo 2**61 - 1 for binary limbs, 10**61 - 1 for
decimal ones.
"""

import numpy as np

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Limbs = np.ndarray[Any, np.dtype[np.float64]]

_BINARY = 2**16
_DECIMAL = 10**4
_PERIOD = 61  # base**61 is 1 for both moduli: limbs that far apart have the same weight
_MODULI = {_BINARY: 2**61 - 1, _DECIMAL: 10**61 - 1}
_GUARD = 0.25


def integer(n: int, shift: int, f: int, g: int) -> int:
    """F(n), where f and g are F(k) and F(k - 1) for k = n >> shift, shift >= 1.

    Raises:
        ArithmeticError: a guard refused a product.
    """
    digits = _digits(_doubled(n, shift, _binary_limbs(f), _binary_limbs(g), _BINARY), _BINARY)
    return int.from_bytes(digits.astype("<u2").tobytes(), "little")


def text(n: int, shift: int, f: str, g: str) -> str:
    """The digits of F(n), where f and g are those of F(k) and F(k - 1) for k = n >> shift, shift >= 1.

    Raises:
        ArithmeticError: a guard refused a product.
    """
    digits = _digits(_doubled(n, shift, _decimal_limbs(f), _decimal_limbs(g), _DECIMAL), _DECIMAL)
    number = np.arange(_DECIMAL)
    four = np.stack([number // 1000, number // 100 % 10, number // 10 % 10, number % 10], axis=1) + ord("0")
    texts = four.astype(np.uint8).view("S4").reshape(-1)
    return texts.take(digits[::-1]).tobytes().decode("ascii").lstrip("0")


def _binary_limbs(value: int) -> "Limbs":
    size = value.bit_length() // 16 + 2
    return _carried(np.frombuffer(value.to_bytes(2 * size, "little"), "<u2").astype(np.float64), _BINARY)


def _decimal_limbs(digits: str) -> "Limbs":
    padded = digits.zfill(len(digits) // 4 * 4 + 8)
    figures = np.frombuffer(padded.encode("ascii"), np.uint8).reshape(-1, 4) - float(ord("0"))
    limbs = (figures @ np.array([1000.0, 100.0, 10.0, 1.0]))[::-1].astype(np.float64)
    return _carried(limbs, _DECIMAL)


def _doubled(n: int, shift: int, f: "Limbs", g: "Limbs", base: int) -> "Limbs":
    """From F(k) and F(k - 1) to F(n), by the same doublings as for ints, with their residues beside them."""
    modulus = _MODULI[base]
    f_residue, g_residue = _residue(f, base), _residue(g, base)
    sign = -2 if n >> shift & 1 else 2
    for step in range(shift - 1, 0, -1):
        count = 2 * f.size + 1
        size = _fft_size(count)
        f, g = _squared(f, size, count), _squared(g, size, count)
        g += f  # F(2k - 1)
        f *= 5.0
        f -= g
        f[0] += sign  # F(2k + 1)
        residue_plus = 4 * f_residue**2 - g_residue**2 + sign
        g_residue = f_residue**2 + g_residue**2
        if n >> step & 1:
            np.subtract(f, g, out=g)
            f_residue, g_residue, sign = residue_plus, residue_plus - g_residue, -2
        else:
            f -= g
            f_residue, sign = residue_plus - g_residue, 2
        f, g = _carried(f, base), _carried(g, base)
        _verify(f, f_residue, base)
        _verify(g, g_residue, base)
        f_residue %= modulus
        g_residue %= modulus
        length = int(np.flatnonzero(f[-8:])[-1]) + max(f.size - 8, 0) + 1
        f, g = f[:length], g[:length]
    return _last(n, f, g, f_residue, g_residue, sign, base)


def _last(n: int, f: "Limbs", g: "Limbs", f_residue: int, g_residue: int, sign: int, base: int) -> "Limbs":
    """The last doubling needs only one of F(2k + 1) and F(2k) = F(k) (F(k) + 2 F(k - 1))."""
    count = 2 * f.size + 1
    size = _fft_size(count)
    f_hat, g_hat = np.fft.rfft(f, size), np.fft.rfft(g, size)
    if n & 1:
        np.square(f_hat, out=f_hat)
        np.square(g_hat, out=g_hat)
        f_hat *= 4.0
        f_hat -= g_hat
        result = _rounded(f_hat, size, count)
        result[0] += sign
        residue = 4 * f_residue**2 - g_residue**2 + sign
    else:
        g_hat *= 2.0
        g_hat += f_hat
        f_hat *= g_hat
        result = _rounded(f_hat, size, count)
        residue = f_residue * (f_residue + 2 * g_residue)
    result = _carried(result, base)
    _verify(result, residue, base)
    return result


def _fft_size(count: int) -> int:
    """The least size >= count that the FFT likes: a power of two times a few threes and fives."""
    return min(odd << max(0, -(-count // odd) - 1).bit_length() for odd in (1, 3, 5, 9, 15, 25, 27))


def _squared(limbs: "Limbs", size: int, count: int) -> "Limbs":
    spectrum = np.fft.rfft(limbs, size)
    np.square(spectrum, out=spectrum)
    return _rounded(spectrum, size, count)


def _rounded(spectrum: "Any", size: int, count: int) -> "Limbs":
    """The integers whose transform this is."""
    coefficients = np.fft.irfft(spectrum, size)[:count]
    integers = np.rint(coefficients)
    coefficients -= integers
    if not max(coefficients.max(), -coefficients.min()) < _GUARD:  # a NaN is refused as well
        raise ArithmeticError("the FFT is not precise enough for numbers of this size")
    return integers


def _carried(limbs: "Limbs", base: int) -> "Limbs":
    """The same number in limbs of about -base/2 to base/2, in place; three carries bring 2**52 down."""
    carry = np.empty_like(limbs)
    for _ in range(3):
        np.multiply(limbs, 1.0 / base, out=carry)
        np.rint(carry, out=carry)
        limbs[1:] += carry[:-1]
        carry *= base
        limbs -= carry
    return limbs


def _residue(limbs: "Limbs", base: int) -> int:
    whole = limbs.size // _PERIOD * _PERIOD
    sums = limbs[:whole].reshape(-1, _PERIOD).sum(axis=0)
    sums[: limbs.size - whole] += limbs[whole:]
    value = 0
    for limb in reversed(sums.tolist()):
        value = value * base + int(limb)
    return value % _MODULI[base]


def _verify(limbs: "Limbs", residue: int, base: int) -> None:
    if _residue(limbs, base) != residue % _MODULI[base]:
        raise ArithmeticError("an FFT product is wrong")


def _digits(limbs: "Limbs", base: int) -> "np.ndarray[Any, np.dtype[np.int32]]":
    """The limbs of a number that is not negative as digits from 0 to base - 1."""
    digits = limbs.astype(np.int32)
    negative = digits < 0
    digits += negative * np.int32(base)
    digits[1:] -= negative[:-1]
    borrowing = np.flatnonzero(digits < 0)
    while borrowing.size:
        digits[borrowing] += base
        borrowing += 1
        digits[borrowing] -= 1
        borrowing = borrowing[digits[borrowing] < 0]
    return digits
