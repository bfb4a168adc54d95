"""Rulesets so large that an index has other forms: rows that thresholds share, rows of some words only."""

import json
import random
from decimal import Decimal

import pytest

from fastcore.rules import RuleSet
from fastcore.rules.clauses import make_clauses

from .oracle import COMPARE, fired

OPS = ["<", "<=", ">", ">=", "==", "!="]


def numbered(conditions):
    return [{"id": f"r{index}", "when": logic, "score": index} for index, logic in enumerate(conditions)]


def agree(ruleset, rules, events):
    for event in events:
        wanted = fired(rules, event)
        assert ruleset.matches(event) == wanted, event
        decision = ruleset.evaluate(event)
        assert decision.matched == tuple(wanted), event
        assert decision.score == sum(int(rule[1:]) for rule in wanted)
        assert ruleset.first(event) == (wanted[0] if wanted else None)
        if not any(isinstance(value, Decimal) for value in event.values()):
            assert ruleset.evaluate_json(json.dumps(event)).matched == tuple(wanted), event


def shares_rows(ruleset):
    """Whether the index is far smaller than it would be with a row of all clauses for each interval."""
    plan = make_clauses(ruleset._plan.trees)
    rows = sum(len(operand.steps) for operand in plan.operands)
    return 3 * ruleset._engine.matcher.nbytes < rows * len(plan.owners) // 8


def near(random, values, count):
    """Values and their neighbours, in different types."""
    for value in random.sample(values, count):
        yield random.choice(
            [value, value - 1, value + 1, value + 0.5, float(value), Decimal(value) - Decimal("0.5")]
        )


def test_thousands_of_thresholds_share_rows(backend):
    """Comparisons that end, begin, end again and begin again within what shares a row."""
    draw = random.Random(1)
    values = draw.sample(range(-20000, 20000), 3200)
    conditions = []
    for at, value in enumerate(values):
        leaf = {OPS[at % 6]: [{"var": "x"}, value]}
        if at % 5 == 1:
            leaf = {"between": [{"var": "x"}, value, value + draw.choice([0, 1, 2, 40, 5000])]}
        elif at % 7 == 2:  # a clause that falls and rises many times in a row
            leaf = {"in": [{"var": "x"}, [value + step for step in range(0, 2 * draw.randrange(1, 9), 2)]]}
        elif at % 11 == 3:
            leaf = {"and": [leaf, {"<": [{"var": "y"}, draw.choice([1, 2, 3])]}]}
        conditions.append(leaf if at % 4 else {"!": [leaf]})
    rules = numbered(conditions)
    ruleset = RuleSet({"rules": rules}, backend=backend)
    if backend == "cython":
        assert shares_rows(ruleset)
    events = [{"x": value, "y": at % 4} for at, value in enumerate(near(draw, values, 40))]
    events += [{"x": value, "y": 2.0} for value in (-1e300, 1e300, -20001, 20000, 10**30)]
    agree(ruleset, rules, [*events, {"x": "text"}, {"y": 1}, {}])


@pytest.mark.parametrize("op", OPS)
def test_thousands_of_one_comparison(op, backend):
    """Rules that only begin, only end, or do both at once, as the number grows."""
    bounds = random.Random(4).sample(range(0, 9000, 3), 3000)
    rules = numbered([{op: [{"var": "x"}, bound]} for bound in bounds])
    ruleset = RuleSet({"rules": rules}, backend=backend)
    if backend == "cython" and op != "!=":
        assert shares_rows(ruleset)
    for x in [*range(-1, 9000, 450), *range(4000, 4040), 0.5, 8999, 10**20]:
        wanted = [f"r{at}" for at, bound in enumerate(bounds) if COMPARE[op](x, bound)]
        assert ruleset.matches({"x": x}) == wanted, x


def test_every_threshold_of_one_run(backend):
    """Every position between neighbouring thresholds, so that runs are met from their first to their last."""
    draw = random.Random(2)
    bounds = [(low, low + draw.randrange(1, 12)) for low in range(0, 5200, 2)]
    draw.shuffle(bounds)
    conditions = [
        {"and": [{(">", ">=")[at % 2]: [{"var": "x"}, low]}, {("<", "<=")[at % 3 > 0]: [{"var": "x"}, high]}]}
        for at, (low, high) in enumerate(bounds)
    ]
    ruleset = RuleSet({"rules": numbered(conditions)}, backend=backend)
    if backend == "cython":
        assert shares_rows(ruleset)
    for x in [*range(0, 5220, 7), *[at + 0.5 for at in range(0, 5220, 11)], *range(2000, 2200)]:
        wanted = {f"r{at}" for at, (low, high) in enumerate(bounds) if low <= x <= high}
        found = ruleset.matches({"x": x})
        maybe = {f"r{at}" for at, pair in enumerate(bounds) if x in pair}
        assert wanted - maybe <= set(found) <= wanted, x
        assert found == sorted(found, key=lambda rule: int(rule[1:]))
        for rule in maybe:
            at = int(rule[1:])
            low, high = bounds[at]
            holds = (low < x if at % 2 == 0 else low <= x) and (x <= high if at % 3 else x < high)
            assert (rule in found) is holds, (x, rule)


def sparse_rules(draw):
    """A few rules over `x`, among so many clauses of other fields that rows of `x` hold some words only.

    Lists of numbers give `x` so many thresholds that its rows are shared as well.
    """
    filler = [
        {"or": [{draw.choice(OPS): [{"var": f"f{field}"}, draw.randrange(6)]} for field in range(16)]}
        for _ in range(140)
    ]
    lists = [{"in": [{"var": "x"}, sorted(draw.sample(range(60000), 24))]} for _ in range(560)]
    texts = [
        {"and": [{"==": [{"var": "s"}, f"text {at % 7}"]}, {">": [{"var": "x"}, at]}]} for at in range(40)
    ]
    return numbered([*filler[:70], *lists[:300], *filler[70:], *lists[300:], *texts])


def test_operands_of_few_rules(backend):
    draw = random.Random(3)
    rules = sparse_rules(draw)
    ruleset = RuleSet({"rules": rules}, backend=backend)
    clauses = make_clauses(ruleset._plan.trees)
    (users,) = [operand.users for operand in clauses.operands if operand.tree == ("var", ("x",), 0)]
    assert 3 * len({clause // 64 for clause in users}) < len(clauses.owners) // 64
    if backend == "cython":
        assert shares_rows(ruleset)
    members = [number for rule in rules if "in" in rule["when"] for number in rule["when"]["in"][1]]
    events = []
    for at, value in enumerate(near(draw, members, 30)):
        others = {f"f{field}": draw.randrange(-1, 7) for field in range(at % 17)}
        events.append({"x": value, "s": f"text {at % 9}", **others})
    agree(ruleset, rules, [*events, {"x": True}, {"s": "text 1"}, {}])


@pytest.mark.parametrize("fields", [40, 700])
def test_many_fields_with_few_rules_each(backend, fields):
    """Rows of some words only, of every type of value; and more fields than a function is generated for."""
    draw = random.Random(fields)
    values = [0, 1, 2.5, "a", "abcdefghi", "é", True, False]
    conditions = []
    for at in range(900):
        operand = {"var": f"f{at * fields // 900}" if at % 3 else f"o.f{at * fields // 900}"}
        value = draw.choice(values)
        leaf = {draw.choice(["==", "!="]): [operand, value]}
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            leaf = {draw.choice(OPS): [{"+": [operand, {"var": "f0"}]} if at % 50 == 0 else operand, value]}
        elif at % 10 == 0:
            leaf = operand
        conditions.append(draw.choice([leaf, {"!": [leaf]}]))
    rules = numbered(conditions)
    ruleset = RuleSet({"rules": rules}, backend=backend)
    events = []
    for _ in range(25):
        held = {
            f"f{field}": draw.choice([*values, None, [], 2**53 + 1])
            for field in range(fields)
            if draw.random() < 0.8
        }
        events.append({**held, "o": {key: draw.choice(values) for key in held}})
    agree(ruleset, rules, events)
