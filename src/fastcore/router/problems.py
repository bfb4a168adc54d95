"""Errors as the caller sees them: RFC 9457 ``application/problem+json`` with a stable ``code``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .exchange import Fields, Reply

__all__ = [
    "CODES",
    "MEDIA_TYPE",
    "Kind",
    "Problem",
    "echo",
    "problem_example",
    "problem_reply",
    "problem_schema",
    "refused",
]

MEDIA_TYPE = "application/problem+json"
ECHO_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """What is the same in every problem of one code."""

    status: int
    title: str


CODES = {
    "not-found": Kind(404, "There is no such ruleset or rule"),
    "incomplete-body": Kind(400, "The body ended early"),
    "slow-body": Kind(408, "The body did not arrive in time"),
    "name-mismatch": Kind(409, "The document is for another ruleset"),
    "not-replaceable": Kind(409, "The ruleset is kept in a file that is not replaced over HTTP"),
    "precondition-failed": Kind(412, "The ruleset is not the one that was expected"),
    "body-too-large": Kind(413, "The body is too large"),
    "unsupported-media-type": Kind(415, "The body is of a type that is not read here"),
    "invalid-parameter": Kind(422, "A parameter is not valid"),
    "limit-exceeded": Kind(422, "A limit was exceeded"),
    "invalid-json": Kind(422, "The body is not valid JSON"),
    "invalid-event": Kind(422, "The body is not an event"),
    "evaluation-failed": Kind(422, "A rule could not be decided for this event"),
    "invalid-ruleset": Kind(422, "The ruleset document is not valid"),
    "busy": Kind(503, "The service is at its capacity"),
    "not-ready": Kind(503, "The service is not ready"),
    "not-stored": Kind(503, "The ruleset could not be stored"),
}


class Problem(Exception):  # noqa: N818 - the name that RFC 9457 has for it
    """Ends a request with a problem answer.

    Parameters:
        code: a key of ``CODES``; the caller sees it as ``fastcore/<code>``.
        detail: a sentence for the person who reads it; shortened if it is long.
        errors: each a mapping with ``path`` and ``message``, and more where it helps.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Sequence[dict[str, Any]] = (),
        headers: Fields = (),
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers


def echo(value: object, length: int = ECHO_LENGTH) -> str:
    """Text that came from outside, never longer than `length` characters."""
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def refused(code: str, path: str, message: str, **more: Any) -> Problem:
    """A Problem with one entry in its errors; `path` says where, as ``path.n`` or ``body``."""
    return Problem(code, message, [{"path": path, "message": message, **more}])


def problem_reply(problem: Problem, base: str, max_errors: int) -> Reply:
    """The answer that a Problem stands for."""
    errors = [
        {key: echo(value) if isinstance(value, str) else value for key, value in error.items()}
        for error in problem.errors[:max_errors]
    ]
    body = _document(problem.code, base, echo(problem.detail), errors)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # a lone surrogate can come in through a JSON escape and has no UTF-8 form
    return Reply(text.encode("utf-8", "replace"), body["status"], MEDIA_TYPE, problem.headers)


def _document(code: str, base: str, detail: str, errors: list[dict[str, Any]]) -> dict[str, Any]:
    kind = CODES[code]
    return {
        "type": base + code,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": f"fastcore/{code}",
        "errors": errors,
    }


def problem_example(code: str, base: str) -> dict[str, Any]:
    """A problem of this code as it may look."""
    kind = CODES[code]
    detail = f"{kind.title}."
    return _document(code, base, detail, [{"path": "body", "message": detail}])


def problem_schema(codes: Sequence[str]) -> dict[str, Any]:
    """JSON Schema of a problem answer that has one of these codes, all of one status."""
    text = {"type": "string", "maxLength": ECHO_LENGTH}
    return {
        "title": "Problem",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "errors"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "const": CODES[codes[0]].status},
            "detail": text,
            "code": {"type": "string", "enum": [f"fastcore/{code}" for code in codes]},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["path", "message"],
                    "properties": {
                        "path": text,
                        "message": text,
                        "offset": {"type": "integer", "minimum": 0},
                        "version": {**text, "description": "of the ruleset that refused an event"},
                    },
                },
            },
        },
    }
