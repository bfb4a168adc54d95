/* The content of JSON strings from UTF-8 and from CPython's kinds of text: plain C, no Python.

   \b \t \n \f \r \" \\ and \u00xx for other control characters, everything else as it is (RFC 8259, section 7). A
   writer takes where to write and gives the new end; it may write up to 64 bytes beyond that, so the room is 6 n + 64.
   Nothing is read but the n characters. */
#ifndef FASTCORE_STRING_TEXT_H
#define FASTCORE_STRING_TEXT_H

#include "string_blocks.h"
#include "string_utf8.h"
#include "string_wide.h"

/* --- one byte a character ---------------------------------------------------------------------------------------- */

/* 16 to 64 bytes: blocks from both ends, which overlap. Whether they are plain; if not, what is written is no use. */
STRING_INLINE int string_middle(char *p, const unsigned char *s, size_t n, int latin)
{
    string_found found = STRING_OR(string_copy16(p, s, latin), string_copy16(p + n - 16, s + n - 16, latin));
    if (n > 32)
        found = STRING_OR(found, STRING_OR(string_copy16(p + 16, s + 16, latin),
                                           string_copy16(p + n - 32, s + n - 32, latin)));
    return !STRING_RARE(STRING_ANY(found));
}

/* Any number of bytes. As long as nothing was found, the last block may overlap the one before. */
STRING_INLINE char *string_long(char *p, const unsigned char *s, size_t n, int latin)
{
    int changed = 0;
    for (; n >= 64; n -= 64, s += 64) {
        string_found found = STRING_OR(STRING_OR(string_copy16(p, s, latin), string_copy16(p + 16, s + 16, latin)),
                                       STRING_OR(string_copy16(p + 32, s + 32, latin),
                                                 string_copy16(p + 48, s + 48, latin)));
        if (STRING_RARE(STRING_ANY(found))) {
            p = string_mixed(p, s, 64, latin);
            changed = 1;
        } else {
            p += 64;
        }
    }
    return !changed && n >= 16 && string_middle(p, s, n, latin) ? p + n : string_mixed(p, s, n, latin);
}

STRING_APART char *string_rest_utf8(char *p, const unsigned char *s, size_t n)
{
#if defined(STRING_WIDE)
    if (STRING_HAS_AVX512)
        return string_avx512(p, s, n);
    if (STRING_HAS_AVX2 && n > 64)
        return string_avx2(p, s, n);
#endif
    return string_long(p, s, n, STRING_UTF8);
}

STRING_APART char *string_rest_ucs1(char *p, const unsigned char *s, size_t n)
{
#if defined(STRING_WIDE)
    if (STRING_HAS_AVX512)
        return string_lanes1(p, s, n);
#endif
    return string_long(p, s, n, STRING_LATIN);
}

/* UTF-8 that is known to be valid, or ASCII */
static inline char *string_text_utf8(char *p, const unsigned char *s, size_t n)
{
    if (n < 16)
        return string_short(p, s, n, STRING_UTF8);
    if (n <= 64 && string_middle(p, s, n, STRING_UTF8))
        return p + n;
    return string_rest_utf8(p, s, n);
}

/* --- CPython's kinds of text ------------------------------------------------------------------------------------- */

/* Characters of two or four bytes: blocks of 16 while they are ASCII */
STRING_INLINE char *string_wider(char *p, const void *s, size_t n, int width)
{
    const char *at = (const char *)s;
#if defined(STRING_SSE2) || defined(STRING_NEON)
    for (; p && n >= 16; n -= 16, at += 16 * width)
        p = STRING_ANY(string_pack16(p, at, width)) ? string_points(p, at, 16, width) : p + 16;
    if (!p)
        return NULL;
#endif
    return string_points(p, at, n, width);
}

/* Latin-1. Never NULL. */
static inline char *string_text_ucs1(char *p, const uint8_t *s, size_t n)
{
    return n < 16 ? string_short(p, s, n, STRING_LATIN) : string_rest_ucs1(p, s, n);
}

/* UTF-16 without pairs of surrogates; NULL at a surrogate */
STRING_APART char *string_text_ucs2(char *p, const uint16_t *s, size_t n)
{
#if defined(STRING_WIDE)
    if (STRING_HAS_AVX512)
        return string_lanes2(p, s, n);
#endif
    return string_wider(p, s, n, 2);
}

/* UTF-32; NULL at a surrogate */
STRING_APART char *string_text_ucs4(char *p, const uint32_t *s, size_t n)
{
#if defined(STRING_WIDE)
    if (STRING_HAS_AVX512)
        return string_lanes4(p, s, n);
#endif
    return string_wider(p, s, n, 4);
}

#endif
