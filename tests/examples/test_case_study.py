"""The case study: decisions are compared before speed is, and its page shows what was measured."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from examples.case_study import before, page, study

from fastcore import RuleSet
from fastcore.lab import payments
from fastcore.lab.results import BadResultsError, Results, load_all

ROOT = Path(__file__).parents[2]


class Answers:
    """In the place of a server: gives what a function makes of an event."""

    def __init__(self, decide):
        self.decide = decide

    def send(self, work):
        return json.dumps(self.decide(json.loads(work.body))).encode()


WAY = study.STUDIED["lane"]


def test_fastcore_agrees(backend):
    ruleset = RuleSet.from_dict(payments.DOCUMENT, backend=backend)
    study.agree(Answers(lambda event: ruleset.evaluate(event).to_dict()), WAY)


def test_another_decision_ends_the_study():
    decide = payments.decisions_of(payments.python_rules())

    def other(event):
        decided = decide(event)
        return decided | {"score": decided["score"] + (event["id"] == "payment-00000042")}

    with pytest.raises(study.DifferentDecisionError, match="lane: payment-00000042"):
        study.agree(Answers(other), WAY)


def test_the_service_before_answers():
    from starlette.testclient import TestClient

    client = TestClient(before.functions())
    decide = payments.decisions_of(payments.python_rules())
    for event in payments.EVENTS[:5]:
        answer = client.post("/fastcore/rules/fraud/evaluate", json=event)
        assert (answer.status_code, answer.json()) == (200, decide(event))


def test_one_command_measures_and_fills_the_page(tmp_path):
    words = ["--backend", "python", "--way", "functions", "--quick"]
    words += ["--mode", "open", "--rate", "50", "--connections", "4", "--output", str(tmp_path / "results")]
    command = [sys.executable, "-W", "ignore", "-m", "examples.case_study"]
    done = subprocess.run(
        [*command, *words], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    (found,) = load_all([tmp_path / "results"])
    (row,) = found.rows
    assert (row["way"], row["errors"]) == ("before: Python functions", 0)
    found.rows.append({**row, "way": "after: lane"})
    target = tmp_path / "page.md"
    target.write_text(f"above\n{page.BEGIN}what was there{page.END}below\n")
    page.fill([found], target)
    text = target.read_text()
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "what was there" not in text
    assert "no figures to rely on" in text
    assert text.count("| after: lane |") == 1
    page.fill([found], target)
    assert target.read_text() == text
    drawing = ET.parse(tmp_path / "page.svg")
    shown = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"before: Python functions", "after: lane", found.label} <= set(shown)


@pytest.mark.parametrize(
    ("rows", "text", "said"),
    [
        ([], page.BEGIN + page.END, "no results of the case study"),
        ([{"way": "lane"}], page.BEGIN + page.END, "no results of the case study"),
        ([{"way": "before: x"}], "no marks", "are not in it"),
    ],
)
def test_a_page_is_not_filled_with_something_else(rows, text, said, tmp_path):
    target = tmp_path / "page.md"
    target.write_text(text)
    with pytest.raises(BadResultsError, match=said):
        page.fill([Results("http", {}, rows)], target)
    assert target.read_text() == text
