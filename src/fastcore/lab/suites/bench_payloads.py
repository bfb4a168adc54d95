"""Rows and columns to JSON bytes, beside making dicts of them and `json.dumps`.

Inside: for fastcore building the bytes; for plain Python making the dicts and encoding them, as a service has
to do both. Making rows, columns and builders is outside. What was written is compared after parsing.
"""

import json
import time
from typing import Any

from fastcore import PayloadBuilder
from fastcore.lab.plugin import Measure
from fastcore.lab.workloads.payloads import ARTICLE, ORDER, PAGE, order_columns, order_dicts, rows_of

COLUMNS = order_columns(10_000)
ROWS = rows_of(COLUMNS)
ITEMS = 1000

ORDERS: dict[str, Any] = {"work": "10,000 orders", "unit": "row", "units": len(ROWS), "normal": json.loads}
TUPLES: dict[str, Any] = ORDERS | {"group": "10,000 orders from tuples"}
LISTS: dict[str, Any] = ORDERS | {"group": "10,000 orders from columns"}
FIFTY: dict[str, Any] = {
    "group": "a page of 50 orders",
    "work": "a page of 50 orders",
    "unit": "row",
    "units": 50,
    "normal": json.loads,
}
OURS: dict[str, Any] = {"algorithm": "by schema"}
PLAIN: dict[str, Any] = {"algorithm": "dicts, then encoded", "by": "json"}


def dumps(value: object) -> bytes:
    return json.dumps(value).encode()


def test_tuples(measure: Measure, backend: str) -> None:
    data = measure(PayloadBuilder(ORDER, backend=backend).build, ROWS, **TUPLES, **OURS)
    assert json.loads(data) == order_dicts(ROWS)


def test_tuples_plain(measure: Measure) -> None:
    data = measure(lambda: dumps(order_dicts(ROWS)), **TUPLES, **PLAIN)
    assert json.loads(data) == order_dicts(ROWS)


def test_columns(measure: Measure, backend: str) -> None:
    data = measure(PayloadBuilder(ORDER, backend=backend).build_columns, COLUMNS, **LISTS, **OURS)
    assert json.loads(data) == order_dicts(ROWS)


def test_columns_plain(measure: Measure) -> None:
    data = measure(lambda: dumps(order_dicts(zip(*COLUMNS.values(), strict=True))), **LISTS, **PLAIN)
    assert json.loads(data) == order_dicts(ROWS)


def rows_in(chunks: list[bytes]) -> list[Any]:
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


LINES: dict[str, Any] = ORDERS | {"group": "10,000 orders as NDJSON", "normal": rows_in}


def test_lines(measure: Measure, backend: str) -> None:
    builder = PayloadBuilder(ORDER, backend=backend)
    chunks = measure(lambda: list(builder.stream(ROWS, lines=True)), **LINES, **OURS)
    assert rows_in(chunks) == order_dicts(ROWS)


def test_lines_plain(measure: Measure) -> None:
    chunks = measure(lambda: [dumps(row) + b"\n" for row in order_dicts(ROWS)], **LINES, **PLAIN)
    assert rows_in(chunks) == order_dicts(ROWS)


def items(data: bytes) -> list[Any]:
    """What is the same in every call: all but the time."""
    return [(item["id"], item["data"]) for item in json.loads(data)]


ARTICLES: dict[str, Any] = {
    "group": "1,000 items of {id, data: 1 KB, timestamp: now}",
    "work": "1,000 items",
    "unit": "row",
    "units": ITEMS,
    "normal": items,
}


def test_article(measure: Measure, backend: str) -> None:
    builder = PayloadBuilder(ARTICLE, backend=backend)
    data = measure(builder.build_columns, {"id": range(ITEMS)}, **ARTICLES, **OURS)
    assert items(data) == [(index, "x" * 1024) for index in range(ITEMS)]


def test_article_plain(measure: Measure) -> None:
    def build() -> bytes:
        return dumps([{"id": i, "data": "x" * 1024, "timestamp": time.time()} for i in range(ITEMS)])

    data = measure(build, **ARTICLES, **PLAIN)
    assert items(data) == [(index, "x" * 1024) for index in range(ITEMS)]


def test_page(measure: Measure, backend: str) -> None:
    builder = PayloadBuilder(ORDER, backend=backend)
    data = measure(lambda: builder.page(ROWS[:50], **PAGE), **FIFTY, **OURS)
    assert json.loads(data) == {"items": order_dicts(ROWS[:50]), **PAGE}


def test_page_plain(measure: Measure) -> None:
    data = measure(lambda: dumps({"items": order_dicts(ROWS[:50]), **PAGE}), **FIFTY, **PLAIN)
    assert json.loads(data) == {"items": order_dicts(ROWS[:50]), **PAGE}
