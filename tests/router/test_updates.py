import json
import os
import threading

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from fastcore import RuleSet, RuleStore
from fastcore.router import RouterSettings, create_router
from fastcore.rules.file_lock import locked
from tests.waiting import eventually

from .support import DOCUMENT, EVENT, make_client, problem

NEW = {**DOCUMENT, "version": "8"}
URL = "/fastcore/rules/fraud"


def key(request: Request):
    if request.headers.get("x-key") != "secret":
        raise HTTPException(401)


GUARD = [Depends(key)]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "fraud.json").write_text(json.dumps(DOCUMENT))
    return folder


@pytest.fixture
def store(folder, backend):
    return RuleStore.from_folder(folder, backend=backend)


@pytest.fixture
def client(store, backend):
    return updating(store, backend)


def files(folder):
    """The files of a folder but the one that writers lock; nothing else that is hidden may be left."""
    return sorted(set(os.listdir(folder)) - {".fastcore.lock"})


def updating(store, backend, **settings):
    app = FastAPI()
    router = create_router(
        rules=store,
        settings=RouterSettings(allow_updates=True, **settings),
        update_dependencies=GUARD,
        backend=backend,
    )
    app.include_router(router, prefix="/fastcore")
    return TestClient(app, headers={"x-key": "secret"})


def put(client, document, url=URL, **headers):
    content = document if isinstance(document, bytes) else json.dumps(document, indent=2).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put(url, content=content, headers={"content-type": "application/json", **names})


def test_replaces_in_the_store_and_in_the_folder(client, store, folder, backend):
    before = client.get(URL).headers["etag"]
    response = put(client, NEW)
    assert response.status_code == 200
    assert response.json()["version"] == "8"
    assert response.headers["etag"] == client.get(URL).headers["etag"] != before
    assert client.post(f"{URL}/evaluate", json=EVENT).json()["version"] == "8"
    assert files(folder) == ["fraud.json"]
    assert (folder / "fraud.json").read_text() == json.dumps(NEW, indent=2)
    assert RuleStore.from_folder(folder).get("fraud") == store.get("fraud") == RuleSet.from_dict(NEW)


def test_regular_expressions_are_allowed_as_for_the_folder(folder, backend, re2):
    when = {"matches": [{"var": "country"}, "^N"]}
    document = {"rules": [{"id": "north", "when": when}]}
    url = "/fastcore/rules/north"
    strict = RuleStore.from_folder(folder, backend=backend)
    problem(put(updating(strict, backend), document, url), 422, "invalid-ruleset")
    store = RuleStore.from_folder(folder, backend=backend, allow_regex=True)
    client = updating(store, backend)
    assert put(client, document, url).status_code == 201
    store.reload()
    assert client.post(url + "/evaluate", json={"country": "NZ"}).json()["matched"] == ["north"]


def test_a_router_of_one_ruleset_keeps_its_regular_expressions(backend, re2):
    document = {"rules": [{"id": "north", "when": {"matches": [{"var": "country"}, "^N"]}}]}
    client = make_client(backend=backend, rules=RuleSet(document, allow_regex=True))
    assert client.post("/fastcore/rules/rules/evaluate", json={"country": "NZ"}).json()["matched"] == [
        "north"
    ]


def test_creates(client, folder):
    response = put(client, {**NEW, "name": "other"}, "/fastcore/rules/other", if_none_match="*")
    assert response.status_code == 201
    assert files(folder) == ["fraud.json", "other.json"]
    assert client.post("/fastcore/rules/other/evaluate", json=EVENT).json()["ruleset"] == "other"
    again = put(client, {**NEW, "name": "other"}, "/fastcore/rules/other", if_none_match="*")
    problem(again, 412, "precondition-failed")


def test_a_document_without_a_name_takes_that_of_the_path(client, folder):
    nameless = {name: value for name, value in NEW.items() if name != "name"}
    assert put(client, nameless).json()["name"] == "fraud"
    assert RuleStore.from_folder(folder).names() == ("fraud",)


def test_replaces_the_file_that_holds_the_ruleset_whatever_it_is_called(folder, backend):
    (folder / "fraud.json").rename(folder / "a-rules.json")
    os.chmod(folder / "a-rules.json", 0o640)
    client = updating(RuleStore.from_folder(folder), backend)
    assert put(client, NEW).status_code == 200
    assert files(folder) == ["a-rules.json"]
    assert (folder / "a-rules.json").stat().st_mode & 0o777 == 0o640


def test_a_file_of_another_format_or_ruleset_is_left_alone(folder, backend):
    (folder / "fraud.json").unlink()
    (folder / "fraud.toml").write_text(
        'name = "fraud"\nrules = [{ id = "a", when = { "==" = [{ var = "x" }, 1] } }]'
    )
    (folder / "taken.json").write_text(json.dumps({**DOCUMENT, "name": "somebody"}))
    client = updating(RuleStore.from_folder(folder), backend)
    assert "fraud.toml" in problem(put(client, NEW), 409, "not-replaceable")["detail"]
    problem(put(client, {**NEW, "name": "taken"}, "/fastcore/rules/taken"), 409, "not-replaceable")
    assert files(folder) == ["fraud.toml", "taken.json"]


def test_a_precondition_guards_against_lost_updates(client, store):
    tag = client.get(URL).headers["etag"]
    assert put(client, NEW, if_match=tag).status_code == 200
    body = problem(put(client, DOCUMENT, if_match=tag), 412, "precondition-failed")
    assert client.get(URL).headers["etag"] in body["detail"]
    assert store.get("fraud").version == "8"
    assert put(client, DOCUMENT, if_match="*").status_code == 200
    missing = put(client, {**NEW, "name": "other"}, "/fastcore/rules/other", if_match="*")
    problem(missing, 412, "precondition-failed")


def test_of_simultaneous_replacements_with_one_precondition_one_wins(client, store):
    tag = client.get(URL).headers["etag"]
    statuses = []

    def replace(version):
        statuses.append(put(client, {**DOCUMENT, "version": version}, if_match=tag).status_code)

    threads = [threading.Thread(target=replace, args=(f"v{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412, 412, 412, 412, 412]


def test_a_bad_document_gets_all_its_errors_and_changes_nothing(client, store, folder):
    bad = {**DOCUMENT, "rules": [{"id": "a", "when": {"foo": 1}}, {"id": "a", "when": {"bar": 1}}]}
    body = problem(put(client, bad), 422, "invalid-ruleset")
    paths = [error["path"] for error in body["errors"]]
    assert "rules[0].when" in paths
    assert "rules[1].when" in paths
    assert len(paths) >= 3
    assert store.get("fraud").version == "7"
    assert (folder / "fraud.json").read_text() == json.dumps(DOCUMENT)


def test_the_number_of_errors_told_is_bounded(store, backend):
    bad = {"name": "fraud", "rules": [{"id": f"r{number}", "when": {"foo": 1}} for number in range(12)]}
    for limit, told in [(11, 11), (12, 12), (13, 12)]:
        client = updating(store, backend, max_reported_errors=limit)
        body = problem(put(client, bad), 422, "invalid-ruleset")
        assert body["detail"].startswith("12 errors")
        assert len(body["errors"]) == told


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"rules":5}',
        b'{"rules":true}',
        b"5",
        b"null",
        b'{"rules":NaN}',
        b'{"name":"a","name":"b"}',
        b"\xff",
        b"[" * 100_000,
    ],
    ids=repr,
)
def test_what_is_no_document_is_refused(client, store, body):
    problem(put(client, body), 422, "invalid-ruleset")
    assert store.get("fraud").version == "7"


def test_the_name_must_be_that_of_the_document(client):
    problem(put(client, NEW, "/fastcore/rules/other"), 409, "name-mismatch")


@pytest.mark.parametrize(
    "name", ["..", ".hidden", "a.b", "a%20b", "-x", "%2e%2e%2fetc", "x" * 101, "ü", "con%00"]
)
def test_a_name_never_becomes_a_path(client, folder, name):
    response = put(client, {**NEW, "name": name}, f"/fastcore/rules/{name}")
    assert response.status_code in (404, 405, 409, 422)
    assert files(folder) == ["fraud.json"]


def test_a_wrong_type_or_size_is_refused(store, backend):
    size = len(json.dumps(NEW, indent=2))
    for limit, status in [(size - 1, 413), (size, 200), (size + 1, 200)]:
        assert put(updating(store, backend, max_ruleset_bytes=limit), NEW).status_code == status
    problem(put(updating(store, backend), NEW, content_type="text/plain"), 415, "unsupported-media-type")


def test_the_dependency_for_updates_guards_only_them(client):
    assert client.put(URL, json=NEW, headers={"x-key": "wrong"}).status_code == 401
    assert client.get(URL, headers={"x-key": "wrong"}).status_code == 200
    assert client.get(URL).json()["version"] == "7"


def test_a_precondition_is_about_the_folder_not_about_what_one_process_has_seen(folder, backend):
    """Two stores of one folder are what two processes have; neither waits for the other here."""
    first, second = (updating(RuleStore.from_folder(folder), backend) for _ in range(2))
    old = first.get(URL).headers["etag"]
    new = put(first, NEW, if_match=old).headers["etag"]
    problem(put(second, DOCUMENT, if_match=old), 412, "precondition-failed")
    assert second.get(URL).headers["etag"] == new
    assert put(second, DOCUMENT, if_match=new).status_code == 200
    other = {**NEW, "name": "other"}
    assert put(first, other, "/fastcore/rules/other", if_none_match="*").status_code == 201
    again = put(second, other, "/fastcore/rules/other", if_none_match="*")
    problem(again, 412, "precondition-failed")


def test_a_router_with_updates_follows_its_folder(client, store, folder):
    assert client.get("/fastcore/rules").json()["watching"] is True
    (folder / "fraud.json").write_text(json.dumps(NEW))
    eventually(lambda: client.get(URL).json()["version"] == "8", "what another process wrote is served")


def test_a_file_that_is_not_valid_is_told_with_the_ruleset_that_is_kept(client, folder):
    tag = client.get(URL).headers["etag"]
    assert client.get(URL).json()["rejected"] is None
    assert client.get(URL, headers={"if-none-match": tag}).status_code == 304
    bad = {"name": "fraud", "rules": [{"id": f"r{number}", "when": {"foo": 1}} for number in range(300)]}
    (folder / "fraud.json").write_text(json.dumps(bad))
    (folder / "new.json").write_text("{")
    eventually(
        lambda: len(client.get("/fastcore/rules").json()["rejected"]) == 2, "both files are known to be bad"
    )
    response = client.get(URL, headers={"if-none-match": tag})
    assert response.status_code == 200
    assert response.headers["etag"] == tag
    body = response.json()
    assert body["version"] == "7"
    assert body["rejected"]["file"] == "fraud.json"
    assert body["rejected"]["ruleset"] == "fraud"
    assert len(body["rejected"]["errors"]) == RouterSettings().max_reported_errors
    assert body["rejected"]["errors"][0]["path"] == "fraud.json: rules[0].when"
    listed = client.get("/fastcore/rules").json()["rejected"]
    assert [each["file"] for each in listed] == ["fraud.json", "new.json"]
    assert listed[0] == body["rejected"]
    assert listed[1]["ruleset"] is None
    assert str(folder) not in response.text
    assert client.post(f"{URL}/evaluate", json=EVENT).json()["version"] == "7"
    assert put(client, NEW, if_match=tag).status_code == 200
    assert client.get(URL).json()["rejected"] is None


def test_a_folder_that_cannot_be_written_is_a_problem(store, folder, backend, caplog):
    client = updating(store, backend, retry_after_seconds=7)
    folder.rename(folder.with_name("away"))
    response = put(client, NEW)
    body = problem(response, 503, "not-stored")
    assert response.headers["retry-after"] == "7"
    assert str(folder) not in response.text
    assert "away" not in body["detail"]
    assert client.get(URL).json()["version"] == "7"
    assert any("'fraud' could not be written" in record.getMessage() for record in caplog.records)
    folder.with_name("away").rename(folder)
    assert put(client, NEW).status_code == 200


def test_who_waits_too_long_for_another_process_is_told_to_come_again(store, folder, backend):
    client = updating(store, backend, deadline_seconds=0.05, retry_after_seconds=7)
    with locked(folder, 0):
        response = put(client, NEW)
    problem(response, 503, "busy")
    assert response.headers["retry-after"] == "7"
    assert put(client, NEW).status_code == 200


@pytest.mark.parametrize(
    ("allow", "with_folder", "with_dependency", "reason"),
    [
        (False, True, True, "off: the setting allow_updates is false"),
        (True, False, True, "off: the store has no folder to write to"),
        (True, True, False, "off: no update_dependencies were given"),
        (True, True, True, "on"),
    ],
)
def test_updates_exist_only_when_all_is_given(
    store, backend, caplog, allow, with_folder, with_dependency, reason
):
    client = make_client(
        backend,
        rules=store if with_folder else RuleSet.from_dict(DOCUMENT),
        allow_updates=allow,
        update_dependencies=GUARD if with_dependency else (),
    )
    client.headers["x-key"] = "secret"
    assert client.get("/fastcore/info").json()["updates"] == reason
    assert put(client, NEW).status_code == (200 if reason == "on" else 405)
    assert ("put" in client.get("/openapi.json").json()["paths"]["/fastcore/rules/{name}"]) is (
        reason == "on"
    )
    assert ("fastcore.router" in {each.name for each in caplog.records}) is (allow and reason != "on")
