"""What the cells of a CSV file are: text, unless the ruleset or their look says otherwise."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime

from .readers import BadRecord
from .sources import SourceError

__all__ = ["TYPES", "Columns"]

MakeEvent = Callable[[list[str]], "dict[str, object] | BadRecord"]
Convert = Callable[[str], object]

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+(?P<fraction>\.[0-9]*)?|(?P<bare>\.[0-9]+))(?P<exponent>[eE][+-]?[0-9]+)?"
)
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MISSING = object()
_KEPT = 4096
_BOOLEANS = {"true": True, "false": False}
_NUMBERED_BOOLEANS = {**_BOOLEANS, "1": True, "0": False}


def _number(cell: str) -> object:
    text = cell.strip()
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError("a number")
    if match["fraction"] is match["bare"] is match["exponent"] is None and len(text) <= 4300:
        return int(text)
    return float(text)


def _boolean(cell: str) -> bool:
    value = _NUMBERED_BOOLEANS.get(cell.strip().lower())
    if value is None:
        raise ValueError("true or false")
    return value


def _datetime(cell: str) -> datetime:
    try:
        return datetime.fromisoformat(cell.strip())
    except ValueError:
        raise ValueError("an ISO 8601 date and time") from None


def _date(cell: str) -> date:
    try:
        return date.fromisoformat(cell.strip())
    except ValueError:
        raise ValueError("an ISO 8601 date") from None


def _guess(cell: str) -> object:
    """A cell that looks like a number or a boolean is one; `007` and `+49` are text."""
    if _PLAIN_NUMBER.fullmatch(cell):
        return _number(cell)
    return _BOOLEANS.get(cell.lower(), cell)


TYPES: Mapping[str, Convert] = {
    "string": str,
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
    "date": _date,
}


class Columns:
    """Makes events of rows: calling it with a header gives what is called with each row.

    Only columns that the ruleset reads take part. A dotted name is a path into nested objects. An empty cell
    is a missing field.

    Parameters:
        fields: what the ruleset reads: per dotted path, the types that it reads it as.
        types: per column, one of TYPES; a cell that is none is an error. Elsewhere the ruleset tells the
            type, and a cell that is none stays text.
        nulls: cells that stand for a missing field.
    """

    def __init__(
        self, fields: Mapping[str, Iterable[str]], types: Mapping[str, str], nulls: Collection[str] = ()
    ) -> None:
        self.fields = {path: frozenset(kinds) for path, kinds in fields.items()}
        self.types = types
        self.nulls = frozenset({"", *nulls})

    def __call__(self, header: list[str]) -> MakeEvent:
        """The rows' reader for this header.

        Raises:
            SourceError: a name is empty, occurs twice or is a path through another column, or a column of
                `types` is not there.
        """
        _check_names(header)
        absent = [name for name in self.types if name not in header]
        if absent:
            raise SourceError(f"the CSV input has no column {', '.join(map(repr, absent))}")
        steps = [
            (index, tuple(name.split(".")), _Cells(self._converter(name), self.nulls))
            for index, name in enumerate(header)
            if self._is_read(name) or name in self.types
        ]
        if all(len(path) == 1 for _, path, _ in steps):
            return _flat([(index, path[0], cells) for index, path, cells in steps])
        return _nested(steps)

    def _is_read(self, name: str) -> bool:
        parts = name.split(".")
        return "" in self.fields or any(
            ".".join(parts[:end]) in self.fields for end in range(1, len(parts) + 1)
        )

    def _converter(self, name: str) -> Convert:
        if name in self.types:
            return _strict(name, self.types[name])
        kinds = self.fields.get(name, frozenset())
        if len(kinds) != 1:
            return _guess
        (kind,) = kinds
        return str if kind == "string" else _lenient(TYPES[kind]) if kind in TYPES else _guess


class _Cells(dict[str, object]):
    """What the texts of one column stand for, made when first asked for.

    Columns repeat themselves, and a look-up is much cheaper than a conversion; only so many are kept.
    """

    def __init__(self, convert: Convert, nulls: Collection[str]) -> None:
        super().__init__(dict.fromkeys(nulls, _MISSING))
        self._convert = convert

    def __missing__(self, cell: str) -> object:
        value = self._convert(cell)
        if len(self) < _KEPT:
            self[cell] = value
        return value


def _flat(steps: list[tuple[int, str, _Cells]]) -> MakeEvent:
    def make_event(row: list[str]) -> dict[str, object] | BadRecord:
        try:
            return {
                name: value for index, name, cells in steps if (value := cells[row[index]]) is not _MISSING
            }
        except _TypeError as error:
            return BadRecord(str(error))

    return make_event


def _nested(steps: list[tuple[int, tuple[str, ...], _Cells]]) -> MakeEvent:
    def make_event(row: list[str]) -> dict[str, object] | BadRecord:
        event: dict[str, object] = {}
        try:
            for index, path, cells in steps:
                value = cells[row[index]]
                if value is not _MISSING:
                    _put(event, path, value)
        except _TypeError as error:
            return BadRecord(str(error))
        return event

    return make_event


class _TypeError(Exception):
    """A cell is not what the user said that it is."""


def _strict(name: str, kind: str) -> Convert:
    convert = TYPES[kind]

    def converted(cell: str) -> object:
        try:
            return convert(cell)
        except ValueError as error:
            raise _TypeError(f"column {name!r}: expected {error}, not {cell[:60]!r}") from None

    return converted


def _lenient(convert: Convert) -> Convert:
    def converted(cell: str) -> object:
        try:
            return convert(cell)
        except ValueError:
            return cell

    return converted


def _put(event: dict[str, object], path: tuple[str, ...], value: object) -> None:
    node = event
    for key in path[:-1]:
        node = node.setdefault(key, {})  # type: ignore[assignment]
    node[path[-1]] = value


def _check_names(header: list[str]) -> None:
    seen: set[str] = set()
    for number, name in enumerate(header, 1):
        if not all(name.split(".")):
            raise SourceError(f"column {number} of the CSV input has the name {name!r}, which is not a path")
        if name in seen:
            raise SourceError(f"two columns of the CSV input have the name {name!r}")
        seen.add(name)
    for name in header:
        parts = name.split(".")
        for end in range(1, len(parts)):
            if ".".join(parts[:end]) in seen:
                raise SourceError(
                    f"the columns {'.'.join(parts[:end])!r} and {name!r} of the CSV input exclude one another"
                )
