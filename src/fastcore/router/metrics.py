"""Metrics by OpenTelemetry, where it can be imported.

Serving a request records nothing: the instruments read, when they are collected, what is counted anyhow. They
exist once for each meter provider, whatever the number of routers, and hold those only weakly. The lag of
event loops is the exception: there is no histogram that could be read, so each measurement is recorded.
"""

from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from fastcore import __version__
from fastcore.event_loop import BOUNDS

from .counters import Counters
from .rulesets import Library
from .work import Workers

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

__all__ = ["Reported", "report"]

_ROUTER = "fastcore.router.name"

Point = tuple[int, dict[str, Any]]


class Reported:
    """What is told of one router.

    Parameters:
        name: tells it from others of this process.
        series: most rules of a ruleset with a series of their own.
    """

    def __init__(
        self, name: str, counters: Counters, workers: Workers, library: Library | None, series: int
    ) -> None:
        self.name = name
        self._counters = counters
        self._workers = workers
        self._library = library
        self._series = series

    def requests(self) -> Iterator[Point]:
        for operation, answers in self._counters.to_dict()["answers"].items():
            for status, count in answers.items():
                yield (
                    count,
                    {"fastcore.operation.name": operation, "http.response.status_code": int(status)},
                )

    def refusals(self) -> Iterator[Point]:
        yield self._workers.refused, {}

    def running(self) -> Iterator[Point]:
        yield self._workers.totals()["running"], {}

    def waiting(self) -> Iterator[Point]:
        yield self._workers.totals()["waiting"], {}

    def events(self) -> Iterator[Point]:
        if self._library is not None:
            events = self._counters.to_dict()["events"]
            yield events["evaluated"], {"fastcore.event.outcome": "evaluated"}
            yield events["failed"], {"fastcore.event.outcome": "failed"}

    def matches(self) -> Iterator[Point]:
        for served in self._library.all() if self._library is not None else ():
            name, version = served.ruleset.name, served.ruleset.version
            which = {"fastcore.ruleset.name": name, "fastcore.ruleset.version": version}
            fired = list(served.counts.read()[1].items())
            for rule, count in fired[: self._series]:
                yield count, {**which, "fastcore.rule.id": rule}
            if len(fired) > self._series:
                rest = sum(count for _, count in fired[self._series :])
                yield rest, {**which, "otel.metric.overflow": True}


# name → kind, unit, what it counts, where that is read
_TABLE: dict[str, tuple[str, str, str, Callable[[Reported], Iterable[Point]]]] = {
    "fastcore.router.requests": ("counter", "{request}", "Requests answered.", Reported.requests),
    "fastcore.router.refusals": (
        "counter",
        "{request}",
        "Requests refused because no thread was free.",
        Reported.refusals,
    ),
    "fastcore.router.work.running": (
        "up_down_counter",
        "{task}",
        "Work that threads do.",
        Reported.running,
    ),
    "fastcore.router.work.waiting": (
        "up_down_counter",
        "{task}",
        "Work that waits for a thread.",
        Reported.waiting,
    ),
    "fastcore.rules.events": ("counter", "{event}", "Events evaluated, or refused.", Reported.events),
    "fastcore.rules.matches": ("counter", "{match}", "Events for which a rule fired.", Reported.matches),
}


class _Instruments:
    """The instruments of one meter provider."""

    def __init__(self, metrics: Any, provider: "MeterProvider | None") -> None:
        self._metrics = metrics
        self._lock = Lock()
        self._reported: WeakSet[Reported] = WeakSet()
        meter = metrics.get_meter("fastcore", __version__, meter_provider=provider)
        for name, (kind, unit, about, read) in _TABLE.items():
            create = getattr(meter, f"create_observable_{kind}")
            create(name, [self._reading(read)], unit=unit, description=about)
        self._lag = meter.create_histogram(
            "fastcore.event_loop.lag",
            unit="s",
            description="How late timers of the event loop fired.",
            explicit_bucket_boundaries_advisory=list(BOUNDS),
        )

    def add(self, reported: Reported) -> Callable[[float], None]:
        """Tell of this router too; gives what records a lag of one of its event loops."""
        with self._lock:
            self._reported.add(reported)
        record, attributes = self._lag.record, {_ROUTER: reported.name}
        return lambda lag: record(lag, attributes)

    def names(self) -> set[str]:
        with self._lock:
            return {each.name for each in self._reported}

    def _reading(self, read: Callable[[Reported], Iterable[Point]]) -> Callable[[Any], Iterable[Any]]:
        def observe(options: Any) -> Iterable[Any]:
            with self._lock:
                reported = sorted(self._reported, key=lambda each: each.name)
            return [
                self._metrics.Observation(value, {_ROUTER: each.name, **attributes})
                for each in reported
                for value, attributes in read(each)
            ]

        return observe


_lock = Lock()
_default: _Instruments | None = None
_given: "WeakKeyDictionary[MeterProvider, _Instruments]" = WeakKeyDictionary()


def report(
    name: str, make: Callable[[str], Reported], provider: "MeterProvider | None" = None
) -> tuple[Reported, Callable[[float], None] | None]:
    """Makes a router known to OpenTelemetry, for as long as what is returned is held.

    Parameters:
        name: what it should be called; a number follows if another one is called so.
        make: gives what is told of it, under its name.
        provider: the host's; by default the global one, also if that is set later.

    Returns:
        What was made, and what records a lag; None if OpenTelemetry cannot be imported.
    """
    try:
        from opentelemetry import metrics
    except ImportError:
        return make(name), None
    with _lock:
        instruments = _instruments(metrics, provider)
        taken = instruments.names()
        count = 1
        unique = name
        while unique in taken:
            count += 1
            unique = f"{name}-{count}"
        reported = make(unique)
        return reported, instruments.add(reported)


def _instruments(metrics: Any, provider: "MeterProvider | None") -> _Instruments:
    global _default
    if provider is None or provider is metrics.get_meter_provider():
        if _default is None:
            _default = _Instruments(metrics, None)
        return _default
    if provider not in _given:
        _given[provider] = _Instruments(metrics, provider)
    return _given[provider]
