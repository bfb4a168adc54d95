"""Several worker processes and one folder: all follow a PUT, none mixes versions, no change is lost."""

import http.client
import json
import threading

import pytest

from tests.waiting import eventually

from .server import Server

APP = """
import os
from pathlib import Path

from fastapi import Depends, FastAPI

from fastcore import RuleStore
from fastcore.router import RouterSettings, create_router

store = RuleStore.from_folder(Path(__file__).parent / "rules")


class Process:
    '''Says in a header field which process answers.'''

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def sending(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-process", str(os.getpid()).encode())]
            await send(message)

        await self.app(scope, receive, sending)


app = FastAPI()
app.add_middleware(Process)
app.include_router(
    create_router(
        rules=store,
        settings=RouterSettings(allow_updates=True),
        update_dependencies=[Depends(lambda: None)],
    ),
    prefix="/fastcore",
)
"""

URL = "/fastcore/rules/fraud"
JSON = {"content-type": "application/json"}


def document(version):
    """Version n has n rules, all of which fire."""
    rules = [{"id": f"{version}-{index}", "when": True, "score": 1} for index in range(version)]
    return {"name": "fraud", "version": str(version), "rules": rules}


class Client:
    """Requests to a server, each on a connection of its own: any process may take it."""

    def __init__(self, port):
        self.port = port

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            content = None if body is None else json.dumps(body)
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, content, {**JSON, **names})
            response = connection.getresponse()
            return response.status, response.headers, json.loads(response.read() or b"null")
        finally:
            connection.close()

    def decide(self):
        """The process and the version that decided; its rules must all be of that version."""
        status, headers, decision = self.request("POST", f"{URL}/evaluate", {})
        assert status == 200
        version = int(decision["version"])
        assert decision["matched"] == [f"{version}-{index}" for index in range(version)]
        assert decision["score"] == version
        return headers["x-process"], version

    def decide_many(self):
        """The version that decided on a batch; it must be one for all of it."""
        status, _, decisions = self.request("POST", f"{URL}/evaluate-many", [{}] * 300)
        assert status == 200
        (version,) = {int(decision["version"]) for decision in decisions}
        assert {len(decision["matched"]) for decision in decisions} == {version}
        return version

    def put(self, version, tag=None):
        headers = {} if tag is None else {"if_match": tag}
        return self.request("PUT", URL, document(version), **headers)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    (folder / "serving.py").write_text(APP)
    (folder / "rules").mkdir()
    (folder / "rules" / "fraud.json").write_text(json.dumps(document(1)))
    with Server(folder, "serving", workers=2) as server:
        client = Client(server.port)
        client.folder = folder / "rules"
        seen = set()
        eventually(lambda: seen.add(client.decide()[0]) or len(seen) == 2, "two processes have answered", 120)
        yield client


def until_both_have(client, version):
    followed = set()

    def all_follow():
        process, answered = client.decide()
        assert answered in (version - 1, version)
        assert not (process in followed and answered != version), "a process went back"
        assert client.decide_many() in (version - 1, version)
        if answered == version:
            followed.add(process)
        return len(followed) == 2

    eventually(all_follow, lambda: f"both processes answer with {version}, only {followed} do")


def test_every_process_follows_a_replacement_and_none_goes_back(client):
    for version in (2, 3, 4):
        status, headers, summary = client.put(version)
        assert (status, summary["version"]) == (200, str(version))
        until_both_have(client, version)
        for _ in range(20):
            assert client.decide()[1] == version
        assert {client.request("GET", URL)[1]["etag"] for _ in range(10)} == {headers["etag"]}


def test_a_precondition_holds_for_both_processes(client):
    """Of all that use one tag at once one succeeds, whichever process answers."""
    for turn in range(3):
        tag = client.put(10)[1]["etag"]
        statuses = []

        def replace(number, tag=tag, statuses=statuses):
            statuses.append(client.put(20 + number, tag)[0])

        threads = [threading.Thread(target=replace, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] + [412] * 7, turn


def test_a_file_that_is_not_valid_is_told_by_both_and_served_by_none(client):
    states = {}

    def both_serve(version, rejecting):
        def agreed():
            _, headers, body = client.request("GET", URL)
            states[headers["x-process"]] = body["version"], body["rejected"]
            wanted = [each == version and bool(why) is rejecting for each, why in states.values()]
            return len(wanted) == 2 and all(wanted)

        states.clear()
        eventually(agreed, lambda: f"both serve {version}, rejecting a file: {rejecting}, but {states}")

    client.put(5)
    both_serve("5", rejecting=False)
    (client.folder / "fraud.json").write_text('{"name": "fraud", "rules": 5}')
    both_serve("5", rejecting=True)
    for _, rejected in states.values():
        assert rejected["file"] == "fraud.json"
        assert rejected["errors"][0]["path"] == "fraud.json: rules"
    assert client.decide()[1] == 5
    assert client.put(6)[0] == 200
    both_serve("6", rejecting=False)
