"""Stands in for the ``cython`` module where a kernel is interpreted: typed, without effect, without a
dependency.

A kernel writes ``from fastcore import _cython as cython``. The compiler knows that name already; the
interpreter gets these no-ops and never the real shadow module, which is slow to import and to call.
"""

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would cost more than the rest of the package
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

compiled = False

# C types, as annotations see them
bint = builtins.bool
int = builtins.int
char = uchar = short = ushort = uint = long = ulong = longlong = ulonglong = builtins.int
Py_hash_t = size_t = builtins.int
Py_ssize_t = builtins.int  # alone on its line, as are the next: only so do checkers take it for a type
float = builtins.float
double = builtins.float
void = None


def _unchanged(decorated: "T") -> "T":
    return decorated


def _decorator(*values: object, **types: object) -> "Callable[[T], T]":
    return _unchanged


cfunc = ccall = cclass = final = inline = nogil = _unchanged
locals = returns = exceptval = _decorator
annotation_typing = binding = boundscheck = cdivision = wraparound = freelist = no_gc = auto_pickle = (
    _decorator
)
critical_section = internal = total_ordering = infer_types = overflowcheck = _decorator


def cast(type: object, value: "Any", typecheck: builtins.bool = False) -> "Any":
    return value


def declare(type: object = None, value: "Any" = None, **names: object) -> "Any":
    return value


def likely(condition: "T") -> "T":
    return condition


unlikely = likely
