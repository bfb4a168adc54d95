/* One operand of a bitmap index: for every value the bitset of the clauses that it leaves standing. Plain C, no Python.

   A row is stored for the unknown value (row 0), for booleans, for truthiness and for classes of strings. Numbers have
   one position per interval between two thresholds. A stored row serves a run of positions: it holds every clause that
   some position of the run leaves standing, and a position names the few that it does not, so memory is linear in the
   constants instead of quadratic. Rows hold only the words in which some clause reads the operand (`words`), so an
   operand of few clauses costs little, however many clauses there are. Where strings are many, each class of them is named
   by the few bits in which it differs from the row of strings that no rule names. */
#ifndef FASTCORE_BITMAP_H
#define FASTCORE_BITMAP_H

#include <string.h>
#include "bitset.h"

typedef struct {
    int32_t row;                  /* a stored row, counted from the first one of numbers */
    int32_t off_first, off_last;  /* entries of `cleared`: the clauses that fell before this position, within its run */
    int32_t on_first, on_last;    /* and those that stand only after it */
} bitmap_position;

typedef struct {
    uint64_t hash;
    int64_t offset;       /* of its bytes; -1 in an empty entry */
    int32_t size, row;
} bitmap_text;

typedef struct {
    ptrdiff_t width;      /* words of a stored row */
    int32_t *words;       /* which words of all clauses these are; NULL where they are all, in order */
    uint64_t *rows;
    int32_t false_row, true_row, falsy_row, truthy_row, unnamed_row;
    int32_t number_row;   /* of the numbers below every threshold; 0 where numbers do not matter; no rows are beyond */
    int32_t number_stored; /* where the stored rows of numbers begin */
    int32_t *class_first; /* class of strings -> its first entry of `class_bits`; NULL where classes have stored rows */
    int32_t *class_bits;  /* bits, counted in a stored row and ascending, in which a class differs from other strings */
    ptrdiff_t cuts;
    double *thresholds;
    bitmap_position *positions;
    int32_t *cleared;     /* bits, counted over all words */
    ptrdiff_t text_mask;  /* entries of `texts` less one; -1 where no string is named */
    bitmap_text *texts;
    char *text_bytes;
} bitmap_operand;

/* How many of the ascending thresholds are <= x: binary search with arithmetic instead of a branch, which compilers
   would leave to a guess */
static inline ptrdiff_t bitmap_passed(const double *thresholds, ptrdiff_t count, double x)
{
    const double *base = thresholds;
    while (count > 1) {
        ptrdiff_t half = count / 2;
        base += half & -(ptrdiff_t)(base[half - 1] <= x);
        count -= half;
    }
    return (base - thresholds) + (count == 1 && base[0] <= x);
}

/* The row of a number that is no NaN */
static inline ptrdiff_t bitmap_number_row(const bitmap_operand *operand, double x)
{
    if (!operand->number_row)
        return 0;
    return operand->number_row + bitmap_passed(operand->thresholds, operand->cuts, x);
}

/* A hash of bytes, eight at a time; the last ones overlap those before, as in wyhash. Up to eight bytes no two texts of
   one size share a hash: every step is a bijection. */
static inline uint64_t bitmap_hash(const char *text, ptrdiff_t size)
{
    uint64_t hash = (uint64_t)size * 0x9E3779B97F4A7C15u, word = 0;
    for (ptrdiff_t i = 0; i + 8 < size; i += 8) {
        memcpy(&word, text + i, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
    }
    if (size >= 8) {
        memcpy(&word, text + size - 8, 8);
    } else if (size >= 4) {
        uint32_t low, high;
        memcpy(&low, text, 4);
        memcpy(&high, text + size - 4, 4);
        word = (uint64_t)high << 32 | low;
    } else if (size > 0) {
        word = (uint64_t)(unsigned char)text[0] << 16 | (uint64_t)(unsigned char)text[size >> 1] << 8
               | (unsigned char)text[size - 1];
    }
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    return hash ^ hash >> 32;
}

/* Whether two texts of one size are equal, eight bytes at a time */
static inline int bitmap_same(const char *left, const char *right, ptrdiff_t size)
{
    uint64_t one, other;
    if (size >= 8) {
        for (ptrdiff_t i = 0; i + 8 < size; i += 8) {
            memcpy(&one, left + i, 8);
            memcpy(&other, right + i, 8);
            if (one != other)
                return 0;
        }
        memcpy(&one, left + size - 8, 8);
        memcpy(&other, right + size - 8, 8);
        return one == other;
    }
    if (size >= 4) {
        uint32_t parts[4];
        memcpy(parts, left, 4);
        memcpy(parts + 1, left + size - 4, 4);
        memcpy(parts + 2, right, 4);
        memcpy(parts + 3, right + size - 4, 4);
        return parts[0] == parts[2] && parts[1] == parts[3];
    }
    return size == 0 || (left[0] == right[0] && left[size >> 1] == right[size >> 1] && left[size - 1] == right[size - 1]);
}

/* The entry of a string, or the empty one where it would stand */
static inline bitmap_text *bitmap_find(const bitmap_operand *operand, const char *text, ptrdiff_t size, uint64_t hash)
{
    ptrdiff_t at = (ptrdiff_t)hash & operand->text_mask;
    for (;; at = (at + 1) & operand->text_mask) {
        bitmap_text *entry = operand->texts + at;
        if (entry->offset < 0
            || (entry->hash == hash && entry->size == size
                && (size <= 8 || bitmap_same(operand->text_bytes + entry->offset, text, size))))
            return entry;
    }
}

/* The row of a string given in UTF-8 */
static inline ptrdiff_t bitmap_text_row(const bitmap_operand *operand, const char *text, ptrdiff_t size)
{
    if (operand->text_mask < 0)
        return operand->unnamed_row;
    bitmap_text *entry = bitmap_find(operand, text, size, bitmap_hash(text, size));
    return entry->offset < 0 ? operand->unnamed_row : entry->row;
}

static inline const bitmap_position *bitmap_at(const bitmap_operand *operand, ptrdiff_t row)
{
    return operand->number_row && row >= operand->number_row ? operand->positions + (row - operand->number_row) : NULL;
}

/* Whether a row is that of strings which are named by bits */
static inline int bitmap_is_class(const bitmap_operand *operand, ptrdiff_t row)
{
    return operand->class_first && row > operand->unnamed_row && (!operand->number_row || row < operand->number_row);
}

/* Where the words of a row begin; a position's row still holds what bitmap_clear takes out. Not for classes. */
static inline const uint64_t *bitmap_row(const bitmap_operand *operand, ptrdiff_t row)
{
    const bitmap_position *position = bitmap_at(operand, row);
    if (position)
        row = operand->number_stored + position->row;
    return operand->rows + row * operand->width;
}

/* Whether some position has anything to clear */
static inline int bitmap_clears(const bitmap_operand *operand)
{
    if (!operand->number_row)
        return 0;
    for (ptrdiff_t i = 0; i <= operand->cuts; i++) {
        const bitmap_position *position = operand->positions + i;
        if (position->off_first < position->off_last || position->on_first < position->on_last)
            return 1;
    }
    return 0;
}

static inline void bitmap_clear(uint64_t *alive, const bitmap_operand *operand, ptrdiff_t row)
{
    const bitmap_position *position = bitmap_at(operand, row);
    if (!position)
        return;
    for (int32_t i = position->off_first; i < position->off_last; i++)
        alive[operand->cleared[i] >> 6] &= ~((uint64_t)1 << (operand->cleared[i] & 63));
    for (int32_t i = position->on_first; i < position->on_last; i++)
        alive[operand->cleared[i] >> 6] &= ~((uint64_t)1 << (operand->cleared[i] & 63));
}

/* alive &= words first to last - 1 of a stored row */
static inline void bitmap_and(uint64_t *alive, const bitmap_operand *operand, const uint64_t *stored, ptrdiff_t first,
                              ptrdiff_t last)
{
    if (!operand->words) {
        bitset_and(alive + first, stored + first, last - first);
        return;
    }
    for (ptrdiff_t i = first; i < last; i++)
        alive[operand->words[i]] &= stored[i];
}

static inline void bitmap_keep_class(uint64_t *alive, const bitmap_operand *operand, ptrdiff_t row)
{
    const uint64_t *stored = operand->rows + operand->unnamed_row * operand->width;
    const int32_t *first = operand->class_first + (row - operand->unnamed_row - 1);
    ptrdiff_t done = 0;
    for (int32_t i = first[0]; i < first[1];) {
        ptrdiff_t word = operand->class_bits[i] >> 6;
        uint64_t changed = 0;
        for (; i < first[1] && operand->class_bits[i] >> 6 == word; i++)
            changed |= (uint64_t)1 << (operand->class_bits[i] & 63);
        bitmap_and(alive, operand, stored, done, word);
        alive[operand->words ? operand->words[word] : word] &= stored[word] ^ changed;
        done = word + 1;
    }
    bitmap_and(alive, operand, stored, done, operand->width);
}

/* alive &= the bitset of a row */
static inline void bitmap_keep(uint64_t *alive, const bitmap_operand *operand, ptrdiff_t row)
{
    if (bitmap_is_class(operand, row)) {
        bitmap_keep_class(alive, operand, row);
        return;
    }
    bitmap_and(alive, operand, bitmap_row(operand, row), 0, operand->width);
    bitmap_clear(alive, operand, row);
}

/* Whether every row can be ANDed word by word with those of other operands */
static inline int bitmap_joins(const bitmap_operand *operand)
{
    return !operand->words && !operand->class_first;
}

/* Whether one of some clauses reads the operand; `users` are all that do */
static inline int bitmap_meets(const uint64_t *alive, const bitmap_operand *operand, const uint64_t *users,
                               ptrdiff_t words)
{
    uint64_t common = 0;
    if (!operand->words)
        return bitset_meets(alive, users, words);
    for (ptrdiff_t i = 0; i < operand->width; i++) /* the row of the unknown value has all clauses but those */
        common |= alive[operand->words[i]] & ~operand->rows[i];
    return common != 0;
}

#endif
