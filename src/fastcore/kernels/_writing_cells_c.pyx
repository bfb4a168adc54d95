# A plan and the columns of a table as the cells of c/write_columns.h. Included by _speedups.pyx after
# _writing_plan_c.pyx.

from libc.stddef cimport ptrdiff_t

from cpython.buffer cimport PyBUF_FULL_RO, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Realloc


cdef extern from "write_columns.h" nogil:
    enum:
        CELL_TEXT, CELL_OPTIONAL, CELL_OPEN, CELL_CLOSE, CELL_OBJECT, CELL_LISTED, CELL_INT, CELL_INT64, CELL_DOUBLE
        CELL_DOUBLE64, CELL_SINGLE, CELL_WHOLE, CELL_BOOL, CELL_BITS, CELL_UTF8, CELL_VIEW, CELL_UCS4, CELL_BYTES
        CELL_TEXTS, CELL_CODES, CELL_DATETIME, CELL_DATE, CELL_COUNT, CELL_DECIMAL, CELL_UUID, CELL_LIST, CELL_CLOCK
        CELL_OMIT, CELL_NULLABLE, CELL_STRICT, CELL_QUOTED, CELL_SWAPPED, CELL_RAW, CELL_LARGE, CELL_REAL
        CELL_ROUNDED, CELL_NAT, CELL_WHOLE_DAYS, CELL_ABSENT
        CELL_DONE, CELL_FULL, CELL_NONE, CELL_NOT_FINITE, CELL_LIMIT
        MEMORY_I1, MEMORY_I4, MEMORY_I8, MEMORY_U8, MEMORY_F2, MEMORY_F8, MEMORY_RANGE
        TIME_TEXT_NAIVE, TIME_TEXT_OFFSET, TIME_TEXT_Z

    ctypedef struct _CellBitmap "cell_bitmap":
        const uint8_t *bits
        ptrdiff_t base

    ctypedef struct _CellClock "cell_clock":
        ptrdiff_t size          # of the text; 0 before the first

    ctypedef struct _Cell "cell":
        int kind
        int flags
        const char *fragment
        int fragment_size
        bint may_be_null
        ptrdiff_t inner
        const char *data
        ptrdiff_t stride
        ptrdiff_t base
        int memory
        int bitmap_count
        const _CellBitmap *bitmaps
        const char *mask
        ptrdiff_t mask_stride
        const char *offsets
        int64_t last
        int64_t high
        int places
        ptrdiff_t width
        int64_t multiple
        int64_t per_second
        int64_t unit
        int zone
        int mode
        uint64_t first
        uint64_t step
        const char **buffers
        const int64_t *sizes
        const char *texts
        const int64_t *places_of_texts
        const _WriteStep *object_step
        PyObject **objects
        PyObject *list
        _CellClock *clock

    ctypedef struct _CellBuild "cell_build":
        _WriteBuffer *buffer
        const _Cell *cells
        ptrdiff_t count
        const char *tail
        ptrdiff_t tail_size
        size_t room
        int failure

    void cell_rows(_CellBuild *build, ptrdiff_t *row, ptrdiff_t stop, size_t enough)
    char *cell_value_alone(_CellBuild *build, const _Cell *it, ptrdiff_t i, char *p)
    void cell_prepare(_Cell *cells, ptrdiff_t count, ptrdiff_t start, ptrdiff_t stop)

cdef extern from *:
    PyObject **_cell_items "PySequence_Fast_ITEMS" (object values)

cdef enum:
    _CELL_TEXTS_LIMIT = 1 << 16     # elements of a dictionary whose texts are made at once
    _CELL_TEXT_BYTES = 1 << 20      # and their size

_CELL_NUMBERS = {
    name: code for code, name in enumerate("i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 range".split(), MEMORY_I1)
}
_CELL_TEXTS = {
    "utf8": CELL_UTF8, "large": CELL_UTF8, "view": CELL_VIEW, "ucs4": CELL_UCS4, "bytes": CELL_BYTES
}
_CELL_UNITS = {
    "D": (86400, 1), "h": (3600, 1), "m": (60, 1), "s": (1, 1), "ms": (1, 1000), "us": (1, 10**6), "ns": (1, 10**9)
}
_CELL_FIELD_UNITS = {"seconds": ("s", 10**6), "milliseconds": ("ms", 1000), "microseconds": ("us", 1)}
_CELL_LISTS = ("list", "large_list", "fixed_list")


@cython.final
cdef class _CellMember:
    """A member of an object, or the item of a list: what its field asks for."""

    cdef readonly int kind
    cdef int flags
    cdef bytes key              # with its colon
    cdef bytes text             # of a constant, else None
    cdef object unit
    cdef list members           # of an object
    cdef _CellMember item       # of a list
    cdef const _WriteStep *step

    cdef int64_t bind(self, step, const _WriteStep *found) except -1:
        self.key = step.fragment.encode()
        self.step = found
        self.unit = step.unit
        if step.kind == "constant":
            self.text = step.detail.encode()
            return 0
        self.kind = found.kind
        if step.omit_null:
            self.flags |= CELL_OMIT
        if step.omit_missing:
            self.flags |= CELL_ABSENT
        if step.nullable:
            self.flags |= CELL_NULLABLE
        if not found.flags & WRITE_NAN_NULL:
            self.flags |= CELL_STRICT
        if found.flags & WRITE_ROUNDED:
            self.flags |= CELL_ROUNDED
        if found.flags & WRITE_AS_STRING or (found.kind == WRITE_DECIMAL and not found.flags & WRITE_AS_NUMBER):
            self.flags |= CELL_QUOTED
        if found.kind == WRITE_OBJECT:
            self.members = _cell_members(step.detail, found.object)
        elif found.kind == WRITE_LIST:
            self.item = _CellMember()
            self.item.bind(step.detail, found.item)
        return 0


cdef list _cell_members(plan, const _WriteForm *form):
    """The members of an object, by its plan and its form, which has one value per field."""
    cdef Py_ssize_t at = 0
    cdef _CellMember member
    members = []
    for step in plan.steps:
        member = _CellMember()
        if step.kind == "constant":
            member.bind(step, NULL)
        else:
            while form.steps[at].kind == WRITE_LITERAL:
                at += 1
            member.bind(step, &form.steps[at])
            at += 1
        members.append(member)
    return members


# --- which kind of cell a column is -----------------------------------------------------------------------------------


cdef int _cell_kind(_CellMember member, column) except -1:
    """CELL_OBJECT where only Python can write the values of a column, or refuses them."""
    cdef str kind = column.kind
    cdef int asked = member.kind
    if column.dictionary is not None:
        inner = _cell_kind(member, column.dictionary)
        return CELL_CODES if CELL_OBJECT < inner < CELL_TEXTS or inner > CELL_CODES else CELL_OBJECT
    if kind in _CELL_NUMBERS:
        return _cell_number_kind(member, _CELL_NUMBERS[kind], column.swapped)
    if kind in _CELL_TEXTS:
        return _CELL_TEXTS[kind] if asked == WRITE_STR or (
            asked == WRITE_RAW and kind in ("utf8", "large", "view")
        ) else CELL_OBJECT
    if asked == WRITE_BOOL and kind in ("bool", "bits"):
        return CELL_BOOL if kind == "bool" else CELL_BITS
    if kind == "datetime64":
        return CELL_DATETIME if asked == WRITE_DATETIME else CELL_DATE if asked == WRITE_DATE else CELL_OBJECT
    if kind == "timestamp":
        return _cell_timestamp_kind(member, column)
    if asked == WRITE_DATE and kind in ("date32", "date64"):
        return CELL_DATE
    if asked == WRITE_DECIMAL and kind == "decimal":
        return CELL_DECIMAL if column.width <= 16 and not member.flags & CELL_ROUNDED else CELL_OBJECT
    if asked == WRITE_UUID and kind == "uuid":
        return CELL_UUID
    if asked == WRITE_LIST and kind in _CELL_LISTS and _cell_is_typed(member.item, column.items):
        return CELL_LIST
    return CELL_OBJECT


cdef int _cell_number_kind(_CellMember member, int memory, bint swapped) noexcept:
    cdef bint plain = not member.flags & (CELL_QUOTED | CELL_ROUNDED) and not swapped
    if MEMORY_F2 <= memory <= MEMORY_F8:
        if member.kind != WRITE_FLOAT:
            return CELL_OBJECT
        if memory != MEMORY_F8 and not member.flags & CELL_ROUNDED:
            return CELL_SINGLE
        return CELL_DOUBLE64 if plain and memory == MEMORY_F8 else CELL_DOUBLE
    if member.kind == WRITE_INT:
        return CELL_INT64 if plain and memory == MEMORY_I8 else CELL_INT
    if member.kind == WRITE_FLOAT:
        return CELL_WHOLE
    return CELL_DATETIME if member.kind == WRITE_DATETIME and member.unit is not None else CELL_OBJECT


cdef int _cell_timestamp_kind(_CellMember member, column) except -1:
    if member.kind == WRITE_DATETIME:
        return CELL_OBJECT if column.zone is not None and _cell_minutes(column.zone) is None else CELL_DATETIME
    if member.kind in (WRITE_INT, WRITE_FLOAT) and member.unit is not None and column.zone is not None:
        return CELL_COUNT
    return CELL_OBJECT


cdef object _cell_minutes(zone):
    """The minutes of a zone whose offset never changes; None for others."""
    from datetime import timezone

    if type(zone) is not timezone:
        return None
    minutes = zone.utcoffset(None).total_seconds() / 60
    return int(minutes) if minutes == int(minutes) else None


cdef bint _cell_is_typed(_CellMember member, column) except -1:
    """Whether no value of a column needs Python."""
    if member.kind != WRITE_OBJECT or column.kind != "struct":
        return _cell_kind(member, column) != CELL_OBJECT
    taking = [inner for inner in member.members if _cell_takes(inner)]
    for inner, inner_column in zip(taking, column.fields.values(), strict=True):
        if inner_column.kind != "default" and not _cell_is_typed(inner, inner_column):
            return False
    return True


cdef bint _cell_takes(_CellMember member) except -1:
    return member.text is None and member.kind != WRITE_NOW
