"""What a user may give as the column of one field, as ``columns.column.Column`` with the values of rows."""

from array import array
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any, Final

from fastcore.columns.arrays import buffer_column, numpy_column, range_column, sequence_column
from fastcore.columns.column import Column, Reading
from fastcore.errors import PayloadError

from .schema import REQUIRED, SchemaField

__all__ = [
    "ArrowMoment",
    "PayloadReading",
    "default_column",
    "has_arrow",
    "has_default",
    "numpy_piece",
    "read_pieces",
    "sequence_piece",
    "struct_column",
]

KINDS: Final = "a list, tuple, range, array.array, memoryview, numpy array or Arrow array"
DAY: Final = 86_400
FIRST_SECOND: Final = -62_135_596_800  # of the year 1
LAST_SECOND: Final = 253_402_300_799  # of the year 9999
PER_SECOND: Final = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}
SECONDS: Final = {"D": DAY, "h": 3600, "m": 60}


class ArrowMoment:
    """A date or time that Python does not have; every field refuses it."""

    __slots__ = ("layout", "value")

    def __init__(self, value: int, layout: str) -> None:
        self.value = value
        self.layout = layout

    def __repr__(self) -> str:
        return f"{self.value} ({self.layout}) out of range"


class PayloadReading(Reading):
    """Values as the rows of a build have them.

    Parameters:
        single: type for floats of fewer than 64 bits.
        field: decides for datetime64: a field of datetimes gets what Python has of them, others get scalars
            with their unit.
    """

    inherit_nulls = False

    def __init__(self, single: type[float], field: SchemaField) -> None:
        while field.kind == "list":
            field = field.members[0]
        self.single = single
        self.datetimes = field.kind == "datetime"

    def singles(self, values: list[float]) -> list[Any]:
        return list(map(self.single, values))

    def texts(self, parts: list[bytes]) -> list[Any]:
        try:
            return [part.decode() for part in parts]
        except UnicodeDecodeError:
            return list(map(_text, parts))

    def numpy_bytes(self, part: Any) -> list[Any]:
        try:
            values: list[Any] = part.astype("U").tolist()
            return values
        except UnicodeDecodeError:  # it takes ASCII only
            return self.texts(part.tolist())

    def numpy_moments(self, part: Any) -> list[Any]:
        bounds = _bounds(part.dtype.str[4:-1])
        if not self.datetimes or bounds is None:
            return list(part)
        numbers = part.astype("i8")
        known = (bounds[0] <= numbers) & (numbers <= bounds[1])
        if known.all():
            values: list[Any] = part.astype("M8[us]").tolist()
            return values
        safe = part.copy()
        safe[~known] = 0
        values = safe.astype("M8[us]").tolist()
        for index in (~known).nonzero()[0].tolist():
            values[index] = part[index]
        return values

    def beyond(self, value: int, layout: str) -> Any:
        return ArrowMoment(value, layout)

    def zone(self, name: str, find: Callable[[str], tzinfo]) -> tzinfo:
        return find(name)


def _text(data: bytes) -> str | bytes:
    """What is no UTF-8 stays bytes, which are refused where they are written, with their row."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _bounds(unit: str) -> tuple[int, int] | None:
    """The counts of a unit that are datetimes in Python; None for units that are not read in bulk."""
    if unit in SECONDS:
        return FIRST_SECOND // SECONDS[unit], LAST_SECOND // SECONDS[unit]
    if unit in PER_SECOND:
        count = PER_SECOND[unit]
        return max(FIRST_SECOND * count, 1 - 2**63), min(LAST_SECOND * count + count - 1, 2**63 - 1)
    return None


def has_default(field: SchemaField) -> bool:
    """Whether rows need not have a field."""
    return field.omit_missing or field.default is not REQUIRED


def default_column(field: SchemaField, length: int) -> Column:
    """What stands for a column that is not there; `has_default` says whether it may be missing."""
    value = ... if field.omit_missing else field.default
    return Column("default", length, lambda start, stop: [value] * (stop - start))


def struct_column(length: int, fields: dict[str, Column]) -> Column:
    """Columns of an object's members as one column of tuples."""
    columns = list(fields.values())

    def read(start: int, stop: int) -> list[Any]:
        parts = [column.values(start, stop) for column in columns]
        return list(zip(*parts, strict=True)) if parts else [()] * (stop - start)

    column = Column("struct", length, read)
    column.fields = fields
    return column


def has_arrow(value: Any) -> bool:
    """Whether something gives Arrow data; numpy arrays and what wraps one are read as such."""
    if isinstance(value, type) or _is_numpy(getattr(value, "dtype", None)):
        return False
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__")


def _is_numpy(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "numpy"


def read_pieces(column: Any, field: SchemaField, path: str, single: type[float], extra: str) -> list[Column]:
    """The column of one field, in pieces if it comes so.

    Raises:
        PayloadError: it is no column, or of a kind that is not read.
    """
    reading = PayloadReading(single, field)
    if isinstance(column, (list, tuple)):
        return [sequence_piece(column, path)]
    if isinstance(column, range):
        return [range_column(column)]
    if isinstance(column, (array, memoryview)):
        return [_buffer(column, path, reading)]
    if has_arrow(column):
        from .arrow_reading import arrow_pieces

        try:
            return arrow_pieces(column, field, path, reading, extra)
        except PayloadError as error:
            # pandas gives Arrow data only where pyarrow is installed
            if not isinstance(error.__cause__, ImportError) or not hasattr(column, "__array__"):
                raise
    if hasattr(column, "__array__") and (_is_numpy(getattr(column, "dtype", None)) or not _is_listed(column)):
        return [numpy_piece(column, field, path, reading)]
    if not _is_listed(column):
        raise PayloadError(None, path, f"a column: {KINDS}", type(column).__name__)
    return [sequence_piece(column, path)]


def _is_listed(column: Any) -> bool:
    return isinstance(column, Sequence) and not isinstance(column, (str, bytes, bytearray))


def sequence_piece(rows: Sequence[Any], path: str) -> Column:
    """A list or the like as the column of a field."""
    return _checked(sequence_column(rows), path)


def _checked(column: Column, path: str) -> Column:
    """A column of what may become shorter while it is read."""
    length, read = column.length, column.read

    def values(start: int, stop: int) -> list[Any]:
        found = read(start, stop)
        if len(found) != stop - start:
            raise PayloadError(None, path, f"a column of {length} values", "fewer during the build")
        return found

    column.read = values
    return column


def _buffer(buffer: "array[Any] | memoryview", path: str, reading: Reading) -> Column:
    if isinstance(buffer, array) and buffer.typecode in "uw":
        return sequence_piece(buffer, path)
    buffer = memoryview(buffer)  # which the user cannot release
    column = buffer_column(buffer, reading)
    if column is None:
        got = f"memoryview of {buffer.ndim} dimensions and format {buffer.format!r}"
        raise PayloadError(None, path, "a memoryview of one dimension of numbers", got)
    return _checked(column, path)  # PyPy lets arrays shrink that are in use


def numpy_piece(column: Any, field: SchemaField, path: str, reading: Reading) -> Column:
    """A numpy array, or what becomes one, as the column of a field.

    Raises:
        PayloadError: it has a type or dimensions that are not read.
    """
    if not _is_numpy(column):
        import numpy as np

        column = np.asarray(column)
    kind, size = column.dtype.kind, column.dtype.itemsize
    expected = ""
    if column.ndim == 0 or (column.ndim > 1 and field.kind not in ("list", "object")):
        expected = "a numpy array of one dimension"
    elif kind not in "biufMUSOT" or (kind == "f" and size > 8):
        expected = "a numpy array of ints, floats up to 64 bits, bools, datetime64, text or objects"
    if expected:
        got = f"numpy array of {column.dtype} in {column.ndim} dimensions"
        raise PayloadError(None, path, expected, got)
    found = numpy_column(column, reading)
    if field.kind == "object":
        found.kind = "objects"
    return found
