"""What the kernel gets of a ruleset: the rules that take part, in order, as plain frozen data."""

from dataclasses import dataclass
from datetime import datetime

from .document import CheckedDocument
from .language import Tree

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One entry per enabled rule, by priority, then in the order of the document.

    Attributes:
        ids, scores, actions: of the rules.
        trees: their conditions, see `language`.
        windows: index, first moment and end of the rules that are limited in time.
        decisions: thresholds and actions, highest first.
        default_action: where nothing else says.
        exact: whether all scores are ints, and so are their sums.
        clock: whether evaluating needs to know the time.
    """

    ids: tuple[str, ...]
    trees: tuple[Tree, ...]
    scores: tuple[int | float, ...]
    actions: tuple[str | None, ...]
    windows: tuple[tuple[int, datetime | None, datetime | None], ...]
    decisions: tuple[tuple[int | float, str], ...]
    default_action: str | None
    exact: bool
    clock: bool

    def active(self, now: datetime | None) -> list[bool] | None:
        """Which rules take part at a moment; None if all do."""
        if now is None or not self.windows:
            return None
        active = [True] * len(self.ids)
        for index, start, end in self.windows:
            active[index] = (start is None or start <= now) and (end is None or now < end)
        return active

    def score(self, fired: list[int]) -> int | float:
        """The sum of the scores of the fired rules; floats are added in order."""
        scores = self.scores
        if self.exact:
            return sum(scores[index] for index in fired)
        total = 0.0
        for index in fired:  # not sum(), which compensates from CPython 3.12 on
            total += scores[index]
        return total

    def action(self, fired: list[int], score: int | float) -> str | None:
        """Of the first fired rule that has one, else by score, else the default."""
        for index in fired:
            action = self.actions[index]
            if action is not None:
                return action
        for threshold, action in self.decisions:
            if threshold <= score:
                return action
        return self.default_action


def make_plan(checked: CheckedDocument) -> Plan:
    """The plan of a checked document."""
    rules = [(rule, tree) for rule, tree in zip(checked.rules, checked.trees, strict=True) if rule.enabled]
    windows = tuple(
        (index, rule.valid_from, rule.valid_until)
        for index, (rule, _) in enumerate(rules)
        if rule.valid_from is not None or rule.valid_until is not None
    )
    return Plan(
        ids=tuple(rule.id for rule, _ in rules),
        trees=tuple(tree for _, tree in rules),
        scores=tuple(rule.score for rule, _ in rules),
        actions=tuple(rule.action for rule, _ in rules),
        windows=windows,
        decisions=checked.decisions,
        default_action=checked.default_action,
        exact=all(isinstance(rule.score, int) for rule, _ in rules),
        clock=checked.clock or bool(windows),
    )
