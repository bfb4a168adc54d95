/* Whether bytes are UTF-8 (RFC 3629): plain C, no Python. */
#ifndef FASTCORE_STRING_UTF8_H
#define FASTCORE_STRING_UTF8_H

#include "json_text.h"
#include "string_blocks.h"

/* The first block of 32 bytes that are not all ASCII, or what is left when there is no such block */
STRING_INLINE const unsigned char *string_ascii(const unsigned char *s, const unsigned char *end)
{
    const uint64_t tops = 0x8080808080808080u;
    while (end - s >= 32
           && !((string_load(s) | string_load(s + 8) | string_load(s + 16) | string_load(s + 24)) & tops))
        s += 32;
    return s;
}

/* The last characters are copied before a 0, which ends what is cut off. */
STRING_INLINE int string_valid_end(const unsigned char *s, size_t n)
{
    char text[8] = {0}, *end = text + n;
    const char *at = text;
    for (size_t i = 0; i < n; i++)
        text[i] = (char)s[i];
    while (at && at < end)
        at = (signed char)*at >= 0 ? at + 1 : json_character(at);
    return at != NULL;
}

STRING_APART int string_valid_scalar(const unsigned char *s, size_t n)
{
    const unsigned char *end = s + n;
    for (s = string_ascii(s, end); end - s >= 4;) {
        if (*s < 0x80) {
            s++;
            if (end - s >= 32 && !(string_load(s) & 0x8080808080808080u))
                s = string_ascii(s, end);
            continue;
        }
        s = (const unsigned char *)json_character((const char *)s);
        if (!s)
            return 0;
    }
    return string_valid_end(s, (size_t)(end - s));
}

/* Whether n bytes are valid UTF-8: no surrogates, no overlong forms, nothing beyond U+10FFFF. Linear. */
static inline int string_text_valid_utf8(const unsigned char *s, size_t n)
{
    return string_valid_scalar(s, n);
}

#endif
