"""``/playground``: a page to try events and rules on, and the path by which it tries rules that are not saved."""

from .operations import operations

__all__ = ["operations"]
