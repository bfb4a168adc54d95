"""What the README and the pages of docs/ show is run: code, commands, and the rows of tables.

Above a block of a page may stand comments, one to a line, that no reader sees:

* ``<!-- needs: numpy -->``: it is run where that can be imported; ``cython`` is the compiled backend.
* ``<!-- not run: reason -->``: it is not run at all.
* ``<!-- file: rules/small.json -->``: it is the content of that file.
* ``<!-- prints -->``: it is what the ``python`` block before it prints.
* ``<!-- runs -->``: it is a terminal; the commands of fastcore in it are run, and print what it shows.
"""

import contextlib
import doctest
import importlib.util
import io
import json
import re
import shlex
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import pytest

from fastcore import Field, PayloadBuilder, PayloadError, Raw, RuleSet, _backend
from fastcore.errors import LogicError
from fastcore.rules import jsonlogic
from fastcore.rules.language import OPERATORS

from .conftest import cython_problem

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

if not (DOCS / "README.md").exists():
    pytest.skip("the project's sources are not beside the tests", allow_module_level=True)

PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
FENCE = re.compile(r"^ *```(\w+)$", re.MULTILINE)
BLOCK = re.compile(r"((?:^<!-- [^\n]* -->\n)*)^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOTE = re.compile(r"<!-- ([\w ]+?)(?:: (.*))? -->")
OUR_LANGUAGES = ("python", "pycon")

# What two pages take for granted, and what their blocks need.
GIVEN = MappingProxyType(
    {
        "backends.md": {"event": {"card": {"country": "US"}}},
        "observing.md": {"authenticate": lambda: None},
        "operating.md": {"authenticate": lambda: None},
        "router.md": {"authenticate": lambda: None},
    }
)
NEEDS = MappingProxyType(
    {
        ("backends.md", "python"): "cython",
        ("observing.md", "python"): "pyinstrument",
        ("operating.md", "python"): "pydantic_settings",
        ("router.md", "python"): "fastapi",
    }
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, with what its comments say."""

    page: Path
    line: int
    language: str
    text: str
    notes: dict

    @property
    def missing(self):
        """What it needs and does not find here, or None."""
        needed = self.notes.get("needs") or NEEDS.get((self.page.name, self.language))
        if needed is None:
            return None
        found = not cython_problem() if needed == "cython" else importlib.util.find_spec(needed)
        return None if found else needed


def blocks_of(page):
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, match.start(3)), match[2], match[3], dict(NOTE.findall(match[1])))
        for match in BLOCK.finditer(text)
    ]


class Checker(doctest.OutputChecker):
    """A page shows the compiled backend where it shows the selected one."""

    def check_output(self, want, got, optionflags):
        if want == "'cython'\n":
            want = f"{_backend.name!r}\n"
        return super().check_output(want, got, optionflags)


class Session:
    """The blocks of one page, run in order in one namespace and one folder."""

    def __init__(self, page):
        self.names = {"__name__": "page", **GIVEN.get(page.name, {})}
        self.printed = ""

    def run(self, block):
        if "not run" in block.notes:
            assert block.notes["not run"], f"{block.page.name}:{block.line}: the reason is missing"
        elif "file" in block.notes:
            file = Path(block.notes["file"])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.missing:
            self.printed = None
        elif block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile("\n" * block.line + block.text, str(block.page), "exec"), self.names)
            self.printed = printed.getvalue()
        elif block.language == "pycon":
            self.interactive(block)
        elif "prints" in block.notes and self.printed is not None:
            assert self.printed == block.text, f"{block.page.name}:{block.line}"
        elif "runs" in block.notes:
            self.terminal(block)

    def interactive(self, block):
        where = f"{block.page.name}:{block.line}"
        test = doctest.DocTestParser().get_doctest(block.text, self.names, where, str(block.page), block.line)
        test.globs = self.names
        runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=doctest.ELLIPSIS)
        report = io.StringIO()
        runner.run(test, out=report.write, clear_globs=False)
        assert test.examples, f"{where}: no examples"
        assert runner.failures == 0, report.getvalue()

    def terminal(self, block):
        from typer.testing import CliRunner

        from fastcore.cli.app import app

        for part in block.text.split("$ ")[1:]:
            command, _, shown = part.partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "fastcore", command
            assert CliRunner().invoke(app, arguments).stdout == shown, command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current directory of a reader: the examples, and a ruleset at hand."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "examples" / "fraud_api" / "rules", tmp_path / "rules")
    shutil.copy(tmp_path / "rules" / "fraud.json", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.usefixtures("folder")
def test_code_of_a_page_runs(page):
    session = Session(page)
    blocks = blocks_of(page)
    for block in blocks:
        session.run(block)
    fences = [name for name in FENCE.findall(page.read_text(encoding="utf-8")) if name in OUR_LANGUAGES]
    assert fences == [block.language for block in blocks if block.language in OUR_LANGUAGES]


# --------------------------------------------------------------------------------------------- rows of tables


def rows_below(page, header):
    """The cells of all tables of a page that have this header, without the marks of code."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = []
    for table in text.split(f"| {header} |\n")[1:]:
        for line in table.splitlines()[1:]:
            if not line.startswith("|"):
                break
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            found.append(tuple(cell.strip().strip("`").replace("\\|", "|") for cell in cells))
    assert found, header
    return found


KINDS = {
    "Decimal": Decimal,
    "Field": Field,
    "Raw": Raw,
    "UTC": UTC,
    "UUID": UUID,
    "date": date,
    "datetime": datetime,
    "inf": float("inf"),
    "nan": float("nan"),
    "timedelta": timedelta,
    "timezone": timezone,
}


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Text(str):
    def __str__(self):
        return "not this"


class Whole(int):
    def __repr__(self):
        return "not this"


@dataclass
class Point:
    x: int
    y: int


PARSERS = []
with contextlib.suppress(ImportError):  # neither exists for PyPy
    import msgspec
    import orjson

    PARSERS += [orjson.loads, msgspec.json.decode]

KINDS |= {kind.__name__: kind for kind in (Colour, Level, Text, Whole, Point)}


@pytest.mark.parametrize(
    ("schema", "value", "becomes"), rows_below("payload-values.md", "type | value | becomes")
)
def test_what_a_value_becomes(schema, value, becomes, backend):
    if "np." in value:
        KINDS["np"] = pytest.importorskip("numpy", reason="numpy is not installed")
    builder = PayloadBuilder({"v": eval(schema, KINDS)}, backend=backend)
    row = (eval(value, KINDS),)
    if becomes == "refused":
        with pytest.raises(PayloadError):
            builder.build([row])
    else:
        data = builder.build([row])
        assert data.decode() == f'[{{"v":{becomes}}}]'
        (parsed,) = json.loads(data)
        if (
            not isinstance(parsed["v"], int) or -(2**63) <= parsed["v"] < 2**64
        ):  # orjson reads others as floats
            assert all(parse(data) == [parsed] for parse in PARSERS)


TRUTHS = {"true": True, "false": False, "unknown": None}


@pytest.mark.parametrize(
    ("condition", "event", "expected"),
    rows_below("missing-values.md", "condition | event | is")
    + rows_below("rules.md", "condition | event | is"),
)
def test_what_a_condition_is(condition, event, expected, backend):
    ruleset = RuleSet.from_rules([{"id": "a", "when": json.loads(condition)}], backend=backend)
    (rule,) = ruleset.explain(json.loads(event)).rules
    assert rule.condition.value is TRUTHS[expected]
    assert ruleset.matches(json.loads(event)) == ["a"] * (expected == "true")


def test_the_tables_of_three_values():
    for operator, combine in (("and", min), ("or", max)):
        ranks = {"false": 0, "unknown": 1, "true": 2}
        rows = rows_below("missing-values.md", f"{operator} | true | unknown | false")
        for left, *results in (tuple(cell.strip("*") for cell in row) for row in rows):
            for right, result in zip(("true", "unknown", "false"), results, strict=True):
                event = {key: TRUTHS[name] for key, name in (("x", left), ("y", right))}
                logic = {operator: [{"var": "x"}, {"var": "y"}]}
                (rule,) = RuleSet.from_rules([{"id": "a", "when": logic}]).explain(event).rules
                assert rule.condition.value is TRUTHS[result]
                assert combine((left, right), key=ranks.get) == result


@pytest.mark.parametrize(("rule", "data", "value"), rows_below("jsonlogic.md", "rule | data | value"))
def test_what_jsonlogic_gives(rule, data, value, backend):
    evaluate = jsonlogic.compile(json.loads(rule), backend=backend)
    if value.startswith("LogicError"):
        with pytest.raises(LogicError) as caught:
            evaluate(json.loads(data))
        assert f"LogicError {caught.value.type}" == value
    else:
        result = evaluate(json.loads(data))
        assert (result, type(result)) == (json.loads(value), type(json.loads(value)))


# ------------------------------------------------------------------------------------------------ whole pages


def test_every_operator_of_conditions_is_in_the_table():
    rows = rows_below("rules.md", "operator | operands | value")
    assert sorted(name for row in rows for name in re.findall(r"[^` ,]+", row[0])) == sorted(OPERATORS)


def test_the_index_has_every_page():
    linked = re.findall(r"\]\((\w[\w-]*\.md)\)", (DOCS / "README.md").read_text(encoding="utf-8"))
    assert sorted(linked) == sorted(page.name for page in DOCS.glob("*.md") if page.name != "README.md")


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "benchmarks" / "README.md"], ids=lambda page: str(page.parent.name)
)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_every_benchmark_is_explained():
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for file in (ROOT / "benchmarks").glob("*.py"):
        assert f"`{file.name}`" in text, file.name
