"""What is valid in a ruleset but hardly meant. Sound, not complete: a warning is always right."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, islice
from math import comb
from typing import Final

from .constraints import Constraint, constraints, key_of, outcomes
from .document import CheckedDocument, Rule
from .language import Tree, branches
from .lists import NamedList
from .trees import lists_of

__all__ = ["LintWarning", "lint"]

MOST_SUBSETS: Final = 128
"""In how many subsets of one rule's operands shadowing is looked for: all of them up to 7 operands, beyond
that the smallest and the largest."""

SHORT_LIST: Final = 100
"""The entries of longer named lists are not looked at."""

MOST_CANDIDATES: Final = 100
"""How many earlier rules one rule is compared with."""


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


@dataclass(slots=True)
class _Linted:
    """A rule as lint sees it."""

    rule: Rule
    tree: Tree
    path: str
    position: int
    constraints: dict[str, Constraint] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    operands: frozenset[str] = frozenset()


def lint(checked: CheckedDocument) -> tuple[LintWarning, ...]:
    """All warnings about enabled rules, in the order of the document.

    Under ``missing="jsonlogic"`` only what holds with its coercions too is reported: duplicates, and
    shadowing by a
    part of the same conditions. Linear in the number of rules, apart from the pairs that it finds.
    """
    typed = checked.missing != "jsonlogic"
    rules = [
        _Linted(rule, _with_values(tree, checked.lists), f"rules[{position}]", position)
        for rule, tree, position in zip(checked.rules, checked.trees, checked.positions, strict=True)
        if rule.enabled
    ]
    found: list[tuple[int, LintWarning]] = []
    dead = set()
    for linted in rules:
        linted.constraints, linted.others = constraints(linted.tree) if typed else ({}, _parts(linted.tree))
        linted.operands = frozenset(linted.constraints) | linted.others
        for warning in _alone(linted) if typed else ():
            found.append((linted.position, warning))
            if warning.code == "never-fires":
                dead.add(linted.position)
    found.extend(_together([linted for linted in rules if linted.position not in dead], typed))
    return tuple(warning for _, warning in sorted(found, key=lambda pair: pair[0]))


def _with_values(tree: Tree, lists: Mapping[str, NamedList]) -> Tree:
    """A tree with the entries of short named lists in their place."""
    if tree[0] == "in_list" and len(lists[tree[2]].values) <= SHORT_LIST:
        return ("in_set", tree[1], tuple(lists[tree[2]].values))
    if tree[0] in ("var", "list", "in_list", "in_network") or not lists_of(tree):
        return tree
    parts = branches(tree)
    return (tree[0], *(_with_values(branch, lists) for branch in parts), *tree[1 + len(parts) :])


def _parts(tree: Tree) -> frozenset[str]:
    if tree[0] != "and":
        return frozenset({key_of(tree, typed=False)})
    return frozenset(key for branch in branches(tree) for key in _parts(branch))


def _alone(linted: _Linted) -> Iterator[LintWarning]:
    """What one rule shows by itself."""
    identity = (linted.rule.id,)
    path = f"{linted.path}.when"
    truths = outcomes(linted.tree)
    if truths == {True}:
        yield LintWarning(identity, path, "always-fires", "the condition is true for every event")
    elif True not in truths:
        yield LintWarning(
            identity, path, "never-fires", f"the condition is never true{_null_hint(linted.tree)}"
        )
    elif _contradicts(linted.tree, linted.constraints):
        yield LintWarning(
            identity, path, "never-fires", "its conditions on one operand contradict each other"
        )
    if _reads_empty(linted.tree):
        message = "`in` with an empty array is unknown, so neither it nor its negation can fire the rule"
        yield LintWarning(identity, path, "empty-list", message)


def _null_hint(tree: Tree) -> str:
    if any(branch == ("const", None) for branch in _all(tree)):
        return ': nothing equals null; {"missing": ["field"]} asks whether a field is absent'
    return ""


def _all(tree: Tree) -> Iterator[Tree]:
    yield tree
    for branch in branches(tree):
        yield from _all(branch)


def _contradicts(tree: Tree, found: dict[str, Constraint]) -> bool:
    """Whether what a condition's constraints ask for cannot be."""
    if any(constraint.empty() for constraint in found.values()):
        return True
    if tree[0] == "or":
        return all(True not in outcomes(branch) or _can_not_be(branch) for branch in branches(tree))
    # what a branch of `and` says of one operand is among the constraints already
    return tree[0] == "and" and any(
        _can_not_be(branch) for branch in branches(tree) if branch[0] in ("and", "or")
    )


def _can_not_be(tree: Tree) -> bool:
    return _contradicts(tree, constraints(tree)[0])


def _reads_empty(tree: Tree) -> bool:
    return any(part[0] == "in_set" and not part[2] for part in _all(tree))


def _together(rules: list[_Linted], typed: bool) -> Iterator[tuple[int, LintWarning]]:
    """Duplicates and shadowed rules, among rules in their order of evaluation."""
    seen: dict[str, _Linted] = {}
    acting: dict[frozenset[str], list[_Linted]] = {
        linted.operands: [] for linted in rules if linted.rule.action is not None
    }
    within: dict[frozenset[str], list[frozenset[str]]] = {}
    for linted in rules:
        identity = linted.rule.id
        key = key_of(linted.tree, typed)
        first = seen.setdefault(key, linted)
        if first is not linted and _covers(first.rule, linted.rule):
            message = f"the condition is that of {first.rule.id!r}"
            warning = LintWarning((identity, first.rule.id), f"{linted.path}.when", "duplicate", message)
            yield linted.position, warning
        if linted.rule.action is None:
            continue
        operands = linted.operands
        if operands not in within:
            within[operands] = [subset for subset in _subsets(operands) if subset in acting]
        candidates = (earlier for subset in within[operands] for earlier in acting[subset])
        by = next(
            (earlier for earlier in islice(candidates, MOST_CANDIDATES) if _implies(linted, earlier)), None
        )
        if by is not None:
            message = (
                f"its action never counts: whenever it fires, {by.rule.id!r} fires before it and sets one"
            )
            yield linted.position, LintWarning((identity, by.rule.id), linted.path, "shadowed", message)
        acting[operands].append(linted)


def _subsets(operands: frozenset[str]) -> Iterator[frozenset[str]]:
    """Sets of operands that an earlier rule may read to be implied, the smallest first."""
    names, count = sorted(operands), len(operands)
    sizes: list[int] = []
    subsets = 0
    for size in sorted(range(count + 1), key=lambda size: comb(count, size)):
        subsets += comb(count, size)
        if subsets > MOST_SUBSETS and sizes:
            break
        sizes.append(size)
    for size in sorted(sizes):
        yield from map(frozenset, combinations(names, size))


def _covers(earlier: Rule, later: Rule) -> bool:
    """Whether the earlier rule takes part at every moment at which the later one does."""
    if earlier.valid_from is not None and (later.valid_from is None or later.valid_from < earlier.valid_from):
        return False
    return earlier.valid_until is None or (
        later.valid_until is not None and later.valid_until <= earlier.valid_until
    )


def _implies(later: _Linted, earlier: _Linted) -> bool:
    if not earlier.others <= later.others or not _covers(earlier.rule, later.rule):
        return False
    return all(
        operand in later.constraints and later.constraints[operand].implies(constraint)
        for operand, constraint in earlier.constraints.items()
    )
