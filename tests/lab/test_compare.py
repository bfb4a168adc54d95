"""Before and after: what the rounds allow to say."""

import random

import pytest

from fastcore.lab.comparing import changes, interval
from fastcore.lab.results import BadResultsError, save
from tests.cli.conftest import invoke

from .made import kernels, row


def test_a_change_and_none():
    before = kernels(rows=[row("a", 1.0, noise=0.1), row("b", 1.0, noise=0.1)])
    after = kernels(rows=[row("a", 1.5, noise=0.1), row("b", 1.0, noise=0.1)])
    slower, same = changes([before], [after])
    assert (slower.line.work, slower.verdict) == ("a", "slower")
    assert slower.ratio == pytest.approx(1.5)
    assert slower.low < slower.ratio < slower.high
    assert (same.line.work, same.verdict) == ("b", "no difference shown")
    assert [each.verdict for each in changes([after], [before])] == ["faster", "no difference shown"]


def test_interval_covers_what_is_true():
    source = random.Random(1)
    missed = 0
    for _ in range(20):
        before = [source.gauss(1, 0.1) for _ in range(60)]
        after = [source.gauss(1.2, 0.1) for _ in range(60)]
        low, high = interval(before, after)
        missed += not low < 1.2 < high
    assert missed <= 2


def test_interval_is_wider_where_neighbours_are_alike():
    """Rounds that follow one another are not independent; drawn singly they would seem to say more."""
    source = random.Random(2)
    independent = [source.gauss(1, 0.1) for _ in range(100)]
    alike = sorted(independent[:50]) + sorted(independent[50:], reverse=True)
    narrow, wide = (interval(rounds, rounds) for rounds in (independent, alike))
    assert wide[1] - wide[0] > narrow[1] - narrow[0]


def test_two_interpreters():
    (change,) = changes([kernels()], [kernels("PyPy 8.0.1", rows=[row(median=0.001)])])
    assert (change.label, change.verdict) == ("CPython 3.11.7 → PyPy 8.0.1", "faster")


def test_two_backends():
    (change,) = changes([kernels()], [kernels(backend="cython", rows=[row(median=0.0001)])])
    assert change.ratio == pytest.approx(0.05)


def test_other_algorithms_are_not_compared():
    with pytest.raises(BadResultsError, match="no work is in both"):
        changes([kernels()], [kernels(rows=[row(algorithm="loop")])])


def test_other_results_are_not_compared():
    with pytest.raises(BadResultsError, match="gave different results"):
        changes([kernels()], [kernels(rows=[row(checksum="bb")])])


@pytest.fixture
def files(tmp_path):
    save(kernels(rows=[row(noise=0.02)]), tmp_path / "a.json")
    save(kernels(rows=[row(median=0.003, noise=0.02)]), tmp_path / "b.json")
    return tmp_path / "a.json", tmp_path / "b.json"


def test_command(files, tmp_path):
    done = invoke("bench", "compare", *files, "--markdown", tmp_path / "c.md")
    assert done.exit_code == 0, done.output
    assert "slower" in done.stdout
    assert "bootstrap" in (tmp_path / "c.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("limit", "status"), [("1.3", 3), ("1.7", 0)])
def test_a_limit(files, limit, status):
    assert invoke("bench", "compare", *files, "--fail-above", limit).exit_code == status


def test_bad_file(files, tmp_path):
    done = invoke("bench", "compare", files[0], tmp_path / "none.json")
    assert done.exit_code == 1
    assert "none.json: No such file" in done.stderr
