"""The JSON Schema of one row, from checked fields."""

import json
from typing import Any

from .schema import SchemaField

__all__ = ["row_schema"]

_PLAIN: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "uuid": {"type": "string", "format": "uuid"},
    "decimal": {"type": "string"},
    "raw": {},
}


def row_schema(fields: tuple[SchemaField, ...], nan: str) -> dict[str, Any]:
    """JSON Schema (2020-12, as OpenAPI 3.1 has it) of the object that these fields make.

    Under the policy ``nan="null"`` numbers that may be NaN and times that may be NaT are nullable.
    """
    properties = {field.name: _value(field, nan) for field in fields}
    required = [field.name for field in fields if not (field.omit_null or field.omit_missing)]
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def _value(field: SchemaField, nan: str) -> dict[str, Any]:
    schema = _not_null(field, nan)
    may_be_nan = field.kind in ("float", "decimal", "datetime", "date") and nan == "null"
    if (field.nullable or may_be_nan) and not field.omit_null:
        schema = _or_null(schema)
    left_out = field.omit_null and field.default_text == "null"
    if field.default_text is not None and not left_out:
        schema = {**schema, "default": json.loads(field.default_text)}
    return schema


def _not_null(field: SchemaField, nan: str) -> dict[str, Any]:
    if field.kind == "object":
        return row_schema(field.members, nan)
    if field.kind == "list":
        return {"type": "array", "items": _value(field.members[0], nan)}
    if field.kind == "constant":
        return {"const": json.loads(field.detail)}
    if field.kind == "now":
        return dict(_PLAIN[field.detail[0]])
    if field.kind == "enum":
        cls, texts = field.detail
        return {"title": cls.__name__, "enum": [json.loads(text) for _, text in texts]}
    if field.as_string:
        return {"type": "string"}
    if field.as_number:
        return {"type": "number"}
    return dict(_PLAIN[field.kind])


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if not schema:
        return schema  # anything, null included
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]} if None not in schema["enum"] else schema
    return {**schema, "type": [schema["type"], "null"]} if isinstance(schema.get("type"), str) else schema
