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
#define match_fetch_values(dict) ((void)(dict))
#define match_iterate(dict, nodes, table, mask, found) 0
#define match_learn_entries() ((void)0)
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

/* Where a dict of plain strings keeps its entries. PyDict_Next tells too, but takes a quarter of the time of a small
   ruleset; the layout is CPython's own and has been this one since 3.11, which `match_learn_entries` makes sure of. */
typedef struct {
    Py_ssize_t references;
    uint8_t log2_size, log2_index_bytes, kind;
    uint32_t version;
    Py_ssize_t usable, count;
    char indices[];
} match_keys;

typedef struct {
    PyObject *key, *value;
} match_entry;

#define MATCH_KEYS_UNICODE 1

static int match_entries_known = 0;

static inline const match_entry *match_entries(PyObject *dict, Py_ssize_t *count)
{
    const match_keys *keys = (const match_keys *)((PyDictObject *)dict)->ma_keys;
    if (keys->kind != MATCH_KEYS_UNICODE)
        return NULL;
    *count = keys->count;
    return (const match_entry *)(keys->indices + ((size_t)1 << keys->log2_index_bytes));
}

#define MATCH_FETCHED 64

/* Fetches the values of a dict whose keys were fetched before. */
static inline void match_fetch_values(PyObject *dict)
{
    Py_ssize_t count;
    const match_entry *entry = match_entries_known ? match_entries(dict, &count) : NULL;
    if (!entry)
        return;
    for (const match_entry *end = entry + (count < MATCH_FETCHED ? count : MATCH_FETCHED); entry < end; entry++)
        bitset_prefetch(entry->value);
}

/* Whether the entries of a dict with `size` keys, one of them deleted, are where they are looked for. */
static int match_finds_entries(Py_ssize_t size)
{
    Py_ssize_t count = 0, position = 0, i = 0;
    int same = 0;
    PyObject *dict = PyDict_New(), *key, *value, *deleted = NULL;
    for (; dict && i < size; i++) {
        key = PyUnicode_FromFormat("key %zd", i);
        if (!key || PyDict_SetItem(dict, key, key) < 0) {
            Py_XDECREF(key);
            goto done;
        }
        Py_XSETREF(deleted, key);
    }
    if (!dict || PyDict_DelItem(dict, deleted) < 0)
        goto done;
    const match_entry *entries = match_entries(dict, &count);
    same = entries && count == size;
    for (i = 0; same && PyDict_Next(dict, &position, &key, &value); i++)
        same = entries[i].key == key && entries[i].value == value;
    same = same && i == size - 1 && !entries[i].value;
done:
    PyErr_Clear();
    Py_XDECREF(deleted);
    Py_XDECREF(dict);
    return same;
}

static void match_learn_entries(void)
{
    match_entries_known = match_finds_entries(3) && match_finds_entries(100) && match_finds_entries(1000);
}

/* Notes the value of a key that is asked for. */
static inline void match_note(PyObject *key, PyObject *value, const match_node *nodes, const int32_t *table,
                              Py_ssize_t mask, PyObject **found)
{
    Py_ssize_t at = ((PyASCIIObject *)key)->hash & mask;
    for (int32_t node = table[at]; node >= 0; node = table[at]) {
        if (match_is_key(nodes + node, key)) {
            found[node] = value;
            bitset_prefetch(value);
            return;
        }
        at = (at + 1) & mask;
    }
}

/* Finds what a dict holds for the keys of a table by going through it; 0 if it has a key that is no plain str. */
static int match_iterate(PyObject *dict, const match_node *nodes, const int32_t *table, Py_ssize_t mask,
                         PyObject **found)
{
    PyObject *key, *value;
    Py_ssize_t position = 0, count;
    const match_entry *entry = match_entries_known ? match_entries(dict, &count) : NULL;
    if (entry) {
        for (const match_entry *end = entry + count; entry < end; entry++)
            if (entry->value)
                match_note(entry->key, entry->value, nodes, table, mask, found);
        return 1;
    }
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (!PyUnicode_CheckExact(key))
            return 0;
        match_note(key, value, nodes, table, mask, found);
    }
    return 1;
}
#endif

#endif
