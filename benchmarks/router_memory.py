"""Whether a server that answers a million requests needs more memory at the end: ``router_memory.py``.

A uvicorn process with one worker answers every hot path of the router, good requests and bad ones; its
resident memory is read every hundredth of the way. After a warm-up (the first two fifths) the slope of a line
through the means of ten equal parts is given with its 95 % confidence interval. Exits 1 if the memory grows:
if the whole interval is above nil, and the slope above what one megabyte per million requests is.
"""

import argparse
import collections
import gc
import itertools
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
MARK = b'{"status":"ok"}'
PARTS = 10
STUDENT = 2.306  # 97.5 % of the t distribution with PARTS - 2 degrees of freedom
WARM_UP = 0.4
NOISE = 1 << 20  # bytes per million requests

RULES = [
    {"id": "large", "when": {">": [{"var": "amount"}, 1000]}, "score": 40},
    {"id": "abroad", "when": {"!=": [{"var": "country"}, "DE"]}, "score": 20, "action": "review"},
    {"id": "many", "when": {"some": [{"var": "items"}, {">": [{"var": ""}, 2]}]}, "score": 5},
]
EVENT = b'{"amount":5000,"country":"FR","items":[1,2,3],"customer":{"age":40,"name":"caf\\u00e9"}}'


def get(path):
    return b"GET /fastcore%b HTTP/1.1\r\nhost: x\r\n\r\n" % path


def post(path, body, kind=b"application/json"):
    head = b"POST /fastcore%b HTTP/1.1\r\nhost: x\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
    return head % (path, kind, len(body)) + body


# a turn: each request with the status of its answer; the last is told by its body
TURN = [
    *[(get(b"/fib/35"), 200)] * 4,
    *[(post(b"/rules/fraud/evaluate", EVENT), 200)] * 6,
    (get(b"/fib/900"), 200),
    (get(b"/fib/3000?mod=97"), 200),
    (get(b"/fib/x"), 422),
    (get(b"/payloads/3"), 200),
    (get(b"/payloads/9?skip=2&limit=3"), 200),
    (get(b"/payloads/2/stream"), 200),
    (post(b"/rules/fraud/evaluate", b'{"amount":'), 422),
    (post(b"/rules/none/evaluate", EVENT), 404),
    (post(b"/rules/fraud/evaluate", EVENT, b"text/plain"), 415),
    (post(b"/rules/fraud/evaluate-many", b"[%b,%b,5]" % (EVENT, EVENT)), 200),
    (post(b"/rules/fraud/evaluate-many", EVENT + b"\n" + EVENT, b"application/x-ndjson"), 200),
    (post(b"/rules/fraud/explain?rule=many", EVENT), 200),
    (get(b"/rules/fraud"), 200),
    (get(b"/rules"), 200),
    (get(b"/info"), 200),
    (get(b"/health"), 200),
]


def collect_often():
    """PyPy collects garbage when the heap of a server has nearly doubled; what is held is the question."""
    while True:
        time.sleep(0.5)
        gc.collect()


def serve(port):
    import uvicorn
    from fastapi import FastAPI

    from fastcore import RuleSet
    from fastcore.router import install

    if sys.implementation.name == "pypy":
        threading.Thread(target=collect_often, daemon=True).start()
    app = FastAPI()
    install(app, rules=RuleSet.from_rules(RULES, name="fraud"))
    uvicorn.run(app, port=port, log_level="warning", access_log=False, lifespan="off")


class Load:
    """Connections that ask for turns, each as one pipeline, until so many requests were answered."""

    def __init__(self, port, requests, connections):
        self.port = port
        self.left = math.ceil(requests / len(TURN))
        self.done = 0
        self.statuses = collections.Counter()
        self.errors = []
        self._lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]
        for thread in self.threads:
            thread.start()

    def _take(self):
        with self._lock:
            self.left -= 1
            return self.left >= 0

    def _run(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 120) as connection:
                while self._take():
                    statuses = turn(connection)
                    with self._lock:
                        self.statuses.update(statuses)
                        self.done += len(TURN)
        except Exception as error:  # told where the threads are joined
            self.errors.append(error)

    @property
    def running(self):
        return any(thread.is_alive() for thread in self.threads)


WHOLE = b"".join(request for request, _ in TURN)
EXPECTED = collections.Counter(str(status).encode() for _, status in TURN)


def turn(connection):
    """The statuses of the answers to one turn."""
    connection.sendall(WHOLE)
    answers = bytearray()
    while not answers.endswith(MARK):
        received = connection.recv(1 << 20)
        if not received:
            raise ConnectionError("the server closed the connection")
        answers += received
    statuses = collections.Counter(piece[:3] for piece in bytes(answers).split(b"HTTP/1.1 ")[1:])
    if statuses != EXPECTED:
        raise AssertionError(f"answered {dict(statuses)}, expected {dict(EXPECTED)}")
    return {int(status): count for status, count in statuses.items()}


def resident(pid):
    """Resident bytes of a process."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        import psutil  # where there is no /proc

        return psutil.Process(pid).memory_info().rss


def sample(pid, port, requests, connections):
    """Pairs of requests answered and resident bytes, about a hundred of them."""
    points = [(0, resident(pid))]
    load = Load(port, requests, connections)
    while load.running:
        time.sleep(0.005)
        if load.done >= points[-1][0] + requests / 100:
            points.append((load.done, resident(pid)))
    if load.errors:
        raise load.errors[0]
    if load.done > points[-1][0]:
        points.append((load.done, resident(pid)))
    return points, load.statuses


def slope(points):
    """Bytes per request after the warm-up, and half the width of its confidence interval."""
    last = points[-1][0]
    kept = [point for point in points if point[0] >= WARM_UP * last]
    bounds = [len(kept) * part // PARTS for part in range(PARTS + 1)]
    parts = [kept[start:stop] for start, stop in itertools.pairwise(bounds)]
    # means of parts, because what one sample has the next has too
    x = [statistics.fmean(at for at, _ in part) for part in parts]
    y = [statistics.fmean(size for _, size in part) for part in parts]
    fitted, start = statistics.linear_regression(x, y)
    rest = sum((b - fitted * a - start) ** 2 for a, b in zip(x, y, strict=True)) / (PARTS - 2)
    return fitted, STUDENT * math.sqrt(rest / (statistics.variance(x) * (PARTS - 1)))


def grows(fitted, margin):
    return fitted - margin > 0 and fitted * 1e6 > NOISE


def start(python, port, backend=None):
    environment = dict(os.environ)
    if python != sys.executable:
        environment["PYTHONPATH"] = str(ROOT / "src")
    if backend:
        environment["FASTCORE_BACKEND"] = backend
    command = [python, __file__, "--serve", str(port)]
    return subprocess.Popen(command, env=environment)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(process, port, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 60) as connection:
                turn(connection)
                return
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def runtime(port):
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(get(b"/info").replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    info = json.loads(answer.partition(b"\r\n\r\n")[2])
    return f"{info['runtime']}, {info['backend']}"


def measure(python, requests, connections, backend=None):
    """What ran, its samples, and how often each status was answered."""
    port = free_port()
    process = start(python, port, backend)
    try:
        wait_for(process, port)
        name = runtime(port)
        return name, *sample(process.pid, port, requests, connections)
    finally:
        process.terminate()
        process.wait()


def row(name, points, fitted, margin):
    warm = next(size for at, size in points if at >= WARM_UP * points[-1][0])
    sizes = [f"{size / 2**20:.1f}" for size in (points[0][1], warm, points[-1][1])]
    per_million = f"{fitted * 1e6 / 2**10:+.0f} ± {margin * 1e6 / 2**10:.0f}"
    return [name, f"{points[-1][0]:,}", *sizes, per_million, "**grows**" if grows(fitted, margin) else "flat"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--python", action="append", help="interpreter of the server, with its dependencies")
    parser.add_argument("--backend", choices=("cython", "python"))
    parser.add_argument("--output", help="write the curves to this file, .json or .csv")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(arguments.serve)
    print("| server | requests | MiB at the start | after the warm-up | at the end | KiB per million | |")
    print("|---|---|---|---|---|---|---|")
    curves = {}
    grown = 0
    for python in arguments.python or [sys.executable]:
        name, points, _ = measure(python, arguments.requests, arguments.connections, arguments.backend)
        curves[name] = points
        fitted, margin = slope(points)
        grown += grows(fitted, margin)
        print("|", " | ".join(row(name, points, fitted, margin)), "|", flush=True)
    if arguments.output:
        write(Path(arguments.output), curves)
    return 1 if grown else 0


def write(path, curves):
    if path.suffix == ".json":
        path.write_text(json.dumps(curves) + "\n")
        return
    lines = [f'"{name}",{at},{size}' for name, points in curves.items() for at, size in points]
    path.write_text("\n".join(["server,requests,bytes", *lines]) + "\n")


if __name__ == "__main__":
    sys.exit(main())
