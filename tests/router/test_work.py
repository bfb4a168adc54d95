import asyncio
import threading
import time

import pytest

from fastcore.router import RouterSettings
from fastcore.router.problems import Problem
from fastcore.router.work import Workers

LONG = 1.0  # an estimate, far above the inline budget


async def gather(workers, count, work):
    """What each of so many simultaneous runs gave: its value, or the code of its problem."""

    async def one():
        try:
            return await workers.run(LONG, work)
        except Problem as problem:
            return problem.code if (b"retry-after", b"1") in problem.headers else "no retry-after"

    return await asyncio.gather(*(one() for _ in range(count)))


def test_short_work_runs_inline_and_long_work_in_a_thread():
    workers = Workers(RouterSettings(inline_budget_seconds=0.001))

    async def main():
        return [await workers.run(seconds, threading.get_ident) for seconds in (0.001, 0.0011)]

    inline, threaded = asyncio.run(main())
    assert inline == threading.get_ident()
    assert threaded != inline


@pytest.mark.parametrize(("threads", "queue"), [(1, 0), (2, 3), (4, 1)])
def test_every_run_is_answered_or_refused_at_once(threads, queue):
    workers = Workers(RouterSettings(worker_threads=threads, queue_length=queue))
    running = 0
    most = 0
    lock = threading.Lock()

    def work():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return "done"

    for _ in range(2):  # each in a loop of its own
        results = asyncio.run(gather(workers, threads + queue + 3, work))
        assert results.count("done") == threads + queue
        assert results.count("busy") == 3
    assert most == threads
    assert workers.refused == 6


def test_waiting_ends_at_the_deadline_but_running_work_is_finished():
    workers = Workers(RouterSettings(worker_threads=1, deadline_seconds=0.05))
    results = asyncio.run(gather(workers, 3, lambda: time.sleep(0.2) or "done"))
    assert results == ["done", "busy", "busy"]


def test_a_cancelled_wait_gives_its_place_back():
    workers = Workers(RouterSettings(worker_threads=1, queue_length=1))

    async def main():
        first = asyncio.create_task(workers.run(LONG, lambda: time.sleep(0.1)))
        await asyncio.sleep(0.02)
        waiting = asyncio.create_task(workers.run(LONG, lambda: None))
        await asyncio.sleep(0.02)
        assert workers.state() == {"running": 1, "waiting": 1, "refused": 0}
        waiting.cancel()
        await asyncio.gather(first, waiting, return_exceptions=True)
        assert workers.state() == {"running": 0, "waiting": 0, "refused": 0}
        return await workers.run(LONG, lambda: "free")

    assert asyncio.run(main()) == "free"


def test_an_error_in_a_thread_comes_back_and_frees_it():
    workers = Workers(RouterSettings(worker_threads=1, queue_length=0))

    async def main():
        with pytest.raises(ZeroDivisionError):
            await workers.run(LONG, lambda: 1 // 0)
        return await workers.run(LONG, lambda: "free")

    assert asyncio.run(main()) == "free"


def test_chunks_of_a_begun_answer_wait_instead_of_being_refused():
    workers = Workers(RouterSettings(worker_threads=1, queue_length=0))

    async def collect():
        rest = iter([b"2", b"3"])
        return b"".join([chunk async for chunk in workers.chunks(b"1", rest, LONG)])

    async def main():
        return await asyncio.gather(*(collect() for _ in range(5)))

    assert asyncio.run(main()) == [b"123"] * 5
    assert workers.refused == 0
