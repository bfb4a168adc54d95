"""``?profile=1``: where the time of one request goes, by pyinstrument, for who may know.

Each path gets a second route that only such requests match. The dependencies that guard profiles stand before
that one alone, so the first keeps its fast ways.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from math import inf
from threading import Lock
from typing import Any

from fastapi import Request, Response
from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Message, Scope

from .bodies import Receive, begin_body, read_body
from .exchange import Operation, Reply
from .loop_watch import LoopWatch
from .problems import Problem, problem_reply
from .serve import Endpoint, Service, as_response, parse_query, receive_of
from .settings import RouterSettings
from .work import Workers

__all__ = ["DESCRIPTION", "ProfileRoute", "Profiled", "Profiler", "profiles"]

# of a body whose length has no limit of its own: it is kept while it is profiled
_MAX_BYTES = 16_777_216

DESCRIPTION: dict[str, Any] = {
    "name": "profile",
    "in": "query",
    "required": False,
    "description": (
        "`1`: where the time of this request goes, instead of its answer: text/html, application/json (for "
        "speedscope), else text/plain, as `Accept` says. Errors are answered as ever. One at a time."
    ),
    "schema": {"type": "string", "enum": ["1"]},
}
_SAMPLE_SECONDS = 0.0001
_FRESH = ((b"cache-control", b"no-store"), (b"vary", b"accept"))


def profiles(settings: RouterSettings, dependencies: Sequence[Depends]) -> str:
    """``"on"``, or why requests cannot be profiled.

    Raises:
        ImportError: they could, but pyinstrument is not installed.
    """
    if not settings.allow_profile:
        return "off: the setting allow_profile is false"
    if not dependencies:
        return "off: no profile_dependencies were given"
    if find_spec("pyinstrument") is None:
        raise ImportError(
            "allow_profile needs pyinstrument: pip install 'pyinstrument>=5'", name="pyinstrument"
        )
    return "on"


class ProfileRoute(APIRoute):
    """A route for requests that ask for a profile."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        query = scope.get("query_string", b"")
        if b"profile=" in query and parse_query(query).get("profile") == "1":
            return super().matches(scope)
        return Match.NONE, {}


class Profiler:
    """Profiles requests of one router, one at a time, each in a thread where all of its work is done."""

    def __init__(self, service: Service) -> None:
        # no work is estimated to an hour: all of it stays in the thread where the profiler looks
        settings = replace(service.settings, inline_budget_seconds=3600.0, watch_event_loop=False)
        self.threads = service.workers
        self.service = Service(
            settings, Workers(settings), service.counters, LoopWatch(settings), service.reported
        )
        self._turn = Lock()

    async def run(self, endpoint: Endpoint, request: Request) -> Reply:
        """The profile of a request, or its answer if that is an error.

        Raises:
            Problem: "busy": another one is being profiled, or no thread is free.
        """
        receive = await _replay(endpoint.operation, request, self.service.settings.deadline_seconds)
        if not self._turn.acquire(blocking=False):
            wait = b"%d" % self.service.settings.retry_after_seconds
            why = "another request is being profiled; try again later"
            raise Problem("busy", why, headers=((b"retry-after", wait),))
        try:
            return await self.threads.run(inf, lambda: asyncio.run(_profile(endpoint, request, receive)))
        finally:
            self._turn.release()


class Profiled:
    """One operation of a router, with a profile for an answer."""

    def __init__(self, profiler: Profiler, operation: Operation) -> None:
        self._profiler = profiler
        self._endpoint = Endpoint(profiler.service, operation)

    async def framework(self, request: Request) -> Response:
        """What FastAPI calls after the dependencies."""
        settings = self._profiler.service.settings
        try:
            reply = await self._profiler.run(self._endpoint, request)
        except Problem as problem:
            reply = problem_reply(problem, settings.problem_base, settings.max_reported_errors)
        return as_response(reply)


async def _replay(operation: Operation, request: Request, seconds: float) -> Receive:
    """What gives the body of a request in another event loop than its own: it is read here."""
    body = b""
    if operation.accepts:
        receive, limit = receive_of(request), operation.max_bytes or _MAX_BYTES
        first = begin_body(dict(request.scope["headers"]), receive, limit)
        body = first if isinstance(first, bytes) else await read_body(first, receive, limit, seconds)
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> dict[str, Any]:
        while not messages:
            await asyncio.Event().wait()  # the client stays until the end
        return messages.pop()

    return replay


async def _profile(endpoint: Endpoint, request: Request, receive: Receive) -> Reply:
    from pyinstrument import Profiler as Sampler

    scope = request.scope
    sampler = Sampler(_SAMPLE_SECONDS, async_mode="enabled")
    sampler.start(target_description=f"{scope['method']} {endpoint.operation.path}")
    try:
        reply = endpoint.answer(request.path_params, scope["query_string"], scope["headers"], receive)
        if not isinstance(reply, Reply):
            reply = await reply
        if not isinstance(reply.body, bytes):
            await as_response(reply)(scope, receive, _drop)
    finally:
        sampler.stop()
    if reply.status >= 400:
        return reply
    kind = _media_type(request.headers.get("accept", ""))
    return Reply(_text(sampler, kind).encode(), media_type=f"{kind}; charset=utf-8", headers=_FRESH)


async def _drop(message: Message) -> None:
    pass


def _media_type(accept: str) -> str:
    """The first of those that the client names."""
    for given in accept.lower().split(","):
        name = given.partition(";")[0].strip()
        if name in ("text/html", "application/json", "text/plain"):
            return name
    return "text/plain"


def _text(sampler: Any, kind: str) -> str:
    if kind == "text/html":
        text = sampler.output_html()
    elif kind == "application/json":
        from pyinstrument.renderers import SpeedscopeRenderer

        text = sampler.output(SpeedscopeRenderer())
    else:
        text = sampler.output_text(unicode=True, color=False)
    return str(text)
