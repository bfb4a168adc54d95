"""The goals for the router, over HTTP: ``python benchmarks/router_goals.py``.

Every app of ``router_apps.py`` has a server process (uvicorn, one worker) on one core; the load comes from
another, from wrk where it is installed, else from a process of this file. The ways in take turns, round by
round. Prints one Markdown table; exits 1 if a goal is missed.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
FIB, RULES, PAYLOADS = "/fib/35", "/rules/fraud/evaluate", "/payloads/1000"

OFF = ", telemetry off"

GOALS = [
    # path, way in, beside, at least
    (FIB, "route", "usual", 1.45),
    (RULES, "route", "usual", 1.45),
    (FIB, "route", "starlette", 0.90),
    (RULES, "route", "starlette", 0.90),
    (PAYLOADS, "route", "usual", 10),
    (FIB, "lane", "usual", 3.4),
    (RULES, "lane", "usual", 3.4),
    (FIB, "lane" + OFF, "usual" + OFF, 4.5),
    (RULES, "lane" + OFF, "usual" + OFF, 4.5),
    (FIB, "lane" + OFF, "bare", 0.80),
    (RULES, "lane" + OFF, "bare", 0.80),
    (FIB, "mount", "usual", 1.8),
    (RULES, "mount", "usual", 1.8),
]


# of /payloads/{count}/stream, in the app alone, beside FastAPI's own JSON lines
STREAM_ROWS, STREAM_GOAL = 10_000, 40

COLUMNS = ["path", "way in", "per second", "µs CPU", "beside", "per second", "µs CPU"]
COLUMNS += ["ratio", "rounds", "by CPU", "goal"]


class Server:
    """A process that serves one app."""

    def __init__(self, name, port, core):
        self.port = port
        command = [sys.executable, str(HERE / "router_apps.py"), name, str(port)]
        self.process = subprocess.Popen(pinned(core) + command)

    def ready(self, path):
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}")
                return
            time.sleep(0.1)
            assert self.process.poll() is None, "a server did not start"

    def seconds(self):
        """CPU time so far, None where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pinned(core):
    return ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []


def load(port, path, seconds, core, folder):
    """Requests answered in so many seconds, all of them with 200."""
    url = f"http://127.0.0.1:{port}{path}"
    if not shutil.which("wrk"):
        command = [sys.executable, __file__, "--load", url, "--seconds", str(seconds)]
        return float(subprocess.run(pinned(core) + command, capture_output=True, check=True).stdout)
    command = ["wrk", "-t1", "-c64", f"-d{seconds}s", "--timeout", "10s", url]
    if path.endswith(RULES):
        command += ["-s", str(folder / "post.lua")]
    text = subprocess.run(pinned(core) + command, capture_output=True, check=True, text=True).stdout
    assert "Non-2xx" not in text, (path, text)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])


def event():
    import router_apps

    return router_apps.EVENT


def write_script(folder):
    text = event().decode().replace("\\", "\\\\").replace("'", "\\'")
    (folder / "post.lua").write_text(
        f"wrk.method = 'POST'\nwrk.body = '{text}'\nwrk.headers['Content-Type'] = 'application/json'\n"
    )


async def generate(url, seconds):
    """Requests per second over 64 connections, without wrk."""
    host, port, path = re.match(r"http://([^:/]+):(\d+)(.*)", url).groups()
    body = event() if path.endswith(RULES) else b""
    request = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nhost: {host}\r\n"
    if body:
        request += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    message = request.encode() + b"\r\n" + body
    end = time.perf_counter() + seconds

    async def client():
        reader, writer = await asyncio.open_connection(host, int(port))
        count = 0
        while time.perf_counter() < end:
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head.split(b"\r\n", 1)[0], head
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))
            count += 1
        writer.close()
        return count

    return sum(await asyncio.gather(*(client() for _ in range(64)))) / seconds


class Samples:
    """What the rounds gave for one way in: requests per second, and CPU time of the server for each."""

    def __init__(self):
        self.rates, self.costs = [], []

    def add(self, rate, seconds, spent):
        self.rates.append(rate)
        if spent is not None:
            self.costs.append(spent / (rate * seconds))


def measure(servers, arguments, folder):
    """Samples by path and way in."""
    wanted = dict.fromkeys((path, way) for path, *ways, _ in arguments.goals for way in ways)
    samples = {key: Samples() for key in wanted}
    for number in range(arguments.rounds + 1):
        for (path, way), kept in samples.items():
            server = servers[way]
            before = server.seconds()
            seconds = arguments.seconds if number else 1
            rate = load(server.port, url_path(way, path), seconds, arguments.cores[1], folder)
            after = server.seconds()
            if number:  # the first round warms up
                kept.add(rate, seconds, None if after is None else after - before)
    return samples


def rows(samples, goals):
    """Lines of the table, and how many goals were missed."""
    missed = 0
    print(f"| {' | '.join(COLUMNS)} | |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for path, ours, beside, least in goals:
        a, b = samples[path, ours], samples[path, beside]
        ratios = [x / y for x, y in zip(a.rates, b.rates, strict=True)]
        by_cpu = [y / x for x, y in zip(a.costs, b.costs, strict=True)]
        ratio = statistics.median(ratios)
        cells = [path, ours, shown(a), cost(a), beside, shown(b), cost(b), f"{ratio:.2f}"]
        cells += [f"{min(ratios):.2f} to {max(ratios):.2f}"]
        cells += [f"{statistics.median(by_cpu):.2f}" if by_cpu else "", f"≥ {least}"]
        missed += ratio < least
        print("|", " | ".join(cells), "|", "yes" if ratio >= least else "**no**", "|")
    return missed


def stream_row(rounds, core):
    """The line of the table for streams, and whether the goal was missed."""

    def cost_of(name):
        command = [sys.executable, str(HERE / "router_apps.py"), name, "stream", str(STREAM_ROWS)]
        return float(subprocess.run(pinned(core) + command, capture_output=True, check=True).stdout)

    pairs = [(cost_of("route"), cost_of("usual")) for _ in range(rounds)]
    a, b = (statistics.median(costs) for costs in zip(*pairs, strict=True))
    ratios = [usual / ours for ours, usual in pairs]
    ratio = statistics.median(ratios)
    cells = ["a row of a stream, without a server", "route", f"{1 / a:,.0f}", f"{a * 1e6:.2f}"]
    cells += ["usual", f"{1 / b:,.0f}", f"{b * 1e6:.2f}", f"{ratio:.2f}"]
    cells += [f"{min(ratios):.2f} to {max(ratios):.2f}", f"{ratio:.2f}", f"≥ {STREAM_GOAL}"]
    print("|", " | ".join(cells), "|", "yes" if ratio >= STREAM_GOAL else "**no**", "|")
    return ratio < STREAM_GOAL


def url_path(way, path):
    return f"/{way.partition(',')[0]}{path}"


def shown(samples):
    return f"{statistics.median(samples.rates):,.0f}"


def cost(samples):
    return f"{statistics.median(samples.costs) * 1e6:.1f}" if samples.costs else ""


def conditions(arguments):
    names = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools")
    found = []
    for name in names:
        with contextlib.suppress(ImportError):
            found.append(f"{name} {version(name)}")
    load_from = "wrk" if shutil.which("wrk") else "asyncio clients"
    return (
        f"{platform.python_implementation()} {platform.python_version()}; {', '.join(found)}; {load_from}, "
        f"64 connections, {arguments.rounds} rounds of {arguments.seconds} s; "
        f"load average {os.getloadavg()[0]:.1f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each way in, in each round")
    parser.add_argument("--cores", type=int, nargs=2, default=(0, 1), help="of the servers, and of the load")
    parser.add_argument("--port", type=int, default=8700, help="the first of eight")
    parser.add_argument("--only", default="", help="goals with this text, as `lane`, `fib` or `stream`")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        print(asyncio.run(generate(arguments.load, arguments.seconds)))
        return 0
    arguments.goals = [goal for goal in GOALS if arguments.only in " ".join(map(str, goal))]
    ways = dict.fromkeys(way for _, *ways, _ in arguments.goals for way in ways)
    servers = {way: Server(way, arguments.port + index, arguments.cores[0]) for index, way in enumerate(ways)}
    try:
        for way, server in servers.items():
            server.ready(url_path(way, FIB))
        with tempfile.TemporaryDirectory() as folder:
            write_script(Path(folder))
            print(conditions(arguments), end="\n\n")
            missed = rows(measure(servers, arguments, Path(folder)), arguments.goals)
        if arguments.only in "stream":
            missed += stream_row(arguments.rounds, arguments.cores[0])
        return 1 if missed else 0
    finally:
        for server in servers.values():
            server.process.terminate()


if __name__ == "__main__":
    sys.exit(main())
