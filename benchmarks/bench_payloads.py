"""Rows and columns to JSON bytes, with the peers that a service would use instead.

Each group is one job that starts from the same rows: a peer's time includes building the objects that it
encodes, as in a service. What was written is compared after the time was taken. Run with::

    pytest benchmarks/bench_payloads.py --benchmark-group-by=group
"""

import json
import time

import pytest
from payloads_workload import ARTICLE, ORDER, PAGE, order_columns, order_dicts, rows_of

from fastcore import PayloadBuilder, _backend

try:
    import orjson
except ImportError:  # it does not exist for PyPy
    orjson = None
try:
    import msgspec
except ImportError:
    msgspec = None

COLUMNS = order_columns(10_000)
ROWS = rows_of(COLUMNS)


def json_dumps(value):
    return json.dumps(value).encode()


PEERS = [pytest.param(json_dumps, id="json")]
if orjson is not None:
    PEERS.append(pytest.param(orjson.dumps, id="orjson"))
if msgspec is not None:
    PEERS.append(pytest.param(msgspec.json.Encoder().encode, id="msgspec"))


def has_extension():
    try:
        _backend.load_extension()
    except ImportError:
        return False
    return True


BACKENDS = [
    pytest.param(name, id=f"fastcore-{name}")
    for name in _backend.NAMES
    if name == "python" or has_extension()
]


# ------------------------------------------------------------------------------------------------- orders


@pytest.mark.benchmark(group="10,000 orders from tuples")
@pytest.mark.parametrize("dumps", PEERS)
def test_orders_peer(benchmark, dumps):
    data = benchmark(lambda: dumps(order_dicts(ROWS)))
    assert json.loads(data) == order_dicts(ROWS)


@pytest.mark.benchmark(group="10,000 orders from tuples")
@pytest.mark.parametrize("backend", BACKENDS)
def test_orders(benchmark, backend):
    data = benchmark(PayloadBuilder(ORDER, backend=backend).build, ROWS)
    assert json.loads(data) == order_dicts(ROWS)


@pytest.mark.benchmark(group="10,000 orders from columns")
@pytest.mark.parametrize("dumps", PEERS)
def test_order_columns_peer(benchmark, dumps):
    data = benchmark(lambda: dumps(order_dicts(zip(*COLUMNS.values(), strict=True))))
    assert json.loads(data) == order_dicts(ROWS)


@pytest.mark.benchmark(group="10,000 orders from columns")
@pytest.mark.parametrize("backend", BACKENDS)
def test_order_columns(benchmark, backend):
    data = benchmark(PayloadBuilder(ORDER, backend=backend).build_columns, COLUMNS)
    assert json.loads(data) == order_dicts(ROWS)


# ------------------------------------------------------------------------------------------------ article


def check_article(data, started):
    items = json.loads(data)
    assert [item["id"] for item in items] == list(range(1000))
    assert {item["data"] for item in items} == {"x" * 1024}
    assert all(started <= item["timestamp"] <= time.time() for item in items)


@pytest.mark.benchmark(group="1,000 items of {id, data: 1 KB, timestamp: now}")
@pytest.mark.parametrize("dumps", PEERS)
def test_article_peer(benchmark, dumps):
    started = time.time()
    data = benchmark(
        lambda: dumps([{"id": index, "data": "x" * 1024, "timestamp": time.time()} for index in range(1000)])
    )
    check_article(data, started)


@pytest.mark.benchmark(group="1,000 items of {id, data: 1 KB, timestamp: now}")
@pytest.mark.parametrize("backend", BACKENDS)
def test_article(benchmark, backend):
    builder = PayloadBuilder(ARTICLE, backend=backend)
    started = time.time()
    data = benchmark(builder.build_columns, {"id": range(1000)})
    check_article(data, started)


# ------------------------------------------------------------------------------------------------- stream


@pytest.mark.benchmark(group="10,000 orders as NDJSON")
@pytest.mark.parametrize("dumps", PEERS)
def test_lines_peer(benchmark, dumps):
    size = benchmark(lambda: sum(len(dumps(row)) + 1 for row in order_dicts(ROWS)))
    assert size == sum(len(dumps(row)) + 1 for row in order_dicts(ROWS))


@pytest.mark.benchmark(group="10,000 orders as NDJSON")
@pytest.mark.parametrize("backend", BACKENDS)
def test_lines(benchmark, backend):
    builder = PayloadBuilder(ORDER, backend=backend)
    size = benchmark(lambda: sum(map(len, builder.stream(ROWS, lines=True))))
    assert size == len(builder.build(ROWS, lines=True))


# --------------------------------------------------------------------------------------------------- page


@pytest.mark.benchmark(group="a page of 50 orders")
@pytest.mark.parametrize("dumps", PEERS)
def test_page_peer(benchmark, dumps):
    data = benchmark(lambda: dumps({"items": order_dicts(ROWS[:50]), **PAGE}))
    assert json.loads(data) == {"items": order_dicts(ROWS[:50]), **PAGE}


@pytest.mark.benchmark(group="a page of 50 orders")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("cached", [False, True], ids=["rows", "built"])
def test_page(benchmark, backend, cached):
    builder = PayloadBuilder(ORDER, backend=backend)
    items = builder.build(ROWS[:50]) if cached else ROWS[:50]
    data = benchmark(lambda: builder.page(items, **PAGE))
    assert json.loads(data) == {"items": order_dicts(ROWS[:50]), **PAGE}
