"""Decisions for the rows of columns: a RuleSet beside polars and numpy.

Timed is one call over 200,000 rows, with everything ready: the rules of ``bench_rules.py``, 200 of them; text
as codes
of a dictionary, or of a fixed width; polars with Enum columns and a lazy select of one boolean sum for each
rule; numpy
with codes, in chunks of 8,192 rows. Ours gives counts, scores and actions per row, the peers give how often
each rule
fired. Run with::

    POLARS_MAX_THREADS=1 taskset -c 1 pytest benchmarks/bench_rules_columns.py --benchmark-group-by=group
"""

import operator
from functools import reduce

import pytest
from bench_rules import FLAGS, NUMBERS, TEXTS, rules

from fastcore.rules import RuleSet

np = pytest.importorskip("numpy", reason="numpy is not installed")

ROWS, RULES, CHUNK = 200_000, 200, 8192
GROUP = f"{RULES} rules, {ROWS} rows"
OPERATORS = {"<": operator.lt, ">": operator.gt, "/": operator.truediv, "==": operator.eq}
MADE = rules(RULES)


def make_columns():
    """Numbers, codes of texts, and flags."""
    source = np.random.default_rng(1)
    columns = {name: source.lognormal(3, 1.3, ROWS) for name in NUMBERS}
    columns |= {name: source.integers(0, len(words), ROWS, "i1") for name, words in TEXTS.items()}
    return columns | {name: source.random(ROWS) < 0.2 for name in FLAGS}


COLUMNS = make_columns()
TEXT_COLUMNS = COLUMNS | {name: np.array(words)[COLUMNS[name]] for name, words in TEXTS.items()}


def translate(logic, field, member):
    """A condition as an expression of a library whose columns take Python's operators."""
    if not isinstance(logic, dict):
        return logic
    ((op, operands),) = logic.items()
    if op == "var":
        return field(operands)
    if op == "in":
        return member(operands[0]["var"], operands[1])
    if op == "==" and isinstance(operands[1], str):
        return member(operands[0]["var"], [operands[1]])
    parts = [translate(operand, field, member) for operand in operands]
    if op in ("and", "or"):
        return reduce(operator.and_ if op == "and" else operator.or_, parts)
    return parts[0] if parts[1] is True else OPERATORS[op](*parts)


def numpy_counts():
    total = np.zeros(RULES, int)
    for start in range(0, ROWS, CHUNK):
        part = {name: column[start : start + CHUNK] for name, column in COLUMNS.items()}

        def member(name, words, part=part):
            named = np.isin(np.array(TEXTS[name]), words)
            return named[part[name]]

        total += [np.count_nonzero(translate(logic, part.__getitem__, member)) for _, logic, _ in MADE]
    return total.tolist()


EXPECTED = numpy_counts()


def ruleset(backend):
    document = [{"id": name, "when": logic, "score": 1} for name, logic, _ in MADE]
    return RuleSet.from_rules(document, backend=backend)


def frame():
    pl = pytest.importorskip("polars", reason="polars is not installed")
    return pl.DataFrame(
        {
            name: pl.Series(column, dtype=pl.Enum(TEXTS[name])) if name in TEXTS else column
            for name, column in TEXT_COLUMNS.items()
        }
    )


def check(decisions):
    assert int(decisions.matched_count.sum()) == sum(EXPECTED)


@pytest.mark.parametrize("threads", [1, 2])
def test_ruleset_on_dictionaries(benchmark, threads):
    benchmark.group = GROUP
    table = frame()
    check(benchmark(ruleset(None).evaluate_arrow, table, threads=threads))


@pytest.mark.parametrize("threads", [1, 2])
def test_ruleset_on_texts_of_a_fixed_width(benchmark, threads):
    benchmark.group = GROUP
    check(benchmark(ruleset(None).evaluate_columns, TEXT_COLUMNS, threads=threads))


def test_ruleset_on_matches(benchmark):
    benchmark.group = GROUP
    table = frame()
    check(benchmark(ruleset(None).evaluate_arrow, table, matched=True))


def test_polars(benchmark):
    benchmark.group = GROUP
    table = frame()
    import polars as pl

    def member(name, words):
        return pl.col(name).is_in(pl.Series(words, dtype=pl.Enum(TEXTS[name])).implode())

    sums = [translate(logic, pl.col, member).sum().alias(name) for name, logic, _ in MADE]
    result = benchmark(lambda: table.lazy().select(sums).collect().row(0))
    assert list(result) == EXPECTED


def test_numpy(benchmark):
    benchmark.group = GROUP
    assert benchmark(numpy_counts) == EXPECTED
