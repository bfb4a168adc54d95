"""``/playground``: a page to try events and rules on, and the path by which it tries what is not saved."""

from .table import operations

__all__ = ["operations"]
