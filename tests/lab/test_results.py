"""Documents of results: written whole, read with a clear error, valid by their schema."""

import json

import pytest

from fastcore.lab.interpreters import current
from fastcore.lab.results import SCHEMA, BadResultsError, Results, head, load, load_all, save, schema

from .made import kernels

MEMORY = {
    "measure": "RSS when idle",
    "way": None,
    "unit": "bytes",
    "value": 5e7,
    "samples": [5e7],
    "gap": None,
}
SOAK = {"work": "GET /fib/35", "samples": [[1, 2.5e7]]}
HTTP = {
    "work": "GET /fib/35",
    "way": "lane",
    "requests_per_second": 9000.5,
    "p50": 0.001,
    "p99": 0.004,
    "errors": 0,
    "memory_bytes": 52_000_000,
}


def measured_here(kind, rows):
    conditions = head(current(), backend=None, source="checkout 1", quick=True, packages={"a": "1"})
    return Results(kind, conditions, rows)


def test_round_trip(tmp_path):
    path = tmp_path / "folder" / "a.json"
    document = kernels()
    save(document, path)
    assert load(path) == Results(document.kind, document.head, document.rows, path)
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    "document",
    [
        kernels(),
        measured_here("http", [HTTP]),
        measured_here("soak", [SOAK]),
        measured_here("memory", [MEMORY]),
    ],
    ids=lambda document: document.kind,
)
def test_schema(document):
    validate = pytest.importorskip("jsonschema", reason="jsonschema is not installed").validate
    validate(document.to_dict(), schema())


@pytest.mark.parametrize("change", [{"median": "fast"}, {"checksum": None}, {"rounds": 0}])
def test_schema_refuses(change):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    document = kernels()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document.to_dict(), "rows": [document.rows[0] | change]}, schema())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", f"\"schema\" is not '{SCHEMA}'"),
        (json.dumps({"schema": SCHEMA, "kind": "cars"}), "\"kind\" is 'cars'"),
        (json.dumps({"schema": SCHEMA, "kind": "soak", "head": 3}), '"head" is no object'),
        (json.dumps({"schema": SCHEMA, "kind": "soak", "head": {"label": 1}}), '"head.label" is missing'),
        (
            json.dumps({"schema": SCHEMA, "kind": "soak", "head": kernels().head, "rows": [1]}),
            '"rows" is no array of objects',
        ),
    ],
)
def test_bad_documents(tmp_path, text, message):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(BadResultsError, match=r"bad\.json: ") as caught:
        load(path)
    assert message in str(caught.value)


def test_a_folder_may_hold_other_json(tmp_path):
    save(kernels(), tmp_path / "a.json")
    (tmp_path / "other.json").write_text("{}")
    assert [each.label for each in load_all([tmp_path])] == ["CPython 3.11.7, python"]


def test_nothing_to_read(tmp_path):
    with pytest.raises(BadResultsError, match="holds no results"):
        load_all([tmp_path])
    with pytest.raises(BadResultsError, match="No such file"):
        load_all([tmp_path / "none.json"])
