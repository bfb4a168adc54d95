"""Three-valued logic against a truth-table oracle, and both backends on random, ugly events."""

import dataclasses
import datetime as dt
import json
import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import EvaluationError, FastcoreError
from fastcore.rules import RuleSet

# --- the oracle: what the tables say, and nothing of how fastcore does it -----------------------------------

UNKNOWN = "unknown"


def oracle(logic, event):
    """True, False or UNKNOWN of a condition over number and boolean fields of a flat event."""
    if not isinstance(logic, dict):
        return bool(logic)
    ((op, operands),) = logic.items()
    if op == "var":
        value = read(operands, event)
        return UNKNOWN if value is UNKNOWN else bool(value)
    if op in ("and", "or"):
        found = [oracle(operand, event) for operand in operands]
        order = [False, UNKNOWN, True] if op == "and" else [True, UNKNOWN, False]
        return min(found, key=order.index)
    if op in ("!", "!!"):
        found = oracle(operands[0], event)
        return found if found is UNKNOWN or op == "!!" else not found
    if op == "if":
        test = oracle(operands[0], event)
        return UNKNOWN if test is UNKNOWN else oracle(operands[1 if test else 2], event)
    if op == "missing":
        return any(read(key, event) is UNKNOWN for key in operands)
    if op == "in":
        return member(read(operands[0]["var"], event), operands[1])
    left, right = (read(x["var"], event) if isinstance(x, dict) else x for x in operands)
    return compare(op, left, right)


def read(key, event):
    value = event.get(key)
    return UNKNOWN if value is None or (isinstance(value, float) and math.isnan(value)) else value


def kind(value):
    return "bool" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"


def member(value, array):
    if value is UNKNOWN:
        return UNKNOWN
    same = [each for each in array if kind(each) == kind(value)]
    return UNKNOWN if not same else any(each == value for each in same)


def compare(op, left, right):
    if UNKNOWN in (left, right) or kind(left) != kind(right):
        return UNKNOWN
    if op in ("==", "!="):
        return (left == right) == (op == "==")
    if kind(left) == "bool":
        return UNKNOWN
    if kind(left) == "number" and math.isfinite(left) and math.isfinite(right):
        left, right = Fraction(left), Fraction(right)
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op]


FIELDS = list("abcd")
fields = st.sampled_from(FIELDS).map(lambda name: {"var": name})
constants = st.one_of(st.integers(-2, 2), st.sampled_from([0.5, 1.0, 2**53, 2**53 + 1, "x", "y", "1"]))
leaves = st.one_of(
    fields,
    st.booleans(),
    st.builds(
        lambda op, a, b: {op: [a, b]},
        st.sampled_from(["<", "<=", ">", ">="]),
        fields,
        st.one_of(fields, constants),
    ),
    st.builds(
        lambda op, a, b: {op: [a, b]},
        st.sampled_from(["==", "!="]),
        fields,
        st.one_of(fields, constants, st.booleans()),
    ),
    st.builds(lambda a, b: {"in": [a, b]}, fields, st.lists(st.one_of(constants, st.booleans()), max_size=4)),
    st.builds(lambda keys: {"missing": keys}, st.lists(st.sampled_from(FIELDS), min_size=1, max_size=2)),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            lambda op, parts: {op: parts},
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=1, max_size=4),
        ),
        st.builds(lambda op, part: {op: [part]}, st.sampled_from(["!", "!!"]), inner),
        st.builds(lambda a, b, c: {"if": [a, b, c]}, inner, inner, inner),
    ),
    max_leaves=12,
)
simple = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from(
        [
            0.5,
            1.0,
            math.nan,
            math.inf,
            2.0**53,
            2**53,
            2**53 + 1,
            "x",
            "y",
            "1",
            "",
            Decimal("0.5"),
            Decimal(1),
        ]
    ),
)
events = st.dictionaries(st.sampled_from(FIELDS), simple)


def backends():
    try:
        _backend.load_extension()
    except ImportError:
        return ("python",)
    return ("cython", "python")


@settings(max_examples=400, deadline=None)
@given(conditions, events)
def test_conditions_follow_the_truth_tables(logic, event):
    expected = oracle(logic, event)
    document = {"rules": [{"id": "it", "when": logic}, {"id": "not", "when": {"!": [logic]}}]}
    for backend in backends():
        matched = RuleSet(document, backend=backend).matches(event)
        assert matched == {True: ["it"], False: ["not"], UNKNOWN: []}[expected]


@settings(max_examples=200, deadline=None)
@given(st.lists(conditions, min_size=1, max_size=4), events)
def test_error_raises_exactly_where_unknown_leaves_a_rule_unknown(logics, event):
    rules = [{"id": str(index), "when": logic} for index, logic in enumerate(logics)]
    truths = [oracle(logic, event) for logic in logics]
    for backend in backends():
        lenient = RuleSet({"rules": rules}, backend=backend)
        strict = RuleSet({"rules": rules, "missing": "error"}, backend=backend)
        if UNKNOWN in truths:
            with pytest.raises(EvaluationError) as caught:
                strict.evaluate(event)
            assert caught.value.rule == str(truths.index(UNKNOWN))
            assert caught.value.reason
        else:
            assert strict.matches(event) == lenient.matches(event)


@settings(max_examples=200, deadline=None)
@given(conditions, events)
def test_explanations_agree_with_matches(logic, event):
    rules = RuleSet({"rules": [{"id": "it", "when": logic}]})
    explained = rules.explain(event).rules[0]
    assert explained.fired == (rules.matches(event) == ["it"])
    assert explained.condition.value is {True: True, False: False, UNKNOWN: None}[oracle(logic, event)]
    json.loads(rules.explain(event).to_json())
    assert explained.why


@settings(max_examples=300, deadline=None)
@given(st.lists(conditions, min_size=1, max_size=4), events)
def test_warnings_are_right(logics, event):
    actions = [{"action": str(index)} for index in range(len(logics))]
    rules = [
        {"id": str(index), "when": logic, **action}
        for (index, logic), action in zip(enumerate(logics), actions, strict=True)
    ]
    ruleset = RuleSet({"rules": rules})
    matched = ruleset.matches(event)
    for warning in ruleset.warnings:
        first = warning.rules[0]
        if warning.code == "never-fires":
            assert first not in matched
        if warning.code == "always-fires":
            assert first in matched
        if warning.code == "duplicate":
            assert (first in matched) == (warning.rules[1] in matched)
        if warning.code == "shadowed" and first in matched:
            assert warning.rules[1] in matched


# --- both backends, whatever comes --------------------------------------------------------------------------


@dataclasses.dataclass
class Record:
    a: object
    b: object


class Sub(dict):
    pass


MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ugly_scalars = st.one_of(
    simple,
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.decimals(),
    st.text(max_size=3),
    st.sampled_from(
        [MOMENT, MOMENT.replace(tzinfo=None), MOMENT.date(), dt.timedelta(1), b"x", {1}, object, 10**400]
    ),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01", "P1D", "10.0.0.1", "::1"]),
)
ugly = st.recursive(
    ugly_scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(FIELDS), inner),
        st.dictionaries(st.sampled_from(FIELDS), inner).map(Sub),
        st.builds(Record, inner, inner),
    ),
    max_leaves=6,
)
paths = st.sampled_from(["a", "b", "c", "d", "a.b", "a.0", "b.1", "a.a.b", "", "c.d"])
ugly_fields = st.one_of(
    paths.map(lambda path: {"var": path}),
    st.builds(lambda path, default: {"var": [path, default]}, paths, st.sampled_from([0, "x", False])),
    st.lists(st.sampled_from(FIELDS), max_size=2).map(lambda keys: {"val": keys}),
)


def operation(names, inner, least, most):
    return st.builds(
        lambda op, parts: {op: parts}, st.sampled_from(names), st.lists(inner, min_size=least, max_size=most)
    )


expressions = st.recursive(
    st.one_of(ugly_fields, ugly_fields, st.sampled_from([1, 2.5, -1, 10**20])),
    lambda inner: st.one_of(
        operation(["+", "-", "*", "/", "min", "max"], inner, 1, 3),
        operation(["%"], inner, 2, 3),
        operation(["<", "<=", "==", "!=", ">", ">="], inner, 2, 3),
        operation(["and", "or", "if", "??", "cat", "try", "merge"], inner, 1, 3),
        operation(["!", "!!", "lower", "length", "throw", "datetime", "date", "duration"], inner, 1, 1),
        operation(["in", "contains", "starts_with", "some", "all", "none", "filter", "map"], inner, 2, 2),
        operation(["between", "reduce"], inner, 3, 3),
        st.builds(lambda part: {"in": [part, [1, "x", 2.5, True]]}, inner),
        st.builds(lambda part: {"in_network": [part, ["10.0.0.0/8", "::/64"]]}, ugly_fields),
        st.builds(lambda keys: {"missing": keys}, st.lists(st.sampled_from(["a", "a.b", "c"]), max_size=2)),
        st.builds(lambda a, b: {"date_diff": [a, b, "hours"]}, inner, inner),
    ),
    max_leaves=8,
)


def outcome(ruleset, event):
    """Everything that a ruleset says of an event, or how it refuses to."""
    try:
        return repr((ruleset.evaluate(event, now=MOMENT), str(ruleset.explain(event, now=MOMENT))))
    except FastcoreError as error:
        return f"{type(error).__name__}: {error}"


def ruleset_or_none(logics, policy, backend):
    rules = [{"id": str(index), "when": logic} for index, logic in enumerate(logics)]
    try:
        return RuleSet({"rules": rules, "missing": policy}, backend=backend)
    except FastcoreError as error:
        return str(error)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(expressions, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(FIELDS), ugly),
    st.sampled_from(["unknown", "error", "jsonlogic"]),
)
def test_backends_agree_and_nothing_crashes(logics, event, policy):
    found = [ruleset_or_none(logics, policy, backend) for backend in backends()]
    if isinstance(found[0], str):
        assert len(set(found)) == 1
        return
    assert len({outcome(ruleset, event) for ruleset in found}) == 1
    for ruleset in found:
        assert ruleset.warnings == found[0].warnings
