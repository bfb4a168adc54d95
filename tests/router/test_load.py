"""Many requests at once: each is answered, with 200 or 503, and short ones do not wait for long ones."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .support import DISCONNECT, http_scope, make_app, part


async def call(app, method, path):
    """Status, header fields and body that the app answers."""
    messages = [part(b"")]
    sent = []

    async def receive():
        if messages:
            return messages.pop()
        await asyncio.sleep(3600)
        return DISCONNECT

    async def send(message):
        sent.append(message)

    await app(http_scope(method, path), receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


def test_a_full_queue_refuses_at_once_and_every_request_is_answered(backend):
    app = make_app(backend, worker_threads=2, queue_length=3, inline_budget_seconds=0, retry_after_seconds=9)

    async def main():
        return await asyncio.gather(*(call(app, "GET", "/fastcore/fib/20000") for _ in range(40)))

    answers = asyncio.run(main())
    statuses = [status for status, _, _ in answers]
    assert statuses.count(200) + statuses.count(503) == 40
    assert statuses.count(200) >= 5
    assert statuses.count(503) >= 1
    for status, headers, body in answers:
        if status == 503:
            assert headers[b"retry-after"] == b"9"
            assert json.loads(body)["code"] == "fastcore/busy"
        else:
            assert json.loads(body)["digits"] == 4180
    info = json.loads(asyncio.run(call(app, "GET", "/fastcore/info"))[2])
    assert info["work"] == {"running": 0, "waiting": 0, "refused": statuses.count(503)}
    counted = info["counters"]["answers"]["fibonacci"]
    assert counted == {"200": statuses.count(200), "503": statuses.count(503)}


def test_health_is_answered_while_all_threads_are_at_work(backend):
    app = make_app(backend, worker_threads=1, queue_length=50)

    async def main():
        long = [asyncio.create_task(call(app, "GET", "/fastcore/fib/300000")) for _ in range(4)]
        await asyncio.sleep(0)
        answers = 0
        slowest = 0.0
        while not all(task.done() for task in long):
            start = time.perf_counter()
            assert (await call(app, "GET", "/fastcore/health"))[0] == 200
            slowest = max(slowest, time.perf_counter() - start)
            answers += 1
            await asyncio.sleep(0.002)
        return [await task for task in long], answers, slowest

    done, answers, slowest = asyncio.run(main())
    assert [status for status, _, _ in done] == [200] * 4
    assert answers >= 2
    assert slowest < 5


def test_streams_at_once_lose_no_row(backend):
    app = make_app(
        backend, worker_threads=1, queue_length=20, inline_budget_seconds=0, stream_chunk_bytes=5000
    )

    async def main():
        return await asyncio.gather(*(call(app, "GET", "/fastcore/payloads/60/stream") for _ in range(10)))

    for status, _, body in asyncio.run(main()):
        assert status == 200
        assert [json.loads(line)["id"] for line in body.splitlines()] == list(range(60))


def test_two_saturated_workers_answer_and_count_every_request():
    """The load test that anyone can repeat, for a few seconds; how long answers take is not judged here."""
    program = Path(__file__).parents[2] / "benchmarks" / "router_load.py"
    if not program.exists():
        pytest.skip("the project's sources are not beside the tests")
    command = [sys.executable, str(program), "--no-goal", "--seconds", "2", "--connections", "30"]
    # so little room that requests are refused
    limits = {"LOAD_QUEUE_LENGTH": "2", "LOAD_WORKER_THREADS": "1"}
    done = subprocess.run(
        [*command, "--rules", "100"],
        env={**os.environ, **limits},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \| 0 \| the same \|$", done.stdout, re.MULTILINE)
    assert {name for name, *_ in rows} >= {"fibonacci", "payload", "evaluate", "evaluate_many", "explain"}
    counts = [[int(count) for count in row] for _, *row in rows]
    assert all(sent == good + refused for sent, good, refused in counts)
    _, good, refused = map(sum, zip(*counts, strict=True))
    assert good > 0
    assert refused > 0
