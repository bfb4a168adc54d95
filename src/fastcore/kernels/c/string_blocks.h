/* Blocks of text that are copied and, in the same step, searched for what JSON escapes: plain C, no Python.

   STRING_TEXT_LEVEL says what may be used: 0 words of 8 bytes alone, 1 also the vectors that every machine of the
   target has, 2 also AVX2 and 3 also AVX-512 where the machine is found to have them. All give the same bytes. */
#ifndef FASTCORE_STRING_BLOCKS_H
#define FASTCORE_STRING_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef STRING_TEXT_LEVEL
#define STRING_TEXT_LEVEL 3
#endif

#if STRING_TEXT_LEVEL >= 1 && (defined(__SSE2__) || defined(_M_X64))
#define STRING_SSE2 1
#include <emmintrin.h>
#elif STRING_TEXT_LEVEL >= 1 && (defined(__aarch64__) || defined(_M_ARM64))
#define STRING_NEON 1
#include <arm_neon.h>
#endif

#if defined(_MSC_VER)
#define STRING_INLINE static __forceinline
#define STRING_APART static __declspec(noinline)
#define STRING_RARE(condition) (condition)
#else
#define STRING_INLINE static inline __attribute__((always_inline))
#define STRING_APART __attribute__((noinline, unused)) static
#define STRING_RARE(condition) __builtin_expect(!!(condition), 0)
#endif

/* What a byte of the input is: UTF-8, whose bytes beyond ASCII are copied, or a character of Latin-1, which has two
   bytes of UTF-8 there. */
enum { STRING_UTF8 = 0, STRING_LATIN = 0x80 };

/* --- a table: the text of every byte ----------------------------------------------------------------------------- */

typedef struct {
    char text[7];
    uint8_t size;
} string_entry;

#define STRING_FOUR(row, c) row(c), row((c) + 1), row((c) + 2), row((c) + 3)
#define STRING_SIXTEEN(row, c)                                                                                        \
    STRING_FOUR(row, c), STRING_FOUR(row, (c) + 4), STRING_FOUR(row, (c) + 8), STRING_FOUR(row, (c) + 12)
#define STRING_PLAIN(c) {{(char)(c)}, 1}
#define STRING_LETTER(letter) {{'\\', letter}, 2}
#define STRING_HEX(high, low) {{'\\', 'u', '0', '0', high, low}, 6}
#define STRING_TWO(c) {{(char)(0xC0 | (c) >> 6), (char)(0x80 | ((c) & 0x3F))}, 2}

/* ASCII, then the bytes of UTF-8 beyond it, then the characters of Latin-1 beyond it */
static const string_entry STRING_TABLE[384] = {
    STRING_HEX('0', '0'), STRING_HEX('0', '1'), STRING_HEX('0', '2'), STRING_HEX('0', '3'), STRING_HEX('0', '4'),
    STRING_HEX('0', '5'), STRING_HEX('0', '6'), STRING_HEX('0', '7'), STRING_LETTER('b'), STRING_LETTER('t'),
    STRING_LETTER('n'), STRING_HEX('0', 'b'), STRING_LETTER('f'), STRING_LETTER('r'), STRING_HEX('0', 'e'),
    STRING_HEX('0', 'f'), STRING_HEX('1', '0'), STRING_HEX('1', '1'), STRING_HEX('1', '2'), STRING_HEX('1', '3'),
    STRING_HEX('1', '4'), STRING_HEX('1', '5'), STRING_HEX('1', '6'), STRING_HEX('1', '7'), STRING_HEX('1', '8'),
    STRING_HEX('1', '9'), STRING_HEX('1', 'a'), STRING_HEX('1', 'b'), STRING_HEX('1', 'c'), STRING_HEX('1', 'd'),
    STRING_HEX('1', 'e'), STRING_HEX('1', 'f'), STRING_PLAIN(' '), STRING_PLAIN('!'), STRING_LETTER('"'),
    STRING_PLAIN('#'), STRING_FOUR(STRING_PLAIN, 0x24), STRING_FOUR(STRING_PLAIN, 0x28),
    STRING_FOUR(STRING_PLAIN, 0x2C), STRING_SIXTEEN(STRING_PLAIN, 0x30), STRING_SIXTEEN(STRING_PLAIN, 0x40),
    STRING_FOUR(STRING_PLAIN, 0x50), STRING_FOUR(STRING_PLAIN, 0x54), STRING_FOUR(STRING_PLAIN, 0x58),
    STRING_LETTER('\\'), STRING_PLAIN(']'), STRING_PLAIN('^'), STRING_PLAIN('_'), STRING_SIXTEEN(STRING_PLAIN, 0x60),
    STRING_SIXTEEN(STRING_PLAIN, 0x70), STRING_SIXTEEN(STRING_PLAIN, 0x80), STRING_SIXTEEN(STRING_PLAIN, 0x90),
    STRING_SIXTEEN(STRING_PLAIN, 0xA0), STRING_SIXTEEN(STRING_PLAIN, 0xB0), STRING_SIXTEEN(STRING_PLAIN, 0xC0),
    STRING_SIXTEEN(STRING_PLAIN, 0xD0), STRING_SIXTEEN(STRING_PLAIN, 0xE0), STRING_SIXTEEN(STRING_PLAIN, 0xF0),
    STRING_SIXTEEN(STRING_TWO, 0x80), STRING_SIXTEEN(STRING_TWO, 0x90), STRING_SIXTEEN(STRING_TWO, 0xA0),
    STRING_SIXTEEN(STRING_TWO, 0xB0), STRING_SIXTEEN(STRING_TWO, 0xC0), STRING_SIXTEEN(STRING_TWO, 0xD0),
    STRING_SIXTEEN(STRING_TWO, 0xE0), STRING_SIXTEEN(STRING_TWO, 0xF0)};

/* Byte by byte, without a branch on what they are */
STRING_INLINE char *string_bytes(char *p, const unsigned char *s, size_t n, int latin)
{
    for (size_t i = 0; i < n; i++) {
        const string_entry *entry = STRING_TABLE + s[i] + (s[i] & latin);
        memcpy(p, entry, 8);
        p += entry->size;
    }
    return p;
}

/* --- words ------------------------------------------------------------------------------------------------------- */

/* Whether some byte of a word is a quote, a backslash, a control character or, of Latin-1, not ASCII */
STRING_INLINE uint64_t string_word(uint64_t word, int latin)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t quotes = word ^ (ones * '"'), backslashes = word ^ (ones * '\\');
    /* a borrow only leaves a byte that has what is sought, so the lowest bit that is set is always right */
    uint64_t found = ((word - ones * 0x20) & ~word) | ((quotes - ones) & ~quotes)
                     | ((backslashes - ones) & ~backslashes);
    return (latin ? found | word : found) & tops;
}

STRING_INLINE uint64_t string_load(const unsigned char *s)
{
    uint64_t word;
    memcpy(&word, s, 8);
    return word;
}

STRING_INLINE uint64_t string_copy8(char *p, const unsigned char *s, int latin)
{
    uint64_t word = string_load(s);
    memcpy(p, &word, 8);
    return string_word(word, latin);
}

/* --- blocks of 16 ------------------------------------------------------------------------------------------------ */

#if defined(STRING_SSE2)
typedef __m128i string_found;
#define STRING_OR(one, other) _mm_or_si128(one, other)
#define STRING_ANY(found) (_mm_movemask_epi8(found) != 0)

STRING_INLINE string_found string_search(__m128i block, int latin)
{
    __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"')), low;
    __m128i backslashes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    if (latin) /* compared with sign: what is beyond ASCII is less, too */
        low = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
    else
        low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
    return _mm_or_si128(_mm_or_si128(quotes, backslashes), low);
}

STRING_INLINE string_found string_copy16(char *p, const unsigned char *s, int latin)
{
    __m128i block = _mm_loadu_si128((const __m128i *)s);
    _mm_storeu_si128((__m128i *)p, block);
    return string_search(block, latin);
}

#elif defined(STRING_NEON)
typedef uint8x16_t string_found;
#define STRING_OR(one, other) vorrq_u8(one, other)
#define STRING_ANY(found) (vmaxvq_u8(found) != 0)

STRING_INLINE string_found string_search(uint8x16_t block, int latin)
{
    uint8x16_t low = vcltq_u8(block, vdupq_n_u8(0x20));
    if (latin)
        low = vorrq_u8(low, vcgeq_u8(block, vdupq_n_u8(0x80)));
    return vorrq_u8(vorrq_u8(vceqq_u8(block, vdupq_n_u8('"')), vceqq_u8(block, vdupq_n_u8('\\'))), low);
}

STRING_INLINE string_found string_copy16(char *p, const unsigned char *s, int latin)
{
    uint8x16_t block = vld1q_u8(s);
    vst1q_u8((uint8_t *)p, block);
    return string_search(block, latin);
}

#else
typedef uint64_t string_found;
#define STRING_OR(one, other) ((one) | (other))
#define STRING_ANY(found) ((found) != 0)

STRING_INLINE string_found string_copy16(char *p, const unsigned char *s, int latin)
{
    return string_copy8(p, s, latin) | string_copy8(p + 8, s + 8, latin);
}
#endif

/* Packs 16 characters of two or four bytes; those beyond Latin-1 become a byte that is found. */
#if defined(STRING_SSE2)
STRING_INLINE string_found string_pack16(char *p, const void *s, int width)
{
    const __m128i *from = (const __m128i *)s;
    __m128i low = _mm_loadu_si128(from), high = _mm_loadu_si128(from + 1);
    if (width == 4) { /* saturates at 0x7FFF */
        low = _mm_packs_epi32(low, high);
        high = _mm_packs_epi32(_mm_loadu_si128(from + 2), _mm_loadu_si128(from + 3));
    }
    low = _mm_packus_epi16(low, high); /* to 0xFF, and from 0x8000 on to 0: neither is plain */
    _mm_storeu_si128((__m128i *)p, low);
    return string_search(low, STRING_LATIN);
}
#elif defined(STRING_NEON)
STRING_INLINE string_found string_pack16(char *p, const void *s, int width)
{
    uint16x8_t low, high;
    uint8x16_t block;
    if (width == 4) {
        const uint32_t *from = (const uint32_t *)s;
        low = vcombine_u16(vqmovn_u32(vld1q_u32(from)), vqmovn_u32(vld1q_u32(from + 4)));
        high = vcombine_u16(vqmovn_u32(vld1q_u32(from + 8)), vqmovn_u32(vld1q_u32(from + 12)));
    } else {
        low = vld1q_u16((const uint16_t *)s);
        high = vld1q_u16((const uint16_t *)s + 8);
    }
    block = vcombine_u8(vqmovn_u16(low), vqmovn_u16(high));
    vst1q_u8((uint8_t *)p, block);
    return string_search(block, STRING_LATIN);
}
#endif

/* --- any number of bytes ---------------------------------------------------------------------------------------- */

/* Fewer than 16 bytes: two words that overlap, or one made of two halves that do */
STRING_INLINE char *string_short(char *p, const unsigned char *s, size_t n, int latin)
{
    if (n >= 8) {
        if (STRING_RARE(string_copy8(p, s, latin) | string_copy8(p + n - 8, s + n - 8, latin)))
            return string_bytes(p, s, n, latin);
    } else if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, s, 4);
        memcpy(&last, s + n - 4, 4);
        if (STRING_RARE(string_word((uint64_t)last << 32 | first, latin)))
            return string_bytes(p, s, n, latin);
        memcpy(p, &first, 4);
        memcpy(p + n - 4, &last, 4);
    } else {
        return string_bytes(p, s, n, latin);
    }
    return p + n;
}

/* Any number of bytes, some of which are likely to be found */
STRING_INLINE char *string_mixed(char *p, const unsigned char *s, size_t n, int latin)
{
    for (; n >= 16; n -= 16, s += 16)
        p = STRING_ANY(string_copy16(p, s, latin)) ? string_bytes(p, s, 16, latin) : p + 16;
    return string_short(p, s, n, latin);
}

/* --- code points ------------------------------------------------------------------------------------------------- */

STRING_INLINE uint32_t string_character(const void *s, size_t i, int width)
{
    return width == 1 ? ((const uint8_t *)s)[i] : width == 2 ? ((const uint16_t *)s)[i] : ((const uint32_t *)s)[i];
}

/* One by one; NULL at a surrogate, for which UTF-8 has nothing */
STRING_INLINE char *string_points(char *p, const void *s, size_t n, int width)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t c = string_character(s, i, width);
        if (c < 0x80) {
            const string_entry *entry = STRING_TABLE + c;
            memcpy(p, entry, 8);
            p += entry->size;
        } else if (c < 0x800) {
            *p++ = (char)(0xC0 | c >> 6);
            *p++ = (char)(0x80 | (c & 0x3F));
        } else if (c < 0x10000) {
            if (c - 0xD800 < 0x800)
                return NULL;
            *p++ = (char)(0xE0 | c >> 12);
            *p++ = (char)(0x80 | (c >> 6 & 0x3F));
            *p++ = (char)(0x80 | (c & 0x3F));
        } else {
            *p++ = (char)(0xF0 | c >> 18);
            *p++ = (char)(0x80 | (c >> 12 & 0x3F));
            *p++ = (char)(0x80 | (c >> 6 & 0x3F));
            *p++ = (char)(0x80 | (c & 0x3F));
        }
    }
    return p;
}

#endif
