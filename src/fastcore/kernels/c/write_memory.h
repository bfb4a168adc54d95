/* Elements of typed memory as numbers, moments and text: plain C, no Python, no assumption on alignment.

   What a column's memory holds may change while it is read: every size and place is loaded once, and checked after. */
#ifndef FASTCORE_WRITE_MEMORY_H
#define FASTCORE_WRITE_MEMORY_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "number_text.h"
#include "string_text.h"
#include "time_text.h"

enum {
    MEMORY_I1, MEMORY_I2, MEMORY_I4, MEMORY_I8, MEMORY_U1, MEMORY_U2, MEMORY_U4, MEMORY_U8, MEMORY_F2, MEMORY_F4,
    MEMORY_F8, MEMORY_RANGE
};

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static inline uint16_t memory_swap16(uint16_t x) { return (uint16_t)(x << 8 | x >> 8); }

static inline uint32_t memory_swap32(uint32_t x)
{
    return x << 24 | (x << 8 & 0xFF0000) | (x >> 8 & 0xFF00) | x >> 24;
}

static inline uint64_t memory_swap64(uint64_t x)
{
    return (uint64_t)memory_swap32((uint32_t)x) << 32 | memory_swap32((uint32_t)(x >> 32));
}

#define MEMORY_LOAD(bits)                                                                                              \
    static inline uint##bits##_t memory_load##bits(const char *at, int swapped)                                        \
    {                                                                                                                 \
        uint##bits##_t x;                                                                                             \
        memcpy(&x, at, sizeof x);                                                                                     \
        return swapped ? memory_swap##bits(x) : x;                                                                     \
    }
MEMORY_LOAD(16)
MEMORY_LOAD(32)
MEMORY_LOAD(64)

/* An int of any width; of MEMORY_U8 the same 64 bits. */
static inline int64_t memory_load_int(int memory, const char *at, int swapped)
{
    switch (memory) {
    case MEMORY_I1: return (int8_t)*at;
    case MEMORY_I2: return (int16_t)memory_load16(at, swapped);
    case MEMORY_I4: return (int32_t)memory_load32(at, swapped);
    case MEMORY_U1: return (uint8_t)*at;
    case MEMORY_U2: return memory_load16(at, swapped);
    case MEMORY_U4: return memory_load32(at, swapped);
    default: return (int64_t)memory_load64(at, swapped);
    }
}

static inline float memory_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float value = exponent == 31 ? (fraction ? NAN : INFINITY)
                  : exponent     ? ldexpf((float)(1024 + fraction), exponent - 25)
                                 : ldexpf((float)fraction, -24);
    return bits >> 15 ? -value : value;
}

static inline float memory_load_single(int memory, const char *at, int swapped)
{
    uint32_t bits;
    float x;
    if (memory == MEMORY_F2)
        return memory_half(memory_load16(at, swapped));
    bits = memory_load32(at, swapped);
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline double memory_load_double(int memory, const char *at, int swapped)
{
    uint64_t bits;
    double x;
    if (memory != MEMORY_F8)
        return memory_load_single(memory, at, swapped);
    bits = memory_load64(at, swapped);
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t memory_little(const char *at, int bytes)
{
    uint64_t x = 0;
    for (int i = bytes; i--;)
        x = x << 8 | (uint8_t)at[i];
    return x;
}

static inline uint64_t memory_big(const char *at)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x = x << 8 | (uint8_t)at[i];
    return x;
}

/* --- decimals ---------------------------------------------------------------------------------------------------- */

/* The text that Python's Decimal has for an int of 128 bits, two's complement in `low` and `high`, times
   10 to the power of -`scale`: the to-scientific-string of the General Decimal Arithmetic Specification.
   Room: 72 and the scale, at most 255. */
static inline char *memory_decimal(char *p, uint64_t low, uint64_t high, int scale)
{
    char digits[48];
    char *first = digits + sizeof digits;
    uint32_t limbs[4];
    int count, left;
    if (high >> 63) {
        *p++ = '-';
        low = ~low + 1;
        high = ~high + (low == 0);
    }
    limbs[0] = (uint32_t)(high >> 32), limbs[1] = (uint32_t)high;
    limbs[2] = (uint32_t)(low >> 32), limbs[3] = (uint32_t)low;
    do {
        uint64_t rest = 0;
        for (int i = 0; i < 4; i++) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(rest / 1000000000);
            rest %= 1000000000;
        }
        for (int i = 0; i < 9; i++) {
            *--first = (char)('0' + rest % 10);
            rest /= 10;
        }
    } while (limbs[0] | limbs[1] | limbs[2] | limbs[3]);
    while (*first == '0' && first < digits + sizeof digits - 1)
        first++;
    count = (int)(digits + sizeof digits - first);
    left = count - scale;  /* digits before the point */
    if (scale < 0 || left <= -6) {
        *p++ = *first;
        if (count > 1) {
            *p++ = '.';
            memcpy(p, first + 1, (size_t)count - 1);
            p += count - 1;
        }
        *p++ = 'E';
        if (left - 1 >= 0)
            *p++ = '+';
        return number_text_i64(p, left - 1);
    }
    if (left <= 0) {
        *p++ = '0', *p++ = '.';
        memset(p, '0', (size_t)-left);
        p += -left;
        memcpy(p, first, (size_t)count);
        return p + count;
    }
    memcpy(p, first, (size_t)left);
    p += left;
    if (scale) {
        *p++ = '.';
        memcpy(p, first + left, (size_t)scale);
        p += scale;
    }
    return p;
}

/* --- moments ----------------------------------------------------------------------------------------------------- */

/* What a count of a second's `per_second` parts, or of `multiple` seconds, is in seconds and microseconds, rounded
   down. Returns 0 where it is far outside of the years 1 to 9999. */
static inline int memory_moment(int64_t count, int64_t multiple, int64_t per_second, int64_t *seconds,
                               uint32_t *microseconds)
{
    int64_t rest;
    if (count > INT64_MAX / multiple || count < -(INT64_MAX / multiple))
        return 0;
    *seconds = count * multiple / per_second;
    rest = count * multiple % per_second;
    if (rest < 0)
        rest += per_second, *seconds -= 1;
    *microseconds = (uint32_t)(per_second <= 1000000 ? rest * (1000000 / per_second) : rest / (per_second / 1000000));
    return 1;
}

/* --- text of a fixed width --------------------------------------------------------------------------------------- */

static inline size_t memory_ucs4_length(const char *at, ptrdiff_t width)
{
    static const char zero[4];
    size_t n = (size_t)width / 4;
    while (n && !memcmp(at + 4 * (n - 1), zero, 4))
        n--;
    return n;
}

static inline size_t memory_bytes_length(const char *at, ptrdiff_t width)
{
    while (width && !at[width - 1])
        width--;
    return (size_t)width;
}

#endif
