/* The next of the rows that are given: a list, a tuple, or any iterator. */
#ifndef FASTCORE_WRITE_NEXT_H
#define FASTCORE_WRITE_NEXT_H

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

#endif
