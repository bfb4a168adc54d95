"""Rows and columns to JSON bytes by a schema, without objects in between.

``PayloadBuilder`` builds; ``Field`` says how a member is written where its type does not; ``Raw`` is JSON
that is already there.
"""

from .builder import PayloadBuilder
from .schema import Field, Raw, SchemaField

__all__ = ["Field", "PayloadBuilder", "Raw", "SchemaField"]
