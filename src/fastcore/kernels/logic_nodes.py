"""Nodes of JSONLogic: what a node is, constants, and fields of the event.

A node is never changed after it was built, so threads may share it.
"""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython
from fastcore.errors import LogicError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.logic_paths import (
        _logic_key,
        _logic_member,
        _logic_val_path,
        _logic_var_path,
        _logic_walk,
    )
    from fastcore.kernels.logic_scopes import _LOGIC_MISSING, _logic_climb, _LogicScope
    from fastcore.kernels.logic_values import _LOGIC_ARGUMENTS, _logic_truthy

_LOGIC_UNKNOWN = "Unknown Operator"


@cython.cclass
class _LogicNode:
    """A piece of logic. ``size`` is what one evaluation of it costs, loops inside it aside."""

    size: cython.Py_ssize_t

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        raise NotImplementedError

    @cython.cfunc
    def truth(self, scope: _LogicScope) -> cython.bint:
        return _logic_truthy(self.evaluate(scope))


@cython.cfunc
@cython.locals(node=_LogicNode)
def _logic_size(nodes: tuple) -> cython.Py_ssize_t:
    size: cython.Py_ssize_t = 1
    for node in nodes:
        size += node.size
    return size


# --- constants ----------------------------------------------------------------------------------------------


@cython.final
@cython.cclass
class _LogicConstant(_LogicNode):
    value: object

    def __init__(self, value):
        self.size = 1
        self.value = value

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return self.value


@cython.final
@cython.cclass
class _LogicLiteral(_LogicNode):
    """An array or object of constants. Everyone gets a copy, so that the rule stays what it is."""

    value: object

    def __init__(self, value):
        self.size = _logic_weight(value)
        self.value = value

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return _logic_copy(self.value)

    @cython.cfunc
    def truth(self, scope: _LogicScope) -> cython.bint:
        return _logic_truthy(self.value)


def _logic_weight(value):
    if type(value) is list:
        return 1 + sum([_logic_weight(item) for item in value])
    return 1 + sum([_logic_weight(item) for item in value.values()]) if type(value) is dict else 1


def _logic_copy(value):
    if type(value) is list:
        return [_logic_copy(item) if type(item) in (list, dict) else item for item in value]
    return {key: _logic_copy(item) for key, item in value.items()} if type(value) is dict else value


@cython.final
@cython.cclass
class _LogicList(_LogicNode):
    nodes: tuple

    def __init__(self, nodes):
        self.size = _logic_size(nodes)
        self.nodes = nodes

    @cython.cfunc
    @cython.locals(node=_LogicNode, values=list)
    def evaluate(self, scope: _LogicScope) -> object:
        values = []
        for node in self.nodes:
            values.append(node.evaluate(scope))  # noqa: PERF401
        return values


@cython.final
@cython.cclass
class _LogicUnknown(_LogicNode):
    """It may stand where it is never reached; only evaluating it is an error."""

    name: object

    def __init__(self, name):
        self.size = 1
        self.name = name

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        error = LogicError(_LOGIC_UNKNOWN)
        error.add_note(f"the operator is {self.name!r}")
        raise error


@cython.final
@cython.cclass
class _LogicInvalid(_LogicNode):
    """An operator that was given what it can never take."""

    def __init__(self):
        self.size = 1

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        raise LogicError(_LOGIC_ARGUMENTS)


# --- fields -------------------------------------------------------------------------------------------------


@cython.final
@cython.cclass
class _LogicField(_LogicNode):
    """The commonest node of all: a member of the event by a plain name."""

    key: object

    def __init__(self, key):
        self.size = 1
        self.key = key

    @cython.cfunc
    @cython.locals(members=dict)
    def evaluate(self, scope: _LogicScope) -> object:
        value: object
        if type(scope.data) is dict:
            members = scope.data
            return members.get(self.key)
        value = _logic_member(scope.data, self.key)
        return None if value is _LOGIC_MISSING else value


@cython.final
@cython.cclass
class _LogicPath(_LogicNode):
    """A path known beforehand, from the scope ``levels`` above; ``default`` stands in for what is missing."""

    keys: tuple
    levels: cython.Py_ssize_t
    default: _LogicNode

    def __init__(self, keys, levels, default: _LogicNode):
        self.size = len(keys) + 1
        self.keys = keys
        self.levels = levels
        self.default = default

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        # first, because a default that fails does so whether it is needed or not
        default: object = self.default.evaluate(scope)
        value: object = scope.data if self.levels == 0 else _logic_climb(scope, self.levels)
        if value is not _LOGIC_MISSING:
            value = _logic_walk(value, self.keys)
        return default if value is _LOGIC_MISSING else value


@cython.final
@cython.cclass
class _LogicVar(_LogicNode):
    """``var`` whose path is computed."""

    path: _LogicNode
    default: _LogicNode

    spread: cython.bint

    def __init__(self, path: _LogicNode, default: _LogicNode, spread):
        self.size = 4
        self.path = path
        self.default = default
        self.spread = spread

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        path: object = self.path.evaluate(scope)
        default: object = self.default.evaluate(scope)
        if self.spread and isinstance(path, (list, tuple)):
            default = path[1] if len(path) > 1 else None
            path = path[0] if path else None
        if isinstance(path, (list, tuple)):
            value = _logic_walk(scope.data, tuple([_logic_key(key) for key in path]))
        else:
            levels, keys = _logic_var_path(path)
            value = _logic_climb(scope, levels)
            value = value if value is _LOGIC_MISSING else _logic_walk(value, keys)
        return default if value is _LOGIC_MISSING else value


@cython.final
@cython.cclass
class _LogicVal(_LogicNode):
    """``val`` and ``exists`` whose path is computed; keys are taken whole, dots and all."""

    node: _LogicNode
    exists: cython.bint

    def __init__(self, node: _LogicNode, exists):
        self.size = node.size + 2
        self.node = node
        self.exists = exists

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        levels, keys = _logic_val_path(self.node.evaluate(scope))
        value = _logic_climb(scope, levels)
        if value is not _LOGIC_MISSING:
            value = _logic_walk(value, keys)
        if self.exists:
            return value is not _LOGIC_MISSING
        return None if value is _LOGIC_MISSING else value


@cython.final
@cython.cclass
class _LogicMissing(_LogicNode):
    """``missing`` and ``missing_some`` of keys that are known beforehand; ``needed`` is -1 for the former."""

    keys: tuple
    paths: tuple
    needed: cython.Py_ssize_t

    def __init__(self, keys, needed):
        self.size = len(keys) + 1
        self.keys = keys
        self.needed = needed
        self.paths = tuple([_logic_var_path(key)[1] for key in keys])

    @cython.cfunc
    @cython.locals(position=cython.Py_ssize_t, path=tuple)
    def evaluate(self, scope: _LogicScope) -> object:
        absent: list = []
        position = 0
        for path in self.paths:
            if _logic_walk(scope.data, path) is _LOGIC_MISSING:
                absent.append(self.keys[position])
            position += 1
        if self.needed >= 0 and position - len(absent) >= self.needed:
            return []
        return absent
