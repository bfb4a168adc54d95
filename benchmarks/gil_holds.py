"""How long one request keeps other threads, and the event loop, from running.

The heaviest requests that the default limits allow, one after the other, in this process, without a server.
Beside each, a thread asks for the GIL five thousand times a second and notes how much CPU time the process
spent between two of its turns: the longest is how long the request held the GIL (*others wait*). Another
figure is the CPU time of the loop's own thread between two turns of a task on the event loop (*loop waits*).
CPU time instead of wall time keeps other processes of the machine out of it, and so does taking the round in
which both were least: a hold that is the request's own is there in every round. Exits 1 if a hold is longer
than the goal.
"""

import argparse
import asyncio
import gc
import json
import platform
import statistics
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

import rules_workload as workload
from fastapi import Depends, FastAPI

import fastcore
from fastcore import RuleStore
from fastcore.router import RouterSettings, create_router

GOAL_SECONDS = 0.010
TICK_SECONDS = 0.0002
JSON_TYPE = (b"content-type", b"application/json")
MIB = 1 << 20
EVENT = RouterSettings().max_body_bytes


class Watcher:
    """Notes the longest time, in CPU time of the process, that this thread waited for the GIL."""

    def __init__(self, where=False):
        self.longest = 0.0
        self.places = []
        self._where = where
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        clock, sleep, ended = time.process_time, time.sleep, self._end.is_set
        longest = 0.0
        before = clock()
        while not ended():
            now = clock()
            if now - before > longest:
                longest = now - before
            if self._where and now - before > GOAL_SECONDS:
                self.places.append((now - before, innermost()))
                now = clock()
            before = now
            sleep(TICK_SECONDS)
        self.longest = max(longest, clock() - before)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._end.set()
        self._thread.join()


def innermost():
    """Where the other threads are: the lines of fastcore and what they called, from the inside."""
    found = []
    for thread, frame in sys._current_frames().items():
        if thread != threading.get_ident():
            stack = traceback.extract_stack(frame)
            if any("fastcore" in entry.filename for entry in stack):
                found += [f"{Path(entry.filename).name}:{entry.lineno} {entry.name}" for entry in stack[-4:]]
    return " < ".join(reversed(found))


async def watch_loop(waits):
    """The same for the tasks of an event loop, in CPU time of its thread."""
    before = time.thread_time()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = time.thread_time()
        waits.append(now - before)
        before = now


async def ask(app, method, path, parts):
    """Status of the answer and its size."""
    path, _, query = path.partition("?")
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method}
    scope |= {"scheme": "http", "path": "/fastcore" + path, "raw_path": b"", "root_path": ""}
    scope |= {"query_string": query.encode(), "headers": [JSON_TYPE], "client": None, "server": None}
    messages = [
        {"type": "http.request", "body": part, "more_body": index + 1 < len(parts)}
        for index, part in enumerate(parts)
    ]
    answered = []
    size = 0

    async def receive():
        await asyncio.sleep(0)
        if messages:
            return messages.pop(0)
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message):
        nonlocal size
        size += len(message.get("body", b""))
        if "status" in message:
            answered.append(message["status"])
        await asyncio.sleep(0)

    await app(scope, receive, send)
    return answered[0], size


def measure(app, method, path, body, where=False):
    """Longest hold, longest wait of the loop, wall time, status and size of one request."""

    gc.collect()
    # as a server gives it
    parts = [body[at : at + 65536] for at in range(0, len(body), 65536)] or [b""]

    async def main():
        waits = []
        watching = asyncio.create_task(watch_loop(waits))
        await asyncio.sleep(0.002)
        del waits[:]
        start = time.perf_counter()
        answer = await ask(app, method, path, parts)
        wall = time.perf_counter() - start
        await asyncio.sleep(0.002)
        watching.cancel()
        return max(waits), wall, *answer

    with Watcher(where) as watcher:
        waited, wall, status, size = asyncio.run(main())
    for seconds, place in watcher.places:
        print(f"  {1e3 * seconds:.1f} ms before {place}")
    return watcher.longest, waited, wall, status, size


def event(filler, key="filler"):
    """An event as the rules read it, with one more field."""
    return b'{"%b":%b,%b' % (key.encode(), filler, json.dumps(workload.events(1)[0]).encode()[1:])


def filled(unit, size=EVENT, around=b"[]"):
    """A JSON array of one element again and again, so that an event with it has nearly `size` bytes."""
    count = (size - 1000) // (len(unit) + 1)
    return around[:1] + b",".join([unit] * count) + around[1:]


EVENTS = {
    "a long text": event(b'"' + b"x" * (EVENT - 1000) + b'"'),
    "many escapes": event(b'"' + b"\\u00e9" * ((EVENT - 1000) // 6) + b'"'),
    "many integers": event(filled(b"7")),
    "many floats": event(filled(b"0.12345678901234567")),
    "many objects": event(filled(b"{}")),
    "many keys": event(b"{" + b",".join(b'"%d":0' % number for number in range((EVENT - 1000) // 10)) + b"}"),
    "an array that rules read": event(filled(b"3"), "items"),
    "broken at its end": event(filled(b"7"))[:-1] + b"?",
}


def heavy_document(count, large):
    """`count` rules of which three fold an array of the event, in about as many bytes as are allowed."""
    conditions = workload.logics(count - 3)
    item = {"var": ""}
    conditions.append({"some": [{"var": "items"}, {">": [item, 5]}]})
    conditions.append({"in": [9, {"var": "items"}]})
    conditions.append(
        {"<": [{"reduce": [{"var": "items"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]}, 9]}
    )
    document = workload.document(conditions, name="fraud")
    if large:
        document["rules"][0]["description"] = ""
        spare = 4 * MIB - len(json.dumps(document)) - 100
        each = spare // count - 25
        for rule in document["rules"]:
            rule["description"] = "x" * each
    return document


def requests(large):
    """Name → method, path and body."""
    document = json.dumps(large).encode()
    assert len(document) <= 4 * MIB, len(document)
    batch = b"[" + b",".join([json.dumps(each).encode() for each in workload.events(30_000)]) + b"]"
    found = {
        "fib/1000000": ("GET", "/fib/1000000", b""),
        "fib/195000": ("GET", "/fib/195000", b""),
        "fib/50000": ("GET", "/fib/50000", b""),
        "fib/1000000?mod=10^18": ("GET", f"/fib/1000000?mod={10**18}", b""),
        "payloads/1000": ("GET", "/payloads/1000", b""),
        "payloads/20000/stream": ("GET", "/payloads/20000/stream", b""),
        "rules": ("GET", "/rules", b""),
        "rules/{name}": ("GET", "/rules/fraud", b""),
        "info": ("GET", "/info", b""),
    }
    for name, body in EVENTS.items():
        assert EVENT * 0.8 < len(body) <= EVENT, (name, len(body))
        found[f"evaluate, {name}"] = ("POST", "/rules/fraud/evaluate", body)
    for name in ("a long text", "many integers", "many objects", "an array that rules read", "many keys"):
        found[f"explain, {name}"] = ("POST", "/rules/fraud/explain", EVENTS[name])
    one = json.dumps(workload.events(1)[0]).encode()
    found["explain, 438 bytes"] = ("POST", "/rules/fraud/explain", one)
    found["explain of one rule"] = ("POST", "/rules/fraud/explain?rule=r7", EVENTS["many integers"])
    found["evaluate-many, 16 MiB"] = ("POST", "/rules/fraud/evaluate-many", batch[: 16 * MIB])
    found["evaluate-many, 100,000 small"] = (
        "POST",
        "/rules/fraud/evaluate-many",
        b"[" + b",".join([b"{}"] * 100_000) + b"]",
    )
    found["evaluate-many of large ones"] = (
        "POST",
        "/rules/fraud/evaluate-many",
        b"[" + b",".join([EVENTS["many integers"]] * 120) + b"]",
    )
    found["PUT of 4 MiB"] = ("PUT", "/rules/fraud", document)
    found["evaluate after PUT"] = ("POST", "/rules/fraud/evaluate", one)
    for count in (10_000, 100_000):
        bad = b'{"rules":[' + b",".join([b'{"id":1}'] * count) + b"]}"
        found[f"PUT, {count:,} bad rules"] = ("PUT", "/rules/fraud", bad)
    found["PUT of 4 MiB of numbers"] = ("PUT", "/rules/fraud", b'{"rules":' + filled(b"7", 4 * MIB) + b"}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=("cython", "python"))
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="requests whose name has this text")
    parser.add_argument("--where", action="store_true", help="show where each long hold ended")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        large = heavy_document(arguments.rules, large=True)
        Path(folder, "fraud.json").write_text(json.dumps(large))
        store = RuleStore.from_folder(folder, backend=arguments.backend)
        app = FastAPI()
        settings = RouterSettings(allow_updates=True)
        options = {"rules": store, "settings": settings, "backend": arguments.backend}
        app.include_router(
            create_router(**options, update_dependencies=[Depends(lambda: None)]), prefix="/fastcore"
        )
        backend = arguments.backend or fastcore.backend_info().name
        print(
            f"{platform.python_implementation()} {platform.python_version()}, backend {backend}; "
            f"{arguments.rules:,} rules; in ms, of {arguments.rounds} rounds\n"
        )
        print("| request | status | bytes of the answer | wall | loop waits | others wait | greatest | |")
        print("|---|---|---|---|---|---|---|---|")
        return report(app, requests(large), arguments)


def report(app, wanted, arguments):
    missed = 0
    gc.collect()
    if hasattr(gc, "freeze"):  # as the page about operating says
        gc.freeze()
    for name, request in wanted.items():
        if arguments.only not in name:
            continue
        measure(app, *request, arguments.where)
        rounds = [measure(app, *request) for _ in range(arguments.rounds)]
        holds, waits, walls, (status, *_), (size, *_) = zip(*rounds, strict=True)
        hold, waited = min(holds), min(waits)
        fits = max(hold, waited) <= GOAL_SECONDS
        missed += not fits
        cells = [name, str(status), f"{size:,}"]
        cells += [f"{1e3 * each:.1f}" for each in (statistics.median(walls), waited, hold, max(holds))]
        print("|", " | ".join(cells), "|", "" if fits else "**no**", "|", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
