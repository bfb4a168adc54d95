"""Columns of values: their rows as Python values, and where their memory is."""

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from typing import Any

__all__ = ["Column", "Reading", "missing_column", "object_column"]

Values = Callable[[int, int], list[Any]]


class Reading:
    """What columns give where Python has several types for a value, or none; this one is for conditions.

    Attributes:
        inherit_nulls: members of a struct that is null are null themselves.
    """

    inherit_nulls = True

    def singles(self, values: list[float]) -> list[Any]:
        """Floats of fewer than 64 bits."""
        return values

    def texts(self, parts: list[bytes]) -> list[Any]:
        """Text that should be UTF-8; what is not is equal to no constant of a condition."""
        return [part.decode("utf-8", "surrogateescape") for part in parts]

    def numpy_bytes(self, part: Any) -> list[Any]:
        """Elements of a numpy array of bytes."""
        return list(part)

    def numpy_moments(self, part: Any) -> list[Any]:
        """Elements of a numpy array of datetime64; its scalars keep their unit."""
        return list(part)

    def beyond(self, value: int, layout: str) -> Any:
        """A date or time that Python does not have: its number and its Arrow type."""
        return None

    def zone(self, name: str, find: Callable[[str], tzinfo]) -> tzinfo:
        """The time zone of a name; of one that is not known here the instants are the same in UTC."""
        try:
            return find(name)
        except ValueError:
            return UTC


class Column:
    """Some rows of a column.

    Attributes:
        kind: ``"missing"``: all are None; ``"objects"``: only `values` gives them; ``"range"``;
            ``"default"``: all rows have the same value; ``"struct"``; or the layout in memory: ``"bool"``
            (bytes), ``"bits"``, ``"i1"`` to ``"f8"``, ``"ucs4"`` and ``"bytes"`` (text of a fixed width,
            filled up with zeros), ``"datetime64"`` (numpy's, with its NaT), ``"utf8"``, ``"large"`` and
            ``"view"`` (text as Arrow has it), ``"timestamp"``, ``"date32"`` (days), ``"date64"``
            (milliseconds), ``"decimal"`` (little-endian two's complement), ``"uuid"`` (16 bytes, the highest
            first), ``"list"``, ``"large_list"`` and ``"fixed_list"`` as Arrow has them.
        length: how many rows.
        offset: the first of them in memory; of a range, in `start` and `step`.
        address, stride: of the first element there, and from one to the next; 0 where elements have no
            address.
        buffer: what has the memory by the buffer protocol, where `address` is not known: elements are a
            `stride` apart.
        width: bytes of an element of ``"ucs4"``, ``"bytes"``, ``"decimal"``; items of a ``"fixed_list"``.
        swapped: numbers and characters have the byte order that this machine does not have.
        offsets: address of the offsets of ``"utf8"``, ``"large"``, ``"list"`` and ``"large_list"``.
        buffers, sizes: addresses of the further buffers of ``"view"``, and of their sizes (int64).
        unit: of ``"datetime64"`` and ``"timestamp"``: ``D h m s ms us ns``.
        zone: of a ``"timestamp"``; None: they are naive.
        scale: decimal places of ``"decimal"``.
        start, step: of ``"range"``: row i is ``start + (offset + i) * step``.
        items: of all lists, one after the other; lists count them from its first row.
        valid: pairs of the address of a bitmap and what is to be added to an element's number to find its
            bit, which is zero where the element is null.
        mask: address and stride of bytes that are not zero where the element is hidden.
        dictionary: what codes stand for; `kind` is then theirs.
        fields: of a struct, by name; their rows are those of the struct. Where that is null, they may hold
            anything, unless the reading inherits nulls.
        owner: keeps the memory; where it is a list, row i is its element ``offset + i``.
    """

    # on the class, so that a column costs what it has
    address: int = 0
    stride: int = 0
    offset: int = 0
    width: int = 0
    offsets: int = 0
    sizes: int = 0
    start: int = 0
    step: int = 0
    scale: int = 0
    swapped: bool = False
    unit: str = ""
    zone: tzinfo | None = None
    buffer: Any = None
    buffers: Sequence[int] = ()
    valid: Sequence[tuple[int, int]] = ()
    mask: tuple[int, int] | None = None
    dictionary: "Column | None" = None
    items: "Column | None" = None
    fields: "dict[str, Column] | None" = None
    read_codes: Values | None = None

    def __init__(self, kind: str, length: int, read: Values, owner: Any = None) -> None:
        self.kind = kind
        self.length = length
        self.read = read
        self.owner = owner

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
        part = copy.copy(self)
        part.length = length
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
