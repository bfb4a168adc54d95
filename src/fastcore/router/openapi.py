"""What an Operation says of itself in the host's OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from .exchange import Operation
from .problems import CODES, MEDIA_TYPE, problem_example, problem_schema

__all__ = ["extra", "responses"]

_BODY_PROBLEMS = ("incomplete-body", "slow-body", "body-too-large", "unsupported-media-type")


def responses(operation: Operation, base: str) -> dict[int | str, dict[str, Any]]:
    """Every answer, for the argument ``responses`` of a route.

    Schemas are written in place: a name in the document's shared components could collide with the host's.

    Parameters:
        operation: whose answers they are.
        base: what the `type` of a problem begins with.
    """
    documented: dict[int | str, dict[str, Any]] = {**operation.answers}
    codes = operation.problems + (_BODY_PROBLEMS if operation.accepts else ())
    for status in sorted({CODES[code].status for code in codes}):
        same = [code for code in codes if CODES[code].status == status]
        documented[status] = _problem(status, same, base)
    return documented


def _problem(status: int, codes: list[str], base: str) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": "; ".join(CODES[code].title for code in codes) + ".",
        "content": {
            MEDIA_TYPE: {
                "schema": problem_schema(codes),
                "examples": {code: {"value": problem_example(code, base)} for code in codes},
            }
        },
    }
    if status == 503:
        response["headers"] = {
            "Retry-After": {"required": True, "schema": {"type": "integer"}, "description": "seconds"}
        }
    return response


def extra(operation: Operation, more: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Parameters, and `more` of them, and body, for the argument ``openapi_extra`` of a route."""
    described: dict[str, Any] = {}
    if parameters := [*operation.parameters, *more]:
        described["parameters"] = parameters
    if operation.accepts:
        described["requestBody"] = {
            "required": True,
            "description": "Of any size."
            if operation.max_bytes is None
            else f"At most {operation.max_bytes} bytes.",
            "content": dict(operation.accepts),
        }
    return described
