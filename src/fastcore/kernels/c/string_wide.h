/* Wider blocks, for machines that are found to have them when the code runs: plain C, no Python. */
#ifndef FASTCORE_STRING_WIDE_H
#define FASTCORE_STRING_WIDE_H

#include "string_blocks.h"

#if STRING_TEXT_LEVEL >= 2 && defined(__GNUC__) && defined(__x86_64__)
#define STRING_WIDE 1
#include <immintrin.h>

#define STRING_TARGET(features) __attribute__((noinline, unused, target(features)))
#define STRING_HAS_AVX2 __builtin_cpu_supports("avx2")
#if STRING_TEXT_LEVEL >= 3
#define STRING_HAS_AVX512 __builtin_cpu_supports("avx512bw")
#define STRING_HAS_COMPRESS                                                                                           \
    (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
#else
#define STRING_HAS_AVX512 0
#define STRING_HAS_COMPRESS 0
#endif

/* --- UTF-8 that is to be escaped, more than 64 bytes ------------------------------------------------------------- */

STRING_TARGET("avx2") static char *string_avx2(char *p, const unsigned char *s, size_t n)
{
    const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\'), last = _mm256_set1_epi8(0x1F);
    for (; n >= 64; n -= 64, s += 64) {
        __m256i one = _mm256_loadu_si256((const __m256i *)s), other = _mm256_loadu_si256((const __m256i *)(s + 32));
        __m256i found = _mm256_or_si256(
            _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(one, quote), _mm256_cmpeq_epi8(one, backslash)),
                            _mm256_cmpeq_epi8(_mm256_min_epu8(one, last), one)),
            _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(other, quote), _mm256_cmpeq_epi8(other, backslash)),
                            _mm256_cmpeq_epi8(_mm256_min_epu8(other, last), other)));
        _mm256_storeu_si256((__m256i *)p, one);
        _mm256_storeu_si256((__m256i *)(p + 32), other);
        p = STRING_RARE(_mm256_movemask_epi8(found)) ? string_mixed(p, s, 64, STRING_UTF8) : p + 64;
    }
    return string_mixed(p, s, n, STRING_UTF8);
}

/* The last block is loaded under a mask, which reads nothing beyond it. */
STRING_TARGET("avx512f,avx512bw") static char *string_avx512(char *p, const unsigned char *s, size_t n)
{
    const __m512i quote = _mm512_set1_epi8('"'), backslash = _mm512_set1_epi8('\\'), space = _mm512_set1_epi8(0x20);
    while (n) {
        const size_t size = n < 64 ? n : 64;
        const __mmask64 live = ~(__mmask64)0 >> (64 - size);
        __m512i block = _mm512_mask_loadu_epi8(space, live, s);
        _mm512_storeu_si512(p, block);
        if (STRING_RARE(_mm512_cmpeq_epi8_mask(block, quote) | _mm512_cmpeq_epi8_mask(block, backslash)
                        | _mm512_cmplt_epu8_mask(block, space)))
            p = string_mixed(p, s, size, STRING_UTF8);
        else
            p += size;
        s += size;
        n -= size;
    }
    return p;
}

/* --- characters to UTF-8 ----------------------------------------------------------------------------------------- */

#define STRING_COMPRESS "avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt"

/* Each of 16 lanes takes the bytes of its character, the last one on top: a character has as many bytes as are not zero,
   since NUL is escaped. What is zero is squeezed out. */
#define STRING_COMPRESS_BODY(width, load)                                                                             \
    const __m512i six = _mm512_set1_epi32(0x3F), tail = _mm512_set1_epi32((int)0x80000000u);                          \
    while (n) {                                                                                                       \
        const size_t size = n < 16 ? n : 16;                                                                          \
        const __mmask16 live = (__mmask16)(0xFFFFu >> (16 - size));                                                   \
        const __m512i c = load;                                                                                       \
        const __mmask16 two = _mm512_cmpge_epu32_mask(c, _mm512_set1_epi32(0x80));                                    \
        __mmask16 found = _mm512_mask_cmplt_epu32_mask(live, c, _mm512_set1_epi32(0x20))                              \
                          | _mm512_cmpeq_epi32_mask(c, _mm512_set1_epi32('"'))                                        \
                          | _mm512_cmpeq_epi32_mask(c, _mm512_set1_epi32('\\'));                                      \
        __m512i bytes = _mm512_slli_epi32(c, 24), lead;                                                               \
        /* of two: 110xxxxx 10xxxxxx */                                                                               \
        lead = _mm512_or_si512(_mm512_slli_epi32(_mm512_srli_epi32(c, 6), 16), _mm512_set1_epi32(0x00C00000));        \
        bytes = _mm512_mask_mov_epi32(                                                                                \
            bytes, two,                                                                                               \
            _mm512_or_si512(_mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(c, six), 24), tail), lead));           \
        if (width > 1) {                                                                                              \
            const __mmask16 three = _mm512_cmpge_epu32_mask(c, _mm512_set1_epi32(0x800));                             \
            __m512i middle = _mm512_slli_epi32(_mm512_and_si512(_mm512_srli_epi32(c, 6), six), 16);                   \
            found |= _mm512_cmplt_epu32_mask(_mm512_sub_epi32(c, _mm512_set1_epi32(0xD800)),                          \
                                             _mm512_set1_epi32(0x800));                                               \
            lead = _mm512_slli_epi32(_mm512_srli_epi32(c, 12), 8);                                                    \
            bytes = _mm512_mask_mov_epi32(                                                                            \
                bytes, three,                                                                                         \
                _mm512_or_si512(                                                                                      \
                    _mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(c, six), 24), middle),                         \
                    _mm512_or_si512(lead, _mm512_set1_epi32((int)0x8080E000u))));                                     \
            if (width > 2) {                                                                                          \
                const __mmask16 four = _mm512_cmpge_epu32_mask(c, _mm512_set1_epi32(0x10000));                        \
                lead = _mm512_or_si512(_mm512_srli_epi32(c, 18),                                                      \
                                       _mm512_slli_epi32(_mm512_and_si512(_mm512_srli_epi32(c, 12), six), 8));        \
                bytes = _mm512_mask_mov_epi32(                                                                        \
                    bytes, four,                                                                                      \
                    _mm512_or_si512(                                                                                  \
                        _mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(c, six), 24), middle),                     \
                        _mm512_or_si512(lead, _mm512_set1_epi32((int)0x808080F0u))));                                 \
            }                                                                                                         \
        }                                                                                                             \
        if (STRING_RARE(found)) {                                                                                     \
            p = string_points(p, s, size, width);                                                                     \
            if (!p)                                                                                                   \
                return NULL;                                                                                          \
        } else {                                                                                                      \
            const __mmask64 kept = _mm512_test_epi8_mask(bytes, bytes);                                               \
            _mm512_storeu_si512(p, _mm512_maskz_compress_epi8(kept, bytes));                                          \
            p += __builtin_popcountll(kept);                                                                          \
        }                                                                                                             \
        s += size;                                                                                                    \
        n -= size;                                                                                                    \
    }                                                                                                                 \
    return p;

STRING_TARGET(STRING_COMPRESS) static char *string_compress1(char *p, const uint8_t *s, size_t n)
{
    STRING_COMPRESS_BODY(1, _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(live, s)))
}

STRING_TARGET(STRING_COMPRESS) static char *string_compress2(char *p, const uint16_t *s, size_t n)
{
    STRING_COMPRESS_BODY(2, _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live, s)))
}

STRING_TARGET(STRING_COMPRESS) static char *string_compress4(char *p, const uint32_t *s, size_t n)
{
    STRING_COMPRESS_BODY(4, _mm512_maskz_loadu_epi32(live, s))
}
#endif

#endif
