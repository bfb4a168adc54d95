"""Whether short requests are answered while others saturate the service.

uvicorn with two workers is kept saturated by the heaviest requests that the default limits allow, from many
connections at once. Another process asks for `/health` at fixed times, each on a connection of its own; a
late answer does not put off the next question, and counts from when it should have been asked. Every request
must be answered, by 200 or 503, and the counts of the client must be those of the servers. Exits 1 if not, or
if the 99th percentile of `/health` is above the goal.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import platform
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rules_workload as workload

GOAL_SECONDS = 0.050
JSON_TYPE = b"content-type: application/json\r\n"
EVENT_BYTES = 131_000


class Process:
    """Says in a header field which process answers."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def sending(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-process", b"%d" % os.getpid())]
            await send(message)

        await self.app(scope, receive, sending)


def make_app():
    """The service; what uvicorn calls in each worker."""
    from fastapi import FastAPI

    from fastcore import RuleSet
    from fastcore.router import RouterSettings, install

    sys.setswitchinterval(float(os.environ["LOAD_SWITCH_INTERVAL"]))
    rules = workload.document(workload.logics(int(os.environ["LOAD_RULES"])), name="fraud")
    app = FastAPI()
    install(app, rules=RuleSet.from_dict(rules), settings=RouterSettings.from_environment("LOAD_"))
    app.add_middleware(Process)
    return app


def message(path, body=None, headers=b""):
    if body is None:
        return b"GET /fastcore%b HTTP/1.1\r\nhost: x\r\n%b\r\n" % (path, headers)
    head = b"POST /fastcore%b HTTP/1.1\r\nhost: x\r\n%bcontent-length: %d\r\n\r\n"
    return head % (path, JSON_TYPE, len(body)) + body


def heavy():
    """Operation → a request that is as heavy as the default limits allow, and how often it is chosen.

    Batches and streams may take a thread for as long as the client likes, so theirs are of a size that lets
    the others have their turns.
    """
    records = [json.dumps(each).encode() for each in workload.events(2000)]
    filler = b"[" + b",".join([b"7"] * ((EVENT_BYTES - 1000) // 2)) + b"]"
    large = b'{"filler":' + filler + b"," + records[0][1:]
    evaluate = b"/rules/fraud/evaluate"
    return {
        "fibonacci": (message(b"/fib/1000000"), 6),
        "payload": (message(b"/payloads/1000"), 6),
        "stream_payload": (message(b"/payloads/20000/stream"), 2),
        "evaluate": (message(evaluate, large), 6),
        "evaluate_many": (message(evaluate + b"-many", b"[" + b",".join(records) + b"]"), 2),
        "explain": (message(b"/rules/fraud/explain", records[0]), 1),
        "list_rulesets": (message(b"/rules"), 1),
        "get_ruleset": (message(b"/rules/fraud"), 2),
    }


async def answer(reader):
    """Status and header fields of an answer, which is read to its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = re.search(rb"\r\ncontent-length: (\d+)", head)
    if length:
        await reader.readexactly(int(length[1]))
    else:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    return status, head


class Saturation:
    """Connections that ask for heavy requests, one after the other, until the end."""

    def __init__(self, port, seed):
        self.port = port
        self.requests = heavy()
        self.random = random.Random(seed)
        self.sent = collections.Counter()
        self.answered = collections.Counter()
        self.lost = []
        self.without_retry = 0
        self.slowest = 0.0

    async def run(self, connections, seconds):
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._connection(end) for _ in range(connections)))

    async def _connection(self, end):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        names = list(self.requests)
        weights = [weight for _, weight in self.requests.values()]
        while time.monotonic() < end:
            (name,) = self.random.choices(names, weights)
            self.sent[name] += 1
            begin = time.monotonic()
            try:
                writer.write(self.requests[name][0])
                status, head = await asyncio.wait_for(answer(reader), 300)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.lost.append(f"{name}: {error!r}")
                return
            self.slowest = max(self.slowest, time.monotonic() - begin)
            self.answered[name, status] += 1
            if status == 503:
                self.without_retry += b"\r\nretry-after: " not in head
                await asyncio.sleep(self.random.uniform(0.05, 0.2))
        writer.close()


async def probe(port, rate, seconds):
    """Seconds until each question for /health was answered, from when it was due."""
    loop = asyncio.get_running_loop()
    begin = loop.time() + 0.1

    async def ask(due):
        await asyncio.sleep(due - loop.time())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(message(b"/health", headers=b"connection: close\r\n"))
        status, _ = await answer(reader)
        writer.close()
        return status, loop.time() - due

    questions = [ask(begin + number / rate) for number in range(int(rate * seconds))]
    return await asyncio.gather(*questions)


async def counters(port, workers):
    """The counters of all processes, added up: operation and status → answers."""
    found = {}
    while len(found) < workers:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(message(b"/info", headers=b"connection: close\r\n"))
        whole = await reader.read()
        writer.close()
        head, _, body = whole.partition(b"\r\n\r\n")
        process = re.search(rb"x-process: (\d+)", head)[1]
        found[process] = json.loads(body)
    total = collections.Counter()
    for info in found.values():
        for operation, answers in info["counters"]["answers"].items():
            for status, count in answers.items():
                total[operation, int(status)] += count
    return total


class Server:
    """uvicorn with workers, from ``with`` to its end."""

    def __init__(self, arguments, folder):
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--factory", "router_load:make_app"]
        command += ["--app-dir", str(Path(__file__).parent), "--port", str(self.port)]
        command += ["--workers", str(arguments.workers), "--no-access-log"]
        # loading many rules takes longer than uvicorn waits for a sign of life
        command += ["--timeout-worker-healthcheck", "120"]
        self.log = (folder / "log").open("w+")
        environment = {**os.environ, "LOAD_RULES": str(arguments.rules)}
        environment["LOAD_SWITCH_INTERVAL"] = str(arguments.switch_interval)
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait()

    async def ready(self, workers):
        for _ in range(1200):
            with contextlib.suppress(OSError):
                await asyncio.wait_for(counters(self.port, workers), 60)
                return
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.1)
        self.log.seek(0)
        raise RuntimeError(f"the servers did not start:\n{self.log.read()}")


async def saturate(server, arguments):
    """What the client saw, the latencies of /health, and what the servers counted meanwhile."""
    await server.ready(arguments.workers)
    load = Saturation(server.port, arguments.seed)
    quiet = await probes(server.port, arguments.rate, min(3, arguments.seconds))
    before = await counters(server.port, arguments.workers)
    running = asyncio.create_task(load.run(arguments.connections, arguments.seconds + 2))
    await asyncio.sleep(1)  # until the queues are full
    busy = await probes(server.port, arguments.rate, arguments.seconds)
    await running
    counted = await counters(server.port, arguments.workers)
    counted.subtract(before)
    return load, quiet, busy, counted


async def probes(port, rate, seconds):
    """`probe`, in a process that has nothing else to do."""
    command = [sys.executable, __file__, "--probe", str(port), "--rate", str(rate), "--seconds", str(seconds)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    text, _ = await process.communicate()
    return json.loads(text)


def percentile(values, share):
    """The least of the values that so many of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * share // 100) - 1))]


def report(load, quiet, busy, counted):
    """Prints the tables and gives what is wrong."""
    wrong = list(load.lost)
    print("| operation | sent | 200 | 503 | other | counted by the servers |\n|---|---|---|---|---|---|")
    for name in load.requests:
        answers = {status: count for (each, status), count in load.answered.items() if each == name}
        server = {status: count for (each, status), count in counted.items() if each == name and count}
        other = sum(answers.values()) - answers.get(200, 0) - answers.get(503, 0)
        cells = [name, load.sent[name], answers.get(200, 0), answers.get(503, 0), other]
        print("|", " | ".join(map(str, cells)), "|", "the same" if server == answers else server, "|")
        if server != answers:
            wrong.append(f"{name}: the client counts {answers}, the servers {server}")
        if other or sum(answers.values()) != load.sent[name]:
            wrong.append(f"{name}: {load.sent[name]} sent, answered {answers}")
    if load.without_retry:
        wrong.append(f"{load.without_retry} answers of 503 without Retry-After")
    print(f"\nslowest answer: {load.slowest:.1f} s\n")
    print("| /health | asked | p50 | p90 | p99 | longest, in ms |\n|---|---|---|---|---|---|")
    for name, answered in (("idle", quiet), ("saturated", busy)):
        seconds = [each for _, each in answered]
        cells = [f"{1e3 * percentile(seconds, share):.1f}" for share in (50, 90, 99, 100)]
        print(f"| {name} | {len(seconds)} | {' | '.join(cells)} |")
        if {status for status, _ in answered} != {200}:
            wrong.append(f"/health, {name}: not always 200")
    return wrong, percentile([each for _, each in busy], 99)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=150)
    parser.add_argument("--rules", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=25, help="questions for /health per second")
    parser.add_argument("--switch-interval", type=float, default=0.005, help="as sys.setswitchinterval")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-goal", action="store_true", help="do not fail for a slow /health")
    parser.add_argument("--probe", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.probe:
        print(json.dumps(asyncio.run(probe(arguments.probe, arguments.rate, arguments.seconds))))
        return 0
    with tempfile.TemporaryDirectory() as folder, Server(arguments, Path(folder)) as server:
        found = asyncio.run(saturate(server, arguments))
    print(
        f"{platform.python_implementation()} {platform.python_version()}; {arguments.workers} workers, "
        f"{os.cpu_count()} cores, {arguments.connections} connections, {arguments.rules} rules, "
        f"switch interval {1e3 * arguments.switch_interval:g} ms; "
        f"load average {os.getloadavg()[0]:.1f}\n"
    )
    wrong, slow = report(*found)
    if slow > GOAL_SECONDS and not arguments.no_goal:
        wrong.append(f"p99 of /health is {1e3 * slow:.1f} ms, the goal {1e3 * GOAL_SECONDS:.0f} ms")
    print("\n" + ("\n".join(wrong) if wrong else "all answered, all counted, in time"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
