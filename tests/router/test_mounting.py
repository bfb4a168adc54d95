"""Wherever the router is included, all that stands above it still holds."""

import asyncio
import subprocess
import sys
import warnings

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Response
from fastapi.testclient import TestClient

import fastcore.router
from fastcore import RuleSet
from fastcore.router import RouterSettings, create_router

from .support import DISCONNECT, DOCUMENT, EVENT, http_scope

CALLS = [
    ("GET", "/fib/10", None),
    ("GET", "/payloads/3", None),
    ("GET", "/payloads/3/stream", None),
    ("GET", "/rules", None),
    ("GET", "/rules/fraud", None),
    ("GET", "/rules/fraud/counts", None),
    ("POST", "/rules/fraud/evaluate", EVENT),
    ("POST", "/rules/fraud/evaluate-many", [EVENT]),
    ("POST", "/rules/fraud/explain", EVENT),
    ("GET", "/health", None),
    ("GET", "/info", None),
]


def key(x_key: str = Header(default="")):
    if x_key != "secret":
        raise HTTPException(401, "no key")


def make_router(backend, **options):
    return create_router(rules=RuleSet.from_dict(DOCUMENT), backend=backend, **options)


def check(app, prefix, guarded, **options):
    """Every path answers below this prefix, and where it is guarded, only with the key."""
    client = TestClient(app, **options)
    for method, path, body in CALLS:
        response = client.request(method, prefix + path, json=body)
        assert response.status_code == (401 if guarded else 200), (path, response.text)
        if guarded:
            assert response.json() == {"detail": "no key"}
            response = client.request(method, prefix + path, json=body, headers={"x-key": "secret"})
            assert response.status_code == 200, (path, response.text)


GUARD = [Depends(key)]


@pytest.mark.parametrize(
    "level", ["none", "app", "include", "router", "parent", "parent include", "grandparent"]
)
def test_dependencies_at_every_level_run(backend, level):
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
    check(app, "/a/b/c", level != "none")


@pytest.mark.parametrize("guarded_first", [True, False])
def test_included_twice_with_and_without_a_dependency(backend, guarded_first):
    router = make_router(backend)
    app = FastAPI()
    places = [("/guarded", GUARD), ("/open", None)]
    for prefix, dependencies in places if guarded_first else reversed(places):
        app.include_router(router, prefix=prefix, dependencies=dependencies)
    check(app, "/guarded", True)
    check(app, "/open", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        operations = [each for path in app.openapi()["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations) == 2 * (len(CALLS) + 1)


def test_in_a_mounted_app(backend):
    for guard in (None, GUARD):
        inner, outer = FastAPI(dependencies=guard), FastAPI()
        inner.include_router(make_router(backend), prefix="/fastcore")
        outer.mount("/inner", inner)
        check(outer, "/inner/fastcore", guard is not None)


def test_under_a_root_path(backend):
    app = FastAPI()
    app.include_router(make_router(backend), prefix="/fastcore")
    check(app, "/fastcore", False, root_path="/api")
    check(app, "/api/fastcore", False, root_path="/api")


def test_a_dependency_may_be_overridden(backend):
    app = FastAPI()
    app.include_router(make_router(backend, dependencies=GUARD))
    app.dependency_overrides[key] = lambda: None
    check(app, "", False)


def test_dependencies_with_yield_see_the_whole_answer(backend):
    steps = []

    async def session():
        steps.append("open")
        yield
        steps.append("close")

    app = FastAPI(dependencies=[Depends(session)])
    app.include_router(make_router(backend))
    client = TestClient(app)
    assert len(client.get("/payloads/500/stream").text.splitlines()) == 500
    assert client.get("/fib/x").status_code == 422
    assert steps == ["open", "close"] * 2


def test_the_host_keeps_its_own_errors(backend):
    app = FastAPI()
    app.include_router(make_router(backend), prefix="/fastcore")

    @app.get("/own/{number}")
    def own(number: int):
        return number

    client = TestClient(app)
    assert client.get("/own/x").headers["content-type"] == "application/json"
    assert client.get("/nowhere").json() == {"detail": "Not Found"}
    assert client.post("/fastcore/fib/1").status_code == 405


def test_a_path_parameter_in_the_prefix(backend):
    app = FastAPI()
    app.include_router(make_router(backend), prefix="/tenants/{tenant}")
    check(app, "/tenants/7", False)


def test_several_instances_in_one_app(backend):
    app = FastAPI()
    app.include_router(make_router(backend, include=["fib"]), prefix="/one")
    app.include_router(create_router(backend=backend, settings=RouterSettings(max_n=5)), prefix="/two")
    client = TestClient(app)
    assert [client.get(f"/{name}/fib/6").status_code for name in ("one", "two")] == [200, 422]
    assert client.get("/one/health").status_code == 404
    assert client.get("/two/rules").json()["rulesets"] == []


@pytest.mark.parametrize(
    ("group", "paths"),
    [
        ("fib", {"/fib/{n}"}),
        ("payloads", {"/payloads/{count}", "/payloads/{count}/stream"}),
        ("status", {"/health", "/ready", "/info"}),
        (
            "rules",
            {
                "/rules",
                "/rules/{name}",
                *(f"/rules/{{name}}/{verb}" for verb in ("counts", "evaluate", "evaluate-many", "explain")),
            },
        ),
    ],
)
def test_groups(backend, group, paths):
    app = FastAPI()
    app.include_router(make_router(backend, include=(group,)))
    assert set(app.openapi()["paths"]) == paths


def test_refuses_unknown_groups_and_backends():
    with pytest.raises(ValueError, match="include must be some of fib, payloads, rules, status, not 'fibs'"):
        create_router(include=("fibs", "rules"))
    with pytest.raises(ValueError, match="backend must be"):
        create_router(backend="rust")


def test_the_router_that_is_ready_made():
    assert fastcore.router.router is fastcore.router.router
    app = FastAPI()
    app.include_router(fastcore.router.router, prefix="/fastcore")
    client = TestClient(app)
    assert client.get("/fastcore/fib/10").json()["result"] == "55"
    assert client.get("/fastcore/health").json() == {"status": "ok"}


def test_with_and_without_a_lifespan(backend):
    app = FastAPI()
    app.include_router(make_router(backend, settings=RouterSettings(inline_budget_seconds=0)))
    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/fib/10").json()["result"] == "55"
        assert TestClient(app).get("/fib/10").json()["result"] == "55"


def test_the_host_s_response_class_and_middleware_stay(backend):
    class Odd(Response):
        media_type = "text/odd"

    app = FastAPI(default_response_class=Odd)
    app.include_router(make_router(backend), default_response_class=Odd)

    @app.middleware("http")
    async def mark(request, call_next):
        response = await call_next(request)
        response.headers["x-mark"] = "1"
        return response

    response = TestClient(app).get("/fib/10")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-mark"] == "1"


def test_routes_can_be_named(backend):
    app = FastAPI()
    app.include_router(make_router(backend, operation_id_prefix="kernels_"), prefix="/fastcore")
    assert app.url_path_for("kernels_fibonacci", n="7") == "/fastcore/fib/7"


def test_without_fastapi_the_import_says_what_to_install():
    code = (
        "import sys; sys.modules['fastapi'] = None\n"
        "try:\n    import fastcore.router\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "fastcore.router needs FastAPI: pip install 'fastcore-kernels[fastapi]'"


def test_importing_the_package_does_not_import_fastapi():
    code = "import sys, fastcore; print('fastapi' in sys.modules, 'pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False", "False"]


def test_a_client_that_goes_away_ends_the_stream(backend):
    """The rest of a stream is not made for nobody; as servers of an older ASGI version tell it."""
    app = FastAPI()
    app.include_router(make_router(backend))
    sent = []

    async def main():
        started = asyncio.Event()

        async def receive():
            await started.wait()
            return DISCONNECT

        async def send(message):
            sent.append(message)
            started.set()

        await app(http_scope("GET", "/payloads/1000000/stream", spec_version="2.3"), receive, send)

    asyncio.run(main())
    assert len(sent) < 50
