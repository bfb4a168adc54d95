"""A schema as a kernel wants it: constant key fragments and a step per field, plain data throughout."""

import json
from typing import Any, NamedTuple

from .schema import REQUIRED, SchemaField

__all__ = ["Plan", "Step", "make_plan"]


class Step(NamedTuple):
    """What a kernel does for one field.

    Attributes:
        kind: what is written: ``int float str bool datetime date uuid decimal enum raw object list constant
            now``.
        source: key or attribute of the value in a row; None where a row holds none (constants, the clock).
        key: name of the member in the output.
        fragment: the member's key as JSON text with its colon.
        expected: the type in words, for messages.
        nullable: None is written as null.
        omit_null: the member is left out where null would be written.
        omit_missing: the member is left out where the row lacks it; the default is then ``...``.
        default: () where the row must have a value, else a tuple of the one default.
        as_string, as_number, precision, unit: as in ``Field``.
        detail: by kind: the Plan of an object, the Step of a list's items, the class and the (member, text)
            pairs of an enum, the text of a constant, the (kind, unit) of a clock.
    """

    kind: str
    source: str | None
    key: str
    fragment: str
    expected: str
    nullable: bool
    omit_null: bool
    omit_missing: bool
    default: tuple[Any, ...]
    as_string: bool
    as_number: bool
    precision: int | None
    unit: str | None
    detail: Any

    @property
    def omittable(self) -> bool:
        return self.omit_null or self.omit_missing


class Plan(NamedTuple):
    """An object: its steps in order of output, and the policies of the builder."""

    steps: tuple[Step, ...]
    nan: str
    extra: str
    utc_z: bool


def make_plan(fields: tuple[SchemaField, ...], nan: str, extra: str, utc_z: bool) -> Plan:
    """The plan of checked fields under a builder's policies."""

    def step(field: SchemaField) -> Step:
        default: tuple[Any, ...] = () if field.default is REQUIRED else (field.default,)
        return Step(
            kind=field.kind,
            source=None if field.kind in ("constant", "now") else field.source,
            key=field.name,
            fragment=json.dumps(field.name, ensure_ascii=False) + ":",
            expected=field.describe(),
            nullable=field.nullable,
            omit_null=field.omit_null,
            omit_missing=field.omit_missing,
            default=(...,) if field.omit_missing else default,
            as_string=field.as_string,
            as_number=field.as_number,
            precision=field.precision,
            unit=field.unit,
            detail=detail(field),
        )

    def detail(field: SchemaField) -> Any:
        if field.kind == "object":
            return Plan(tuple(map(step, field.members)), nan, extra, utc_z)
        if field.kind == "list":
            return step(field.members[0])
        return field.detail

    return Plan(tuple(map(step, fields)), nan, extra, utc_z)
