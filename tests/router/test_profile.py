"""``?profile=1``: only where it is enabled, only for who may, one at a time; else it means nothing."""

import importlib.util
import json
import logging
import sys
import threading

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from fastcore import RuleSet, RuleStore
from fastcore.router import RouterSettings, create_router, install

from .support import DOCUMENT, EVENT, make_app, make_client, problem
from .test_mounting import GUARD

if importlib.util.find_spec("pyinstrument") is None:
    pytest.skip("pyinstrument is not installed", allow_module_level=True)


def allowed(request: Request):
    if request.headers.get("x-profile") != "yes":
        raise HTTPException(403, "no profile for you")


PROFILE = {"allow_profile": True, "profile_dependencies": [Depends(allowed)]}
ASKED = {"x-profile": "yes"}


@pytest.fixture
def profiling(backend):
    return make_client(backend, **PROFILE)


def calls(prefix="/fastcore"):
    return [
        ("GET", f"{prefix}/fib/30000", None),
        ("GET", f"{prefix}/payloads/500", None),
        ("GET", f"{prefix}/payloads/5000/stream", None),
        ("GET", f"{prefix}/rules", None),
        ("GET", f"{prefix}/rules/fraud", None),
        ("GET", f"{prefix}/rules/fraud/counts", None),
        ("POST", f"{prefix}/rules/fraud/evaluate", EVENT),
        ("POST", f"{prefix}/rules/fraud/evaluate-many", [EVENT] * 2000),
        ("POST", f"{prefix}/rules/fraud/explain", EVENT),
        ("GET", f"{prefix}/health", None),
        ("GET", f"{prefix}/info", None),
    ]


@pytest.mark.parametrize(("method", "path", "body"), calls())
def test_every_path_can_be_profiled(profiling, method, path, body):
    response = profiling.request(method, path, params={"profile": "1"}, json=body, headers=ASKED)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert "Samples:" in response.text


def test_it_shows_where_the_time_goes(backend, monkeypatch):
    def explain_at_length(*arguments):
        return sum(i * i for i in range(300_000))

    original = RuleSet.explain
    monkeypatch.setattr(RuleSet, "explain", lambda *a, **o: explain_at_length() and original(*a, **o))
    client = make_client(backend, inline_budget_seconds=0, **PROFILE)  # its work is for threads
    response = client.post("/fastcore/rules/fraud/explain?profile=1", json=EVENT, headers=ASKED)
    assert "explain_at_length" in response.text
    assert sys.argv[0] not in response.text


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("text/plain", "text/plain"),
        ("*/*", "text/plain"),
        ("image/png", "text/plain"),
        ("", "text/plain"),
    ],
)
def test_forms(profiling, accept, kind):
    headers = {**ASKED, "accept": accept}
    response = profiling.get("/fastcore/fib/100000?profile=1", headers=headers)
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"
    assert response.headers["vary"] == "accept"
    if kind == "text/html":
        assert response.text.startswith("<!DOCTYPE html>")
        assert 'src="http' not in response.text
    if kind == "application/json":
        assert "speedscope" in json.loads(response.text)["$schema"]


def test_the_dependency_stands_before_it_and_only_before_it(profiling):
    assert profiling.get("/fastcore/fib/10?profile=1").status_code == 403
    assert profiling.get("/fastcore/fib/10").json()["result"] == "55"
    assert profiling.get("/fastcore/fib/10?profile=0").json()["result"] == "55"
    assert profiling.get("/fastcore/fib/10?profile=").json()["result"] == "55"


def test_errors_are_answered_as_ever(profiling):
    problem(profiling.get("/fastcore/fib/x?profile=1", headers=ASKED), 422, "invalid-parameter")
    response = profiling.post("/fastcore/rules/fraud/evaluate?profile=1", content=b"{", headers=ASKED)
    problem(response, 415, "unsupported-media-type")
    headers = {**ASKED, "content-type": "application/json"}
    response = profiling.post("/fastcore/rules/fraud/evaluate?profile=1", content=b"{", headers=headers)
    problem(response, 422, "invalid-event")
    big = b" " * 2_000_000
    response = profiling.post("/fastcore/rules/fraud/evaluate?profile=1", content=big, headers=headers)
    problem(response, 413, "body-too-large")
    assert profiling.post("/fastcore/fib/1?profile=1", headers=ASKED).status_code == 405
    assert profiling.get("/fastcore/none?profile=1", headers=ASKED).status_code == 404


def test_it_is_counted_as_what_it_is(profiling):
    profiling.post("/fastcore/rules/fraud/evaluate?profile=1", json=EVENT, headers=ASKED)
    counters = profiling.get("/fastcore/info").json()["counters"]
    assert counters["answers"] == {"evaluate": {"200": 1}}
    assert counters["events"] == {"evaluated": 1, "failed": 0}


def test_one_at_a_time(monkeypatch):
    started, go = threading.Event(), threading.Event()
    original = RuleSet.explain

    def explain(*arguments, **options):
        started.set()
        assert go.wait(60)
        return original(*arguments, **options)

    monkeypatch.setattr(RuleSet, "explain", explain)
    with make_client(retry_after_seconds=3, **PROFILE) as client:
        first = []
        thread = threading.Thread(
            target=lambda: first.append(
                client.post("/fastcore/rules/fraud/explain?profile=1", json=EVENT, headers=ASKED)
            )
        )
        thread.start()
        try:
            assert started.wait(60)
            second = client.get("/fastcore/fib/10?profile=1", headers=ASKED)
            assert client.get("/fastcore/fib/10").status_code == 200
        finally:
            go.set()
            thread.join(60)
        problem(second, 503, "busy")
        assert second.headers["retry-after"] == "3"
        assert first[0].status_code == 200
        assert client.get("/fastcore/fib/10?profile=1", headers=ASKED).status_code == 200


def test_it_takes_a_thread_as_other_work_does(monkeypatch):
    started, go = threading.Event(), threading.Event()

    def explain(*arguments, **options):
        started.set()
        assert go.wait(60)
        raise KeyError

    monkeypatch.setattr(RuleSet, "explain", explain)
    limits = {"worker_threads": 1, "queue_length": 0, "inline_budget_seconds": 0}
    with make_client(**limits, **PROFILE) as client:
        thread = threading.Thread(
            target=client.post, args=("/fastcore/rules/fraud/explain",), kwargs={"json": EVENT}
        )
        thread.start()
        try:
            assert started.wait(60)
            problem(client.get("/fastcore/fib/10?profile=1", headers=ASKED), 503, "busy")
        finally:
            go.set()
            thread.join(60)


def test_a_profile_that_fails_lets_the_next_one_in(profiling, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(RuleSet, "explain", lambda *arguments, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            profiling.post("/fastcore/rules/fraud/explain?profile=1", json=EVENT, headers=ASKED)
    assert profiling.get("/fastcore/fib/10?profile=1", headers=ASKED).status_code == 200


@pytest.mark.parametrize(
    ("allow", "dependencies", "reason"),
    [
        (False, [Depends(allowed)], "off: the setting allow_profile is false"),
        (True, [], "off: no profile_dependencies were given"),
        (True, [Depends(allowed)], "on"),
    ],
)
def test_it_is_off_unless_both_are_given(caplog, allow, dependencies, reason):
    client = make_client(allow_profile=allow, profile_dependencies=dependencies)
    assert client.get("/fastcore/info").json()["profiles"] == reason
    answer = client.get("/fastcore/fib/10?profile=1", headers=ASKED)
    assert ("Samples:" in answer.text) is (reason == "on")
    if reason != "on":
        assert answer.json()["result"] == "55"
    said = [each.getMessage() for each in caplog.records if each.name == "fastcore.router"]
    assert said == ([f"requests are not profiled: {reason}"] if allow and reason != "on" else [])


def test_without_pyinstrument_it_cannot_be_enabled(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyinstrument", None)
    with pytest.raises(ImportError, match="allow_profile needs pyinstrument: pip install 'pyinstrument>=5'"):
        make_app(**PROFILE)
    make_app(allow_profile=False)


def test_dependencies_of_the_host_stand_before_it_too(backend):
    router = create_router(
        backend=backend, settings=RouterSettings(allow_profile=True), profile_dependencies=[Depends(allowed)]
    )
    app = FastAPI(dependencies=GUARD)
    app.include_router(router)
    client = TestClient(app)
    assert client.get("/fib/10?profile=1", headers=ASKED).status_code == 401
    assert client.get("/fib/10?profile=1").status_code in (401, 403)


def test_an_update_needs_both_kinds_of_leave(tmp_path):
    (tmp_path / "fraud.json").write_text(json.dumps(DOCUMENT))
    client = make_client(
        rules=RuleStore.from_folder(tmp_path), allow_updates=True, update_dependencies=GUARD, **PROFILE
    )
    path = "/fastcore/rules/fraud?profile=1"
    new = {**DOCUMENT, "version": "8"}
    assert client.put(path, json=new, headers=ASKED).status_code == 401
    assert client.put(path, json=new, headers={"x-key": "secret"}).status_code == 403
    assert client.get("/fastcore/rules/fraud").json()["version"] == "7"
    assert client.put(path, json=new, headers={"x-key": "secret", **ASKED}).status_code == 200
    assert client.get("/fastcore/rules/fraud").json()["version"] == "8"


def test_the_lane_passes_it_on_and_answers_the_rest(caplog):
    app = FastAPI()
    with caplog.at_level(logging.INFO, "fastcore.router"):
        install(
            app,
            rules=[RuleSet.from_dict(DOCUMENT)],
            settings=RouterSettings(allow_profile=True),
            profile_dependencies=[Depends(allowed)],
        )
    said = [each.getMessage() for each in caplog.records if each.name == "fastcore.router"]
    client = TestClient(app)
    assert client.get("/fastcore/fib/10?profile=1").status_code == 403
    assert "Samples:" in client.get("/fastcore/fib/10?profile=1", headers=ASKED).text
    assert client.get("/fastcore/fib/10").json()["result"] == "55"
    assert not any("earlier route" in each or "dependencies" in each for each in said)


def test_it_is_documented_where_it_is_on(profiling):
    document = profiling.app.openapi()
    assert document["paths"].keys() == make_app().openapi()["paths"].keys()
    for item in document["paths"].values():
        for operation in item.values():
            assert "profile" in [each["name"] for each in operation["parameters"]]
    assert "profile" not in json.dumps([*make_app().openapi()["paths"]["/fastcore/fib/{n}"].values()])
