"""Tables that README and docs show are those of the committed results."""

from pathlib import Path

import pytest

from fastcore.lab import documents, reporting
from fastcore.lab.results import load_all

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"

if not (ROOT / "docs" / "README.md").exists():
    pytest.skip("the project's sources are not beside the tests", allow_module_level=True)


def marked():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md"]
    return [page for page in pages if documents.MARKED.search(page.read_text(encoding="utf-8"))]


def test_tables_are_those_of_the_results():
    pages = marked()
    assert bool(pages) == RESULTS.is_dir(), "results are shown, and what is shown has results"
    if not pages:
        return
    found = load_all([RESULTS])
    tables = reporting.tables(found, documents.gaps([RESULTS]), reporting.baseline(found, None))
    differing = documents.fill(pages, tables, write=False)
    assert not differing, "fastcore bench report benchmarks/results --into each of these pages"
