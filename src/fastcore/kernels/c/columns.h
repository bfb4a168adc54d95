/* Columns of values to rows of a bitmap index, a chunk at a time: plain C, no Python.

   A chunk is short enough for its rows, and the sets made of them, to stay in the cache. Loops run along a column and
   have no branches where the data would decide them. */
#ifndef FASTCORE_COLUMNS_H
#define FASTCORE_COLUMNS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bitmap.h"

enum {
    COLUMN_MISSING, COLUMN_OBJECTS, COLUMN_BOOL, COLUMN_BITS, COLUMN_I1, COLUMN_I2, COLUMN_I4, COLUMN_I8, COLUMN_U1,
    COLUMN_U2, COLUMN_U4, COLUMN_U8, COLUMN_F2, COLUMN_F4, COLUMN_F8, COLUMN_UCS4, COLUMN_UTF8, COLUMN_LARGE, COLUMN_VIEW
};

/* What is known of a number beside its double; none of them: an int, exact as a double */
enum { COLUMN_FLOAT = 1, COLUMN_UNKNOWN = 2, COLUMN_INEXACT = 4 };

#define COLUMN_EXACT 9007199254740992.0

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static inline double column_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent == 31 ? (fraction ? NAN : INFINITY)
                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                  : ldexp(fraction, -24);
    return bits >> 15 ? -value : value;
}

#define COLUMN_CONVERT(type, convert)                                                                                 \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                               \
        type value;                                                                                                   \
        memcpy(&value, data + i * stride, sizeof(type));                                                              \
        x[i] = convert(value);                                                                                        \
    }                                                                                                                 \
    break;
#define COLUMN_CONVERT_BOTH(type)                                                                                     \
    if (stride == (ptrdiff_t)sizeof(type)) {                                                                          \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                           \
            type value;                                                                                               \
            memcpy(&value, data + i * (ptrdiff_t)sizeof(type), sizeof(type));                                         \
            x[i] = (double)value;                                                                                     \
        }                                                                                                             \
        break;                                                                                                        \
    }                                                                                                                 \
    COLUMN_CONVERT(type, (double))

/* Numbers as doubles; 64-bit ones may be rounded, which column_flag_whole says. */
static inline void column_doubles(int kind, const char *data, ptrdiff_t stride, ptrdiff_t n, double *x)
{
    switch (kind) {
    case COLUMN_I1: COLUMN_CONVERT_BOTH(int8_t)
    case COLUMN_I2: COLUMN_CONVERT_BOTH(int16_t)
    case COLUMN_I4: COLUMN_CONVERT_BOTH(int32_t)
    case COLUMN_I8: COLUMN_CONVERT_BOTH(int64_t)
    case COLUMN_U1: COLUMN_CONVERT_BOTH(uint8_t)
    case COLUMN_U2: COLUMN_CONVERT_BOTH(uint16_t)
    case COLUMN_U4: COLUMN_CONVERT_BOTH(uint32_t)
    case COLUMN_U8: COLUMN_CONVERT_BOTH(uint64_t)
    case COLUMN_F2: COLUMN_CONVERT(uint16_t, column_half)
    case COLUMN_F4: COLUMN_CONVERT_BOTH(float)
    default: COLUMN_CONVERT_BOTH(double)
    }
}

/* rows = first + how many of the thresholds each number has passed; 0 for NaN */
#define COLUMN_PASSED_LEAST 48

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#include <immintrin.h>
#define COLUMN_AVX2 __attribute__((target("avx2")))
#define column_has_avx2() __builtin_cpu_supports("avx2")

COLUMN_AVX2 static inline ptrdiff_t column_passed_avx2(const double *thresholds, ptrdiff_t count, const double *x,
                                                       ptrdiff_t n, int32_t first, int32_t *rows)
{
    const __m256i low = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    ptrdiff_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256d value[4];
        __m256i passed[4];
        for (int k = 0; k < 4; k++) {
            value[k] = _mm256_loadu_pd(x + i + 4 * k);
            passed[k] = _mm256_set1_epi64x(first);
        }
        for (ptrdiff_t t = 0; t < count; t++) {
            __m256d threshold = _mm256_broadcast_sd(thresholds + t);
            for (int k = 0; k < 4; k++)
                passed[k] = _mm256_sub_epi64(
                    passed[k], _mm256_castpd_si256(_mm256_cmp_pd(value[k], threshold, _CMP_GE_OQ)));
        }
        for (int k = 0; k < 4; k++) {
            __m256i known = _mm256_castpd_si256(_mm256_cmp_pd(value[k], value[k], _CMP_ORD_Q));
            __m256i narrow = _mm256_permutevar8x32_epi32(_mm256_and_si256(passed[k], known), low);
            _mm_storeu_si128((__m128i *)(rows + i + 4 * k), _mm256_castsi256_si128(narrow));
        }
    }
    return i;
}
#else
#define COLUMN_AVX2
#define column_has_avx2() 0
#define column_passed_avx2(thresholds, count, x, n, first, rows) 0
#endif

static inline void column_number_rows(const bitmap_operand *operand, const double *x, ptrdiff_t n, int32_t *rows)
{
    const double *thresholds = operand->thresholds;
    int32_t first = operand->number_row;
    ptrdiff_t count = operand->cuts, i = 0;
    if (!first) {
        memset(rows, 0, n * sizeof(int32_t));
        return;
    }
    if (count <= COLUMN_PASSED_LEAST && column_has_avx2())
        i = column_passed_avx2(thresholds, count, x, n, first, rows);
    for (; i < n; i++) {
        int32_t row = first + (int32_t)bitmap_passed(thresholds, count, x[i]);
        rows[i] = x[i] == x[i] ? row : 0;
    }
}

/* Wide ints that are no doubles, compared exactly; `whole` are the least ints past the cuts that such an int can pass */
static inline void column_wide_rows(const bitmap_operand *operand, int kind, const char *data, ptrdiff_t stride,
                                    const uint64_t *whole, ptrdiff_t count, const double *x, ptrdiff_t n, int32_t *rows)
{
    /* flipping the sign bit orders two's complement as unsigned */
    uint64_t flip = kind == COLUMN_I8 ? (uint64_t)1 << 63 : 0;
    if (!operand->number_row)
        return;
    for (ptrdiff_t i = 0; i < n; i++) {
        if (fabs(x[i]) < COLUMN_EXACT)
            continue;
        uint64_t value;
        ptrdiff_t low = 0, high = count;
        memcpy(&value, data + i * stride, 8);
        value ^= flip;
        while (low < high) {
            ptrdiff_t middle = (low + high) / 2;
            if (whole[middle] <= value)
                low = middle + 1;
            else
                high = middle;
        }
        rows[i] = operand->number_row + (int32_t)low;
    }
}

static inline void column_flag(int kind, const double *x, ptrdiff_t n, uint8_t *flags)
{
    if (kind == COLUMN_I8 || kind == COLUMN_U8) {
        for (ptrdiff_t i = 0; i < n; i++)
            flags[i] = fabs(x[i]) >= COLUMN_EXACT ? COLUMN_INEXACT : 0;
    } else if (kind < COLUMN_F2) {
        memset(flags, 0, n);
    } else {
        for (ptrdiff_t i = 0; i < n; i++)
            flags[i] = x[i] == x[i] ? COLUMN_FLOAT : COLUMN_UNKNOWN;
    }
}

/* --- arithmetic -------------------------------------------------------------------------------------------------- */

#define COLUMN_STEP(result)                                                                                           \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                               \
        double value = result;                                                                                        \
        uint8_t flag = x_flags[i] | y_flags[i];                                                                       \
        flag |= value == value ? 0 : COLUMN_UNKNOWN;                                                                  \
        flag |= (flag == 0) & (fabs(value) >= COLUMN_EXACT) ? COLUMN_INEXACT : 0;                                     \
        z[i] = value;                                                                                                 \
        z_flags[i] = flag;                                                                                            \
    }                                                                                                                 \
    break;

/* One operator along a column. An int quotient that is a fraction stays marked as an int: that only sends it to the
   evaluator earlier. z may be x or y. */
static inline void column_step(char op, const double *x, const uint8_t *x_flags, const double *y,
                               const uint8_t *y_flags, ptrdiff_t n, double *z, uint8_t *z_flags)
{
    switch (op) {
    case '+': COLUMN_STEP(x[i] + y[i])
    case '-': COLUMN_STEP(x[i] - y[i])
    case '*': COLUMN_STEP(x[i] * y[i])
    case '/': COLUMN_STEP(y[i] == 0 ? NAN : x[i] / y[i])
    default: COLUMN_STEP(y[i] == 0 ? NAN : fmod(x[i], y[i]))
    }
}

/* Rows of what was computed; `ask` where only the evaluator can do it exactly. Returns whether that occurs. */
static inline int column_computed_rows(const bitmap_operand *operand, const double *x, const uint8_t *flags,
                                       ptrdiff_t n, int32_t ask, int32_t *rows)
{
    uint8_t any = 0;
    column_number_rows(operand, x, n, rows);
    for (ptrdiff_t i = 0; i < n; i++)
        any |= flags[i];
    if (any & (COLUMN_UNKNOWN | COLUMN_INEXACT))
        for (ptrdiff_t i = 0; i < n; i++)
            rows[i] = flags[i] & COLUMN_INEXACT ? ask : flags[i] & COLUMN_UNKNOWN ? 0 : rows[i];
    return (any & COLUMN_INEXACT) != 0;
}

/* --- what is there ----------------------------------------------------------------------------------------------- */

static inline int column_bit(const uint8_t *bits, ptrdiff_t i)
{
    return bits[i >> 3] >> (i & 7) & 1;
}

static inline void column_hide_rows(const uint8_t *bits, ptrdiff_t start, ptrdiff_t n, int32_t *rows)
{
    for (ptrdiff_t i = 0; i < n; i++)
        rows[i] &= -column_bit(bits, start + i);
}

static inline void column_hide_flags(const uint8_t *bits, ptrdiff_t start, ptrdiff_t n, uint8_t *flags)
{
    for (ptrdiff_t i = 0; i < n; i++)
        flags[i] = column_bit(bits, start + i) ? flags[i] : COLUMN_UNKNOWN;
}

static inline void column_mask_rows(const char *mask, ptrdiff_t stride, ptrdiff_t n, int32_t *rows)
{
    for (ptrdiff_t i = 0; i < n; i++)
        rows[i] = mask[i * stride] ? 0 : rows[i];
}

static inline void column_mask_flags(const char *mask, ptrdiff_t stride, ptrdiff_t n, uint8_t *flags)
{
    for (ptrdiff_t i = 0; i < n; i++)
        flags[i] = mask[i * stride] ? COLUMN_UNKNOWN : flags[i];
}

static inline void column_fill(int32_t *rows, ptrdiff_t n, int32_t row)
{
    for (ptrdiff_t i = 0; i < n; i++)
        rows[i] = row;
}

static inline void column_bool_rows(const char *data, ptrdiff_t stride, ptrdiff_t n, int32_t no, int32_t yes, int32_t *rows)
{
    for (ptrdiff_t i = 0; i < n; i++)
        rows[i] = data[i * stride] ? yes : no;
}

static inline void column_bits_rows(const uint8_t *bits, ptrdiff_t start, ptrdiff_t n, int32_t no, int32_t yes, int32_t *rows)
{
    for (ptrdiff_t i = 0; i < n; i++)
        rows[i] = column_bit(bits, start + i) ? yes : no;
}

/* --- strings ----------------------------------------------------------------------------------------------------- */

#define COLUMN_LOOK_UP(type)                                                                                          \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                               \
        type code;                                                                                                    \
        memcpy(&code, data + i * (ptrdiff_t)sizeof(type), sizeof(type));                                              \
        rows[i] = (uint64_t)code < (uint64_t)count ? table[code] : 0;                                                 \
    }                                                                                                                 \
    break;

static inline void column_code_rows(int kind, const char *data, ptrdiff_t n, const int32_t *table, ptrdiff_t count, int32_t *rows)
{
    switch (kind) {
    case COLUMN_I1: COLUMN_LOOK_UP(int8_t)
    case COLUMN_I2: COLUMN_LOOK_UP(int16_t)
    case COLUMN_I4: COLUMN_LOOK_UP(int32_t)
    case COLUMN_I8: COLUMN_LOOK_UP(int64_t)
    case COLUMN_U1: COLUMN_LOOK_UP(uint8_t)
    case COLUMN_U2: COLUMN_LOOK_UP(uint16_t)
    case COLUMN_U4: COLUMN_LOOK_UP(uint32_t)
    default: COLUMN_LOOK_UP(uint64_t)
    }
}

static inline void column_utf8_rows(const bitmap_operand *operand, int large, const char *offsets, const char *bytes,
                                    ptrdiff_t start, ptrdiff_t n, int32_t *rows)
{
    for (ptrdiff_t i = start; i < start + n; i++) {
        int64_t first, last;
        if (large) {
            memcpy(&first, offsets + i * 8, 8);
            memcpy(&last, offsets + i * 8 + 8, 8);
        } else {
            int32_t from, to;
            memcpy(&from, offsets + i * 4, 4);
            memcpy(&to, offsets + i * 4 + 4, 4);
            first = from, last = to;
        }
        rows[i - start] = (int32_t)bitmap_text_row(operand, bytes + first, (ptrdiff_t)(last - first));
    }
}

/* Strings of Arrow's view layout: 4 bytes of length, then up to 12 of text, or a prefix, a buffer and an offset */
static inline void column_view_rows(const bitmap_operand *operand, const char *views, const char *const *buffers,
                                    const uint8_t *const *valid, const ptrdiff_t *bases, int valid_count,
                                    ptrdiff_t start, ptrdiff_t n, int32_t *rows)
{
    for (ptrdiff_t i = start; i < start + n; i++) {
        const char *view = views + i * 16;
        int32_t size, buffer, offset;
        int there = 1;
        for (int k = 0; k < valid_count; k++) /* the view of a null may be anything */
            there &= column_bit(valid[k], bases[k] + i);
        if (!there) {
            rows[i - start] = 0;
            continue;
        }
        memcpy(&size, view, 4);
        memcpy(&buffer, view + 8, 4);
        memcpy(&offset, view + 12, 4);
        rows[i - start] = (int32_t)bitmap_text_row(operand, size <= 12 ? view + 4 : buffers[buffer] + offset, size);
    }
}

/* Named strings as columns of a fixed width have them: UCS4, padded with zeros. `width` is a multiple of four. A name
   is looked up by a hash of its first `prefix` bytes, which is chosen so that no two names share an entry if that can be
   had cheaply; there is then nothing to guess for the processor. */
typedef struct {
    ptrdiff_t width, prefix;
    uint64_t seed;
    int shift;            /* of a hash, to that of an entry */
    int perfect;
    ptrdiff_t entries;    /* a power of two */
    char *texts;          /* of `width` bytes each */
    int32_t *rows;        /* -1 in an empty entry */
} column_names;

static inline ptrdiff_t column_name_entry(const column_names *names, const char *text)
{
    uint64_t hash = names->seed, word;
    ptrdiff_t i = 0;
    for (; i + 8 <= names->prefix; i += 8) {
        memcpy(&word, text + i, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
    }
    if (i < names->prefix) {
        uint32_t last;
        memcpy(&last, text + i, 4);
        hash = (hash ^ last) * 0xD6E8FEB86659FD93u;
    }
    return (ptrdiff_t)((hash * 0x9E3779B97F4A7C15u) >> names->shift);
}

static inline int column_same_text(const char *left, const char *right, ptrdiff_t width)
{
    uint64_t different = 0, x, y;
    ptrdiff_t i = 0;
    for (; i + 8 <= width; i += 8) {
        memcpy(&x, left + i, 8);
        memcpy(&y, right + i, 8);
        different |= x ^ y;
    }
    if (i < width) {
        uint32_t a, b;
        memcpy(&a, left + i, 4);
        memcpy(&b, right + i, 4);
        different |= a ^ b;
    }
    return different == 0;
}

/* The entry of a text, or the empty one where it would stand */
static inline ptrdiff_t column_find_name(const column_names *names, const char *text)
{
    ptrdiff_t at = column_name_entry(names, text);
    while (names->rows[at] >= 0 && !column_same_text(names->texts + at * names->width, text, names->width))
        at = (at + 1) & (names->entries - 1);
    return at;
}

static inline void column_ucs4_rows(const column_names *names, const char *data, ptrdiff_t stride, ptrdiff_t n,
                                    int32_t unnamed, int32_t *rows)
{
    const column_names local = *names; /* so that the compiler sees that writing rows does not change it */
    if (local.perfect) {
        for (ptrdiff_t i = 0; i < n; i++) {
            const char *text = data + i * stride;
            ptrdiff_t at = column_name_entry(&local, text);
            int32_t row = local.rows[at];
            int same = column_same_text(local.texts + at * local.width, text, local.width) & (row >= 0);
            rows[i] = same ? row : unnamed;
        }
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        int32_t row = local.rows[column_find_name(&local, data + i * stride)];
        rows[i] = row < 0 ? unnamed : row;
    }
}

/* --- sets of clauses --------------------------------------------------------------------------------------------- */

/* index += rows * scale, or = for the first operand of a group */
static inline void column_combine(int32_t *index, const int32_t *rows, ptrdiff_t n, int32_t scale)
{
    for (ptrdiff_t i = 0; i < n; i++)
        index[i] += rows[i] * scale;
}

#define COLUMN_ALIVE_LOOP(W)                                                                                          \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                               \
        uint64_t set[W];                                                                                              \
        memcpy(set, start, sizeof set);                                                                               \
        for (ptrdiff_t g = 0; g < groups; g++) {                                                                      \
            const uint64_t *row = tables[g] + (ptrdiff_t)index[g * room + i] * W;                                     \
            for (int k = 0; k < W; k++)                                                                               \
                set[k] &= row[k];                                                                                     \
        }                                                                                                             \
        memcpy(alive + i * W, set, sizeof set);                                                                       \
    }                                                                                                                 \
    break;

#define COLUMN_ALIVE(name, target)                                                                                    \
    target static inline void name(const uint64_t *const *tables, const int32_t *index, ptrdiff_t room,               \
                                   ptrdiff_t groups, const uint64_t *start, ptrdiff_t words, ptrdiff_t n,             \
                                   uint64_t *alive)                                                                   \
    {                                                                                                                 \
        switch (words) {                                                                                              \
        case 1: COLUMN_ALIVE_LOOP(1)                                                                                  \
        case 2: COLUMN_ALIVE_LOOP(2)                                                                                  \
        case 3: COLUMN_ALIVE_LOOP(3)                                                                                  \
        case 4: COLUMN_ALIVE_LOOP(4)                                                                                  \
        case 5: COLUMN_ALIVE_LOOP(5)                                                                                  \
        case 6: COLUMN_ALIVE_LOOP(6)                                                                                  \
        case 7: COLUMN_ALIVE_LOOP(7)                                                                                  \
        case 8: COLUMN_ALIVE_LOOP(8)                                                                                  \
        }                                                                                                             \
    }

COLUMN_ALIVE(column_alive_portable, )
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
COLUMN_ALIVE(column_alive_avx2, COLUMN_AVX2)
#else
#define column_alive_avx2 column_alive_portable
#endif

static inline void column_alive(const uint64_t *const *tables, const int32_t *index, ptrdiff_t room, ptrdiff_t groups,
                                const uint64_t *start, ptrdiff_t words, ptrdiff_t n, uint64_t *alive)
{
    if (column_has_avx2())
        column_alive_avx2(tables, index, room, groups, start, words, n, alive);
    else
        column_alive_portable(tables, index, room, groups, start, words, n, alive);
}

#endif
