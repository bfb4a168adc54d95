"""Tables within documents: what stands between two markers of a Markdown file is made of results.

<!-- bench:kernels.rules -->
…
<!-- bench:end -->
"""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .gaps import NAME
from .results import BadResultsError
from .view import Table, markdown_table

__all__ = ["MARKED", "fill", "filled", "gaps"]

MARKED = re.compile(r"(<!-- bench:(?!end)([\w.-]+) -->\n).*?(<!-- bench:end -->)", re.DOTALL)


def gaps(paths: Iterable[Path]) -> dict[str, str]:
    """What the folders of results say was not measured."""
    found: dict[str, str] = {}
    for path in paths:
        file = path / NAME
        if file.exists():
            found |= json.loads(file.read_text(encoding="utf-8"))["gaps"]
    return found


def filled(text: str, tables: Sequence[Table], where: str) -> str:
    """A document with the tables of the report between its markers.

    Raises:
        BadResultsError: it names a table that there is not.
    """
    known = {table.key: table for table in tables}

    def put(found: re.Match[str]) -> str:
        if found[2] not in known:
            raise BadResultsError(f"{where}: no table {found[2]!r}; there are {', '.join(known)}")
        table = known[found[2]]
        note = f"{table.note}\n\n" if table.note else ""
        return f"{found[1]}\n{note}{markdown_table(table)}\n\n{found[3]}"

    return MARKED.sub(put, text)


def fill(paths: Sequence[Path], tables: Sequence[Table], *, write: bool) -> list[Path]:
    """Puts tables into documents; gives those that were different.

    Raises:
        BadResultsError: a document has no marker, or names a table that there is not.
    """
    differing = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if not MARKED.search(text):
            raise BadResultsError(f"{path}: has no <!-- bench:… --> with a <!-- bench:end --> behind it")
        new = filled(text, tables, str(path))
        if new != text:
            differing.append(path)
            if write:
                path.write_text(new, encoding="utf-8")
    return differing
