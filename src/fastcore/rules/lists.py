"""Named lists: what is wrong with one, and what conditions need of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .language import cidr_blocks
from .trees import quote

__all__ = ["NamedList", "check_lists", "network_lists"]

SCALARS: Final = frozenset({str, int, float, bool})
KINDS: Final = {str: "string", int: "number", float: "number", bool: "boolean"}

Errors = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class NamedList:
    """A valid named list.

    Attributes:
        values: in the order of the document.
        kinds: the types that they have.
        blocks: the CIDR blocks, see `conditions_blocks`, where `in_network` reads the list, else None.
    """

    values: list[Any]
    kinds: frozenset[str]
    blocks: dict[int, Any] | None = None


def check_lists(lists: Mapping[str, Any], errors: Errors) -> dict[str, NamedList]:
    """Named lists of plain JSON values; what is wrong is added to the errors."""
    return {name: _check_list(values, f"lists.{name}", errors) for name, values in lists.items()}


def _check_list(values: Any, path: str, errors: Errors) -> NamedList:
    if not isinstance(values, list):
        errors.append((path, f"expected an array, not {quote(values)}"))
        return NamedList([], frozenset())
    types = set(map(type, values))
    if not types <= SCALARS:
        for index, value in enumerate(values):
            if value is None:
                errors.append((f"{path}[{index}]", "null in a list: nothing ever equals it"))
            elif type(value) not in SCALARS:
                what = "a string, number or boolean"
                errors.append((f"{path}[{index}]", f"expected {what}, not {quote(value)}"))
    return NamedList(values, frozenset(KINDS[kind] for kind in types & SCALARS))


def network_lists(
    lists: Mapping[str, NamedList], names: Sequence[str], errors: Errors
) -> dict[str, NamedList]:
    """The lists, those that `in_network` reads with their CIDR blocks."""
    found = dict(lists)
    for name in names:
        blocks, wrong = cidr_blocks(lists[name].values)
        errors.extend((f"lists.{name}[{index}]", message) for index, message in wrong)
        found[name] = NamedList(lists[name].values, lists[name].kinds, blocks)
    return found
