"""Arrow data by its C data interface, read and written without any Arrow library.

The structures are those of the specification "The Arrow C data interface" and "The Arrow C stream interface"
(https://arrow.apache.org/docs/format/CDataInterface.html). What is read stays in the producer's memory.
"""

import ctypes
from collections.abc import Iterator
from functools import cache
from typing import Any

__all__ = [
    "ArrowArray",
    "ArrowSchema",
    "ArrowStream",
    "ImportedArray",
    "arrow_batches",
    "capsule_pointer",
    "extension_name",
    "python_function",
]

Pointer = ctypes.POINTER


class ArrowSchema(ctypes.Structure):
    """What an array is: its type as a format string, its name and its children."""


ArrowSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", Pointer(Pointer(ArrowSchema))),
    ("dictionary", Pointer(ArrowSchema)),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class ArrowArray(ctypes.Structure):
    """An array: its length and offset, its buffers and its children."""


ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", Pointer(ctypes.c_void_p)),
    ("children", Pointer(Pointer(ArrowArray))),
    ("dictionary", Pointer(ArrowArray)),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class ArrowStream(ctypes.Structure):
    """Arrays of one type, one after the other."""

    _fields_ = [
        ("get_schema", ctypes.c_void_p),
        ("get_next", ctypes.c_void_p),
        ("get_last_error", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_GET = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_GET_ERROR = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)


def capsule_pointer(capsule: Any, name: bytes) -> int:
    """The address that a PyCapsule holds.

    Raises:
        ValueError: it is no capsule of that name.
        TypeError: this interpreter has no capsules.
    """
    address: int = python_function(
        "PyCapsule_GetPointer", ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p
    )(capsule, name)
    return address


@cache
def python_function(name: str, result: Any, *arguments: Any) -> Any:
    """A function of the interpreter's C API.

    Raises:
        TypeError: this interpreter has none.
    """
    library = getattr(ctypes, "pythonapi", None)
    if library is None:
        raise TypeError("the Arrow interface needs the C API of CPython")
    return ctypes.PYFUNCTYPE(result, *arguments)((name, library))


class ImportedArray:
    """An array that is released when nothing refers to it any more."""

    __slots__ = ("array", "capsules")

    def __init__(self, array: Any, capsules: tuple[Any, ...]) -> None:
        self.array = array
        self.capsules = capsules

    def __del__(self) -> None:
        if self.array.release:
            _RELEASE(self.array.release)(ctypes.addressof(self.array))


def arrow_batches(data: Any) -> tuple[Any, Iterator[ImportedArray]]:
    """The schema of an object with the Arrow interface, and its arrays, read one by one.

    The schema is valid while the iterator lives.

    Raises:
        TypeError: the object has no such interface.
    """
    if hasattr(data, "__arrow_c_stream__"):
        return _stream_batches(data.__arrow_c_stream__())
    if hasattr(data, "__arrow_c_array__"):
        return _single_batch(*data.__arrow_c_array__())
    raise TypeError(f"{type(data).__name__} has neither __arrow_c_stream__ nor __arrow_c_array__")


def extension_name(schema: Any) -> str:
    """What a type stands for beyond its layout; "" for most.

    The metadata of a schema are a count, then keys and values, each after its length; all counts are int32.
    """
    if not schema.metadata:
        return ""
    at, parts = schema.metadata + 4, []
    for _ in range(2 * ctypes.c_int32.from_address(schema.metadata).value):
        size = ctypes.c_int32.from_address(at).value
        parts.append(ctypes.string_at(at + 4, size))
        at += 4 + size
    pairs = dict(zip(parts[::2], parts[1::2], strict=True))
    return pairs.get(b"ARROW:extension:name", b"").decode("utf-8", "replace")


def _single_batch(schema_capsule: Any, array_capsule: Any) -> tuple[Any, Iterator[ImportedArray]]:
    schema = ArrowSchema.from_address(capsule_pointer(schema_capsule, b"arrow_schema"))
    array = ArrowArray.from_address(capsule_pointer(array_capsule, b"arrow_array"))
    moved = ArrowArray.from_buffer_copy(array)  # the capsule would release it, but not before we hold it
    array.release = None
    return schema, iter([ImportedArray(moved, (schema_capsule, schema))])


def _stream_batches(capsule: Any) -> tuple[Any, Iterator[ImportedArray]]:
    stream = ArrowStream.from_address(capsule_pointer(capsule, b"arrow_array_stream"))
    schema = ArrowSchema()
    _get(stream, stream.get_schema, schema)
    return schema, _stream_arrays(capsule, stream, _Schema(schema))


def _stream_arrays(capsule: Any, stream: Any, held: "_Schema") -> Iterator[ImportedArray]:
    while True:
        array = ArrowArray()
        _get(stream, stream.get_next, array)
        if not array.release:
            return
        yield ImportedArray(array, (capsule, held))


class _Schema:
    """A schema that is released when nothing refers to it any more."""

    __slots__ = ("schema",)

    def __init__(self, schema: Any) -> None:
        self.schema = schema

    def __del__(self) -> None:
        if self.schema.release:
            _RELEASE(self.schema.release)(ctypes.addressof(self.schema))


def _get(stream: Any, function: int, target: Any) -> None:
    code = _GET(function)(ctypes.addressof(stream), ctypes.addressof(target))
    if code:
        text = _GET_ERROR(stream.get_last_error)(ctypes.addressof(stream)) if stream.get_last_error else None
        reason = text.decode("utf-8", "replace") if text else f"error {code}"
        raise ValueError(f"the Arrow stream cannot be read: {reason}")
