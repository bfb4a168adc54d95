"""``/rules/{name}/evaluate-many``: a batch in, its decisions out in the same form, each in its place."""

import json
from collections.abc import Iterator
from itertools import islice

from .counters import Counters
from .exchange import JSON, Call, Reply, Work
from .problems import Problem, echo, refused
from .records import Broken, array_records, batches, line_records
from .rulesets import Library, Served, decide
from .settings import RouterSettings

__all__ = ["Batch"]

# how long one step of a batch may hold its thread
_STEP_SECONDS = 0.005
_MAX_STEP = 1_000
# per byte, to find where records begin and end
_CUT_SECONDS = 3e-8

Records = list[bytes | Broken]


class Batch:
    """Handles batches for one router."""

    def __init__(self, settings: RouterSettings, library: Library, counters: Counters) -> None:
        self.settings = settings
        self.library = library
        self.counters = counters

    def handle(self, call: Call) -> Reply | Work:
        return self.library.called(call, self._handle)

    def _handle(self, call: Call, served: Served) -> Work:
        seconds = served.seconds(len(call.body)) + len(call.body) * _CUT_SECONDS
        return Work(seconds, self._answer, (served, call))

    def _answer(self, served: Served, call: Call) -> Reply:
        lines = call.media_type != JSON
        records = self._records(line_records(call.body) if lines else array_records(call.body))
        average = len(call.body) // max(1, len(records))
        step = max(1, min(_MAX_STEP, int(_STEP_SECONDS / served.seconds(average))))
        decided = self._steps(served, records, step)
        chunks = _as_lines(decided) if lines else _as_array(decided)
        if len(records) <= step:
            return Reply(b"".join(chunks), media_type=call.media_type)
        return Reply(chunks, media_type=call.media_type, chunk_seconds=served.seconds(average * step, step))

    def _records(self, cut: Iterator[bytes | Broken] | Iterator[bytes]) -> Records:
        limit = self.settings.max_records
        records: Records = list(islice(cut, limit + 1))
        if len(records) > limit:
            raise refused("limit-exceeded", "body", f"a batch may have at most {limit} records")
        return records

    def _steps(self, served: Served, records: Records, size: int) -> Iterator[list[bytes]]:
        """The decisions on the records, some at a time."""
        index = 0
        for some in batches(iter(records), size):
            answers = []
            bad = 0
            for record in some:
                try:
                    answers.append(self._decide(served, record))
                except Problem as problem:
                    answers.append(_error_record(index, problem, served.ruleset.version))
                    bad += 1
                index += 1
            self.counters.evaluated(len(some) - bad, bad)
            yield answers

    def _decide(self, served: Served, record: bytes | Broken) -> bytes:
        if isinstance(record, Broken):
            raise Problem("invalid-json", record)
        if len(record) > self.settings.max_body_bytes:
            raise Problem("limit-exceeded", f"an event may have at most {self.settings.max_body_bytes} bytes")
        return served.write(decide(served.ruleset, record, self.settings.max_depth))


def _error_record(index: int, problem: Problem, version: str) -> bytes:
    error = {"code": f"fastcore/{problem.code}", "detail": echo(problem.detail)}
    for entry in problem.errors:
        error |= {key: echo(value) if isinstance(value, str) else value for key, value in entry.items()}
        error.pop("message", None)
    error["version"] = echo(version)
    text = json.dumps({"index": index, "error": error}, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _as_lines(steps: Iterator[list[bytes]]) -> Iterator[bytes]:
    for answers in steps:
        yield b"\n".join(answers) + b"\n"


def _as_array(steps: Iterator[list[bytes]]) -> Iterator[bytes]:
    opening = b"["
    for answers in steps:
        yield opening + b",".join(answers)
        opening = b","
    yield b"[]" if opening == b"[" else b"]"
