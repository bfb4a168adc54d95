"""Rows and columns to JSON bytes, with the peers that a service would use instead.

Each group is one job that starts from the same rows: a peer's time includes building the objects that it
encodes, as in a service. What was written is compared after the time was taken. Run with::

    pytest benchmarks/bench_payloads.py --benchmark-group-by=group
"""

import time

import pytest

from fastcore import PayloadBuilder
from fastcore.lab.suites.bench_payloads import *  # noqa: F403
from fastcore.lab.suites.bench_payloads import (
    ARTICLES,
    COLUMNS,
    FIFTY,
    ITEMS,
    LINES,
    LISTS,
    ROWS,
    TUPLES,
    items,
    rows_in,
)
from fastcore.lab.workloads.payloads import ORDER, PAGE, order_dicts

ENCODED = "dicts, then encoded"


@pytest.fixture(params=["orjson", "msgspec"])
def peer(request):
    """A name and its function from objects to bytes."""
    module = pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return request.param, module.dumps if request.param == "orjson" else module.json.Encoder().encode


def test_tuples_peer(measure, peer):
    by, dumps = peer
    data = measure(lambda: dumps(order_dicts(ROWS)), by=by, algorithm=ENCODED, **TUPLES)
    assert TUPLES["normal"](data) == order_dicts(ROWS)


def test_columns_peer(measure, peer):
    by, dumps = peer

    def build():
        return dumps(order_dicts(zip(*COLUMNS.values(), strict=True)))

    data = measure(build, by=by, algorithm=ENCODED, **LISTS)
    assert LISTS["normal"](data) == order_dicts(ROWS)


def test_lines_peer(measure, peer):
    by, dumps = peer

    def build():
        return [dumps(row) + b"\n" for row in order_dicts(ROWS)]

    assert rows_in(measure(build, by=by, algorithm=ENCODED, **LINES)) == order_dicts(ROWS)


def test_article_peer(measure, peer):
    by, dumps = peer

    def build():
        return dumps([{"id": i, "data": "x" * 1024, "timestamp": time.time()} for i in range(ITEMS)])

    data = measure(build, by=by, algorithm=ENCODED, **ARTICLES)
    assert items(data) == [(index, "x" * 1024) for index in range(ITEMS)]


def test_page_peer(measure, peer):
    by, dumps = peer
    data = measure(
        lambda: dumps({"items": order_dicts(ROWS[:50]), **PAGE}), by=by, algorithm=ENCODED, **FIFTY
    )
    assert FIFTY["normal"](data) == {"items": order_dicts(ROWS[:50]), **PAGE}


def test_page_of_built_rows(measure, backend):
    builder = PayloadBuilder(ORDER, backend=backend)
    built = builder.build(ROWS[:50])
    data = measure(lambda: builder.page(built, **PAGE), algorithm="bytes that were built before", **FIFTY)
    assert FIFTY["normal"](data) == {"items": order_dicts(ROWS[:50]), **PAGE}
