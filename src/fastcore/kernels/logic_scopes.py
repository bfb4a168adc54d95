"""Scopes of JSONLogic: the data that a piece of logic sees, what is around it, and the budget they share."""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython
from fastcore.errors import LimitError

_LOGIC_MISSING = object()


@cython.final
@cython.cclass
class _LogicRun:
    """What all scopes of one evaluation share: the budget that is left, and the time."""

    left: cython.Py_ssize_t
    limit: cython.Py_ssize_t
    now: object


@cython.final
@cython.freelist(32)
@cython.cclass
class _LogicScope:
    """The data that a piece of logic sees, and the way back to what is around it."""

    data: object
    parent: "_LogicScope"  # None at the top
    items: list  # None outside of loops
    index: cython.Py_ssize_t
    run: _LogicRun  # None until something is charged
    limit: cython.Py_ssize_t


@cython.cfunc
@cython.locals(parent=_LogicScope)
def _logic_scope(data: object, parent, limit: cython.Py_ssize_t) -> _LogicScope:
    scope: _LogicScope = _LogicScope.__new__(_LogicScope)
    scope.data = data
    scope.parent = parent
    scope.items = None
    scope.index = 0
    scope.limit = limit
    scope.run = None if parent is None else _logic_run(parent)
    return scope


@cython.cfunc
def _logic_run(scope: _LogicScope) -> _LogicRun:
    run: _LogicRun
    if scope.run is not None:
        return scope.run
    run = _LogicRun.__new__(_LogicRun)
    run.left = run.limit = scope.limit
    run.now = None
    scope.run = run
    return run


@cython.cfunc
def _logic_charge(scope: _LogicScope, amount: cython.Py_ssize_t) -> object:
    return _logic_spend(_logic_run(scope), amount)


@cython.cfunc
def _logic_spend(run: _LogicRun, amount: cython.Py_ssize_t) -> object:
    run.left -= amount
    if run.left < 0:
        raise LimitError(f"evaluation stopped after max_operations = {run.limit} operations")
    return None


@cython.cfunc
def _logic_climb(scope: _LogicScope, levels: cython.Py_ssize_t) -> object:
    """The data ``levels`` above: every second level is data, and between them lie the loops' own frames."""
    here: _LogicScope = scope
    while levels >= 2 and here.parent is not None:
        here = here.parent
        levels -= 2
    if levels == 0:
        return here.data
    if levels == 1 and here.parent is not None and here.items is not None:
        return {"iterator": here.items, "index": here.index}
    return _LOGIC_MISSING
