"""The page about the router has every limit with its default, every problem and every path."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from fastcore.router import RouterSettings
from fastcore.router.problems import CODES

PAGE = Path(__file__).parents[2] / "docs" / "router.md"
OPERATING = PAGE.with_name("operating.md")


@pytest.fixture(scope="module")
def page():
    if not PAGE.exists():
        pytest.skip("the project's sources are not beside the tests")
    return PAGE.read_text(encoding="utf-8")


def test_every_setting_with_its_default(page):
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", page.partition("## Limits")[2], re.MULTILINE))
    assert list(rows) == [entry.name for entry in fields(RouterSettings)]
    for name, value in RouterSettings().to_dict().items():
        written = rows[name].strip("`")
        if name == "worker_threads":
            assert written == "2 to 4"
        elif name == "algorithms":
            assert ast.literal_eval(written) == tuple(value)
        else:
            assert written == str(value), name


def test_every_problem_with_its_status(page):
    rows = re.findall(r"^\| (\d+) \| `fastcore/([\w-]+)` \|", page, re.MULTILINE)
    assert {(int(status), code) for status, code in rows} == {
        (kind.status, code) for code, kind in CODES.items()
    }


def test_every_variable_of_the_environment_with_a_value_that_it_takes(page, monkeypatch):
    text = OPERATING.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(FASTCORE_\w+)` \| `([^`]+)` \| (?:([\d.]+) or more)?", text, re.MULTILINE)
    names = [entry.name for entry in fields(RouterSettings)]
    assert [variable for variable, _, _ in rows] == [f"FASTCORE_{name.upper()}" for name in names]
    for variable, value, _ in rows:
        monkeypatch.setenv(variable, value)
    given = RouterSettings.from_environment()
    assert given.max_n == 10_000
    assert given.algorithms == ("fast", "recursive")
    lows = {entry.name: entry.metadata.get("low") for entry in fields(RouterSettings)}
    told = {name: float(low) if low else None for name, (_, _, low) in zip(names, rows, strict=True)}
    assert told == lows
