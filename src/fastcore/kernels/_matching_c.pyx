# The C twin of matching.py: one look-up and one AND per operand. Included by _speedups.pyx after conditions.py, whose
# evaluator it calls for values and expressions that have no fast path.

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from libc.math cimport fmod, isinf, isnan, fabs
from libc.stdint cimport int32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "bitset.h" nogil:
    void bitset_and(uint64_t *result, const uint64_t *row, ptrdiff_t words)
    bint bitset_meets(const uint64_t *left, const uint64_t *right, ptrdiff_t words)
    ptrdiff_t bitset_owners(const uint64_t *set, ptrdiff_t words, const int32_t *owners, int32_t *out)
    ptrdiff_t thresholds_passed(const double *thresholds, ptrdiff_t count, double x)
    void bitset_prefetch(const void *address)

cdef extern from *:
    """
    #if PY_VERSION_HEX < 0x030D0000
    static inline int match_get(PyObject *dict, PyObject *key, PyObject **value)
    {
        *value = PyDict_GetItemWithError(dict, key);
        if (*value) {
            Py_INCREF(*value);
            return 1;
        }
        return PyErr_Occurred() ? -1 : 0;
    }
    #else
    #define match_get PyDict_GetItemRef
    #endif
    static inline void match_set(PyObject *list, Py_ssize_t i, PyObject *item)
    {
        Py_INCREF(item);
        PyList_SET_ITEM(list, i, item);
    }
    """
    ctypedef struct PyObject
    int match_get(PyObject *dict, PyObject *key, PyObject **value) except -1
    void match_set(PyObject *list, Py_ssize_t i, PyObject *item)
    bint PyDict_CheckExact(PyObject *)
    bint PyFloat_CheckExact(PyObject *)
    bint PyLong_CheckExact(PyObject *)
    bint PyUnicode_CheckExact(PyObject *)
    double PyFloat_AS_DOUBLE(PyObject *)
    long long PyLong_AsLongLongAndOverflow(PyObject *, int *) except? -1
    PyObject *Py_None
    PyObject *Py_True
    PyObject *Py_False
    void Py_DECREF(PyObject *)
    list PyList_New(Py_ssize_t)
    PyObject *PyTuple_GET_ITEM(object, Py_ssize_t)

cdef enum:
    _MATCH_UNKNOWN          # nothing that arithmetic takes
    _MATCH_INT              # exact as a double
    _MATCH_FLOAT
    _MATCH_OBJECT           # a number that is not exact as a double: the evaluator decides
    _MATCH_STACK = 16
    _MATCH_LAZY = 8         # up to so many words it pays to ask whether a field still matters before it is read

cdef double _MATCH_EXACT = 9007199254740992.0


cdef struct _MatchValue:
    int kind
    double number


cdef struct _MatchStep:
    char op                 # f field, c constant, else the operator
    int slot
    _MatchValue constant


cdef struct _MatchOperand:
    int slot                # of a field; -1 for an expression or a condition
    bint condition
    _MatchStep *steps       # of arithmetic; NULL where the evaluator is asked
    int step_count
    uint64_t *users
    uint64_t *rows          # the first is that of unknown values
    int32_t false_row
    int32_t true_row
    int32_t falsy_row
    int32_t truthy_row
    int32_t unnamed_row
    int32_t number_row      # of the numbers below every cut; 0 where numbers do not matter
    ptrdiff_t cuts
    double *thresholds
    PyObject *strings       # str -> row; NULL where none is named


cdef struct _MatchNode:
    PyObject *key
    int slot                # -1 where only members are read
    int operand             # whose value this is; -1 where only expressions read it
    int first               # its members are nodes first to last - 1
    int last
    uint64_t *users         # the clauses that read it or a member, in expressions too


cdef struct _MatchScratch:
    _MatchValue *values
    const uint64_t **rows
    uint64_t *alive
    int32_t *fired


cdef class _MatchC:
    """See matching.py."""

    cdef bint lazy
    cdef uint64_t *node_users
    cdef Py_ssize_t words, rule_count, operand_count, slot_count, node_count, root_count, row_count
    cdef _MatchOperand *operands
    cdef _MatchNode *nodes
    cdef int32_t *owners
    cdef uint64_t *everything
    cdef tuple ids
    cdef list kept, exact, slot_index
    cdef object program

    def __cinit__(self, plan, program, ids):
        cdef Py_ssize_t count = len(plan.owners), i
        slots = plan.fields
        self.kept = []
        self.exact = []
        self.program = program
        self.ids = tuple(ids)
        self.rule_count = len(self.ids)
        self.words = (count + 63) // 64
        self.operand_count = len(plan.operands)
        self.slot_count = len(slots)
        self.row_count = 0
        self.owners = <int32_t *>PyMem_Calloc(self.words * 64 + 1, sizeof(int32_t))
        self.everything = <uint64_t *>PyMem_Calloc(self.words + 1, sizeof(uint64_t))
        self.operands = <_MatchOperand *>PyMem_Calloc(self.operand_count + 1, sizeof(_MatchOperand))
        if self.owners == NULL or self.everything == NULL or self.operands == NULL:
            raise MemoryError
        for i in range(count):
            self.owners[i] = plan.owners[i]
            self.everything[i >> 6] |= <uint64_t>1 << (i & 63)
        for i in range(self.operand_count):
            self.build_operand(&self.operands[i], plan.operands[i], slots)
        self.build_nodes(slots)

    def __dealloc__(self):
        cdef Py_ssize_t i
        if self.operands != NULL:
            for i in range(self.operand_count):
                PyMem_Free(self.operands[i].users)
                PyMem_Free(self.operands[i].rows)
                PyMem_Free(self.operands[i].steps)
                PyMem_Free(self.operands[i].thresholds)
        PyMem_Free(self.operands)
        PyMem_Free(self.owners)
        PyMem_Free(self.everything)
        PyMem_Free(self.nodes)
        PyMem_Free(self.node_users)

    # --- building -----------------------------------------------------------------------------------------------

    cdef int build_nodes(self, slots) except -1:
        """The fields as a tree of keys, breadth first, so that each mapping on the way is looked up once."""
        self.lazy = self.words <= _MATCH_LAZY
        readers = self.readers(slots)
        root = {}
        for slot in sorted(range(len(slots)), key=lambda slot: -len(readers[slot])):
            keys, operand = slots[slot]
            branch = root
            for key in keys[:-1]:
                branch = branch.setdefault(key, [-1, -1, {}])[2]
            leaf = branch.setdefault(keys[-1], [-1, -1, {}])
            leaf[0], leaf[1] = slot, operand
        order = sorted(root.items(), key=lambda item: -_match_weight(item[1], readers))
        cdef Py_ssize_t at = 0, clause
        spans = []
        while at < len(order):
            members = order[at][1][2]
            spans.append((len(order), len(order) + len(members)))
            order.extend(members.items())
            at += 1
        self.root_count = len(root)
        self.node_count = len(order)
        self.nodes = <_MatchNode *>PyMem_Calloc(self.node_count + 1, sizeof(_MatchNode))
        if self.nodes == NULL:
            raise MemoryError
        for at in range(self.node_count):
            key, (slot, operand, _) = order[at]
            self.kept.append(key)
            self.nodes[at].key = <PyObject *>key
            self.nodes[at].slot = slot
            self.nodes[at].operand = operand
            self.nodes[at].first, self.nodes[at].last = spans[at]
        if self.lazy:
            self.node_users = <uint64_t *>PyMem_Calloc(self.node_count * self.words + 1, sizeof(uint64_t))
            if self.node_users == NULL:
                raise MemoryError
            for at in range(self.node_count - 1, -1, -1):
                self.nodes[at].users = self.node_users + at * self.words
                if self.nodes[at].slot >= 0:
                    for clause in readers[self.nodes[at].slot]:
                        self.nodes[at].users[clause >> 6] |= <uint64_t>1 << (clause & 63)
                for member in range(self.nodes[at].first, self.nodes[at].last):
                    for clause in range(self.words):
                        self.nodes[at].users[clause] |= self.nodes[member].users[clause]
        return 0

    cdef list readers(self, slots):
        """For each slot the clauses that need it, by themselves or within an expression."""
        cdef Py_ssize_t i, step, clause
        readers = [set() for _ in slots]
        for i in range(self.operand_count):
            clauses = [c for c in range(self.words * 64) if self.operands[i].users[c >> 6] >> (c & 63) & 1]
            if self.operands[i].slot >= 0:
                readers[self.operands[i].slot].update(clauses)
            for step in range(self.operands[i].step_count):
                if self.operands[i].steps[step].op == b"f":
                    readers[self.operands[i].steps[step].slot].update(clauses)
        return readers

    cdef int build_operand(self, _MatchOperand *operand, plan, slots) except -1:
        cdef Py_ssize_t words = self.words, i
        cdef int32_t rows = 1
        operand.condition = plan.condition
        operand.slot = -1
        for slot, (_, number) in enumerate(slots):
            if number == len(self.exact):
                operand.slot = slot
        if operand.slot < 0 and not plan.condition:
            self.build_steps(operand, plan.tree, slots)
        if plan.false or plan.true:
            operand.false_row, operand.true_row = rows, rows + 1
            rows += 2
        if plan.falsy or plan.truthy:
            operand.falsy_row, operand.truthy_row = rows, rows + 1
            rows += 2
        if plan.unnamed or plan.strings:
            operand.unnamed_row = rows
            rows += 1 + len(plan.strings)
        if plan.steps:
            operand.number_row = rows
            rows += len(plan.steps)
        self.row_count += rows
        operand.users = <uint64_t *>PyMem_Calloc(words + 1, sizeof(uint64_t))
        operand.rows = <uint64_t *>PyMem_Malloc((rows * words + 1) * sizeof(uint64_t))
        operand.thresholds = <double *>PyMem_Malloc((len(plan.cuts) + 1) * sizeof(double))
        if operand.users == NULL or operand.rows == NULL or operand.thresholds == NULL:
            raise MemoryError
        for i in plan.users:
            operand.users[i >> 6] |= <uint64_t>1 << (i & 63)
        for i in range(words):
            operand.rows[i] = self.everything[i] & ~operand.users[i]
        if operand.false_row:
            self.fill(operand, operand.false_row, 0, plan.false)
            self.fill(operand, operand.true_row, 0, plan.true)
        if operand.falsy_row:
            self.fill(operand, operand.falsy_row, 0, plan.falsy)
            self.fill(operand, operand.truthy_row, 0, plan.truthy)
        if operand.unnamed_row:
            self.fill(operand, operand.unnamed_row, 0, plan.unnamed)
            named = {}
            for text, clauses in plan.strings.items():
                named[text] = operand.unnamed_row + 1 + len(named)
                self.fill(operand, named[text], operand.unnamed_row, clauses)
            if named:
                self.kept.append(named)
                operand.strings = <PyObject *>named
        if operand.number_row:
            for i in range(len(plan.steps)):
                self.fill(operand, operand.number_row + i, operand.number_row + i - 1 if i else 0, plan.steps[i])
        operand.cuts = len(plan.cuts)
        for i in range(operand.cuts):
            operand.thresholds[i] = _match_threshold(plan.cuts[i])
        self.exact.append(list(plan.cuts))
        return 0

    cdef int fill(self, _MatchOperand *operand, Py_ssize_t row, Py_ssize_t base, clauses) except -1:
        """A row that differs from another one in these clauses."""
        cdef uint64_t *target = operand.rows + row * self.words
        cdef Py_ssize_t clause
        memcpy(target, operand.rows + base * self.words, self.words * sizeof(uint64_t))
        for clause in clauses:
            target[clause >> 6] ^= <uint64_t>1 << (clause & 63)
        return 0

    cdef int build_steps(self, _MatchOperand *operand, tree, slots) except -1:
        """Arithmetic of fields and constants in postfix order; none where something else takes part."""
        numbers = {keys: slot for slot, (keys, _) in enumerate(slots)}
        steps = _match_postfix(tree, numbers, 0)
        if steps is None:
            return 0
        cdef Py_ssize_t i
        operand.steps = <_MatchStep *>PyMem_Calloc(len(steps), sizeof(_MatchStep))
        if operand.steps == NULL:
            raise MemoryError
        operand.step_count = len(steps)
        for i in range(operand.step_count):
            op, argument = steps[i]
            operand.steps[i].op = ord(op)
            if op == "f":
                operand.steps[i].slot = argument
            elif op == "c":
                operand.steps[i].constant.kind = _MATCH_INT if isinstance(argument, int) else _MATCH_FLOAT
                operand.steps[i].constant.number = argument
        return 0

    # --- matching -----------------------------------------------------------------------------------------------

    cdef int walk(self, _MatchScratch *scratch, PyObject *data, int first, int last, event, now) except -1:
        """Reads the fields of one mapping and of those within it."""
        cdef PyObject *value
        cdef _MatchNode *node
        cdef int i
        for i in range(first, last):
            node = &self.nodes[i]
            if self.lazy and not bitset_meets(scratch.alive, node.users, self.words):
                continue
            value = NULL
            if not match_get(data, node.key, &value):
                continue
            try:
                if node.slot >= 0:
                    self.read(scratch, node, value)
                if node.last > node.first:
                    if PyDict_CheckExact(value):
                        self.walk(scratch, value, node.first, node.last, event, now)
                    elif value != Py_None and not PyUnicode_CheckExact(value):
                        self.ask_members(scratch, node.first, node.last, event, now)
            finally:
                Py_DECREF(value)
        return 0

    cdef int ask_members(self, _MatchScratch *scratch, int first, int last, event, now) except -1:
        """Reads fields within something that is no plain dict: the evaluator knows how."""
        cdef int i
        for i in range(first, last):
            if self.nodes[i].slot >= 0:
                value = self.program.probe(self.operand_count + self.nodes[i].slot, event, now).value()
                self.read(scratch, &self.nodes[i], <PyObject *>value)
            self.ask_members(scratch, self.nodes[i].first, self.nodes[i].last, event, now)
        return 0

    cdef int read(self, _MatchScratch *scratch, _MatchNode *node, PyObject *value) except -1:
        cdef _MatchValue *slot = &scratch.values[node.slot]
        cdef _MatchOperand *operand
        cdef int overflow = 0
        cdef long long whole
        if PyFloat_CheckExact(value):
            slot.number = PyFloat_AS_DOUBLE(value)
            slot.kind = _MATCH_UNKNOWN if isnan(slot.number) else _MATCH_FLOAT
        elif PyLong_CheckExact(value):
            whole = PyLong_AsLongLongAndOverflow(value, &overflow)
            slot.number = <double>whole
            slot.kind = _MATCH_OBJECT if overflow or fabs(slot.number) >= _MATCH_EXACT else _MATCH_INT
        elif not PyUnicode_CheckExact(value) and value != Py_None:
            kind = type(<object>value)
            if kind is not bool and kind is not dict and kind is not list:
                slot.kind = _MATCH_OBJECT
        if node.operand < 0:
            return 0
        operand = &self.operands[node.operand]
        cdef Py_ssize_t row = 0
        if slot.kind == _MATCH_INT or slot.kind == _MATCH_FLOAT:
            if operand.number_row:
                row = operand.number_row + thresholds_passed(operand.thresholds, operand.cuts, slot.number)
        elif value == Py_True:
            row = operand.true_row
        elif value == Py_False:
            row = operand.false_row
        elif PyUnicode_CheckExact(value):
            row = self.string_row(operand, <object>value)
        elif value != Py_None and not PyFloat_CheckExact(value):
            row = self.object_row(node.operand, <object>value)
        scratch.rows[node.operand] = operand.rows + row * self.words
        if self.lazy:
            bitset_and(scratch.alive, scratch.rows[node.operand], self.words)
        else:
            bitset_prefetch(scratch.rows[node.operand])
        return 0

    cdef Py_ssize_t string_row(self, _MatchOperand *operand, text) except -1:
        cdef PyObject *row = NULL
        if operand.strings != NULL and match_get(operand.strings, <PyObject *>text, &row):
            found = <object>row
            Py_DECREF(row)
            return found
        return operand.unnamed_row

    cdef Py_ssize_t object_row(self, Py_ssize_t number, value) except -1:
        """The row of any value, exactly as the evaluator sees it."""
        cdef _MatchOperand *operand = &self.operands[number]
        value = _cond_clean(value)
        cdef int kind = _cond_kind(value)
        if kind == _COND_NOTHING:
            return 0
        if kind == _COND_BOOL:
            return operand.true_row if value else operand.false_row
        if kind == _COND_STRING:
            return self.string_row(operand, str.__str__(value))
        if kind != _COND_NUMBER:
            return operand.truthy_row if _cond_truthy(value) else operand.falsy_row
        if not operand.number_row:
            return 0
        cdef Py_ssize_t low = 0, high = operand.cuts, middle
        cuts = self.exact[number]
        while low < high:
            middle = (low + high) // 2
            cut, side = cuts[middle]
            if _cond_compare(_COND_GT if side else _COND_GE, value, cut):
                low = middle + 1
            else:
                high = middle
        return operand.number_row + low

    cdef int match(self, _MatchScratch *scratch, event, now) except -1:
        """Leaves in `alive` the clauses that hold."""
        cdef Py_ssize_t i, words = self.words, row
        cdef _MatchOperand *operand
        cdef _MatchValue value
        cdef Py_ssize_t rest = 0
        for i in range(self.slot_count):
            scratch.values[i].kind = _MATCH_UNKNOWN
        for i in range(self.operand_count):
            scratch.rows[i] = self.operands[i].rows
        memcpy(scratch.alive, self.everything, words * sizeof(uint64_t))
        if PyDict_CheckExact(<PyObject *>event):
            self.walk(scratch, <PyObject *>event, 0, self.root_count, event, now)
        else:
            self.ask_members(scratch, 0, self.root_count, event, now)
        for i in range(self.operand_count):
            operand = &self.operands[i]
            if operand.slot < 0:
                if operand.steps == NULL or not _match_compute(operand, scratch.values, &value):
                    rest += 1
                    scratch.rows[i] = NULL
                    continue
                row = 0
                if value.kind != _MATCH_UNKNOWN and operand.number_row:
                    row = operand.number_row + thresholds_passed(operand.thresholds, operand.cuts, value.number)
                scratch.rows[i] = operand.rows + row * words
            bitset_and(scratch.alive, scratch.rows[i], words)
        if rest:
            self.match_rest(scratch, event, now)
        return 0

    cdef int match_rest(self, _MatchScratch *scratch, event, now) except -1:
        """What only the evaluator can tell, asked where some clause that still holds wants to know."""
        cdef Py_ssize_t i, row
        cdef _MatchOperand *operand
        for i in range(self.operand_count):
            operand = &self.operands[i]
            if scratch.rows[i] != NULL or not bitset_meets(scratch.alive, operand.users, self.words):
                continue
            probe = self.program.probe(i, event, now)
            if operand.condition:
                truth = probe.truth()
                row = 0 if truth is None else operand.true_row if truth else operand.false_row
            else:
                row = self.object_row(i, probe.value())
            bitset_and(scratch.alive, operand.rows + row * self.words, self.words)
        return 0

    cdef Py_ssize_t run(self, _MatchScratch *scratch, char *small, Py_ssize_t room, event, now) except -1:
        """Owners of the clauses that hold, in `scratch.fired`; returns how many."""
        cdef Py_ssize_t size = (
            self.slot_count * sizeof(_MatchValue)
            + self.operand_count * sizeof(void *)
            + self.words * sizeof(uint64_t)
            + (self.rule_count + 1) * sizeof(int32_t)
        )
        cdef char *memory = small
        if size > room:
            memory = <char *>PyMem_Malloc(size)
            if memory == NULL:
                raise MemoryError
        scratch.values = <_MatchValue *>memory
        scratch.rows = <const uint64_t **>(scratch.values + self.slot_count)
        scratch.alive = <uint64_t *>(scratch.rows + self.operand_count)
        scratch.fired = <int32_t *>(scratch.alive + self.words)
        try:
            self.match(scratch, event, now)
        except:
            if memory != small:
                PyMem_Free(memory)
            raise
        return bitset_owners(scratch.alive, self.words, self.owners, scratch.fired)

    def matches(self, event, now):
        """Ids of the rules that fire, in order."""
        cdef _MatchScratch scratch
        cdef double small[512]
        cdef Py_ssize_t count = self.run(&scratch, <char *>small, sizeof(small), event, now), i
        cdef list found = PyList_New(count)
        for i in range(count):
            match_set(<PyObject *>found, i, PyTuple_GET_ITEM(self.ids, scratch.fired[i]))
        if <char *>scratch.values != <char *>small:
            PyMem_Free(scratch.values)
        return found

    def fired(self, event, now):
        """Positions of the rules that fire, in order."""
        cdef _MatchScratch scratch
        cdef double small[512]
        cdef Py_ssize_t count = self.run(&scratch, <char *>small, sizeof(small), event, now), i
        cdef list found = [scratch.fired[i] for i in range(count)]
        if <char *>scratch.values != <char *>small:
            PyMem_Free(scratch.values)
        return found

    @property
    def nbytes(self):
        """Size of the bitsets."""
        return self.row_count * self.words * sizeof(uint64_t)


cdef bint _match_compute(_MatchOperand *operand, const _MatchValue *values, _MatchValue *result) noexcept nogil:
    """One expression; False where only the evaluator can do it exactly."""
    cdef _MatchValue stack[_MATCH_STACK]
    cdef _MatchValue *left
    cdef _MatchValue *right
    cdef _MatchStep *step
    cdef int top = 0, i
    cdef double x
    for i in range(operand.step_count):
        step = &operand.steps[i]
        if step.op == b"f":
            stack[top] = values[step.slot]
            if stack[top].kind == _MATCH_OBJECT:
                return False
            top += 1
            continue
        if step.op == b"c":
            stack[top] = step.constant
            top += 1
            continue
        top -= 1
        left, right = &stack[top - 1], &stack[top]
        if left.kind == _MATCH_UNKNOWN or right.kind == _MATCH_UNKNOWN:
            left.kind = _MATCH_UNKNOWN
            continue
        if step.op == b"+":
            x = left.number + right.number
        elif step.op == b"-":
            x = left.number - right.number
        elif step.op == b"*":
            x = left.number * right.number
        elif right.number == 0:
            left.kind = _MATCH_UNKNOWN
            continue
        elif step.op == b"/":
            x = left.number / right.number
            if left.kind == _MATCH_INT and right.kind == _MATCH_INT and fmod(left.number, right.number) != 0:
                left.kind = _MATCH_FLOAT
        else:
            x = fmod(left.number, right.number)
        if right.kind == _MATCH_FLOAT:
            left.kind = _MATCH_FLOAT
        if left.kind == _MATCH_INT and fabs(x) >= _MATCH_EXACT:
            return False
        left.number = x
        if isnan(x):
            left.kind = _MATCH_UNKNOWN
    result[0] = stack[0]
    return True


cdef object _match_postfix(tree, numbers, depth):
    """Steps of arithmetic on fields and constants, or None; `depth` values are on the stack already."""
    op = tree[0]
    if depth >= _MATCH_STACK - 1:
        return None
    if op == "const":
        value = tree[1]
        if type(value) is float and value == value or type(value) is int and abs(value) < _MATCH_EXACT:
            return [("c", value)]
        return None
    if op == "var":
        slot = numbers.get(tree[1]) if len(tree) == 3 and tree[2] == 0 else None
        return None if slot is None else [("f", slot)]
    if op not in ("+", "-", "*", "/", "%") or len(tree) < 3:
        return None
    steps = []
    for position, operand in enumerate(tree[1:]):
        inner = _match_postfix(operand, numbers, depth + (position > 0))
        if inner is None:
            return None
        steps += inner
        if position:
            steps.append((op, None))
    return steps


cdef double _match_threshold(cut) except? -1:
    """The least double that is past a cut."""
    import math

    value, side = cut
    try:
        nearest = float(value)
    except OverflowError:
        return math.inf if value > 0 else math.nextafter(-math.inf, 0)
    if nearest < value or (side and nearest == value):
        nearest = math.nextafter(nearest, math.inf)
    return nearest


cdef Py_ssize_t _match_weight(entry, readers):
    """How many clauses a key and its members may decide: what decides most is read first."""
    slot, _, members = entry
    weight = len(readers[slot]) if slot >= 0 else 0
    return weight + sum([_match_weight(member, readers) for member in members.values()])


def matcher(plan, program, ids):
    """See matching.py."""
    return _MatchC(plan, program, ids)
