"""Regular expressions in the conditions of a RuleSet: `matches`, which google-re2 searches for."""

import copy
import json
import pickle
import re
import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore.errors import EvaluationError, LogicError, RuleSetError
from fastcore.rules import RuleSet, RuleStore, jsonlogic
from fastcore.rules.clauses import make_clauses
from fastcore.rules.document import check_document
from tests.conftest import cython_problem

TEXT = {"var": "s"}
EMAIL = r"^[^@\s]+@([a-z-]+\.)+(com|org)$"


def matching(pattern, text=TEXT, backend=None, **document):
    rules = [{"id": "r", "when": {"matches": [text, pattern]}}]
    return RuleSet({"rules": rules, **document}, backend=backend, allow_regex=True)


def negated(pattern, backend=None):
    rules = [{"id": "not", "when": {"!": [{"matches": [TEXT, pattern]}]}}]
    return RuleSet({"rules": rules}, backend=backend, allow_regex=True)


def errors_of(*conditions, **options):
    rules = [{"id": f"r{index}", "when": when} for index, when in enumerate(conditions)]
    with pytest.raises(RuleSetError) as caught:
        RuleSet({"rules": rules}, **options)
    return list(caught.value.errors)


# --- evaluating ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),
        ("b", "ac", False),
        ("", "", True),
        ("^b", "abc", False),
        (EMAIL, "jo@mail.example.com", True),
        (EMAIL, "jo@mail.example.net", False),
        ("(?i)straße", "STRAßE", True),
        ("^.$", "\U0001f600", True),
        (r"^\pL+$", "größe", True),
        ("a.b", "a\nb", False),
        ("(?s)a.b", "a\nb", True),
        ("a\x00b", "xa\x00b", True),
        (r"(?P<year>\d{4})-(?P<month>\d\d)", "on 2026-03", True),
    ],
)
@pytest.mark.parametrize("missing", ["unknown", "error", "jsonlogic"])
def test_whether_a_pattern_is_found_anywhere(pattern, text, found, missing, backend, re2):
    rules = matching(pattern, backend=backend, missing=missing)
    assert rules.matches({"s": text}) == ["r"] * found
    assert rules.evaluate_json(json.dumps({"s": text})).matched == ("r",) * found
    if missing == "unknown":
        assert negated(pattern, backend).matches({"s": text}) == ["not"] * (not found)


@pytest.mark.parametrize("missing", ["unknown", "jsonlogic"])
def test_columns_of_texts(missing, backend, re2):
    rules = RuleSet(
        {
            "missing": missing,
            "rules": [
                {"id": "a", "when": {"matches": [TEXT, "^a+$"]}},
                {"id": "b", "when": {"and": [{">": [{"var": "n"}, 1]}, {"matches": [TEXT, "b"]}]}},
            ],
        },
        backend=backend,
        allow_regex=True,
    )
    texts, numbers = ["aa", "ab", None, "b\ud800", 5, "b", "b"], [1, 2, 3, 4, 5, 6, 1]
    wanted = [["a"], ["b"], [], [], [], ["b"], []]
    result = rules.evaluate_columns({"s": texts, "n": numbers}, matched=True)
    assert [list(result.matches(row)) for row in range(len(texts))] == wanted
    events = [{"s": text, "n": number} for text, number in zip(texts, numbers, strict=True)]
    assert [list(found.matched) for found in rules.evaluate_many(events)] == wanted


@pytest.mark.parametrize("value", [5, True, None, ["a"], {"a": 1}, b"a", "a\ud800"])
def test_what_is_no_string_is_unknown(value, backend, re2):
    assert matching("a", backend=backend).matches({"s": value}) == []
    assert negated("a", backend).matches({"s": value}) == []
    assert negated("a", backend).matches({}) == []
    coerced = matching("a", backend=backend, missing="jsonlogic").evaluate({"s": value})
    assert (coerced.matched, [error.code for error in coerced.errors]) == ((), ["logic"])
    with pytest.raises(EvaluationError) as caught:
        matching("a", backend=backend, missing="error").evaluate({"s": value})
    assert (caught.value.rule, caught.value.field) == ("r", "s")


def test_why_it_is_unknown(backend, re2):
    reasons = {
        'leaves "matches" without a result for a number': 5,
        "holds half of a surrogate pair": "\ud800",
        "is null": None,
    }
    for reason, value in reasons.items():
        (explained,) = matching("a", backend=backend).explain({"s": value}).rules
        assert explained.why == f"undecided: s {reason}"


@pytest.mark.parametrize(
    ("pattern", "end"),
    [
        ("^(a+)+$", ""),
        ("^(a|a)*$", ""),
        ("^(a|aa)+$", ""),
        ("(.*a){20}$", ""),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "!Aa"),
    ],
)
@pytest.mark.parametrize("missing", ["unknown", "jsonlogic"])
def test_time_is_linear_where_others_backtrack(pattern, end, missing, backend, re2):
    """Where `re` would need longer than anybody waits."""
    rules = matching(pattern, backend=backend, missing=missing)
    assert rules.matches({"s": "a" * 200_000 + "!"}) == []
    assert rules.matches({"s": "a" * 200_000 + end}) == ["r"]


@given(
    st.text("ab.", max_size=12),
    st.lists(st.sampled_from(["a", "b", "[ab]", "a*", "(ab)+", "b?", r"\.", "^", "$", "|"]), max_size=6),
)
def test_the_language_is_that_of_re(re2, text, parts):
    """Where both libraries know a pattern they find the same."""
    pattern = "".join(parts)
    wanted = bool(re.search(pattern.replace("$", r"\Z"), text))
    for backend in ["python"] if cython_problem() else ["cython", "python"]:
        assert matching(pattern, backend=backend).matches({"s": text}) == ["r"] * wanted


def test_within_other_conditions(backend, re2):
    element = {"some": [{"var": "rows"}, {"matches": [{"var": "name"}, "^x"]}]}
    listed = {"matches": [{"cat": [TEXT, "-", {"length": {"list": "l"}}]}, "^a-2$"]}
    rules = RuleSet(
        {
            "lists": {"l": ["p", "q"]},
            "rules": [
                {"id": "some", "when": element},
                {"id": "listed", "when": listed},
                {"id": "same", "when": {"and": [listed, {"matches": [TEXT, "a"]}]}},
            ],
        },
        backend=backend,
        allow_regex=True,
    )
    assert rules.matches({"s": "a", "rows": [{"name": "y"}, {"name": "xy"}]}) == ["some", "listed", "same"]
    assert rules.matches({"s": "b", "rows": [{"name": "y"}]}) == []
    more = rules.with_lists({"l": ["p"]})
    assert more.allow_regex
    assert more.matches({"s": "a"}) == []
    assert rules.fields == {"rows": ("array",), "s": ("string",)}


# --- documents ----------------------------------------------------------------------------------------------


def test_it_must_be_allowed(backend):
    message = '"matches" must be allowed with allow_regex=True'
    found = errors_of({"!": [{"matches": [TEXT, "("]}]}, {"matches": [TEXT]}, backend=backend)
    assert found == [
        ("rules[0].when.![0].matches", message),
        ("rules[1].when", '"matches" takes 2 operands, not 1'),
    ]
    rules = [{"id": "r", "when": {"matches": [TEXT, "a"]}, "enabled": False}]
    makers = [
        lambda: RuleSet.from_dict({"rules": rules}),
        lambda: RuleSet.from_json(json.dumps({"rules": rules})),
        lambda: RuleSet.from_rules(rules),
    ]
    for make in makers:
        with pytest.raises(RuleSetError, match="allow_regex=True"):
            make()
    assert not RuleSet({"rules": []}).allow_regex


@pytest.mark.parametrize("wrong", [None, "other"])
def test_without_the_library(monkeypatch, wrong):
    """Not even a package that calls itself re2 and goes back to `re` is taken."""
    monkeypatch.setitem(sys.modules, "re2", wrong and ModuleType("re2"))
    for make in (lambda: RuleSet({"rules": []}, allow_regex=True), lambda: matching("a")):
        with pytest.raises(ImportError, match="google-re2"):
            make()


def test_a_bad_pattern_is_an_error_of_the_document(re2, capfd, backend):
    long = "ab" * 500
    found = errors_of(
        {"matches": [TEXT, "("]},
        {"and": [True, {"matches": [TEXT, r"(a)\1"]}]},
        {"matches": [TEXT, "(?=a)"]},
        {"matches": [TEXT, {"var": "pattern"}]},
        {"matches": [TEXT, 5]},
        {"matches": [7, long]},
        {"matches": [TEXT, long + "c"]},
        {"matches": [TEXT, r"(\pL{100}){9}"]},
        allow_regex=True,
        backend=backend,
    )
    shown = json.dumps(long)[:59] + "…"
    assert found == [
        ("rules[0].when.matches[1]", '"(" is not a pattern: missing ): ('),
        (
            "rules[1].when.and[1].matches[1]",
            r'"(a)\\1" is not a pattern: invalid escape sequence: \1',
        ),
        ("rules[2].when.matches[1]", '"(?=a)" is not a pattern: invalid perl operator: (?='),
        ("rules[3].when.matches[1]", 'a pattern is a constant string, not {"var": "pattern"}'),
        ("rules[4].when.matches[1]", "a pattern is a constant string, not 5"),
        ("rules[5].when.matches[0]", '"matches" takes string here, not 7'),
        (
            "rules[6].when.matches[1]",
            f"{shown} is not a pattern: a pattern has at most 1000 characters, not 1001",
        ),
        (
            "rules[7].when.matches[1]",
            r'"(\\pL{100}){9}" is not a pattern: pattern too large - compile failed',
        ),
    ]
    assert capfd.readouterr().err == ""


def test_disabled_rules_are_checked_too(re2):
    rules = [{"id": "r", "when": {"matches": [TEXT, "("]}, "enabled": False}]
    with pytest.raises(RuleSetError, match="missing"):
        RuleSet({"rules": rules}, allow_regex=True)


# --- a value among values -----------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["unknown", "jsonlogic"])
def test_copies_keep_what_is_allowed(missing, backend, re2):
    rules = matching("^a", backend=backend, missing=missing)
    for other in (pickle.loads(pickle.dumps(rules)), copy.copy(rules), copy.deepcopy(rules)):
        assert other == rules
        assert other.allow_regex
        assert other.matches({"s": "ab"}) == ["r"]
    plain = {"rules": [{"id": "r", "when": True}]}
    allowed = RuleSet(plain, allow_regex=True)
    assert allowed == RuleSet(plain)
    assert hash(allowed) == hash(RuleSet(plain))
    assert pickle.loads(pickle.dumps(allowed)).allow_regex
    assert not pickle.loads(pickle.dumps(RuleSet(plain))).allow_regex


def test_explained_compared_and_linted(backend, re2):
    rules = RuleSet(
        {
            "rules": [
                {"id": "a", "when": {"matches": [TEXT, "^a"]}, "action": "x"},
                {"id": "b", "when": {"matches": [TEXT, "^b"]}},
                {"id": "c", "when": {"and": [{"matches": [TEXT, "^a"]}, {"var": "n"}]}, "action": "y"},
                {"id": "d", "when": {"matches": [TEXT, "^b"]}},
                {"id": "e", "when": {"matches": ["xyz", "^y"]}},
            ]
        },
        backend=backend,
        allow_regex=True,
    )
    (explained,) = rules.explain({"s": "b"}, "a").rules
    assert explained.why == 'because s matches "^a" is false'
    assert str(explained.condition.text) == 's matches "^a"'
    found = {(warning.rules, warning.code) for warning in rules.warnings}
    assert found == {(("e",), "never-fires"), (("c", "a"), "shadowed"), (("d", "b"), "duplicate")}
    change = matching("^a").diff(matching("^b"))
    assert 'when: s matches "^a" → s matches "^b"' in str(change)


def test_equal_patterns_are_asked_once(re2):
    """Also where they were compiled apart, as for a document that is read twice."""
    same, other = {"matches": [TEXT, "^a"]}, {"matches": [TEXT, "^b"]}
    documents = [
        {"rules": [{"id": str(index), "when": when} for index, when in enumerate([same, same, other])]}
        for _ in range(2)
    ]
    trees = [tree for document in documents for tree in check_document(document, allow_regex=True).trees]
    assert [operand.tree for operand in make_clauses(trees).operands] == [trees[0], trees[2]]
    assert trees[0] == trees[3]
    assert trees[0] != trees[5]


def test_lint_sees_through_named_lists(re2):
    """The entries of a short list take its name's place, and what stands beside it stays."""
    size = {"length": {"list": "l"}}
    rules = RuleSet(
        {
            "lists": {"l": ["p", "q"]},
            "rules": [
                {"id": "a", "when": {"matches": [{"cat": ["s", size]}, "^s2$"]}},
                {"id": "b", "when": {"matches": [{"cat": ["s", size]}, "^s3$"]}},
                {"id": "c", "when": {"in": [size, [1, 2]]}},
            ],
        },
        allow_regex=True,
    )
    assert [warning.code for warning in rules.warnings] == []
    assert rules.matches({}) == ["a", "c"]


def test_a_folder_is_loaded_again_with_what_is_allowed(tmp_path, re2):
    rules = [{"id": "r", "when": {"matches": [TEXT, "^a"]}}]
    file = tmp_path / "one.json"
    file.write_text(json.dumps({"rules": rules}))
    with pytest.raises(RuleSetError, match="allow_regex=True"):
        RuleStore.from_folder(tmp_path)
    assert RuleSet.from_file(file, allow_regex=True).matches({"s": "a"}) == ["r"]
    store = RuleStore.from_folder(tmp_path, allow_regex=True)
    assert store.allow_regex
    file.write_text(json.dumps({"rules": rules, "version": "2"}))
    store.reload()
    assert store["one"].version == "2"
    assert store["one"].matches({"s": "a"}) == ["r"]


def test_jsonlogic_searches_the_same_way(backend, re2):
    rule = jsonlogic.compile({"matches": [TEXT, {"var": "p"}]}, allow_regex=True, backend=backend)
    assert rule({"s": "xaby", "p": "a(b)"}) is True
    assert rule({"s": "xby", "p": "a(b)"}) is False
    for data, kind in [
        ({"s": "a", "p": "("}, "Invalid Regular Expression"),
        ({"s": "a", "p": "a" * 1001}, "Invalid Regular Expression"),
        ({"s": "a", "p": "\ud800"}, "Invalid Regular Expression"),
        ({"s": "\ud800", "p": "a"}, "Invalid Arguments"),
        ({"s": None, "p": "a"}, "Invalid Arguments"),
    ]:
        with pytest.raises(LogicError) as caught:
            rule(data)
        assert caught.value.type == kind
