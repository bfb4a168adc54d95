"""``fastcore rules compare`` and ``diff``: what a new ruleset changes."""

import copy
import json
import random

import pytest

from fastcore.rules import RuleSet

from .conftest import DOCUMENT, invoke, write

EVENTS = [
    {"amount": 150},
    {"amount": 50, "card": {"country": "NZ"}},
    {"amount": 500, "card": {"country": "CL"}},
    {},
    {"amount": 250},
]
CSV = "amount,card.country\n150,\n50,NZ\n500,CL\n,\n250,\n"
NDJSON = "".join(json.dumps(event) + "\n" for event in EVENTS)


def newer():
    document = copy.deepcopy(DOCUMENT)
    document["version"] = "2"
    document["rules"][0]["when"] = {">": [{"var": "amount"}, 200]}
    document["rules"][1]["score"] = 20
    document["rules"][1]["action"] = "decline"
    document["rules"].append({"id": "empty", "when": {"missing": ["amount"]}})
    document["decisions"] = [{"at_least": 10, "action": "review"}, {"at_least": 100, "action": "never"}]
    return document


@pytest.fixture
def new(tmp_path):
    return write(tmp_path / "new.json", json.dumps(newer()))


def compared(*arguments, status=0, **options):
    result = invoke("rules", "compare", *arguments, "--json", **options)
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("name", "data", "first_line"),
    [
        ("events.ndjson", NDJSON, 1),
        ("events.json", "[\n" + ",\n".join(map(json.dumps, EVENTS)) + "\n]", 2),
        ("events.csv", CSV, 2),
    ],
)
def test_counts_and_samples(tmp_path, ruleset, new, backend, name, data, first_line):
    found = compared(ruleset, new, write(tmp_path / name, data), "--backend", backend)
    assert found["before"] == {"ruleset": "small", "version": "1"}
    assert found["after"] == {"ruleset": "small", "version": "2"}
    assert (found["records"], found["bad_records"], found["changed"]) == (5, 0, 4)
    assert found["actions"] == [
        {"before": "review", "after": "approve", "events": 1},
        {"before": "approve", "after": "decline", "events": 1},
        {"before": "review", "after": "decline", "events": 1},
    ]
    assert found["scores"] == {"changed": 3, "min": -10, "mean": pytest.approx(20 / 3), "max": 15}
    assert found["rules"] == [
        {"rule": "empty", "before": 0, "after": 1, "fires": 1, "stops": 0},
        {"rule": "large", "before": 3, "after": 2, "fires": 0, "stops": 1},
    ]
    samples = found["samples"]
    assert [(sample["event"], sample["line"]) for sample in samples] == [
        (index, first_line + index) for index in range(4)
    ]
    assert samples[0] == {
        "event": 0,
        "line": first_line,
        "before": {"matched": ["large"], "score": 10, "action": "review"},
        "after": {"matched": [], "score": 0, "action": "approve"},
        "rules": [
            {
                "rule": "large",
                "effect": "stops",
                "before": "its condition is true",
                "after": "because amount > 200 is false",
            }
        ],
    }
    assert [(rule["rule"], rule["effect"]) for rule in samples[2]["rules"]] == [("far", "counts")]
    assert samples[3]["rules"] == [
        {"rule": "empty", "effect": "fires", "before": None, "after": "its condition is true"}
    ]


def test_the_text(ruleset, new):
    result = invoke("rules", "compare", ruleset, new, "-", "--samples", 2, input=NDJSON)
    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
small 1 → small 2

records   5
bad       0
changed   4  80.00%
scores    3 changed: min -10, mean +6.66667, max +15

actions
  review → approve   1   20.00%
  approve → decline  1   20.00%
  review → decline   1   20.00%

  rule   before  after  fires  stops
  empty       0      1      1      0
  large       3      2      0      1

the first 2 of 4 events that change
  line 1: review → approve, score 10 → 0
    - large: was: its condition is true; is: because amount > 200 is false
  line 2: approve → decline, score 5 → 20
    ~ far fires as before, and counts otherwise
"""
    )
    assert "records per second" in result.stderr


def test_nothing_changes(ruleset):
    found = compared(ruleset, ruleset, "-", "--fail-on-change", input=NDJSON)
    assert (found["changed"], found["actions"], found["rules"], found["samples"]) == (0, [], [], [])
    assert found["scores"] == {"changed": 0, "min": None, "mean": None, "max": None}


def test_another_order_of_the_same_rules_is_no_change(tmp_path, ruleset):
    document = copy.deepcopy(DOCUMENT)
    document["rules"].reverse()
    found = compared(ruleset, write(tmp_path / "b.json", json.dumps(document)), "-", input=NDJSON)
    assert found["changed"] == 0


@pytest.mark.parametrize(
    ("options", "data", "status"),
    [
        ([], NDJSON, 0),
        (["--fail-on-change"], NDJSON, 3),
        (["--fail-on-change"], "", 0),
        ([], NDJSON + "{\n", 1),
        (["--fail-on-change"], NDJSON + "[]\n", 1),
        (["--format", "json"], "", 0),
        (["--delimiter", "::"], NDJSON, 2),
        (["--type", "amount"], NDJSON, 2),
    ],
)
def test_the_status(ruleset, new, options, data, status):
    assert invoke("rules", "compare", ruleset, new, "-", *options, input=data).exit_code == status


def test_what_cannot_start(tmp_path, ruleset):
    bad = write(tmp_path / "bad.json", "{}")
    for arguments in [(ruleset, bad, "-"), (bad, ruleset, "-"), (ruleset, ruleset, "missing.json")]:
        result = invoke("rules", "compare", *arguments, input="")
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith("fastcore: ")


def test_bad_records_are_counted_and_passed_over(ruleset, new):
    data = "{\n" + NDJSON + "[1]\n"
    found = compared(ruleset, new, "-", status=1, input=data)
    assert (found["records"], found["bad_records"], found["changed"]) == (7, 2, 4)
    assert [(sample["event"], sample["line"]) for sample in found["samples"][:2]] == [(1, 2), (2, 3)]


def test_an_event_that_only_one_ruleset_can_decide(tmp_path, ruleset):
    document = {**copy.deepcopy(DOCUMENT), "missing": "error"}
    strict = write(tmp_path / "strict.json", json.dumps(document))
    found = compared(ruleset, strict, "-", input='{"amount": 500, "card": {"country": "NZ"}}\n{}\n')
    assert found["failed"] == {"before": 0, "after": 1}
    assert found["actions"] == [{"before": "approve", "after": "(failed)", "events": 1}]
    assert "field 'amount': is missing" in found["samples"][0]["after"]["error"]
    text = invoke("rules", "compare", ruleset, strict, "-", input="{}\n").stdout
    assert "failed    0 → 1" in text
    assert "line 1: approve → (failed)" in text


def test_the_rulesets_together_tell_the_types_of_columns(tmp_path):
    rules = [
        [{"id": "a", "when": {"==": [{"var": "code"}, "007"]}}],
        [
            {"id": "a", "when": {"==": [{"var": "code"}, "008"]}},
            {"id": "b", "when": {">": [{"var": "n"}, 1]}},
        ],
    ]
    files = [
        write(tmp_path / f"{index}.json", json.dumps({"rules": entries}))
        for index, entries in enumerate(rules)
    ]
    found = compared(*files, write(tmp_path / "e.csv", "code,n\n007,2\n008,0\n"))
    assert [(rule["rule"], rule["fires"], rule["stops"]) for rule in found["rules"]] == [
        ("a", 1, 1),
        ("b", 1, 0),
    ]


def test_sums_are_those_of_single_decisions(tmp_path):
    source = random.Random(5)
    documents = [
        {
            "rules": [
                {
                    "id": f"r{index}",
                    "when": {source.choice("<>"): [{"var": source.choice("ab")}, source.randrange(10)]},
                    "score": source.randrange(-5, 6),
                    **({"action": source.choice("xyz")} if source.random() < 0.3 else {}),
                }
                for index in range(12)
            ]
        }
        for _ in range(2)
    ]
    events = [{"a": source.randrange(10), "b": source.randrange(10)} for _ in range(300)]
    files = [write(tmp_path / f"{index}.json", json.dumps(each)) for index, each in enumerate(documents)]
    data = "".join(json.dumps(event) + "\n" for event in events)
    found = compared(*files, "-", "--samples", 1000, input=data)
    pairs = [[RuleSet(document).evaluate(event) for document in documents] for event in events]
    changed = [
        index
        for index, (one, other) in enumerate(pairs)
        if (set(one.matched), one.score, one.action) != (set(other.matched), other.score, other.action)
    ]
    assert [sample["event"] for sample in found["samples"]] == changed
    assert found["changed"] == len(changed)
    differences = [other.score - one.score for one, other in pairs if one.score != other.score]
    assert found["scores"] == {
        "changed": len(differences),
        "min": min(differences),
        "mean": pytest.approx(sum(differences) / len(differences)),
        "max": max(differences),
    }
    assert sum(entry["events"] for entry in found["actions"]) == sum(a.action != b.action for a, b in pairs)
    for rule in found["rules"]:
        fired = [(rule["rule"] in a.matched, rule["rule"] in b.matched) for a, b in pairs]
        assert rule["before"] == sum(before for before, _ in fired)
        assert rule["after"] == sum(after for _, after in fired)
        assert rule["fires"] == fired.count((False, True))
        assert rule["stops"] == fired.count((True, False))


def test_interrupted_it_tells_what_it_has_seen(ruleset, new, monkeypatch):
    def interrupted(*arguments):
        yield [(1, EVENTS[0]), (2, EVENTS[1])]
        raise KeyboardInterrupt

    monkeypatch.setattr("fastcore.cli.rules.batches_of", interrupted)
    result = invoke("rules", "compare", ruleset, new, "-", "--json", input="")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["records"] == 2
    assert "interrupted" in result.stderr


class TestDiff:
    def test_text(self, ruleset, new):
        result = invoke("rules", "diff", ruleset, new)
        assert result.exit_code == 0
        assert result.stdout == f"{RuleSet(DOCUMENT).diff(RuleSet(newer()))}\n"
        assert "  when: amount > 100 → amount > 200\n" in result.stdout

    def test_json_and_status(self, ruleset, new):
        result = invoke("rules", "diff", ruleset, new, "--json", "--fail-on-change")
        assert result.exit_code == 3
        assert json.loads(result.stdout) == RuleSet(DOCUMENT).diff(RuleSet(newer())).to_dict()
        result = invoke("rules", "diff", ruleset, ruleset, "--fail-on-change")
        assert (result.exit_code, result.stdout) == (0, "small 1 → small 1: no changes\n")

    def test_a_missing_file(self, ruleset):
        assert invoke("rules", "diff", ruleset, "missing.json").exit_code == 2
