"""Two hundred rules of an operations centre, written by a program: ``python -m examples.flights.operations``.

A centre has few ideas and many cases of each: every carrier with the delay that its passengers bear, every
route into a hub, every hour of the day, every month at every airport. Prints and runs the command that
decides on all flights by them.
"""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastcore.cli import main

from .data import csv_file

__all__ = ["document"]

RULES = Path("build") / "flights-operations.json"
DECISIONS = Path("build") / "flights-operations.ndjson"

ORIGINS = ["EWR", "JFK", "LGA"]
CARRIERS = {
    "regional": ["9E", "EV", "MQ", "OO", "YV"],
    "low cost": ["B6", "F9", "FL", "VX", "WN"],
    "network": ["AA", "AS", "DL", "HA", "UA", "US"],
}
PATIENCE = {"regional": 30, "low cost": 45, "network": 40}
HUBS = ["ATL", "CLT", "DEN", "DFW", "DTW", "IAD", "IAH", "MSP", "ORD", "PHL", "PHX", "SFO"]
BUSY = ["BOS", "LAX", "MCO", "MIA", "FLL", "DCA", "RDU", "TPA", "BNA", "SJU"]
BUSY += ["PBI", "CLE", "LAS", "STL", "BUF", "SEA", "MKE", "SAN", "JAX", "RSW"]
BANDS = [
    (0, 250),
    (250, 500),
    (500, 750),
    (750, 1000),
    (1000, 1500),
    (1500, 2000),
    (2000, 3000),
    (3000, 6000),
]
HOLIDAYS = [(1, 1, 2), (2, 15, 18), (3, 28, 31), (5, 24, 27), (7, 3, 7), (8, 30, 31), (9, 1, 3), (10, 11, 14)]
HOLIDAYS += [(11, 27, 30), (12, 20, 31)]
PARTS = {"morning": (500, 959), "midday": (1000, 1359), "afternoon": (1400, 1759), "evening": (1800, 2359)}
LATE_MONTHS = (6, 7, 12)

Condition = dict[str, Any]


def field(name: str) -> Condition:
    return {"var": name}


def late(name: str, minutes: int) -> Condition:
    return {">=": [field(name), minutes]}


def both(*conditions: Condition) -> Condition:
    return {"and": list(conditions)}


def document() -> dict[str, Any]:
    """The ruleset; the same in every run."""
    groups = [carriers(), hubs(), destinations(), hours(), seasons(), bands(), cancellations()]
    groups += [feeders(), holidays(), early(), recoveries()]
    rules = [
        {"id": name, "score": score, "when": when, "tags": [name.partition(":")[0]]}
        for group in groups
        for name, score, when in group
    ]
    return {
        "name": "flights-operations",
        "description": "Irregular operations among the departures from New York in 2013, case by case.",
        "lists": {"regional": CARRIERS["regional"], "hubs": HUBS},
        "decisions": [
            {"at_least": 60, "action": "critical"},
            {"at_least": 40, "action": "disrupted"},
            {"at_least": 15, "action": "watch"},
        ],
        "default_action": "normal",
        "rules": rules,
    }


Rules = Iterator[tuple[str, int, Condition]]


def carriers() -> Rules:
    """What the passengers of a carrier bear, at the gate and at the other end."""
    for kind, codes in CARRIERS.items():
        for code in codes:
            own = {"==": [field("carrier"), code]}
            yield f"carrier:{code} leaves late", 8, both(own, late("dep_delay", PATIENCE[kind]))
            yield f"carrier:{code} arrives late", 10, both(own, late("arr_delay", PATIENCE[kind] + 15))


def hubs() -> Rules:
    """Connections are missed; the more frequent the route, the sooner others leave."""
    for origin in ORIGINS:
        for rank, hub in enumerate(HUBS):
            route = both({"==": [field("origin"), origin]}, {"==": [field("dest"), hub]})
            yield f"hub:{origin} to {hub} misses connections", 12, both(route, late("arr_delay", 40 + rank))


def destinations() -> Rules:
    for rank, airport in enumerate(BUSY):
        heard = {"or": [late("arr_delay", 60 + 2 * rank), late("dep_delay", 75 + rank)]}
        yield f"destination:{airport} complains", 9, both({"==": [field("dest"), airport]}, heard)


def hours() -> Rules:
    """A delay early in the day is carried through all of it."""
    for hour in range(5, 24):
        yield (
            f"hour:{hour:02d} slips",
            6,
            both({"==": [field("hour"), hour]}, late("dep_delay", 15 + 3 * hour)),
        )


def seasons() -> Rules:
    for origin in ORIGINS:
        for month in range(1, 13):
            normal = 60 if month in LATE_MONTHS else 45
            place = both({"==": [field("origin"), origin]}, {"==": [field("month"), month]})
            yield f"season:{origin} in month {month}", 5, both(place, late("dep_delay", normal))


def bands() -> Rules:
    """Time lost in the air, and speed that is far from what the distance allows."""
    for low, high in BANDS:
        band = {"between": [field("distance"), low, high - 1]}
        lost = {">": [{"-": [field("arr_delay"), field("dep_delay")]}, 20 + high // 100]}
        slow = {"<": [{"/": [field("distance"), field("air_time")]}, 4 + min(high, 2000) / 800]}
        yield f"band:{low} miles lose time", 7, both(band, lost)
        yield f"band:{low} miles are slow", 4, both(band, slow)


def cancellations() -> Rules:
    for origin in ORIGINS:
        for part, (start, end) in PARTS.items():
            planned = {"<=": [start, field("sched_dep_time"), end]}
            gone = both({"missing": ["dep_time"]}, {"==": [field("origin"), origin]}, planned)
            yield f"cancelled:{origin} in the {part}", 60, gone


def feeders() -> Rules:
    for origin in ORIGINS:
        for low, high in BANDS[:3]:
            small = both({"in": [field("carrier"), {"list": "regional"}]}, {"==": [field("origin"), origin]})
            hop = both(
                {"<=": [low, field("distance"), high - 1]}, {"!": [{"in": [field("dest"), {"list": "hubs"}]}]}
            )
            yield f"feeder:{origin} up to {high} miles", 6, both(small, hop, late("arr_delay", 35))


def holidays() -> Rules:
    for month, first, last in HOLIDAYS:
        when = both({"==": [field("month"), month]}, {"between": [field("day"), first, last]})
        yield f"holiday:{month}-{first}", 8, both(when, late("dep_delay", 30))


def early() -> Rules:
    """Those who come in time are left behind."""
    for minutes, start in ((10, 500), (12, 900), (15, 1200), (15, 1600), (20, 2000)):
        part = {"<=": [start, field("sched_dep_time"), start + 359]}
        yield f"early:{minutes} minutes from {start}", 3, both(part, {"<=": [field("dep_delay"), -minutes]})


def recoveries() -> Rules:
    """Made up on the way, which takes points off."""
    for minutes in (10, 20, 30, 45, 60):
        made_up = {">=": [{"-": [field("dep_delay"), field("arr_delay")]}, minutes]}
        yield f"recovered:{minutes} minutes", -4, both(late("dep_delay", 15), made_up)


def command(arguments: list[str]) -> list[str]:
    return [
        "rules",
        "run",
        str(RULES),
        str(csv_file()),
        "--null",
        "NA",
        "--output",
        str(DECISIONS),
        *arguments,
    ]


if __name__ == "__main__":
    try:
        given = command(sys.argv[1:])
    except ModuleNotFoundError as error:
        raise SystemExit(str(error)) from None
    RULES.parent.mkdir(exist_ok=True)
    RULES.write_text(json.dumps(document(), indent=1), encoding="utf-8")
    print("$", shlex.join(["fastcore", *given]), file=sys.stderr)
    raise SystemExit(main(given))
