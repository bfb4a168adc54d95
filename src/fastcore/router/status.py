"""``/health``, ``/ready`` and ``/info``: what an orchestrator and the person on call ask."""

import json
from collections.abc import Callable
from typing import Any

from fastcore import __version__, _backend
from fastcore.info import gil_enabled, jit_enabled

from .counters import Counters
from .exchange import Call, Operation, Reply, Work
from .fib import runtime
from .loop_watch import LoopWatch
from .problems import Problem
from .readiness import Readiness
from .schemas import answer, record
from .settings import RouterSettings
from .work import Workers

__all__ = ["operations"]

_FRESH = ((b"cache-control", b"no-store"),)


class _Status:
    def __init__(
        self,
        settings: RouterSettings,
        backend: str | None,
        readiness: Readiness,
        workers: Workers,
        counters: Counters,
        watch: LoopWatch,
        updates: str,
        profiles: str,
        loaded: Callable[[], int],
    ) -> None:
        self.settings = settings
        self.backend = _backend.resolve(backend)
        self.readiness = readiness
        self.workers = workers
        self.counters = counters
        self.watch = watch
        self.updates = updates
        self.profiles = profiles
        self.loaded = loaded

    def health(self, call: Call) -> Reply:
        return Reply(b'{"status":"ok"}', headers=_FRESH)

    def ready(self, call: Call) -> Reply | Work:
        if self.readiness.ready:
            return self._ready()
        self.readiness.start()
        seconds = self.settings.ready_wait_seconds
        return Work(seconds, self._wait, (seconds,))

    def _wait(self, seconds: float) -> Reply:
        if self.readiness.wait(seconds):
            return self._ready()
        states = self.readiness.checks()
        errors = [{"path": name, "message": state} for name, state in states.items() if state != "ready"]
        detail = "; ".join(f"{each['path']}: {each['message']}" for each in errors)
        headers = ((b"retry-after", b"%d" % self.settings.retry_after_seconds), *_FRESH)
        raise Problem("not-ready", detail, errors, headers)

    def _ready(self) -> Reply:
        return _json({"status": "ready", "checks": self.readiness.checks()})

    def info(self, call: Call) -> Reply:
        return _json(
            {
                "version": __version__,
                "backend": self.backend,
                "runtime": runtime(),
                "jit": jit_enabled(),
                "gil": gil_enabled(),
                "rulesets": self.loaded(),
                "updates": self.updates,
                "profiles": self.profiles,
                "limits": self.settings.to_dict(),
                "counters": self.counters.to_dict(),
                "work": self.workers.state(),
                "event_loop": self.watch.state(),
            }
        )


def _json(value: dict[str, Any]) -> Reply:
    return Reply(json.dumps(value, separators=(",", ":")).encode(), headers=_FRESH)


def operations(
    settings: RouterSettings,
    backend: str | None,
    readiness: Readiness,
    workers: Workers,
    counters: Counters,
    watch: LoopWatch,
    updates: str,
    profiles: str,
    loaded: Callable[[], int],
) -> list[Operation]:
    """The rows of this family in the router's table.

    Parameters:
        updates: ``"on"``, or why PUT /rules/{name} is not offered.
        profiles: ``"on"``, or why requests cannot be profiled.
        loaded: gives how many rulesets there are.
    """
    status = _Status(settings, backend, readiness, workers, counters, watch, updates, profiles, loaded)
    return [
        Operation(
            name="health",
            method="GET",
            path="/health",
            handler=status.health,
            summary="Alive",
            description="Answers as long as the process and its event loop do; asks nothing else.",
            answers={
                200: _answer(
                    "Alive.", "Health", {"status": {"type": "string", "const": "ok"}}, {"status": "ok"}
                )
            },
        ),
        Operation(
            name="ready",
            method="GET",
            path="/ready",
            handler=status.ready,
            summary="Ready for traffic",
            description="Warmed up and with its rulesets; the first call starts that. It never turns back.",
            answers={
                200: _answer("Ready.", "Ready", _READY, {"status": "ready", "checks": {"rules": "ready"}})
            },
            problems=("not-ready", "busy"),
        ),
        Operation(
            name="info",
            method="GET",
            path="/info",
            handler=status.info,
            summary="What runs here",
            description="Backend, interpreter, limits; and counters, of the process that answers.",
            answers={200: _answer("What runs here.", "Info", _info_schema(), _INFO)},
        ),
    ]


_READY: dict[str, Any] = {
    "status": {"type": "string", "const": "ready"},
    "checks": {"type": "object", "additionalProperties": {"type": "string"}},
}


_INFO: dict[str, Any] = {
    "version": __version__,
    "backend": "cython",
    "runtime": "CPython 3.15.0",
    "jit": False,  # FastAPI leaves out what is None, here and below
    "gil": True,
    "rulesets": 1,
    "updates": "off: the setting allow_updates is false",
    "profiles": "off: the setting allow_profile is false",
    "limits": RouterSettings(
        worker_threads=2, max_batch_bytes=16_777_216, max_records=100_000, gzip_min_bytes=1_000
    ).to_dict(),
    "counters": Counters().to_dict(),
    "work": {"running": 0, "waiting": 0, "refused": 0},
    "event_loop": {
        "watched": True,
        "samples": 6000,
        "lag_p50_seconds": 0.000436,
        "lag_p99_seconds": 0.001893,
        "lag_max_seconds": 0.012506,
    },
}


def _answer(description: str, title: str, properties: dict[str, Any], example: object) -> dict[str, Any]:
    return answer(description, record(title, properties), example)


def _info_schema() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    lags = {f"lag_{which}_seconds": {"type": "number", "minimum": 0} for which in ("p50", "p99", "max")}
    about = RouterSettings.describe()
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    limits = {
        name: {"type": kinds.get(type(value), ["integer", "null"]), "description": about[name]}
        | ({"items": {"type": "string"}} if isinstance(value, list) else {})
        for name, value in RouterSettings().to_dict().items()
    }
    answers = {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": count}}
    return {
        "version": {"type": "string"},
        "backend": {"type": "string", "enum": list(_backend.NAMES)},
        "runtime": {"type": "string"},
        "jit": {"type": ["boolean", "null"]},
        "gil": {"type": "boolean"},
        "rulesets": count,
        "updates": {"type": "string", "description": "`on`, or why PUT /rules/{name} is not offered"},
        "profiles": {"type": "string", "description": "`on`, or why `?profile=1` does nothing"},
        "limits": {"type": "object", "required": list(_INFO["limits"]), "properties": limits},
        "counters": {
            "type": "object",
            "properties": {
                "scope": {"type": "string", "const": "this process"},
                "answers": answers,
                "events": {"type": "object", "properties": {"evaluated": count, "failed": count}},
            },
        },
        "work": {"type": "object", "properties": {"running": count, "waiting": count, "refused": count}},
        "event_loop": {
            "type": "object",
            "description": "how late the event loop that answers was, within the last five to ten minutes",
            "properties": {"watched": {"type": "boolean"}, "samples": count, **lags},
        },
    }
