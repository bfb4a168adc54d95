/* Decimal digits, eight or sixteen at once: plain C, no Python.

   A word of eight digits holds the first one in its lowest byte, on every machine; number_store8 alone knows how memory
   is ordered. All digits of a word are computed together: halves of four, quarters of two, single ones, each time by a
   multiplication with a reciprocal (P. Khuong, How to print integers really fast, 2017). */
#ifndef FASTCORE_NUMBER_DIGITS_H
#define FASTCORE_NUMBER_DIGITS_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) || defined(_M_X64)
#define NUMBER_SSE2 1
#include <emmintrin.h>
#endif
#if defined(_MSC_VER)
#include <intrin.h>
#define NUMBER_RARELY(condition) (condition)
#define NUMBER_APART static __declspec(noinline)
#define NUMBER_INLINE static __forceinline
#else
#define NUMBER_RARELY(condition) __builtin_expect(condition, 0)
#define NUMBER_APART static __attribute__((noinline, cold, unused))
#define NUMBER_INLINE static inline __attribute__((always_inline))
#endif

#define NUMBER_ZEROS 0x3030303030303030u  /* eight times '0' */

static inline void number_store8(char *p, uint64_t word)
{
#if defined(_WIN32) || (defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
    memcpy(p, &word, 8);
#else
    for (int i = 0; i < 8; i++)
        p[i] = (char)(word >> 8 * i & 0xff);
#endif
}

/* The position of the lowest bit that is set; word is not 0. */
static inline int number_lowest(uint64_t word)
{
#if defined(_MSC_VER)
    unsigned long position;
    if (_BitScanForward(&position, (unsigned long)word))
        return (int)position;
    _BitScanForward(&position, (unsigned long)(word >> 32));
    return (int)position + 32;
#else
    return __builtin_ctzll(word);
#endif
}

/* The position of the highest bit that is set; word is not 0. */
static inline int number_highest(uint64_t word)
{
#if defined(_MSC_VER)
    unsigned long position;
    if (_BitScanReverse(&position, (unsigned long)(word >> 32)))
        return (int)position + 32;
    _BitScanReverse(&position, (unsigned long)word);
    return (int)position;
#else
    return 63 ^ __builtin_clzll(word);
#endif
}

/* The digits of a value below 10**8, not yet characters. */
static inline uint64_t number_eight(uint32_t value)
{
    uint64_t fours, twos, ones, tops;
    tops = value / 10000;
    fours = tops | (uint64_t)(value - (uint32_t)tops * 10000) << 32;
    tops = fours * 10486 >> 20 & 0x0000007f0000007fu;
    twos = tops | (fours - tops * 100) << 16;
    tops = twos * 103 >> 10 & 0x000f000f000f000fu;
    ones = tops | (twos - tops * 10) << 8;
    return ones;
}

/* --- sixteen digits ---------------------------------------------------------------------------------------------- */

#if defined(NUMBER_SSE2)

typedef __m128i number_digits;

/* The characters of high * 10**8 + low, both below 10**8, and in *last 1 + the index of the last one that is no '0'; 0
   if all are. */
static inline number_digits number_sixteen(uint32_t high, uint32_t low, int *last)
{
    __m128i eights = _mm_set_epi64x(low, high), fours, twos, ones, tops;
    tops = _mm_srli_epi64(_mm_mul_epu32(eights, _mm_set1_epi64x(0xd1b71759)), 45);
    fours = _mm_sub_epi64(eights, _mm_mul_epu32(tops, _mm_set1_epi64x(10000)));
    fours = _mm_or_si128(tops, _mm_slli_epi64(fours, 32));
    tops = _mm_srli_epi16(_mm_mulhi_epu16(fours, _mm_set1_epi32(5243)), 3);
    twos = _mm_sub_epi16(fours, _mm_mullo_epi16(tops, _mm_set1_epi32(100)));
    twos = _mm_or_si128(tops, _mm_slli_epi32(twos, 16));
    tops = _mm_mulhi_epu16(twos, _mm_set1_epi16(6554));
    /* tops | (twos - 10 * tops) << 8 */
    ones = _mm_sub_epi16(_mm_slli_epi16(twos, 8), _mm_mullo_epi16(tops, _mm_set1_epi16((10 << 8) - 1)));
    *last = number_highest(2 * (uint64_t)_mm_movemask_epi8(_mm_cmpgt_epi8(ones, _mm_setzero_si128())) + 1);
    return _mm_add_epi8(ones, _mm_set1_epi8('0'));
}

static inline void number_store16(char *p, number_digits digits)
{
    _mm_storeu_si128((__m128i *)(void *)p, digits);
}

/* Opens a gap after `count` of the digits, at most 16: what is behind moves by one, the last one out. */
static inline number_digits number_gap(number_digits digits, int count)
{
    static const uint8_t window[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    __m128i keep = _mm_loadu_si128((const __m128i *)(const void *)(window + 16 - count));
    return _mm_or_si128(_mm_and_si128(keep, digits), _mm_andnot_si128(keep, _mm_slli_si128(digits, 1)));
}

static inline char number_front(number_digits digits)
{
    return (char)_mm_cvtsi128_si32(digits);
}

#else

typedef struct {
    uint64_t first, second;
} number_digits;

static inline number_digits number_sixteen(uint32_t high, uint32_t low, int *last)
{
    number_digits digits = {number_eight(high), number_eight(low)};
    *last = digits.second ? 9 + (number_highest(digits.second) >> 3)
                          : digits.first ? 1 + (number_highest(digits.first) >> 3) : 0;
    digits.first += NUMBER_ZEROS;
    digits.second += NUMBER_ZEROS;
    return digits;
}

static inline void number_store16(char *p, number_digits digits)
{
    number_store8(p, digits.first);
    number_store8(p + 8, digits.second);
}

static inline number_digits number_gap(number_digits digits, int count)
{
    int first = count < 8 ? count : 8, second = count - first;
    uint64_t keep = first < 8 ? ((uint64_t)1 << 8 * first) - 1 : UINT64_MAX;
    uint64_t also = second < 8 ? ((uint64_t)1 << 8 * second) - 1 : UINT64_MAX;
    uint64_t carried = digits.first >> 56;
    number_digits moved;
    moved.first = (keep & digits.first) | (~keep & digits.first << 8);
    moved.second = (also & digits.second) | (~also & (digits.second << 8 | carried));
    return moved;
}

static inline char number_front(number_digits digits)
{
    return (char)(digits.first & 0xff);
}

#endif

#endif
