"""Decimal digits of large Fibonacci numbers with the standard library.

Never compiled: the work is libmpdec's, or that of int.
"""

try:
    import _decimal  # libmpdec; without it the decimal module is written in Python and slower than int
except ImportError:
    FAST = False
else:
    import sys

    FAST = bool(_decimal) and sys.implementation.name == "cpython"  # PyPy calls it through cffi

_PIECE = 600  # digits: the interpreter's limit on converting ints cannot be set below 640


def text(n: int) -> str:
    """The digits of F(n), n >= 2: the usual two squarings per bit, on decimal numbers.

    The context is made for this call, so that the thread's own is neither read nor changed.
    """
    from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact

    context = Context(prec=n * 20899 // 100000 + 20, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact])
    add, subtract, multiply = context.add, context.subtract, context.multiply
    two, minus_two, four = Decimal(2), Decimal(-2), Decimal(4)
    f, g, sign = Decimal(1), Decimal(0), minus_two  # F(k), F(k - 1), 2 (-1)**k for k = 1
    bits = f"{n:b}"[1:]
    for bit in bits[:-1]:
        f = multiply(f, f)
        g = multiply(g, g)
        double_plus = add(subtract(multiply(four, f), g), sign)
        g = add(f, g)
        if bit == "1":
            f, g, sign = double_plus, subtract(double_plus, g), minus_two
        else:
            f, sign = subtract(double_plus, g), two
    if bits[-1] == "0":
        return format(multiply(f, add(f, multiply(two, g))), "f")
    f = multiply(two, f)
    return format(add(multiply(add(f, g), subtract(f, g)), sign), "f")


def text_of(value: int) -> str:
    """The digits of a positive int, by halves down to pieces that the interpreter's limit never forbids."""
    powers = [10**_PIECE]
    while 2 * powers[-1].bit_length() <= value.bit_length() + 1:
        powers.append(powers[-1] * powers[-1])
    pieces = [value]
    for power in reversed(powers):
        pieces = [part for piece in pieces for part in divmod(piece, power)]
    return "".join([str(piece).zfill(_PIECE) for piece in pieces]).lstrip("0")
