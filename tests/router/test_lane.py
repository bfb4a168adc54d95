"""The lane answers what the included route would, or passes on; nothing of the host is passed by."""

import asyncio
import json
import logging
import re

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Route

from fastcore import RuleSet, _backend
from fastcore.router import FastLane, RouterSettings, asgi_app, create_router, install
from fastcore.router.fast_route import places
from tests.waiting import eventually

from .support import DISCONNECT, DOCUMENT, EVENT, JSON_BODY, STRICT, http_scope, part
from .test_mounting import CALLS, GUARD, check

SHOWS = places(FastAPI()) is not None
shows = pytest.mark.skipif(not SHOWS, reason="this FastAPI does not show what runs before a route")

HOT = [
    ("GET", "/fib/10", None),
    ("GET", "/payloads/3", None),
    ("POST", "/rules/fraud/evaluate", EVENT),
]


HOT_PATHS = [
    "GET /fastcore/fib/{n}",
    "GET /fastcore/payloads/{count}",
    "POST /fastcore/rules/{name}/evaluate",
]


@pytest.fixture
def answered(monkeypatch):
    """The paths that a lane answered."""
    found = []
    original = FastLane._entry

    def entry(self, scope):
        result = original(self, scope)
        if result is not None:
            found.append(scope["path"])
        return result

    monkeypatch.setattr(FastLane, "_entry", entry)
    return found


def hot_paths(prefix):
    """What a lane answers of the calls; an older FastAPI does not show what it may answer."""
    return [prefix + path for _, path, _ in HOT] if SHOWS else []


def answered_by_the_lane(answered, times):
    return len(answered) == (times * len(HOT) if SHOWS else 0)


def rules():
    return [RuleSet.from_dict(DOCUMENT), RuleSet.from_dict(STRICT)]


def make(backend=None, app=None, **options):
    app = app or FastAPI()
    install(app, rules=rules(), backend=backend, **options)
    return app


def ask_hot(app, prefix="/fastcore", status=200, headers=None, **options):
    """The answers of every hot path."""
    client = TestClient(app, **options)
    responses = [
        client.request(method, prefix + path, json=body, headers=headers) for method, path, body in HOT
    ]
    assert [response.status_code for response in responses] == [status] * len(HOT)
    return responses


# --- what it answers -------------------------------------------------------------------------------------


def test_answers_the_hot_paths_and_passes_on_the_rest(backend, answered):
    app = make(backend)
    check(app, "/fastcore", False)
    assert answered == hot_paths("/fastcore")


def send_raw(app, method, path, query, headers, messages):
    """Status, header fields and body of an answer."""
    sent = []
    waiting = iter(messages)

    async def receive():
        return next(waiting, DISCONNECT)

    async def send(message):
        sent.append(message)

    scope = {**http_scope(method, path, headers), "query_string": query}
    asyncio.run(app(scope, receive, send))
    start, *chunks = sent
    body = b"".join(chunk.get("body", b"") for chunk in chunks)
    body = re.sub(rb'("compute_time_seconds"|"timestamp"):[-+.e\d]+', rb"\1:0", body)
    fields = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    length = dict(start["headers"]).get(b"content-length")
    return start["status"], fields, length is None, body


NUMBERS = st.one_of(
    st.integers(0, 300).map(str),
    st.sampled_from(
        [
            "",
            "00",
            "007",
            "1000",
            "1001",
            "1000000",
            "1000001",
            "9999999",
            "99999999",
            "x",
            "-1",
            "٣",
            "1_0",
            " 1",
            "1\n",
            "1/",
            "/1",
            "1.0",
            "%31",
            "²",
        ]
    ),
    st.text(max_size=6),
)
NAMES = st.one_of(
    st.sampled_from(["fraud", "strict", "none", "", "a/b", "fraud/", "fraud\n"]), st.text(max_size=5)
)
PATHS = st.one_of(
    st.builds("/fib/{}".format, NUMBERS),
    st.builds("/fib/{}/".format, NUMBERS),
    st.builds("/payloads/{}".format, NUMBERS),
    st.builds("/rules/{}/evaluate".format, NAMES),
    st.builds("/rules/{}/evaluate/".format, NAMES),
    st.builds("/rules/{}".format, NAMES),
)
QUERIES = st.one_of(
    st.just(b""),
    st.sampled_from(
        [
            b"mod=7",
            b"mod=0",
            b"mod=7&mod=8",
            b"mod",
            b"algorithm=fast",
            b"algorithm=x",
            b"skip=1&limit=1",
            b"limit=0",
            b"x=1",
            b"mod=7&x=1",
            b"&&",
            b"mod=%37",
            b"mod=%ff",
        ]
    ),
)
HEADERS = st.lists(
    st.sampled_from(
        [
            JSON_BODY,
            ("content-type", "application/json; charset=utf-8"),
            ("content-type", "text/plain"),
            ("content-encoding", "gzip"),
            ("content-encoding", "identity"),
            ("content-length", "5"),
            ("content-length", "999999"),
            ("content-length", "x"),
            ("if-none-match", 'W/"fib-10"'),
            ("if-none-match", '"other", W/"fib-7"'),
            ("if-none-match", "*"),
            ("accept-encoding", "gzip"),
        ]
    ),
    max_size=4,
).map(lambda given: [JSON_BODY, *given])
EVENTS = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "amount": st.one_of(st.integers(0, 3000), st.floats(), st.text(max_size=3)),
            "country": st.sampled_from(["DE", "FR", "\ud800"]),
            "card": st.one_of(st.none(), st.fixed_dictionaries({"hour": st.integers(0, 23)})),
        },
    ).map(lambda event: json.dumps(event).encode()),
    st.sampled_from(
        [b"", b"{", b"[]", b"null", b'{"a":1}x', b'{"amount":NaN}', b"\xff", b"[" * 300, b'{"a":1,"a":2}']
    ),
    st.binary(max_size=20),
    st.just(b'{"x":"' + b"x" * 600 + b'"}'),
)


@st.composite
def bodies(draw):
    """Messages with a body in one or more parts, which may end early."""
    body = draw(EVENTS)
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=2)))
    parts = [body[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    messages = [part(each, True) for each in parts[:-1]] + [part(parts[-1], draw(st.integers(0, 9)) == 0)]
    return [*messages, DISCONNECT]


@pytest.fixture(scope="module", params=["cython", "python"])
def pair(request):
    """An app with a lane, and one without, and one below a mount."""
    name = request.param
    if name == "cython":
        try:
            _backend.load_extension()
        except ImportError as error:
            pytest.skip(f"no compiled backend: {error}")
    options = {"rules": rules(), "backend": name, "settings": RouterSettings(max_body_bytes=500)}
    plain, fast, mounted = FastAPI(), FastAPI(), FastAPI()
    install(plain, lane=False, **options)
    install(fast, **options)
    mounted.mount("/fastcore", asgi_app(**options))
    return plain, fast, mounted


@settings(max_examples=150)
@given(
    method=st.sampled_from(["GET", "GET", "POST", "POST", "HEAD", "OPTIONS", "PUT", "get"]),
    path=PATHS,
    query=QUERIES,
    headers=HEADERS,
    messages=bodies(),
)
def test_answers_as_the_included_route_does(pair, method, path, query, headers, messages):
    plain, fast, mounted = (
        send_raw(app, method, "/fastcore" + path, query, headers, messages) for app in pair
    )
    assert fast == plain
    # what is no path of ours may be answered in another way below a mount, which matches no line break
    ours = plain[0] in (200, 304) or (b"content-type", b"application/problem+json") in plain[1]
    if ours and "\n" not in path:
        assert mounted == plain


@settings(max_examples=50)
@given(n=st.integers(0, 400), held=st.integers(0, 400))
def test_entity_tags_are_the_same(pair, n, held):
    headers = [("if-none-match", f'W/"fib-{held}"')]
    plain, fast, mounted = (send_raw(app, "GET", f"/fastcore/fib/{n}", b"", headers, []) for app in pair)
    assert plain == fast == mounted
    assert plain[0] == (304 if n == held else 200)


# --- what it passes on -----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["app", "include", "router", "outer router"])
def test_what_has_dependencies_is_passed_on(backend, answered, caplog, level):
    app = FastAPI(dependencies=GUARD if level == "app" else None)
    router = create_router(rules=rules(), backend=backend, dependencies=GUARD if level == "router" else ())
    if level in ("include", "outer router"):
        outer = APIRouter(dependencies=GUARD if level == "outer router" else None)
        outer.include_router(router, dependencies=GUARD if level == "include" else None)
        router = outer
    with caplog.at_level(logging.INFO, "fastcore.router"):
        install(app, router)
    check(app, "/fastcore", True)
    assert answered == []
    (warning,) = [
        record.getMessage()
        for record in caplog.records
        if (record.levelname, record.name) == ("WARNING", "fastcore.router")
    ]
    for path in HOT_PATHS if SHOWS else ():
        assert f"{path}: dependencies run before it" in warning


@pytest.mark.skipif(SHOWS, reason="this FastAPI shows what runs before a route")
def test_says_that_it_cannot_tell(caplog):
    make()
    (warning,) = [record.getMessage() for record in caplog.records]
    assert (
        warning == "the fast lane passes on every path: this FastAPI does not show what runs before a route"
    )


@shows
def test_says_what_it_answers(backend, caplog):
    with caplog.at_level(logging.INFO, "fastcore.router"):
        make(backend)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"the fast lane answers {', '.join(HOT_PATHS)}")
    ]


@pytest.mark.parametrize("guarded_first", [True, False])
def test_installed_and_included_with_a_dependency(backend, answered, guarded_first):
    app = FastAPI()
    router = create_router(rules=rules(), backend=backend)
    if guarded_first:
        app.include_router(router, prefix="/guarded", dependencies=GUARD)
    install(app, router, prefix="/open")
    if not guarded_first:
        app.include_router(router, prefix="/guarded", dependencies=GUARD)
    check(app, "/open", False)
    check(app, "/guarded", True)
    assert answered == hot_paths("/open")


def test_the_same_path_guarded_first_is_guarded(backend, answered):
    app = FastAPI()
    router = create_router(rules=rules(), backend=backend)
    app.include_router(router, prefix="/fastcore", dependencies=GUARD)
    install(app, router)
    check(app, "/fastcore", True)
    assert answered == []


def own():
    return PlainTextResponse("own")


def earlier_routes():
    def decorated(path, methods=("GET",)):
        return lambda app: app.add_api_route(path, own, methods=list(methods))

    def mounted(app):
        app.mount("/fastcore", PlainTextResponse("own"))

    def starlette(app):
        app.router.routes.append(Route("/fastcore/fib/{m:int}", lambda request: PlainTextResponse("own")))

    def host(app):
        app.host("testserver", PlainTextResponse("own"))

    def included(app):
        router = APIRouter(prefix="/fib", dependencies=GUARD)
        router.add_api_route("/{number}", own)
        app.include_router(router, prefix="/fastcore")

    class Odd(Route):
        def matches(self, scope):
            match, found = super().matches({**scope, "path": "/odd"})
            return match, found

    def odd(app):
        app.router.routes.append(Odd("/odd", lambda request: PlainTextResponse("own")))

    return {
        "one path": decorated("/fastcore/fib/35"),
        "a template": decorated("/fastcore/{a}/{b}"),
        "a path parameter": decorated("/{rest:path}"),
        "within a segment": decorated("/fastcore/fib/3{n}"),
        "mounted": mounted,
        "starlette": starlette,
        "host": host,
        "included": included,
        "odd": odd,
    }


@pytest.mark.parametrize("name", earlier_routes())
def test_an_earlier_route_of_the_host_wins(backend, answered, name):
    app = FastAPI()
    earlier_routes()[name](app)
    make(backend, app)
    response = TestClient(app).get("/fastcore/fib/35")
    assert (response.status_code, response.text) in [(200, "own"), (401, '{"detail":"no key"}')]
    assert answered == []


@pytest.mark.parametrize(
    "path",
    ["/fastcore/fibs/{n}", "/fastcore/fib", "/fastcore/fib/{n}/x", "/other/fib/{n}", "/{a}", "/static"],
)
def test_other_routes_of_the_host_do_not_matter(backend, answered, path):
    app = FastAPI()
    app.add_api_route(path, own)
    app.add_api_route("/fastcore/fib/{n}", own, methods=["POST"])
    app.mount("/static", PlainTextResponse("own"))

    @app.websocket("/fastcore/fib/{n}")
    async def socket(websocket):
        await websocket.accept()

    make(backend, app)
    ask_hot(app)
    assert answered_by_the_lane(answered, 1)


def test_a_route_that_is_put_before_it_later_wins(backend, answered):
    app = make(backend)
    ask_hot(app)
    app.router.routes.insert(0, Route("/fastcore/fib/{n}", lambda request: PlainTextResponse("own")))
    assert TestClient(app).get("/fastcore/fib/10").text == "own"
    assert answered_by_the_lane(answered, 1)


def replaced(app, included):
    """Another route in the place of one of the app's."""
    app.router.routes[0] = Route("/fastcore/fib/{n}", lambda request: PlainTextResponse("own"))


def added(app, included):
    """A route more of a router that is included already, before ours."""
    included.add_api_route("/fastcore/fib/{n}", own)


def guarded(app, included):
    """A dependency that ours gets after all; FastAPI takes notice when a route of that router is added."""
    router = app.state.router
    for each in (*router.routes, router):
        each.dependencies.append(GUARD[0])
    router.add_api_route("/more", own)


@shows
@pytest.mark.parametrize("change", [replaced, added, guarded])
def test_what_changes_later_is_seen_soon(backend, answered, change):
    def build(lane):
        app, included = FastAPI(), APIRouter()
        app.state.router = router = create_router(rules=rules(), backend=backend)
        included.add_api_route("/else", own)
        app.include_router(included)
        install(app, router, lane=lane)
        return app, included

    (plain, plain_included), (fast, fast_included) = build(False), build(True)
    ask_hot(plain)
    ask_hot(fast)
    change(plain, plain_included)
    change(fast, fast_included)
    expected = TestClient(plain).get("/fastcore/fib/10").text
    assert expected == ('{"detail":"no key"}' if change is guarded else "own")
    client = TestClient(fast)
    eventually(lambda: client.get("/fastcore/fib/10").text == expected, "seen")
    before = len(answered)
    assert client.get("/fastcore/fib/10").text == expected
    assert len(answered) == before


def test_a_prefix_with_parameters_is_passed_on(backend, answered):
    app = make(backend, prefix="/{tenant}")
    ask_hot(app, "/a")
    assert answered == []


def test_an_app_with_a_router_of_its_own_kind_is_passed_on(backend, answered):
    class Guarded(APIRouter):
        async def __call__(self, scope, receive, send):
            if scope["type"] == "http":
                await PlainTextResponse("own")(scope, receive, send)

    app = FastAPI()
    app.router = Guarded()
    make(backend, app)
    assert TestClient(app).get("/fastcore/fib/10").text == "own"
    assert answered == []


def test_a_limit_of_the_host_on_bodies_is_kept(answered):
    app = FastAPI()
    router = create_router(rules=rules())
    outer = APIRouter()
    try:
        outer.include_router(router, max_body_size=20)
    except TypeError:
        pytest.skip("this FastAPI has no max_body_size")
    install(app, outer)
    client = TestClient(app)
    assert client.post("/fastcore/rules/fraud/evaluate", json={"amount": "x" * 20}).status_code == 413
    assert answered == []


# --- what stands around it -------------------------------------------------------------------------------


class Key:
    """An authentication middleware."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and (b"x-key", b"secret") not in scope["headers"]:
            await JSONResponse({"detail": "no key"}, 401)(scope, receive, send)
            return
        await self.app(scope, receive, send)


class Marked(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        route = request.scope.get("route")
        response.headers["x-mark"] = route.path if route is not None else "none"
        return response


@pytest.mark.parametrize("before", [True, False])
def test_an_authentication_middleware_is_never_passed_by(backend, answered, before):
    app = FastAPI()
    if before:
        app.add_middleware(Key)
    make(backend, app)
    if not before:
        app.add_middleware(Key)
    check(app, "/fastcore", True)
    assert answered == hot_paths("/fastcore")


@pytest.mark.parametrize("before", [True, False])
def test_middleware_of_the_host_sees_every_answer(backend, answered, before):
    app = FastAPI()

    def add():
        app.add_middleware(Marked)
        app.add_middleware(GZipMiddleware, minimum_size=500)
        app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"], allow_methods=["*"])
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["testserver"])

    if before:
        add()
    make(backend, app)
    if not before:
        add()
    responses = ask_hot(app, headers={"origin": "https://a.example", "accept-encoding": "gzip"})
    for response, path in zip(
        responses, ["/fib/{n}", "/payloads/{count}", "/rules/{name}/evaluate"], strict=True
    ):
        assert response.headers["access-control-allow-origin"] == "https://a.example"
        assert response.headers["x-mark"].endswith(path)
    assert responses[1].headers["content-encoding"] == "gzip"
    assert responses[1].json()["count"] == 3
    assert answered_by_the_lane(answered, 1)
    client = TestClient(app)
    preflight = {"origin": "https://a.example", "access-control-request-method": "POST"}
    assert client.options("/fastcore/rules/fraud/evaluate", headers=preflight).status_code == 200
    assert client.get("/fastcore/fib/10", headers={"host": "evil.example"}).status_code == 400
    assert answered_by_the_lane(answered, 1)


@shows
def test_it_is_off_where_a_middleware_is_put_inside(backend, answered, caplog):
    app = make(backend)
    app.user_middleware.append(type(app.user_middleware[0])(Key))
    check(app, "/fastcore", True)
    assert answered == []
    assert "another middleware stands between it and the routes" in caplog.text


def test_two_lanes_in_one_app(backend, answered):
    app = make(backend, prefix="/one", operation_id_prefix="one_")
    make(backend, app, prefix="/two", operation_id_prefix="two_")
    ask_hot(app, "/one")
    ask_hot(app, "/two")
    assert answered_by_the_lane(answered, 2)


def test_without_the_lane(backend, answered):
    app = make(backend, lane=False)
    ask_hot(app)
    assert answered == []
    assert app.user_middleware == []


def test_under_a_root_path(backend, answered):
    app = make(backend)
    ask_hot(app, "/fastcore", root_path="/api")
    ask_hot(app, "/api/fastcore", root_path="/api")
    assert answered_by_the_lane(answered, 2)
    assert TestClient(app, root_path="/api").get("/apis/fastcore/fib/1").status_code == 404
    assert answered_by_the_lane(answered, 2)


def test_in_an_app_that_is_mounted(backend, answered):
    outer = FastAPI()
    outer.mount("/inner", make(backend))
    ask_hot(outer, "/inner/fastcore")
    assert answered_by_the_lane(answered, 1)
    guarded = FastAPI()
    guarded.mount("/inner", make(backend, FastAPI(dependencies=GUARD)))
    ask_hot(guarded, "/inner/fastcore", 401)
    assert answered_by_the_lane(answered, 1)


def test_lifespan_and_websockets_pass_through(backend):
    steps = []

    async def lifespan(app):
        steps.append("start")
        yield {"value": 1}
        steps.append("stop")

    from contextlib import asynccontextmanager

    from fastapi import WebSocket

    app = FastAPI(lifespan=asynccontextmanager(lifespan))
    make(backend, app)

    @app.websocket("/fastcore/fib/{n}")
    async def socket(websocket: WebSocket, n: int):
        await websocket.accept()
        await websocket.send_json(n)
        await websocket.close()

    with TestClient(app) as client:
        assert client.get("/fastcore/fib/10").json()["result"] == "55"
        with client.websocket_connect("/fastcore/fib/7") as session:
            assert session.receive_json() == 7
    assert steps == ["start", "stop"]


def test_the_host_s_exception_handlers_are_found(backend, monkeypatch):
    """An error that is a mistake of ours ends where it would without the lane."""
    app = FastAPI()
    app.add_exception_handler(ZeroDivisionError, lambda request, error: PlainTextResponse("handled", 418))
    router = create_router(rules=rules(), backend=backend)
    install(app, router)
    for route in router.routes:
        monkeypatch.setattr(route.endpoint.__self__, "_handler", lambda call: 1 / 0)
    ask_hot(app, status=418)


def test_an_error_while_the_body_is_read_is_the_host_s(backend):
    """As that of a middleware which limits what is read."""

    class Limit:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            async def limited():
                raise HTTPException(413, "too much")

            await self.app(scope, limited, send)

    app = make(backend)
    app.add_middleware(Limit)
    response = TestClient(app).post("/fastcore/rules/fraud/evaluate", json=EVENT)
    assert (response.status_code, response.json()) == (413, {"detail": "too much"})


def test_problems_of_the_host_stay_its_own(backend):
    app = make(backend)
    app.add_exception_handler(404, lambda request, error: PlainTextResponse("mine", 404))
    client = TestClient(app)
    assert client.get("/nowhere").text == "mine"
    missing = client.post("/fastcore/rules/none/evaluate", json=EVENT)
    assert missing.headers["content-type"] == "application/problem+json"


def test_everything_stays_in_openapi(backend):
    plain, fast = make(backend, lane=False), make(backend)
    assert fast.openapi() == plain.openapi()
    assert len(fast.openapi()["paths"]) == 12


def test_answers_are_counted(backend):
    app = make(backend)
    ask_hot(app)
    client = TestClient(app)
    client.post("/fastcore/rules/none/evaluate", json=EVENT)
    answers = client.get("/fastcore/info").json()["counters"]["answers"]
    assert answers["fibonacci"] == {"200": 1}
    assert answers["evaluate"] == {"200": 1, "404": 1}


def test_long_work_leaves_the_event_loop_here_too(backend):
    app = make(backend, settings=RouterSettings(inline_budget_seconds=0, worker_threads=1, queue_length=0))
    ask_hot(app)

    async def main():
        sent = []

        async def receive():
            return part(b"")

        async def send(message):
            sent.append(message.get("status"))

        calls = [app(http_scope("GET", "/fastcore/payloads/1000"), receive, send) for _ in range(8)]
        await asyncio.gather(*calls)
        return [status for status in sent if status is not None]

    statuses = asyncio.run(main())
    assert len(statuses) == 8
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert 503 in statuses


def test_install_takes_a_router_or_its_options(backend):
    app = FastAPI()
    router = install(app, prefix="/a", rules=rules(), backend=backend)
    assert isinstance(router, APIRouter)
    with pytest.raises(TypeError, match="rules, settings: a router that is given has its own options"):
        install(app, router, rules=[], settings=RouterSettings())
    TestClient(app).get("/a/fib/1")
    with pytest.raises(RuntimeError):
        install(app, prefix="/b")


# --- the app for a mount ---------------------------------------------------------------------------------


def test_the_mounted_app_answers_every_path(backend, answered):
    app = FastAPI()
    app.mount("/fastcore", asgi_app(rules=rules(), backend=backend))
    check(app, "/fastcore", False)
    assert answered == hot_paths("/fastcore")
    client = TestClient(app)
    assert client.get("/fastcore/nowhere").status_code == 404
    assert client.post("/fastcore/fib/1").status_code == 405
    assert client.put("/fastcore/rules/fraud", json=DOCUMENT).status_code == 405


def test_the_mounted_app_takes_dependencies_of_its_own(backend, answered):
    app = FastAPI()
    app.mount("/fastcore", asgi_app(rules=rules(), backend=backend, dependencies=GUARD))
    check(app, "/fastcore", True)
    assert answered == []


def test_the_mounted_app_by_itself(backend):
    app = asgi_app(rules=rules(), backend=backend)
    check(app, "", False)
    with TestClient(app) as client:
        assert client.get("/fib/10").json()["result"] == "55"


def test_the_mounted_app_shows_its_document_only_if_told(backend):
    app = FastAPI()
    app.mount("/closed", asgi_app(rules=rules(), backend=backend))
    app.mount("/shown", asgi_app(rules=rules(), backend=backend, openapi_url="/openapi.json"))
    client = TestClient(app)
    for path in ("/openapi.json", "/docs", "/redoc"):
        assert client.get("/closed" + path).status_code == 404
    assert "/fib/{n}" in client.get("/shown/openapi.json").json()["paths"]


def test_a_dependency_of_the_host_does_not_run_before_a_mount_as_ever(backend):
    """FastAPI's own way with mounts, which the documentation warns of."""
    app = FastAPI(dependencies=[Depends(GUARD[0].dependency)])
    app.mount("/fastcore", asgi_app(rules=rules(), backend=backend))
    ask_hot(app)


def test_calls_that_the_hot_ones_are_part_of():
    assert set(map(str, HOT)) <= set(map(str, CALLS))
