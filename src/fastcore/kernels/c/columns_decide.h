/* From the clauses that hold for each event of a chunk to how many rules fired, their score and their action, for up to
   eight words of clauses. Plain C, no Python.

   The clauses of a rule are neighbours. A set of clauses becomes one of rules by leaving, of each rule's bits within a
   word, the highest one: adding the ones below it to themselves carries into it if any of them was set. A rule whose
   bits lie in two words leaves two; the second is then taken out. */
#ifndef FASTCORE_COLUMNS_DECIDE_H
#define FASTCORE_COLUMNS_DECIDE_H

#include <string.h>
#include "columns.h"

#define COLUMN_BITS_STRIDE 65 /* the entry after those of a word's bits is that of none */

typedef struct {
    uint64_t low[8], high[8];  /* a rule's bits within a word: the highest, and those below it */
    uint64_t again[8];         /* the highest bit of a rule that the word before ends with; 0 if there is none */
    uint64_t acting[8];        /* the bits, out of `high`, of rules that have an action */
    int32_t *owners;           /* word * COLUMN_BITS_STRIDE + bit -> position of the rule */
    int32_t *actions;          /* and its action */
    int64_t *whole;            /* and its score, of the one type or the other */
    double *real;
} column_rules;

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define COLUMN_BMI __attribute__((target("avx2,bmi,popcnt")))
#define column_has_bmi() (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt"))
#else
#define COLUMN_BMI
#define column_has_bmi() 0
#endif

static inline int column_count_bits(uint64_t x)
{
#if defined(__GNUC__) || defined(__clang__)
    return __builtin_popcountll(x);
#else
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
    return (int)(x * 0x0101010101010101u >> 56);
#endif
}

static inline int column_lowest(uint64_t x)
{
    return x ? bitset_lowest(x) : 64;
}

/* Three rules of a word without asking whether there are so many, because a branch on that is a guess; then the rest */
#define COLUMN_NEXT(lowest)                                                                                           \
    total += scores[lowest(word)];                                                                                    \
    word &= word - 1;
#define COLUMN_DECIDE_LOOP(W, lowest)                                                                                 \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                               \
        uint64_t *set = alive + i * W;                                                                                \
        uint64_t carry = 0;                                                                                           \
        int32_t fired = 0, code = -1;                                                                                 \
        total = 0;                                                                                                    \
        for (int k = 0; k < W; k++) {                                                                                 \
            const uint64_t high = rules->high[k], low = rules->low[k], again = rules->again[k];                       \
            uint64_t word = (((set[k] & low) + low) | set[k]) & high;                                                 \
            uint64_t ended = word >> 63;                                                                              \
            word &= ~(again & (0 - carry));                                                                           \
            carry = ended | (carry & again >> 63);                                                                    \
            set[k] = word;                                                                                            \
            fired += column_count_bits(word);                                                                         \
            scores = values + k * COLUMN_BITS_STRIDE;                                                                 \
            COLUMN_NEXT(lowest)                                                                                       \
            COLUMN_NEXT(lowest)                                                                                       \
            COLUMN_NEXT(lowest)                                                                                       \
            while (word) {                                                                                            \
                COLUMN_NEXT(lowest)                                                                                   \
            }                                                                                                         \
        }                                                                                                             \
        for (int k = W - 1; k >= 0; k--) {                                                                            \
            uint64_t word = set[k] & rules->acting[k];                                                                \
            int32_t action = rules->actions[k * COLUMN_BITS_STRIDE + lowest(word)];                                   \
            code = word ? action : code;                                                                              \
        }                                                                                                             \
        counts[i] = fired;                                                                                            \
        totals[i] = total;                                                                                            \
        actions[i] = code;                                                                                            \
    }                                                                                                                 \
    break;

#define COLUMN_DECIDE(name, type, member, target, lowest)                                                             \
    target static inline void name(const column_rules *rules, uint64_t *alive, ptrdiff_t words, ptrdiff_t n,          \
                                   int32_t *counts, type *totals, int32_t *actions)                                   \
    {                                                                                                                 \
        const type *values = rules->member, *scores;                                                                  \
        type total;                                                                                                   \
        switch (words) {                                                                                              \
        case 1: COLUMN_DECIDE_LOOP(1, lowest)                                                                         \
        case 2: COLUMN_DECIDE_LOOP(2, lowest)                                                                         \
        case 3: COLUMN_DECIDE_LOOP(3, lowest)                                                                         \
        case 4: COLUMN_DECIDE_LOOP(4, lowest)                                                                         \
        case 5: COLUMN_DECIDE_LOOP(5, lowest)                                                                         \
        case 6: COLUMN_DECIDE_LOOP(6, lowest)                                                                         \
        case 7: COLUMN_DECIDE_LOOP(7, lowest)                                                                         \
        case 8: COLUMN_DECIDE_LOOP(8, lowest)                                                                         \
        }                                                                                                             \
    }

COLUMN_DECIDE(column_decide_whole_portable, int64_t, whole, , column_lowest)
COLUMN_DECIDE(column_decide_real_portable, double, real, , column_lowest)
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
COLUMN_DECIDE(column_decide_whole_bmi, int64_t, whole, COLUMN_BMI, _tzcnt_u64)
COLUMN_DECIDE(column_decide_real_bmi, double, real, COLUMN_BMI, _tzcnt_u64)
#else
#define column_decide_whole_bmi column_decide_whole_portable
#define column_decide_real_bmi column_decide_real_portable
#endif

/* Turns the sets of clauses into sets of rules; an action is that of the first rule that has one, else -1. */
static inline void column_decide_whole(const column_rules *rules, uint64_t *alive, ptrdiff_t words, ptrdiff_t n,
                                       int32_t *counts, int64_t *totals, int32_t *actions)
{
    if (column_has_bmi())
        column_decide_whole_bmi(rules, alive, words, n, counts, totals, actions);
    else
        column_decide_whole_portable(rules, alive, words, n, counts, totals, actions);
}

static inline void column_decide_real(const column_rules *rules, uint64_t *alive, ptrdiff_t words, ptrdiff_t n,
                                      int32_t *counts, double *totals, int32_t *actions)
{
    if (column_has_bmi())
        column_decide_real_bmi(rules, alive, words, n, counts, totals, actions);
    else
        column_decide_real_portable(rules, alive, words, n, counts, totals, actions);
}

#endif
