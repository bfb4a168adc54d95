/* The one step of all arithmetic beyond 64 bits: a * b + c + d, which always fits 128 bits. */
#ifndef FASTCORE_WIDE_H
#define FASTCORE_WIDE_H

#include <stdint.h>

#if defined(__SIZEOF_INT128__)
__extension__ typedef unsigned __int128 wide_uint128;
#elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_ARM64))
#include <intrin.h>
#endif

/* Low 64 bits of a * b + c + d; the high ones in *high. */
static inline uint64_t wide_product(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *high) {
#if defined(__SIZEOF_INT128__)
    wide_uint128 sum = (wide_uint128)a * b + c + d;
    *high = (uint64_t)(sum >> 64);
    return (uint64_t)sum;
#else
    uint64_t low, top;
#if defined(_MSC_VER) && defined(_M_X64)
    low = _umul128(a, b, &top);
#elif defined(_MSC_VER) && defined(_M_ARM64)
    low = a * b;
    top = __umulh(a, b);
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t inner = a1 * b0 + (a0 * b0 >> 32), outer = a0 * b1 + (uint32_t)inner;
    low = a * b;
    top = a1 * b1 + (inner >> 32) + (outer >> 32);
#endif
    low += c;
    top += low < c;
    low += d;
    top += low < d;
    *high = top;
    return low;
#endif
}

#endif
