"""What a ruleset must be to serve as an example."""

import json

import pytest

from fastcore import RuleSet


def leaves(event, path=""):
    """Dotted path of every value in an event → the value."""
    found = {}
    for key, value in event.items():
        if isinstance(value, dict):
            found |= leaves(value, f"{path}{key}.")
        else:
            found[path + key] = value
    return found


def difference(one, other):
    """How many values differ between two events."""
    first, second = leaves(one), leaves(other)
    return sum(first.get(path, ...) != second.get(path, ...) for path in first.keys() | second.keys())


class Rulebook:
    """Subclasses name a file and a number of rules, and get these tests."""

    path = None
    least = 0

    @pytest.fixture
    def document(self):
        return json.loads(self.path.read_text(encoding="utf-8"))

    def test_its_examples_pass(self, backend):
        ruleset = RuleSet.from_file(self.path, backend=backend)
        results = ruleset.run_examples()
        assert [(result.path, result.problems) for result in results if not result.passed] == []
        assert len(results) == len(ruleset.examples)

    def test_nothing_in_it_is_hardly_meant(self):
        assert RuleSet.from_file(self.path).warnings == ()

    def test_it_has_as_many_rules_as_promised(self, document):
        assert len(document["rules"]) >= self.least

    def test_every_rule_says_what_it_is_for(self, document):
        for rule in document["rules"]:
            assert len(rule["description"]) > 15, rule["id"]
            assert rule["tags"], rule["id"]
            assert rule["score"], rule["id"]
        assert len({rule["description"] for rule in document["rules"]}) == len(document["rules"])

    def test_every_rule_has_an_event_that_fires_it_and_a_near_miss(self, document):
        for rule in document["rules"]:
            fires = [example["event"] for example in rule["examples"] if example["fires"]]
            misses = [example["event"] for example in rule["examples"] if not example["fires"]]
            assert fires, rule["id"]
            assert any(difference(one, other) <= 2 for one in fires for other in misses), rule["id"]

    def test_no_condition_is_written_twice(self, document):
        conditions = [json.dumps(rule["when"], sort_keys=True) for rule in document["rules"]]
        assert len(set(conditions)) == len(conditions)
