/* Bitsets of clauses, 64 to a word, and sorted thresholds: plain C, no Python. */
#ifndef FASTCORE_BITSET_H
#define FASTCORE_BITSET_H

#include <stddef.h>
#include <stdint.h>

#if defined(_MSC_VER)
#include <intrin.h>
#define bitset_restrict __restrict
#define bitset_prefetch(address) ((void)(address))
static inline int bitset_lowest(uint64_t word)
{
    unsigned long position;
    if (_BitScanForward(&position, (unsigned long)word))
        return (int)position;
    _BitScanForward(&position, (unsigned long)(word >> 32));
    return (int)position + 32;
}
#else
#define bitset_restrict restrict
#define bitset_prefetch(address) __builtin_prefetch(address)
static inline int bitset_lowest(uint64_t word)
{
    return __builtin_ctzll(word);
}
#endif

/* result &= row, over `words` words */
static inline void bitset_and(uint64_t *bitset_restrict result, const uint64_t *bitset_restrict row, ptrdiff_t words)
{
    for (ptrdiff_t i = 0; i < words; i++)
        result[i] &= row[i];
}

static inline int bitset_meets(const uint64_t *left, const uint64_t *right, ptrdiff_t words)
{
    uint64_t common = 0;
    for (ptrdiff_t i = 0; i < words; i++)
        common |= left[i] & right[i];
    return common != 0;
}

/* The owners of the bits that are set, ascending and each once; `owners` is ascending. Returns how many;
   `out` has room for one more than there are owners. */
static inline ptrdiff_t bitset_owners(const uint64_t *set, ptrdiff_t words, const int32_t *owners, int32_t *out)
{
    ptrdiff_t count = 0;
    int32_t last = -1;
    for (ptrdiff_t i = 0; i < words; i++) {
        uint64_t word = set[i];
        while (word) {
            int32_t owner = owners[i * 64 + bitset_lowest(word)];
            word &= word - 1;
            out[count] = owner;
            count += owner != last;
            last = owner;
        }
    }
    return count;
}

/* How many of the ascending thresholds are <= x: branch-free binary search */
static inline ptrdiff_t thresholds_passed(const double *thresholds, ptrdiff_t count, double x)
{
    const double *base = thresholds;
    while (count > 1) {
        ptrdiff_t half = count / 2;
        base += (base[half - 1] <= x) ? half : 0;
        count -= half;
    }
    return (base - thresholds) + (count == 1 && base[0] <= x);
}

#endif
