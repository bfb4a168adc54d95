import json
import time

import pytest

from .support import ask, make_app, part, problem, read_lines


def check_rows(rows, start, stop):
    assert [row["id"] for row in rows] == list(range(start, stop))
    assert all(list(row) == ["id", "data", "timestamp"] for row in rows)
    assert all(row["data"] == "x" * 1024 for row in rows)
    assert all(abs(time.time() - row["timestamp"]) < 60 for row in rows)


@pytest.mark.parametrize("count", [1, 2, 100, 1000])
def test_answers_all_items(client, count):
    response = client.get(f"/fastcore/payloads/{count}")
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["items", "count"]
    assert body["count"] == count
    check_rows(body["items"], 0, count)


@pytest.mark.parametrize(
    ("query", "start", "stop"),
    [
        ("limit=10", 0, 10),
        ("skip=5&limit=10", 5, 15),
        ("skip=245&limit=10", 245, 250),
        ("skip=250&limit=10", 250, 250),
        ("skip=900&limit=10", 250, 250),
        ("skip=200", 200, 250),
        ("skip=0&limit=100", 0, 100),
    ],
)
def test_answers_a_page(client, query, start, stop):
    body = client.get(f"/fastcore/payloads/250?{query}").json()
    assert body["count"] == 250
    check_rows(body["items"], start, stop)


@pytest.mark.parametrize(
    ("path", "code", "where"),
    [
        ("0", "invalid-parameter", "path.count"),
        ("-1", "invalid-parameter", "path.count"),
        ("x", "invalid-parameter", "path.count"),
        ("1001", "limit-exceeded", "path.count"),
        ("10?limit=0", "invalid-parameter", "query.limit"),
        ("10?limit=101", "limit-exceeded", "query.limit"),
        ("10?skip=-1", "invalid-parameter", "query.skip"),
        ("10?skip=1001", "limit-exceeded", "query.skip"),
        ("0/stream", "invalid-parameter", "path.count"),
        ("x/stream", "invalid-parameter", "path.count"),
        ("1000001/stream", "limit-exceeded", "path.count"),
    ],
)
def test_refuses(client, path, code, where):
    body = problem(client.get(f"/fastcore/payloads/{path}"), 422, code)
    assert body["errors"][0]["path"] == where


@pytest.mark.parametrize("count", [1, 59, 5000])
def test_streams_lines(client, count):
    response = client.get(f"/fastcore/payloads/{count}/stream")
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.text.endswith("\n")
    check_rows(read_lines(response.text), 0, count)


@pytest.mark.parametrize("options", [{}, {"inline_budget_seconds": 0}], ids=["inline", "threads"])
def test_streams_in_chunks_of_bounded_size(backend, options):
    app = make_app(backend, stream_chunk_bytes=10_000, **options)
    chunks = []
    _, _, body = ask(app, "GET", "/fastcore/payloads/1000/stream", [part(b"")], on_chunk=chunks.append)
    chunks = [chunk for chunk in chunks if chunk]
    assert len(chunks) > 50
    assert max(map(len, chunks)) < 10_000 + 1_200
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    check_rows([json.loads(line) for line in body.splitlines()], 0, 1000)
