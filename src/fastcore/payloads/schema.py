"""Schemas: what a user may write for one, and the checked fields that it becomes.

A schema is a mapping of names to types, a TypedDict, a dataclass or a pydantic model. Checking it gives a
tuple of frozen ``SchemaField``, which compares, hashes and pickles by content. Everything that cannot be used
is refused here with a ``SchemaError`` that names the field, so that building never meets it.
"""

import copy
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from dataclasses import field as attribute
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from fastcore.errors import SchemaError
from fastcore.kernels.writing_rows import write_one
from fastcore.kernels.writing_values import write_constant

__all__ = ["REQUIRED", "Field", "Raw", "SchemaField", "freeze_schema"]

METADATA_KEY = "fastcore"
UNITS = ("seconds", "milliseconds", "microseconds")
SCALARS: dict[type, str] = {
    int: "int",
    float: "float",
    str: "str",
    bool: "bool",
    datetime: "datetime",
    date: "date",
    UUID: "uuid",
    Decimal: "decimal",
}
MAX_DEPTH = 64


class _Required(Enum):
    """A default of its own kind: the value must be there. An Enum, so that it pickles to itself."""

    REQUIRED = "required"

    def __repr__(self) -> str:
        return "<required>"


REQUIRED = _Required.REQUIRED


class Raw:
    """JSON text that is already there: inserted unchanged and **trusted**, never parsed or checked.

    As a type in a schema it says that a field's values are such text: ``bytes``, ``bytearray``,
    ``memoryview`` or ``str``, or instances of this class. With ``lines=True`` the text must hold no newline.

    Parameters:
        json: the text; bytes are UTF-8.
    """

    __slots__ = ("json",)

    json: bytes

    def __init__(self, json: bytes | bytearray | memoryview | str) -> None:
        if not isinstance(json, (bytes, bytearray, memoryview, str)):
            raise TypeError(f"Raw takes bytes or str, not {type(json).__name__}")
        data = json.encode() if isinstance(json, str) else bytes(json)
        object.__setattr__(self, "json", data)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Raw cannot be changed")

    def __eq__(self, other: object) -> bool:
        return self.json == other.json if isinstance(other, Raw) else NotImplemented

    def __hash__(self) -> int:
        return hash((Raw, self.json))

    def __repr__(self) -> str:
        return f"Raw({self.json!r})"

    def __reduce__(self) -> tuple[type["Raw"], tuple[bytes]]:
        return Raw, (self.json,)


@dataclass(frozen=True, slots=True)
class Field:
    """How one member of a payload is written, where its type alone does not say it.

    It stands in a mapping in place of a type, in ``Annotated[type, Field(...)]``, or in a dataclass field's
    metadata under the key ``"fastcore"``; in the latter two the type comes from the annotation.

    Parameters:
        type: ``int float str bool datetime date UUID Decimal``, an Enum class, ``Raw``, ``X | None``,
            ``list[X]``, or a nested schema.
        name: of the member in the output; by default the name of the field.
        default: value where a mapping lacks the key or an object the attribute.
        omit_null: leave the member out where its value would be null.
        as_string: write an int or float in quotes (ints beyond 2**53 lose digits in JavaScript).
        as_number: write a Decimal as a number instead of a string.
        precision: round a float or Decimal to so many places, as Python's ``round``.
        unit: ``"seconds"``, ``"milliseconds"`` or ``"microseconds"``. A ``datetime`` field then also takes
            numbers, counted from the epoch, and writes them as UTC; an ``int`` or ``float`` field also takes
            aware datetimes and writes them as such a count (an int is rounded down).
        constant: a JSON value that every row gets; rows then hold no value for this field.
        now: the clock at the time when the row is written (rows of columns share readings, by fours). Rows
            hold no value for it. The type is ``datetime`` (UTC), ``float`` or ``int`` (in `unit`, by default
            seconds).
    """

    type: Any = None
    name: str | None = attribute(default=None, kw_only=True)
    default: Any = attribute(default=REQUIRED, kw_only=True)
    omit_null: bool = attribute(default=False, kw_only=True)
    as_string: bool = attribute(default=False, kw_only=True)
    as_number: bool = attribute(default=False, kw_only=True)
    precision: int | None = attribute(default=None, kw_only=True)
    unit: str | None = attribute(default=None, kw_only=True)
    constant: Any = attribute(default=REQUIRED, kw_only=True)
    now: bool = attribute(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class SchemaField:
    """A checked field. Compares and hashes by content; a default counts by the JSON text that it gives.

    Attributes:
        source: key, attribute or column that holds the value.
        name: of the member in the output.
        kind: ``int float str bool datetime date uuid decimal enum raw object list constant now``.
        nullable, omit_null, omit_missing, as_string, as_number, precision, unit: as in ``Field``; a member
            that is not required in a TypedDict is left out where it is missing (`omit_missing`).
        default: the value for a missing one, else ``REQUIRED``.
        members: the fields of an object; the one item of a list.
        detail: by kind: ``(class, ((member, text), …))`` of an enum, the text of a constant, the (kind, unit)
            of a clock.
    """

    source: str
    name: str
    kind: str
    nullable: bool = False
    omit_null: bool = False
    omit_missing: bool = False
    as_string: bool = False
    as_number: bool = False
    precision: int | None = None
    unit: str | None = None
    default: Any = attribute(default=REQUIRED, compare=False)
    default_text: str | None = None
    members: tuple["SchemaField", ...] = ()
    detail: Any = None

    def describe(self) -> str:
        """The type in words, as messages name it."""
        words = {
            "int": "an int",
            "float": "a float",
            "str": "a str",
            "bool": "a bool",
            "datetime": "a datetime",
            "date": "a date",
            "uuid": "a UUID",
            "decimal": "a Decimal",
            "raw": "JSON as bytes or str",
            "object": "an object",
            "list": "a list",
        }
        text = f"a {self.detail[0].__name__}" if self.kind == "enum" else words.get(self.kind, self.kind)
        if self.unit is not None:
            text += f" or {self.unit}" if self.kind == "datetime" else " or an aware datetime"
        return f"{text} or None" if self.nullable else text


# ------------------------------------------------------------------------------------ what a user may write


class _Entry(typing.NamedTuple):
    """One field before it is checked."""

    source: str
    type: Any
    name: str | None = None
    default: Any = REQUIRED
    optional_key: bool = False


def freeze_schema(schema: Any) -> tuple[SchemaField, ...]:
    """Check a schema.

    Parameters:
        schema: a mapping of names to types, a TypedDict, a dataclass, a pydantic model, or what this function
            gave.

    Returns:
        Its fields in order of output.

    Raises:
        SchemaError: it cannot be used; the message starts with the dotted path of the field.
    """
    if isinstance(schema, tuple) and all(isinstance(field, SchemaField) for field in schema):
        return schema
    return _object(schema, "", 0)


def _object(schema: Any, path: str, depth: int) -> tuple[SchemaField, ...]:
    if depth > MAX_DEPTH:
        raise SchemaError(
            f"{path}: objects nest deeper than {MAX_DEPTH} levels (does the schema contain itself?)"
        )
    entries = _entries(schema)
    if entries is None:
        where = f"{path}: " if path else ""
        raise SchemaError(
            f"{where}a schema is a mapping of names to types, a TypedDict, a dataclass or a pydantic model, "
            f"not {_name(schema)}"
        )
    checked = []
    names: dict[str, str] = {}
    for entry in entries:
        if not isinstance(entry.source, str):
            raise SchemaError(f"{path or 'the schema'}: names are strings, not {entry.source!r}")
        field = _field(entry, f"{path}.{entry.source}" if path else entry.source, depth)
        if field.name in names:
            raise SchemaError(
                f"{path + '.' if path else ''}{entry.source}: the output name {field.name!r} is already that "
                f"of {names[field.name]!r}"
            )
        names[field.name] = entry.source
        checked.append(field)
    return tuple(checked)


def _entries(schema: Any) -> list[_Entry] | None:
    if isinstance(schema, Mapping):
        return [_Entry(name, type_) for name, type_ in schema.items()]
    if typing.is_typeddict(schema):
        hints = typing.get_type_hints(schema, include_extras=True)
        optional: frozenset[str] = schema.__optional_keys__
        return [_Entry(name, type_, optional_key=name in optional) for name, type_ in hints.items()]
    if isinstance(schema, type) and is_dataclass(schema):
        return list(_dataclass_entries(schema))
    if isinstance(schema, type) and hasattr(schema, "model_fields") and hasattr(schema, "model_json_schema"):
        return list(_model_entries(schema))
    return None


def _dataclass_entries(cls: type) -> Iterator[_Entry]:
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        type_ = hints[field.name]
        described = field.metadata.get(METADATA_KEY)
        if described is not None:
            type_ = typing.Annotated[type_, described]
        default = REQUIRED if field.default is MISSING else field.default
        if field.default_factory is list:
            default = []
        yield _Entry(field.name, type_, default=default)


def _model_entries(cls: Any) -> Iterator[_Entry]:
    for name, info in cls.model_fields.items():
        if info.exclude:
            continue
        type_ = info.annotation
        for extra in info.metadata:
            if isinstance(extra, Field):
                type_ = typing.Annotated[type_, extra]
        default = REQUIRED if info.is_required() or info.default_factory is not None else info.default
        if info.default_factory is list:
            default = []
        yield _Entry(name, type_, info.serialization_alias or info.alias, default)
    for name, info in cls.model_computed_fields.items():
        yield _Entry(name, info.return_type, info.alias)


# --------------------------------------------------------------------------------------------- checking one


def _field(entry: _Entry, path: str, depth: int) -> SchemaField:
    type_, described, required = _unwrap(entry.type)
    if described is None:
        described = Field(type_)
    elif described.type is not None:
        if type_ is not None:
            raise SchemaError(
                f"{path}: the type is given twice, as {_name(type_)} and {_name(described.type)}"
            )
        type_, inner, _ = _unwrap(described.type)
        if inner is not None:
            raise SchemaError(f"{path}: a Field inside a Field")
    name = entry.name if described.name is None else described.name
    name = entry.source if name is None else name
    if not isinstance(name, str):
        raise SchemaError(f"{path}: an output name is a string, not {name!r}")
    for text in (entry.source, name):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise SchemaError(f"{path!a}: a name with a lone surrogate cannot be written") from None
    default = entry.default if described.default is REQUIRED else described.default
    optional_key = entry.optional_key if required is None else not required
    _check_options(described, path)
    if described.constant is not REQUIRED:
        return _constant(entry.source, name, described, type_, path)
    if described.now:
        return _clock(entry.source, name, described, type_, path)
    kind, nullable, members, detail = _type(type_, path, depth)
    field = SchemaField(
        source=entry.source,
        name=name,
        kind=kind,
        nullable=nullable,
        omit_null=described.omit_null,
        omit_missing=optional_key and default is REQUIRED,
        as_string=described.as_string,
        as_number=described.as_number,
        precision=described.precision,
        unit=described.unit,
        members=members,
        detail=detail,
    )
    _check_fit(field, path)
    return field if default is REQUIRED else _with_default(field, default, path)


def _unwrap(type_: Any) -> tuple[Any, Field | None, bool | None]:
    """Take off ``Annotated``, ``Required`` and the like: the type, the Field found, required or not."""
    if isinstance(type_, Field):
        return None, type_, None
    described = required = None
    while True:
        origin = typing.get_origin(type_)
        if origin is typing.Annotated:
            for extra in type_.__metadata__:
                if isinstance(extra, Field):
                    described = extra
            type_ = type_.__origin__
        elif origin in (typing.Required, typing.NotRequired):
            required = origin is typing.Required
            (type_,) = typing.get_args(type_)
        elif origin is not None and getattr(origin, "_name", None) == "ReadOnly":
            (type_,) = typing.get_args(type_)
        elif isinstance(type_, typing.NewType):
            type_ = type_.__supertype__
        elif type(type_).__name__ == "TypeAliasType":
            type_ = type_.__value__
        else:
            return type_, described, required


def _type(type_: Any, path: str, depth: int) -> tuple[str, bool, tuple[SchemaField, ...], Any]:
    """Kind, nullable, members, detail of a bare type."""
    origin = typing.get_origin(type_)
    if origin in (typing.Union, types.UnionType):
        return _optional(type_, path, depth)
    if isinstance(type_, type) and type_ in SCALARS:
        return SCALARS[type_], False, (), None
    if type_ is Raw:
        return "raw", False, (), Raw
    if isinstance(type_, type) and issubclass(type_, Enum):
        return "enum", False, (), (type_, _enum_texts(type_, path))
    if origin in (list, Sequence) or (origin is tuple and typing.get_args(type_)[1:] == (...,)):
        item = _field(_Entry("", typing.get_args(type_)[0]), f"{path}[]", depth + 1)
        if (
            item.omit_null
            or item.omit_missing
            or item.default is not REQUIRED
            or item.kind in ("constant", "now")
        ):
            raise SchemaError(
                f"{path}[]: an item of a list is always there: no default, constant, clock or omission"
            )
        return "list", False, (item,), None
    if _entries(type_) is not None:
        return "object", False, _object(type_, path, depth + 1), None
    hint = " (write list[X] for the type of its items)" if type_ in (list, tuple, typing.List) else ""  # noqa: UP006
    raise SchemaError(
        f"{path}: {_name(type_)} is not a type of a payload{hint}; there are int, float, str, bool, "
        "datetime, date, UUID, Decimal, Enum classes, Raw, X | None, list[X] and nested schemas"
    )


def _optional(type_: Any, path: str, depth: int) -> tuple[str, bool, tuple[SchemaField, ...], Any]:
    others = [choice for choice in typing.get_args(type_) if choice is not type(None)]
    if len(others) != 1:
        raise SchemaError(f"{path}: a field has one type, or one type or None, not {_name(type_)}")
    inner, described, _ = _unwrap(others[0])
    if described is not None:
        raise SchemaError(f"{path}: a Field belongs around the whole type, not inside X | None")
    kind, _, members, detail = _type(inner, path, depth)
    return kind, True, members, detail


def _enum_texts(cls: type[Enum], path: str) -> tuple[tuple[Enum, str], ...]:
    texts = []
    for member in cls:
        try:
            texts.append((member, write_constant(member.value)))
        except ValueError as error:
            raise SchemaError(
                f"{path}: {cls.__name__}.{member.name} has no value for JSON: {error}"
            ) from None
    return tuple(texts)


def _check_options(described: Field, path: str) -> None:
    precision = described.precision
    if precision is not None and (not isinstance(precision, int) or isinstance(precision, bool)):
        raise SchemaError(f"{path}: precision is an int or None, not {precision!r}")
    if described.unit is not None and described.unit not in UNITS:
        raise SchemaError(f"{path}: unit is one of {', '.join(UNITS)}, not {described.unit!r}")
    for option in ("omit_null", "as_string", "as_number", "now"):
        if not isinstance(getattr(described, option), bool):
            raise SchemaError(f"{path}: {option} is True or False, not {getattr(described, option)!r}")


def _check_fit(field: SchemaField, path: str) -> None:
    """Refuse an option that its type cannot use: an option that does nothing would hide a mistake."""
    fits = {
        "as_string": ("int", "float"),
        "as_number": ("decimal",),
        "precision": ("float", "decimal"),
        "unit": ("datetime", "int", "float"),
    }
    for option, kinds in fits.items():
        if getattr(field, option) not in (None, False) and field.kind not in kinds:
            raise SchemaError(f"{path}: {option} is for {' and '.join(kinds)}, not for {field.describe()}")


def _with_default(field: SchemaField, default: Any, path: str) -> SchemaField:
    from .plan import make_plan

    default = copy.deepcopy(default)
    try:
        text = write_one(make_plan((field,), "null", "ignore", False), default)
    except ValueError as error:
        raise SchemaError(f"{path}: the default does not fit: {error}") from None
    return replace(field, default=default, default_text=text)


def _constant(source: str, name: str, described: Field, type_: Any, path: str) -> SchemaField:
    if type_ is not None:
        raise SchemaError(f"{path}: a constant needs no type")
    if _uses(described) - {"constant"}:
        raise SchemaError(f"{path}: a constant takes no other option but its name")
    try:
        text = write_constant(described.constant)
    except ValueError as error:
        raise SchemaError(f"{path}: {error}") from None
    return SchemaField(source=source, name=name, kind="constant", detail=text)


def _clock(source: str, name: str, described: Field, type_: Any, path: str) -> SchemaField:
    kind = SCALARS.get(type_) if isinstance(type_, type) else None
    if kind not in ("datetime", "int", "float"):
        raise SchemaError(f"{path}: the clock gives a datetime, an int or a float, not {_name(type_)}")
    if _uses(described) - {"now", "unit"} or (kind == "datetime" and described.unit):
        raise SchemaError(f"{path}: the clock takes no other option but its name and, for numbers, a unit")
    return SchemaField(source=source, name=name, kind="now", detail=(kind, described.unit or "seconds"))


def _uses(described: Field) -> set[str]:
    plain = Field()
    options = ("default", "omit_null", "as_string", "as_number", "precision", "unit", "constant", "now")
    return {option for option in options if getattr(described, option) != getattr(plain, option)}


def _name(type_: Any) -> str:
    return type_.__name__ if isinstance(type_, type) else repr(type_)
