/* Tokens of JSON text by RFC 8259, in UTF-8: plain C, no Python.

   A text is bytes up to `end`, and *end is 0. That byte is in no token, so a scan stops there by itself; only blocks of
   several bytes have to ask how many there are. A scan gives where its token ends, NULL where it is not valid. */
#ifndef FASTCORE_JSON_TEXT_H
#define FASTCORE_JSON_TEXT_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "bitset.h"

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#endif

#if defined(_WIN32) || (defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define JSON_LITTLE_ENDIAN 1
#else
#define JSON_LITTLE_ENDIAN 0
#endif

enum {
    JSON_ABSENT,
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INT,          /* `number` is exact and below 2**53 */
    JSON_FLOAT,        /* `number` is correctly rounded */
    JSON_LONG_INT,     /* the text alone says which number it is */
    JSON_LONG_FLOAT,
    JSON_STRING,       /* text and size are its content */
    JSON_ESCAPED,      /* a string with backslashes */
    JSON_EMPTY_ARRAY,
    JSON_ARRAY,
    JSON_OBJECT,
    JSON_MAX_DIGITS = 640  /* of an integer: whoever converts longer ones may be told to refuse them */
};

typedef struct {
    const char *text;  /* of numbers and strings */
    ptrdiff_t size;
    double number;
    int kind;
} json_token;

static inline const char *json_blank(const char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

/* --- strings --------------------------------------------------------------------------------------------------- */

static inline int json_is_plain(char c)
{
    return (signed char)c >= 0x20 && c != '"' && c != '\\';
}

/* The first byte that is a quote, a backslash, a control character or not ASCII */
static inline const char *json_plain(const char *at, const char *end)
{
#if defined(__SSE2__) || defined(_M_X64)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    for (; end - at >= 16; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)at);
        /* compared with sign, so that bytes beyond ASCII are less, too */
        __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
                                     _mm_cmplt_epi8(block, space));
        int mask = _mm_movemask_epi8(found);
        if (mask)
            return at + bitset_lowest((uint64_t)mask);
    }
#else
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    for (; end - at >= 8; at += 8) {
        uint64_t block, quotes, backslashes;
        memcpy(&block, at, 8);
        quotes = block ^ (ones * '"');
        backslashes = block ^ (ones * '\\');
        /* a top bit is set in some byte if and only if a byte has what is sought */
        if (((quotes - ones) & ~quotes & tops) | ((backslashes - ones) & ~backslashes & tops)
            | ((block - ones * 0x20) & ~block & tops) | (block & tops))
            break;
    }
#endif
    while (json_is_plain(*at))
        at++;
    return at;
}

/* Behind a character of several bytes; surrogates, overlong forms and what is beyond Unicode are none */
static inline const char *json_character(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;
#define JSON_NEXT(i, low, high) (byte[i] >= (low) && byte[i] <= (high))
    if (byte[0] < 0xC2)
        return NULL;
    if (byte[0] < 0xE0)
        return JSON_NEXT(1, 0x80, 0xBF) ? at + 2 : NULL;
    if (byte[0] < 0xF0)
        return JSON_NEXT(1, byte[0] == 0xE0 ? 0xA0 : 0x80, byte[0] == 0xED ? 0x9F : 0xBF) && JSON_NEXT(2, 0x80, 0xBF)
                   ? at + 3
                   : NULL;
    if (byte[0] < 0xF5)
        return JSON_NEXT(1, byte[0] == 0xF0 ? 0x90 : 0x80, byte[0] == 0xF4 ? 0x8F : 0xBF) && JSON_NEXT(2, 0x80, 0xBF)
                       && JSON_NEXT(3, 0x80, 0xBF)
                   ? at + 4
                   : NULL;
#undef JSON_NEXT
    return NULL;
}

/* The value of a hexadecimal digit; negative for any other character */
static inline int json_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number that four hexadecimal digits write; negative if they are not four */
static inline int32_t json_unit(const char *at)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = json_hex(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Behind an escape, given its backslash */
static inline const char *json_escape(const char *at)
{
    switch (at[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return at + 2;
    case 'u':
        return json_unit(at + 2) >= 0 ? at + 6 : NULL;
    default:
        return NULL;
    }
}

/* The rest of a string from its first byte that is not plain */
static const char *json_string_rest(const char *at, const char *end, int *escaped)
{
    for (;;) {
        if (*at == '"')
            return at;
        if (*at == '\\') {
            *escaped = 1;
            at = json_escape(at);
        } else {
            at = json_character(at);
        }
        if (!at)
            return NULL;
        if (json_is_plain(*at))
            at = json_plain(at, end);
    }
}

/* The closing quote of a string, given its first character; sets `escaped` if there are backslashes */
static inline const char *json_string(const char *at, const char *end, int *escaped)
{
    at = json_plain(at, end);
    return *at == '"' ? at : json_string_rest(at, end, escaped);
}

/* Writes a character in UTF-8 */
static inline char *json_encode(char *to, uint32_t character)
{
    if (character < 0x80) {
        *to++ = (char)character;
    } else if (character < 0x800) {
        *to++ = (char)(0xC0 | character >> 6);
        *to++ = (char)(0x80 | (character & 0x3F));
    } else {
        if (character < 0x10000) {
            *to++ = (char)(0xE0 | character >> 12);
        } else {
            *to++ = (char)(0xF0 | character >> 18);
            *to++ = (char)(0x80 | (character >> 12 & 0x3F));
        }
        *to++ = (char)(0x80 | (character >> 6 & 0x3F));
        *to++ = (char)(0x80 | (character & 0x3F));
    }
    return to;
}

/* Writes the content of a valid string without its escapes, which is never longer; returns its size, -1 if it holds
   half of a surrogate pair and so is no text that UTF-8 could write */
static inline ptrdiff_t json_unescape(const char *at, ptrdiff_t size, char *to)
{
    const char *end = at + size, *start = to;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        uint32_t character;
        char letter = at[1];
        at += 2;
        switch (letter) {
        case 'b': *to++ = '\b'; continue;
        case 'f': *to++ = '\f'; continue;
        case 'n': *to++ = '\n'; continue;
        case 'r': *to++ = '\r'; continue;
        case 't': *to++ = '\t'; continue;
        case 'u': break;
        default: *to++ = letter; continue;
        }
        character = (uint32_t)json_unit(at);
        at += 4;
        if (character >= 0xD800 && character < 0xE000) {
            /* within the string a backslash is followed by a whole escape */
            if (character >= 0xDC00 || end - at < 6 || at[0] != '\\' || at[1] != 'u')
                return -1;
            uint32_t low = (uint32_t)json_unit(at + 2);
            if (low < 0xDC00 || low >= 0xE000)
                return -1;
            character = 0x10000 + ((character - 0xD800) << 10 | (low - 0xDC00));
            at += 6;
        }
        to = json_encode(to, character);
    }
    return to - start;
}

/* --- numbers --------------------------------------------------------------------------------------------------- */

static const double JSON_POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline int json_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static const uint64_t JSON_TENS[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

/* Behind the digits that begin here, if there are any; they are appended to a decimal number, modulo 2**64.

   Eight at a time without a branch on how many there are: a block whose digits are moved to its end and follow zeros is
   a number, read in pairs, then fours, then eight. */
static inline const char *json_digits(const char *at, const char *end, uint64_t *number)
{
    uint64_t value = *number;
#if JSON_LITTLE_ENDIAN
    for (; end - at >= 8; at += 8) {
        uint64_t block, other;
        int count;
        memcpy(&block, at, 8);
        block ^= 0x3030303030303030u;
        other = ((block + 0x7676767676767676u) | block) & 0x8080808080808080u;
        if (other & 0x80)
            break;
        count = other ? bitset_lowest(other) >> 3 : 8;
        block <<= 64 - 8 * count;
        block = block * 10 + (block >> 8);
        block = ((block & 0x000000FF000000FFu) * 0x000F424000000064u
                 + (block >> 16 & 0x000000FF000000FFu) * 0x0000271000000001u) >> 32;
        if (other) {
            *number = value * JSON_TENS[count] + block;
            return at + count;
        }
        value = value * 100000000 + block;
    }
#else
    (void)end;
#endif
    for (; json_is_digit(*at); at++)
        value = value * 10 + (uint64_t)(*at - '0');
    *number = value;
    return at;
}

#if defined(__SIZEOF_INT128__)
#define JSON_FIVES 27  /* 5**27 is the last one below 2**63 */

/* The double nearest to digits * 10**power, by exact integers: a product or a quotient of 5**power, whose powers of two
   come last. The rest of the quotient only matters where the bits that are dropped are a half. */
static inline double json_rounded(uint64_t digits, int power)
{
    uint64_t five = 1, bits;
    unsigned __int128 whole;
    int two = power, dropped, rest = 0;
    double number, scale;
    for (int i = power < 0 ? -power : power; i > 0; i--)
        five *= 5;
    if (power >= 0) {
        whole = (unsigned __int128)digits * five;
    } else {
        int lead = __builtin_clzll(digits);
        unsigned __int128 dividend = (unsigned __int128)(digits << lead) << 64;
        whole = dividend / five;
        rest = whole * five != dividend;
        two -= 64 + lead;
    }
    bits = (uint64_t)(whole >> 64);
    dropped = 75 - (bits ? __builtin_clzll(bits) : 64 + __builtin_clzll((uint64_t)whole));
    if (dropped > 0) {
        unsigned __int128 half = (unsigned __int128)1 << (dropped - 1), cut = whole & (2 * half - 1);
        whole >>= dropped;
        whole += cut > half || (cut == half && (rest || (whole & 1)));
        two += dropped;
    }
    number = (double)(uint64_t)whole;
    bits = (uint64_t)(1023 + two) << 52;  /* 2**two, far from the bounds of a double */
    memcpy(&scale, &bits, 8);
    return number * scale;
}
#endif

/* A number. Integers below 2**53, and floats whose digits make such an integer and whose power of ten is exact, are
   computed: one rounding then gives the nearest double (W. D. Clinger, How to read floating point numbers accurately,
   1990). So are more digits, where 128 bits hold what is rounded. */
static inline const char *json_number(const char *at, const char *end, json_token *token)
{
    const char *text = at, *first;
    uint64_t digits = 0;
    int negative = *at == '-';
    ptrdiff_t count, power = 0;
    first = at += negative;
    at = json_digits(at, end, &digits);
    count = at - first;
    if (count == 0 || (count > 1 && *first == '0'))
        return NULL;
    token->text = text;
    if (*at != '.' && (*at | 0x20) != 'e') {
        if (count > JSON_MAX_DIGITS)
            return NULL;
        token->size = at - text;
        token->number = negative ? 0.0 - (double)digits : (double)digits;
        token->kind = count <= 19 && digits < (uint64_t)1 << 53 ? JSON_INT : JSON_LONG_INT;
        return at;
    }
    if (*at == '.') {
        first = ++at;
        at = json_digits(at, end, &digits);
        if (at == first)
            return NULL;
        count += at - first;
        power = first - at;
    }
    if ((*at | 0x20) == 'e') {
        ptrdiff_t exponent = 0;
        int falling = *++at == '-';
        if (*at == '-' || *at == '+')
            at++;
        for (first = at; json_is_digit(*at); at++)
            exponent = exponent < 100000 ? exponent * 10 + (*at - '0') : exponent;
        if (at == first)
            return NULL;
        power += falling ? -exponent : exponent;
    }
    token->size = at - text;
    token->kind = JSON_LONG_FLOAT;
#if FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1
    if (count <= 19 && digits <= (uint64_t)1 << 53 && power >= -22 && power <= 22) {
        double number = (double)digits;
        number = power < 0 ? number / JSON_POWERS[-power] : number * JSON_POWERS[power];
        token->number = negative ? -number : number;
        token->kind = JSON_FLOAT;
    }
#if defined(JSON_FIVES)
    else if (count <= 19 && digits && power >= -JSON_FIVES && power <= JSON_FIVES) {
        double number = json_rounded(digits, (int)power);
        token->number = negative ? -number : number;
        token->kind = JSON_FLOAT;
    }
#endif
#endif
    return at;
}

#endif
