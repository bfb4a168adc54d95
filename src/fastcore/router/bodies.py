"""Reading the body of a request: of the right type, within its size, in time."""

import asyncio
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from types import CoroutineType, coroutine
from typing import Any

import anyio

from .exchange import JSON, Operation
from .problems import Problem, echo, refused

__all__ = ["Body", "Receive", "begin_body", "media_type", "read_body"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_CLOSED = "the connection was closed within it"


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


def begin_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int | None) -> bytes | Awaitable[Any]:
    """The whole body if it is there already, else what is to be awaited for its first message.

    A small body comes with the head of its request: then no timer is needed, which would cost more than
    reading it.

    Raises:
        Problem: "body-too-large", by the announced length before anything is read.
    """
    announced = headers.get(b"content-length")
    if announced is not None and limit is not None and announced.isdigit() and int(announced[:20]) > limit:
        raise _too_large(limit)
    waiting = receive()
    if type(waiting) is not CoroutineType or not _on_asyncio():
        return waiting
    try:
        yielded = waiting.send(None)
    except StopIteration as end:
        message = end.value
    else:
        return _resume(waiting, yielded)
    body = message.get("body", b"")
    whole = message["type"] == "http.request" and not message.get("more_body", False)
    fits = type(body) is bytes and (limit is None or len(body) <= limit)
    return body if whole and fits else _given(message)


async def read_body(waiting: Awaitable[Any], receive: Receive, limit: int, seconds: float) -> bytes:
    """The whole body, from what is to be awaited for its first message.

    Raises:
        Problem: "body-too-large"; "slow-body" after so many seconds; "incomplete-body".
    """
    try:
        async with _deadline(seconds):
            return await _rest(await waiting, receive, limit)
    except TimeoutError:
        late = f"the body did not arrive within {seconds:g} seconds"
        raise refused("slow-body", "body", late) from None


class Body:
    """The body of a request as it arrives.

    Parameters:
        begun: what `begin_body` gave.
        receive: gives the messages that follow.
        limit: the most bytes, None for any number.
        seconds: the longest time between two messages.
        announced: the value of ``Content-Length``. It tells which piece is the last where the messages do
            not, because something of the host's has read them before.
    """

    def __init__(
        self,
        begun: bytes | Awaitable[Any],
        receive: Receive,
        limit: int | None,
        seconds: float,
        announced: bytes = b"",
    ) -> None:
        self._begun: bytes | Awaitable[Any] | None = begun
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._announced = int(announced[:20]) if announced.isdigit() else None
        self._size = 0

    async def next(self) -> tuple[bytes, bool]:
        """The next piece, which may be empty, and whether it is the last.

        Raises:
            Problem: "body-too-large"; "slow-body" after so many seconds; "incomplete-body".
        """
        begun, self._begun = self._begun, None
        if isinstance(begun, bytes):
            return begun, True
        try:
            async with _deadline(self._seconds):
                message = await (self._receive() if begun is None else begun)
        except TimeoutError:
            late = f"nothing of the body arrived for {self._seconds:g} seconds"
            raise refused("slow-body", "body", late) from None
        if message["type"] == "http.disconnect":
            raise refused("incomplete-body", "body", _CLOSED)
        piece: bytes = message.get("body", b"")
        self._size += len(piece)
        if self._limit is not None and self._size > self._limit:
            raise _too_large(self._limit)
        return piece, self._size == self._announced or not message.get("more_body", False)


async def _given(message: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return message


def _on_asyncio() -> bool:
    try:
        get_running_loop()
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


async def _rest(message: MutableMapping[str, Any], receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise refused("incomplete-body", "body", _CLOSED)
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
