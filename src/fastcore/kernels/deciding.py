"""From the rules that fired to what is decided: score, action and the record of both.

``decider(ids, scores, actions, decisions, default_action, record, ruleset, version)`` gives an object with
``total(fired)``, ``action(fired, score)`` and ``decision(fired, errors)``, where `fired` are positions of
rules in order. ``_deciding_c.pyx`` is the twin for C, which the matchers there call without making lists first.
"""

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["decider"]


class _Decider:
    """See the module."""

    __slots__ = (
        "_actions",
        "_decisions",
        "_default",
        "_exact",
        "_ids",
        "_record",
        "_ruleset",
        "_scores",
        "_version",
    )

    def __init__(
        self,
        ids: Sequence[str],
        scores: Sequence[int | float],
        actions: Sequence[str | None],
        decisions: Sequence[tuple[int | float, str]],
        default_action: str | None,
        record: Callable[..., Any],
        ruleset: str,
        version: str,
    ) -> None:
        self._ids = tuple(ids)
        self._scores = tuple(scores)
        self._actions = tuple(actions) if any(action is not None for action in actions) else None
        self._decisions = tuple(decisions)
        self._default = default_action
        self._exact = all(isinstance(score, int) for score in scores)
        self._record = record
        self._ruleset = ruleset
        self._version = version

    def total(self, fired: Sequence[int]) -> int | float:
        """The sum of the scores of the fired rules; floats are added in order."""
        scores = self._scores
        if self._exact:
            return sum([scores[position] for position in fired])
        total = 0.0
        for position in fired:  # not sum(), which compensates from CPython 3.12 on
            total += scores[position]
        return total

    def action(self, fired: Sequence[int], score: int | float) -> str | None:
        """Of the first fired rule that has one, else by score, else the default."""
        if self._actions is not None:
            for position in fired:
                action = self._actions[position]
                if action is not None:
                    return action
        for threshold, action in self._decisions:
            if threshold <= score:
                return action
        return self._default

    def decision(self, fired: Sequence[int], errors: tuple[Any, ...] = ()) -> Any:
        ids = self._ids
        score = self.total(fired)
        matched = tuple([ids[position] for position in fired])
        return self._record(
            matched, score, self.action(fired, score), errors, self._ruleset, self._version
        )


def decider(
    ids: Sequence[str],
    scores: Sequence[int | float],
    actions: Sequence[str | None],
    decisions: Sequence[tuple[int | float, str]],
    default_action: str | None,
    record: Callable[..., Any],
    ruleset: str,
    version: str,
) -> _Decider:
    """Builds the decider of a ruleset.

    Parameters:
        ids, scores, actions: of the rules, in order.
        decisions: thresholds and their actions, the highest first.
        default_action: where nothing else says.
        record: the class of a decision, with slots of the names of its parameters ``matched``, ``score``,
            ``action``, ``errors``, ``ruleset`` and ``version``.
        ruleset, version: the last two of them.
    """
    return _Decider(ids, scores, actions, decisions, default_action, record, ruleset, version)
