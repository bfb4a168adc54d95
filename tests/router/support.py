"""What the tests of the router share."""

import asyncio
import json

from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastcore import RuleSet
from fastcore.router import RouterSettings, create_router

DOCUMENT = {
    "name": "fraud",
    "version": "7",
    "rules": [
        {
            "id": "large",
            "when": {">": [{"var": "amount"}, 1000]},
            "score": 40,
            "description": "a large amount",
        },
        {"id": "abroad", "when": {"!=": [{"var": "country"}, "DE"]}, "score": 20, "action": "review"},
        {"id": "night", "when": {"<": [{"var": "card.hour"}, 5]}, "score": 10, "priority": 5},
    ],
    "decisions": [{"at_least": 60, "action": "block"}],
    "default_action": "accept",
}

STRICT = {**DOCUMENT, "name": "strict", "missing": "error"}

EVENT = {"amount": 5000, "country": "FR", "card": {"hour": 3}}


def make_app(backend=None, rules=None, prefix="/fastcore", **options):
    """An app that includes a router; of the options, those that are settings go there."""
    names = RouterSettings.describe()
    settings = RouterSettings(**{name: options.pop(name) for name in list(options) if name in names})
    if rules is None:
        rules = [RuleSet.from_dict(DOCUMENT), RuleSet.from_dict(STRICT)]
    app = FastAPI()
    app.include_router(
        create_router(rules=rules, settings=settings, backend=backend, **options), prefix=prefix
    )
    return app


def make_client(backend=None, **options):
    return TestClient(make_app(backend, **options))


def problem(response, status, code):
    """The body of an answer, which must be a problem of this code and have all that a problem has."""
    assert response.status_code == status, response.text[:500]
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert list(body) == ["type", "title", "status", "detail", "code", "errors"]
    assert body["type"] == f"urn:fastcore:problem:{code}"
    assert body["status"] == status
    assert body["code"] == f"fastcore/{code}"
    assert body["title"]
    assert len(body["detail"]) <= 200
    for error in body["errors"]:
        assert {"path", "message"} <= set(error)
        assert all(len(value) <= 200 for value in error.values() if isinstance(value, str))
    return body


def ask(app, method, path, messages, headers=(), on_chunk=None):
    """Drives an ASGI app with these messages of a request: status, header fields and body of its answer.

    A message may be a number: the client then waits for so many seconds. `on_chunk` is called with each
    part of the answer, before the app goes on.
    """
    waiting = iter(messages)
    sent = []

    async def receive():
        for message in waiting:
            if not isinstance(message, dict):
                await asyncio.sleep(message)
                continue
            return message
        await asyncio.sleep(3600)
        return DISCONNECT

    async def send(message):
        sent.append(message)
        if on_chunk is not None:
            on_chunk(message.get("body", b""))

    asyncio.run(app(http_scope(method, path, headers), receive, send))
    start, *chunks = sent
    body = b"".join(chunk.get("body", b"") for chunk in chunks)
    fields = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], fields, body


def http_scope(method, path, headers=(), spec_version="2.4"):
    """What a server tells an ASGI app of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


def part(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


DISCONNECT = {"type": "http.disconnect"}

JSON_BODY = ("content-type", "application/json")


def read_lines(text):
    return [json.loads(line) for line in text.splitlines()]
