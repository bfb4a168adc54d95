"""Examples of what goes in and out, for the OpenAPI document: one small ruleset, and an event."""

from typing import Any

__all__ = ["COUNTS", "DECISION", "DETAIL", "EVENT", "EXPLANATION", "LINES", "LISTING", "SUMMARY"]

EVENT: dict[str, Any] = {"amount": 120, "country": "DE"}

_CONDITION = {">": [{"var": "amount"}, 100]}
_DOCUMENT: dict[str, Any] = {
    "name": "fraud",
    "version": "7",
    "rules": [
        {"id": "large", "description": "A large amount", "when": _CONDITION, "score": 40, "action": "review"}
    ],
}
SUMMARY: dict[str, Any] = {
    "name": "fraud",
    "version": "7",
    "rules": 1,
    "fields": {"amount": ["number"]},
    "etag": '"3f1b8ba2574f97e8cd3874f715926ce4"',
}
_REJECTED = {
    "file": "fraud.json",
    "ruleset": "fraud",
    "errors": [{"path": "fraud.json: rules[0].when", "message": 'unknown operator "foo"'}],
}
LISTING = {"rulesets": [SUMMARY], "watching": True, "rejected": [_REJECTED]}
DETAIL = {**SUMMARY, "rejected": _REJECTED, "document": _DOCUMENT}
DECISION: dict[str, Any] = {
    "matched": ["large"],
    "score": 40,
    "action": "review",
    "errors": [],
    "ruleset": "fraud",
    "version": "7",
}
COUNTS = {
    "ruleset": "fraud",
    "version": "7",
    "since": "2026-11-21T08:00:00.000+00:00",
    "events": 120,
    "rules": {"large": 3},
    "scope": "this process",
}
EXPLANATION: dict[str, Any] = {
    "ruleset": "fraud",
    "version": "7",
    "rules": [
        {
            "rule": "large",
            "description": "A large amount",
            "score": 40,
            "action": "review",
            "fired": True,
            "value": "true",
            "why": "its condition is true",
            "condition": {
                "path": "when",
                "condition": "amount > 100",
                "value": "true",
                "fields": [{"field": "amount", "present": True, "value": 120}],
                "reason": "",
                "parts": [],
            },
        }
    ],
}
LINES = '{"amount":120,"country":"DE"}\n{"amount":7,"country":"FR"}\n'
