"""The apps that ``router_goals.py`` compares; ``python benchmarks/router_apps.py NAME PORT`` serves one.
``python benchmarks/router_apps.py NAME stream ROWS`` prints what a row of a stream costs.

Every app answers the same: `/fib/35`, `/rules/fraud/evaluate` (200 rules of ``rules_workload.py``),
`/payloads/1000` and `/payloads/1000/stream`, below the name of the way in.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterable
from typing import Any

import rules_workload as workload
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.responses import Response

import fastcore
from fastcore import RuleSet, RuleStore
from fastcore.router import asgi_app, create_router, install

RULES = RuleSet.from_dict({**workload.document(workload.logics(200)), "name": "fraud"})
EVENT = json.dumps(workload.events(1)[0], separators=(",", ":")).encode()

QUIET = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's `telemetry` that costs nothing."""


class Customer(BaseModel):
    age: int
    days: int
    disputes: int
    country: str
    vip: bool


class Device(BaseModel):
    risk: float
    country: str
    browser: str
    new: bool
    proxy: bool


class Merchant(BaseModel):
    distance: float
    sector: str


class Card(BaseModel):
    country: str
    scheme: str
    present: bool


class Row(BaseModel):
    id: int
    data: str
    timestamp: float


class Payment(BaseModel):
    id: str
    time: str
    amount: float
    average_amount: float
    payments_hour: int
    payments_day: int
    hour: int
    channel: str
    recurring: bool
    customer: Customer
    device: Device
    merchant: Merchant
    card: Card


class Number(BaseModel):
    n: int
    result: str
    digits: int
    compute_time_seconds: float
    backend: str
    runtime: str


class Decided(BaseModel):
    matched: list[str]
    score: float
    action: str | None
    errors: list[dict[str, Any]]
    ruleset: str
    version: str


def number(n):
    start = time.perf_counter()
    text = fastcore.fibonacci_text(n)
    seconds = time.perf_counter() - start
    return {
        "n": n,
        "result": text,
        "digits": len(text),
        "compute_time_seconds": seconds,
        "backend": "cython",
        "runtime": "CPython",
    }


def usual(app):
    """The endpoints as FastAPI's tutorial would write them."""
    store = RuleStore([RULES])

    @app.get("/usual/fib/{n}", response_model=Number)
    async def fib(n: int):
        return number(n)

    @app.post("/usual/rules/{name}/evaluate", response_model=Decided)
    async def evaluate(name: str, payment: Payment):
        return store[name].evaluate(payment.model_dump()).to_dict()

    @app.get("/usual/payloads/{count}")
    async def payloads(count: int):
        data = "x" * 1024
        return {
            "items": [{"id": i, "data": data, "timestamp": time.time()} for i in range(count)],
            "count": count,
        }

    @app.get("/usual/payloads/{count}/stream")
    async def stream(count: int) -> AsyncIterable[Row]:
        data = "x" * 1024
        for i in range(count):
            yield Row(id=i, data=data, timestamp=time.time())


def starlette(router):
    """The same as Starlette routes, which return bytes."""
    store = RuleStore([RULES])

    async def fib(request):
        body = json.dumps(number(int(request.path_params["n"])), separators=(",", ":")).encode()
        return Response(body, media_type="application/json")

    async def evaluate(request):
        decision = store[request.path_params["name"]].evaluate_json(await request.body())
        return Response(decision.to_json(), media_type="application/json")

    router.add_route("/fib/{n}", fib)
    router.add_route("/rules/{name}/evaluate", evaluate, methods=["POST"])


def app_with(kind, **options):
    """A FastAPI app with one way in, so that no other route is tried before."""
    app = FastAPI(**options)
    if kind == "usual":
        usual(app)
    elif kind == "starlette":
        router = APIRouter()
        starlette(router)
        app.include_router(router, prefix="/starlette")
    elif kind == "mount":
        app.mount("/mount", asgi_app(rules=RULES))
    elif kind == "route":
        app.include_router(create_router(rules=RULES), prefix="/route")
    else:
        install(app, rules=RULES, prefix="/lane")
    return app


def bare():
    """Constant bytes, as long as ours, from a callable; a body is read."""
    number_body = json.dumps(number(35), separators=(",", ":")).encode()
    decided = RULES.evaluate_json(EVENT).to_json()

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        if scope["method"] == "POST":
            while (await receive()).get("more_body", False):
                pass
            body = decided
        else:
            body = number_body
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def make(name):
    """The app of this name: a way in, and perhaps that the host's telemetry is off."""
    kind, _, quiet = name.partition(", ")
    if kind == "bare":
        return bare()
    return app_with(kind, telemetry=QUIET) if quiet else app_with(kind)


async def stream_cost(name, rows):
    """Seconds of CPU for each row of a stream, in the app alone: to send them costs all the same."""
    app = make(name)
    path = f"/{name}/payloads/{rows}/stream"
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": [], "http_version": "1.1", "scheme": "http", "asgi": {"spec_version": "2.4"}}
    costs = []
    for _ in range(4):  # the first warms up
        seen = 0

        async def send(message):
            nonlocal seen
            seen += len(message.get("body", b""))

        start = time.process_time()
        await app({**scope}, asyncio.Event().wait, send)
        costs.append((time.process_time() - start) / rows)
        assert seen > 1024 * rows
    return min(costs[1:])


if __name__ == "__main__":
    import uvicorn

    if sys.argv[2] == "stream":
        print(asyncio.run(stream_cost(sys.argv[1], int(sys.argv[3]))))
        sys.exit()

    uvicorn.run(
        make(sys.argv[1]), port=int(sys.argv[2]), log_level="warning", access_log=False, lifespan="off"
    )
