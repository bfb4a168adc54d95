"""Operators of JSONLogic that visit the elements of an array: each is the data of a scope of its own."""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython
from fastcore.errors import LogicError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.logic_nodes import _LogicNode
    from fastcore.kernels.logic_scopes import _logic_scope, _logic_spend, _LogicScope
    from fastcore.kernels.logic_values import _LOGIC_ARGUMENTS, _logic_truthy


@cython.cfunc
def _logic_items(source: _LogicNode, scope: _LogicScope) -> list:
    value: object = source.evaluate(scope)
    if type(value) is list:
        return value
    if isinstance(value, (list, tuple)):
        return list(value)
    if _logic_truthy(value):
        raise LogicError(_LOGIC_ARGUMENTS)
    return []


@cython.cfunc
def _logic_loop_scope(scope: _LogicScope, items: list) -> _LogicScope:
    inner: _LogicScope = _logic_scope(None, scope, scope.limit)
    inner.items = items
    return inner


@cython.final
@cython.cclass
class _LogicMap(_LogicNode):
    """``map`` and ``filter``."""

    source: _LogicNode
    body: _LogicNode
    keeps: cython.bint

    def __init__(self, source: _LogicNode, body: _LogicNode, keeps):
        self.size = source.size + 1
        self.source = source
        self.body = body
        self.keeps = keeps

    @cython.cfunc
    @cython.locals(items=list, inner=_LogicScope, cost=cython.Py_ssize_t)
    def evaluate(self, scope: _LogicScope) -> object:
        items = _logic_items(self.source, scope)
        results: list = []
        if not items:
            return results
        inner = _logic_loop_scope(scope, items)
        cost = self.body.size
        for item in items:
            _logic_spend(inner.run, cost)
            inner.data = item
            if not self.keeps:
                results.append(self.body.evaluate(inner))
            elif self.body.truth(inner):
                results.append(item)
            inner.index += 1
        return results


@cython.final
@cython.cclass
class _LogicQuantifier(_LogicNode):
    """``some``, ``all``, ``none``: look for the first element whose test has the truth that decides."""

    source: _LogicNode
    body: _LogicNode
    seeks: cython.bint
    found: cython.bint
    total: cython.bint

    def __init__(self, source: _LogicNode, body: _LogicNode, name):
        self.size = source.size + 1
        self.source = source
        self.body = body
        self.seeks = name != "all"
        self.found = name == "some"
        self.total = name == "all"

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return bool(self.truth(scope))

    @cython.cfunc
    @cython.locals(items=list, inner=_LogicScope, cost=cython.Py_ssize_t)
    def truth(self, scope: _LogicScope) -> cython.bint:
        items = self.list_of(scope)
        if not items:
            return not self.found and not self.total
        inner = _logic_loop_scope(scope, items)
        cost = self.body.size
        for item in items:
            _logic_spend(inner.run, cost)
            inner.data = item
            if self.body.truth(inner) == self.seeks:
                return self.found
            inner.index += 1
        return not self.found

    @cython.cfunc
    def list_of(self, scope: _LogicScope) -> list:
        """Null is an empty array for ``some`` and ``none``, but nothing that ``all`` could be asked of."""
        value: object
        if not self.total:
            return _logic_items(self.source, scope)
        value = self.source.evaluate(scope)
        if type(value) is list:
            return value
        if isinstance(value, (list, tuple)):
            return list(value)
        raise LogicError(_LOGIC_ARGUMENTS)


@cython.final
@cython.cclass
class _LogicReduce(_LogicNode):
    source: _LogicNode
    body: _LogicNode
    initial: _LogicNode

    def __init__(self, source: _LogicNode, body: _LogicNode, initial: _LogicNode):
        self.size = source.size + initial.size + 1
        self.source = source
        self.body = body
        self.initial = initial

    @cython.cfunc
    @cython.locals(items=list, inner=_LogicScope, cost=cython.Py_ssize_t)
    def evaluate(self, scope: _LogicScope) -> object:
        accumulator: object = self.initial.evaluate(scope)
        items = _logic_items(self.source, scope)
        if not items:
            return accumulator
        inner = _logic_loop_scope(scope, items)
        cost = self.body.size
        for item in items:
            _logic_spend(inner.run, cost)
            inner.data = {"accumulator": accumulator, "current": item}
            accumulator = self.body.evaluate(inner)
            inner.index += 1
        return accumulator
