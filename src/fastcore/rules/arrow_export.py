"""Results of columns as Arrow data, by the C data interface (see `arrow`), without copying the arrays."""

import ctypes
from array import array
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from fastcore._backend import load_extension
from fastcore.columns.arrow_interface import ArrowArray, ArrowSchema, ArrowStream, python_function

if TYPE_CHECKING:
    from .columns import ColumnDecisions

__all__ = ["export_array", "export_schema", "export_stream"]

NULLABLE = 2
INVALID = 22  # EINVAL
SCHEMA, ARRAY, STREAM = b"arrow_schema", b"arrow_array", b"arrow_array_stream"


@dataclass
class _Node:
    """An array with its type.

    Attributes:
        format, name: as the specification has them.
        length: how many elements.
        buffers: arrays, None for an absent one.
        nulls: how many elements are null.
    """

    format: str
    name: str
    length: int
    buffers: list[Any]
    children: list["_Node"] = field(default_factory=list)
    dictionary: "_Node | None" = None
    nulls: int = 0


def export_schema(decisions: "ColumnDecisions") -> Any:
    """A capsule of the schema of some decisions."""
    return _capsule(ArrowSchema, SCHEMA, lambda target: _fill_schema(target, _table(decisions)))


def export_array(decisions: "ColumnDecisions") -> tuple[Any, Any]:
    """Capsules of the schema and of one struct array."""
    table = _table(decisions)
    return (
        _capsule(ArrowSchema, SCHEMA, lambda target: _fill_schema(target, table)),
        _capsule(ArrowArray, ARRAY, lambda target: _fill_array(target, table)),
    )


def export_stream(decisions: "ColumnDecisions") -> Any:
    """A capsule of a stream of one struct array."""
    return _capsule(ArrowStream, STREAM, lambda target: _fill_stream(target, [_table(decisions)]))


# --- the table ----------------------------------------------------------------------------------------------


def _table(decisions: "ColumnDecisions") -> _Node:
    count = len(decisions)
    columns = [
        _Node("i", "matched_count", count, [None, decisions.matched_count]),
        _scores(decisions.score, count),
        _actions(decisions, count),
    ]
    if decisions.indices is not None:
        members = _Node("i", "item", len(decisions.indices), [None, decisions.indices])
        columns.append(_Node("+L", "matched", count, [None, decisions.offsets], [members]))
    return _Node("+s", "", count, [None], columns)


def _scores(scores: Any, count: int) -> _Node:
    if isinstance(scores, list):  # ints beyond 64 bits
        return _texts("score", [str(score) for score in scores])
    code = scores.typecode if isinstance(scores, array) else scores.dtype.char
    return _Node("g" if code == "d" else "l", "score", count, [None, scores])


def _actions(decisions: "ColumnDecisions", count: int) -> _Node:
    bits = bytearray((count + 7) // 8)
    nulls = 0
    for row, code in enumerate(decisions.action.tolist()):
        if code >= 0:
            bits[row >> 3] |= 1 << (row & 7)
        else:
            nulls += 1
    names = _texts("", decisions.actions)
    valid = array("B", bits) if nulls else None
    return _Node("i", "action", count, [valid, decisions.action], dictionary=names, nulls=nulls)


def _texts(name: str, texts: Any) -> _Node:
    encoded = [text.encode("utf-8", "replace") for text in texts]
    offsets = array("q", [0])
    for text in encoded:
        offsets.append(offsets[-1] + len(text))
    return _Node("U", name, len(encoded), [None, offsets, array("B", b"".join(encoded))])


# --- structures ---------------------------------------------------------------------------------------------
#
# Every structure holds a reference to what it points to, as its private data; releasing it gives that up.


def _fill_schema(target: Any, node: _Node) -> None:
    children = [ArrowSchema() for _ in node.children]
    for child, inner in zip(children, node.children, strict=True):
        _fill_schema(child, inner)
    target.format, target.name = node.format.encode(), node.name.encode()
    target.metadata = None
    target.flags = NULLABLE if node.nulls or node.dictionary is not None else 0
    _fill_children(target, ArrowSchema, children)
    dictionary = target.dictionary = None
    if node.dictionary is not None:
        dictionary = ArrowSchema()
        _fill_schema(dictionary, node.dictionary)
        target.dictionary = ctypes.pointer(dictionary)
    target.release = _functions()[0][SCHEMA]
    target.private_data = _hold((target._objects, children, dictionary))


def _fill_array(target: Any, node: _Node) -> None:
    children = [ArrowArray() for _ in node.children]
    for child, inner in zip(children, node.children, strict=True):
        _fill_array(child, inner)
    target.length, target.null_count, target.offset = node.length, node.nulls, 0
    addresses = (ctypes.c_void_p * len(node.buffers))(*map(_address, node.buffers))
    target.n_buffers = len(node.buffers)
    target.buffers = ctypes.cast(addresses, ctypes.POINTER(ctypes.c_void_p))
    _fill_children(target, ArrowArray, children)
    dictionary = target.dictionary = None
    if node.dictionary is not None:
        dictionary = ArrowArray()
        _fill_array(dictionary, node.dictionary)
        target.dictionary = ctypes.pointer(dictionary)
    target.release = _functions()[0][ARRAY]
    target.private_data = _hold((target._objects, addresses, children, dictionary, node.buffers))


def _fill_children(target: Any, kind: Any, children: list[Any]) -> None:
    # the memory is the consumer's, and nothing in it has a value yet
    target.n_children, target.children = len(children), None
    if children:
        pointers = (ctypes.POINTER(kind) * len(children))(*map(ctypes.pointer, children))
        target.children = ctypes.cast(pointers, ctypes.POINTER(ctypes.POINTER(kind)))


def _fill_stream(target: Any, tables: list[_Node]) -> None:
    target.get_schema = ctypes.cast(_GET_SCHEMA, ctypes.c_void_p).value
    target.get_next = ctypes.cast(_GET_NEXT, ctypes.c_void_p).value
    target.get_last_error = ctypes.cast(_GET_LAST_ERROR, ctypes.c_void_p).value
    target.release = _functions()[0][STREAM]
    target.private_data = _hold([tables[0], list(tables)])


def _address(buffer: Any) -> int | None:
    if buffer is None:
        return None
    if isinstance(buffer, array):
        return buffer.buffer_info()[0] or None
    address: int = buffer.__array_interface__["data"][0]
    return address


# --- references and capsules --------------------------------------------------------------------------------


def _hold(value: Any) -> int:
    """Keeps an object until it is let go; gives its address."""
    python_function("Py_IncRef", None, ctypes.py_object)(value)
    return id(value)


def _held(address: int) -> Any:
    return ctypes.cast(address, ctypes.py_object).value


def _let_go(address: int) -> None:
    python_function("Py_DecRef", None, ctypes.c_void_p)(address)


def _capsule(kind: Any, name: bytes, fill: Any) -> Any:
    """A capsule of a structure, which it releases if no one took it over."""
    address = python_function("PyMem_RawCalloc", ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)(
        1, ctypes.sizeof(kind)
    )
    if not address:
        raise MemoryError
    fill(kind.from_address(address))
    make = python_function(
        "PyCapsule_New", ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
    )
    return make(address, name, _functions()[1][name])


def _release(kind: Any) -> Any:
    def release(address: int) -> None:
        target = kind.from_address(address)
        if kind is not ArrowStream:
            inner = [target.children[i] for i in range(target.n_children)]
            for pointer in [*inner, *([target.dictionary] if target.dictionary else [])]:
                if pointer.contents.release:  # else it was taken over
                    release(ctypes.addressof(pointer.contents))
        private, target.release, target.private_data = target.private_data, None, None
        _let_go(private)

    return release


def _get_schema(stream: int, target: int) -> int:
    try:
        _fill_schema(
            ArrowSchema.from_address(target), _held(ArrowStream.from_address(stream).private_data)[0]
        )
    except Exception:  # nothing may pass through C
        return INVALID
    return 0


def _get_next(stream: int, target: int) -> int:
    try:
        tables = _held(ArrowStream.from_address(stream).private_data)[1]
        array_there = ArrowArray.from_address(target)
        if tables:
            _fill_array(array_there, tables.pop())
        else:
            array_there.release = None
    except Exception:  # nothing may pass through C
        return INVALID
    return 0


_NOTIFY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_ASK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_RELEASES = {
    SCHEMA: _NOTIFY(_release(ArrowSchema)),
    ARRAY: _NOTIFY(_release(ArrowArray)),
    STREAM: _NOTIFY(_release(ArrowStream)),
}
_GET_SCHEMA = _ASK(_get_schema)
_GET_NEXT = _ASK(_get_next)
_GET_LAST_ERROR = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda stream: None)


@cache
def _functions() -> tuple[dict[bytes, int | None], dict[bytes, int | None]]:
    """Addresses of what releases the structures, and of what destroys their capsules.

    Without the extension a capsule that nobody reads is never released: a destructor may run while an
        exception is on
    its way, and then no Python code may.
    """
    # a consumer may release what it has after this module is gone
    for callback in (*_RELEASES.values(), _GET_SCHEMA, _GET_NEXT, _GET_LAST_ERROR):
        _hold(callback)
    try:
        found = load_extension().column_arrow_functions()
    except ImportError:
        releases = [ctypes.cast(release, ctypes.c_void_p).value for release in _RELEASES.values()]
        found = (*releases, None, None, None)
    names = (SCHEMA, ARRAY, STREAM)
    return dict(zip(names, found[:3], strict=True)), dict(zip(names, found[3:], strict=True))
