# The C twin of writing.py for columns: the loop over the rows of tables. Included by _speedups.pyx after
# _writing_plain_c.pyx; c/write_columns.h writes the rows.

cdef extern from *:
    """
    static inline int cell_raised(void) { return -1; }  /* the exception is set */
    """
    int _cell_raised "cell_raised"() except -1
    int PyErr_CheckSignals() except -1
    Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    _CELL_TYPED_BLOCK = 256     # rows whose text is checked at once; it is still in the cache when it is written
    _CELL_SAMPLE = 256          # rows after which the size of all is estimated
    _CELL_TRUST = 1 << 30       # bytes up to which memory is taken on an estimate
    _CELL_CHUNK = 1 << 20       # bytes of the memory that a chunk begins with, at most
    _CELL_GUESS = 16            # bytes of a value before any has been written


@cython.final
cdef class _ColumnProgress:
    """Where one build of columns is; see WriteProgress."""

    cdef _WritePlan plan
    cdef list members
    cdef object read            # makes tables of columns
    cdef object tables          # None: there is one, which is bound already
    cdef _PlainForm form        # by which it was
    cdef bint lines
    cdef bint flat
    cdef list columns           # of the table; None where they have not been needed
    cdef _CellTable table       # its cells
    cdef _CellBuild build
    cdef ptrdiff_t row          # the next one of the table
    cdef Py_ssize_t length      # rows of the table
    cdef Py_ssize_t stop        # of the block
    cdef Py_ssize_t begun       # rows of the tables before
    cdef object error
    cdef readonly bint done

    cdef int open(self, _PlainForm form, columns) except -1:
        """Finds the tables that columns make."""
        cdef _CellTable table = form.bound(<dict>columns) if type(columns) is dict else None
        if table is not None:
            self.form, self.flat = form, True
            self.take(table, table.length)
            return 0
        self.flat, tables = self.read(columns)
        self.tables = iter(tables)
        return 0

    cdef whole(self):
        """Everything; the memory that is written to becomes the result."""
        cdef _WriteBuffer buffer
        try:
            if self.table is None:
                self.next_table()
            write_buffer_open(&buffer, self.guess())
        except Exception as met:
            raise self.told(met)
        try:
            self.write(&buffer, PY_SSIZE_T_MAX, True)
            self.close(&buffer)
        except Exception as met:
            error = self.told(met)
        except:
            write_buffer_drop(&buffer)
            raise
        else:
            return write_buffer_take(&buffer, buffer.end)
        write_buffer_drop(&buffer)
        raise error

    cdef fill(self, Py_ssize_t limit):
        """See RowWriter.fill."""
        cdef _WriteBuffer buffer
        if self.error is not None:
            self.fail(self.error)
        if self.done:
            return b""
        write_buffer_open(&buffer, min(limit + (limit >> 3), _CELL_CHUNK) + 4096)
        try:
            self.look_again()
            self.write(&buffer, limit, False)
            if self.done:
                self.close(&buffer)
        except Exception as met:
            error = self.told(met)
            if buffer.end == buffer.start:
                write_buffer_drop(&buffer)
                self.fail(error)
            self.error = error
        except:
            write_buffer_drop(&buffer)
            raise
        return write_buffer_take(&buffer, buffer.end)

    cdef int close(self, _WriteBuffer *buffer) except -1:
        cdef char *p
        if self.lines:
            return 0
        p = write_buffer_room(buffer, buffer.end, 2)
        if not self.begun + self.row:
            p[0] = b"["
            p += 1
        p[0] = b"]"
        buffer.end = p + 1
        return 0

    cdef int fail(self, error) except -1:
        self.tables = self.columns = self.table = self.error = None
        self.row = self.length = self.stop = 0
        self.done = True
        raise error

    cdef object told(self, error):
        """The error to raise for one that was met at the next row."""
        if isinstance(error, _WriteMisfit):
            return PayloadError(self.begun + self.row, error.path, error.expected, error.got)
        return error

    # --- rows

    cdef int write(self, _WriteBuffer *buffer, Py_ssize_t enough, bint everything) except -1:
        """Writes rows until they are `enough` bytes or more, or there are no more."""
        cdef bint first = not self.begun + self.row
        self.build.buffer = buffer
        while True:
            if self.row == self.length:
                if not self.next_table():
                    self.done = True
                    return 0
                continue
            if self.table.python:
                self.write_objects(buffer, enough)
            else:
                self.write_typed(enough)
            if self.build.failure == WRITE_REFUSED:
                self.write_row(buffer)
            elif self.build.failure == CELL_FULL:
                self.grow(buffer, everything)
            elif self.build.failure == WRITE_RAISED:
                _cell_raised()
            if first and not self.lines and buffer.end > buffer.start:
                buffer.start[0] = b"["
            if buffer.end - buffer.start >= enough:
                return 0

    cdef int write_typed(self, size_t enough) noexcept:
        """Rows of a table that has no Python objects, as many as there is room for."""
        cdef Py_ssize_t length = self.length
        with nogil:
            while self.row < length:
                if self.row >= self.stop:
                    self.stop = min(self.row + _CELL_TYPED_BLOCK, length)
                    cell_prepare(self.table.cells, self.table.count, self.row, self.stop)
                cell_rows(&self.build, &self.row, self.stop, enough)
                if self.build.failure != CELL_DONE:
                    break
        return 0

    cdef int write_objects(self, _WriteBuffer *buffer, size_t enough) except -1:
        """Rows of a block of a table with Python objects."""
        if self.row >= self.stop:
            self.stop = min(self.row + _WRITE_COLUMN_BLOCK, self.length)
            PyErr_CheckSignals()
            if self.form is not None:
                self.form.check(self.table, self.stop)
            else:
                self.table.read_objects(self.row, self.stop)
            cell_prepare(self.table.cells, self.table.count, self.row, self.stop)
        cell_rows(&self.build, &self.row, self.stop, enough)
        return 0

    cdef int write_row(self, _WriteBuffer *buffer) except -1:
        """The next row by the Python function, which writes it or says why not."""
        cdef char *p
        if self.columns is None:
            self.columns = self.form.columns(self.table, self.read)
        leaves = _write_leaf_columns(self.plan.reader.plan, self.columns, self.flat)
        for row in _write_block_rows(leaves, self.row, self.row + 1):
            text = self.plan.reader.function("flat" if self.flat else "sequence")(row)
            p = write_buffer_room(buffer, buffer.end, WRITE_ROOM)
            if not self.lines:
                p[0] = b","
                p += 1
            p = write_json_text(buffer, p, text)
            if p == NULL:
                _write_surrogate(text)
            if self.lines:
                p[0] = b"\n"
                p += 1
            buffer.end = p
        self.row += 1
        return 0

    cdef int grow(self, _WriteBuffer *buffer, bint everything) except -1:
        """Makes room, for all rows of the table if they are to be like those so far."""
        cdef Py_ssize_t used = buffer.end - buffer.start, capacity = buffer.limit - buffer.start
        cdef Py_ssize_t more = capacity if capacity < _CELL_TRUST else capacity >> 1
        cdef double rest
        if everything and self.row >= _CELL_SAMPLE:
            rest = 1.02 * used / (self.begun + self.row) * (self.length - self.row)
            more = max(capacity >> 4, <Py_ssize_t>min(rest, <double>_CELL_TRUST))
        write_buffer_resize(buffer, buffer.end, capacity + more + self.build.room)
        return 0

    # --- tables

    cdef bint next_table(self) except -1:
        """Takes the next table, and lets go of the one before first."""
        self.begun += self.length
        self.row = self.length = self.stop = 0
        self.columns = self.table = None
        if self.tables is None:
            return False
        found = next(self.tables, None)
        if found is None:
            return False
        self.columns = found.columns
        table = _CellTable()
        table.fill(self.members, self.columns, b"" if self.lines else b",", b"\n" if self.lines else b"")
        self.take(table, found.length)
        return True

    cdef int take(self, _CellTable table, Py_ssize_t length) except -1:
        self.table, self.length = table, length
        self.build.cells, self.build.count = table.cells, table.count
        self.build.tail, self.build.tail_size = table.tail, len(table.tail) - WRITE_PAD
        self.build.room = table.room
        return 0

    cdef Py_ssize_t guess(self):
        """Bytes for the first rows."""
        cdef Py_ssize_t rows = min(self.length, _CELL_SAMPLE)
        if self.table is None:
            return 64
        return rows * (self.table.text_size + _CELL_GUESS * self.table.count) + 2 * self.table.room

    cdef int look_again(self) except -1:
        """Between two chunks, memory may have changed."""
        if self.row < self.stop:
            cell_prepare(self.table.cells, self.table.count, self.row, self.stop)
        return 0
