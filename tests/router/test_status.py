import json
import sys
import time

import pytest

from fastcore import RuleStore, __version__

from .support import make_client, problem


def wait_until_ready(client):
    """The answer of /ready, once it is not 503; on CPython that is the first."""
    for _ in range(300):
        response = client.get("/fastcore/ready")
        if response.status_code != 503:
            break
        assert sys.implementation.name == "pypy"
        time.sleep(0.05)
    return response


def test_health(client):
    response = client.get("/fastcore/health")
    assert response.json() == {"status": "ok"}
    assert response.headers["cache-control"] == "no-store"


def test_is_ready_after_the_warm_up(client):
    response = wait_until_ready(client)
    checks = {"fib": "ready", "payloads": "ready", "rulesets": "ready", "rules": "ready"}
    assert response.json() == {"status": "ready", "checks": checks}


def test_is_not_ready_before_rulesets_are_there(backend):
    from fastcore import RuleSet

    from .support import DOCUMENT

    store = RuleStore()
    client = make_client(backend, rules=store, ready_wait_seconds=10.0, retry_after_seconds=7)
    response = client.get("/fastcore/ready")
    body = problem(response, 503, "not-ready")
    assert response.headers["retry-after"] == "7"
    assert body["errors"] == [{"path": "rules", "message": "no ruleset is loaded"}]
    assert client.get("/fastcore/health").status_code == 200
    store.replace(RuleSet.from_dict(DOCUMENT))
    assert client.get("/fastcore/ready").status_code == 200
    store.remove("fraud")
    assert client.get("/fastcore/ready").status_code == 200


def test_without_rules_none_are_waited_for(backend):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from fastcore.router import create_router

    app = FastAPI()
    app.include_router(create_router(backend=backend))
    client = TestClient(app)
    for _ in range(300):
        if client.get("/ready").status_code == 200:
            return
        time.sleep(0.05)
    pytest.fail("never ready")


def test_info_tells_what_runs_and_no_more(client, backend):
    client.get("/fastcore/fib/1")
    client.get("/fastcore/fib/x")
    info = client.get("/fastcore/info").json()
    assert info["version"] == __version__
    assert info["backend"] == backend
    assert info["runtime"]
    assert info["gil"] in (True, False)
    assert info["rulesets"] == 2
    assert info["limits"]["max_n"] == 1_000_000
    assert info["counters"] == {
        "scope": "this process",
        "answers": {"fibonacci": {"200": 1, "422": 1}},
        "events": {"evaluated": 0, "failed": 0},
    }
    assert info["work"] == {"running": 0, "waiting": 0, "refused": 0}
    assert sys.prefix not in json.dumps(info)


def test_two_routers_share_nothing(backend):
    first, second = make_client(backend), make_client(backend)
    first.get("/fastcore/fib/1")
    assert second.get("/fastcore/info").json()["counters"]["answers"] == {}


def members(schema):
    """The names in a schema, in its objects too."""
    properties = schema.get("properties")
    return None if properties is None else {name: members(each) for name, each in properties.items()}


def names(value, like):
    """The names in a value, as deep as the schema has names."""
    return None if like is None else {name: names(each, like.get(name)) for name, each in value.items()}


def test_info_is_what_its_documentation_says(client):
    client.post("/fastcore/rules/fraud/evaluate", json={})
    operation = client.app.openapi()["paths"]["/fastcore/info"]["get"]
    content = operation["responses"]["200"]["content"]["application/json"]
    documented = members(content["schema"])
    info = client.get("/fastcore/info").json()
    assert names(info, documented) == documented
    assert names(content["example"], documented) == documented
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    jsonschema.validate(info, content["schema"])
    jsonschema.validate(content["example"], content["schema"])
