/* A growing output buffer whose memory becomes the bytes object that is the result. */
#ifndef FASTCORE_WRITE_BUFFER_H
#define FASTCORE_WRITE_BUFFER_H

#include <Python.h>
#include <stddef.h>
#include <string.h>

#if defined(__linux__) && !defined(PYPY_VERSION)
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

/* Why a writer gave NULL */
enum {
    WRITE_RAISED = 1,   /* a Python exception is set */
    WRITE_REFUSED = 2   /* what the compiled code does not write: the Python function of the row decides */
};

enum {
    WRITE_SEEN = 8,
    WRITE_SMALL = 1 << 16,      /* bytes up to which a buffer grows to four times its size */
    WRITE_LARGE = 1 << 24,      /* up to which it grows by a half, beyond that by a quarter */
    WRITE_ADVISED = 1 << 23,    /* from which it asks for huge pages */
    WRITE_KEPT = 1 << 25        /* allocators keep no larger blocks */
};

/* It belongs to one call. Writers take the end of what is written and give the new end. */
typedef struct {
    char *start;
    char *limit;        /* end of the memory */
    char *end;          /* of the last whole row; kept by those who write rows */
    PyObject *object;   /* the bytes object around the memory */
    int failure;        /* meaning of the last NULL */
    struct {
        PyObject *type;
        int way;
    } seen[WRITE_SEEN]; /* how objects of some types are read */
} write_buffer;

static inline char *write_buffer_refuse(write_buffer *buffer)
{
    buffer->failure = WRITE_REFUSED;
    return NULL;
}

static inline char *write_buffer_raise(write_buffer *buffer)
{
    buffer->failure = WRITE_RAISED;
    return NULL;
}

/* Fresh pages of a large buffer cost as much as filling them, huge ones much less. The advice covers every page of it,
   because the system does not move a mapping that consists of parts: growing would copy it. */
static inline void write_buffer_advise(write_buffer *buffer)
{
#if defined(MADV_HUGEPAGE)
    if (buffer->limit - buffer->start >= WRITE_ADVISED) {
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t from = (uintptr_t)buffer->start & ~(page - 1), to = ((uintptr_t)buffer->limit + page) & ~(page - 1);
        madvise((void *)from, to - from, MADV_HUGEPAGE);
    }
#else
    (void)buffer;
#endif
}

static inline void write_buffer_drop(write_buffer *buffer);

/* -1 with MemoryError */
static inline int write_buffer_open(write_buffer *buffer, size_t capacity)
{
    memset(buffer, 0, sizeof *buffer);
#if defined(PYPY_VERSION)
    buffer->start = PyMem_Malloc(capacity);
    if (!buffer->start) {
        PyErr_NoMemory();
        return -1;
    }
#else
    buffer->object = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)capacity);
    if (!buffer->object)
        return -1;
    buffer->start = PyBytes_AS_STRING(buffer->object);
#endif
    buffer->end = buffer->start;
    buffer->limit = buffer->start + capacity;
    return 0;
}

/* Makes room for `capacity` bytes in all; NULL with MemoryError, and then the buffer is gone. */
static char *write_buffer_resize(write_buffer *buffer, char *p, size_t capacity)
{
    size_t used = (size_t)(p - buffer->start), row = (size_t)(buffer->end - buffer->start);
    if (capacity > (size_t)PY_SSIZE_T_MAX - 4096) {
        PyErr_NoMemory();
        return write_buffer_raise(buffer);
    }
#if defined(PYPY_VERSION)
    char *memory = PyMem_Realloc(buffer->start, capacity);
    if (!memory) {
        PyErr_NoMemory();
        return write_buffer_raise(buffer);
    }
    buffer->start = memory;
#else
    if (_PyBytes_Resize(&buffer->object, (Py_ssize_t)capacity) < 0) {
        buffer->start = buffer->end = buffer->limit = NULL;
        return write_buffer_raise(buffer);
    }
    buffer->start = PyBytes_AS_STRING(buffer->object);
#endif
    buffer->end = buffer->start + row;
    buffer->limit = buffer->start + capacity;
    write_buffer_advise(buffer);
    return buffer->start + used;
}

static char *write_buffer_grow(write_buffer *buffer, char *p, size_t need)
{
    size_t capacity = (size_t)(buffer->limit - buffer->start), used = (size_t)(p - buffer->start);
    size_t more = capacity < WRITE_SMALL ? 3 * capacity : capacity / (capacity < WRITE_LARGE ? 2 : 4);
    if (need > (size_t)PY_SSIZE_T_MAX - used || capacity > (size_t)PY_SSIZE_T_MAX - more)
        return write_buffer_resize(buffer, p, (size_t)PY_SSIZE_T_MAX);
    return write_buffer_resize(buffer, p, used + need > capacity + more ? used + need : capacity + more);
}

/* Room for `need` bytes at p; gives p, which may have moved, or NULL with MemoryError. Needs the GIL where it grows. */
static inline char *write_buffer_room(write_buffer *buffer, char *p, size_t need)
{
    return (size_t)(buffer->limit - p) >= need ? p : write_buffer_grow(buffer, p, need);
}

static inline void write_buffer_forget(write_buffer *buffer)
{
    for (int i = 0; i < WRITE_SEEN; i++)
        Py_CLEAR(buffer->seen[i].type);
}

/* The bytes up to p; the buffer is empty then. NULL with MemoryError.

   Some unused memory stays with the object. Allocators take large blocks from the system and learn from what is
   freed which sizes to keep instead; a block that is always cut before it is freed would come with fresh pages each
   time, which costs more than filling it. */
static inline PyObject *write_buffer_take(write_buffer *buffer, char *p)
{
    PyObject *result;
    Py_ssize_t size = p - buffer->start;
#if defined(PYPY_VERSION)
    result = PyBytes_FromStringAndSize(buffer->start, size);
    PyMem_Free(buffer->start);
#else
    result = buffer->object;
    buffer->object = NULL;
    if (size > 1 && size < WRITE_KEPT && buffer->limit - p <= size / 2) {
        Py_SET_SIZE(result, size);
        *p = 0;
    } else if (_PyBytes_Resize(&result, size) < 0)
        result = NULL;
#endif
    buffer->start = buffer->end = buffer->limit = NULL;
    write_buffer_forget(buffer);
    return result;
}

static inline void write_buffer_drop(write_buffer *buffer)
{
#if defined(PYPY_VERSION)
    PyMem_Free(buffer->start);
#endif
    Py_CLEAR(buffer->object);
    buffer->start = buffer->end = buffer->limit = NULL;
    write_buffer_forget(buffer);
}

#endif
