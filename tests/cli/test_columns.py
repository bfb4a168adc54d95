"""CSV cells: text unless the ruleset, the user or their look says otherwise."""

from datetime import UTC, date, datetime

import pytest

from fastcore.cli.columns import Columns
from fastcore.cli.readers import BadRecord
from fastcore.cli.sources import SourceError


def event(header, row, fields=None, types=None, nulls=()):
    fields = dict.fromkeys(header, ()) if fields is None else fields
    return Columns(fields, types or {}, nulls)(header)(row)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("7.50", 7.5),
        ("1e3", 1000.0),
        ("007", "007"),
        ("+49", "+49"),
        ("1_000", "1_000"),
        (" 7", " 7"),
        ("٣", "٣"),
        ("0x10", "0x10"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("true", True),
        ("False", False),
        ("9E", "9E"),
        ("-", "-"),
        ("12345678901234567890123", 12345678901234567890123),
    ],
)
def test_cells_without_a_known_type_are_what_they_look_like(cell, value):
    found = event(["x"], [cell])["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("number", "0517", 517),
        ("number", " 5.", 5.0),
        ("number", ".5", 0.5),
        ("number", "+5", 5),
        ("number", "n/a", "n/a"),
        ("string", "7", "7"),
        ("string", "true", "true"),
        ("boolean", "TRUE", True),
        ("boolean", "0", False),
        ("boolean", "yes", "yes"),
        ("datetime", "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("datetime", "soon", "soon"),
        ("date", "2026-01-31", date(2026, 1, 31)),
        ("array", "[1]", "[1]"),
    ],
)
def test_the_ruleset_tells_the_type_and_what_does_not_fit_stays_text(kind, cell, value):
    found = event(["x"], [cell], fields={"x": (kind,)})["x"]
    assert found == value
    assert type(found) is type(value)


def test_a_field_read_as_two_types_is_what_it_looks_like():
    assert event(["x"], ["7"], fields={"x": ("number", "string")}) == {"x": 7}


def test_a_number_of_very_many_digits_is_no_crash():
    assert event(["x"], ["9" * 5000]) == {"x": float("inf")}


@pytest.mark.parametrize(
    ("kind", "cell"), [("number", "abc"), ("boolean", "2"), ("datetime", "x"), ("date", "7")]
)
def test_the_users_type_is_binding(kind, cell):
    found = event(["a.b"], [cell], types={"a.b": kind})
    assert isinstance(found, BadRecord)
    assert found.reason.startswith("column 'a.b': expected ")
    assert isinstance(event(["x"], [cell], types={"x": kind}), BadRecord)


def test_the_users_type_comes_before_the_rulesets():
    assert event(["x"], ["7"], fields={"x": ("number",)}, types={"x": "string"}) == {"x": "7"}


def test_empty_cells_and_null_texts_are_missing():
    assert event(["x", "y", "z"], ["", "NA", "1"], nulls=["NA"]) == {"z": 1}
    assert event(["x", "y"], ["", "NA"]) == {"y": "NA"}


def test_dotted_names_are_paths():
    assert event(["a.b", "a.c.d", "e"], ["1", "2", "3"]) == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}


def test_columns_that_no_rule_reads_are_left_out():
    assert event(["x", "y"], ["1", "2"], fields={"x": ()}) == {"x": 1}
    assert event(["a.b", "a.c", "b"], ["1", "2", "3"], fields={"a": ()}) == {"a": {"b": 1, "c": 2}}
    assert event(["x", "y"], ["1", "2"], fields={"": ()}) == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (["x", ""], "column 2 of the CSV input has the name ''"),
        (["a..b"], "which is not a path"),
        (["x", "x"], "two columns of the CSV input have the name 'x'"),
        (["a", "a.b"], "exclude one another"),
    ],
)
def test_a_header_that_cannot_be_used(header, message):
    with pytest.raises(SourceError, match=message):
        event(header, ["1"] * len(header))


def test_a_type_for_a_column_that_is_not_there():
    with pytest.raises(SourceError, match="no column 'y'"):
        event(["x"], ["1"], types={"y": "number"})
