import json

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient
from starlette.middleware.base import BaseHTTPMiddleware

from fastcore import RuleSet
from fastcore.router import RouterSettings, create_router, install

from .support import DISCONNECT, DOCUMENT, EVENT, JSON_BODY, ask, make_app, make_client, part, problem

PATHS = ["evaluate", "evaluate-many", "explain"]
URL = "/fastcore/rules/fraud/evaluate"


class Answer:
    """What `ask` gave, as the helpers expect an answer."""

    def __init__(self, status, headers, body):
        self.status_code, self.headers, self.text = status, headers, body.decode()

    def json(self):
        return json.loads(self.text)


def answer(app, messages, *headers):
    return Answer(*ask(app, "POST", URL, messages, headers))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=latin-1",
        "application/jsonx",
        "",
        "x" * 1000,
        None,
    ],
)
def test_another_content_type_is_415(client, path, media_type):
    headers = {} if media_type is None else {"content-type": media_type}
    response = client.post(f"/fastcore/rules/fraud/{path}", content=b"{}", headers=headers)
    body = problem(response, 415, "unsupported-media-type")
    assert response.headers["accept"].startswith("application/json")
    assert body["errors"][0]["path"] == "header.content-type"


def test_an_encoded_body_is_415(client):
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    body = problem(client.post(URL, content=b"{}", headers=headers), 415, "unsupported-media-type")
    assert "gzip" in body["detail"]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_ways_to_write_the_content_type(client, media_type):
    assert client.post(URL, content=b"{}", headers={"content-type": media_type}).status_code == 200


def test_lines_are_for_batches_only(client):
    headers = {"content-type": "application/x-ndjson"}
    problem(client.post(URL, content=b"{}", headers=headers), 415, "unsupported-media-type")


def test_a_body_that_is_announced_too_large_is_not_read(backend):
    app = make_app(backend, max_body_bytes=100)

    def unread():
        raise AssertionError("the body was read")
        yield

    problem(answer(app, unread(), JSON_BODY, ("content-length", "101")), 413, "body-too-large")
    problem(answer(app, unread(), JSON_BODY, ("content-length", "9" * 5000)), 413, "body-too-large")


def test_a_body_without_length_is_read_up_to_the_limit(backend):
    app = make_app(backend, max_body_bytes=100)
    event = json.dumps({"amount": 5000, "filler": "x" * 70}).encode()
    assert len(event) == 100
    parts = [part(event[:60], True), part(b"", True), part(event[60:], False)]
    assert answer(app, parts, JSON_BODY).json()["matched"] == ["large"]
    problem(
        answer(app, [part(event[:60], True), part(event[60:] + b" ", True)], JSON_BODY), 413, "body-too-large"
    )


def test_a_body_that_ends_early_or_late_is_refused(backend):
    app = make_app(backend, deadline_seconds=0.05)
    problem(answer(app, [part(b'{"amount"', True), DISCONNECT], JSON_BODY), 400, "incomplete-body")
    problem(answer(app, [part(b'{"amount"', True), 0.5, part(b":1}")], JSON_BODY), 408, "slow-body")
    problem(answer(app, [part(b'{"amount"')], JSON_BODY), 422, "invalid-event")


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)


@pytest.mark.parametrize("lane", [True, False])
@pytest.mark.parametrize("messages", [[0.5, part(b"{}")], [part(b"{", True), 0.5, part(b"}")], [DISCONNECT]])
def test_a_late_body_below_middleware_that_waits_in_a_scope_of_its_own(backend, lane, messages):
    """Starlette's base middleware waits for messages in a task group."""
    app = FastAPI()
    options = {"rules": RuleSet.from_dict(DOCUMENT), "settings": RouterSettings(deadline_seconds=0.05)}
    install(app, lane=lane, backend=backend, **options)
    app.add_middleware(Passing)
    status, code = (400, "incomplete-body") if messages == [DISCONNECT] else (408, "slow-body")
    problem(answer(app, messages, JSON_BODY), status, code)
    assert answer(app, [part(b"{}")], JSON_BODY).status_code == 200


def test_a_dependency_may_have_read_the_body(backend):
    seen = []

    async def sign(request: Request):
        seen.append(await request.body())

    app = FastAPI(dependencies=[Depends(sign)])
    app.include_router(create_router(rules=RuleSet.from_dict(DOCUMENT), backend=backend), prefix="/fastcore")
    assert TestClient(app).post(URL, json=EVENT).json()["action"] == "review"
    assert json.loads(seen[0]) == EVENT


def test_problems_of_bodies_are_counted(backend):
    client = make_client(backend)
    client.post(URL, content=b"{", headers={"content-type": "application/json"})
    client.post(URL, content=b"{}")
    counters = client.get("/fastcore/info").json()["counters"]
    assert counters["answers"]["evaluate"] == {"415": 1, "422": 1}
    assert counters["events"] == {"evaluated": 0, "failed": 1}
