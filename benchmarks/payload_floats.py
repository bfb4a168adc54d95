"""What the text of a float costs beside orjson: ``python benchmarks/payload_floats.py``.

Both write one list of floats; its few bytes around the list aside, fastcore writes the same text, which is
checked. The candidates take turns, round by round; times are CPU time. A ratio is the median of the rounds'
ratios, in parentheses the quarter and three quarters of them. Prints one Markdown table; exits 1 if the goal
is missed.
"""

import argparse
import math
import random
import statistics
import struct
import sys
import time

import orjson

from fastcore import PayloadBuilder

GOAL = 1.1


def bit_patterns(source):
    while True:
        value = struct.unpack("<d", source.randbytes(8))[0]
        if math.isfinite(value):
            return value


DISTRIBUTIONS = {
    "cents": lambda source: source.randrange(1, 10**7) / 100,
    "six decimals": lambda source: round(source.uniform(-180, 180), 6),
    "random bits": bit_patterns,
    "clock": lambda source: round(1.75e9 + source.uniform(0, 1e7), 7),
    "whole": lambda source: float(source.randrange(10**6)),
    "gauss": lambda source: source.gauss(0, 1),
}


def measure(candidates, rounds):
    """Nanoseconds of each candidate in each round."""
    times = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            started = time.process_time_ns()
            call()
            times[name].append(time.process_time_ns() - started)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=61)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--backend", choices=("cython", "python"))
    arguments = parser.parse_args()
    builder = PayloadBuilder({"v": list[float]}, backend=arguments.backend)
    missed = False
    print("| floats | fastcore | orjson | ratio |\n|---|---|---|---|")
    for name, draw in DISTRIBUTIONS.items():
        source = random.Random(7)
        values = [draw(source) for _ in range(arguments.count)]
        rows = [(values,)]
        assert builder.build(rows) == b'[{"v":%b}]' % orjson.dumps(values)
        calls = {"ours": lambda rows=rows: builder.build(rows), "orjson": lambda v=values: orjson.dumps(v)}
        times = measure(calls, arguments.rounds)
        ours, theirs = (statistics.median(times[who]) / arguments.count for who in calls)
        ratios = [a / b for a, b in zip(times["ours"], times["orjson"], strict=True)]
        low, ratio, high = statistics.quantiles(ratios, n=4)
        missed |= ratio > GOAL
        print(f"| {name} | {ours:.1f} ns | {theirs:.1f} ns | {ratio:.2f} ({low:.2f} to {high:.2f}) |")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
