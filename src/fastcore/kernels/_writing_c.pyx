# The C twin of writing.py: the loop over rows. Included by _speedups.pyx after _writing_plan_c.pyx.

cdef extern from "write_build.h":
    int _WRITE_FROM_LIST "WRITE_FROM_LIST"
    int _WRITE_FROM_TUPLE "WRITE_FROM_TUPLE"
    int _WRITE_FROM_ITERATOR "WRITE_FROM_ITERATOR"
    char *write_bytes(char *p, const char *text, size_t size)
    char *write_copied(_WriteBuffer *buffer, char *p, const char *text, Py_ssize_t size) except NULL
    char *write_count(char *p, object value)
    char *write_link(_WriteBuffer *buffer, char *p, object value) except? NULL
    PyObject *write_next(PyObject *rows, int origin, Py_ssize_t *index) except? NULL

cdef extern from *:
    int PyErr_CheckSignals() except -1

cdef enum:
    _WRITE_FIRST = 4096         # bytes of a new buffer
    _WRITE_ENVELOPE = 512       # bytes around the items of a page
    _WRITE_SAMPLE = 16          # rows after which the size of all is estimated
    _WRITE_TRUST = 1 << 25      # bytes up to which memory is taken on that estimate


cdef char *_write_count_member(
    _WriteBuffer *buffer, char *p, const char *key, Py_ssize_t size, str name, value
) except NULL:
    cdef char *end
    p = write_bytes(write_buffer_room(buffer, p, WRITE_ROOM), key, size)
    end = write_count(p, value)
    if end != NULL:
        return end
    text = _write_count(name, value)
    return write_copied(buffer, p, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))


cdef char *_write_next_member(_WriteBuffer *buffer, char *p, value) except NULL:
    cdef char *end
    p = write_bytes(write_buffer_room(buffer, p, WRITE_ROOM + 8), b',"next":', 8)
    end = write_link(buffer, p, value)
    if end == NULL:
        text = _write_next(value)
        end = write_copied(buffer, p, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    end[0] = b"}"
    return end + 1


@cython.final
cdef class WriteProgress:
    """See writing.py."""

    cdef object rows            # a list, a tuple or an iterator
    cdef int origin
    cdef Py_ssize_t index       # of the next row
    cdef Py_ssize_t count       # of rows written
    cdef bint lines
    cdef object kind
    cdef int way
    cdef const _WriteForm *form
    cdef object error
    cdef readonly bint done

    def __cinit__(self, rows, bint lines, kind):
        self.lines = lines
        self.kind = kind
        if type(rows) is list:
            self.rows, self.origin = rows, _WRITE_FROM_LIST
        elif type(rows) is tuple:
            self.rows, self.origin = rows, _WRITE_FROM_TUPLE
        else:
            self.rows, self.origin = iter(_write_iterable(rows)), _WRITE_FROM_ITERATOR

    cdef int fail(self, error) except -1:
        self.rows = ()
        self.origin = _WRITE_FROM_TUPLE
        self.error = None
        self.done = True
        raise error

    cdef object told(self, error):
        """The error to raise for one that was met at the next row."""
        if isinstance(error, _WriteMisfit):
            return PayloadError(self.count, error.path, error.expected, error.got)
        return error


@cython.final
cdef class RowWriter:
    """See writing.py."""

    cdef _WritePlan plan
    cdef list members           # as columns write them
    cdef _PlainForm array       # of the usual columns, for a JSON array
    cdef _PlainForm lines       # and for lines

    def __cinit__(self, plan):
        self.plan = _WritePlan(plan)
        self.members = _cell_members(plan, self.plan.rows)
        self.array = _PlainForm(plan, self.members, b",", b"")
        self.lines = _PlainForm(plan, self.members, b"", b"\n")

    def open(self, rows, bint lines, kind=None):
        """See writing.py."""
        return WriteProgress(rows, lines, kind)

    def build(self, rows, bint lines, kind=None):
        """See writing.py."""
        cdef WriteProgress progress = WriteProgress(rows, lines, kind)
        cdef _WriteBuffer buffer
        write_buffer_open(&buffer, _WRITE_FIRST)
        self.write_all(progress, &buffer)
        return write_buffer_take(&buffer, buffer.end)

    def open_columns(self, columns, bint lines, read):
        """See writing.py."""
        return self.progress(columns, lines, read)

    def build_columns(self, columns, bint lines, read):
        """See writing.py."""
        return self.progress(columns, lines, read).whole()

    cdef _ColumnProgress progress(self, columns, bint lines, read):
        cdef _ColumnProgress progress = _ColumnProgress.__new__(_ColumnProgress)
        progress.plan, progress.members = self.plan, self.members
        progress.lines, progress.read = lines, read
        progress.open(self.lines if lines else self.array, columns)
        return progress

    def page(self, items, total, page, next):
        """See writing.py."""
        cdef _WriteBuffer buffer
        cdef char *p
        cdef WriteProgress progress
        if not isinstance(items, bytes):
            progress = WriteProgress(items, False, None)
            write_buffer_open(&buffer, _WRITE_FIRST)
            buffer.end = write_bytes(buffer.end, b'{"items":', 9)
            self.write_all(progress, &buffer)
        elif not items:
            raise PayloadError(None, "items", "rows or JSON", "nothing")
        else:
            write_buffer_open(&buffer, PyBytes_GET_SIZE(items) + _WRITE_ENVELOPE)
            p = write_bytes(buffer.end, b'{"items":', 9)
            buffer.end = write_bytes(p, PyBytes_AS_STRING(items), PyBytes_GET_SIZE(items))
        try:
            p = _write_count_member(&buffer, buffer.end, b',"total":', 9, "total", total)
            p = _write_count_member(&buffer, p, b',"page":', 8, "page", page)
            p = _write_next_member(&buffer, p, next)
        except:
            write_buffer_drop(&buffer)
            raise
        return write_buffer_take(&buffer, p)

    def fill(self, progress, Py_ssize_t limit):
        """See writing.py."""
        if isinstance(progress, _ColumnProgress):
            return (<_ColumnProgress>progress).fill(limit)
        return self.fill_rows(progress, limit)

    cdef fill_rows(self, WriteProgress progress, Py_ssize_t limit):
        cdef _WriteBuffer buffer
        if progress.error is not None:
            progress.fail(progress.error)
        if progress.done:
            return b""
        write_buffer_open(&buffer, _WRITE_FIRST + min(limit, _WRITE_TRUST // 32))
        try:
            self.write_rows(progress, &buffer, limit)
            if progress.done:
                self.close(progress, &buffer)
        except Exception as met:
            error = progress.told(met)
            if buffer.end == buffer.start:
                write_buffer_drop(&buffer)
                progress.fail(error)
            progress.error = error
        except:
            write_buffer_drop(&buffer)
            raise
        return write_buffer_take(&buffer, buffer.end)

    cdef int write_all(self, WriteProgress progress, _WriteBuffer *buffer) except -1:
        """Writes all rows and what belongs around them; if that fails, the buffer is dropped."""
        try:
            self.write_rows(progress, buffer, -1)
            self.close(progress, buffer)
            return 0
        except Exception as met:
            error = progress.told(met)
        except:
            write_buffer_drop(buffer)
            raise
        write_buffer_drop(buffer)
        raise error

    cdef int close(self, WriteProgress progress, _WriteBuffer *buffer) except -1:
        cdef char *p = buffer.end
        if not progress.lines:
            p = write_buffer_room(buffer, p, 2)
            if not progress.count:
                p[0] = b"["
                p += 1
            p[0] = b"]"
            buffer.end = p + 1
        return 0

    cdef int write_rows(self, WriteProgress progress, _WriteBuffer *buffer, Py_ssize_t limit) except -1:
        """Writes rows until they are `limit` bytes or more; all if it is negative."""
        cdef PyObject *item
        cdef char *p = buffer.end
        while limit < 0 or p - buffer.start < limit:
            item = write_next(<PyObject *>progress.rows, progress.origin, &progress.index)
            if item == NULL:
                progress.done = True
                break
            row = <object>item
            Py_DECREF(item)
            if not progress.way:
                self.choose(progress, row)
            p = self.write_row(progress, buffer, p, row)
            buffer.end = p
            progress.count += 1
            if progress.count & 1023 == 0:
                PyErr_CheckSignals()
            if progress.count == _WRITE_SAMPLE and limit < 0:
                p = self.estimate(progress, buffer, p)
        return 0

    cdef char *write_row(self, WriteProgress progress, _WriteBuffer *buffer, char *p, row) except NULL:
        cdef Py_ssize_t before
        p = write_buffer_room(buffer, p, WRITE_ROOM)
        if not progress.lines:
            p[0] = b"," if progress.count else b"["
            p += 1
        before = p - buffer.start
        p = write_by_way(buffer, p, progress.form, progress.way, row)
        if p == NULL:
            text = self.plan.reader.function(progress.kind)(row)
            p = write_json_text(buffer, buffer.start + before, text)
            if p == NULL:
                _write_surrogate(text)
        if progress.lines:
            p[0] = b"\n"
            p += 1
        return p

    cdef char *estimate(self, WriteProgress progress, _WriteBuffer *buffer, char *p) except NULL:
        """Room for all rows, if they are like those so far."""
        cdef Py_ssize_t size = p - buffer.start, rest, capacity
        if progress.origin == _WRITE_FROM_ITERATOR:
            return p
        rest = len(progress.rows) - progress.count
        if rest <= 0 or size > _WRITE_TRUST:
            return p
        capacity = size + <Py_ssize_t>min(<double>_WRITE_TRUST, rest * (1.125 * size / progress.count)) + 1024
        return write_buffer_resize(buffer, p, capacity) if capacity > buffer.limit - buffer.start else p

    cdef int choose(self, WriteProgress progress, row) except -1:
        """How the rows of a build are read, by its first row."""
        reader = self.plan.reader
        kind = progress.kind or reader.kind(row)
        if kind is None:
            raise _WriteMisfit("", "a row: a tuple, list, mapping or object", _write_shorten(row))
        if kind == "sequence" and progress.kind is None and len(row) == reader.flat_width != reader.width:
            kind = "flat"
        progress.kind = "dict" if kind in ("mapping", "record") else kind
        progress.form = self.plan.flat if kind == "flat" else self.plan.rows
        if progress.kind == "dict":
            progress.way = WRITE_BY_KEY
        else:
            progress.way = WRITE_BY_ATTRIBUTE if kind == "object" else WRITE_BY_POSITION
        return 0
