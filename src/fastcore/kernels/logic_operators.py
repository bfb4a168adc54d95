"""Operators of JSONLogic as nodes: comparisons, logic, arithmetic and calls."""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython
from fastcore.errors import LogicError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.logic_arithmetic import _logic_arithmetic, _logic_calculate
    from fastcore.kernels.logic_functions import _logic_in
    from fastcore.kernels.logic_nodes import _logic_size, _LogicNode
    from fastcore.kernels.logic_scopes import (
        _LOGIC_MISSING,
        _logic_charge,
        _logic_run,
        _logic_scope,
        _LogicRun,
        _LogicScope,
    )
    from fastcore.kernels.logic_values import (
        _LOGIC_NAN,
        _logic_compare,
        _logic_native,
        _logic_operand,
        _logic_truthy,
    )

# --- comparisons --------------------------------------------------------------------------------------------


@cython.final
@cython.cclass
class _LogicCompare(_LogicNode):
    """A chain of comparisons: every neighbouring pair must hold; after one that does not, evaluation ends."""

    operation: cython.int
    nodes: tuple

    def __init__(self, operation, nodes):
        self.size = _logic_size(nodes)
        self.operation = operation
        self.nodes = nodes

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return bool(self.truth(scope))

    @cython.cfunc
    @cython.locals(node=_LogicNode)
    def truth(self, scope: _LogicScope) -> cython.bint:
        previous: object = _LOGIC_MISSING
        value: object
        for node in self.nodes:
            value = node.evaluate(scope)
            if previous is not _LOGIC_MISSING and not _logic_compare(self.operation, previous, value, scope):
                return False
            previous = value
        return True


@cython.final
@cython.cclass
class _LogicCompareNumber(_LogicNode):
    """Something against a constant number, which is what most conditions are."""

    operation: cython.int
    left: _LogicNode
    constant: object
    number: cython.double

    def __init__(self, operation, left: _LogicNode, constant):
        self.size = left.size + 2
        self.operation = operation
        self.left = left
        self.constant = constant
        self.number = float(constant)

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return bool(self.truth(scope))

    @cython.cfunc
    @cython.locals(number=cython.double)
    def truth(self, scope: _LogicScope) -> cython.bint:
        value: object = self.left.evaluate(scope)
        if type(value) is float:
            number = value
            if number == number:
                if self.operation == 0:
                    return number < self.number
                if self.operation == 1:
                    return number <= self.number
                if self.operation == 2:
                    return number > self.number
                if self.operation == 3:
                    return number >= self.number
                if self.operation == 4 or self.operation == 6:
                    return number == self.number
                return number != self.number
        elif type(value) is int:
            return _logic_native(self.operation, value, self.constant)
        return _logic_compare(self.operation, value, self.constant, scope)


@cython.final
@cython.cclass
class _LogicCompareText(_LogicNode):
    """Something (un)equal to a constant string."""

    operation: cython.int
    left: _LogicNode
    constant: str

    def __init__(self, operation, left: _LogicNode, constant):
        self.size = left.size + 2
        self.operation = operation
        self.left = left
        self.constant = constant

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return bool(self.truth(scope))

    @cython.cfunc
    @cython.locals(text=str)
    def truth(self, scope: _LogicScope) -> cython.bint:
        value: object = self.left.evaluate(scope)
        if type(value) is str:
            text = value
            if self.operation == 4 or self.operation == 6:
                return text == self.constant
            return text != self.constant
        return _logic_compare(self.operation, value, self.constant, scope)


@cython.final
@cython.cclass
class _LogicInConstant(_LogicNode):
    """``in`` a constant list: strings and numbers are looked up, only the rest is searched."""

    needle: _LogicNode
    strings: frozenset
    numbers: frozenset
    rest: list

    def __init__(self, needle: _LogicNode, values):
        plain = [value for value in values if type(value) is int or type(value) is float]
        self.size = needle.size + 2
        self.needle = needle
        self.strings = frozenset([value for value in values if type(value) is str])
        self.numbers = frozenset(plain)
        self.rest = [value for value in values if type(value) not in (str, int, float)]

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return bool(self.truth(scope))

    @cython.cfunc
    def truth(self, scope: _LogicScope) -> cython.bint:
        value: object = self.needle.evaluate(scope)
        if type(value) is str:
            return value in self.strings
        if (type(value) is int or type(value) is float) and value in self.numbers:
            return True
        return self.search(value, scope)

    @cython.cfunc
    def search(self, value: object, scope: _LogicScope) -> cython.bint:
        if (
            type(value) is int
            or type(value) is float
            or value is None
            or isinstance(value, (bool, list, tuple, dict))
        ):
            return bool(_logic_in(scope, [value, self.rest]))
        return bool(_logic_in(scope, [value, [*self.strings, *self.numbers, *self.rest]]))


# --- logic --------------------------------------------------------------------------------------------------


@cython.final
@cython.cclass
class _LogicJunction(_LogicNode):
    """``and``, ``or``: the operand that decided."""

    stop: cython.bint
    nodes: tuple

    def __init__(self, stop, nodes):
        self.size = _logic_size(nodes)
        self.stop = stop
        self.nodes = nodes

    @cython.cfunc
    @cython.locals(node=_LogicNode)
    def evaluate(self, scope: _LogicScope) -> object:
        value: object = False
        for node in self.nodes:
            value = node.evaluate(scope)
            if _logic_truthy(value) == self.stop:
                return value
        return value

    @cython.cfunc
    @cython.locals(node=_LogicNode)
    def truth(self, scope: _LogicScope) -> cython.bint:
        for node in self.nodes:
            if node.truth(scope) == self.stop:
                return self.stop
        return not self.stop and len(self.nodes) != 0


@cython.final
@cython.cclass
class _LogicNot(_LogicNode):
    """``!`` and ``!!``."""

    node: _LogicNode
    negated: cython.bint

    def __init__(self, node: _LogicNode, negated):
        self.size = node.size + 1
        self.node = node
        self.negated = negated

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return bool(self.truth(scope))

    @cython.cfunc
    def truth(self, scope: _LogicScope) -> cython.bint:
        return self.node.truth(scope) != self.negated


@cython.final
@cython.cclass
class _LogicIf(_LogicNode):
    nodes: tuple

    def __init__(self, nodes):
        self.size = _logic_size(nodes)
        self.nodes = nodes

    @cython.cfunc
    @cython.locals(test=_LogicNode, branch=_LogicNode, position=cython.Py_ssize_t, count=cython.Py_ssize_t)
    def evaluate(self, scope: _LogicScope) -> object:
        position, count = 0, len(self.nodes)
        while position + 1 < count:
            test = self.nodes[position]
            if test.truth(scope):
                branch = self.nodes[position + 1]
                return branch.evaluate(scope)
            position += 2
        if position == count:
            return None
        branch = self.nodes[position]
        return branch.evaluate(scope)


@cython.final
@cython.cclass
class _LogicCoalesce(_LogicNode):
    nodes: tuple

    def __init__(self, nodes):
        self.size = _logic_size(nodes)
        self.nodes = nodes

    @cython.cfunc
    @cython.locals(node=_LogicNode)
    def evaluate(self, scope: _LogicScope) -> object:
        value: object
        for node in self.nodes:
            value = node.evaluate(scope)
            if value is not None:
                return value
        return None


@cython.final
@cython.cclass
class _LogicTry(_LogicNode):
    """The first operand that does not fail; each next one sees the error as its data."""

    nodes: tuple

    def __init__(self, nodes):
        self.size = _logic_size(nodes)
        self.nodes = nodes

    @cython.cfunc
    @cython.locals(node=_LogicNode, here=_LogicScope)
    def evaluate(self, scope: _LogicScope) -> object:
        here = scope
        failure: object = None
        for node in self.nodes:
            if failure is not None:
                here = _logic_scope(failure.value, scope, scope.limit)
            try:
                return node.evaluate(here)
            except LogicError as error:
                failure = error
        if failure is not None:
            raise failure
        return None


# --- arithmetic and calls -----------------------------------------------------------------------------------


@cython.final
@cython.cclass
class _LogicBinary(_LogicNode):
    """Arithmetic on two operands."""

    operation: cython.int
    left: _LogicNode
    right: _LogicNode

    def __init__(self, operation, left: _LogicNode, right: _LogicNode):
        self.size = left.size + right.size + 1
        self.operation = operation
        self.left = left
        self.right = right

    @cython.cfunc
    @cython.locals(a=cython.double, b=cython.double)
    def evaluate(self, scope: _LogicScope) -> object:
        left: object = self.left.evaluate(scope)
        right: object = self.right.evaluate(scope)
        if type(left) is float and type(right) is float and self.operation < 3:
            a = left
            b = right
            a = a + b if self.operation == 0 else a - b if self.operation == 1 else a * b
            if a != a:
                raise LogicError(_LOGIC_NAN)
            return a
        if type(left) is not int:
            left = _logic_operand(left)
        if type(right) is not int:
            right = _logic_operand(right)
        return _logic_calculate(self.operation, left, right)


@cython.final
@cython.cclass
class _LogicArguments:
    """An operator's arguments. Not written as an array, they may still be one when evaluated."""

    nodes: tuple
    spread: cython.bint

    def __init__(self, nodes, spread):
        self.nodes = nodes
        self.spread = spread

    @cython.cfunc
    @cython.locals(node=_LogicNode, values=list)
    def evaluate(self, scope: _LogicScope) -> list:
        values = []
        for node in self.nodes:
            values.append(node.evaluate(scope))  # noqa: PERF401
        if self.spread and isinstance(values[0], (list, tuple)):
            values = list(values[0])
            _logic_charge(scope, len(values))
        return values


@cython.final
@cython.cclass
class _LogicArithmetic(_LogicNode):
    operation: cython.int
    arguments: _LogicArguments

    def __init__(self, operation, nodes, spread):
        self.size = _logic_size(nodes)
        self.operation = operation
        self.arguments = _LogicArguments(nodes, spread)

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return _logic_arithmetic(self.operation, self.arguments.evaluate(scope))


@cython.final
@cython.cclass
class _LogicCall(_LogicNode):
    """A built-in operator that is a function of the scope and its evaluated arguments."""

    function: object
    arguments: _LogicArguments

    def __init__(self, function, nodes, spread):
        self.size = _logic_size(nodes)
        self.function = function
        self.arguments = _LogicArguments(nodes, spread)

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return self.function(scope, self.arguments.evaluate(scope))


@cython.final
@cython.cclass
class _LogicCustom(_LogicNode):
    """An operator that was registered: a function of its evaluated arguments alone."""

    function: object
    arguments: _LogicArguments

    def __init__(self, function, nodes, spread):
        self.size = _logic_size(nodes)
        self.function = function
        self.arguments = _LogicArguments(nodes, spread)

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        return self.function(*self.arguments.evaluate(scope))


@cython.final
@cython.cclass
class _LogicNow(_LogicNode):
    """The time, read once an evaluation."""

    clock: object

    def __init__(self, clock):
        self.size = 1
        self.clock = clock

    @cython.cfunc
    def evaluate(self, scope: _LogicScope) -> object:
        run: _LogicRun = _logic_run(scope)
        if run.now is None:
            run.now = self.clock()
        return run.now
