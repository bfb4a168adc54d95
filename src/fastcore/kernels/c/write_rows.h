/* Rows, objects and lists as JSON text, by the steps of write_step.h. */
#ifndef FASTCORE_WRITE_ROWS_H
#define FASTCORE_WRITE_ROWS_H

#include "write_values.h"

/* ---------------------------------------------------------------------------------------------------- members */

static inline char *write_fragment(char *p, const char *text, Py_ssize_t size)
{
    memcpy(p, text, 16);
    if (size > 16) {
        memcpy(p + 16, text + 16, 16);
        if (size > 32)
            memcpy(p + 32, text + 32, (size_t)size - 32);
    }
    return p + size;
}

/* A member that may be left out, or that may be the first of its object. */
static char *write_unusual(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    const Py_ssize_t before = p - buffer->start;
    const int comma = step->flags & WRITE_MAYBE_FIRST && p[-1] == '{';
    if (step->flags & WRITE_OMIT_MISSING && value == Py_Ellipsis)
        return p;
    p = write_bytes(p, step->fragment + comma, (size_t)(step->fragment_size - comma));
    if (step->kind == WRITE_LITERAL)
        return p;
    const Py_ssize_t from = p - buffer->start;
    p = write_value(buffer, p, step, value);
    if (p && step->flags & WRITE_OMIT_NULL && p - buffer->start == from + 4 && !memcmp(p - 4, "null", 4))
        return buffer->start + before;
    return p;
}

static inline int write_takes_value(const write_step *step)
{
    return step->kind != WRITE_LITERAL && step->kind != WRITE_NOW;
}

/* All of an object; `values` in the order of its steps, kept alive by the caller. Makes its own room. */
static char *write_members(write_buffer *buffer, char *p, const write_object *object, PyObject *const *values)
{
    const write_step *step = object->steps, *end = step + object->count;
    for (; step < end; step++) {
        PyObject *value = write_takes_value(step) ? *values++ : NULL;
        p = write_buffer_room(buffer, p, (size_t)step->fragment_size + WRITE_PAD + WRITE_ROOM);
        if (!p)
            return NULL;
        if (step->flags & WRITE_UNUSUAL)
            p = write_unusual(buffer, p, step, value);
        else
            p = write_value(buffer, write_fragment(p, step->fragment, step->fragment_size), step, value);
        if (!p)
            return NULL;
    }
    p = write_buffer_room(buffer, p, (size_t)object->tail_size + WRITE_PAD + WRITE_ROOM);
    return p ? write_fragment(p, object->tail, object->tail_size) : NULL;
}

/* ------------------------------------------------------------------------------------------------ ways to read */

enum { WRITE_SCRATCH = 32 };

/* Strong references to the values of one object */
typedef struct {
    PyObject **values;
    Py_ssize_t count;
    PyObject *room[WRITE_SCRATCH];
} write_values;

static inline int write_values_open(write_values *values, Py_ssize_t width)
{
    values->count = 0;
    values->values = width <= WRITE_SCRATCH ? values->room : PyMem_Malloc((size_t)width * sizeof(PyObject *));
    if (!values->values)
        PyErr_NoMemory();
    return values->values != NULL;
}

static inline void write_values_close(write_values *values)
{
    for (Py_ssize_t i = 0; i < values->count; i++)
        Py_DECREF(values->values[i]);
    if (values->values != values->room)
        PyMem_Free(values->values);
}

/* Members, with a tuple of their values that is taken over; NULL is a failure that was met while it was made. */
static char *write_taken(write_buffer *buffer, char *p, const write_object *object, PyObject *tuple);

static char *write_tuple(write_buffer *buffer, char *p, const write_object *object, PyObject *tuple)
{
    if (PyTuple_GET_SIZE(tuple) != object->width)
        return write_buffer_refuse(buffer);
#if defined(PYPY_VERSION)
    write_values values;
    if (!write_values_open(&values, object->width))
        return write_buffer_raise(buffer);
    for (; values.count < object->width; values.count++) {
        values.values[values.count] = PyTuple_GetItem(tuple, values.count);
        Py_INCREF(values.values[values.count]);
    }
    p = write_members(buffer, p, object, values.values);
    write_values_close(&values);
    return p;
#else
    return write_members(buffer, p, object, ((PyTupleObject *)tuple)->ob_item);
#endif
}

static char *write_taken(write_buffer *buffer, char *p, const write_object *object, PyObject *tuple)
{
    if (!tuple)
        return write_raised(buffer, object->types);
    p = PyTuple_CheckExact(tuple) ? write_tuple(buffer, p, object, tuple) : write_buffer_refuse(buffer);
    Py_DECREF(tuple);
    return p;
}

/* Whether an instance of a subclass of tuple holds what it gives when it is asked */
static inline int write_is_plain_tuple(PyObject *row)
{
#if defined(PYPY_VERSION)
    return 0;
#else
    PyTypeObject *type = Py_TYPE(row);
    return PyTuple_Check(row) && type->tp_iter == PyTuple_Type.tp_iter
           && type->tp_as_sequence->sq_length == PyTuple_Type.tp_as_sequence->sq_length;
#endif
}

static char *write_by_position(write_buffer *buffer, char *p, const write_object *object, PyObject *row)
{
    if (PyTuple_CheckExact(row) || write_is_plain_tuple(row))
        return write_tuple(buffer, p, object, row);
    if (PyList_CheckExact(row))
        return write_taken(buffer, p, object, PyList_AsTuple(row));
    PyObject *width = PyLong_FromSsize_t(object->width);
    if (!width)
        return write_buffer_raise(buffer);
    PyObject *tuple = PyObject_CallMethodObjArgs(object->reader, object->types->name_sequence, row, width, NULL);
    Py_DECREF(width);
    return write_taken(buffer, p, object, tuple);
}

/* 1 with a new reference, 0, or -1 with an exception */
static inline int write_dict_value(PyObject *dict, PyObject *key, PyObject **value)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyDict_GetItemRef(dict, key, value);
#else
    *value = PyDict_GetItemWithError(dict, key);
    if (!*value)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(*value);
    return 1;
#endif
}

/* Most dicts have their keys in the order of the schema, and the same objects for keys: finds the values of those that
   come first. */
static void write_dict_in_order(const write_object *object, PyObject *row, write_values *values)
{
#if !defined(Py_GIL_DISABLED) && !defined(PYPY_VERSION)
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (values->count < object->width && PyDict_Next(row, &position, &key, &value)
           && key == object->sources[values->count]) {
        Py_INCREF(value);
        values->values[values->count++] = value;
    }
#else
    (void)object, (void)row, (void)values;
#endif
}

/* Finds the values of a plain dict; what it lacks takes the default. 0 with buffer->failure set. */
static int write_dict_values(write_buffer *buffer, const write_object *object, PyObject *row, write_values *values)
{
    write_dict_in_order(object, row, values);
    Py_ssize_t present = values->count;
    for (Py_ssize_t i = values->count; i < object->width; i++) {
        int found = write_dict_value(row, object->sources[i], &values->values[i]);
        if (found < 0)
            return write_buffer_raise(buffer) != NULL;
        if (!found) {
            if (!object->defaults[i])
                return write_buffer_refuse(buffer) != NULL;
            values->values[i] = object->defaults[i];
            Py_INCREF(values->values[i]);
        }
        present += found;
        values->count = i + 1;
    }
    return !object->strict || present == PyDict_Size(row) || write_buffer_refuse(buffer) != NULL;
}

static char *write_mapping(write_buffer *buffer, char *p, const write_object *object, PyObject *row)
{
    PyObject *tuple = PyObject_CallMethodOneArg(object->reader, object->types->name_keyed, row);
    if (tuple && object->strict) {
        PyObject *none = PyObject_CallMethodOneArg(object->reader, object->types->name_extra, row);
        if (!none)
            Py_CLEAR(tuple);
        Py_XDECREF(none);
    }
    return write_taken(buffer, p, object, tuple);
}

static char *write_by_key(write_buffer *buffer, char *p, const write_object *object, PyObject *row)
{
    write_values values;
    if (!PyDict_CheckExact(row))
        return write_mapping(buffer, p, object, row);
    if (!write_values_open(&values, object->width))
        return write_buffer_raise(buffer);
    p = write_dict_values(buffer, object, row, &values) ? write_members(buffer, p, object, values.values) : NULL;
    write_values_close(&values);
    return p;
}

static char *write_by_attribute(write_buffer *buffer, char *p, const write_object *object, PyObject *row)
{
    write_values values;
    if (!write_values_open(&values, object->width))
        return write_buffer_raise(buffer);
    while (values.count < object->width) {
        PyObject *value = PyObject_GetAttr(row, object->sources[values.count]);
        if (!value)
            break;
        values.values[values.count++] = value;
    }
    if (values.count == object->width)
        p = write_members(buffer, p, object, values.values);
    else if (!PyErr_ExceptionMatches(PyExc_AttributeError))
        p = write_buffer_raise(buffer);
    else {  /* it may have a default */
        PyErr_Clear();
        p = write_taken(buffer, p, object,
                        PyObject_CallMethodOneArg(object->reader, object->types->name_attributes, row));
    }
    write_values_close(&values);
    return p;
}

/* An object or row that is read in a way; NULL: see buffer->failure. Makes its own room. */
static inline char *write_by_way(write_buffer *buffer, char *p, const write_object *object, int way, PyObject *row)
{
    if (way == WRITE_BY_POSITION)
        return write_by_position(buffer, p, object, row);
    return way == WRITE_BY_KEY ? write_by_key(buffer, p, object, row) : write_by_attribute(buffer, p, object, row);
}

/* --------------------------------------------------------------------------------------------- nested objects */

/* How an object is read; 0 with buffer->failure set. Of classes that are always read in one way it is remembered. */
static int write_find_way(write_buffer *buffer, const write_object *object, PyObject *value)
{
    PyObject *type = (PyObject *)Py_TYPE(value);
    size_t place = ((uintptr_t)type >> 5 ^ (uintptr_t)type >> 9) % WRITE_SEEN;
    if (buffer->seen[place].type == type)
        return buffer->seen[place].way;
    PyObject *name = PyObject_CallMethodOneArg(object->reader, object->types->name_kind, value);
    if (!name)
        return write_buffer_raise(buffer) != NULL;
    int way = 0, kept = 1;
    if (name == Py_None)
        write_buffer_refuse(buffer);
    else if (PyUnicode_CompareWithASCIIString(name, "object") == 0)
        way = WRITE_BY_ATTRIBUTE;
    else if (PyUnicode_CompareWithASCIIString(name, "mapping") == 0 || PyUnicode_CompareWithASCIIString(name, "dict") == 0)
        way = WRITE_BY_KEY;
    else {
        way = PyUnicode_CompareWithASCIIString(name, "sequence") == 0 ? WRITE_BY_POSITION : WRITE_BY_KEY;
        kept = 0;  /* a record: it depends on its keys */
    }
    Py_DECREF(name);
    if (way && kept) {
        PyObject *old = buffer->seen[place].type;
        Py_INCREF(type);
        buffer->seen[place].type = type;
        buffer->seen[place].way = way;
        Py_XDECREF(old);
    }
    return way;
}

static char *write_object_value(write_buffer *buffer, char *p, const write_object *object, PyObject *value)
{
    int way;
    if (PyDict_CheckExact(value))
        way = WRITE_BY_KEY;
    else if (PyTuple_Check(value) || PyList_Check(value))
        way = WRITE_BY_POSITION;
    else {
        way = write_find_way(buffer, object, value);
        if (!way)
            return NULL;
    }
    return write_by_way(buffer, p, object, way, value);
}

/* ------------------------------------------------------------------------------------------------------- lists */

/* A new reference, or NULL behind the end: other code may change the list meanwhile. */
static inline PyObject *write_list_item(PyObject *list, Py_ssize_t i)
{
    PyObject *item;
    if (i >= PyList_GET_SIZE(list))
        return NULL;
#if defined(Py_GIL_DISABLED)
    item = PyList_GetItemRef(list, i);
    if (!item)
        PyErr_Clear();
#else
    item = PyList_GET_ITEM(list, i);
    Py_INCREF(item);
#endif
    return item;
}

enum {
    WRITE_LIST_SAMPLE = 16,         /* items after which the size of a list is estimated */
    WRITE_LIST_TRUST = 1 << 25      /* bytes up to which memory is taken on that estimate */
};

/* Room for all of a list, if its items are like those so far, which begin at `from`. */
static char *write_list_room(write_buffer *buffer, char *p, ptrdiff_t from, Py_ssize_t done, Py_ssize_t count)
{
    double rest = 1.125 * (double)(p - buffer->start - from) / (double)done * (double)(count - done);
    return write_buffer_room(buffer, p, WRITE_PAD + WRITE_ROOM + (size_t)(rest < WRITE_LIST_TRUST ? rest : WRITE_LIST_TRUST));
}

/* The finite floats, or the strings, at the front of a list or tuple, whose count is left in *index. No other code runs
   meanwhile, so that no item needs to be held: to count a reference writes to memory that is else only read. */
static inline char *write_plain_items(write_buffer *buffer, char *p, PyObject *value, Py_ssize_t *index, int strings)
{
#if !defined(PYPY_VERSION) && !defined(Py_GIL_DISABLED)
    PyObject **items = PySequence_Fast_ITEMS(value);
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(value);
    const ptrdiff_t from = p - buffer->start;
    Py_ssize_t i = 0;
    for (; i < count; i++) {
        if (strings ? !PyUnicode_CheckExact(items[i])
                    : !PyFloat_CheckExact(items[i]) || !isfinite(PyFloat_AS_DOUBLE(items[i])))
            break;
        *p = ',';
        p += i > 0;
        p = strings ? write_string(buffer, p, items[i]) : number_text_double(p, PyFloat_AS_DOUBLE(items[i]));
        if (!p)
            break;
        p = i == WRITE_LIST_SAMPLE ? write_list_room(buffer, p, from, i, count)
                                   : write_buffer_room(buffer, p, WRITE_PAD + WRITE_ROOM);
        if (!p)
            break;
    }
    *index = i;
#else
    (void)buffer;
    (void)value;
    (void)strings;
    *index = 0;
#endif
    return p;
}

static char *write_plain_floats(write_buffer *buffer, char *p, PyObject *value, Py_ssize_t *index)
{
    return write_plain_items(buffer, p, value, index, 0);
}

static char *write_plain_strings(write_buffer *buffer, char *p, PyObject *value, Py_ssize_t *index)
{
    return write_plain_items(buffer, p, value, index, 1);
}

static char *write_list_value(write_buffer *buffer, char *p, const write_step *step, PyObject *value)
{
    const int is_tuple = PyTuple_CheckExact(value);
    Py_ssize_t i = 0;
    *p++ = '[';
    if (step->item->kind == WRITE_FLOAT && !(step->item->flags & (WRITE_AS_STRING | WRITE_ROUNDED))) {
        p = write_plain_floats(buffer, p, value, &i);
    } else if (step->item->kind == WRITE_STR) {
        p = write_plain_strings(buffer, p, value, &i);
    }
    if (!p)
        return NULL;
    for (;; i++) {
        PyObject *item;
        if (!is_tuple)
            item = write_list_item(value, i);
        else {
            item = i < PyTuple_GET_SIZE(value) ? PyTuple_GET_ITEM(value, i) : NULL;
            Py_XINCREF(item);
        }
        if (!item)
            break;
        if (i)
            *p++ = ',';
        p = write_buffer_room(buffer, p, WRITE_PAD + WRITE_ROOM);
        if (p)
            p = write_value(buffer, p, step->item, item);
        Py_DECREF(item);
        if (p)
            p = write_buffer_room(buffer, p, WRITE_PAD + WRITE_ROOM);
        if (!p)
            return NULL;
    }
    *p++ = ']';
    return p;
}

#endif
