/* Rows of columns as JSON text: the values of cells, Python's where a cell has them, and the loop over rows. The GIL is
   needed only where some cell is CELL_OBJECT or CELL_LISTED. */
#ifndef FASTCORE_WRITE_COLUMNS_H
#define FASTCORE_WRITE_COLUMNS_H

#include "bitset.h"
#include "write_cells.h"

/* --- Python objects ---------------------------------------------------------------------------------------------- */

static char *cell_room(cell_build *build, char *p)
{
    p = write_buffer_grow(build->buffer, p, build->room);
    return p ? p : cell_fail(build, WRITE_RAISED);
}

/* Holds the GIL; makes room again behind what it wrote. */
static char *cell_python(cell_build *build, const cell *it, PyObject *value, char *p)
{
    write_buffer *buffer = build->buffer;
    const ptrdiff_t from = p - buffer->start;
    if (it->flags & CELL_ABSENT && value == Py_Ellipsis)
        return cell_fail(build, CELL_LEFT_OUT);
    p = write_value(buffer, p, it->object_step, value);
    if (!p)
        return cell_fail(build, buffer->failure);
    if (it->flags & CELL_OMIT && p - buffer->start == from + 4 && !memcmp(p - 4, "null", 4))
        return cell_fail(build, CELL_LEFT_OUT);
    return (size_t)(buffer->limit - p) >= build->room ? p : cell_room(build, p);
}

#if !defined(Py_GIL_DISABLED) && !defined(PYPY_VERSION)
/* A str, for which no other code runs, so that it needs no reference: to count one writes to memory that is else only
   read, and that is most of the cost where the strings are not in the cache. NULL: another value. */
static inline PyObject *cell_listed_string(const cell *it, ptrdiff_t at)
{
    PyObject *const *items = ((PyListObject *)it->list)->ob_item;
    const ptrdiff_t size = PyList_GET_SIZE(it->list);
    if (at + CELL_AHEAD < size)
        bitset_prefetch(items[at + CELL_AHEAD]);
    return at < size && PyUnicode_CheckExact(items[at]) ? items[at] : NULL;
}
#else
static inline PyObject *cell_listed_string(const cell *it, ptrdiff_t at)
{
    (void)it;
    (void)at;
    return NULL;
}
#endif

/* The list may change while Python writes its elements. */
static char *cell_listed_value(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    PyObject *value = write_list_item(it->list, it->base + i);
    if (!value)
        return cell_fail(build, WRITE_REFUSED);
    p = cell_python(build, it, value, p);
    Py_DECREF(value);
    return p;
}

static inline char *cell_listed(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    write_buffer *buffer = build->buffer;
    PyObject *text = it->object_step->kind == WRITE_STR ? cell_listed_string(it, it->base + i) : NULL;
    if (!text)
        return cell_listed_value(build, it, i, p);
    p = write_string(buffer, p, text);
    if (!p)
        return cell_fail(build, buffer->failure);
    return (size_t)(buffer->limit - p) >= build->room ? p : cell_room(build, p);
}

/* --- one value --------------------------------------------------------------------------------------------------- */

static char *cell_members(cell_build *build, const cell *it, const cell *stop, ptrdiff_t i, char *p);
static inline char *cell_value(cell_build *build, const cell *it, ptrdiff_t i, char *p);
static inline char *cell_value_alone(cell_build *build, const cell *it, ptrdiff_t i, char *p);

static inline char *cell_list(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    int64_t start = (it->base + i) * it->width, stop = start + it->width;
    if (it->offsets)
        cell_offsets(it, i, &start, &stop);
    if (start < it->low || stop < start || stop > it->high)
        return cell_fail(build, WRITE_REFUSED);
    *p++ = '[';
    for (int64_t k = start; k < stop; k++) {
        if (!cell_fits(build, p, 0))
            return cell_fail(build, CELL_FULL);
        p = cell_members(build, it + 1, it + 1 + it->inner, (ptrdiff_t)k, p);
        if (!p)
            return NULL;
        *p++ = ',';
    }
    p -= stop > start;
    *p++ = ']';
    return p;
}

static inline char *cell_dictionary_text(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    int64_t code = cell_int(it, i), size;
    if (code < 0 || code >= it->last)
        return cell_fail(build, WRITE_REFUSED);
    size = it->places_of_texts[2 * code + 1];
    if (size <= 0)
        return cell_fail(build, size ? WRITE_REFUSED : CELL_NONE);
    if (!cell_fits(build, p, (size_t)size))
        return cell_fail(build, CELL_FULL);
    return write_fragment(p, it->texts + it->places_of_texts[2 * code], (ptrdiff_t)size);
}

static inline char *cell_dictionary_value(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    int64_t code = cell_int(it, i);
    if (code < 0 || code >= it->last)
        return cell_fail(build, WRITE_REFUSED);
    return cell_value_alone(build, it + 1, (ptrdiff_t)code, p);
}

static inline char *cell_bool(int yes, char *p)
{
    memcpy(p, yes ? "true\0" : "false", 5);
    return p + 5 - yes;
}

static inline char *cell_value(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    const char *at = it->data + i * it->stride;
    int swapped = it->flags & CELL_SWAPPED;
    switch (it->kind) {
    case CELL_INT64: return number_text_i64(p, (int64_t)memory_load64(at, 0));
    case CELL_DOUBLE64: {
        double x;
        memcpy(&x, at, sizeof x);
        return isfinite(x) ? number_text_double(p, x) : cell_fail(build, CELL_NOT_FINITE);
    }
    case CELL_INT: return cell_int_text(it, cell_int(it, i), p);
    case CELL_DOUBLE: return cell_double_text(build, it, memory_load_double(it->memory, at, swapped), p);
    case CELL_SINGLE: return cell_single_text(build, it, memory_load_single(it->memory, at, swapped), p);
    case CELL_WHOLE: {
        int64_t whole = cell_int(it, i);
        return cell_double_text(build, it, it->memory == MEMORY_U8 ? (double)(uint64_t)whole : (double)whole, p);
    }
    case CELL_BOOL: return cell_bool(*at != 0, p);
    case CELL_BITS: return cell_bool((uint8_t)it->data[(it->base + i) >> 3] >> ((it->base + i) & 7) & 1, p);
    case CELL_UTF8: return cell_utf8(build, it, i, p);
    case CELL_VIEW: return cell_view(build, it, at, p);
    case CELL_UCS4: return cell_ucs4(build, it, at, p);
    case CELL_BYTES: return cell_unchecked_text(build, it, at, memory_bytes_length(at, it->width), p);
    case CELL_TEXTS: return cell_dictionary_text(build, it, i, p);
    case CELL_CODES: return cell_dictionary_value(build, it, i, p);
    case CELL_DATETIME:
    case CELL_DATE:
    case CELL_COUNT: return cell_moment(build, it, i, p);
    case CELL_DECIMAL: return cell_decimal(it, at, p);
    case CELL_UUID: return cell_uuid(at, p);
    case CELL_CLOCK: return cell_now(it, i, p);
    default: return cell_list(build, it, i, p);
    }
}

/* The same of an element that may be null */
static inline char *cell_value_alone(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    return cell_is_null(it, i) ? cell_fail(build, CELL_NONE) : cell_value(build, it, i, p);
}

/* Looks at the memory of elements from `start` to `stop` before they are written: text is checked in one piece. */
static void cell_prepare(cell *it, ptrdiff_t count, ptrdiff_t start, ptrdiff_t stop)
{
    for (cell *end = it + count; it < end; it += it->kind == CELL_OPTIONAL ? 1 : 1 + it->inner) {
        int64_t unused;
        if (it->kind == CELL_CLOCK)
            it->clock->size = 0;
        if (it->kind != CELL_UTF8 && it->kind != CELL_LIST)
            continue;
        it->checked = 0;
        it->low = (it->base + start) * it->width, it->high = (it->base + stop) * it->width;
        if (it->offsets) {
            cell_offsets(it, start, &it->low, &unused);
            cell_offsets(it, stop - 1, &unused, &it->high);
        }
        if (it->low < 0 || it->high < it->low || it->high > it->last) {
            it->low = 0, it->high = it->last;
        } else if (it->kind == CELL_UTF8) {
            const unsigned char *text = (const unsigned char *)it->data + it->low;
            it->checked = string_text_valid_utf8(text, (size_t)(it->high - it->low));
        }
        if (it->kind == CELL_LIST && it->high > it->low)
            cell_prepare(it + 1, it->inner, (ptrdiff_t)it->low, (ptrdiff_t)it->high);
    }
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* Whether a value that was not written is null, or nothing at all; else `failure` is final. */
static inline int cell_may_be_null(cell_build *build, const cell *it)
{
    int refused = build->failure == CELL_NONE         ? !(it->flags & CELL_NULLABLE)
                  : build->failure == CELL_NOT_FINITE ? it->flags & CELL_STRICT
                                                      : 0;
    if (refused)
        build->failure = WRITE_REFUSED;
    return build->failure == CELL_NONE || build->failure == CELL_NOT_FINITE || build->failure == CELL_LEFT_OUT;
}

/* A value; NULL: `failure` says why there is none. */
static inline char *cell_any(cell_build *build, const cell *it, ptrdiff_t i, char *p)
{
    if (it->may_be_null && cell_is_null(it, i))
        return cell_fail(build, CELL_NONE);
    switch (it->kind) {
    case CELL_LISTED: return cell_listed(build, it, i, p);
    case CELL_OBJECT: return cell_python(build, it, it->objects[i - it->base], p);
    case CELL_INT64: return number_text_i64(p, (int64_t)memory_load64(it->data + i * it->stride, 0));
    case CELL_BOOL: return cell_bool(it->data[i * it->stride] != 0, p);
    case CELL_TEXTS: return cell_dictionary_text(build, it, i, p);
    case CELL_UTF8: return cell_utf8(build, it, i, p);
    default: return cell_value(build, it, i, p);
    }
}

static inline char *cell_brace(cell_build *build, const cell *it, char *p)
{
    ptrdiff_t at = p - build->buffer->start;
    if (it->kind == CELL_OPEN) {
        build->opened[build->depth++] = at;
    } else if (it->kind == CELL_CLOSE) {
        ptrdiff_t opened = build->opened[--build->depth];
        p += opened == at;  /* without members there is no comma to write it over */
        build->buffer->start[opened] = '{';
        *p++ = '}';
    }
    return p;
}

/* Writes members, or the one item of a list, of element i; NULL: `failure` says why. */
static char *cell_members(cell_build *build, const cell *it, const cell *stop, ptrdiff_t i, char *p)
{
    while (it < stop) {
        const ptrdiff_t member = p - build->buffer->start;
        char *end;
        p = write_fragment(p, it->fragment, it->fragment_size);
        if (it->kind <= CELL_CLOSE && !(it->may_be_null && cell_is_null(it, i))) {
            p = cell_brace(build, it, p);
            it++;
            continue;
        }
        end = cell_any(build, it, i, p);
        if (!end) {
            if (!cell_may_be_null(build, it))
                return NULL;
            if (build->failure == CELL_LEFT_OUT || it->flags & CELL_OMIT)
                end = build->buffer->start + member;
            else
                end = write_bytes(p, "null", 4);
        }
        p = end;
        it += 1 + it->inner;
    }
    return p;
}

/* Writes rows from *row on, until `stop`, or until what has been written reaches `enough`. *row is then the next one,
   and `failure` says why it ended before `stop`; a row that failed left nothing. */
static inline void cell_rows(cell_build *build, ptrdiff_t *row, ptrdiff_t stop, size_t enough)
{
    write_buffer *buffer = build->buffer;
    build->failure = CELL_DONE;
    while (*row < stop) {
        char *p = NULL;
        build->depth = 0;
        if (!cell_fits(build, buffer->end, 0))
            build->failure = CELL_FULL;
        else
            p = cell_members(build, build->cells, build->cells + build->count, *row, buffer->end);
        if (!p)
            return;
        buffer->end = write_fragment(p, build->tail, build->tail_size);
        ++*row;
        if ((size_t)(buffer->end - buffer->start) >= enough) {
            build->failure = CELL_LIMIT;
            return;
        }
    }
}

#endif
