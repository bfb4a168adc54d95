/* Instances of a Python class with slots, made without calling it. */
#ifndef FASTCORE_RECORDS_H
#define FASTCORE_RECORDS_H

#include <Python.h>
#include <structmember.h>

/* Where an instance keeps its slots; 0 or -1 with an error. */
static int record_offsets(PyObject *type, const char **names, int count, Py_ssize_t *offsets)
{
    for (int i = 0; i < count; i++) {
        PyObject *slot = PyObject_GetAttrString(type, names[i]);
        if (!slot)
            return -1;
        int is_slot = Py_TYPE(slot) == &PyMemberDescr_Type;
        if (is_slot)
            offsets[i] = ((PyMemberDescrObject *)slot)->d_member->offset;
        Py_DECREF(slot);
        if (!is_slot) {
            PyErr_Format(PyExc_TypeError, "%s is not a slot", names[i]);
            return -1;
        }
    }
    return 0;
}

/* An instance with these slots. They hold nothing that could lead back to it, so the collector need not look at it. */
static PyObject *record_new(PyObject *type, const Py_ssize_t *offsets, PyObject **values, int count)
{
    PyObject *record = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 0);
    if (!record)
        return NULL;
    for (int i = 0; i < count; i++) {
        Py_INCREF(values[i]);
        *(PyObject **)((char *)record + offsets[i]) = values[i];
    }
    PyObject_GC_UnTrack(record);
    return record;
}

#endif
