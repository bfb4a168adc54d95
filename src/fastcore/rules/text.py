"""The canonical text of a document, kept in parts, so that a named list is replaced without writing the rules
again."""

import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["DocumentText", "canonical"]


def canonical(value: object) -> str:
    """JSON text that is equal for equal content: keys sorted, no spaces, no needless escapes."""
    return _encode(value)


_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


class DocumentText:
    """The text of each key of a document, of each named list by itself, and where each rule stands.

    Parameters:
        parts: by key the text of its value, but for ``lists``.
        lists: by name the texts of the named lists; None where the document has none.
        starts: where each rule begins within the text of ``rules``, and one entry more, behind their end.
    """

    __slots__ = ("_lists", "_parts", "_starts")

    def __init__(
        self, parts: Mapping[str, bytes], lists: Mapping[str, bytes] | None, starts: "array[int]"
    ) -> None:
        self._parts = dict(sorted(parts.items()))
        self._lists = None if lists is None else dict(sorted(lists.items()))
        self._starts = starts

    def with_lists(self, lists: Mapping[str, bytes]) -> "DocumentText":
        """The text with some lists replaced; the others and everything else are shared."""
        return DocumentText(self._parts, {**(self._lists or {}), **lists}, self._starts)

    def rule(self, position: int) -> Any:
        """A rule by its place in the document, as a fresh value."""
        start, end = self._starts[position], self._starts[position + 1] - 1
        return json.loads(self._parts["rules"][start:end])

    def _pieces(self) -> Iterator[bytes]:
        parts: dict[str, bytes | None] = {**self._parts}
        if self._lists is not None:
            parts = dict(sorted({**parts, "lists": None}.items()))
        before = b"{"
        for key, part in parts.items():
            yield before + _key(key)
            if part is None:
                yield from self._list_pieces()
            else:
                yield part
            before = b","
        yield b"}"

    def _list_pieces(self) -> Iterator[bytes]:
        before = b"{"
        for name, part in (self._lists or {}).items():
            yield before + _key(name)
            yield part
            before = b","
        yield b"}" if self._lists else b"{}"

    def digest(self) -> str:
        """SHA-256 of the text, in hex digits."""
        digest = hashlib.sha256()
        for piece in self._pieces():
            digest.update(piece)
        return digest.hexdigest()

    def __bytes__(self) -> bytes:
        return b"".join(self._pieces())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DocumentText):
            return NotImplemented
        return self._parts == other._parts and self._lists == other._lists

    def __hash__(self) -> int:
        return hash(tuple(self._pieces()))


def _key(key: str) -> bytes:
    return canonical(key).encode("utf-8") + b":"
