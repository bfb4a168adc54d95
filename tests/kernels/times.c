/* Checks of time_text.h: every day against a calendar that counts, clocks and UUIDs against printf. Prints what differs
   first; answers 0 if nothing does. */
#include "time_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t random_word(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void compare(const char *found, const char *end, const char *expected)
{
    if ((size_t)(end - found) == strlen(expected) && !memcmp(found, expected, strlen(expected)))
        return;
    printf("%.*s is not %s\n", (int)(end - found), found, expected);
    exit(1);
}

static int days_of(int year, int month)
{
    if (month == 2)
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Some moment of a day, by a clock that is up to a day ahead of or behind UTC */
static void check_clock(int64_t days, const char *date)
{
    const int second = (int)(random_word() % 86400), offset = (int)(random_word() % 2879) - 1439;
    const int micro = random_word() % 3 ? (int)(random_word() % 1000000) : 0;
    const int64_t seconds = days * 86400 + second;
    char expected[64], out[TIME_TEXT_ROOM], *end = expected;
    end += sprintf(end, "%sT%02d:%02d:%02d", date, second / 3600, second / 60 % 60, second % 60);
    if (micro)
        end += sprintf(end, ".%06d", micro);
    compare(out, time_text_datetime(out, seconds, (uint32_t)micro, 0, TIME_TEXT_NAIVE), expected);
    sprintf(end, "Z");
    compare(out, time_text_datetime(out, seconds, (uint32_t)micro, 0, TIME_TEXT_Z), expected);
    sprintf(end, "%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 60, abs(offset) % 60);
    compare(out, time_text_datetime(out, seconds - 60 * offset, (uint32_t)micro, offset, TIME_TEXT_OFFSET), expected);
    if (!time_text_in_range(seconds)) {
        printf("%s is in range\n", expected);
        exit(1);
    }
}

static void check_days(void)
{
    int64_t days = -719162;
    for (int year = 1; year < 10000; year++)
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= days_of(year, month); day++, days++) {
                char expected[32], out[TIME_TEXT_ROOM];
                sprintf(expected, "%04d-%02d-%02d", year, month, day);
                compare(out, time_text_date(out, days), expected);
                compare(out, time_text_day(out, year, month, day), expected);
                check_clock(days, expected);
            }
    if (!time_text_days_in_range(-719162) || time_text_days_in_range(-719163) || !time_text_days_in_range(days - 1)
        || time_text_days_in_range(days) || time_text_days_in_range(INT64_MIN) || time_text_days_in_range(INT64_MAX)
        || time_text_in_range(days * 86400) || !time_text_in_range(days * 86400 - 1)
        || time_text_in_range(-(int64_t)719162 * 86400 - 1) || time_text_in_range(INT64_MIN)
        || time_text_in_range(INT64_MAX)) {
        puts("the range is not the years 1 to 9999");
        exit(1);
    }
}

static void check_uuids(void)
{
    for (int i = 0; i < 300000; i++) {
        uint64_t high = random_word() >> (i % 65 & 63), low = random_word() << (i % 67 & 63);
        char expected[64], out[TIME_TEXT_ROOM];
        sprintf(expected, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
                high >> 16 & 0xFFFF, high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFFu);
        compare(out, time_text_uuid(out, high, low), expected);
    }
}

int main(void)
{
    check_days();
    check_uuids();
    return 0;
}
