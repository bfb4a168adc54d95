# The C twin of deciding.py, for positions in an array of C.

cdef extern from "records.h":
    int record_offsets(object type, const char **names, int count, Py_ssize_t *offsets) except -1
    object record_new(object type, const Py_ssize_t *offsets, PyObject **values, int count)

cdef const char *_DECISION_SLOTS[6]
_DECISION_SLOTS[:] = [b"matched", b"score", b"action", b"errors", b"ruleset", b"version"]

cdef enum:
    _DECIDE_INTS            # every score and sum of them fits in 64 bits
    _DECIDE_FLOATS          # some score is a float
    _DECIDE_OBJECTS


cdef class _Decider:
    """See deciding.py. Actions have codes: positions in `names`, -1 for none."""

    cdef tuple ids, scores, names, decisions
    cdef object record, ruleset, version
    cdef int mode
    cdef int64_t *whole             # scores, by mode
    cdef double *real
    cdef int32_t *actions           # position of a rule -> code; NULL where no rule has one
    cdef Py_ssize_t decision_count
    cdef int64_t *whole_bounds      # the least score of each decision, highest first
    cdef double *real_bounds
    cdef int32_t *decision_codes
    cdef int32_t default_code
    cdef Py_ssize_t offsets[6]

    def __cinit__(self, ids, scores, actions, decisions, default_action, record, ruleset, version):
        cdef Py_ssize_t count = len(ids), i
        self.ids, self.scores, self.decisions = tuple(ids), tuple(scores), tuple(decisions)
        self.record, self.ruleset, self.version = record, ruleset, version
        record_offsets(record, _DECISION_SLOTS, 6, self.offsets)
        named = [*actions, *[action for _, action in decisions], default_action]
        self.names = tuple(dict.fromkeys([action for action in named if action is not None]))
        codes = {action: code for code, action in enumerate(self.names)}
        codes[None] = -1
        self.default_code = codes[default_action]
        self.build_scores()
        if any([action is not None for action in actions]):
            self.actions = <int32_t *>_bitmap_memory((count + 1) * sizeof(int32_t))
            for i in range(count):
                self.actions[i] = codes[actions[i]]
        self.build_decisions(codes)

    def __dealloc__(self):
        PyMem_Free(self.whole)
        PyMem_Free(self.real)
        PyMem_Free(self.actions)
        PyMem_Free(self.whole_bounds)
        PyMem_Free(self.real_bounds)
        PyMem_Free(self.decision_codes)

    cdef int build_scores(self) except -1:
        cdef Py_ssize_t i
        if not all([isinstance(score, int) for score in self.scores]):
            self.mode = _DECIDE_FLOATS
            self.real = <double *>_bitmap_memory((len(self.scores) + 1) * sizeof(double))
            for i in range(len(self.scores)):
                self.real[i] = self.scores[i]
        elif sum([abs(score) for score in self.scores]) < 1 << 62:
            self.mode = _DECIDE_INTS
            self.whole = <int64_t *>_bitmap_memory((len(self.scores) + 1) * sizeof(int64_t))
            for i in range(len(self.scores)):
                self.whole[i] = self.scores[i]
        else:
            self.mode = _DECIDE_OBJECTS
        return 0

    cdef int build_decisions(self, codes) except -1:
        cdef Py_ssize_t i
        import math

        self.decision_count = len(self.decisions)
        self.whole_bounds = <int64_t *>_bitmap_memory((self.decision_count + 1) * sizeof(int64_t))
        self.real_bounds = <double *>_bitmap_memory((self.decision_count + 1) * sizeof(double))
        self.decision_codes = <int32_t *>_bitmap_memory((self.decision_count + 1) * sizeof(int32_t))
        for i in range(self.decision_count):
            bound, action = self.decisions[i]
            self.decision_codes[i] = codes[action]
            self.whole_bounds[i] = max(-(1 << 62), min(1 << 62, math.ceil(bound)))
            self.real_bounds[i] = _decide_least(bound)
        return 0

    # --- deciding -----------------------------------------------------------------------------------------------

    cdef int64_t whole_total(self, const int32_t *fired, Py_ssize_t count) noexcept nogil:
        cdef int64_t total = 0
        cdef Py_ssize_t i
        for i in range(count):
            total += self.whole[fired[i]]
        return total

    cdef double real_total(self, const int32_t *fired, Py_ssize_t count) noexcept nogil:
        cdef double total = 0
        cdef Py_ssize_t i
        for i in range(count):
            total += self.real[fired[i]]
        return total

    cdef int32_t rule_action(self, const int32_t *fired, Py_ssize_t count) noexcept nogil:
        """The code of the first fired rule that has an action, else -1."""
        cdef Py_ssize_t i
        if self.actions != NULL:
            for i in range(count):
                if self.actions[fired[i]] >= 0:
                    return self.actions[fired[i]]
        return -1

    cdef int32_t whole_action(self, int64_t total) noexcept nogil:
        """The code of the action that a score has by itself."""
        cdef Py_ssize_t i
        for i in range(self.decision_count):
            if self.whole_bounds[i] <= total:
                return self.decision_codes[i]
        return self.default_code

    cdef int32_t real_action(self, double total) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(self.decision_count):
            if self.real_bounds[i] <= total:
                return self.decision_codes[i]
        return self.default_code

    cdef object exact_total(self, const int32_t *fired, Py_ssize_t count, int32_t *code):
        cdef Py_ssize_t i
        total = 0
        for i in range(count):
            total += self.scores[fired[i]]
        for i in range(self.decision_count):
            if self.decisions[i][0] <= total:
                code[0] = self.decision_codes[i]
                return total
        code[0] = self.default_code
        return total

    cdef object outcome(self, const int32_t *fired, Py_ssize_t count, int32_t *code):
        """The score, and the code of the action."""
        cdef int64_t whole
        cdef double real
        cdef int32_t own = self.rule_action(fired, count)
        if self.mode == _DECIDE_INTS:
            whole = self.whole_total(fired, count)
            code[0] = own if own >= 0 else self.whole_action(whole)
            return whole
        if self.mode == _DECIDE_FLOATS:
            real = self.real_total(fired, count)
            code[0] = own if own >= 0 else self.real_action(real)
            return real
        total = self.exact_total(fired, count, code)
        if own >= 0:
            code[0] = own
        return total

    cdef object decide(self, const int32_t *fired, Py_ssize_t count, tuple errors):
        cdef int32_t code
        cdef PyObject *values[6]
        cdef Py_ssize_t i
        cdef tuple matched = PyTuple_New(count) if count else ()
        for i in range(count):
            match_fetch_ahead(<PyObject *>self.ids, fired, i, count)
            match_set_tuple(<PyObject *>matched, i, PyTuple_GET_ITEM(self.ids, fired[i]))
        score = self.outcome(fired, count, &code)
        values[0] = <PyObject *>matched
        values[1] = <PyObject *>score
        values[2] = Py_None if code < 0 else PyTuple_GET_ITEM(self.names, code)
        values[3] = <PyObject *>errors
        values[4] = <PyObject *>self.ruleset
        values[5] = <PyObject *>self.version
        return record_new(self.record, self.offsets, values, 6)

    # --- the same for lists -------------------------------------------------------------------------------------

    def total(self, list fired):
        return self.listed(fired, None, None)

    def action(self, list fired, score):
        cdef int32_t code
        for position in fired:
            code = self.actions[<Py_ssize_t>position] if self.actions != NULL else -1
            if code >= 0:
                return self.names[code]
        for bound, action in self.decisions:
            if bound <= score:
                return action
        return self.names[self.default_code] if self.default_code >= 0 else None

    def decision(self, list fired, tuple errors=()):
        return self.listed(fired, errors, True)

    cdef object listed(self, list fired, errors, whole):
        cdef Py_ssize_t count = len(fired), i
        cdef int32_t code
        cdef int32_t *positions = <int32_t *>_bitmap_memory((count + 1) * sizeof(int32_t))
        try:
            for i in range(count):
                positions[i] = fired[i]
            if whole is None:
                return self.outcome(positions, count, &code)
            return self.decide(positions, count, errors)
        finally:
            PyMem_Free(positions)


cdef double _decide_least(bound) except? -1:
    """The least double that is not below a number."""
    import math

    try:
        nearest = float(bound)
    except OverflowError:
        return math.inf if bound > 0 else -math.inf
    return math.nextafter(nearest, math.inf) if nearest < bound else nearest


def decider(ids, scores, actions, decisions, default_action, record, ruleset, version):
    """See deciding.py."""
    return _Decider(ids, scores, actions, decisions, default_action, record, ruleset, version)
