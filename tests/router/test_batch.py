import json

import pytest

from fastcore import RuleSet, RuleStore

from .support import DOCUMENT, EVENT, JSON_BODY, ask, make_app, make_client, part, problem, read_lines

LINES = ["application/x-ndjson", "application/jsonl"]


def post(client, body, media_type="application/json", name="fraud"):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        f"/fastcore/rules/{name}/evaluate-many", content=content, headers={"content-type": media_type}
    )


def events(count):
    return [{"amount": number * 7 % 3000, "country": "DE" if number % 3 else "FR"} for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 999, 5000])
@pytest.mark.parametrize("options", [{}, {"inline_budget_seconds": 0}], ids=["inline", "threads"])
def test_answers_in_the_form_of_the_request(backend, count, options):
    client = make_client(backend, **options)
    ruleset = RuleSet.from_dict(DOCUMENT, backend=backend)
    expected = [ruleset.evaluate(event).to_dict() for event in events(count)]
    response = post(client, events(count))
    assert response.headers["content-type"] == "application/json"
    assert response.json() == expected
    lines = "".join(json.dumps(event) + "\n" for event in events(count)).encode()
    for media_type in LINES:
        response = post(client, lines, media_type)
        assert response.headers["content-type"] == media_type
        assert read_lines(response.text) == expected
        assert response.text.endswith("\n") or not count


BAD = {
    b"{": "fastcore/invalid-event",
    b"5": "fastcore/invalid-event",
    b"null": "fastcore/invalid-event",
    b'{"amount":NaN}': "fastcore/invalid-event",
    b'{"a":"\xff"}': "fastcore/invalid-event",
    b"[" * 1000 + b"]" * 1000: "fastcore/invalid-event",
    b'{"a":"' + b"x" * 3000 + b'"}': "fastcore/limit-exceeded",
}


def check(answers, bad):
    """Every record is answered in its place, the bad ones with an error record."""
    for index, answer in enumerate(answers):
        if index in bad:
            assert answer["index"] == index
            assert answer["error"]["code"] == bad[index]
            assert 0 < len(answer["error"]["detail"]) <= 200
        else:
            assert answer["matched"] == ["night", "large", "abroad"]


@pytest.mark.parametrize("options", [{}, {"inline_budget_seconds": 0}], ids=["inline", "threads"])
def test_a_bad_record_is_an_error_record_in_its_place(backend, options):
    client = make_client(backend, max_body_bytes=2500, **options)
    good = json.dumps(EVENT).encode()
    records, bad = [], {}
    for record, code in BAD.items():
        bad[len(records)] = code
        records += [record, good]
    answers = read_lines(post(client, b"\n".join(records), "application/jsonl").text)
    assert len(answers) == len(records)
    check(answers, bad)
    closed = [record for record in records if record != b"{"]
    bad = {closed.index(record): code for record, code in BAD.items() if record != b"{"}
    answers = post(client, b"[" + b",".join(closed) + b"]").json()
    assert len(answers) == len(closed)
    check(answers, bad)
    assert client.get("/fastcore/info").json()["counters"]["events"] == {
        "evaluated": 2 * len(BAD),
        "failed": 2 * len(BAD) - 1,
    }


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        (b"[{},{}", "ok error"),
        (b"[{},{", "ok error"),
        (b"[{},]", "ok error"),
        (b"[,{}]", "error ok"),
        (b'[{},"', "ok error"),
        (b"[{}]]", "ok error"),
        (b"[{}] {}", "ok error"),
        (b"[", "error"),
    ],
)
def test_a_broken_array_loses_nothing(client, body, kinds):
    answers = post(client, body).json()
    assert ["error" if "error" in answer else "ok" for answer in answers] == kinds.split()
    assert [answer["index"] for answer in answers if "error" in answer] == [
        index for index, kind in enumerate(kinds.split()) if kind == "error"
    ]


def test_blank_lines_are_no_records(client):
    answers = read_lines(post(client, b"\n{}\r\n\r\n \t\n{}", "application/x-ndjson").text)
    assert len(answers) == 2


def test_a_policy_that_refuses_an_event_is_an_error_record(client):
    first, second = post(client, [EVENT, {}], name="strict").json()
    assert first["action"] == "review"
    assert second["error"]["code"] == "fastcore/evaluation-failed"
    assert second["error"]["rule"] == "night"
    assert second["error"]["path"] == "card.hour"


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b"null", b"x"])
def test_a_batch_in_json_is_an_array(client, body):
    error = problem(post(client, body), 422, "invalid-json")["errors"][0]
    assert error["path"] == "body"
    assert error["message"] == "expected a JSON array of events"


def test_one_request_has_one_version(backend):
    """The ruleset is replaced between two chunks of an answer, and the answer goes on with the old one."""
    store = RuleStore([RuleSet.from_dict(DOCUMENT, backend=backend)])
    chunks = 0

    def replace(_):
        nonlocal chunks
        chunks += 1
        store.replace(RuleSet.from_dict({**DOCUMENT, "version": f"new {chunks}"}, backend=backend))

    app = make_app(backend, rules=store)
    body = [part(json.dumps(events(4000)).encode())]
    status, _, answer = ask(app, "POST", "/fastcore/rules/fraud/evaluate-many", body, [JSON_BODY], replace)
    assert status == 200
    assert chunks > 4
    assert [decision["version"] for decision in json.loads(answer)] == ["7"] * 4000
