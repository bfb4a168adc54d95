"""Every exception that fastcore raises on purpose.

All derive from FastcoreError; those that stand for a bad value are ValueErrors as well, so that callers who
know nothing of fastcore still catch them. All of them survive pickling.
"""

__all__ = [
    "EvaluationError",
    "EventError",
    "FastcoreError",
    "LimitError",
    "LogicError",
    "PayloadError",
    "RuleSetError",
    "SchemaError",
    "SettingsError",
    "StoreError",
]


class FastcoreError(Exception):
    """Base of all."""


class LimitError(FastcoreError, ValueError):
    """A documented limit (size, depth, number) was exceeded; nothing was computed."""


class LogicError(FastcoreError):
    """A JSONLogic expression could not be evaluated.

    Parameters:
        type: what happened, named as the conformance suites do: "NaN", "Invalid Arguments",
            "Unknown Operator", or the text that ``throw`` was given.
        value: what ``throw`` was given, or ``{"type": type}``.
    """

    def __init__(self, type: str, value: object = None) -> None:
        super().__init__(type, value)
        self.type = type
        self.value = {"type": type} if value is None else value

    def __str__(self) -> str:
        return self.type


class RuleSetError(FastcoreError, ValueError):
    """A ruleset document is not valid.

    Parameters:
        errors: all of them, each a pair of path and message, such as
            ``("rules[3].when.and[1]", 'unknown operator "foo"')``.
    """

    def __init__(self, errors: "tuple[tuple[str, str], ...]") -> None:
        super().__init__(errors)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return _listed(self.errors)


class SettingsError(FastcoreError, ValueError):
    """Settings in the environment are not valid.

    Parameters:
        errors: all of them, each a pair of the variable's name and a message.
    """

    def __init__(self, errors: "tuple[tuple[str, str], ...]") -> None:
        super().__init__(errors)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return _listed(self.errors)


class StoreError(FastcoreError):
    """A ruleset cannot be kept in its store's folder; the message names the file that stands in the way."""


class EvaluationError(FastcoreError):
    """A rule could not be decided for an event, under the policy ``missing="error"``.

    Parameters:
        rule: id of the first such rule in order.
        field: dotted path of the field that decided it.
        value: what the event holds there; None where it holds nothing.
        reason: why that cannot be evaluated.
        index: position of the event in a batch, else None.
    """

    def __init__(self, rule: str, field: str, value: object, reason: str, index: "int | None" = None) -> None:
        super().__init__(rule, field, value, reason, index)
        self.rule = rule
        self.field = field
        self.value = value
        self.reason = reason
        self.index = index

    def __str__(self) -> str:
        where = "" if self.index is None else f"event {self.index}: "
        return f"{where}rule {self.rule!r}: field {self.field!r}: {self.reason}"


class EventError(FastcoreError, ValueError):
    """An event cannot be read: it is not JSON, or nothing that has fields.

    Parameters:
        message: what is wrong.
        offset: where in the JSON text, from 0: in bytes, or in characters if the text was a str; None where
            the event was not text.
    """

    def __init__(self, message: str, offset: "int | None" = None) -> None:
        super().__init__(message, offset)
        self.message = message
        self.offset = offset

    def __str__(self) -> str:
        return self.message if self.offset is None else f"{self.message} at offset {self.offset}"


class SchemaError(FastcoreError, ValueError):
    """A payload schema cannot be used; the message names the field."""


class PayloadError(FastcoreError, ValueError):
    """A row does not fit its schema.

    Parameters:
        row: its number, from 0; None where the input as a whole is wrong.
        field: dotted output name, or "" for the row itself.
        expected: what the schema allows there.
        got: what was found, shortened.
    """

    def __init__(self, row: "int | None", field: str, expected: str, got: str) -> None:
        super().__init__(row, field, expected, got)
        self.row = row
        self.field = field
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        where = ", ".join(
            part
            for part in (
                "" if self.row is None else f"row {self.row}",
                f"field {self.field!r}" if self.field else "",
            )
            if part
        )
        return (
            f"{where}: expected {self.expected}, got {self.got}"
            if where
            else f"expected {self.expected}, got {self.got}"
        )


def _listed(errors: "tuple[tuple[str, str], ...]") -> str:
    lines = [f"{place}: {message}" if place else message for place, message in errors]
    return lines[0] if len(lines) == 1 else f"{len(lines)} errors\n  " + "\n  ".join(lines)
