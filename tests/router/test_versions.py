"""Every answer about a ruleset says which version of it answered, also when it refuses."""

import pytest

from .support import EVENT, problem

URL = "/fastcore/rules/fraud"
HEADERS = {"content-type": "application/json"}


def test_what_is_answered(client):
    for path in ("/evaluate", "/explain"):
        assert client.post(URL + path, json=EVENT).json()["version"] == "7"
    assert client.get(URL).json()["version"] == "7"
    assert {each["version"] for each in client.get("/fastcore/rules").json()["rulesets"]} == {"7"}


@pytest.mark.parametrize("path", ["/evaluate", "/explain"])
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a":NaN}', b'{"a":' * 200 + b"1" + b"}" * 200])
def test_what_is_refused(client, path, body):
    (error,) = problem(client.post(URL + path, content=body, headers=HEADERS), 422, "invalid-event")["errors"]
    assert error["version"] == "7"


def test_what_a_policy_refuses(client):
    response = client.post("/fastcore/rules/strict/evaluate", json={})
    (error,) = problem(response, 422, "evaluation-failed")["errors"]
    assert error["version"] == "7"


def test_every_record_of_a_batch(client):
    large = b'{"a":"' + b"x" * 1_100_000 + b'"}'
    lines = b"\n".join([b"{}", b"{", b"5", large, b"{}"])
    url, kind = f"{URL}/evaluate-many", {"content-type": "application/x-ndjson"}
    records = [line for line in client.post(url, content=lines, headers=kind).iter_lines() if line]
    assert len(records) == 5
    assert all('"version":"7"' in record for record in records)
    answers = client.post(url, content=b"[{}, {]", headers=HEADERS).json()
    assert [answer.get("version", answer.get("error", {}).get("version")) for answer in answers] == ["7", "7"]
