"""The orders of ``fastcore.lab.workloads.payloads`` as arrays, structs and frames; other rows; floats.

All deterministic by seed.
"""

import math
import random
import struct

from fastcore.lab.workloads.payloads import ARTICLE, ORDER, PAGE, order_columns, order_dicts, rows_of

try:
    import msgspec
except ImportError:  # it does not exist for PyPy
    msgspec = None

__all__ = [
    "ARTICLE",
    "ORDER",
    "PAGE",
    "arrays_of",
    "dict_maker",
    "floats",
    "long_strings",
    "order_columns",
    "order_dicts",
    "order_frame",
    "rows_of",
    "wide",
]


def arrays_of(columns):
    """Numbers and bools as numpy arrays, text as it is."""
    import numpy as np

    return {
        name: np.array(column) if name in ("id", "amount", "paid", "loc.lat", "loc.lon") else column
        for name, column in columns.items()
    }


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
