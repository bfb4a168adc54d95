"""The goals for payloads, as ratios each measured in one process: ``python benchmarks/payloads_goals.py``.

Building the objects that a peer encodes counts on its side, as it does in a service; garbage is collected.
The candidates of a row take turns, round by round. Times are medians of CPU time, for one row unless said; a
ratio is the median of the rounds' ratios, and beside it stand the least and the greatest. What is written is
compared. Streams run in processes of their own. Prints one Markdown table; exits 1 if a goal is missed. What
is not installed is left out; the last rows measure the Python backend on the interpreter that runs this.
"""

import argparse
import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import threading
import time

import payloads_workload as workload
from rules_goals import Report, installed

from fastcore import PayloadBuilder
from fastcore.info import backend_info

ROWS = 10_000
MANY = 1_000_000
WIDE = 2_000
WITHIN = 0.85  # of the goals for orders, on rows of other shapes


def json_bytes(value):
    return json.dumps(value).encode()


# --- the compiled backend -----------------------------------------------------------------------------------


def article_rows(report):
    import orjson

    builder = PayloadBuilder(workload.ARTICLE)

    def theirs(count):
        return orjson.dumps(
            [{"id": index, "data": "x" * 1024, "timestamp": time.time()} for index in range(count)]
        )

    for count in (1_000, 100):
        ours = (builder.build_columns, {"id": range(count)})
        items = json.loads(builder.build_columns({"id": range(count)}))
        assert [item["id"] for item in items] == list(range(count))
        assert all(abs(item["timestamp"] - time.time()) < 60 for item in items)
        report.faster(
            f"article, {count:,} items", count, ours, "dicts, orjson", (theirs, count), 3.8, same=False
        )


def order_rows(report, seed):
    import msgspec
    import orjson

    columns = workload.order_columns(ROWS, seed)
    rows = workload.rows_of(columns)
    arrays = workload.arrays_of(columns)
    builder = PayloadBuilder(workload.ORDER)
    encode = msgspec.json.Encoder().encode

    def dicts(rows):
        return orjson.dumps(workload.order_dicts(rows))

    def structs(rows):
        return encode(workload.order_structs(rows))

    assert json.loads(structs(rows)) == json.loads(builder.build(rows))
    ours = (builder.build, rows)
    what = f"{ROWS:,} orders, tuples"
    report.faster(what, ROWS, ours, "dicts, orjson", (dicts, rows), 3)
    report.faster(what, ROWS, ours, "Struct(gc=False), msgspec", (structs, rows), 2.1, same=False)
    ours = (builder.build_columns, arrays)
    report.faster(f"{ROWS:,} orders, columns", ROWS, ours, "dicts, orjson", (dicts, rows), 4.3)


def many_rows(report, seed):
    import orjson

    columns = workload.order_columns(MANY, seed)
    arrays = workload.arrays_of(columns)
    builder = PayloadBuilder(workload.ORDER)

    def dicts():
        return orjson.dumps(workload.order_dicts(zip(*columns.values(), strict=True)))

    rounds = max(3, report.rounds // 4)
    ours = (builder.build_columns, arrays)
    report.faster(f"{MANY:,} orders, columns", MANY, ours, "dicts, orjson", (dicts,), 4, rounds=rounds)
    if installed("polars"):
        frame = workload.order_frame(columns)

        def lines():
            return builder.build_columns(arrays, lines=True)

        head = frame.head(1000).write_ndjson().splitlines()
        expected = builder.build(workload.rows_of(workload.order_columns(MANY, seed))[:1000])
        assert [json.loads(line) for line in head] == json.loads(expected)
        what = f"{MANY:,} orders, columns to lines"
        theirs = (frame.write_ndjson,)
        report.faster(what, MANY, (lines,), "polars write_ndjson", theirs, 3.5, same=False, rounds=rounds)


def stream_rows(report, seed):
    rounds = max(3, report.rounds // 5)
    found = {"ours": [], "orjson": []}
    for _ in range(rounds):
        for name, results in found.items():
            command = [sys.executable, __file__, "--stream", name, "--seed", str(seed)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            results.append(json.loads(done.stdout))
    assert found["ours"][0][2] == found["orjson"][0][2]  # bytes
    ours, theirs = ([seconds / MANY for seconds, _, _ in found[name]] for name in ("ours", "orjson"))
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    times = statistics.median(ours), statistics.median(theirs)
    what = f"stream of {MANY:,} orders, lines"
    report.row(what, times[0], "orjson, row by row", times[1], ratios, "≥ 4.5×", lambda ratio: ratio >= 4.5)
    above = statistics.median(memory for _, memory, _ in found["ours"]) / 1e6
    report.plain("memory of that stream, above its input", above, "MB", 4)


def stream(name, seed):
    """In a process of its own: seconds, bytes of memory above the input, bytes written."""
    columns = workload.order_columns(MANY, seed)
    size = 0
    if name == "ours":
        builder = PayloadBuilder(workload.ORDER)
        columns = workload.arrays_of(columns)
        b"".join(builder.stream_columns({name: column[:2] for name, column in columns.items()}))
        gc.collect()
        before = resident()
        start = time.process_time()
        for chunk in builder.stream_columns(columns, lines=True):
            size += len(chunk)
    else:
        import orjson

        dumps, newline = orjson.dumps, orjson.OPT_APPEND_NEWLINE
        gc.collect()
        before = resident()
        start = time.process_time()
        for a, b, c, d, e, f, g, h, i in zip(*columns.values(), strict=True):
            row = {"id": a, "uuid": b, "amount": c, "currency": d, "ts": e, "paid": f, "note": g}
            row["loc"] = {"lat": h, "lon": i}
            size += len(dumps(row, None, newline))
    spent = time.process_time() - start
    print(json.dumps([spent, max(0, peak() - before), size]))


def resident():
    """What the process holds now; from here on its peak is counted anew where the system can."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def peak():
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def value_rows(report, seed):
    """Values alone: one row that is a list, on both sides."""
    import orjson

    lists = PayloadBuilder({"v": list[float]})
    for name, values in workload.floats(20_000, seed).items():
        count = len(values)
        theirs = (orjson.dumps, [{"v": values}])
        assert lists.build([(values,)]) == orjson.dumps([{"v": values}])
        report.at_most(f"floats, {name}", count, (lists.build, [(values,)]), "orjson", theirs, 1.1)
    strings = workload.long_strings(1_000, seed)
    ours = (PayloadBuilder({"v": list[str]}).build, [(strings,)])
    theirs = (orjson.dumps, [{"v": strings}])
    report.faster("strings of 1 KB", len(strings), ours, "orjson", theirs, 0.95)


def page_rows(report, seed):
    import orjson

    rows = workload.rows_of(workload.order_columns(50, seed))
    builder = PayloadBuilder(workload.ORDER)

    total, number, link = workload.PAGE.values()

    def ours(items):
        return builder.page(items, total=total, page=number, next=link)

    def theirs(rows):
        return orjson.dumps({"items": workload.order_dicts(rows), **workload.PAGE})

    report.faster("page of 50 orders", 1, (ours, rows), "dicts, orjson", (theirs, rows), 3.6)
    fragment = builder.build(rows)
    assert ours(fragment) == theirs(rows)
    samples, _ = report.measure({"ours": (ours, fragment)})
    report.plain("page around 50 built orders", statistics.median(samples["ours"]) * 1e6, "µs", 0.5)


def wide_rows(report, seed):
    import orjson

    for name, (schema, rows) in workload.wide(WIDE, seed).items():
        make = workload.dict_maker(schema)
        ours = (PayloadBuilder(schema).build, rows)
        goal = 3 * WITHIN
        report.faster(
            f"rows of {name}", len(rows), ours, "dicts, orjson", (dumped, orjson.dumps, make, rows), goal
        )


def dumped(dumps, make, rows):
    return dumps(make(rows))


def thread_row(report):
    """Two threads, each with half of the numeric columns: wall time beside one thread with both halves."""
    import numpy as np

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if cores < 2:
        print("one core only: two threads are not measured", file=sys.stderr)
        return
    source = np.random.default_rng(1)
    count = 400_000
    columns = {
        "id": np.arange(count),
        "amount": source.integers(1, 10**7, count) / 100,
        "lat": np.round(source.uniform(-90, 90, count), 6),
        "ok": source.random(count) < 0.5,
    }
    builder = PayloadBuilder({"id": int, "amount": float, "lat": float, "ok": bool})
    halves = [
        {name: column[part] for name, column in columns.items()}
        for part in (slice(0, count // 2), slice(count // 2, count))
    ]
    alone, together = [], []
    for _ in range(report.rounds):
        start = time.perf_counter()
        for half in halves:
            builder.build_columns(half)
        alone.append((time.perf_counter() - start) / count)
        threads = [threading.Thread(target=builder.build_columns, args=(half,)) for half in halves]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        together.append((time.perf_counter() - start) / count)
    ratios = [a / b for a, b in zip(alone, together, strict=True)]
    times = statistics.median(together), statistics.median(alone)
    what = "two threads, half the numeric columns each (wall time)"
    report.row(what, times[0], "one thread", times[1], ratios, "≥ 1.7×", lambda ratio: ratio >= 1.7)


# --- the Python backend -------------------------------------------------------------------------------------


def pure_rows(report, seed):
    older = 1.4 if sys.version_info < (3, 12) else 1.0  # json became faster
    goal = 1.5 if sys.implementation.name == "pypy" else older
    columns = workload.order_columns(ROWS, seed)
    rows = workload.rows_of(columns)
    builder = PayloadBuilder(workload.ORDER, backend="python")
    assert json.loads(builder.build(rows)) == workload.order_dicts(rows)
    theirs = (dumped, json_bytes, workload.order_dicts, rows)
    what = f"{ROWS:,} orders, tuples, python backend"
    report.faster(what, ROWS, (builder.build, rows), "dicts, json", theirs, goal, same=False)
    for name, (schema, rows) in workload.wide(WIDE, seed).items():
        builder = PayloadBuilder(schema, backend="python")
        make = workload.dict_maker(schema)
        assert json.loads(builder.build(rows)) == [dict(row) for row in make(rows)]
        ours, theirs = (builder.build, rows), (dumped, json_bytes, make, rows)
        what = f"rows of {name}, python backend"
        report.faster(what, len(rows), ours, "dicts, json", theirs, round(goal * WITHIN, 2), same=False)


def conditions_line(seed):
    info = backend_info()
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            cpu = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    peers = [name for name in ("orjson", "msgspec", "polars", "numpy") if installed(name)]
    peers = ", ".join(f"{name} {__import__(name).__version__}" for name in peers)
    return f"{info.implementation} {info.interpreter}; backend {info.name}; seed {seed}; {cpu}; {peers}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pure", action="store_true", help="only the Python backend")
    parser.add_argument("--stream", choices=("ours", "orjson"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    seed = arguments.seed
    if arguments.stream:
        stream(arguments.stream, seed)
        return 0
    print(conditions_line(seed), end="\n\n")
    print("| what | time | beside | its time | ratio | rounds | goal | |")
    print("|---|---|---|---|---|---|---|---|")
    report = Report(arguments.rounds, setup="import gc; gc.enable()")
    if backend_info().name == "cython" and not arguments.pure and installed("orjson", "msgspec", "numpy"):
        article_rows(report)
        order_rows(report, seed)
        page_rows(report, seed)
        wide_rows(report, seed)
        value_rows(report, seed)
        thread_row(report)
        many_rows(report, seed)
        stream_rows(report, seed)
    pure_rows(report, seed)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
