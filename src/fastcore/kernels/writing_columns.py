"""The rows of tables of columns, as tuples: what ``writing`` writes, and what its C twin falls back on."""

from fastcore import _cython as cython

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.writing_rows import _write_inlined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from fastcore.columns.column import Column
    from fastcore.payloads.columns import Table
    from fastcore.payloads.plan import Plan

_WRITE_COLUMN_BLOCK = 1024  # rows whose Python values are there at once


@cython.annotation_typing(False)
def _write_table_rows(plan: "Plan", tables: "Iterable[Table]", flat: bool) -> "Iterator[tuple[Any, ...]]":
    """The rows of tables, read block by block; a table is let go before the next one is read."""
    for table in tables:
        length = table.length
        leaves = _write_leaf_columns(plan, table.columns, flat)
        del table
        for start in range(0, length, _WRITE_COLUMN_BLOCK):
            yield from _write_block_rows(leaves, start, min(start + _WRITE_COLUMN_BLOCK, length))
        del leaves


@cython.annotation_typing(False)
def _write_block_rows(leaves: "list[Column]", start: int, stop: int) -> "Iterable[tuple[Any, ...]]":
    if not leaves:
        return [()] * (stop - start)
    return zip(*[column.values(start, stop) for column in leaves], strict=True)


@cython.annotation_typing(False)
def _write_leaf_columns(plan: "Plan", columns: "Iterable[Column]", flat: bool) -> "list[Column]":
    """The columns of the values of a row; of a flat one, those of what `_write_leaves` gives."""
    if not flat:
        return list(columns)
    leaves: list[Column] = []
    steps = [step for step in plan.steps if step.source is not None]
    for step, column in zip(steps, columns, strict=True):
        if _write_inlined(step):
            leaves.extend(_write_leaf_columns(step.detail, (column.fields or {}).values(), flat))
        else:
            leaves.append(column)
    return leaves
