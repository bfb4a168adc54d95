"""The FastAPI router, ready made or to measure.

``app.include_router(fastcore.router.router, prefix="/fastcore")``, or the same with ``create_router(…)``;
``install(app, …)`` with a fast lane to the hot paths; ``app.mount("/fastcore", asgi_app(…))``.
"""

from typing import TYPE_CHECKING

try:
    import fastapi as _fastapi  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "fastapi":
        raise
    raise ImportError(
        "fastcore.router needs FastAPI: pip install 'fastcore-kernels[fastapi]'", name="fastapi"
    ) from error

from fastcore.event_loop import EventLoopMonitor

from .lane import FastLane
from .mounting import asgi_app, install
from .routes import create_router
from .settings import RouterSettings

if TYPE_CHECKING:
    from fastapi import APIRouter

    router: APIRouter

__all__ = ["EventLoopMonitor", "FastLane", "RouterSettings", "asgi_app", "create_router", "install", "router"]


def __getattr__(name: str) -> object:
    if name != "router":
        raise AttributeError(f"module 'fastcore.router' has no attribute {name!r}")
    value = create_router()
    globals()["router"] = value
    return value
