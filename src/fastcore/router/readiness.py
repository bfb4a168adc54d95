"""Whether the service should get traffic: warmed up, and its rulesets there. Once ready it stays so."""

from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from time import perf_counter

__all__ = ["Readiness", "machine_code"]

# With a JIT, a step has settled when so many runs in a row made it write no machine code. PyPy compiles a
# loop that ran 1,039 times, a function that was called 1,619 times, a side exit that was taken 200 times.
_QUIET_RUNS = 2_000
_BATCH = 50
# but no step is waited for longer than this: requests that are served meanwhile keep the JIT busy too
_BUDGET_SECONDS = 2.0


def machine_code() -> int | None:
    """Bytes of machine code that the JIT of this process has written; None without a JIT that tells.

    ``pypyjit.get_stats_snapshot`` would count loops and bridges, but it ends the process by a segmentation
    fault where nothing was compiled yet (PyPy 8.0.1). The memory that holds them says as much.
    """
    try:
        from pypyjit import get_stats_asmmemmgr  # type: ignore[import-not-found]  # of PyPy alone
    except ImportError:
        return None
    used: int = get_stats_asmmemmgr()[1]
    return used


class Readiness:
    """Runs each warm-up step once, in a thread of its own that the first question starts.

    Parameters:
        steps: name → what to do; each is short, may run many times, and changes nothing.
        needs: asked each time until all is ready: None, or what is missing yet.
        code: tells how much machine code there is; where it tells None, one run of a step is enough.
    """

    def __init__(
        self,
        steps: Mapping[str, Callable[[], object]],
        needs: Callable[[], str | None],
        code: Callable[[], int | None] = machine_code,
    ) -> None:
        self._steps = steps
        self._code = code
        self._needs = needs
        self._lock = Lock()
        self._thread: Thread | None = None
        self._warm = Event()
        self._states = dict.fromkeys(steps, "waiting")
        self._ready = False

    @property
    def ready(self) -> bool:
        if not self._ready and self._warm.is_set() and self._needs() is None:
            self._ready = True
        return self._ready

    def start(self) -> None:
        """Begin the warm-up, unless it has begun."""
        with self._lock:
            if not self._warm.is_set() and (self._thread is None or not self._thread.is_alive()):
                self._thread = Thread(target=self._warm_up, name="fastcore-warm-up", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether it is ready, after at most so many seconds of waiting for the warm-up."""
        self._warm.wait(seconds)
        return self.ready

    def checks(self) -> dict[str, str]:
        """The state of each step, and of the rulesets."""
        return {**self._states, "rules": self._needs() or "ready"}

    def _warm_up(self) -> None:
        for name, step in self._steps.items():
            self._states[name] = "warming up"
            try:
                _settle(step, self._code)
            except Exception as error:  # shown by /ready, which starts the next attempt
                self._states[name] = f"failed: {type(error).__name__}"
                return
            self._states[name] = "ready"
        self._warm.set()


def _settle(step: Callable[[], object], code: Callable[[], int | None]) -> None:
    """Run a step until the JIT has compiled what it needs."""
    step()
    before = code()
    if before is None:
        return
    end = perf_counter() + _BUDGET_SECONDS
    quiet = 0
    while quiet < _QUIET_RUNS and perf_counter() < end:
        for _ in range(_BATCH):
            step()
        now = code()
        quiet = quiet + _BATCH if now == before else 0
        before = now
