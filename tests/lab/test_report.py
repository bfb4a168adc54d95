"""What a report says of results, as tables, Markdown, HTML and plots."""

import re
import sys
from html.parser import HTMLParser

import pytest

from fastcore.lab import documents
from fastcore.lab.agreement import disagreements
from fastcore.lab.figures import duration, steady_after
from fastcore.lab.reporting import Baseline, baseline, tables
from fastcore.lab.results import BadResultsError, Results, save
from fastcore.lab.view import Report, html, markdown, markdown_table
from tests.cli.conftest import invoke

from .made import by_count, head, kernels, row

PLAIN = row(median=0.008, by="plain Python", algorithm="every condition")
BOTH = [
    kernels(rows=[row(), PLAIN]),
    kernels(backend="cython", rows=[row(median=0.0002)]),
    kernels("PyPy 8.0.1", rows=[row(median=0.001), {**PLAIN, "median": 0.016}]),
]


def table(key, found, to=None, gaps=()):
    return next(each for each in tables(found, dict(gaps), to or baseline(found, None)) if each.key == key)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.32e-7, "432 ns"), (1.06e-6, "1.06 µs"), (9.999e-7, "1 µs"), (0.0255, "25.5 ms"), (12.34, "12.3 s")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_ratios_are_to_the_same_code_on_the_first_interpreter():
    assert table("kernels.rules", BOTH).rows == [
        ["matches, 200 rules, per event", "fastcore cython", "bitsets", "1 µs", "–"],
        ["matches, 200 rules, per event", "fastcore python", "bitsets", "10 µs", "5 µs (2×)"],
        ["matches, 200 rules, per event", "plain Python", "every condition", "40 µs", "80 µs (0.5×)"],
    ]


def test_ratios_to_somebody():
    found = table("kernels.rules", BOTH, baseline(BOTH, "CPython 3.11.7, plain Python"))
    assert [line[3:] for line in found.rows] == [
        ["1 µs (40×*)", "–"],
        ["10 µs (4×*)", "5 µs (8×*)"],
        ["40 µs", "80 µs (0.5×)"],
    ]
    assert "* by another algorithm" in found.note


@pytest.mark.parametrize(
    ("wanted", "message"),
    [("CPython 2", "no results of 'CPython 2'"), ("PyPy 8.0.1, gmp", "nobody is called")],
)
def test_unknown_baseline(wanted, message):
    with pytest.raises(BadResultsError, match=message):
        baseline(BOTH, wanted)
    assert baseline(BOTH, None) == Baseline("CPython 3.11.7")


def test_different_results_are_refused():
    other = kernels("PyPy 8.0.1", rows=[row(checksum="bb")])
    (line,) = disagreements([kernels(), other])
    assert line == "rules: matches, 200 rules: aa by CPython 3.11.7, python; bb by PyPy 8.0.1, python"
    with pytest.raises(BadResultsError, match="cannot be compared"):
        tables([kernels(), other], {}, Baseline("CPython 3.11.7"))


def test_other_algorithms_have_rows_of_their_own():
    iterative = kernels("PyPy 8.0.1", rows=[row(algorithm="loop")])
    found = table("kernels.rules", [kernels(), iterative])
    assert [line[2:] for line in found.rows] == [["bitsets", "10 µs", "–"], ["loop", "–", "10 µs"]]


def test_warm_up_is_told_where_there_is_a_jit():
    (line, _) = table("warm-up", BOTH).rows
    assert line[2:] == ["PyPy 8.0.1", "50 µs", "13 ms", "5 µs"]
    assert steady_after(row(warm_up=[[1, 1.0, 1.0]])) is None


def test_a_time_that_still_falls_is_marked():
    falling = row(samples=[0.004] * 20 + [0.002] * 24)
    found = table("kernels.rules", [kernels(rows=[falling]), kernels("PyPy 8.0.1")])
    assert found.rows[0][3:] == ["10 µs†", "10 µs (1×)"]
    assert "† still falling" in found.note


def test_gaps_are_named():
    found = table("gaps", BOTH, gaps={"python3.9": "is not there"}.items())
    assert found.rows == [["python3.9", "is not there"]]


def test_other_kinds_have_tables():
    rows = [{"work": "GET /fib", "p99": 0.002, "memory_bytes": 3 * 2**20, "series": [1], "errors": 0}]
    found = table("http", [*BOTH, Results("http", head(backend=None), rows)])
    assert list(found.columns) == ["configuration", "work", "p99", "memory", "errors"]
    assert found.rows == [["CPython 3.11.7", "GET /fib", "2 ms", "3.0 MiB", "0"]]


def test_markdown():
    text = markdown(Report("Mine", tables(BOTH, {}, baseline(BOTH, None))))
    assert text.startswith("# Mine\n\n## Conditions\n")
    assert "| matches, 200 rules, per event | fastcore cython | bitsets | 1 µs | – |" in text
    assert "## All figures" in text


class Page(HTMLParser):
    """Collects ids and references, and what a page would load."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loaded, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.loaded += [found[name] for name in ("src", "href") if name in found and found[name][:1] != "#"]


def test_page_without_plots():
    page = Page(html(Report("<Mine>", tables(BOTH, {"a & b": "<i>"}, baseline(BOTH, None)))))
    assert page.tags.count("table") == 6
    assert "i" not in page.tags
    assert not page.loaded


@pytest.fixture
def results(tmp_path):
    """A folder with results of every kind."""
    folder = tmp_path / "results"
    for number, (label, factor) in enumerate([("CPython 3.11.7", 1), ("PyPy 8.0.1", 0.4)]):
        save(kernels(label, rows=by_count(factor)), folder / f"kernels-{number}.json")
        answers = {"work": "GET /fib/35", "way": "lane", "requests_per_second": 9000 * factor}
        answers |= {"p50": 0.001, "p99": 0.004, "errors": 0, "memory_bytes": 52_000_000 // factor}
        save(Results("http", head(label, None), [answers]), folder / f"http-{number}.json")
        soak = {"work": "GET /fib/35", "samples": [[0, 5e7], [1000, 5.2e7]]}
        save(Results("soak", head(label, None), [soak]), folder / f"soak-{number}.json")
    return folder


def test_page_with_plots(results, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    page, text = tmp_path / "r.html", tmp_path / "r.md"
    done = invoke("bench", "report", results, "--html", page, "--markdown", text, "--title", "Mine")
    assert done.exit_code == 0, done.output
    assert "Kernels: rules" in done.stdout
    assert text.read_text(encoding="utf-8").startswith("# Mine")
    written = page.read_text(encoding="utf-8")
    found = Page(written)
    assert not found.loaded, "the page stands alone"
    titles = re.findall(r"<h2>([^<]*)</h2>", written)
    assert titles[-5:] == [
        "Ratios: rules",
        "Cost against the number of rules",
        "Warm-up",
        "Throughput against memory",
        "Memory over a soak",
    ]
    assert found.tags.count("svg") == 5
    assert len(found.ids) == len(set(found.ids)), "a reference would find a part of another plot"
    assert "currentColor" in written
    assert "#010203" not in written


def test_page_without_matplotlib(results, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = invoke("bench", "report", results, "--html", tmp_path / "r.html")
    assert done.exit_code == 2
    assert 'pip install "fastcore-kernels[bench]"' in done.stderr


def test_bad_results_are_an_error_in_one_line(tmp_path):
    done = invoke("bench", "report", tmp_path)
    assert done.exit_code == 1
    assert done.stderr == f"fastcore bench report: {tmp_path}: holds no results of fastcore bench\n"


def test_tables_within_documents(results, tmp_path):
    document = tmp_path / "page.md"
    document.write_text("Before\n<!-- bench:kernels.rules -->\nold\n<!-- bench:end -->\nbehind\n")
    check = invoke("bench", "report", results, "--into", document, "--check", "--quiet")
    assert check.exit_code == 1
    assert "differs from the results" in check.stderr
    assert invoke("bench", "report", results, "--into", document, "--quiet").exit_code == 0
    text = document.read_text(encoding="utf-8")
    assert text.startswith("Before\n<!-- bench:kernels.rules -->\n")
    assert text.endswith("\n<!-- bench:end -->\nbehind\n")
    assert "old" not in text
    assert "| matches, 20 rules, per event | fastcore python |" in text
    assert invoke("bench", "report", results, "--into", document, "--check", "--quiet").exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [("nothing", "has no <!-- bench:"), ("<!-- bench:cars -->\n<!-- bench:end -->", "no table 'cars'")],
)
def test_documents_that_cannot_be_filled(results, tmp_path, text, message):
    document = tmp_path / "page.md"
    document.write_text(text)
    done = invoke("bench", "report", results, "--into", document)
    assert done.exit_code == 1
    assert message in done.stderr


def test_table_cells_keep_their_columns():
    found = table("gaps", BOTH, gaps={"a|b": "c"}.items())
    assert "| a\\|b | c |" in markdown_table(found)


def test_gaps_come_from_the_folders(tmp_path):
    (tmp_path / "gaps.json").write_text('{"gaps": {"python3.9": "is not there"}}')
    assert documents.gaps([tmp_path, tmp_path / "none"]) == {"python3.9": "is not there"}
