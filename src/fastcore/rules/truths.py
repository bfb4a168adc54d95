"""Which rules fire and which is undecided, where the evaluation has to say something of every rule.

Under ``missing="error"`` a rule must be true or false. An index of the conditions finds the true ones, one
of the negated conditions the false ones; a rule in neither is undecided. Most events leave nothing unknown,
and the first index says that too: it has one more rule, which fires if everything that is read is known.
Rules that mention `throw` are evaluated one by one, because what they throw is reported; no others are.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import merge
from typing import Any, Final

from fastcore import _backend
from fastcore.errors import LimitError

from .clauses import make_clauses
from .trees import Tree, mentions

__all__ = ["Truths"]

NEVER: Final[Tree] = ("const", False)


class Truths:
    """The conditions of a ruleset's enabled rules, in order of evaluation.

    Parameters:
        trees: the conditions.
        strict: whether an undecided rule matters.
        backend: of the kernels.

    Complexity: an event costs what it costs in one index of all rules; in two, where something that the rules
        read is unknown; and the evaluation of every rule that mentions `throw`.
    """

    __slots__ = ("_evaluator", "_false", "_loud", "_make", "_strict", "_trees", "_true")

    def __init__(self, trees: Sequence[Tree], strict: bool, backend: str) -> None:
        self._trees = trees
        self._strict = strict
        self._make = _backend.kernels("conditions", backend).conditions_program
        self._loud = [index for index, tree in enumerate(trees) if mentions(tree, "throw")]
        self._evaluator = self._make([trees[index] for index in self._loud])
        quiet = list(trees)
        for index in self._loud:
            quiet[index] = NEVER
        self._true = self._matcher([*quiet, _everything_known(quiet)] if strict else quiet, backend)
        self._false = self._matcher([("!", tree) for tree in quiet], backend) if strict else None

    def _matcher(self, trees: Sequence[Tree], backend: str) -> Any:
        clauses = make_clauses(trees)
        ids = [str(index) for index in range(len(trees))]
        return _backend.kernels("matching", backend).matcher(clauses, self._make(clauses.trees), ids)

    def fired(self, event: Any, now: Any, active: Sequence[bool] | None) -> tuple[list[int], list[Any], int]:
        """The same as the plain evaluator's `fired` of all conditions."""
        try:
            return self._fired(event, now, active)
        except LimitError:
            # the indices go through the conditions in another order, and through some that and/or skip
            result: tuple[list[int], list[Any], int]
            result = self._make(self._trees).fired(event, now, active, self._strict)
            return result

    def _fired(self, event: Any, now: Any, active: Sequence[bool] | None) -> tuple[list[int], list[Any], int]:
        fired: list[int] = self._true.fired(event, now)
        undecided = -1
        if self._strict:
            if fired and fired[-1] == len(self._trees):
                fired.pop()
            else:
                undecided = self._undecided(fired, event, now, active)
        if active is not None:
            fired = [index for index in fired if active[index]]
        if not self._loud:
            return fired, [], undecided
        taking_part = None if active is None else [active[index] for index in self._loud]
        loud, thrown, unknown = self._evaluator.fired(event, now, taking_part, self._strict)
        if unknown >= 0:
            undecided = min(self._loud[unknown], undecided if undecided >= 0 else len(self._trees))
        fired = list(merge(fired, [self._loud[index] for index in loud]))
        return fired, [(self._loud[index], what) for index, what in thrown], undecided

    def _undecided(self, fired: list[int], event: Any, now: datetime, active: Sequence[bool] | None) -> int:
        """The first active rule that is neither true nor false, -1 if there is none."""
        assert self._false is not None
        false: list[int] = self._false.fired(event, now)
        if len(fired) + len(false) == len(self._trees):
            return -1
        low, high = 0, len(self._trees)
        while high - low > 1:  # all rules before low are decided, not all before high
            middle = (low + high) // 2
            if bisect_left(fired, middle) + bisect_left(false, middle) == middle:
                low = middle
            else:
                high = middle
        if active is None or active[low]:
            return low
        decided = {*fired, *false}
        rest = range(low + 1, len(self._trees))
        return next((index for index in rest if active[index] and index not in decided), -1)


def _everything_known(trees: Sequence[Tree]) -> Tree:
    """A condition that is true only if each of these is true or false."""
    return ("and", *(("or", part, ("!", part)) for tree in trees for part in _parts(tree)))


def _parts(tree: Tree) -> Iterator[Tree]:
    """The conditions that and, or, ! and !! connect; where all of them are known, so is what they make."""
    pending = [tree]
    while pending:
        tree = pending.pop()
        if tree[0] in ("and", "or", "!", "!!"):
            pending.extend(tree[1:])
        elif tree[0] != "const" or tree[1] is None:
            yield tree
