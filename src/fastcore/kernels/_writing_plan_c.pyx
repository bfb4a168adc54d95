# A plan of payloads made ready for C (c/write_step.h). Rows and columns are written by it: included by _speedups.pyx
# after writing_values.py and writing_rows.py, whose nodes write what C does not.

from sys import intern

cdef extern from "write_rows.h":
    cdef enum:
        WRITE_LITERAL, WRITE_INT, WRITE_FLOAT, WRITE_STR, WRITE_BOOL, WRITE_DATETIME, WRITE_DATE, WRITE_UUID
        WRITE_DECIMAL, WRITE_ENUM, WRITE_RAW, WRITE_OBJECT, WRITE_LIST, WRITE_NOW
        WRITE_NULLABLE, WRITE_OMIT_NULL, WRITE_OMIT_MISSING, WRITE_AS_STRING, WRITE_AS_NUMBER, WRITE_ROUNDED
        WRITE_NAN_NULL, WRITE_UTC_Z, WRITE_MAYBE_FIRST, WRITE_CLOCK_INT, WRITE_CLOCK_FLOAT
        WRITE_BY_POSITION, WRITE_BY_KEY, WRITE_BY_ATTRIBUTE
        WRITE_ROOM, WRITE_PAD
        WRITE_RAISED, WRITE_REFUSED

    ctypedef struct _WriteBuffer "write_buffer":
        char *start
        char *limit
        char *end
        int failure

    int write_buffer_open(_WriteBuffer *buffer, size_t capacity) except -1
    char *write_buffer_resize(_WriteBuffer *buffer, char *p, size_t capacity) except NULL
    char *write_buffer_room(_WriteBuffer *buffer, char *p, size_t need) except NULL
    object write_buffer_take(_WriteBuffer *buffer, char *p)
    void write_buffer_drop(_WriteBuffer *buffer)

    ctypedef struct _WriteTypes "write_types":
        PyObject *misfit
        PyObject *decimal
        PyObject *uuid
        PyObject *raw
        PyObject *name_int
        PyObject *name_json
        PyObject *name_utcoffset
        PyObject *name_kind
        PyObject *name_sequence
        PyObject *name_keyed
        PyObject *name_attributes
        PyObject *name_extra

    ctypedef struct _WriteMemberText "write_member_text":
        PyObject *member
        const char *text
        Py_ssize_t size

    ctypedef struct _WriteStep "write_step":
        int kind
        int flags
        int precision
        int64_t unit
        const char *fragment
        Py_ssize_t fragment_size
        PyObject *node
        _WriteForm *object
        _WriteStep *item
        _WriteMemberText *members
        Py_ssize_t member_count
        const _WriteTypes *types

    ctypedef struct _WriteForm "write_object":
        _WriteStep *steps
        Py_ssize_t count
        const char *tail
        Py_ssize_t tail_size
        Py_ssize_t width
        PyObject **sources
        PyObject **defaults
        PyObject *reader
        int strict
        const _WriteTypes *types

    int write_ready() except -1
    char *write_by_way(_WriteBuffer *buffer, char *p, const _WriteForm *form, int way, object row) except? NULL
    char *write_json_text(_WriteBuffer *buffer, char *p, object text) except? NULL

cdef dict _WRITE_KINDS = {
    "int": WRITE_INT,
    "float": WRITE_FLOAT,
    "str": WRITE_STR,
    "bool": WRITE_BOOL,
    "datetime": WRITE_DATETIME,
    "date": WRITE_DATE,
    "uuid": WRITE_UUID,
    "decimal": WRITE_DECIMAL,
    "enum": WRITE_ENUM,
    "raw": WRITE_RAW,
    "object": WRITE_OBJECT,
    "list": WRITE_LIST,
    "now": WRITE_NOW,
}


# --- the order of fragments and values ----------------------------------------------------------------------------------


cdef list _write_layout(plan, bint flat, str opening, bint maybe_first):
    """What is written for an object, in order: triples of text, step (None: the text alone), and whether a comma
    that the text starts with is left out behind a brace."""
    layout = [(opening + "{", None, maybe_first)]
    first = next((index for index, step in enumerate(plan.steps) if not step.omittable), len(plan.steps))
    for index, step in enumerate(plan.steps):
        text = "," + step.fragment if index else step.fragment
        maybe_first = 0 < index <= first
        if step.kind == "constant":
            layout.append((text + step.detail, None, maybe_first))
        elif flat and _write_inlined(step):
            layout += _write_layout(step.detail, flat, text, maybe_first)
        else:
            layout.append((text, step, maybe_first))
    layout.append(("}", None, False))
    return layout


cdef tuple _write_merged(list layout):
    """The same with texts joined where nothing can come between them, and the text behind the last step."""
    merged = []
    before, maybe_before = "", False
    for text, step, maybe_first in layout:
        if before and (maybe_first or (step is not None and step.omittable)):
            merged.append((before, None, maybe_before))
            before, maybe_before = "", False
        if not before:
            maybe_before = maybe_first
        before += text
        if step is not None:
            merged.append((before, step, maybe_before))
            before, maybe_before = "", False
    if maybe_before:
        merged.append((before, None, True))
        before = ""
    return merged, before


# --- the plan -----------------------------------------------------------------------------------------------------------


@cython.final
cdef class _WritePlan:
    """Owns the memory and the references of the forms of a plan. Immutable once built."""

    cdef list kept
    cdef void *blocks               # each begins with the address of the next
    cdef _WriteTypes types
    cdef readonly object reader     # of writing_rows: the Python functions of the same rows
    cdef _WriteForm *rows           # one value per field
    cdef _WriteForm *flat           # the members of nested objects side by side

    def __cinit__(self, plan):
        self.kept = []
        write_ready()
        self.types.misfit = self.keep(_WriteMisfit)
        self.types.name_int = self.keep("int")
        self.types.name_json = self.keep("json")
        self.types.name_utcoffset = self.keep("utcoffset")
        self.types.name_kind = self.keep("kind")
        self.types.name_sequence = self.keep("sequence")
        self.types.name_keyed = self.keep("keyed")
        self.types.name_attributes = self.keep("attributes")
        self.types.name_extra = self.keep("extra")
        self.reader = _WriteReader(plan)
        self.rows = self.form(plan, self.reader, False)
        self.flat = self.form(plan, self.reader, True)

    def __dealloc__(self):
        cdef void *following
        while self.blocks != NULL:
            following = (<void **>self.blocks)[0]
            PyMem_Free(self.blocks)
            self.blocks = following

    cdef PyObject *keep(self, value):
        if type(value) is str:
            value = intern(value)
        self.kept.append(value)
        return <PyObject *>value

    cdef const char *keep_text(self, str text) except NULL:
        """UTF-8 that may be read some bytes beyond its end."""
        data = text.encode() + bytes(WRITE_PAD)
        self.kept.append(data)
        return <const char *>data

    cdef void *block(self, size_t size) except NULL:
        cdef void **memory = <void **>_bitmap_memory(size + 2 * sizeof(void *))
        memory[0] = self.blocks
        self.blocks = memory
        return memory + 2

    cdef _WriteForm *form(self, plan, reader, bint flat) except NULL:
        cdef _WriteForm *form = <_WriteForm *>self.block(sizeof(_WriteForm))
        cdef Py_ssize_t at
        merged, tail = _write_merged(_write_layout(plan, flat, "", False))
        form.steps = <_WriteStep *>self.block(len(merged) * sizeof(_WriteStep))
        form.count = len(merged)
        for at in range(form.count):
            text, step, maybe_first = merged[at]
            self.fill_step(&form.steps[at], step, plan)
            form.steps[at].fragment = self.keep_text(text)
            form.steps[at].fragment_size = len(text.encode())
            if maybe_first:
                form.steps[at].flags |= WRITE_MAYBE_FIRST
        form.tail = self.keep_text(tail)
        form.tail_size = len(tail.encode())
        form.reader = self.keep(reader)
        form.strict = plan.extra == "error"
        form.types = &self.types
        form.width = reader.flat_width if flat else reader.width
        if not flat:
            self.fill_sources(form, reader.steps)
        return form

    cdef int fill_sources(self, _WriteForm *form, steps) except -1:
        cdef Py_ssize_t at
        form.sources = <PyObject **>self.block(form.width * sizeof(void *))
        form.defaults = <PyObject **>self.block(form.width * sizeof(void *))
        for at in range(form.width):
            form.sources[at] = self.keep(steps[at].source)
            if steps[at].default != ():
                self.kept.append(steps[at].default)
                form.defaults[at] = <PyObject *>steps[at].default[0]
        return 0

    cdef int fill_step(self, _WriteStep *target, step, plan) except -1:
        target.types = &self.types
        if step is None:
            target.kind = WRITE_LITERAL
            return 0
        node = _write_node(step, plan, "")
        target.node = self.keep(node)
        target.kind = _WRITE_KINDS[step.kind]
        target.flags = self.flags(step, plan)
        if step.precision is not None:
            target.precision = max(-100_000, min(100_000, step.precision))
        if step.kind == "now":
            target.unit = node.nanoseconds
        elif step.kind == "object":
            target.object = self.form(step.detail, node.reader, False)
        elif step.kind == "list":
            target.item = <_WriteStep *>self.block(sizeof(_WriteStep))
            self.fill_step(target.item, step.detail, plan)
        elif step.kind == "enum":
            self.fill_members(target, step.detail[1])
        elif step.kind == "decimal":
            self.types.decimal = self.keep(node.type)
        elif step.kind == "uuid":
            self.types.uuid = self.keep(node.type)
        elif step.kind == "raw":
            self.types.raw = self.keep(node.type)
        return 0

    cdef int flags(self, step, plan):
        cdef int flags = 0
        if step.nullable:
            flags |= WRITE_NULLABLE
        if step.omit_null:
            flags |= WRITE_OMIT_NULL
        if step.omit_missing:
            flags |= WRITE_OMIT_MISSING
        if step.as_string:
            flags |= WRITE_AS_STRING
        if step.as_number:
            flags |= WRITE_AS_NUMBER
        if step.precision is not None:
            flags |= WRITE_ROUNDED
        if plan.nan == "null":
            flags |= WRITE_NAN_NULL
        if plan.utc_z:
            flags |= WRITE_UTC_Z
        if step.kind == "now" and step.detail[0] != "datetime":
            flags |= WRITE_CLOCK_INT if step.detail[0] == "int" else WRITE_CLOCK_FLOAT
        return flags

    cdef int fill_members(self, _WriteStep *target, texts) except -1:
        cdef Py_ssize_t at
        target.members = <_WriteMemberText *>self.block(len(texts) * sizeof(_WriteMemberText))
        target.member_count = len(texts)
        for at in range(target.member_count):
            member, text = texts[at]
            target.members[at].member = self.keep(member)
            target.members[at].text = self.keep_text(text)
            target.members[at].size = len(text.encode())
        return 0
