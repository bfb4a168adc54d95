import math
import platform

import pytest

import fastcore
from fastcore.router.fib import digits_of

from .support import make_client, problem


def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


@pytest.mark.parametrize("n", [0, 1, 2, 46, 47, 90, 92, 93, 94, 187, 1000, 1001])
def test_answers_the_exact_number(client, backend, n):
    response = client.get(f"/fastcore/fib/{n}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["n", "result", "digits", "compute_time_seconds", "backend", "runtime"]
    assert body["n"] == n
    assert body["result"] == str(fib(n))
    assert body["digits"] == len(body["result"])
    assert 0 <= body["compute_time_seconds"] < 5
    assert body["backend"] == backend
    assert body["runtime"].startswith(platform.python_implementation() + " ")


def test_answers_more_digits_than_the_interpreter_converts(client):
    body = client.get("/fastcore/fib/100000").json()
    assert body["digits"] == len(body["result"]) == 20899
    assert body["result"].startswith("2597406934722172416615503402127591541488048538651769658472477070")
    assert body["result"].endswith("49895374653428746875")


@pytest.mark.parametrize(
    ("n", "mod", "expected"),
    [
        (10, 7, 6),
        (0, 1, 0),
        (93, 10**18, fib(93) % 10**18),
        (10**18, 10**9 + 7, 209783453),
        (1000, 2, fib(1000) % 2),
    ],
)
def test_answers_modulo(backend, n, mod, expected):
    client = make_client(backend, max_n=10**18)
    body = client.get(f"/fastcore/fib/{n}?mod={mod}").json()
    assert (body["n"], body["result"], body["digits"]) == (n, str(expected), len(str(expected)))


def test_the_answer_never_changes_and_says_so(client):
    first, again = client.get("/fastcore/fib/90"), client.get("/fastcore/fib/090")
    assert first.headers["etag"] == again.headers["etag"]
    assert "immutable" in first.headers["cache-control"]
    tags = {client.get(f"/fastcore/fib/90{query}").headers["etag"] for query in ("", "?mod=7", "?mod=8")}
    assert len(tags) == 3
    held = client.get("/fastcore/fib/90", headers={"If-None-Match": first.headers["etag"]})
    assert (held.status_code, held.content) == (304, b"")
    assert held.headers["etag"] == first.headers["etag"]
    assert client.get("/fastcore/fib/90", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("n", ["-1", "1.0", "x", "1e3", "%20", "0x10", "٣", "1_000", "%00", "NaN", "true"])
def test_n_is_a_natural_number(client, n):
    body = problem(client.get(f"/fastcore/fib/{n}"), 422, "invalid-parameter")
    assert body["errors"][0]["path"] == "path.n"


@pytest.mark.parametrize("query", ["mod=0", "mod=-1", "mod=x", "mod=", "algorithm=bogus", "algorithm="])
def test_a_bad_query_is_refused(client, query):
    body = problem(client.get(f"/fastcore/fib/5?{query}"), 422, "invalid-parameter")
    assert body["errors"][0]["path"] == "query." + query.partition("=")[0]


def test_unknown_queries_are_ignored(client):
    assert client.get("/fastcore/fib/10?utm=1").json()["result"] == "55"


def test_nothing_is_echoed_without_bound(client):
    assert len(client.get("/fastcore/fib/" + "9" * 5000).content) < 700
    assert len(client.get("/fastcore/fib/1?algorithm=" + "x" * 5000).content) < 700


def test_recursion_is_off_unless_allowed(backend):
    body = problem(make_client(backend).get("/fastcore/fib/5?algorithm=recursive"), 422, "invalid-parameter")
    assert "recursive" in body["detail"]
    client = make_client(backend, algorithms=("fast", "recursive"), max_recursive_n=20)
    assert client.get("/fastcore/fib/20?algorithm=recursive").json()["result"] == "6765"
    assert client.get("/fastcore/fib/20?algorithm=recursive&mod=100").json()["result"] == "65"
    problem(client.get("/fastcore/fib/21?algorithm=recursive"), 422, "limit-exceeded")
    assert client.get("/fastcore/fib/21").json()["result"] == "10946"


def test_digits_are_known_beforehand():
    value, following = 0, 1
    for n in range(6000):
        assert digits_of(n) == (len(str(value)) if value < 10**4000 else math.floor(math.log10(value)) + 1), n
        value, following = following, value + following
    for n in (20_577, 20_578, 100_000):
        assert digits_of(n) == len(fastcore.fibonacci_text(n))
