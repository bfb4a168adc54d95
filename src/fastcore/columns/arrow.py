"""Arrays of the Arrow C data interface as columns: where their buffers are, and their values in Python.

Elements are counted from the begin of an array's buffers, so the first row of a column is its offset.
"""

import ctypes
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from .column import Column, Reading

__all__ = [
    "arrow_column",
    "arrow_list",
    "arrow_placed",
    "arrow_validity",
    "bits",
    "is_list",
    "time_zone",
]

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
UNITS: Final = {"s": "s", "m": "ms", "u": "us", "n": "ns"}
LISTS: Final = {"+l": ("list", "i"), "+L": ("large_list", "q"), "+m": ("objects", "i")}
EPOCH: Final = datetime(1970, 1, 1)
DAY_ZERO: Final = date(1970, 1, 1).toordinal()

OUTSIDE: Final = "offsets of Arrow data lie outside of what they are for"

Read = Callable[[int, int], list[Any]]
Valid = list[tuple[int, int]]

CONDITIONS: Final = Reading()


def arrow_column(
    schema: Any,
    array: Any,
    owner: Any,
    length: int,
    outer: int = 0,
    parents: Any = (),
    reading: Reading = CONDITIONS,
) -> Column:
    """An array as a column.

    Parameters:
        schema, array: the structures.
        owner: keeps both.
        length: how many rows.
        outer: the offset of the struct that the array belongs to.
        parents: the validity of that struct and those around it, by the elements of the first of them.
        reading: of values that Python has several types for, or none.

    Reading times of day and intervals gives None; of a type that is not read here it raises TypeError.
    """
    layout = schema.format.decode()
    offset = array.offset + outer
    valid: Valid = [(address, base - array.offset) for address, base in parents]
    valid += arrow_validity(schema, array)
    column = (
        _coded(layout, schema, array, owner, reading)
        if schema.dictionary
        else _struct(schema, array, owner, length, offset, valid, reading)
        if layout == "+s"
        else arrow_list(schema, array, _items_column(schema, array, owner, reading))
        if is_list(layout)
        else _flat(layout, schema, array, reading)
    )
    return arrow_placed(column, length, offset, owner, valid)


def arrow_validity(schema: Any, array: Any) -> Valid:
    """Where the nulls of an array are, as in `Column.valid`."""
    without = schema.format in (b"n", b"") or schema.format[:2] in (b"+u", b"+r")
    there = not without and array.null_count != 0 and array.buffers[0]
    return [(array.buffers[0], 0)] if there else []


def _children(schema: Any, array: Any) -> list[tuple[str, Any, Any]]:
    """Name, schema and array of the members of a struct."""
    inner = [schema.children[i].contents for i in range(schema.n_children)]
    return [
        ((child.name or b"").decode("utf-8", "replace"), child, array.children[i].contents)
        for i, child in enumerate(inner)
    ]


def is_list(layout: str) -> bool:
    """Whether a format is that of a list of any kind, or of a map."""
    return layout in ("+l", "+L", "+m", "+vl", "+vL") or layout.startswith("+w:")


def _items_column(schema: Any, array: Any, owner: Any, reading: Reading) -> Column:
    data = array.children[0].contents
    return arrow_column(schema.children[0].contents, data, owner, data.length, reading=reading)


def arrow_placed(column: Column, length: int, offset: int, owner: Any, valid: Valid) -> Column:
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


def bits(address: int, start: int, stop: int) -> list[bool]:
    """Some bits of a bitmap."""
    if stop <= start:
        return []
    first = start >> 3
    data = int.from_bytes(ctypes.string_at(address + first, ((stop + 7) >> 3) - first), "little")
    count = stop - start
    digits = f"{(data >> (start & 7)) & ((1 << count) - 1):0{count}b}"
    return [digit == "1" for digit in reversed(digits)]


def _with_nulls(read: Read, valid: Valid, null: Any) -> Read:
    def values(start: int, stop: int) -> list[Any]:
        found = read(start, stop)
        for address, base in valid:
            there = bits(address, start + base, stop + base)
            found = [value if known else null for value, known in zip(found, there, strict=True)]
        return found

    return values


# --- layouts ------------------------------------------------------------------------------------------------


def _flat(layout: str, schema: Any, array: Any, reading: Reading) -> Column:
    """An array without a dictionary and without children."""
    buffers = [array.buffers[i] or 0 for i in range(array.n_buffers)]
    if layout in NUMBERS:
        kind, code = NUMBERS[layout]
        return _elements(kind, buffers[1], struct.calcsize(code), _read_numbers(buffers[1], code, reading))
    if layout == "b":
        return _elements("bits", buffers[1], 0, lambda start, stop: bits(buffers[1], start, stop))
    if layout in TEXTS:
        kind, code = TEXTS[layout]
        # a change of memory must not make anyone read outside of it
        end = array.offset + array.length
        last = _items(buffers[1], code, end, end + 1)[0] if buffers[1] and array.length else 0
        column = Column(kind, 0, _read_texts(buffers, code, last, reading if kind != "objects" else None))
        column.offsets, column.address = buffers[1:3]
        return column
    if layout in ("vu", "vz"):
        text = layout == "vu"
        column = Column("view" if text else "objects", 0, _read_views(buffers, reading if text else None))
        column.address, column.buffers, column.sizes = buffers[1], buffers[2:-1], buffers[-1]
        return column
    if layout == "n":
        return Column("missing", 0, lambda start, stop: [None] * (stop - start))
    return _scalars(layout, schema, buffers, reading)


def _elements(kind: str, address: int, stride: int, read: Read) -> Column:
    column = Column(kind, 0, read)
    column.address, column.stride = address, stride
    return column


def _read_numbers(address: int, code: str, reading: Reading) -> Read:
    if code in "ef":
        return lambda start, stop: reading.singles(_items(address, code, start, stop))
    return lambda start, stop: _items(address, code, start, stop)


def _coded(layout: str, schema: Any, array: Any, owner: Any, reading: Reading) -> Column:
    kind, code = INTEGERS[layout]
    codes = array.buffers[1] or 0
    names = array.dictionary.contents
    dictionary = arrow_column(schema.dictionary.contents, names, owner, names.length, reading=reading)
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


def _struct(
    schema: Any, array: Any, owner: Any, length: int, offset: int, valid: Valid, reading: Reading
) -> Column:
    children = {}
    members = []
    for name, inner, data in _children(schema, array):
        inherited = valid if reading.inherit_nulls else ()
        children[name] = arrow_column(inner, data, owner, length, offset, inherited, reading)
        members.append((name, children[name], data.offset))

    def read(start: int, stop: int) -> list[Any]:
        names = [name for name, _, _ in members]
        columns = [column.read(start + shift, stop + shift) for _, column, shift in members]
        if not columns:
            return [{} for _ in range(stop - start)]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    column = Column("struct", 0, read)
    column.fields = children
    return column


def _read_texts(buffers: list[int], code: str, last: int, reading: Reading | None) -> Read:
    """Text, or bytes if no reading is given; no offset is greater than `last`."""

    def read(start: int, stop: int) -> list[Any]:
        if start == stop:
            return []
        ends = _items(buffers[1], code, start, stop + 1)
        first = ends[0]
        if first < 0 or ends[-1] > last:
            raise ValueError(OUTSIDE)
        data = ctypes.string_at(buffers[2] + first, ends[-1] - first) if ends[-1] > first else b""
        bounds = pairwise(ends)
        if reading is not None and data.isascii():
            text = data.decode("ascii")
            return [text[begin - first : end - first] for begin, end in bounds]
        parts = [data[begin - first : end - first] for begin, end in bounds]
        return parts if reading is None else reading.texts(parts)

    return read


def _read_views(buffers: list[int], reading: Reading | None) -> Read:
    """Text, or bytes if no reading is given."""
    count = len(buffers) - 3
    sizes = _items(buffers[-1], "q", 0, count) if count > 0 else []

    def read(start: int, stop: int) -> list[Any]:
        parts = []
        views = ctypes.string_at(buffers[1] + 16 * start, 16 * (stop - start)) if stop > start else b""
        for at, (size, buffer, offset) in enumerate(struct.iter_unpack("=i4xii", views)):
            if size <= 12:
                parts.append(views[16 * at + 4 : 16 * at + 4 + size])
            elif 0 <= buffer < count and 0 <= offset <= sizes[buffer] - size:
                parts.append(ctypes.string_at(buffers[2 + buffer] + offset, size))
            else:
                parts.append(b"")  # under a null, where a view may be anything
        return parts if reading is None else reading.texts(parts)

    return read


def arrow_list(schema: Any, array: Any, inner: Column) -> Column:
    """An array of lists, or of a map, whose items, one after the other, are another column.

    `arrow_column` is what completes it with its place and its nulls.
    """
    layout = schema.format.decode()
    buffers = [array.buffers[i] or 0 for i in range(array.n_buffers)]
    kind, code = LISTS.get(layout, ("objects", "q" if layout == "+vL" else "i"))
    width = int(layout[3:]) if layout.startswith("+w:") else 0

    def bounds(start: int, stop: int) -> list[tuple[int, int]]:
        if layout.startswith("+w:"):
            return [(width * i, width * (i + 1)) for i in range(start, stop)]
        if layout.startswith("+v"):
            begins, sizes = _items(buffers[1], code, start, stop), _items(buffers[2], code, start, stop)
            return [(begin, begin + size) for begin, size in zip(begins, sizes, strict=True)]
        ends = _items(buffers[1], code, start, stop + 1)
        return list(pairwise(ends))

    def read(start: int, stop: int) -> list[Any]:
        pairs = bounds(start, stop) if stop > start else []
        first = min((begin for begin, _ in pairs), default=0)
        last = max((end for _, end in pairs), default=0)
        if first < 0 or last > inner.length:
            raise ValueError(OUTSIDE)
        values = inner.values(first, last)
        if layout == "+m":
            values = [tuple(entry.values()) for entry in values]
        return [values[begin - first : end - first] for begin, end in pairs]

    column = Column("fixed_list" if layout.startswith("+w:") else kind, 0, read)
    column.items, column.width = inner, width
    if kind != "objects":
        column.offsets = buffers[1]
    return column


# --- values without a fast layout ---------------------------------------------------------------------------


def _scalars(layout: str, schema: Any, buffers: list[int], reading: Reading) -> Column:
    if layout.startswith("d:"):
        return _decimals(layout, buffers[1])
    if layout.startswith("w:"):
        size = int(layout[2:])
        return Column(
            "objects",
            0,
            lambda start, stop: [ctypes.string_at(buffers[1] + size * i, size) for i in range(start, stop)],
        )
    if layout in ("tdD", "tdm"):
        code, per_day = ("i", 1) if layout == "tdD" else ("q", 86_400_000)
        return _elements(
            "date32" if layout == "tdD" else "date64",
            buffers[1],
            struct.calcsize(code),
            lambda start, stop: [
                _date(value // per_day, value, layout, reading)
                for value in _items(buffers[1], code, start, stop)
            ],
        )
    if layout.startswith("ts") and layout[2:3] in MICROSECONDS:
        return _timestamps(layout, buffers[1], reading)
    if layout.startswith("tD") and layout[2:3] in MICROSECONDS:
        factor, divisor = MICROSECONDS[layout[2]]
        return Column(
            "objects",
            0,
            lambda start, stop: [
                _duration(value * factor // divisor) for value in _items(buffers[1], "q", start, stop)
            ],
        )
    if layout.startswith(("tt", "ti")):  # times of day and intervals of a calendar: conditions have none
        return Column("objects", 0, lambda start, stop: [None] * (stop - start))
    name = (schema.name or b"").decode("utf-8", "replace")

    def refuse(start: int, stop: int) -> list[Any]:
        raise TypeError(f"the column {name!r} has the Arrow type {layout!r}, which conditions cannot read")

    return Column("objects", 0, refuse)


def _decimals(layout: str, address: int) -> Column:
    _, scale, *bits = layout[2:].split(",")
    size = int(bits[0]) // 8 if bits else 16

    def read(start: int, stop: int) -> list[Any]:
        data = ctypes.string_at(address + size * start, size * (stop - start)) if stop > start else b""
        whole = [int.from_bytes(data[i : i + size], "little", signed=True) for i in range(0, len(data), size)]
        return [Decimal(f"{value}E{-int(scale)}") for value in whole]

    column = _elements("decimal", address, size, read)
    column.width, column.scale = size, int(scale)
    return column


def _timestamps(layout: str, address: int, reading: Reading) -> Column:
    factor, divisor = MICROSECONDS[layout[2]]
    zone = reading.zone(layout[4:], time_zone) if layout[4:] else None
    epoch = EPOCH.replace(tzinfo=zone and UTC)
    convert = zone is not None and zone is not UTC

    def moment(value: int) -> Any:
        try:
            found = epoch + timedelta(0, 0, value * factor // divisor)
            return found.astimezone(zone) if convert else found
        except (OverflowError, ValueError):
            return reading.beyond(value, layout)

    def read(start: int, stop: int) -> list[Any]:
        values = _items(address, "q", start, stop)
        try:
            found = [epoch + timedelta(0, 0, value * factor // divisor) for value in values]
            return [each.astimezone(zone) for each in found] if convert else found
        except (OverflowError, ValueError):  # one of them is such that Python does not have it
            return list(map(moment, values))

    column = _elements("timestamp", address, 8, read)
    column.unit, column.zone = UNITS[layout[2]], zone
    return column


def _date(days: int, value: int, layout: str, reading: Reading) -> Any:
    try:
        return date.fromordinal(DAY_ZERO + days)
    except (ValueError, OverflowError):  # before year 1 or after 9999
        return reading.beyond(value, layout)


def _duration(microseconds: int) -> timedelta | None:
    try:
        return timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def time_zone(name: str) -> tzinfo:
    """A time zone by its name or offset, as Arrow has them.

    Raises:
        ValueError: it is not known here.
    """
    if name.upper() in ("UTC", "Z", "ETC/UTC"):
        return UTC
    if name[0] in "+-":
        hours, minutes = int(name[1:3]), int(name[-2:])
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(-offset if name[0] == "-" else offset)
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"the time zone {name!r} is not known here") from error
