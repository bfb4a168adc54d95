"""Columns of values: what may be one, its rows as Python values, and where its memory is."""

from array import array
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Column", "missing_column", "object_column", "read_column"]

Values = Callable[[int, int], list[Any]]


class Column:
    """Some rows of a column.

    Attributes:
        kind: ``"missing"``; ``"objects"``: only `values` gives them; or the layout in memory: ``"bool"``
            (bytes),
            ``"bits"``, ``"i1"`` to ``"f8"``, ``"ucs4"`` (text of a fixed width), ``"utf8"``, ``"large"`` and
            ``"view"`` (text as Arrow has it).
        length: how many rows.
        offset: the first of them in memory.
        address, stride: of the first element there, and from one to the next; 0 where elements have no
            address.
        width: bytes of an element of ``"ucs4"``.
        offsets: address of the offsets of ``"utf8"`` and ``"large"``.
        buffers: addresses of the further buffers of ``"view"``.
        valid: pairs of the address of a bitmap and what is to be added to an element's number to find its
            bit, which
            is zero where the element is null.
        mask: address and stride of bytes that are not zero where the element is hidden.
        dictionary: what codes stand for; `kind` is then theirs.
        fields: of a struct, by name.
        owner: keeps the memory.
    """

    __slots__ = (
        "address",
        "buffers",
        "dictionary",
        "fields",
        "kind",
        "length",
        "mask",
        "offset",
        "offsets",
        "owner",
        "read",
        "read_codes",
        "stride",
        "valid",
        "width",
    )

    def __init__(self, kind: str, length: int, read: Values, owner: Any = None) -> None:
        self.kind = kind
        self.length = length
        self.read = read
        self.owner = owner
        self.read_codes: Values | None = None
        self.address = self.stride = self.offset = self.width = self.offsets = 0
        self.buffers: Sequence[int] = ()
        self.valid: list[tuple[int, int]] = []
        self.mask: tuple[int, int] | None = None
        self.dictionary: Column | None = None
        self.fields: dict[str, Column] | None = None

    def values(self, start: int, stop: int) -> list[Any]:
        """The rows from `start` to `stop` as Python values, None where they are null."""
        return self.read(self.offset + start, self.offset + stop)

    def codes(self, start: int, stop: int) -> list[int]:
        """Of a column with a dictionary: the rows' codes, -1 where they are null."""
        assert self.read_codes is not None
        return self.read_codes(self.offset + start, self.offset + stop)

    def part(self, start: int, length: int) -> "Column":
        """Some of the rows, in the same memory."""
        if start == 0 and length == self.length:
            return self
        part = Column(self.kind, length, self.read, self.owner)
        for name in self.__slots__:
            if name not in ("length", "offset", "fields"):
                setattr(part, name, getattr(self, name))
        part.offset = self.offset + start
        if self.fields is not None:
            part.fields = {name: column.part(start, length) for name, column in self.fields.items()}
        return part


def missing_column(length: int) -> Column:
    """A column that the input does not have."""
    return Column("missing", length, lambda start, stop: [None] * (stop - start))


def object_column(length: int, values: Values) -> Column:
    """A column of what a function gives for two row numbers."""
    return Column("objects", length, values)


def read_column(name: str, column: Any) -> Column:
    """A numpy array, list or the like; what has the Arrow interface is read elsewhere.

    Raises:
        TypeError: it is no column.
        ValueError: it has several dimensions.
    """
    numpy = _numpy(column)
    if numpy is not None:
        if numpy.ndim != 1:
            raise ValueError(f"the column {name!r} has {numpy.ndim} dimensions; it must have one")
        return _numpy_column(numpy)
    if isinstance(column, (array, memoryview)):
        if isinstance(column, memoryview) and column.ndim != 1:
            raise ValueError(f"the column {name!r} has {column.ndim} dimensions; it must have one")
        view = column
        return Column("objects", len(view), lambda start, stop: view[start:stop].tolist(), column)
    if isinstance(column, Sequence) and not isinstance(column, (str, bytes, bytearray)):
        rows = column
        return Column("objects", len(rows), lambda start, stop: list(rows[start:stop]), column)
    raise TypeError(
        f"the column {name!r} is no numpy array, sequence or Arrow array, but {type(column).__name__}"
    )


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


def _numpy_column(data: Any) -> Column:
    masked = hasattr(data, "mask") and hasattr(data, "filled")
    plain = data.data if masked else data
    kind = _numpy_kind(plain.dtype)
    # dates keep their unit as scalars, which conditions know
    listed = plain.dtype.kind in "OU" or (plain.dtype.kind in "biuf" and plain.dtype.itemsize <= 8)

    def read(start: int, stop: int) -> list[Any]:
        part = plain[start:stop]
        values = part.tolist() if listed else list(part)
        if masked:
            hidden = _mask(data, start, stop)
            values = [None if hide else value for value, hide in zip(values, hidden, strict=True)]
        return values

    column = Column(kind, len(plain), read, data)
    column.width = plain.dtype.itemsize
    if kind != "objects":
        column.address, column.stride = plain.__array_interface__["data"][0], plain.strides[0]
    if masked and kind != "objects":
        _set_mask(column, data)
    return column


def _numpy_kind(dtype: Any) -> str:
    if not dtype.isnative:
        return "objects"
    kind, size = dtype.kind, dtype.itemsize
    if kind == "b":
        return "bool"
    if kind in "iu" or (kind == "f" and 2 <= size <= 8):
        return f"{kind}{size}"
    return "ucs4" if kind == "U" and size else "objects"


def _mask(data: Any, start: int, stop: int) -> list[bool]:
    mask = data.mask
    hidden: list[bool] = [bool(mask)] * (stop - start) if mask.ndim == 0 else mask[start:stop].tolist()
    return hidden


def _set_mask(column: Column, data: Any) -> None:
    mask = data.mask
    if mask.ndim:
        column.owner = (data, mask)
        column.mask = (mask.__array_interface__["data"][0], mask.strides[0])
    elif mask:
        column.kind = "missing"
