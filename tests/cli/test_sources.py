"""Inputs: compression, formats told from names and first bytes, and what cannot be read."""

import gzip
import io
import zipfile

import pytest

from fastcore.cli.sources import Source, SourceError


def content(path):
    with Source(str(path)) as source:
        return b"".join(source.chunks())


def write(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.ndjson", b"[", "ndjson"),
        ("a.jsonl", b"x", "ndjson"),
        ("a.csv", b"{", "csv"),
        ("a.tsv", b"[", "csv"),
        ("a.json", b' \n[{"a":1}]', "json"),
        ("a.json", b'{"a":1}\n{"a":2}\n', "ndjson"),
        ("a.json", b'{\n  "a": 1\n}\n', "json"),
        ("a.json", b'{"a": 1,\n "b": 2}', "json"),
        ("a.json", b'{"a":1}', "ndjson"),
        ("a.json", b"", "json"),
        ("a.data", b'\xef\xbb\xbf[{"a":1}]', "json"),
        ("a.data", b'{"a":1}\n', "ndjson"),
        ("a.data", b'{"a":1\n{"a":2}\n', "ndjson"),
        ("a.data", b"a,b\n1,2\n", "csv"),
    ],
)
def test_the_format_is_told_from_the_name_else_from_the_first_bytes(tmp_path, name, data, expected):
    path = write(tmp_path / name, data)
    with Source(str(path)) as source:
        assert source.format() == expected
        # looking at the first bytes has not taken them away
        assert b"".join(source.chunks()) == data.removeprefix(b"\xef\xbb\xbf")


def test_compressed_files(tmp_path):
    data = b"x,y\n" + b"1,2\n" * 1000
    packed = write(tmp_path / "a.csv.gz", gzip.compress(data))
    archive = tmp_path / "b.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("inner/", b"")
        file.writestr("inner/b.tsv", data)
    assert content(packed) == content(archive) == data
    with Source(str(packed)) as source:
        assert (source.format(), source.delimiter(), source.size) == ("csv", ",", packed.stat().st_size)
    with Source(str(archive)) as source:
        assert (source.format(), source.delimiter()) == ("csv", "\t")


def test_the_position_reaches_the_size(tmp_path):
    path = write(tmp_path / "a.ndjson.gz", gzip.compress(b"{}\n" * 1000))
    with Source(str(path)) as source:
        list(source.chunks())
        assert source.position() == source.size


def test_a_damaged_archive_is_reported_behind_what_could_be_read(tmp_path):
    data = gzip.compress(bytes(range(256)) * 4000, mtime=0)
    path = write(tmp_path / "a.ndjson.gz", data[: len(data) // 2])
    with Source(str(path)) as source, pytest.raises(SourceError, match="any further"):
        list(source.chunks())


@pytest.mark.parametrize("members", [0, 2])
def test_an_archive_of_several_files_is_refused(tmp_path, members):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(members):
            archive.writestr(f"{number}.csv", b"")
    with pytest.raises(SourceError, match=f"it holds {members} files"):
        Source(str(path))


def test_what_cannot_be_opened(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path, write(tmp_path / "a.zip", b"no archive")):
        with pytest.raises(SourceError, match=r"cannot read .*: "):
            Source(str(path))


def test_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"a":1}\n')))
    with Source("-") as source:
        assert (source.name, source.size, source.format()) == ("standard input", None, "ndjson")
        assert b"".join(source.chunks()) == b'{"a":1}\n'
