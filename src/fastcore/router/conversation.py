"""The answer that a `Dialogue` makes while its request arrives: read, worked on and written at the same time.

What is answered and not taken yet is bounded: when it is full, the body is read no further until the client
reads. A body that stops coming, or goes beyond a limit, ends the answer so that nobody can take it for whole:
the last record says why, an array stays open, and the HTTP message is not completed.
"""

import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from functools import partial

import anyio
from anyio.lowlevel import checkpoint
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Send

from .bodies import Body
from .compression import GZIP_SECONDS, Gzip
from .exchange import Dialogue, Reply
from .problems import Problem
from .work import Workers

__all__ = ["Conversation", "converse"]

_log = logging.getLogger("fastcore.router")

# the body is cut in pieces of this size, a fraction of a millisecond each
_PIECE = 16_384
# and worked on when so much of it waits, or nothing more is there
_MUCH = 65_536


async def converse(dialogue: Dialogue, body: Body, workers: Workers, unread: int) -> Reply:
    """The answer to a body, begun: whole if it is short and the body was, else a `Conversation`.

    Parameters:
        unread: the most bytes that are answered ahead of a client that does not read.

    Raises:
        Problem: before anything is answered.
    """
    conversation = Conversation(dialogue, body, workers, unread)
    return Reply(await conversation.begin(), media_type=dialogue.media_type)


class Conversation:
    """The rest of an answer that has begun.

    Attributes:
        encoder: what compresses the answer, None for nothing.
    """

    encoder: Gzip | None = None

    def __init__(self, dialogue: Dialogue, body: Body, workers: Workers, unread: int) -> None:
        self._dialogue = dialogue
        self._body = body
        self._workers = workers
        self._unread = _Unread(unread)
        self._begun = False
        self._whole = False
        self._fed = False
        self._heard = anyio.Event()
        self._parts = self._answer()
        self._first = b""

    async def begin(self) -> "bytes | Conversation":
        """The answer if it is whole already, else itself."""
        self._first = await anext(self._parts, b"")
        if self._fed and not self._dialogue.waiting:
            return self._first + b"".join([part async for part in self._parts])
        self._begun = True
        return self

    async def respond(self, start: Message, receive: Receive, send: Send) -> None:
        """Sends the answer; ends early when the client has gone."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._work)
            group.start_soon(self._listen, receive, group.cancel_scope)
            try:
                await send(start)
                while part := await self._unread.take():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                if self._whole:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            except OSError:  # the client has gone: so says ASGI 2.4
                pass
            group.cancel_scope.cancel()
        if self._unread.error is not None:
            raise self._unread.error

    async def _listen(self, receive: Receive, scope: anyio.CancelScope) -> None:
        """Ends the work when the client goes after its body; within it, whoever reads that is told."""
        await self._heard.wait()
        # an empty end of the body may be still to come; who goes on giving it again does not tell
        for _ in range(3):
            if (await receive())["type"] == "http.disconnect":
                scope.cancel()
                return

    async def _work(self) -> None:
        try:
            async with aclosing(self._parts) as parts:
                await self._put(self._first)
                async for part in parts:
                    await self._put(part)
            if self._whole and self.encoder is not None:
                await self._unread.put(self.encoder.end())
        except Exception as error:  # of the host's, from reading the body
            self._unread.error = error
        finally:
            self._unread.close()

    async def _put(self, part: bytes) -> None:
        encoder = self.encoder
        if encoder is not None:
            seconds = len(part) * GZIP_SECONDS
            part = await self._workers.run(seconds, partial(encoder.chunk, part), admitted=True)
        await self._unread.put(part)

    async def _answer(self) -> AsyncGenerator[bytes]:
        """The parts of the answer."""
        dialogue = self._dialogue
        ended = False
        try:
            while not ended:
                data, ended = await self._body.next()
                if ended:
                    self._heard.set()
                for piece in _pieces(data):
                    dialogue.feed(piece)
                    while dialogue.waiting >= _MUCH:
                        yield await self._step()
                self._fed = ended
                while dialogue.waiting:
                    yield await self._step()
            dialogue.end()
            while dialogue.waiting:
                yield await self._step()
        except (Problem, HTTPException) as error:
            problem = _problem(error)
            if problem is None or not self._begun:
                raise
        else:
            self._whole = True
            yield dialogue.closing()
            return
        if problem.code != "incomplete-body":  # the client has gone: nobody reads what could be worked on
            _log.warning("an answer was broken off: %s", problem.detail)
            while dialogue.waiting:
                yield await self._step()
        yield dialogue.broken_off(problem)

    async def _step(self) -> bytes:
        dialogue = self._dialogue
        return await self._workers.run(dialogue.seconds(), dialogue.step, admitted=self._begun)


def _pieces(data: bytes) -> Iterator[bytes]:
    if len(data) <= _PIECE:
        yield data
    else:
        for start in range(0, len(data), _PIECE):
            yield data[start : start + _PIECE]


def _problem(error: Problem | HTTPException) -> Problem | None:
    """What is wrong with a body, also where the host limits its size."""
    if isinstance(error, Problem):
        return error
    return Problem("body-too-large", str(error.detail)) if error.status_code == 413 else None


class _Unread:
    """What is answered and not taken yet."""

    # so much of it is sent at a time
    _TAKEN = 65_536

    def __init__(self, limit: int) -> None:
        self.error: Exception | None = None
        self._limit = limit
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._more = anyio.Event()
        self._room = anyio.Event()

    async def put(self, part: bytes) -> None:
        """Adds a part when there is room."""
        await checkpoint()
        while self._size >= self._limit:
            self._room = anyio.Event()
            await self._room.wait()
        if part:
            self._parts.append(part)
            self._size += len(part)
            self._more.set()

    async def take(self) -> bytes:
        """Some of it as soon as there is any; nothing at the end."""
        while not self._parts and not self._closed:
            self._more = anyio.Event()
            await self._more.wait()
        taken: list[bytes] = []
        size = 0
        while self._parts and size < self._TAKEN:
            taken.append(self._parts.popleft())
            size += len(taken[-1])
        self._size -= size
        self._room.set()
        return b"".join(taken)

    def close(self) -> None:
        """Nothing more will be added."""
        self._closed = True
        self._more.set()
