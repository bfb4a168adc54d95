"""The documents that the laboratory writes and reads; ``results.schema.json`` describes them.

A document holds one cell: an interpreter, a backend, and rows of what was run there. It is written whole or
not at all, so a run that is interrupted leaves nothing that cannot be read.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastcore._version import __version__
from fastcore.rules.file_lock import replace_file

from .facts import machine_facts
from .interpreters import Interpreter

__all__ = ["KINDS", "SCHEMA", "BadResultsError", "Results", "head", "load", "load_all", "save", "schema"]

SCHEMA = "fastcore-bench-1"
KINDS = ("kernels", "http", "memory", "soak")
HEAD: dict[str, type | tuple[type, ...]] = {
    "label": str,
    "created": str,
    "command": list,
    "quick": bool,
    "fastcore": str,
    "source": str,
    "backend": (str, type(None)),
    "interpreter": dict,
    "machine": dict,
    "packages": dict,
}


class BadResultsError(Exception):
    """A file does not hold results, or results cannot be compared; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Results:
    """One document.

    Attributes:
        kind: what was measured: "kernels", "http", "memory" or "soak".
        head: under which conditions.
        rows: what came out.
        path: of the file that it was read from.
    """

    kind: str
    head: dict[str, Any]
    rows: list[dict[str, Any]]
    path: Path | None = None

    @property
    def label(self) -> str:
        """The configuration: interpreter, and the backend where there is one."""
        backend = self.head["backend"]
        return f"{self.head['label']}, {backend}" if backend else str(self.head["label"])

    def to_dict(self) -> dict[str, Any]:
        found = asdict(self)
        del found["path"]
        return {"schema": SCHEMA, **found}


def head(
    interpreter: Interpreter,
    *,
    backend: str | None,
    source: str,
    quick: bool,
    packages: dict[str, str],
    version: str = __version__,
) -> dict[str, Any]:
    """What every document says about the conditions of a measurement.

    Parameters:
        interpreter: that was measured.
        backend: that served, None where that is no question.
        source: what fastcore was installed from.
        quick: whether less time was taken than figures to publish need.
        packages: names and versions of what took part.
        version: of the fastcore that was measured.
    """
    return {
        "label": interpreter.label,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": ["fastcore", *sys.argv[1:]],
        "quick": quick,
        "fastcore": version,
        "source": source,
        "backend": backend,
        "interpreter": interpreter.facts,
        "machine": machine_facts(),
        "packages": packages,
    }


def schema() -> dict[str, Any]:
    """The JSON Schema of a document."""
    text = Path(__file__).with_name("results.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def save(results: Results, path: Path) -> None:
    """Writes a document, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, f"{json.dumps(results.to_dict(), indent=1)}\n".encode())


def load(path: Path) -> Results:
    """Reads a document.

    Raises:
        BadResultsError: it cannot be read, or is no such document.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadResultsError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise BadResultsError(f"{path}: is no JSON: {error}") from error
    if problem := _problem(document):
        raise BadResultsError(f"{path}: {problem}")
    return Results(document["kind"], document["head"], document["rows"], path)


def _problem(document: Any) -> str | None:
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return f'holds no results of fastcore bench: "schema" is not {SCHEMA!r}'
    if document.get("kind") not in KINDS:
        return f'"kind" is {document.get("kind")!r}, not one of {", ".join(KINDS)}'
    found = document.get("head")
    if not isinstance(found, dict):
        return '"head" is no object'
    for name, kind in HEAD.items():
        if name not in found or not isinstance(found[name], kind):
            return f'"head.{name}" is missing or of another type'
    rows = document.get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return '"rows" is no array of objects'
    return None


def load_all(paths: Iterable[Path]) -> list[Results]:
    """Reads documents; of a folder all that are in it, of other JSON files in a folder none.

    Raises:
        BadResultsError: there are none, or one that was named cannot be read.
    """
    found = []
    for path in paths:
        if not path.is_dir():
            found.append(load(path))
            continue
        files = sorted(path.glob("*.json"))
        documents = [load(file) for file in files if SCHEMA in file.read_text(encoding="utf-8")]
        if not documents:
            raise BadResultsError(f"{path}: holds no results of fastcore bench")
        found += documents
    return found
