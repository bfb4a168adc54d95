"""Operators of conditions that visit the elements of an array: each is the data in scope of the body."""

from fastcore import _cython as cython

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.conditions_nodes import _CondContext, _CondNode
    from fastcore.kernels.conditions_values import _COND_ARRAY, _cond_clean, _cond_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@cython.cclass
class _CondIterate(_CondNode):
    """`some`, `all`, `none`, `filter`, `map`: an array and what is asked of each element."""

    op: str

    def __init__(self, op: str, children: "Any") -> None:
        self.op = op
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        array = self.operand(0, context)
        if array is None or _cond_kind(array) != _COND_ARRAY:
            return None
        context.push(None, None)
        try:
            return self.each(array, context)
        finally:
            context.pop()

    @cython.cfunc
    def each(self, array: "Any", context: _CondContext) -> "Any":
        body: _CondNode = self.children[1]
        if self.op == "map" or self.op == "filter":
            kept = []
            for index, element in enumerate(array):
                context.step()
                context.data = element
                context.index = index
                if self.op == "map":
                    kept.append(body.value(context))
                elif body.truth(context) is True:
                    kept.append(element)
            return kept
        if self.op == "all" and len(array) == 0:
            return False
        deciding = self.op != "all"
        unknown = False
        for index, element in enumerate(array):
            context.step()
            context.data = element
            context.index = index
            truth = body.truth(context)
            if truth is None:
                unknown = True
            elif truth is deciding:
                return self.op == "some"
        return None if unknown else self.op != "some"


@cython.cclass
class _CondReduce(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        array = self.operand(0, context)
        total = self.operand(2, context) if len(self.children) > 2 else None
        if array is None or _cond_kind(array) != _COND_ARRAY:
            return None
        body: _CondNode = self.children[1]
        started = len(self.children) > 2
        context.push(None, None)
        try:
            for index, element in enumerate(array):
                context.step()
                element = _cond_clean(element)
                if not started:
                    total = element
                    started = True
                    continue
                if total is None or element is None:
                    return None
                context.data = {"current": element, "accumulator": total}
                context.index = index
                total = body.value(context)
        finally:
            context.pop()
        return total
