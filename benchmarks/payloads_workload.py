"""Rows and columns that the benchmarks of payloads write, and what peers build from them before they encode.

Orders of eight mixed fields, one of them an object, about 200 bytes of JSON each; rows of other shapes;
floats of several kinds. All deterministic by seed.
"""

import math
import random
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastcore import Field

try:
    import msgspec
except ImportError:  # it does not exist for PyPy
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
ARTICLE = {"id": int, "data": Field(constant="x" * 1024), "timestamp": Field(float, now=True)}
PAGE = {"total": 123_456, "page": 3, "next": "/orders?page=4"}


def order_columns(count, seed=1):
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


def rows_of(columns):
    return list(zip(*columns.values(), strict=True))


def arrays_of(columns):
    """Numbers and bools as numpy arrays, text as it is."""
    import numpy as np

    return {
        name: np.array(column) if name in ("id", "amount", "paid", "loc.lat", "loc.lon") else column
        for name, column in columns.items()
    }


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


if msgspec is not None:

    class Place(msgspec.Struct, gc=False):
        lat: float
        lon: float

    class Order(msgspec.Struct, gc=False):
        id: int
        uuid: str
        amount: float
        currency: str
        ts: str
        paid: bool
        note: str | None
        loc: Place


def order_structs(rows):
    return [Order(a, b, c, d, e, f, g, Place(h, i)) for a, b, c, d, e, f, g, h, i in rows]


def order_frame(columns):
    """The orders as a polars frame of the same JSON."""
    import polars as pl

    flat = pl.DataFrame(columns)
    place = pl.struct(lat="loc.lat", lon="loc.lon").alias("loc")
    return flat.select(*[name for name in columns if "." not in name], place)


# --- rows of other shapes -----------------------------------------------------------------------------------


def wide(count, seed=1):
    """By name: a schema, rows as tuples, and the expression that makes a dict of a row."""
    source = random.Random(seed)
    words = ("alpha", "beta gamma", "Straße", "delta-epsilon-zeta", 'a "b"', "")

    def text():
        return f"{source.choice(words)}{source.randrange(10_000)}"

    def maybe(value):
        return None if source.random() < 0.3 else value

    makers = {
        "20 ints": (dict.fromkeys(names("n", 20), int), lambda: source.randrange(-(10**9), 10**9)),
        "20 floats": (dict.fromkeys(names("x", 20), float), lambda: source.randrange(10**7) / 100),
        "12 strings": (dict.fromkeys(names("s", 12), str), text),
    }
    found = {
        name: (schema, [tuple(make() for _ in schema) for _ in range(count)])
        for name, (schema, make) in makers.items()
    }
    optional = {f"o{index}": (int, str, float, bool)[index % 4] | None for index in range(16)}
    found["16 optional"] = (
        optional,
        [
            tuple(
                maybe((source.randrange(1000), text(), source.random(), True)[index % 4])
                for index in range(16)
            )
            for _ in range(count)
        ],
    )
    nested = {"id": int, "tags": list[str], "path": list[list[float]], "counts": list[int]}
    found["nested lists"] = (
        nested,
        [
            (
                index,
                source.sample(words, 3),
                [[round(source.uniform(-180, 180), 6) for _ in range(2)] for _ in range(5)],
                [source.randrange(1000) for _ in range(10)],
            )
            for index in range(count)
        ],
    )
    return found


def names(letter, count):
    return [f"{letter}{index}" for index in range(count)]


def dict_maker(schema):
    """A function from rows to dicts as a service would write it: one display, no loop over names."""
    variables = [f"v{index}" for index in range(len(schema))]
    members = ", ".join(f"{name!r}: {variable}" for name, variable in zip(schema, variables, strict=True))
    scope = {}
    exec(f"def make(rows): return [{{{members}}} for {', '.join(variables)}, in rows]", scope)
    return scope["make"]


# --- single values ------------------------------------------------------------------------------------------


def floats(count, seed=1):
    source = random.Random(seed)
    bits = [struct.unpack("<d", source.randbytes(8))[0] for _ in range(count)]
    return {
        "money": [source.randrange(1, 10**7) / 100 for _ in range(count)],
        "six decimals": [round(source.uniform(-180, 180), 6) for _ in range(count)],
        "random bits": [value if math.isfinite(value) else 1.5 for value in bits],
        "clock": [1.7e9 + source.uniform(0, 1e7) for _ in range(count)],
    }


def long_strings(count, seed=1):
    """A kilobyte of ASCII each, without anything to escape."""
    source = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .,;:-"
    return ["".join(source.choices(letters, k=1024)) for _ in range(count)]
