# The bitmap index in C: for every operand of a plan and every value of it, the bitset of the clauses that it leaves
# standing (c/bitmap.h says how it is laid out). Immutable once built; matchers of events, of JSON and of columns read it.

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from libc.math cimport fabs, fmod, isinf, isnan
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy, memset

cdef extern from "bitmap.h" nogil:
    ctypedef struct _Bitmap "bitmap_operand":
        ptrdiff_t width
        int32_t *words
        uint64_t *rows
        int32_t false_row
        int32_t true_row
        int32_t falsy_row
        int32_t truthy_row
        int32_t unnamed_row
        int32_t number_row
        int32_t number_stored
        int32_t *class_first
        int32_t *class_bits
        ptrdiff_t cuts
        double *thresholds
        _BitmapPosition *positions
        int32_t *cleared
        ptrdiff_t text_mask
        _BitmapText *texts
        char *text_bytes

    ctypedef struct _BitmapPosition "bitmap_position":
        int32_t row
        int32_t off_first
        int32_t off_last
        int32_t on_first
        int32_t on_last

    ctypedef struct _BitmapText "bitmap_text":
        uint64_t hash
        int64_t offset
        int32_t size
        int32_t row

    void bitset_prefetch(const void *address)
    void bitset_and(uint64_t *result, const uint64_t *row, ptrdiff_t words)
    void bitset_and_rows(uint64_t *result, const uint64_t *const *rows, ptrdiff_t count, ptrdiff_t words)
    bint bitset_meets(const uint64_t *left, const uint64_t *right, ptrdiff_t words)
    ptrdiff_t bitset_first(const uint64_t *set, ptrdiff_t words)
    bint bitset_any(const uint64_t *set, ptrdiff_t words)
    ptrdiff_t bitset_owners(const uint64_t *set, ptrdiff_t words, const int32_t *owners, int32_t *out)
    ptrdiff_t bitmap_number_row(const _Bitmap *operand, double x)
    ptrdiff_t bitmap_text_row(const _Bitmap *operand, const char *text, ptrdiff_t size)
    uint64_t bitmap_hash(const char *text, ptrdiff_t size)
    _BitmapText *bitmap_find(const _Bitmap *operand, const char *text, ptrdiff_t size, uint64_t hash)
    bint bitmap_joins(const _Bitmap *operand)
    bint bitmap_meets(const uint64_t *alive, const _Bitmap *operand, const uint64_t *users, ptrdiff_t words)
    bint bitmap_clears(const _Bitmap *operand)
    const uint64_t *bitmap_row(const _Bitmap *operand, ptrdiff_t row)
    void bitmap_clear(uint64_t *alive, const _Bitmap *operand, ptrdiff_t row)
    void bitmap_keep(uint64_t *alive, const _Bitmap *operand, ptrdiff_t row)

cdef extern from "dict_walk.h":
    ctypedef struct PyObject

    ctypedef struct _MatchNode "match_node":
        PyObject *key
        Py_ssize_t hash
        const char *text
        Py_ssize_t size
        int slot                # -1 where only members are read
        int operand             # whose value this is; -1 where only expressions read it
        int level               # of its members; -1 where it has none
        uint64_t *users         # the clauses that read it or a member, in expressions too; NULL if not lazy

    bint match_iterate(
        PyObject *dict, const _MatchNode *nodes, const int32_t *table, Py_ssize_t mask, PyObject **found
    )
    int match_get(PyObject *dict, PyObject *key, PyObject **value) except -1
    Py_ssize_t match_size(PyObject *dict)
    void match_fetch_keys(PyObject *dict)
    void match_fetch_values(PyObject *dict)
    void match_fetch_ahead(PyObject *tuple, const int32_t *fired, Py_ssize_t i, Py_ssize_t count)
    void match_set(PyObject *list, Py_ssize_t i, PyObject *item)
    void match_set_tuple(PyObject *tuple, Py_ssize_t i, PyObject *item)
    bint MATCH_ITERATES
    void match_learn_entries()
    bint PyDict_CheckExact(PyObject *)
    bint PyFloat_CheckExact(PyObject *)
    bint PyLong_CheckExact(PyObject *)
    bint PyUnicode_CheckExact(PyObject *)
    bint PyUnicode_IS_COMPACT_ASCII(PyObject *)
    const char *PyUnicode_1BYTE_DATA(PyObject *)
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject *)
    const char *PyUnicode_AsUTF8AndSize(object, Py_ssize_t *) except NULL
    double PyFloat_AS_DOUBLE(PyObject *)
    long long PyLong_AsLongLongAndOverflow(PyObject *, int *) except? -1
    PyObject *Py_None
    PyObject *Py_True
    PyObject *Py_False
    void Py_INCREF(PyObject *)
    void Py_DECREF(PyObject *)
    list PyList_New(Py_ssize_t)
    tuple PyTuple_New(Py_ssize_t)
    PyObject *PyTuple_GET_ITEM(object, Py_ssize_t)

cdef enum:
    _BITMAP_UNKNOWN         # nothing that arithmetic takes
    _BITMAP_INT             # exact as a double
    _BITMAP_FLOAT
    _BITMAP_OBJECT          # a number that is not exact as a double: the evaluator decides
    _BITMAP_STACK = 16
    _BITMAP_SPARSE = 3      # an operand that touches less than a third of the words stores only those
    _BITMAP_STORED = 1 << 19 # words of rows that all operands may have before positions and strings share rows
    _BITMAP_LEAST = 1 << 12 # what each may have, however many they are
    _BITMAP_MOST = 1 << 17  # and however few

cdef double _BITMAP_EXACT = 9007199254740992.0


cdef struct _BitmapValue:
    int kind
    double number


cdef struct _BitmapStep:
    char op                 # f field, c constant, else the operator
    int slot
    _BitmapValue constant


cdef struct _BitmapOperand:
    _Bitmap bitmap
    int dense               # its place among the operands whose rows have all words; -1 for the others
    int slot                # of a field; -1 for an expression or a condition
    bint condition
    _BitmapStep *steps      # of arithmetic; NULL where the evaluator is asked
    int step_count
    uint64_t *users         # the clauses that read it, over all words


cdef class _Bitmaps:
    """The index of a ``rules.clauses.ClausePlan``.

    An operand's *row* is a number: 0 for an unknown value, `false_row` and so on for values of their types, what
    `bitmap_number_row` and `bitmap_text_row` give for numbers and strings. `bitmap_keep` takes the clauses that the row
    falsifies out of a set.
    """

    cdef Py_ssize_t words, rule_count, operand_count, slot_count, size
    cdef Py_ssize_t computed_count, dense_count, sparse_count, cleared_count
    cdef int32_t *computed          # the operands that are no fields
    cdef const uint64_t **unknown   # of the dense operands: the row of the unknown value
    cdef int32_t *sparse            # the operands that are not dense
    cdef int32_t *cleared           # the operands that have positions with names to clear
    cdef _BitmapOperand *operands
    cdef int32_t *owners            # clause -> position of its rule
    cdef uint64_t *everything       # the set of all clauses
    cdef tuple ids
    cdef tuple fields               # slot -> keys of its path
    cdef list exact                 # operand -> its cuts as (value, side)
    cdef _CondProgram program       # the plain evaluator of the operands' trees, then of the fields'

    def __cinit__(self, plan, program, ids):
        cdef Py_ssize_t count = len(plan.owners), i
        self.program = program
        self.ids = tuple(ids)
        self.fields = tuple([keys for keys, _ in plan.fields])
        self.exact = [list(operand.cuts) for operand in plan.operands]
        self.rule_count = len(self.ids)
        self.words = (count + 63) // 64
        self.operand_count = len(plan.operands)
        self.slot_count = len(self.fields)
        self.owners = <int32_t *>_bitmap_memory((self.words * 64 + 1) * sizeof(int32_t))
        self.everything = <uint64_t *>_bitmap_memory((self.words + 1) * sizeof(uint64_t))
        self.operands = <_BitmapOperand *>_bitmap_memory((self.operand_count + 1) * sizeof(_BitmapOperand))
        for i in range(count):
            self.owners[i] = plan.owners[i]
            self.everything[i >> 6] |= <uint64_t>1 << (i & 63)
        slots = {operand: slot for slot, (_, operand) in enumerate(plan.fields)}
        numbers = {keys: slot for slot, keys in enumerate(self.fields)}
        for i in range(self.operand_count):
            self.operands[i].slot = slots.get(i, -1)
            self.build(&self.operands[i], plan.operands[i], numbers)
        self.build_groups()

    def __dealloc__(self):
        cdef Py_ssize_t i
        if self.operands != NULL:
            for i in range(self.operand_count):
                _bitmap_free(&self.operands[i])
        PyMem_Free(self.operands)
        PyMem_Free(self.owners)
        PyMem_Free(self.everything)
        PyMem_Free(self.unknown)
        PyMem_Free(self.computed)
        PyMem_Free(self.sparse)
        PyMem_Free(self.cleared)

    # --- building -----------------------------------------------------------------------------------------------

    cdef int build(self, _BitmapOperand *operand, plan, numbers) except -1:
        cdef _Bitmap *bitmap = &operand.bitmap
        cdef Py_ssize_t i
        cdef int32_t clause
        operand.condition = plan.condition
        operand.users = <uint64_t *>_bitmap_memory((self.words + 1) * sizeof(uint64_t))
        for clause in plan.users:
            operand.users[clause >> 6] |= <uint64_t>1 << (clause & 63)
        if operand.slot < 0 and not plan.condition:
            _bitmap_build_steps(operand, plan.tree, numbers)
        classes = _bitmap_classes(plan.strings)
        cdef Py_ssize_t limit = min(max(_BITMAP_STORED // (self.operand_count + 1), _BITMAP_LEAST), _BITMAP_MOST)
        cdef int32_t rows = 1, stored
        cdef int32_t *places = self.place(bitmap, operand.users)
        try:
            if plan.false or plan.true:
                bitmap.false_row, bitmap.true_row = rows, rows + 1
                rows += 2
            if plan.falsy or plan.truthy:
                bitmap.falsy_row, bitmap.truthy_row = rows, rows + 1
                rows += 2
            stored = rows
            if plan.unnamed or plan.strings:
                bitmap.unnamed_row = rows
                rows += 1 + <int32_t>len(classes)
                stored = rows
                if self.by_bits(bitmap.width, classes, limit):
                    self.size += _bitmap_build_classes(bitmap, classes, places) * sizeof(int32_t)
                    stored = bitmap.unnamed_row + 1
            if plan.steps:
                bitmap.number_row, bitmap.number_stored = rows, stored
            stored += <int32_t>_bitmap_build_positions(bitmap, plan.steps, limit)
            bitmap.rows = <uint64_t *>_bitmap_memory((stored * bitmap.width + 1) * sizeof(uint64_t))
            self.size += stored * bitmap.width * sizeof(uint64_t)
            for i in range(bitmap.width):
                clause = bitmap.words[i] if bitmap.words != NULL else i
                bitmap.rows[i] = ~operand.users[clause]
            if bitmap.false_row:
                _bitmap_fill(bitmap, bitmap.false_row, 0, plan.false, places)
                _bitmap_fill(bitmap, bitmap.true_row, 0, plan.true, places)
            if bitmap.falsy_row:
                _bitmap_fill(bitmap, bitmap.falsy_row, 0, plan.falsy, places)
                _bitmap_fill(bitmap, bitmap.truthy_row, 0, plan.truthy, places)
            if bitmap.unnamed_row:
                _bitmap_fill(bitmap, bitmap.unnamed_row, 0, plan.unnamed, places)
                for i, clauses in enumerate(classes if bitmap.class_first == NULL else ()):
                    _bitmap_fill(bitmap, bitmap.unnamed_row + 1 + i, bitmap.unnamed_row, clauses, places)
            _bitmap_fill_positions(bitmap, plan.steps, places)
        finally:
            PyMem_Free(places)
        _bitmap_build_texts(bitmap, plan.strings, classes)
        bitmap.cuts = len(plan.cuts)
        bitmap.thresholds = <double *>_bitmap_memory((bitmap.cuts + 1) * sizeof(double))
        for i in range(bitmap.cuts):
            bitmap.thresholds[i] = plan.thresholds[i]
        return 0

    cdef bint by_bits(self, Py_ssize_t width, classes, Py_ssize_t limit) except -1:
        """Whether classes of strings are named by the bits in which they differ: if they are many and differ in few."""
        if width <= 8 or len(classes) * width <= limit:
            return False
        return sum([len(clauses) for clauses in classes]) * 4 < len(classes) * width

    cdef int build_groups(self) except -1:
        cdef Py_ssize_t i
        cdef _Bitmap *bitmap
        self.unknown = <const uint64_t **>_bitmap_memory((self.operand_count + 1) * sizeof(void *))
        self.computed = <int32_t *>_bitmap_memory((self.operand_count + 1) * sizeof(int32_t))
        self.sparse = <int32_t *>_bitmap_memory((self.operand_count + 1) * sizeof(int32_t))
        self.cleared = <int32_t *>_bitmap_memory((self.operand_count + 1) * sizeof(int32_t))
        for i in range(self.operand_count):
            bitmap = &self.operands[i].bitmap
            if self.operands[i].slot < 0:
                self.computed[self.computed_count] = i
                self.computed_count += 1
            self.operands[i].dense = -1
            if not bitmap_joins(bitmap):
                self.sparse[self.sparse_count] = i
                self.sparse_count += 1
                continue
            self.operands[i].dense = self.dense_count
            self.unknown[self.dense_count] = bitmap.rows
            self.dense_count += 1
            if bitmap_clears(bitmap):
                self.cleared[self.cleared_count] = i
                self.cleared_count += 1
        return 0

    cdef int32_t *place(self, _Bitmap *bitmap, const uint64_t *users) except NULL:
        """Chooses the words of a row; gives for every word where it stands in one."""
        cdef Py_ssize_t i, touched = 0
        cdef int32_t *places = <int32_t *>_bitmap_memory((self.words + 1) * sizeof(int32_t))
        for i in range(self.words):
            places[i] = touched
            touched += users[i] != 0
        if touched * _BITMAP_SPARSE >= self.words or self.words <= 8:
            bitmap.width = self.words
            for i in range(self.words):
                places[i] = i
            return places
        bitmap.width = touched
        bitmap.words = <int32_t *>_bitmap_memory((touched + 1) * sizeof(int32_t))
        for i in range(self.words):
            if users[i]:
                bitmap.words[places[i]] = i
        return places

    # --- rows ---------------------------------------------------------------------------------------------------

    @cython.final
    cdef Py_ssize_t string_row(self, const _Bitmap *bitmap, text) except -1:
        """The row of a str."""
        cdef Py_ssize_t size
        cdef const char *utf8
        if bitmap.text_mask < 0:
            return bitmap.unnamed_row
        if PyUnicode_IS_COMPACT_ASCII(<PyObject *>text):
            return bitmap_text_row(bitmap, PyUnicode_1BYTE_DATA(<PyObject *>text), PyUnicode_GET_LENGTH(<PyObject *>text))
        try:
            utf8 = PyUnicode_AsUTF8AndSize(text, &size)
        except UnicodeEncodeError:  # a lone surrogate: no rule names such a string
            return bitmap.unnamed_row
        return bitmap_text_row(bitmap, utf8, size)

    @cython.final
    cdef Py_ssize_t object_row(self, Py_ssize_t number, value) except -1:
        """The row of any value, exactly as the evaluator sees it."""
        cdef const _Bitmap *bitmap = &self.operands[number].bitmap
        value = _cond_clean(value)
        cdef int kind = _cond_kind(value)
        if kind == _COND_NOTHING:
            return 0
        if kind == _COND_BOOL:
            return bitmap.true_row if value else bitmap.false_row
        if kind == _COND_STRING:
            return self.string_row(bitmap, str.__str__(value))
        if kind != _COND_NUMBER:
            return bitmap.truthy_row if _cond_truthy(value) else bitmap.falsy_row
        if not bitmap.number_row:
            return 0
        cdef Py_ssize_t low = 0, high = bitmap.cuts, middle
        cuts = self.exact[number]
        while low < high:
            middle = (low + high) // 2
            cut, side = cuts[middle]
            if _cond_compare(_COND_GT if side else _COND_GE, value, cut):
                low = middle + 1
            else:
                high = middle
        return bitmap.number_row + low

    @property
    def nbytes(self):
        """Size of the bitsets."""
        return self.size


cdef void *_bitmap_memory(Py_ssize_t size) except NULL:
    cdef void *memory = PyMem_Calloc(size, 1)
    if memory == NULL:
        raise MemoryError
    return memory


cdef void _bitmap_free(_BitmapOperand *operand) noexcept:
    PyMem_Free(operand.users)
    PyMem_Free(operand.steps)
    PyMem_Free(operand.bitmap.words)
    PyMem_Free(operand.bitmap.rows)
    PyMem_Free(operand.bitmap.thresholds)
    PyMem_Free(operand.bitmap.positions)
    PyMem_Free(operand.bitmap.cleared)
    PyMem_Free(operand.bitmap.class_first)
    PyMem_Free(operand.bitmap.class_bits)
    PyMem_Free(operand.bitmap.texts)
    PyMem_Free(operand.bitmap.text_bytes)


cdef int _bitmap_fill(_Bitmap *bitmap, Py_ssize_t row, Py_ssize_t base, clauses, const int32_t *places) except -1:
    """A stored row that differs from another one in these clauses."""
    cdef uint64_t *target = bitmap.rows + row * bitmap.width
    cdef int32_t clause
    memcpy(target, bitmap.rows + base * bitmap.width, bitmap.width * sizeof(uint64_t))
    for clause in clauses:
        target[places[clause >> 6]] ^= <uint64_t>1 << (clause & 63)
    return 0


# --- numbers ----------------------------------------------------------------------------------------------------

cdef Py_ssize_t _bitmap_build_positions(_Bitmap *bitmap, steps, Py_ssize_t limit) except -1:
    """Gathers positions into runs that share a row; returns how many rows there are.

    A run ends before so many clauses change in it that naming them would cost as much as reading a row, and before one
    that fell in it would rise again.
    """
    cdef Py_ssize_t count = len(steps), i, runs = 0, changes = 0, most = 0, used = 0
    if count == 0:
        return 0
    if count * bitmap.width > limit:
        most = 8 + bitmap.width // 4
    total = sum([len(clauses) for clauses in steps])
    bitmap.positions = <_BitmapPosition *>_bitmap_memory(count * sizeof(_BitmapPosition))
    bitmap.cleared = <int32_t *>_bitmap_memory((total + 1) * sizeof(int32_t))
    standing = set()
    fell = set()
    first = 0
    for i in range(count):
        clauses = steps[i]
        changes += len(clauses)
        if i and (changes > most or not fell.isdisjoint(clauses)):
            used = _bitmap_end_run(bitmap, steps, first, i, runs, used, standing)
            runs, first, changes = runs + 1, i, 0
            fell.clear()
        fallen = standing.intersection(clauses)
        if i > first:
            fell |= fallen
        standing.symmetric_difference_update(clauses)
    _bitmap_end_run(bitmap, steps, first, count, runs, used, standing)
    return runs + 1


cdef Py_ssize_t _bitmap_end_run(_Bitmap *bitmap, steps, Py_ssize_t first, Py_ssize_t last, Py_ssize_t row,
                                Py_ssize_t used, standing) except -1:
    """Names what the positions of a run clear; returns how many names there are now.

    `standing` are the clauses that stand after the run, and from its end it is told which way each change went.
    """
    cdef Py_ssize_t i, at
    cdef int32_t clause
    rises = []
    falls = []
    after = set()
    for i in range(last - 1, first, -1):
        for clause in steps[i]:
            # an odd number of later changes in the run means that it stood otherwise than it does after the run
            if (clause in standing) != (clause in after):
                rises.append((i, clause))
            else:
                falls.append((i, clause))
        after.symmetric_difference_update(steps[i])
    falls.reverse()
    rises.reverse()
    at = used
    for i in range(first, last):
        while at - used < len(falls) and falls[at - used][0] <= i:
            bitmap.cleared[at] = falls[at - used][1]
            at += 1
        bitmap.positions[i].row = row
        bitmap.positions[i].off_first, bitmap.positions[i].off_last = used, at
    used = at
    for i in range(first, last):
        while at - used < len(rises) and rises[at - used][0] <= i:
            bitmap.cleared[at] = rises[at - used][1]
            at += 1
        bitmap.positions[i].on_first, bitmap.positions[i].on_last = at, used + len(rises)
    return at


cdef int _bitmap_fill_positions(_Bitmap *bitmap, steps, const int32_t *places) except -1:
    """The rows of runs: what stands at their first position, and what rises within them."""
    cdef Py_ssize_t i, row = -1
    cdef uint64_t *target = NULL
    cdef uint64_t bit
    cdef uint64_t *running = <uint64_t *>_bitmap_memory((bitmap.width + 1) * sizeof(uint64_t))
    memcpy(running, bitmap.rows, bitmap.width * sizeof(uint64_t))
    cdef int32_t clause
    for i in range(len(steps)):
        if bitmap.positions[i].row != row:
            row = bitmap.positions[i].row
            target = bitmap.rows + (bitmap.number_stored + row) * bitmap.width
            for clause in steps[i]:
                running[places[clause >> 6]] ^= <uint64_t>1 << (clause & 63)
            memcpy(target, running, bitmap.width * sizeof(uint64_t))
            continue
        for clause in steps[i]:
            bit = <uint64_t>1 << (clause & 63)
            running[places[clause >> 6]] ^= bit
            target[places[clause >> 6]] |= running[places[clause >> 6]] & bit
    PyMem_Free(running)
    return 0


# --- strings ----------------------------------------------------------------------------------------------------

cdef list _bitmap_classes(strings):
    """The different sets of clauses that strings have: strings of one class share a row."""
    return list({tuple(clauses): None for clauses in strings.values()})


cdef Py_ssize_t _bitmap_build_classes(_Bitmap *bitmap, classes, const int32_t *places) except -1:
    """The bits in which each class differs from strings that are not named; returns how many there are."""
    cdef Py_ssize_t number = 0, used = 0
    cdef int32_t clause
    bitmap.class_first = <int32_t *>_bitmap_memory((len(classes) + 1) * sizeof(int32_t))
    bitmap.class_bits = <int32_t *>_bitmap_memory((sum([len(clauses) for clauses in classes]) + 1) * sizeof(int32_t))
    for clauses in classes:
        for clause in sorted(clauses):
            bitmap.class_bits[used] = places[clause >> 6] * 64 + (clause & 63)
            used += 1
        number += 1
        bitmap.class_first[number] = used
    return used


cdef int _bitmap_build_texts(_Bitmap *bitmap, strings, classes) except -1:
    bitmap.text_mask = -1
    if not strings:
        return 0
    rows = {clauses: bitmap.unnamed_row + 1 + i for i, clauses in enumerate(classes)}
    encoded = [(name.encode("utf-8"), rows[tuple(clauses)]) for name, clauses in strings.items()]
    cdef Py_ssize_t entries = 4, i, offset = 0, size
    while entries < 2 * len(encoded):
        entries *= 2
    bitmap.texts = <_BitmapText *>_bitmap_memory(entries * sizeof(_BitmapText))
    bitmap.text_bytes = <char *>_bitmap_memory(sum([len(name) for name, _ in encoded]) + 1)
    bitmap.text_mask = entries - 1
    for i in range(entries):
        bitmap.texts[i].offset = -1
    cdef bytes text
    cdef _BitmapText *entry
    for text, row in encoded:
        size = len(text)
        memcpy(bitmap.text_bytes + offset, <char *>text, size)
        entry = bitmap_find(bitmap, <char *>text, size, bitmap_hash(<char *>text, size))
        entry.hash = bitmap_hash(<char *>text, size)
        entry.offset, entry.size, entry.row = offset, size, row
        offset += size
    return 0
