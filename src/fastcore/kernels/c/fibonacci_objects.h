/* Where the Fibonacci arithmetic meets Python objects: ints, buffers, the GIL. */
#ifndef FASTCORE_FIBONACCI_OBJECTS_H
#define FASTCORE_FIBONACCI_OBJECTS_H

#include <Python.h>

#include "fibonacci_limbs.h"
#include "fibonacci_modular.h"

/* From here on (some 10 microseconds of work) others may run meanwhile. */
#define FIB_RELEASE_GIL 20000

/* n where it is exactly an int and 0 <= n <= last, else -1. */
static inline Py_ssize_t fib_small_index(PyObject *n, Py_ssize_t last) {
    Py_ssize_t value;
    if (!PyLong_CheckExact(n))
        return -1;
#if defined(PYPY_VERSION)
    int overflow;
    value = (Py_ssize_t)PyLong_AsLongLongAndOverflow(n, &overflow);
    if (overflow)
        return -1;
#elif PY_VERSION_HEX >= 0x030C0000
    if (!PyUnstable_Long_IsCompact((PyLongObject *)n))
        return -1;
    value = PyUnstable_Long_CompactValue((PyLongObject *)n);
#else
    if ((size_t)Py_SIZE(n) > 1)
        return -1;
    value = Py_SIZE(n) ? (Py_ssize_t)((PyLongObject *)n)->ob_digit[0] : 0;
#endif
    return (size_t)value <= (size_t)last ? value : -1;
}

/* F(n) as an int, for n >= 2. */
static inline PyObject *fib_object(uint64_t n) {
    size_t length = 0, size = (size_t)(n * 694242 / 1000000 / 64) + 2; /* F(n) has 0.694241914 n bits */
    uint64_t *result = NULL, *memory = (uint64_t *)PyMem_RawMalloc(fib_limbs_memory(size) * sizeof(uint64_t));
    if (memory == NULL)
        return PyErr_NoMemory();
    if (n < FIB_RELEASE_GIL) {
        result = fib_limbs(n, size, memory, &length);
    } else {
        Py_BEGIN_ALLOW_THREADS
        result = fib_limbs(n, size, memory, &length);
        Py_END_ALLOW_THREADS
    }
    const unsigned char *bytes = fib_little_endian(result, length);
#if PY_VERSION_HEX >= 0x030D0000 && !defined(PYPY_VERSION)
    PyObject *value = PyLong_FromUnsignedNativeBytes(bytes, 8 * length, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
#else
    PyObject *value = _PyLong_FromByteArray(bytes, 8 * length, 1, 0);
#endif
    PyMem_RawFree(memory);
    return value;
}

/* The value of an int that is not negative; 0 where that needs more than 64 bits. */
static inline int fib_uint64(PyObject *value, uint64_t *result) {
    *result = PyLong_AsUnsignedLongLong(value);
    if (*result == (uint64_t)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return 1;
}

/* F(n) modulo m, or None where one of them has more than 64 bits; m = 0 stands for 2^64. */
static inline PyObject *fib_modular_object(PyObject *n, PyObject *m) {
    uint64_t index, modulus;
    if (!fib_uint64(n, &index) || !fib_uint64(m, &modulus))
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLongLong(fib_modular(index, modulus));
}

static inline int fib_look_up(const uint64_t *n, uint64_t *out, size_t count) {
    uint64_t table[94] = {0, 1}, beyond = 0;
    for (int k = 2; k < 94; k++)
        table[k] = table[k - 1] + table[k - 2];
    for (size_t i = 0; i < count; i++) {
        uint64_t k = n[i];
        beyond |= k > 93;
        out[i] = table[k > 93 ? 0 : k];
    }
    return !beyond;
}

/* out[i] = F(ns[i]), or that modulo `modulus` (0 for 2^64), over two buffers of as many native 64-bit integers, without
 * the GIL. 0 if some F(ns[i]) has more than 64 bits, -1 with an exception set, else 1. */
static inline int fib_buffers(PyObject *ns, PyObject *out, int modular, uint64_t modulus) {
    Py_buffer source, target;
    int fits = 1;
    if (PyObject_GetBuffer(ns, &source, PyBUF_SIMPLE) < 0)
        return -1;
    if (PyObject_GetBuffer(out, &target, PyBUF_WRITABLE) < 0) {
        PyBuffer_Release(&source);
        return -1;
    }
    size_t count = (size_t)(source.len < target.len ? source.len : target.len) / sizeof(uint64_t);
    Py_BEGIN_ALLOW_THREADS
    if (modular)
        fib_modular_array((const uint64_t *)source.buf, (uint64_t *)target.buf, count, modulus);
    else
        fits = fib_look_up((const uint64_t *)source.buf, (uint64_t *)target.buf, count);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&target);
    PyBuffer_Release(&source);
    return fits;
}

/* The same double recursion twice: as it is, and counting its calls for the tests. */
#define FIB_RECURSION(NAME, PARAMETERS, ON_CALL, FIRST, SECOND)                                                        \
    static int64_t NAME PARAMETERS {                                                                                   \
        ON_CALL;                                                                                                       \
        return n < 2 ? n : NAME FIRST + NAME SECOND;                                                                   \
    }

FIB_RECURSION(fib_recursion, (int n), (void)0, (n - 1), (n - 2))
FIB_RECURSION(fib_recursion_counted, (int n, int64_t *calls), ++*calls, (n - 1, calls), (n - 2, calls))

static inline int64_t fib_recursive(int n) {
    int64_t value;
    Py_BEGIN_ALLOW_THREADS
    value = fib_recursion(n);
    Py_END_ALLOW_THREADS
    return value;
}

static inline int64_t fib_recursive_calls(int n) {
    int64_t calls = 0;
    fib_recursion_counted(n, &calls);
    return calls;
}

#endif
