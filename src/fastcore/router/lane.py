"""The fast lane: the router's hot paths, answered below the host's middleware and before the framework.

It answers what the included route would answer, byte for byte, or passes the request on. Whether it may
answer a path is read from the app, as for `FastRoute`: nothing may run before the route there, and no earlier
route may match the path.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from operator import is_
from time import monotonic
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute, APIRouter, APIWebSocketRoute
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from .exchange import Reply, raw_headers
from .fast_route import endpoint_of, has_dependencies, places
from .profiling import ProfileRoute
from .serve import Endpoint, as_response, parse_query

__all__ = ["FastLane", "Passed", "Plan", "make_plan"]

_MAX_DIGITS = 7
# The app is looked at again when so many seconds have passed. Routes that are added to the app itself are
# seen at once, by their number.
_LOOK_SECONDS = 1.0

_log = logging.getLogger("fastcore.router")


@dataclass(frozen=True, slots=True)
class Passed:
    """A path that is left to the framework, and why."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A path that the lane answers, with its one parameter."""

    answer: Callable[..., Reply | Awaitable[Reply]]
    function: Any
    route: Any
    path: str
    parameter: str
    queries: frozenset[str]
    pattern: str


@dataclass(frozen=True, slots=True)
class _Entries:
    """What the lane answers of one method: `match` finds the entry and its parameter in one go."""

    entries: tuple[_Entry, ...]
    match: Callable[[str], re.Match[str] | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the lane answers, by method, and what it passes on of the paths that it might answer."""

    answered: Mapping[str, _Entries]
    passed: tuple[Passed, ...]
    routes: int
    seen: tuple[Any, ...]


def make_plan(app: FastAPI, router: APIRouter) -> Plan:
    """Looks at an app that includes a router of ours."""
    found = places(app)
    seen = _identities(found)
    hot = [place for place in places(router) or () if _is_hot(place)]
    ours = {id(place.original_route) for place in hot}
    count = len(app.router.routes)
    if found is None:
        unknown = "this FastAPI does not show what runs before a route"
        return Plan({}, (Passed("every path", unknown),), count, seen)
    if type(app.router) is not APIRouter:
        return Plan({}, (Passed("every path", "the app has a router of its own kind"),), count, seen)
    answered: dict[str, list[_Entry]] = {}
    passed: list[Passed] = []
    for index, place in enumerate(found):
        if id(place.original_route) in ours:
            endpoint = endpoint_of(place.original_route)
            assert endpoint is not None
            method = endpoint.operation.method
            why = _objection(place, found[:index], method)
            if why is None:
                answered.setdefault(method, []).append(_entry(place, endpoint))
            else:
                passed.append(Passed(f"{method} {place.path}", why))
    entries = {method: _matching(found) for method, found in answered.items()}
    return Plan(entries, tuple(passed), count, seen)


def _matching(entries: list[_Entry]) -> _Entries:
    pattern = re.compile("|".join(entry.pattern for entry in entries))
    return _Entries(tuple(entries), pattern.fullmatch)


def _identities(found: list[Any] | None) -> tuple[Any, ...]:
    """What is another object as soon as the framework would answer in another way; kept, so that it is."""
    return tuple(
        each for place in found or () for each in (place.original_route, getattr(place, "dependant", None))
    )


def _same(seen: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    # by identity: routes count as equal that have the same path, endpoint and methods
    return len(seen) == len(now) and all(map(is_, seen, now))


def _is_hot(place: Any) -> bool:
    endpoint = endpoint_of(place.original_route)
    return endpoint is not None and endpoint.operation.hot


def _objection(place: Any, earlier: list[Any], method: str) -> str | None:
    """Why the lane must not answer at this place, if there is a reason."""
    if has_dependencies(place):
        return "dependencies run before it"
    if getattr(place, "max_body_size", None) is not None:
        return "the host limits the size of its body"
    if place.path.count("{") != 1 or ":" in place.path:
        return "its prefix has parameters"
    for other in earlier:
        if _may_match(other, method, place.path):
            return f"an earlier route may match it: {other.path or type(other.original_route).__name__}"
    return None


def _may_match(place: Any, method: str, path: str) -> bool:
    """Whether a place may answer a request to a path of this template; True where it cannot be told."""
    route = place.original_route
    template = place.path
    if isinstance(route, ProfileRoute):
        return False  # what asks for a profile is passed on
    matching = getattr(type(route), "matches", None)
    if matching in (WebSocketRoute.matches, APIWebSocketRoute.matches):
        return False
    if template is None or matching not in (Route.matches, APIRoute.matches, Mount.matches):
        return True
    if not isinstance(route, Mount) and place.methods and method not in place.methods:
        return False
    theirs, ours = template.rstrip("/").split("/"), path.split("/")
    for their, our in zip(theirs, ours, strict=False):
        if re.search(r"\{[^}]*:", their):
            return True  # it may match more than one segment
        if "{" not in their and "{" not in our and their != our:
            return False
    return isinstance(route, Mount) or len(theirs) == len(ours)


def _entry(place: Any, endpoint: Endpoint) -> _Entry:
    operation = endpoint.operation
    before, parameter, after = re.fullmatch(r"([^{]*)\{(\w+)\}(.*)", place.path).groups()  # type: ignore[union-attr]
    kinds = {each["name"]: each["schema"]["type"] for each in operation.parameters}
    value = rf"([0-9]{{1,{_MAX_DIGITS}}})" if kinds[parameter] == "integer" else "([^/]+)"
    return _Entry(
        endpoint.answer,
        place.original_route.endpoint,
        place.original_route,
        place.path,
        parameter,
        frozenset(each["name"] for each in operation.parameters if each["in"] == "query"),
        re.escape(before) + value + re.escape(after),
    )


class FastLane:
    """An ASGI middleware that answers the hot paths of a router of ours; see `fastcore.router.install`.

    Parameters:
        app: what is passed on to.
        host: the app that includes the router.
        router: made by `create_router`, or including such a router.
    """

    def __init__(self, app: ASGIApp, *, host: FastAPI, router: APIRouter) -> None:
        self.app = app
        self.host = host
        self.router = router
        self._direct = _is_direct(app, host)
        if not self._direct:
            _log.warning("the fast lane is off: another middleware stands between it and the routes")
        self._plan = self._look()
        self._next_look = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        entry = self._entry(scope) if scope["type"] == "http" else None
        if entry is None:
            await self.app(scope, receive, send)
            return
        try:
            reply = entry.answer(scope["path_params"], scope["query_string"], scope["headers"], receive)
            if not isinstance(reply, Reply):
                reply = await reply
        except Exception as error:  # the host's handlers of exceptions are the framework's to find
            await self.app(scope, _raising(error), send)
            return
        if scope.get("fastapi.telemetry") is not None:
            _name_route(scope, entry.path)
        body = reply.body
        if type(body) is bytes:
            await send({"type": "http.response.start", "status": reply.status, "headers": raw_headers(reply)})
            await send({"type": "http.response.body", "body": body})
        else:
            await as_response(reply)(scope, receive, send)

    def _entry(self, scope: Scope) -> _Entry | None:
        """The entry that answers this request, if one does; the scope then says so, as the framework's."""
        plan = self._plan
        if plan.routes != len(self.host.router.routes) or monotonic() >= self._next_look:
            plan = self._renew()
        known = plan.answered.get(scope["method"])
        if known is None:
            return None
        path = scope["path"]
        if scope.get("root_path"):
            path = _below(path, scope["root_path"])
        found = known.match(path)
        if found is None:
            return None
        entry = known.entries[found.lastindex - 1]  # type: ignore[operator]
        query = scope["query_string"]
        if query and not parse_query(query).keys() <= entry.queries:
            return None
        parameters = {entry.parameter: found[found.lastindex]}  # type: ignore[index]
        if "path_params" in scope:
            parameters = {**scope["path_params"], **parameters}
        scope["path_params"] = parameters
        scope["endpoint"] = entry.function
        scope["route"] = entry.route
        return entry

    def _renew(self) -> Plan:
        """The plan for the routes that there are now; one that came later may stand before ours."""
        self._next_look = monotonic() + _LOOK_SECONDS
        plan = self._plan
        same = plan.routes == len(self.host.router.routes) and _same(
            plan.seen, _identities(places(self.host))
        )
        if not same:
            plan = self._plan = self._look()
        return plan

    def _look(self) -> Plan:
        if self._direct:
            return make_plan(self.host, self.router)
        return Plan({}, (), len(self.host.router.routes), _identities(places(self.host)))


def _is_direct(app: ASGIApp, host: FastAPI) -> bool:
    """Whether no middleware of the host stands between the lane and the routes."""
    while type(app) in (FastLane, ExceptionMiddleware, AsyncExitStackMiddleware):
        app = app.app  # type: ignore[attr-defined]
    return app is host.router or app is host


def _below(path: str, root_path: str) -> str:
    """The path without the root path that stands before it, as routes match it."""
    if path.startswith(root_path) and (len(path) == len(root_path) or path[len(root_path)] == "/"):
        return path[len(root_path) :]
    return path


def _raising(error: Exception) -> Receive:
    async def receive() -> Any:
        raise error

    return receive


def _name_route(scope: Scope, path: str) -> None:
    """Tells the host's telemetry which route it was, as the framework does."""
    from opentelemetry import trace

    telemetry = scope["fastapi.telemetry"]
    mounts = getattr(telemetry, "route", None)
    # below a mount the framework has named that, as a template
    above = mounts.removesuffix("/{path}") if mounts else scope.get("root_path", "").rstrip("/")
    route = above + path
    if hasattr(telemetry, "route"):
        telemetry.route = route
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("http.route", route)
        span.update_name(f"{scope['method']} {route}")
