"""Operators of conditions as nodes: one small object each, with its operands as children.

A node has two questions to answer: ``value``, what another operator sees, and ``truth``, what decides a
condition. Both are None for unknown. Nodes are never changed; what one evaluation changes is in its context.
"""

# Compiled, a comprehension or generator is a function of its own, to whom loop variables are untyped.
# ruff: noqa: PERF401

from fastcore import _cython as cython
from fastcore.errors import LimitError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.conditions_values import (
        _COND_GE,
        _COND_LE,
        _COND_MISSING,
        _cond_arithmetic,
        _cond_clean,
        _cond_compare,
        _cond_follow,
        _cond_not,
        _cond_number,
        _cond_numeric_text,
        _cond_steps,
        _cond_truthy,
    )

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_COND_MAX_STEPS = cython.declare(cython.Py_ssize_t, 1_000_000)
_COND_TURN = cython.declare(cython.Py_ssize_t, 4_096)  # a millisecond or so


@cython.final
@cython.cclass
class _CondSetting:
    """What one evaluation knows besides its event: the time and the named lists."""

    now: object
    lists: dict  # type: ignore[type-arg]

    def __init__(self, now: "Any", lists: "Any") -> None:
        self.now = now
        self.lists = lists


@cython.cclass
class _CondContext:
    """What one evaluation knows: the data in scope, the scopes around it, the clock, the named lists, and
    what was thrown."""

    data: object
    index: object
    frames: list  # type: ignore[type-arg]
    now: object
    lists: dict  # type: ignore[type-arg]
    thrown: list  # type: ignore[type-arg]
    steps: cython.Py_ssize_t

    def __init__(self, event: "Any", now: "Any") -> None:
        self.data = event
        self.index = 0
        self.frames = []
        if type(now) is _CondSetting:
            setting: _CondSetting = now
            self.now = setting.now
            self.lists = setting.lists
        else:
            self.now = now
            self.lists = {}
        self.thrown = []
        self.steps = 0

    @cython.cfunc
    def push(self, data: "Any", index: "Any") -> "Any":
        self.frames.append((self.data, self.index))
        self.data = data
        self.index = index

    @cython.cfunc
    def pop(self) -> "Any":
        self.data, self.index = self.frames.pop()

    @cython.cfunc
    def step(self) -> "Any":
        self.steps += 1
        if self.steps > _COND_MAX_STEPS:
            raise LimitError(f"one evaluation visited more than {_COND_MAX_STEPS} array elements")
        if cython.compiled and self.steps % _COND_TURN == 0:
            with cython.nogil:  # type: ignore[attr-defined]  # other threads get their turn
                pass

    @cython.cfunc
    def scope(self, level: cython.int) -> "Any":
        """The data `level` scopes up: even levels are data, odd ones the index of the iteration between."""
        depth: cython.Py_ssize_t = level // 2
        if depth > len(self.frames):
            return None
        if level % 2:
            if depth == 0:
                return {"index": self.index}
            return {"index": self.frames[len(self.frames) - depth][1]}
        if depth == 0:
            return self.data
        return self.frames[len(self.frames) - depth][0]


@cython.cclass
class _CondNode:
    """One operator with its operands."""

    children: tuple  # type: ignore[type-arg]

    def __init__(self, children: "Any" = ()) -> None:
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        return None

    @cython.cfunc
    def truth(self, context: _CondContext) -> "Any":
        return _cond_truthy(self.value(context))

    @cython.cfunc
    def operand(self, position: cython.Py_ssize_t, context: _CondContext) -> "Any":
        node: _CondNode = self.children[position]
        return node.value(context)


# --- constants and fields -----------------------------------------------------------------------------------


@cython.cclass
class _CondConst(_CondNode):
    held: object

    def __init__(self, held: "Any") -> None:
        self.children = ()
        self.held = _cond_clean(held)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        return self.held


@cython.cclass
class _CondVar(_CondNode):
    """A field: `children` is empty or holds the default for a missing path."""

    steps: tuple  # type: ignore[type-arg]
    level: cython.int

    def __init__(self, keys: "Any", level: int, children: "Any") -> None:
        self.steps = _cond_steps(keys)
        self.level = level
        self.children = tuple(children)

    @cython.cfunc
    def raw(self, context: _CondContext) -> "Any":
        data = context.data if self.level == 0 else context.scope(self.level)
        return _cond_follow(data, self.steps)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        found = self.raw(context)
        if found is _COND_MISSING:
            return self.operand(0, context) if self.children else None
        return _cond_clean(found)


@cython.cclass
class _CondExists(_CondVar):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        return self.raw(context) is not _COND_MISSING


@cython.cclass
class _CondNow(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        return context.now


@cython.cclass
class _CondArray(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode
        values = []
        for node in self.children:
            values.append(node.value(context))
        return values


# --- comparisons and logic ----------------------------------------------------------------------------------


@cython.cclass
class _CondCompare(_CondNode):
    op: cython.int

    def __init__(self, op: int, children: "Any") -> None:
        self.op = op
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        left = self.operand(0, context)
        if len(self.children) == 2:
            return _cond_compare(self.op, left, self.operand(1, context))
        result: object = True
        position: cython.Py_ssize_t
        for position in range(1, len(self.children)):
            right = self.operand(position, context)
            pair = _cond_compare(self.op, left, right)
            if pair is False:
                result = False
            elif pair is None and result is True:
                result = None
            left = right
        return result


@cython.cclass
class _CondBetween(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        x = self.operand(0, context)
        low = _cond_compare(_COND_GE, x, self.operand(1, context))
        high = _cond_compare(_COND_LE, x, self.operand(2, context))
        if low is False or high is False:
            return False
        return None if low is None or high is None else True


@cython.cclass
class _CondAnd(_CondNode):
    """`and` and `or`: they differ in the truth that decides at once."""

    deciding: object

    def __init__(self, deciding: bool, children: "Any") -> None:
        self.deciding = deciding
        self.children = tuple(children)

    @cython.cfunc
    def truth(self, context: _CondContext) -> "Any":
        node: _CondNode
        unknown = False
        for node in self.children:
            truth = node.truth(context)
            if truth is None:
                unknown = True
            elif truth is self.deciding:
                return truth
        return None if unknown else not self.deciding

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode
        unknown = False
        last: object = None
        for node in self.children:
            last = node.value(context)
            truth = _cond_truthy(last)
            if truth is None:
                unknown = True
            elif truth is self.deciding:
                return last
        return None if unknown else last


@cython.cclass
class _CondNot(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode = self.children[0]
        return _cond_not(node.truth(context))


@cython.cclass
class _CondTruth(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode = self.children[0]
        return node.truth(context)


@cython.cclass
class _CondIf(_CondNode):
    @cython.cfunc
    def chosen(self, context: _CondContext) -> "Any":
        """The operand that the tests lead to; None if a test is unknown or nothing is left."""
        test: _CondNode
        position: cython.Py_ssize_t = 0
        count: cython.Py_ssize_t = len(self.children)
        while position + 1 < count:
            test = self.children[position]
            truth = test.truth(context)
            if truth is None:
                return None
            if truth:
                return self.children[position + 1]
            position += 2
        return self.children[position] if position < count else None

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        branch = self.chosen(context)
        if branch is None:
            return None
        node: _CondNode = branch
        return node.value(context)

    @cython.cfunc
    def truth(self, context: _CondContext) -> "Any":
        branch = self.chosen(context)
        if branch is None:
            return None
        node: _CondNode = branch
        return node.truth(context)


@cython.cclass
class _CondTry(_CondNode):
    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        before: cython.Py_ssize_t = len(context.thrown)
        position: cython.Py_ssize_t
        value: object = None
        for position in range(len(self.children)):
            if position == 0:
                value = self.operand(position, context)
            else:
                error = context.thrown[before]
                del context.thrown[before:]
                context.push(error, None)
                try:
                    value = self.operand(position, context)
                finally:
                    context.pop()
            if len(context.thrown) == before:
                return value
        return None


# --- arithmetic and calls -----------------------------------------------------------------------------------


@cython.cclass
class _CondArithmetic(_CondNode):
    op: str

    def __init__(self, op: str, children: "Any") -> None:
        self.op = op
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        result = self.operand(0, context)
        if len(self.children) == 1:
            return self.unary(result)
        position: cython.Py_ssize_t
        for position in range(1, len(self.children)):
            right = self.operand(position, context)
            result = _cond_arithmetic(self.op, result, right)
        return result

    @cython.cfunc
    def unary(self, value: "Any") -> "Any":
        if self.op == "+":
            return _cond_numeric_text(value) if isinstance(value, str) else _cond_number(value)
        if self.op == "-":
            return _cond_arithmetic("-", 0, value)
        return _cond_arithmetic("/", 1, value) if self.op == "/" else _cond_number(value)


@cython.cclass
class _CondExtreme(_CondNode):
    """`min` and `max`."""

    op: cython.int

    def __init__(self, op: int, children: "Any") -> None:
        self.op = op
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode
        best: object = None
        unknown = False
        for node in self.children:
            number = _cond_number(node.value(context))
            if number is None:
                unknown = True
            elif best is None or _cond_compare(self.op, number, best):
                best = number
        return None if unknown else best


@cython.cclass
class _CondCall(_CondNode):
    """A plain function of its operands' values."""

    function: object

    def __init__(self, function: "Any", children: "Any") -> None:
        self.function = function
        self.children = tuple(children)

    @cython.cfunc
    def value(self, context: _CondContext) -> "Any":
        node: _CondNode
        values = []
        for node in self.children:
            values.append(node.value(context))
        function: Any = self.function
        return function(context, values)
