"""``in``: a value in an array or a string, in a constant set or a named list, an address in networks, and a
pattern in a string."""

# Compiled, a comprehension or generator is a function of its own, to whom loop variables are untyped.

from fastcore import _cython as cython

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.conditions_networks import _cond_in_blocks
    from fastcore.kernels.conditions_nodes import _CondContext, _CondNode
    from fastcore.kernels.conditions_values import (
        _COND_ARRAY,
        _COND_EQ,
        _COND_NUMBER,
        _COND_STRING,
        _cond_clean,
        _cond_compare,
        _cond_kind,
    )

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@cython.cfunc
def _cond_in(needle: "Any", hay: "Any") -> "Any":
    if needle is None or hay is None:
        return None
    kind = _cond_kind(hay)
    if kind == _COND_STRING:
        return needle in hay if _cond_kind(needle) == _COND_STRING else None
    if kind != _COND_ARRAY:
        return None
    wanted = _cond_kind(needle)
    comparable = False
    for element in hay:
        element = _cond_clean(element)
        if element is None or _cond_kind(element) != wanted:
            continue
        comparable = True
        if _cond_compare(_COND_EQ, needle, element) is True:
            return True
    return False if comparable else None


@cython.final
@cython.cclass
class _CondMembers:
    """Constants to look values up among: a set of numbers and strings, and what is rare in lists."""

    kinds: frozenset  # type: ignore[type-arg]
    found: frozenset  # type: ignore[type-arg]
    others: tuple  # type: ignore[type-arg]

    def __init__(self, values: "Any") -> None:
        types = set(map(type, values))
        if types <= {str, int, float}:
            self.kinds = frozenset([_COND_STRING if kind is str else _COND_NUMBER for kind in types])
            self.found = frozenset(values)
            self.others = ()
            return
        self.kinds = frozenset([_cond_kind(value) for value in values])
        self.found = frozenset([v for v in values if _cond_kind(v) in (_COND_NUMBER, _COND_STRING)])
        self.others = tuple([v for v in values if _cond_kind(v) not in (_COND_NUMBER, _COND_STRING)])

    @cython.cfunc
    def holds(self, needle: "Any") -> "Any":
        """Whether it is among them; unknown where none has its type."""
        if needle is None:
            return None
        kind = _cond_kind(needle)
        if kind in (_COND_NUMBER, _COND_STRING):
            if needle in self.found:
                return True
        else:
            for other in self.others:
                if _cond_compare(_COND_EQ, needle, other) is True:
                    return True
        return False if kind in self.kinds else None


@cython.final
@cython.cclass
class _CondList:
    """A named list as conditions use it: as an array, as a set, and as networks (None if it is not)."""

    values: list  # type: ignore[type-arg]
    members: _CondMembers
    blocks: object

    def __init__(self, values: "Any", blocks: "Any") -> None:
        self.values = values
        self.members = _CondMembers(values)
        self.blocks = blocks


@cython.cclass
class _CondNamed(_CondNode):
    """A named list as a value."""

    name: str

    def __init__(self, name: str) -> None:
        self.children = ()
        self.name = name

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        named: _CondList = context.lists[self.name]
        return named.values


@cython.cclass
class _CondInSet(_CondNode):
    """`in` with a constant array."""

    members: _CondMembers

    def __init__(self, children: "Any", values: "Any") -> None:
        self.children = tuple(children)
        self.members = _CondMembers(values)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        return self.members.holds(self.operand(0, context))


@cython.cclass
class _CondInList(_CondNode):
    """`in` with a named list."""

    name: str

    def __init__(self, children: "Any", name: str) -> None:
        self.children = tuple(children)
        self.name = name

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        named: _CondList = context.lists[self.name]
        members: _CondMembers = named.members
        return members.holds(self.operand(0, context))


@cython.cclass
class _CondInNetwork(_CondNode):
    """An address in CIDR blocks, constant ones or those of a named list."""

    blocks: object
    name: str

    def __init__(self, children: "Any", blocks: "Any") -> None:
        self.children = tuple(children)
        self.name = blocks if isinstance(blocks, str) else ""
        self.blocks = None if isinstance(blocks, str) else dict(blocks)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        blocks = self.blocks
        if blocks is None:
            named: _CondList = context.lists[self.name]
            blocks = named.blocks
        return _cond_in_blocks(self.operand(0, context), blocks)


@cython.cclass
class _CondMatches(_CondNode):
    """A regular expression in a string; `search` takes UTF-8 and gives None where it finds nothing."""

    search: object

    def __init__(self, children: "Any", search: "Any") -> None:
        self.children = tuple(children)
        self.search = search

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        text = self.operand(0, context)
        if text is None or _cond_kind(text) != _COND_STRING:
            return None
        try:
            encoded = text.encode("utf-8")
        except UnicodeEncodeError:  # half of a surrogate pair
            return None
        return self.search(encoded) is not None  # type: ignore[operator]
