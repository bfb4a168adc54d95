"""Orders and other rows that the benchmarks of payloads write, and what their peers encode.

An order has eight mixed fields, one of them an object, and about 200 bytes of JSON.
"""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastcore import Field

__all__ = ["ARTICLE", "ORDER", "PAGE", "order_columns", "order_dicts", "rows_of"]

ORDER: dict[str, Any] = {
    "id": int,
    "uuid": str,
    "amount": float,
    "currency": str,
    "ts": str,
    "paid": bool,
    "note": str | None,
    "loc": {"lat": float, "lon": float},
}
NOTES = (
    None,
    "leave at the door",
    "Öffnen bis 18 Uhr – „bitte“",
    'two\nlines, a "quote", a \\ and a tab\t',
    "配達は午後に",
    None,
    "birthday \U0001f382 card",
    "third floor, knock loudly",
)
ARTICLE: dict[str, Any] = {"id": int, "data": Field(constant="x" * 1024), "timestamp": Field(float, now=True)}
PAGE: dict[str, Any] = {"total": 123_456, "page": 3, "next": "/orders?page=4"}


def order_columns(count: int, seed: int = 1) -> dict[str, list[Any]]:
    """Orders as lists, the members of the object under dotted names."""
    source = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    span = 300 * 86_400 * 10**6
    return {
        "id": [10**6 + 7 * index for index in range(count)],
        "uuid": [str(UUID(int=source.getrandbits(128))) for _ in range(count)],
        "amount": [source.randrange(1, 10**7) / 100 for _ in range(count)],
        "currency": [source.choice(("EUR", "USD", "CHF", "JPY")) for _ in range(count)],
        "ts": [(start + timedelta(microseconds=source.randrange(span))).isoformat() for _ in range(count)],
        "paid": [source.random() < 0.7 for _ in range(count)],
        "note": [source.choice(NOTES) for _ in range(count)],
        "loc.lat": [round(source.uniform(-90, 90), 6) for _ in range(count)],
        "loc.lon": [round(source.uniform(-180, 180), 6) for _ in range(count)],
    }


def rows_of(columns: dict[str, list[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*columns.values(), strict=True))


def order_dicts(rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
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
