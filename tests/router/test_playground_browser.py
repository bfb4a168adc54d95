"""The playground in a browser: what authors of rules and engineers on call do with it, also by keys alone."""

import json
import re
import socket
import threading
from collections import namedtuple

import pytest
from fastapi import APIRouter, Cookie, Depends, FastAPI, HTTPException

from fastcore import RuleSet, RuleStore
from fastcore.router import create_router, install
from tests.conftest import browser_problem, chromium
from tests.waiting import eventually

from .support import DOCUMENT

if problem := browser_problem():
    pytest.skip(problem, allow_module_level=True)

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

PATIENCE = 60_000  # milliseconds

HUGE = 123456789012345678901234567890
FRAUD = {
    **DOCUMENT,
    "rules": [
        *DOCUMENT["rules"],
        {
            "id": "pair",
            "description": "two conditions",
            "tags": ["both"],
            "when": {"and": [{">": [{"var": "amount"}, 10]}, {"==": [{"var": "card.kind"}, "prepaid"]}]},
            "examples": [{"event": {"amount": 50, "card": {"kind": "prepaid"}}, "fires": True}],
        },
        {"id": "huge", "when": {"==": [{"var": "number"}, HUGE]}, "score": 1},
        {"id": "asleep", "when": True, "enabled": False},
    ],
    "examples": [
        {
            "description": "from abroad, at night",
            "event": {"amount": 5000, "country": "FR", "card": {"hour": 3, "kind": "debit"}},
            "expect": {"score": 70},
        }
    ],
}
STRICT = {
    "name": "strict",
    "missing": "error",
    "rules": [{"id": "needs", "when": {">": [{"var": "amount"}, 1]}}],
}
MARKUP = "<img src=x onerror=\"document.title='run'\">"
ODD = {
    "name": "odd",
    "version": MARKUP,
    "rules": [
        {"id": MARKUP, "description": MARKUP, "action": MARKUP, "when": {"==": [{"var": "a"}, MARKUP]}}
    ],
}
LARGE = {
    "name": "large",
    "rules": [
        {"id": f"rule-{number:05}", "when": {">": [{"var": f"f{number % 50}"}, number]}, "score": 1}
        for number in range(10_000)
    ],
}
PREFIXES = {
    "included": "/fastcore",
    "nested": "/a/b/c",
    "mounted": "/mounted/x",
    "below a root path": "/api/fastcore",
}

Service = namedtuple("Service", "url store")


def signed_in(key: str = Cookie(default="")):
    if key != "secret":
        raise HTTPException(401, "sign in first")


def make_service():
    """An app with the playground in many places, and the store behind them."""
    store = RuleStore([RuleSet(document) for document in (FRAUD, STRICT, ODD)])
    app = FastAPI()
    router = create_router(rules=store, playground=True)
    install(app, router)
    parent = APIRouter(prefix="/b")
    parent.include_router(router, prefix="/c")
    app.include_router(parent, prefix="/a")
    inner = FastAPI()
    inner.include_router(router, prefix="/x")
    app.mount("/mounted", inner)
    app.include_router(router, prefix="/guarded", dependencies=[Depends(signed_in)])
    install(app, prefix="/large", rules=RuleSet(LARGE), playground=True)

    async def proxied(scope, receive, send):
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            scope["root_path"] = "/api"
        await app(scope, receive, send)

    return proxied, store


@pytest.fixture(scope="module")
def service():
    app, store = make_service()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        eventually(lambda: server.started, "the server has not started")
        yield Service(f"http://127.0.0.1:{listening.getsockname()[1]}", store)
        server.should_exit = True
        thread.join(60)


@pytest.fixture(scope="module")
def browser():
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    arguments += ["--disable-sync", "--no-first-run", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=arguments, timeout=120_000)
        # what is asserted is waited for, also on a machine that is busy with something else
        expect.set_options(timeout=PATIENCE)
        yield launched.new_context()
        launched.close()


class Play:
    """A page with the playground, and what was asked and logged by it."""

    def __init__(self, context, service):
        self.service = service
        self.context = context
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.set_viewport_size({"width": 1280, "height": 900})
        self.requests = []
        self.complaints = []
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._logged)

    def _logged(self, message):
        expected = re.match(
            r"Failed to load resource: the server responded with a status of [45]\d\d", message.text
        )
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(message.text)

    def open(self, prefix="/fastcore", address=""):
        self.page.goto(f"{self.service.url}{prefix}/playground{address}")
        return self

    @property
    def status(self):
        return self.page.locator("#status")

    @property
    def event(self):
        return self.page.get_by_label("The event, as JSON")

    @property
    def editor(self):
        return self.page.locator("#editor")

    @property
    def problems(self):
        return self.page.get_by_role("alert").get_by_role("listitem")

    def press(self, name):
        self.page.get_by_role("button", name=name).click()

    def decide(self, event=None):
        if event is not None:
            expect(self.page.locator("#rules > li").first).to_be_visible()
            self.event.fill(event if isinstance(event, str) else json.dumps(event))
        self.press("Decide")
        expect(self.status).not_to_have_text("Deciding…")

    def rule(self, name):
        return self.page.locator("#rules > li").filter(has=self.page.get_by_text(name, exact=True))

    def selected(self, field):
        return field.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)")

    def posts(self):
        return [request for request in self.requests if request.method == "POST"]


@pytest.fixture
def play(browser, service):
    """A tab of its own: what the page remembers belongs to the tab."""
    playing = Play(browser, service)
    yield playing
    browser.set_offline(False)
    browser.clear_cookies()
    playing.page.close()
    assert playing.complaints == []
    assert [one.url for one in playing.requests if not one.url.startswith((service.url, "data:"))] == []


class TestDeciding:
    def test_an_example_of_the_ruleset_is_decided_and_explained(self, play):
        play.open()
        play.page.get_by_label("Example").select_option("from abroad, at night")
        assert json.loads(play.event.input_value()) == FRAUD["examples"][0]["event"]
        play.decide()
        expect(play.status).to_have_text("Decided: action review, score 70, 3 of 6 rules fired.")
        terms = play.page.locator("#decision dl").inner_text().split("\n")
        assert [text for text in terms if text] == [
            *("Action", "review", "Score", "70", "Rules that fired", "3 of 6", "Version", "7")
        ]
        summaries = play.page.locator("#rules summary").all_inner_texts()
        assert [summary.split(": ")[0].split()[0] for summary in summaries] == ["✓", "✓", "✓", "✗", "?", "–"]

    def test_the_condition_that_fails_is_highlighted(self, play):
        play.open().decide({"amount": 50, "card": {"kind": "debit"}})
        rule = play.rule("pair")
        expect(rule.locator(".why")).to_have_text('because card.kind == "prepaid" is false')
        rule.locator("summary").click()
        lines = rule.locator(".condition")
        expect(lines).to_have_count(3)
        highlighted = rule.locator(".decisive")
        expect(highlighted).to_have_count(1)
        expect(highlighted).to_contain_text('false card.kind == "prepaid"')
        expect(highlighted).to_contain_text("fails here")
        expect(highlighted.get_by_role("listitem")).to_have_text('card.kind = "debit"')
        expect(lines.nth(1)).to_contain_text("true amount > 10")

    def test_what_is_missing_is_said(self, play):
        play.open().decide({"amount": 50})
        rule = play.rule("pair")
        rule.locator("summary").click()
        expect(rule.locator(".decisive")).to_contain_text("card.kind is missing")
        expect(rule.locator(".decisive")).to_contain_text("undecided here")

    def test_a_policy_that_refuses_shows_which_condition_is_to_blame(self, play):
        play.open(address="#ruleset=strict").decide("{}")
        expect(play.problems).to_contain_text("amount")
        play.rule("needs").locator("summary").click()
        expect(play.rule("needs").locator(".decisive")).to_contain_text("amount is missing")

    def test_an_example_of_a_rule(self, play):
        play.open()
        play.rule("pair").locator("summary").click()
        expect(play.rule("pair").locator("pre")).to_contain_text('"prepaid"')
        play.press("Use example: fires")
        expect(play.rule("pair").locator("summary")).to_contain_text("fired: pair")
        expect(play.page.get_by_label("Example")).to_have_value("rules[3].examples[0]")

    def test_numbers_are_sent_as_they_are_written(self, play):
        """A number of JavaScript would lose the last digits."""
        play.open().decide(f'{{"number": {HUGE}}}')
        expect(play.status).to_contain_text("score 1, 1 of 6 rules fired")
        play.press("Tidy")
        assert str(HUGE) in play.event.input_value()
        play.press("Edit a copy")
        assert str(HUGE) in play.editor.input_value()
        play.press("Try it")
        expect(play.status).to_contain_text("by the edited copy: action accept, score 1")

    def test_data_is_never_markup(self, play):
        play.open(address="#ruleset=odd").decide({"a": MARKUP})
        expect(play.status).to_contain_text(MARKUP)
        play.page.locator("summary").click()
        expect(play.page.locator(".condition")).to_contain_text(MARKUP.replace('"', '\\"'))
        assert play.page.locator("img").count() == 0
        assert play.page.title() == "Rules playground"


class TestChoosing:
    def test_another_ruleset(self, play):
        play.open()
        choice = play.page.get_by_label("Decide with")
        expect(choice).to_have_value("fraud")
        expect(play.page.locator("#ruleset-about")).to_contain_text("Version 7, 6 rules")
        choice.select_option("strict")
        expect(play.page.locator("#rules > li")).to_have_count(1)
        assert play.page.url.endswith("/playground#ruleset=strict")

    def test_an_address_leads_to_ruleset_rule_and_example(self, play):
        play.open(address="#ruleset=fraud&rule=pair&example=examples%5B0%5D")
        expect(play.rule("pair").locator("pre")).to_be_visible()
        assert json.loads(play.event.input_value()) == FRAUD["examples"][0]["event"]

    def test_rules_are_filtered(self, play):
        play.open().decide({"amount": 5000})
        play.page.get_by_label("Filter by id, description or tag").fill("BOTH")
        expect(play.page.locator("#rules-count")).to_have_text("1 of 6 rules")
        play.page.get_by_label("Filter by id, description or tag").fill("")
        for value, ids in [
            ("fired", ["large"]),
            ("unknown", ["night", "abroad", "pair", "huge"]),
            ("not", ["asleep"]),
        ]:
            play.page.get_by_label("Show").select_option(value)
            expect(play.page.locator("#rules .rule-name")).to_have_text(ids)

    def test_what_was_written_survives_a_reload(self, play):
        play.open().decide({"amount": 77})
        play.press("Edit a copy")
        play.editor.fill('{"rules": [{"id": "mine", "when": true}]}')
        play.page.get_by_label("Colours").select_option("dark")
        play.page.reload()
        expect(play.event).to_have_value('{"amount": 77}')
        expect(play.editor).to_have_value('{"rules": [{"id": "mine", "when": true}]}')
        expect(play.page.get_by_label("Colours")).to_have_value("dark")
        assert "77" not in play.page.url

    @pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
    def test_below_every_prefix(self, play, prefix):
        play.open(prefix).decide({"amount": 5000})
        expect(play.status).to_contain_text("1 of 6 rules fired")
        play.press("Edit a copy")
        play.press("Try it")
        expect(play.status).to_contain_text("by the edited copy")
        assert all(request.url.startswith(play.service.url + prefix) for request in play.requests)


class TestEditing:
    def test_a_rule_is_edited_and_tried_and_nothing_is_saved(self, play):
        before = play.service.store.get("fraud")
        play.open().decide({"amount": 500, "country": "DE"})
        expect(play.status).to_contain_text("score 0")
        play.rule("large").locator("summary").click()
        play.press("Edit large")
        expect(play.page.get_by_label("The rule large, as JSON")).to_be_focused()
        play.editor.fill(play.editor.input_value().replace("1000", "100"))
        play.press("Try it")
        expect(play.status).to_have_text(
            "Decided by the edited copy: action accept, score 40, 1 of 6 rules fired."
        )
        expect(play.page.locator("#decision")).to_contain_text("edited copy, not saved")
        assert play.service.store.get("fraud") is before
        play.press("Discard the copy")
        expect(play.editor).to_be_hidden()
        play.decide()
        expect(play.status).to_have_text("Decided: action accept, score 0, 0 of 6 rules fired.")

    def test_errors_lead_to_their_places(self, play):
        play.open()
        play.rule("pair").locator("summary").click()
        play.press("Edit pair")
        play.editor.fill(play.editor.input_value().replace('"=="', '"equals"').replace('"tags"', '"tag"'))
        play.press("Try it")
        expect(play.problems).to_have_count(2)
        expect(play.editor).to_have_attribute("aria-invalid", "true")
        play.press("rules[3].when.and[1]")
        expect(play.editor).to_be_focused()
        assert play.selected(play.editor) == '{"equals": [{"var": "card.kind"}, "prepaid"]}'
        play.press("rules[3].tag")
        assert play.selected(play.editor) == '["both"]'

    def test_an_error_elsewhere_opens_the_whole_document(self, play):
        play.open()
        play.rule("large").locator("summary").click()
        play.press("Edit large")
        play.editor.fill('{"id": "pair", "when": true}')
        play.press("Try it")
        play.press("rules[3].id")
        expect(play.page.get_by_label("The document, as JSON")).to_be_focused()
        assert play.selected(play.editor) == '"pair"'
        assert json.loads(play.editor.input_value())["rules"][0] == {"id": "pair", "when": True}

    def test_a_text_that_is_not_json_is_not_sent(self, play):
        play.open().decide('{\n  "amount": 5,\n  "country" "DE"\n}')
        expect(play.problems).to_have_text("event, line 3, column 13 expected a colon")
        expect(play.event).to_have_attribute("aria-invalid", "true")
        play.press("event, line 3")
        assert play.selected(play.event) == '"'
        assert play.posts() == []

    @pytest.mark.parametrize(
        ("text", "message", "place"),
        [
            ('{"é": 1, "a": [1, 2,]}', "expected a value", "]"),
            ('{"a": 01}', "expected , or }", "1"),
            ("", "the text ends", ""),
        ],
    )
    def test_where_a_text_ceases_to_be_json(self, play, text, message, place):
        play.open().decide(text)
        expect(play.problems).to_contain_text(message)
        play.problems.get_by_role("button").click()
        assert play.selected(play.event) == place

    def test_an_event_that_the_service_refuses(self, play):
        play.open().decide("  [1]")
        expect(play.problems).to_contain_text("an event is a JSON object, not an array")
        play.press("body")
        assert play.selected(play.event) == "["


class TestRefusals:
    def test_a_ruleset_that_is_not_there(self, play):
        play.open(address="#ruleset=nowhere")
        expect(play.problems).to_contain_text("there is no ruleset 'nowhere'")
        play.page.get_by_label("Decide with").select_option("fraud")
        expect(play.problems).to_have_count(0)
        play.decide({"amount": 5000})
        expect(play.status).to_contain_text("1 of 6 rules fired")

    def test_one_that_has_gone_meanwhile(self, play):
        play.service.store.replace(RuleSet({"name": "short-lived", "rules": [{"id": "a", "when": True}]}))
        play.open(address="#ruleset=short-lived")
        expect(play.page.locator("#rules > li")).to_have_count(1)
        play.service.store.remove("short-lived")
        play.decide("{}")
        expect(play.problems).to_contain_text("there is no ruleset 'short-lived'")

    def test_without_credentials(self, play):
        play.context.add_cookies([{"name": "key", "value": "secret", "url": play.service.url}])
        play.open("/guarded").decide({"amount": 5000})
        expect(play.status).to_contain_text("1 of 6 rules fired")
        play.context.clear_cookies()
        play.decide()
        expect(play.problems).to_have_text(
            "401: The service asks who you are. Sign in where it lets you, then try again. sign in first"
        )
        play.page.reload()
        assert play.page.inner_text("body") == '{"detail":"sign in first"}'

    def test_a_page_to_sign_in_instead_of_an_answer(self, play):
        play.open()
        expect(play.page.locator("#rules > li")).to_have_count(6)
        play.page.route(
            "**/evaluate", lambda route: route.fulfill(content_type="text/html", body="<h1>Sign in</h1>")
        )
        play.decide()
        expect(play.problems).to_contain_text("The answer is not JSON")

    def test_a_busy_service_is_asked_again(self, play):
        answers = iter([503])

        def answer(route):
            status = next(answers, None)
            if status is None:
                route.continue_()
            else:
                route.fulfill(status=status, headers={"retry-after": "1"}, body="")

        play.open()
        play.page.route("**/evaluate", answer)
        play.decide({"amount": 5000})
        expect(play.status).to_contain_text("1 of 6 rules fired")

    def test_no_answer_at_all(self, play):
        play.open()
        expect(play.page.locator("#rules > li")).to_have_count(6)
        play.context.set_offline(True)
        play.press("Decide")
        expect(play.problems).to_contain_text("There was no answer")
        play.complaints.clear()  # the browser itself says so, once for each request


class TestEverybody:
    def test_by_keys_alone(self, play):
        play.open()
        expect(play.page.locator("#rules > li")).to_have_count(6)
        keys = play.page.keyboard
        keys.press("Tab")
        expect(play.page.get_by_role("link", name="Skip to the event")).to_be_focused()
        keys.press("Enter")
        expect(play.event).to_be_focused()
        assert play.page.url.endswith("#ruleset=fraud")
        keys.press("Control+a")
        keys.type('{"amount": 50}')
        keys.press("Control+Enter")
        expect(play.status).to_contain_text("Decided")
        expect(play.event).to_be_focused()
        order = []
        for _ in range(6):
            keys.press("Tab")
            order.append(play.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        assert order == ["decide", "tidy-event", "filter", "show", "SUMMARY", "SUMMARY"]
        focused = play.page.locator(":focus")
        assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        keys.press("Enter")
        expect(play.page.locator(".condition").first).to_be_visible()
        keys.press("Tab")
        expect(play.page.get_by_role("button", name="Edit large")).to_be_focused()
        keys.press("Enter")
        expect(play.editor).to_be_focused()
        keys.press("Control+Enter")
        expect(play.status).to_contain_text("Decided by the edited copy")

    def test_what_a_screen_reader_is_told(self, play):
        play.open().decide({"amount": 50, "card": {"kind": "debit"}})
        play.rule("pair").locator("summary").click()
        page = play.page
        expect(page.get_by_role("main")).to_be_visible()
        for name in ("Ruleset", "Event", "Result", "Rules"):
            expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text("Rules playground")
        expect(page.get_by_role("status").filter(has_text="Decided:")).to_be_visible()
        tree = page.get_by_role("list", name="conditions of pair")
        expect(tree.get_by_role("list").first).to_be_visible()
        expect(tree).to_match_aria_snapshot(
            """
            - list "conditions of pair":
              - listitem:
                - text: "false"
                - code: amount > 10 and card.kind == "prepaid"
                - list:
                  - listitem:
                    - text: "true"
                    - code: amount > 10
                    - list "fields read":
                      - listitem:
                        - code: amount = 50
                  - listitem:
                    - text: "false"
                    - code: card.kind == "prepaid"
                    - text: fails here
                    - list "fields read":
                      - listitem:
                        - code: card.kind = "debit"
            """
        )
        play.decide("[")
        expect(page.get_by_role("alert")).to_contain_text("the text ends too early")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_no_rule_of_accessibility_is_broken_in_light_or_dark(self, play, scheme):
        play.page.emulate_media(color_scheme=scheme)
        play.open().decide({"amount": 50, "card": {"kind": "debit"}})
        for name in ("pair", "huge", "asleep"):
            play.rule(name).locator("summary").click()
        play.press("Edit pair")
        expect(play.page.locator(".decisive")).to_have_count(2)
        assert violations(play) == []
        play.editor.fill('{"id": "pair"}')
        play.press("Try it")
        expect(play.problems.first).to_be_visible()
        assert violations(play) == []

    @pytest.mark.parametrize(("own", "other"), [("light", "dark"), ("dark", "light")])
    def test_colours_follow_the_system_or_the_choice(self, play, own, other):
        play.page.emulate_media(color_scheme=own)
        play.open()
        choice = play.page.get_by_label("Colours")
        seen = {"system": ground(play)}
        for value in (own, other):
            choice.select_option(value)
            seen[value] = ground(play)
        assert seen["system"] == seen[own] != seen[other]
        assert seen["light"] > 200
        assert seen["dark"] < 60

    @pytest.mark.parametrize("width", [320, 800, 1800])
    def test_nothing_is_cut_off_at_any_width(self, play, width):
        play.page.set_viewport_size({"width": width, "height": 700})
        play.open().decide({"amount": 50, "card": {"kind": "debit"}, "country": "x" * 200})
        play.rule("abroad").locator("summary").click()
        play.rule("pair").locator("summary").click()
        play.press("Edit pair")
        play.press("Try it")
        expect(play.status).to_contain_text("by the edited copy")
        assert play.page.evaluate("document.documentElement.scrollWidth") <= width
        cut = """() => [...document.querySelectorAll("section, button, summary, .condition, dl")]
            .filter((e) => e.offsetParent !== null && e.scrollWidth > e.clientWidth + 1)
            .map((e) => e.outerHTML)"""
        assert play.page.evaluate(cut) == []
        event, result = play.event.bounding_box(), play.page.locator("#result").bounding_box()
        beside = result["x"] > event["x"] + event["width"]
        assert beside is (width > 1000)
        # where the result stands below, it comes into view by itself
        expect(play.status).to_be_in_viewport()


def ground(play):
    """How bright the page's background is, of 255."""
    colour = play.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def violations(play):
    """What axe finds wrong, in short."""
    results = Axe().run(play.page).response["violations"]
    return [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in results]


class TestLarge:
    def test_ten_thousand_rules(self, play):
        """Only what is shown is made, and only what is opened is explained."""
        play.open("/large")
        expect(play.page.locator("#rules-count")).to_have_text("10,000 rules, the first 50 are shown")
        play.decide({f"f{number}": 20 for number in range(50)})
        expect(play.status).to_contain_text("20 of 10,000 rules fired")
        assert [request.url.rsplit("/", 1)[1] for request in play.posts()] == ["evaluate"]
        assert play.page.evaluate("document.querySelectorAll('*').length") < 2000
        play.press("Show more")
        expect(play.page.locator("#rules > li")).to_have_count(100)
        expect(play.page.locator("#rules > li").nth(50).locator("summary")).to_be_focused()

        play.page.get_by_label("Filter by id, description or tag").fill("rule-0777")
        expect(play.page.locator("#rules > li")).to_have_count(10)
        play.rule("rule-07777").locator("summary").click()
        expect(play.rule("rule-07777").locator(".decisive")).to_contain_text("f27 > 7777")
        assert play.posts()[-1].url.endswith("/explain?rule=rule-07777")

        play.press("Edit rule-07777")
        play.editor.fill(play.editor.input_value().replace("7777]", "7]"))
        play.press("Try it")
        expect(play.status).to_contain_text("21 of 10,000 rules fired")
        expect(play.rule("rule-07777").locator(".condition")).to_contain_text("true f27 > 7")
        bodies = [request.post_data for request in play.posts() if request.url.endswith("/try")]
        assert [body[body.rindex(',"rules":') :] for body in bodies] == [
            ',"rules":[]}',
            ',"rules":["rule-07777"]}',
        ]
