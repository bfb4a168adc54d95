"""Reading the body of a request: of the right type, within its size, in time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from types import CoroutineType, coroutine
from typing import Any

import anyio

from .exchange import JSON, Operation
from .problems import Problem, echo, refused

__all__ = ["Receive", "media_type", "read_body"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def media_type(operation: Operation, headers: Mapping[bytes, bytes]) -> str:
    """What the body is, by its header fields.

    Raises:
        Problem: "unsupported-media-type".
    """
    written = headers.get(b"content-type", b"")
    if written == b"application/json" and b"content-encoding" not in headers:
        return JSON  # every operation that reads a body reads this
    given = written.decode("latin-1")
    found, *options = given.lower().replace('"', "").replace(" ", "").split(";")
    other_charset = any(option.startswith("charset=") and option != "charset=utf-8" for option in options)
    known = found in operation.accepts and not other_charset
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    if known and encoding in ("", "identity"):
        return found
    accepted = ", ".join(operation.accepts)
    if not given:
        what = "a body without a Content-Type"
    else:
        what = f"Content-Encoding {echo(encoding, 40)!r}" if known else repr(echo(given, 80))
    detail = f"expected {accepted} in UTF-8 without an encoding, got {what}"
    errors = [{"path": "header.content-type", "message": detail}]
    raise Problem("unsupported-media-type", detail, errors, ((b"accept", accepted.encode()),))


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int, seconds: float) -> bytes:
    """The whole body.

    Raises:
        Problem: "body-too-large", by the announced length before anything is read; "slow-body" after so
            many seconds; "incomplete-body".
    """
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise _too_large(limit)
    message, waiting = _first(receive)
    if message is not None and message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    try:
        async with _deadline(seconds):
            return await _rest(message if waiting is None else await waiting, receive, limit)
    except TimeoutError:
        late = f"the body did not arrive within {seconds:g} seconds"
        raise refused("slow-body", "body", late) from None


def _first(receive: Receive) -> tuple[MutableMapping[str, Any] | None, Awaitable[Any] | None]:
    """The first message if it is there already, else what is to be awaited for it.

    A small body comes with the head of its request: then no timer is needed, which would cost more than
    reading it.
    """
    waiting = receive()
    if not isinstance(waiting, CoroutineType) or not _on_asyncio():
        return None, waiting
    try:
        yielded = waiting.send(None)
    except StopIteration as end:
        return end.value, None
    return None, _resume(waiting, yielded)


def _on_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@asynccontextmanager
async def _deadline(seconds: float) -> AsyncIterator[None]:
    """Raises TimeoutError in the block after so many seconds.

    A coroutine that has been run a step may be within a cancel scope of anyio, and these must nest; asyncio's
    own timeout need not.
    """
    if _on_asyncio():
        async with asyncio.timeout(seconds):
            yield
    else:
        with anyio.fail_after(seconds):
            yield


@coroutine
def _resume(waiting: "CoroutineType[Any, Any, Any]", yielded: Any) -> Any:
    """Awaits a coroutine that has been run up to its first wait, where it yielded this to the event loop."""
    try:
        while True:
            try:
                sent = yield yielded
            except GeneratorExit:
                waiting.close()
                raise
            except BaseException as error:
                yielded = waiting.throw(error)
            else:
                yielded = waiting.send(sent)
    except StopIteration as end:
        return end.value


async def _rest(message: MutableMapping[str, Any] | None, receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        assert message is not None
        if message["type"] == "http.disconnect":
            raise refused("incomplete-body", "body", "the connection was closed within it")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()


def _too_large(limit: int) -> Problem:
    return refused("body-too-large", "body", f"the body may have at most {limit} bytes")
