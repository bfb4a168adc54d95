/* Values in the memory of columns as JSON text: plain C that needs no GIL.

   A build is a list of cells, made once from a plan and its columns. Each writes a fragment of constant text (keys,
   braces, commas, constants) and then one value; the cells nested in it follow it and are counted in its `inner`.
   A row that cannot be written leaves nothing, so that what is in the buffer are whole rows. */
#ifndef FASTCORE_WRITE_CELLS_H
#define FASTCORE_WRITE_CELLS_H

#include "write_memory.h"
#include "write_rows.h"

enum {
    /* no value */
    CELL_TEXT,      /* the fragment alone */
    CELL_OPTIONAL,  /* the cells nested in it, where the element is not null */
    CELL_OPEN,      /* begins an object whose first member may be left out: each has its comma before it */
    CELL_CLOSE,     /* ends it */
    /* a Python object */
    CELL_OBJECT,    /* of the block */
    CELL_LISTED,    /* in a list */
    /* values in memory */
    CELL_INT,
    CELL_INT64,     /* of 64 bits in this machine's byte order */
    CELL_DOUBLE,    /* any float, as a double */
    CELL_DOUBLE64,
    CELL_SINGLE,    /* a float of 16 or 32 bits by its own shortest text */
    CELL_WHOLE,     /* an int for a field of floats */
    CELL_BOOL,
    CELL_BITS,
    CELL_UTF8,
    CELL_VIEW,
    CELL_UCS4,
    CELL_BYTES,
    CELL_TEXTS,     /* codes of a dictionary whose texts have been made */
    CELL_CODES,     /* codes of one whose elements are read */
    CELL_DATETIME,
    CELL_DATE,
    CELL_COUNT,     /* a moment as a count from the epoch */
    CELL_DECIMAL,
    CELL_UUID,
    CELL_LIST,
    CELL_CLOCK
};

enum {
    CELL_OMIT = 1,      /* without a value the member is left out */
    CELL_NULLABLE = 2,  /* None is written as null */
    CELL_STRICT = 4,    /* what is not finite is refused, not null */
    CELL_QUOTED = 8,
    CELL_SWAPPED = 16,  /* of the other byte order */
    CELL_RAW = 32,      /* text that is JSON */
    CELL_LARGE = 64,    /* offsets of 64 bits */
    CELL_REAL = 128,    /* a count with a fraction */
    CELL_ROUNDED = 256, /* to `places` */
    CELL_NAT = 512,     /* the least int is no moment */
    CELL_WHOLE_DAYS = 1024,
    CELL_ABSENT = 2048  /* Ellipsis leaves the member out */
};

/* Why a value was not written; beside WRITE_RAISED and WRITE_REFUSED */
enum {
    CELL_DONE,
    CELL_FULL = 16,     /* more room is needed */
    CELL_NONE,          /* it is null */
    CELL_NOT_FINITE,
    CELL_LEFT_OUT,
    CELL_LIMIT          /* no failure: enough has been written */
};

enum {
    CELL_PIECE = 2048,  /* bytes of text for which room is asked at once */
    CELL_DEPTH = 72,    /* objects that are open at once */
    CELL_AHEAD = 8      /* rows whose strings are fetched ahead */
};

typedef struct {
    const uint8_t *bits;
    ptrdiff_t base;         /* the bit of element 0 */
} cell_bitmap;

/* The last reading of a clock: several rows are written before its text changes. */
typedef struct {
    int64_t value;
    ptrdiff_t size;         /* of the text; 0 before the first */
    char text[WRITE_ROOM];
} cell_clock;

/* Made by the column that it writes; what every row needs comes first. */
typedef struct {
    int kind, flags;
    const char *fragment;   /* may be read WRITE_PAD bytes beyond its end */
    int fragment_size;
    int may_be_null;
    ptrdiff_t inner;
    const char *data;       /* element 0; of bits, the bitmap */
    ptrdiff_t stride;
    const write_step *object_step;
    PyObject *list;
    ptrdiff_t base;         /* the bit, or the place in its list, of element 0; the element of the first object */
    PyObject **objects;     /* of the block */
    int memory;             /* what numbers and codes are */
    int checked;            /* the text from low to high is UTF-8 */
    const char *offsets;    /* of element 0 */
    int64_t last;           /* offset, code or item that is there */
    int64_t low, high;      /* what offsets of the block are between; how many buffers views have */
    const char *texts;      /* of a dictionary */
    const int64_t *places_of_texts; /* start and size of each; a size of 0: null, -1: refused */
    const cell_bitmap *bitmaps;
    const char *mask;       /* bytes that are not zero where elements are hidden; NULL if none are */
    ptrdiff_t mask_stride;
    int bitmap_count;
    int places;             /* decimal places */
    ptrdiff_t width;        /* of fixed text, in bytes; of a list, in items: 0 where offsets say it */
    int64_t multiple, per_second;   /* of moments: see memory_moment */
    int64_t unit;           /* microseconds of a field's unit */
    int zone, mode;         /* minutes; how time_text_datetime writes it */
    uint64_t first, step;   /* of a range */
    const char **buffers;
    const int64_t *sizes;   /* of buffers */
    cell_clock *clock;
} cell;

typedef struct cell_build {
    write_buffer *buffer;
    const cell *cells;
    ptrdiff_t count;
    const char *tail;       /* after each row; may be read WRITE_PAD bytes beyond its end */
    ptrdiff_t tail_size;
    size_t room;            /* what a row, or an item of a list, needs for all but long text */
    int failure;
    int depth;
    ptrdiff_t opened[CELL_DEPTH];
} cell_build;

/* --- parts ------------------------------------------------------------------------------------------------------- */

static inline int cell_is_null(const cell *it, ptrdiff_t i)
{
    for (int k = 0; k < it->bitmap_count; k++) {
        ptrdiff_t bit = it->bitmaps[k].base + i;
        if (!(it->bitmaps[k].bits[bit >> 3] >> (bit & 7) & 1))
            return 1;
    }
    return it->mask && it->mask[i * it->mask_stride];
}

static inline char *cell_fail(cell_build *build, int failure)
{
    build->failure = failure;
    return NULL;
}

static inline int cell_fits(const cell_build *build, const char *p, size_t n)
{
    return (size_t)(build->buffer->limit - p) >= n + build->room;
}

static inline size_t cell_text_room(size_t n)
{
    return 6 * (n < CELL_PIECE ? n : CELL_PIECE) + 64;
}

/* Text that is UTF-8, in quotes unless it is raw. */
static inline char *cell_text(cell_build *build, const cell *it, const char *text, size_t n, char *p)
{
    const unsigned char *s = (const unsigned char *)text;
    if (it->flags & CELL_RAW) {
        if (!n)
            return cell_fail(build, WRITE_REFUSED);
        if (!cell_fits(build, p, n))
            return cell_fail(build, CELL_FULL);
        memcpy(p, s, n);
        return p + n;
    }
    if (!cell_fits(build, p, cell_text_room(n)))
        return cell_fail(build, CELL_FULL);
    *p++ = '"';
    while (n > CELL_PIECE) {
        p = string_text_utf8(p, s, CELL_PIECE);
        s += CELL_PIECE, n -= CELL_PIECE;
        if (!cell_fits(build, p, cell_text_room(n)))
            return cell_fail(build, CELL_FULL);
    }
    p = string_text_utf8(p, s, n);
    *p++ = '"';
    return p;
}

static inline char *cell_unchecked_text(cell_build *build, const cell *it, const char *text, size_t n, char *p)
{
    if (!string_text_valid_utf8((const unsigned char *)text, n))
        return cell_fail(build, WRITE_REFUSED);
    return cell_text(build, it, text, n, p);
}

static inline void cell_offsets(const cell *it, ptrdiff_t i, int64_t *start, int64_t *stop)
{
    if (it->flags & CELL_LARGE) {
        *start = (int64_t)memory_load64(it->offsets + 8 * i, 0);
        *stop = (int64_t)memory_load64(it->offsets + 8 * i + 8, 0);
    } else {
        *start = (int32_t)memory_load32(it->offsets + 4 * i, 0);
        *stop = (int32_t)memory_load32(it->offsets + 4 * i + 4, 0);
    }
}

static inline int cell_between_characters(const cell *it, int64_t at)
{
    return at == it->high || (it->data[at] & 0xC0) != 0x80;
}

static inline char *cell_utf8(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    int64_t start, stop;
    cell_offsets(it, i, &start, &stop);
    if (start < it->low || stop < start || stop > it->high)
        return cell_fail(build, WRITE_REFUSED);
    if (it->checked && cell_between_characters(it, start) && cell_between_characters(it, stop))
        return cell_text(build, it, it->data + start, (size_t)(stop - start), p);
    return cell_unchecked_text(build, it, it->data + start, (size_t)(stop - start), p);
}

/* Arrow's view: a size, then the text, or its first four bytes, the number of its buffer and its place there. */
static inline char *cell_view(cell_build *build, const cell *it, const char *at, char *p)
{
    char view[16];
    int32_t size, number, place;
    memcpy(view, at, sizeof view);
    memcpy(&size, view, 4);
    if (size < 0)
        return cell_fail(build, WRITE_REFUSED);
    if (size <= 12)
        return cell_unchecked_text(build, it, view + 4, (size_t)size, p);
    memcpy(&number, view + 8, 4);
    memcpy(&place, view + 12, 4);
    if (number < 0 || number >= it->high || place < 0 || it->sizes[number] - place < size)
        return cell_fail(build, WRITE_REFUSED);
    return cell_unchecked_text(build, it, it->buffers[number] + place, (size_t)size, p);
}

static inline char *cell_ucs4(cell_build *build, const cell *it, const char *at, char *p)
{
    uint32_t piece[128];
    size_t n = memory_ucs4_length(at, it->width), count;
    int beyond = 0;
    *p++ = '"';
    for (; n; n -= count, at += 4 * count) {
        count = n < 128 ? n : 128;
        if (!cell_fits(build, p, 6 * count + 64))
            return cell_fail(build, CELL_FULL);
        memcpy(piece, at, count * 4);
        for (size_t k = 0; it->flags & CELL_SWAPPED && k < count; k++)
            piece[k] = memory_swap32(piece[k]);
        for (size_t k = 0; k < count; k++)
            beyond |= piece[k] > 0x10FFFF;
        p = beyond ? NULL : string_text_ucs4(p, piece, count);
        if (!p)
            return cell_fail(build, WRITE_REFUSED);
    }
    *p++ = '"';
    return p;
}

static inline int64_t cell_int(const cell *it, ptrdiff_t i)
{
    if (it->memory == MEMORY_RANGE)
        return (int64_t)(it->first + it->step * (uint64_t)i);
    return memory_load_int(it->memory, it->data + i * it->stride, it->flags & CELL_SWAPPED);
}

static inline char *cell_int_text(const cell *it, int64_t value, char *p)
{
    int quoted = (it->flags & CELL_QUOTED) != 0;
    *p = '"';
    p = it->memory == MEMORY_U8 ? number_text_u64(p + quoted, (uint64_t)value) : number_text_i64(p + quoted, value);
    *p = '"';
    return p + quoted;
}

static inline char *cell_double_text(cell_build *build, const cell *it, double x, char *p)
{
    int quoted = (it->flags & CELL_QUOTED) != 0;
    if (!isfinite(x))
        return cell_fail(build, CELL_NOT_FINITE);
    *p = '"';
    p = it->flags & CELL_ROUNDED ? number_text_rounded(p + quoted, x, it->places) : number_text_double(p + quoted, x);
    if (!p)
        return cell_fail(build, WRITE_REFUSED);
    *p = '"';
    return p + quoted;
}

static inline char *cell_single_text(cell_build *build, const cell *it, float x, char *p)
{
    int quoted = (it->flags & CELL_QUOTED) != 0;
    if (!isfinite(x))
        return cell_fail(build, CELL_NOT_FINITE);
    *p = '"';
    p = number_text_single(p + quoted, x);
    *p = '"';
    return p + quoted;
}

static inline char *cell_moment(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    int64_t count = cell_int(it, i), seconds, rest;
    uint32_t microseconds;
    if (it->flags & CELL_NAT && count == INT64_MIN)
        return cell_fail(build, CELL_NOT_FINITE);
    if ((it->memory == MEMORY_U8 && count < 0)
        || !memory_moment(count, it->multiple, it->per_second, &seconds, &microseconds)
        || !time_text_in_range(seconds) || !time_text_in_range(seconds + 60 * (int64_t)it->zone))
        return cell_fail(build, WRITE_REFUSED);
    if (it->kind == CELL_DATETIME) {
        *p = '"';
        p = time_text_datetime(p + 1, seconds, microseconds, it->zone, it->mode);
        *p = '"';
        return p + 1;
    }
    if (it->kind == CELL_DATE) {
        rest = (seconds % 86400 + 86400) % 86400;
        if (it->flags & CELL_WHOLE_DAYS && (rest || count * it->multiple % it->per_second))
            return cell_fail(build, WRITE_REFUSED);
        *p = '"';
        p = time_text_date(p + 1, (seconds - rest) / 86400);
        *p = '"';
        return p + 1;
    }
    count = seconds * 1000000 + microseconds;
    if (it->flags & CELL_REAL) {
        if (count > INT64_C(1) << 53 || count < -(INT64_C(1) << 53))  /* its quotient would be rounded twice */
            return cell_fail(build, WRITE_REFUSED);
        return cell_double_text(build, it, (double)count / (double)it->unit, p);
    }
    return cell_int_text(it, count / it->unit - (count % it->unit < 0), p);
}

static inline char *cell_decimal(const cell *it, const char *at, char *p)
{
    int quoted = (it->flags & CELL_QUOTED) != 0;
    uint64_t low, high;
    if (it->width == 16) {
        low = memory_little(at, 8), high = memory_little(at + 8, 8);
    } else {
        low = it->width == 8 ? memory_little(at, 8) : (uint64_t)(int64_t)(int32_t)memory_little(at, 4);
        high = low >> 63 ? UINT64_MAX : 0;
    }
    *p = '"';
    p = memory_decimal(p + quoted, low, high, it->places);
    *p = '"';
    return p + quoted;
}

static inline char *cell_uuid(const char *at, char *p)
{
    *p = '"';
    p = time_text_uuid(p + 1, memory_big(at), memory_big(at + 8));
    *p = '"';
    return p + 1;
}

/* The clock is read for every fourth row, and anew for each block of rows: it takes as long as a short row, and three of
   those pass in less time than its text shows. */
static inline char *cell_now(const cell *it, ptrdiff_t i, char *p)
{
    cell_clock *clock = it->clock;
    if (!clock->size || !(i & 3)) {
        const write_step *step = it->object_step;
        int64_t now = write_clock(), value = now / 1000;
        if (step->flags & WRITE_CLOCK_FLOAT) {
            double x = (double)now / (double)step->unit;
            memcpy(&value, &x, sizeof value);
        } else if (step->flags & WRITE_CLOCK_INT) {
            value = now / step->unit;
        }
        if (!clock->size || value != clock->value) {
            clock->value = value;
            clock->size = write_moment(clock->text, step, now) - clock->text;
        }
    }
    memcpy(p, clock->text, 48);
    return p + clock->size;
}

#endif
