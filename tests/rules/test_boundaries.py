"""Conditions at, just below and just above their constants: every way to an answer against an oracle."""

import datetime as dt
import json
import math
from collections import OrderedDict
from decimal import Context, Decimal
from fractions import Fraction
from types import MappingProxyType

import pytest

from fastcore.errors import EvaluationError
from fastcore.rules import RuleSet

from .oracle import fired, truth

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NUMBERS = [
    *[-(10**400), -1e308, -(2**64), -(2**53) - 1, -(2**53), -7, -5e-324, -0.0, 0, 5e-324],
    *[0.1, 1, 1.5, 3, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 10**23, 1e308, 10**400],
]
# around the sizes that a look-up by hash tells apart, in UTF-8 and in code points
STRINGS = [
    "",
    "a",
    "b",
    "abc",
    "abd",
    "ac",
    "abcd",
    "abcdefg",
    "abcdefgh",
    "abcdefghi",
    "bbcdefghi",
    "é",
    "日本",
]
STRINGS += ["z" * 16, "z" * 15 + "y", "\U0001f600", "1", "true"]
MIXED = [[1, "a"], [1, True], ["a", False], [0, "", False], [True, False], [3, 0.1, "é", True], [1, 3, 7], []]
COMPARISONS = ["<", "<=", ">", ">=", "==", "!=", "===", "!=="]
EQUALITIES = COMPARISONS[4:]


def number_leaves(operand):
    """By constant, the conditions that compare an operand with numbers."""
    for number, higher in zip(NUMBERS, [*NUMBERS[2:], 10**401, 10**402], strict=True):
        leaves = [{op: [operand, number]} for op in COMPARISONS]
        leaves += [{op: [number, operand]} for op in COMPARISONS]
        leaves += [{op: [number, operand, higher]} for op in ("<", "<=", "!=")]
        leaves += [{op: [higher, operand, number]} for op in (">", ">=")]
        leaves += [{"==": [operand, number, operand]}, {"<": [operand, number, higher]}]
        leaves += [{"between": [operand, number, higher]}, {"between": [operand, number, number]}]
        leaves += [{"between": [operand, higher, number]}, {"between": [number, operand, higher]}]
        leaves += [{"in": [operand, [number]]}, {"in": [operand, [higher, number, 0.5]]}]
        yield leaves


def other_leaves(operand):
    """By constant, the conditions that compare an operand with what is no number."""
    for text, other in zip(STRINGS, [*STRINGS[1:], "x"], strict=True):
        leaves = [{op: [operand, text]} for op in COMPARISONS]
        leaves += [{op: [text, operand]} for op in COMPARISONS]
        leaves += [
            {"<": [text, operand, other]},
            {"between": [operand, text, other]},
            {"in": [operand, text]},
        ]
        leaves += [
            {"!=": [operand, text, operand]},
            {"!=": [text, operand, other]},
            {"==": [operand, text, operand]},
        ]
        yield [*leaves, {"in": [operand, [text]]}, {"in": [operand, [other, text, "q"]]}]
    yield [
        {op: pair}
        for op in EQUALITIES
        for truth in (True, False)
        for pair in ([operand, truth], [truth, operand])
    ]
    yield [{"in": [operand, members]} for members in MIXED]
    yield [operand, {"<": [{"length": [operand]}, 3]}, {"==": [{"length": operand}, 8]}]


def connected(leaf, other):
    """A condition on either side of everything that passes a wanted truth on."""
    negated = {"!": [leaf]}
    return [
        *[leaf, negated, {"!": [negated]}, {"!!": [leaf]}, {"!": [{"!!": [leaf]}]}],
        *[{"and": [leaf, other]}, {"or": [leaf, other]}, {"and": [negated, other]}, {"or": [negated, other]}],
        *[{"!": [{"and": [leaf, other]}]}, {"!": [{"or": [leaf, other]}]}, {"!": [{"or": [negated, other]}]}],
        *[{"or": [leaf, negated]}, {"and": [leaf, negated]}, {"!": [{"and": [leaf, negated, other]}]}],
    ]


def numbered(conditions):
    return [{"id": f"r{index}", "when": logic} for index, logic in enumerate(conditions)]


def around(number):
    """A number in every type that has it, and its neighbours in each."""
    whole = math.floor(number)
    yield from range(whole - 1, whole + 3)
    for exact in (Decimal(number), Decimal(whole)):
        yield from (exact, exact.next_minus(WIDE), exact.next_plus(WIDE))
    if abs(number) < 2**1023:
        nearest = float(number)
        yield from (nearest, math.nextafter(nearest, math.inf), math.nextafter(nearest, -math.inf))


WIDE = Context(prec=1100, Emax=10**6, Emin=-(10**6))
"""Has room for every neighbour of the constants."""
ODD = [
    *[
        None,
        True,
        False,
        math.nan,
        math.inf,
        -math.inf,
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("-Infinity"),
    ],
    *[
        "abcdefgi",
        "abcdefgg",
        "abcdefghj",
        "aacdefghi",
        "abce",
        "é" * 4,
        "e",
        "日",
        "\ud800",
        "A",
        "bcd",
        "z" * 17,
    ],
    *[[], [1], ["a"], {}, {"x": 1}, NOW, NOW.date(), dt.timedelta(0)],
]


def distinct(values):
    """One of each type and text; NaN is not equal to itself, 1 and True are."""
    return list({(type(value), repr(value)): value for value in values}.values())


VALUES = distinct([value for number in NUMBERS for value in around(number)] + STRINGS + ODD)
EVENTS = [{}, *({"x": value, "o": {"x": value}} for value in VALUES)]
JSON_TYPES = (int, float, str, bool, type(None), list, dict)
SPELLED = [
    *[
        "9007199254740992.9",
        "9007199254740993.0",
        "9007199254740993",
        "9007199254740993e0",
        "-9007199254740993",
    ],
    *[
        "1E0",
        "10e-1",
        "-0",
        "-0.0",
        "0e99999",
        "0.10000000000000000555111512312578270211815834045410156249",
        "1e23",
    ],
    *[
        "0.1000000000000000055511151231257827021181583404541015625",
        "100000000000000000000000",
        "1e-400",
        "5e-324",
    ],
    *[
        "9223372036854775807",
        "9223372036854775808",
        "-18446744073709551616",
        "1" + "0" * 400,
        "1e308",
        "1e309",
    ],
    *['"\\u0061"', '"\\u00e9"', '"\\ud83d\\ude00"', '"abcdefg\\u0068"', '"\\ud800"', '"abcdefgh\\u0069"'],
    *["[]", "[[]]", "{}", '{"x": []}', "null", "true", "false", '"\\u0000"'],
]


def json_text(value):
    try:
        return json.dumps(value, allow_nan=False) if isinstance(value, JSON_TYPES) else None
    except ValueError:
        return None


def wrapped(event):
    """The same event in forms that are read by other code than dicts are."""
    inner = MappingProxyType({"x": event["x"]}) if event else None
    yield {**event, "o": inner} if event else event
    yield OrderedDict(event)
    yield {"unread": 1, **{f"unread {index}": index for index in range(20)}, **event}


def agree(ruleset, events, expected):
    """Every way gives what the oracle gives, for every event."""
    for event, wanted in zip(events, expected, strict=True):
        assert ruleset.matches(event) == wanted, event
        for form in wrapped(event):
            assert ruleset.matches(form) == wanted, form
        assert ruleset.first(event) == (wanted[0] if wanted else None)
        decision = ruleset.evaluate(event, now=NOW)
        assert decision.matched == tuple(wanted)
        value = event.get("x")
        if value is not None and (text := json_text(value)) is not None:
            body = f'{{"x": {text}, "o": {{"x": {text}}}}}'
            assert ruleset.evaluate_json(body).matched == tuple(wanted), body
    found = ruleset.evaluate_many(events)
    assert [each.matched for each in found] == list(map(tuple, expected))


def test_the_oracle_knows_the_tables():
    assert truth({"<": [{"var": "x"}, 2**53 + 1]}, {"x": float(2**53)}) is True
    assert truth({"==": [{"var": "x"}, 0.1]}, {"x": Decimal("0.1")}) is False
    assert truth({"!": [{"==": [{"var": "x"}, 1]}]}, {"x": True}) is None
    assert truth({"in": [{"var": "x"}, ["a", True]]}, {"x": 7}) is None
    assert truth({"in": [{"var": "x"}, ["a", True]]}, {"x": "b"}) is False
    assert truth({"and": [{"var": "y"}, False]}, {}) is False
    assert truth({"==": [{"%": [{"var": "x"}, 3]}, -1]}, {"x": -7}) is True


@pytest.fixture(scope="module")
def everything():
    """All conditions as rules, and what fires for each event."""
    leaves = [leaf for group in (*number_leaves({"var": "x"}), *other_leaves({"var": "x"})) for leaf in group]
    conditions = [
        logic
        for index, (leaf, other) in enumerate(zip(leaves, [*leaves[31:], *leaves[:31]], strict=True))
        for logic in connected(leaf, other)[index % 5 :: 5]
    ]
    rules = numbered([*leaves, *({"!": [leaf]} for leaf in leaves), *conditions])
    return rules, [fired(rules, event) for event in EVENTS]


def test_all_conditions_in_one_ruleset(everything, backend):
    rules, expected = everything
    agree(RuleSet({"rules": rules}, backend=backend), EVENTS, expected)


def chunks(groups, count):
    for group in groups:
        for start in range(0, len(group), count):
            yield group[start : start + count]


@pytest.fixture(scope="module")
def portions():
    """The same in many rulesets of few rules each, some over a field and some over a member."""
    found = []
    for path, part in (("x", slice(0, None, 2)), ("o.x", slice(1, None, 2))):
        groups = [*number_leaves({"var": path}), *other_leaves({"var": path})][part]
        for leaves in chunks(groups, 29):
            rules = numbered([logic for leaf in leaves for logic in (leaf, {"!": [leaf]})])
            found.append((rules, [fired(rules, event) for event in EVENTS]))
    return found


def test_few_conditions_in_a_ruleset(portions, backend):
    for rules, expected in portions:
        ruleset = RuleSet({"rules": rules}, backend=backend)
        for event, wanted in zip(EVENTS, expected, strict=True):
            assert ruleset.matches(event) == wanted, event


def test_one_condition_in_a_ruleset(backend):
    events = EVENTS[::3]
    for leaves in [*list(number_leaves({"var": "x"}))[::3], *list(other_leaves({"var": "x"}))[::4]]:
        for leaf in leaves:
            rules = numbered([{"!": [leaf]}])
            ruleset = RuleSet({"rules": rules}, backend=backend)
            assert [ruleset.matches(event) for event in events] == [
                fired(rules, event) for event in events
            ], leaf


def test_two_conditions_on_one_operand(backend):
    """Sets of values that meet, overlap, exclude or hold each other, joined in every way."""
    field = {"var": "x"}
    leaves = [
        {"in": [field, ["a", "b"]]},
        {"in": [field, ["b", "", 1]]},
        {"==": [field, "a"]},
        {"!=": [field, "b"]},
    ]
    leaves += [
        {"<": [field, 1]},
        {"<=": [field, 1]},
        {">": [field, 2]},
        {"==": [field, 1]},
        {"!=": [field, 2]},
    ]
    leaves += [
        {"in": [field, [1, 2]]},
        {"between": [field, 0, 2]},
        {"==": [field, True]},
        {"in": [field, [False, 0]]},
    ]
    sides = [side for leaf in [*leaves, field, True, 0] for side in (leaf, {"!": [leaf]})]
    pairs = [{op: [left, right]} for left in sides for right in sides for op in ("and", "or")]
    pairs += [{"or": [pair, {"and": [sides[at % 28], sides[at % 27]]}]} for at, pair in enumerate(pairs[::5])]
    values = [-1, 0, 0.5, 1, Decimal("1.5"), 2, 2.5, 3, "", "a", "b", "c", True, False, None, [], [1], {}]
    numeric = [{"or": [left, right]} for left in sides[8:22] for right in sides[8:22]]
    yes, no = {"==": [field, True]}, {"in": [field, [False]]}
    for few in (pairs, *chunks([pairs], 50), *chunks([numeric], 20), [yes, no, {"or": [yes, no]}]):
        rules = numbered(few)
        ruleset = RuleSet({"rules": rules}, backend=backend)
        for value in values:
            assert ruleset.matches({"x": value}) == fired(rules, {"x": value}), value


def test_the_first_rule_that_is_undecided(backend):
    groups = [*list(number_leaves({"var": "x"}))[::5], *list(other_leaves({"var": "o.y"}))[::5]]
    leaves = [leaf for group in groups for leaf in group]
    guards = [{"<": [{"var": "g"}, 1]}, {"!": [{"==": [{"var": "g"}, "a"]}]}, {"var": "g"}]
    values = [0, 1, 2**53 + 1, 1e308, math.inf, Decimal("0.1"), True, "a", "abcd", "é", None, math.nan]
    for index, leaf in enumerate(leaves):
        guard = guards[index % 3]
        conditions = [leaf, *connected(leaf, guard)[index % 4 :: 4]]
        rules = numbered(conditions[index % 2 :])
        ruleset = RuleSet({"missing": "error", "rules": rules}, backend=backend)
        for at, value in enumerate(values):
            event = {
                "x": value,
                "o": {"y": value},
                "g": [0, 1, "a", "b", None, True, False][(at + index) % 7],
            }
            truths = [truth(rule["when"], event) for rule in rules]
            if None not in truths:
                assert ruleset.matches(event) == fired(rules, event), event
                continue
            with pytest.raises(EvaluationError) as caught:
                ruleset.matches(event)
            assert caught.value.rule == rules[truths.index(None)]["id"], event


def test_numbers_and_strings_as_json_spells_them(backend):
    leaves = [
        leaf for group in (*number_leaves({"var": "o.x"}), *other_leaves({"var": "o.x"})) for leaf in group
    ]
    rules = numbered([logic for leaf in leaves for logic in (leaf, {"!": [leaf]})])
    ruleset = RuleSet({"rules": rules}, backend=backend)
    for text in SPELLED:
        body = f'{{"a": [{text}], "o": {{"x": {text}}}, "b": {text}}}'
        assert list(ruleset.evaluate_json(body).matched) == fired(rules, json.loads(body)), body


# --- arithmetic ---------------------------------------------------------------------------------------------

OPERANDS = [0, -0.0, 1, -1, 3, -7, 0.5, -2.5, 2**53 - 1, 2**53, -(2**53) + 1, 2**62, 1e308, 5e-324]
OPERANDS += [10**400, math.inf]
ODD_OPERANDS = [None, math.nan, True, "1", [1]]


def arithmetic(left, right):
    for op in ("+", "-", "*", "/", "%", "min", "max"):
        yield {op: [left, right]}
        yield from ({op: [left, 3]}, {op: [left, 3.0]})
        yield {op: [2**53 - 1, right, left]}
        yield {op: [{"+": [left, 1]}, {"*": [right, 0.5]}]}
    yield from ({"-": [left]}, {"-": [left, 2**53 + 1]})
    yield {"-": [{"-": [{"+": [left, 1, 1]}, 1]}, 1]}


@pytest.fixture(scope="module")
def computed():
    """Conditions on the results of arithmetic as rules, and what fires for each event."""
    expressions = list(arithmetic({"var": "x"}, {"var": "o.y"}))
    leaves = [
        {op: [expression, number]}
        for index, expression in enumerate(expressions)
        for op in (("<", "=="), (">=", "!="))[index % 2]
        for number in (0, 1, 2**53, 2**53 - 0.5, -2.5)
    ]
    leaves += [{"in": [expression, [0, 1, 2**53 + 2, -1.0]]} for expression in expressions] + expressions
    values = OPERANDS + ODD_OPERANDS
    events = [{"x": x, "o": {"y": y}} for x in values for y in values]
    rules = numbered([leaf if index % 3 else {"!": [leaf]} for index, leaf in enumerate(leaves)])
    return rules, events, [fired(rules, event) for event in events]


def test_arithmetic_in_many_conditions(computed, backend):
    rules, events, expected = computed
    ruleset = RuleSet({"rules": rules}, backend=backend)
    for event, wanted in zip(events, expected, strict=True):
        assert ruleset.matches(event) == wanted, event


def test_arithmetic_in_few_conditions(computed, backend):
    rules, events, expected = computed
    for few in chunks([rules], 60):
        ruleset = RuleSet({"rules": few}, backend=backend)
        ids = {rule["id"] for rule in few}
        for event, wanted in zip(events[::2], expected[::2], strict=True):
            assert ruleset.matches(event) == [rule for rule in wanted if rule in ids], event


# --- strings ------------------------------------------------------------------------------------------------


def edited(text):
    """Texts that differ from one in one place."""
    for at in range(len(text)):
        yield text[:at] + "#" + text[at + 1 :]
        yield text[:at] + text[at + 1 :]
        yield text[:at] + text[at] + text[at:]
    yield text + "\x00"


def test_strings_that_differ_in_one_place(backend):
    texts = [*STRINGS, "日本語日本語", *("".join(map(chr, range(33, 33 + size))) for size in range(1, 26))]
    rules = numbered([{"in": [{"var": "x"}, [text, "other"]]} for text in texts])
    many = numbered([{"==": [{"var": "x"}, text]} for text in texts] * 3)
    rulesets = [(each, RuleSet({"rules": each}, backend=backend)) for each in (rules, many)]
    for text in {*texts, *(other for name in texts for other in edited(name))}:
        for each, ruleset in rulesets:
            wanted = [
                rule["id"]
                for rule in each
                if text in (rule["when"].get("in") or [0, rule["when"]["=="][1:]])[1]
            ]
            assert ruleset.matches({"x": text}) == wanted
            assert list(ruleset.evaluate_json(json.dumps({"x": text}, ensure_ascii=False)).matched) == wanted
            assert list(ruleset.evaluate_json(json.dumps({"x": text})).matched) == wanted


def test_strings_of_one_hash(backend):
    """Anyone can find such texts; these have one hash in the compiled backend's table of strings."""
    known, alike = "account-blocked-0000test", "02nmu4isfIo{l1%G0000test"
    ruleset = RuleSet({"rules": numbered([{"==": [{"var": "x"}, known]}])}, backend=backend)
    both = numbered([{"==": [{"var": "x"}, known]}, {"==": [{"var": "x"}, alike]}])
    assert ruleset.matches({"x": known}) == ["r0"]
    assert ruleset.matches({"x": alike}) == []
    assert RuleSet({"rules": both}, backend=backend).matches({"x": alike}) == ["r1"]


# --- decisions ----------------------------------------------------------------------------------------------

SCORES = [
    [1, 2, 4, 8, -3],
    [0.1, 0.2, 0.25, 2**53, 1.0],
    [2**62, 2**62 - 1, 1, -(2**63), 10**30],
    [2**61, 2**60, -1, 3, 2],
]
BOUNDS = [
    0,
    1,
    3,
    0.5,
    2.5,
    0.3,
    0.30000000000000004,
    2**53,
    2**53 + 1,
    2**53 + 2,
    2**61 + 1,
    2**62,
    2**63 - 1,
    10**30,
]


@pytest.mark.parametrize("scores", SCORES, ids=["small", "floats", "large", "near 64 bits"])
@pytest.mark.parametrize("own", [None, 1])
def test_decisions_at_their_least_score(scores, own, backend):
    """The score and the action of every set of rules that fires."""
    rules = [
        {
            "id": f"r{at}",
            "when": {"var": f"f{at}"},
            "score": score,
            **({"action": f"a{at}"} if at == own else {}),
        }
        for at, score in enumerate(scores)
    ]
    for bounds in (BOUNDS[:7], BOUNDS[7:], BOUNDS[::2], [*BOUNDS, -1, -2.5]):
        decisions = [{"at_least": bound, "action": str(bound)} for bound in bounds]
        ruleset = RuleSet({"rules": rules, "decisions": decisions, "default_action": "none"}, backend=backend)
        for mask in range(1 << len(scores)):
            event = {f"f{at}": bool(mask >> at & 1) for at in range(len(scores))}
            total = 0 if all(isinstance(score, int) for score in scores) else 0.0
            for at, score in enumerate(scores):
                total += score if mask >> at & 1 else 0
            reached = [bound for bound in bounds if Fraction(bound) <= Fraction(total)]
            action = str(max(reached, key=Fraction)) if reached else "none"
            action = f"a{own}" if own is not None and mask >> own & 1 else action
            for decision in (
                ruleset.evaluate(event),
                ruleset.evaluate(event, now=NOW),
                ruleset.evaluate_json(json.dumps(event)),
                ruleset.evaluate_many([event])[0],
            ):
                assert (repr(decision.score), decision.action) == (repr(total), action), event
