"""Documents of results as a run would write them, with figures that are easy to check."""

from fastcore.lab.results import Results

FACTS = {
    "implementation": "CPython",
    "version": "3.11.7",
    "language": "3.11",
    "build": "3.11.7 (main)",
    "jit": False,
    "jit_available": False,
    "gil": True,
    "free_threaded": False,
    "debug": False,
    "compiler": "GCC 12",
    "compiler_flags": "-O3",
    "abi": "cpython-311",
}
PYPY = FACTS | {"implementation": "PyPy", "version": "8.0.1", "jit": True, "jit_available": True}
MACHINE = {"system": "Linux", "release": "6", "architecture": "x86_64", "cpu": "a CPU", "cores": 2}


def head(label="CPython 3.11.7", backend="python", **changes):
    return {
        "label": label,
        "created": "2026-11-21T12:00:00+00:00",
        "command": ["fastcore", "bench", "run"],
        "quick": False,
        "fastcore": "1.0",
        "source": "checkout 123",
        "backend": backend,
        "interpreter": PYPY if label.startswith("PyPy") else FACTS,
        "machine": MACHINE,
        "packages": {},
        **changes,
    }


def row(work="matches, 200 rules", median=0.002, *, noise=0.0, **changes):
    samples = [median * (1 + noise * ((index * 7) % 11 - 5) / 5) for index in range(44)]
    return {
        "suite": "rules",
        "test": "test_matches[python-200]",
        "group": work,
        "work": work,
        "by": "fastcore",
        "algorithm": "bitsets",
        "unit": "event",
        "units": 200,
        "parameters": {"rules": 200},
        "checksum": "aa",
        "clock": "process_time",
        "isolated": True,
        "first_call": 10 * median,
        "warm_up": [[1, 10 * median, 10 * median], [2, 12 * median, 2 * median], [3, 13 * median, median]],
        "rounds": len(samples),
        "iterations": 1,
        "median": median,
        "q1": median,
        "q3": 1.1 * median,
        "mean": median,
        "minimum": median,
        "samples": samples,
        **changes,
    }


def kernels(label="CPython 3.11.7", backend="python", rows=None):
    return Results("kernels", head(label, backend), [row()] if rows is None else rows)


def by_count(factor):
    """The same work with more and more rules."""
    return [
        row(f"matches, {count:,} rules", factor * (1 + count / 100) / 1000, parameters={"rules": count})
        for count in (20, 200, 2_000)
    ]
