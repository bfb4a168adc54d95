"""Decisions for columns: the batch in pieces, the pieces over threads, and what came of them."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastcore import _backend
from fastcore.columns.arrays import read_column
from fastcore.columns.column import Column
from fastcore.columns.segments import segments
from fastcore.errors import EvaluationError, EventError, LimitError

from .column_table import Reads, Table, split_path
from .decision import DecisionError

if TYPE_CHECKING:
    from .ruleset import RuleSet

__all__ = ["ColumnDecisions", "decide_arrow", "decide_columns"]

Path = tuple[str, ...]
RowError = EventError | EvaluationError | LimitError

SHARE = 1 << 15  # rows that a thread takes at a time
ROWS = 1024  # rows that are events at the same time


@dataclass(frozen=True, slots=True, eq=False)
class ColumnDecisions:
    """The outcomes for the rows of columns; arrays are numpy's where numpy can be imported, else
    `array.array`.

    It can be taken over as a table by what reads the Arrow C stream or array interface.

    Attributes:
        matched_count: int32, how many rules fired.
        score: int64 or float64; a list where ints go beyond 64 bits.
        action: int32, positions in `actions`; -1 where nothing says what is to be done.
        actions: all actions that the ruleset has.
        errors: pairs of a row and what went wrong there, by row; see `DecisionError`.
        ids: of the enabled rules, in the order of evaluation.
        indices: int32, if they were asked for: positions in `ids` of the rules that fired, row after row.
        offsets: int64: row i has the `indices` from ``offsets[i]`` to ``offsets[i + 1]``.
    """

    matched_count: Any
    score: Any
    action: Any
    actions: tuple[str, ...]
    errors: list[tuple[int, DecisionError]]
    ids: tuple[str, ...]
    indices: Any = None
    offsets: Any = None

    def __len__(self) -> int:
        return len(self.matched_count)

    def matches(self, row: int) -> list[str]:
        """Ids of the rules that fired for a row.

        Raises:
            ValueError: they were not asked for.
        """
        if self.indices is None:
            raise ValueError("which rules fired is known with matched=True only")
        start, stop = self.offsets[row], self.offsets[row + 1]
        return [self.ids[index] for index in self.indices[start:stop].tolist()]

    def __arrow_c_schema__(self) -> Any:
        """The schema, as the Arrow PyCapsule interface has it."""
        from .arrow_export import export_schema

        return export_schema(self)

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """One struct array of all rows, as the Arrow PyCapsule interface has it."""
        from .arrow_export import export_array

        return export_array(self)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """A stream of one such array."""
        from .arrow_export import export_stream

        return export_stream(self)


class _Output:
    """The results of some rows, while they are made."""

    __slots__ = ("actions", "counts", "scores")

    def __init__(self, length: int, score_type: str) -> None:
        self.counts = _zeros("i", length)
        self.scores: Any = _zeros(score_type, length) if score_type else [0] * length
        self.actions = _zeros("i", length)

    def fail(self, row: int) -> None:
        """What stands for a row that has no decision."""
        self.counts[row] = self.scores[row] = 0
        self.actions[row] = -1


class _Batch:
    """Evaluates pieces of a batch, all with one clock."""

    def __init__(self, ruleset: "RuleSet", now: datetime | None, wanted: bool) -> None:
        self.now = now
        self.wanted = wanted
        self.plan = ruleset._plan
        self.decider = ruleset._decider
        self.engine = ruleset._engine
        self.setting = ruleset._engine.setting(now)
        self.matcher = ruleset._engine.matcher
        self.kernel = _backend.kernels("columns", ruleset.backend)
        self.active = self.plan.active(now)
        self.actions: tuple[str, ...] = self.kernel.column_actions(self.decider)
        scores = self.plan.scores
        self.score_type = (
            "d"
            if not all(isinstance(score, int) for score in scores)
            else "q"
            if sum(abs(score) for score in scores) < 1 << 62
            else ""
        )
        if self.matcher is not None:
            self.fields: list[Path] = self.kernel.column_fields(self.matcher)
            program = _backend.kernels("conditions", ruleset.backend).conditions_program
            self.program = program([("var", path, 0) for path in self.fields])
            self.asked = Reads(ruleset._engine.asked)
            self.reads = self.asked.with_paths(map(split_path, ruleset._checked.fields))
        else:
            self.reads = self.asked = Reads(self.plan.trees)

    def prepare(self, table: Table) -> Callable[[int, int, _Output, int], tuple[bytes, list[Any]]]:
        """What evaluates rows of a table: from start to stop, into an output from some row on."""
        if self.matcher is None:
            return self._one_by_one(table)
        columns = [table.field(path, self._look_up(number)) for number, path in enumerate(self.fields)]
        events = table.events(self.asked)
        runner = self.kernel.column_runner(
            self.matcher, self.decider, columns, self.active, events, table.length
        )

        def run(start: int, stop: int, output: _Output, base: int) -> tuple[bytes, list[Any]]:
            indices, failures = runner.run(
                start, stop, self.setting, output.counts, output.scores, output.actions, base, self.wanted
            )
            return indices, [(base + row - start, error) for row, error in failures]

        return run

    def _look_up(self, number: int) -> Callable[[Any], Any]:
        return lambda event: self.program.probe(number, event, None).value()

    def _one_by_one(self, table: Table) -> Callable[[int, int, _Output, int], tuple[bytes, list[Any]]]:
        events = table.events(self.asked)
        codes: dict[str | None, int] = {action: code for code, action in enumerate(self.actions)}
        codes[None] = -1

        def run(start: int, stop: int, output: _Output, base: int) -> tuple[bytes, list[Any]]:
            found = array("i")
            errors: list[tuple[int, Any]] = []
            for at in range(start, stop, ROWS):
                rows = events(at, min(at + ROWS, stop))
                for row in range(base + at - start, base + min(at + ROWS, stop) - start):
                    try:
                        fired, thrown = self.engine.fire(
                            rows.at(row - base - at + start), self.now, self.active
                        )
                    except (EventError, EvaluationError, LimitError) as error:
                        errors.append((row, error))
                        continue
                    errors += [(row, error) for error in thrown]
                    output.counts[row] = len(fired)
                    output.scores[row] = score = self.decider.total(fired)
                    output.actions[row] = codes[self.decider.action(fired, score)]
                    found.extend(fired if self.wanted else ())
            return found.tobytes(), errors

        return run


def decide_columns(
    ruleset: "RuleSet",
    columns: Mapping[str, Any],
    matched: bool,
    threads: int,
    errors: str,
    now: datetime | None,
) -> ColumnDecisions:
    """See `RuleSet.evaluate_columns`."""
    _check(threads, errors)
    _check_mapping(columns)
    batch = _Batch(ruleset, now, matched)
    found: dict[Path, list[Column]] = {}
    sizes: dict[str, int] = {}
    for name, column in columns.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a column must be a str, not {type(name).__name__}")
        path = split_path(name)
        if batch.reads(path):
            found[path] = _pieces(name, column)
            sizes[name] = sum(piece.length for piece in found[path])
    _check_lengths(sizes)
    if not sizes:
        length = next((len(column) for column in columns.values() if hasattr(column, "__len__")), 0)
        tables = iter([Table(length, {})])
    else:
        length = next(iter(sizes.values()))
        tables = (Table(size, parts) for size, parts in segments(found))
    return _run(ruleset, batch, tables, threads, errors, length)


def decide_arrow(
    ruleset: "RuleSet", data: Any, matched: bool, threads: int, errors: str, now: datetime | None
) -> ColumnDecisions:
    """See `RuleSet.evaluate_arrow`."""
    _check(threads, errors)
    batch = _Batch(ruleset, now, matched)
    return _run(ruleset, batch, _arrow_tables(batch, data), threads, errors, None)


def _check(threads: int, errors: str) -> None:
    if errors not in ("record", "raise"):
        raise ValueError(f"errors must be 'record' or 'raise', not {errors!r}")
    if not isinstance(threads, int) or isinstance(threads, bool):
        raise TypeError(f"threads must be an int, not {type(threads).__name__}")
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")


def _check_mapping(columns: Any) -> None:
    if not isinstance(columns, Mapping):
        hint = "; evaluate_arrow takes tables" if hasattr(columns, "__arrow_c_stream__") else ""
        raise TypeError(f"columns are a mapping of paths to columns, not {type(columns).__name__}{hint}")


def _check_lengths(sizes: Mapping[str, int]) -> None:
    first = None
    for name, size in sizes.items():
        if first is None:
            first = name
        elif size != sizes[first]:
            raise ValueError(f"the columns {first!r} and {name!r} have {sizes[first]} and {size} rows")


def _pieces(name: str, column: Any) -> list[Column]:
    is_numpy = type(column).__module__.partition(".")[0] == "numpy"
    if not is_numpy and (hasattr(column, "__arrow_c_stream__") or hasattr(column, "__arrow_c_array__")):
        from fastcore.columns.arrow import arrow_column
        from fastcore.columns.arrow_interface import arrow_batches

        schema, batches = arrow_batches(column)
        return [arrow_column(schema, held.array, (held, batches), held.array.length) for held in batches]
    return [read_column(name, column)]


def _arrow_tables(batch: _Batch, data: Any) -> Iterator[Table]:
    from fastcore.columns.arrow import arrow_column
    from fastcore.columns.arrow_interface import arrow_batches

    schema, batches = arrow_batches(data)
    if schema.format != b"+s":
        raise TypeError(f"{type(data).__name__} is no table: its Arrow type is {schema.format.decode()!r}")
    for held in batches:
        whole = arrow_column(schema, held.array, (held, batches), held.array.length)
        assert whole.fields is not None
        columns = {split_path(name): column for name, column in whole.fields.items()}
        yield Table(
            held.array.length, {path: column for path, column in columns.items() if batch.reads(path)}
        )


# --- running ------------------------------------------------------------------------------------------------


def _run(
    ruleset: "RuleSet", batch: _Batch, tables: Iterable[Table], threads: int, errors: str, length: int | None
) -> ColumnDecisions:
    """Evaluates tables one after the other; into one output if the length is known."""
    outputs: list[_Output] = [] if length is None else [_Output(length, batch.score_type)]
    indices: list[bytes] = []
    failures: list[tuple[int, Any]] = []
    begun = 0

    def tasks() -> Iterator[Callable[[], tuple[int, bytes, list[Any]]]]:
        nonlocal begun
        for table in tables:
            if length is None:
                outputs.append(_Output(table.length, batch.score_type))
            run = batch.prepare(table)
            base = 0 if length is None else begun
            for start in range(0, table.length, SHARE):
                stop = min(start + SHARE, table.length)
                yield _task(run, start, stop, outputs[-1], base + start, begun + start)
            begun += table.length

    for first, found, failed in _in_order(tasks(), threads):
        indices.append(found)
        for row, error in failed:
            if errors == "raise" and not isinstance(error, DecisionError):
                _raise(error, first + row)
            failures.append((first + row, error))
    return _result(ruleset, batch, outputs, indices, failures)


def _task(
    run: Callable[[int, int, _Output, int], tuple[bytes, list[Any]]],
    start: int,
    stop: int,
    output: _Output,
    base: int,
    row: int,
) -> Callable[[], tuple[int, bytes, list[Any]]]:
    def task() -> tuple[int, bytes, list[Any]]:
        found, failed = run(start, stop, output, base)
        for place, error in failed:
            if not isinstance(error, DecisionError):
                output.fail(place)
        return row - base, found, failed

    return task


def _in_order(tasks: Iterator[Callable[[], Any]], threads: int) -> Iterator[Any]:
    """What the tasks give, in their order; only a few are ahead of the one that is waited for."""
    if threads == 1:
        for task in tasks:
            yield task()
        return
    from collections import deque
    from concurrent.futures import Future, ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[Any]] = deque()
        try:
            for task in tasks:
                running.append(pool.submit(task))
                if len(running) > 2 * threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()


def _raise(error: RowError, row: int) -> None:
    from .ruleset import _raise_indexed

    _raise_indexed(error, row)


# --- results ------------------------------------------------------------------------------------------------


def _result(
    ruleset: "RuleSet",
    batch: _Batch,
    outputs: Sequence[_Output],
    indices: Sequence[bytes],
    failures: Sequence[tuple[int, Any]],
) -> ColumnDecisions:
    records: list[tuple[int, DecisionError]] = []
    for row, error in failures:
        record = error if isinstance(error, DecisionError) else ruleset.failure(error).errors[0]
        records.append((row, record))
    counts = _joined([output.counts for output in outputs], "i")
    matched = _from_bytes("i", b"".join(indices)) if batch.wanted else None
    return ColumnDecisions(
        matched_count=counts,
        score=_joined([output.scores for output in outputs], batch.score_type),
        action=_joined([output.actions for output in outputs], "i"),
        actions=batch.actions,
        errors=records,
        ids=batch.plan.ids,
        indices=matched,
        offsets=_offsets(counts) if batch.wanted else None,
    )


def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError:
        return None
    return np


def _zeros(code: str, length: int) -> Any:
    numpy = _numpy()
    return array(code, bytes(array(code).itemsize * length)) if numpy is None else numpy.zeros(length, code)


def _from_bytes(code: str, data: bytes) -> Any:
    numpy = _numpy()
    return array(code, data) if numpy is None else numpy.frombuffer(data, code)


def _joined(parts: Sequence[Any], code: str) -> Any:
    if len(parts) == 1:
        return parts[0]
    if not code:
        return [value for part in parts for value in part]
    numpy = _numpy()
    if numpy is not None and parts:
        return numpy.concatenate(parts)
    joined = _zeros(code, 0)
    for part in parts:
        joined.extend(part)
    return joined


def _offsets(counts: Any) -> Any:
    numpy = _numpy()
    if numpy is not None:
        offsets = numpy.zeros(len(counts) + 1, "q")
        numpy.cumsum(counts, out=offsets[1:], dtype="q")
        return offsets
    from itertools import accumulate

    return array("q", accumulate(counts, initial=0))
