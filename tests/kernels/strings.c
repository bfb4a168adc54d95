/* Checks of string_text.h against the plainest code. Input and output end where memory ends, so that one byte read or
   written too far stops the program. Prints what differs first; answers 0 if nothing does. With an argument it also
   tries the bytes that no code treats specially, in long texts too. */
#include "string_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LONGEST = 200, MEMORY = 1 << 16 };

static unsigned char *input_end, *output_end;
static uint32_t points[4096];
static char expected[6 * 4096];
static const uint32_t edges[] = {0x7F,   0x80,   0xFF,   0x100,  0x122,  0x15C,   0x7FF,   0x800,   0x2028,
                                 0x7FFF, 0x8000, 0xD7FF, 0xD800, 0xDBFF, 0xDC00,  0xDFFF,  0xE000,  0xFEFF,
                                 0xFF22, 0xFFFD, 0xFFFF, 0x10000, 0x10022, 0x1F600, 0x2005C, 0x10FFFF};

static int thorough;

static uint32_t random_below(uint32_t bound)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % bound;
}

/* The end of memory behind which there is none */
static unsigned char *guarded(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *memory = mmap(NULL, MEMORY + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + MEMORY, page, PROT_NONE))
        exit(2);
    return memory + MEMORY;
}

static char *plain_utf8(char *p, uint32_t c)
{
    if (c < 0x80) {
        *p++ = (char)c;
        return p;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *p++ = (char)((0xFF00 >> (more + 1) & 0xFF) | c >> 6 * more);
    while (more-- > 0)
        *p++ = (char)(0x80 | (c >> 6 * more & 0x3F));
    return p;
}

static char *plain_escape(char *p, uint32_t c)
{
    static const char from[] = "\b\t\n\f\r\"\\", to[] = "btnfr\"\\";
    const char *at = c && c < 0x80 ? strchr(from, (int)c) : NULL;
    if (at)
        return p + sprintf(p, "\\%c", to[at - from]);
    return c < 0x20 ? p + sprintf(p, "\\u%04x", (unsigned)c) : plain_utf8(p, c);
}

/* Width 0 is text that is UTF-8 already: `points` are its bytes. */
static char *written(char *out, const unsigned char *in, size_t n, int width)
{
    switch (width) {
    case 0:
        return string_text_utf8(out, in, n);
    case 1:
        return string_text_ucs1(out, in, n);
    case 2:
        return string_text_ucs2(out, (const uint16_t *)(const void *)in, n);
    default:
        return string_text_ucs4(out, (const uint32_t *)(const void *)in, n);
    }
}

/* `shift` moves the input from the end of its memory; what long texts are written to, too, because some vectors are
   aligned there */
static void check(size_t n, int width, size_t shift)
{
    size_t size = width ? (size_t)width : 1;
    unsigned char *in = input_end - size * (n + shift);
    char *out = (char *)output_end - (6 * n + 64) - (n > LONGEST ? shift % 64 : 0), *end = expected;
    for (size_t i = 0; i < n; i++) {
        uint16_t half = (uint16_t)points[i];
        if (size == 4)
            memcpy(in + 4 * i, points + i, 4);
        else if (size == 2)
            memcpy(in + 2 * i, &half, 2);
        else
            in[i] = (unsigned char)points[i];
        if (width >= 2 && points[i] >= 0xD800 && points[i] < 0xE000) {
            end = NULL;
            break;
        }
        if (width == 0 && points[i] >= 0x80)
            *end++ = (char)points[i];
        else
            end = plain_escape(end, points[i]);
    }
    char *found = written(out, in, n, width);
    if (!end != !found || (end && (found - out != end - expected || memcmp(out, expected, (size_t)(end - expected))))) {
        printf("width %d, %zu characters, shift %zu:\n", width, n, shift);
        for (size_t i = 0; i < n; i++)
            printf("%x ", (unsigned)points[i]);
        puts("");
        exit(1);
    }
}

static void fill(size_t n)
{
    for (size_t i = 0; i < n; i++)
        points[i] = 'a' + (uint32_t)i % 26;
}

static int dull(uint32_t c)
{
    return (c > 0x23 && c < 0x5B) || (c > 0x5D && c < 0x7F) || (c > 0x80 && c < 0xFF);
}

/* Every length, every position in it, every byte or edge there */
static void check_places(int width)
{
    const size_t count = width < 2 ? 256 : 128 + sizeof edges / sizeof *edges;
    for (size_t n = 0; n <= LONGEST; n++) {
        fill(n);
        check(n, width, 0);
        for (size_t at = 0; at < n; at++) {
            for (size_t i = 0; i < count; i++) {
                points[at] = i < 128 || width < 2 ? (uint32_t)i : edges[i - 128];
                if (n > 40 && dull(points[at]) && !thorough)
                    continue;
                if (width != 2 || points[at] < 0x10000)
                    check(n, width, (n + at + i) % 64);
            }
            points[at] = 'x';
        }
    }
}

/* Long texts, with one byte that is found, or none: at every place of a vector, and written to every place of one */
static void check_long(int width)
{
    for (size_t n = 500; n < 1200; n += 1 + n / 20) {
        fill(n);
        for (size_t at = 0; at < n; at += 1 + random_below(thorough ? 2 : 9)) {
            check(n, width, at);
            points[at] = random_below(2) ? '"' : random_below(0x20);
            check(n, width, random_below(64));
            points[at] = 'x';
        }
    }
}

/* Texts of every density of what is escaped and of what is wide */
static void check_mixtures(int width)
{
    for (int round = 0; round < 40000; round++) {
        const size_t n = random_below(round % 100 ? 300 : 3000);
        const uint32_t rare = 1 + random_below(40), wide = 1 + random_below(20);
        for (size_t i = 0; i < n; i++) {
            uint32_t c = 0x20 + random_below(0x60);
            if (!random_below(rare))
                c = random_below(3) ? random_below(0x20) : random_below(2) ? '"' : '\\';
            else if (!random_below(wide))
                c = random_below(4) ? random_below(0x110000) >> random_below(21)
                                    : edges[random_below(sizeof edges / sizeof *edges)];
            if (c - 0xD800 < 0x800 && random_below(50))
                c = 0x430;
            points[i] = width < 2 ? c & 0xFF : width == 2 ? c & 0xFFFF : c;
        }
        check(n, width, random_below(64));
    }
}

/* UTF-8 by its definition: the shortest form of a number that is no surrogate and at most 0x10FFFF */
static int plain_valid(const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        int more = s[i] < 0x80 ? 0 : s[i] >> 5 == 6 ? 1 : s[i] >> 4 == 14 ? 2 : s[i] >> 3 == 30 ? 3 : -1;
        uint32_t c = more == 0 ? s[i] : s[i] & (0x3F >> (more < 0 ? 0 : more));
        char form[4];
        if (more < 0 || i + (size_t)more >= n)
            return 0;
        for (int k = 1; k <= more; k++) {
            if (s[i + (size_t)k] >> 6 != 2)
                return 0;
            c = c << 6 | (s[i + (size_t)k] & 0x3F);
        }
        if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) || plain_utf8(form, c) - form != more + 1)
            return 0;
        i += (size_t)more + 1;
    }
    return 1;
}

static void check_valid(size_t n)
{
    const unsigned char *text = input_end - n;
    if (string_text_valid_utf8(text, n) == plain_valid(text, n))
        return;
    printf("validity of:");
    for (size_t i = 0; i < n; i++)
        printf(" %02x", text[i]);
    puts("");
    exit(1);
}

/* The edges of every text of four bytes, behind and before some ASCII */
static void check_valid_edges(size_t before, size_t after)
{
    static const unsigned char some[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xFF};
    const size_t n = before + 4 + after;
    unsigned char *text = input_end - n, *at = text + before;
    memset(text, 'x', n);
    for (uint32_t two = 0x7F00; two < 0x10000; two++)
        for (size_t rest = 0; rest < 144; rest++) {
            at[0] = (unsigned char)(two >> 8);
            at[1] = (unsigned char)two;
            at[2] = some[rest / 12];
            at[3] = some[rest % 12];
            check_valid(n);
        }
}

static void check_validity(void)
{
    check_valid_edges(0, 0);
    check_valid_edges(61, 3);
    if (thorough)
        for (size_t places = 0; places < 130 * 8; places++)
            check_valid_edges(places / 8, places % 8);
    for (uint32_t three = 0; three < 1u << 24; three += thorough ? 1 : 7) {
        for (int i = 0; i < 3; i++)
            input_end[i - 3] = (unsigned char)(three >> 8 * (2 - i));
        check_valid(3);
    }
}

/* Long texts of whole characters, some with one byte that is wrong or cut off */
static void check_validity_of_mixtures(void)
{
    for (int round = 0; round < 100000; round++) {
        const uint32_t wide = 1 + random_below(20);
        char *end = expected;
        for (size_t i = random_below(200); i > 0; i--) {
            uint32_t c = random_below(wide) ? 'x' : random_below(0x110000) >> random_below(21);
            end = plain_utf8(end, c - 0xD800 < 0x800 ? 'y' : c);
        }
        size_t n = (size_t)(end - expected);
        if (n && random_below(2))
            expected[random_below((uint32_t)n)] = (char)random_below(256);
        if (n && !random_below(4))
            n -= 1;
        memcpy(input_end - n, expected, n);
        check_valid(n);
    }
}

int main(int count, char **arguments)
{
    static const int widths[] = {0, 1, 2, 4};
    (void)arguments;
    thorough = count > 1;
    input_end = guarded();
    output_end = guarded();
    for (int i = 0; i < 4; i++) {
        check_places(widths[i]);
        check_mixtures(widths[i]);
        check_long(widths[i]);
    }
    check_validity();
    check_validity_of_mixtures();
    return 0;
}
