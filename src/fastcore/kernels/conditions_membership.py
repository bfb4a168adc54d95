"""``in``: a value in an array or a string, in a constant set, and an address in networks."""

# Compiled, a comprehension or generator is a function of its own, to whom loop variables are untyped.
# ruff: noqa: SIM110

from fastcore import _cython as cython

if not cython.compiled:  # compiled, all parts share one namespace
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


@cython.cclass
class _CondInSet(_CondNode):
    """`in` with a constant array: a set look-up for numbers and strings, a scan for what is rare in lists."""

    kinds: frozenset  # type: ignore[type-arg]
    found: frozenset  # type: ignore[type-arg]
    others: tuple  # type: ignore[type-arg]

    def __init__(self, children: "Any", values: "Any") -> None:
        self.children = tuple(children)
        self.kinds = frozenset([_cond_kind(value) for value in values])
        self.found = frozenset([v for v in values if _cond_kind(v) in (_COND_NUMBER, _COND_STRING)])
        self.others = tuple([v for v in values if _cond_kind(v) not in (_COND_NUMBER, _COND_STRING)])

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        needle = self.operand(0, context)
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


@cython.cclass
class _CondInNetwork(_CondNode):
    """An address in CIDR blocks: one set look-up for each prefix length that occurs.

    `blocks` maps the IP version to pairs of a shift and the set of network prefixes that remain after it.
    """

    blocks: dict  # type: ignore[type-arg]

    def __init__(self, children: "Any", blocks: "Any") -> None:
        self.children = tuple(children)
        self.blocks = dict(blocks)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        import ipaddress

        text = self.operand(0, context)
        if not isinstance(text, str) or len(text) > 64:
            return None
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return None
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:
            address = mapped
        number = int(address)
        for shift, prefixes in self.blocks.get(address.version, ()):
            if number >> shift in prefixes:
                return True
        return False
