"""Warnings: what is valid but hardly meant."""

import pytest

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
    assert codes(acting("0", over({"var": "f0"}, 1)), acting("1", wide)) == []


def test_constants_beyond_limits_do_not_matter():
    huge = {"*": [10**4000] * 80}
    assert codes({"id": "0", "when": {">": [huge, X]}}) == []
    assert codes({"id": "0", "when": {">": [huge, 1]}}) == []
