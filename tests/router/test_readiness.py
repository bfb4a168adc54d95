import threading

from fastcore.router.readiness import Readiness


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
