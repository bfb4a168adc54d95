"""Random JSONLogic on both backends and on other engines: the same values, or an error from each.

Logic on which another engine does not do what the public suites say is not drawn for it; `mixed` and `plain`
say what that is. A peer that is not installed is skipped; ``nox -s differential`` installs them.
"""

import math
import os

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import LogicError
from fastcore.rules import jsonlogic
from tests.conftest import cython_problem

EXAMPLES = int(os.environ.get("FASTCORE_EXAMPLES", "150"))
BACKENDS = [name for name in _backend.NAMES if name == "python" or cython_problem() is None]
FAILED = "an error"

many_examples = settings(max_examples=EXAMPLES)

# --- logic that means the same to all -----------------------------------------------------------------------

PLACES = ["n", "s", "f", "o.n", "o.s", "list", "list.0", "rows", "rows.1.n", "absent", "absent.x"]
small = st.integers(-9, 20) | st.sampled_from([0, 0.5, -1.5, 2.25, 1000])
words = st.sampled_from(["", "x", "y", "xyz", "ünï", "apple", "A"])
scalars = st.one_of(st.none(), st.booleans(), small, words)
arrays = st.lists(scalars, max_size=4)


def operation(names, *operands):
    return st.builds(lambda name, *given: {name: list(given)}, st.sampled_from(names.split()), *operands)


def several(names, operand, least, most):
    given_to = st.lists(operand, min_size=least, max_size=most)
    return st.builds(lambda name, operands: {name: operands}, st.sampled_from(names.split()), given_to)


def read(*places):
    return st.sampled_from(places).map(lambda place: {"var": place})


def missing_or(places, default):
    return read(*places) | st.builds(
        lambda place, value: {"var": [place, value]}, st.sampled_from(places), default
    )


def typed(elements):
    """Logic by the type of its value: a number, a text, a truth, anything; with elements of arrays or not."""
    body = operation("+ *", read(""), small)
    test = operation("> < <= ==", read(""), small)
    keys = st.sampled_from([place for place in PLACES if elements or not place.endswith("s")])
    fold = operation("+ *", read("current"), read("accumulator"))
    some_numbers = [operation("reduce", st.deferred(lambda: numbers), fold, small)] if elements else []
    number = st.deferred(
        lambda: st.one_of(
            small,
            missing_or(["n", "o.n"], small),
            several("+ * min max", number, 1, 3),
            operation("-", number, number),
            operation("-", number),
            operation("/ %" if elements else "/", number, small.filter(bool)),
            operation("if ?:", truth, number, number),
            *some_numbers,
        )
    )
    text = st.deferred(
        lambda: st.one_of(
            words,
            missing_or(["s", "o.s"], words),
            several("cat", text, 1, 3),
            operation("substr", text, st.integers(-3, 3)),
            operation("substr", text, st.integers(-3, 3), st.integers(-3, 3)),
            operation("if", truth, text, text),
        )
    )
    made = [
        st.deferred(lambda: operation("map", numbers, body)),
        st.deferred(lambda: operation("filter", numbers, test)),
    ]
    numbers = st.one_of(
        st.lists(small, max_size=4),
        read("list"),
        st.deferred(lambda: several("merge", numbers, 1, 2)),
        *(made if elements else []),
    )
    truth = st.deferred(
        lambda: st.one_of(
            st.booleans(),
            read("f"),
            operation("< <= > >= == != === !==", number, number),
            operation("< <=", number, number, number),
            operation("== != === !==", text, text),
            operation("in", text, text),
            operation("in", number | text, numbers | st.lists(words, max_size=3)),
            several("and or", truth, 1, 3),
            operation("! !!", truth | number | text | numbers),
            operation("=== !==", scalars, scalars),
            *([operation("some all none", numbers, test)] if elements else []),
        )
    )
    anything = st.deferred(
        lambda: st.one_of(
            number,
            text,
            truth,
            numbers,
            missing_or(PLACES, scalars),
            several("missing", keys, 1, 3),
            operation("missing_some", st.integers(0, 3), st.lists(keys, max_size=3)),
            several("and or", anything, 1, 3),
            operation("if", anything, anything, anything),
        )
    )
    return anything


mixed = typed(elements=True)
"""What datalogic-py decides as the suites do. Not drawn: absent or null operands, division by nothing."""

plain = typed(elements=False)
"""What json-logic-qubit decides so: of the above, not `%`, whose sign is the divisor's there, nor iterations,
in which it does not see an element that is 0, nor `missing` of a text, which for it is missing if empty."""

# --- anything at all, for the engines that decide it alike --------------------------------------------------

wild = st.recursive(
    st.one_of(scalars, arrays, missing_or([*PLACES, ""], scalars)),
    lambda inner: st.one_of(
        several("+ * - / % min max", inner, 1, 3),
        several("== != === !== < <= > >=", inner, 2, 3),
        several("and or ! !! if cat merge ??", inner, 1, 3),
        several("in substr some all none map filter reduce", inner, 2, 3),
        several("missing", inner, 0, 3),
        operation("missing_some", inner, inner),
        several("val exists throw length", inner, 1, 2),
        several("try", inner, 1, 3),
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)
data = st.fixed_dictionaries(
    {
        "n": small,
        "s": words,
        "f": st.booleans(),
        "o": st.fixed_dictionaries({"n": small, "s": words}),
        "list": st.lists(small, min_size=1, max_size=3),
        "rows": st.lists(st.fixed_dictionaries({"n": small}), min_size=2, max_size=3),
    },
)
wild_data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["n", "s", "o"]), inner),
    max_leaves=5,
)


def outcome(evaluate, *arguments):
    """A value in which 1 is not true, or that it failed."""
    try:
        return exact(evaluate(*arguments))
    except Exception:
        return FAILED


def exact(value):
    if isinstance(value, list):
        return [exact(member) for member in value]
    if isinstance(value, dict):
        return {key: exact(member) for key, member in value.items()}
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return ("number", round(value, 9) if math.isfinite(value) else value)


def error_of(logic, event, backend):
    try:
        return exact(jsonlogic.compile(logic, backend=backend)(event))
    except LogicError as error:
        return str(error)


@many_examples
@given(mixed | wild, data | wild_data)
def test_the_backends_agree_on_any_logic(logic, event):
    found = [error_of(logic, event, backend) for backend in BACKENDS]
    assert found == [found[0]] * len(found)


@many_examples
@given(mixed, data)
def test_datalogic_agrees(logic, event):
    engine = pytest.importorskip("datalogic_py", reason="datalogic-py is not installed").Engine()
    assume(not isinstance(logic, str))  # which it takes for JSON text
    theirs = outcome(lambda: engine.compile(logic).evaluate(event))
    assert outcome(jsonlogic.compile(logic), event) == theirs


@many_examples
@given(plain, data)
def test_qubit_agrees(logic, event):
    peer = pytest.importorskip("json_logic", reason="json-logic-qubit is not installed").jsonLogic
    assert outcome(jsonlogic.compile(logic), event) == outcome(peer, logic, event)
