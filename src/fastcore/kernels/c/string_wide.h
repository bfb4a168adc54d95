/* Wider blocks, for machines that are found to have them when the code runs: plain C, no Python. */
#ifndef FASTCORE_STRING_WIDE_H
#define FASTCORE_STRING_WIDE_H

#include "string_blocks.h"

/* gcc for Windows keeps such vectors where the stack is not aligned for them */
#if STRING_TEXT_LEVEL >= 2 && defined(__GNUC__) && defined(__x86_64__) && !defined(_WIN32)
#define STRING_WIDE 1
#include <immintrin.h>

#define STRING_HAS_AVX2 __builtin_cpu_supports("avx2")
#if STRING_TEXT_LEVEL >= 3
#define STRING_HAS_AVX512                                                                                             \
    (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
#else
#define STRING_HAS_AVX512 0
#endif
#define STRING_AVX2 __attribute__((noinline, unused, target("avx2")))
#define STRING_AVX512_TARGET target("avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt")
#define STRING_AVX512 __attribute__((noinline, unused, STRING_AVX512_TARGET))
#define STRING_AVX512_INLINE static inline __attribute__((always_inline, STRING_AVX512_TARGET))

enum { STRING_LONG = 512 };  /* bytes from which it pays to align what is written */

/* --- UTF-8 that is to be escaped --------------------------------------------------------------------------------- */

STRING_AVX2 static char *string_avx2(char *p, const unsigned char *s, size_t n)
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

/* 32 bytes, each with the one that follows it in the output; what is zero is squeezed out. */
STRING_AVX512_INLINE char *string_squeeze(char *p, __m256i first, __m256i second)
{
    const __m512i pairs = _mm512_or_si512(_mm512_cvtepu8_epi16(first),
                                          _mm512_slli_epi16(_mm512_cvtepu8_epi16(second), 8));
    const __mmask64 kept = _mm512_test_epi8_mask(pairs, pairs);
    _mm512_storeu_si512(p, _mm512_maskz_compress_epi8(kept, pairs));
    return p + __builtin_popcountll(kept);
}

/* A block in which bytes were found: backslashes and letters are put in, unless there is a \u00xx. NULL then. */
STRING_AVX512_INLINE char *string_escape64(char *p, __m512i block, __mmask64 live, __mmask64 found)
{
    const __m512i letters = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0));
    const __mmask64 low = _mm512_cmplt_epu8_mask(block, _mm512_set1_epi8(0x20));
    __m512i first = _mm512_maskz_mov_epi8(live, block), second;
    second = _mm512_mask_shuffle_epi8(block, low, letters, block);
    second = _mm512_maskz_mov_epi8(found, second);
    if (_mm512_mask_testn_epi8_mask(found, second, second)
        | _mm512_mask_cmpgt_epu8_mask(low, block, _mm512_set1_epi8(0x0F)))
        return NULL;
    first = _mm512_mask_mov_epi8(first, found, _mm512_set1_epi8('\\'));
    p = string_squeeze(p, _mm512_castsi512_si256(first), _mm512_castsi512_si256(second));
    return string_squeeze(p, _mm512_extracti64x4_epi64(first, 1), _mm512_extracti64x4_epi64(second, 1));
}

STRING_AVX512_INLINE __mmask64 string_find64(__m512i block)
{
    return _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('"')) | _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\\'))
           | _mm512_cmplt_epu8_mask(block, _mm512_set1_epi8(0x20));
}

/* A block of up to 64 bytes is loaded under a mask, which reads nothing beyond it. */
STRING_AVX512_INLINE __m512i string_load64(const unsigned char *s, __mmask64 live)
{
    return _mm512_mask_loadu_epi8(_mm512_set1_epi8(0x20), live, s);
}

/* Text in which something is found */
STRING_AVX512 static char *string_avx512_mixed(char *p, const unsigned char *s, size_t n)
{
    while (n) {
        const size_t size = n < 64 ? n : 64;
        const __mmask64 live = ~(__mmask64)0 >> (64 - size);
        const __m512i block = string_load64(s, live);
        const __mmask64 found = string_find64(block);
        _mm512_storeu_si512(p, block);
        if (STRING_RARE(found)) {
            char *end = string_escape64(p, block, live, found);
            p = end ? end : string_mixed(p, s, size, STRING_UTF8);
        } else {
            p += size;
        }
        s += size;
        n -= size;
    }
    return p;
}

/* Two blocks at a time as long as nothing is found. Of a long text all but the first of them are aligned where they are
   written: a store to two cache lines takes as long as two. */
STRING_AVX512 static char *string_avx512(char *p, const unsigned char *s, size_t n)
{
    if (n >= STRING_LONG) {
        const __m512i first = _mm512_loadu_si512(s);
        const size_t ahead = STRING_RARE(string_find64(first)) ? 0 : 64 - ((uintptr_t)p & 63);
        _mm512_storeu_si512(p, first);
        p += ahead, s += ahead, n -= ahead;
    }
    for (; n >= 128; n -= 128, s += 128, p += 128) {
        const __m512i one = _mm512_loadu_si512(s), other = _mm512_loadu_si512(s + 64);
        if (STRING_RARE(string_find64(one) | string_find64(other)))
            return string_avx512_mixed(p, s, n);
        _mm512_storeu_si512(p, one);
        _mm512_storeu_si512(p + 64, other);
    }
    while (n) {
        const size_t size = n < 64 ? n : 64;
        const __m512i block = string_load64(s, ~(__mmask64)0 >> (64 - size));
        if (STRING_RARE(string_find64(block)))
            return string_avx512_mixed(p, s, n);
        _mm512_storeu_si512(p, block);
        p += size, s += size, n -= size;
    }
    return p;
}

/* --- characters to UTF-8 ----------------------------------------------------------------------------------------- */

STRING_AVX512_INLINE __m512i string_load_lanes(const void *s, __mmask16 live, int width)
{
    if (width == 1)
        return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(live, s));
    if (width == 2)
        return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live, s));
    return _mm512_maskz_loadu_epi32(live, s);
}

/* Each lane becomes the bytes of its character, the last one on top. It has as many as are not zero: NUL is escaped. */
STRING_AVX512_INLINE __m512i string_utf8_lanes(__m512i c, int width)
{
    const __m512i six = _mm512_set1_epi32(0x3F);
    __m512i bytes = _mm512_slli_epi32(c, 24), rest, last, middle;
    last = _mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(c, six), 24), _mm512_set1_epi32((int)0x80000000u));
    rest = _mm512_srli_epi32(c, 6);
    bytes = _mm512_mask_or_epi32(bytes, _mm512_cmpge_epu32_mask(c, _mm512_set1_epi32(0x80)), last,
                                 _mm512_or_si512(_mm512_slli_epi32(rest, 16), _mm512_set1_epi32(0x00C00000)));
    if (width == 1)
        return bytes;
    middle = _mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(rest, six), 16), _mm512_set1_epi32(0x0080E000));
    last = _mm512_or_si512(last, middle);
    rest = _mm512_srli_epi32(c, 12);
    bytes = _mm512_mask_or_epi32(bytes, _mm512_cmpge_epu32_mask(c, _mm512_set1_epi32(0x800)), last,
                                 _mm512_slli_epi32(rest, 8));
    if (width == 2)
        return bytes;
    last = _mm512_xor_si512(last, _mm512_set1_epi32(0x000060F0)); /* from the lead of three bytes to that of four */
    last = _mm512_or_si512(last, _mm512_slli_epi32(_mm512_and_si512(rest, six), 8));
    return _mm512_mask_or_epi32(bytes, _mm512_cmpge_epu32_mask(c, _mm512_set1_epi32(0x10000)), last,
                                _mm512_srli_epi32(c, 18));
}

/* 16 characters at a time */
STRING_AVX512_INLINE char *string_lanes(char *p, const char *s, size_t n, int width)
{
    const __m512i letters = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0);
    const __m512i space = _mm512_set1_epi32(0x20);
    size_t size;
    for (; n; s += (size_t)width * size, n -= size) {
        size = n < 16 ? n : 16;
        const __mmask16 live = (__mmask16)(0xFFFFu >> (16 - size));
        const __m512i c = string_load_lanes(s, live, width);
        const __mmask16 low = _mm512_mask_cmplt_epu32_mask(live, c, space);
        const __mmask16 found = low | _mm512_cmpeq_epi32_mask(c, _mm512_set1_epi32('"'))
                                | _mm512_cmpeq_epi32_mask(c, _mm512_set1_epi32('\\'));
        __m512i bytes = string_utf8_lanes(c, width);
        if (width > 1
            && STRING_RARE(_mm512_cmplt_epu32_mask(_mm512_sub_epi32(c, _mm512_set1_epi32(0xD800)),
                                                   _mm512_set1_epi32(0x800))))
            return NULL;
        if (STRING_RARE(found)) {
            __m512i letter = _mm512_maskz_permutexvar_epi32(low, c, letters);
            if (_mm512_mask_testn_epi32_mask(low, letter, letter)
                | _mm512_mask_cmpgt_epu32_mask(low, c, _mm512_set1_epi32(0x0F))) {
                p = string_points(p, s, size, width);
                continue;
            }
            bytes = _mm512_mask_slli_epi32(bytes, low, letter, 24);
            bytes = _mm512_mask_or_epi32(bytes, found, bytes, _mm512_set1_epi32('\\' << 16));
        }
        const __mmask64 kept = _mm512_test_epi8_mask(bytes, bytes);
        _mm512_storeu_si512(p, _mm512_maskz_compress_epi8(kept, bytes));
        p += __builtin_popcountll(kept);
    }
    return p;
}

STRING_AVX512 static char *string_lanes1(char *p, const void *s, size_t n) { return string_lanes(p, s, n, 1); }
STRING_AVX512 static char *string_lanes2(char *p, const void *s, size_t n) { return string_lanes(p, s, n, 2); }
STRING_AVX512 static char *string_lanes4(char *p, const void *s, size_t n) { return string_lanes(p, s, n, 4); }
#endif

#endif
