"""Chunks of whole rows: where they end, what an error leaves behind, how much memory they take."""

import gc
import json
import sys
from itertools import islice

import pytest

from fastcore import PayloadBuilder, PayloadError

SCHEMA = {"id": int, "text": str}
ROWS = [(index, "ü" * (index % 40)) for index in range(500)]


@pytest.mark.parametrize("chunk_bytes", [1, 2, 17, 100, 1000, 131072, 10**9])
@pytest.mark.parametrize("lines", [False, True])
def test_chunks_are_the_build_in_whole_rows(chunk_bytes, lines, backend):
    builder = PayloadBuilder(SCHEMA, backend=backend)
    chunks = list(builder.stream(iter(ROWS), chunk_bytes=chunk_bytes, lines=lines))
    assert b"".join(chunks) == builder.build(ROWS, lines=lines)
    columns = {"id": [row[0] for row in ROWS], "text": [row[1] for row in ROWS]}
    assert list(builder.stream_columns(columns, chunk_bytes=chunk_bytes, lines=lines)) == chunks
    longest = max(len(line) for line in builder.build(ROWS, lines=True).splitlines(keepends=True))
    for chunk in chunks:
        assert chunk.endswith(b"\n" if lines else (b"}", b"]"))
    for chunk in chunks[:-1]:
        assert chunk_bytes <= len(chunk) < chunk_bytes + longest


def test_both_backends_cut_alike():
    try:
        builders = [PayloadBuilder(SCHEMA, backend=name) for name in ("python", "cython")]
    except ImportError:
        pytest.skip("no compiled backend: nothing to compare")
    assert list(builders[0].stream(ROWS, chunk_bytes=99)) == list(builders[1].stream(ROWS, chunk_bytes=99))


@pytest.mark.parametrize("chunk_bytes", [0, -1, True, 1.5, "1", None])
def test_chunk_bytes_is_a_positive_int(chunk_bytes, backend):
    builder = PayloadBuilder(SCHEMA, backend=backend)
    with pytest.raises(ValueError, match="chunk_bytes must be a positive int"):
        builder.stream(ROWS, chunk_bytes=chunk_bytes)
    with pytest.raises(ValueError, match="chunk_bytes must be a positive int"):
        builder.stream_columns({"id": [], "text": []}, chunk_bytes=chunk_bytes)


@pytest.mark.parametrize("bad", [0, 1, 499, 900])
@pytest.mark.parametrize("lines", [False, True])
def test_every_row_before_an_error_is_given_out(bad, lines, backend):
    builder = PayloadBuilder(SCHEMA, backend=backend)
    rows = [(index, "x") if index != bad else (index, None) for index in range(1000)]
    chunks = []
    with pytest.raises(PayloadError) as caught:
        chunks.extend(builder.stream(rows, chunk_bytes=1000, lines=lines))
    assert (caught.value.row, caught.value.field) == (bad, "text")
    data = b"".join(chunks)
    written = data.splitlines() if lines else json.loads(data + b"]") if data else []
    assert len(written) == bad


def test_a_stream_that_failed_is_over(backend):
    stream = PayloadBuilder(SCHEMA, backend=backend).stream([(1, "x"), (2, None), (3, "x")], lines=True)
    assert next(stream) == b'{"id":1,"text":"x"}\n'
    with pytest.raises(PayloadError):
        next(stream)
    assert list(stream) == []


def test_rows_are_taken_as_they_are_written(backend):
    taken = []

    def rows():
        for index in range(10**9):
            taken.append(index)
            yield index, "x" * 100

    stream = PayloadBuilder(SCHEMA, backend=backend).stream(rows(), chunk_bytes=1000)
    list(islice(stream, 3))
    assert len(taken) < 40
    stream.close()


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="tracemalloc counts CPython's allocations")
def test_memory_is_bounded_by_the_chunk(backend):
    import tracemalloc

    builder = PayloadBuilder(SCHEMA, backend=backend)
    rows = ((index, "x" * 200) for index in range(50_000))
    gc.collect()
    tracemalloc.start()
    try:
        total = sum(map(len, builder.stream(rows, chunk_bytes=65536)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 10_000_000
    assert peak < 500_000
