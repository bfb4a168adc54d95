"""``RuleSet.diff``: every change is named, and nothing else."""

import copy
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore.rules import Change, ListChange, MovedRule, RuleSet

X = {"var": "x"}
DOCUMENT = {
    "name": "fraud",
    "version": "1",
    "lists": {"far": ["NZ", "CL"], "gone": [1]},
    "decisions": [{"at_least": 10, "action": "review"}],
    "rules": [
        {"id": "large", "when": {">": [X, 100]}, "score": 10},
        {"id": "far", "when": {"in": [{"var": "country"}, {"list": "far"}]}},
        {"id": "odd", "when": {"==": [X, 7]}, "action": "review"},
    ],
}


def changed(**document):
    return RuleSet({**copy.deepcopy(DOCUMENT), **document})


def test_no_change(backend):
    old = RuleSet(DOCUMENT, backend=backend)
    found = old.diff(RuleSet(DOCUMENT))
    assert not found
    assert found.text() == str(found) == "fraud 1 → fraud 1: no changes"
    assert found == old.diff(old)


def test_everything_at_once():
    rules = [
        {"id": "odd", "when": {"==": [X, 7]}, "action": "decline", "priority": 3},
        {"id": "new", "when": {"<": [X, 0]}},
        {"id": "large", "when": {">": [X, 200]}, "score": 10.0},
    ]
    later = changed(
        version="2",
        missing="error",
        rules=rules,
        lists={"far": ["CL", "AU", True], "more": list(range(9))},
        decisions=[],
    )
    found = RuleSet(DOCUMENT).diff(later)
    assert found
    assert (found.added, found.removed) == (("new",), ("far",))
    assert [(rule.rule, [change.key for change in rule.changes]) for rule in found.changed] == [
        ("odd", ["action", "priority"]),
        ("large", ["score", "when"]),
    ]
    assert found.changed[1].changes == (
        Change("score", 10, 10.0, "10 → 10.0"),
        Change("when", {">": [X, 100]}, {">": [X, 200]}, "x > 100 → x > 200"),
    )
    assert found.moved == (MovedRule("odd", 2, 0),)
    assert found.lists == (
        ListChange("far", 2, 3, 2, 1, ("AU", True), ("NZ",)),
        ListChange("gone", 1, None, 0, 1, (), (1,)),
        ListChange("more", None, 9, 9, 0, (0, 1, 2, 3, 4), ()),
    )
    assert (
        found.text()
        == """\
fraud 1 → fraud 2
decisions: [{"action": "review", "at_least": 10}] → []
version: "1" → "2"
missing: none → "error"
list far changed: 2 more: "AU", true; 1 fewer: "NZ"
list gone removed: 1 fewer: 1
list more added: 9 more: 0, 1, 2, 3, 4, …
removed far
added new
changed odd
  action: "review" → "decline"
  priority: none → 3
changed large
  score: 10 → 10.0
  when: x > 100 → x > 200
moved odd: from rules[2] to [0]"""
    )
    plain = json.loads(found.to_json())
    assert plain == found.to_dict()
    assert plain["before"] == {"ruleset": "fraud", "version": "1"}
    assert plain["changed"][0] == {
        "rule": "odd",
        "changes": [
            {"key": "action", "before": "review", "after": "decline"},
            {"key": "priority", "before": None, "after": 3},
        ],
    }
    assert plain["lists"][0]["added"] == {"count": 2, "samples": ["AU", True]}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ([1, 2], [2, 1], "the same entries in another order or number"),
        ([1], [1, 1], "the same entries in another order or number"),
        ([1], [1.0], "1 more: 1.0; 1 fewer: 1"),
        ([1], [True], "1 more: true; 1 fewer: 1"),
    ],
)
def test_entries_of_lists(before, after, message):
    found = RuleSet({"rules": [], "lists": {"a": before}}).diff(RuleSet({"rules": [], "lists": {"a": after}}))
    assert found.lists[0].text() == f"list a changed: {message}"


def test_a_condition_that_reads_alike_is_shown_as_it_is_written():
    one, other = ({"id": "a", "when": {op: [X, 1]}} for op in ("==", "==="))
    (rule,) = RuleSet.from_rules([one]).diff(RuleSet.from_rules([other])).changed
    assert rule.changes[0].text == '{"==": [{"var": "x"}, 1]} → {"===": [{"var": "x"}, 1]}'


def test_only_rulesets_are_compared():
    with pytest.raises(TypeError, match="not with dict"):
        RuleSet(DOCUMENT).diff(DOCUMENT)


entries = st.fixed_dictionaries(
    {"when": st.sampled_from([True, {">": [X, 1]}, {">": [X, 1.0]}])},
    optional={
        "score": st.sampled_from([0, 1, 1.0, -2]),
        "action": st.sampled_from("ab"),
        "priority": st.integers(0, 1),
        "enabled": st.booleans(),
        "tags": st.lists(st.sampled_from("ab"), max_size=1),
    },
)


@st.composite
def documents(draw):
    ids = draw(st.permutations("abcde"))[: draw(st.integers(0, 5))]
    lists = st.dictionaries(st.sampled_from("lm"), st.lists(st.sampled_from([1, 1.0, True, "x"]), max_size=2))
    missing = st.sampled_from([{}, {"missing": "unknown"}, {"missing": "error"}])
    rules = [{"id": identity, **draw(entries)} for identity in ids]
    return {"name": "n", "version": "v", "rules": rules, "lists": draw(lists), **draw(missing)}


@given(documents(), documents())
def test_the_changes_make_the_new_ruleset_of_the_old(before, after):
    old, new = RuleSet(before), RuleSet(after)
    found = old.diff(new)
    assert bool(found) == (old != new)
    made = old.to_dict()
    rules = {rule["id"]: rule for rule in made["rules"] if rule["id"] not in found.removed}
    written = {rule["id"]: rule for rule in new.to_dict()["rules"]}
    rules |= {identity: written[identity] for identity in found.added}
    for rule in found.changed:
        apply(rules[rule.rule], rule.changes)
    apply(made, found.settings)
    assert rules == written
    assert repr(sorted(rules.items())) == repr(sorted((key, rules[key]) for key in written))
    moved = {rule.rule for rule in found.moved}
    still = [identity for identity in before_ids(before) if identity in written and identity not in moved]
    assert still == [identity for identity in written if identity in still]
    made.pop("rules")
    made.pop("lists")
    later = new.to_dict()
    assert made == {key: later[key] for key in later if key not in ("rules", "lists")}
    names = {change.name for change in found.lists}
    for name in {*before["lists"], *after["lists"]}:
        same = repr(before["lists"].get(name)) == repr(after["lists"].get(name))
        assert (name in names) == (not same)


def before_ids(document):
    return [rule["id"] for rule in document["rules"]]


def apply(holder, changes):
    for change in changes:
        assert holder.pop(change.key, None) == change.before
        if change.after is not None:
            holder[change.key] = change.after


def test_as_few_rules_as_possible_have_moved():
    source = random.Random(3)
    for _ in range(200):
        count = source.randrange(1, 7)
        order = source.sample(range(count), count)
        rules = [{"id": str(number), "when": True} for number in range(count)]
        found = RuleSet.from_rules(rules).diff(RuleSet.from_rules([rules[number] for number in order]))
        assert len(found.moved) == count - longest(order)
        assert all(order[rule.after] == rule.before for rule in found.moved)


def longest(order):
    """The longest increasing subsequence, by trying all."""
    best = 0
    for mask in range(1 << len(order)):
        chosen = [number for place, number in enumerate(order) if mask >> place & 1]
        if chosen == sorted(chosen):
            best = max(best, len(chosen))
    return best
