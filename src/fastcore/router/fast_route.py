"""A route that answers without the framework's dependency machinery, where no dependency stands before it.

The route of an ``APIRouter`` is one object, however often and wherever the router is included; what runs
before it differs from place to place. FastAPI asks the route for a handler once per place, without saying
which, and keeps it in the ASGI app of that place. So a handler finds its place by a probe: for every place of
the app that ``iter_route_contexts`` shows to have no dependency, that ASGI app is called with a request that
only the handler inside it sees. A handler that no such probe reached has a dependency before it, or stands
where it cannot be told (in a router that is mounted): it leaves its requests to the framework's own handler.
So does every handler where FastAPI is older and does not show all of this.
"""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import fastapi.routing
from fastapi import Request, Response
from fastapi.routing import APIRoute, APIRouter
from starlette.types import Message

from .exchange import Reply
from .serve import Endpoint, as_response

__all__ = ["FastRoute", "endpoint_of", "has_dependencies", "places"]

_PROBE = "fastcore.probe"

# public since FastAPI 0.137.2
_iter_route_contexts: Callable[..., Iterator[Any]] | None = getattr(
    fastapi.routing, "iter_route_contexts", None
)


def _tells() -> bool:
    """Whether this FastAPI shows each place with its own ASGI app, made once: it does from 0.143 on."""
    inner, outer = APIRouter(), APIRouter()
    inner.add_api_route("/", _nothing)
    outer.include_router(inner)
    return all(callable(getattr(place, "app", None)) for place in places(outer) or [None])


class FastRoute(APIRoute):
    """A route of ours; its endpoint is `Endpoint.framework`, bound."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        framework = super().get_route_handler()
        endpoint = endpoint_of(self)
        return _Handler(endpoint, framework).answer if endpoint is not None and _TELLS else framework


def endpoint_of(route: object) -> Endpoint | None:
    """The endpoint behind a route of ours, None for any other route."""
    if isinstance(route, FastRoute):
        endpoint = getattr(route.endpoint, "__self__", None)
        if isinstance(endpoint, Endpoint) and route.endpoint == endpoint.framework:
            return endpoint
    return None


class _Handler:
    """The handler of one place."""

    __slots__ = ("_answer", "_framework", "_open")

    def __init__(
        self, endpoint: Endpoint, framework: Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> None:
        self._answer = endpoint.answer
        self._framework = framework
        self._open: bool | None = None

    async def answer(self, request: Request) -> Response:
        scope = request.scope
        if _PROBE in scope:
            scope[_PROBE].append(self)
            return Response()
        if self._open is None:
            for handler in await _open_handlers(scope.get("app")):
                handler._open = True
            self._open = self._open is True
        if not self._open:
            return await self._framework(request)
        reply = self._answer(scope["path_params"], scope["query_string"], scope["headers"], request.receive)
        return as_response(reply if isinstance(reply, Reply) else await reply)


def places(app: object) -> list[Any] | None:
    """Every place of every route of an app or router, in order of matching; None if it cannot be told."""
    routes = getattr(app, "routes", None)
    if _iter_route_contexts is None or routes is None:
        return None
    return list(_iter_route_contexts(routes))


def has_dependencies(place: Any) -> bool:
    """Whether anything runs before the handler at this place, or it cannot be told."""
    dependencies = getattr(getattr(place, "dependant", None), "dependencies", None)
    return dependencies is None or len(dependencies) > 0


async def _open_handlers(app: object) -> list[_Handler]:
    """The handlers of the places that have no dependency."""
    found: list[_Handler] = []
    for place in places(app) or ():
        if endpoint_of(place.original_route) is not None and not has_dependencies(place):
            scope = {
                "type": "http",
                "method": "GET",
                "path": "/",
                "query_string": b"",
                "headers": [],
                "path_params": {},
                _PROBE: found,
            }
            await place.app(scope, _nothing, _ignore)
    return found


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _ignore(message: Message) -> None:
    pass


_TELLS = _tells()
