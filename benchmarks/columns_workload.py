"""The rules and events of ``rules_workload.py`` as columns, and the same rules for polars and numpy."""

import operator
from functools import reduce

import numpy as np
import rules_workload as workload

RULES, CHUNK = 200, 8192
CHOICES = dict.fromkeys(workload.PLACES, workload.COUNTRIES) | workload.TEXTS
OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "*": operator.mul,
    "/": operator.truediv,
    "-": operator.sub,
}


def document():
    return workload.document(workload.logics(RULES))


def columns(rows):
    """Path to array: numbers as doubles, flags as bools, texts as codes among `CHOICES`, of 10,000 rows."""
    found = {path: [] for path in workload.FIELDS}
    for event in workload.events(10_000):
        for path, values in found.items():
            value = event
            for key in path.split("."):
                value = value[key]
            values.append(CHOICES[path].index(value) if path in CHOICES else value)
    kinds = {path: "i1" if path in CHOICES else bool if path in workload.FLAGS else float for path in found}
    return {path: np.resize(np.array(values, kinds[path]), rows) for path, values in found.items()}


def with_texts(coded):
    """The same with texts of a fixed width instead of codes."""
    return coded | {path: np.array(choices)[coded[path]] for path, choices in CHOICES.items()}


def frame(coded):
    """The same as a polars frame with Enum columns."""
    import polars as pl

    enums = {
        path: pl.Series(path, np.array(choices)[coded[path]], dtype=pl.Enum(choices))
        for path, choices in CHOICES.items()
    }
    return pl.DataFrame(coded | enums)


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
    if op == "!":
        return ~parts[0]
    return parts[0] if parts[1] is True else OPERATORS[op](*parts)


def numpy_counts(coded):
    """How often each rule fires, in chunks that stay in the cache."""
    rows = len(coded["amount"])
    rules = workload.logics(RULES)
    total = np.zeros(RULES, int)
    for start in range(0, rows, CHUNK):
        part = {path: column[start : start + CHUNK] for path, column in coded.items()}

        def member(path, words, part=part):
            return np.isin(np.array(CHOICES[path]), words)[part[path]]

        total += [np.count_nonzero(translate(logic, part.__getitem__, member)) for logic in rules]
    return total.tolist()


def polars_sums():
    """One sum per rule, for a lazy select."""
    import polars as pl

    def member(path, words):
        return pl.col(path).is_in(pl.Series(words, dtype=pl.Enum(CHOICES[path])).implode())

    rules = enumerate(workload.logics(RULES))
    return [translate(logic, pl.col, member).sum().alias(f"r{index}") for index, logic in rules]


def polars_counts(table, sums):
    return list(table.lazy().select(sums).collect().row(0))
