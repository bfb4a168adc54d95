"""What a handler takes and gives. Nothing here or in a handler knows how it is mounted.

A handler is a function from a `Call` to a `Reply`, or to a `Work` that gives one. It checks what was asked
and estimates the cost at once. What is short for certain it does at once too; else whoever mounts it decides
where the work is done.

The three small classes are made for every request, so they are slotted and not frozen, which would make them
several times as slow to make; nobody changes one.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conversation import Conversation
    from .problems import Problem

__all__ = [
    "JSON",
    "JSONL",
    "NDJSON",
    "Answer",
    "Call",
    "Dialogue",
    "Fields",
    "Handler",
    "Operation",
    "Reply",
    "Work",
    "raw_headers",
]

JSON = "application/json"
NDJSON = "application/x-ndjson"
JSONL = "application/jsonl"

Fields = tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True, eq=False)
class Call:
    """A request after routing: raw parameters, header fields as ASGI has them, and the body."""

    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Iterable[tuple[bytes, bytes]] = ()
    body: bytes = b""
    media_type: str = ""

    def header(self, name: bytes) -> str | None:
        """The first header field of this lower-case name."""
        for given, value in self.headers:
            if given == name:
                return value.decode("latin-1")
        return None


@dataclass(slots=True, eq=False)
class Reply:
    """A response: bytes, or chunks of bytes that take at most `chunk_seconds` each to make, estimated."""

    body: "bytes | Iterator[bytes] | AsyncIterator[bytes] | Conversation"
    status: int = 200
    media_type: str = JSON
    headers: Fields = ()
    chunk_seconds: float = 0.0


@dataclass(slots=True, eq=False)
class Work:
    """Work that is still to be done: an estimate in seconds, the function that does it, its arguments."""

    seconds: float
    run: "Callable[..., Reply | Dialogue]"
    arguments: tuple[Any, ...] = ()


class Dialogue(ABC):
    """An answer that is made while its request arrives.

    It is told of the body piece by piece, and asked for what it has to say whenever it has something: then
    `step`, in some thread, does some milliseconds of the work. One method is called at a time.
    """

    media_type: str

    @abstractmethod
    def feed(self, data: bytes) -> None:
        """The next piece of the body, of which little is worked on here.

        Raises:
            Problem: the dialogue is over; what is waiting may still be answered.
        """

    @abstractmethod
    def end(self) -> None:
        """The body has ended; errors as `feed`."""

    @property
    @abstractmethod
    def waiting(self) -> int:
        """How much waits to be worked on, in bytes; 0 for nothing."""

    @abstractmethod
    def seconds(self) -> float:
        """Estimated time for what waits."""

    @abstractmethod
    def step(self) -> bytes:
        """A part of the answer, for some of what waits."""

    @abstractmethod
    def closing(self) -> bytes:
        """The last part, when nothing waits."""

    @abstractmethod
    def broken_off(self, problem: "Problem") -> bytes:
        """The last part of an answer that goes no further, by which the client sees that and why."""


Answer = Reply | Work | Dialogue
Handler = Callable[[Call], Answer]


def raw_headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    """The header fields of an answer, with length and type, as ASGI has them; a new list."""
    if reply.status == 304:
        return [*reply.headers]
    media_type = reply.media_type
    content_type = _JSON_TYPE if media_type is JSON else (b"content-type", media_type.encode())
    body = reply.body
    if isinstance(body, bytes):
        return [*reply.headers, (b"content-length", b"%d" % len(body)), content_type]
    return [*reply.headers, content_type]


_JSON_TYPE = (b"content-type", JSON.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row of the router's table.

    Attributes:
        name: its operation id, without the prefix.
        method: HTTP method.
        path: relative to where the router is included.
        handler: what answers it.
        summary: a line for the API documentation.
        description: what is worth knowing beyond it.
        answers: documented answers without the problems: status → OpenAPI response object.
        problems: codes of the problems that it can answer.
        parameters: OpenAPI parameter objects, of path, query and header.
        accepts: media type → JSON Schema of the body; empty where no body is read.
        max_bytes: the most that is read of a body, None for any number.
        dialogue: whether its handler gives a `Dialogue`.
        guarded: whether the dependencies for updates stand before it.
        hot: whether the fast lane may answer it: its path has one parameter, its answer is bytes.
    """

    name: str
    method: str
    path: str
    handler: Handler
    summary: str
    description: str
    answers: Mapping[int | str, dict[str, Any]]
    problems: tuple[str, ...] = ()
    parameters: tuple[dict[str, Any], ...] = ()
    accepts: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    max_bytes: int | None = 0
    dialogue: bool = False
    guarded: bool = False
    hot: bool = False
