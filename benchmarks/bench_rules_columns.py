"""Decisions for the rows of columns: a RuleSet beside polars and numpy.

Timed is one call over 200,000 rows, with everything ready: 200 rules of ``rules_workload.py``; text as
codes of a dictionary, or of a fixed width; polars with Enum columns and a lazy select of one boolean sum
for each rule; numpy with codes, in chunks of 8,192 rows. Ours gives counts, scores and actions per row, the
peers give how often each rule fired. Run with::

    POLARS_MAX_THREADS=1 taskset -c 1 pytest benchmarks/bench_rules_columns.py --benchmark-group-by=group
"""

import pytest

pytest.importorskip("numpy", reason="numpy is not installed")

import columns_workload as workload

from fastcore.rules import RuleSet

ROWS = 200_000
GROUP = f"{workload.RULES} rules, {ROWS:,} rows"
CODED = workload.columns(ROWS)
TEXTS = workload.with_texts(CODED)
EXPECTED = workload.numpy_counts(CODED)


@pytest.fixture(scope="module")
def table():
    pytest.importorskip("polars", reason="polars is not installed")
    return workload.frame(CODED)


@pytest.fixture(scope="module")
def ruleset():
    return RuleSet(workload.document())


def check(decisions):
    assert int(decisions.matched_count.sum()) == sum(EXPECTED)


@pytest.mark.parametrize("threads", [1, 2])
def test_ruleset_on_dictionaries(benchmark, ruleset, table, threads):
    benchmark.group = GROUP
    check(benchmark(ruleset.evaluate_arrow, table, threads=threads))


@pytest.mark.parametrize("threads", [1, 2])
def test_ruleset_on_texts_of_a_fixed_width(benchmark, ruleset, threads):
    benchmark.group = GROUP
    check(benchmark(ruleset.evaluate_columns, TEXTS, threads=threads))


def test_ruleset_on_matches(benchmark, ruleset, table):
    benchmark.group = GROUP
    check(benchmark(ruleset.evaluate_arrow, table, matched=True))


def test_polars(benchmark, table):
    benchmark.group = GROUP
    assert benchmark(workload.polars_counts, table, workload.polars_sums()) == EXPECTED


def test_numpy(benchmark):
    benchmark.group = GROUP
    assert benchmark(workload.numpy_counts, CODED) == EXPECTED
