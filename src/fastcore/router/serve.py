"""From a request to an answer: the body within its limits, the work where it belongs, every error named."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import cast
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from .bodies import Receive, media_type, read_body
from .counters import Counters
from .exchange import Call, Operation, Reply, Work, raw_headers
from .problems import Problem, problem_reply
from .settings import RouterSettings
from .work import Workers

__all__ = ["Endpoint", "Service", "as_response"]

_NO_QUERY: Mapping[str, str] = {}


class Service:
    """Answers the operations of one router."""

    def __init__(self, settings: RouterSettings, workers: Workers, counters: Counters) -> None:
        self.settings = settings
        self.workers = workers
        self.counters = counters


class Endpoint:
    """One operation of a service.

    `answer` is the same for all ways in; `framework` is what FastAPI calls after the dependencies, `fast`
    what a fast route calls instead.
    """

    def __init__(self, service: Service, operation: Operation) -> None:
        self.service = service
        self.operation = operation
        self._handler = operation.handler
        self._reads = bool(operation.accepts)
        self._inline_seconds = service.settings.inline_budget_seconds
        self._count = service.counters.of(operation.name)

    async def framework(self, request: Request) -> Response:
        """The response to a request whose body a dependency may have read."""
        scope = request.scope
        receive = _receive_of(request) if self._reads else request.receive
        return as_response(
            await self.answer(request.path_params, scope["query_string"], scope["headers"], receive)
        )

    async def fast(self, request: Request) -> Response:
        """The response to a request that nobody has touched."""
        scope = request.scope
        return as_response(
            await self.answer(scope["path_params"], scope["query_string"], scope["headers"], request.receive)
        )

    async def answer(
        self,
        path: Mapping[str, str],
        query: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        receive: Receive,
    ) -> Reply:
        """The answer to a request for this operation; of a stream, the first chunk is made already.

        Parameters:
            path: its parameters in the path.
            query: the query string as it was sent.
            headers: its header fields, names in lower case; of several with one name the last counts.
            receive: gives the messages with its body.
        """
        try:
            call = Call(path, parse_query(query) if query else _NO_QUERY, dict(headers))
            if self._reads:
                await self._read(call, receive)
            result = self._handler(call)
            if type(result) is Work:
                if result.seconds <= self._inline_seconds:
                    result = result.run(*result.arguments)
                else:
                    run, arguments = result.run, result.arguments
                    result = await self.service.workers.run(result.seconds, lambda: run(*arguments))
            reply = cast(Reply, result)
            if type(reply.body) is not bytes:
                reply.body = await self._begin(cast(Iterator[bytes], reply.body), reply.chunk_seconds)
        except Problem as problem:
            settings = self.service.settings
            reply = problem_reply(problem, settings.problem_base, settings.max_reported_errors)
        self._count(reply.status)
        return reply

    async def _read(self, call: Call, receive: Receive) -> None:
        call.media_type = media_type(self.operation, call.headers)
        deadline = self.service.settings.deadline_seconds
        call.body = await read_body(call.headers, receive, self.operation.max_bytes, deadline)

    async def _begin(self, body: Iterator[bytes], seconds: float) -> AsyncIterator[bytes]:
        """The chunks of a stream. The first is made here, while the answer can still become a problem."""
        workers = self.service.workers
        first = await workers.run(seconds, lambda: next(body, None))
        return workers.chunks(first, body, seconds)


def parse_query(query: bytes) -> dict[str, str]:
    """The parameters of a query string; of several with one name the last counts."""
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


class _BytesResponse(Response):
    """A response whose parts are ready."""

    def __init__(self, reply: Reply) -> None:
        self.status_code = reply.status
        self.body = cast(bytes, reply.body)
        self.raw_headers = raw_headers(reply)
        self.background = None


def as_response(reply: Reply) -> Response:
    """The answer as Starlette has it."""
    if type(reply.body) is bytes:
        return _BytesResponse(reply)
    response = StreamingResponse(cast(AsyncIterator[bytes], reply.body), reply.status)
    response.raw_headers = raw_headers(reply)
    return response


def _receive_of(request: Request) -> Receive:
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
