"""Rulesets that are as unkind as they can be: their plans stay small, and the right rules still fire."""

import random
import sys

import pytest

from fastcore.rules import RuleSet
from fastcore.rules.clauses import MAX_CLAUSES, make_clauses
from fastcore.rules.document import check_document
from fastcore.rules.language import MAX_DEPTH, MAX_NODES


def var(name):
    return {"var": name}


def document(conditions, **rest):
    return {"rules": [{"id": f"r{i}", "when": when} for i, when in enumerate(conditions)], **rest}


def plan_of(conditions):
    return make_clauses(check_document(document(conditions)).trees)


def entries(plan):
    """How many clause numbers a plan holds: what its size is made of."""
    return sum(
        len(operand.users)
        + sum(map(len, operand.steps))
        + sum(map(len, operand.strings.values()))
        + len(operand.unnamed)
        + len(operand.false)
        + len(operand.true)
        + len(operand.falsy)
        + len(operand.truthy)
        for operand in plan.operands
    )


counts_allocations = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="tracemalloc counts CPython's allocations"
)


def allocated(make):
    """What a call gives, and how many bytes are allocated for it and still held."""
    import tracemalloc

    make()  # what is made once in a process is none of its bytes
    tracemalloc.start()
    try:
        result = make()
        return result, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def nothing_shared(count):
    """Each rule reads a field of its own."""
    return [{">": [var(f"f{i}"), i]} for i in range(count)]


def distinct_thresholds(count):
    return [{">": [var("x"), i + 0.5]} for i in range(count)]


def many_operands(count, operands):
    source = random.Random(1)
    return [
        {
            "and": [
                {">": [var(f"f{operand}"), source.random()]} for operand in source.sample(range(operands), 5)
            ]
        }
        for _ in range(count)
    ]


def residuals(count):
    """Conditions that no set of values of one operand describes."""
    return [{"starts_with": [var("s"), f"{i:04}"]} for i in range(count)]


def twenty_ors():
    pairs = [{"or": [{"<": [var(f"a{i}"), 0]}, {">": [var(f"b{i}"), 0]}]} for i in range(20)]
    return {"and": pairs}


def test_rules_that_share_nothing(backend):
    conditions = nothing_shared(500)
    plan = plan_of(conditions)
    assert len(plan.operands) == len(plan.owners) == 500
    assert entries(plan) <= 3 * 500
    ruleset = RuleSet(document(conditions), backend=backend)
    assert ruleset.matches({f"f{i}": i + (i % 100 == 0) for i in range(500)}) == [
        f"r{i}" for i in range(0, 500, 100)
    ]


def test_ten_thousand_thresholds_on_one_field(backend):
    conditions = distinct_thresholds(10_000)
    plan = plan_of(conditions)
    assert len(plan.operands) == 1
    assert len(plan.operands[0].thresholds) == len(plan.operands[0].cuts) == 10_000
    assert entries(plan) <= 3 * 10_000
    ruleset = RuleSet(document(conditions), backend=backend)
    assert ruleset.matches({"x": 3}) == ["r0", "r1", "r2"]
    assert len(ruleset.matches({"x": 5000})) == 5000
    assert len(ruleset.matches({"x": 10**9})) == 10_000
    assert ruleset.matches({"x": 0.5}) == ruleset.matches({"x": "5"}) == ruleset.matches({}) == []


def test_five_hundred_operands(backend):
    conditions = many_operands(2000, 500)
    plan = plan_of(conditions)
    assert len(plan.operands) == 500
    assert entries(plan) <= 3 * 5 * 2000
    ruleset = RuleSet(document(conditions), backend=backend)
    source = random.Random(2)
    event = {f"f{i}": source.random() for i in range(500)}
    expected = [
        f"r{i}"
        for i, condition in enumerate(conditions)
        if all(event[part[">"][0]["var"]] > part[">"][1] for part in condition["and"])
    ]
    assert expected
    assert ruleset.matches(event) == expected


def test_rules_that_are_all_residuals(backend):
    conditions = residuals(1000)
    plan = plan_of(conditions)
    assert len(plan.operands) == 1000
    assert all(operand.condition for operand in plan.operands)
    assert entries(plan) <= 5 * 1000
    ruleset = RuleSet(document(conditions), backend=backend)
    assert ruleset.matches({"s": "0042 and more"}) == ["r42"]


def test_equal_residuals_are_one(backend):
    conditions = residuals(5) * 200
    assert len(plan_of(conditions).operands) == 5
    assert len(RuleSet(document(conditions), backend=backend).matches({"s": "0001"})) == 200


@pytest.mark.parametrize("negated", [False, True])
def test_twenty_ors_under_one_and(backend, negated):
    condition = twenty_ors()
    if negated:  # ands under an or, whose negation is the same product
        pairs = [{"and": [{">=": [var(f"a{i}"), 0]}, {"<=": [var(f"b{i}"), 0]}]} for i in range(20)]
        condition = {"!": [{"or": pairs}]}
    plan = plan_of([condition] * 10)
    assert len(plan.owners) <= 10 * MAX_CLAUSES
    assert len(plan.operands) <= 60
    assert entries(plan) <= 10 * MAX_CLAUSES * 60
    ruleset = RuleSet(document([condition]), backend=backend)
    event = {f"{'ab'[i % 2]}{i}": (-1, 1)[i % 2] for i in range(20)}
    assert ruleset.matches(event) == ["r0"]
    assert ruleset.matches({**event, "a0": 1}) == []
    assert ruleset.matches({**event, "a0": 1, "b0": 1}) == ["r0"]


def test_alternatives_of_alternatives(backend):
    condition = twenty_ors()
    for _ in range(10):
        condition = {"and": [{"or": [condition, {"==": [var("c"), "x"]}]}, {"!=": [var("d"), "y"]}]}
    plan = plan_of([condition])
    assert len(plan.owners) <= MAX_CLAUSES
    event = {f"a{i}": -1 for i in range(20)}
    ruleset = RuleSet(document([condition]), backend=backend)
    assert ruleset.matches({**event, "d": "z"}) == ruleset.matches({"c": "x", "d": "z"}) == ["r0"]
    assert ruleset.matches({**event, "d": "y"}) == ruleset.matches({"c": "x"}) == []


def test_a_wide_or_is_matched(backend):
    condition = {"or": [{"and": [{">": [var(f"a{i}"), 0]}, {">": [var(f"b{i}"), 0]}]} for i in range(300)]}
    plan = plan_of([{"and": [condition, {">": [var("c"), 0]}]}])
    assert len(plan.owners) <= 300
    ruleset = RuleSet(document([{"and": [condition, {">": [var("c"), 0]}]}]), backend=backend)
    assert ruleset.matches({"a299": 1, "b299": 1, "c": 1}) == ["r0"]
    assert ruleset.matches({"a299": 1, "b298": 1, "c": 1}) == []


def test_conditions_nested_at_the_limit(backend):
    leaf = {">": [var("x"), 0]}
    nested = []
    for op in ("!", "!!", "and", "or", "if"):
        logic = leaf
        for _ in range(MAX_DEPTH - 1):
            logic = {op: [True, logic, False]} if op == "if" else {op: [logic]}
        nested.append(logic)
    ruleset = RuleSet(document(nested), backend=backend)
    inverted = (MAX_DEPTH - 1) % 2
    assert ruleset.matches({"x": 1}) == [*["r0"][inverted:], "r1", "r2", "r3", "r4"]
    assert ruleset.matches({"x": 0}) == ["r0"][:inverted]
    assert ruleset.matches({}) == []
    assert ruleset.explain({"x": 1}, "r2").rules[0].fired


def test_the_largest_condition(backend):
    count = (MAX_NODES - 1) // 3
    one_of = {"or": [{"==": [var("x"), i]} for i in range(count)]}
    none_of = {"and": [{"!=": [var("x"), i]} for i in range(count)]}
    plan = plan_of([one_of, none_of])
    assert len(plan.owners) == 2
    assert len(plan.operands) == 1
    ruleset = RuleSet(document([one_of, none_of]), backend=backend)
    assert ruleset.matches({"x": 77}) == ["r0"]
    assert ruleset.matches({"x": -1}) == ["r1"]
    assert ruleset.matches({"x": 0.5}) == ["r1"]


@counts_allocations
@pytest.mark.parametrize(
    "conditions",
    [nothing_shared, distinct_thresholds, residuals, lambda count: many_operands(count, count)],
    ids=["nothing shared", "thresholds", "residuals", "operands"],
)
def test_what_a_ruleset_keeps_of_its_document_is_linear(conditions):
    """Apart from the matcher, whose rows are as many as the operands' values."""
    sizes = []
    for count in (250, 500):
        made = document(conditions(count))
        checked, size = allocated(lambda made=made: check_document(made))
        assert len(checked.rules) == count
        sizes.append(size)
    assert sizes[1] <= 3 * sizes[0]
    assert sizes[1] <= 500 * 4000


@counts_allocations
def test_the_document_is_kept_as_text():
    """Equal conditions share their trees, and nothing of the document's objects stays."""
    condition = {"and": [{">": [var("amount"), 10]}, {"in": [var("country"), ["NZ", "CL", "AU", "PE"]]}]}
    made = document([condition] * 2000)
    kept, size = allocated(lambda: check_document(made))
    assert kept.rules[7].when == condition
    assert len({id(leaf) for tree in kept.trees for leaf in tree[1:]}) == 2
    assert size <= len(bytes(kept.text)) + 2000 * 600


@counts_allocations
def test_memory_of_thresholds_is_bounded(backend):
    made = document(distinct_thresholds(1000))
    _, size = allocated(lambda: RuleSet(made, backend=backend))
    # a row of a bit per clause for each threshold, and what the document takes
    assert size <= 1000 * (1000 // 8 + 100) + 1000 * 4000
