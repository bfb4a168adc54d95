"""Values of JSONLogic: truth, numbers and text as JavaScript's coercions have them, and comparison.

Values are JSON's, as Python has them; dates, durations and Decimals are values too.
"""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython
from fastcore.errors import LimitError, LogicError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.logic_scopes import _logic_charge, _LogicScope

_LOGIC_NAN = "NaN"
_LOGIC_ARGUMENTS = "Invalid Arguments"

# what a comparison does; strict ones are last
_LOGIC_COMPARISONS = {"<": 0, "<=": 1, ">": 2, ">=": 3, "==": 4, "!=": 5, "===": 6, "!==": 7}

# Integers are exact, but bounded: repeated squaring would otherwise fill the memory within few operations.
_LOGIC_INT_BITS = 4096
_LOGIC_NUMBER_TEXT = 1000  # characters
_LOGIC_TEXT_DEPTH = 100

# --- truth --------------------------------------------------------------------------------------------------


@cython.cfunc
def _logic_truthy(value: object) -> cython.bint:
    """Null, false, zero, NaN, empty text and the empty array are false. Objects are true, even empty ones."""
    if value is True:
        return True
    if value is False or value is None:
        return False
    if type(value) is dict:
        return True
    if isinstance(value, (str, list, tuple)):
        return len(value) != 0
    if isinstance(value, float):
        return value == value and value != 0.0
    if isinstance(value, int):
        return value != 0
    return _logic_truthy_other(value)


def _logic_truthy_other(value):
    from decimal import Decimal

    return bool(not value.is_nan() and value != 0) if isinstance(value, Decimal) else True


# --- numbers ------------------------------------------------------------------------------------------------


@cython.cfunc
def _logic_operand(value: object) -> object:
    """The number that an operand of arithmetic is; dates and durations are left as they are."""
    if value is None or value is False:
        return 0
    if value is True:
        return 1
    if type(value) is int:
        return value
    if type(value) is float:
        if value != value:
            raise LogicError(_LOGIC_NAN)
        return value
    return _logic_operand_other(value)


def _logic_operand_other(value):
    if isinstance(value, str):
        return _logic_number_of_text(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _logic_operand(float(value))
    if isinstance(value, (list, tuple, dict)):
        raise LogicError(_LOGIC_NAN)
    from datetime import date, timedelta
    from decimal import Decimal

    if isinstance(value, Decimal):
        if value.is_nan():
            raise LogicError(_LOGIC_NAN)
        return value
    if isinstance(value, (date, timedelta)):
        return value
    return _logic_number_of_other(value)


def _logic_number_of_other(value):
    """Numbers of other libraries tell by their protocol what they are."""
    kind = type(value)
    try:
        if hasattr(kind, "__index__"):
            return int(value.__index__())
        if hasattr(kind, "__float__"):
            return _logic_operand(float(value))
    except (TypeError, ValueError, OverflowError):
        pass
    raise LogicError(_LOGIC_NAN)


def _logic_number_of_text(text):
    if len(text) > _LOGIC_NUMBER_TEXT:
        raise LimitError(f"text of {len(text)} characters used as a number; {_LOGIC_NUMBER_TEXT} are allowed")
    digits = text.strip()
    if not digits:
        return 0
    if not digits.isascii() or "_" in digits:
        raise LogicError(_LOGIC_NAN)
    try:
        if digits[:2] in ("0x", "0X", "0o", "0O", "0b", "0B"):
            return int(digits, 0)
        if digits.lstrip("+-").isdigit():
            return int(digits)
        number = float(digits)
    except ValueError:
        raise LogicError(_LOGIC_NAN) from None
    # words such as "inf" are no numbers, nor is what only infinity could stand for
    if number - number != 0.0:
        raise LogicError(_LOGIC_NAN)
    return number


def _logic_integer(value):
    number = _logic_operand(value)
    try:
        return int(number)
    except (OverflowError, TypeError, ValueError):
        raise LogicError(_LOGIC_NAN) from None


# --- text ---------------------------------------------------------------------------------------------------


def _logic_text(value, scope, depth=0):
    """A value as JavaScript writes it into a string. Null is empty there; arrays are joined by commas."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > _LOGIC_INT_BITS:
            raise LimitError(
                f"an integer of {value.bit_length()} bits used as text; {_LOGIC_INT_BITS} are allowed"
            )
        return str(int(value))
    if isinstance(value, float):
        return _logic_text_of_float(float(value))
    if isinstance(value, (list, tuple)):
        if depth == _LOGIC_TEXT_DEPTH:
            raise LimitError(f"an array nested deeper than {_LOGIC_TEXT_DEPTH} levels used as text")
        if scope is not None:
            _logic_charge(scope, len(value))
        return ",".join([_logic_text(item, scope, depth + 1) for item in value])
    return _logic_text_of_other(value)


def _logic_text_of_other(value):
    from datetime import date, timedelta
    from decimal import Decimal

    if isinstance(value, Decimal):
        if value.is_finite() and abs(value.adjusted()) > _LOGIC_NUMBER_TEXT:
            return str(value)
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, timedelta) else "[object Object]"


def _logic_text_of_float(value):
    """Both languages write the shortest digits that read back equal; only the layout differs."""
    if value != value or value - value != 0.0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if abs(value) < 1e21 and value == int(value):
        return str(int(value))
    text = repr(value)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    power = int(exponent)
    if -7 < power < 0:
        sign = "-" if value < 0 else ""
        return f"{sign}0.{'0' * (-power - 1)}{mantissa.lstrip('-').replace('.', '')}"
    return f"{mantissa}e{power:+d}"


# --- comparing ----------------------------------------------------------------------------------------------


@cython.cfunc
def _logic_native(operation: cython.int, left: object, right: object) -> cython.bint:
    if operation == 0:
        return bool(left < right)
    if operation == 1:
        return bool(left <= right)
    if operation == 2:
        return bool(left > right)
    if operation == 3:
        return bool(left >= right)
    if operation == 4 or operation == 6:
        return bool(left == right)
    return bool(left != right)


@cython.cfunc
def _logic_compare(operation: cython.int, left: object, right: object, scope: _LogicScope) -> cython.bint:
    if (type(left) is float or type(left) is int) and (type(right) is float or type(right) is int):
        if operation < 6 and (left != left or right != right):
            raise LogicError(_LOGIC_NAN)
        return _logic_native(operation, left, right)
    if type(left) is str and type(right) is str:
        return _logic_native(operation, left, right)
    if operation >= 6:
        return bool(_logic_same(left, right, scope) == (operation == 6))
    return bool(_logic_compare_other(operation, left, right))


def _logic_compare_other(operation, left, right):
    """Null and text are compared as they are; everything else as numbers, and what is none is an error."""
    if (left is None or isinstance(left, str)) and (right is None or isinstance(right, str)):
        if left is None and right is None:
            return operation in (1, 3, 4)
        if operation >= 4 or (left is not None and right is not None):
            return _logic_native(operation, left, right)
        try:
            left, right = _logic_operand(left), _logic_operand(right)
        except LogicError:
            return False
        return _logic_native(operation, left, right)
    left, right = _logic_operand(left), _logic_operand(right)
    if operation >= 4 and _logic_is_zoned(left) != _logic_is_zoned(right):
        raise LogicError(_LOGIC_NAN)
    try:
        return _logic_native(operation, left, right)
    except TypeError:
        raise LogicError(_LOGIC_NAN) from None


def _logic_is_zoned(value):
    """1: datetime with a time zone, 2: one without, 3: date, 4: duration, 0: number."""
    if type(value) is int or type(value) is float:
        return 0
    from datetime import date, datetime, timedelta

    if isinstance(value, datetime):
        return 2 if value.utcoffset() is None else 1
    return 3 if isinstance(value, date) else 4 if isinstance(value, timedelta) else 0


def _logic_same(left, right, scope):
    """Strict equality: no coercion, numbers by value, true is not 1; arrays and objects member by member."""
    pending = [(left, right)]
    while pending:
        left, right = pending.pop()
        if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
            if left is not right:
                return False
        elif isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
            if len(left) != len(right):
                return False
            _logic_charge(scope, len(left))
            pending.extend(zip(left, right, strict=True))
        elif isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys():
                return False
            _logic_charge(scope, len(left))
            pending.extend([(value, right[key]) for key, value in left.items()])
        elif _logic_differ(left, right):
            return False
    return True


def _logic_differ(left, right):
    if isinstance(left, (list, tuple, dict)) or isinstance(right, (list, tuple, dict)):
        return True
    try:
        return bool(left != right)
    except ArithmeticError:  # a signalling NaN, which equals nothing
        return True
