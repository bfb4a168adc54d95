# The columns of a table bound to the cells of c/write_cells.h. Included by _speedups.pyx after _writing_cells_c.pyx.

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
    cdef bint python            # some values are Python objects
    cdef list objects           # columns of Python objects, which are taken block by block
    cdef list object_cells      # and their cells
    cdef list lists             # columns of those that are in lists
    cdef list values            # the objects of a block
    cdef bytes pending          # text before the next cell
    cdef bytes tail
    cdef size_t room
    cdef Py_ssize_t text_size   # of the fragments of a row
    cdef Py_ssize_t length      # rows, of a copy

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.view_count):
            PyBuffer_Release(&self.views[i])
        PyMem_Free(self.views)
        PyMem_Free(self.cells)

    cdef int fill(self, list members, columns, bytes before, bytes after) except -1:
        """Makes the cells; `before` and `after` are put around every row."""
        cdef Py_ssize_t i
        self.kept, self.objects, self.object_cells, self.lists, self.values = [], [], [], [], []
        self.pending = before
        self.put_object(members, columns)
        self.tail = self.padded(self.pending + after)
        self.text_size = len(self.tail) - WRITE_PAD
        for i in range(self.count):
            self.text_size += self.cells[i].fragment_size
        self.room = self.text_size + (self.count + 2) * (WRITE_ROOM + WRITE_PAD)
        return 0

    cdef _CellTable copied(self, Py_ssize_t clocks):
        """The same cells with clocks of their own, without what columns have set; their text is not kept."""
        cdef _CellTable table = _CellTable.__new__(_CellTable)
        cdef _CellClock *clock
        cdef Py_ssize_t i
        table.cells = <_Cell *>PyMem_Malloc(self.count * sizeof(_Cell) + clocks * sizeof(_CellClock) + 1)
        if table.cells == NULL:
            raise MemoryError
        memcpy(table.cells, self.cells, self.count * sizeof(_Cell))
        clock = <_CellClock *>(table.cells + self.count)
        for i in range(self.count if clocks else 0):
            if table.cells[i].kind == CELL_CLOCK:
                clock.size = 0
                table.cells[i].clock = clock
                clock += 1
        table.kept = []
        table.count, table.tail = self.count, self.tail
        table.room, table.text_size = self.room, self.text_size
        return table

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
        self.python = True
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
        valid = column.valid
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
            address = <size_t>self.view(column.buffer).buf
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
        elif it.kind == CELL_DATETIME and column.kind != "datetime64":
            if column.kind == "timestamp":
                if column.zone is None:
                    return 0
                it.zone = _cell_minutes(column.zone)
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

    cdef Py_buffer *view(self, buffer) except NULL:
        """The memory of a buffer, which cannot change its size any more."""
        cdef Py_buffer *views
        if self.view_count == self.view_space:
            views = <Py_buffer *>PyMem_Realloc(self.views, (self.view_space + 8) * sizeof(Py_buffer))
            if views == NULL:
                raise MemoryError
            self.views = views
            self.view_space += 8
        PyObject_GetBuffer(buffer, &self.views[self.view_count], PyBUF_FULL_RO)
        self.view_count += 1
        return &self.views[self.view_count - 1]

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
