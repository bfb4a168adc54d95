"""Conditions of a ruleset, evaluated to true, false or unknown.

This is the plain evaluator: every rule is evaluated, one after the other, by a tree of nodes. The semantics
of the operators live here and nowhere else; faster matchers are tested against it and explanations are read
from its nodes. Checked trees become nodes (``conditions_nodes``, ``conditions_iterators``,
``conditions_membership``), which call functions of values (``conditions_functions``, ``conditions_values``).
"""

from fastcore import _cython as cython
from fastcore.errors import EventError

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.conditions_functions import _COND_CALLS
    from fastcore.kernels.conditions_iterators import _CondIterate, _CondReduce
    from fastcore.kernels.conditions_membership import (
        _CondInList,
        _CondInNetwork,
        _CondInSet,
        _CondList,
        _CondMatches,
        _CondNamed,
    )
    from fastcore.kernels.conditions_networks import conditions_blocks as conditions_blocks
    from fastcore.kernels.conditions_nodes import (
        _CondAnd,
        _CondArithmetic,
        _CondArray,
        _CondBetween,
        _CondCall,
        _CondCompare,
        _CondConst,
        _CondContext,
        _CondExists,
        _CondExtreme,
        _CondIf,
        _CondNode,
        _CondNot,
        _CondNow,
        _CondSetting,
        _CondTruth,
        _CondTry,
        _CondVar,
    )
    from fastcore.kernels.conditions_values import (
        _COND_EQ,
        _COND_GE,
        _COND_GT,
        _COND_KIND_NAMES,
        _COND_LE,
        _COND_LT,
        _COND_MISSING,
        _COND_NE,
        _COND_OBJECT,
        _cond_clean,
        _cond_compare,
        _cond_kind,
        _cond_member,
        _cond_object_keys,
        _cond_truthy,
        _cond_types,
    )

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# --- building -----------------------------------------------------------------------------------------------

_COND_COMPARISONS = {
    "<": _COND_LT,
    "<=": _COND_LE,
    ">": _COND_GT,
    ">=": _COND_GE,
    "==": _COND_EQ,
    "===": _COND_EQ,
    "!=": _COND_NE,
    "!==": _COND_NE,
}


def _cond_build(tree: "Any") -> "Any":
    """A node from a checked tree: ``(operator, operand, …)`` with the leaf forms named below."""
    op = tree[0]
    if op == "const":
        return _CondConst(tree[1])
    if op == "var" or op == "exists":
        kind = _CondVar if op == "var" else _CondExists
        return kind(tree[1], tree[2], [_cond_build(default) for default in tree[3:]])
    if op == "in_set":
        return _CondInSet([_cond_build(tree[1])], tree[2])
    if op == "in_list":
        return _CondInList([_cond_build(tree[1])], tree[2])
    if op == "list":
        return _CondNamed(tree[1])
    if op == "in_network":
        return _CondInNetwork([_cond_build(tree[1])], tree[2])
    if op == "matches":
        return _CondMatches([_cond_build(tree[1])], tree[2].search)
    children = [_cond_build(operand) for operand in tree[1:]]
    if op in _COND_COMPARISONS:
        return _CondCompare(_COND_COMPARISONS[op], children)
    if op == "and" or op == "or":
        return _CondAnd(op == "or", children)
    if op == "min" or op == "max":
        return _CondExtreme(_COND_LT if op == "min" else _COND_GT, children)
    if op in ("+", "-", "*", "/", "%"):
        return _CondArithmetic(op, children)
    if op in ("some", "all", "none", "filter", "map"):
        return _CondIterate(op, children)
    if op in _COND_CALLS:
        return _CondCall(_COND_CALLS[op], children)
    return _cond_build_single(op, children)


def _cond_build_single(op: str, children: "Any") -> "Any":
    if op == "!":
        return _CondNot(children)
    if op == "!!":
        return _CondTruth(children)
    if op == "if":
        return _CondIf(children)
    if op == "array":
        return _CondArray(children)
    if op == "between":
        return _CondBetween(children)
    if op == "now":
        return _CondNow(children)
    if op == "reduce":
        return _CondReduce(children)
    if op == "try":
        return _CondTry(children)
    raise ValueError(f"no node for {op!r}")


# --- running ------------------------------------------------------------------------------------------------


@cython.cclass
class _CondProgram:
    """The conditions of a ruleset's rules, in order of evaluation.

    `now` is the time, or what `conditions_setting` gives where conditions read named lists.
    """

    nodes: list  # type: ignore[type-arg]

    def __init__(self, trees: "Any") -> None:
        _cond_types.bind()
        self.nodes = [_cond_build(tree) for tree in trees]

    def fired(self, event: "Any", now: "Any", active: "Sequence[bool] | None", strict: bool) -> "Any":
        """Evaluates every active rule.

        Returns: indices of the rules that fired; pairs of an index and what its rule threw; with `strict` the
            index of the first rule that is unknown, where the evaluation then ended, else -1.
        """
        node: _CondNode
        context: _CondContext = _CondContext(event, now)
        fired = []
        thrown: list = []  # type: ignore[type-arg]
        index: cython.Py_ssize_t
        for index in range(len(self.nodes)):
            if active is not None and not active[index]:
                continue
            node = self.nodes[index]
            context.steps = 0
            truth = node.truth(context)
            if truth is True:
                fired.append(index)
            elif truth is None and strict:
                return fired, thrown, index
            if context.thrown:
                thrown.extend([(index, value) for value in context.thrown])
                context.thrown = []
        return fired, thrown, -1

    def first(self, event: "Any", now: "Any", active: "Sequence[bool] | None") -> int:
        """Index of the first active rule that fires; -1 if none does."""
        node: _CondNode
        context: _CondContext = _CondContext(event, now)
        index: cython.Py_ssize_t
        for index in range(len(self.nodes)):
            if active is not None and not active[index]:
                continue
            node = self.nodes[index]
            context.steps = 0
            if node.truth(context) is True:
                return index
        return -1

    def probe(self, index: int, event: "Any", now: "Any") -> "Any":
        """A rule opened for an explanation: the values of its nodes, one at a time."""
        return _CondProbe(self.nodes[index], _CondContext(event, now))


@cython.cclass
class _CondProbe:
    """A node beside the context it is evaluated in, for who asks why."""

    node: _CondNode
    context: _CondContext

    def __init__(self, node: "Any", context: "Any") -> None:
        self.node = node
        self.context = context

    def truth(self) -> "Any":
        return self.node.truth(self.context)

    def value(self) -> "Any":
        return self.node.value(self.context)

    def operands(self) -> "list[Any]":
        return [_CondProbe(child, self.context) for child in self.node.children]

    def raw(self) -> "tuple[bool, Any]":
        """Of a field: whether the event has it, and what it holds, as it is."""
        node: _CondVar = self.node  # type: ignore[assignment]
        found = node.raw(self.context)
        return (False, None) if found is _COND_MISSING else (True, found)

    def element(self, data: "Any", index: int) -> "Any":
        """The body of an iteration, asked about one element."""
        context: _CondContext = _CondContext(None, self.context.now)
        context.lists = self.context.lists
        context.frames = [*self.context.frames, (self.context.data, self.context.index)]
        context.data = data
        context.index = index
        return _CondProbe(self.node.children[1], context)

    def thrown(self) -> "list[Any]":
        """What was thrown by the questions asked so far."""
        return list(self.context.thrown)


# --- public functions ---------------------------------------------------------------------------------------


def conditions_program(trees: "Sequence[Any]") -> "Any":
    """Builds the evaluator of a list of checked condition trees."""
    return _CondProgram(trees)


def conditions_list(values: "list[Any]", blocks: "dict[int, Any] | None") -> "Any":
    """A named list for `conditions_setting`: its values, and its CIDR blocks where `in_network` reads it.

    Complexity: linear in the values; looking one up later is one look-up in a set.
    """
    _cond_types.bind()
    return _CondList(values, blocks)


def conditions_setting(now: "Any", lists: "dict[str, Any]") -> "Any":
    """The time and the named lists, to be given to a program as `now`."""
    return _CondSetting(now, lists)


def conditions_members(value: "Any") -> "list[tuple[Any, Any]] | None":
    """Names and values of what has members: a mapping or a record; None for everything else."""
    _cond_types.bind()
    if _cond_kind(value) != _COND_OBJECT:
        return None
    return [(key, _cond_member(value, key, None)) for key in _cond_object_keys(value)]


def conditions_kind(value: "Any") -> str:
    """The type that conditions see in a value; "nothing" for null, NaN and what they do not know."""
    _cond_types.bind()
    return _COND_KIND_NAMES[_cond_kind(_cond_clean(value))]


def conditions_clean(value: "Any") -> "tuple[Any, str, Any]":
    """A value as conditions see it, the name of its type, and its truthiness."""
    _cond_types.bind()
    clean = _cond_clean(value)
    return clean, _COND_KIND_NAMES[_cond_kind(clean)], _cond_truthy(clean)


def conditions_passed(value: "Any", cut: "tuple[Any, int]") -> bool:
    """Whether a number is past a cut: at it or above, for side 1 above only; exact across types."""
    return _cond_compare(_COND_GT if cut[1] else _COND_GE, value, cut[0]) is True


def conditions_event(event: "Any") -> None:
    """Refuses what has no fields.

    Raises:
        EventError: it is no mapping, dataclass, pydantic model or named tuple.
    """
    if type(event) is dict:
        return
    _cond_types.bind()
    if _cond_kind(_cond_clean(event)) != _COND_OBJECT:
        kind = type(event).__name__
        raise EventError(f"an event is a mapping, dataclass, pydantic model or named tuple, not {kind}")
