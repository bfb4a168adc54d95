"""numpy arrays, buffers, ranges and sequences as columns."""

import struct
import sys
from array import array
from collections.abc import Sequence
from typing import Any, Final

from .column import Column, Reading

__all__ = ["buffer_column", "numpy_column", "range_column", "read_column", "sequence_column"]

UNITS: Final = ("D", "h", "m", "s", "ms", "us", "ns")
ORDERS: Final = {"<": "little", ">": "big", "!": "big"}
MANY: Final = 1 << 63


def read_column(name: str, column: Any) -> Column:
    """A numpy array, list or the like, for conditions; what has the Arrow interface is read elsewhere.

    Raises:
        TypeError: it is no column.
        ValueError: it has several dimensions.
    """
    numpy = _numpy(column)
    if numpy is not None:
        if numpy.ndim != 1:
            raise ValueError(f"the column {name!r} has {numpy.ndim} dimensions; it must have one")
        return numpy_column(numpy)
    if isinstance(column, (array, memoryview)):
        if isinstance(column, memoryview) and column.ndim != 1:
            raise ValueError(f"the column {name!r} has {column.ndim} dimensions; it must have one")
        view = column
        return Column("objects", len(view), lambda start, stop: view[start:stop].tolist(), column)
    if isinstance(column, Sequence) and not isinstance(column, (str, bytes, bytearray)):
        return sequence_column(column)
    raise TypeError(
        f"the column {name!r} is no numpy array, sequence or Arrow array, but {type(column).__name__}"
    )


def sequence_column(rows: Sequence[Any]) -> Column:
    """A list or the like; a slice of it is made when rows are read."""
    return Column("objects", len(rows), lambda start, stop: list(rows[start:stop]), rows)


def range_column(numbers: range) -> Column:
    """A range; one that leaves 64 bits is a column of objects."""
    column = Column("range", len(numbers), lambda start, stop: list(numbers[start:stop]))
    if numbers and not (-MANY <= numbers[0] < MANY and -MANY <= numbers[-1] < MANY):
        column.kind = "objects"
    elif numbers:
        column.start, column.step = numbers[0], numbers.step if len(numbers) > 1 else 0
    return column


# --- buffers ------------------------------------------------------------------------------------------------


def buffer_column(view: memoryview, reading: Reading) -> Column | None:
    """The numbers of a buffer of one dimension; None if it holds others, or something else."""
    order, code = (view.format[0], view.format[1:]) if view.format[:1] in "@=<>!" else ("", view.format)
    if view.ndim != 1 or len(code) != 1 or code not in "bBhHiIlLqQnN?efd":
        return None
    size = struct.calcsize(order + code)
    single = code in "ef"
    listed = code != "e" and order in ("", "@")

    def read(start: int, stop: int) -> list[Any]:
        part = view[start:stop]
        if listed:
            values: list[Any] = part.tolist()
        else:
            values = list(struct.unpack(f"{order}{len(part)}{code}", part.tobytes()))
        return reading.singles(values) if single else values

    kind = "bool" if code == "?" else f"{'f' if code in 'efd' else 'i' if code in 'bhilqn' else 'u'}{size}"
    column = Column(kind, len(view), read, view)
    column.buffer, column.stride = view, (view.strides or (size,))[0]
    column.swapped = size > 1 and ORDERS.get(order, sys.byteorder) != sys.byteorder
    return column


# --- numpy --------------------------------------------------------------------------------------------------


def _numpy(column: Any) -> Any:
    """The column as a numpy array, None if it is no such thing; buffers need numpy to be there already."""
    if type(column).__module__.partition(".")[0] == "numpy" and hasattr(column, "dtype"):
        return column
    if hasattr(column, "__array__"):
        import numpy as np

        return np.asarray(column)
    if isinstance(column, (array, memoryview)):
        try:
            import numpy as np
        except ImportError:
            return None
        try:
            return np.asarray(column)
        except (ValueError, TypeError):  # a format that numpy does not know
            return None
    return None


def numpy_column(data: Any, reading: Reading | None = None) -> Column:
    """An array; one of several dimensions is a column of lists.

    The column keeps a view, so that a change of the array's own shape or type does not reach it.
    """
    import numpy as np

    reading = reading or Reading()
    masked = hasattr(data, "mask") and hasattr(data, "filled")
    mask = data.mask if masked else None
    plain = np.asarray(data.data if masked else data).view()
    if plain.ndim > 1:
        return _table(data if masked else plain, reading)

    def read(start: int, stop: int) -> list[Any]:
        values = _numpy_values(plain[start:stop], reading)
        if mask is not None:
            hidden = _mask(mask, start, stop)
            values = [None if hide else value for value, hide in zip(values, hidden, strict=True)]
        return values

    column = Column(_numpy_kind(plain.dtype), len(plain), read, plain)
    column.width = plain.dtype.itemsize
    column.swapped = not plain.dtype.isnative
    if column.kind == "datetime64":
        column.unit = _unit(plain.dtype)
    if column.kind != "objects":
        column.address, column.stride = plain.__array_interface__["data"][0], plain.strides[0]
        if mask is not None:
            _set_mask(column, mask)
    return column


def _table(data: Any, reading: Reading) -> Column:
    """The rows of an array of several dimensions, as lists."""
    count, width = data.shape[:2]
    if data.strides[0] != width * data.strides[1]:
        data = data.copy()
    items = numpy_column(data.reshape(count * width, *data.shape[2:]), reading)

    def read(start: int, stop: int) -> list[Any]:
        values = items.values(start * width, stop * width)
        return [values[at * width : (at + 1) * width] for at in range(stop - start)]

    column = Column("fixed_list", count, read, items)
    column.items, column.width = items, width
    return column


def _numpy_values(part: Any, reading: Reading) -> list[Any]:
    kind, size = part.dtype.kind, part.dtype.itemsize
    if kind == "M":
        return reading.numpy_moments(part)
    if kind == "S":
        return reading.numpy_bytes(part)
    if kind == "f" and size < 8:
        return reading.singles(part.tolist())
    if kind in "OT" or (kind in "biuf" and size <= 8):
        values: list[Any] = part.tolist()
        return values
    return _texts(part) if kind == "U" else list(part)


def _texts(part: Any) -> list[Any]:
    try:
        values: list[Any] = part.tolist()
        return values
    except (ValueError, SystemError):  # no code point: bytes stand for such text, so that it is refused
        return [_text(part[index : index + 1]) for index in range(len(part))]


def _text(one: Any) -> Any:
    try:
        return one.item()
    except (ValueError, SystemError):
        return one.tobytes()


def _numpy_kind(dtype: Any) -> str:
    kind, size = dtype.kind, dtype.itemsize
    if kind == "b":
        return "bool"
    if kind in "iu" or (kind == "f" and 2 <= size <= 8):
        return f"{kind}{size}"
    if kind == "M":
        return "datetime64" if _unit(dtype) else "objects"
    return {"U": "ucs4", "S": "bytes"}.get(kind, "objects") if size else "objects"


def _unit(dtype: Any) -> str:
    """The unit of a datetime64, "" for units that are no fixed part of a day, or finer, or multiples."""
    unit = dtype.str[4:-1]
    return unit if unit in UNITS else ""


def _mask(mask: Any, start: int, stop: int) -> list[bool]:
    hidden: list[bool] = [bool(mask)] * (stop - start) if mask.ndim == 0 else mask[start:stop].tolist()
    return hidden


def _set_mask(column: Column, mask: Any) -> None:
    if mask.ndim:
        column.owner = (column.owner, mask)
        column.mask = (mask.__array_interface__["data"][0], mask.strides[0])
    elif mask:
        column.kind = "missing"
