"""Waiting for what another thread or process does, with a bound and a reason."""

import time

import pytest

__all__ = ["eventually"]


def eventually(condition, what, seconds=60):
    """What `condition` gives as soon as it is true; fails with `what` when it is not for so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"after {seconds} seconds still not: {what() if callable(what) else what}")
        time.sleep(0.01)
