"""JSONLogic: a checked rule becomes a tree of nodes, and a tree is evaluated against one event.

The rule comes from ``fastcore.rules.jsonlogic``, which has copied it and bounded its depth and size; nothing
here checks that again. A tree is never changed after it was built, so threads may share it: whatever one
evaluation changes (scopes, the budget, the clock's reading) belongs to that call.

Values are JSON's, as Python has them. The semantics are those of the official suite and of the json-logic
organisation's compatibility suites, which all but agree with JavaScript's coercions: see the comments where
they do not.
"""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython
from fastcore.errors import LimitError, LogicError

_LOGIC_MISSING = object()

_LOGIC_NAN = "NaN"
_LOGIC_ARGUMENTS = "Invalid Arguments"
_LOGIC_UNKNOWN = "Unknown Operator"

# what a comparison does; strict ones are last
_LOGIC_COMPARISONS = {"<": 0, "<=": 1, ">": 2, ">=": 3, "==": 4, "!=": 5, "===": 6, "!==": 7}
_LOGIC_ARITHMETIC = {"+": 0, "-": 1, "*": 2, "/": 3, "%": 4}

# Integers are exact, but bounded: repeated squaring would otherwise fill the memory within few operations.
_LOGIC_INT_BITS = 4096
_LOGIC_INT_LIMIT = 1 << _LOGIC_INT_BITS
_LOGIC_INT_LOWEST = -_LOGIC_INT_LIMIT
_LOGIC_NUMBER_TEXT = 1000  # characters
_LOGIC_TEXT_DEPTH = 100
_LOGIC_FOLDING_BUDGET = 10_000


# --- scopes -------------------------------------------------------------------------------------------------


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


# --- values -------------------------------------------------------------------------------------------------


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


@cython.cfunc
@cython.locals(members=dict)
def _logic_member(container: object, key: object) -> object:
    if type(container) is dict:
        members = container
        return members.get(key, _LOGIC_MISSING)
    if container is None:
        return _LOGIC_MISSING
    return _logic_member_other(container, key)


def _logic_member_other(container, key):
    if isinstance(container, (list, tuple, str)):
        if key.isdecimal() and key.isascii() and len(key) < 19 and (key == "0" or key[0] != "0"):
            index = int(key)
            return container[index] if index < len(container) else _LOGIC_MISSING
        return len(container) if key == "length" else _LOGIC_MISSING
    if not isinstance(container, (dict, int, float)):
        from collections.abc import Mapping

        if not isinstance(container, Mapping):
            return _LOGIC_MISSING
    elif not isinstance(container, dict):
        return _LOGIC_MISSING
    # asked first, so that a defaultdict is not made to grow
    return container[key] if key in container else _LOGIC_MISSING  # noqa: SIM401


@cython.cfunc
@cython.locals(key=object)
def _logic_walk(container: object, keys: tuple) -> object:
    for key in keys:
        container = _logic_member(container, key)
        if container is _LOGIC_MISSING:
            return container
    return container


def _logic_split(path):
    """Keys of a dotted path; a backslash takes the dot after it into the key."""
    if "\\" not in path:
        keys = path.split(".")
        # dots alone name as many empty keys as there are dots
        return tuple(keys[: len(path)] if path else ())
    keys, key, position = [], "", 0
    while position < len(path):
        character = path[position]
        following = path[position + 1 : position + 2]
        if character == "\\" and following and following in ".\\/":
            key += following
            position += 1
        elif character == ".":
            keys.append(key)
            key = ""
        else:
            key += character
        position += 1
    return (*keys, key)


def _logic_key(value):
    return value if type(value) is str else "null" if value is None else _logic_text(value, None)


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
        elif isinstance(left, (list, tuple, dict)) or isinstance(right, (list, tuple, dict)) or left != right:
            return False
    return True


# --- arithmetic ---------------------------------------------------------------------------------------------


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


# --- operators that take evaluated arguments ----------------------------------------------------------------


def _logic_max(scope, args):
    return _logic_extreme(2, args)


def _logic_min(scope, args):
    return _logic_extreme(0, args)


def _logic_extreme(operation, args):
    if not args:
        raise LogicError(_LOGIC_ARGUMENTS)
    best = None
    for value in args:
        if value is None or isinstance(value, (bool, str)):
            raise LogicError(_LOGIC_ARGUMENTS)
        try:
            number = _logic_operand(value)
        except LogicError:
            raise LogicError(_LOGIC_NAN if isinstance(value, float) else _LOGIC_ARGUMENTS) from None
        try:
            if best is None or _logic_native(operation, number, best):
                best = number
        except TypeError:
            raise LogicError(_LOGIC_ARGUMENTS) from None
    return best


@cython.locals(length=cython.Py_ssize_t, text=str)
def _logic_cat(scope, args):
    parts: list = []
    length = 0
    for value in args:
        text = value if type(value) is str else _logic_text(value, scope)
        length += len(text)
        parts.append(text)
    # before they are joined, so that a budget bounds the memory too
    _logic_charge(scope, length)
    return "".join(parts)


def _logic_substr(scope, args):
    """Code points, where JavaScript counts halves of those above U+FFFF."""
    if not args:
        raise LogicError(_LOGIC_ARGUMENTS)
    text = _logic_text(args[0], scope)
    length = len(text)
    start = _logic_integer(args[1]) if len(args) > 1 else 0
    start = max(0, length + start) if start < 0 else min(start, length)
    stop = length
    if len(args) > 2 and args[2] is not None:
        count = _logic_integer(args[2])
        stop = length + count if count < 0 else min(length, start + count)
    text = text[start : max(start, stop)]
    _logic_charge(scope, len(text))
    return text


def _logic_integer(value):
    number = _logic_operand(value)
    try:
        return int(number)
    except (OverflowError, TypeError, ValueError):
        raise LogicError(_LOGIC_NAN) from None


def _logic_in(scope, args):
    if len(args) < 2:
        return False
    needle, haystack = args[0], args[1]
    if isinstance(haystack, str):
        if needle is None or isinstance(needle, (list, tuple, dict)):
            return False
        _logic_charge(scope, len(haystack) >> 4)
        return _logic_text(needle, scope) in haystack
    if not isinstance(haystack, (list, tuple)):
        return False
    _logic_charge(scope, len(haystack))
    return any(_logic_same(needle, item, scope) for item in haystack)


def _logic_merge(scope, args):
    merged: list = []
    for value in args:
        if isinstance(value, (list, tuple)):
            _logic_charge(scope, len(value))
            merged.extend(value)
        else:
            merged.append(value)
    return merged


def _logic_length(scope, args):
    if args and isinstance(args[0], (str, list, tuple, dict)):
        return len(args[0])
    raise LogicError(_LOGIC_ARGUMENTS)


def _logic_missing(scope: _LogicScope, args):
    """Keys of the list that the event does not have; null is there."""
    if args and isinstance(args[0], (list, tuple)):
        args = args[0]
    _logic_charge(scope, len(args))
    return [key for key in args if _logic_walk(scope.data, _logic_var_path(key)[1]) is _LOGIC_MISSING]


def _logic_missing_some(scope, args):
    if len(args) < 2:
        raise LogicError(_LOGIC_ARGUMENTS)
    keys = list(args[1]) if isinstance(args[1], (list, tuple)) else [args[1]]
    absent = _logic_missing(scope, keys)
    return [] if _logic_compare_other(3, len(keys) - len(absent), args[0]) else absent


def _logic_log(scope, args):
    return args[0] if args else None


def _logic_throw(scope, args):
    value = args[0] if args else None
    if isinstance(value, dict):
        kind = value.get("type")
        raise LogicError(kind if isinstance(kind, str) else "Error", value)
    raise LogicError("null" if value is None else _logic_text(value, scope))


# --- nodes --------------------------------------------------------------------------------------------------


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


@cython.cfunc
@cython.locals(node=_LogicNode)
def _logic_size(nodes: tuple) -> cython.Py_ssize_t:
    size: cython.Py_ssize_t = 1
    for node in nodes:
        size += node.size
    return size


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


def _logic_var_path(path):
    """Levels to climb and keys to follow; each leading ``../`` is a level."""
    if path is None or (isinstance(path, str) and not path):
        return 0, ()
    if type(path) is str and "." not in path and "\\" not in path:
        return 0, (path,)
    text = _logic_key(path)
    levels = 0
    while text.startswith("../"):
        text = text[3:]
        levels += 1
    return levels, _logic_split(text) if text else ()


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


def _logic_val_path(path):
    """Levels and keys of ``val``: a first element ``[n]`` climbs, and the sign of n says nothing."""
    if path is None:
        return 0, ()
    if not isinstance(path, (list, tuple)):
        return 0, (_logic_key(path),)
    levels = 0
    if path and isinstance(path[0], (list, tuple)):
        if len(path[0]) == 1:
            levels = abs(_logic_integer(path[0][0]))
            path = path[1:]
        elif len(path) == 1:
            path = path[0]
    if len(path) == 1 and path[0] is None:
        return min(levels, 1 << 30), ()
    return min(levels, 1 << 30), tuple([_logic_key(key) for key in path])


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


# --- loops --------------------------------------------------------------------------------------------------


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


# --- building -----------------------------------------------------------------------------------------------

_LOGIC_CALLS = {
    "max": _logic_max,
    "min": _logic_min,
    "cat": _logic_cat,
    "substr": _logic_substr,
    "in": _logic_in,
    "merge": _logic_merge,
    "length": _logic_length,
    "missing": _logic_missing,
    "missing_some": _logic_missing_some,
    "log": _logic_log,
    "throw": _logic_throw,
}
# a single argument is taken as it is by these, be it an array or not
_LOGIC_WHOLE = frozenset(["merge", "length", "log"])
_LOGIC_FOLDED = frozenset(["max", "min", "cat", "substr", "in", "merge", "length"])
_LOGIC_LOOPS = frozenset(["map", "filter", "reduce", "all", "some", "none"])
_LOGIC_LISTED = frozenset(["if", "?:", "and", "or", "??", "between"])


class _LogicBuilder:
    """Makes nodes of a rule, from the leaves up and without recursion."""

    def __init__(self, operators, clock):
        self.operators = operators
        self.clock = clock

    def build(self, rule):
        # operator or None, what it was given, the nodes of that so far, what is still to be made a node
        frame: tuple = (None, None, [], iter([rule]))
        outer: list = []
        while True:
            name, raw, nodes, rest = frame
            for item in rest:
                if type(item) is list:
                    outer.append(frame)
                    frame = (None, item, [], iter(item))
                elif type(item) is not dict or len(item) != 1 or self.is_preserved(item):
                    nodes.append(self.leaf(item))
                    continue
                else:
                    [(operator, given)] = item.items()
                    outer.append(frame)
                    frame = (operator, given, [], iter(given if type(given) is list else (given,)))
                break
            else:
                if not outer:
                    return nodes[0]
                made = self.array(nodes) if name is None else self.operation(name, raw, tuple(nodes))
                frame = outer.pop()
                frame[2].append(made)

    def is_preserved(self, rule):
        return "preserve" in rule and "preserve" not in self.operators

    def leaf(self, rule):
        if type(rule) is not dict:
            return _LogicConstant(rule)
        if not rule:
            return _LogicLiteral(rule)
        if len(rule) > 1:
            return _LogicUnknown(next(iter(rule)))
        value = rule["preserve"]
        return _LogicLiteral(value) if type(value) in (list, dict) else _LogicConstant(value)

    def array(self, nodes):
        if _logic_all_constant(nodes):
            return _LogicLiteral([_logic_constant(node) for node in nodes])
        return _LogicList(tuple(nodes))

    def operation(self, name, raw, nodes):
        listed = type(raw) is list
        if name in self.operators:
            return _LogicCustom(self.operators[name], nodes, not listed)
        if name == "var":
            return self.var(raw, nodes)
        if name in ("val", "exists"):
            return self.val(raw, nodes, name == "exists")
        if name in _LOGIC_LOOPS:
            return self.loop(name, raw, nodes)
        if name in _LOGIC_COMPARISONS:
            return self.comparison(_LOGIC_COMPARISONS[name], listed, nodes)
        if name in _LOGIC_ARITHMETIC:
            return self.arithmetic(_LOGIC_ARITHMETIC[name], listed, nodes)
        if name in _LOGIC_CALLS:
            return self.call(name, listed, nodes)
        if name in ("!", "!!"):
            first = nodes[0] if nodes else _LogicConstant(None)
            return _logic_folded(_LogicNot(first, name == "!"), (first,))
        if name == "try":
            return _LogicTry(nodes)
        if name in _LOGIC_LISTED:
            return self.choice(name, nodes) if listed else _LogicInvalid()
        return _LogicNow(self.clock) if name == "now" and self.clock is not None else _LogicUnknown(name)

    def choice(self, name, nodes):
        if name == "between":
            # value, low, high
            return self.comparison(1, len(nodes) == 3, (*nodes[1:2], *nodes[:1], *nodes[2:]))
        if name in ("and", "or"):
            return _LogicJunction(name == "or", nodes)
        return _LogicCoalesce(nodes) if name == "??" else _LogicIf(nodes)

    def call(self, name, listed, nodes):
        if name == "in" and len(nodes) == 2 and isinstance(nodes[1], _LogicLiteral):
            values = _logic_constant(nodes[1])
            if type(values) is list:
                return _logic_folded(_LogicInConstant(nodes[0], values), nodes[:1])
        if name == "missing" and all(isinstance(node, _LogicConstant) for node in nodes):
            return _LogicMissing(tuple([_logic_constant(node) for node in nodes]), -1)
        if name == "missing_some" and len(nodes) == 2 and _logic_all_constant(nodes):
            needed, keys = _logic_constant(nodes[0]), _logic_constant(nodes[1])
            if type(needed) is int and 0 <= needed < 1 << 30 and type(keys) is list:
                return _LogicMissing(tuple(keys), needed)
        node = _LogicCall(_LOGIC_CALLS[name], nodes, not listed and name not in _LOGIC_WHOLE)
        return _logic_folded(node, nodes) if name in _LOGIC_FOLDED else node

    def arithmetic(self, operation, listed, nodes):
        if len(nodes) == 2:
            return _logic_folded(_LogicBinary(operation, *nodes), nodes)
        return _logic_folded(_LogicArithmetic(operation, nodes, not listed), nodes)

    def comparison(self, operation, listed, nodes):
        if not listed or len(nodes) < 2:
            return _LogicInvalid()
        if len(nodes) == 2 and isinstance(nodes[1], _LogicConstant):
            constant = _logic_constant(nodes[1])
            if type(constant) is str and operation >= 4:
                return _logic_folded(_LogicCompareText(operation, nodes[0], constant), nodes)
            # a double must say the same of a float as the number itself
            if type(constant) is float or (type(constant) is int and abs(constant) <= 1 << 53):
                return _logic_folded(_LogicCompareNumber(operation, nodes[0], constant), nodes)
        return _logic_folded(_LogicCompare(operation, nodes), nodes)

    def loop(self, name, raw, nodes):
        if type(raw) is not list or not raw or raw[0] is None:
            return _LogicInvalid()
        if name in ("map", "filter"):
            # without a body there is nothing to do; a test that is null is merely never true
            if len(raw) < 2 or raw[1] is None:
                return _LogicInvalid()
            return _LogicMap(nodes[0], nodes[1], name == "filter")
        body = nodes[1] if len(nodes) > 1 else _LogicConstant(None)
        if name == "reduce":
            return _LogicReduce(nodes[0], body, nodes[2] if len(nodes) > 2 else _LogicConstant(None))
        return _LogicQuantifier(nodes[0], body, name)

    def var(self, raw, nodes):
        path, default = raw, nodes[1] if type(raw) is list and len(nodes) > 1 else _LogicConstant(None)
        if type(raw) is list:
            path = raw[0] if raw else None
        if type(path) is list and len(path) == 1 and type(path[0]) is int:
            return self.val(raw, nodes, False)  # the mark of a level, as there
        if type(path) in (list, dict):
            return _LogicVar(nodes[0], default, type(raw) is dict)
        levels, keys = _logic_var_path(path)
        plain = isinstance(default, _LogicConstant) and _logic_constant(default) is None
        if levels == 0 and len(keys) == 1 and plain:
            return _LogicField(keys[0])
        return _LogicPath(keys, levels, default)

    def val(self, raw, nodes, exists):
        node = self.array(nodes) if type(raw) is list else nodes[0]
        if exists or type(raw) is dict or not _logic_all_constant([node]):
            return _LogicVal(node, exists)
        levels, keys = _logic_val_path(raw)
        if levels == 0 and len(keys) == 1:
            return _LogicField(keys[0])
        return _LogicPath(keys, levels, _LogicConstant(None))


def _logic_all_constant(nodes):
    return all(isinstance(node, (_LogicConstant, _LogicLiteral)) for node in nodes)


@cython.locals(constant=_LogicConstant, literal=_LogicLiteral)
def _logic_constant(node):
    if isinstance(node, _LogicConstant):
        constant = node
        return constant.value
    literal = node
    return literal.value


@cython.locals(inner=_LogicNode)
def _logic_folded(node, nodes):
    """The value of a node of constants. One that fails is kept: it must fail when it is evaluated."""
    if not _logic_all_constant(nodes):
        return node
    inner = node
    try:
        value = inner.evaluate(_logic_scope(None, None, _LOGIC_FOLDING_BUDGET))
    except (LogicError, LimitError):
        return node
    return _LogicLiteral(value) if type(value) in (list, dict) else _LogicConstant(value)


@cython.final
@cython.cclass
class _LogicProgram:
    """A built rule: ``run(data)`` evaluates it."""

    root: _LogicNode
    limit: cython.Py_ssize_t

    def __init__(self, root, limit):
        self.root = root
        self.limit = limit

    def run(self, data=None):
        """The rule's value for an event."""
        try:
            return self.root.evaluate(_logic_scope(data, None, self.limit))
        except RecursionError:
            raise LimitError("the interpreter's recursion limit was reached during evaluation") from None


def logic_program(rule, operators, clock, max_operations):
    """Build a rule.

    Parameters:
        rule: plain data (exact dicts with string keys, lists and scalars) that nobody else holds.
        operators: registered functions by name; they go before the built-in ones.
        clock: what ``now`` calls.
        max_operations: the budget of one evaluation.

    Returns:
        An object whose ``run(data)`` gives the rule's value.
    """
    return _LogicProgram(_LogicBuilder(operators, clock).build(rule), max_operations)
