/* F(n) mod m for n < 2^64 and 1 <= m <= 2^64: Montgomery's arithmetic for the odd part of m, wrapping
 * arithmetic for its power of two, joined by the Chinese remainder theorem.
 */
#ifndef FASTCORE_FIBONACCI_MODULAR_H
#define FASTCORE_FIBONACCI_MODULAR_H

#include <stddef.h>

#include "wide.h"

/* A chain of doublings waits for its multiplications; this many independent ones keep the multiplier busy. */
#define FIB_LANES 4
#define FIB_START_MOST 2048
#define FIB_SMALL ((uint64_t)1 << 55)

typedef struct {
    uint64_t odd;     /* odd * 2^twos is the modulus */
    uint64_t inverse; /* of odd, modulo 2^64 */
    uint64_t one;     /* 2^64 mod odd: Montgomery's form of 1 */
    uint64_t if_even, four; /* 8 odd - 2 one; 4 one */
    int twos;
} fib_modulus;

/* modulus 0 stands for 2^64 */
static inline fib_modulus fib_modulus_of(uint64_t modulus) {
    fib_modulus m = {1, 1, 0, 0, 0, 64};
    if (modulus != 0) {
        m.twos = 0;
        while (!(modulus >> m.twos & 1))
            m.twos++;
        m.odd = m.inverse = modulus >> m.twos; /* an odd number is its own inverse modulo 8: 3 bits are right */
        for (int bits = 3; bits < 64; bits *= 2)
            m.inverse *= 2 - m.odd * m.inverse;
        m.one = (0 - m.odd) % m.odd;
        m.if_even = 8 * m.odd - 2 * m.one;
        m.four = 4 * m.one;
    }
    return m;
}

/* Masks instead of branches here: what they would decide on is random. */
static inline uint64_t fib_add_mod(uint64_t a, uint64_t b, uint64_t m) {
    uint64_t complement = m - b;
    return a - complement + (m & (0 - (uint64_t)(a < complement)));
}

static inline uint64_t fib_subtract_mod(uint64_t a, uint64_t b, uint64_t m) {
    return a - b + (m & (0 - (uint64_t)(a < b)));
}

/* (high, low) / 2^64 modulo m.odd, where high < m.odd */
static inline uint64_t fib_reduce(uint64_t high, uint64_t low, const fib_modulus *m) {
    uint64_t excess;
    wide_product(low * m->inverse, m->odd, 0, 0, &excess);
    return fib_subtract_mod(high, excess, m->odd);
}

/* The same, or that plus m.odd. */
static inline uint64_t fib_reduce_lazily(uint64_t high, uint64_t low, const fib_modulus *m) {
    uint64_t excess;
    wide_product(low * m->inverse, m->odd, 0, 0, &excess);
    return high + m->odd - excess;
}

/* a * b / 2^64 modulo m.odd, where a * b < 2^64 m.odd */
static inline uint64_t fib_multiply_mod(uint64_t a, uint64_t b, const fib_modulus *m) {
    uint64_t high, low = wide_product(a, b, 0, 0, &high);
    return fib_reduce(high, low, m);
}

/* From a = F(k), b = F(k+1) to F(2k + bit), F(2k + bit + 1), all in Montgomery's form, for k = n >> (at + 1) and the
 * bit of n at `at`.
 *
 * Below FIB_SMALL two squarings do: F(2k) = 2 b^2 - 3 a^2 - 2 (-1)^k. And there is room to stay unreduced: with
 * a < 14 m and b < 18 m the squares are below 2^64 m, so that they reduce to below 2 m, which gives such a and b again.
 */
static inline void fib_double_mod(uint64_t *a, uint64_t *b, uint64_t n, int at, const fib_modulus *m, int small) {
    uint64_t even, odd, mask = 0 - (n >> at & 1);
    if (small) {
        uint64_t high, low = wide_product(*a, *a, 0, 0, &high);
        uint64_t k_odd = 0 - (n >> at >> 1 & 1), x = fib_reduce_lazily(high, low, m);
        low = wide_product(*b, *b, 0, 0, &high);
        uint64_t y = fib_reduce_lazily(high, low, m);
        odd = x + y;
        even = 2 * y + (m->if_even + (m->four & k_odd)) - 3 * x;
        *b = odd + (even & mask);
    } else {
        even = fib_multiply_mod(*a, fib_subtract_mod(fib_add_mod(*b, *b, m->odd), *a, m->odd), m);
        odd = fib_add_mod(fib_multiply_mod(*a, *a, m), fib_multiply_mod(*b, *b, m), m->odd);
        *b = fib_add_mod(odd, even & mask, m->odd);
    }
    *a = even ^ ((even ^ odd) & mask);
}

static inline void fib_double_wrapping(uint64_t *a, uint64_t *b, int bit) {
    uint64_t even = *a * (2 * *b - *a), odd = *a * *a + *b * *b;
    uint64_t mask = 0 - (uint64_t)bit;
    *a = even ^ ((even ^ odd) & mask);
    *b = odd + (even & mask);
}

static inline int fib_bit_length(uint64_t n) {
    int length = 0;
    for (int step = 32; step > 0; step /= 2)
        if (n >> step) {
            n >>= step;
            length += step;
        }
    return length + (int)n;
}

/* F(n) mod 2^64. */
static inline uint64_t fib_wrapping(uint64_t n) {
    uint64_t a = 0, b = 1;
    for (int bit = fib_bit_length(n); bit-- > 0;)
        fib_double_wrapping(&a, &b, n >> bit & 1);
    return a;
}

/* The number below m that is `odd` modulo m.odd and `wrapped` modulo 2^m.twos. */
static inline uint64_t fib_join(uint64_t odd, uint64_t wrapped, const fib_modulus *m) {
    uint64_t mask = m->twos == 64 ? ~(uint64_t)0 : ((uint64_t)1 << m->twos) - 1;
    return odd + m->odd * ((wrapped - odd) * m->inverse & mask);
}

/* F(2^p k + r) = F(r) modulo 2^s for p the period 3 * 2^(s-1). */
static inline uint64_t fib_reduced_index(uint64_t n, const fib_modulus *m) {
    return m->twos < 63 ? n % ((uint64_t)3 << m->twos >> 1) : n;
}

static inline uint64_t fib_modular(uint64_t n, uint64_t modulus) {
    fib_modulus m = fib_modulus_of(modulus);
    uint64_t result = 0;
    if (m.odd > 1) {
        uint64_t a = 0, b = m.one;
        int bit = fib_bit_length(n);
        bit = bit > 3 ? bit - 3 : 0; /* up to F(7) additions are faster than doublings */
        for (uint64_t k = n >> bit; k > 0; k--) {
            uint64_t sum = fib_add_mod(a, b, m.odd);
            a = b;
            b = sum;
        }
        if (m.odd < FIB_SMALL)
            while (bit-- > 0)
                fib_double_mod(&a, &b, n, bit, &m, 1);
        else
            while (bit-- > 0)
                fib_double_mod(&a, &b, n, bit, &m, 0);
        result = fib_multiply_mod(a, 1, &m);
    }
    if (m.twos > 0)
        result = fib_join(result, fib_wrapping(fib_reduced_index(n, &m)), &m);
    return result;
}

/* FIB_LANES values at once; start[k] is F(k) in Montgomery's form for k <= starts. */
static inline void fib_modular_lanes(const uint64_t *n, uint64_t *out, const fib_modulus *m, const uint64_t *start,
                                     uint64_t starts, int small) {
    uint64_t a[FIB_LANES], b[FIB_LANES], any = 0;
    for (int i = 0; i < FIB_LANES; i++)
        any |= n[i];
    int bit = 0;
    while (any >> bit >= starts)
        bit++;
    for (int i = 0; i < FIB_LANES; i++) {
        a[i] = start[n[i] >> bit];
        b[i] = start[(n[i] >> bit) + 1];
    }
    while (bit-- > 0)
        for (int i = 0; i < FIB_LANES; i++)
            fib_double_mod(&a[i], &b[i], n[i], bit, m, small);
    for (int i = 0; i < FIB_LANES; i++)
        out[i] = fib_multiply_mod(a[i], 1, m);
}

static inline void fib_modular_array(const uint64_t *n, uint64_t *out, size_t count, uint64_t modulus) {
    fib_modulus m = fib_modulus_of(modulus);
    uint64_t start[FIB_START_MOST + 1] = {0, m.one}, starts = 16;
    while (starts < FIB_START_MOST && starts < count / 8)
        starts *= 2;
    for (uint64_t k = 2; k <= starts; k++)
        start[k] = fib_add_mod(start[k - 1], start[k - 2], m.odd);
    for (size_t i = 0; i < count; i += FIB_LANES) {
        uint64_t lane[FIB_LANES] = {0};
        size_t lanes = count - i < FIB_LANES ? count - i : FIB_LANES;
        for (size_t j = 0; j < lanes; j++)
            lane[j] = n[i + j];
        if (m.odd < FIB_SMALL)
            fib_modular_lanes(lane, lane, &m, start, starts, 1);
        else
            fib_modular_lanes(lane, lane, &m, start, starts, 0);
        for (size_t j = 0; j < lanes; j++)
            out[i + j] = m.twos ? fib_join(lane[j], fib_wrapping(fib_reduced_index(n[i + j], &m)), &m) : lane[j];
    }
}

#endif
