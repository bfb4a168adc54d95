"""The slope of a series, its interval, and the judgement that a soak makes of it."""

import random

import pytest

from fastcore.lab.soak import Plan, Soak, judge
from fastcore.lab.trend import trend


def line(slope, count=200, noise=0.0, level=1e8, seed=1):
    """Points of a line; noise that keeps half of its last value, as memory does."""
    source, rest, points = random.Random(seed), 0.0, []
    for number in range(count):
        rest = 0.5 * rest + source.gauss(0, 1)
        points.append((1000.0 * number, level + slope * 1000 * number + noise * rest))
    return points


def test_a_constant_has_no_slope():
    found = trend([line(0)])
    assert (found.slope, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("slope", [-2.0, 0.0, 2.0])
def test_the_interval_holds_the_slope(slope, seed):
    found = trend([line(slope, noise=5000, seed=seed)])
    assert found.low < slope < found.high
    assert found.high - found.low < 1


def test_one_step_among_many_points_is_no_trend_of_its_own():
    points = [(float(x), 1e8 + 4096 * (x > 20)) for x in range(200)]
    assert trend([points]).slope == 0


def test_segments_at_other_levels_have_a_common_slope():
    first, second = line(3.0, level=1e8), line(3.0, level=9e8)
    assert trend([first, second]).slope == pytest.approx(3.0)
    # as one series they would seem to grow by thousands
    assert trend([[*first, *((x + 1e6, y) for x, y in second)]]).slope > 100


def test_few_points_say_nothing():
    assert trend([line(1, count=9)]) is None
    assert trend([]) is None


def judged(points, **options):
    soak = Soak()
    soak.samples, soak.segments = points, [0]
    return judge(soak, Plan(**{"warm_up": 0, "tolerance": 1.0, **options}))


@pytest.mark.parametrize(
    ("slope", "noise", "verdict"),
    [(5.0, 1000, "grows"), (0.0, 1000, "steady"), (0.5, 1000, "steady"), (1.0, 50_000, "undecided")],
)
def test_what_is_growth(slope, noise, verdict):
    assert judged(line(slope, noise=noise))["verdict"] == verdict


def test_the_warm_up_does_not_count():
    points = [(1000.0 * number, 1e7 + 1e6 * min(number, 150)) for number in range(250)]
    assert judged(points, warm_up=0)["verdict"] == "grows"
    assert judged(points, warm_up=150_000)["verdict"] == "steady"


def test_a_warm_up_that_never_ends_decides_nothing():
    found = judged(line(5.0), warm_up=10**9)
    assert (found["verdict"], found["slope"]) == ("undecided", None)


def test_each_segment_has_its_warm_up():
    soak = Soak()
    rising = [(1000.0 * number, 1e7 + 1e6 * min(number, 50)) for number in range(100)]
    soak.samples = [*rising, *((100_000 + x, y) for x, y in rising)]
    soak.segments = [0, 100]
    assert judge(soak, Plan(warm_up=50_000))["verdict"] == "steady"
    assert judge(soak, Plan(warm_up=0))["verdict"] == "grows"
