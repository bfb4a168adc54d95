/* Dates, times and UUIDs as text (RFC 3339, RFC 9562): plain C, no Python.

   A writer takes where to write and gives the new end; no quotes. TIME_TEXT_ROOM bytes are enough for each. Years are 1
   to 9999 in what is written: the caller looks with time_text_in_range or time_text_days_in_range. */
#ifndef FASTCORE_TIME_TEXT_H
#define FASTCORE_TIME_TEXT_H

#include <stdint.h>
#include <string.h>
#include "string_blocks.h" /* what may be used of the machine */

enum { TIME_TEXT_NAIVE, TIME_TEXT_OFFSET, TIME_TEXT_Z };
enum { TIME_TEXT_ROOM = 48 };

#define TIME_DAYS_BEFORE 719162         /* from 0001-01-01 to 1970-01-01 */
#define TIME_DAYS 3652059               /* from 0001-01-01 to the end of 9999 */
#define TIME_SECONDS_OF_DAY 86400

#define TIME_TEN(tens) tens "0" tens "1" tens "2" tens "3" tens "4" tens "5" tens "6" tens "7" tens "8" tens "9"
static const char TIME_PAIRS[] = TIME_TEN("0") TIME_TEN("1") TIME_TEN("2") TIME_TEN("3") TIME_TEN("4") TIME_TEN("5")
    TIME_TEN("6") TIME_TEN("7") TIME_TEN("8") TIME_TEN("9");

static inline char *time_pair(char *p, uint32_t number)
{
    memcpy(p, TIME_PAIRS + 2 * number, 2);
    return p + 2;
}

static inline int time_text_days_in_range(int64_t days)
{
    return days >= -TIME_DAYS_BEFORE && days < TIME_DAYS - TIME_DAYS_BEFORE;
}

/* Of seconds since 1970 by the clock that is written: with its offset, if it has one */
static inline int time_text_in_range(int64_t seconds)
{
    return seconds >= -(int64_t)TIME_DAYS_BEFORE * TIME_SECONDS_OF_DAY
           && seconds < (int64_t)(TIME_DAYS - TIME_DAYS_BEFORE) * TIME_SECONDS_OF_DAY;
}

static inline char *time_text_day(char *p, int year, int month, int day)
{
    const uint32_t century = (uint32_t)year / 100;
    p = time_pair(time_pair(p, century), (uint32_t)year - 100 * century);
    *p++ = '-';
    p = time_pair(p, (uint32_t)month);
    *p++ = '-';
    return time_pair(p, (uint32_t)day);
}

static inline char *time_text_clock(char *p, int hour, int minute, int second, uint32_t microsecond)
{
    p = time_pair(p, (uint32_t)hour);
    *p++ = ':';
    p = time_pair(p, (uint32_t)minute);
    *p++ = ':';
    p = time_pair(p, (uint32_t)second);
    if (microsecond) {
        const uint32_t hundreds = microsecond / 100;
        *p++ = '.';
        p = time_pair(time_pair(p, hundreds / 100), hundreds % 100);
        p = time_pair(p, microsecond - 100 * hundreds);
    }
    return p;
}

/* The text of a datetime by its fields, naive; microseconds only if there are any */
static inline char *time_text_fields(char *p, int year, int month, int day, int hour, int minute, int second,
                                     int microsecond)
{
    p = time_text_day(p, year, month, day);
    *p++ = 'T';
    return time_text_clock(p, hour, minute, second, (uint32_t)microsecond);
}

/* An offset from UTC of less than 100 hours */
static inline char *time_text_offset(char *p, int minutes)
{
    const uint32_t size = minutes < 0 ? 0u - (uint32_t)minutes : (uint32_t)minutes;
    *p++ = minutes < 0 ? '-' : '+';
    p = time_pair(p, size / 60);
    *p++ = ':';
    return time_pair(p, size % 60);
}

/* The date that is so many days after 1970-01-01.

   Years begin in March here, so that a leap day is the last of its year. Quotients come from products with constants:
   C. Neri, L. Schneider, Euclidean affine functions and their application to calendar algorithms (Software: Practice
   and Experience 53, 2023). */
static inline char *time_text_date(char *p, int64_t days)
{
    const uint32_t from_march = (uint32_t)(days + 719468); /* from 0000-03-01 */
    const uint32_t century = (4 * from_march + 3) / 146097;
    const uint32_t of_century = (4 * from_march + 3) % 146097 | 3; /* quarters of days */
    const uint64_t product = (uint64_t)2939745 * of_century;       /* 2**32 / 1461, rounded up */
    const uint32_t year_of_century = (uint32_t)(product >> 32);
    const uint32_t day_of_year = (uint32_t)product / 2939745 / 4;
    const uint32_t months = 2141 * day_of_year + 197913;           /* 2**16 months, rounded so that all are right */
    const uint32_t next_year = day_of_year >= 306;                 /* January and February */
    return time_text_day(p, (int)(100 * century + year_of_century + next_year),
                         (int)((months >> 16) - (next_year ? 12 : 0)), (int)((months & 0xFFFF) / 2141 + 1));
}

/* The datetime that is so many seconds after 1970 in UTC, by a clock that is offset by some minutes. The offset is
   written if the mode is TIME_TEXT_OFFSET. */
static inline char *time_text_datetime(char *p, int64_t seconds, uint32_t microseconds, int offset_minutes, int mode)
{
    const uint64_t clock = (uint64_t)(seconds + 60 * (int64_t)offset_minutes
                                      + (int64_t)TIME_DAYS_BEFORE * TIME_SECONDS_OF_DAY);
    const uint64_t days = clock / TIME_SECONDS_OF_DAY;
    const uint32_t second = (uint32_t)(clock - days * TIME_SECONDS_OF_DAY), minute = second / 60;
    p = time_text_date(p, (int64_t)days - TIME_DAYS_BEFORE);
    *p++ = 'T';
    p = time_text_clock(p, (int)(minute / 60), (int)(minute % 60), (int)(second - 60 * minute), microseconds);
    if (mode == TIME_TEXT_OFFSET)
        return time_text_offset(p, offset_minutes);
    *p = 'Z';
    return p + (mode == TIME_TEXT_Z);
}

/* --- UUID -------------------------------------------------------------------------------------------------------- */

#if defined(STRING_SSE2)
#if defined(_MSC_VER)
#include <stdlib.h>
#define time_swap _byteswap_uint64
#else
#define time_swap __builtin_bswap64
#endif

static inline __m128i time_hex(__m128i digits)
{
    __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
    return _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), letters);
}

static inline void time_group(char *p, __m128i digits)
{
    const int four = _mm_cvtsi128_si32(digits);
    *p = '-';
    memcpy(p + 1, &four, 4);
}

static inline char *time_text_uuid(char *p, uint64_t high, uint64_t low)
{
    __m128i number = _mm_set_epi64x((long long)time_swap(low), (long long)time_swap(high)), tens, first, last;
    tens = _mm_and_si128(_mm_srli_epi16(number, 4), _mm_set1_epi8(15));
    number = _mm_and_si128(number, _mm_set1_epi8(15));
    first = time_hex(_mm_unpacklo_epi8(tens, number));
    last = time_hex(_mm_unpackhi_epi8(tens, number));
    /* groups of 8, 4, 4, 4 and 12 digits: what is written twice is right the second time */
    _mm_storeu_si128((__m128i *)(p + 20), last);
    _mm_storeu_si128((__m128i *)p, first);
    time_group(p + 8, _mm_srli_si128(first, 8));
    time_group(p + 13, _mm_srli_si128(first, 12));
    time_group(p + 18, last);
    p[23] = '-';
    return p + 36;
}
#else
/* Eight hexadecimal digits, the first one in the highest byte */
static inline uint64_t time_hex(uint32_t number)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t digits = number, letters;
    digits = (digits | digits << 16) & 0x0000FFFF0000FFFFu;
    digits = (digits | digits << 8) & 0x00FF00FF00FF00FFu;
    digits = (digits | digits << 4) & 0x0F0F0F0F0F0F0F0Fu;
    letters = (digits + 6 * ones) >> 4 & ones; /* 1 where the digit is 10 or more */
    return digits + '0' * ones + ('a' - '0' - 10) * letters;
}

/* The highest bytes of a word, in the order of the text; compilers make it one store */
static inline void time_put(char *p, uint64_t word, int count)
{
    for (int i = 0; i < count; i++)
        p[i] = (char)(word >> (56 - 8 * i));
}

static inline char *time_text_uuid(char *p, uint64_t high, uint64_t low)
{
    const uint64_t second = time_hex((uint32_t)high), third = time_hex((uint32_t)(low >> 32));
    time_put(p, time_hex((uint32_t)(high >> 32)), 8);
    p[8] = '-';
    time_put(p + 9, second, 4);
    p[13] = '-';
    time_put(p + 14, second << 32, 4);
    p[18] = '-';
    time_put(p + 19, third, 4);
    p[23] = '-';
    time_put(p + 24, third << 32, 4);
    time_put(p + 28, time_hex((uint32_t)low), 8);
    return p + 36;
}

#endif

#endif
