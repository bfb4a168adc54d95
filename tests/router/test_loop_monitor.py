"""The monitor sees what holds an event loop, alone and in the router, and leaves nothing behind."""

import asyncio
import gc
import logging
import re
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from weakref import ref

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import fastcore.router
from fastcore.event_loop import BOUNDS, EventLoopLag, EventLoopMonitor
from fastcore.router import RouterSettings
from fastcore.router.loop_watch import LoopWatch
from tests.waiting import eventually

from .support import make_app, make_client

HELD = 0.25


async def until(condition):
    """Lets the loop run until something is so."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def hold(monitor):
    """Holds the loop, at a moment when the monitor has a timer set; then lets it measure."""
    before = monitor.lag().samples
    time.sleep(HELD)
    await until(lambda: monitor.lag().samples > before)


def gone(reference):
    gc.collect()
    return reference() is None


def warnings(caplog):
    return [each for each in caplog.records if each.name == "fastcore.event_loop"]


def loops():
    found = [pytest.param(asyncio.run, id="asyncio")]
    try:
        import uvloop
    except ImportError:
        return found
    return [*found, pytest.param(uvloop.run, id="uvloop")]


@pytest.fixture(params=loops())
def run(request):
    return request.param


# --- alone -----------------------------------------------------------------------------------------------


def test_it_sees_what_holds_the_loop(run):
    async def main():
        async with EventLoopMonitor(threshold=0.2, interval=0.01) as monitor:
            await until(lambda: monitor.lag().samples >= 3)
            await hold(monitor)
            return monitor

    monitor = run(main())
    lag = monitor.lag()
    # the timer was due at most an interval after the loop was held
    assert lag.maximum >= HELD - 0.02
    assert sum(lag.counts[BOUNDS.index(0.2) + 1 :]) >= 1
    assert lag.p50 <= lag.p99 <= lag.maximum
    assert monitor.late >= 1


def test_it_warns_once_and_then_counts(run, caplog):
    async def main():
        async with EventLoopMonitor(threshold=0.1, interval=0.01, log_interval=3600) as monitor:
            for _ in range(3):
                await hold(monitor)
            return monitor.late

    assert run(main()) >= 3
    (record,) = warnings(caplog)
    assert record.levelno == logging.WARNING
    assert re.fullmatch(r"something held the event loop for \d+\.\d{3} seconds", record.getMessage())


def test_a_warning_says_how_many_it_stands_for(caplog):
    def unsaid():
        ends = (re.search(r", and (\d+) more times since", each.getMessage()) for each in warnings(caplog))
        return [int(end[1]) for end in ends if end]

    async def main():
        async with EventLoopMonitor(threshold=0.1, interval=0.01, log_interval=HELD * 2) as monitor:
            while not unsaid():
                await hold(monitor)
            return monitor.late

    late = asyncio.run(main())
    assert 1 <= sum(unsaid()) <= late - len(warnings(caplog))


def test_below_the_threshold_it_says_nothing(caplog):
    async def main():
        async with EventLoopMonitor(threshold=3600, interval=0.01) as monitor:
            await hold(monitor)
            return monitor.late

    assert asyncio.run(main()) == 0
    assert not warnings(caplog)


def test_it_can_be_stopped_and_started_again(run):
    seen = []

    async def main():
        monitor = EventLoopMonitor(interval=0.005, observe=seen.append)
        monitor.start()
        await until(lambda: len(seen) >= 2)
        monitor.stop()
        monitor.stop()
        count = len(seen)
        await asyncio.sleep(0.05)
        assert len(seen) == count
        assert monitor.lag().samples == count
        monitor.start()
        await until(lambda: len(seen) > count)

    run(main())
    assert all(lag >= 0 for lag in seen)


def test_started_twice_it_measures_once():
    async def main():
        seen = []
        monitor = EventLoopMonitor(interval=0.01, observe=seen.append)
        for _ in range(50):
            monitor.start()
        await until(lambda: seen)
        assert len(seen) < 25  # 50 timers would have fired together
        monitor.stop()

    asyncio.run(main())


def test_the_loop_may_end_before_it(run):
    monitor = EventLoopMonitor(interval=0.005)

    async def main():
        monitor.start()
        await until(lambda: monitor.lag().samples >= 1)

    run(main())
    run(main())
    monitor.stop()
    gc.collect()  # a task that was left would complain now


def test_one_that_nobody_holds_ends():
    async def main():
        seen = []
        monitor = EventLoopMonitor(interval=0.005, observe=seen.append)
        monitor.start()
        await until(lambda: seen)
        reference = ref(monitor)
        del monitor
        await until(lambda: gone(reference))
        count = len(seen)
        await asyncio.sleep(0.05)
        assert len(seen) == count

    asyncio.run(main())


def test_it_forgets_what_is_long_past():
    async def main():
        async with EventLoopMonitor(threshold=3600, interval=0.005, window=0.05) as monitor:
            await hold(monitor)
            assert monitor.lag().maximum >= HELD - 0.02
            total = 0
            while monitor.lag().maximum >= HELD - 0.02:
                total = max(total, monitor.lag().samples)
                await asyncio.sleep(0.01)
            await until(lambda: monitor.lag().samples < 50)

    asyncio.run(main())


def test_it_needs_a_loop_that_runs():
    with pytest.raises(RuntimeError, match="no running event loop"):
        EventLoopMonitor().start()


@pytest.mark.parametrize("name", ["threshold", "interval", "log_interval", "window"])
@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf")])
def test_numbers_that_are_not_positive_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive number of seconds, not {value!r}"):
        EventLoopMonitor(**{name: value})


def test_it_does_not_need_fastapi():
    code = "import sys, fastcore.event_loop; print('fastapi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert fastcore.router.EventLoopMonitor is EventLoopMonitor


@pytest.mark.parametrize(
    ("counts", "maximum", "expected"),
    [
        ({}, 0.0, (0.0, 0.0, 0.0)),
        ({0: 1}, 0.0004, (0.0, 0.0002, 0.0004)),
        ({0: 90, 5: 10}, 0.02, (0.0, 0.0005 * 50 / 90, 0.02)),
        ({14: 2}, 30.0, (10.0, 20.0, 30.0)),
    ],
)
def test_quantiles_are_interpolated(counts, maximum, expected):
    lag = EventLoopLag(tuple(counts.get(i, 0) for i in range(len(BOUNDS) + 1)), maximum)
    assert lag.samples == sum(counts.values())
    assert (lag.quantile(0), lag.p50, lag.quantile(1)) == pytest.approx(expected)


# --- in the router ---------------------------------------------------------------------------------------


def event_loop(client):
    return client.get("/fastcore/info").json()["event_loop"]


def test_the_router_watches_without_a_lifespan(backend):
    with make_client(backend) as client:  # one loop for all requests
        client.get("/fastcore/fib/10")
        found = eventually(lambda: (state := event_loop(client))["samples"] and state, "measured")
    assert found["watched"] is True
    assert 0 <= found["lag_p50_seconds"] <= found["lag_p99_seconds"] <= found["lag_max_seconds"]


def test_it_warns_of_what_the_host_does(caplog):
    app = make_app(lag_warning_seconds=0.1)

    @app.get("/hold")
    async def hold_the_loop():
        time.sleep(HELD)
        return {}

    with TestClient(app) as client:
        client.get("/fastcore/health")

        def held():
            client.get("/hold")
            return warnings(caplog)

        eventually(held, "warned")
        assert event_loop(client)["lag_max_seconds"] >= 0.1


def test_a_setting_switches_it_off():
    with make_client(watch_event_loop=False) as client:
        client.get("/fastcore/health")
        time.sleep(0.1)
        assert event_loop(client) == {
            "watched": False,
            "samples": 0,
            "lag_p50_seconds": 0.0,
            "lag_p99_seconds": 0.0,
            "lag_max_seconds": 0.0,
        }


def monitors():
    gc.collect()
    return sum(isinstance(each, EventLoopMonitor) for each in gc.get_objects())


def test_loops_that_end_leave_nothing_behind():
    before = monitors()
    client = make_client()
    for _ in range(20):  # each in a loop of its own
        assert client.get("/fastcore/health").status_code == 200
        assert event_loop(client)["watched"] is True
    assert monitors() <= before + 2


def test_it_ends_with_the_router_in_a_loop_that_goes_on():
    seen = []

    async def main():
        watch = LoopWatch(RouterSettings(), seen.append)
        watch.begin(asyncio.get_running_loop())
        await until(lambda: seen)
        reference = ref(watch)
        del watch
        await until(lambda: gone(reference))
        count = len(seen)
        await asyncio.sleep(0.15)
        assert len(seen) == count

    asyncio.run(main())


def test_in_the_lifespan_of_any_app():
    @asynccontextmanager
    async def lifespan(app):
        async with EventLoopMonitor(interval=0.005) as app.state.monitor:
            yield

    app = FastAPI(lifespan=lifespan)
    with TestClient(app):
        eventually(lambda: app.state.monitor.lag().samples, "measured")
