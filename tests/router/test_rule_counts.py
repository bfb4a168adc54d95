"""Which rules fired how often: exact, whoever asked, and from nought for a new version."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from fastcore import RuleSet, RuleStore
from fastcore.router.rule_counts import RuleCounts

from .support import DOCUMENT, EVENT, make_client, problem


def counts_of(client, name="fraud"):
    return client.get(f"/fastcore/rules/{name}/counts").json()


def test_each_rule_has_its_count(client):
    before = datetime.now(UTC)
    for event in (EVENT, EVENT, {"amount": 2000, "country": "DE"}):
        assert client.post("/fastcore/rules/fraud/evaluate", json=event).status_code == 200
    response = client.get("/fastcore/rules/fraud/counts")
    assert response.headers["cache-control"] == "no-store"
    counts = response.json()
    since = datetime.fromisoformat(counts.pop("since"))
    assert before.replace(microsecond=0) <= since <= datetime.now(UTC)
    assert counts == {
        "ruleset": "fraud",
        "version": "7",
        "events": 3,
        "rules": {"large": 3, "abroad": 2, "night": 2},
        "scope": "this process",
    }
    assert list(counts["rules"]) == ["night", "large", "abroad"]


def test_a_rule_that_never_fires_is_there(client):
    assert counts_of(client)["rules"] == {"large": 0, "abroad": 0, "night": 0}


def test_batches_count_event_by_event(client):
    events = [EVENT] * 150 + [[], {"amount": 1}] + [{"country": "FR"}] * 50
    lines = "\n".join(["{"] + ['{"amount": 2000}'] * 30)
    assert client.post("/fastcore/rules/fraud/evaluate-many", json=events).status_code == 200
    headers = {"content-type": "application/x-ndjson"}
    assert (
        client.post("/fastcore/rules/fraud/evaluate-many", content=lines, headers=headers).status_code == 200
    )
    counts = counts_of(client)
    assert counts["events"] == 231
    assert counts["rules"] == {"large": 180, "abroad": 200, "night": 150}
    events = client.get("/fastcore/info").json()["counters"]["events"]
    assert events == {"evaluated": 231, "failed": 2}


def test_what_is_refused_or_explained_is_not_counted(client):
    client.post("/fastcore/rules/strict/evaluate", json={})
    client.post("/fastcore/rules/strict/evaluate", json=[])
    client.post("/fastcore/rules/strict/explain", json=EVENT)
    assert counts_of(client, "strict")["events"] == 0
    assert client.get("/fastcore/info").json()["counters"]["events"] == {"evaluated": 0, "failed": 2}


def test_rulesets_are_counted_apart_and_so_are_routers(client, backend):
    client.post("/fastcore/rules/fraud/evaluate", json=EVENT)
    assert counts_of(client, "strict")["events"] == 0
    assert counts_of(make_client(backend))["events"] == 0


def test_a_new_version_begins_at_nought(backend):
    store = RuleStore([RuleSet.from_dict(DOCUMENT, backend=backend)])
    client = make_client(backend, rules=store)
    client.post("/fastcore/rules/fraud/evaluate", json=EVENT)
    first = counts_of(client)
    rules = [{"id": "small", "when": {"<": [{"var": "amount"}, 10]}, "score": 1}]
    store.replace(RuleSet.from_dict({"name": "fraud", "version": "8", "rules": rules}, backend=backend))
    second = counts_of(client)
    assert second["version"] == "8"
    assert second["since"] >= first["since"]
    assert (second["events"], second["rules"]) == (0, {"small": 0})
    client.post("/fastcore/rules/fraud/evaluate", json={"amount": 1})
    assert counts_of(client)["rules"] == {"small": 1}
    assert client.get("/fastcore/info").json()["counters"]["events"] == {"evaluated": 2, "failed": 0}


def test_a_ruleset_that_goes_and_comes_back(backend):
    ruleset = RuleSet.from_dict(DOCUMENT, backend=backend)
    store = RuleStore([ruleset])
    client = make_client(backend, rules=store)
    client.post("/fastcore/rules/fraud/evaluate", json=EVENT)
    store.remove("fraud")
    problem(client.get("/fastcore/rules/fraud/counts"), 404, "not-found")
    store.replace(ruleset)
    assert counts_of(client)["events"] == 0
    assert client.get("/fastcore/info").json()["counters"]["events"]["evaluated"] == 1


@pytest.mark.parametrize("retired", [False, True])
def test_no_thread_loses_a_count(retired):
    """While threads count, another reads all the time, and the ruleset may be replaced."""
    total = []
    counts = RuleCounts(RuleSet.from_dict(DOCUMENT), total.append)
    threads, each = 4, 3000
    ready = threading.Barrier(threads + 1)
    done = threading.Event()

    def count(matched):
        ready.wait()
        for _ in range(each):
            counts.add(matched)

    def read():
        ready.wait()
        if retired:
            counts.retire()
        while not done.is_set():
            events, fired = counts.read()
            assert fired["large"] == events

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(threads + 1) as pool:
            reader = pool.submit(read)
            for future in [
                pool.submit(count, ("large", "night") if i % 2 else ("large",)) for i in range(threads)
            ]:
                future.result()
            if retired:
                assert sum(total) >= threads * each  # without another reading
            done.set()
            reader.result()
    finally:
        done.set()
        sys.setswitchinterval(interval)
    assert counts.read() == (
        threads * each,
        {"large": threads * each, "abroad": 0, "night": threads * each // 2},
    )
    assert sum(total) == threads * each
