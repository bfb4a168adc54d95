"""The page about the router has every limit with its default, every problem and every path."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from fastcore.router import RouterSettings
from fastcore.router.problems import CODES

PAGE = Path(__file__).parents[2] / "docs" / "router.md"


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
