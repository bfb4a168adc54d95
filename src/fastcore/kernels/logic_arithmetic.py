"""Arithmetic of JSONLogic: exact on integers that stay in bounds, and never NaN or infinite."""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython
from fastcore.errors import LimitError, LogicError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.logic_values import _LOGIC_ARGUMENTS, _LOGIC_INT_BITS, _LOGIC_NAN, _logic_operand

_LOGIC_ARITHMETIC = {"+": 0, "-": 1, "*": 2, "/": 3, "%": 4}

_LOGIC_INT_LIMIT = 1 << _LOGIC_INT_BITS
_LOGIC_INT_LOWEST = -_LOGIC_INT_LIMIT


@cython.cfunc
def _logic_calculate(operation: cython.int, left: object, right: object) -> object:
    """One step of arithmetic on operands; integers stay exact, also in a division that leaves no rest."""
    result: object
    try:
        if operation == 0:
            result = left + right
        elif operation == 1:
            result = left - right
        elif operation == 2:
            result = left * right
        elif operation == 3:
            result = _logic_divide(left, right)
        else:
            result = _logic_remainder(left, right)
    except ArithmeticError:
        raise LogicError(_LOGIC_NAN) from None
    except TypeError:
        result = _logic_calculate_mixed(operation, left, right)
    return _logic_checked(result)


@cython.cfunc
def _logic_checked(result: object) -> object:
    if type(result) is float:
        if result != result:
            raise LogicError(_LOGIC_NAN)
    elif type(result) is int and (result > _LOGIC_INT_LIMIT or result < _LOGIC_INT_LOWEST):
        raise LimitError(f"arithmetic gave an integer of more than {_LOGIC_INT_BITS} bits")
    return result


def _logic_calculate_mixed(operation, left, right):
    from decimal import Decimal

    if isinstance(left, Decimal) and isinstance(right, float):
        return _logic_calculate(operation, float(left), right)
    if isinstance(right, Decimal) and isinstance(left, float):
        return _logic_calculate(operation, left, float(right))
    raise LogicError(_LOGIC_NAN)


@cython.cfunc
@cython.locals(a=cython.double, b=cython.double)
def _logic_divide(left: object, right: object) -> object:
    if type(left) is float and type(right) is float:
        a = left
        b = right
        if b == 0.0:
            raise LogicError(_LOGIC_NAN)
        return _logic_finite(a / b)
    if type(left) is int and type(right) is int:
        if right == 0:
            raise LogicError(_LOGIC_NAN)
        if left % right == 0:
            return left // right
        return left / right
    return _logic_finite(left / right)


@cython.cfunc
def _logic_finite(result: object) -> object:
    if type(result) is float and result - result != 0.0:
        raise LogicError(_LOGIC_NAN)
    return result


@cython.cfunc
def _logic_remainder(left: object, right: object) -> object:
    """It takes the dividend's sign, where Python's own takes the divisor's."""
    if type(left) is int and type(right) is int:
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    if type(left) is float or type(right) is float:
        from math import fmod

        try:
            return fmod(left, right)
        except ValueError:
            raise LogicError(_LOGIC_NAN) from None
    return left % right


def _logic_arithmetic(operation, args):
    """Arithmetic over any number of arguments, with what JSONLogic gives for none and for one."""
    count = len(args)
    if operation == 4 and count and isinstance(args[0], (list, tuple, dict)):
        raise LogicError(_LOGIC_NAN)
    if count < 2:
        return _logic_arithmetic_unary(operation, args)
    result = _logic_operand(args[0])
    for position in range(1, count):
        result = _logic_calculate(operation, result, _logic_operand(args[position]))
    return result


def _logic_arithmetic_unary(operation, args):
    if operation == 4 or (not args and operation in (1, 3)):
        raise LogicError(_LOGIC_ARGUMENTS)
    if not args:
        return 1 if operation == 2 else 0
    value = _logic_operand(args[0])
    if operation == 3:
        return _logic_calculate(3, 1, value)
    if operation == 1:
        try:
            return -value
        except TypeError:
            raise LogicError(_LOGIC_NAN) from None
    return value
