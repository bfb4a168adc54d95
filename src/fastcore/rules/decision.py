"""What a ruleset says about one event."""

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Decision", "DecisionError"]


@dataclass(frozen=True, slots=True)
class DecisionError:
    """Something that went wrong while one event was evaluated.

    Attributes:
        code: ``"event"``: the event cannot be read; ``"limit"``: evaluating it took too much;
            ``"evaluation"``: a
            rule is undecided under ``missing="error"``; these three leave no decision. ``"throw"``: a
            condition
            threw; ``"logic"``: a condition could not be evaluated under ``missing="jsonlogic"``; the rest
            stands.
        message: what, in words.
        rule: id of the rule, None where it concerns the event.
        field: dotted path of the field that decided it, if there is one.
    """

    code: str
    message: str
    rule: str | None = None
    field: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "rule": self.rule, "field": self.field}


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome for one event; equal to another, and hashed, by content.

    Attributes:
        matched: ids of the rules that fired, by priority, then in the order of the document.
        score: the sum of their scores; a float if some enabled rule's score is one.
        action: what is to be done, None if nothing says so.
        errors: what went wrong; see `failed`.
        ruleset, version: of what was evaluated.
    """

    matched: tuple[str, ...]
    score: int | float
    action: str | None
    errors: tuple[DecisionError, ...]
    ruleset: str
    version: str

    @property
    def failed(self) -> bool:
        """Whether there is no decision: the record of a bad event, in its place in a batch."""
        return any(error.code in ("event", "limit", "evaluation") for error in self.errors)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "matched": list(self.matched),
            "score": self.score,
            "action": self.action,
            "errors": [error.to_dict() for error in self.errors],
            "ruleset": self.ruleset,
            "version": self.version,
        }

    def to_json(self) -> bytes:
        """The same as compact UTF-8 JSON."""
        return to_json(self.to_dict())


def to_json(value: object) -> bytes:
    """Compact UTF-8; text that is not Unicode is escaped, so that the result always is."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
