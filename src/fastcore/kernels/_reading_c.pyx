# The C twin of reading.py: one pass over the bytes keeps the values that rules read, and no event is built. Included by
# _speedups.pyx after _matching_c.pyx, whose tree of keys and scratch it shares. c/json_walk.h has the pass.

cdef extern from "json_walk.h" nogil:
    ctypedef struct _JsonToken "json_token":
        const char *text
        ptrdiff_t size
        double number
        int kind

    ctypedef struct _JsonNode "json_node":
        int32_t level

    ctypedef struct _JsonLevel "json_level":
        int32_t first
        int32_t last
        int32_t mask
        int32_t indexed
        int32_t *table

    ctypedef struct _JsonTree "json_tree":
        _JsonNode *nodes
        _JsonLevel *levels

    enum:
        _JSON_ABSENT "JSON_ABSENT"
        _JSON_FALSE "JSON_FALSE"
        _JSON_TRUE "JSON_TRUE"
        _JSON_INT "JSON_INT"
        _JSON_FLOAT "JSON_FLOAT"
        _JSON_LONG_INT "JSON_LONG_INT"
        _JSON_LONG_FLOAT "JSON_LONG_FLOAT"
        _JSON_STRING "JSON_STRING"
        _JSON_ESCAPED "JSON_ESCAPED"
        _JSON_EMPTY_ARRAY "JSON_EMPTY_ARRAY"
        _JSON_ARRAY "JSON_ARRAY"
        _JSON_OBJECT "JSON_OBJECT"
        _JSON_DEPTH "JSON_DEPTH"

    bint json_walk(const _JsonTree *tree, const char *text, ptrdiff_t size, int depth, _JsonToken *tokens)
    void json_enter(const _JsonTree *tree, const _JsonLevel *level, int32_t number, const char *key, ptrdiff_t size)
    ptrdiff_t json_unescape(const char *text, ptrdiff_t size, char *to)

cdef extern from "Python.h":
    char *PyBytes_AS_STRING(object)
    Py_ssize_t PyBytes_GET_SIZE(object)
    double PyOS_string_to_double(const char *, char **, PyObject *) except? -1

cdef enum:
    _READ_TOKENS = 64       # so many fields are kept on the stack
    _READ_TEXT = 256        # and strings so long without their escapes


cdef class _Reader:
    """See reading.py."""

    cdef _Matcher matcher
    cdef _Decider decider
    cdef object setting, read
    cdef _JsonTree tree
    cdef int32_t *tables
    cdef list keys

    def __cinit__(self, _Matcher matcher not None, setting, _Decider decider not None, read):
        self.matcher = matcher
        self.setting = setting
        self.decider = decider
        self.read = read
        self.keys = []
        self.tree.nodes = <_JsonNode *>_bitmap_memory((matcher.node_count + 1) * sizeof(_JsonNode))
        self.tree.levels = <_JsonLevel *>_bitmap_memory((matcher.level_count + 1) * sizeof(_JsonLevel))
        self.build_levels()

    def __dealloc__(self):
        PyMem_Free(self.tree.nodes)
        PyMem_Free(self.tree.levels)
        PyMem_Free(self.tables)

    cdef int build_levels(self) except -1:
        """The tree of keys of the matcher, looked up by bytes."""
        cdef Py_ssize_t i, node, entries = 0
        cdef _JsonLevel *level
        cdef bytes key
        for i in range(self.matcher.level_count):
            entries += self.matcher.levels[i].mask + 1
        self.tables = <int32_t *>_bitmap_memory((entries + 1) * sizeof(int32_t))
        memset(self.tables, -1, entries * sizeof(int32_t))
        entries = 0
        for i in range(self.matcher.level_count):
            level = &self.tree.levels[i]
            level.first, level.last = self.matcher.levels[i].first, self.matcher.levels[i].last
            level.mask = self.matcher.levels[i].mask
            level.table = self.tables + entries
            entries += level.mask + 1
            for node in range(level.first, level.last):
                name = <object>self.matcher.nodes[node].key
                if _cond_steps([name])[0][1] is not None:
                    level.indexed = True
                # half of a surrogate pair is no UTF-8, but only a key with escapes can be such
                key = name.encode("utf-8", "surrogatepass")
                self.keys.append(key)
                self.tree.nodes[node].level = self.matcher.nodes[node].level
                json_enter(&self.tree, level, node, key, len(key))
        return 0

    def decide(self, body, depth):
        """The decision for an event given as JSON."""
        cdef bytes text = None
        if type(body) is bytes:
            text = body
        elif isinstance(body, str):
            try:
                text = str.encode(body)
            except UnicodeEncodeError:  # half of a surrogate pair: json reads it, UTF-8 cannot say it
                pass
        elif isinstance(body, (bytes, bytearray, memoryview)):
            text = bytes(body)
        decision = None
        if text is not None:
            decision = self.decide_text(text, max(0, min(depth, _JSON_DEPTH)), depth)
        if decision is None:  # offsets count in what was given
            decision = self.matcher.find_decision(self.read(body, depth), self.setting, self.decider)
        return decision

    cdef object decide_text(self, bytes text, int room, depth):
        """The decision, or None where the slower reader has to look at the text."""
        cdef _MatchScratch scratch
        cdef double small[_MATCH_ROOM]
        cdef _JsonToken few[_READ_TOKENS]
        cdef _JsonToken *tokens = few
        cdef _Matcher matcher = self.matcher
        cdef Py_ssize_t i
        if matcher.node_count > _READ_TOKENS:
            tokens = <_JsonToken *>_bitmap_memory(matcher.node_count * sizeof(_JsonToken))
        try:
            for i in range(matcher.node_count):
                tokens[i].kind = _JSON_ABSENT
            if not json_walk(&self.tree, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), room, tokens):
                return None
            matcher.open(&scratch, <char *>small, sizeof(small))
            try:
                self.match(&scratch, tokens, text, depth)
                i = bitset_owners(scratch.alive, matcher.words, matcher.owners, scratch.fired)
                return self.decider.decide(scratch.fired, i, ())
            finally:
                matcher.close(&scratch, <char *>small)
        finally:
            if tokens != few:
                PyMem_Free(tokens)

    cdef int match(self, _MatchScratch *scratch, const _JsonToken *tokens, bytes text, depth) except -1:
        """Leaves in `alive` the clauses that hold."""
        cdef _Matcher matcher = self.matcher
        cdef const _MatchNode *node
        cdef Py_ssize_t i
        matcher.reset(scratch)
        for i in range(matcher.node_count):
            node = &matcher.nodes[i]
            if tokens[i].kind != _JSON_ABSENT and node.slot >= 0:
                self.take(scratch, node, &tokens[i])
        matcher.settle(scratch)
        if scratch.asks and self.wants(scratch):
            matcher.ask(scratch, self.read(text, depth), self.setting)
        return 0

    cdef int take(self, _MatchScratch *scratch, const _MatchNode *node, const _JsonToken *token) except -1:
        """The number and the row of a field."""
        cdef _BitmapValue *slot = &scratch.values[node.slot]
        cdef const _Bitmap *bitmap = &self.matcher.operands[node.operand].bitmap
        cdef Py_ssize_t row = 0
        cdef int kind = token.kind
        cdef char *stop
        if kind == _JSON_INT or kind == _JSON_FLOAT:
            slot.number = token.number
            slot.kind = _BITMAP_INT if kind == _JSON_INT else _BITMAP_FLOAT
        elif kind == _JSON_LONG_FLOAT:
            slot.number = PyOS_string_to_double(token.text, &stop, NULL)
            slot.kind = _BITMAP_FLOAT
        elif kind == _JSON_LONG_INT:
            slot.kind = _BITMAP_OBJECT
        if node.operand < 0:
            return 0
        if slot.kind == _BITMAP_OBJECT:
            row = self.matcher.object_row(node.operand, int(token.text[:token.size]))
        elif slot.kind != _BITMAP_UNKNOWN:
            row = bitmap_number_row(bitmap, slot.number)
        elif kind == _JSON_STRING:
            row = bitmap_text_row(bitmap, token.text, token.size)
        elif kind == _JSON_ESCAPED:
            row = self.escaped_row(bitmap, token)
        elif kind == _JSON_TRUE:
            row = bitmap.true_row
        elif kind == _JSON_FALSE:
            row = bitmap.false_row
        elif kind == _JSON_ARRAY or kind == _JSON_OBJECT:
            row = bitmap.truthy_row
        elif kind == _JSON_EMPTY_ARRAY:
            row = bitmap.falsy_row
        self.matcher.keep(scratch, node.operand, row)
        return 0

    cdef Py_ssize_t escaped_row(self, const _Bitmap *bitmap, const _JsonToken *token) except -1:
        """The row of a string with escapes."""
        cdef char few[_READ_TEXT]
        cdef char *plain = few
        cdef Py_ssize_t size
        if token.size > _READ_TEXT:
            plain = <char *>_bitmap_memory(token.size)
        size = json_unescape(token.text, token.size, plain)
        # no rule names a string with half of a surrogate pair
        cdef Py_ssize_t row = bitmap.unnamed_row if size < 0 else bitmap_text_row(bitmap, plain, size)
        if plain != few:
            PyMem_Free(plain)
        return row

    cdef bint wants(self, const _MatchScratch *scratch) noexcept:
        """Whether a clause that still holds depends on what only the evaluator can tell."""
        cdef Py_ssize_t i
        for i in range(self.matcher.operand_count):
            if scratch.rows[i] == _MATCH_ASK and bitset_meets(
                scratch.alive, self.matcher.operands[i].users, self.matcher.words
            ):
                return True
        return False


def reader(matcher, setting, decider, read):
    """See reading.py."""
    return _Reader(matcher, setting, decider, read)
