"""The goals for Fibonacci, as ratios each measured in one process: ``python benchmarks/fibonacci_goals.py``.

The candidates of a row take turns, round by round. Times are medians of CPU time; a ratio is the median of
the rounds' ratios; results are checked. A process each for: nothing but the interpreter and fastcore; numpy
too; gmpy2 too. What is absent there fastcore cannot import (the benchmark keeps gmpy2 as a peer). Prints one
Markdown table; exits 1 if a goal is missed.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import timeit

import fibonacci_peers as peers

ABSENT = {"neither": ["gmpy2", "numpy"], "numpy": ["gmpy2"], "gmpy2": []}
BIG = 10**18
PRIME = 10**9 + 7


def measure(candidates, rounds, seconds=0.003, setup="pass"):
    """Seconds per call in each round of each (function, *arguments), taking turns; and what each returned."""
    timers, results = {}, {}
    for name, (function, *arguments) in candidates.items():
        names = [f"a{i}" for i in range(len(arguments))]
        scope = {"f": function, **dict(zip(names, arguments, strict=True))}
        timer = timeit.Timer(f"f({', '.join(names)})", setup, time.process_time, globals=scope)
        count = 1
        while (spent := timer.timeit(count)) < seconds:
            count = max(2 * count, int(count * seconds / max(spent, 1e-6)))
        timers[name] = timer, count, []
        results[name] = function(*arguments)
    for _ in range(rounds):
        for timer, count, samples in timers.values():
            samples.append(timer.timeit(count) / count)
    return {name: samples for name, (_, _, samples) in timers.items()}, results


def ratio(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


class Report:
    """Rows of the table: what, our time, the peer's, their ratio and the most that it may be."""

    def __init__(self, absent, rounds):
        self.without = absent
        self.rounds = rounds
        self.rows = []

    def compare(self, what, ours, peers, most, *, rounds=None, same=True):
        samples, results = measure({"ours": ours, **peers}, rounds or self.rounds)
        times = {name: statistics.median(values) for name, values in samples.items()}
        best = min(peers, key=times.__getitem__)
        if same:
            assert all(result == results["ours"] for result in results.values()), what
        self.add(what, times["ours"], best, times[best], ratio(samples["ours"], samples[best]), most)

    def add(self, what, ours, peer, peers_time, measured, most, unit=""):
        self.rows.append(
            [what, ", ".join(self.without) or "nothing", ours, peer, peers_time, measured, most, unit]
        )


def compiled_rows(report, kernels):
    """Goals of the compiled backend."""
    if report.without == ["gmpy2", "numpy"]:
        with tempfile.TemporaryDirectory() as folder:
            empty = peers.empty_call(folder)
            for n in (10, 93, 1000):
                goal = {"an empty compiled def": (empty, n)}
                report.compare(f"fibonacci({n})", (kernels.fibonacci, n), goal, 1.1, rounds=51, same=False)
        goal = {"Python loop": (peers.modular, BIG, PRIME)}
        report.compare("fibonacci_mod(10**18, 10**9 + 7)", (kernels.fibonacci_mod, BIG, PRIME), goal, 1 / 25)
        goal = {"plain recursion": (peers.recursive, 30)}
        report.compare("fibonacci_recursive(30)", (kernels.fibonacci_recursive, 30), goal, 1 / 60)
    if peers.gmpy2 is None:
        return
    if report.without == ["gmpy2", "numpy"]:
        sizes = [(10**4, 5), (10**5, None), (10**6, None)]
    elif report.without:
        sizes = [(10**4, 5), (10**6, 3.5), (10**7, 3.5)]
    else:
        sizes = [(10**4, 1.1), (10**6, 1.1)]
    for n, most in sizes:
        goal = {"int(gmpy2.fib(n))": (peers.gmp, n)}
        report.compare(f"fibonacci({n})", (kernels.fibonacci, n), goal, most, rounds=rounds_for(report, n))
    for n, most in ((10**5, None), (10**6, None), (10**7, 1)):
        goal = {"str(gmpy2.fib(n))": (peers.gmp_text, n)}
        report.compare(
            f"fibonacci_text({n})", (kernels.fibonacci_text, n), goal, most, rounds=rounds_for(report, n)
        )


def rounds_for(report, n):
    return min(report.rounds, 5) if n >= 10**7 else report.rounds


def array_rows(report, kernels):
    import numpy as np

    random = np.random.default_rng(0)
    ns = random.integers(0, 94, 1_000_000)
    table = np.array([peers.additions(n) for n in range(94)], np.uint64)
    samples, results = measure(
        {"ours": (kernels.fibonacci_array, ns), "take": (table.take, ns)}, report.rounds
    )
    assert (results["ours"] == results["take"]).all()
    each = [statistics.median(values) / ns.size for values in samples.values()]
    report.add(
        "fibonacci_array, an element of 10**6", each[0], "numpy take", each[1], each[0] * 1e9, 1.5, " ns"
    )
    ns = random.integers(BIG - 10**17, BIG, 10_000)
    candidates = {
        "ours": (kernels.fibonacci_mod_array, ns, PRIME),
        "scalar": (kernels.fibonacci_mod, int(ns[0]), PRIME),
    }
    samples, results = measure(candidates, report.rounds)
    assert results["ours"].tolist() == [peers.modular(n, PRIME) for n in ns.tolist()]
    each = [time / ns.size for time in samples["ours"]]
    ours, scalar = statistics.median(each), statistics.median(samples["scalar"])
    halved = ratio(each, samples["scalar"])
    report.add("fibonacci_mod_array, an element of 10**4", ours, "fibonacci_mod", scalar, halved, 0.5)


def pure_rows(report, python):
    """Goals of the Python backend, with nothing else importable."""
    look_up = peers.table_look_up()
    for n in (10, 93, 1000):
        goal = {"a tuple look-up in a def": (look_up, n)}
        report.compare(f"fibonacci({n}), python backend", (python.fibonacci, n), goal, 2.2, rounds=51)
    for n in (10**4, 10**5, 10**6):
        goal = {"two squarings per bit": (peers.two_squarings, n), "textbook doubling": (peers.textbook, n)}
        report.compare(
            f"fibonacci({n}), python backend", (python.fibonacci, n), goal, 1.1, rounds=min(report.rounds, 7)
        )
    build = timeit.Timer(python._fib_build_table, timer=time.process_time)
    each = statistics.median(build.repeat(report.rounds, 10)) / 10
    report.add("the table F(0) to F(1000), at import", each, "", None, each * 1e3, 0.2, " ms")


def child(setting, rounds):
    peers.block(*ABSENT[setting])
    from fastcore import _backend

    report = Report(ABSENT[setting], rounds)
    python = _backend.kernels("fibonacci", "python")
    if _backend.name == "cython":
        kernels = _backend.kernels("fibonacci", "cython")
        compiled_rows(report, kernels)
        if setting == "numpy":
            array_rows(report, kernels)
    if setting == "neither":
        pure_rows(report, python)
    print(json.dumps(report.rows))


def shown(seconds):
    if seconds is None:
        return ""
    for unit, scale in (("ns", 1e9), ("µs", 1e6)):
        if seconds * scale < 1000:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e3:.4g} ms"


def conditions():
    from fastcore.info import backend_info

    info = backend_info()
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            cpu = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = [f"GMP peer gmpy2 {peers.gmpy2.version()}" if peers.gmpy2 else "gmpy2 not installed"]
    try:
        import numpy as np

        versions.append(f"numpy {np.__version__}")
    except ImportError:
        versions.append("numpy not installed")
    jit = {True: "JIT on", False: "JIT off", None: "JIT unknown"}[info.jit]
    return f"{info.implementation} {info.interpreter}, {jit}; backend {info.name}; {cpu}; " + "; ".join(
        versions
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=ABSENT, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        child(arguments.only, arguments.rounds)
        return 0
    print(conditions(), end="\n\n")
    print("| what | fastcore cannot import | time | peer | its time | ratio | goal | |")
    print("|---|---|---|---|---|---|---|---|")
    missed = 0
    for setting in ABSENT:
        command = [sys.executable, __file__, "--only", setting, "--rounds", str(arguments.rounds)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        for what, absent, ours, peer, peers_time, measured, most, unit in json.loads(done.stdout):
            goal = mark = ""
            if most is not None:
                goal, mark = f"≤ {most:.3g}{unit}", "reached" if measured <= most else "**missed**"
                missed += measured > most
            cells = (what, absent, shown(ours), peer, shown(peers_time), f"{measured:.3g}{unit}", goal, mark)
            print(f"| {' | '.join(cells)} |")
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
