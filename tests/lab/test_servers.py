"""The commands that measure servers, with tiny loads: what they write and refuse, and an interruption."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from fastcore import RuleSet
from fastcore.cli.app import app
from fastcore.lab import apps, payments, results
from fastcore.lab.load import WORKS, LoadError, at_rate
from tests.waiting import eventually

PARAMETERS = "--backend", "python"


def bench(*words):
    return CliRunner().invoke(app, ["bench", *map(str, words)])


def only(folder):
    """The one document in a folder, checked against the schema where that can be read."""
    (found,) = results.load_all([folder])
    try:
        import jsonschema
    except ImportError:
        return found
    jsonschema.validate(found.to_dict(), results.schema())
    return found


def test_python_functions_and_the_ruleset_decide_the_same(backend):
    decide = payments.decisions_of(payments.python_rules())
    ruleset = RuleSet.from_dict(payments.DOCUMENT, backend=backend)
    expected = [decide(event) for event in payments.EVENTS]
    for event, decided in zip(payments.EVENTS, expected, strict=True):
        found = ruleset.evaluate(event).to_dict()
        assert {name: found[name] for name in decided} == decided
    assert len({decided["action"] for decided in expected}) > 1


@pytest.mark.parametrize("name", ["naive", "recursion", "include", "lane", "mount"])
def test_every_app_answers_every_request(name):
    from starlette.testclient import TestClient

    client = TestClient(getattr(apps, name)())
    decide = payments.decisions_of(payments.python_rules())
    for work in WORKS.values():
        path = work.path.replace("35", "15").replace("1000", "7")
        answer = client.request(
            work.method, f"/fastcore{path}", content=work.body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 200
        document = answer.json()
        if work.name == "fib":
            assert int(document["result"]) == 610
            assert document["compute_time_seconds"] >= 0
        elif work.name == "rules":
            expected = decide(json.loads(work.body))
            assert {name: document[name] for name in expected} == expected
        else:
            assert [item["id"] for item in document["items"]] == list(range(7))
    assert client.get("/fastcore/health").status_code == 200


def test_a_fixed_rate_needs_no_wrk(tmp_path):
    words = ["--mode", "open", "--rate", "100", "--seconds", "1", "--warm-up", "0", "--pypy-warm-up", "0"]
    chosen = ["--way", "naive", "--way", "lane", "--work", "rules", "--connections", "4"]
    done = bench("http", *PARAMETERS, *words, *chosen, "--output", tmp_path)
    assert done.exit_code == 0, done.output
    found = only(tmp_path)
    assert found.head["backend"] == "python"
    assert [row["way"] for row in found.rows] == ["naive FastAPI", "lane"]
    for row in found.rows:
        assert row["errors"] == 0
        assert row["loads"]["open"]["requests"] == 100
        assert row["rate"] == 100
        assert 0 < row["p50"] <= row["p99"]
        assert row["memory_bytes"] is None or row["memory_bytes"] > 10_000_000
    assert "naive FastAPI" in done.output


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_wrk_and_then_a_rate_that_can_be_met(tmp_path):
    words = ["--seconds", "1", "--warm-up", "0", "--pypy-warm-up", "0", "--workers", "2"]
    chosen = ["--way", "lane", "--work", "rules", "--connections", "4"]
    done = bench("http", *PARAMETERS, *words, *chosen, "--output", tmp_path)
    assert done.exit_code == 0, done.output
    (row,) = only(tmp_path).rows
    most = row["loads"]["closed"]["requests_per_second"]
    assert most == row["requests_per_second"] > 0
    assert row["rate"] == pytest.approx(min(400_000 / 60, 0.7 * most))
    assert row["plan"]["workers"] == 2


def test_without_wrk_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = bench("http", *PARAMETERS, "--output", tmp_path)
    assert done.exit_code == 2
    assert "apt install wrk" in done.output
    assert "--mode open" in done.output


def test_a_client_without_a_server_is_an_error():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(LoadError, match="no connection to port"):
        at_rate(port, WORKS["fib"], rate=10, seconds=1, connections=100)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["http", "--way", "fastest"], "fastest is not one of naive, recursion, include, mount, lane"),
        (["http", "--work", "all"], "all is not one of fib, rules, payloads"),
        (["http", "--mode", "open"], "--mode open needs --rate"),
        (["http", "--connections", "100000"], "less than or equal to 1024"),
        (["http", "--backend", "rust"], "rust is not one of cython, python"),
        (["http", "--python", "python2.0"], "python2.0"),
        (["soak", "--way", "recursion"], "recursion is not one of"),
        (["soak", "--requests", "1"], "greater than or equal to 100"),
    ],
)
def test_what_makes_no_sense_is_refused(words, said, tmp_path):
    done = bench(*words, "--output", tmp_path)
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", "").split())
    assert list(tmp_path.iterdir()) == []


def test_memory_says_what_it_knows_and_why_not(tmp_path):
    done = bench("memory", *PARAMETERS, "--quick", "--way", "lane", "--large", "20", "--output", tmp_path)
    assert done.exit_code == 0, done.output
    rows = {row["measure"]: row for row in only(tmp_path).rows}
    assert all((row["value"] is None) == (row["gap"] is not None) for row in rows.values())
    for name in ("import fastcore", "start to the first answer of /health", "first answer of GET /fib/20"):
        assert 0 < rows[name]["value"] < 600
    assert 100_000 < rows["installed: fastcore"]["value"] < rows["installed: site-packages"]["value"]
    needed = rows["allocated at most, GET /payloads/1000"]
    if sys.implementation.name == "pypy":
        assert needed["gap"] == "this interpreter has no tracemalloc"
    else:
        assert needed["value"] > 1_000_000  # the body alone
        assert abs(rows["not freed, GET /payloads/1000"]["value"]) < 10_000
    assert rows["full collection after them"]["value"] > 0


LEAKY = """
from fastcore.lab.apps import include

kept = []


def leaky():
    app = include()

    @app.middleware("http")
    async def keep(request, answer):
        kept.append(b"x" * 50_000)
        return await answer(request)

    return app


def broken():
    raise RuntimeError("this app does not start")
"""


def soak(folder, *words):
    (folder / "leaky.py").write_text(LEAKY)
    return bench("soak", *PARAMETERS, *words, "--app-dir", folder, "--output", folder / "out")


def test_a_soak_finds_a_leak(tmp_path):
    words = ["--requests", "800", "--warm-up", "200", "--tolerance", "20000"]
    done = soak(tmp_path, *words, "--app", "leaky:leaky")
    assert done.exit_code == 1, done.output
    assert "memory GROWS by more than 20000" in done.output
    (row,) = only(tmp_path / "out").rows
    assert row["verdict"] == "grows"
    assert (row["requests"], row["errors"]) == (800, 0)
    assert 20_000 < row["low"] <= row["slope"] <= row["high"]


def test_an_app_that_does_not_start_is_said(tmp_path):
    done = soak(tmp_path, "--app", "leaky:broken")
    assert done.exit_code == 2
    assert "this app does not start" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="this system has no SIGTERM")
def test_a_soak_that_is_interrupted_goes_on(tmp_path):
    words = [sys.executable, "-m", "fastcore.cli", "bench", "soak", *PARAMETERS, "--output", str(tmp_path)]
    words += ["--tolerance", "1e9"]
    process = subprocess.Popen(
        [*words, "--requests", "100000000"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    def written():
        assert process.poll() is None, process.stdout.read()
        return list(tmp_path.glob("soak-*.json"))

    try:
        eventually(written, "results", 120)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "--resume goes on" in said
    before = only(tmp_path).rows[0]["requests"]
    done = bench("soak", *words[5:], "--resume", "--requests", before + 500, "--warm-up", "100")
    assert done.exit_code == 0, done.output
    (row,) = only(tmp_path).rows
    assert row["requests"] == before + 500
    assert len(row["segments"]) == 2
    assert row["samples"][0][0] < row["samples"][-1][0] == before + 500
    other = bench("soak", *words[5:], "--resume", "--workers", "2")
    assert other.exit_code == 2
    assert "its workers is 1, and now it is 2" in other.output
