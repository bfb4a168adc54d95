/* A plan made ready for C: what is written for a member, and how the values of an object are found. Immutable. */
#ifndef FASTCORE_WRITE_STEP_H
#define FASTCORE_WRITE_STEP_H

#include <Python.h>
#include <stdint.h>

enum {
    WRITE_LITERAL,  /* only the fragment */
    WRITE_INT,
    WRITE_FLOAT,
    WRITE_STR,
    WRITE_BOOL,
    WRITE_DATETIME,
    WRITE_DATE,
    WRITE_UUID,
    WRITE_DECIMAL,
    WRITE_ENUM,
    WRITE_RAW,
    WRITE_OBJECT,
    WRITE_LIST,
    WRITE_NOW
};

enum {
    WRITE_NULLABLE = 1,
    WRITE_OMIT_NULL = 2,        /* the member is left out if its value's text is null */
    WRITE_OMIT_MISSING = 4,     /* and if its value is Ellipsis */
    WRITE_AS_STRING = 8,
    WRITE_AS_NUMBER = 16,
    WRITE_ROUNDED = 32,         /* to `precision` places */
    WRITE_NAN_NULL = 64,
    WRITE_UTC_Z = 128,
    WRITE_MAYBE_FIRST = 256,    /* the comma is left out behind a brace */
    WRITE_CLOCK_INT = 512,
    WRITE_CLOCK_FLOAT = 1024,
    WRITE_UNUSUAL = WRITE_OMIT_NULL | WRITE_OMIT_MISSING | WRITE_MAYBE_FIRST
};

/* How the values of an object are found */
enum { WRITE_BY_POSITION = 1, WRITE_BY_KEY = 2, WRITE_BY_ATTRIBUTE = 3 };

enum {
    WRITE_ROOM = 96,        /* bytes that the caller of a value's writer provides */
    WRITE_PAD = 32          /* readable bytes behind a fragment */
};

struct write_object;

/* Classes and names that the writers compare with */
typedef struct {
    PyObject *misfit;       /* what a node raises for a value that its field refuses */
    PyObject *decimal, *uuid, *raw;
    PyObject *name_int, *name_json, *name_utcoffset, *name_kind, *name_sequence, *name_keyed, *name_attributes;
    PyObject *name_extra;
} write_types;

typedef struct {
    PyObject *member;
    const char *text;
    Py_ssize_t size;
} write_member_text;

typedef struct write_step {
    int kind;
    int flags;
    int precision;
    int64_t unit;               /* nanoseconds, of a clock */
    const char *fragment;       /* everything that comes before the value */
    Py_ssize_t fragment_size;
    PyObject *node;             /* gives the text of any value of the field, or raises a misfit */
    struct write_object *object;
    struct write_step *item;    /* of a list */
    write_member_text *members; /* of an enum */
    Py_ssize_t member_count;
    const write_types *types;
} write_step;

typedef struct write_object {
    write_step *steps;
    Py_ssize_t count;
    const char *tail;           /* comes after the last step */
    Py_ssize_t tail_size;
    Py_ssize_t width;           /* values that it has: one for every step that is neither literal nor clock */
    PyObject **sources;         /* key or attribute of each; NULL if it is read by position only */
    PyObject **defaults;        /* NULL where a value is required */
    PyObject *reader;           /* of writing_rows, for values that are found in another way */
    int strict;                 /* keys beyond the schema's are refused */
    const write_types *types;
} write_object;

#endif
