"""The router in an app with its fast lane, and as an ASGI app of its own."""

import logging
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from .lane import FastLane, Plan, make_plan
from .routes import create_router

__all__ = ["asgi_app", "install"]

_log = logging.getLogger("fastcore.router")


def install(
    app: FastAPI,
    router: APIRouter | None = None,
    *,
    prefix: str = "/fastcore",
    lane: bool = True,
    **options: Any,
) -> APIRouter:
    """Includes a router in an app, with a fast lane to its hot paths.

    The lane is a middleware that stands inside every other one, whether that was added before or is added
    later, so all of them see its requests and answers. It answers only what has no dependency anywhere above
    it and what no earlier route may match; the rest takes the usual way. What it passes on, and why, is
    logged once, here.

    Parameters:
        app: the app, before it has started.
        router: made by `create_router`, or including such a router; by default a new one.
        prefix: of its paths.
        lane: whether to add the lane.
        options: of `create_router`, for a new router.

    Returns:
        The router.

    Raises:
        TypeError: both a router and options were given.
        RuntimeError: the app has started already.
    """
    if router is None:
        router = create_router(**options)
    elif options:
        raise TypeError(f"{', '.join(sorted(options))}: a router that is given has its own options")
    app.include_router(router, prefix=prefix)
    if lane:
        plan = make_plan(app, router)
        _report(plan)
        app.add_middleware(FastLane, host=app, router=router)
        # from the outermost place to the innermost: no other middleware may be passed by
        app.user_middleware.append(app.user_middleware.pop(0))
    return router


def _report(plan: Plan) -> None:
    answered = [
        f"{method} {entry.path}" for method, found in plan.answered.items() for entry in found.entries
    ]
    _log.info("the fast lane answers %s", ", ".join(answered) or "nothing")
    if plan.passed:
        _log.warning("the fast lane passes on %s", "; ".join(map(str, plan.passed)))


def asgi_app(*, openapi_url: str | None = None, **options: Any) -> ASGIApp:
    """The router as an ASGI app, for ``app.mount("/fastcore", fastcore.router.asgi_app(…))`` or by itself.

    What the host has as dependencies does not run before a mounted app: protect it by `dependencies` of its
    own, which are among the options, or by middleware.

    Parameters:
        openapi_url: where below the mount to show its OpenAPI document; by default nowhere.
        options: of `create_router`.
    """
    app = FastAPI(title="fastcore", openapi_url=openapi_url)
    router = create_router(**options)
    app.include_router(router)
    return FastLane(app, host=app, router=router)
