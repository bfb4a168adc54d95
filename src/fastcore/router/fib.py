"""``/fib/{n}``: the number, as decimal text."""

import json
import math
import platform
import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from fastcore import _backend
from fastcore.errors import LimitError

from .exchange import JSON, Call, Fields, Operation, Reply, Work
from .parameters import Choice, Integer, Text, matches
from .problems import refused
from .settings import RouterSettings

__all__ = ["digits_of", "operations", "runtime", "warm_up"]

# F(n) never changes, so a client may keep it; without `public`, a shared cache keeps no answer to a request
# that carried credentials
_CACHE = (b"cache-control", b"max-age=31536000, immutable")

_GOLDEN = (1 + math.sqrt(5)) / 2
_LOG_PHI = math.log10(_GOLDEN)
_LOG_ROOT = math.log10(5) / 2

# Estimated seconds, on the high side of what was measured: per call of the recursion, of which there are
# about golden ratio to the n; and for the text, times n to a power between linear and quadratic.
_CALL_SECONDS = {"cython": 2e-9, "python": 1e-7}
_TEXT_SECONDS = 5e-12 if sys.implementation.name == "cpython" else 5e-11


def digits_of(n: int) -> int:
    """Decimal digits of F(n), without computing it."""
    return 1 if n < 7 else math.floor(n * _LOG_PHI - _LOG_ROOT) + 1


def runtime() -> str:
    """Interpreter and version, as ``CPython 3.15.0``."""
    version = platform.python_version()
    if platform.python_implementation() == "PyPy":
        info = sys.pypy_version_info  # type: ignore[attr-defined]
        return f"PyPy {info.major}.{info.minor}.{info.micro} ({version})"
    return f"{platform.python_implementation()} {version}"


class _Fibonacci:
    def __init__(self, settings: RouterSettings, backend: str | None) -> None:
        self.settings = settings
        self.backend = _backend.resolve(backend)
        self.kernels = _backend.kernels("fibonacci", backend)
        self.n = Integer("n", "path", 0, settings.max_n, self._limits())
        self.mod = Integer("mod", "query", 1, settings.max_modulus, "answer the number modulo this")
        self.algorithm = Choice(
            "algorithm",
            settings.algorithms,
            "`fast` takes logarithmic steps; `recursive`, where enabled, is the exponential double recursion",
        )
        self.none_match = Text("If-None-Match", "header", "tags that the client holds; 304 if one matches")
        self.text = self.kernels.fibonacci_text
        # up to here the text takes no longer than may be spent on the event loop
        self.short = int((settings.inline_budget_seconds / _TEXT_SECONDS) ** (1 / 1.6))
        self.tail = f',"backend":{json.dumps(self.backend)},"runtime":{json.dumps(runtime())}}}'

    def _limits(self) -> str:
        settings = self.settings
        text = f"index of the number; without `mod`, the result has at most {settings.max_digits} digits"
        if "recursive" in settings.algorithms:
            text += f"; with `algorithm=recursive` at most {settings.max_recursive_n}"
        return text

    def handle(self, call: Call) -> Reply | Work:
        settings = self.settings
        mod, algorithm = None, settings.algorithms[0]
        if call.query:
            mod, algorithm = self.mod.read(call), self.algorithm.read(call)
        n = self.n.read(call, settings.max_recursive_n if algorithm == "recursive" else settings.max_n)
        assert n is not None
        tag = f'W/"fib-{n}"' if mod is None else f'W/"fib-{n}-mod-{mod}"'
        headers = ((b"etag", tag.encode()), _CACHE)
        # F(n) has fewer digits than n, which is quicker to see
        if mod is None and n > settings.max_digits and digits_of(n) > settings.max_digits:
            rule = f"the result would have {digits_of(n)} digits, at most {settings.max_digits} are answered"
            raise refused("limit-exceeded", "path.n", rule)
        condition = call.header(b"if-none-match")
        if condition is not None and matches(condition, tag, weak=True):
            return Reply(b"", 304, headers=headers)
        if mod is None and algorithm == "fast":
            if n <= self.short:
                return self._answer(n, self.text, headers)
            return Work(_TEXT_SECONDS * n**1.6, self._answer, (n, self.text, headers))
        seconds, compute = self._plan(n, mod, algorithm)
        return Work(seconds, self._answer, (n, compute, headers))

    def _plan(self, n: int, mod: int | None, algorithm: str) -> tuple[float, Callable[[int], str]]:
        """Estimated seconds, and what gives the text of the result for n."""
        if algorithm == "recursive":
            recursive = self.kernels.fibonacci_recursive
            seconds = _CALL_SECONDS[self.backend] * _GOLDEN ** min(n, 200)
            return seconds, lambda n: str(recursive(n) if mod is None else recursive(n) % mod)
        modulo = self.kernels.fibonacci_mod
        return 1e-6 * n.bit_length(), lambda n: str(modulo(n, mod))

    def _answer(self, n: int, compute: Callable[[int], str], headers: Fields) -> Reply:
        start = perf_counter_ns()
        try:
            text = compute(n)
        except LimitError as error:
            raise refused("limit-exceeded", "path.n", str(error)) from error
        spent = perf_counter_ns() - start
        body = (
            f'{{"n":{n},"result":"{text}","digits":{len(text)},"compute_time_seconds":{spent}e-9{self.tail}'
        )
        return Reply(body.encode(), headers=headers)


def operations(settings: RouterSettings, backend: str | None) -> list[Operation]:
    """The rows of this family in the router's table."""
    fibonacci = _Fibonacci(settings, backend)
    described = fibonacci.n, fibonacci.mod, fibonacci.algorithm, fibonacci.none_match
    return [
        Operation(
            name="fibonacci",
            method="GET",
            path="/fib/{n}",
            handler=fibonacci.handle,
            summary="A Fibonacci number",
            description="The exact value of F(n) as decimal text, or F(n) modulo `mod`.",
            answers={200: _found(settings), 304: {"description": "The client holds the answer already."}},
            problems=("invalid-parameter", "limit-exceeded", "busy"),
            parameters=tuple(parameter.describe() for parameter in described),
            hot=True,
        )
    ]


def _found(settings: RouterSettings) -> dict[str, Any]:
    schema = {
        "title": "FibonacciAnswer",
        "type": "object",
        "required": ["n", "result", "digits", "compute_time_seconds", "backend", "runtime"],
        "properties": {
            "n": {"type": "integer", "minimum": 0},
            "result": {"type": "string", "pattern": "^[0-9]+$", "description": "exact, in decimal"},
            "digits": {"type": "integer", "minimum": 1, "maximum": settings.max_digits},
            "compute_time_seconds": {"type": "number", "minimum": 0, "description": "value and text"},
            "backend": {"type": "string", "enum": list(_backend.NAMES)},
            "runtime": {"type": "string", "description": "interpreter and version"},
        },
    }
    example = {
        "n": 90,
        "result": "2880067194370816120",
        "digits": 19,
        "compute_time_seconds": 4.1e-07,
        "backend": "cython",
        "runtime": "CPython 3.15.0",
    }
    return {
        "description": "The number.",
        "headers": {
            "ETag": {"schema": {"type": "string"}, "description": "the same for the same value"},
            "Cache-Control": {"schema": {"type": "string"}},
        },
        "content": {JSON: {"schema": schema, "example": example}},
    }


def warm_up(backend: str | None) -> Callable[[], object]:
    """What /ready runs once before it says so."""
    text = _backend.kernels("fibonacci", backend).fibonacci_text
    return lambda: text(2000)
