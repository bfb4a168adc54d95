/* Reading plain dicts: look-ups for every build, and iteration where the GIL keeps other threads out. */
#ifndef FASTCORE_DICT_WALK_H
#define FASTCORE_DICT_WALK_H

#include <Python.h>
#include <string.h>
#include "bitmap.h"

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

#define MATCH_AHEAD 8

/* Fetches what match_set will need some ids later: the place of an object in the tuple, then its reference count. */
static inline void match_fetch_ahead(PyObject *tuple, const int32_t *fired, Py_ssize_t i, Py_ssize_t count)
{
    if (i + 2 * MATCH_AHEAD < count)
        bitset_prefetch(&PyTuple_GET_ITEM(tuple, fired[i + 2 * MATCH_AHEAD]));
    if (i + MATCH_AHEAD < count)
        bitset_prefetch(PyTuple_GET_ITEM(tuple, fired[i + MATCH_AHEAD]));
}

/* One key of a mapping that is read */
typedef struct {
    PyObject *key;
    Py_hash_t hash;
    const char *text;   /* its characters if it is ASCII, else NULL */
    Py_ssize_t size;
    int slot, operand, level;
    uint64_t *users;
} match_node;

#if defined(Py_GIL_DISABLED) || defined(PYPY_VERSION)
#define MATCH_ITERATES 0
#define match_size PyDict_Size
#define match_fetch_keys(dict) ((void)(dict))
#define match_iterate(dict, nodes, table, mask, found) 0
#else
#define MATCH_ITERATES 1
#define match_size PyDict_GET_SIZE

static inline void match_fetch_keys(PyObject *dict)
{
    const char *keys = (const char *)((PyDictObject *)dict)->ma_keys;
    bitset_prefetch(keys);
    bitset_prefetch(keys + 64);
    bitset_prefetch(keys + 128);
    (void)keys;
}

/* An exact str that is a key has its hash in it. */
static inline int match_is_key(const match_node *node, PyObject *key)
{
    if (node->key == key)
        return 1;
    if (((PyASCIIObject *)key)->hash != node->hash || PyUnicode_GET_LENGTH(key) != PyUnicode_GET_LENGTH(node->key))
        return 0;
    if (node->text && PyUnicode_IS_COMPACT_ASCII(key))
        return bitmap_same(node->text, (const char *)((PyASCIIObject *)key + 1), node->size);
    return PyUnicode_Compare(node->key, key) == 0;
}

/* Finds what a dict holds for the keys of a table by going through it; 0 if it has a key that is no plain str. */
static int match_iterate(PyObject *dict, const match_node *nodes, const int32_t *table, Py_ssize_t mask,
                         PyObject **found)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (!PyUnicode_CheckExact(key))
            return 0;
        Py_ssize_t at = ((PyASCIIObject *)key)->hash & mask;
        for (int32_t node = table[at]; node >= 0; node = table[at]) {
            if (match_is_key(nodes + node, key)) {
                found[node] = value;
                bitset_prefetch(value);
                break;
            }
            at = (at + 1) & mask;
        }
    }
    return 1;
}
#endif

#endif
