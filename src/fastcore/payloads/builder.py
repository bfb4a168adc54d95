"""PayloadBuilder: a checked schema, its plan, and the kernel that writes by it."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastcore import _backend
from fastcore.errors import SchemaError

from .columns import Table, column_tables
from .openapi import row_schema
from .plain_columns import PlainColumns
from .plan import make_plan
from .schema import Raw, SchemaField, freeze_schema

__all__ = ["PayloadBuilder"]


class PayloadBuilder:
    """Writes rows as JSON bytes by a schema; immutable, hashable, picklable, safe to share between threads.

    A row may be a tuple or list of the values in the schema's order, a mapping, an object with attributes (a
    dataclass, a pydantic model, a named tuple) or a database record (read by key if it has all keys, else by
    position). The first row decides how the rows of a build are read, and every row is checked. A tuple may
    also hold the members of nested objects side by side, in the schema's order.

    Parameters:
        schema: a mapping of names to types or ``Field``, a TypedDict, a dataclass or a pydantic model.
        nan: ``"null"`` writes NaN, infinities and NaT as null, ``"error"`` refuses them.
        extra: ``"ignore"`` skips keys of mappings that the schema does not have, ``"error"`` refuses them.
        utc_z: write the offset of UTC as ``Z`` instead of ``+00:00``.
        backend: ``"cython"``, ``"python"``, or None for the selected one.

    Raises:
        SchemaError: the schema cannot be used; the message names the field.
        ValueError, ImportError: `backend` is unknown or not available.
    """

    __slots__ = ("_extra", "_kernel", "_nan", "_plain", "_schema", "_utc_z", "_writer")

    def __init__(
        self,
        schema: Any,
        *,
        nan: str = "null",
        extra: str = "ignore",
        utc_z: bool = False,
        backend: str | None = None,
    ) -> None:
        if nan not in ("null", "error"):
            raise SchemaError(f'nan must be "null" or "error", not {nan!r}')
        if extra not in ("ignore", "error"):
            raise SchemaError(f'extra must be "ignore" or "error", not {extra!r}')
        if not isinstance(utc_z, bool):
            raise SchemaError(f"utc_z must be True or False, not {utc_z!r}")
        self._kernel: Any = _backend.kernels("writing", backend)
        self._schema = freeze_schema(schema)
        self._nan = nan
        self._extra = extra
        self._utc_z = utc_z
        self._writer = self._kernel.RowWriter(make_plan(self._schema, nan, extra, self._utc_z))
        self._plain = PlainColumns(self._schema, self._kernel.WriteSingle)

    @classmethod
    def from_model(
        cls,
        model: type,
        *,
        nan: str = "null",
        extra: str = "ignore",
        utc_z: bool = False,
        backend: str | None = None,
    ) -> "PayloadBuilder":
        """A builder for a pydantic model class, a dataclass or a TypedDict; options as in the constructor."""
        if not isinstance(model, type):
            raise SchemaError(
                f"from_model takes a pydantic model class, a dataclass or a TypedDict, not {model!r}"
            )
        return cls(model, nan=nan, extra=extra, utc_z=utc_z, backend=backend)

    @property
    def schema(self) -> tuple[SchemaField, ...]:
        """The checked fields, in order of output."""
        return self._schema

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of one row as it is written, for OpenAPI documents."""
        return row_schema(self._schema, self._nan)

    # ------------------------------------------------------------------------------------------------ rows

    def build(self, rows: Iterable[Any], *, lines: bool = False) -> bytes:
        """All rows as one JSON array, or as one JSON text per line.

        Parameters:
            rows: any iterable of rows.
            lines: NDJSON: every row ends with a newline, and no rows give ``b""``.

        Returns:
            Compact UTF-8, the same bytes on every backend.

        Raises:
            PayloadError: a row does not fit; it says which row, which field, what was expected and what was
                found.
        """
        data: bytes = self._writer.build(rows, lines)
        return data

    def stream(
        self, rows: Iterable[Any], *, chunk_bytes: int = 131072, lines: bool = False
    ) -> Iterator[bytes]:
        """The bytes of ``build`` in chunks of whole rows.

        A chunk ends with the row that makes it `chunk_bytes` or longer, so memory is bounded by that and one
        row. Rows are taken from the iterable as they are written. If a row or the iterable raises, all rows
        before it are given out first and then the error is raised, so the bytes given so far end with a whole
        row.

        Parameters:
            rows, lines: as in ``build``.
            chunk_bytes: from 1.

        Raises:
            PayloadError: as ``build``, at the point where the row comes.
            ValueError: `chunk_bytes` is no positive int.
        """
        _check_chunk(chunk_bytes)
        return self._chunks(self._writer.open(rows, lines), chunk_bytes)

    def build_columns(self, columns: Any, *, lines: bool = False) -> bytes:
        """``build`` for data that is in columns.

        Parameters:
            columns: a mapping of names to columns, a structured numpy array, or a list of columns in the
                schema's order, all of one length; or a table with the Arrow C interface. A column is a list,
                tuple, range, ``array.array``, ``memoryview``, numpy array (ints, floats up to 64 bits, bools,
                datetime64, text, objects; masked values are None) or Arrow array. Members of a nested object
                have columns of their own, in a mapping, structured array or Arrow struct under its name or
                under dotted names, or the object has one column of objects.
            lines: as in ``build``.

        Raises:
            PayloadError: as ``build``; or a column is missing, of another kind, or of another length.
        """
        data: bytes = self._writer.build_columns(columns, lines, self._tables)
        return data

    def stream_columns(
        self, columns: Any, *, chunk_bytes: int = 131072, lines: bool = False
    ) -> Iterator[bytes]:
        """``stream`` for data that is in columns, which are as in ``build_columns``.

        The batches of an Arrow stream are read one by one, each when the one before has been written.

        Raises:
            PayloadError: as ``build_columns``.
            ValueError: as ``stream``; or an Arrow stream fails.
        """
        _check_chunk(chunk_bytes)
        return self._chunks(self._writer.open_columns(columns, lines, self._tables), chunk_bytes)

    def page(
        self,
        items: Iterable[Any] | bytes | Raw,
        *,
        total: int | None = None,
        page: int | None = None,
        next: str | None = None,
    ) -> bytes:
        """One page of a collection: ``{"items":[…],"total":…,"page":…,"next":…}``.

        All four members are always there; what is not given is null.

        Parameters:
            items: rows as in ``build``, or JSON that is already there (``bytes`` from ``build``, or ``Raw``),
                which is inserted unchanged.
            total: number of items on all pages.
            page: number of this page.
            next: URL or cursor of the next page.

        Raises:
            PayloadError: a row does not fit, or `total`, `page` or `next` has another type.
        """
        if type(items) is not bytes and isinstance(items, Raw):
            items = items.json
        data: bytes = self._writer.page(items, total, page, next)
        return data

    # ------------------------------------------------------------------------------------------- internals

    def _tables(self, columns: Any) -> tuple[bool, Iterator[Table]]:
        plain = self._plain.read(columns)
        if plain is not None:
            return True, iter((Table(*plain),) if plain[0] else ())
        return column_tables(self._schema, columns, self._kernel.WriteSingle, self._extra)

    def _chunks(self, source: Any, chunk_bytes: int) -> Iterator[bytes]:
        while not source.done:
            data = self._writer.fill(source, chunk_bytes)
            if data:
                yield data

    # --------------------------------------------------------------------------------------------- a value

    def _options(self) -> tuple[Any, ...]:
        return self._schema, self._nan, self._extra, self._utc_z

    def __eq__(self, other: object) -> bool:
        return self._options() == other._options() if isinstance(other, PayloadBuilder) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._options())

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, self._options()

    def __repr__(self) -> str:
        names = ", ".join(field.name for field in self._schema)
        options = ""
        if self._nan != "null":
            options += f", nan={self._nan!r}"
        if self._extra != "ignore":
            options += f", extra={self._extra!r}"
        if self._utc_z:
            options += ", utc_z=True"
        return f"<PayloadBuilder({names}){options}>"


def _rebuild(schema: tuple[SchemaField, ...], nan: str, extra: str, utc_z: bool) -> PayloadBuilder:
    return PayloadBuilder(schema, nan=nan, extra=extra, utc_z=utc_z)


def _check_chunk(chunk_bytes: int) -> None:
    if not isinstance(chunk_bytes, int) or isinstance(chunk_bytes, bool) or chunk_bytes < 1:
        raise ValueError(f"chunk_bytes must be a positive int, not {chunk_bytes!r}")
