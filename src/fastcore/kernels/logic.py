"""JSONLogic: a checked rule becomes a tree of nodes, and a tree is evaluated against one event.

The rule comes from ``fastcore.rules.jsonlogic``, which has copied it and bounded its depth and size; nothing
here checks that again. A tree is never changed after it was built, so threads may share it: whatever one
evaluation changes (scopes, the budget, the clock's reading) belongs to that call.

Values are JSON's, as Python has them. The semantics are those of the official suite and of the json-logic
organisation's compatibility suites, which all but agree with JavaScript's coercions: see the comments in
``logic_values`` and ``logic_functions`` where they do not.
"""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython
from fastcore.errors import LimitError, LogicError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.logic_arithmetic import _LOGIC_ARITHMETIC
    from fastcore.kernels.logic_functions import _LOGIC_CALLS, _LOGIC_FOLDED, _LOGIC_WHOLE
    from fastcore.kernels.logic_iterators import _LogicMap, _LogicQuantifier, _LogicReduce
    from fastcore.kernels.logic_nodes import (
        _LogicConstant,
        _LogicField,
        _LogicInvalid,
        _LogicList,
        _LogicLiteral,
        _LogicMissing,
        _LogicNode,
        _LogicPath,
        _LogicUnknown,
        _LogicVal,
        _LogicVar,
    )
    from fastcore.kernels.logic_operators import (
        _LogicArithmetic,
        _LogicBinary,
        _LogicCall,
        _LogicCoalesce,
        _LogicCompare,
        _LogicCompareNumber,
        _LogicCompareText,
        _LogicCustom,
        _LogicIf,
        _LogicInConstant,
        _LogicJunction,
        _LogicNot,
        _LogicNow,
        _LogicTry,
    )
    from fastcore.kernels.logic_paths import _logic_val_path, _logic_var_path
    from fastcore.kernels.logic_scopes import _logic_scope
    from fastcore.kernels.logic_values import _LOGIC_COMPARISONS

_LOGIC_FOLDING_BUDGET = 10_000

_LOGIC_LOOPS = frozenset(["map", "filter", "reduce", "all", "some", "none"])
_LOGIC_LISTED = frozenset(["if", "?:", "and", "or", "??", "between"])

# --- building -----------------------------------------------------------------------------------------------


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


# --- running ------------------------------------------------------------------------------------------------


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
