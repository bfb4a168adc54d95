import subprocess
import sys
import threading

from fastcore.router.readiness import Readiness, machine_code


def test_is_ready_after_the_warm_up_and_never_turns_back():
    missing = ["no ruleset is loaded"]
    done = threading.Event()
    readiness = Readiness({"kernel": done.set}, lambda: missing[0] if missing else None)
    assert not readiness.ready
    assert readiness.checks() == {"kernel": "waiting", "rules": "no ruleset is loaded"}
    readiness.start()
    assert done.wait(10)
    assert not readiness.wait(10)
    assert readiness.checks()["kernel"] == "ready"
    missing.clear()
    assert readiness.ready
    missing.append("gone")
    assert readiness.ready


def test_is_not_ready_while_it_warms_up():
    go = threading.Event()
    readiness = Readiness({"kernel": lambda: go.wait(10)}, lambda: None)
    readiness.start()
    readiness.start()
    assert not readiness.wait(0.01)
    assert readiness.checks() == {"kernel": "warming up", "rules": "ready"}
    go.set()
    assert readiness.wait(10)


def test_a_failed_step_is_told_and_tried_again():
    results = iter([RuntimeError("secret path"), None])

    def step():
        result = next(results, None)
        if result:
            raise result

    readiness = Readiness({"kernel": step}, lambda: None)
    readiness.start()
    readiness._thread.join(10)
    assert not readiness.ready
    assert readiness.checks()["kernel"] == "failed: RuntimeError"
    readiness.start()
    assert readiness.wait(10)


class Jit:
    """Compiles something in some runs of a step."""

    def __init__(self, compiling):
        self.compiling = compiling
        self.runs = 0
        self.size = 0

    def step(self):
        self.runs += 1
        self.size += self.compiling(self.runs)


def warmed_up(jit):
    readiness = Readiness({"kernel": jit.step}, lambda: None, lambda: jit.size)
    readiness.start()
    assert readiness.wait(60)
    return jit.runs


def test_with_a_jit_it_waits_until_nothing_new_is_compiled():
    calm = warmed_up(Jit(lambda run: 0))
    assert calm > 1619, "PyPy compiles a function that was called so often"
    assert warmed_up(Jit(lambda run: 100 if run < 5_000 else 0)) >= 5_000 + calm - 100
    assert warmed_up(Jit(lambda run: 100 if run in (1_000, 2_500) else 0)) >= 2_500 + calm - 100


def test_memory_that_a_jit_gives_back_is_a_change_too():
    assert (
        warmed_up(Jit(lambda run: -100 if run == 1_500 else 0)) >= 1_500 + warmed_up(Jit(lambda run: 0)) - 100
    )


def test_a_jit_that_never_rests_is_not_waited_for_forever():
    assert warmed_up(Jit(lambda run: 1)) > 0


def test_without_a_jit_one_run_is_enough():
    runs = []
    readiness = Readiness({"kernel": lambda: runs.append(1)}, lambda: None, lambda: None)
    readiness.start()
    assert readiness.wait(60)
    assert len(runs) == 1


def test_only_pypy_tells_how_much_machine_code_there_is():
    assert (machine_code() is None) is (sys.implementation.name != "pypy")


def test_asking_for_machine_code_is_safe_before_anything_is_compiled(clean_environment):
    """One function of pypyjit is not: it ends the process."""
    code = "from fastcore.router.readiness import machine_code; print(machine_code())"
    for more in ({}, {"PYPY_DISABLE_JIT": "1"}):
        environment = {**clean_environment, **more}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment
        )
        assert done.returncode == 0, done.stderr
