"""Batches are answered while they arrive: interleaved, in bounded memory, and never mistaken for whole."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Request
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.middleware.base import BaseHTTPMiddleware

from fastcore import RuleSet, RuleStore
from fastcore.router import RouterSettings, asgi_app, create_router

from .support import (
    DISCONNECT,
    DOCUMENT,
    EVENT,
    JSON_BODY,
    ask,
    http_scope,
    make_app,
    make_client,
    part,
    problem,
    read_lines,
)

PATH = "/fastcore/rules/fraud/evaluate-many"
LINES = ("content-type", "application/x-ndjson")
ONE = json.dumps(EVENT, separators=(",", ":")).encode()
GOOD = ["night", "large", "abroad"]


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)


async def looks(request: Request):
    """A dependency of the host: with one, the framework's own handler answers."""


def app_of(kind, **options):
    settings_ = RouterSettings(**options)
    given_ = {"rules": RuleSet.from_dict(DOCUMENT), "settings": settings_}
    app = FastAPI(dependencies=[Depends(looks)] if kind == "dependency" else None)
    if kind == "mount":
        app.mount("/fastcore", asgi_app(**given_))
    else:
        app.include_router(create_router(**given_), prefix="/fastcore")
    if kind == "middleware":
        app.add_middleware(Passing)
    return app


class Exchange:
    """One request to an app in this loop, whose two sides are played by a test.

    With `reads` False the client takes nothing of the answer but its head.
    """

    def __init__(self, app, form, reads=True, spec_version="2.4", headers=()):
        self.sent = []
        self.received = 0
        self.complete = self.gone = False
        self._reads = asyncio.Event()
        if reads:
            self._reads.set()
        self._messages = asyncio.Queue()
        self._scope = http_scope("POST", PATH, [form, *headers], spec_version)
        self.task = asyncio.create_task(app(self._scope, self._receive, self._send))

    async def _receive(self):
        message = await self._messages.get()
        self.received += 1
        return message

    async def _send(self, message):
        if message["type"] == "http.response.body":
            await self._reads.wait()
            if self.gone:
                if self._scope["asgi"]["spec_version"] == "2.4":
                    raise OSError("the client has gone")
                return
            self.complete = not message.get("more_body", False)
        self.sent.append(message)

    def give(self, *messages):
        for message in messages:
            self._messages.put_nowait(message)

    def leave(self):
        """The client closes the connection: what waits to be sent is dropped."""
        self.gone = True
        while not self._messages.empty():
            self._messages.get_nowait()
        self.give(DISCONNECT)
        self._reads.set()

    def read(self):
        """From now on the client reads."""
        self._reads.set()

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    async def until(self, condition):
        for _ in range(60_000):
            if condition():
                return
            await asyncio.sleep(0.001)
        pytest.fail(f"it never came; sent so far: {self.body[:500]!r}")

    async def ended(self):
        await asyncio.wait_for(self.task, 60)


async def settled(count):
    """What `count` gives when the loop has nothing left to do."""
    last = None
    while last != (last := count()):
        for _ in range(300):
            await asyncio.sleep(0)
    return last


KINDS = ["route", "dependency", "mount", "middleware"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"inline_budget_seconds": 0}], ids=["inline", "threads"])
def test_lines_are_answered_before_the_body_has_ended(kind, options):
    async def main():
        client = Exchange(app_of(kind, **options), LINES)
        for index in range(5):
            client.give(part(ONE + b"\n" + ONE[:20], True))
            await client.until(lambda index=index: client.body.count(b"\n") == 2 * index + 1)
            client.give(part(ONE[20:] + b"\n", True))
            await client.until(lambda index=index: client.body.count(b"\n") == 2 * index + 2)
        client.give(part(ONE))
        await client.ended()
        assert [answer["matched"] for answer in read_lines(client.body.decode())] == [GOOD] * 11
        assert client.complete
        assert dict(client.sent[0]["headers"]) == {b"content-type": b"application/x-ndjson"}

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_is_answered_before_the_body_has_ended(kind):
    async def main():
        client = Exchange(app_of(kind), JSON_BODY)
        client.give(part(b"[" + ONE, True), part(b",", True))
        await client.until(lambda: client.body.count(b"matched") == 1)
        client.give(part(ONE + b",{", True))
        await client.until(lambda: client.body.count(b"matched") == 2)
        client.give(part(b"}", True), part(b"]"))
        await client.ended()
        assert [answer["matched"] for answer in json.loads(client.body)] == [GOOD, GOOD, []]
        assert client.complete

    asyncio.run(main())


def test_all_of_a_batch_is_decided_at_one_time(backend):
    rule = {"id": "before", "when": {"<": [{"now": []}, {"datetime": [{"var": "until"}]}]}}
    document = {"name": "fraud", "version": "1", "rules": [rule]}
    app = make_app(backend, rules=RuleSet.from_dict(document))

    async def main():
        client = Exchange(app, LINES)
        client.give(part(b"{}\n", True))
        await client.until(lambda: client.body.count(b"\n") == 1)
        until = datetime.now(UTC)  # after the batch began, and past when the event is decided
        client.give(part(json.dumps({"until": until.isoformat()}).encode()))
        await client.ended()
        assert [answer["matched"] for answer in read_lines(client.body.decode())] == [[], ["before"]]

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_batch_is_answered_with_its_length(kind):
    app = app_of(kind)
    length = ("content-length", "7")
    for messages in ([part(b"[{},{}]")], [part(b"[{", True), part(b"},{}]")]):
        status, headers, body = ask(app, "POST", PATH, messages, [JSON_BODY, length])
        assert status == 200
        assert headers["content-length"] == str(len(body))
        assert len(json.loads(body)) == 2


RECORDS = st.sampled_from(
    [ONE, b"{}", b'{"amount":"]},{"}', b"{", b'"', b"[1,{}]", b"\xff", '{"é":"\\""}'.encode()]
)


@pytest.fixture(scope="module")
def whole_and_not():
    return app_of("route")


@settings(max_examples=40, deadline=None)
@given(st.lists(RECORDS, max_size=6), st.integers(1, 40), st.booleans())
def test_however_the_body_arrives_the_answer_is_the_same(whole_and_not, records, size, as_lines):
    body = b"\n".join(records) if as_lines else b"[" + b",".join(records) + b"]"
    form = LINES if as_lines else JSON_BODY
    pieces = [part(body[at : at + size], True) for at in range(0, len(body), size)]
    status, _, whole = ask(whole_and_not, "POST", PATH, [part(body)], [form])
    assert ask(whole_and_not, "POST", PATH, [*pieces, part(b"")], [form])[::2] == (status, whole)


@pytest.mark.parametrize("kind", KINDS)
def test_the_body_is_read_no_further_while_the_client_does_not_read(kind):
    message = part((ONE + b"\n") * 10, True)

    async def main():
        app = app_of(kind, max_unread_bytes=20_000, inline_budget_seconds=60)
        client = Exchange(app, LINES, reads=False)
        client.give(*[message] * 1000)
        consumed = await settled(lambda: client.received)
        assert 10 < consumed < 120  # each message gives 1.6 kB; what is taken to be sent comes on top
        client.read()
        client.give(part(b""))
        await client.ended()
        assert client.received >= 1001
        assert client.body.count(b"\n") == 10_000
        assert client.complete

    asyncio.run(main())


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
@pytest.mark.parametrize("kind", ["route", "dependency", "mount"])
def test_work_ends_when_the_client_goes(kind, spec_version):
    app = app_of(kind, max_unread_bytes=20_000)

    async def counted():
        sent = []

        async def send(message):
            sent.append(message)

        await app(http_scope("GET", "/fastcore/info"), asyncio.sleep, send)
        return json.loads(sent[1]["body"])["counters"]["events"]["evaluated"]

    async def main():
        # within its body
        client = Exchange(app, LINES, spec_version=spec_version)
        client.give(part((ONE + b"\n") * 3, True))
        await client.until(lambda: client.body.count(b"\n") == 3)
        client.leave()
        await client.ended()
        assert not client.complete
        assert await counted() == 3
        # while the answer is made
        body = (ONE + b"\n") * 20_000
        length = ("content-length", str(len(body)))
        client = Exchange(app, LINES, reads=False, spec_version=spec_version, headers=[length])
        client.give(part(body))
        await settled(lambda: len(client.sent))
        client.leave()
        await client.ended()
        assert not client.complete
        assert await counted() < 10_000

    asyncio.run(main())


def test_a_middleware_may_give_the_same_body_again_and_again():
    """As those do that read the body and hand it on."""
    app = app_of("route")
    sent = []

    async def receive():
        return part((ONE + b"\n") * 20_000)

    async def send(message):
        sent.append(message)

    asyncio.run(app(http_scope("POST", PATH, [LINES]), receive, send))
    assert b"".join(message["body"] for message in sent[1:]).count(b"matched") == 20_000
    assert sent[-1]["more_body"] is False


def test_work_ends_when_sending_fails():
    """As a server says by ASGI 2.4."""
    app = app_of("route")
    messages = iter([part((ONE + b"\n") * 100, True)] * 1000)
    given_ = 0

    async def receive():
        nonlocal given_
        given_ += 1
        await asyncio.sleep(0)
        return next(messages)

    async def send(message):
        if message["type"] == "http.response.body":
            raise OSError("gone")

    asyncio.run(app(http_scope("POST", PATH, [LINES]), receive, send))
    assert given_ < 100


@pytest.mark.parametrize("kind", ["route", "dependency", "mount"])
def test_a_body_that_stops_coming_ends_the_answer_so_that_it_is_not_whole(kind, caplog):
    app = app_of(kind, deadline_seconds=0.05)
    problem(Answer(*ask(app, "POST", PATH, [0.5, part(b"{}")], [LINES])), 408, "slow-body")
    problem(Answer(*ask(app, "POST", PATH, [part(b"{", True), 0.5], [LINES])), 408, "slow-body")

    async def main(form, *bodies):
        client = Exchange(app, form)
        client.give(*[part(body, True) for body in bodies])
        await client.ended()
        assert client.sent[0]["status"] == 200
        assert not client.complete
        return client.body

    lines = read_lines(asyncio.run(main(LINES, ONE + b"\n", ONE + b"\n" + ONE)).decode())
    assert [answer["matched"] for answer in lines[:2]] == [GOOD] * 2
    assert len(lines) == 3
    error = lines[2]["error"]
    assert error.pop("detail")
    assert lines[2] == {
        "index": 2,
        "error": {"code": "fastcore/slow-body", "path": "body", "version": "7"},
        "final": True,
    }
    array = asyncio.run(main(JSON_BODY, b"[" + ONE + b",", ONE + b"," + ONE))
    with pytest.raises(json.JSONDecodeError):
        json.loads(array)
    answers = json.loads(array + b"]")
    assert [answer.get("final") for answer in answers] == [None, None, True]
    assert "an answer was broken off: nothing of the body arrived for 0.05 seconds" in caplog.messages


class Answer:
    """What `ask` gave, as the helpers expect an answer."""

    def __init__(self, status, headers, body):
        self.status_code, self.headers, self.text = status, headers, body.decode()

    def json(self):
        return json.loads(self.text)


def test_time_counts_between_two_pieces_not_in_all():
    app = app_of("route", deadline_seconds=2)
    pieces = [message for _ in range(30) for message in (0.1, part(ONE + b"\n", True))]
    status, _, body = ask(app, "POST", PATH, [*pieces, part(b"")], [LINES])
    assert status == 200
    assert body.count(b"matched") == 30


@pytest.mark.parametrize("name", ["max_records", "max_batch_bytes"])
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_limits_of_a_batch(backend, name, over):
    count = 20 + over
    limit = 20 if name == "max_records" else 20 * (len(ONE) + 1)
    app = make_app(backend, **{name: limit})
    code = {"max_records": "limit-exceeded", "max_batch_bytes": "body-too-large"}[name]
    status = 413 if name == "max_batch_bytes" else 422
    # found before the answer begins
    for headers in ([LINES], [LINES, ("content-length", str(count * (len(ONE) + 1)))]):
        answer = Answer(*ask(app, "POST", PATH, [part((ONE + b"\n") * count)], headers))
        if over > 0:
            problem(answer, status, code)
        else:
            assert answer.status_code == 200
            assert answer.text.count("matched") == count

    # found in the midst of it
    async def main():
        client = Exchange(app, LINES)
        client.give(*[part(ONE + b"\n", True)] * count, part(b""))
        await client.ended()
        return client

    client = asyncio.run(main())
    answers = read_lines(client.body.decode())
    assert [answer.get("matched") for answer in answers[:20]] == [GOOD] * min(count, 20)
    assert client.complete == (over <= 0)
    if over > 0:
        (last,) = answers[20:]
        assert last["error"]["code"] == f"fastcore/{code}"
        assert (last["index"], last["final"]) == (20, True)


def test_no_limit_is_the_default_and_can_be_said():
    assert RouterSettings().max_records is None
    assert RouterSettings().max_batch_bytes is None
    client = make_client(max_records=None, max_batch_bytes=None)
    body = b"{}\n" * 120_000
    response = client.post(PATH, content=body, headers=dict([LINES]))
    assert response.text.count("\n") == 120_000


def test_a_host_that_limits_the_body_ends_the_answer_too():
    try:
        app = FastAPI(max_body_size=1000)
    except TypeError:
        pytest.skip("this FastAPI has no limit of the body's size")
    if "max_body_size" in getattr(app, "extra", ()):
        pytest.skip("this FastAPI has no limit of the body's size")
    app.include_router(create_router(rules=RuleSet.from_dict(DOCUMENT)), prefix="/fastcore")

    async def main():
        client = Exchange(app, LINES)
        client.give(*[part(ONE + b"\n", True)] * 100, part(b""))
        await client.ended()
        return client

    client = asyncio.run(main())
    assert not client.complete
    last = read_lines(client.body.decode())[-1]
    assert last["error"]["code"] == "fastcore/body-too-large"
    assert last["final"] is True


def test_background_tasks_of_the_host_run_after_the_answer():
    done = []

    async def later(tasks: BackgroundTasks):
        tasks.add_task(lambda: done.append(client.complete))

    app = FastAPI(dependencies=[Depends(later)])
    app.include_router(create_router(rules=RuleSet.from_dict(DOCUMENT)), prefix="/fastcore")
    client = None

    async def main():
        nonlocal client
        client = Exchange(app, LINES)
        client.give(part(b"{}\n", True), part(b"{}"))
        await client.ended()

    asyncio.run(main())
    assert done == [True]


def test_a_batch_that_is_under_way_keeps_its_version(backend):
    store = RuleStore([RuleSet.from_dict(DOCUMENT, backend=backend)])
    app = make_app(backend, rules=store)

    async def main():
        client = Exchange(app, LINES)
        client.give(part(b"{}\n", True))
        await client.until(lambda: client.body)
        store.replace(RuleSet.from_dict({**DOCUMENT, "version": "8"}, backend=backend))
        client.give(part(b"{}\n{"))
        await client.ended()
        return read_lines(client.body.decode())

    first, second, third = asyncio.run(main())
    assert (first["version"], second["version"], third["error"]["version"]) == ("7", "7", "7")
    assert make_client(rules=store).post(PATH, json=[{}]).json()[0]["version"] == "8"


def test_of_a_full_queue_a_batch_is_refused_before_it_begins_and_then_never():
    app = app_of("route", worker_threads=1, queue_length=0, inline_budget_seconds=0)

    async def main():
        clients = [Exchange(app, LINES) for _ in range(6)]
        for client in clients:
            client.give(*[part((ONE + b"\n") * 50, True)] * 4, part(b""))
        for client in clients:
            await client.ended()
        return clients

    clients = asyncio.run(main())
    done = [client for client in clients if client.sent[0]["status"] == 200]
    assert done
    for client in done:
        assert client.body.count(b"matched") == 200
        assert client.complete
    for client in set(clients) - set(done):
        assert client.sent[0]["status"] == 503
        assert dict(client.sent[0]["headers"])[b"retry-after"] == b"1"
