"""What the memory of a payload costs: ``python benchmarks/payload_memory.py``.

A stream of 1,000,000 orders as lines: what the process holds beyond the columns while it runs. Then the time
of that stream beside one result of the same bytes, with and without huge pages, the first time and again.
Each in processes of its own. Prints two Markdown tables. Needs Linux, and numpy.
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
KINDS = {
    "chunks": "a stream",
    "huge": "one result, huge pages",
    "small": "one result, small pages",
}


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


def timed(work):
    """CPU seconds, of them in the system, page faults, peak memory above what there was."""
    before, started = resident(), faults()
    system = resource.getrusage(resource.RUSAGE_SELF).ru_stime
    begun = time.process_time()
    work()
    spent = time.process_time() - begun
    system = resource.getrusage(resource.RUSAGE_SELF).ru_stime - system
    return spent, system, faults() - started, peak() - before


def twice(rows, seed, what):
    """What `timed` gives of two builds, or two streams."""
    if what == "small" and ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0):
        return None
    builder, columns = made(rows, seed)
    if what == "chunks":
        return [timed(lambda: all(builder.stream_columns(columns, lines=True))) for _ in range(2)]
    return [timed(lambda: builder.build_columns(columns, lines=True)) for _ in range(2)]


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


def time_table(arguments):
    print("\n| written as | | CPU time | of it in the system | page faults | memory at most |")
    print("|---|---|---|---|---|---|")
    for what, name in KINDS.items():
        rounds = [found for found in (run(what, arguments) for _ in range(arguments.rounds)) if found]
        for number, when in enumerate(("first", "again") if rounds else ()):
            columns = zip(*(found[number] for found in rounds), strict=True)
            spent, system, count, most = map(statistics.median, columns)
            times = f"{spent * 1e3:.0f} ms | {system * 1e3:.0f} ms"
            print(f"| {name} | {when} | {times} | {count:,.0f} | {most / 1e6:.2f} MB |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("stream", *KINDS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only == "stream":
        print(json.dumps(streamed(arguments.rows, arguments.seed)))
    elif arguments.only:
        print(json.dumps(twice(arguments.rows, arguments.seed, arguments.only)))
    else:
        stream_table(arguments)
        time_table(arguments)


if __name__ == "__main__":
    main()
