/* Structures of the Arrow C data and stream interfaces, and how those end that Python objects stand behind. */
#ifndef FASTCORE_ARROW_H
#define FASTCORE_ARROW_H

#include <Python.h>
#include <stdint.h>

struct arrow_schema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct arrow_schema **children, *dictionary;
    void (*release)(struct arrow_schema *);
    void *private_data;
};

struct arrow_array {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct arrow_array **children, *dictionary;
    void (*release)(struct arrow_array *);
    void *private_data;
};

struct arrow_stream {
    int (*get_schema)(struct arrow_stream *, struct arrow_schema *);
    int (*get_next)(struct arrow_stream *, struct arrow_array *);
    const char *(*get_last_error)(struct arrow_stream *);
    void (*release)(struct arrow_stream *);
    void *private_data;
};

/* Private data is a reference to what the structure points to. A consumer may release on any thread, and while an
   exception is on its way. */
static void arrow_let_go(void *held)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    Py_XDECREF((PyObject *)held);
    PyErr_Restore(type, value, trace);
    PyGILState_Release(state);
}

#define ARROW_RELEASE(name, structure)                                                                                \
    static void name(struct structure *it)                                                                            \
    {                                                                                                                 \
        void *held = it->private_data;                                                                                \
        for (int64_t i = 0; i < it->n_children; i++)                                                                  \
            if (it->children[i]->release)                                                                             \
                it->children[i]->release(it->children[i]);                                                            \
        if (it->dictionary && it->dictionary->release)                                                                \
            it->dictionary->release(it->dictionary);                                                                  \
        it->release = NULL;                                                                                           \
        it->private_data = NULL;                                                                                      \
        arrow_let_go(held);                                                                                           \
    }

ARROW_RELEASE(arrow_release_schema, arrow_schema)
ARROW_RELEASE(arrow_release_array, arrow_array)

static void arrow_release_stream(struct arrow_stream *it)
{
    void *held = it->private_data;
    it->release = NULL;
    it->private_data = NULL;
    arrow_let_go(held);
}

/* A capsule releases what no one took over. */
#define ARROW_DESTROY(function, structure)                                                                            \
    static void function(PyObject *capsule)                                                                           \
    {                                                                                                                 \
        struct structure *it = (struct structure *)PyCapsule_GetPointer(capsule, #structure);                         \
        if (it->release)                                                                                              \
            it->release(it);                                                                                          \
        PyMem_RawFree(it);                                                                                            \
    }

ARROW_DESTROY(arrow_destroy_schema, arrow_schema)
ARROW_DESTROY(arrow_destroy_array, arrow_array)
static void arrow_destroy_stream(PyObject *capsule)
{
    struct arrow_stream *it = (struct arrow_stream *)PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (it->release)
        it->release(it);
    PyMem_RawFree(it);
}

#endif
