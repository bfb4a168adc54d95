"""What OpenTelemetry reads of a router, by the SDK's own reader in memory."""

import gc
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from fastcore import RuleSet, RuleStore
from fastcore.event_loop import BOUNDS
from fastcore.router import RouterSettings, create_router, install
from fastcore.router.counters import Counters
from fastcore.router.metrics import Reported, report
from fastcore.router.work import Workers
from tests.waiting import eventually

from .support import DOCUMENT, EVENT, make_client

PAGE = Path(__file__).parents[2] / "docs" / "observing.md"


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def provider(reader):
    provider = MeterProvider([reader])
    yield provider
    provider.shutdown()


def metrics_of(reader):
    """Every metric of ours that is collected now, by name."""
    data = reader.get_metrics_data()
    return {
        metric.name: metric
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        if scope.scope.name == "fastcore"
        for metric in scope.metrics
    }


def points(reader, name):
    """The values of a metric by its attributes, without the name of the router."""
    metric = metrics_of(reader).get(name)
    found = {}
    for point in metric.data.data_points if metric else ():
        attributes = dict(point.attributes)
        assert attributes.pop("fastcore.router.name")
        found[tuple(attributes.values())] = getattr(point, "value", None)
    return found


def routers(reader, name="fastcore.router.refusals"):
    metric = metrics_of(reader).get(name)
    return (
        {point.attributes["fastcore.router.name"] for point in metric.data.data_points} if metric else set()
    )


# --- what is there ---------------------------------------------------------------------------------------


def test_requests_by_operation_and_status(backend, reader, provider):
    client = make_client(backend, meter_provider=provider)
    for path in ("fib/1", "fib/2", "fib/x", "health"):
        client.get(f"/fastcore/{path}")
    assert points(reader, "fastcore.router.requests") == {
        ("fibonacci", 200): 2,
        ("fibonacci", 422): 1,
        ("health", 200): 1,
    }


def test_the_lane_is_counted_too(reader, provider):
    app = FastAPI()
    install(app, meter_provider=provider)
    for _ in range(3):
        TestClient(app).get("/fastcore/fib/1")
    assert points(reader, "fastcore.router.requests") == {("fibonacci", 200): 3}


def test_events_and_matches_by_rule(backend, reader, provider):
    client = make_client(backend, meter_provider=provider, rules=[RuleSet.from_dict(DOCUMENT)])
    client.post("/fastcore/rules/fraud/evaluate", json=EVENT)
    client.post("/fastcore/rules/fraud/evaluate", json=[])
    client.post("/fastcore/rules/fraud/evaluate-many", json=[{"amount": 2000}, 1])
    assert points(reader, "fastcore.rules.events") == {("evaluated",): 2, ("failed",): 2}
    assert points(reader, "fastcore.rules.matches") == {
        ("fraud", "7", "night"): 1,
        ("fraud", "7", "large"): 2,
        ("fraud", "7", "abroad"): 1,
    }


def test_only_so_many_rules_have_a_series(reader, provider):
    client = make_client(meter_provider=provider, rules=[RuleSet.from_dict(DOCUMENT)], max_rule_series=1)
    client.post("/fastcore/rules/fraud/evaluate", json=EVENT)
    (first, rest) = metrics_of(reader)["fastcore.rules.matches"].data.data_points
    assert (first.attributes["fastcore.rule.id"], first.value) == ("night", 1)
    assert "fastcore.rule.id" not in rest.attributes
    assert (rest.attributes["otel.metric.overflow"], rest.value) == (True, 2)


def test_a_new_version_has_series_of_its_own(reader, provider):
    store = RuleStore([RuleSet.from_dict(DOCUMENT)])
    client = make_client(meter_provider=provider, rules=store)
    client.post("/fastcore/rules/fraud/evaluate", json=EVENT)
    store.replace(RuleSet.from_dict({**DOCUMENT, "version": "8"}))
    assert {key[1] for key in points(reader, "fastcore.rules.matches")} == {"8"}
    assert points(reader, "fastcore.rules.events")[("evaluated",)] == 1


def test_work_that_runs_waits_and_is_refused(reader, provider, monkeypatch):
    """One thread, one place in the queue: a third request is refused while the first holds the thread."""
    held, go = threading.Event(), threading.Event()
    original = RuleSet.explain

    def explain(*arguments, **options):
        held.set()
        assert go.wait(60)
        return original(*arguments, **options)

    monkeypatch.setattr(RuleSet, "explain", explain)
    client = make_client(
        meter_provider=provider,
        worker_threads=1,
        queue_length=1,
        inline_budget_seconds=0,
        deadline_seconds=60,
    )
    statuses = []

    def ask():
        statuses.append(client.post("/fastcore/rules/fraud/explain", json=EVENT).status_code)

    def value(name):
        return points(reader, f"fastcore.router.{name}")[()]

    with client:  # one event loop for all
        threads = [threading.Thread(target=ask) for _ in range(2)]
        try:
            threads[0].start()
            assert held.wait(60)
            threads[1].start()
            eventually(lambda: value("work.waiting") == 1, "one waits")
            assert value("work.running") == 1
            assert value("refusals") == 0
            ask()
            assert statuses == [503]
            assert value("refusals") == 1
        finally:
            go.set()
            for thread in threads:
                thread.join(60)
        assert sorted(statuses) == [200, 200, 503]
        assert (value("work.running"), value("work.waiting")) == (0, 0)


def test_lag_is_a_histogram(reader, provider):
    with make_client(meter_provider=provider) as client:
        client.get("/fastcore/health")
        metric = eventually(lambda: metrics_of(reader).get("fastcore.event_loop.lag"), "measured")
    (point,) = metric.data.data_points
    assert point.explicit_bounds == BOUNDS
    assert point.count >= 1


def test_without_rules_there_are_no_metrics_of_rules(reader, provider):
    app = FastAPI()
    app.include_router(create_router(include=("fib",), meter_provider=provider))
    TestClient(app).get("/fib/1")
    assert not any(name.startswith("fastcore.rules.") for name in metrics_of(reader))


def test_the_page_has_every_metric_with_its_unit_and_attributes(reader, provider):
    if not PAGE.exists():
        pytest.skip("the project's sources are not beside the tests")
    with make_client(meter_provider=provider, max_rule_series=1) as client:
        client.post("/fastcore/rules/fraud/evaluate", json=EVENT)
        eventually(lambda: "fastcore.event_loop.lag" in metrics_of(reader), "measured")
        found = {
            (
                name,
                metric.unit,
                frozenset(key for point in metric.data.data_points for key in point.attributes)
                - {"fastcore.router.name"},
            )
            for name, metric in metrics_of(reader).items()
        }
    rows = re.findall(
        r"^\| `(fastcore\.\S+)` \| [^|]+ \| `(\S+)` \|([^|]*)\|", PAGE.read_text("utf-8"), re.MULTILINE
    )
    written = {(name, unit, frozenset(re.findall(r"`([^`]+)`", keys))) for name, unit, keys in rows}
    assert written == found


# --- several routers, and none ---------------------------------------------------------------------------


def test_routers_are_told_apart(reader, provider, caplog):
    clients = [
        make_client(meter_provider=provider, operation_id_prefix=prefix) for prefix in ("a_", "a_", "b_", "")
    ]
    for count, client in enumerate(clients, 1):
        for _ in range(count):
            client.get("/fastcore/health")
    metric = metrics_of(reader)["fastcore.router.requests"]
    assert {point.attributes["fastcore.router.name"]: point.value for point in metric.data.data_points} == {
        "a": 1,
        "a-2": 2,
        "b": 3,
        "router": 4,
    }
    # it would warn of an instrument that is made twice
    assert not [each for each in caplog.records if each.name.startswith("opentelemetry")]


def test_a_router_that_is_gone_is_told_of_no_more(reader, provider):
    def make(name):
        return Reported(name, Counters(), Workers(RouterSettings()), None, 1)

    kept, _ = report("kept", make, provider)
    for _ in range(3):
        dropped, _ = report("dropped", make, provider)
        assert routers(reader) == {"kept", "dropped"}
        del dropped
        gc.collect()
        assert routers(reader) == {"kept"}
    assert kept.name == "kept"


def test_two_providers_are_two(reader, provider):
    other = InMemoryMetricReader()
    second = MeterProvider([other])
    clients = [make_client(meter_provider=each) for each in (provider, second)]
    clients[0].get("/fastcore/health")
    assert points(reader, "fastcore.router.requests") == {("health", 200): 1}
    assert points(other, "fastcore.router.requests") == {}
    second.shutdown()


GLOBAL = """
import sys
import fastcore.router
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

app = FastAPI()
app.include_router(fastcore.router.router, prefix="/early")
client = TestClient(app)
assert client.get("/early/fib/1").status_code == 200
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
app.include_router(fastcore.router.create_router(), prefix="/late")
provider = metrics.get_meter_provider()
app.include_router(fastcore.router.create_router(meter_provider=provider), prefix="/given")
assert client.get("/late/fib/1").status_code == 200
for resource in reader.get_metrics_data().resource_metrics:
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            if metric.name == "fastcore.router.requests":
                points = metric.data.data_points
                print(*sorted((point.attributes["fastcore.router.name"], point.value) for point in points))
"""


def test_the_global_provider_may_be_set_later():
    environment = {**os.environ, "FASTCORE_BACKEND": "python"}
    done = subprocess.run(
        [sys.executable, "-c", GLOBAL], capture_output=True, text=True, check=False, env=environment
    )
    assert (done.stdout, done.stderr) == ("('fastcore', 1) ('fastcore-2', 1)\n", "")


def test_without_opentelemetry(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    client = make_client()
    assert client.get("/fastcore/fib/10").status_code == 200
    assert client.get("/fastcore/info").json()["counters"]["answers"]["fibonacci"] == {"200": 1}
