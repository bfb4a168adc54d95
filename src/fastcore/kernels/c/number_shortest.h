/* The shortest decimal that reads back as a binary float, the nearest one of these: plain C, no Python.

   R. Giulietti, The Schubfach way to render doubles, 2020. A float x = c * 2**q stands for the interval between the
   midpoints to its neighbours. With the k for which 10**k <= 2**q < 10**(k + 1), the interval holds a multiple of 10**k,
   and at most one of 10**(k + 1), which then is the shortest. So everything follows from y = x / 10**k, of at most 17
   digits before the point.

   The paper computes y and both ends of the interval. Here only y is, with 64 bits behind the point, from one product
   with a 128-bit power of ten: the ends are y plus and minus half of 2**q / 10**k, the power itself, shifted. What is
   not exact about it is less than one unit of the last bit that is compared. Where a comparison comes as close as that
   (ties do), and at powers of two, whose interval is lopsided, number_schubfach decides as the paper does. */
#ifndef FASTCORE_NUMBER_SHORTEST_H
#define FASTCORE_NUMBER_SHORTEST_H

#include <stdint.h>
#include "number_digits.h"
#include "number_tables.h"
#include "wide.h"

typedef struct {
    uint64_t digits;  /* with trailing zeros where that is quicker */
    int power;        /* of ten, that they are to be multiplied by */
} number_decimal;

/* floor(log10(2**q)); for lopsided intervals floor(log10(3/4 * 2**q)); |q| <= 1100 */
static inline int number_log10(int q, int lopsided)
{
    return (q * 1262611 - (lopsided ? 524031 : 0)) >> 22;
}

/* One more than the shift that brings 2**q times NUMBER_POWERS[-k] / 2**127 to 2**q / 10**k: 1 to 4; |k| <= 330 */
static inline int number_shift(int q, int k)
{
    return q + (-k * 1741647 >> 19) + 1;
}

/* floor(scaled * power / 2**128), its last bit also set where something was cut off. The power is at most one unit too
   large, so that a product below 2**128 * n + 2**59 can only stand for n; tests/kernels/test_number_text.py shows that no
   other one is that close. */
static inline uint64_t number_odd_product(uint64_t scaled, const uint64_t *power)
{
    uint64_t high, middle, low, carried;
    low = wide_product(scaled, power[1], 0, 0, &carried);
    middle = wide_product(scaled, power[0], carried, 0, &high);
    return high | (middle != 0 || low >> 59 != 0);
}

/* The paper's algorithm, for any c and q of a double: every comparison is exact. */
NUMBER_APART number_decimal number_schubfach(uint64_t c, int q, int lopsided)
{
    int k = number_log10(q, lopsided), shift = number_shift(q, k), down, up;
    const uint64_t *power = NUMBER_POWERS[-k - NUMBER_POWER_FIRST];
    uint64_t odd = c & 1;
    uint64_t value = number_odd_product(4 * c << shift, power);  /* four times y */
    uint64_t lower = number_odd_product((4 * c - 2 + (uint64_t)lopsided) << shift, power) + odd;
    uint64_t upper = number_odd_product((4 * c + 2) << shift, power) - odd;
    uint64_t below = value / 40 * 10;
    number_decimal result = {below, k};
    down = lower <= 4 * below;
    up = 4 * below + 40 <= upper;
    if (down != up) {
        result.digits += up ? 10 : 0;
        return result;
    }
    result.digits = below = value >> 2;
    down = lower <= 4 * below;
    up = 4 * below + 4 <= upper;
    if (down != up)
        result.digits += (uint64_t)up;
    else
        result.digits += (value & 3) + (below & 1) > 2;
    return result;
}

/* For c * 2**q, c from 2**52 below 2**53, biased exponents from NUMBER_SCALE_FIRST to NUMBER_SCALE_LAST. There y is
   exact, and so is every comparison: no end of an interval is a multiple of ten, and powers of two are short enough to
   be found as they are. */
static inline uint64_t number_shortest_fixed(uint64_t c, uint64_t scale)
{
    uint64_t whole, fraction = wide_product(16 * c, scale, 0, 0, &whole), tens = whole / 10 * 10;
    uint64_t rest = (whole - tens) << 60 | fraction >> 4;  /* in units of 2**-60 */
    uint64_t up = ((uint64_t)10 << 60) - rest, least = rest < up ? rest : up;
    tens += rest < up ? 0 : 10;
    whole += (fraction | (whole & 1)) > (uint64_t)1 << 63;
    return least < scale / 2 ? tens : whole;
}

/* For c * 2**q, c from 2**52 + 1 below 2**53. */
NUMBER_INLINE number_decimal number_shortest_double(uint64_t c, int q)
{
    int k = number_log10(q, 0), shift = number_shift(q, k);
    const uint64_t *power = NUMBER_POWERS[-k - NUMBER_POWER_FIRST];
    uint64_t scaled = c << shift, whole, fraction, carried, half, rest, tens, up, least;
    number_decimal result;
    wide_product(scaled, power[1], 0, 0, &carried);
    fraction = wide_product(scaled, power[0], 0, 0, &whole) + carried;
    whole += fraction < carried;
    tens = whole / 10 * 10;
    /* in units of 2**-60, each less than one of them too small */
    half = power[0] >> (5 - shift);
    rest = (whole - tens) << 60 | fraction >> 4;
    up = ((uint64_t)10 << 60) - rest;
    least = rest < up ? rest : up;
    if (NUMBER_RARELY((least - half <= 1) | (fraction == (uint64_t)1 << 63)))
        return number_schubfach(c, q, 0);
    tens += rest < up ? 0 : 10;
    result.digits = least < half ? tens : whole + (fraction >> 63);
    result.power = k;
    return result;
}

/* For c * 2**q, c from 2**23 + 1 below 2**24: as for doubles, but with the high half of the power alone, which makes y
   up to 2**28 units of 2**-64 too small. */
static inline number_decimal number_shortest_single(uint32_t c, int q)
{
    int k = number_log10(q, 0), shift = number_shift(q, k);
    uint64_t power = NUMBER_POWERS[-k - NUMBER_POWER_FIRST][0];
    uint64_t whole, fraction, half, rest, tens, up;
    const uint64_t error = (uint64_t)1 << 25;
    number_decimal result;
    fraction = wide_product((uint64_t)c << shift, power, 0, 0, &whole);
    tens = whole / 10 * 10;
    half = power >> (5 - shift);
    rest = (whole - tens) << 60 | fraction >> 4;
    up = ((uint64_t)10 << 60) - rest;
    if (NUMBER_RARELY((rest - half + error <= 2 * error) | (up - half <= 2 * error)
                      | (((uint64_t)1 << 63) - fraction <= 16 * error)))
        return number_schubfach(c, q, 0);
    result.digits = whole + (fraction >> 63);
    result.digits = rest < half ? tens : result.digits;
    result.digits = up < half ? tens + 10 : result.digits;
    result.power = k;
    return result;
}

#endif
