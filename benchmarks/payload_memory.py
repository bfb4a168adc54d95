"""What the memory of a payload costs: ``python benchmarks/payload_memory.py``.

A stream of 1,000,000 orders as lines: what the process holds beyond the columns while it runs. Then the same
orders in one result: time, page faults and peak, with and without huge pages, the first time and again. Each
in a process of its own. Prints two Markdown tables. Needs Linux for faults and peaks, and numpy.
"""

import argparse
import ctypes
import gc
import json
import resource
import statistics
import subprocess
import sys
import time

import payloads_workload as workload
from payloads_goals import peak, resident

from fastcore import PayloadBuilder

PR_SET_THP_DISABLE = 41
STEPS = 10


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def made(rows, seed):
    builder = PayloadBuilder(workload.ORDER)
    columns = workload.arrays_of(workload.order_columns(rows, seed))
    few = {name: column[:2] for name, column in columns.items()}
    b"".join(builder.stream_columns(few, lines=True))
    gc.collect()
    return builder, columns


# --- in a process of its own --------------------------------------------------------------------------------


def streamed(rows, seed):
    """After each tenth of the rows: rows, bytes, memory above the columns then and at most, page faults."""
    builder, columns = made(rows, seed)
    before, started = resident(), faults()
    written, size, points = 0, 0, []
    for chunk in builder.stream_columns(columns, lines=True):
        written += chunk.count(b"\n")
        size += len(chunk)
        if written >= rows * (len(points) + 1) // STEPS:
            points.append([written, size, current() - before, peak() - before, faults() - started])
    return points


def built(rows, seed, huge):
    """Of the first builds: CPU seconds, of them in the system, page faults, peak memory above the columns."""
    if not huge and ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0):
        return None
    builder, columns = made(rows, seed)
    points = []
    for _ in range(2):
        before, started = resident(), faults()
        times = resource.getrusage(resource.RUSAGE_SELF)
        begun = time.process_time()
        size = len(builder.build_columns(columns, lines=True))
        spent = time.process_time() - begun
        system = resource.getrusage(resource.RUSAGE_SELF).ru_stime - times.ru_stime
        points.append([spent, system, faults() - started, peak() - before, size])
    return points


def current():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


# --- tables -------------------------------------------------------------------------------------------------


def run(what, arguments):
    options = ["--rows", str(arguments.rows), "--seed", str(arguments.seed)]
    command = [sys.executable, __file__, "--only", what, *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def stream_table(arguments):
    print("| rows written | bytes written | memory above the columns | at most | page faults |")
    print("|---|---|---|---|---|")
    for rows, size, now, most, count in run("stream", arguments):
        print(f"| {rows:,} | {size / 1e6:.0f} MB | {now / 1e6:.2f} MB | {most / 1e6:.2f} MB | {count:,} |")


def build_table(arguments):
    print("\n| one result | | CPU time | of it in the system | page faults | memory at most |")
    print("|---|---|---|---|---|---|")
    for what, name in (("huge", "huge pages"), ("small", "small pages only")):
        rounds = [found for found in (run(what, arguments) for _ in range(arguments.rounds)) if found]
        for number, when in enumerate(("first", "again") if rounds else ()):
            spent, system, count, most, _ = map(
                statistics.median, zip(*(found[number] for found in rounds), strict=True)
            )
            print(
                f"| {name} | {when} | {spent * 1e3:.0f} ms | {system * 1e3:.0f} ms | {count:,.0f} | "
                f"{most / 1e6:.0f} MB |"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("stream", "huge", "small"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only == "stream":
        print(json.dumps(streamed(arguments.rows, arguments.seed)))
    elif arguments.only:
        print(json.dumps(built(arguments.rows, arguments.seed, arguments.only == "huge")))
    else:
        stream_table(arguments)
        build_table(arguments)


if __name__ == "__main__":
    main()
