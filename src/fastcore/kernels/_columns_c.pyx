# The C twin of columns.py: chunks of columns through the index of a matcher. Included by _speedups.pyx after
# _column_plan_c.pyx.

from libc.stdlib cimport free, realloc


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


cdef class _ColumnRunner(_ColumnPlan):
    """See columns.py."""

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
                if not bitmap_joins(bitmap):
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
