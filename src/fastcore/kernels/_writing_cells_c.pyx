# A plan and the columns of a table as the cells of c/write_columns.h. Included by _speedups.pyx after
# _writing_plan_c.pyx.

from libc.stddef cimport ptrdiff_t

from cpython.buffer cimport PyBUF_FULL_RO, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Realloc


cdef extern from "write_columns.h" nogil:
    enum:
        CELL_TEXT, CELL_OPTIONAL, CELL_OPEN, CELL_CLOSE, CELL_OBJECT, CELL_LISTED, CELL_INT, CELL_INT64, CELL_DOUBLE, CELL_DOUBLE64
        CELL_SINGLE, CELL_WHOLE, CELL_BOOL, CELL_BITS, CELL_UTF8, CELL_VIEW, CELL_UCS4, CELL_BYTES, CELL_TEXTS
        CELL_CODES, CELL_DATETIME, CELL_DATE, CELL_COUNT, CELL_DECIMAL, CELL_UUID, CELL_LIST, CELL_CLOCK
        CELL_OMIT, CELL_NULLABLE, CELL_STRICT, CELL_QUOTED, CELL_SWAPPED, CELL_RAW, CELL_LARGE, CELL_REAL
        CELL_ROUNDED, CELL_NAT, CELL_WHOLE_DAYS, CELL_ABSENT
        CELL_DONE, CELL_FULL, CELL_NONE, CELL_NOT_FINITE, CELL_LIMIT
        MEMORY_I1, MEMORY_I4, MEMORY_I8, MEMORY_U8, MEMORY_F2, MEMORY_F8, MEMORY_RANGE
        TIME_TEXT_NAIVE, TIME_TEXT_OFFSET, TIME_TEXT_Z

    ctypedef struct _CellBitmap "cell_bitmap":
        const uint8_t *bits
        ptrdiff_t base

    ctypedef struct _CellClock "cell_clock":
        ptrdiff_t size

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


# --- which kind of cell a column is -------------------------------------------------------------------------------------


cdef int _cell_kind(_CellMember member, column) except -1:
    """CELL_OBJECT where only Python can write the values of a column, or refuses them."""
    cdef str kind = column.kind
    cdef int asked = member.kind
    if column.dictionary is not None:
        inner = _cell_kind(member, column.dictionary)
        return CELL_CODES if CELL_OBJECT < inner < CELL_TEXTS or inner > CELL_CODES else CELL_OBJECT
    if kind in _CELL_NUMBERS:
        return _cell_number_kind(member, column, _CELL_NUMBERS[kind])
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


cdef int _cell_number_kind(_CellMember member, column, int memory) except -1:
    cdef bint plain = not member.flags & (CELL_QUOTED | CELL_ROUNDED) and not column.swapped
    if MEMORY_F2 <= memory <= MEMORY_F8:
        if member.kind != WRITE_FLOAT:
            return CELL_OBJECT
        if memory != MEMORY_F8 and not member.flags & CELL_ROUNDED:
            return CELL_SINGLE
        return CELL_DOUBLE64 if plain and memory == MEMORY_F8 else CELL_DOUBLE
    if member.kind == WRITE_INT:
        return CELL_INT64 if plain and column.kind == "i8" else CELL_INT
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


# --- the cells of a table -----------------------------------------------------------------------------------------------


@cython.final
cdef class _CellTable:
    """The cells of one table, and what keeps the memory that they point to."""

    cdef _Cell *cells
    cdef Py_ssize_t count
    cdef Py_ssize_t space
    cdef Py_buffer *views
    cdef Py_ssize_t view_count
    cdef Py_ssize_t view_space
    cdef list kept
    cdef list objects           # columns of Python objects, which are taken block by block
    cdef list object_cells      # and their cells
    cdef list lists             # columns of those that are in lists
    cdef list values            # the objects of a block
    cdef bytes pending          # text before the next cell
    cdef bytes tail
    cdef size_t room
    cdef Py_ssize_t text_size   # of the fragments of a row

    def __cinit__(self):
        self.kept, self.objects, self.object_cells, self.lists, self.values = [], [], [], [], []
        self.pending = b""

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.view_count):
            PyBuffer_Release(&self.views[i])
        PyMem_Free(self.views)
        PyMem_Free(self.cells)

    cdef int fill(self, list members, columns, bytes before, bytes after) except -1:
        """Makes the cells; `before` and `after` are put around every row."""
        cdef Py_ssize_t i
        self.pending = before
        self.put_object(members, columns)
        self.tail = self.padded(self.pending + after)
        self.text_size = len(self.tail) - WRITE_PAD
        for i in range(self.count):
            self.text_size += self.cells[i].fragment_size
        self.room = self.text_size + (self.count + 2) * (WRITE_ROOM + WRITE_PAD)
        return 0

    cdef bytes padded(self, bytes text):
        """The same, kept, with bytes behind it that may be read."""
        text = text + _CELL_PADDING
        self.kept.append(text)
        return text

    cdef _Cell *add(self, int kind) except NULL:
        """A cell with the text that waits."""
        cdef _Cell *it
        cdef bytes text = self.padded(self.pending)
        if self.count == self.space:
            self.space = 2 * self.space + 8
            it = <_Cell *>PyMem_Realloc(self.cells, self.space * sizeof(_Cell))
            if it == NULL:
                raise MemoryError
            self.cells = it
        it = &self.cells[self.count]
        memset(it, 0, sizeof(_Cell))
        it.kind = kind
        it.fragment = text
        it.fragment_size = len(self.pending)
        self.pending = b""
        self.count += 1
        return it

    # --- objects

    cdef int put_object(self, list members, columns) except -1:
        """An object; `columns` are those of the members that take one."""
        cdef _CellMember member
        cdef bint dynamic, comma = False
        cdef list there = []
        columns = iter(columns)
        for member in members:
            column = next(columns) if _cell_takes(member) else None
            text = member.text if column is None else _cell_constant(member, column)
            if text != b"":
                there.append((member, column, text))
        dynamic = len(there) > 0 and _cell_may_lack(there[0][0], there[0][2])
        if dynamic:
            self.add(CELL_OPEN)
        else:
            self.pending += b"{"
        for member, column, text in there:
            if _cell_may_lack(member, text) and self.pending:
                self.add(CELL_TEXT)
            self.pending += b"," + member.key if dynamic or comma else member.key
            comma = True
            if text is not None:
                self.pending += text
            else:
                self.put_value(member, column)
        if dynamic:
            self.add(CELL_CLOSE)
        else:
            self.pending += b"}"
        return 0

    cdef int put_value(self, _CellMember member, column) except -1:
        cdef _Cell *it
        cdef Py_ssize_t at = self.count
        if column is None:
            it = self.add(CELL_CLOCK)
            it.object_step = member.step
            it.clock = <_CellClock *>self.memory(sizeof(_CellClock))
            memset(it.clock, 0, sizeof(_CellClock))
            return 0
        if member.kind != WRITE_OBJECT or column.kind != "struct":
            return self.put_column(member, column, _cell_kind(member, column))
        if not column.valid and column.mask is None:
            return self.put_object(member.members, column.fields.values())
        it = self.add(CELL_OPTIONAL)
        it.flags = member.flags
        self.set_nulls(it, column)
        self.put_object(member.members, column.fields.values())
        self.add(CELL_TEXT)
        self.cells[at].inner = self.count - at - 1
        return 0

    # --- columns

    cdef int put_column(self, _CellMember member, column, int kind) except -1:
        cdef _Cell *it = self.add(kind)
        cdef Py_ssize_t at = self.count - 1
        it.flags = member.flags
        if column.kind in _CELL_NUMBERS:
            it.memory = _CELL_NUMBERS[column.kind]
        if kind == CELL_OBJECT:
            self.put_objects(at, member, column)
            return 0
        self.set_nulls(it, column)
        self.set_memory(it, column)
        if kind == CELL_CODES:
            self.put_dictionary(at, member, column.dictionary)
        elif kind == CELL_LIST:
            it.width = column.width
            self.put_items(at, member.item, column.items)
        elif kind in (CELL_DATETIME, CELL_DATE, CELL_COUNT):
            self.set_moment(it, member, column)
        else:
            self.set_value(it, member, column)
        return 0

    cdef int put_objects(self, Py_ssize_t at, _CellMember member, column) except -1:
        cdef _Cell *it = &self.cells[at]
        it.object_step = member.step
        if type(column.owner) is list and column.kind == "objects":
            it.kind = CELL_LISTED
            it.list, it.base = <PyObject *>column.owner, column.offset
            self.lists.append(column)
        else:
            self.objects.append(column)
            self.object_cells.append(at)
        return 0

    cdef int set_nulls(self, _Cell *it, column) except -1:
        cdef size_t address
        cdef _CellBitmap *bitmaps
        cdef list valid = column.valid
        it.may_be_null = len(valid) > 0 or column.mask is not None
        if column.mask is not None:
            address, it.mask_stride = column.mask
            it.mask = <const char *>address + <ptrdiff_t>column.offset * it.mask_stride
        if valid:
            bitmaps = <_CellBitmap *>self.memory(len(valid) * sizeof(_CellBitmap))
            it.bitmaps, it.bitmap_count = bitmaps, len(valid)
            for address, base in valid:
                bitmaps.bits = <const uint8_t *>address
                bitmaps.base = base + column.offset
                bitmaps += 1
        return 0

    cdef int set_memory(self, _Cell *it, column) except -1:
        """Where element 0 is."""
        cdef size_t address = column.address
        cdef ptrdiff_t offset = column.offset
        self.kept.append(column)
        if column.buffer is not None:
            address = <size_t>self.view(column.buffer)
        if column.swapped:
            it.flags |= CELL_SWAPPED
        it.data = <const char *>address
        it.stride = column.stride
        it.base = offset
        if it.kind == CELL_VIEW:
            it.stride = 16
        if it.kind != CELL_UTF8 and it.kind != CELL_BITS:
            it.data += offset * it.stride
        address = column.offsets
        if address:
            if column.kind in ("large", "large_list"):
                it.flags |= CELL_LARGE
            it.offsets = <const char *>address + offset * (8 if it.flags & CELL_LARGE else 4)
        if it.memory == MEMORY_RANGE:
            it.step = <uint64_t>(column.step & 0xFFFFFFFFFFFFFFFF)
            it.first = <uint64_t>(column.start & 0xFFFFFFFFFFFFFFFF) + it.step * <uint64_t>offset
        return 0

    cdef int set_value(self, _Cell *it, _CellMember member, column) except -1:
        cdef size_t address
        cdef Py_ssize_t i
        it.width = column.width
        it.places = column.scale if it.kind == CELL_DECIMAL else member.step.precision
        if member.kind == WRITE_RAW:
            it.flags |= CELL_RAW
        if it.kind == CELL_UTF8:
            it.high = it.last = _cell_last_offset(it, column.length)
        elif it.kind == CELL_VIEW:
            it.high = len(column.buffers)
            it.buffers = <const char **>self.memory((it.high + 1) * sizeof(void *))
            for i in range(it.high):
                address = column.buffers[i]
                it.buffers[i] = <const char *>address
            address = column.sizes
            it.sizes = <const int64_t *>address
        return 0

    cdef int set_moment(self, _Cell *it, _CellMember member, column) except -1:
        cdef str unit = column.unit
        if column.kind in ("date32", "date64"):
            it.memory = MEMORY_I4 if column.kind == "date32" else MEMORY_I8
            unit = "D" if column.kind == "date32" else "ms"
        elif column.kind == "datetime64":
            it.flags |= CELL_NAT | CELL_WHOLE_DAYS
            it.memory = MEMORY_I8
        elif column.kind == "timestamp":
            it.memory = MEMORY_I8
        else:
            unit = _CELL_FIELD_UNITS[member.unit][0]
        it.multiple, it.per_second = _CELL_UNITS[unit]
        it.mode = TIME_TEXT_NAIVE
        if it.kind == CELL_COUNT:
            it.unit = _CELL_FIELD_UNITS[member.unit][1]
            it.places = member.step.precision
            if member.kind == WRITE_FLOAT:
                it.flags |= CELL_REAL
        elif it.kind == CELL_DATETIME and column.kind != "datetime64" and (column.kind != "timestamp" or column.zone is not None):
            it.zone = _cell_minutes(column.zone) if column.kind == "timestamp" else 0
            it.mode = TIME_TEXT_Z if member.step.flags & WRITE_UTC_Z and it.zone == 0 else TIME_TEXT_OFFSET
        return 0

    # --- what is nested in a column

    cdef int put_dictionary(self, Py_ssize_t at, _CellMember member, dictionary) except -1:
        self.cells[at].last = dictionary.length
        self.put_column(member, dictionary, _cell_kind(member, dictionary))
        self.cells[at].inner = self.count - at - 1
        if dictionary.length <= _CELL_TEXTS_LIMIT:
            self.make_texts(at, dictionary.length)
        return 0

    cdef int make_texts(self, Py_ssize_t at, Py_ssize_t length) except -1:
        """The texts of a dictionary, unless they are too long together."""
        cdef _WriteBuffer buffer
        cdef _CellBuild build
        cdef ptrdiff_t i = 0
        cdef char *p
        cdef int64_t *places = <int64_t *>self.memory((2 * length + 2) * sizeof(int64_t))
        memset(&build, 0, sizeof(build))
        build.buffer = &buffer
        build.room = 2 * WRITE_ROOM
        write_buffer_open(&buffer, 4096 + 16 * length)
        try:
            while i < length and buffer.end - buffer.start < _CELL_TEXT_BYTES:
                p = write_buffer_room(&buffer, buffer.end, 2 * WRITE_ROOM)
                p = cell_value_alone(&build, &self.cells[at + 1], i, p)
                if p == NULL and build.failure == CELL_FULL:
                    write_buffer_resize(&buffer, buffer.end, 2 * (buffer.limit - buffer.start) + WRITE_ROOM)
                    continue
                places[2 * i] = buffer.end - buffer.start
                if p == NULL:
                    places[2 * i + 1] = -1 if build.failure == WRITE_REFUSED else 0
                    if build.failure == CELL_NOT_FINITE:
                        return 0
                else:
                    places[2 * i + 1] = p - buffer.end
                    buffer.end = p
                i += 1
            if i == length:
                texts = self.padded(<bytes>buffer.start[:buffer.end - buffer.start])
                self.cells[at].kind = CELL_TEXTS
                self.cells[at].texts = <const char *><bytes>texts
                self.cells[at].places_of_texts = places
        finally:
            write_buffer_drop(&buffer)
        return 0

    cdef int put_items(self, Py_ssize_t at, _CellMember member, column) except -1:
        self.cells[at].high = self.cells[at].last = column.length
        self.put_value(member, column)
        if self.pending:
            self.add(CELL_TEXT)
        self.cells[at].inner = self.count - at - 1
        return 0

    # --- memory

    cdef void *memory(self, size_t size) except NULL:
        block = PyBytes_FromStringAndSize(NULL, size)
        self.kept.append(block)
        return <void *><char *>block

    cdef const void *view(self, buffer) except? NULL:
        """The address of element 0 of a buffer, which cannot change its size any more."""
        cdef Py_buffer *views
        if self.view_count == self.view_space:
            views = <Py_buffer *>PyMem_Realloc(self.views, (self.view_space + 8) * sizeof(Py_buffer))
            if views == NULL:
                raise MemoryError
            self.views = views
            self.view_space += 8
        PyObject_GetBuffer(buffer, &self.views[self.view_count], PyBUF_FULL_RO)
        self.view_count += 1
        return self.views[self.view_count - 1].buf

    # --- objects of a block

    cdef int read_objects(self, ptrdiff_t start, ptrdiff_t stop) except -1:
        """Takes the Python values of some rows."""
        cdef Py_ssize_t i
        cdef _Cell *it
        cdef list values
        for column in self.lists:
            if len(column.owner) < column.offset + stop:
                column.values(start, stop)
        del self.values[:]
        for i in range(len(self.objects)):
            values = self.objects[i].values(start, stop)
            if len(values) != stop - start:
                raise ValueError("a column became shorter while it was read")
            self.values.append(values)
            it = &self.cells[<Py_ssize_t>self.object_cells[i]]
            it.objects, it.base = _cell_items(values), start
        return 0


_CELL_PADDING = bytes(WRITE_PAD)


cdef int64_t _cell_last_offset(const _Cell *it, Py_ssize_t length) noexcept:
    """Where the text of a column ends."""
    cdef int64_t large = 0
    cdef int32_t small = 0
    if it.offsets == NULL:
        return 0
    if it.flags & CELL_LARGE:
        memcpy(&large, it.offsets + 8 * length, 8)
        return large
    memcpy(&small, it.offsets + 4 * length, 4)
    return small


cdef object _cell_constant(_CellMember member, column):
    """The text that all rows of a column have, b"" where all leave the member out; None where rows differ."""
    cdef str kind = column.kind
    if kind == "missing" and member.flags & CELL_NULLABLE:
        return b"" if member.flags & CELL_OMIT else b"null"
    if kind != "default":
        return None
    value = column.values(0, 1)[0] if column.length else ...
    if value is ...:
        return b""
    text = (<object>member.step.node)(value)
    return b"" if member.flags & CELL_OMIT and text == "null" else text.encode()


cdef bint _cell_may_lack(_CellMember member, text):
    return text is None and member.flags & (CELL_OMIT | CELL_ABSENT)
