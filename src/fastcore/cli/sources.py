"""Where events come from: a file, a compressed file or standard input, as chunks of bytes."""

import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

__all__ = ["FORMATS", "Source", "SourceError"]

CHUNK = 1 << 18
FORMATS = ("ndjson", "json", "csv")
_BOM = b"\xef\xbb\xbf"
_BY_SUFFIX = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".tsv": "csv"}


class SourceError(Exception):
    """The input cannot be opened, or cannot be read any further."""


class Source:
    """An open input.

    Compression is recognised by the name: ``.gz``, and ``.zip`` with one member. Use as a context manager.

    Parameters:
        name: path, or ``-`` for standard input.

    Attributes:
        size: in bytes as stored; None where that is unknown.

    Raises:
        SourceError: it cannot be opened.
    """

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == "-" else name
        self.size: int | None = None
        self._stored: BinaryIO | None = None
        self._inner_name = name
        try:
            self._stream = self._open_standard_input() if name == "-" else self._open_file(Path(name))
        except (OSError, zipfile.BadZipFile) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"cannot read {self.name}: {reason}") from error

    def _open_standard_input(self) -> io.BufferedReader:
        stream = sys.stdin.buffer
        try:
            # unlike sys.stdin's own buffer, this one shows enough to tell the format by
            return io.BufferedReader(io.FileIO(stream.fileno(), closefd=False), CHUNK)
        except io.UnsupportedOperation:
            return io.BufferedReader(cast(io.RawIOBase, stream), CHUNK)

    def _open_file(self, path: Path) -> io.BufferedReader:
        self._stored = stored = open(path, "rb")  # noqa: SIM115
        if path.is_file():
            self.size = path.stat().st_size
        raw: object = stored
        if path.suffix == ".gz":
            self._inner_name = path.stem
            raw = gzip.GzipFile(fileobj=stored)
        elif path.suffix == ".zip":
            archive = zipfile.ZipFile(stored)
            members = [member for member in archive.namelist() if not member.endswith("/")]
            if len(members) != 1:
                raise zipfile.BadZipFile(f"it holds {len(members)} files, and must hold one")
            self._inner_name = members[0]
            raw = archive.open(members[0])
        return io.BufferedReader(cast(io.RawIOBase, raw), CHUNK)

    def __enter__(self) -> "Source":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._stored is not None:
            self._stored.close()

    def position(self) -> int:
        """How many stored bytes were read so far; 0 where that is unknown."""
        return self._stored.tell() if self._stored is not None and not self._stored.closed else 0

    def chunks(self) -> Iterator[bytes]:
        """What is there, as it comes; a byte order mark at the very start is dropped.

        Raises:
            SourceError: the rest cannot be read.
        """
        first = True
        while chunk := self._guard(lambda: self._stream.read1(CHUNK)):
            if first:
                chunk = chunk.removeprefix(_BOM)
                first = False
            yield chunk

    def format(self) -> str:
        """One of FORMATS, told from the name, and where that says nothing, from the first bytes."""
        suffix = Path(self._inner_name).suffix.lower()
        if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix]
        lines = self._guard(lambda: self._stream.peek(CHUNK)).removeprefix(_BOM).lstrip().split(b"\n")
        if lines[0][:1] == b"[":
            return "json"
        if lines[0][:1] == b"{":
            return "json" if _starts_a_document(lines) else "ndjson"
        return "json" if suffix == ".json" else "csv"

    def delimiter(self) -> str:
        return "\t" if Path(self._inner_name).suffix.lower() == ".tsv" else ","

    def _guard(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise SourceError(f"cannot read {self.name} any further: {error}") from error


def _starts_a_document(lines: list[bytes]) -> bool:
    """Whether lines of which the first opens an object are one pretty-printed object, not one per line."""
    if lines[0].rstrip().endswith(b"}"):
        return False
    following = next((line.lstrip() for line in lines[1:] if line.strip()), b"")
    return following[:1] in (b'"', b"}")
