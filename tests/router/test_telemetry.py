"""FastAPI's own telemetry says the same of a request, whether the lane answers it or the route does."""

import inspect

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fastcore import RuleSet
from fastcore.router import FastLane, asgi_app, create_router, install

from .support import DOCUMENT, EVENT

if "telemetry" not in inspect.signature(FastAPI).parameters:
    pytest.skip("this FastAPI has no telemetry", allow_module_level=True)


def plain(app, lane):
    install(app, rules=RuleSet.from_dict(DOCUMENT), lane=lane)
    return "/fastcore"


def nested(app, lane):
    outer = APIRouter(prefix="/outer")
    outer.include_router(create_router(rules=RuleSet.from_dict(DOCUMENT)), prefix="/inner")
    install(app, outer, prefix="/a", lane=lane)
    return "/a/outer/inner"


def below_a_root_path(app, lane):
    app.root_path = "/api"
    install(app, rules=RuleSet.from_dict(DOCUMENT), lane=lane)
    return "/api/fastcore"


def mounted(app, lane):
    inner = FastAPI()
    install(inner, rules=RuleSet.from_dict(DOCUMENT), prefix="/b", lane=lane)
    app.mount("/a", inner)
    return "/a/b"


def mounted_with_a_parameter(app, lane):
    if lane:
        inner = asgi_app(rules=RuleSet.from_dict(DOCUMENT))
    else:
        inner = FastAPI()
        inner.include_router(create_router(rules=RuleSet.from_dict(DOCUMENT)))
    app.mount("/{tenant}", inner)
    return "/{tenant}"


def observed(build, lane):
    """Names and routes of the spans of requests, and the routes and statuses of the durations."""
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing, metering = TracerProvider(), MeterProvider([reader])
    tracing.add_span_processor(SimpleSpanProcessor(spans))
    telemetry = {"tracer_provider": tracing, "meter_provider": metering, "operation_spans": False}
    app = FastAPI(telemetry=telemetry)
    prefix = build(app, lane)
    client = TestClient(app)
    path = prefix.replace("{tenant}", "acme")
    assert client.get(f"{path}/fib/10").status_code == 200
    assert client.get(f"{path}/fib/9999999").status_code == 422
    assert client.post(f"{path}/rules/fraud/evaluate", json=EVENT).status_code == 200
    seen = [(span.name, span.attributes["http.route"]) for span in spans.get_finished_spans()]
    statuses = [span.attributes["http.response.status_code"] for span in spans.get_finished_spans()]
    (resource,) = reader.get_metrics_data().resource_metrics
    durations = {
        (point.attributes["http.route"], point.attributes["http.response.status_code"], point.count)
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "http.server.request.duration"
        for point in metric.data.data_points
    }
    tracing.shutdown()
    metering.shutdown()
    return prefix, seen, statuses, durations


@pytest.mark.parametrize(
    "build",
    [plain, nested, below_a_root_path, mounted, mounted_with_a_parameter],
    ids=lambda each: each.__name__,
)
def test_the_lane_names_the_route_as_the_framework_does(build, monkeypatch):
    answered = []
    original = FastLane._entry
    monkeypatch.setattr(FastLane, "_entry", lambda *given: answered.append(original(*given)) or answered[-1])
    by_route, by_lane = observed(build, False), observed(build, True)
    assert len([entry for entry in answered if entry is not None]) == 3
    assert by_lane == by_route
    prefix, seen, statuses, durations = by_lane
    fib, evaluate = f"{prefix}/fib/{{n}}", f"{prefix}/rules/{{name}}/evaluate"
    assert seen == [(f"GET {fib}", fib), (f"GET {fib}", fib), (f"POST {evaluate}", evaluate)]
    assert statuses == [200, 422, 200]
    assert durations == {(fib, 200, 1), (fib, 422, 1), (evaluate, 200, 1)}
