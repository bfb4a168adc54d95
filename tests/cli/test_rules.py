"""``fastcore rules check``, ``test`` and ``explain``."""

import copy
import json

import pytest

from .conftest import DOCUMENT, invoke, write


def broken_document():
    document = copy.deepcopy(DOCUMENT)
    document["rules"][0]["when"] = {"and": [True, {"foo": [1]}]}
    document["rules"][1]["score"] = "high"
    document["colour"] = "blue"
    return document


class TestCheck:
    def test_valid(self, ruleset):
        result = invoke("rules", "check", ruleset)
        assert result.exit_code == 0
        assert result.stdout == f"{ruleset}: valid: small 1, 2 rules, 2 fields, 3 examples\n"

    def test_every_error_has_its_path(self, tmp_path, ruleset):
        bad = write(tmp_path / "bad.json", json.dumps(broken_document()))
        result = invoke("rules", "check", bad, ruleset)
        assert result.exit_code == 1
        *errors, valid = result.stdout.splitlines()
        assert sorted(error.split(": ")[1] for error in errors) == [
            "colour",
            "rules[0].when.and[1]",
            "rules[1].score",
        ]
        assert all(error.startswith(f"{bad}: ") for error in errors)
        assert valid.startswith(f"{ruleset}: valid: ")

    def test_files_that_are_no_documents(self, tmp_path):
        missing, broken = tmp_path / "missing.json", write(tmp_path / "broken.json", "{")
        text = write(tmp_path / "rules.txt", "")
        result = invoke("rules", "check", missing, broken, text)
        assert result.exit_code == 1
        first, second, third = result.stdout.splitlines()
        assert first == f"{missing}: No such file or directory"
        assert second.startswith(f"{broken}: not valid JSON: ")
        assert third.startswith(f"{text}: a ruleset file ends with ")

    def test_yaml(self, tmp_path):
        text = "name: tiny\nrules:\n  - id: a\n    when: {'>': [{var: x}, 1]}\n"
        result = invoke("rules", "check", write(tmp_path / "a.yaml", text))
        assert result.exit_code == 0
        assert ": valid: tiny " in result.stdout


@pytest.fixture
def patterns(tmp_path, re2):
    """The path of a ruleset with a regular expression."""
    document = copy.deepcopy(DOCUMENT)
    document["rules"][1]["when"] = {"matches": [{"var": "card.country"}, "^(NZ|CL)$"]}
    return write(tmp_path / "patterns.json", json.dumps(document))


@pytest.mark.parametrize(
    "command", ["check F", "test F", "explain F E", "run F E", "diff F F", "compare F F E"]
)
def test_regular_expressions_must_be_allowed(command, patterns, tmp_path):
    event = write(tmp_path / "event.json", '{"amount": 1, "card": {"country": "NZ"}}')
    arguments = [{"F": patterns, "E": event}.get(word, word) for word in command.split()]
    refused = invoke("rules", *arguments)
    assert refused.exit_code == (1 if command in ("check F", "test F") else 2)
    assert "rules[1].when.matches: " in refused.output
    assert "allow_regex=True" in refused.output
    allowed = invoke("rules", *arguments, "--allow-regex")
    assert allowed.exit_code == 0, allowed.output


class TestTest:
    def test_passing(self, ruleset, backend):
        result = invoke("rules", "test", ruleset, "--backend", backend)
        assert (result.exit_code, result.stdout) == (0, f"{ruleset}: 3 examples, 0 failed\n")

    def test_a_failure_is_explained(self, tmp_path, backend):
        document = copy.deepcopy(DOCUMENT)
        document["rules"][0]["examples"][1] |= {"fires": True, "description": "At the limit"}
        document["examples"][0]["expect"] = {"matched": ["large"], "action": "decline"}
        bad = write(tmp_path / "bad.json", json.dumps(document))
        result = invoke("rules", "test", bad, "--backend", backend)
        assert result.exit_code == 1
        lines = result.stdout.splitlines()
        assert f"{bad}: rules[0].examples[1]: At the limit" in lines
        assert "  large did not fire" in lines
        assert any("large: did not fire - More than a hundred." in line for line in lines)
        assert any("✗ amount > 100   [amount = 100]" in line for line in lines)
        assert f"{bad}: examples[0]" in lines
        assert "  expected matched ['large'], got ['large', 'far']" in lines
        assert "  expected action 'decline', got 'review'" in lines
        assert any("far: FIRED" in line for line in lines)
        assert lines[-1] == f"{bad}: 3 examples, 2 failed"

    def test_another_score_or_action_is_explained_by_the_rules_that_fired(self, tmp_path, backend):
        document = copy.deepcopy(DOCUMENT)
        document["rules"][1]["action"] = "hold"
        document["examples"] = [
            {"event": {"amount": 500, "card": {"country": "NZ"}}, "expect": {"score": 10}},
            {"event": {}, "expect": {"action": "review"}},
        ]
        bad = write(tmp_path / "bad.json", json.dumps(document))
        result = invoke("rules", "test", bad, "--backend", backend)
        assert result.exit_code == 1
        assert (
            result.stdout
            == f"""\
{bad}: examples[0]
  expected score 10, got 15
    large fired: score 10
    far fired: score 5, action hold
{bad}: examples[1]
  expected action 'review', got 'approve'
    no rule fired
{bad}: 4 examples, 2 failed
"""
        )

    def test_rules_that_no_example_fires_are_named(self, tmp_path):
        document = copy.deepcopy(DOCUMENT)
        document["examples"] = []
        document["rules"].append({"id": "off", "when": True, "enabled": False})
        file = write(tmp_path / "few.json", json.dumps(document))
        result = invoke("rules", "test", file)
        assert (result.exit_code, result.stderr) == (0, f"{file}: no example fires far\n")
        assert invoke("rules", "test", file, "--quiet").stderr == ""
        document["rules"] += [{"id": f"more {index}", "when": True, "priority": -1} for index in range(25)]
        document["rules"] = [rule | {"when": {"var": "x"}} for rule in document["rules"]]
        document["rules"][0].pop("examples")
        document["examples"] = [{"event": {}, "expect": {"matched": []}}]
        file = write(tmp_path / "none.json", json.dumps(document))
        assert invoke("rules", "test", file).stderr.endswith(", more 17 and 7 more\n")

    def test_an_invalid_ruleset_fails(self, tmp_path, ruleset):
        bad = write(tmp_path / "bad.json", json.dumps(broken_document()))
        result = invoke("rules", "test", bad, ruleset)
        assert result.exit_code == 1
        assert "unknown operator" in result.stdout
        assert result.stdout.endswith("3 examples, 0 failed\n")


class TestExplain:
    def test_all_rules(self, tmp_path, ruleset):
        result = invoke("rules", "explain", ruleset, write(tmp_path / "event.json", '{\n "amount": 150\n}\n'))
        assert result.exit_code == 0
        assert "large: FIRED" in result.stdout
        assert "✓ amount > 100   [amount = 150]" in result.stdout
        assert "far: did not fire" in result.stdout
        assert "card.country is missing" in result.stdout

    def test_one_rule_from_standard_input_as_json(self, ruleset):
        result = invoke(
            "rules", "explain", ruleset, "-", "--rule", "far", "--json", input='{"card":{"country":"CL"}}'
        )
        assert result.exit_code == 0
        found = json.loads(result.stdout)
        assert [(rule["rule"], rule["fired"]) for rule in found["rules"]] == [("far", True)]

    def test_only_what_fired(self, ruleset):
        result = invoke("rules", "explain", ruleset, "-", "--fired", input='{"amount": 150}')
        assert "large: FIRED" in result.stdout
        assert "far:" not in result.stdout

    @pytest.mark.parametrize(
        ("options", "event", "message"),
        [
            ([], "[1]", "an event is a JSON object, not an array"),
            ([], "{", "-: "),
            (["--rule", "huge"], "{}", "no rule has the id 'huge'"),
        ],
    )
    def test_what_cannot_be_explained(self, ruleset, options, event, message):
        result = invoke("rules", "explain", ruleset, "-", *options, input=event)
        assert result.exit_code == 2
        assert message in result.stderr
        assert result.stdout == ""

    def test_a_missing_event_file(self, ruleset):
        result = invoke("rules", "explain", ruleset, "missing.json")
        assert result.exit_code == 2
        assert "cannot read missing.json" in result.stderr
