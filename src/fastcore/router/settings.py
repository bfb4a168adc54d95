"""Every limit that a caller of the router can run into, with its default and its meaning."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from fastcore.info import gil_enabled

from .environment import read_environment

__all__ = ["ALGORITHMS", "RouterSettings"]

ALGORITHMS = ("fast", "recursive")


def _limit(default: int | float | None, about: str, low: int | float = 1) -> Any:
    return field(default=default, metadata={"about": about, "low": low})


def _switch(default: bool, about: str) -> Any:
    return field(default=default, metadata={"about": about})


def _default_threads() -> int:
    # with the GIL each thread more makes the event loop wait longer for its turn, and none computes faster
    return 2 if gil_enabled() else max(2, min(4, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSettings:
    """Limits and switches of one router; immutable, and checked when made.

    Every limit is the largest value that is still accepted. ``RouterSettings.describe()`` gives the meaning
    of each field as a mapping from name to text.

    Raises:
        TypeError, ValueError: a value is of the wrong type or out of its range; the message names the field.
    """

    max_n: int = _limit(1_000_000, "largest n of /fib/{n}")
    max_digits: int = _limit(250_000, "most decimal digits of a result of /fib/{n} without `mod`")
    max_modulus: int = _limit(10**18, "largest `mod` of /fib/{n}")
    algorithms: tuple[str, ...] = field(
        default=("fast",),
        metadata={
            "about": "algorithms that /fib/{n} may run; `recursive` takes exponential time: load tests only"
        },
    )
    max_recursive_n: int = _limit(30, "largest n of /fib/{n} with `algorithm=recursive`", 0)
    max_payload_count: int = _limit(1_000, "most items of /payloads/{count}")
    max_page_limit: int = _limit(100, "largest `limit` of a page of /payloads/{count}")
    max_stream_count: int = _limit(1_000_000, "most rows of /payloads/{count}/stream")
    stream_chunk_bytes: int = _limit(131_072, "size, in bytes, that a chunk of a streamed answer aims at")
    max_body_bytes: int = _limit(131_072, "most bytes of one event, alone or as a record of a batch")
    max_batch_bytes: int | None = _limit(
        None, "most bytes of the body of /rules/{name}/evaluate-many; None for any number"
    )
    max_records: int | None = _limit(
        None, "most records of one /rules/{name}/evaluate-many; None for any number"
    )
    max_unread_bytes: int = _limit(
        1_048_576, "answers of a batch that may wait for a client that does not read, before its body does"
    )
    max_depth: int = _limit(128, "deepest nesting of arrays and objects in an event")
    max_explanation_bytes: int = _limit(16_777_216, "most bytes of the answer of /rules/{name}/explain")
    max_ruleset_bytes: int = _limit(4_194_304, "most bytes of the document of PUT /rules/{name}")
    max_rules: int = _limit(10_000, "most rules in the document of PUT /rules/{name}")
    max_reported_errors: int = _limit(100, "most entries in the `errors` of one problem answer")
    worker_threads: int = field(
        default_factory=_default_threads,
        metadata={"about": "threads that do long work, apart from the server's own pool", "low": 1},
    )
    queue_length: int = _limit(64, "requests that may wait for one of those threads; more get 503", 0)
    deadline_seconds: float = _limit(
        10.0,
        "longest time to read a body or a batch's next piece (then 408), and to wait for a thread (then 503)",
        0.001,
    )
    inline_budget_seconds: float = _limit(
        0.0005, "work estimated to take longer than this leaves the event loop for a thread", 0
    )
    retry_after_seconds: int = _limit(1, "what `Retry-After` says in a 503")
    gzip_min_bytes: int | None = _limit(
        None,
        "answers of at least so many bytes, and every stream, are compressed for clients that accept gzip; "
        "None leaves that to the host",
        0,
    )
    ready_wait_seconds: float = _limit(0.25, "how long /ready waits for a warm-up before it answers 503", 0)
    watch_event_loop: bool = _switch(True, "measure how late the event loops are that serve the router")
    lag_warning_seconds: float = _limit(
        0.1, "a lag of the event loop that is worth a warning in the log `fastcore.event_loop`", 0.001
    )
    max_rule_series: int = _limit(
        200, "most rules of a ruleset that have a time series of their own in metrics", 0
    )
    allow_updates: bool = _switch(
        False, "offer PUT /rules/{name}, if the store has a folder and an update dependency is given"
    )
    allow_profile: bool = _switch(
        False, "answer `?profile=1` with a profile of the request, if a profile dependency is given"
    )
    problem_base: str = field(
        default="urn:fastcore:problem:",
        metadata={
            "about": "what the `type` of a problem answer begins with; may point at your documentation"
        },
    )

    def __post_init__(self) -> None:
        for entry in fields(self):
            _check(entry.name, getattr(self, entry.name), entry.type, entry.metadata.get("low"))
        unknown = [name for name in self.algorithms if name not in ALGORITHMS]
        if unknown or not self.algorithms:
            raise ValueError(f"algorithms must be one or more of {ALGORITHMS}, not {self.algorithms!r}")
        if len(set(self.algorithms)) != len(self.algorithms):
            raise ValueError(f"algorithms must not repeat a name: {self.algorithms!r}")

    @classmethod
    def from_environment(cls, prefix: str = "FASTCORE_") -> Self:
        """Settings of which some are given by environment variables; the others have their defaults.

        Parameters:
            prefix: a variable is named by it and the field, in capitals: ``FASTCORE_MAX_N=10000``. Switches
                take 1 or 0, true or false, on or off; several names have commas between them. Variables that
                name no field are left alone.

        Raises:
            SettingsError: values are not valid; all errors, each with the name of its variable.
            ImportError: pydantic-settings is not installed.
        """
        return cls(**read_environment(cls, prefix))

    def to_dict(self) -> dict[str, Any]:
        """The values by name, ready for JSON."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return values | {"algorithms": list(self.algorithms)}

    @classmethod
    def describe(cls) -> Mapping[str, str]:
        """What each field means."""
        return {entry.name: entry.metadata["about"] for entry in fields(cls)}


def _check(name: str, value: object, kind: object, low: int | float | None) -> None:
    if kind == int | None:
        fits = value is None or type(value) is int
        expected = "an int or None"
    elif kind is bool or kind is str or kind is int:
        fits = type(value) is kind
        expected = {bool: "a bool", str: "a string", int: "an int"}[kind]
    elif kind is float:
        fits = type(value) in (int, float) and value == value and value != float("inf")
        expected = "a finite number"
    else:
        fits = isinstance(value, tuple) and all(isinstance(item, str) for item in value)
        expected = "a tuple of strings"
    if not fits:
        raise TypeError(f"{name} must be {expected}, not {value!r}")
    if low is not None and value is not None and value < low:  # type: ignore[operator]
        raise ValueError(f"{name} must be at least {low}, not {value!r}")
