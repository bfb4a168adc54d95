"""The document: every error at once, each with its path; files; limits; the JSON Schema."""

import datetime as dt
import json
import pickle
import sys
from collections import OrderedDict
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore.errors import RuleSetError
from fastcore.rules import RuleSet, document_schema
from fastcore.rules.language import MAX_DEPTH, MAX_NODES, OPERATORS

X = {"var": "x"}


def errors_of(document):
    with pytest.raises(RuleSetError) as caught:
        RuleSet(document)
    errors = caught.value.errors
    if isinstance(document, dict):  # a mapping of another type is copied in another way
        with pytest.raises(RuleSetError) as caught:
            RuleSet(MappingProxyType(document))
        assert caught.value.errors == errors
    return dict(errors)


def rule(**changes):
    return {"rules": [{"id": "a", "when": True, **changes}]}


def when(logic, **document):
    return {"rules": [{"id": "a", "when": logic}], **document}


@pytest.mark.parametrize("document", [None, 5, "text", [], [{"rules": []}]])
def test_a_document_is_an_object(document):
    assert list(errors_of(document)) == [""]


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        ({}, "", 'the key "rules" is missing'),
        ({"rules": {}}, "rules", "expected an array"),
        ({"rules": 5}, "rules", "expected an array"),
        ({"rules": "abc"}, "rules", "expected an array"),
        ({"rules": [5]}, "rules[0]", "expected an object, not 5"),
        ({"rules": [], "rule": []}, "rule", "unknown key; allowed are name, version, missing"),
        ({"rules": [], "name": ""}, "name", "non-empty string"),
        ({"rules": [], "name": "a/b"}, "name", "without slashes"),
        ({"rules": [], "name": ".."}, "name", "without slashes"),
        ({"rules": [], "name": "x" * 201}, "name", "at most 200 characters"),
        ({"rules": [], "version": 3}, "version", "expected a non-empty string, not 3"),
        (
            {"rules": [], "missing": "null"},
            "missing",
            'expected one of "unknown", "jsonlogic", "error", not "null"',
        ),
        ({"rules": [], "missing": []}, "missing", "expected one of"),
        ({"rules": [], "lists": []}, "lists", "expected an object"),
        ({"rules": [], "lists": {"a": "x"}}, "lists.a", "expected an array"),
        ({"rules": [], "lists": {"a": ["x", None]}}, "lists.a[1]", "null in a list"),
        ({"rules": [], "lists": {"a": [["x"]]}}, "lists.a[0]", "expected a string, number or boolean"),
        ({"rules": [{"when": True}]}, "rules[0]", 'the key "id" is missing'),
        ({"rules": [{"id": "a"}]}, "rules[0]", 'the key "when" is missing'),
        (rule(id=""), "rules[0].id", "non-empty string"),
        (rule(id=5), "rules[0].id", "non-empty string, not 5"),
        (rule(score="1"), "rules[0].score", 'an integer or a float, not "1"'),
        (rule(score=True), "rules[0].score", "not true"),
        (rule(score=float("nan")), "rules[0].score", "nan is not JSON"),
        (rule(score=Decimal(1)), "rules[0].score", "Decimal is not a type of JSON"),
        (rule(score=10**400), "rules[0].score", "within the range of a float"),
        (rule(action=None), "rules[0].action", "non-empty string, not null"),
        (rule(priority=1.5), "rules[0].priority", "an integer, not 1.5"),
        (rule(priority=True), "rules[0].priority", "an integer, not true"),
        (rule(tags="x"), "rules[0].tags", "an array of strings"),
        (rule(tags=[1]), "rules[0].tags", "an array of strings"),
        (rule(description=1), "rules[0].description", "a string"),
        (rule(enabled=1), "rules[0].enabled", "true or false"),
        (rule(valid_from="2026-01-01"), "rules[0].valid_from", "with an offset"),
        (rule(valid_from="2026-01-01T00:00:00"), "rules[0].valid_from", "with an offset"),
        (rule(valid_until="soon, I hope"), "rules[0].valid_until", "with an offset"),
        (
            rule(valid_from="2026-01-02T00:00:00Z", valid_until="2026-01-02T01:00:00+01:00"),
            "rules[0].valid_until",
            "not after valid_from",
        ),
        (rule(scor=1), "rules[0].scor", "unknown key; allowed are id, when, score"),
        ({"rules": [{"id": "a", "when": 1}] * 2}, "rules[1].id", '"a" is also the id of rules[0]'),
        ({"rules": [], "decisions": [{"at_least": 1}]}, "decisions[0]", 'the key "action" is missing'),
        (
            {"rules": [], "decisions": [{"at_least": "1", "action": "a"}]},
            "decisions[0].at_least",
            "an integer or a float",
        ),
        (
            {"rules": [], "decisions": [{"at_least": 1, "action": "a"}, {"at_least": 1.0, "action": "b"}]},
            "decisions[1].at_least",
            "1.0 is also the threshold of decisions[0]",
        ),
        ({"rules": [], "default_action": 5}, "default_action", "non-empty string"),
        ({"rules": [], "examples": [{"event": {}}]}, "examples[0]", 'the key "expect" is missing'),
        (
            {"rules": [], "examples": [{"event": [], "expect": {"score": 0}}]},
            "examples[0].event",
            "an object",
        ),
        ({"rules": [], "examples": [{"event": {}, "expect": {}}]}, "examples[0].expect", "expects nothing"),
        (
            {"rules": [], "examples": [{"event": {}, "expect": {"fires": ["z"]}}]},
            "examples[0].expect.fires[0]",
            'no rule has the id "z"',
        ),
        (
            {"rules": [], "examples": [{"event": {}, "expect": {"fire": []}}]},
            "examples[0].expect.fire",
            "unknown key",
        ),
        (rule(examples=[{"event": {}}]), "rules[0].examples[0]", 'the key "fires" is missing'),
        (rule(examples=[{"event": {}, "fires": 1}]), "rules[0].examples[0].fires", "true or false"),
        ({"rules": [], 5: 1}, "", "the key 5 is not a string"),
        (rule(description="\ud800"), "rules[0].description", "lone surrogate"),
        (when({"==": [X, {1, 2}]}), "rules[0].when.==[1]", "set is not a type of JSON"),
        (when({"==": [X, float("inf")]}), "rules[0].when.==[1]", "inf is not JSON"),
        (when({"==": [X, 10**5000]}), "rules[0].when.==[1]", "too long"),
    ],
)
def test_errors_of_the_document(document, path, message):
    found = errors_of(document)
    assert path in found
    assert message in found[path]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("logic", "path", "message"),
    [
        ({"foo": [1]}, "", 'unknown operator "foo"'),
        ({"and": [True, {"foo": [1]}]}, ".and[1]", 'unknown operator "foo"'),
        ({"!": {"foo": 1}}, ".!", 'unknown operator "foo"'),
        ({}, "", "an object with one key, the operator; found none"),
        ({"a": 1, "b": 2}, "", 'an object with one key, the operator; found "a", "b"'),
        ({"==": [1]}, "", '"==" takes at least 2 operands, not 1'),
        ({"!": [1, 2]}, "", '"!" takes 1 operand, not 2'),
        ({"and": []}, "", '"and" takes at least 1 operand, not 0'),
        ({"now": [1]}, "", '"now" takes no operands, not 1'),
        ({"substr": ["a"]}, "", '"substr" takes 2 to 3 operands, not 1'),
        ({"between": [X, 1]}, "", '"between" takes 3 operands, not 2'),
        ({"<": [X, True]}, ".<[1]", '"<" takes date, datetime, duration, number or string here, not true'),
        ({"<": [X, None]}, ".<[1]", "not null"),
        ({"<": [X, [1]]}, ".<[1]", "not [1]"),
        ({"+": ["a", 1]}, ".+[0]", '"+" takes number here, not "a"'),
        ({"+": "abc"}, ".+", '"+" takes number here, not "abc"'),
        ({"+": [{"cat": ["a"]}, 1]}, ".+[0]", 'not the string that "cat" gives'),
        ({"starts_with": [X, 1]}, ".starts_with[1]", '"starts_with" takes string here, not 1'),
        ({"in": [X, 5]}, ".in[1]", '"in" takes array or string here, not 5'),
        ({"in": [X, ["a", None]]}, ".in[1][1]", "null in a constant array"),
        ({"in": [X, {"list": "none"}]}, ".in[1].list", 'no list is named "none"; the document has none'),
        ({"in_network": [X, "10.0.0.1/8"]}, ".in_network[1]", "has host bits set"),
        (
            {"in_network": [X, ["10.0.0.0/8", "x"]]},
            ".in_network[1][1]",
            "does not appear to be an IPv4 or IPv6",
        ),
        ({"in_network": [X, [5]]}, ".in_network[1][0]", "5 is not a CIDR block"),
        ({"in_network": [X, {"var": "y"}]}, ".in_network[1]", "the networks are a constant"),
        ({"some": [5, True]}, ".some[0]", '"some" takes array here, not 5'),
        ({"var": X}, ".var", "a path is a constant string or index"),
        ({"var": [1.5]}, ".var", "a path is a constant string or index, not 1.5"),
        ({"var": -1}, ".var", "a path is a constant"),
        ({"var": True}, ".var", "a path is a constant"),
        ({"val": [X]}, ".val[0]", "a key is a string or index"),
        ({"val": [[1, 2], "a"]}, ".val[0]", "a level is an array of one integer"),
        ({"val": [[2], "a"]}, ".val[0]", "level 2 is outside of the event; 0 reaches it from here"),
        ({"exists": [[1], "a"]}, ".exists[0]", "a level is"),
        ({"missing_some": ["1", ["a"]]}, ".missing_some[0]", 'a constant count, 0 or more, not "1"'),
        ({"missing_some": [1, 5]}, ".missing_some[1]", "takes array"),
        ({"datetime": "soon"}, ".datetime", '"soon" is not an ISO 8601 date and time'),
        ({"date": "2026-02-30"}, ".date", "is not an ISO 8601 date"),
        ({"duration": "P1Y"}, ".duration", '"P1Y" is not a duration of weeks, days'),
        ({"date_diff": [X, {"now": []}, "years"]}, ".date_diff[2]", "the unit is one of"),
        ({"date_diff": [X, {"now": []}, {"var": "unit"}]}, ".date_diff[2]", "the unit is one of"),
    ],
)
def test_errors_of_conditions(logic, path, message):
    found = errors_of(when(logic))
    assert list(found) == [f"rules[0].when{path}"]
    assert message in found[f"rules[0].when{path}"]


def test_all_errors_at_once_in_reading_order():
    document = {
        "missing": "no",
        "rules": [
            {"id": "a", "when": {"and": [{"foo": 1}, {"<": [X]}]}, "score": "x"},
            *({"id": str(index), "when": True} for index in range(1, 10)),
            {"id": "a", "when": {"bar": []}, "extra": 1},
        ],
        "decisions": [{"at_least": 1}],
    }
    with pytest.raises(RuleSetError) as caught:
        RuleSet(document)
    assert [path for path, _ in caught.value.errors] == [
        "decisions[0]",
        "missing",
        "rules[0].score",
        "rules[0].when.and[0]",
        "rules[0].when.and[1]",
        "rules[10].extra",
        "rules[10].id",
        "rules[10].when",
    ]
    assert str(caught.value).startswith("8 errors\n  decisions[0]: the key ")


def test_errors_of_a_named_list_of_networks_are_told_once():
    logic = {"in_network": [X, {"list": "nets"}]}
    document = {
        "lists": {"nets": ["10.0.0.0/8", "x"]},
        "rules": [{"id": name, "when": logic} for name in "ab"],
    }
    assert list(errors_of(document)) == ["lists.nets[1]"]


def test_disabled_rules_are_checked_too():
    assert list(errors_of(rule(when={"foo": 1}, enabled=False))) == ["rules[0].when"]
    assert list(errors_of(rule(when={"foo": 1}, valid_until="2000-01-01T00:00:00Z"))) == ["rules[0].when"]


def test_under_jsonlogic_constants_may_be_coerced():
    document = when(
        {"and": [{"<": ["1", True]}, {"+": ["1", None]}, {"in": [1, [None]]}]}, missing="jsonlogic"
    )
    assert RuleSet(document).matches({}) == []
    assert list(errors_of(when({"foo": 1}, missing="jsonlogic"))) == ["rules[0].when"]


# --- limits -------------------------------------------------------------------------------------------------


def nested(depth, wrap=lambda inner: {"!": [inner]}):
    logic = True
    for _ in range(depth):
        logic = wrap(logic)
    return logic


def test_depth():
    assert RuleSet(when(nested(MAX_DEPTH))).matches({}) == ["a"]
    found = errors_of(when(nested(MAX_DEPTH + 1)))
    assert list(found.values()) == [f"nested deeper than {MAX_DEPTH} operators"]


@pytest.mark.parametrize(
    "wrap", [lambda inner: {"!": [inner]}, lambda inner: [inner], lambda inner: {"a": inner}]
)
def test_a_hundred_thousand_levels_are_an_error(wrap):
    logic = nested(100_000, wrap)
    try:
        for place in ("when", "description", "id"):
            found = errors_of({"rules": [{"id": "a", "when": True, place: logic}]})
            assert any("nested deeper than" in message for message in found.values())
    finally:
        while isinstance(logic, (dict, list)):  # freeing it at once is deep recursion on some interpreters
            logic = (logic.popitem()[1] if isinstance(logic, dict) else logic.pop()) if logic else None
            if isinstance(logic, list) and len(logic) == 1 and not isinstance(logic[0], (dict, list)):
                break


def test_a_hundred_thousand_levels_of_text_are_an_error():
    text = '{"rules": [{"id": "a", "when": ' + '{"!":[' * 100_000 + "1" + "]}" * 100_000 + "}]}"
    with pytest.raises(RuleSetError, match="not valid JSON: nested deeper than"):
        RuleSet.from_json(text)


def test_a_cyclic_document_is_an_error():
    logic = {"!": []}
    logic["!"].append(logic)
    assert any("nested deeper" in message for message in errors_of(when(logic)).values())


def test_size():
    found = errors_of(when({"and": [True] * MAX_NODES}))
    assert list(found.values()) == [f"more than {MAX_NODES} operators and operands in one condition"]
    assert RuleSet(when({"and": [True] * (MAX_NODES - 1)})).matches({}) == ["a"]
    many = list(range(100_000))
    rules = RuleSet(when({"in": [X, many]}, lists={"l": many}))
    assert rules.matches({"x": 99_999}) == ["a"]


def test_scores_that_add_up_to_infinity_are_refused():
    rules = [{"id": str(index), "when": True, "score": 1.7e308} for index in range(2)]
    assert errors_of({"rules": rules}) == {"rules": "the scores add up beyond the range of a float"}


# --- text and files -----------------------------------------------------------------------------------------

DOCUMENT = {
    "name": "fraud",
    "rules": [{"id": "a", "when": {">": [X, 5]}, "score": 1.5, "valid_from": "2026-01-01T00:00:00+00:00"}],
}
YAML = """
name: fraud
rules:
  - id: a
    when: {">": [{var: x}, 5]}
    score: 1.5
    valid_from: "2026-01-01T00:00:00+00:00"
"""
TOML = """
name = "fraud"
[[rules]]
id = "a"
score = 1.5
valid_from = 2026-01-01T00:00:00Z
when = {">" = [{var = "x"}, 5]}
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not valid JSON: Expecting value at offset 0"),
        (b'{"rules": [NaN]}', "not valid JSON: NaN is not JSON at offset 11"),
        (b"\xff", "not valid JSON: not UTF-8"),
        (b'{"rules": [], "rules": []}', 'the key "rules" occurs twice'),
        (b'{"rules": [{"id": "a", "id": "b", "when": true}]}', 'rules[0]: the key "id" occurs twice'),
        (b"[]", "a ruleset is an object"),
    ],
)
def test_json_text_that_is_refused(text, message):
    with pytest.raises(RuleSetError) as caught:
        RuleSet.from_json(text)
    assert message in str(caught.value)


def test_files(tmp_path):
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    for name, text in [("a.json", json.dumps(DOCUMENT)), ("a.yaml", YAML), ("a.yml", YAML), ("A.TOML", TOML)]:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        assert RuleSet.from_file(file) == RuleSet(DOCUMENT), name
        assert RuleSet.from_file(str(file)).matches({"x": 6}) == ["a"]


def test_errors_of_files_begin_with_the_name(tmp_path):
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    cases = {
        "a.json": ('{"rules": [{"id": 1, "when": 1}]}', "a.json: rules[0].id: expected a non-empty"),
        "b.json": ("{", "b.json: not valid JSON"),
        "c.toml": ("= 1", "c.toml: not valid TOML"),
        "d.yaml": ("a: [", "d.yaml: not valid YAML"),
        "e.yaml": ("rules: []\nrules: []", "e.yaml: not valid YAML: the key 'rules' occurs twice"),
        "f.yaml": ("rules: []\n1: []", "f.yaml: not valid YAML: the key 1 is not a string"),
        "g.txt": ("", "g.txt: a ruleset file ends with .json, .yaml, .yml, .toml, not '.txt'"),
        "h.yaml": ("a: &a [*a]", "h.yaml"),
        "i.yaml": ("[" * 100_000, "i.yaml"),
    }
    for name, (text, message) in cases.items():
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        with pytest.raises(RuleSetError) as caught:
            RuleSet.from_file(file)
        assert message in str(caught.value)
    with pytest.raises(FileNotFoundError):
        RuleSet.from_file(tmp_path / "none.json")


def test_yaml_without_its_reader(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    file = tmp_path / "a.yaml"
    file.write_text(YAML)
    with pytest.raises(ImportError, match="needs PyYAML, which is not installed: pip install pyyaml"):
        RuleSet.from_file(file)


def test_datetimes_of_toml_and_yaml_in_conditions():
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    rules = RuleSet(when({">": [{"now": []}, moment]}))
    assert rules.matches({}, now=moment + dt.timedelta(1)) == ["a"]
    assert rules.to_dict()["rules"][0]["when"] == {
        ">": [{"now": []}, {"datetime": "2026-01-01T00:00:00+00:00"}]
    }
    assert RuleSet(when({"<": [{"date": X}, dt.date(2026, 1, 2)]})).matches({"x": "2026-01-01"}) == ["a"]
    examples = [{"event": {"when": moment}, "expect": {"score": 0}}]
    assert RuleSet({"rules": [], "examples": examples}).examples[0]["event"] == {"when": moment.isoformat()}


# --- copies and texts ---------------------------------------------------------------------------------------

texts = st.text(min_size=1, max_size=4)
constants = st.one_of(texts, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
entries = st.fixed_dictionaries(
    {"id": texts, "when": st.builds(lambda key, value: {"==": [{"var": key}, value]}, texts, constants)},
    optional={
        "description": texts,
        "priority": st.integers(-2, 2),
        "score": st.integers(-9, 9),
        "tags": st.lists(texts, max_size=2),
    },
)


@given(
    st.lists(entries, max_size=6, unique_by=lambda entry: entry["id"]),
    st.dictionaries(texts, st.lists(constants, max_size=3), max_size=3),
)
def test_every_way_to_copy_gives_the_same(rules, lists):
    document = {"name": "n", "rules": rules, "lists": lists, "description": "ä"}
    ruleset = RuleSet(document)
    for other in (
        MappingProxyType(document),
        OrderedDict(document),
        {**document, "rules": tuple(rules)},
        {**document, "rules": [MappingProxyType(entry) for entry in rules]},
        {**document, "lists": {name: tuple(values) for name, values in lists.items()}},
    ):
        copied = RuleSet(other)
        assert copied == ruleset
        assert copied.rules == ruleset.rules
        assert copied.version == ruleset.version
    assert ruleset.to_dict() == document
    assert ruleset.to_json() == canonical(document).encode()
    assert hash(RuleSet.from_json(ruleset.to_json())) == hash(ruleset)
    ordered = sorted(rules, key=lambda entry: -entry.get("priority", 0))
    for rule, entry in zip(ruleset.rules, ordered, strict=True):
        assert rule.when == entry["when"]
        assert rule.condition == canonical(entry["when"])
        assert (rule.id, rule.description) == (entry["id"], entry.get("description", ""))


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_a_ruleset_holds_no_part_of_its_document():
    logic = {"in": [X, ["a"]]}
    document = {"rules": [{"id": "r", "when": logic, "tags": ["t"]}], "lists": {"l": ["a"]}}
    for make in (RuleSet, lambda document: RuleSet(MappingProxyType(document))):
        rules = make(document)
        before = rules.to_json()
        logic["in"][1].append("b")
        document["lists"]["l"].append("b")
        document["rules"][0]["tags"].append("u")
        assert rules.matches({"x": "b"}) == []
        assert rules.to_json() == before
        assert rules.rules[0].tags == ("t",)
        assert "u" not in rules.to_dict()["rules"][0]["tags"]
        del logic["in"][1][1:], document["lists"]["l"][1:], document["rules"][0]["tags"][1:]


def test_rules_are_values():
    first, second = (RuleSet({"rules": [{"id": "a", "when": {">": [X, 1]}}], "name": name}) for name in "xy")
    other = RuleSet({"rules": [{"id": "a", "when": {">": [X, 2]}}]})
    assert first.rules == second.rules != other.rules
    assert hash(first.rules[0]) == hash(second.rules[0])
    assert first.rules[0] != "a"
    assert pickle.loads(pickle.dumps(first.rules[0])) == first.rules[0]


def test_equal_numbers_of_different_types_stay_apart():
    """1, 1.0 and True are equal in Python, and 0.0 and -0.0."""
    constants = [1, 1.0, True, 0, 0.0, -0.0, False]
    logics = [{op: [X, constant]} for constant in constants for op in ("==", "<=")][:-1]
    logics = [logic for logic in logics if not ("<=" in logic and isinstance(logic["<="][1], bool))]
    rules = RuleSet({"rules": [{"id": str(index), "when": logic} for index, logic in enumerate(logics)]})
    texts = [rule.condition.text for rule in rules.explain({"x": 1}).rules]
    assert texts == [
        f"x {op} {json.dumps(constant)}" for logic in logics for op, (_, constant) in logic.items()
    ]


# --- schema -------------------------------------------------------------------------------------------------


def test_the_schema_knows_every_operator():
    schema = document_schema()
    assert set(schema["$defs"]["operation"]["properties"]) == set(OPERATORS)
    assert document_schema() is not schema
    json.dumps(schema)


def test_the_schema_agrees_with_the_checks():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = document_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    full = {
        **DOCUMENT,
        "missing": "error",
        "lists": {"l": [1, "a", True]},
        "decisions": [{"at_least": 1, "action": "a"}],
        "default_action": None,
        "examples": [{"event": {}, "expect": {"matched": []}}],
    }
    RuleSet(full)
    assert list(validator.iter_errors(full)) == []
    for bad in [
        {},
        {"rules": [{}]},
        rule(score="1"),
        when({"foo": 1}),
        when({"==": [1]}),
        when({"!": [1, 2]}),
        rule(x=1),
    ]:
        assert list(validator.iter_errors(bad)), bad
        errors_of(bad)
