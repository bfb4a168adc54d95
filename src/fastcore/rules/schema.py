"""The JSON Schema of a ruleset document, for editors and front ends."""

from typing import Any

from .operators import OPERATORS
from .shapes import MAX_NAME, POLICIES

__all__ = ["document_schema"]


def document_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a ruleset document, as a fresh value.

    It describes keys, types, operators and their number of operands. What a schema cannot say (ids are
    unique, lists exist, paths and patterns are constant) only loading a document tells.
    """
    text = {"type": "string", "minLength": 1}
    moment = {"type": "string", "format": "date-time"}
    scalar = {"type": ["string", "number", "boolean"]}
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fastcore ruleset",
        **_object(
            {
                "name": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_NAME,
                    "pattern": r"^[^/\\\u0000-\u001f]+$",
                    "default": "rules",
                },
                "version": text,
                "description": {"type": "string"},
                "missing": {"enum": list(POLICIES), "default": "unknown"},
                "lists": {"type": "object", "additionalProperties": {"type": "array", "items": scalar}},
                "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
                "decisions": {"type": "array", "items": {"$ref": "#/$defs/decision"}},
                "default_action": {"type": ["string", "null"], "minLength": 1},
                "examples": {"type": "array", "items": {"$ref": "#/$defs/example"}},
            },
            required=["rules"],
        ),
        "$defs": {
            "rule": _object(
                {
                    "id": text,
                    "when": {"$ref": "#/$defs/condition"},
                    "score": {"type": "number", "default": 0},
                    "action": text,
                    "priority": {"type": "integer", "default": 0},
                    "tags": texts,
                    "description": {"type": "string"},
                    "enabled": {"type": "boolean", "default": True},
                    "valid_from": moment,
                    "valid_until": moment,
                    "examples": {"type": "array", "items": {"$ref": "#/$defs/rule_example"}},
                },
                required=["id", "when"],
            ),
            "decision": _object({"at_least": {"type": "number"}, "action": text}, ["at_least", "action"]),
            "example": _object(
                {
                    "event": {"type": "object"},
                    "expect": {
                        **_object(
                            {
                                "matched": texts,
                                "fires": texts,
                                "not_fires": texts,
                                "score": {"type": "number"},
                                "action": {"type": ["string", "null"]},
                            },
                            required=[],
                        ),
                        "minProperties": 1,
                    },
                    "description": {"type": "string"},
                    "now": moment,
                },
                required=["event", "expect"],
            ),
            "rule_example": _object(
                {
                    "event": {"type": "object"},
                    "fires": {"type": "boolean"},
                    "description": {"type": "string"},
                    "now": moment,
                },
                required=["event", "fires"],
            ),
            "condition": {
                "anyOf": [
                    {"type": ["string", "number", "boolean", "null"]},
                    {"type": "array", "items": {"$ref": "#/$defs/condition"}},
                    {"$ref": "#/$defs/operation"},
                ]
            },
            "operation": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
                "properties": {name: _operands(name) for name in OPERATORS},
            },
        },
    }


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _operands(name: str) -> dict[str, Any]:
    """An array of operands, or a single operand without the array."""
    operator = OPERATORS[name]
    several: dict[str, Any] = {"type": "array", "items": {"$ref": "#/$defs/condition"}}
    if operator.least:
        several["minItems"] = operator.least
    if operator.most is not None:
        several["maxItems"] = operator.most
    if operator.least > 1 or operator.most == 0:
        return several
    single = {"anyOf": [{"type": ["string", "number", "boolean", "null"]}, {"$ref": "#/$defs/operation"}]}
    return {"anyOf": [several, single]}
