"""Warnings: what is valid but hardly meant."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore.errors import RuleSetError
from fastcore.rules import LintWarning, RuleSet

X, Y = {"var": "x"}, {"var": "y"}


def over(operand, than, op=">"):
    return {op: [operand, than]}


def warnings(*whens, **document):
    rules = [when if "id" in when else {"when": when} for when in whens]
    entries = [{"id": str(index), **rule} for index, rule in enumerate(rules)]
    return RuleSet({"rules": entries, **document}).warnings


def codes(*whens, **document):
    return [(warning.code, warning.rules) for warning in warnings(*whens, **document)]


@pytest.mark.parametrize(
    "when",
    [
        {"and": [over(X, 10), over(X, 5, "<")]},
        {"and": [over(X, 10), over(X, 10, "<=")]},
        {"and": [over(X, 10), {"==": [X, 10]}]},
        {"and": [over(X, 10), {"==": [X, "a"]}]},
        {"and": [{"==": [X, "a"]}, {"==": [X, "b"]}]},
        {"and": [{"==": [X, "a"]}, {"!=": [X, "a"]}]},
        {"and": [{"in": [X, ["a", "b"]]}, {"in": [X, ["c"]]}]},
        {"and": [{"in": [X, ["a", "b"]]}, {"!": [{"in": [X, ["a", "b", "c"]]}]}]},
        {"and": [{"==": [X, True]}, {"==": [X, 1]}]},
        {"and": [over(X, 10), {"!": [over(X, 3, ">=")]}]},
        {"and": [{"between": [X, 1, 5]}, over(X, 5)]},
        {"<": [10, X, 5]},
        {"!": [{"or": [over(X, 10, "<="), over(X, 5, ">=")]}]},
        {"or": [{"and": [over(X, 10), over(X, 5, "<")]}, False]},
        {"and": [over({"/": [X, Y]}, 10), over({"/": [X, Y]}, 5, "<")]},
        {"==": [X, None]},
        {"!=": [X, None]},
        {"and": [Y, {"==": [X, None]}]},
        {"==": [1, "1"]},
        {"==": [{"cat": [X]}, 5]},
        {"and": [X, False]},
        {">": [1, 2]},
        {"/": [1, 0]},
        False,
        None,
    ],
)
def test_never_fires(when):
    assert codes({"id": "0", "when": when}) == [("never-fires", ("0",))]


@pytest.mark.parametrize(
    "when", [True, 1, {"or": [X, True]}, {"<": [1, 2]}, {"!": [{"and": [X, False]}]}, {"in": [1, [1, 2]]}]
)
def test_always_fires(when):
    assert codes({"id": "0", "when": when}) == [("always-fires", ("0",))]


@pytest.mark.parametrize(
    "when",
    [
        over(X, 10),
        {"and": [over(X, 10), over(X, 12, "<=")]},
        {"and": [over(X, 10, ">="), over(X, 10, "<=")]},
        {"or": [over(X, 10), {"!": [over(X, 10)]}]},
        {"and": [over(X, 10), over(Y, 5, "<")]},
        {"and": [{"in": [X, ["a", "b"]]}, {"!=": [X, "a"]}]},
        {"missing": ["x"]},
        {"exists": ["x"]},
        {">": [{"now": []}, {"datetime": "2026-01-01T00:00:00Z"}]},
        {"or": [{"==": [X, None]}, Y]},
    ],
)
def test_nothing_to_warn_of(when):
    assert codes({"id": "0", "when": when}) == []


def test_duplicates():
    spelled = [{"and": [over(X, 1), {"==": [Y, "a"]}]}, {"and": [{"===": [Y, "a"]}, over(X, 1)]}]
    assert codes(*spelled) == [("duplicate", ("1", "0"))]
    limited = {"id": "0", "when": X, "valid_until": "2026-01-01T00:00:00Z"}
    assert codes(limited, {"id": "1", "when": X}) == []
    assert codes({"id": "0", "when": X, "enabled": False}, {"id": "1", "when": X}) == []
    assert codes(over(X, 1), over(X, 1), missing="jsonlogic") == [("duplicate", ("1", "0"))]


def acting(identity, when, **more):
    return {"id": identity, "when": when, "action": f"do {identity}", **more}


@pytest.mark.parametrize(
    ("earlier", "later", "shadowed"),
    [
        (over(X, 10), over(X, 20), True),
        (over(X, 10), over(X, 10, ">="), False),
        (over(X, 10, ">="), over(X, 10), True),
        (over(X, 20), over(X, 10), False),
        (over(X, 10), {"and": [over(X, 20), {"==": [Y, "a"]}]}, True),
        ({"and": [over(X, 10), Y]}, {"and": [over(X, 20), Y, {"var": "z"}]}, True),
        ({"and": [over(X, 10), Y]}, over(X, 20), False),
        ({"in": [X, ["a", "b"]]}, {"==": [X, "a"]}, True),
        ({"in": [X, ["a", "b"]]}, {"in": [X, ["a", "c"]]}, False),
        ({"!=": [X, "a"]}, {"==": [X, "b"]}, True),
        ({"!=": [X, "a"]}, {"==": [X, 5]}, False),
        ({"between": [X, 0, 10]}, {"==": [X, 5]}, True),
        ({"between": [X, 0, 10]}, {"between": [X, 1, 9]}, True),
        ({"between": [X, 0, 10]}, over(X, 5), False),
        (over(X, 1), {"==": [X, True]}, False),
    ],
)
def test_shadowed(earlier, later, shadowed):
    found = codes(acting("0", earlier), acting("1", later))
    assert found == ([("shadowed", ("1", "0"))] if shadowed else [])


def test_only_a_rule_before_it_with_an_action_shadows():
    assert codes({"id": "0", "when": over(X, 1)}, acting("1", over(X, 2))) == []
    assert codes(acting("0", over(X, 1)), {"id": "1", "when": over(X, 2)}) == []
    assert codes(acting("0", over(X, 1)), acting("1", over(X, 2), priority=1)) == []
    assert codes(acting("0", over(X, 2)), acting("1", over(X, 1), priority=1)) == [("shadowed", ("0", "1"))]
    assert codes(acting("0", over(X, 1), valid_from="2026-01-01T00:00:00Z"), acting("1", over(X, 2))) == []


def test_under_jsonlogic_only_what_holds_there():
    assert codes({"and": [over(X, 10), over(X, 5, "<")]}, {"==": [X, None]}, missing="jsonlogic") == []
    pair = (acting("0", over(X, 1)), acting("1", {"and": [over(X, 1), Y]}))
    assert codes(*pair, missing="jsonlogic") == [("shadowed", ("1", "0"))]
    # 1 == "1" there, and what raises behind a true operand of `or` is never asked
    assert codes({"==": [X, 1]}, {"===": [X, 1]}, missing="jsonlogic") == []
    raising = {"throw": "odd"}
    assert codes({"or": [X, raising]}, {"or": [raising, X]}, missing="jsonlogic") == []
    assert codes({"or": [X, Y]}, {"or": [X, Y]}, missing="jsonlogic") == [("duplicate", ("1", "0"))]
    assert codes(acting("0", over(X, 1)), acting("1", over(X, 2)), missing="jsonlogic") == []


def test_an_empty_list():
    found = warnings({"or": [Y, {"in": [X, {"list": "none"}]}]}, lists={"none": []})
    assert [warning.code for warning in found] == ["empty-list"]
    assert codes({"id": "0", "when": {"!": [{"in": [X, []]}]}}) == [
        ("never-fires", ("0",)),
        ("empty-list", ("0",)),
    ]


def test_records():
    (warning,) = warnings({"==": [X, None]})
    assert warning == LintWarning(
        ("0",),
        "rules[0].when",
        "never-fires",
        "the condition is never true: nothing equals null; "
        '{"missing": ["field"]} asks whether a field is absent',
    )


def test_many_rules_are_looked_at_in_reasonable_time():
    rules = [acting(str(index), {"and": [over(X, index), over(Y, -index)]}) for index in range(1000)]
    assert RuleSet({"rules": rules}).warnings == ()
    wide = {"and": [over({"var": f"f{index}"}, 1) for index in range(60)]}
    assert codes(acting("0", over({"var": "f0"}, 1)), acting("1", wide)) == [("shadowed", ("1", "0"))]


def test_long_lists():
    lists = {"one": list(range(2000)), "other": list(range(1, 2001))}
    one, other = ({"in": [X, {"list": name}]} for name in lists)
    assert codes(one, one, lists=lists) == [("duplicate", ("1", "0"))]
    assert codes(acting("0", one), acting("1", {"and": [Y, one]}), lists=lists) == [("shadowed", ("1", "0"))]
    assert codes(acting("0", one), acting("1", other), {"!": [one]}, lists=lists) == []


def test_constants_beyond_limits_do_not_matter():
    huge = {"*": [10**4000] * 80}
    assert codes({"id": "0", "when": {">": [huge, X]}}) == []
    assert codes({"id": "0", "when": {">": [huge, 1]}}) == []


# --- every warning is right ---------------------------------------------------------------------------------

FIELDS = ("x", "y")
VALUES = (-1, 0, 0.5, 1, 2, 2.5, "a", "b", "", True, False, None, 2**53, 2**53 + 1, float(2**53))
EVENTS = [
    {name: value for name, value in zip(FIELDS, pair, strict=True) if value != "absent"}
    for pair in itertools.product([*VALUES, "absent"], repeat=2)
]
CONSTANTS = (-1, 0, 1, 1.0, 2, 2.5, "a", "b", True, False, None, 2**53, 2**53 + 1, float(2**53))


def random_leaf(source):
    operand = {"var": source.choice(FIELDS)}
    if source.random() < 0.15:
        operand = {source.choice("+-*/"): [operand, source.choice([0, 1, 2])]}
    shape = source.randrange(6)
    if shape == 0:
        limits = [source.choice([0, 1, 2, 2.5, 3]) for _ in range(2)]
        return source.choice([{"between": [operand, *limits]}, {"<=": [limits[0], operand, limits[1]]}])
    if shape == 1:
        return {source.choice(["==", "!=", "===", "!=="]): [operand, source.choice(CONSTANTS)]}
    if shape == 2:
        members = [constant for constant in source.sample(CONSTANTS, 3) if constant is not None]
        return {"in": [operand, members[: source.randrange(4)]]}
    if shape == 3:
        odd = [{"missing": ["x"]}, {"exists": "y"}, {"throw": "odd"}, {"+": ["a", 1]}, True, False, None]
        return source.choice([operand, *odd, {"==": [{"cat": [operand]}, 1]}, {"??": [operand, True]}])
    pair = [operand, source.choice([0, 1, 2, 2.5, 2**53, 2**53 + 1])]
    return {source.choice(["<", "<=", ">", ">="]): pair if source.random() < 0.7 else pair[::-1]}


def random_condition(source, depth=2):
    if depth == 0 or source.random() < 0.35:
        return random_leaf(source)
    operator = source.choice(["and", "and", "or", "!", "!!", "if"])
    count = {"!": 1, "!!": 1, "if": 3}.get(operator) or source.randrange(1, 4)
    return {operator: [random_condition(source, depth - 1) for _ in range(count)]}


def random_rules(source):
    before = True
    for index in range(5):
        when = random_condition(source)
        if source.random() < 0.5:
            when = {"and": [when, before]}
        before = when
        action = {"action": source.choice("ab")} if source.random() < 0.7 else {}
        yield {"id": str(index), "when": when, "priority": source.randrange(2), **action}


@given(st.integers(0, 2**32), st.sampled_from(["unknown", "unknown", "jsonlogic"]))
def test_every_warning_is_right(seed, missing):
    source = random.Random(seed)
    try:
        rules = RuleSet({"rules": list(random_rules(source)), "missing": missing})
    except RuleSetError:  # such as null in a comparison under `unknown`
        return
    found = rules.warnings
    if not found:
        return
    order = {rule.id: index for index, rule in enumerate(rules.rules)}
    for event in source.sample(EVENTS, 60):
        fired = rules.matches(event)
        for warning in found:
            first, *others = warning.rules
            if warning.code in ("never-fires", "always-fires"):
                assert (first in fired) == (warning.code == "always-fires")
            elif warning.code == "duplicate":
                assert (first in fired) == (others[0] in fired)
            elif warning.code == "shadowed":
                by = rules.rules[order[others[0]]]
                assert by.action is not None
                assert order[by.id] < order[first]
                assert first not in fired or by.id in fired
