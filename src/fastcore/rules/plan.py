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
        clock: whether evaluating needs to know the time.
    """

    ids: tuple[str, ...]
    trees: tuple[Tree, ...]
    scores: tuple[int | float, ...]
    actions: tuple[str | None, ...]
    windows: tuple[tuple[int, datetime | None, datetime | None], ...]
    decisions: tuple[tuple[int | float, str], ...]
    default_action: str | None
    clock: bool

    def active(self, now: datetime | None) -> list[bool] | None:
        """Which rules take part at a moment; None if all do."""
        if now is None or not self.windows:
            return None
        active = [True] * len(self.ids)
        for index, start, end in self.windows:
            active[index] = (start is None or start <= now) and (end is None or now < end)
        return active


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
        clock=checked.clock or bool(windows),
    )
