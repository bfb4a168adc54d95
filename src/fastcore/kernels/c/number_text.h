/* Numbers as JSON text: plain C, no Python.

   Every function writes at p, where there must be room for NUMBER_TEXT_ROOM bytes, and gives the end of its text; bytes
   behind that are overwritten too. Notation is that of orjson: fixed from 1e-5 below 1e16 (float32: 1e-6, 1e13), with
   at least one digit on both sides of the point, else an exponent without padding, with its sign. */
#ifndef FASTCORE_NUMBER_TEXT_H
#define FASTCORE_NUMBER_TEXT_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "number_digits.h"
#include "number_shortest.h"

#define NUMBER_TEXT_ROOM 32

static const uint64_t NUMBER_TENS[20] = {
    1u, 10u, 100u, 1000u, 10000u, 100000u, 1000000u, 10000000u, 100000000u, 1000000000u, 10000000000u, 100000000000u,
    1000000000000u, 10000000000000u, 100000000000000u, 1000000000000000u, 10000000000000000u, 100000000000000000u,
    1000000000000000000u, 10000000000000000000u
};

/* --- integers ---------------------------------------------------------------------------------------------------- */

/* value below 10**8, without leading zeros */
static inline char *number_text_first(char *p, uint32_t value)
{
    uint64_t digits = number_eight(value);
    int zeros = number_lowest(digits | (uint64_t)1 << 56) >> 3;
    number_store8(p, (digits + NUMBER_ZEROS) >> 8 * zeros);
    return p + 8 - zeros;
}

static inline char *number_text_u64(char *p, uint64_t value)
{
    uint64_t high;
    uint32_t low;
    if (value < 100000000)
        return number_text_first(p, (uint32_t)value);
    high = value / 100000000;
    low = (uint32_t)(value - high * 100000000);
    if (high < 100000000) {
        p = number_text_first(p, (uint32_t)high);
    } else {
        uint64_t top = high / 100000000;
        p = number_text_first(p, (uint32_t)top);
        number_store8(p, number_eight((uint32_t)(high - top * 100000000)) + NUMBER_ZEROS);
        p += 8;
    }
    number_store8(p, number_eight(low) + NUMBER_ZEROS);
    return p + 8;
}

static inline char *number_text_i64(char *p, int64_t value)
{
    *p = '-';
    return number_text_u64(p + (value < 0), value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* --- floats ------------------------------------------------------------------------------------------------------ */

/* Sixteen digits and what is before them: value = first * 10**16 + rest. */
static inline int number_split(uint64_t value, number_digits *rest, int *count)
{
    uint64_t high = value / 100000000, first = high * 1441151881 >> 57;
    *rest = number_sixteen((uint32_t)(high - first * 100000000), (uint32_t)(value - high * 100000000), count);
    return (int)first;
}

/* Where the parts of value * 10**(whole - 16) go in fixed notation, by `whole` from -6 to 16: how many of the last
   sixteen digits are before the point. Below 1 the digit before them is written even if it is 0. */
static const struct {
    int8_t first;    /* place of the digit before the sixteen */
    int8_t base;     /* place of the sixteen if that one is not written */
    int8_t forced;   /* it is */
    int8_t gap;      /* digits before the point; what is behind moves by one */
    int8_t point;    /* seen from the sixteen */
    int8_t behind;   /* what the point adds to the length */
    int8_t least;    /* length, seen from the sixteen */
    int8_t unused;
} NUMBER_LAYOUTS[23] = {
    {7, 7, 1, 16, -7, 0, 0, 0},
    {6, 6, 1, 16, -6, 0, 0, 0}, {5, 5, 1, 16, -5, 0, 0, 0}, {4, 4, 1, 16, -4, 0, 0, 0}, {3, 3, 1, 16, -3, 0, 0, 0},
    {2, 2, 1, 16, -2, 0, 0, 0}, {0, 0, 1, 0, 0, 1, 2, 0}, {0, 0, 0, 1, 1, 1, 3, 0}, {0, 0, 0, 2, 2, 1, 4, 0},
    {0, 0, 0, 3, 3, 1, 5, 0}, {0, 0, 0, 4, 4, 1, 6, 0}, {0, 0, 0, 5, 5, 1, 7, 0}, {0, 0, 0, 6, 6, 1, 8, 0},
    {0, 0, 0, 7, 7, 1, 9, 0}, {0, 0, 0, 8, 8, 1, 10, 0}, {0, 0, 0, 9, 9, 1, 11, 0}, {0, 0, 0, 10, 10, 1, 12, 0},
    {0, 0, 0, 11, 11, 1, 13, 0}, {0, 0, 0, 12, 12, 1, 14, 0}, {0, 0, 0, 13, 13, 1, 15, 0}, {0, 0, 0, 14, 14, 1, 16, 0},
    {0, 0, 0, 15, 15, 1, 17, 0}, {0, 0, 0, 16, 16, 1, 18, 0}
};

/* value * 10**(whole - 16), value from 10**15 below 10**17, without a branch: 0.000 and digits, or some digits, a point
   and the others, are the same stores at other places. */
NUMBER_INLINE char *number_text_fixed(char *p, uint64_t value, ptrdiff_t whole)
{
    int count, length, least, first;
    char *base;
    number_digits rest;
    first = number_split(value, &rest, &count);
    whole += 6;
    number_store8(p, NUMBER_ZEROS - 0x200);
    p[NUMBER_LAYOUTS[whole].first] = (char)('0' + first);
    base = p + NUMBER_LAYOUTS[whole].base + ((first | NUMBER_LAYOUTS[whole].forced) != 0);
    number_store16(base + 1, rest);
    number_store16(base, number_gap(rest, NUMBER_LAYOUTS[whole].gap));
    base[NUMBER_LAYOUTS[whole].point] = '.';
    base[17] = '0';
    length = count + NUMBER_LAYOUTS[whole].behind;
    least = NUMBER_LAYOUTS[whole].least;
    return base + (length > least ? length : least);
}

/* value * 10**power, value from 10**15 below 10**17, with an exponent. */
NUMBER_INLINE char *number_text_scientific(char *p, uint64_t value, int power)
{
    int count, exponent, more;
    uint64_t end;
    number_digits rest;
    int first = number_split(value, &rest, &count);
    more = first != 0;
    exponent = power + 15 + more;
    number_store16(p + 1 + more, rest);
    p[0] = more ? (char)('0' + first) : number_front(rest);
    p[1] = '.';
    count += more;
    p += count + (count > 1);
    end = NUMBER_EXPONENTS[exponent - NUMBER_EXPONENT_FIRST];
    number_store8(p, end);
    return p + (end >> 56);
}

/* Any number of digits up to 17 */
static inline char *number_text_decimal(char *p, number_decimal number, int fixed)
{
    if (number.digits == 0) {
        memcpy(p, "0.0", 3);
        return p + 3;
    }
    while (number.digits < 1000000000000000) {
        number.digits *= 10;
        number.power--;
    }
    if (fixed)
        return number_text_fixed(p, number.digits, number.power + 16);
    return number_text_scientific(p, number.digits, number.power);
}

/* Zero, subnormals and powers of two */
NUMBER_APART char *number_text_double_apart(char *p, uint64_t fraction, int biased)
{
    number_decimal zero = {0, 0};
    if (biased)
        return number_text_decimal(p, number_schubfach((uint64_t)1 << 52, biased - 1075, biased > 1), 0);
    return number_text_decimal(p, fraction ? number_schubfach(fraction, -1074, 0) : zero, 0);
}

#define NUMBER_DOUBLE_LEAST 0x3ee4f8b588e368f1  /* 1e-5 */
#define NUMBER_DOUBLE_MOST 0x4341c37937e08000  /* 1e16 */

/* A finite x. A call would cost a tenth of it. */
NUMBER_INLINE char *number_text_double(char *p, double x)
{
    uint64_t bits, size, fraction;
    ptrdiff_t biased;
    number_decimal number;
    memcpy(&bits, &x, 8);
    *p = '-';
    p += bits >> 63;
    size = bits & ~((uint64_t)1 << 63);
    fraction = bits & (((uint64_t)1 << 52) - 1);
    biased = (ptrdiff_t)(size >> 52);
    if (size - NUMBER_DOUBLE_LEAST < NUMBER_DOUBLE_MOST - NUMBER_DOUBLE_LEAST) {
        biased -= NUMBER_SCALE_FIRST;
        return number_text_fixed(p, number_shortest_fixed(fraction | (uint64_t)1 << 52, NUMBER_SCALES[biased].scale),
                                 (ptrdiff_t)NUMBER_SCALES[biased].whole);
    }
    if (NUMBER_RARELY((fraction == 0) | (biased == 0)))
        return number_text_double_apart(p, fraction, (int)biased);
    number = number_shortest_double(fraction | (uint64_t)1 << 52, (int)biased - 1075);
    return number_text_scientific(p, number.digits, number.power);
}

/* The same of a float32 */
NUMBER_APART char *number_text_single_apart(char *p, uint32_t fraction, int biased, int fixed)
{
    number_decimal zero = {0, 0};
    if (biased)
        return number_text_decimal(p, number_schubfach((uint64_t)1 << 23, biased - 150, biased > 1), fixed);
    return number_text_decimal(p, fraction ? number_schubfach(fraction, -149, 0) : zero, fixed);
}

#define NUMBER_SINGLE_LEAST 0x358637bd  /* 1e-6 */
#define NUMBER_SINGLE_MOST 0x551184e7  /* 1e13 */

/* A finite x, with the shortest text that reads back as this float32. */
static inline char *number_text_single(char *p, float x)
{
    uint32_t bits, size, fraction;
    number_decimal number;
    int biased, fixed, small;
    memcpy(&bits, &x, 4);
    *p = '-';
    p += bits >> 31;
    size = bits & 0x7fffffff;
    fraction = bits & (((uint32_t)1 << 23) - 1);
    biased = (int)(size >> 23);
    fixed = size - NUMBER_SINGLE_LEAST < NUMBER_SINGLE_MOST - NUMBER_SINGLE_LEAST;
    if (NUMBER_RARELY((fraction == 0) | (biased == 0)))
        return number_text_single_apart(p, fraction, biased, fixed);
    number = number_shortest_single(fraction | (uint32_t)1 << 23, biased - 150);
    small = number.digits < 10000000;
    number.digits *= small ? 1000000000 : 100000000;
    number.power -= 8 + small;
    if (fixed)
        return number_text_fixed(p, number.digits, number.power + 16);
    return number_text_scientific(p, number.digits, number.power);
}

/* --- rounding ---------------------------------------------------------------------------------------------------- */

static const uint64_t NUMBER_FIVES[23] = {
    1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u, 1953125u, 9765625u, 48828125u, 244140625u, 1220703125u,
    6103515625u, 30517578125u, 152587890625u, 762939453125u, 3814697265625u, 19073486328125u, 95367431640625u,
    476837158203125u, 2384185791015625u
};

/* The low 64 bits of (high * 2**64 + low) >> shift, shift from 1 to 127 */
static inline uint64_t number_shifted(uint64_t high, uint64_t low, int shift)
{
    return shift < 64 ? high << 1 << (63 - shift) | low >> shift : high >> (shift - 64);
}

/* A finite x as Python's round(x, places): the decimal of so many places nearest to its exact value, of two the even
   one, as a float again. NULL for places that are not from 0 to 22, whose powers of ten are floats.

   x * 10**places = c * 5**places * 2**-shift is an integer of 105 bits with a point in it. If its whole part is 2**53 or
   more, then those places lie closer than floats, and x is the answer. Up to 15 digits are the text already: no other
   text of 15 digits reads back as the same float. */
static inline char *number_text_rounded(char *p, double x, int places)
{
    uint64_t bits, high, low, whole, below, add;
    int biased, shift, digits;
    if (places < 0 || places > 22)
        return NULL;
    memcpy(&bits, &x, 8);
    biased = (int)(bits >> 52 & 0x7ff);
    shift = 1075 - (biased ? biased : 1) - places;
    if (shift <= 0)
        return number_text_double(p, x);
    low = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)(biased != 0) << 52;
    low = wide_product(low, NUMBER_FIVES[places], 0, 0, &high);
    if (shift > 127)
        high = low = 0, shift = 127;
    whole = number_shifted(high, low, shift);
    if ((shift < 64 && high >> shift) || whole >> 53)
        return number_text_double(p, x);
    below = shift > 64 ? UINT64_MAX : ((uint64_t)1 << (shift - 1)) - 1;  /* a half, less one */
    add = below + (whole & 1);
    high += shift > 64 ? ((uint64_t)1 << (shift - 65)) - 1 + (add < below) : 0;
    low += add;
    high += low < add;
    whole = number_shifted(high, low, shift);
    if (whole >= NUMBER_TENS[15]) {
#if FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1
        double number = (double)whole / ((double)NUMBER_FIVES[places] * (double)((uint64_t)1 << places));
        return number_text_double(p, bits >> 63 ? -number : number);
#else
        return NULL;
#endif
    }
    *p = '-';
    p += bits >> 63;
    if (whole == 0) {
        memcpy(p, "0.0", 3);
        return p + 3;
    }
    digits = (number_highest(whole) + 1) * 1233 >> 12;
    digits += whole >= NUMBER_TENS[digits];
    whole *= NUMBER_TENS[16 - digits];
    if (digits - places > -5)
        return number_text_fixed(p, whole, digits - places);
    return number_text_scientific(p, whole, digits - places - 16);
}

#endif
