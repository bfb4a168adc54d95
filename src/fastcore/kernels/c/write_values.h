/* One Python value as JSON text, by a step. Exact common types are written here; whatever else a value is goes to the
   step's node, which gives its text or refuses it.

   A writer takes the end of what is written, with WRITE_ROOM bytes behind it, and gives the new end. NULL: see
   buffer->failure; what was written since is to be taken back. The caller keeps `value` alive. */
#ifndef FASTCORE_WRITE_VALUES_H
#define FASTCORE_WRITE_VALUES_H

#include <Python.h>
#include <datetime.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include "number_text.h"
#include "string_text.h"
#include "time_text.h"
#include "write_buffer.h"
#include "write_step.h"

static char *write_object_value(write_buffer *buffer, char *p, const write_object *object, PyObject *value);
static char *write_list_value(write_buffer *buffer, char *p, const write_step *step, PyObject *value);

/* To be called once before any value is written; -1 with an exception. */
static int write_ready(void)
{
    if (!PyDateTimeAPI)
        PyDateTime_IMPORT;
    return PyDateTimeAPI ? 0 : -1;
}

static inline char *write_bytes(char *p, const char *text, size_t size)
{
    memcpy(p, text, size);
    return p + size;
}

/* Text that needs no escapes; room for its size alone is made. */
static char *write_copied(write_buffer *buffer, char *p, const char *text, Py_ssize_t size)
{
    p = write_buffer_room(buffer, p, (size_t)size + WRITE_ROOM);
    return p ? write_bytes(p, text, (size_t)size) : NULL;
}

/* A str that is JSON already */
static char *write_json_text(write_buffer *buffer, char *p, PyObject *text)
{
    Py_ssize_t size;
    const char *data;
#if !defined(PYPY_VERSION)
    if (PyUnicode_IS_COMPACT_ASCII(text))
        return write_copied(buffer, p, PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text));
#endif
    data = PyUnicode_AsUTF8AndSize(text, &size);
    if (data)
        return write_copied(buffer, p, data, size);
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return write_buffer_raise(buffer);
    PyErr_Clear();
    return write_buffer_refuse(buffer);
}

/* Refused values are told by the Python function of the row, which meets them in the right order. */
static char *write_raised(write_buffer *buffer, const write_types *types)
{
    if (!PyErr_ExceptionMatches(types->misfit))
        return write_buffer_raise(buffer);
    PyErr_Clear();
    return write_buffer_refuse(buffer);
}

static char *write_by_node(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    PyObject *text = PyObject_CallOneArg(step->node, value);
    if (!text)
        return write_raised(buffer, step->types);
    if (PyUnicode_Check(text))
        p = write_json_text(buffer, p, text);
    else {
        PyErr_SetString(PyExc_TypeError, "the text of a value is no str");
        p = write_buffer_raise(buffer);
    }
    Py_DECREF(text);
    return p;
}

static char *write_rare(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    if (value != Py_None)
        return write_by_node(buffer, p, step, value);
    return step->flags & WRITE_NULLABLE ? write_bytes(p, "null", 4) : write_buffer_refuse(buffer);
}

/* ---------------------------------------------------------------------------------------------------- strings */

enum { WRITE_PIECE = 1 << 16 };  /* characters; an escape may be six bytes, and that much room is made */

static inline char *write_piece(char *p, PyObject *text, Py_ssize_t from, size_t size)
{
#if defined(PYPY_VERSION)
    return NULL;
#else
    const void *data = PyUnicode_DATA(text);
    if (PyUnicode_IS_ASCII(text))
        return string_text_utf8(p, (const unsigned char *)data + from, size);
    switch (PyUnicode_KIND(text)) {
    case PyUnicode_1BYTE_KIND:
        return string_text_ucs1(p, (const uint8_t *)data + from, size);
    case PyUnicode_2BYTE_KIND:
        return string_text_ucs2(p, (const uint16_t *)data + from, size);
    default:
        return string_text_ucs4(p, (const uint32_t *)data + from, size);
    }
#endif
}

static char *write_long_string(write_buffer *buffer, char *p, PyObject *text, Py_ssize_t size)
{
    *p++ = '"';
    for (Py_ssize_t from = 0; from < size; from += WRITE_PIECE) {
        size_t part = (size_t)(size - from < WRITE_PIECE ? size - from : WRITE_PIECE);
        p = write_buffer_room(buffer, p, 6 * part + (size_t)(size - from) + WRITE_ROOM);
        if (!p)
            return NULL;
        p = write_piece(p, text, from, part);
        if (!p)
            return write_buffer_refuse(buffer);
    }
    *p++ = '"';
    return p;
}

#if defined(PYPY_VERSION)
static char *write_string(write_buffer *buffer, char *p, PyObject *text)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(text, &size);
    if (!data) {
        PyErr_Clear();
        return write_buffer_refuse(buffer);
    }
    p = write_buffer_room(buffer, p, 6 * (size_t)size + WRITE_ROOM);
    if (!p)
        return NULL;
    *p++ = '"';
    p = string_text_utf8(p, (const unsigned char *)data, (size_t)size);
    *p++ = '"';
    return p;
}
#else
static inline char *write_string(write_buffer *buffer, char *p, PyObject *text)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (buffer->limit - p < 6 * size + WRITE_ROOM) {
        if (size > WRITE_PIECE)
            return write_long_string(buffer, p, text, size);
        p = write_buffer_grow(buffer, p, 6 * (size_t)size + WRITE_ROOM);
        if (!p)
            return NULL;
    }
    *p++ = '"';
    p = write_piece(p, text, 0, (size_t)size);
    if (!p)
        return write_buffer_refuse(buffer);
    *p++ = '"';
    return p;
}
#endif

/* ---------------------------------------------------------------------------------------------------- numbers */

static char *write_int(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    int overflow;
    const int quoted = step->flags & WRITE_AS_STRING;
    int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow)
        return write_by_node(buffer, p, step, value);
    if (quoted)
        *p++ = '"';
    p = number_text_i64(p, number);
    if (quoted)
        *p++ = '"';
    return p;
}

static char *write_float(write_buffer *buffer, char *p, const write_step *step, double number, PyObject *value)
{
    const int quoted = (step->flags & WRITE_AS_STRING) != 0;
    char *end;
    if (!isfinite(number))
        return step->flags & WRITE_NAN_NULL ? write_bytes(p, "null", 4) : write_buffer_refuse(buffer);
    if (step->flags & WRITE_ROUNDED)
        end = number_text_rounded(p + quoted, number, step->precision);
    else
        end = number_text_double(p + quoted, number);
    if (!end)
        return write_by_node(buffer, p, step, value);
    if (quoted)
        *p = *end++ = '"';
    return end;
}

/* ----------------------------------------------------------------------------------------------- other scalars */

static char *write_enum(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    for (Py_ssize_t i = 0; i < step->member_count; i++)
        if (step->members[i].member == value)
            return write_copied(buffer, p, step->members[i].text, step->members[i].size);
    return write_rare(buffer, p, step, value);
}

static char *write_decimal(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    Py_ssize_t size;
    const char *digits;
    PyObject *text = PyObject_Str(value);
    if (!text)
        return write_buffer_raise(buffer);
    digits = PyUnicode_AsUTF8AndSize(text, &size);
    if (!digits)
        p = write_buffer_raise(buffer);
    else if (digits[digits[0] == '-'] > '9')  /* NaN and infinities */
        p = write_by_node(buffer, p, step, value);
    else {
        if (!(step->flags & WRITE_AS_NUMBER))
            *p++ = '"';
        p = write_copied(buffer, p, digits, size);
        if (p && !(step->flags & WRITE_AS_NUMBER))
            *p++ = '"';
    }
    Py_DECREF(text);
    return p;
}

/* Both halves of the int of a UUID; 0 if it has none of 128 bits. */
static int write_uuid_halves(PyObject *number, uint64_t *high, uint64_t *low)
{
    unsigned char bytes[16];
#if defined(PYPY_VERSION)
    return 0;
#elif PY_VERSION_HEX >= 0x030D0000
    if (!PyLong_CheckExact(number))
        return 0;
    if (PyLong_AsNativeBytes(number, bytes, 16, Py_ASNATIVEBYTES_BIG_ENDIAN | Py_ASNATIVEBYTES_UNSIGNED_BUFFER
                             | Py_ASNATIVEBYTES_REJECT_NEGATIVE) > 16)
        return 0;
#else
    if (!PyLong_CheckExact(number) || _PyLong_AsByteArray((PyLongObject *)number, bytes, 16, 0, 0) < 0)
        return 0;
#endif
    *high = *low = 0;
    for (int i = 0; i < 8; i++) {
        *high = *high << 8 | bytes[i];
        *low = *low << 8 | bytes[i + 8];
    }
    return 1;
}

static char *write_uuid(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    uint64_t high = 0, low = 0;
    PyObject *number = PyObject_GetAttr(value, step->types->name_int);
    int found = number && write_uuid_halves(number, &high, &low);
    Py_XDECREF(number);
    if (!found) {
        PyErr_Clear();
        return write_by_node(buffer, p, step, value);
    }
    *p++ = '"';
    p = time_text_uuid(p, high, low);
    *p++ = '"';
    return p;
}

static char *write_raw_text(write_buffer *buffer, char *p, const write_step *step, PyObject *value, PyObject *bytes)
{
    char *data;
    Py_ssize_t size;
    if (!PyBytes_CheckExact(bytes) || !PyBytes_GET_SIZE(bytes))
        return write_by_node(buffer, p, step, value);
    data = PyBytes_AS_STRING(bytes);
    size = PyBytes_GET_SIZE(bytes);
    if (!string_text_valid_utf8((const unsigned char *)data, (size_t)size))
        return write_buffer_refuse(buffer);
    return write_copied(buffer, p, data, size);
}

static char *write_raw(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    PyObject *bytes;
    if ((PyObject *)Py_TYPE(value) != step->types->raw)
        return value == Py_None ? write_rare(buffer, p, step, value)
                                : write_raw_text(buffer, p, step, value, value);
    bytes = PyObject_GetAttr(value, step->types->name_json);
    if (!bytes)
        return write_buffer_raise(buffer);
    p = write_raw_text(buffer, p, step, value, bytes);
    Py_DECREF(bytes);
    return p;
}

/* -------------------------------------------------------------------------------------------------------- time */

/* Nanoseconds since 1970 */
static int64_t write_clock(void)
{
    struct timespec now;
#if defined(CLOCK_REALTIME)
    clock_gettime(CLOCK_REALTIME, &now);
#else
    timespec_get(&now, TIME_UTC);
#endif
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A reading of the clock as a field wants it */
static char *write_moment(char *p, const write_step *step, int64_t now)
{
    if (step->flags & WRITE_CLOCK_INT)
        return number_text_i64(p, now / step->unit);
    if (step->flags & WRITE_CLOCK_FLOAT)
        return number_text_double(p, (double)now / (double)step->unit);
    *p++ = '"';
    p = time_text_datetime(p, now / 1000000000, (uint32_t)(now % 1000000000 / 1000), 0,
                           step->flags & WRITE_UTC_Z ? TIME_TEXT_Z : TIME_TEXT_OFFSET);
    *p++ = '"';
    return p;
}

static inline char *write_now(char *p, const write_step *step)
{
    return write_moment(p, step, write_clock());
}

/* The offset of a datetime as RFC 3339 has it, in minutes, rounded; NULL with an exception. */
static char *write_offset(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    int64_t seconds, minutes;
    int zero;
    PyObject *offset = PyObject_CallMethodNoArgs(value, step->types->name_utcoffset);
    if (!offset)
        return write_buffer_raise(buffer);
    if (offset == Py_None) {
        Py_DECREF(offset);
        return p;
    }
    seconds = (int64_t)PyDateTime_DELTA_GET_DAYS(offset) * 86400 + PyDateTime_DELTA_GET_SECONDS(offset);
    zero = seconds == 0 && PyDateTime_DELTA_GET_MICROSECONDS(offset) == 0;
    Py_DECREF(offset);
    if (zero && step->flags & WRITE_UTC_Z) {
        *p++ = 'Z';
        return p;
    }
    minutes = ((seconds < 0 ? -seconds : seconds) + 30) / 60;
    *p++ = seconds < 0 ? '-' : '+';
    p = time_pair(p, (uint32_t)minutes / 60);
    *p++ = ':';
    return time_pair(p, (uint32_t)minutes % 60);
}

static char *write_datetime(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    PyObject *zone = PyDateTime_DATE_GET_TZINFO(value);
    *p++ = '"';
    p = time_text_fields(p, PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value),
                         PyDateTime_DATE_GET_HOUR(value), PyDateTime_DATE_GET_MINUTE(value),
                         PyDateTime_DATE_GET_SECOND(value), PyDateTime_DATE_GET_MICROSECOND(value));
    if (zone == PyDateTime_TimeZone_UTC)
        p = step->flags & WRITE_UTC_Z ? write_bytes(p, "Z", 1) : write_bytes(p, "+00:00", 6);
    else if (zone != Py_None) {
        p = write_offset(buffer, p, step, value);
        if (!p)
            return NULL;
    }
    *p++ = '"';
    return p;
}

static char *write_date(char *p, PyObject *value)
{
    *p++ = '"';
    p = time_text_day(p, PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value));
    *p++ = '"';
    return p;
}

/* --------------------------------------------------------------------------------------------------- any value */

static char *write_number_as_float(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    int overflow;
    int64_t number;
    if (PyFloat_CheckExact(value))
        return write_float(buffer, p, step, PyFloat_AS_DOUBLE(value), value);
    if (!PyLong_CheckExact(value))
        return write_rare(buffer, p, step, value);
    number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || number > ((int64_t)1 << 53) || number < -((int64_t)1 << 53))
        return write_by_node(buffer, p, step, value);
    return write_float(buffer, p, step, (double)number, value);
}

static inline char *write_value(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    switch (step->kind) {
    case WRITE_STR:
        if (PyUnicode_CheckExact(value))
            return write_string(buffer, p, value);
        break;
    case WRITE_INT:
        if (PyLong_CheckExact(value))
            return write_int(buffer, p, step, value);
        break;
    case WRITE_FLOAT:
        return write_number_as_float(buffer, p, step, value);
    case WRITE_BOOL:
        if (value == Py_True)
            return write_bytes(p, "true", 4);
        if (value == Py_False)
            return write_bytes(p, "false", 5);
        break;
    case WRITE_DATETIME:
        if (PyDateTime_CheckExact(value))
            return write_datetime(buffer, p, step, value);
        break;
    case WRITE_DATE:
        if (PyDate_CheckExact(value))
            return write_date(p, value);
        break;
    case WRITE_UUID:
        if ((PyObject *)Py_TYPE(value) == step->types->uuid)
            return write_uuid(buffer, p, step, value);
        break;
    case WRITE_DECIMAL:
        if ((PyObject *)Py_TYPE(value) == step->types->decimal && !(step->flags & WRITE_ROUNDED))
            return write_decimal(buffer, p, step, value);
        break;
    case WRITE_ENUM:
        return write_enum(buffer, p, step, value);
    case WRITE_RAW:
        return write_raw(buffer, p, step, value);
    case WRITE_OBJECT:
        if (value != Py_None)
            return write_object_value(buffer, p, step->object, value);
        break;
    case WRITE_LIST:
        if (PyList_CheckExact(value) || PyTuple_CheckExact(value))
            return write_list_value(buffer, p, step, value);
        break;
    case WRITE_NOW:
        return write_now(p, step);
    default:
        return p;
    }
    return write_rare(buffer, p, step, value);
}

#endif
