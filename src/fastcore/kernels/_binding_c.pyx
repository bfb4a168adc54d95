# A matcher as a RuleSet calls it. Included by _speedups.pyx after _matching_c.pyx.


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
