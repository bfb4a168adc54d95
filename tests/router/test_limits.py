"""Every limit at one below it, at it, and one above it."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from fastapi import Depends

from fastcore import RuleStore
from fastcore.router import RouterSettings

from .support import DOCUMENT, EVENT, make_client, problem


def fib(n, query=""):
    return "GET", f"/fib/{n}{query}", None


def event(text):
    return "POST", "/rules/fraud/evaluate", text.encode()


def padded(size):
    """An event of so many bytes."""
    return '{"a":"' + "x" * (size - 8) + '"}'


def nested(depth):
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


def lines(count):
    return "POST", "/rules/fraud/evaluate-many", b"[" + b",".join([b"{}"] * count) + b"]"


def document(**more):
    return json.dumps({"rules": [], **more}).encode()


def rules(count):
    return "PUT", "/rules/new", document(rules=[{"id": str(n), "when": True} for n in range(count)])


LIMITS = [
    ("max_n", 500, fib, 422),
    ("max_n", 10**18, lambda n: fib(n, "?mod=1000"), 422),
    ("max_modulus", 10**6, lambda mod: fib(100, f"?mod={mod}"), 422),
    ("max_recursive_n", 12, lambda n: fib(n, "?algorithm=recursive"), 422),
    ("max_payload_count", 20, lambda count: ("GET", f"/payloads/{count}", None), 422),
    ("max_page_limit", 20, lambda limit: ("GET", f"/payloads/500?limit={limit}", None), 422),
    ("max_stream_count", 20, lambda count: ("GET", f"/payloads/{count}/stream", None), 422),
    ("max_body_bytes", 100, lambda size: event(padded(size)), 413),
    ("max_depth", 20, lambda depth: event(nested(depth)), 422),
    ("max_depth", 200, lambda depth: event(nested(depth)), 422),
    ("max_records", 20, lines, 422),
    ("max_rules", 20, rules, 422),
    ("max_ruleset_bytes", 100, lambda size: ("PUT", "/rules/new", document().ljust(size)), 413),
]

ELSEWHERE = {
    "max_digits": "test_limits.py: test_digits_of_the_result",
    "max_batch_bytes": "test_limits.py: test_bytes_of_a_batch_and_of_its_records",
    "max_explanation_bytes": "test_limits.py: test_bytes_of_an_explanation",
    "max_unread_bytes": "test_streams.py: test_the_body_is_read_no_further_while_the_client_does_not_read",
    "max_rule_series": "test_metrics.py: test_only_so_many_rules_have_a_series",
    "max_reported_errors": "test_limits.py: test_errors_that_are_told",
    "queue_length": "test_work.py: test_every_run_is_answered_or_refused_at_once",
    "deadline_seconds": "test_bodies.py: test_a_body_that_ends_early_or_late_is_refused",
}
"""Limits that are not the largest value of one thing in a request, and their tests."""


def test_every_limit_has_a_test():
    limits = {entry.name for entry in fields(RouterSettings) if entry.name.startswith("max_")}
    limits |= {"queue_length", "deadline_seconds"}
    assert limits == {name for name, *_ in LIMITS} | set(ELSEWHERE)
    for place in ELSEWHERE.values():
        file, test = place.split(": ")
        assert re.search(rf"^def {test}\(", Path(__file__).with_name(file).read_text(), re.MULTILINE), place


@pytest.fixture
def make(backend, tmp_path):
    """Makes a client of a router that takes replacements."""
    (tmp_path / "fraud.json").write_text(json.dumps(DOCUMENT))
    given = {"allow_updates": True, "update_dependencies": [Depends(lambda: None)]}

    def client(**limits):
        store = RuleStore.from_folder(tmp_path, backend=backend)
        return make_client(backend, rules=store, **given, **limits)

    return client


@pytest.mark.parametrize(("name", "limit", "request_for", "status"), LIMITS)
def test_a_limit_is_the_largest_that_is_accepted(make, name, limit, request_for, status):
    client = make(algorithms=("fast", "recursive"), **{name: limit})
    for value, expected in [(limit - 1, 200), (limit, 200), (limit + 1, status)]:
        method, path, body = request_for(value)
        headers = {"content-type": "application/json"} if body else {}
        response = client.request(method, f"/fastcore{path}", content=body, headers=headers)
        found = 200 if response.status_code == 201 else response.status_code
        assert found == expected, (value, response.text[:300])
        if expected != 200:
            codes = {422: ("limit-exceeded", "invalid-event"), 413: ("body-too-large",)}[status]
            problem(response, status, response.json()["code"].removeprefix("fastcore/"))
            assert response.json()["code"].removeprefix("fastcore/") in codes


def test_digits_of_the_result(backend):
    for limit, status in [(19, 422), (20, 200), (21, 200)]:
        assert make_client(backend, max_digits=limit).get("/fastcore/fib/95").status_code == status
    client = make_client(backend, max_digits=20)
    assert [client.get(f"/fastcore/fib/{n}").status_code for n in (96, 97, 98)] == [200, 200, 422]
    body = problem(client.get("/fastcore/fib/98"), 422, "limit-exceeded")
    assert "21 digits" in body["detail"]


def test_bytes_of_a_batch_and_of_its_records(backend):
    body = json.dumps([{"a": "x" * 10}] * 10).encode()
    for limit, status in [(len(body) - 1, 413), (len(body), 200), (len(body) + 1, 200)]:
        client = make_client(backend, max_batch_bytes=limit)
        response = client.post(
            "/fastcore/rules/fraud/evaluate-many", content=body, headers={"content-type": "application/json"}
        )
        assert response.status_code == status
    client = make_client(backend, max_body_bytes=30)
    sizes = b"[" + b",".join(padded(size).encode() for size in (29, 30, 31)) + b"]"
    answers = client.post(
        "/fastcore/rules/fraud/evaluate-many", content=sizes, headers={"content-type": "application/json"}
    ).json()
    assert ["error" in answer for answer in answers] == [False, False, True]
    assert answers[2]["error"]["code"] == "fastcore/limit-exceeded"


def test_bytes_of_an_explanation(make):
    url = "/fastcore/rules/fraud/explain"
    size = len(make().post(url, json=EVENT).content)
    for limit, status in [(size - 1, 422), (size, 200), (size + 1, 200)]:
        client = make(max_explanation_bytes=limit)
        response = client.post(url, json=EVENT)
        assert response.status_code == status
        if status != 200:
            assert "ask for one rule by ?rule=" in problem(response, 422, "limit-exceeded")["detail"]
        assert client.post(url + "?rule=large", json=EVENT).status_code == 200


@pytest.mark.parametrize("count", [4, 5, 6])
def test_errors_that_are_told(make, count):
    body = document(rules=[{"id": str(number)} for number in range(count)])
    headers = {"content-type": "application/json"}
    response = make(max_reported_errors=5).put("/fastcore/rules/new", content=body, headers=headers)
    assert len(problem(response, 422, "invalid-ruleset")["errors"]) == min(count, 5)


DISTINCT = {
    entry.name: 20_011 + 97 * number
    for number, entry in enumerate(fields(RouterSettings))
    if entry.name.startswith("max_")
}


def test_every_limit_stands_in_the_api_documentation(make):
    """Its value where it matters: these three are no limits of what may be asked."""
    text = make(algorithms=("fast", "recursive"), **DISTINCT).get("/openapi.json").text
    missing = [name for name, value in DISTINCT.items() if not re.search(rf"\b{value}\b", text)]
    assert missing == ["max_unread_bytes", "max_reported_errors", "max_rule_series"]


def test_limits_stand_in_the_api_documentation(backend):
    client = make_client(
        backend,
        max_n=77,
        max_modulus=78,
        max_payload_count=79,
        max_page_limit=80,
        max_records=81,
        max_batch_bytes=8200,
    )
    text = client.get("/openapi.json").text
    paths = json.loads(text)["paths"]

    def maximum(path, name):
        parameters = paths[f"/fastcore{path}"]["get"]["parameters"]
        return next(each["schema"]["maximum"] for each in parameters if each["name"] == name)

    assert maximum("/fib/{n}", "n") == 77
    assert maximum("/fib/{n}", "mod") == 78
    assert maximum("/payloads/{count}", "count") == 79
    assert maximum("/payloads/{count}", "limit") == 80
    batch = paths["/fastcore/rules/{name}/evaluate-many"]["post"]["requestBody"]
    assert batch["content"]["application/json"]["schema"]["maxItems"] == 81
    assert "8200 bytes" in batch["description"]
    unlimited = make_client(backend).get("/openapi.json").json()["paths"]
    batch = unlimited["/fastcore/rules/{name}/evaluate-many"]["post"]["requestBody"]
    assert "maxItems" not in batch["content"]["application/json"]["schema"]
    assert batch["description"] == "Of any size."
