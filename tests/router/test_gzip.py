"""gzip where the client asks for it and the host has not kept it to itself."""

import asyncio
import gzip
import json
import re
import zlib

import pytest
from fastapi import Depends, FastAPI
from fastapi.middleware.gzip import GZipMiddleware

from fastcore import RuleSet, RuleStore
from fastcore.router import RouterSettings, asgi_app, create_router, install
from fastcore.router.compression import accepts_gzip

from .support import DOCUMENT, EVENT, JSON_BODY, ask, http_scope, make_app, part, read_lines
from .test_streams import LINES, ONE, PATH, Exchange

GZIP = ("accept-encoding", "gzip")
STREAM = "/fastcore/payloads/500/stream"


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        (["gzip"], True),
        (["GZIP"], True),
        (["x-gzip"], True),
        (["gzip, deflate, br"], True),
        (["deflate", "gzip"], True),
        (["br;q=1.0, gzip;q=0.8, *;q=0.1"], True),
        (["gzip ; q=0.001"], True),
        (["*"], True),
        (["identity;q=0.5, gzip;q=0.5"], True),
        ([], False),
        ([""], False),
        (["identity"], False),
        (["deflate, br"], False),
        (["gzip;q=0"], False),
        (["gzip;q=0.000"], False),
        (["*, gzip;q=0"], False),
        (["*;q=0"], False),
        (["identity, gzip;q=0.5"], False),
        (["gzip;q=2"], False),
        (["gzip;q=x"], False),
        (["gzip;"], False),
        (["gzipped"], False),
        (["gzip" * 1000 + "," * 1000], False),
    ],
)
def test_what_the_client_accepts(given, accepted):
    headers = [(b"accept", b"gzip"), *[(b"accept-encoding", value.encode()) for value in given]]
    assert accepts_gzip(headers) == accepted


def get(app, path, *headers):
    return ask(app, "GET", path, [part(b"")], headers)


def test_off_unless_a_size_is_set(backend):
    app = make_app(backend)
    for path in ("/fastcore/payloads/100", STREAM):
        _, headers, _ = get(app, path, GZIP)
        assert not {"content-encoding", "vary"} & set(headers)


@pytest.mark.parametrize("options", [{}, {"inline_budget_seconds": 0}], ids=["inline", "threads"])
def test_from_the_size_on(backend, options):
    body = get(make_app(backend), "/fastcore/rules", GZIP)[2]
    for least, encoded in [(len(body) - 1, True), (len(body), True), (len(body) + 1, False), (0, True)]:
        app = make_app(backend, gzip_min_bytes=least, **options)
        status, headers, given = get(app, "/fastcore/rules", GZIP)
        assert status == 200
        assert (headers.get("content-encoding") == "gzip") == encoded
        assert ("vary" in headers) == encoded
        assert headers["content-length"] == str(len(given))
        assert (gzip.decompress(given) if encoded else given) == body
        plain = get(app, "/fastcore/rules")
        assert plain[2] == body
        assert plain[1].get("vary") == ("Accept-Encoding" if encoded else None)


def test_a_stream_can_be_read_as_it_arrives(backend):
    app = make_app(backend, gzip_min_bytes=10**9, stream_chunk_bytes=20_000)
    inflate = zlib.decompressobj(31)
    rows = []

    def read(chunk):
        rows.append(inflate.decompress(chunk))
        assert rows[-1].endswith(b"\n") or not rows[-1]

    _, headers, body = ask(app, "GET", STREAM, [part(b"")], [GZIP], read)
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert "content-length" not in headers
    assert inflate.eof
    assert not inflate.unused_data
    lines = read_lines(b"".join(rows).decode())
    assert [row["id"] for row in lines] == list(range(500))
    assert sum(bool(each) for each in rows) > 20
    assert len(body) < 50_000
    _, headers, body = get(app, STREAM)
    assert "content-encoding" not in headers
    assert headers["vary"] == "Accept-Encoding"
    assert body.count(b"\n") == 500


def test_a_batch_can_be_read_as_it_is_answered():
    async def main():
        app = make_app(gzip_min_bytes=10**9, deadline_seconds=30)
        client = Exchange(app, LINES, headers=[GZIP])
        inflate = zlib.decompressobj(31)
        for count in range(1, 5):
            client.give(part(ONE + b"\n", True))
            await client.until(lambda count=count: len(client.sent) == count + 1)
            answer = json.loads(inflate.decompress(client.sent[-1]["body"]))
            assert answer["action"] == "review"
        client.give(part(b""))
        await client.ended()
        assert client.complete
        assert gzip.decompress(client.body).count(b"\n") == 4

    asyncio.run(main())


def test_a_batch_that_is_broken_off_is_no_whole_gzip_file():
    async def main():
        client = Exchange(make_app(gzip_min_bytes=0, deadline_seconds=0.05), LINES, headers=[GZIP])
        client.give(part(ONE + b"\n", True))
        await client.ended()
        assert not client.complete
        with pytest.raises(EOFError):
            gzip.decompress(client.body)
        lines = read_lines(zlib.decompressobj(31).decompress(client.body).decode())
        assert lines[-1]["error"]["code"] == "fastcore/slow-body"

    asyncio.run(main())


RULES = "/fastcore/rules/fraud"


def test_a_strong_entity_tag_is_another_one(backend):
    app = make_app(backend, gzip_min_bytes=100)
    tag = get(app, RULES)[1]["etag"]
    encoded = get(app, RULES, GZIP)[1]["etag"]
    assert encoded == tag[:-1] + '-gzip"'
    for held in (tag, encoded, f'"other", W/{encoded}'):
        for headers, now in [((), tag), ((GZIP,), encoded)]:
            status, fields, body = get(app, RULES, *headers, ("if-none-match", held))
            assert (status, body) == (304, b"")
            assert fields == {"etag": now, "vary": "Accept-Encoding"}
    assert get(app, RULES, GZIP, ("if-none-match", '"other-gzip"'))[0] == 200
    # a weak one stays, for it says no more than that both mean the same
    for headers in ([], [GZIP]):
        assert get(app, "/fastcore/fib/5000", *headers)[1]["etag"] == 'W/"fib-5000"'


def test_the_tag_of_a_compressed_answer_serves_for_a_replacement(tmp_path):
    (tmp_path / "fraud.json").write_text(json.dumps(DOCUMENT))
    app = make_app(
        rules=RuleStore.from_folder(tmp_path),
        allow_updates=True,
        gzip_min_bytes=0,
        update_dependencies=[Depends(lambda: None)],
    )
    tag = get(app, RULES, GZIP)[1]["etag"]
    document = [part(json.dumps({**DOCUMENT, "version": "8"}).encode())]
    status, headers, _ = ask(app, "PUT", RULES, document, [JSON_BODY, GZIP, ("if-match", tag)])
    assert status == 200
    assert headers["etag"] != tag
    assert ask(app, "PUT", RULES, document, [JSON_BODY, ("if-match", tag)])[0] == 412


def test_problems_are_not_compressed(backend):
    app = make_app(backend, gzip_min_bytes=0)
    status, headers, body = ask(app, "POST", RULES + "/evaluate", [part(b"[]")], [JSON_BODY, GZIP])
    assert (status, json.loads(body)["code"]) == (422, "fastcore/invalid-event")
    assert not {"content-encoding", "vary"} & set(headers)


REQUESTS = [
    ("GET", "/fastcore/fib/5000", b""),
    ("GET", "/fastcore/payloads/20", b""),
    ("GET", STREAM, b""),
    ("GET", RULES, b""),
    ("POST", RULES + "/evaluate", json.dumps(EVENT).encode()),
    ("POST", RULES + "/evaluate", b"["),
    ("POST", PATH, b"[" + b",".join([ONE] * 30) + b"]"),
    ("POST", PATH, b"[" + b",".join([ONE] * 3000) + b"]"),
]


@pytest.fixture(scope="module")
def ways():
    options = {"rules": RuleSet.from_dict(DOCUMENT), "settings": RouterSettings(gzip_min_bytes=200)}
    plain, laned, guarded, mounted = FastAPI(), FastAPI(), FastAPI(), FastAPI()
    plain.include_router(create_router(**options), prefix="/fastcore")
    install(laned, **options)
    guarded.include_router(create_router(**options), prefix="/fastcore", dependencies=[Depends(lambda: None)])
    mounted.mount("/fastcore", asgi_app(**options))
    return plain, laned, guarded, mounted


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
@pytest.mark.parametrize("encodings", ["gzip", "gzip;q=0"])
def test_every_way_in_gives_the_same(ways, method, path, body, encodings):
    answers = []
    for app in ways:
        accept = ("accept-encoding", encodings)
        status, headers, given = ask(app, method, path, [part(body)], [JSON_BODY, accept])
        if "content-encoding" in headers:
            headers.pop("content-length", None)
            given = gzip.decompress(given)
        given = re.sub(rb'("compute_time_seconds"|"timestamp"):[-+.e\d]+', rb"\1:0", given)
        headers.pop("content-length", None)
        answers.append((status, headers, given))
    assert answers[1:] == answers[:1] * 3
    assert len(answers[0][2]) < 200 or answers[0][0] == 422 or "vary" in answers[0][1]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_beside_the_host_s_middleware(method, path, body, before):
    """It leaves alone what is compressed already, and compresses what is not."""
    app = FastAPI()
    if before:
        app.add_middleware(GZipMiddleware, minimum_size=10)
    install(app, rules=RuleSet.from_dict(DOCUMENT), settings=RouterSettings(gzip_min_bytes=2000))
    if not before:
        app.add_middleware(GZipMiddleware, minimum_size=10)
    _, headers, given = ask(app, method, path, [part(body)], [JSON_BODY, GZIP])
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"].lower().count("accept-encoding") == 1
    text = gzip.decompress(given)
    json.loads(text.splitlines()[0])
    if "content-length" in headers:
        assert int(headers["content-length"]) == len(given)


def test_a_full_queue_does_not_refuse_what_is_made_already():
    """The work that was let in is finished, its compression too."""
    app = make_app(gzip_min_bytes=0, worker_threads=1, queue_length=1, inline_budget_seconds=0)

    async def one():
        sent = []

        async def send(message):
            sent.append(message)

        await app(http_scope("GET", "/fastcore/payloads/100", [GZIP]), asyncio.Event().wait, send)
        return sent

    async def main():
        return await asyncio.gather(*(one() for _ in range(12)))

    answers = asyncio.run(main())
    statuses = [sent[0]["status"] for sent in answers]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 2
    for sent in answers:
        if sent[0]["status"] == 503:
            assert json.loads(sent[1]["body"])["code"] == "fastcore/busy"
        else:
            assert len(json.loads(gzip.decompress(sent[1]["body"]))["items"]) == 100
