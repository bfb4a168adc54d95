# The C twin of matching.py: events given as Python objects. Included by _speedups.pyx after _bitmaps_c.pyx.

from bisect import bisect_right

cdef enum:
    _MATCH_LAZY = 1         # up to so many words it pays to ask whether a field still matters before it is looked at
    _MATCH_ROOM = 1024      # doubles on the stack for the scratch of a call
    _MATCH_ASK = -1         # the row of an operand that the evaluator is asked for


cdef struct _MatchLevel:
    int first               # the keys of one mapping are nodes first to last - 1
    int last
    int depth_end           # the level after those of the same depth
    int mask                # entries of the hash table less one
    int32_t *table          # hash of a key -> its node; -1 in an empty entry


cdef struct _MatchScratch:
    _BitmapValue *values    # slot -> number
    int32_t *rows           # operand -> row
    const uint64_t **stored # dense operand -> the words of its row
    uint64_t *alive
    int32_t *fired
    PyObject **found        # node -> value
    PyObject **levels       # level -> its mapping
    PyObject **held         # references of this call
    Py_ssize_t held_count
    int32_t *odd            # nodes with values of unusual types; ~level for the members of what is no dict
    Py_ssize_t odd_count
    bint asks               # whether the evaluator is to be asked for something
    char *memory


@cython.final
cdef class _Matcher(_Bitmaps):
    """See matching.py."""

    cdef bint lazy
    cdef Py_ssize_t node_count, level_count, scratch_size
    cdef _MatchNode *nodes
    cdef _MatchLevel *levels
    cdef int32_t *tables
    cdef uint64_t *node_users
    cdef list kept

    def __cinit__(self, plan, program, ids):
        self.kept = []
        self.lazy = self.words <= _MATCH_LAZY
        self.build_nodes([list(keys) for keys in self.fields], {slot: operand for slot, (_, operand) in enumerate(plan.fields)})
        self.scratch_size = (
            self.slot_count * sizeof(_BitmapValue)
            + self.operand_count * (sizeof(void *) + sizeof(int32_t))
            + self.words * sizeof(uint64_t)
            + (self.rule_count + 1) * sizeof(int32_t)
            + (3 * self.node_count + self.level_count) * sizeof(void *)
            + (self.node_count + self.level_count) * sizeof(int32_t)
            + 32
        )

    def __dealloc__(self):
        PyMem_Free(self.nodes)
        PyMem_Free(self.levels)
        PyMem_Free(self.tables)
        PyMem_Free(self.node_users)

    # --- building -----------------------------------------------------------------------------------------------

    cdef int build_nodes(self, paths, operands) except -1:
        """The fields as a tree of keys, breadth first, so that each mapping on the way is looked up once."""
        readers = self.readers()
        root = {}
        for slot, keys in enumerate(paths):
            branch = root
            for key in keys[:-1]:
                branch = branch.setdefault(key, [-1, {}])[1]
            branch.setdefault(keys[-1], [-1, {}])[0] = slot
        levels = [sorted(root.items(), key=lambda item: not item[1][1])]
        depths = [0]
        order = []
        cdef Py_ssize_t at, entries = 0, size
        for depth, level in zip(depths, levels):  # both grow meanwhile
            size = 2
            while size < 2 * len(level):
                size *= 2
            entries += size
            for key, (slot, members) in level:
                order.append((key, slot, operands.get(slot, -1), len(levels) if members else -1))
                if members:
                    levels.append(sorted(members.items(), key=lambda item: not item[1][1]))
                    depths.append(depth + 1)
        self.node_count = len(order)
        self.level_count = len(levels)
        self.nodes = <_MatchNode *>_bitmap_memory((self.node_count + 1) * sizeof(_MatchNode))
        self.levels = <_MatchLevel *>_bitmap_memory((self.level_count + 1) * sizeof(_MatchLevel))
        self.tables = <int32_t *>_bitmap_memory((entries + 1) * sizeof(int32_t))
        for at in range(self.node_count):
            key, self.nodes[at].slot, self.nodes[at].operand, self.nodes[at].level = order[at]
            self.kept.append(key)
            self.nodes[at].key = <PyObject *>key
            self.nodes[at].hash = hash(key)
            if PyUnicode_IS_COMPACT_ASCII(<PyObject *>key):
                self.nodes[at].text = PyUnicode_1BYTE_DATA(<PyObject *>key)
                self.nodes[at].size = len(key)
        self.build_levels([len(level) for level in levels], depths)
        if self.lazy:
            self.build_users(readers)
        return 0

    cdef int build_levels(self, sizes, depths) except -1:
        cdef Py_ssize_t node = 0, entry = 0, i, at
        cdef _MatchLevel *level
        for i in range(self.level_count):
            level = &self.levels[i]
            level.first, level.last = node, node + sizes[i]
            level.depth_end = bisect_right(depths, depths[i])
            level.mask = 1
            while level.mask + 1 < 2 * sizes[i]:
                level.mask = 2 * level.mask + 1
            level.table = self.tables + entry
            entry += level.mask + 1
            for at in range(level.mask + 1):
                level.table[at] = -1
            for node in range(level.first, level.last):
                at = self.nodes[node].hash & level.mask
                while level.table[at] >= 0:
                    at = (at + 1) & level.mask
                level.table[at] = node
            node = level.last
        return 0

    cdef int build_users(self, readers) except -1:
        cdef Py_ssize_t at, word, member
        cdef int32_t clause
        cdef _MatchNode *node
        self.node_users = <uint64_t *>_bitmap_memory((self.node_count * self.words + 1) * sizeof(uint64_t))
        for at in range(self.node_count - 1, -1, -1):
            node = &self.nodes[at]
            node.users = self.node_users + at * self.words
            if node.slot >= 0:
                for clause in readers[node.slot]:
                    node.users[clause >> 6] |= <uint64_t>1 << (clause & 63)
            if node.level >= 0:
                for member in range(self.levels[node.level].first, self.levels[node.level].last):
                    for word in range(self.words):
                        node.users[word] |= self.nodes[member].users[word]
        return 0

    cdef list readers(self):
        """For each slot the clauses that need it, by themselves or within an expression."""
        cdef Py_ssize_t i, step
        readers = [set() for _ in range(self.slot_count)]
        if not self.lazy:
            return readers
        for i in range(self.operand_count):
            clauses = [c for c in range(self.words * 64) if self.operands[i].users[c >> 6] >> (c & 63) & 1]
            if self.operands[i].slot >= 0:
                readers[self.operands[i].slot].update(clauses)
            for step in range(self.operands[i].step_count):
                if self.operands[i].steps[step].op == b"f":
                    readers[self.operands[i].steps[step].slot].update(clauses)
        return readers

    # --- reading an event ---------------------------------------------------------------------------------------
    #
    # Breadth first, in two passes for each depth: what the mappings of that depth hold is found and prefetched, then
    # looked at. No Python code runs meanwhile, so what an iteration found is still there; what may run some (look-ups
    # among keys that are no plain strings, values of unusual types) holds its references, and such values come last.

    cdef int walk(self, _MatchScratch *scratch, event) except -1:
        """Finds the row of every field; False if no clause is left."""
        cdef int level = 0, i
        self.begin(scratch, event)
        while level < self.level_count:
            for i in range(level, self.levels[level].depth_end):
                if scratch.levels[i] != NULL and not self.iterate(scratch, i):
                    self.look_up(scratch, i)
            level = self.read_depth(scratch, level)
        return bitset_any(scratch.alive, self.words)

    cdef void begin(self, _MatchScratch *scratch, event) noexcept:
        memset(scratch.found, 0, self.node_count * sizeof(void *))
        memset(scratch.levels, 0, self.level_count * sizeof(void *))
        scratch.levels[0] = <PyObject *>event

    cdef bint iterate(self, _MatchScratch *scratch, int number) noexcept:
        """What a dict holds for the keys of a level, by going through it; False if that does not pay, or would miss
        a key that is no plain str."""
        cdef const _MatchLevel *level = &self.levels[number]
        cdef PyObject *data = scratch.levels[number]
        return (
            MATCH_ITERATES
            and match_size(data) <= 2 * (level.last - level.first) + 4
            and match_iterate(data, self.nodes, level.table, level.mask, scratch.found)
        )

    cdef int look_up(self, _MatchScratch *scratch, int number) except -1:
        """The same key by key."""
        cdef int node
        for node in range(self.levels[number].first, self.levels[number].last):
            if match_get(scratch.levels[number], self.nodes[node].key, &scratch.found[node]):
                scratch.held[scratch.held_count] = scratch.found[node]
                scratch.held_count += 1
                bitset_prefetch(scratch.found[node])
        return 0

    cdef int read_depth(self, _MatchScratch *scratch, int level) except -1:
        """Looks at what was found for all levels of one depth; gives the first level of the next."""
        cdef int end = self.levels[level].depth_end, i
        for i in range(self.levels[level].first, self.levels[end - 1].last):
            if scratch.found[i] == NULL:
                continue
            if self.lazy and not bitset_meets(scratch.alive, self.nodes[i].users, self.words):
                continue
            if self.nodes[i].level >= 0:
                self.enter(scratch, i)
            if self.nodes[i].slot >= 0:
                self.read(scratch, i, scratch.found[i])
        return end

    cdef int enter(self, _MatchScratch *scratch, int node) except -1:
        """Goes into a value for its members."""
        cdef PyObject *value = scratch.found[node]
        if PyDict_CheckExact(value):
            scratch.levels[self.nodes[node].level] = value
            match_fetch_keys(value)
        elif value != Py_None and not (PyUnicode_CheckExact(value) or PyFloat_CheckExact(value) or PyLong_CheckExact(value)):
            scratch.odd[scratch.odd_count] = ~self.nodes[node].level
            scratch.odd_count += 1
        return 0

    cdef int read(self, _MatchScratch *scratch, int node, PyObject *value) except -1:
        """The row of a field; values of unusual types are put off."""
        cdef _BitmapValue *slot = &scratch.values[self.nodes[node].slot]
        cdef Py_ssize_t row = 0
        cdef int overflow = 0
        cdef long long whole
        cdef int operand = self.nodes[node].operand
        cdef const _Bitmap *bitmap = &self.operands[operand].bitmap
        if PyFloat_CheckExact(value):
            slot.number = PyFloat_AS_DOUBLE(value)
            if isnan(slot.number):
                return 0
            slot.kind = _BITMAP_FLOAT
        elif PyUnicode_CheckExact(value):
            if operand < 0:
                return 0
            if bitmap.text_mask >= 0 and not PyUnicode_IS_COMPACT_ASCII(value):
                return self.put_off(scratch, node, value)  # encoding it may run code
            row = self.string_row(bitmap, <object>value)
        elif PyLong_CheckExact(value):
            whole = PyLong_AsLongLongAndOverflow(value, &overflow)
            slot.number = <double>whole
            if overflow or fabs(slot.number) >= _BITMAP_EXACT:
                return self.put_off(scratch, node, value)
            slot.kind = _BITMAP_INT
        elif value == Py_True:
            row = bitmap.true_row if operand >= 0 else 0
        elif value == Py_False:
            row = bitmap.false_row if operand >= 0 else 0
        elif value != Py_None:
            return self.put_off(scratch, node, value)
        if operand < 0:
            return 0
        if slot.kind != _BITMAP_UNKNOWN:
            row = bitmap_number_row(bitmap, slot.number)
        self.keep(scratch, operand, row)
        return 0

    cdef inline void keep(self, _MatchScratch *scratch, int operand, Py_ssize_t row) noexcept nogil:
        """Applies a row at once where that may spare other fields, else notes it."""
        cdef const _BitmapOperand *at = &self.operands[operand]
        cdef const uint64_t *stored
        scratch.rows[operand] = row
        if at.dense < 0:
            if self.lazy:
                bitmap_keep(scratch.alive, &at.bitmap, row)
            return
        stored = bitmap_row(&at.bitmap, row)
        scratch.stored[at.dense] = stored
        if self.lazy:
            scratch.alive[0] &= stored[0]  # what else its position takes out follows in the end
        else:
            bitset_prefetch(stored)

    cdef int put_off(self, _MatchScratch *scratch, int node, PyObject *value) except -1:
        if not PyDict_CheckExact(value) and not PyUnicode_CheckExact(value):
            scratch.values[self.nodes[node].slot].kind = _BITMAP_OBJECT
        if self.nodes[node].operand < 0:
            return 0
        Py_INCREF(value)
        scratch.held[scratch.held_count] = value
        scratch.held_count += 1
        scratch.found[node] = value
        scratch.odd[scratch.odd_count] = node
        scratch.odd_count += 1
        return 0

    cdef int settle_odd(self, _MatchScratch *scratch, event, now) except -1:
        """Values of unusual types, as the evaluator sees them, and members of what is no plain dict."""
        cdef Py_ssize_t i = 0
        cdef int node, operand
        while i < scratch.odd_count:
            node = scratch.odd[i]
            i += 1
            if node < 0:
                self.ask_members(scratch, ~node, event, now)
                continue
            operand = self.nodes[node].operand
            self.keep(scratch, operand, self.object_row(operand, <object>scratch.found[node]))
        return 0

    cdef int ask_members(self, _MatchScratch *scratch, int level, event, now) except -1:
        cdef int node
        for node in range(self.levels[level].first, self.levels[level].last):
            if self.nodes[node].slot >= 0:
                value = self.program.probe(self.operand_count + self.nodes[node].slot, event, now).value()
                self.read(scratch, node, <PyObject *>value)
            if self.nodes[node].level >= 0:
                self.ask_members(scratch, self.nodes[node].level, event, now)
        return 0

    # --- matching -----------------------------------------------------------------------------------------------

    cdef int match(self, _MatchScratch *scratch, event, now) except -1:
        """Leaves in `alive` the clauses that hold."""
        self.reset(scratch)
        if PyDict_CheckExact(<PyObject *>event):
            if not self.walk(scratch, event):
                return 0
        else:
            conditions_event(event)
            self.ask_members(scratch, 0, event, now)
        return self.finish(scratch, event, now)

    cdef int finish(self, _MatchScratch *scratch, event, now) except -1:
        """Takes out of `alive` what the rows of the fields falsify, and what has to be asked."""
        if scratch.odd_count:
            self.settle_odd(scratch, event, now)
        self.settle(scratch)
        if scratch.asks:
            self.ask(scratch, event, now)
        return 0

    cdef void reset(self, _MatchScratch *scratch) noexcept nogil:
        """No field is known, and every clause stands."""
        cdef Py_ssize_t i
        for i in range(self.slot_count):
            scratch.values[i].kind = _BITMAP_UNKNOWN
        memset(scratch.rows, 0, self.operand_count * sizeof(int32_t))
        memcpy(scratch.stored, self.unknown, self.dense_count * sizeof(void *))
        memcpy(scratch.alive, self.everything, self.words * sizeof(uint64_t))
        scratch.asks = False
        scratch.odd_count = 0

    cdef void settle(self, _MatchScratch *scratch) noexcept nogil:
        """Computes the expressions and takes all falsified clauses out of `alive`, but for what must be asked."""
        cdef Py_ssize_t at, i
        cdef _BitmapOperand *operand
        cdef _BitmapValue value
        for at in range(self.computed_count):
            i = self.computed[at]
            operand = &self.operands[i]
            if operand.steps == NULL or not _bitmap_compute(operand, scratch.values, &value):
                scratch.rows[i] = _MATCH_ASK
                scratch.asks = True
                if operand.dense >= 0:
                    scratch.stored[operand.dense] = self.everything
            elif value.kind != _BITMAP_UNKNOWN:
                self.keep(scratch, i, bitmap_number_row(&operand.bitmap, value.number))
        bitset_and_rows(scratch.alive, scratch.stored, self.dense_count, self.words)
        for i in range(self.cleared_count):
            if scratch.rows[self.cleared[i]] >= 0:
                bitmap_clear(scratch.alive, &self.operands[self.cleared[i]].bitmap, scratch.rows[self.cleared[i]])
        for i in range(self.sparse_count):
            if scratch.rows[self.sparse[i]] >= 0:
                bitmap_keep(scratch.alive, &self.operands[self.sparse[i]].bitmap, scratch.rows[self.sparse[i]])

    cdef int ask(self, _MatchScratch *scratch, event, now) except -1:
        """What only the evaluator can tell, asked where some clause that still holds wants to know."""
        cdef Py_ssize_t at, i, row
        cdef _BitmapOperand *operand
        cdef _CondNode node
        cdef _CondContext context = _CondContext(event, now)
        for at in range(self.computed_count):
            i = self.computed[at]
            operand = &self.operands[i]
            if scratch.rows[i] != _MATCH_ASK:
                continue
            if not bitmap_meets(scratch.alive, &operand.bitmap, operand.users, self.words):
                continue
            node = self.program.nodes[i]
            context.steps = 0  # the limit is that of one condition
            if operand.condition:
                truth = node.truth(context)
                row = 0 if truth is None else operand.bitmap.true_row if truth else operand.bitmap.false_row
            else:
                row = self.object_row(i, node.value(context))
            bitmap_keep(scratch.alive, &operand.bitmap, row)
        return 0

    cdef int open(self, _MatchScratch *scratch, char *small, Py_ssize_t room) except -1:
        """Lays out the space of one call, in `small` if it suffices."""
        cdef char *memory = small
        if self.scratch_size > room:
            memory = <char *>PyMem_Malloc(self.scratch_size)
            if memory == NULL:
                raise MemoryError
        scratch.memory = memory
        scratch.held_count = 0
        scratch.values = <_BitmapValue *>memory
        scratch.stored = <const uint64_t **>(scratch.values + self.slot_count)
        scratch.alive = <uint64_t *>(scratch.stored + self.operand_count)
        scratch.found = <PyObject **>(scratch.alive + self.words)
        scratch.levels = scratch.found + self.node_count
        scratch.held = scratch.levels + self.level_count
        scratch.rows = <int32_t *>(scratch.held + 2 * self.node_count)
        scratch.odd = scratch.rows + self.operand_count
        scratch.fired = scratch.odd + self.node_count + self.level_count
        return 0

    cdef void close(self, _MatchScratch *scratch, char *small) noexcept:
        self.release(scratch)
        if scratch.memory != small:
            PyMem_Free(scratch.memory)

    cdef void release(self, _MatchScratch *scratch) noexcept:
        cdef Py_ssize_t i
        for i in range(scratch.held_count):
            Py_DECREF(scratch.held[i])
        scratch.held_count = 0

    cdef Py_ssize_t run(self, _MatchScratch *scratch, event, now) except -1:
        """Positions of the rules that fire, in `scratch.fired`; returns how many."""
        self.match(scratch, event, now)
        return bitset_owners(scratch.alive, self.words, self.owners, scratch.fired)

    cdef list find_ids(self, event, now):
        cdef _MatchScratch scratch
        cdef double small[_MATCH_ROOM]
        cdef Py_ssize_t count, i
        cdef list found
        self.open(&scratch, <char *>small, sizeof(small))
        try:
            count = self.run(&scratch, event, now)
            found = PyList_New(count)
            for i in range(count):
                match_fetch_ahead(<PyObject *>self.ids, scratch.fired, i, count)
                match_set(<PyObject *>found, i, PyTuple_GET_ITEM(self.ids, scratch.fired[i]))
        finally:
            self.close(&scratch, <char *>small)
        return found

    cdef Py_ssize_t find_first(self, event, now) except -2:
        cdef _MatchScratch scratch
        cdef double small[_MATCH_ROOM]
        cdef Py_ssize_t bit
        self.open(&scratch, <char *>small, sizeof(small))
        try:
            self.match(&scratch, event, now)
            bit = bitset_first(scratch.alive, self.words)
            return -1 if bit < 0 else self.owners[bit]
        finally:
            self.close(&scratch, <char *>small)

    cdef object find_score(self, event, now, _Decider decider):
        cdef _MatchScratch scratch
        cdef double small[_MATCH_ROOM]
        cdef int32_t code
        self.open(&scratch, <char *>small, sizeof(small))
        try:
            return decider.outcome(scratch.fired, self.run(&scratch, event, now), &code)
        finally:
            self.close(&scratch, <char *>small)

    cdef object find_decision(self, event, now, _Decider decider):
        cdef _MatchScratch scratch
        cdef double small[_MATCH_ROOM]
        self.open(&scratch, <char *>small, sizeof(small))
        try:
            return decider.decide(scratch.fired, self.run(&scratch, event, now), ())
        finally:
            self.close(&scratch, <char *>small)

    def fired(self, event, now=None):
        """Positions of the rules that fire, in order."""
        cdef _MatchScratch scratch
        cdef double small[_MATCH_ROOM]
        self.open(&scratch, <char *>small, sizeof(small))
        try:
            return [scratch.fired[i] for i in range(self.run(&scratch, event, now))]
        finally:
            self.close(&scratch, <char *>small)

    def matches(self, event, now=None):
        """Ids of the rules that fire, in order."""
        return self.find_ids(event, now)

    def first(self, event, now=None):
        """Position of the first rule that fires, -1 if none does."""
        return self.find_first(event, now)

    def bind(self, setting, _Decider decider not None):
        """The questions about an event alone."""
        return _Bound(self, setting, decider)

    def decide_many(self, list events, now, _Decider decider not None, failed):
        """The decisions for many events; ``failed(error, index)`` gives one for an event that raised."""
        cdef _MatchScratch scratch
        cdef double small[_MATCH_ROOM]
        cdef list decisions = []
        self.open(&scratch, <char *>small, sizeof(small))
        try:
            while len(decisions) < len(events):
                try:
                    self.decide_all(&scratch, events, now, decider, decisions)
                except Exception as error:
                    self.release(&scratch)
                    decisions.append(failed(error, len(decisions)))
        finally:
            self.close(&scratch, <char *>small)
        return decisions

    cdef int decide_all(self, _MatchScratch *scratch, list events, now, _Decider decider, list decisions) except -1:
        """Appends a decision for each event that is left, as long as none raises."""
        cdef Py_ssize_t i = len(decisions)
        while i < len(events):  # an event's own code may shorten the list
            if i + 3 < len(events):
                bitset_prefetch(<PyObject *>events[i + 3])
                if PyDict_CheckExact(<PyObject *>events[i + 2]):
                    match_fetch_keys(<PyObject *>events[i + 2])
                if PyDict_CheckExact(<PyObject *>events[i + 1]):
                    match_fetch_values(<PyObject *>events[i + 1])
            decisions.append(decider.decide(scratch.fired, self.run(scratch, events[i], now), ()))
            self.release(scratch)
            i += 1
        return 0


@cython.final
cdef class _Bound:
    """A matcher with all that one RuleSet adds, so that a call has a single argument."""

    cdef _Matcher matcher
    cdef object setting
    cdef _Decider decider

    def __cinit__(self, _Matcher matcher, setting, _Decider decider):
        self.matcher = matcher
        self.setting = setting
        self.decider = decider

    @cython.always_allow_keywords(False)
    def matches(self, event):
        return self.matcher.find_ids(event, self.setting)

    @cython.always_allow_keywords(False)
    def first(self, event):
        return self.matcher.find_first(event, self.setting)

    @cython.always_allow_keywords(False)
    def score(self, event):
        return self.matcher.find_score(event, self.setting, self.decider)

    @cython.always_allow_keywords(False)
    def decide(self, event):
        return self.matcher.find_decision(event, self.setting, self.decider)


def matcher(plan, program, ids):
    """See matching.py."""
    return _Matcher(plan, program, ids)


match_learn_entries()
