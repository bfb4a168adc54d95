"""JSON Schemas of what goes in and out of ``/rules``, for the OpenAPI document."""

from typing import Any

from .exchange import JSON

__all__ = [
    "COUNTS",
    "DECISION",
    "DETAIL",
    "DOCUMENT",
    "ERROR_RECORD",
    "EVENT",
    "EXPLANATION",
    "LISTING",
    "REPLACED",
    "answer",
    "record",
]


def record(
    title: str, required: dict[str, Any], optional: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Schema of an object that has these members."""
    members = {**required, **(optional or {})}
    return {"title": title, "type": "object", "required": list(required), "properties": members, **more}


def answer(description: str, schema: dict[str, Any], example: object, **more: Any) -> dict[str, Any]:
    """An OpenAPI response object with a JSON body."""
    return {"description": description, "content": {JSON: {"schema": schema, "example": example}}, **more}


_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_SUMMARY = {
    "name": _TEXT,
    "version": {"type": "string", "description": "the version that the document gives itself"},
    "rules": {"type": "integer", "minimum": 0, "description": "how many there are"},
    "fields": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": _TEXT},
        "description": "dotted path of each field that an event is read at, with the types that it should be",
    },
    "etag": {"type": "string", "description": "changes with the content"},
}

_RULE_ERROR = record(
    "RuleError",
    {
        "code": _TEXT,
        "message": _TEXT,
        "rule": {"type": ["string", "null"]},
        "field": {"type": ["string", "null"]},
    },
)

EVENT = record("Event", {}, description="Any JSON object; members that no rule reads are ignored.")
_REJECTED = {
    "file": {"type": "string", "description": "its name; `.` is the folder itself"},
    "ruleset": {"type": ["string", "null"], "description": "the ruleset that it gave before, still used"},
    "errors": {"type": "array", "items": record("FileError", {"path": _TEXT, "message": _TEXT})},
}
LISTING = record(
    "Rulesets",
    {
        "rulesets": {"type": "array", "items": record("RulesetSummary", _SUMMARY)},
        "watching": {"type": "boolean", "description": "whether changes of the folder are followed"},
        "rejected": {
            "type": "array",
            "items": record("RejectedFile", _REJECTED),
            "description": "files of the folder that are not used because they are not valid",
        },
    },
)
COUNTS = record(
    "RuleCounts",
    {
        "ruleset": _TEXT,
        "version": _TEXT,
        "since": {"type": "string", "format": "date-time", "description": "when counting began"},
        "events": {**_COUNT, "description": "events that were decided since then"},
        "rules": {
            "type": "object",
            "additionalProperties": _COUNT,
            "description": "by id, in how many of them the rule fired; in the order of `matched`",
        },
        "scope": {"type": "string", "const": "this process"},
    },
)
DOCUMENT = {"title": "RulesetDocument", "type": "object", "description": "The ruleset as it is written."}
DETAIL = record(
    "Ruleset",
    {
        **_SUMMARY,
        "rejected": {
            **record("RejectedFile", _REJECTED),
            "type": ["object", "null"],
            "description": "why the present content of its file is not used",
        },
        "document": DOCUMENT,
    },
)
REPLACED = record("Replaced", _SUMMARY)
DECISION = record(
    "Decision",
    {
        "matched": {"type": "array", "items": _TEXT, "description": "ids of the rules that fired, in order"},
        "score": {"type": "number", "description": "sum of their scores"},
        "action": {"type": ["string", "null"]},
        "errors": {"type": "array", "items": _RULE_ERROR, "description": "rules that could not be evaluated"},
        "ruleset": _TEXT,
        "version": _TEXT,
    },
)
ERROR_RECORD = record(
    "ErrorRecord",
    {
        "index": {"type": "integer", "minimum": 0, "description": "position of the record in the batch"},
        "error": record("RecordError", {"code": _TEXT, "detail": _TEXT, "version": _TEXT}),
    },
    {"final": {"const": True, "description": "nothing after this was decided: the answer ends here"}},
    description="Stands in the place of a record that has no decision.",
)
_CONDITION = {
    "title": "ExplainedCondition",
    "type": ["object", "null"],
    "properties": {
        "path": {"type": "string", "description": "where it stands in the rule"},
        "condition": {"type": "string", "description": "the condition as an analyst would write it"},
        "value": {"type": "string", "enum": ["true", "false", "unknown"]},
        "fields": {
            "type": "array",
            "items": record("ExplainedField", {"field": _TEXT, "present": {"type": "boolean"}, "value": {}}),
        },
        "reason": {"type": "string", "description": "of an unknown condition, why"},
        "parts": {"type": "array", "items": {"type": "object"}, "description": "conditions like this one"},
    },
}
_EXPLAINED = {
    "rule": _TEXT,
    "description": _TEXT,
    "score": {"type": "number"},
    "action": {"type": ["string", "null"]},
    "fired": {"type": "boolean"},
    "value": {"type": ["string", "null"], "enum": ["true", "false", "unknown", None]},
    "why": _TEXT,
    "condition": _CONDITION,
}
EXPLANATION = record(
    "Explanation",
    {
        "ruleset": _TEXT,
        "version": _TEXT,
        "rules": {"type": "array", "items": record("ExplainedRule", _EXPLAINED)},
    },
)
