# The usual form of columns, bound to cells that were made with the writer: a dict with a list, a range or an array of
# numbers for each value of a row. So a small build does not pay for the forms that it does not use. Everything else,
# and everything that is wrong, is left to fastcore.payloads.columns. Included by _speedups.pyx after
# _writing_tables_c.pyx.

from array import array as _plain_array

cdef extern from *:
    """
    static inline int plain_is_numpy(PyObject *value)
    {
        return !strcmp(Py_TYPE(value)->tp_name, "numpy.ndarray");
    }

    enum { PLAIN_BOOL = -2 };

    /* What the elements of a buffer of one dimension are, by the formats of this machine's numbers; -1 for others */
    static int plain_memory(const Py_buffer *view)
    {
        const char *format = view->format;
        int size = view->itemsize == 1 ? 0 : view->itemsize == 2 ? 1 : view->itemsize == 4 ? 2 : 3;
        if (view->ndim != 1 || view->suboffsets || !format || !*format || format[1]
            || view->itemsize != (Py_ssize_t)1 << size)
            return -1;
        if (*format == '?')
            return PLAIN_BOOL;
        if (strchr("bhilqn", *format))
            return MEMORY_I1 + size;
        if (strchr("BHILQN", *format))
            return MEMORY_U1 + size;
        return strchr("efd", *format) && size ? MEMORY_F2 + size - 1 : -1;
    }
    """
    int _PLAIN_BOOL "PLAIN_BOOL"
    bint _plain_is_numpy "plain_is_numpy"(PyObject *value)
    int _plain_memory "plain_memory"(const Py_buffer *view)
    bint PyList_CheckExact(PyObject *)
    Py_ssize_t _plain_list_size "PyList_GET_SIZE"(PyObject *)


class _PlainGap:
    """What stands for a column while cells are made without any."""

    owner = dictionary = mask = None
    valid = ()

    def __init__(self, fields):
        self.kind = "objects" if fields is None else "struct"
        self.fields = fields


@cython.final
cdef class _PlainLeaf:
    """A column that a schema asks for: its name, where its values go, and their cell."""

    cdef str name
    cdef str path
    cdef _CellMember member
    cdef Py_ssize_t cell


@cython.final
cdef class _PlainForm:
    """The cells of a schema, and the columns that they lack. Immutable once built.

    The members of an object have columns of their own, whose names are dotted.
    """

    cdef _CellTable shape
    cdef list leaves
    cdef Py_ssize_t count
    cdef Py_ssize_t clocks

    def __cinit__(self, plan, list members, bytes before, bytes after):
        cdef Py_ssize_t i
        cdef _PlainLeaf leaf
        self.leaves = []
        gaps = self.find(plan, members, "", "")
        if gaps is None:
            return
        self.count = len(self.leaves)
        self.shape = _CellTable()
        self.shape.fill(members, gaps, before, after)
        for i in range(self.count):
            leaf = self.leaves[i]
            leaf.cell = self.shape.object_cells[i]
            self.shape.cells[leaf.cell].places = leaf.member.step.precision
        for i in range(self.shape.count):
            self.clocks += self.shape.cells[i].kind == CELL_CLOCK

    cdef list find(self, plan, list members, str prefix, str at):
        """A gap for each member that takes a column; None where an object has no such members."""
        cdef _CellMember member
        cdef _PlainLeaf leaf
        gaps = []
        for step, member in zip(plan.steps, members, strict=True):
            if not _cell_takes(member):
                continue
            name, path = prefix + step.source, at + step.key
            if step.kind == "object" and not step.default:
                inner = self.find(step.detail, member.members, name + ".", path + ".")
                if not inner:
                    return None
                gaps.append(_PlainGap(dict(enumerate(inner))))
                continue
            leaf = _PlainLeaf()
            leaf.name, leaf.path, leaf.member = intern(name), path, member
            self.leaves.append(leaf)
            gaps.append(_PlainGap(None))
        return gaps

    cdef _CellTable bound(self, dict columns):
        """The cells of these columns; None if they have another form, or something may be wrong with them."""
        cdef _CellTable table
        cdef _PlainLeaf leaf
        cdef Py_ssize_t i, length
        if not self.count or len(columns) != self.count:
            return None
        table = self.shape.copied(self.clocks)
        for i in range(self.count):
            leaf = <_PlainLeaf>self.leaves[i]
            column = columns.get(leaf.name)
            length = _plain_bind(table, leaf, column)
            if length < 0 or (i and length != table.length):
                return None
            table.length = length
            table.kept.append(column)
        table.kept.append(self)
        return table

    cdef int check(self, _CellTable table, Py_ssize_t stop) except -1:
        """Refuses lists that have become shorter."""
        cdef _PlainLeaf leaf
        cdef _Cell *it
        for leaf in self.leaves:
            it = &table.cells[leaf.cell]
            if it.kind == CELL_LISTED and _plain_list_size(it.list) < stop:
                raise PayloadError(None, leaf.path, f"a column of {table.length} values", "fewer during the build")
        return 0

    cdef list columns(self, _CellTable table, read):
        """The same columns as they are read where C does not write their values."""
        cdef _PlainLeaf leaf
        self.check(table, table.length)
        names = [leaf.name for leaf in self.leaves]
        _, tables = read(dict(zip(names, table.kept)))
        return next(tables).columns


cdef Py_ssize_t _plain_bind(_CellTable table, _PlainLeaf leaf, column) except -2:
    """Sets the cell of a column. How many values it has; -1 if it is none that is bound here."""
    cdef _Cell *it = &table.cells[leaf.cell]
    cdef PyObject *value = <PyObject *>column
    if PyList_CheckExact(value):
        it.kind, it.list = CELL_LISTED, value
        table.python = True
        return _plain_list_size(value)
    if type(column) is range:
        return _plain_bind_range(it, leaf.member, column)
    if _plain_is_numpy(value) or type(column) is memoryview or type(column) is _plain_array:
        return _plain_bind_memory(table, it, leaf.member, column)
    return -1


cdef Py_ssize_t _plain_bind_range(_Cell *it, _CellMember member, column) except -2:
    cdef int beyond[3]
    cdef int64_t start = PyLong_AsLongLongAndOverflow(<PyObject *>column.start, &beyond[0])
    cdef int64_t step = PyLong_AsLongLongAndOverflow(<PyObject *>column.step, &beyond[1])
    PyLong_AsLongLongAndOverflow(<PyObject *>column.stop, &beyond[2])
    it.kind = _cell_number_kind(member, MEMORY_RANGE, False)
    if beyond[0] or beyond[1] or beyond[2] or it.kind not in (CELL_INT, CELL_WHOLE):
        return -1
    it.memory = MEMORY_RANGE
    it.first, it.step = <uint64_t>start, <uint64_t>step
    return len(column)


cdef Py_ssize_t _plain_bind_memory(_CellTable table, _Cell *it, _CellMember member, column) except -2:
    cdef Py_buffer *view
    cdef int memory
    try:
        view = table.view(column)
    except Exception:  # it has no buffer, such as one of datetime64
        return -1
    memory = _plain_memory(view)
    if memory >= 0:
        it.kind, it.memory = _cell_number_kind(member, memory, False), memory
    else:
        it.kind = CELL_BOOL if memory == _PLAIN_BOOL and member.kind == WRITE_BOOL else CELL_OBJECT
    if it.kind == CELL_OBJECT or it.kind == CELL_DATETIME:
        return -1
    it.data, it.stride = <const char *>view.buf, view.strides[0]
    return view.shape[0]
