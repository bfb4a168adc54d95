"""From a request to a response: the body within its limits, the work where it belongs, every error named."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import cast

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from .counters import Counters
from .exchange import Call, Operation, Reply, Work
from .problems import Problem, echo, problem_reply, refused
from .settings import RouterSettings
from .work import Workers

__all__ = ["Service"]


class Service:
    """Answers the operations of one router."""

    def __init__(self, settings: RouterSettings, workers: Workers, counters: Counters) -> None:
        self.settings = settings
        self.workers = workers
        self.counters = counters

    async def answer(self, operation: Operation, request: Request) -> Response:
        """The response to a request that was routed to this operation."""
        chunks: AsyncIterator[bytes] | None = None
        try:
            reply = await self._reply(operation, request)
            if not isinstance(reply.body, bytes):
                chunks = await self._begin(reply.body, reply.chunk_seconds)
        except Problem as problem:
            reply = problem_reply(problem, self.settings.problem_base, self.settings.max_reported_errors)
        self.counters.answered(operation.name, reply.status)
        headers = dict(reply.headers)
        if chunks is not None:
            return StreamingResponse(chunks, reply.status, headers, reply.media_type)
        media_type = None if reply.status == 304 else reply.media_type
        return Response(cast(bytes, reply.body), reply.status, headers, media_type)

    async def _reply(self, operation: Operation, request: Request) -> Reply:
        media_type, body = "", b""
        if operation.accepts:
            media_type = _media_type(operation, request)
            body = await self._body(operation, request)
        call = Call(request.path_params, request.query_params, request.headers, body, media_type)
        result = operation.handler(call)
        if isinstance(result, Work):
            return await self.workers.run(result.seconds, result.run)
        return result

    async def _begin(self, body: Iterator[bytes], seconds: float) -> AsyncIterator[bytes]:
        """The chunks of a stream. The first is made here, while the answer can still become a problem."""
        first = await self.workers.run(seconds, lambda: next(body, None))
        return self.workers.chunks(first, body, seconds)

    async def _body(self, operation: Operation, request: Request) -> bytes:
        limit = operation.max_bytes
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > limit:
            raise _too_large(limit)
        try:
            with anyio.fail_after(self.settings.deadline_seconds):
                return await _read(request, limit)
        except TimeoutError:
            seconds = f"{self.settings.deadline_seconds:g}"
            raise refused("slow-body", "body", f"the body did not arrive within {seconds} seconds") from None
        except ClientDisconnect:
            raise refused("incomplete-body", "body", "the connection was closed within it") from None


async def _read(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async with aclosing(request.stream()) as stream:
        async for part in stream:
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> Problem:
    return refused("body-too-large", "body", f"the body may have at most {limit} bytes")


def _media_type(operation: Operation, request: Request) -> str:
    """What the body is, by its header fields."""
    given = request.headers.get("content-type", "")
    media_type, *options = given.lower().replace('"', "").replace(" ", "").split(";")
    other_charset = any(option.startswith("charset=") and option != "charset=utf-8" for option in options)
    known = media_type in operation.accepts and not other_charset
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if known and encoding in ("", "identity"):
        return media_type
    accepted = ", ".join(operation.accepts)
    if not given:
        found = "a body without a Content-Type"
    else:
        found = f"Content-Encoding {echo(encoding, 40)!r}" if known else repr(echo(given, 80))
    detail = f"expected {accepted} in UTF-8 without an encoding, got {found}"
    errors = [{"path": "header.content-type", "message": detail}]
    raise Problem("unsupported-media-type", detail, errors, (("accept", accepted),))
