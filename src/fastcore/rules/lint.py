"""What is valid in a ruleset but hardly meant. Sound, not complete: a warning is always right."""

from dataclasses import dataclass

from .document import CheckedDocument

__all__ = ["LintWarning", "lint"]


@dataclass(frozen=True, slots=True)
class LintWarning:
    """One warning.

    Attributes:
        rules: ids of the rules that it concerns, the one to look at first.
        path: where in the document.
        code: ``never-fires``, ``always-fires``, ``duplicate``, ``shadowed`` or ``empty-list``.
        message: in words.
    """

    rules: tuple[str, ...]
    path: str
    code: str
    message: str


def lint(checked: CheckedDocument) -> tuple[LintWarning, ...]:
    """All warnings, in the order of the document."""
    return ()
