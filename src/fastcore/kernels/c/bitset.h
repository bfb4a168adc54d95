/* Bitsets of clauses, 64 to a word: plain C, no Python. */
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
    ptrdiff_t i = 0;
    for (; i + 8 <= words; i += 8)
        for (int k = 0; k < 8; k++)
            result[i + k] &= row[i + k];
    for (; i < words; i++)
        result[i] &= row[i];
}

/* result &= every one of the rows, eight words at a time, so that each word of the result is written once */
#define BITSET_AND_ROWS                                                                                               \
    ptrdiff_t i = 0;                                                                                                  \
    for (; i + 8 <= words; i += 8) {                                                                                  \
        uint64_t block[8];                                                                                            \
        for (int k = 0; k < 8; k++)                                                                                   \
            block[k] = result[i + k];                                                                                 \
        for (ptrdiff_t r = 0; r < count; r++)                                                                         \
            for (int k = 0; k < 8; k++)                                                                               \
                block[k] &= rows[r][i + k];                                                                           \
        for (int k = 0; k < 8; k++)                                                                                   \
            result[i + k] = block[k];                                                                                 \
    }                                                                                                                 \
    for (; i < words; i++) {                                                                                          \
        uint64_t word = result[i];                                                                                    \
        for (ptrdiff_t r = 0; r < count; r++)                                                                         \
            word &= rows[r][i];                                                                                       \
        result[i] = word;                                                                                             \
    }

static inline void bitset_and_rows_portable(uint64_t *bitset_restrict result, const uint64_t *const *rows,
                                            ptrdiff_t count, ptrdiff_t words)
{
    BITSET_AND_ROWS
}

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
__attribute__((target("avx2"))) static inline void bitset_and_rows_avx2(
    uint64_t *bitset_restrict result, const uint64_t *const *rows, ptrdiff_t count, ptrdiff_t words)
{
    BITSET_AND_ROWS
}
#define bitset_and_rows(result, rows, count, words)                                                                   \
    (__builtin_cpu_supports("avx2") ? bitset_and_rows_avx2(result, rows, count, words)                                \
                                    : bitset_and_rows_portable(result, rows, count, words))
#else
#define bitset_and_rows bitset_and_rows_portable
#endif

static inline int bitset_any(const uint64_t *set, ptrdiff_t words)
{
    uint64_t any = 0;
    for (ptrdiff_t i = 0; i < words; i++)
        any |= set[i];
    return any != 0;
}

static inline int bitset_meets(const uint64_t *left, const uint64_t *right, ptrdiff_t words)
{
    uint64_t common = 0;
    for (ptrdiff_t i = 0; i < words; i++)
        common |= left[i] & right[i];
    return common != 0;
}

/* The lowest bit that is set; -1 if none is */
static inline ptrdiff_t bitset_first(const uint64_t *set, ptrdiff_t words)
{
    for (ptrdiff_t i = 0; i < words; i++)
        if (set[i])
            return i * 64 + bitset_lowest(set[i]);
    return -1;
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

#endif
