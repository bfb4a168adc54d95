"""Path and query parameters: read strictly, and described for OpenAPI by the same object."""

import re
from dataclasses import dataclass
from typing import Any

from .compression import plain_tag
from .exchange import Call
from .problems import Problem, echo, refused

__all__ = ["Choice", "Integer", "Text", "entity_tag", "matches"]

_DIGITS = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Integer:
    """A decimal integer from `low` to `high`, ASCII digits only.

    `place` is ``"path"`` or ``"query"``; a query parameter that is absent has the value `default`.
    """

    name: str
    place: str
    low: int
    high: int
    about: str
    default: int | None = None

    def read(self, call: Call, high: int | None = None) -> int | None:
        """The value in this call; `high` may lower the limit.

        Raises:
            Problem: "invalid-parameter", or "limit-exceeded" for an integer above the limit.
        """
        text = (call.path if self.place == "path" else call.query).get(self.name)
        if text is None:
            return self.default
        limit = self.high if high is None else high
        if len(text) < 20 and text.isascii() and text.isdigit():
            value = int(text)
            if self.low <= value <= limit:
                return value
        if not _DIGITS.fullmatch(text):
            raise self._problem("invalid-parameter", f"must be an integer from {self.low} to {limit}", text)
        digits = text.lstrip("0") or "0"
        if len(digits) > len(str(limit)) or int(digits) > limit:
            raise self._problem("limit-exceeded", f"must be at most {limit}", text)
        if int(digits) < self.low:
            raise self._problem("invalid-parameter", f"must be at least {self.low}", text)
        return int(digits)

    def _problem(self, code: str, rule: str, text: str) -> Problem:
        return _refusal(code, self.place, self.name, rule, text)

    def describe(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "integer", "minimum": self.low, "maximum": self.high}
        if self.default is not None:
            schema["default"] = self.default
        return _parameter(self.name, self.place, self.about, schema)


@dataclass(frozen=True, slots=True)
class Choice:
    """A query parameter that takes one of a few values; the first is the default."""

    name: str
    values: tuple[str, ...]
    about: str

    def read(self, call: Call) -> str:
        """The value in this call.

        Raises:
            Problem: "invalid-parameter".
        """
        text = call.query.get(self.name, self.values[0])
        if text not in self.values:
            rule = f"must be one of {', '.join(self.values)}"
            raise _refusal("invalid-parameter", "query", self.name, rule, text)
        return text

    def describe(self) -> dict[str, Any]:
        schema = {"type": "string", "enum": list(self.values), "default": self.values[0]}
        return _parameter(self.name, "query", self.about, schema)


@dataclass(frozen=True, slots=True)
class Text:
    """A string in the path, the query or a header field, taken as it is."""

    name: str
    place: str
    about: str

    def read(self, call: Call) -> str | None:
        if self.place == "path":
            return call.path[self.name]
        if self.place == "query":
            return call.query.get(self.name)
        return call.header(self.name.lower().encode())

    def describe(self) -> dict[str, Any]:
        return _parameter(self.name, self.place, self.about, {"type": "string"})


def _parameter(name: str, place: str, about: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "description": about, "schema": schema}


def _refusal(code: str, place: str, name: str, rule: str, text: str) -> Problem:
    detail = f"{name} {rule}, not {echo(text, 40)!r}"
    return refused(code, f"{place}.{name}", detail)


def entity_tag(text: str, weak: bool = False) -> str:
    """An ``ETag`` field value."""
    return f'W/"{text}"' if weak else f'"{text}"'


def matches(condition: str, tag: str | None, weak: bool) -> bool:
    """Whether ``If-Match`` (`weak` False) or ``If-None-Match`` (True) names this tag, None for nothing."""
    if condition.strip() == "*":
        return tag is not None
    if tag is None or (not weak and tag.startswith("W/")):
        return False
    for written in re.findall(r'(?:W/)?"[^"]*"', condition):
        given = plain_tag(written)
        if given == tag or (weak and given.removeprefix("W/") == tag.removeprefix("W/")):
            return True
    return False
