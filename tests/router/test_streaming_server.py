"""Streams over a real connection: memory, chunks of HTTP/1.1, clients that do not read, servers that end."""

import gzip
import json
import signal
import socket
import sys
import threading
import urllib.request
import zlib

import pytest

from tests.waiting import eventually

from .server import Server
from .support import DOCUMENT

APP = """
import resource
import sys

from fastapi import FastAPI

from fastcore import RuleSet
from fastcore.router import RouterSettings, create_router

settings = RouterSettings(deadline_seconds=2, gzip_min_bytes=1000)
app = FastAPI()
app.include_router(create_router(rules=RuleSet.from_dict(DOCUMENT), settings=settings), prefix="/fastcore")


@app.get("/memory")
async def memory():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
"""

MEGABYTE = 1 << 20
# a collector that moves objects lets more become garbage
GROWTH = (16 if sys.implementation.name == "cpython" else 64) * MEGABYTE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGTERM")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streaming")
    (folder / "streaming.py").write_text(f"DOCUMENT = {DOCUMENT!r}\n{APP}")
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with Server(folder, "streaming") as server:
        yield server


def get(server, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as response:
        return json.load(response)


def evaluated(server):
    return get(server, "/fastcore/info")["counters"]["events"]["evaluated"]


class Client:
    """A connection that sends a body in chunks while it reads the answer."""

    def __init__(self, server, media_type, *headers):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=120)
        self.stream = self.socket.makefile("rb")
        head = [
            b"POST /fastcore/rules/fraud/evaluate-many HTTP/1.1",
            b"host: x",
            b"transfer-encoding: chunked",
            b"content-type: " + media_type.encode(),
            *headers,
        ]
        self.socket.sendall(b"\r\n".join([*head, b"", b""]))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stream.close()
        self.socket.close()

    def give(self, data):
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self):
        self.socket.sendall(b"0\r\n\r\n")

    def head(self):
        lines = list(iter(lambda: self.stream.readline().strip(), b""))
        assert lines[0].startswith(b"HTTP/1.1 200"), lines
        return dict(line.lower().split(b": ", 1) for line in lines[1:])

    def chunk(self):
        """The next chunk of the answer, b"" for its end; None if the connection ends before that."""
        size = self.stream.readline()
        if not size:
            return None
        data = self.stream.read(int(size, 16))
        assert self.stream.read(2) == b"\r\n"
        return data

    def rest(self):
        """The rest of the answer, and whether it came to its end."""
        parts = []
        while part := self.chunk():
            parts.append(part)
        return b"".join(parts), part is not None


# The memory of a process is its peak, so these come first.


def test_memory_does_not_grow_with_a_stream(server):
    rows = 100_000
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/fastcore/payloads/1000/stream") as response:
        assert len(response.read().splitlines()) == 1000
    before = get(server, "/memory")
    url = f"http://127.0.0.1:{server.port}/fastcore/payloads/{rows}/stream"
    with urllib.request.urlopen(url, timeout=120) as response:
        size = lines = 0
        while data := response.read(MEGABYTE):
            size += len(data)
            lines += data.count(b"\n")
    assert lines == rows
    assert size > 100 * MEGABYTE
    assert get(server, "/memory") - before < GROWTH


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson"])
def test_memory_does_not_grow_with_a_batch(server, media_type):
    separator = b"," if media_type == "application/json" else b"\n"
    some = b'{"amount":5000,"filler":"%b"}' % (b"x" * 470) + separator
    count = 200
    before = get(server, "/memory")
    with Client(server, media_type) as client:

        def send():
            client.give(b"[{}," if separator == b"," else b"{}\n")
            for _ in range(600):
                client.give(some * count)
            client.give(b"{}]" if separator == b"," else b"{}")
            client.end()

        sender = threading.Thread(target=send)
        sender.start()
        client.head()
        body, complete = client.rest()
        sender.join()
    assert complete
    assert body.count(b'"matched":["large"]') == 600 * count
    answers = json.loads(body) if separator == b"," else body.splitlines()
    assert len(answers) == 600 * count + 2
    assert get(server, "/memory") - before < GROWTH


def test_each_line_is_answered_when_it_has_come(server):
    with Client(server, "application/x-ndjson", b"accept-encoding: gzip") as client:
        inflate = zlib.decompressobj(31)
        for number in range(3):
            client.give(b'{"amount":%d}\n' % (5000 * number))
            if not number:
                assert client.head()[b"content-encoding"] == b"gzip"
            answer = json.loads(inflate.decompress(client.chunk()))
            assert answer["matched"] == (["large"] if number else [])
        client.end()
        inflate.decompress(client.rest()[0])
        assert inflate.eof


def test_an_answer_that_is_broken_off_cannot_be_taken_for_whole(server):
    for media_type, opening in [("application/json", b"["), ("application/jsonl", b"")]:
        with Client(server, media_type) as client:
            client.give(opening + b'{"amount":1}' + (b"," if opening else b"\n"))
            client.head()
            body, complete = client.rest()  # two seconds later
        assert not complete
        assert b'"code":"fastcore/slow-body"' in body
        assert body.endswith(b'"final":true}' + (b"" if opening else b"\n"))
    assert get(server, "/fastcore/health") == {"status": "ok"}


def test_a_client_that_does_not_read_is_not_read_from(server):
    chunk = b"{}\n" * 5000
    before = get(server, "/memory")
    with Client(server, "application/x-ndjson") as client:
        client.socket.settimeout(3)

        def give():
            for _ in range(4000):
                client.give(chunk)

        with pytest.raises(TimeoutError):
            give()
        # 37 times as much is answered: what the buffers of the system hold, and a megabyte of the server's
        assert evaluated(server) < 1_000_000
        assert get(server, "/memory") - before < GROWTH
    at_the_end = eventually(
        lambda: (now := evaluated(server)) == evaluated(server) and now, "it stands still"
    )
    assert at_the_end < 1_000_000


def test_a_batch_that_has_begun_is_finished_after_the_signal(folder):
    with Server(folder, "streaming") as server, Client(server, "application/x-ndjson") as client:
        client.give(b"{}\n")
        client.head()
        client.chunk()
        server.stop()
        server.said("Shutting down")
        for _ in range(50):
            client.give(b"{}\n" * 100)
        client.end()
        body, complete = client.rest()
        assert complete
        assert body.count(b"matched") == 5000
        assert server.ended() in (0, -signal.SIGTERM), "".join(server.log)
        assert not any("Traceback" in line for line in server.log), "".join(server.log)


def test_whole_answers_are_compressed(server):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/fastcore/payloads/100")
    request.add_header("accept-encoding", "gzip")
    with urllib.request.urlopen(request, timeout=60) as response:
        body = response.read()
    assert len(body) == int(response.headers["content-length"]) < 5000
    assert len(json.loads(gzip.decompress(body))["items"]) == 100
