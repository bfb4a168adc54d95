"""Decisions for events given as JSON text.

``reader(matcher, setting, decider, read)`` gives an object whose ``decide(body, depth)`` is the decision of a
``kernels.matching`` and a ``kernels.deciding`` for the event in `body`, bytes-like or str; `setting` is what
the plain evaluator takes as the time. ``read(body, depth)`` decodes a whole event, or says what is wrong with
it.

This is the twin for an interpreter: nothing in Python is faster than decoding everything.
``_reading_c.pyx``, the twin for C, decodes only what the rules read, and calls `read` where that is not
enough.
"""

from collections.abc import Callable
from typing import Any

__all__ = ["reader"]


class _Reader:
    """See the module."""

    __slots__ = ("_decide", "_read")

    def __init__(self, matcher: Any, setting: Any, decider: Any, read: Callable[[Any, int], Any]) -> None:
        self._decide = matcher.bind(setting, decider).decide
        self._read = read

    def decide(self, body: Any, depth: int) -> Any:
        return self._decide(self._read(body, depth))


def reader(matcher: Any, setting: Any, decider: Any, read: Callable[[Any, int], Any]) -> _Reader:
    """Builds the reader of a matcher.

    Parameters:
        matcher: finds the rules that fire.
        setting: of a call without a time.
        decider: turns them into a decision.
        read: decodes an event of at most so many levels; its errors are those of `decide`.

    A text costs one pass over it, whatever the rules; in C, a look-up for each key on the way to a field as
    well.
    """
    return _Reader(matcher, setting, decider, read)
