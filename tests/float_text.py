"""What the text of a float must be, and floats that are hard to print."""

import struct
from decimal import Decimal


def notation(value):
    """orjson's text, out of the digits of `repr`."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, digits))
    power = exponent + len(digits) - 1
    digits = digits.rstrip("0") or "0"
    if value == 0:
        text = "0.0"
    elif -5 <= power < 0:
        text = f"0.{'0' * (-power - 1)}{digits}"
    elif 0 <= power < 16:
        text = f"{digits[: power + 1].ljust(power + 1, '0')}.{digits[power + 1 :] or '0'}"
    else:
        text = f"{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{power:+d}"
    return "-" * sign + text


def neighbours(value):
    bits = struct.unpack("<q", struct.pack("<d", value))[0]
    return [struct.unpack("<d", struct.pack("<q", bits + step))[0] for step in (-2, -1, 0, 1, 2)]


def edges():
    """Non-negative doubles at the ends of ranges, at powers of two and ten, and halfway between texts."""
    values = [0.0, 5e-324, 1e-323, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2]
    values += [value for power in range(-1070, 1024) for value in neighbours(2.0**power)]
    values += [value for power in range(-320, 309) for value in neighbours(float(f"1e{power}"))]
    values += [
        float(f"{digits}e{power}") for power in range(-9, 20) for digits in (12, 123456789, 10**17 - 1)
    ]
    values += [count / 2**17 for count in range(2**17, 2**17 + 400)]  # halfway between two of 17 digits
    values += [2.0**50 + count / 4 for count in range(400)] + [2.0**54 + 4 * count for count in range(400)]
    return [value for value in values if value - value == 0]


def ties(places):
    """Non-negative doubles halfway between two texts of so many places, nearly so, and too large to be."""
    values = [0.0, 0.5, 1.5, 2.5, 2.675, 1.005, 5e-324, 1e15, 2.0**53, 1e22, 1.7e300]
    values += [(2 * count + 1) * 2.0**-power for power in range(1, 30) for count in (0, 1, 2, 1000, 12345)]
    values += [float(f"{digits}5e{-places - 1}") for digits in (1, 2, 3, 1234567, 99999999999999)]
    around = [float(f"{digits}e{-places}") for digits in (10**15, 2**53, 10**16, 10**17)]
    values += [value for center in around for value in neighbours(center)]
    return values


def first_between(step, modulus, least, most):
    """The smallest n >= 0 with least <= n * step % modulus <= most, or None."""
    if least == 0:
        return 0
    if step == 0:
        return None
    count = -(-least // step)
    if count * step <= most:
        return count
    inner = first_between(modulus % step, step, -most % step, -least % step)
    return None if inner is None else -(-(least + modulus * inner) // step)


def scale(exponent):
    """2**exponent / 10**k as a fraction, for the k of the shortest text: 1 <= it < 10."""
    numerator, denominator = (2**exponent, 1) if exponent >= 0 else (1, 2**-exponent)
    power = 0
    while numerator >= 10 * denominator:
        denominator *= 10
        power += 1
    while numerator < denominator:
        numerator *= 10
        power -= 1
    return numerator, denominator


def closest(numerator, denominator, above, count):
    """Some n, from `above` on, for which n * numerator / denominator is nearly an integer."""
    found = []
    offset = above * numerator % denominator
    for bits in range(50, 70):
        width = denominator >> bits
        for target in (1, denominator - 1 - width):
            least = (target - offset) % denominator
            if least + width >= denominator:
                continue
            n = first_between(numerator % denominator, denominator, least, least + width)
            if n is not None and n < above:
                found.append(above + n)
    return found[-count:]


def close_calls():
    """Doubles for which a text, or the end of the interval that reads back, is missed by less than 2**-50 of
    a unit of the last digit.
    """
    values = []
    for exponent in range(-1074, 972, 3):
        numerator, denominator = scale(exponent)
        near_half = closest(2 * numerator, denominator, 2**52, 3)
        near_ends = closest(numerator, 20 * denominator, 2**53, 6)
        significands = near_half + [(n + step) // 2 for n in near_ends for step in (-1, 1)]
        values += [c * 2.0**exponent for c in significands if 2**52 <= c < 2**53]
    return values
