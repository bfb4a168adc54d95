"""Only equal work is compared: the same work has the same result, whoever did it."""

from collections.abc import Sequence

from .results import BadResultsError, Results

__all__ = ["disagreements", "require_agreement"]


def disagreements(documents: Sequence[Results]) -> list[str]:
    """A line for each work that gave different results, with who gave which."""
    seen: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for document in documents:
        if document.kind != "kernels":
            continue
        for row in document.rows:
            work = (row["suite"], row["group"], row["work"])
            who = document.label if row["by"] == "fastcore" else f"{document.head['label']}, {row['by']}"
            seen.setdefault(work, {}).setdefault(row["checksum"], []).append(who)
    return [
        f"{suite}: {work}: "
        + "; ".join(f"{checksum} by {', '.join(sorted(set(who)))}" for checksum, who in found.items())
        for (suite, _, work), found in seen.items()
        if len(found) > 1
    ]


def require_agreement(documents: Sequence[Results]) -> None:
    """Refuses to compare what is not the same.

    Raises:
        BadResultsError: a work gave different results.
    """
    if found := disagreements(documents):
        lines = "\n  ".join(found)
        raise BadResultsError(f"these works gave different results and cannot be compared:\n  {lines}")
