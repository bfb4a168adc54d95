"""Rows and columns to JSON bytes, with the peers that a service would use instead.

Each group is one job that starts from the same rows: a peer's time includes building the objects that it
encodes, as in a service. What was written is compared after the time was taken. Run with::

    pytest benchmarks/bench_payloads.py --benchmark-group-by=group
"""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from fastcore import Field, PayloadBuilder, _backend

try:
    import orjson
except ImportError:  # it does not exist for PyPy
    orjson = None
try:
    import msgspec
except ImportError:
    msgspec = None

ORDER = {
    "id": int,
    "uuid": str,
    "amount": float,
    "currency": str,
    "ts": str,
    "paid": bool,
    "note": str | None,
    "loc": {"lat": float, "lon": float},
}
NOTES = (None, "call back on Monday", "Zürich, größere Menge", 'says "urgent"', "")


def order_columns(count, seed=1):
    """Synthetic orders, deterministic: about 200 bytes of JSON each."""
    source = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "id": [1_000_000 + 7 * index for index in range(count)],
        "uuid": [str(UUID(int=source.getrandbits(128))) for _ in range(count)],
        "amount": [source.randrange(1, 10**7) / 100 for _ in range(count)],
        "currency": [source.choice(("EUR", "USD", "CHF", "JPY")) for _ in range(count)],
        "ts": [(start + timedelta(microseconds=source.randrange(10**13))).isoformat() for _ in range(count)],
        "paid": [source.random() < 0.7 for _ in range(count)],
        "note": [source.choice(NOTES) for _ in range(count)],
        "loc.lat": [round(source.uniform(-90, 90), 6) for _ in range(count)],
        "loc.lon": [round(source.uniform(-180, 180), 6) for _ in range(count)],
    }


COLUMNS = order_columns(10_000)
ROWS = list(zip(*COLUMNS.values(), strict=True))


def order_dicts(rows):
    return [
        {
            "id": a,
            "uuid": b,
            "amount": c,
            "currency": d,
            "ts": e,
            "paid": f,
            "note": g,
            "loc": {"lat": h, "lon": i},
        }
        for a, b, c, d, e, f, g, h, i in rows
    ]


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

ARTICLE = {"id": int, "data": str, "timestamp": Field(float, now=True)}


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
    data = benchmark(lambda: builder.build((index, "x" * 1024) for index in range(1000)))
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

PAGE = {"total": 123_456, "page": 3, "next": "/orders?page=4"}


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
