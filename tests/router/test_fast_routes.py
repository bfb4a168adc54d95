"""A fast route answers as the framework would, and never past what stands before it."""

import asyncio

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Security
from fastapi.security import APIKeyHeader
from fastapi.testclient import TestClient

from fastcore import RuleSet
from fastcore.router import create_router, fast_route

from .support import DOCUMENT, EVENT, JSON_BODY, ask, part
from .test_mounting import CALLS, GUARD, check, key, make_router

tells = pytest.mark.skipif(
    not fast_route._TELLS, reason="this FastAPI does not show what runs before a route"
)


@pytest.fixture
def framework_calls(monkeypatch):
    """How many requests the framework's own handlers answered."""
    calls = []
    make = fast_route.APIRoute.get_route_handler

    def get_route_handler(self):
        handler = make(self)

        async def counted(request):
            calls.append(request.url.path)
            return await handler(request)

        return counted

    monkeypatch.setattr(fast_route.APIRoute, "get_route_handler", get_route_handler)
    return calls


def test_without_dependencies_the_framework_s_handler_is_not_run(backend, framework_calls):
    app = FastAPI()
    app.include_router(make_router(backend), prefix="/fastcore")
    check(app, "/fastcore", False)
    assert len(framework_calls) == (0 if fast_route._TELLS else len(CALLS))


@pytest.mark.parametrize("level", ["app", "include", "router", "parent", "parent include", "grandparent"])
def test_with_a_dependency_the_framework_s_handler_is_run(backend, framework_calls, level):
    def at(name):
        return GUARD if level == name else None

    app = FastAPI(dependencies=at("app"))
    grandparent = APIRouter(prefix="/a", dependencies=at("grandparent"))
    parent = APIRouter(prefix="/b", dependencies=at("parent"))
    parent.include_router(
        make_router(backend, dependencies=at("router") or ()), prefix="/c", dependencies=at("include")
    )
    grandparent.include_router(parent, dependencies=at("parent include"))
    app.include_router(grandparent)
    check(app, "/a/b/c", True)
    assert len(framework_calls) == 2 * len(CALLS)


@pytest.mark.parametrize("guarded_first", [True, False])
@pytest.mark.parametrize("nested", [True, False])
def test_each_place_of_a_router_is_looked_at_by_itself(backend, framework_calls, guarded_first, nested):
    router = make_router(backend)
    if nested:
        parent = APIRouter()
        parent.include_router(router)
        router = parent
    app = FastAPI()
    places = [("/guarded", GUARD), ("/open", None)]
    for prefix, dependencies in places if guarded_first else reversed(places):
        app.include_router(router, prefix=prefix, dependencies=dependencies)
    check(app, "/open", False)
    check(app, "/guarded", True)
    check(app, "/open", False)
    guarded = [path for path in framework_calls if path.startswith("/guarded")]
    assert len(guarded) == 2 * len(CALLS)
    assert len(framework_calls) == len(guarded) + (0 if fast_route._TELLS else 2 * len(CALLS))


@pytest.mark.parametrize("open_first", [True, False])
def test_a_place_that_the_app_does_not_show_is_not_open(backend, open_first):
    """The same router in the app and, guarded, below a mount and behind a callable of the host's."""
    router = make_router(backend)
    guarded = APIRouter(dependencies=GUARD)
    guarded.include_router(router)
    app = FastAPI()
    app.include_router(router, prefix="/open")
    app.mount("/mounted", guarded)

    async def behind(scope, receive, send):
        await guarded(scope, receive, send)

    app.mount("/behind", behind)
    if open_first:
        check(app, "/open", False)
    check(app, "/mounted", True)
    check(app, "/behind", True)
    check(app, "/open", False)
    check(app, "/mounted", True)


def test_two_apps_that_share_a_router(backend):
    router = make_router(backend)
    guarded, free = FastAPI(dependencies=GUARD), FastAPI()
    for app in (free, guarded):
        app.include_router(router)
    check(free, "", False)
    check(guarded, "", True)
    check(free, "", False)


def test_routes_that_are_added_while_it_runs(backend):
    router = make_router(backend)
    app = FastAPI()
    app.include_router(router, prefix="/open")
    check(app, "/open", False)
    app.include_router(router, prefix="/guarded", dependencies=GUARD)
    router.add_api_route("/own", lambda: "own")  # newer FastAPI shows it, older has copied the routes
    check(app, "/guarded", True)
    check(app, "/open", False)
    assert TestClient(app).get("/open/own").status_code in (200, 404)


def test_security_and_dependencies_with_yield_count_too(backend):
    scheme = APIKeyHeader(name="x-key", auto_error=False)

    def check_scheme(value: str = Security(scheme)):
        if value != "secret":
            raise HTTPException(401, "no key")

    def check_yield(value: str = Depends(scheme)):
        if value != "secret":
            raise HTTPException(401, "no key")
        yield

    for dependency in (Security(check_scheme), Depends(check_yield)):
        app = FastAPI()
        app.include_router(make_router(backend), dependencies=[dependency])
        check(app, "", True)


def test_an_override_of_a_dependency_is_the_framework_s_business(backend):
    app = FastAPI()
    app.include_router(make_router(backend, dependencies=GUARD))
    check(app, "", True)
    app.dependency_overrides[key] = lambda: None
    check(app, "", False)
    app.dependency_overrides.clear()
    check(app, "", True)


def test_a_request_cannot_pretend_to_be_a_probe(backend):
    """What finds the places is no part of a request that a client could send."""
    app = FastAPI(dependencies=GUARD)
    app.include_router(make_router(backend))
    headers = {"fastcore.probe": "1", "x-fastcore-probe": "1"}
    client = TestClient(app)
    for method, path, body in CALLS:
        assert client.request(method, path, json=body, headers=headers).status_code == 401
        assert client.request(method, f"{path}?fastcore.probe=1", json=body).status_code == 401


def test_a_router_by_itself_answers(backend):
    """What is mounted without an app of its own is not shown by any: the framework's handler runs."""
    app = FastAPI()
    app.mount("/routes", make_router(backend))
    assert TestClient(app).get("/routes/fib/10").json()["result"] == "55"


def test_the_framework_s_handler_answers_the_same(backend):
    router = make_router(backend)
    app = FastAPI()
    app.include_router(router, prefix="/guarded", dependencies=[Depends(lambda: None)])
    app.include_router(router, prefix="/open")
    client = TestClient(app)
    calls = [
        *CALLS,
        ("GET", "/fib/x", None),
        ("GET", "/fib/5?mod=0", None),
        ("GET", "/payloads/0", None),
        ("POST", "/rules/none/evaluate", EVENT),
        ("POST", "/rules/fraud/evaluate", []),
    ]
    for method, path, body in calls:
        if path == "/info":
            continue  # it counts
        one, other = (client.request(method, prefix + path, json=body) for prefix in ("/open", "/guarded"))
        assert one.status_code == other.status_code, path
        assert list(one.headers.items())[:-2] == list(other.headers.items())[:-2]
        assert one.headers.keys() == other.headers.keys()
        if not path.startswith(("/fib/10", "/payloads/3")):
            assert one.content == other.content


@tells
def test_a_body_limit_of_the_host_holds():
    app = FastAPI()
    try:
        app.include_router(create_router(rules=RuleSet.from_dict(DOCUMENT)), max_body_size=20)
    except TypeError:
        pytest.skip("this FastAPI has no max_body_size")
    client = TestClient(app)
    assert client.post("/rules/fraud/evaluate", json={"amount": 1}).status_code == 200
    assert client.post("/rules/fraud/evaluate", json={"amount": "x" * 20}).status_code == 413
    status, _, _ = ask(
        app, "POST", "/rules/fraud/evaluate", [part(b'{"amount":', True), part(b"1" * 20)], [JSON_BODY]
    )
    assert status == 413


def test_the_first_requests_may_come_together(backend):
    app = FastAPI()
    app.include_router(make_router(backend), prefix="/fastcore")
    found = []

    async def one():
        from .support import http_scope

        async def receive():
            return part(b"")

        async def send(message):
            found.append(message.get("status"))

        await app(http_scope("GET", "/fastcore/fib/10"), receive, send)

    async def main():
        await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(main())
    assert found.count(200) == 20
