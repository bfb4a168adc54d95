# What the C twin of columns.py makes of a batch before it runs: where values are, tables of rows, what rules decide.
# Included by _speedups.pyx after _matching_c.pyx; c/columns.h and c/columns_decide.h have the loops.

from sys import byteorder as _col_byteorder

from fastcore.errors import EvaluationError

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t


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

_COL_UTF32 = f"utf-32-{_col_byteorder[0]}e"
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


cdef class _ColumnPlan:
    """The columns of a batch, bound to the index of a matcher; nothing of it changes once it is made.

    An operand's rows are those of its bitmap and one more, at which the evaluator is asked; it leaves every clause.
    """

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
        slot.kind = _COL_KINDS.get(column.kind, COLUMN_OBJECTS)
        if len(column.valid) > _COL_PARENTS or column.swapped:
            slot.kind = COLUMN_OBJECTS
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
