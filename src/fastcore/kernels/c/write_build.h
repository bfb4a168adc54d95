/* What belongs to a whole build: the next of the rows, and the envelope of a page. */
#ifndef FASTCORE_WRITE_BUILD_H
#define FASTCORE_WRITE_BUILD_H

#include "write_rows.h"

enum { WRITE_FROM_LIST, WRITE_FROM_TUPLE, WRITE_FROM_ITERATOR };

/* A new reference; NULL at the end, or with an exception. */
static inline PyObject *write_next(PyObject *rows, int origin, Py_ssize_t *index)
{
    PyObject *row;
    if (origin == WRITE_FROM_ITERATOR)
        return PyIter_Next(rows);
    if (origin == WRITE_FROM_LIST)
        row = write_list_item(rows, *index);
    else {
        row = *index < PyTuple_GET_SIZE(rows) ? PyTuple_GET_ITEM(rows, *index) : NULL;
        Py_XINCREF(row);
    }
    ++*index;
    return row;
}

/* The counts and the link of a page, where they are of the plain types; NULL else. */
static inline char *write_count(char *p, PyObject *value)
{
    int overflow;
    int64_t number;
    if (value == Py_None)
        return write_bytes(p, "null", 4);
    if (!PyLong_CheckExact(value))
        return NULL;
    number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow || number < 0 ? NULL : number_text_i64(p, number);
}

static inline char *write_link(write_buffer *buffer, char *p, PyObject *value)
{
    if (value == Py_None)
        return write_bytes(p, "null", 4);
    return PyUnicode_CheckExact(value) ? write_string(buffer, p, value) : NULL;
}

#endif
