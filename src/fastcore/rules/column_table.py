"""Columns by the paths of fields: which one a field reads, and rows as events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fastcore.columns.column import Column, missing_column, object_column

from .language import Tree, branches, field_name

__all__ = ["Reads", "Table", "split_path"]

Path = tuple[str, ...]


class Reads:
    """Which paths some conditions read.

    Parameters:
        trees: of the conditions.
    """

    def __init__(self, trees: Iterable[Tree]) -> None:
        self.paths: set[Path] = set()
        self.everything = False
        pending = list(trees)
        while pending:
            tree = pending.pop()
            if tree[0] in ("var", "exists"):
                # within an iteration a path may be of an element; that only reads more than is needed
                self.paths.add(tuple(tree[1]))
            self.everything |= tree[0] in ("missing", "missing_some") or tuple(tree[1:2]) == ((),)
            pending.extend(branches(tree))

    def with_paths(self, paths: Iterable[Path]) -> "Reads":
        """The same and further paths."""
        more = Reads([])
        more.everything = self.everything
        more.paths = self.paths.union(paths)
        return more

    def __call__(self, path: Path) -> bool:
        """Whether a column of this path matters."""
        return self.everything or any(
            path[: len(other)] == other or other[: len(path)] == path for other in self.paths
        )


def split_path(name: str) -> Path:
    """The keys of a dotted path; ``\\\\.`` is a dot within a key."""
    if "\\" not in name:
        return tuple(name.split("."))
    keys, key, position = [], "", 0
    while position < len(name):
        if name[position] == "\\" and name[position + 1 : position + 2] in ("\\", "."):
            key += name[position + 1]
            position += 1
        elif name[position] == ".":
            keys.append(key)
            key = ""
        else:
            key += name[position]
        position += 1
    return (*keys, key)


class Table:
    """Some rows of all columns that matter.

    Parameters:
        length: how many rows.
        columns: by path.

    Raises:
        ValueError: one column lies within another.
    """

    def __init__(self, length: int, columns: Mapping[Path, Column]) -> None:
        self.length = length
        self.columns = columns
        for path in columns:
            for end in range(1, len(path)):
                if path[:end] in columns:
                    raise ValueError(
                        f"the columns {field_name(path[:end])!r} and {field_name(path)!r} exclude one another"
                    )

    def field(self, path: Path, look_up: Callable[[Any], Any]) -> Column:
        """The column of a field.

        Parameters:
            path: of the field.
            look_up: gives what an event holds there; asked where the field is a member of values, or has
                members that are columns.
        """
        found = self.columns.get(path)
        if found is not None:
            return found
        for end in range(len(path) - 1, 0, -1):
            outer = self.columns.get(path[:end])
            if outer is not None:
                return _member(outer, path[end:]) or self._looked_up(path, look_up)
        if any(other[: len(path)] == path for other in self.columns):
            return self._looked_up(path, look_up)
        return missing_column(self.length)

    def _looked_up(self, path: Path, look_up: Callable[[Any], Any]) -> Column:
        events = self.events(lambda other: other[: len(path)] == path or path[: len(other)] == other)

        def values(start: int, stop: int) -> list[Any]:
            rows = events(start, stop)
            return [look_up(rows.at(index)) for index in range(stop - start)]

        return object_column(self.length, values)

    def events(self, reads: Callable[[Path], bool]) -> Callable[[int, int], "Rows"]:
        """What gives rows as events, of the columns that are read."""
        columns = [(path, column) for path, column in self.columns.items() if reads(path)]

        def rows(start: int, stop: int) -> Rows:
            return Rows([(path, column.values(start, stop)) for path, column in columns])

        return rows


class Rows:
    """Consecutive rows as events."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Sequence[tuple[Path, list[Any]]]) -> None:
        self._columns = columns

    def at(self, index: int) -> dict[str, Any]:
        """The event of a row: a fresh dict, nested as the paths say."""
        event: dict[str, Any] = {}
        for path, values in self._columns:
            members = event
            for key in path[:-1]:
                members = members.setdefault(key, {})
            members[path[-1]] = values[index]
        return event


def _member(column: Column, path: Path) -> Column | None:
    """The column of a member of a struct; None if its values have to be asked."""
    for key in path:
        if column.fields is None:
            return None
        found = column.fields.get(key)
        if found is None:
            return missing_column(column.length)
        column = found
    return column
