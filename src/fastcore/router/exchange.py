"""What a handler takes and gives. Nothing here or in a handler knows how it is mounted.

A handler is a function from a `Call` to a `Reply`, or to a `Work` that gives one. It checks what was asked
and estimates the cost at once; whoever mounts it decides where the work is then done.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["JSON", "JSONL", "NDJSON", "Call", "Handler", "Operation", "Reply", "Work"]

JSON = "application/json"
NDJSON = "application/x-ndjson"
JSONL = "application/jsonl"


@dataclass(frozen=True, slots=True)
class Call:
    """A request after routing: raw parameters, header fields by lower-case name, and the body."""

    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: bytes, or chunks of bytes that take at most `chunk_seconds` each to make, estimated."""

    body: bytes | Iterator[bytes]
    status: int = 200
    media_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    chunk_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """Work that is still to be done: an estimate in seconds, and the function that does it."""

    seconds: float
    run: Callable[[], Reply]


Handler = Callable[[Call], Reply | Work]


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
        max_bytes: the most that is read of a body.
        guarded: whether the dependencies for updates stand before it.
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
    max_bytes: int = 0
    guarded: bool = False
