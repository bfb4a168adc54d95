/* Reading plain dicts: look-ups for every build, and iteration where the GIL keeps other threads out. */
#ifndef FASTCORE_DICT_WALK_H
#define FASTCORE_DICT_WALK_H

#include <Python.h>
#include <string.h>
#include "bitset.h"

#if PY_VERSION_HEX < 0x030D0000
static inline int match_get(PyObject *dict, PyObject *key, PyObject **value)
{
    *value = PyDict_GetItemWithError(dict, key);
    if (*value) {
        Py_INCREF(*value);
        return 1;
    }
    return PyErr_Occurred() ? -1 : 0;
}
#else
#define match_get PyDict_GetItemRef
#endif

static inline void match_set(PyObject *list, Py_ssize_t i, PyObject *item)
{
    Py_INCREF(item);
    PyList_SET_ITEM(list, i, item);
}

static inline void match_set_tuple(PyObject *tuple, Py_ssize_t i, PyObject *item)
{
    Py_INCREF(item);
    PyTuple_SET_ITEM(tuple, i, item);
}

#define match_size PyDict_Size
#define match_next PyDict_Next
#define match_release Py_DECREF

#if defined(Py_GIL_DISABLED) || defined(PYPY_VERSION)
#define MATCH_ITERATES 0
#define match_key_hash(key) (-1)
#define match_same_key(left, right) 0
#define match_fetch_keys(dict) ((void)(dict))
#else
#define MATCH_ITERATES 1
/* A str that is a key has its hash in it. */
#define match_key_hash(key) (((PyASCIIObject *)(key))->hash)
#define match_fetch_keys(dict) match_fetch_lines(((PyDictObject *)(dict))->ma_keys)

static inline void match_fetch_lines(const void *keys)
{
    bitset_prefetch((const char *)keys);
    bitset_prefetch((const char *)keys + 64);
    bitset_prefetch((const char *)keys + 128);
}

/* Two exact strs of one hash */
static inline int match_same_key(PyObject *left, PyObject *right)
{
    return left == right
           || (PyUnicode_GET_LENGTH(left) == PyUnicode_GET_LENGTH(right) && PyUnicode_KIND(left) == PyUnicode_KIND(right)
               && !memcmp(PyUnicode_DATA(left), PyUnicode_DATA(right),
                          (size_t)PyUnicode_GET_LENGTH(left) * (size_t)PyUnicode_KIND(left)));
}
#endif

#endif
