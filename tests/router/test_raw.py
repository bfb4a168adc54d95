"""What no good client sends, over sockets to a real server, by every way in: never a 500, never a hang."""

import json
import re
import socket

import pytest

from fastcore import _backend
from tests.conftest import cython_problem

from .server import Server
from .support import DOCUMENT

APP = """
import os
from pathlib import Path

from fastapi import Depends, FastAPI

from fastcore import RuleStore
from fastcore.router import RouterSettings, asgi_app, create_router, install

folder = Path(__file__).parent / "rules"
settings = RouterSettings(deadline_seconds=1.5, max_body_bytes=50_000, allow_updates=True)
app = FastAPI()
for backend in os.environ["RAW_BACKENDS"].split():
    options = {
        "rules": RuleStore.from_folder(folder, backend=backend),
        "settings": settings,
        "backend": backend,
        "update_dependencies": [Depends(lambda: None)],
    }
    app.include_router(create_router(**options), prefix=f"/route-{backend}")
    install(app, prefix=f"/lane-{backend}", **options)
    app.mount(f"/mount-{backend}", asgi_app(**options))
"""

BACKENDS = [name for name in _backend.NAMES if name != "cython" or not cython_problem()]
WAYS = [f"{way}-{backend}" for way in ("route", "lane", "mount") for backend in BACKENDS]
EVALUATE, MANY, EXPLAIN = (f"/rules/fraud/{verb}" for verb in ("evaluate", "evaluate-many", "explain"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    (folder / "rules").mkdir()
    (folder / "rules" / "fraud.json").write_text(json.dumps(DOCUMENT))
    (folder / "raw_app.py").write_text(APP)
    with Server(folder, "raw_app", environment={"RAW_BACKENDS": " ".join(BACKENDS)}) as server:
        yield server
        assert not re.search("Traceback|Exception in ASGI", "".join(server.log)), "".join(server.log)


def talk(server, data, end=False):
    """All that the server answers, until it closes the connection; None if it just closes it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        except (ConnectionResetError, BrokenPipeError):
            # it may close before it has read all that it refuses
            return None
    return answer or None


def post(way, path, body, *headers, length=None, method="POST", kind="application/json"):
    lines = [f"{method} /{way}{path} HTTP/1.1", "host: x", "connection: close", *headers]
    if kind is not None:
        lines.append(f"content-type: {kind}")
    if length != "":
        lines.append(f"content-length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def get(way, path):
    return f"GET /{way}{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode("latin-1")


def answered(answer):
    """Status and code of the first answer; of one that is an error it is a problem, and a short one."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head[9:12])
    if status < 400:
        return status, None
    assert b"content-type: application/problem+json" in head.lower(), answer[:500]
    assert len(body) < 20_000
    problem = json.loads(body)
    assert problem["status"] == status
    return status, problem["code"].removeprefix("fastcore/")


BAD_EVENT = (422, "invalid-event")
EVENTS = {
    "nested too deep": (b'{"a":' * 9000, BAD_EVENT),
    "arrays too deep": (b'{"a":' + b"[" * 40_000, BAD_EVENT),
    "nested too deep in a field": (b'{"amount":' + b"[" * 500 + b"]" * 500 + b"}", BAD_EVENT),
    "NaN": (b'{"amount":NaN}', BAD_EVENT),
    "minus infinity": (b'{"amount":-Infinity}', BAD_EVENT),
    "a byte order mark": (b"\xef\xbb\xbf{}", BAD_EVENT),
    "UTF-16": ('{"a":1}'.encode("utf-16"), BAD_EVENT),
    "not UTF-8": (b'{"a":"\xff\xfe"}', BAD_EVENT),
    "a surrogate in UTF-8": (b'{"a":"\xed\xa0\x80"}', BAD_EVENT),
    "nothing": (b"", BAD_EVENT),
    "a zero": (b"\x00", BAD_EVENT),
    "two events": (b"{}{}", BAD_EVENT),
    "an array": (b"[{}]", BAD_EVENT),
    "a number without end": (b"9" * 40_000, BAD_EVENT),
    "a surrogate by itself": (b'{"country":"\\ud800"}', (200, None)),
    "keys twice": (b'{"amount":1,"amount":{"amount":2},"amount":5000}', (200, None)),
    "a float beyond all": (b'{"amount":1e999999}', (200, None)),
    "many keys": (b"{" + b",".join(b'"%d":0' % number for number in range(5000)) + b"}", (200, None)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", EVENTS)
def test_events(server, way, name):
    body, expected = EVENTS[name]
    for path in (EVALUATE, EXPLAIN):
        assert answered(talk(server, post(way, path, body))) == expected
    # in a batch it is a record like others
    whole = talk(server, post(way, MANY, b"[{}," + body + b"]"))
    assert answered(whole)[0] == 200


@pytest.mark.parametrize("way", WAYS)
def test_an_integer_beyond_what_the_interpreter_reads(server, way):
    body = b'{"amount":%b}' % (b"9" * 9000)
    for path in (EVALUATE, EXPLAIN):
        assert answered(talk(server, post(way, path, body))) in ((200, None), BAD_EVENT)


@pytest.mark.parametrize("way", WAYS)
def test_types_and_lengths(server, way):
    def ask(body=b"{}", *headers, **options):
        answer = talk(server, post(way, EVALUATE, body, *headers, **options))
        return answer and answered(answer)

    for kind in ("text/plain", "", "application/json; charset=utf-16", "\xff\xfe", "a" * 3000, None):
        assert ask(kind=kind) == (415, "unsupported-media-type")
    assert ask(b"{}", "content-encoding: gzip") == (415, "unsupported-media-type")
    assert ask(b"{}", length=50_001) == (413, "body-too-large")
    # it may answer and close before all of it was sent, which then resets the connection
    assert ask(b"{}" + b" " * 50_000) in ((413, "body-too-large"), None)
    assert ask(b"{}", length=10**15) == (413, "body-too-large")
    # the rest stands where the next request would be
    assert ask(b"{}{}{}", length=2) == (200, None)
    assert ask(b"{}", length=0) == BAD_EVENT


@pytest.mark.parametrize("length", ["-1", "abc", "2, 3", "0x2", " ", "9" * 30, "9" * 5000])
def test_a_length_that_is_none_is_refused_by_the_server_or_the_router(server, length):
    answer = talk(server, post("lane-python", EVALUATE, b"{}", length=length), end=True)
    assert answer is None or 200 <= int(answer[9:12]) < 500


@pytest.mark.parametrize("way", WAYS)
def test_chunks(server, way):
    def ask(chunks):
        request = post(way, EVALUATE, b"", "transfer-encoding: chunked", length="")
        return talk(server, request + chunks)

    assert answered(ask(b'1\r\n{\r\n8\r\n"a":1234\r\n1\r\n}\r\n0\r\n\r\n')) == (200, None)
    big = b"10000\r\n" + b" " * 65536 + b"\r\n"
    answer = ask(big * 2 + b"0\r\n\r\n")
    assert answer is None or answered(answer) == (413, "body-too-large")
    broken = ask(b"zz\r\n{}\r\n")
    assert broken is None or 400 <= int(broken[9:12]) < 500


def test_bodies_that_come_too_late_or_never(server):
    """All at once, because each waits for the deadline."""
    begun = {EVALUATE: b"{", MANY: b"["}
    requests = {(way, path): post(way, path, begun[path], length=10) for way in WAYS for path in begun}
    waiting = {}
    for name, request in requests.items():
        waiting[name] = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        waiting[name].sendall(request)
    for connection in waiting.values():
        with connection:
            answer = b"".join(iter(lambda connection=connection: connection.recv(1 << 16), b""))
        assert answered(answer) == (408, "slow-body")


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_ends_within_a_body_disturbs_nobody(server, way):
    talk(server, post(way, EVALUATE, b"{", length=1000), end=True)
    talk(server, post(way, MANY, b"[{},", length=1000), end=True)
    assert answered(talk(server, get(way, "/health"))) == (200, None)


@pytest.mark.parametrize("way", WAYS)
def test_paths_and_queries(server, way):
    def ask(path):
        return answered(talk(server, get(way, path)))

    for n in ("9" * 5000, "-1", "1e3", "0x10", "%D9%A3", "1_000", "%00", "%ff", "+1", "%201", "1.0"):
        assert ask(f"/fib/{n}")[0] == 422
    for query in ("mod=", "mod=0", "mod=%ff", "mod=" + "9" * 5000, "algorithm=", "algorithm=%ed%a0%80"):
        assert ask(f"/fib/10?{query}")[0] == 422
    assert ask("/payloads/1001") == (422, "limit-exceeded")
    for name in ("%ff", "%ed%a0%80", "%00", "..", "..%2f..%2fetc", "x" * 5000, "fraud%0d%0aX:1"):
        assert int(talk(server, get(way, f"/rules/{name}"))[9:12]) == 404
    assert ask("/health")[0] == 200


def test_header_fields_without_end(server):
    for field in ("x: " + "a" * 30_000, "x" * 30_000 + ": a", "if-none-match: " + '"a",' * 8000):
        answer = talk(server, post("lane-python", EVALUATE, b"{}", field))
        assert answer is None or int(answer[9:12]) < 500
    many = [f"x-{number}: 1" for number in range(2000)]
    answer = talk(server, post("lane-python", EVALUATE, b"{}", *many))
    assert answer is None or int(answer[9:12]) < 500


RULE = b'{"id":"a","when":true}'
BAD_DOCUMENT = (422, "invalid-ruleset")
DOCUMENTS = {
    "100,000 rules": (b'{"rules":[' + b",".join([RULE] * 100_000) + b"]}", (422, "limit-exceeded")),
    "100,000 numbers": (b'{"rules":[' + b",".join([b"7"] * 100_000) + b"]}", (422, "limit-exceeded")),
    "2,000 rules of one id": (b'{"rules":[' + b",".join([RULE] * 2000) + b"]}", BAD_DOCUMENT),
    "nested too deep": (b'{"rules":' * 20_000, BAD_DOCUMENT),
    "a condition nested too deep": (
        b'{"rules":[{"id":"a","when":' + b'{"!":[' * 3000 + b"true" + b"]}" * 3000 + b"}]}",
        BAD_DOCUMENT,
    ),
    "NaN": (b'{"rules":[{"id":"a","when":true,"score":NaN}]}', BAD_DOCUMENT),
    "a score beyond all": (b'{"rules":[{"id":"a","when":true,"score":1e999}]}', BAD_DOCUMENT),
    "an integer without end": (
        b'{"rules":[{"id":"a","when":true,"score":' + b"9" * 5000 + b"}]}",
        BAD_DOCUMENT,
    ),
    "a surrogate by itself": (b'{"rules":[{"id":"\\ud800","when":true}]}', BAD_DOCUMENT),
    "keys twice": (b'{"rules":[],"rules":[]}', BAD_DOCUMENT),
    "a byte order mark": (b'\xef\xbb\xbf{"rules":[]}', BAD_DOCUMENT),
    "not UTF-8": (b'{"rules":[],"name":"\xff"}', BAD_DOCUMENT),
    "nothing": (b"", BAD_DOCUMENT),
    "an array": (b"[]", BAD_DOCUMENT),
    "no rules": (b"{}", BAD_DOCUMENT),
    "too long": (b"{}" + b" " * 4_194_304, (413, "body-too-large")),
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_documents(server, backend, name):
    body, expected = DOCUMENTS[name]
    answer = talk(server, post(f"route-{backend}", "/rules/fraud", body, method="PUT"))
    assert answer is None if expected[0] == 413 and answer is None else answered(answer) == expected
    assert answered(talk(server, post(f"route-{backend}", EVALUATE, b"{}"))) == (200, None)
