import json

import pytest

from fastcore import RuleSet, RuleStore
from fastcore.router import create_router

from .support import DOCUMENT, EVENT, STRICT, make_client, problem


def post(client, path, body, media_type="application/json"):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/fastcore/rules/{path}", content=content, headers={"content-type": media_type})


@pytest.mark.parametrize(
    "event", [EVENT, {}, {"amount": 5}, {"amount": 10**30, "country": "DE"}, {"card": None}]
)
def test_decides_as_the_ruleset_does(client, backend, event):
    response = post(client, "fraud/evaluate", event)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    decision = RuleSet.from_dict(DOCUMENT, backend=backend).evaluate(event)
    assert response.content == decision.to_json()
    assert response.json()["version"] == "7"


def test_lists_what_is_loaded(client):
    listed = client.get("/fastcore/rules").json()["rulesets"]
    assert [ruleset["name"] for ruleset in listed] == ["fraud", "strict"]
    assert listed[0] == {
        "name": "fraud",
        "version": "7",
        "rules": 3,
        "fields": {"amount": ["number"], "country": ["string"], "card.hour": ["number"]},
        "etag": listed[0]["etag"],
    }


def test_shows_one_ruleset_with_its_document(client):
    response = client.get("/fastcore/rules/fraud")
    body = response.json()
    assert body["etag"] == response.headers["etag"]
    assert body["fields"]["card.hour"] == ["number"]
    assert RuleSet.from_dict(body["document"]) == RuleSet.from_dict(DOCUMENT)
    held = client.get("/fastcore/rules/fraud", headers={"If-None-Match": body["etag"]})
    assert (held.status_code, held.content) == (304, b"")


def test_explains(client, backend):
    event = {"amount": 5, "country": "FR"}
    explained = post(client, "fraud/explain", event)
    assert explained.json() == RuleSet.from_dict(DOCUMENT, backend=backend).explain(event).to_dict()
    rules = {rule["rule"]: rule for rule in explained.json()["rules"]}
    assert [rules[name]["fired"] for name in ("large", "abroad", "night")] == [False, True, False]
    only = post(client, "fraud/explain?rule=abroad", event).json()["rules"]
    assert only == [rules["abroad"]]


def test_an_unknown_name_is_not_found(client):
    for method, path in [
        ("GET", ""),
        ("POST", "/evaluate"),
        ("POST", "/evaluate-many"),
        ("POST", "/explain"),
    ]:
        headers = {"content-type": "application/json"}
        response = client.request(
            method, f"/fastcore/rules/no{path}", headers=headers, content=b"{}" if method == "POST" else None
        )
        assert "'no'" in problem(response, 404, "not-found")["detail"]
    problem(client.get("/fastcore/rules/" + "x" * 3000), 404, "not-found")
    body = problem(post(client, "fraud/explain?rule=none", {}), 404, "not-found")
    assert body["errors"][0]["path"] == "query.rule"


BAD_EVENTS = [
    (b"", None),
    (b" ", None),
    (b"[]", 0),
    (b"5", 0),
    (b"null", 0),
    (b'"x"', 0),
    (b"{", None),
    (b'{"amount":', None),
    (b'{"amount":5', None),
    (b'{"amount":NaN}', 10),
    (b'{"amount":Infinity}', 10),
    (b'{"amount":-Infinity}', 10),
    (b'{"amount":1}x', 12),
    (b'{"amount":01}', None),
    (b"\xef\xbb\xbf{}", 0),
    (b'{"a":"\xff"}', 6),
    (b"{'a':1}", None),
    (b"\x00", None),
    (b"[" * 100_000, None),
    (b'{"a":' * 20_000, None),
    (b'{"a":"\\ud800', None),
    ("{}".encode("utf-16"), None),
]


@pytest.mark.parametrize("path", ["evaluate", "explain"])
@pytest.mark.parametrize(("body", "offset"), BAD_EVENTS, ids=lambda value: repr(value)[:20])
def test_a_bad_event_is_refused(client, path, body, offset):
    error = problem(post(client, f"fraud/{path}", body), 422, "invalid-event")["errors"][0]
    assert error["path"] == "body"
    if offset is not None:
        assert error["offset"] == offset


def test_unusual_but_valid_events_are_decided(client):
    assert post(client, "fraud/evaluate", b'{"amount":1,"amount":2000}').json()["matched"] == ["large"]
    huge = b'{"amount":' + b"9" * 4000 + b"}"
    assert post(client, "fraud/evaluate", huge).json()["matched"] == ["large"]
    assert post(client, "fraud/evaluate", b'{"amount":1e400}').status_code in (200, 422)
    assert (
        post(client, "fraud/evaluate", b'{"country":"\\ud800","x":"' + "ü".encode() + b'"}').status_code
        == 200
    )


def test_an_integer_beyond_the_interpreter_s_limit_is_no_error_of_the_server(client):
    response = post(client, "fraud/evaluate", b'{"amount":' + b"9" * 5000 + b"}")
    assert response.status_code in (200, 422)


def test_a_policy_that_refuses_an_event_names_the_rule(client):
    body = problem(post(client, "strict/evaluate", {"amount": 5, "country": "DE"}), 422, "evaluation-failed")
    assert body["errors"][0]["path"] == "card.hour"
    assert body["errors"][0]["rule"] == "night"
    assert post(client, "strict/evaluate", EVENT).json()["action"] == "review"


def test_a_store_may_change_while_it_is_served(backend):
    store = RuleStore([RuleSet.from_dict(DOCUMENT, backend=backend)])
    client = make_client(backend, rules=store)
    before = client.get("/fastcore/rules/fraud").headers["etag"]
    store.replace(RuleSet.from_dict({**DOCUMENT, "version": "8"}, backend=backend))
    assert post(client, "fraud/evaluate", EVENT).json()["version"] == "8"
    assert client.get("/fastcore/rules/fraud").headers["etag"] != before
    store.remove("fraud")
    problem(post(client, "fraud/evaluate", EVENT), 404, "not-found")


def test_takes_one_ruleset_or_several_or_none(backend):
    one = make_client(backend, rules=RuleSet.from_dict(STRICT))
    assert [each["name"] for each in one.get("/fastcore/rules").json()["rulesets"]] == ["strict"]
    none = make_client(backend, rules=())
    assert none.get("/fastcore/rules").json() == {"rulesets": [], "watching": False, "rejected": []}
    with pytest.raises(ValueError, match="two rulesets are named 'fraud'"):
        create_router(rules=[RuleSet.from_dict(DOCUMENT)] * 2, backend=backend)
