"""Writes the tables that floats are printed with into a C header; --check compares."""

import sys
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

HEADER = Path(__file__).parents[1] / "src" / "fastcore" / "kernels" / "c" / "number_tables.h"
FIRST, LAST = -292, 324  # of 10**-k for doubles
LOWEST, HIGHEST = -324, 308  # of 10**n in their texts
LEAST, MOST = 1006, 1076  # biased exponents of doubles from 1e-5 below 1e16
INTRODUCTION = """\
/* What floats are printed with: tools/number_tables.py wrote this file. */
#ifndef FASTCORE_NUMBER_TABLES_H
#define FASTCORE_NUMBER_TABLES_H

#include <stdint.h>

#define NUMBER_POWER_FIRST ({FIRST})
#define NUMBER_SCALE_FIRST {LEAST}
#define NUMBER_EXPONENT_FIRST ({LOWEST})

"""
POWERS = """\
/* 10**(i + NUMBER_POWER_FIRST), times the power of two that puts it into [2**127, 2**128), in two halves, the
   high one first: exact where it fits, else the next integer above. */
static const uint64_t NUMBER_POWERS[{count}][2] = {{
"""
SCALES = """\
/* For the doubles c * 2**q of fixed notation, by their biased exponents from NUMBER_SCALE_FIRST on:
   2**(q + 60) / 10**k, exact, and k + 16; k is floor(log10(2**q)). */
static const struct {{
    uint64_t scale;
    int64_t whole;
}} NUMBER_SCALES[{count}] = {{
"""
EXPONENTS = """\
/* How a text ends that has the exponent i + NUMBER_EXPONENT_FIRST: the first character lowest, the length on
   top. */
static const uint64_t NUMBER_EXPONENTS[{count}] = {{
"""


def halves(value: int) -> str:
    return f"0x{value >> 64:016x}, 0x{value & 2**64 - 1:016x}"


def significand(power: int) -> int:
    """The least integer in [2**127, 2**128) that is not below 10**power times its power of two."""
    exact = Fraction(10) ** power
    shift = 127 - (exact.numerator.bit_length() - exact.denominator.bit_length())
    if exact * Fraction(2) ** shift < 2**127:
        shift += 1
    return ceil(exact * Fraction(2) ** shift)


def scale(biased: int) -> tuple[int, int]:
    unit = Fraction(2) ** (biased - 1075)
    power = next(power for power in range(-30, 30) if Fraction(10) ** (power + 1) > unit)
    exact = unit / Fraction(10) ** power * 2**60
    assert exact == floor(exact)
    assert floor(exact) % 2 == 0
    return floor(exact), power


def exponent(power: int) -> str:
    text = f"e{power:+d}".encode()
    return f"0x{int.from_bytes(text, 'little') | len(text) << 56:016x},"


def header() -> str:
    text = INTRODUCTION.format(**globals()) + POWERS.format(count=LAST - FIRST + 1)
    for power in range(FIRST, LAST + 1):
        text += f"    {{{halves(significand(power))}}},  /* {power} */\n"
    text += "};\n\n" + SCALES.format(count=MOST - LEAST + 1)
    for biased in range(LEAST, MOST + 1):
        value, power = scale(biased)
        text += f"    {{0x{value:016x}, {power + 16}}},\n"
    text += "};\n\n" + EXPONENTS.format(count=HIGHEST - LOWEST + 1)
    for power in range(LOWEST, HIGHEST + 1, 5):
        line = " ".join(map(exponent, range(power, min(power + 5, HIGHEST + 1))))
        text += f"    {line}\n"
    return text + "};\n\n#endif\n"


def main() -> int:
    text = header()
    if sys.argv[1:] == ["--check"]:
        if HEADER.read_text(encoding="utf-8") != text:
            print(f"{HEADER.name} is not what {Path(__file__).name} writes", file=sys.stderr)
            return 1
        return 0
    HEADER.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
