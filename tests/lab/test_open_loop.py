"""The client with a schedule: where latency begins, and what counts as an error."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys

import pytest

from fastcore.lab import open_loop
from fastcore.lab.open_loop import Client, Failed, quantile

MESSAGE = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def load(answer, **options):
    """What a client found at a server; `answer` gives bytes, pieces of them, or None to hang up."""

    handlers = []

    async def serve(reader, writer):
        handlers.append(asyncio.current_task())
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                data = await answer()
                if data is None:
                    break
                for piece in data if isinstance(data, list) else [data]:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def both():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        grace = options.pop("grace", 60)
        client = Client(server.sockets[0].getsockname()[1], [MESSAGE], **options)
        await client.run(grace)
        server.close()
        await asyncio.gather(*handlers)
        return client

    return asyncio.run(both())


async def at_once():
    return ANSWER


def test_a_request_waits_from_the_time_at_which_it_was_due():
    async def slowly():
        await asyncio.sleep(0.05)
        return ANSWER

    client = load(slowly, connections=1, total=20, rate=200)
    assert client.errors == 0
    # the last was due after 0.1 s and sent after 19 times 0.05 s: a client that waits would have seen 0.05 s
    assert max(client.latencies) > 0.8
    assert min(client.latencies) >= 0.05


def test_without_a_rate_a_free_connection_sends():
    client = load(at_once, connections=3, total=100)
    assert (client.answered, client.sent, client.errors) == (100, 100, 0)
    assert client.lags == []


def test_other_statuses_are_errors():
    async def refuses():
        return b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

    client = load(refuses, connections=2, total=6, rate=1000)
    assert (client.answered, client.errors) == (6, 6)


def test_a_connection_that_is_lost_is_an_error_and_made_again():
    async def hangs_up():
        return None

    client = load(hangs_up, connections=2, total=6, rate=1000)
    assert (client.answered, client.errors) == (6, 6)


def test_an_answer_in_chunks_is_an_error_and_no_wait_for_ever():
    async def chunks():
        return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"

    assert load(chunks, connections=1, total=3, rate=1000).errors == 3


def test_an_answer_may_come_in_pieces():
    async def slowly():
        return [ANSWER[:7], ANSWER[7:20], ANSWER[20:-1], ANSWER[-1:]]

    client = load(slowly, connections=1, total=3)
    assert (client.answered, client.errors) == (3, 0)


def test_what_is_never_answered_is_an_error_with_the_latency_that_it_has():
    async def never():
        await asyncio.sleep(1)

    client = load(never, connections=2, total=10, rate=100, grace=0.2)
    assert (client.answered, client.unanswered, client.errors) == (0, 10, 10)
    assert len(client.latencies) == 10  # also of those that no connection was free for
    assert min(client.latencies) > 0.15


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_no_server_is_said():
    client = Client(closed_port(), [MESSAGE], connections=50, total=1, rate=1)
    with pytest.raises(Failed, match="no connection to port"):
        asyncio.run(client.run())


def test_as_a_program_it_prints_one_object():
    spec = {"port": closed_port(), "messages": ["x"], "connections": 50, "total": 1, "rate": 1.0}
    done = subprocess.run(
        [sys.executable, "-P", open_loop.__file__],
        input=json.dumps(spec),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no connection" in json.loads(done.stdout)["failed"]


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100), (0.0, 1)])
def test_quantiles_are_values_that_were_seen(share, value):
    assert quantile(range(1, 101), share) == value
    assert quantile([], share) is None
