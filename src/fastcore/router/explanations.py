"""Explanations as JSON, a rule at a time: others get their turns in between, and the size is bounded."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from fastcore.errors import LimitError
from fastcore.rules import RuleSet

__all__ = ["explain_rules", "explanation"]


def explanation(ruleset: RuleSet, event: dict[str, Any], rule: str | None, limit: int) -> bytes:
    """What ``RuleSet.explain`` gives for the event, as its ``to_json`` writes it.

    Parameters:
        ruleset: explained, by `rule` alone if it is given.
        event: what happened.
        rule: id of a rule.
        limit: the most bytes that it may have.

    Raises:
        KeyError: there is no such rule.
        EventError, LimitError: as ``RuleSet.explain``; LimitError also if it would be longer.
    """
    names = [each.id for each in ruleset.rules] if rule is None else [rule]
    less = "ask for one rule by ?rule=, or with a shorter event"
    return explain_rules(ruleset, event, names, limit, less, datetime.now(UTC))


def explain_rules(
    ruleset: RuleSet, event: dict[str, Any], names: Iterable[str], limit: int, less: str, now: datetime
) -> bytes:
    """The explanation of some rules; parameters and errors as `explanation`.

    Parameters:
        names: their ids; the next is taken when one is explained.
        less: what the caller can do about an explanation that is too long.
        now: the time.
    """
    head = f'{{"ruleset":{_text(ruleset.name)},"version":{_text(ruleset.version)},"rules":['.encode()
    parts: list[bytes] = []
    size = len(head) + 2
    for name in names:
        (explained,) = ruleset.explain(event, name, now=now).rules
        try:
            parts.append(explained.to_json(limit - size))
        except LimitError:
            raise _too_long(limit, less) from None
        size += len(parts[-1]) + (len(parts) > 1)
        if size > limit:
            raise _too_long(limit, less)
    return b"%b%b]}" % (head, b",".join(parts))


def _too_long(limit: int, less: str) -> LimitError:
    return LimitError(f"the explanation would have more than {limit} bytes; {less}")


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
