# The C twin of columns.py: chunks of columns through the index of a matcher. Included by _speedups.pyx after
# _matching_c.pyx; c/columns.h has the loops.

from sys import byteorder as sys_byteorder

from fastcore.errors import EvaluationError

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t
from libc.stdlib cimport free, realloc

cdef extern from "columns.h" nogil:
    ctypedef struct _ColNames "column_names":
        ptrdiff_t width
        ptrdiff_t prefix
        uint64_t seed
        int shift
        bint perfect
        ptrdiff_t entries
        char *texts
        int32_t *rows

    enum:
        COLUMN_MISSING
        COLUMN_OBJECTS
        COLUMN_BOOL
        COLUMN_BITS
        COLUMN_I1
        COLUMN_I8
        COLUMN_U1
        COLUMN_U8
        COLUMN_F8
        COLUMN_UCS4
        COLUMN_UTF8
        COLUMN_LARGE
        COLUMN_VIEW
        COLUMN_FLOAT
        COLUMN_UNKNOWN
        COLUMN_INEXACT

    void column_doubles(int kind, const char *data, ptrdiff_t stride, ptrdiff_t n, double *x)
    void column_number_rows(const _Bitmap *operand, const double *x, ptrdiff_t n, int32_t *rows)
    void column_wide_rows(const _Bitmap *operand, int kind, const char *data, ptrdiff_t stride, const uint64_t *whole,
                          ptrdiff_t count, const double *x, ptrdiff_t n, int32_t *rows)
    void column_flag(int kind, const double *x, ptrdiff_t n, uint8_t *flags)
    void column_step(char op, const double *x, const uint8_t *x_flags, const double *y, const uint8_t *y_flags,
                     ptrdiff_t n, double *z, uint8_t *z_flags)
    bint column_computed_rows(const _Bitmap *operand, const double *x, const uint8_t *flags, ptrdiff_t n, int32_t ask,
                              int32_t *rows)
    void column_hide_rows(const uint8_t *bits, ptrdiff_t start, ptrdiff_t n, int32_t *rows)
    void column_hide_flags(const uint8_t *bits, ptrdiff_t start, ptrdiff_t n, uint8_t *flags)
    void column_mask_rows(const char *mask, ptrdiff_t stride, ptrdiff_t n, int32_t *rows)
    void column_mask_flags(const char *mask, ptrdiff_t stride, ptrdiff_t n, uint8_t *flags)
    void column_fill(int32_t *rows, ptrdiff_t n, int32_t row)
    void column_bool_rows(const char *data, ptrdiff_t stride, ptrdiff_t n, int32_t no, int32_t yes, int32_t *rows)
    void column_bits_rows(const uint8_t *bits, ptrdiff_t start, ptrdiff_t n, int32_t no, int32_t yes, int32_t *rows)
    void column_code_rows(int kind, const char *data, ptrdiff_t n, const int32_t *table, ptrdiff_t count, int32_t *rows)
    void column_utf8_rows(const _Bitmap *operand, bint large, const char *offsets, const char *bytes, ptrdiff_t start,
                          ptrdiff_t n, int32_t *rows)
    void column_view_rows(const _Bitmap *operand, const char *views, const char *const *buffers,
                          const uint8_t *const *valid, const ptrdiff_t *bases, int valid_count, ptrdiff_t start,
                          ptrdiff_t n, int32_t *rows)
    ptrdiff_t column_name_entry(const _ColNames *names, const char *text)
    ptrdiff_t column_find_name(const _ColNames *names, const char *text)
    void column_ucs4_rows(const _ColNames *names, const char *data, ptrdiff_t stride, ptrdiff_t n, int32_t unnamed,
                          int32_t *rows)
    void column_combine(int32_t *index, const int32_t *rows, ptrdiff_t n, int32_t scale)
    int bitset_lowest(uint64_t word)
    void column_alive(const uint64_t *const *tables, const int32_t *index, ptrdiff_t room, ptrdiff_t groups,
                      const uint64_t *start, ptrdiff_t words, ptrdiff_t n, uint64_t *alive)

cdef extern from "columns_decide.h" nogil:
    ctypedef struct _ColRules "column_rules":
        uint64_t low[8]
        uint64_t high[8]
        uint64_t again[8]
        uint64_t acting[8]
        int32_t *owners
        int32_t *actions
        int64_t *whole
        double *real

    enum:
        COLUMN_BITS_STRIDE

    void column_decide_whole(const _ColRules *rules, uint64_t *alive, ptrdiff_t words, ptrdiff_t n, int32_t *counts,
                             int64_t *totals, int32_t *actions)
    void column_decide_real(const _ColRules *rules, uint64_t *alive, ptrdiff_t words, ptrdiff_t n, int32_t *counts,
                            double *totals, int32_t *actions)

cdef enum:
    _COL_CHUNK = 1024       # rows; what is made of them stays in the second cache
    _COL_WORDS = 8          # up to so many words of clauses the sets of an event stay in registers
    _COL_PAD = 16           # elements between the chunk's arrays, which would else share cache sets
    _COL_TABLE = 2048       # words of a table for several operands at once
    _COL_TABLES = 1 << 19   # words of all tables
    _COL_PERFECT = 128      # names for which it is worth looking for a hash without collisions
    _COL_PARENTS = 8        # validity bitmaps of a column with its parents

cdef uint8_t _COL_FLAGS[4]
_COL_FLAGS[_BITMAP_UNKNOWN] = COLUMN_UNKNOWN
_COL_FLAGS[_BITMAP_INT] = 0
_COL_FLAGS[_BITMAP_FLOAT] = COLUMN_FLOAT
_COL_FLAGS[_BITMAP_OBJECT] = COLUMN_INEXACT

_COL_UTF32 = f"utf-32-{sys_byteorder[0]}e"
_COL_KINDS = {
    name: code for code, name in enumerate(
        "missing objects bool bits i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 ucs4 utf8 large view".split()
    )
}


cdef struct _ColSlot:
    int kind
    int operand             # that the field is; -1 where only arithmetic reads it
    bint arithmetic         # whether expressions read it
    const char *data        # of row 0
    ptrdiff_t stride
    ptrdiff_t offset        # of row 0, where rows are counted in bits or by offsets
    const char *offsets
    const char **buffers    # of views
    const char *mask        # bytes that are set where nothing is; NULL if nothing is hidden so
    ptrdiff_t mask_stride
    int valid_count
    const uint8_t *valid[_COL_PARENTS]
    ptrdiff_t bases[_COL_PARENTS]
    bint coded              # `kind` is that of the codes
    int32_t *codes          # code -> row
    ptrdiff_t code_count
    _ColNames names
    uint64_t *whole         # see column_wide_rows
    ptrdiff_t whole_count


cdef struct _ColScratch:
    ptrdiff_t room          # elements of each array of the chunk
    bint asked_any
    int32_t *index          # group -> event -> index
    int32_t *rows           # event -> row
    double *numbers         # slot -> event -> number
    const double **seen     # slot -> its numbers, converted or where they are
    uint8_t *flags          # slot -> event -> flags
    double *stack
    uint8_t *stack_flags
    const double **left
    const uint8_t **left_flags
    uint8_t *asked          # expression -> event -> whether the evaluator is asked
    int32_t *asks           # expression -> whether it is for some event
    uint64_t *alive         # event -> set
    const uint64_t **stored
    int32_t *fired
    char *memory


cdef struct _ColOutput:
    int32_t *counts         # of the first row of the run
    int64_t *whole
    double *real
    int32_t *actions
    bint wanted
    bint failed             # for want of memory
    Py_ssize_t at           # the row
    int32_t *found          # the rules of all rows that fired
    Py_ssize_t used
    Py_ssize_t room


cdef class _ColumnRunner:
    """See columns.py."""

    cdef _Matcher matcher
    cdef _Decider decider
    cdef list columns
    cdef object events
    cdef _ColSlot *slots
    cdef int32_t *groups            # operand -> its group; -1 where the evaluator is asked
    cdef int32_t *scales
    cdef int32_t *sizes             # operand -> how many rows it has; the one after them asks
    cdef uint64_t **tables
    cdef uint64_t *start            # the clauses that take part
    cdef uint64_t *residual         # the clauses for which the evaluator may be asked
    cdef _ColRules rules            # of few words of clauses
    cdef Py_ssize_t group_count, depth, chunk
    cdef bint small, objects, conditions

    def __cinit__(self, _Matcher matcher, _Decider decider, list columns, active, events, Py_ssize_t rows):
        cdef Py_ssize_t i, count = matcher.operand_count
        cdef int32_t clause
        self.matcher, self.decider, self.columns, self.events = matcher, decider, columns, events
        self.chunk = max(64, min(<Py_ssize_t>_COL_CHUNK, 8 * _COL_CHUNK // (matcher.words + 1)))
        self.slots = <_ColSlot *>_bitmap_memory((matcher.slot_count + 1) * sizeof(_ColSlot))
        self.groups = <int32_t *>_bitmap_memory((count + 1) * sizeof(int32_t))
        self.scales = <int32_t *>_bitmap_memory((count + 1) * sizeof(int32_t))
        self.sizes = <int32_t *>_bitmap_memory((count + 1) * sizeof(int32_t))
        self.tables = <uint64_t **>_bitmap_memory((count + 1) * sizeof(void *))
        self.start = <uint64_t *>_bitmap_memory((matcher.words + 1) * sizeof(uint64_t))
        self.residual = <uint64_t *>_bitmap_memory((matcher.words + 1) * sizeof(uint64_t))
        memcpy(self.start, matcher.everything, matcher.words * sizeof(uint64_t))
        if active is not None:
            for clause in range(matcher.words * 64):
                if self.start[clause >> 6] >> (clause & 63) & 1 and not active[matcher.owners[clause]]:
                    self.start[clause >> 6] &= ~(<uint64_t>1 << (clause & 63))
        for i in range(matcher.slot_count):
            self.slots[i].operand = -1
        for i in range(count):
            self.prepare_operand(&matcher.operands[i], i)
        for i in range(matcher.slot_count):
            self.bind(&self.slots[i], columns[i])
        self.build_groups(rows)
        if self.small and decider.mode != _DECIDE_OBJECTS:
            self.build_rules()

    def __dealloc__(self):
        cdef Py_ssize_t i
        PyMem_Free(self.rules.owners)
        PyMem_Free(self.rules.actions)
        PyMem_Free(self.rules.whole)
        PyMem_Free(self.rules.real)
        if self.slots != NULL:
            for i in range(self.matcher.slot_count):
                PyMem_Free(self.slots[i].codes)
                PyMem_Free(self.slots[i].names.texts)
                PyMem_Free(self.slots[i].names.rows)
                PyMem_Free(self.slots[i].whole)
                PyMem_Free(self.slots[i].buffers)
        if self.tables != NULL:
            for i in range(self.group_count):
                PyMem_Free(self.tables[i])
        PyMem_Free(self.slots)
        PyMem_Free(self.groups)
        PyMem_Free(self.scales)
        PyMem_Free(self.sizes)
        PyMem_Free(self.tables)
        PyMem_Free(self.start)
        PyMem_Free(self.residual)

    # --- building -----------------------------------------------------------------------------------------------

    cdef int prepare_operand(self, _BitmapOperand *operand, Py_ssize_t number) except -1:
        cdef const _Bitmap *bitmap = &operand.bitmap
        cdef Py_ssize_t i, entry
        cdef int32_t last = max(bitmap.true_row, bitmap.truthy_row, bitmap.unnamed_row)
        for entry in range(bitmap.text_mask + 1):
            last = max(last, bitmap.texts[entry].row if bitmap.texts[entry].offset >= 0 else 0)
        if bitmap.number_row:
            last = bitmap.number_row + <int32_t>bitmap.cuts
        self.sizes[number] = last + 1
        if operand.slot >= 0:
            self.slots[operand.slot].operand = number
            return 0
        if operand.steps == NULL:
            self.conditions = True
            self.groups[number] = -1
        for i in range(operand.step_count):
            if operand.steps[i].op == b"f":
                self.slots[operand.steps[i].slot].arithmetic = True
        self.depth = max(self.depth, operand.step_count)
        for i in range(self.matcher.words):
            self.residual[i] |= operand.users[i]
        return 0

    cdef int bind(self, _ColSlot *slot, column) except -1:
        """What the chunks of a field are read from."""
        cdef size_t address
        cdef Py_ssize_t i
        cdef const _Bitmap *bitmap = NULL
        if slot.operand >= 0:
            bitmap = &self.matcher.operands[slot.operand].bitmap
        slot.kind = COLUMN_OBJECTS if len(column.valid) > _COL_PARENTS else _COL_KINDS[column.kind]
        slot.coded = column.dictionary is not None
        if slot.coded and slot.arithmetic and column.dictionary.kind not in ("utf8", "large", "view"):
            slot.kind, slot.coded = COLUMN_OBJECTS, False
        if slot.kind <= COLUMN_OBJECTS:
            self.objects |= slot.kind == COLUMN_OBJECTS
            return 0
        slot.stride, slot.offset = column.stride, column.offset
        address = column.address
        slot.data = <const char *>address
        if slot.kind not in (COLUMN_BITS, COLUMN_UTF8, COLUMN_LARGE, COLUMN_VIEW):
            slot.data += slot.offset * slot.stride
        address = column.offsets
        slot.offsets = <const char *>address
        if column.mask is not None:
            address, slot.mask_stride = column.mask
            slot.mask = <const char *>address + slot.offset * slot.mask_stride
        slot.valid_count = len(column.valid)
        for i in range(slot.valid_count):
            address, slot.bases[i] = column.valid[i]
            slot.valid[i] = <const uint8_t *>address
        if slot.kind == COLUMN_VIEW:
            slot.buffers = <const char **>_bitmap_memory((len(column.buffers) + 1) * sizeof(void *))
            for i in range(len(column.buffers)):
                address = column.buffers[i]
                slot.buffers[i] = <const char *>address
        if bitmap == NULL:
            return 0
        if slot.coded:
            self.bind_codes(slot, column.dictionary)
        elif slot.kind == COLUMN_UCS4:
            _col_bind_names(slot, bitmap, column.width)
        elif slot.kind in (COLUMN_I8, COLUMN_U8):
            _col_bind_whole(slot, self.matcher.exact[slot.operand])
        return 0

    cdef int bind_codes(self, _ColSlot *slot, dictionary) except -1:
        cdef Py_ssize_t at, i
        slot.code_count = dictionary.length
        slot.codes = <int32_t *>_bitmap_memory((slot.code_count + 1) * sizeof(int32_t))
        for at in range(0, slot.code_count, _COL_CHUNK):
            values = dictionary.values(at, min(at + _COL_CHUNK, slot.code_count))
            for i, value in enumerate(values):
                slot.codes[at + i] = self.matcher.object_row(slot.operand, value)
        return 0

    cdef int build_groups(self, Py_ssize_t rows) except -1:
        """Operands of few rows share a table, as large as pays for so many events; a row has all of its words."""
        cdef Py_ssize_t i, words = self.matcher.words, size, limit, total = 0
        cdef int32_t group
        self.small = 0 < words <= _COL_WORDS
        for i in range(self.matcher.operand_count):
            if self.groups[i] >= 0:
                total += (self.sizes[i] + 1) * words
        self.small = self.small and total <= _COL_TABLES
        limit = min(<Py_ssize_t>_COL_TABLE, rows)
        size = limit + 1
        order = sorted(range(self.matcher.operand_count), key=lambda i: self.sizes[<Py_ssize_t>i])
        shared = []
        for i in order if self.small else range(self.matcher.operand_count):
            if self.groups[i] < 0:
                continue
            if self.small and size * (self.sizes[i] + 1) * words <= limit:
                self.scales[i] = size
                size *= self.sizes[i] + 1
                shared[-1].append(i)
            else:
                self.scales[i] = 1
                size = self.sizes[i] + 1
                shared.append([i])
            self.groups[i] = len(shared) - 1
        if self.small:
            for group, members in enumerate(shared):
                self.build_table(group, members)
                self.group_count = group + 1
        else:
            self.group_count = 0
        return 0

    cdef int build_table(self, int32_t group, members) except -1:
        cdef Py_ssize_t words = self.matcher.words, size = 1, filled = 1, at, row, i
        cdef const _Bitmap *bitmap
        cdef uint64_t *table
        for i in members:
            size *= self.sizes[i] + 1
        table = self.tables[group] = <uint64_t *>_bitmap_memory(size * words * sizeof(uint64_t))
        memset(table, 255, words * sizeof(uint64_t))
        for i in members:
            bitmap = &self.matcher.operands[i].bitmap
            for row in range(self.sizes[i], -1, -1):
                for at in range(filled):
                    if row:
                        memcpy(table + (row * filled + at) * words, table + at * words, words * sizeof(uint64_t))
                    if row < self.sizes[i]:
                        bitmap_keep(table + (row * filled + at) * words, bitmap, row)
            filled *= self.sizes[i] + 1
        return 0

    cdef int build_rules(self) except -1:
        """What each rule has, by the highest of its clauses within a word."""
        cdef Py_ssize_t i, at, words = self.matcher.words
        cdef int32_t owner, last
        cdef const int32_t *owners = self.matcher.owners
        cdef uint64_t bit
        cdef _ColRules *rules = &self.rules
        rules.owners = <int32_t *>_bitmap_memory(words * COLUMN_BITS_STRIDE * sizeof(int32_t))
        rules.actions = <int32_t *>_bitmap_memory(words * COLUMN_BITS_STRIDE * sizeof(int32_t))
        rules.whole = <int64_t *>_bitmap_memory(words * COLUMN_BITS_STRIDE * sizeof(int64_t))
        rules.real = <double *>_bitmap_memory(words * COLUMN_BITS_STRIDE * sizeof(double))
        for i in range(64 * words):
            bit = <uint64_t>1 << (i & 63)
            if not self.matcher.everything[i >> 6] & bit:
                break
            owner = owners[i]
            if i & 63 != 63 and self.matcher.everything[i >> 6] & (bit << 1) and owners[i + 1] == owner:
                rules.low[i >> 6] |= bit
                continue
            rules.high[i >> 6] |= bit
            last = owners[(i & ~63) - 1] if i >= 64 else -1
            if last == owner:
                rules.again[i >> 6] = bit
            at = (i >> 6) * COLUMN_BITS_STRIDE + (i & 63)
            rules.owners[at] = owner
            rules.actions[at] = self.decider.actions[owner] if self.decider.actions != NULL else -1
            if rules.actions[at] >= 0:
                rules.acting[i >> 6] |= bit
            if self.decider.mode == _DECIDE_INTS:
                rules.whole[at] = self.decider.whole[owner]
            else:
                rules.real[at] = self.decider.real[owner]
        return 0

    # --- running ------------------------------------------------------------------------------------------------

    def run(self, Py_ssize_t start, Py_ssize_t stop, now, int32_t[::1] counts, scores, int32_t[::1] actions,
            Py_ssize_t base, bint wanted):
        """See columns.py."""
        cdef _ColScratch scratch
        cdef _ColOutput output
        cdef int64_t[::1] whole
        cdef double[::1] real
        cdef Py_ssize_t n
        cdef list failures = []
        if stop <= start:
            return b"", failures
        memset(&output, 0, sizeof(output))
        output.wanted = wanted
        output.counts, output.actions = &counts[base], &actions[base]
        if self.decider.mode == _DECIDE_INTS:
            whole = scores
            output.whole = &whole[base]
        elif self.decider.mode == _DECIDE_FLOATS:
            real = scores
            output.real = &real[base]
        self.open(&scratch)
        try:
            with nogil:
                while start < stop:
                    n = min(self.chunk, stop - start)
                    self.read_chunk(&scratch, start, n)
                    self.match_chunk(&scratch, n)
                    if scratch.asked_any or self.conditions:
                        with gil:
                            self.ask(&scratch, start, n, now, failures)
                    if self.decider.mode == _DECIDE_OBJECTS:
                        with gil:
                            self.decide_objects(&scratch, n, &output, scores, base)
                    else:
                        self.decide(&scratch, n, &output)
                    if output.failed:
                        with gil:
                            raise MemoryError
                    output.at += n
                    start += n
                    base += n
            return PyBytes_FromStringAndSize(<char *>output.found, output.used * sizeof(int32_t)), failures
        finally:
            PyMem_Free(scratch.memory)
            free(output.found)

    cdef int open(self, _ColScratch *scratch) except -1:
        """Lays out the space of one run."""
        cdef Py_ssize_t slots = self.matcher.slot_count, operands = self.matcher.operand_count, depth = self.depth + 1
        cdef Py_ssize_t room = self.chunk + _COL_PAD
        cdef Py_ssize_t arrays = self.group_count if self.small else operands, i
        memset(scratch, 0, sizeof(scratch[0]))
        scratch.room = room
        scratch.memory = <char *>_bitmap_memory(
            room * (slots + depth) * (sizeof(double) + 1)
            + room * (arrays + 1) * sizeof(int32_t)
            + room * operands
            + (self.chunk * self.matcher.words + 8) * sizeof(uint64_t)
            + (operands + 2 * depth + slots + 8) * sizeof(void *)
            + (self.matcher.rule_count + operands + 8) * sizeof(int32_t)
        )
        scratch.numbers = <double *>scratch.memory
        scratch.stack = scratch.numbers + room * slots
        scratch.alive = <uint64_t *>(scratch.stack + room * depth)
        scratch.stored = <const uint64_t **>(scratch.alive + self.chunk * self.matcher.words + 8)
        scratch.left = <const double **>(scratch.stored + operands)
        scratch.left_flags = <const uint8_t **>(scratch.left + depth)
        scratch.seen = <const double **>(scratch.left_flags + depth)
        scratch.index = <int32_t *>(scratch.seen + slots)
        for i in range(slots):
            scratch.seen[i] = scratch.numbers + i * room
        scratch.rows = scratch.index + room * arrays
        scratch.fired = scratch.rows + room
        scratch.asks = scratch.fired + self.matcher.rule_count + 1
        scratch.flags = <uint8_t *>(scratch.asks + operands)
        scratch.stack_flags = scratch.flags + room * slots
        scratch.asked = scratch.stack_flags + room * depth
        return 0

    cdef int read_chunk(self, _ColScratch *scratch, Py_ssize_t start, Py_ssize_t n) except -1 nogil:
        """The rows of all operands."""
        cdef Py_ssize_t i
        scratch.asked_any = False
        if self.small:
            memset(scratch.index, 0, scratch.room * self.group_count * sizeof(int32_t))
        if self.objects:
            with gil:
                for i in range(self.matcher.slot_count):
                    if self.slots[i].kind == COLUMN_OBJECTS:
                        self.read_objects(scratch, i, start, n)
        for i in range(self.matcher.slot_count):
            if self.slots[i].kind != COLUMN_OBJECTS:
                self.read_slot(scratch, i, start, n)
        for i in range(self.matcher.operand_count):
            if self.matcher.operands[i].steps != NULL:
                self.compute(scratch, i, n)
        return 0

    cdef void put_rows(self, _ColScratch *scratch, Py_ssize_t operand, Py_ssize_t n) noexcept nogil:
        """Adds the rows of an operand to what its group is looked up by."""
        if self.small:
            column_combine(scratch.index + self.groups[operand] * scratch.room, scratch.rows, n, self.scales[operand])
        else:
            memcpy(scratch.index + operand * scratch.room, scratch.rows, n * sizeof(int32_t))

    cdef void read_slot(self, _ColScratch *scratch, Py_ssize_t number, Py_ssize_t start, Py_ssize_t n) noexcept nogil:
        cdef const _ColSlot *slot = &self.slots[number]
        cdef const _Bitmap *bitmap = NULL
        cdef const char *data = slot.data + start * slot.stride
        cdef int32_t *rows = scratch.rows
        cdef uint8_t *flags = scratch.flags + number * scratch.room
        cdef ptrdiff_t at = slot.offset + start
        if slot.operand >= 0:
            bitmap = &self.matcher.operands[slot.operand].bitmap
        if COLUMN_I1 <= slot.kind <= COLUMN_F8 and not slot.coded:
            self.read_numbers(scratch, number, start, n)
        else:
            if slot.arithmetic:
                memset(flags, COLUMN_UNKNOWN, n)
            if bitmap == NULL:
                return
            if slot.coded:
                column_code_rows(slot.kind, data, n, slot.codes, slot.code_count, rows)
            elif slot.kind == COLUMN_MISSING:
                column_fill(rows, n, 0)
            elif slot.kind == COLUMN_BOOL:
                column_bool_rows(data, slot.stride, n, bitmap.false_row, bitmap.true_row, rows)
            elif slot.kind == COLUMN_BITS:
                column_bits_rows(<const uint8_t *>slot.data, at, n, bitmap.false_row, bitmap.true_row, rows)
            elif bitmap.text_mask < 0:
                column_fill(rows, n, bitmap.unnamed_row)
            elif slot.kind == COLUMN_UCS4:
                column_ucs4_rows(&slot.names, data, slot.stride, n, bitmap.unnamed_row, rows)
            elif slot.kind == COLUMN_VIEW:
                column_view_rows(bitmap, slot.data, slot.buffers, slot.valid, slot.bases, slot.valid_count, at, n, rows)
            else:
                column_utf8_rows(bitmap, slot.kind == COLUMN_LARGE, slot.offsets, slot.data, at, n, rows)
        if bitmap != NULL:
            self.hide_rows(slot, start, n, rows)
            self.put_rows(scratch, slot.operand, n)

    cdef void read_numbers(self, _ColScratch *scratch, Py_ssize_t number, Py_ssize_t start, Py_ssize_t n) noexcept nogil:
        cdef const _ColSlot *slot = &self.slots[number]
        cdef const _Bitmap *bitmap
        cdef const char *data = slot.data + start * slot.stride
        cdef const double *x = scratch.numbers + number * scratch.room
        cdef uint8_t *flags = scratch.flags + number * scratch.room
        cdef int i
        if slot.kind == COLUMN_F8 and slot.stride == sizeof(double) and <size_t>data % sizeof(double) == 0:
            x = <const double *>data
        else:
            column_doubles(slot.kind, data, slot.stride, n, scratch.numbers + number * scratch.room)
        scratch.seen[number] = x
        if slot.operand >= 0:
            bitmap = &self.matcher.operands[slot.operand].bitmap
            column_number_rows(bitmap, x, n, scratch.rows)
            if slot.whole != NULL:
                column_wide_rows(bitmap, slot.kind, data, slot.stride, slot.whole, slot.whole_count, x, n, scratch.rows)
        if slot.arithmetic:
            column_flag(slot.kind, x, n, flags)
            for i in range(slot.valid_count):
                column_hide_flags(slot.valid[i], slot.bases[i] + slot.offset + start, n, flags)
            if slot.mask != NULL:
                column_mask_flags(slot.mask + start * slot.mask_stride, slot.mask_stride, n, flags)

    cdef void hide_rows(self, const _ColSlot *slot, Py_ssize_t start, Py_ssize_t n, int32_t *rows) noexcept nogil:
        cdef int i
        for i in range(slot.valid_count):
            column_hide_rows(slot.valid[i], slot.bases[i] + slot.offset + start, n, rows)
        if slot.mask != NULL:
            column_mask_rows(slot.mask + start * slot.mask_stride, slot.mask_stride, n, rows)

    cdef int read_objects(self, _ColScratch *scratch, Py_ssize_t number, Py_ssize_t start, Py_ssize_t n) except -1:
        """Values of any type, as a matcher of events sees them."""
        cdef const _ColSlot *slot = &self.slots[number]
        cdef list values = self.columns[number].values(start, start + n)
        cdef double *x = scratch.numbers + number * scratch.room
        cdef uint8_t *flags = scratch.flags + number * scratch.room
        cdef Py_ssize_t i, row
        cdef _BitmapValue found
        if len(values) != n:
            raise ValueError("a column became shorter while it was read")
        for i in range(n):
            row = self.read_object(slot.operand, <PyObject *>values[i], &found)
            scratch.rows[i] = <int32_t>row
            x[i] = found.number
            flags[i] = _COL_FLAGS[found.kind]
        if slot.operand >= 0:
            self.put_rows(scratch, slot.operand, n)
        return 0

    cdef Py_ssize_t read_object(self, int operand, PyObject *value, _BitmapValue *found) except -1:
        cdef long long whole
        cdef int overflow = 0
        cdef const _Bitmap *bitmap = NULL
        found.kind, found.number = _BITMAP_UNKNOWN, 0
        if operand >= 0:
            bitmap = &self.matcher.operands[operand].bitmap
        if value == Py_None:
            return 0
        if PyUnicode_CheckExact(value):
            return 0 if bitmap == NULL else self.matcher.string_row(bitmap, <object>value)
        if PyFloat_CheckExact(value):
            found.number = PyFloat_AS_DOUBLE(value)
            if isnan(found.number):
                return 0
            found.kind = _BITMAP_FLOAT
        elif PyLong_CheckExact(value):
            whole = PyLong_AsLongLongAndOverflow(value, &overflow)
            found.number = <double>whole
            found.kind = _BITMAP_OBJECT if overflow or fabs(found.number) >= _BITMAP_EXACT else _BITMAP_INT
        elif value != Py_True and value != Py_False:
            found.kind = _BITMAP_OBJECT
        if bitmap == NULL:
            return 0
        if found.kind == _BITMAP_INT or found.kind == _BITMAP_FLOAT:
            return bitmap_number_row(bitmap, found.number)
        return self.matcher.object_row(operand, <object>value)

    cdef void compute(self, _ColScratch *scratch, Py_ssize_t number, Py_ssize_t n) noexcept nogil:
        """The rows of an expression."""
        cdef const _BitmapOperand *operand = &self.matcher.operands[number]
        cdef const _BitmapStep *step
        cdef ptrdiff_t room = scratch.room, top = 0, i, k
        cdef double *z
        cdef uint8_t *flags
        for i in range(operand.step_count):
            step = &operand.steps[i]
            z, flags = scratch.stack + top * room, scratch.stack_flags + top * room
            if step.op == b"f":
                scratch.left[top] = scratch.seen[step.slot]
                scratch.left_flags[top] = scratch.flags + step.slot * room
                top += 1
            elif step.op == b"c":
                for k in range(n):
                    z[k] = step.constant.number
                memset(flags, 0 if step.constant.kind == _BITMAP_INT else COLUMN_FLOAT, n)
                scratch.left[top], scratch.left_flags[top] = z, flags
                top += 1
            else:
                top -= 1
                z, flags = scratch.stack + (top - 1) * room, scratch.stack_flags + (top - 1) * room
                column_step(step.op, scratch.left[top - 1], scratch.left_flags[top - 1], scratch.left[top],
                            scratch.left_flags[top], n, z, flags)
                scratch.left[top - 1], scratch.left_flags[top - 1] = z, flags
        scratch.asks[number] = column_computed_rows(
            &operand.bitmap, scratch.left[0], scratch.left_flags[0], n, self.sizes[number], scratch.rows
        )
        if scratch.asks[number]:
            scratch.asked_any = True
            memcpy(scratch.asked + number * room, scratch.left_flags[0], n)
        self.put_rows(scratch, number, n)

    cdef void match_chunk(self, _ColScratch *scratch, Py_ssize_t n) noexcept nogil:
        """The sets of the clauses that hold."""
        cdef Py_ssize_t i, number, words = self.matcher.words, count
        cdef uint64_t *alive = scratch.alive
        cdef const _Bitmap *bitmap
        cdef int32_t row
        if self.small:
            column_alive(<const uint64_t *const *>self.tables, scratch.index, scratch.room, self.group_count, self.start,
                         words, n, alive)
            return
        for i in range(n):
            memcpy(alive, self.start, words * sizeof(uint64_t))
            count = 0
            for number in range(self.matcher.operand_count):
                row = scratch.index[number * scratch.room + i]
                if self.groups[number] < 0 or row >= self.sizes[number]:
                    continue
                bitmap = &self.matcher.operands[number].bitmap
                if bitmap.words != NULL:
                    bitmap_keep(alive, bitmap, row)
                else:
                    scratch.stored[count] = bitmap_row(bitmap, row)
                    count += 1
            bitset_and_rows(alive, scratch.stored, count, words)
            for number in range(self.matcher.operand_count):
                row = scratch.index[number * scratch.room + i]
                if self.groups[number] >= 0 and row < self.sizes[number]:
                    bitmap_clear(alive, &self.matcher.operands[number].bitmap, row)
            alive += words

    cdef int ask(self, _ColScratch *scratch, Py_ssize_t start, Py_ssize_t n, now, list failures) except -1:
        """What only the evaluator can tell, asked where some clause that still holds wants to know."""
        cdef Py_ssize_t i, words = self.matcher.words
        cdef uint64_t *alive
        events = None
        for i in range(n):
            alive = scratch.alive + i * words
            if not bitset_meets(alive, self.residual, words) or not self.asks(scratch, alive, i):
                continue
            if events is None:
                events = self.events(start, start + n)
            try:
                self.ask_event(scratch, alive, i, events.at(i), now)
            except (EventError, EvaluationError, LimitError) as error:
                memset(alive, 0, words * sizeof(uint64_t))
                failures.append((start + i, error))
        return 0

    cdef bint wants(self, const _ColScratch *scratch, const uint64_t *alive, Py_ssize_t i, Py_ssize_t number) noexcept nogil:
        cdef const _BitmapOperand *operand = &self.matcher.operands[number]
        if self.groups[number] >= 0:
            if operand.steps == NULL or not scratch.asks[number]:
                return False
            if not scratch.asked[number * scratch.room + i] & COLUMN_INEXACT:
                return False
        return bitset_meets(alive, operand.users, self.matcher.words)

    cdef bint asks(self, const _ColScratch *scratch, const uint64_t *alive, Py_ssize_t i) noexcept nogil:
        cdef Py_ssize_t number
        for number in range(self.matcher.operand_count):
            if self.wants(scratch, alive, i, number):
                return True
        return False

    cdef int ask_event(self, const _ColScratch *scratch, uint64_t *alive, Py_ssize_t i, event, now) except -1:
        cdef Py_ssize_t number, row
        cdef const _BitmapOperand *operand
        for number in range(self.matcher.operand_count):
            if not self.wants(scratch, alive, i, number):
                continue
            operand = &self.matcher.operands[number]
            probe = self.matcher.program.probe(number, event, now)
            if operand.condition:
                truth = probe.truth()
                row = 0 if truth is None else operand.bitmap.true_row if truth else operand.bitmap.false_row
            else:
                row = self.matcher.object_row(number, probe.value())
            bitmap_keep(alive, &operand.bitmap, row)
        return 0

    # --- deciding -----------------------------------------------------------------------------------------------

    cdef void decide(self, _ColScratch *scratch, Py_ssize_t n, _ColOutput *output) noexcept nogil:
        if self.small:
            self.decide_small(scratch, n, output)
        else:
            self.decide_large(scratch, n, output)

    cdef void decide_small(self, _ColScratch *scratch, Py_ssize_t n, _ColOutput *output) noexcept nogil:
        cdef Py_ssize_t i, k, count, words = self.matcher.words
        cdef int32_t *actions = output.actions + output.at
        cdef uint64_t word
        if output.whole != NULL:
            column_decide_whole(&self.rules, scratch.alive, words, n, output.counts + output.at,
                                output.whole + output.at, actions)
            for i in range(n):
                if actions[i] < 0:
                    actions[i] = self.decider.whole_action(output.whole[output.at + i])
        else:
            column_decide_real(&self.rules, scratch.alive, words, n, output.counts + output.at,
                               output.real + output.at, actions)
            for i in range(n):
                if actions[i] < 0:
                    actions[i] = self.decider.real_action(output.real[output.at + i])
        if not output.wanted:
            return
        for i in range(n):
            count = 0
            for k in range(words):
                word = scratch.alive[i * words + k]
                while word:
                    scratch.fired[count] = self.rules.owners[k * COLUMN_BITS_STRIDE + bitset_lowest(word)]
                    word &= word - 1
                    count += 1
            _col_found(output, scratch.fired, count)

    cdef void decide_large(self, _ColScratch *scratch, Py_ssize_t n, _ColOutput *output) noexcept nogil:
        cdef Py_ssize_t i, k, count, words = self.matcher.words
        cdef int32_t *fired = scratch.fired
        cdef int32_t code
        cdef int64_t whole
        cdef double real
        for i in range(n):
            count = bitset_owners(scratch.alive + i * words, words, self.matcher.owners, fired)
            k = output.at + i
            output.counts[k] = <int32_t>count
            code = self.decider.rule_action(fired, count)
            if output.whole != NULL:
                whole = self.decider.whole_total(fired, count)
                output.whole[k] = whole
                output.actions[k] = code if code >= 0 else self.decider.whole_action(whole)
            else:
                real = self.decider.real_total(fired, count)
                output.real[k] = real
                output.actions[k] = code if code >= 0 else self.decider.real_action(real)
            if output.wanted:
                _col_found(output, fired, count)

    cdef int decide_objects(self, _ColScratch *scratch, Py_ssize_t n, _ColOutput *output, list scores, Py_ssize_t base) except -1:
        """Where scores go beyond 64 bits."""
        cdef Py_ssize_t i, count, words = self.matcher.words
        cdef int32_t code = -1
        for i in range(n):
            count = bitset_owners(scratch.alive + i * words, words, self.matcher.owners, scratch.fired)
            scores[base + i] = self.decider.outcome(scratch.fired, count, &code)
            output.counts[output.at + i] = <int32_t>count
            output.actions[output.at + i] = code
            if output.wanted:
                _col_found(output, scratch.fired, count)
        return 0


cdef void _col_found(_ColOutput *output, const int32_t *fired, Py_ssize_t count) noexcept nogil:
    cdef void *memory
    if output.used + count > output.room:
        output.room = 2 * output.room + count + _COL_CHUNK
        memory = realloc(output.found, output.room * sizeof(int32_t))
        if memory == NULL:
            output.failed = True
            output.room = output.used
            return
        output.found = <int32_t *>memory
    if count:
        memcpy(output.found + output.used, fired, count * sizeof(int32_t))
        output.used += count


cdef int _col_bind_names(_ColSlot *slot, const _Bitmap *bitmap, Py_ssize_t width) except -1:
    """The named strings as a column of a fixed width has them."""
    cdef Py_ssize_t i, least = 4
    found = []
    for i in range(bitmap.text_mask + 1):
        if bitmap.texts[i].offset < 0:
            continue
        text = PyUnicode_DecodeUTF8(bitmap.text_bytes + bitmap.texts[i].offset, bitmap.texts[i].size, NULL)
        # such a column holds no string that ends with a zero, nor one that is longer
        if len(text) * 4 <= width and not text.endswith("\0"):
            found.append((text.encode(_COL_UTF32).ljust(width, b"\0"), bitmap.texts[i].row))
    while least < 2 * len(found):
        least *= 2
    slot.names.width = width
    if len(found) <= _COL_PERFECT and _col_place_perfectly(&slot.names, found, least):
        return 0
    slot.names.prefix = width
    return _col_place_names(&slot.names, found, least)


cdef bint _col_place_perfectly(_ColNames *names, found, Py_ssize_t least) except -1:
    """Looks for the shortest prefix, the smallest table and a seed by which every name has an entry of its own."""
    cdef Py_ssize_t prefix = 0, entries
    cdef uint64_t seed
    while prefix < names.width:
        prefix = min(prefix + 8, names.width)
        if len({<bytes>text[:prefix] for text, _ in found}) < len(found):
            continue
        for entries in (least, 2 * least, 4 * least, 8 * least):
            for seed in range(16):
                names.prefix, names.seed = prefix, seed
                if _col_place_names(names, found, entries) == 0:
                    names.perfect = True
                    return True
    names.seed = 0
    return False


cdef Py_ssize_t _col_place_names(_ColNames *names, found, Py_ssize_t entries) except -1:
    """Makes the table; returns how many names are not where their hash says."""
    cdef Py_ssize_t i, at, moved = 0
    cdef bytes text
    PyMem_Free(names.texts)
    PyMem_Free(names.rows)
    names.texts, names.rows = NULL, NULL
    names.entries, names.shift = entries, 65 - <int>int(entries).bit_length()
    names.texts = <char *>_bitmap_memory(entries * names.width + 1)
    names.rows = <int32_t *>_bitmap_memory(entries * sizeof(int32_t))
    for i in range(entries):
        names.rows[i] = -1
    for text, row in found:
        at = column_find_name(names, <char *>text)
        moved += at != column_name_entry(names, <char *>text)
        memcpy(names.texts + at * names.width, <char *>text, names.width)
        names.rows[at] = row
    return moved


cdef int _col_bind_whole(_ColSlot *slot, cuts) except -1:
    """The least ints past the cuts; cuts that no int of 64 bits passes are left out."""
    import math

    cdef Py_ssize_t i
    low, high = (-(1 << 63), (1 << 63) - 1) if slot.kind == COLUMN_I8 else (0, (1 << 64) - 1)
    found = []
    for value, side in cuts:
        if value in (math.inf, -math.inf):
            least = low if value < 0 else high + 1
        else:
            least = math.floor(value) + 1 if side else math.ceil(value)
        if least <= high:
            found.append(max(least, low) - low)
    slot.whole = <uint64_t *>_bitmap_memory((len(found) + 1) * sizeof(uint64_t))
    slot.whole_count = len(found)
    for i in range(slot.whole_count):
        slot.whole[i] = found[i]
    return 0


def column_fields(_Matcher matcher):
    """See columns.py."""
    return list(matcher.fields)


def column_actions(_Decider decider):
    """See columns.py."""
    return decider.names


def column_runner(matcher, decider, columns, active, events, rows):
    """See columns.py."""
    return _ColumnRunner(matcher, decider, columns, active, events, rows)


# --- Arrow ------------------------------------------------------------------------------------------------------

cdef extern from "arrow.h" nogil:
    void arrow_release_schema(void *)
    void arrow_release_array(void *)
    void arrow_release_stream(void *)
    void arrow_destroy_schema(object)
    void arrow_destroy_array(object)
    void arrow_destroy_stream(object)


def column_arrow_functions():
    """Addresses: of what releases a schema, an array and a stream, then of what destroys their capsules."""
    return (
        <size_t>&arrow_release_schema, <size_t>&arrow_release_array, <size_t>&arrow_release_stream,
        <size_t>&arrow_destroy_schema, <size_t>&arrow_destroy_array, <size_t>&arrow_destroy_stream,
    )
