"""The goals for rules, as ratios each measured in one process: ``python benchmarks/rules_goals.py``.

One event given as a dict, the list of the rules that fired out, events varied between calls; rules and
events of ``rules_workload.py``. The candidates of a row take turns, round by round. Times are medians of CPU
time for one event; a ratio is the median of the rounds' ratios, and beside it stand the least and the
greatest. All results are compared. Prints one Markdown table; exits 1 if a goal is missed.
"""

import argparse
import gc
import importlib.util
import json
import platform
import resource
import statistics
import subprocess
import sys
import time

import rules_workload as workload
from fibonacci_goals import measure, shown

from fastcore.info import backend_info
from fastcore.rules import RuleSet, jsonlogic

SIZES = {20: (1000, 1.5, 4), 200: (1000, 7.5, 20), 2_000: (400, 30, 180), 10_000: (200, 70, 380)}
"""Rules → events, and how many times faster than generated Python and than datalogic-py."""


def over(function, events):
    return [function(event) for event in events]


def installed(*names):
    return all(importlib.util.find_spec(workload.MODULES.get(name, name)) for name in names)


class Report:
    """Rows: what, our time, the peer, its time, ratios of the rounds, the goal, its unit, least or most."""

    def __init__(self, rounds, setup="pass"):
        self.rounds = rounds
        self.setup = setup
        self.missed = 0

    def measure(self, candidates, rounds=None):
        return measure(candidates, rounds or self.rounds, setup=self.setup)

    def faster(self, what, count, ours, peer, theirs, least, *, same=True, rounds=None):
        """How many times faster than a peer; `count` events a pass."""
        samples, results = self.measure({"ours": ours, "peer": theirs}, rounds)
        assert not same or results["ours"] == results["peer"], what
        times = [statistics.median(samples[name]) / count for name in ("ours", "peer")]
        ratios = [b / a for a, b in zip(samples["ours"], samples["peer"], strict=True)]
        self.row(what, times[0], peer, times[1], ratios, f"≥ {least}×", lambda ratio: ratio >= least)

    def at_most(self, what, count, ours, other, theirs, most, *, rounds=None):
        """The time of one thing as a share of another's."""
        samples, _ = self.measure({"ours": ours, "other": theirs}, rounds)
        times = [statistics.median(samples[name]) / count for name in ("ours", "other")]
        ratios = [a / b for a, b in zip(samples["ours"], samples["other"], strict=True)]
        self.row(what, times[0], other, times[1], ratios, f"≤ {most}×", lambda ratio: ratio <= most)

    def row(self, what, ours, peer, theirs, ratios, goal, reached):
        ratio = statistics.median(ratios)
        spread = f"{min(ratios):.3g} to {max(ratios):.3g}"
        self.line(what, shown(ours), peer, shown(theirs), f"{ratio:.3g}×", spread, goal, reached(ratio))

    def plain(self, what, value, unit, most):
        self.line(what, "", "", "", f"{value:.3g} {unit}", "", f"≤ {most} {unit}", value <= most)

    def line(self, *cells):
        *texts, reached = cells
        self.missed += not reached
        print(f"| {' | '.join(texts)} | {'reached' if reached else '**missed**'} |", flush=True)


# --- one event ----------------------------------------------------------------------------------------------


def matching_rows(report):
    rulesets = {}
    for size, (count, generated, datalogic) in SIZES.items():
        conditions = workload.logics(size)
        events = workload.events(count)
        rules = RuleSet(workload.document(conditions))
        ours = (over, rules.matches, events)
        rounds = report.rounds if size < 10_000 else max(5, report.rounds // 2)
        rulesets[size] = (rules, events)
        what = f"matches, {size:,} rules"
        peer = (over, workload.generated(conditions), events)
        report.faster(what, count, ours, "generated Python", peer, generated, rounds=rounds)
        if installed("datalogic-py"):
            peer = (over, workload.datalogic(conditions), events)
            report.faster(what, count, ours, "datalogic-py", peer, datalogic, rounds=rounds)
    slope_row(report, rulesets)
    method_rows(report, *rulesets[200], "200")
    method_rows(report, *rulesets[2_000], "2,000")


def slope_row(report, rulesets):
    """What each further rule costs an event, on the same events."""
    events = rulesets[10_000][1]
    candidates = {str(size): (over, rulesets[size][0].matches, events) for size in (200, 10_000)}
    samples, _ = measure(candidates, report.rounds)
    slopes = [(b - a) / len(events) / 9_800 for a, b in zip(samples["200"], samples["10000"], strict=True)]
    report.plain("each rule added between 200 and 10,000", statistics.median(slopes) * 1e9, "ns", 0.5)


def method_rows(report, rules, events, size):
    count = len(events)
    matches = (over, rules.matches, events)
    for method, most in (("evaluate", 1.3), ("score", 1), ("first", 1)):
        ours = (over, getattr(rules, method), events)
        report.at_most(f"{method}, {size} rules", count, ours, "matches", matches, most)
    gaps = (over, rules.matches, workload.with_gaps(events))
    report.at_most(f"a tenth missing or null, {size} rules", count, gaps, "complete events", matches, 1.2)
    if size != "200":
        return
    loop = (over, rules.evaluate, events)
    report.faster("evaluate_many, 200 rules", count, (rules.evaluate_many, events), "a loop", loop, 1.15)
    if installed("orjson"):
        import orjson

        bodies = [json.dumps(event, separators=(",", ":")).encode() for event in events]
        ours = (over, rules.evaluate_json, bodies)
        report.at_most("evaluate_json, 200 rules", count, ours, "orjson.loads", (drop, orjson, bodies), 1)


def drop(orjson, bodies):
    loads = orjson.loads
    for body in bodies:
        loads(body)


def explain_row(report):
    conditions = workload.logics(10_000)
    rules = RuleSet(workload.document(conditions))
    fives = [f"r{i}" for i, logic in enumerate(conditions) if len(logic.get("and", ())) == 5][:50]
    events = workload.events(50)

    def explain():
        for event, rule in zip(events, fives, strict=True):
            rules.explain(event, rule)

    samples, _ = measure({"explain": (explain,)}, report.rounds)
    value = statistics.median(samples["explain"]) / len(events) * 1e6
    report.plain("explain one rule of five conditions, of 10,000", value, "µs", 20)


# --- columns ------------------------------------------------------------------------------------------------


def column_rows(report):
    """A million rows; polars has one thread if POLARS_MAX_THREADS says so."""
    if not installed("numpy", "polars"):
        return
    import columns_workload

    rows = 1_000_000
    coded = columns_workload.columns(rows)
    table, texts = columns_workload.frame(coded), columns_workload.with_texts(coded)
    rules = RuleSet(columns_workload.document())
    polars = (columns_workload.polars_counts, table, columns_workload.polars_sums())
    pairs = rows * columns_workload.RULES
    for what, ours, times, most in (
        ("dictionaries", (rules.evaluate_arrow, table), 2.5, 0.8),
        ("text of a fixed width", (rules.evaluate_columns, texts), 1.5, 1.0),
    ):
        rounds = max(5, report.rounds // 2)
        report.faster(f"columns, {what}", rows, ours, "polars", polars, times, same=False, rounds=rounds)
        samples, _ = measure({"ours": ours}, rounds)
        share = statistics.median(samples["ours"]) / pairs * 1e9
        report.plain(f"columns, {what}, an event and rule", share, "ns", most)


# --- building and memory ------------------------------------------------------------------------------------


def building_rows(report):
    document = workload.document(workload.logics(10_000))
    times = []
    for _ in range(5):
        gc.collect()
        start = time.process_time()
        rules = RuleSet(document)
        times.append(time.process_time() - start)
    report.plain("from a parsed document of 10,000 rules", statistics.median(times), "s", 0.5)
    report.plain("bitsets of 10,000 rules", rules._matcher.nbytes / 1e6, "MB", 16)
    done = subprocess.run(
        [sys.executable, __file__, "--large"], check=True, stdout=subprocess.PIPE, text=True
    )
    elapsed, size = json.loads(done.stdout)
    report.plain("matches, 100,000 rules", elapsed, "µs", 60)
    report.plain("memory of a process with 100,000 rules, less its start", size, "MB", 250)


def large():
    """In a process of its own: 100,000 rules read from JSON text, as a service would."""
    text = json.dumps(workload.document(workload.logics(100_000))).encode()
    events = workload.events(200)
    gc.collect()
    before = resident()
    rules = RuleSet.from_json(text)
    gc.collect()
    size = resident() - before
    samples, _ = measure({"ours": (over, rules.matches, events)}, 7)
    print(json.dumps([statistics.median(samples["ours"]) / len(events) * 1e6, size / 1e6]))


def resident():
    """What the process holds now; its greatest size so far where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# --- the other backend, and general JSONLogic ---------------------------------------------------------------


def pure_rows(report):
    for size, least in ((200, 1.0), (2_000, 2.8)):
        conditions = workload.logics(size)
        events = workload.events(SIZES[size][0])
        rules = RuleSet(workload.document(conditions), backend="python")
        peer = (over, workload.generated(conditions), events)
        ours = (over, rules.matches, events)
        what = f"matches, {size:,} rules, python backend"
        report.faster(what, len(events), ours, "generated Python", peer, least)


def logic_rows(report):
    import bench_logic

    for name, work in bench_logic.WORKS.items():
        cases = [(rule, data) for rule, events, _ in work() for data in events]
        for peer, least in (("json-logic-qubit", 10), ("datalogic-py", 1.0)):
            if not installed(peer):
                continue
            ours = prepared(jsonlogic.compile, cases)
            theirs = prepared(bench_logic.ENGINES[peer](), cases)
            report.faster(f"jsonlogic.compile, {name}", len(cases), ours, peer, theirs, least, same=False)


def prepared(prepare, cases):
    compiled = {}
    calls = []
    for rule, data in cases:
        if id(rule) not in compiled:
            compiled[id(rule)] = prepare(rule)
        calls.append((compiled[id(rule)], data))

    def run():
        for call, data in calls:
            call(data)

    return (run,)


def conditions_line():
    info = backend_info()
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            cpu = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    peers = [name for name in workload.MODULES if installed(name)]
    return f"{info.implementation} {info.interpreter}; backend {info.name}; {cpu}; peers: {', '.join(peers)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--large", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.large:
        large()
        return 0
    print(conditions_line(), end="\n\n")
    print("| what | time | beside | its time | ratio | rounds | goal | |")
    print("|---|---|---|---|---|---|---|---|")
    report = Report(arguments.rounds)
    if backend_info().name == "cython":
        matching_rows(report)
        explain_row(report)
        column_rows(report)
        building_rows(report)
        logic_rows(report)
    pure_rows(report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
