"""From a request to an answer: the body within its limits, the work where it belongs, every error named."""

import sys
from asyncio import _get_running_loop
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive as ASGIReceive
from starlette.types import Scope, Send

from .bodies import Body, Receive, begin_body, media_type, read_body
from .compression import GZIP_SECONDS, Gzip, accepts_gzip, gzip_chunks, gzip_fields, gzip_whole
from .conversation import Conversation, converse
from .counters import Counters
from .exchange import Answer, Call, Dialogue, Operation, Reply, Work, raw_headers
from .loop_watch import LoopWatch
from .metrics import Reported
from .problems import Problem, problem_reply
from .settings import RouterSettings
from .work import Workers

__all__ = ["Endpoint", "Service", "as_response", "parse_query", "receive_of"]

_NO_QUERY: Mapping[str, str] = {}


class Service:
    """Answers the operations of one router."""

    def __init__(
        self,
        settings: RouterSettings,
        workers: Workers,
        counters: Counters,
        watch: LoopWatch,
        reported: Reported,
    ) -> None:
        self.settings = settings
        self.workers = workers
        self.counters = counters
        self.watch = watch
        self.reported = reported  # for as long as the service lives


class Endpoint:
    """One operation of a service.

    `answer` is the same for all ways in; `framework` is what FastAPI calls after the dependencies.
    """

    def __init__(self, service: Service, operation: Operation) -> None:
        self.service = service
        self.operation = operation
        self._handler = operation.handler
        self.reads = bool(operation.accepts)
        self._max_bytes = operation.max_bytes
        self._deadline = service.settings.deadline_seconds
        self._gzip_from = service.settings.gzip_min_bytes
        self._long = sys.maxsize if self._gzip_from is None else self._gzip_from
        self._count = service.counters.of(operation.name)
        self._watch = service.watch

    async def framework(self, request: Request) -> Response:
        """The response to a request whose body a dependency may have read."""
        scope = request.scope
        receive = receive_of(request) if self.reads else request.receive
        reply = self.answer(request.path_params, scope["query_string"], scope["headers"], receive)
        return as_response(reply if isinstance(reply, Reply) else await reply)

    def answer(
        self,
        path: Mapping[str, str],
        query: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        receive: Receive,
    ) -> Reply | Awaitable[Reply]:
        """The answer to a request for this operation, or what is to be awaited for it.

        What is short is answered at once if its body is there: a coroutine would cost as much as a handler.
        Of a stream, the first chunk is made already.

        Parameters:
            path: its parameters in the path.
            query: the query string as it was sent.
            headers: its header fields, names in lower case.
            receive: gives the messages with its body.
        """
        loop = _get_running_loop()
        if loop is not self._watch.loop:
            self._watch.begin(loop)
        try:
            call = Call(path, parse_query(query) if query else _NO_QUERY, headers)
            if self.reads:
                fields = dict(headers)
                call.media_type = media_type(self.operation, fields)
                if not self.operation.dialogue:
                    body = begin_body(fields, receive, self._max_bytes)
                    if type(body) is not bytes:
                        return self._answer_read(call, cast(Any, body), receive)
                    call.body = body
            reply = self._handler(call)
            if not isinstance(reply, Reply) or type(reply.body) is not bytes:
                return self._answer_begun(call, reply, receive)
            if len(reply.body) >= self._long or reply.status == 304:
                return self._answer_begun(call, reply, receive)
        except Problem as problem:
            return self._refused(problem)
        self._count(reply.status)
        return reply

    async def _answer_read(self, call: Call, waiting: Awaitable[Any], receive: Receive) -> Reply:
        limit = cast(int, self._max_bytes)
        try:
            call.body = await read_body(waiting, receive, limit, self._deadline)
            begun = self._handler(call)
        except Problem as problem:
            return self._refused(problem)
        return await self._answer_begun(call, begun, receive)

    async def _answer_begun(self, call: Call, begun: Answer, receive: Receive) -> Reply:
        """The answer to which this handler's answer leads."""
        try:
            if isinstance(begun, Work):
                begun = await self.service.workers.run(begun.seconds, partial(begun.run, *begun.arguments))
            if isinstance(begun, Dialogue):
                reply = await self._converse(begun, dict(call.headers), receive)
            else:
                reply = begun
            if self._gzip_from is not None:
                reply = await self._compressed(reply, self._gzip_from, call.headers)
            if type(reply.body) is not bytes:
                reply = await self._begun(reply)
        except Problem as problem:
            return self._refused(problem)
        self._count(reply.status)
        return reply

    def _refused(self, problem: Problem) -> Reply:
        settings = self.service.settings
        reply = problem_reply(problem, settings.problem_base, settings.max_reported_errors)
        self._count(reply.status)
        return reply

    async def _converse(self, dialogue: Dialogue, fields: Mapping[bytes, bytes], receive: Receive) -> Reply:
        begun = begin_body(fields, receive, self._max_bytes)
        announced = fields.get(b"content-length", b"")
        body = Body(begun, receive, self._max_bytes, self._deadline, announced)
        return await converse(dialogue, body, self.service.workers, self.service.settings.max_unread_bytes)

    async def _compressed(self, reply: Reply, least: int, headers: Iterable[tuple[bytes, bytes]]) -> Reply:
        """The answer, compressed if it is long enough and the client accepts that."""
        body = reply.body
        if type(body) is bytes and len(body) < least and reply.status != 304:
            return reply
        encoded = accepts_gzip(headers)
        reply.headers = gzip_fields(reply.headers, encoded, reply.status)
        if encoded and isinstance(body, Conversation):
            body.encoder = Gzip()
        elif encoded and isinstance(body, Iterator):
            reply.body = gzip_chunks(body)
            reply.chunk_seconds += self.service.settings.stream_chunk_bytes * GZIP_SECONDS
        elif encoded and body:
            whole = cast(bytes, body)
            seconds = len(whole) * GZIP_SECONDS
            reply.body = await self.service.workers.run(seconds, partial(gzip_whole, whole), admitted=True)
        return reply

    async def _begun(self, reply: Reply) -> Reply:
        """A stream whose first chunk is made here, while the answer can still become a problem."""
        if isinstance(reply.body, Conversation):
            return reply
        workers = self.service.workers
        body = cast(Iterator[bytes], reply.body)
        first = await workers.run(reply.chunk_seconds, lambda: next(body, None))
        reply.body = workers.chunks(first, body, reply.chunk_seconds)
        return reply


def parse_query(query: bytes) -> dict[str, str]:
    """The parameters of a query string; of several with one name the last counts."""
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


class _BytesResponse(Response):
    """A response whose parts are ready."""

    def __init__(self, reply: Reply) -> None:
        self.status_code = reply.status
        self.body = cast(bytes, reply.body)
        self.raw_headers = raw_headers(reply)
        self.background: BackgroundTask | None = None


class _ConversationResponse(_BytesResponse):
    """A response that is made while its request arrives."""

    def __init__(self, reply: Reply, conversation: Conversation) -> None:
        super().__init__(reply)
        self.conversation = conversation

    async def __call__(self, scope: Scope, receive: ASGIReceive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await self.conversation.respond(start, receive, send)
        if self.background is not None:
            await self.background()


def as_response(reply: Reply) -> Response:
    """The answer as Starlette has it."""
    if type(reply.body) is bytes:
        return _BytesResponse(reply)
    if isinstance(reply.body, Conversation):
        return _ConversationResponse(reply, reply.body)
    response = StreamingResponse(cast(AsyncIterator[bytes], reply.body), reply.status)
    response.raw_headers = raw_headers(reply)
    return response


def receive_of(request: Request) -> Receive:
    """What gives the body of a request as messages, also if it was read before."""
    stream = request.stream()

    async def receive() -> dict[str, object]:
        try:
            return {"type": "http.request", "body": await anext(stream), "more_body": True}
        except StopAsyncIteration:
            return {"type": "http.request", "body": b"", "more_body": False}
        except ClientDisconnect:
            return {"type": "http.disconnect"}

    return receive
