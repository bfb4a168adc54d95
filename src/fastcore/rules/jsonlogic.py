"""JSONLogic: conditions and expressions as data, evaluated with exactly JSONLogic's values and coercions.

``compile(logic)`` checks a rule once and gives a callable; ``apply(logic, data)`` does both at once. All
operators of the official suite and of the json-logic organisation's compatibility suites are there:

* data: ``var val exists missing missing_some``
* logic: ``if ?: and or ! !! ?? == === != !== < <= > >=``
* numbers: ``+ - * / % min max``
* arrays and strings: ``map filter reduce all some none merge in cat substr length``
* errors and the rest: ``try throw preserve log``

and, as extensions of fastcore: ``between``, ``starts_with``, ``ends_with``, ``contains``, ``lower``,
``upper``, ``matches`` (only where it is allowed), ``datetime``, ``now``, ``duration``, ``date_diff``.

What differs between JSON's world and Python's, or between JSONLogic's engines, is settled so:

* ``True`` is not ``1`` for ``===``, ``in`` and results; other comparisons coerce as JavaScript does.
* Integers are exact up to 4096 bits, also beyond 2⁵³, and so is a division of integers that leaves no rest
  (``4 / 2`` is ``2``, ``1 / 2`` is ``0.5``). Comparisons of int, float and Decimal are exact. A Decimal
  meets an int as a Decimal and a float as a float. Zero keeps its sign in floats.
* NaN never comes out of an operator: where JavaScript would give it, LogicError of type ``"NaN"`` is raised.
  Only a NaN that an event already holds can be read back by ``var``.
* Arrays and objects are strictly equal if their members are. Strings are counted and ordered by code point.
* Objects are true, even empty ones; an empty ``and`` or ``or`` is false.
* ``var`` reads an existing null as null; its default replaces what is missing, and is evaluated first.
  ``a.length`` is the length of an array or a string, a backslash takes a dot into a key, and a leading
  ``../`` climbs a scope.
* ``reduce`` without an initial value starts from null. What is looped over must be an array; null, zero and
  empty text are empty ones, except for ``all``.
* ``log`` returns its argument and prints nothing: register an operator of that name to see what passes.
* datetime, date and timedelta objects compare among their own kind, and calculate as in Python.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fastcore import _backend
from fastcore.errors import LimitError

from ._logic_extensions import extensions

__all__ = ["CompiledLogic", "apply", "compile"]

MAX_DEPTH = 128
MAX_NODES = 100_000
MAX_OPERATIONS = 10_000_000
DEEPEST = 500  # deeper trees could exhaust the stack of a thread

_SCALARS = (bool, int, float, str, Decimal, date, timedelta)


# This slot holds the kernel's own method: no frame of Python stands between it and the caller. Type checkers
# must not see its name, or they take the method for an attribute.
_CALL: str = "__call__"


class CompiledLogic:
    """A rule ready to be evaluated: ``compiled(data)`` gives its value for an event. Made by ``compile``.

    Immutable and safe to share between threads. Two are equal if their logic, operators and limits are;
    the backend does not matter. It can be pickled if its operators can.

    Parameters of the call:
        data: JSON-like data: None, bool, int, float, str, Decimal, lists or tuples, mappings with string
            keys; dates and durations too. None if it is left out.

    Raises by the call:
        LogicError: the rule cannot be evaluated for this event; its ``type`` says why.
        LimitError: the budget of operations is used up, or a number or text grew beyond its bound.
        Exception: whatever a registered operator raises, unchanged.
    """

    __slots__ = (_CALL, "__weakref__", "_allow_regex", "_limits", "_logic", "_operators")

    _logic: Any
    _operators: dict[str, Callable[..., Any]]
    _limits: tuple[int, int, int]
    _allow_regex: bool

    if TYPE_CHECKING:

        def __call__(self, data: Any = None) -> Any: ...

    def __init__(
        self,
        logic: Any,
        operators: Mapping[str, Callable[..., Any]] | None,
        limits: tuple[int, int, int],
        allow_regex: bool,
        backend: str | None,
    ) -> None:
        max_depth, max_nodes, max_operations = limits
        snapshot = _snapshot(logic, max_depth, max_nodes)
        registered = _checked_operators(operators)
        kernel = _backend.kernels("logic", backend)
        program = kernel.logic_program(
            snapshot, {**extensions(allow_regex), **registered}, _now, max_operations
        )
        for name, value in (
            ("_logic", snapshot),
            ("_operators", registered),
            ("_limits", limits),
            ("_allow_regex", allow_regex),
            ("__call__", program.run),
        ):
            object.__setattr__(self, name, value)

    @property
    def logic(self) -> Any:
        """The rule, as a copy."""
        return _snapshot(self._logic, self._limits[0], self._limits[1])

    @property
    def operators(self) -> dict[str, Callable[..., Any]]:
        """The registered operators by name, as a copy."""
        return dict(self._operators)

    def _key(self) -> tuple[str, tuple[int, int, int], bool]:
        return repr(self._logic), self._limits, self._allow_regex

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CompiledLogic):
            return NotImplemented
        return self._key() == other._key() and self._operators == other._operators

    def __hash__(self) -> int:
        return hash((self._key(), frozenset(self._operators)))

    def __repr__(self) -> str:
        text = repr(self._logic)
        return f"CompiledLogic({text if len(text) <= 200 else text[:199] + '…'})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a CompiledLogic cannot be changed; compile another")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a CompiledLogic cannot be changed; compile another")

    def __copy__(self) -> "CompiledLogic":
        return self

    def __deepcopy__(self, memo: object) -> "CompiledLogic":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._logic, self._operators, self._limits, self._allow_regex)


def compile(
    logic: Any,
    *,
    operators: Mapping[str, Callable[..., Any]] | None = None,
    backend: str | None = None,
    allow_regex: bool = False,
    max_depth: int = MAX_DEPTH,
    max_nodes: int = MAX_NODES,
    max_operations: int = MAX_OPERATIONS,
) -> CompiledLogic:
    """Check a rule and make it ready for evaluation.

    The rule is copied: changing it afterwards changes nothing. Unknown operators and wrong numbers of
    arguments are errors of the evaluation, as JSONLogic has it, because they may stand in a branch that is
    never reached.

    Parameters:
        logic: the rule, as ``json.loads`` gives it.
        operators: functions by name, called with the evaluated arguments. They may take the names of
            built-in operators, which they then replace in this rule (arguments are evaluated first, also
            for ``if`` or ``and``). To fail so that ``try`` can catch it, raise ``LogicError``.
        backend: ``"cython"``, ``"python"`` or None for the selected one.
        allow_regex: whether ``matches`` may be used; it needs the package google-re2, whose running time
            is linear.
        max_depth: of nested operators and literals, at most 500.
        max_nodes: operators and values in the rule.
        max_operations: of one evaluation: nodes evaluated in loops, elements and characters produced.

    Returns:
        A callable: ``compiled(data)``.

    Raises:
        LimitError: the rule is too deep or too large.
        TypeError, ValueError: something in it is not JSON, or an argument is wrong; the message says where.
        ImportError: regular expressions are allowed but google-re2 is not installed.

    Complexity: linear in the size of the rule.
    """
    limits = {"max_depth": max_depth, "max_nodes": max_nodes, "max_operations": max_operations}
    for name, limit in limits.items():
        if type(limit) is not int:
            raise TypeError(f"{name} must be an int, not {type(limit).__name__}")
        highest = DEEPEST if name == "max_depth" else 1 << 60
        if not 1 <= limit <= highest:
            raise ValueError(f"{name} must be from 1 to {highest}, not {limit}")
    return CompiledLogic(logic, operators, (max_depth, max_nodes, max_operations), bool(allow_regex), backend)


def apply(
    logic: Any,
    data: Any = None,
    *,
    operators: Mapping[str, Callable[..., Any]] | None = None,
    backend: str | None = None,
) -> Any:
    """Evaluate a rule once; ``compile`` it instead to evaluate it often.

    Parameters, Raises: as ``compile`` and the callable that it returns.
    """
    return compile(logic, operators=operators, backend=backend)(data)


def _rebuilt(
    logic: Any, operators: dict[str, Callable[..., Any]], limits: tuple[int, int, int], allow_regex: bool
) -> CompiledLogic:
    return CompiledLogic(logic, operators, limits, allow_regex, None)


def _now() -> datetime:
    return datetime.now(UTC)


def _checked_operators(operators: Mapping[str, Callable[..., Any]] | None) -> dict[str, Callable[..., Any]]:
    if operators is None:
        return {}
    if not isinstance(operators, Mapping):
        raise TypeError(f"operators must map names to functions, not be {type(operators).__name__}")
    for name, function in operators.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of an operator must be a string, not {name!r}")
        if not name:
            raise ValueError("the name of an operator must not be empty")
        if not callable(function):
            raise TypeError(f"operator {name!r} must be a function, not {type(function).__name__}")
    return dict(operators)


class _Place:
    """Where in a rule something stands: a chain to the root, made text only for an error."""

    __slots__ = ("depth", "key", "outer")

    def __init__(self, outer: "_Place | None", key: str | int, depth: int) -> None:
        self.outer = outer
        self.key = key
        self.depth = depth

    def __str__(self) -> str:
        steps: list[str] = []
        place = self
        while place.outer is not None:
            steps.append(f"[{place.key}]" if isinstance(place.key, int) else f".{place.key}")
            place = place.outer
        return "logic" + "".join(reversed(steps))


def _snapshot(logic: Any, max_depth: int, max_nodes: int) -> Any:
    """A copy of plain lists, dicts (keys in order) and scalars; refused if too deep, large or not JSON."""
    result: list[Any] = [logic]
    pending: list[tuple[Any, Any, _Place, bool]] = [(result, 0, _Place(None, "", 0), False)]
    count = 0
    while pending:
        holder, key, place, is_arguments = pending.pop()
        count += 1
        if count > max_nodes:
            raise LimitError(f"the logic has more than max_nodes = {max_nodes} operators and values")
        value = holder[key]
        copy: Any
        members: Iterator[tuple[Any, Any]]
        if isinstance(value, Mapping):
            copy = _checked_object(value, place)
            members = iter(list(copy.items()))
        elif isinstance(value, (list, tuple)):
            copy = list(value)
            members = enumerate(copy)
        else:
            holder[key] = _checked_scalar(value, place)
            continue
        # the array of an operator's arguments is a part of the operator
        depth = place.depth + (isinstance(copy, dict) or not is_arguments)
        if depth > max_depth:
            raise LimitError(f"the logic is nested deeper than max_depth = {max_depth} levels")
        if count + len(copy) > max_nodes:
            raise LimitError(f"the logic has more than max_nodes = {max_nodes} operators and values")
        holder[key] = copy
        are_arguments = isinstance(copy, dict) and len(copy) == 1
        for name, _ in members:
            pending.append((copy, name, _Place(place, name, depth), are_arguments))
    return result[0]


def _checked_object(value: Mapping[Any, Any], place: _Place) -> dict[str, Any]:
    for name in value:
        if not isinstance(name, str):
            raise TypeError(f"{place}: the keys of an object must be strings, not {name!r}")
    return {str(name): value[name] for name in sorted(value)}


def _checked_scalar(value: Any, place: _Place) -> Any:
    """The value with the type that it stands for: subclasses of int, float and str become these."""
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is str:
        return value
    if not isinstance(value, _SCALARS):
        raise TypeError(f"{place}: {kind.__name__} is not a JSON value")
    for plain in (int, float, str):
        if isinstance(value, plain):
            value = plain(value)
    if isinstance(value, (float, Decimal)) and value != value:
        raise ValueError(f"{place}: NaN is not a JSON value")
    return value
