"""The study in one command, and its page: ``python -m examples.case_study --help``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from fastcore.lab.http import Plan
from fastcore.lab.load import NoWrkError
from fastcore.lab.results import BadResultsError, load_all, save
from fastcore.lab.targets import BACKENDS, find_targets

from .page import fill
from .study import LIBRARIES, STUDIED, DifferentDecisionError, measure


def main() -> int:
    options = parsed()
    try:
        if options.page is None:
            return run(options)
        fill(load_all([options.output]), options.page)
    except (BadResultsError, NoWrkError, DifferentDecisionError) as error:
        say(f"case study: {error}")
        return 2
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.case_study", description=__doc__)
    parser.add_argument("--python", action="append", default=[], help="an interpreter; by default this one")
    parser.add_argument(
        "--backend", action="append", choices=BACKENDS, help="by default both, on PyPy python"
    )
    parser.add_argument("--way", action="append", choices=STUDIED, help="by default all")
    parser.add_argument("--seconds", type=float, default=10, help="of each load")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, help="requests per second of the open loop")
    parser.add_argument(
        "--mode", choices=("both", "open"), default="both", help="open needs --rate, and no wrk"
    )
    parser.add_argument("--quick", action="store_true", help="loads of 2 s")
    parser.add_argument("--output", type=Path, default=Path("case-study-results"))
    parser.add_argument("--page", type=Path, help="measure nothing: put results into this page")
    options = parser.parse_args()
    if options.mode == "open" and options.rate is None:
        parser.error("--mode open needs --rate")
    return options


def run(options: argparse.Namespace) -> int:
    """Measures, writes a document for each configuration, and prints it."""
    plan = Plan(
        seconds=options.seconds, connections=options.connections, rate=options.rate, mode=options.mode
    ).with_cores()
    if options.quick:
        plan = plan.shortened()
    ways = [STUDIED[name] for name in options.way or STUDIED]
    targets, gaps = find_targets(options.python, options.backend, requirements=LIBRARIES, report=say)
    for target in targets:
        found, missing = measure(target, ways, plan, say)
        gaps += missing
        save(found, options.output / target.file("http"))
        for row in found.rows:
            print(f"{found.label}: {row['way']}: {in_words(row)}")
    for gap in gaps:
        say(f"not measured: {gap}")
    return 0 if targets else 2


def in_words(row: dict[str, Any]) -> str:
    if row["p99"] is None:
        return "nothing was answered"
    latency = f"p50 {row['p50'] * 1e3:.3g} ms, p99 {row['p99'] * 1e3:.3g} ms"
    return f"{row['requests_per_second']:,.1f} per second; at {row['rate'] or 0:,.1f} per second {latency}"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
