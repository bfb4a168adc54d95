"""The fraud API: its rules, its synthetic events, its service, and the script that starts it."""

import http.client
import itertools
import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections import Counter

import pytest
from examples.fraud_api.app import app
from examples.fraud_api.events import PATTERNS, generate
from fastapi.testclient import TestClient

from fastcore import RuleSet

from . import ROOT
from .rulebook import Rulebook, leaves

RULES = ROOT / "examples" / "fraud_api" / "rules" / "fraud.json"


class TestRules(Rulebook):
    path = RULES
    least = 60


class TestEvents:
    def test_the_same_seed_gives_the_same_events(self):
        assert list(generate(50, seed=3)) == list(generate(50, seed=3)) == list(generate(100, seed=3))[:50]
        assert list(generate(5, seed=3)) != list(generate(5, seed=4))

    def test_every_event_says_that_it_is_synthetic(self):
        events = list(generate(500, fraud_share=0.5))
        assert all(event["synthetic"] is True for event in events)
        assert {event["pattern"] for event in events} <= {"ordinary", *PATTERNS}
        assert len({event["id"] for event in events}) == 500
        assert [event["time"] for event in events] == sorted(event["time"] for event in events)

    def test_they_are_json(self):
        for event in generate(200, fraud_share=0.5):
            assert json.loads(json.dumps(event, allow_nan=False)) == event

    def test_they_carry_every_field_that_the_rules_read(self):
        known = {path for event in generate(2000, fraud_share=0.5) for path in leaves(event)}
        assert set(RuleSet.from_file(RULES).fields) <= known

    def test_every_rule_fires_on_some_and_the_ordinary_ones_pass(self):
        ruleset = RuleSet.from_file(RULES)
        fired, actions = Counter(), Counter()
        for event in generate(3000, fraud_share=0.8):
            decision = ruleset.evaluate(event)
            fired.update(decision.matched)
            actions[event["pattern"] == "ordinary", decision.action] += 1
        assert set(fired) == {rule.id for rule in ruleset.rules}
        ordinary = sum(count for (is_ordinary, _), count in actions.items() if is_ordinary)
        assert actions[True, "approve"] > 0.98 * ordinary
        assert actions[False, "approve"] < 0.25 * (3000 - ordinary)

    def test_the_command_writes_lines(self):
        done = subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "examples.fraud_api.events",
                "--count",
                "3",
                "--seed",
                "9",
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert [json.loads(line) for line in done.stdout.splitlines()] == list(generate(3, seed=9))


@pytest.fixture(scope="module")
def client():
    return TestClient(app)


class TestService:
    def test_a_payment_is_decided_with_reasons(self, client):
        payment = {
            "id": "pay_1",
            "kind": "transfer",
            "channel": "app",
            "amount_eur": 4890,
            "payee": {"new": True},
            "account": {"hours_since_password_change": 1, "balance_before": 5000},
        }
        answer = client.post("/payments", json=payment)
        assert answer.status_code == 200
        verdict = answer.json()
        assert (verdict["payment"], verdict["status"], verdict["score"]) == ("pay_1", "in review", 85)
        assert [reason["rule"] for reason in verdict["reasons"]] == [
            "password-change-then-transfer",
            "account-emptied",
        ]
        assert all(reason["description"] for reason in verdict["reasons"])

    @pytest.mark.parametrize("change", [{"amount_eur": -1}, {"kind": "gift"}, {"id": ""}, {"channel": None}])
    def test_a_bad_payment_is_refused(self, client, change):
        payment = {"id": "pay_1", "kind": "purchase", "channel": "pos", "amount_eur": 5} | change
        assert client.post("/payments", json=payment).status_code == 422

    def test_samples_go_through_both_ways_in(self, client):
        events = client.get("/events/sample", params={"count": 40, "seed": 5}).json()
        assert events == list(generate(40, seed=5, fraud_share=0.5))
        decisions = client.post("/fastcore/rules/fraud/evaluate-many", json=events).json()
        verdicts = [client.post("/payments", json=event).json() for event in events]
        assert [decision["score"] for decision in decisions] == [verdict["score"] for verdict in verdicts]
        for decision, verdict in zip(decisions, verdicts, strict=True):
            assert set(decision["matched"]) == {reason["rule"] for reason in verdict["reasons"]}

    @pytest.mark.parametrize("parameters", [{"count": 0}, {"count": 1001}, {"seed": -1}, {"fraud_share": 2}])
    def test_bad_samples_are_refused(self, client, parameters):
        assert client.get("/events/sample", params=parameters).status_code == 422

    def test_the_router_is_there_and_documented(self, client):
        assert client.get("/fastcore/health").status_code == 200
        deadline = time.monotonic() + 60
        while client.get("/fastcore/ready").status_code == 503:  # warming up: on PyPy that takes a while
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert client.get("/fastcore/fib/90").json()["result"] == "2880067194370816120"
        assert "Rules playground" in client.get("/fastcore/playground").text
        paths = client.get("/openapi.json").json()["paths"]
        assert {"/payments", "/events/sample", "/fastcore/rules/{name}/evaluate"} <= set(paths)


class TestStart:
    @staticmethod
    def start(port):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("FASTCORE_")}
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "examples.fraud_api"],
            cwd=ROOT,
            env=environment | {"PORT": str(port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_it_prints_three_requests_that_work(self):
        pytest.importorskip("uvicorn")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = self.start(port)
        try:
            lines = [process.stdout.readline() for _ in range(6)]
            assert lines[0].startswith("backend: ")
            assert f"http://127.0.0.1:{port}" in lines[1]
            commands = [shlex.split(line) for line in lines if line.startswith("  curl ")]
            assert len(commands) == 3
            answers = [self.curl(port, command) for command in commands]
        finally:
            process.terminate()
            process.communicate(timeout=30)
        assert answers[0]["status"] == "ok"
        assert answers[1]["result"] == "2880067194370816120"
        assert answers[2]["action"] == "review"

    @staticmethod
    def curl(port, command):
        """What curl would do with these arguments."""
        url = next(word for word in command if word.startswith("http://"))
        options = dict(itertools.pairwise(command))
        method, body = options.get("-X", "GET"), options.get("-d")
        headers = dict([options["-H"].split(": ")]) if "-H" in options else {}
        deadline = time.monotonic() + 60
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.request(method, url.split(str(port), 1)[1], body, headers)
                response = connection.getresponse()
                text = response.read()
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
                continue
            finally:
                connection.close()
            assert response.status == 200, text
            return json.loads(text)

    @pytest.mark.parametrize("port", ["0", "99999", "http", "80 80"])
    def test_a_port_that_is_none(self, port):
        pytest.importorskip("uvicorn")
        _, errors = self.start(port).communicate(timeout=60)
        assert errors == f"PORT must be a number from 1 to 65535, not {port!r}\n"
