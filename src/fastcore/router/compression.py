"""gzip for clients that ask for it, where the host has not left it to a middleware or a proxy."""

import re
import zlib
from collections.abc import Iterable, Iterator

from .exchange import Fields

__all__ = ["GZIP_SECONDS", "Gzip", "accepts_gzip", "gzip_chunks", "gzip_fields", "gzip_whole", "plain_tag"]

# per byte that is compressed, on the high side of what was measured for payloads and decisions
GZIP_SECONDS = 3e-8

_LEVEL = 6
_FORMAT = 31  # a window of 32 KiB, with the header of gzip, which says nothing of time or file
_SUFFIX = '-gzip"'
_WEIGHT = re.compile(r"[ \t]*(?:;[ \t]*q=([01](?:\.[0-9]{0,3})?))?[ \t]*", re.IGNORECASE)


def accepts_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether ``Accept-Encoding`` names gzip, and prefers nothing to it but what is not offered here."""
    given = b",".join([value for name, value in headers if name == b"accept-encoding"])
    weights = {}
    for choice in given.decode("latin-1").lower().split(","):
        name, semicolon, rest = choice.partition(";")
        weight = _WEIGHT.fullmatch(semicolon + rest)
        weights[name.strip()] = 0.0 if weight is None else float(weight[1] or 1)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


class Gzip:
    """Compresses a stream so that each part can be read when it arrives."""

    def __init__(self) -> None:
        self._compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, _FORMAT)

    def chunk(self, part: bytes) -> bytes:
        """A part of the stream."""
        return self._compress.compress(part) + self._compress.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        """What makes the stream complete."""
        return self._compress.flush()


def gzip_whole(body: bytes) -> bytes:
    """All of an answer."""
    compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, _FORMAT)
    return compress.compress(body) + compress.flush()


def gzip_chunks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of a stream."""
    gzip = Gzip()
    for chunk in chunks:
        yield gzip.chunk(chunk)
    yield gzip.end()


def gzip_fields(fields: Fields, encoded: bool, status: int) -> Fields:
    """The header fields of an answer that may be compressed.

    A strong entity tag stands for these very bytes, so that of a compressed answer is another one.

    Parameters:
        encoded: whether it is.
        status: a 304 has the fields that a 200 would have, without what is said of a body.
    """
    vary = (b"vary", b"Accept-Encoding")
    if not encoded:
        return (*fields, vary)
    tagged = [(name, _encoded_tag(value) if name == b"etag" else value) for name, value in fields]
    return (*tagged, vary) if status == 304 else (*tagged, (b"content-encoding", b"gzip"), vary)


def _encoded_tag(tag: bytes) -> bytes:
    return tag if tag.startswith(b"W/") else tag[:-1] + _SUFFIX.encode()


def plain_tag(tag: str) -> str:
    """The entity tag of the answer before it was compressed."""
    return tag.removesuffix(_SUFFIX) + '"' if tag.endswith(_SUFFIX) else tag
