"""The rows of the playground in the router's table."""

from typing import Any

from fastcore.router import examples
from fastcore.router.exchange import JSON, Operation
from fastcore.router.schemas import DECISION, DOCUMENT, EVENT, EXPLANATION, answer, record
from fastcore.router.settings import RouterSettings
from fastcore.rules import RuleStore

from .page import HTML, NONE_MATCH, Page
from .trying import WRAPPING_BYTES, Trial

__all__ = ["operations"]


def operations(settings: RouterSettings, store: RuleStore) -> list[Operation]:
    """The page, and trying what is not saved."""
    return [_page(Page.load()), _trying(Trial(settings, store), settings)]


def _page(page: Page) -> Operation:
    return Operation(
        name="playground",
        method="GET",
        path="/playground",
        handler=page.handle,
        summary="A page to try events and rules on",
        description="Self-contained: it asks this router, relative to its own address, and nothing else.",
        answers={
            200: {
                "description": "The page.",
                "content": {HTML: {"schema": {"type": "string"}, "example": "<!doctype html>"}},
            },
            304: {"description": "The client holds it already."},
        },
        parameters=(NONE_MATCH.describe(),),
    )


def _trying(trial: Trial, settings: RouterSettings) -> Operation:
    return Operation(
        name="try_ruleset",
        method="POST",
        path="/playground/try",
        handler=trial.handle,
        summary="Decide by a document that is not saved",
        description=(
            "What the document would decide on the event, and why. Nothing is stored. One document is tried "
            f"at a time. The document may have at most {settings.max_ruleset_bytes} bytes, the event "
            f"{settings.max_body_bytes} and nest at most {settings.max_depth} deep."
        ),
        answers={200: answer("Decision and explanation.", _TRIED, _tried_example())},
        problems=("invalid-json", "invalid-ruleset", "invalid-event", "limit-exceeded", "not-found", "busy"),
        accepts={JSON: {"schema": _BODY, "example": _body_example()}},
        max_bytes=settings.max_ruleset_bytes + settings.max_body_bytes + WRAPPING_BYTES,
    )


_BODY: dict[str, Any] = {
    "title": "Trial",
    "type": "object",
    "required": ["document", "event"],
    "additionalProperties": False,
    "properties": {
        "document": DOCUMENT,
        "event": EVENT,
        "rules": {
            "type": "array",
            "items": {"type": "string"},
            "description": "ids of the rules to explain; without it all are",
        },
    },
}

_TRIED = record("Tried", {"decision": DECISION, "explanation": EXPLANATION})


def _body_example() -> dict[str, Any]:
    return {"document": examples.DETAIL["document"], "event": examples.EVENT, "rules": ["large"]}


def _tried_example() -> dict[str, Any]:
    return {"decision": examples.DECISION, "explanation": examples.EXPLANATION}
