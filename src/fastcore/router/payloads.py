"""``/payloads/{count}``: rows of a kilobyte each, whole, by the page, or as a stream of lines."""

from collections.abc import Callable
from typing import Any

from fastcore import _backend
from fastcore.payloads import Field, PayloadBuilder

from .exchange import JSON, NDJSON, Call, Operation, Reply, Work
from .parameters import Integer
from .settings import RouterSettings

__all__ = ["operations", "warm_up"]

_SCHEMA = {"id": int, "data": Field(constant="x" * 1024), "timestamp": Field(float, now=True)}
# without the kilobyte in each document of the API
_DOCUMENTED = {"id": int, "data": str, "timestamp": float}
_ROW_BYTES = 1_080
# estimated seconds per row, on the high side of what was measured
_ROW_SECONDS = {"cython": 5e-7, "python": 4e-6}
_FRESH = ((b"cache-control", b"no-store"),)


class _Payloads:
    def __init__(self, settings: RouterSettings, backend: str | None) -> None:
        self.settings = settings
        self.row_seconds = _ROW_SECONDS[_backend.resolve(backend)]
        self.builder = PayloadBuilder(_SCHEMA, backend=backend)
        self.count = Integer("count", "path", 1, settings.max_payload_count, "how many items the payload has")
        self.rows = Integer("count", "path", 1, settings.max_stream_count, "how many rows to stream")
        self.skip = Integer("skip", "query", 0, settings.max_payload_count, "leave out this many items", 0)
        self.limit = Integer(
            "limit",
            "query",
            1,
            settings.max_page_limit,
            "most items in the answer; without it, all that are left after `skip`",
        )

    def page(self, call: Call) -> Work:
        count = self.count.read(call)
        skip = self.skip.read(call)
        limit = self.limit.read(call)
        assert count is not None
        assert skip is not None
        stop = count if limit is None else min(count, skip + limit)
        return Work((stop - skip) * self.row_seconds, self._page, (count, skip, stop))

    def _page(self, count: int, start: int, stop: int) -> Reply:
        items = self.builder.build_columns({"id": range(start, stop)})
        return Reply(b'{"items":%b,"count":%d}' % (items, count), headers=_FRESH)

    def stream(self, call: Call) -> Reply:
        count = self.rows.read(call)
        assert count is not None
        size = self.settings.stream_chunk_bytes
        chunks = self.builder.stream_columns({"id": range(count)}, chunk_bytes=size, lines=True)
        seconds = min(count, 1 + size // _ROW_BYTES) * self.row_seconds
        return Reply(iter(chunks), media_type=NDJSON, headers=_FRESH, chunk_seconds=seconds)


def operations(settings: RouterSettings, backend: str | None) -> list[Operation]:
    """The rows of this family in the router's table."""
    payloads = _Payloads(settings, backend)
    items = PayloadBuilder(_DOCUMENTED, backend=backend).json_schema()
    row = items.get("items", items)
    return [
        Operation(
            name="payload",
            method="GET",
            path="/payloads/{count}",
            handler=payloads.page,
            summary="A payload of many items",
            description="`count` items of a kilobyte each; `skip` and `limit` give a page of them.",
            answers={200: {"description": "The items, and their number in all.", "content": _content(row)}},
            problems=("invalid-parameter", "limit-exceeded", "busy"),
            parameters=tuple(each.describe() for each in (payloads.count, payloads.skip, payloads.limit)),
            hot=True,
        ),
        Operation(
            name="stream_payload",
            method="GET",
            path="/payloads/{count}/stream",
            handler=payloads.stream,
            summary="A payload as a stream of lines",
            description="`count` rows, a JSON object in each line, in chunks of bounded size.",
            answers={200: {"description": "A row in each line.", "content": _lines(row)}},
            problems=("invalid-parameter", "limit-exceeded", "busy"),
            parameters=(payloads.rows.describe(),),
        ),
    ]


def _lines(row: dict[str, Any]) -> dict[str, Any]:
    example = '{"id":0,"data":"xxxxxxxx","timestamp":1790000000.25}\n'
    return {NDJSON: {"schema": row, "example": example}}


def _content(row: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "title": "Payload",
        "type": "object",
        "required": ["items", "count"],
        "properties": {
            "items": {"type": "array", "items": row},
            "count": {"type": "integer", "minimum": 1, "description": "items in all, not only in this page"},
        },
    }
    example = {"items": [{"id": 0, "data": "x" * 8, "timestamp": 1_790_000_000.25}], "count": 1}
    return {JSON: {"schema": schema, "example": example}}


def warm_up(backend: str | None) -> Callable[[], object]:
    """What /ready runs once before it says so."""
    builder = PayloadBuilder(_SCHEMA, backend=backend)
    return lambda: builder.build_columns({"id": range(10)})
