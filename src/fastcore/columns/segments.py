"""Columns that come in pieces of different lengths, cut so that their pieces agree."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

from .column import Column

__all__ = ["segments"]

Key = TypeVar("Key", bound=Hashable)


def segments(columns: Mapping[Key, Sequence[Column]]) -> Iterator[tuple[int, dict[Key, Column]]]:
    """Columns in pieces as pieces of all of them: how many rows, and the columns there.

    The columns have equal lengths.
    """
    if all(len(pieces) == 1 for pieces in columns.values()):
        parts = {path: pieces[0] for path, pieces in columns.items()}
        length = next((piece.length for piece in parts.values()), 0)
        if length:
            yield length, parts
        return
    at = dict.fromkeys(columns, 0)
    begun = dict.fromkeys(columns, 0)
    while True:
        for path, pieces in columns.items():
            while at[path] < len(pieces) and begun[path] == pieces[at[path]].length:
                at[path], begun[path] = at[path] + 1, 0
        if not columns or any(at[path] == len(pieces) for path, pieces in columns.items()):
            return
        length = min(pieces[at[path]].length - begun[path] for path, pieces in columns.items())
        yield (
            length,
            {path: pieces[at[path]].part(begun[path], length) for path, pieces in columns.items()},
        )
        for path in columns:
            begun[path] += length
