"""``/rules/{name}/evaluate-many``: a batch in, its decisions out in the same form, each in its place."""

import json
from collections import deque
from datetime import UTC, datetime
from time import perf_counter

from .counters import Counters
from .exchange import JSON, Answer, Call, Dialogue
from .problems import Problem, echo, refused
from .records import ArrayCutter, LineCutter, Record
from .rulesets import Library, Served
from .settings import RouterSettings

__all__ = ["Batch"]

# how long one step of a batch may hold its thread, but for its last record
_STEP_SECONDS = 0.005


class Batch:
    """Handles batches for one router."""

    def __init__(self, settings: RouterSettings, library: Library, counters: Counters) -> None:
        self.settings = settings
        self.library = library
        self.counters = counters

    def handle(self, call: Call) -> Answer:
        return self.library.called(call, self._begun)

    def _begun(self, call: Call, served: Served) -> Dialogue:
        return _Decisions(self.settings, served, self.counters, call.media_type)


class _Decisions(Dialogue):
    """The decisions on one batch, all by the ruleset and the time of its beginning."""

    def __init__(self, settings: RouterSettings, served: Served, counters: Counters, media_type: str) -> None:
        self.media_type = media_type
        self._max_records = settings.max_records
        self._max_depth = settings.max_depth
        self._served = served
        self._now = datetime.now(UTC)
        self._counters = counters
        self._lines = media_type != JSON
        limit = settings.max_body_bytes
        self._cutter = LineCutter(limit) if self._lines else ArrayCutter(limit)
        self._waiting: deque[Record] = deque()
        self._bytes = 0
        self._answered = 0
        self._rate: float | None = None

    def feed(self, data: bytes) -> None:
        self._take(self._cutter.feed(data))

    def end(self) -> None:
        self._take(self._cutter.end())

    def _take(self, records: list[Record]) -> None:
        limit = self._max_records
        waiting = self._waiting
        room = len(records) if limit is None else limit - self._answered - len(waiting)
        taken = records[:room]
        waiting.extend(taken)
        self._bytes += sum(map(_size, taken))
        if len(records) > room:
            raise refused("limit-exceeded", "body", f"a batch may have at most {limit} records")

    @property
    def waiting(self) -> int:
        return self._bytes

    def seconds(self) -> float:
        if self._rate is None:
            return self._served.seconds(self._bytes, len(self._waiting))
        return self._bytes * self._rate

    def step(self) -> bytes:
        waiting = self._waiting
        answers: list[bytes] = []
        bad = size = 0
        start = now = perf_counter()
        while waiting and now - start < _STEP_SECONDS:
            record = waiting.popleft()
            size += _size(record)
            try:
                answers.append(self._decide(record))
            except Problem as problem:
                answers.append(self._error(self._answered + len(answers), problem))
                bad += 1
            now = perf_counter()
        self._counters.failed(bad)
        self._bytes -= size
        self._rate = (now - start) / size
        return self._written(answers)

    def _decide(self, record: Record) -> bytes:
        if isinstance(record, Problem):
            raise record
        return self._served.decide(record, self._max_depth, self._now)

    def _error(self, index: int, problem: Problem, **more: object) -> bytes:
        version = self._served.ruleset.version
        error = {"code": f"fastcore/{problem.code}", "detail": echo(problem.detail)}
        for entry in problem.errors:
            error |= {key: echo(value) if isinstance(value, str) else value for key, value in entry.items()}
            error.pop("message", None)
        error["version"] = echo(version)
        record = {"index": index, "error": error, **more}
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    def _written(self, answers: list[bytes]) -> bytes:
        opening = b"" if self._lines else b"," if self._answered else b"["
        self._answered += len(answers)
        return b"\n".join([*answers, b""]) if self._lines else opening + b",".join(answers)

    def closing(self) -> bytes:
        return b"" if self._lines else b"]" if self._answered else b"[]"

    def broken_off(self, problem: Problem) -> bytes:
        return self._written([self._error(self._answered, problem, final=True)])


def _size(record: Record) -> int:
    """What a record counts as: one byte more than it has, so that none counts as nothing."""
    return 1 + len(record) if isinstance(record, bytes) else 1
