"""The playground as the service sees it: when it exists, what guards it, what trying a document gives."""

import base64
import hashlib
import json
import re
import threading

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient

from fastcore import RuleSet, RuleStore
from fastcore.router import RouterSettings, asgi_app, create_router, install
from tests.conftest import cython_problem
from tests.waiting import eventually

from .support import DOCUMENT, EVENT, JSON_BODY, make_app, make_client, problem

PAGE = "/fastcore/playground"
TRY = "/fastcore/playground/try"


@pytest.fixture
def client(backend):
    return make_client(backend, playground=True)


def attempt(client, document=DOCUMENT, event=EVENT, **more):
    return client.post(TRY, json={"document": document, "event": event, **more})


class TestPage:
    def test_there_is_none_unless_it_is_asked_for(self, backend):
        app = make_app(backend)
        client = TestClient(app)
        assert client.get(PAGE).status_code == 404
        assert attempt(client).status_code == 404
        assert not [path for path in app.openapi()["paths"] if "playground" in path]

    def test_it_needs_the_rules(self):
        with pytest.raises(ValueError, match="playground=True needs the group 'rules'"):
            create_router(include=("fib",), playground=True)

    @pytest.mark.parametrize("way", ["install", "asgi_app"])
    def test_every_way_in_offers_it(self, way):
        app = FastAPI()
        if way == "install":
            install(app, rules=RuleSet(DOCUMENT), playground=True)
        else:
            app.mount("/fastcore", asgi_app(rules=RuleSet(DOCUMENT), playground=True))
        client = TestClient(app)
        assert client.get(PAGE).status_code == 200
        assert attempt(client).status_code == 200

    def test_it_is_one_page_that_loads_nothing(self, client):
        response = client.get(PAGE)
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "/*" not in re.sub(r"<(script|style)\b.*?</\1>", "", response.text, flags=re.DOTALL)
        assert re.findall(r"<link [^>]*>", response.text) == ['<link rel="icon" href="data:,">']
        assert not re.search(r"\b(src|srcset|action)=|@import|url\(|https?://", response.text)

    def test_its_policy_allows_its_own_script_and_style_and_no_other(self, client):
        response = client.get(PAGE)
        policy = dict(
            rule.split(" ", 1) if " " in rule else (rule, "")
            for rule in response.headers["content-security-policy"].split("; ")
        )
        for tag in ("script", "style"):
            (text,) = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", response.text, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["connect-src"] == "'self'"
        assert response.headers["x-content-type-options"] == "nosniff"

    def test_its_markup_has_no_handlers_and_its_script_makes_no_markup(self, client):
        text = client.get(PAGE).text
        markup = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
        assert not re.search(r"\son\w+=|\sstyle=|javascript:", markup)
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
        )

    def test_who_holds_it_gets_304(self, client):
        first = client.get(PAGE)
        again = client.get(PAGE, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(PAGE, headers={"if-none-match": '"other"'}).status_code == 200

    def test_dependencies_stand_before_both_paths(self, backend):
        def nobody():
            raise HTTPException(401, "who are you?")

        client = make_client(backend, playground=True, dependencies=[Depends(nobody)])
        assert client.get(PAGE).status_code == 401
        assert attempt(client).status_code == 401
        assert client.post(TRY, content=b"x" * 100).status_code == 401


class TestTry:
    def test_decides_and_explains_as_the_ruleset_would(self, client, backend):
        response = attempt(client)
        ruleset = RuleSet(DOCUMENT, backend=backend)
        assert response.status_code == 200
        assert response.json() == {
            "decision": ruleset.evaluate(EVENT).to_dict(),
            "explanation": ruleset.explain(EVENT).to_dict(),
        }

    def test_nothing_is_stored(self, tmp_path, backend):
        (tmp_path / "fraud.json").write_text(json.dumps(DOCUMENT))
        store = RuleStore.from_folder(tmp_path, backend=backend)
        before = store.get("fraud")
        client = make_client(backend, rules=store, playground=True)
        assert attempt(client, {**DOCUMENT, "version": "8"}).json()["decision"]["version"] == "8"
        assert attempt(client, {**DOCUMENT, "name": "new"}).status_code == 200
        assert store.names() == ("fraud",)
        assert store.get("fraud") is before
        assert [path.name for path in tmp_path.iterdir()] == ["fraud.json"]
        assert client.get("/fastcore/rules/fraud").json()["version"] == "7"

    def test_explains_only_the_rules_that_are_asked_for(self, client):
        def explained(rules):
            return [rule["rule"] for rule in attempt(client, rules=rules).json()["explanation"]["rules"]]

        assert explained(["night", "large", "night"]) == ["night", "large"]
        assert explained([]) == []
        body = problem(attempt(client, rules=["large", "none"]), 404, "not-found")
        assert body["errors"] == [{"path": "body.rules", "message": "there is no rule 'none'"}]

    def test_a_bad_document_is_refused_with_all_errors_at_their_paths(self, client):
        rules = [{"id": "a", "when": {"foo": [1]}}, {"id": "a", "whn": True}]
        body = problem(attempt(client, {"rules": rules, "extra": 1}), 422, "invalid-ruleset")
        assert [error["path"] for error in body["errors"]] == [
            "extra",
            "rules[0].when",
            "rules[1]",
            "rules[1].id",
            "rules[1].whn",
        ]

    @pytest.mark.parametrize(
        ("event", "offset"), [(b"[1]", 0), (b'{"a": NaN}', 6), (b'{"a": "\xff"}', 7), (b'{"a" 1}', 5)]
    )
    def test_a_bad_event_is_refused_at_its_offset(self, client, event, offset):
        content = b'{"event": %b, "document": %b}' % (event, json.dumps(DOCUMENT).encode())
        response = client.post(TRY, content=content, headers=dict([JSON_BODY]))
        body = problem(response, 422, "invalid-event")
        assert body["errors"][0]["offset"] == offset

    def test_a_key_twice_is_an_error_in_the_document_and_not_in_the_event(self, client):
        double = b'{"document": {"rules": [], "rules": []}, "event": {}}'
        body = problem(client.post(TRY, content=double, headers=dict([JSON_BODY])), 422, "invalid-ruleset")
        assert body["errors"][0]["message"] == 'the key "rules" occurs twice'
        whole = b'{"document": %b, "event": {"amount": 5, "amount": 5000}}' % json.dumps(DOCUMENT).encode()
        decision = client.post(TRY, content=whole, headers=dict([JSON_BODY])).json()["decision"]
        assert decision["matched"] == ["large"]

    @pytest.mark.parametrize(
        ("body", "path", "message"),
        [
            (b"", "body", "expected a JSON object"),
            (b"[]", "body", "expected a JSON object with document and event"),
            (b"{}", "body.document", 'the key "document" is missing'),
            (b'{"document": {"rules": []}}', "body.event", 'the key "event" is missing'),
            (b'{"document": {}, "document": {}}', "body.document", "the key occurs twice"),
            (b'{"documents": {}}', "body.documents", "unknown key; allowed are document, event, rules"),
            (b'{"event": {}', "body", "the object is not closed"),
            (b'{"event": {}]', "body", "a bracket closes nothing"),
            (b'{"event": {}} 1', "body", "there is data after the end of the object"),
            (b'{"event": {},}', "body", "expected a key and a colon"),
            (b"{event: 1}", "body", "expected a key and a colon"),
            (b'{"\\x": 1}', "body", "the key is not valid JSON"),
            (b'{"\xff": 1}', "body", "the key is not valid JSON"),
            (b'{"document": {"rules": []}, "event": {}, "rules": "all"}', "body.rules", "expected an array"),
            (b'{"document": {"rules": []}, "event": {}, "rules": [1]}', "body.rules", "expected an array"),
        ],
    )
    def test_another_body_is_refused(self, client, body, path, message):
        answer = problem(client.post(TRY, content=body, headers=dict([JSON_BODY])), 422, "invalid-json")
        assert answer["errors"][0]["path"] == path
        assert answer["errors"][0]["message"].startswith(message)

    def test_commas_and_brackets_in_strings_do_not_part_members(self, client):
        document = {"rules": [{"id": 'a"},]', "when": {"==": [{"var": "b"}, '}],"event":{']}}]}
        decision = attempt(client, document, {"b": '}],"event":{'}).json()["decision"]
        assert decision["matched"] == ['a"},]']

    def test_a_policy_that_refuses_is_told_with_the_explanation(self, client):
        answer = attempt(client, {**DOCUMENT, "missing": "error"}, {"amount": 1}).json()
        (error,) = answer["decision"]["errors"]
        assert (error["code"], error["rule"], error["field"]) == ("evaluation", "night", "card.hour")
        assert answer["explanation"]["rules"][0]["value"] == "unknown"

    def test_regular_expressions_as_in_what_is_served(self, backend, re2):
        document = {"rules": [{"id": "north", "when": {"matches": [{"var": "country"}, "^N"]}}]}
        problem(attempt(make_client(backend, playground=True), document), 422, "invalid-ruleset")
        client = make_client(backend, playground=True, rules=RuleSet(document, allow_regex=True))
        assert attempt(client, document, {"country": "NZ"}).json()["decision"]["matched"] == ["north"]

    def test_text_that_is_not_unicode_comes_back_as_json(self, client):
        rules = b'[{"id": "\\ud800", "when": true}]'
        body = b'{"document": {"rules": %b}, "event": {}}' % rules
        response = client.post(TRY, content=body, headers=dict([JSON_BODY]))
        assert response.status_code in (200, 422)
        response.json()


class TestLimits:
    @pytest.mark.parametrize(
        ("name", "part"), [("max_ruleset_bytes", "document"), ("max_body_bytes", "event")]
    )
    def test_document_and_event_have_those_of_the_other_paths(self, backend, name, part):
        texts = {"document": json.dumps(DOCUMENT), "event": json.dumps(EVENT)}
        size = len(texts[part])
        for limit, status in [(size - 1, 413), (size, 200), (size + 1, 200)]:
            client = make_client(backend, playground=True, **{name: limit})
            body = '{"document": %s , "event":  %s}' % (texts["document"], texts["event"])  # noqa: UP031
            response = client.post(TRY, content=body, headers=dict([JSON_BODY]))
            assert response.status_code == status
            if status == 413:
                assert problem(response, 413, "body-too-large")["errors"][0]["path"] == f"body.{part}"

    def test_the_body_as_a_whole_has_one(self, backend):
        client = make_client(backend, playground=True, max_ruleset_bytes=100, max_body_bytes=100)
        most = 100 + 100 + 65_536
        start = b'{"event": {}'
        for size, status in [(most, 422), (most + 1, 413)]:
            body = start.ljust(size)
            assert client.post(TRY, content=body, headers=dict([JSON_BODY])).status_code == status

    def test_depth_of_the_event(self, backend):
        client = make_client(backend, playground=True, max_depth=3)
        assert attempt(client, event={"a": {"b": {}}}).status_code == 200
        problem(attempt(client, event={"a": {"b": {"c": {}}}}), 422, "invalid-event")

    def test_nesting_of_the_body(self, client):
        for text in ("[" * 300_000, '{"a":' * 300_000):
            problem(
                client.post(TRY, content=f'{{"document": {text}', headers=dict([JSON_BODY])),
                422,
                "invalid-json",
            )
            closed = f'{{"document": {"[" * 9000}{"]" * 9000}, "event": {{}}}}'
            problem(client.post(TRY, content=closed, headers=dict([JSON_BODY])), 422, "invalid-ruleset")

    @pytest.mark.parametrize("path", ["try", "explain"])
    def test_a_long_field_in_many_conditions_does_not_give_a_huge_answer(self, backend, path):
        """Each of a thousand conditions would show twenty kilobytes, and the one around them all of it."""
        when = {"or": [{"in": [f"x{index}", {"var": "tags"}]} for index in range(1000)]}
        document = {"name": "long", "rules": [{"id": "a", "when": when}]}
        event = {"tags": ["t" * 100] * 200}
        client = make_client(
            backend, playground=True, rules=RuleSet(document), max_explanation_bytes=1_000_000
        )
        if path == "try":
            response = attempt(client, document, event)
        else:
            response = client.post("/fastcore/rules/long/explain", json=event)
        body = problem(response, 422, "limit-exceeded")
        assert "1000000 bytes" in body["detail"]

    def test_explaining_ends_at_the_deadline(self, backend):
        when = {"some": [{"var": "a"}, {"some": [{"val": [[2], "a"]}, {"==": [{"var": ""}, -1]}]}]}
        document = {"rules": [{"id": f"r{index}", "when": when} for index in range(100)]}
        client = make_client(backend, playground=True, deadline_seconds=0.05)
        body = problem(attempt(client, document, {"a": list(range(200))}), 422, "limit-exceeded")
        assert "name fewer rules" in body["detail"]

    def test_one_document_is_tried_at_a_time_and_others_are_not_held_up(self, monkeypatch):
        entered, leave = threading.Event(), threading.Event()
        explain = RuleSet.explain

        def slow(self, *arguments, **options):
            entered.set()
            assert leave.wait(60)
            return explain(self, *arguments, **options)

        monkeypatch.setattr(RuleSet, "explain", slow)
        client = make_client(playground=True, worker_threads=2)
        with client:
            answers = []
            first = threading.Thread(target=lambda: answers.append(attempt(client)))
            first.start()
            eventually(entered.is_set, "the first document is not being tried")
            busy = attempt(client)
            assert problem(busy, 503, "busy")["detail"] == "another document is being tried"
            assert busy.headers["retry-after"] == "1"
            assert client.post("/fastcore/rules/fraud/evaluate", json=EVENT).status_code == 200
            leave.set()
            first.join(60)
        assert answers[0].status_code == 200

    def test_other_threads_get_turns_while_a_condition_is_decided(self):
        """Compiled code would hold the GIL until a million elements are visited."""
        if problem := cython_problem():
            pytest.skip(f"no compiled backend: {problem}")
        elements = {"val": [[2], "a"]}
        when = {"some": [{"var": "a"}, {"some": [elements, {"==": [{"var": ""}, -1]}]}]}
        client = make_client(playground=True, worker_threads=2)
        with client:
            answers = []
            document, event = {"rules": [{"id": "slow", "when": when}]}, {"a": list(range(900))}
            trial = threading.Thread(
                target=lambda: answers.append(attempt(client, document, event, rules=[]))
            )
            trial.start()
            turns = 0
            while not answers:
                turns += client.get("/fastcore/health").status_code == 200
            trial.join(60)
        assert answers[0].status_code == 200
        assert turns > 10

    def test_the_documentation_says_so(self, backend):
        app = make_app(backend, playground=True, max_ruleset_bytes=1000, max_body_bytes=500, max_depth=9)
        operation = app.openapi()["paths"][TRY]["post"]
        assert "1000 bytes" in operation["description"]
        assert "nest at most 9 deep" in operation["description"]
        assert operation["requestBody"]["description"] == f"At most {1000 + 500 + 65_536} bytes."


def test_a_router_that_is_included_twice_shares_nothing_with_another(backend):
    settings = RouterSettings()
    app = FastAPI()
    for prefix in ("/one", "/two"):
        router = create_router(rules=RuleSet(DOCUMENT), settings=settings, backend=backend, playground=True)
        app.include_router(router, prefix=prefix)
    client = TestClient(app)
    bodies = [client.get(f"{prefix}/playground").content for prefix in ("/one", "/two")]
    assert bodies[0] == bodies[1]
