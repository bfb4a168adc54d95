"""Whatever is sent, nothing is a 500, and each problem is one of those that are documented."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcore.router.problems import CODES

from .support import DOCUMENT, EVENT, make_client

clients = {}


def client_of(backend):
    """One client for all examples: making the routes takes longer than an answer."""
    if backend not in clients:
        clients[backend] = make_client(
            backend, max_payload_count=20, max_stream_count=20, max_n=2000, playground=True
        )
    return clients[backend]


def check(response):
    assert response.status_code < 500
    if response.status_code >= 400 and response.headers["content-type"] != "application/json":
        body = response.json()
        assert CODES[body["code"].removeprefix("fastcore/")].status == body["status"] == response.status_code
        assert len(response.content) < 3000


# bytes of a valid event with a few of them changed, which reach further than bytes at random
@st.composite
def damaged(draw, whole):
    text = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"{", b"]", b"1e999"])
        )
    return bytes(text)


one = json.dumps(EVENT).encode()
bodies = (
    st.binary(max_size=60)
    | damaged(one)
    | damaged(b"[" + b",".join([one] * 3) + b"]")
    | damaged((one + b"\n") * 3)
)
types = st.sampled_from(["application/json", "application/x-ndjson", "application/jsonl"])


@settings(max_examples=150, deadline=None)
@given(body=bodies, media_type=types, verb=st.sampled_from(["evaluate", "evaluate-many", "explain"]))
@pytest.mark.parametrize("name", ["fraud", "strict"])
def test_bodies(backend_name, name, body, media_type, verb):
    headers = {"content-type": media_type}
    response = client_of(backend_name).post(f"/fastcore/rules/{name}/{verb}", content=body, headers=headers)
    check(response)
    if response.status_code == 200 and verb == "evaluate-many" and media_type == "application/json":
        assert all("matched" in answer or "error" in answer for answer in response.json())


trial = json.dumps({"document": DOCUMENT, "event": EVENT, "rules": ["large"]}).encode()


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=60) | damaged(trial))
def test_trials(backend_name, body):
    headers = {"content-type": "application/json"}
    check(client_of(backend_name).post("/fastcore/playground/try", content=body, headers=headers))


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(["fib/{}", "payloads/{}", "payloads/{}/stream", "rules/{}"]),
    value=st.text(max_size=30) | st.integers(-10, 3000).map(str),
    query=st.dictionaries(
        st.sampled_from(["mod", "algorithm", "skip", "limit", "other"]),
        st.text(max_size=20) | st.integers(-5, 200),
    ),
)
def test_parameters(backend_name, path, value, query):
    check(
        client_of(backend_name).get(
            "/fastcore/" + path.format(quote(value.encode("utf-8", "replace"), safe="")), params=query
        )
    )


@pytest.fixture(scope="session")
def backend_name():
    from fastcore import backend_info

    return backend_info().name
