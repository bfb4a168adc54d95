"""The apps that ``fastcore bench`` puts under load: uvicorn imports one of these factories.

Every app answers the same paths below ``/fastcore``. Only a process that serves imports this module: it needs
FastAPI.
"""

import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, HTTPException

import fastcore
from fastcore import RuleSet, backend_info
from fastcore.router import RouterSettings, asgi_app, create_router
from fastcore.router import install as install_router

from .payments import DOCUMENT, decisions_of, python_rules

__all__ = ["include", "lane", "mount", "naive", "recursion"]

PREFIX = "/fastcore"
SETTINGS = RouterSettings(algorithms=("fast", "recursive"), max_recursive_n=40)


def fib(n: int) -> int:
    """As in tutorials: 2·F(n+1) − 1 calls."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def naive() -> FastAPI:
    """The endpoints as a tutorial writes them: Python that computes in ``async def``, dicts as results."""
    return _tutorial(fib)


def recursion() -> FastAPI:
    """The same app with the same recursion, from fastcore's backend; nothing else is different."""
    return _tutorial(fastcore.fibonacci_recursive)


def _tutorial(function: Callable[[int], int]) -> FastAPI:
    app = FastAPI()
    decide = decisions_of(python_rules())
    info = backend_info()

    @app.get(f"{PREFIX}/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(f"{PREFIX}/fib/{{n}}")
    async def number(n: int) -> dict[str, Any]:
        if not 0 <= n <= 40:
            raise HTTPException(400, "n must be from 0 to 40")
        start = time.perf_counter()
        result = function(n)
        seconds = time.perf_counter() - start
        return {
            "n": n,
            "result": result,
            "compute_time_seconds": seconds,
            "runtime": f"{info.implementation} {info.interpreter.split()[0]}",
        }

    @app.post(f"{PREFIX}/rules/fraud/evaluate")
    async def evaluate(event: dict[str, Any]) -> dict[str, Any]:
        return decide(event)

    @app.get(f"{PREFIX}/payloads/{{count}}")
    async def payloads(count: int) -> dict[str, Any]:
        if not 1 <= count <= 1000:
            raise HTTPException(400, "count must be from 1 to 1000")
        items = [{"id": i, "data": "x" * 1024, "timestamp": time.time()} for i in range(count)]
        return {"items": items, "count": count}

    return app


def include() -> FastAPI:
    """fastcore by ``app.include_router``."""
    app = FastAPI()
    app.include_router(create_router(rules=RuleSet.from_dict(DOCUMENT), settings=SETTINGS), prefix=PREFIX)
    return app


def lane() -> FastAPI:
    """fastcore by ``install``: included, with the fast lane."""
    app = FastAPI()
    install_router(app, rules=RuleSet.from_dict(DOCUMENT), settings=SETTINGS, prefix=PREFIX)
    return app


def mount() -> FastAPI:
    """fastcore as an ASGI app of its own, mounted."""
    app = FastAPI()
    app.mount(PREFIX, asgi_app(rules=RuleSet.from_dict(DOCUMENT), settings=SETTINGS))
    return app
