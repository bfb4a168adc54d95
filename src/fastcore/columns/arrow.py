"""Arrays of the Arrow C data interface as columns: where their buffers are, and their values in Python.

Elements are counted from the begin of an array's buffers, so the first row of a column is its offset.
"""

import ctypes
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Final

from .column import Column

__all__ = ["arrow_column"]

INTEGERS: Final = {
    "c": ("i1", "b"),
    "C": ("u1", "B"),
    "s": ("i2", "h"),
    "S": ("u2", "H"),
    "i": ("i4", "i"),
    "I": ("u4", "I"),
    "l": ("i8", "q"),
    "L": ("u8", "Q"),
}
NUMBERS: Final = {**INTEGERS, "e": ("f2", "e"), "f": ("f4", "f"), "g": ("f8", "d")}
TEXTS: Final = {"u": ("utf8", "i"), "U": ("large", "q"), "z": ("objects", "i"), "Z": ("objects", "q")}
MICROSECONDS: Final = {"s": (1_000_000, 1), "m": (1000, 1), "u": (1, 1), "n": (1, 1000)}
EPOCH: Final = datetime(1970, 1, 1)
DAY_ZERO: Final = date(1970, 1, 1).toordinal()

Read = Callable[[int, int], list[Any]]
Valid = list[tuple[int, int]]


def arrow_column(
    schema: Any, array: Any, owner: Any, length: int, outer: int = 0, parents: Any = ()
) -> Column:
    """An array as a column.

    Parameters:
        schema, array: the structures.
        owner: keeps both.
        length: how many rows.
        outer: the offset of the struct that the array belongs to.
        parents: the validity of that struct and those around it, by the elements of the first of them.

    Reading values of a type that conditions do not have gives None; of a nested type that is not read here it
    raises
    TypeError.
    """
    layout = schema.format.decode()
    offset = array.offset + outer
    valid: Valid = [(address, base - array.offset) for address, base in parents]
    if layout != "n" and layout[:2] not in ("+u", "+r") and array.null_count != 0 and array.buffers[0]:
        valid.append((array.buffers[0], 0))
    column = (
        _coded(layout, schema, array, owner)
        if schema.dictionary
        else _struct(schema, array, owner, length, offset, valid)
        if layout == "+s"
        else _flat(layout, schema, array, owner)
    )
    column.length, column.offset, column.owner, column.valid = length, offset, owner, valid
    if valid:
        column.read = _with_nulls(column.read, valid, None)
        if column.read_codes is not None:
            column.read_codes = _with_nulls(column.read_codes, valid, -1)
    return column


# --- buffers ------------------------------------------------------------------------------------------------


def _items(address: int, code: str, start: int, stop: int) -> list[Any]:
    size = struct.calcsize(code)
    data = ctypes.string_at(address + start * size, (stop - start) * size) if stop > start else b""
    return list(struct.unpack(f"={stop - start}{code}", data))


def _bits(address: int, start: int, stop: int) -> list[bool]:
    if stop <= start:
        return []
    first = start >> 3
    data = int.from_bytes(ctypes.string_at(address + first, ((stop + 7) >> 3) - first), "little")
    data >>= start & 7
    return [bool(data >> i & 1) for i in range(stop - start)]


def _with_nulls(read: Read, valid: Valid, null: Any) -> Read:
    def values(start: int, stop: int) -> list[Any]:
        found = read(start, stop)
        for address, base in valid:
            there = _bits(address, start + base, stop + base)
            found = [value if known else null for value, known in zip(found, there, strict=True)]
        return found

    return values


# --- layouts ------------------------------------------------------------------------------------------------


def _flat(layout: str, schema: Any, array: Any, owner: Any) -> Column:
    """An array without a dictionary."""
    buffers = [array.buffers[i] or 0 for i in range(array.n_buffers)]
    if layout in NUMBERS:
        kind, code = NUMBERS[layout]
        column = Column(kind, 0, lambda start, stop: _items(buffers[1], code, start, stop))
        column.address, column.stride = buffers[1], struct.calcsize(code)
        return column
    if layout == "b":
        column = Column("bits", 0, lambda start, stop: _bits(buffers[1], start, stop))
        column.address = buffers[1]
        return column
    if layout in TEXTS:
        kind, code = TEXTS[layout]
        column = Column(kind, 0, _read_texts(buffers, code, kind != "objects"))
        column.offsets, column.address = buffers[1:3]
        return column
    if layout in ("vu", "vz"):
        column = Column("view" if layout == "vu" else "objects", 0, _read_views(buffers, layout == "vu"))
        column.address, column.buffers = buffers[1], buffers[2:-1]
        return column
    if layout == "n":
        return Column("missing", 0, lambda start, stop: [None] * (stop - start))
    if layout in ("+l", "+L", "+m") or layout.startswith("+w:"):
        return Column("objects", 0, _read_lists(layout, schema, array, owner, buffers))
    return Column("objects", 0, _read_scalars(layout, schema, buffers))


def _coded(layout: str, schema: Any, array: Any, owner: Any) -> Column:
    kind, code = INTEGERS[layout]
    codes = array.buffers[1] or 0
    names = array.dictionary.contents
    dictionary = arrow_column(schema.dictionary.contents, names, owner, names.length)
    held: list[list[Any]] = []

    def read(start: int, stop: int) -> list[Any]:
        if not held:
            held.append(dictionary.values(0, dictionary.length))
        known, size = held[0], dictionary.length
        return [known[i] if 0 <= i < size else None for i in _items(codes, code, start, stop)]

    def read_codes(start: int, stop: int) -> list[int]:
        size = dictionary.length
        return [i if 0 <= i < size else -1 for i in _items(codes, code, start, stop)]

    column = Column(kind, 0, read)
    column.read_codes, column.dictionary = read_codes, dictionary
    column.address, column.stride = codes, struct.calcsize(code)
    return column


def _struct(schema: Any, array: Any, owner: Any, length: int, offset: int, valid: Valid) -> Column:
    children = {}
    members = []
    for i in range(array.n_children):
        inner, data = schema.children[i].contents, array.children[i].contents
        name = (inner.name or b"").decode()
        children[name] = arrow_column(inner, data, owner, length, offset, valid)
        members.append((name, children[name], data.offset))

    def read(start: int, stop: int) -> list[Any]:
        names = [name for name, _, _ in members]
        columns = [column.read(start + shift, stop + shift) for _, column, shift in members]
        if not columns:
            return [{} for _ in range(stop - start)]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    column = Column("objects", 0, read)
    column.fields = children
    return column


def _read_texts(buffers: list[int], code: str, text: bool) -> Read:
    def read(start: int, stop: int) -> list[Any]:
        if start == stop:
            return []
        ends = _items(buffers[1], code, start, stop + 1)
        first = ends[0]
        data = ctypes.string_at(buffers[2] + first, ends[-1] - first) if ends[-1] > first else b""
        parts = [data[ends[i] - first : ends[i + 1] - first] for i in range(stop - start)]
        # what is no UTF-8 is equal to no constant of a rule either way
        return [part.decode("utf-8", "surrogateescape") for part in parts] if text else parts

    return read


def _read_views(buffers: list[int], text: bool) -> Read:
    def read(start: int, stop: int) -> list[Any]:
        parts = []
        for element in range(start, stop):
            view = ctypes.string_at(buffers[1] + 16 * element, 16)
            size, _, buffer, offset = struct.unpack("=iiii", view)
            if size <= 12:
                parts.append(view[4 : 4 + max(size, 0)])
            elif buffer < len(buffers) - 3:
                parts.append(ctypes.string_at(buffers[2 + buffer] + offset, size))
            else:
                parts.append(b"")
        return [part.decode("utf-8", "surrogateescape") for part in parts] if text else parts

    return read


def _read_lists(layout: str, schema: Any, array: Any, owner: Any, buffers: list[int]) -> Read:
    data = array.children[0].contents
    inner = arrow_column(schema.children[0].contents, data, owner, data.length)

    def read(start: int, stop: int) -> list[Any]:
        if start == stop:
            return []
        if layout.startswith("+w:"):
            size = int(layout[3:])
            ends = [size * i for i in range(start, stop + 1)]
        else:
            ends = _items(buffers[1], "q" if layout == "+L" else "i", start, stop + 1)
        first = ends[0]
        values = inner.values(first, ends[-1])
        if layout == "+m":
            values = [tuple(entry.values()) for entry in values]
        return [values[ends[i] - first : ends[i + 1] - first] for i in range(stop - start)]

    return read


# --- values without a fast layout ---------------------------------------------------------------------------


def _read_scalars(layout: str, schema: Any, buffers: list[int]) -> Read:
    if layout.startswith("d:"):
        return _read_decimals(layout, buffers[1])
    if layout.startswith("w:"):
        size = int(layout[2:])
        return lambda start, stop: [ctypes.string_at(buffers[1] + size * i, size) for i in range(start, stop)]
    if layout in ("tdD", "tdm"):
        code, per_day = ("i", 1) if layout == "tdD" else ("q", 86_400_000)
        return lambda start, stop: [
            _date(value // per_day) for value in _items(buffers[1], code, start, stop)
        ]
    if layout.startswith(("ts", "tD")) and layout[2:3] in MICROSECONDS:
        factor, divisor = MICROSECONDS[layout[2]]
        make = _timestamps(layout[4:]) if layout[1] == "s" else _duration
        return lambda start, stop: [
            make(value * factor // divisor) for value in _items(buffers[1], "q", start, stop)
        ]
    if layout.startswith(("tt", "ti")):  # times of day and intervals of a calendar: conditions have none
        return lambda start, stop: [None] * (stop - start)
    name = (schema.name or b"").decode()

    def refuse(start: int, stop: int) -> list[Any]:
        raise TypeError(f"the column {name!r} has the Arrow type {layout!r}, which conditions cannot read")

    return refuse


def _read_decimals(layout: str, address: int) -> Read:
    _, scale, *bits = layout[2:].split(",")
    size = int(bits[0]) // 8 if bits else 16

    def read(start: int, stop: int) -> list[Any]:
        data = ctypes.string_at(address + size * start, size * (stop - start))
        whole = [int.from_bytes(data[i : i + size], "little", signed=True) for i in range(0, len(data), size)]
        return [Decimal(f"{value}E{-int(scale)}") for value in whole]

    return read


def _date(days: int) -> date | None:
    try:
        return date.fromordinal(DAY_ZERO + days)
    except (ValueError, OverflowError):  # before year 1 or after 9999: nothing that Python could compare
        return None


def _duration(microseconds: int) -> timedelta | None:
    try:
        return timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def _timestamps(zone: str) -> Callable[[int], datetime | None]:
    known = _zone(zone) if zone else None

    def moment(microseconds: int) -> datetime | None:
        try:
            naive = EPOCH + timedelta(microseconds=microseconds)
            return naive if known is None else naive.replace(tzinfo=UTC).astimezone(known)
        except (OverflowError, ValueError):
            return None

    return moment


def _zone(name: str) -> tzinfo:
    if name.upper() in ("UTC", "Z", "ETC/UTC"):
        return UTC
    if name[0] in "+-":
        hours, minutes = int(name[1:3]), int(name[-2:])
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(-offset if name[0] == "-" else offset)
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a zone that is not known here: the instants are the same in UTC
        return UTC
