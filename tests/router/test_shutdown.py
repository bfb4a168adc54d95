"""A server that is asked to end finishes the answers that it has begun, and then ends."""

import json
import signal
import socket
import sys

import pytest

from .server import Server

APP = """
from pathlib import Path

from fastapi import FastAPI

from fastcore import RuleStore
from fastcore.router import create_router

store = RuleStore.from_folder(Path(__file__).parent / "rules", watch=True)
app = FastAPI()
app.include_router(create_router(rules=store), prefix="/fastcore")
"""

ROWS = 30_000

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGTERM")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ending.py").write_text(APP)
    (tmp_path / "rules").mkdir()
    rules = [{"id": f"r{number}", "when": True, "score": 1} for number in range(100)]
    (tmp_path / "rules" / "many.json").write_text(json.dumps({"name": "many", "rules": rules}))
    return tmp_path


def unchunk(stream):
    """The body of an answer in chunks; fails if the last chunk is missing."""
    parts = []
    while size := int(stream.readline(), 16):
        parts.append(stream.read(size))
        assert stream.read(2) == b"\r\n"
    return b"".join(parts)


def ask(port, request):
    """Sends a request and reads the head of the answer; gives the rest of the answer to be read."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
    connection.sendall(request)
    stream = connection.makefile("rb")
    assert stream.readline().startswith(b"HTTP/1.1 200")
    while stream.readline().strip():
        pass
    return connection, stream


def rows(port):
    return ask(port, b"GET /fastcore/payloads/%d/stream HTTP/1.1\r\nhost: x\r\n\r\n" % ROWS)


def decisions(port):
    body = b"{}\n" * ROWS
    head = b"POST /fastcore/rules/many/evaluate-many HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % len(
        body
    )
    return ask(port, head + b"content-type: application/x-ndjson\r\n\r\n" + body)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("streaming", [rows, decisions])
def test_a_stream_is_finished_after_the_signal(folder, workers, streaming):
    with Server(folder, "ending", workers) as server:
        connection, stream = streaming(server.port)
        with connection, stream:
            # megabytes are still to come, more than any buffer between the two takes
            server.stop()
            server.said("Shutting down")
            lines = unchunk(stream).splitlines()
        assert len(lines) == ROWS
        assert all(isinstance(json.loads(line), dict) for line in lines)
        code = server.ended()
    assert code in (0, -signal.SIGTERM), "".join(server.log)
    assert not any("Traceback" in line for line in server.log), "".join(server.log)


def test_a_server_without_requests_ends_though_it_watches(folder):
    with Server(folder, "ending") as server:
        server.stop()
        assert server.ended() in (0, -signal.SIGTERM)
