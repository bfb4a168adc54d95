/* F(n) as 64-bit limbs, least significant first: GMP's doubling over schoolbook and Karatsuba products.
 *
 * From (F(k), F(k-1)) two squarings give F(2k+1) = 4 F(k)^2 - F(k-1)^2 + 2 (-1)^k and
 * F(2k-1) = F(k)^2 + F(k-1)^2; their difference is F(2k). The last step needs a single product.
 */
#ifndef FASTCORE_FIBONACCI_LIMBS_H
#define FASTCORE_FIBONACCI_LIMBS_H

#include <stddef.h>
#include <string.h>

#include "wide.h"

/* Measured: below these sizes the schoolbook is faster. */
#define FIB_SQUARE_KARATSUBA 40
#define FIB_PRODUCT_KARATSUBA 28

/* r += a * b over n limbs; the limb that leaves. */
static inline uint64_t fib_add_scaled(uint64_t *r, const uint64_t *a, size_t n, uint64_t b) {
    uint64_t carry = 0;
    for (size_t i = 0; i < n; i++)
        r[i] = wide_product(a[i], b, r[i], carry, &carry);
    return carry;
}

/* r = a + b over n limbs; the carry. Here and below r may be a or b. */
static inline uint64_t fib_add(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n) {
    uint64_t carry = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t partial = a[i] + carry;
        carry = partial < carry;
        r[i] = partial + b[i];
        carry += r[i] < partial;
    }
    return carry;
}

/* r = a - b over n limbs; the borrow. */
static inline uint64_t fib_subtract(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n) {
    uint64_t borrow = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t partial = a[i] - borrow;
        borrow = partial > a[i];
        borrow += partial < b[i];
        r[i] = partial - b[i];
    }
    return borrow;
}

/* r += small, where the sum is known to fit. */
static inline void fib_add_small(uint64_t *r, uint64_t small) {
    while ((*r += small) < small) {
        small = 1;
        r++;
    }
}

static inline void fib_subtract_small(uint64_t *r, uint64_t small) {
    for (;;) {
        uint64_t before = *r;
        *r -= small;
        if (before >= small)
            return;
        small = 1;
        r++;
    }
}

/* r = |a - b|, where a has n limbs and b has m <= n; whether b was the greater. */
static inline int fib_distance(uint64_t *r, const uint64_t *a, size_t n, const uint64_t *b, size_t m) {
    size_t top = n;
    while (top > m && a[top - 1] == 0)
        top--;
    if (top == m)
        while (top > 0 && a[top - 1] == b[top - 1])
            top--;
    if (top > 0 && top <= m && a[top - 1] < b[top - 1]) {
        fib_subtract(r, b, a, m);
        memset(r + m, 0, (n - m) * sizeof *r);
        return 1;
    }
    uint64_t borrow = fib_subtract(r, a, b, m);
    memcpy(r + m, a + m, (n - m) * sizeof *r);
    if (borrow)
        fib_subtract_small(r + m, 1);
    return 0;
}

static inline void fib_square_schoolbook(uint64_t *r, const uint64_t *a, size_t n) {
    memset(r, 0, 2 * n * sizeof *r);
    for (size_t i = 0; i + 1 < n; i++)
        r[n + i] = fib_add_scaled(r + 2 * i + 1, a + i + 1, n - i - 1, a[i]);
    uint64_t shifted_out = 0, carry = 0; /* double what is there and add the squares of the limbs */
    for (size_t i = 0; i < n; i++) {
        uint64_t high, low = wide_product(a[i], a[i], carry, 0, &high);
        uint64_t even = r[2 * i] << 1 | shifted_out, odd = r[2 * i + 1] << 1 | r[2 * i] >> 63;
        shifted_out = r[2 * i + 1] >> 63;
        r[2 * i] = even + low;
        high += r[2 * i] < even; /* high is at most 2^64 - 2 */
        r[2 * i + 1] = odd + high;
        carry = r[2 * i + 1] < odd;
    }
}

/* r[half ..] += r[0 .. 2 half) + r[2 half .. 2 n) - p, the middle of Karatsuba's product; p has the sign given. */
static inline void fib_add_middle(uint64_t *r, size_t n, size_t half, const uint64_t *p, int p_negative,
                                  uint64_t *t) {
    size_t low = 2 * half, high = 2 * (n - half);
    uint64_t top = fib_add(t, r, r + low, high);
    for (size_t i = high; i < low; i++) {
        t[i] = r[i] + top;
        top = t[i] < top;
    }
    top = p_negative ? top + fib_add(t, t, p, low) : top - fib_subtract(t, t, p, low);
    uint64_t carry = top + fib_add(r + half, r + half, t, low);
    if (carry)
        fib_add_small(r + half + low, carry);
}

/* r = a * a: 2 n limbs. Scratch: 4 (n + 64) limbs. */
static void fib_square(uint64_t *r, const uint64_t *a, size_t n, uint64_t *scratch) {
    if (n < FIB_SQUARE_KARATSUBA) {
        fib_square_schoolbook(r, a, n);
        return;
    }
    size_t half = (n + 1) / 2;
    uint64_t *p = scratch, *t = scratch + 2 * half, *rest = scratch + 4 * half;
    fib_square(r, a, half, scratch);
    fib_square(r + 2 * half, a + half, n - half, scratch);
    fib_distance(t, a, half, a + half, n - half);
    fib_square(p, t, half, rest);
    fib_add_middle(r, n, half, p, 0, t);
}

/* r = a * b, n limbs each: 2 n limbs. Scratch: 4 (n + 64) limbs. */
static void fib_product(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, uint64_t *scratch) {
    if (n < FIB_PRODUCT_KARATSUBA) {
        memset(r, 0, n * sizeof *r);
        for (size_t i = 0; i < n; i++)
            r[n + i] = fib_add_scaled(r + i, a, n, b[i]);
        return;
    }
    size_t half = (n + 1) / 2;
    uint64_t *p = scratch, *t = scratch + 2 * half, *rest = scratch + 4 * half;
    fib_product(r, a, b, half, scratch);
    fib_product(r + 2 * half, a + half, b + half, n - half, scratch);
    int negative = fib_distance(t, a, half, a + half, n - half);
    negative ^= fib_distance(t + half, b, half, b + half, n - half);
    fib_product(p, t, t + half, half, rest);
    fib_add_middle(r, n, half, p, negative, t);
}

/* f, g = 4 x - y + 2 (-1)^k, x + y: F(2k+1) and F(2k-1) from the squares x, y of n limbs; n + 1 limbs each. */
static inline void fib_combine(uint64_t *f, uint64_t *g, const uint64_t *x, const uint64_t *y, size_t n, int k_odd) {
    uint64_t shifted_out = 0;
    g[n] = fib_add(g, x, y, n);
    for (size_t i = 0; i < n; i++) {
        f[i] = x[i] << 2 | shifted_out;
        shifted_out = x[i] >> 62;
    }
    f[n] = shifted_out - fib_subtract(f, f, y, n);
    if (k_odd)
        fib_subtract_small(f, 2);
    else
        fib_add_small(f, 2);
}

/* Limbs that the working memory of fib_limbs needs where F(n) has `size` limbs. */
static inline size_t fib_limbs_memory(size_t size) {
    return 4 * size + 288;
}

/* F(n) for n >= 2, somewhere in memory of fib_limbs_memory(size) limbs: its start; its length in *length. */
static inline uint64_t *fib_limbs(uint64_t n, size_t size, uint64_t *memory, size_t *length) {
    size_t room = size / 2 + 4, limbs = 1;
    uint64_t *f = memory, *g = f + room, *x = g + room, *y = x + room, *scratch = y + room;
    int bit = 0;
    while (n >> bit > 93) /* F(93) is the last that fits one limb */
        bit++;
    if (bit == 0)
        bit = 1;
    f[0] = 1;
    g[0] = 0;
    for (uint64_t k = n >> bit; k > 1; k--) {
        uint64_t sum = f[0] + g[0];
        g[0] = f[0];
        f[0] = sum;
    }
    for (bit--; bit > 0; bit--) {
        fib_square(x, f, limbs, scratch);
        fib_square(y, g, limbs, scratch);
        fib_combine(f, g, x, y, 2 * limbs, n >> (bit + 1) & 1);
        limbs = 2 * limbs + 1;
        if (n >> bit & 1)
            fib_subtract(g, f, g, limbs);
        else
            fib_subtract(f, f, g, limbs);
        while (f[limbs - 1] == 0)
            limbs--;
    }
    f[limbs] = g[limbs] = 0;
    if (n & 1) { /* (2 F(k) + F(k-1)) (2 F(k) - F(k-1)) + 2 (-1)^k */
        fib_add(x, f, f, limbs + 1);
        fib_subtract(f, x, g, limbs + 1);
        fib_add(g, x, g, limbs + 1);
    } else { /* F(k) (F(k) + 2 F(k-1)) */
        fib_add(g, g, g, limbs + 1);
        fib_add(g, g, f, limbs + 1);
    }
    limbs += f[limbs] || g[limbs];
    fib_product(x, f, g, limbs, scratch);
    if (n & 1) {
        if (n >> 1 & 1)
            fib_subtract_small(x, 2);
        else
            fib_add_small(x, 2);
    }
    limbs *= 2;
    while (x[limbs - 1] == 0)
        limbs--;
    *length = limbs;
    return x;
}

/* The same memory, holding the limbs as bytes, least significant first, whatever the machine's own order. */
static inline const unsigned char *fib_little_endian(uint64_t *limbs, size_t n) {
    unsigned char *bytes = (unsigned char *)limbs;
    for (size_t i = 0; i < n; i++) {
        uint64_t limb = limbs[i];
        for (int j = 0; j < 8; j++)
            bytes[8 * i + j] = (unsigned char)(limb >> 8 * j);
    }
    return bytes;
}

#endif
