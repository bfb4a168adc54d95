"""What may be a schema, what is refused and how, and the value semantics of builders."""

import copy
import json
import pickle
import subprocess
import sys
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, NewType, NotRequired, Optional, Required, TypedDict
from uuid import UUID

import pytest

from fastcore import Field, PayloadBuilder, Raw, SchemaError


class Colour(Enum):
    RED = "red"


class Point(TypedDict):
    lat: float
    lon: Annotated[float, Field(precision=3)]


@dataclass
class Order:
    id: Annotated[int, Field(as_string=True)]
    when: datetime
    where: Point
    note: str | None = None
    colour: Colour = field(default=Colour.RED, metadata={"fastcore": Field(name="color")})


Identifier = NewType("Identifier", int)
ORDER = b'{"id":"1","when":"2026-01-02T00:00:00","where":{"lat":1.0,"lon":2.346},"note":null,"color":"red"}'


def test_dataclasses_and_typed_dicts(backend):
    order = Order(1, datetime(2026, 1, 2), {"lat": 1.0, "lon": 2.3456})
    for builder in (
        PayloadBuilder(Order, backend=backend),
        PayloadBuilder.from_model(Order, backend=backend),
    ):
        assert builder.build([order]) == b"[" + ORDER + b"]"
    row = {"id": 1, "when": datetime(2026, 1, 2), "where": (1.0, 2.3456)}
    assert PayloadBuilder(Order, backend=backend).build([row]) == b"[" + ORDER + b"]"
    assert PayloadBuilder.from_model(Point, backend=backend).build([(1, 2)]) == b'[{"lat":1.0,"lon":2.0}]'


class Ways(TypedDict, total=False):
    a: Required[int]
    b: int
    c: Annotated[NotRequired[Identifier], "something else"]


def test_ways_to_write_a_type(backend):
    schema = {
        "a": Optional[int],  # noqa: UP045 - people write it
        "b": typing.List[int],  # noqa: UP006
        "c": Sequence[str],
        "d": tuple[float, ...],
        "e": Annotated[int | None, "doc", Field(name="E")],
        "f": Field(Annotated[Identifier, "doc"], as_string=True),
        "g": list[Annotated[float, Field(precision=1)]],
        "h": Field(Point),
    }
    builder = PayloadBuilder(schema, backend=backend)
    row = (None, [1], ["x"], (1.0,), 5, 6, [0.26], {"lat": 1, "lon": 2})
    assert builder.build([row]) == (
        b'[{"a":null,"b":[1],"c":["x"],"d":[1.0],"E":5,"f":"6","g":[0.3],"h":{"lat":1.0,"lon":2.0}}]'
    )
    assert (
        PayloadBuilder(Ways, backend=backend).build([{"a": 1}, {"a": 1, "c": 2}])
        == b'[{"a":1},{"a":1,"c":2}]'
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is of Python 3.12")
def test_type_aliases(backend):
    names = {}
    exec("type Number = int", names)
    assert PayloadBuilder({"a": names["Number"]}, backend=backend).build([(1,)]) == b'[{"a":1}]'


def test_pydantic_models(backend):
    pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed")

    class Inner(pydantic.BaseModel):
        x: int = 5

    class Model(pydantic.BaseModel):
        id: Annotated[int, Field(as_string=True)]
        name: str = pydantic.Field(alias="Name")
        secret: str = pydantic.Field("s", exclude=True)
        inner: Inner | None = None
        tags: list[str] = pydantic.Field(default_factory=list)

        @pydantic.computed_field(alias="twice")
        @property
        def double(self) -> int:
            return 2 * self.id

    builder = PayloadBuilder.from_model(Model, backend=backend)
    model = Model(id=1, Name="n", inner=Inner())
    assert builder.build([model]) == b'[{"id":"1","Name":"n","inner":{"x":5},"tags":[],"twice":2}]'
    assert builder.build([{"id": 1, "name": "n", "double": 2}]) == (
        b'[{"id":"1","Name":"n","inner":null,"tags":[],"twice":2}]'
    )


class Node(TypedDict):
    next: "Node"


REFUSED = [
    (int, "a schema is a mapping"),
    (None, "a schema is a mapping"),
    ([("a", int)], "a schema is a mapping"),
    ({"a": complex}, "a: complex is not a type of a payload"),
    ({"a": "int"}, "a: 'int' is not a type of a payload"),
    ({"a": list}, r"a: list is not a type of a payload \(write list\[X\]"),
    ({"a": dict[str, int]}, r"a: dict\[str, int\] is not a type"),
    ({"a": tuple[int, str]}, r"a: tuple\[int, str\] is not a type"),
    ({"a": int | str}, "a: a field has one type, or one type or None"),
    ({"a": None}, "a: None is not a type"),
    ({"a": Field()}, "a: None is not a type"),
    ({"o": {"p": {"x": set}}}, "o.p.x: set is not a type"),
    ({"l": list[object]}, r"l\[\]: object is not a type"),
    ({"a": int, "b": Field(int, name="a")}, "b: the output name 'a' is already that of 'a'"),
    ({"o": {"a": Field(int, name="x"), "b": Field(int, name="x")}}, "o.b: the output name 'x'"),
    ({5: int}, "names are strings, not 5"),
    ({"a": Field(int, name=5)}, "a: an output name is a string, not 5"),
    ({"\ud800": int}, "a name with a lone surrogate"),
    ({"a": Field(int, name="\ud800")}, "a name with a lone surrogate"),
    ({"a": Field(str, as_string=True)}, "a: as_string is for int and float, not for a str"),
    ({"a": Field(int, as_number=True)}, "a: as_number is for decimal"),
    ({"a": Field(int, precision=2)}, "a: precision is for float and decimal"),
    ({"a": Field(str, unit="seconds")}, "a: unit is for datetime and int and float"),
    ({"a": Field(float, precision="2")}, "a: precision is an int or None, not '2'"),
    ({"a": Field(float, precision=True)}, "a: precision is an int or None"),
    ({"a": Field(int, unit="hours")}, "a: unit is one of seconds, milliseconds, microseconds, not 'hours'"),
    ({"a": Field(int, omit_null=1)}, "a: omit_null is True or False, not 1"),
    ({"a": Field(int, default="x")}, "a: the default does not fit: expected an int, got str 'x'"),
    ({"a": Field(int, default=None)}, "a: the default does not fit: expected an int, got None"),
    ({"a": Field(str, default="\ud800")}, "a: the default does not fit"),
    ({"a": Field(int, constant=1)}, "a: a constant needs no type"),
    ({"a": Field(constant=1, omit_null=True)}, "a: a constant takes no other option"),
    ({"a": Field(constant=float("nan"))}, "a: nan is not a JSON number"),
    ({"a": Field(constant={1: 2})}, "a: dict .* is not a JSON value"),
    ({"a": Field(constant="\ud800")}, "a: "),
    ({"a": Field(str, now=True)}, "a: the clock gives a datetime, an int or a float, not str"),
    ({"a": Field(datetime, now=True, unit="seconds")}, "a: the clock takes no other option"),
    ({"a": Field(int, now=True, default=1)}, "a: the clock takes no other option"),
    ({"a": Annotated[int, Field(str)]}, "a: the type is given twice, as int and str"),
    ({"a": Field(Annotated[int, Field()])}, "a: a Field inside a Field"),
    ({"a": Optional[Annotated[int, Field(as_string=True)]]}, "a: a Field belongs around the whole type"),  # noqa: UP045
    ({"a": list[Annotated[int, Field(default=1)]]}, r"a\[\]: an item of a list is always there"),
    (Node, "nest deeper than 64 levels"),
]


@pytest.mark.parametrize(("schema", "message"), REFUSED)
def test_refused_schemas(schema, message, backend):
    with pytest.raises(SchemaError, match=message):
        PayloadBuilder(schema, backend=backend)


def test_refused_enums_and_options(backend):
    class Bad(Enum):
        A = Decimal(1)

    with pytest.raises(SchemaError, match=r"a: Bad\.A has no value for JSON"):
        PayloadBuilder({"a": Bad}, backend=backend)
    with pytest.raises(SchemaError, match='nan must be "null" or "error", not \'x\''):
        PayloadBuilder({}, nan="x", backend=backend)
    with pytest.raises(SchemaError, match='extra must be "ignore" or "error"'):
        PayloadBuilder({}, extra="x", backend=backend)
    with pytest.raises(SchemaError, match="utc_z must be True or False"):
        PayloadBuilder({}, utc_z="x", backend=backend)
    with pytest.raises(SchemaError, match=r"from_model takes"):
        PayloadBuilder.from_model({"a": int}, backend=backend)
    with pytest.raises(ValueError, match="backend must be"):
        PayloadBuilder({}, backend="c")


def test_a_schema_does_not_change_with_what_it_was_made_from(backend):
    default = [1]
    schema = {"a": Field(list[int], default=default)}
    builder = PayloadBuilder(schema, backend=backend)
    default.append(2)
    schema["b"] = int
    assert builder.build([{}]) == b'[{"a":[1]}]'
    with pytest.raises(AttributeError):
        builder.schema[0].name = "x"
    with pytest.raises(AttributeError):
        builder.nan = "error"


EVERYTHING = {
    "i": int,
    "e": Colour | None,
    "o": {"f": Field(float, precision=1), "l": list[Order]},
    "d": Field(Decimal, default=Decimal("1.5"), as_number=True),
    "c": Field(constant=[1]),
    "n": Field(datetime, now=True),
    "r": Field(Raw, default=Raw("{}")),
}


def test_equality_hash_and_repr():
    make = PayloadBuilder
    same = [
        make(EVERYTHING),
        make(dict(EVERYTHING)),
        make(make(EVERYTHING).schema),
        make(EVERYTHING, backend="python"),
    ]
    assert len(set(same)) == 1
    others = [
        make(EVERYTHING, nan="error"),
        make(EVERYTHING, extra="error"),
        make(EVERYTHING, utc_z=True),
        make({**EVERYTHING, "i": float}),
        make({**EVERYTHING, "d": Field(Decimal, default=Decimal("1.50"), as_number=True)}),
        make({**EVERYTHING, "c": Field(constant=[2])}),
        make(dict(reversed(EVERYTHING.items()))),
    ]
    assert len({*same, *others}) == 8
    assert make({"a": int}) != "a"
    assert (
        repr(make({"a": int, "b": str}, nan="error", utc_z=True))
        == "<PayloadBuilder(a, b), nan='error', utc_z=True>"
    )


def test_pickles(backend):
    builder = PayloadBuilder(EVERYTHING, nan="error", extra="error", utc_z=True, backend=backend)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(builder, protocol)
        assert data == pickle.dumps(
            PayloadBuilder(EVERYTHING, nan="error", extra="error", utc_z=True), protocol
        )
        assert b"_speedups" not in data
        assert b"kernels" not in data
        again = pickle.loads(data)
        assert again == builder
        assert hash(again) == hash(builder)
        assert repr(again) == repr(builder)
    assert copy.deepcopy(builder) == builder


def test_pickles_load_under_the_other_backend(backend):
    data = pickle.dumps(PayloadBuilder({"a": int, "b": Field(str, default="x")}, backend=backend))
    code = f"import pickle; print(pickle.loads({data!r}).build([(1, 'y')]).decode())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"FASTCORE_BACKEND": "python", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == '[{"a":1,"b":"y"}]\n'


def test_json_schema(backend):
    assert PayloadBuilder(EVERYTHING, backend=backend).json_schema() == {
        "type": "object",
        "properties": {
            "i": {"type": "integer"},
            "e": {"title": "Colour", "enum": ["red", None]},
            "o": {
                "type": "object",
                "properties": {
                    "f": {"type": ["number", "null"]},
                    "l": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "id": {"type": "string"},
                                "when": {"type": ["string", "null"], "format": "date-time"},
                                "where": {
                                    "type": "object",
                                    "properties": {
                                        "lat": {"type": ["number", "null"]},
                                        "lon": {"type": ["number", "null"]},
                                    },
                                    "required": ["lat", "lon"],
                                    "additionalProperties": False,
                                },
                                "note": {"type": ["string", "null"], "default": None},
                                "color": {"title": "Colour", "enum": ["red"], "default": "red"},
                            },
                            "required": ["id", "when", "where", "note", "color"],
                            "additionalProperties": False,
                        },
                    },
                },
                "required": ["f", "l"],
                "additionalProperties": False,
            },
            "d": {"type": ["number", "null"], "default": 1.5},
            "c": {"const": [1]},
            "n": {"type": "string", "format": "date-time"},
            "r": {"default": {}},
        },
        "required": ["i", "e", "o", "d", "c", "n", "r"],
        "additionalProperties": False,
    }
    strict = PayloadBuilder(
        {"f": float, "u": UUID | None, "d": date, "x": Field(int | None, omit_null=True, default=None)},
        nan="error",
        backend=backend,
    )
    assert strict.json_schema() == {
        "type": "object",
        "properties": {
            "f": {"type": "number"},
            "u": {"type": ["string", "null"], "format": "uuid"},
            "d": {"type": "string", "format": "date"},
            "x": {"type": "integer"},
        },
        "required": ["f", "u", "d"],
        "additionalProperties": False,
    }


def test_raw():
    assert Raw("ü") == Raw("ü".encode()) == Raw(bytearray("ü".encode()))
    assert Raw("1") != Raw("2")
    assert Raw("1") != b"1"
    assert len({Raw("1"), Raw(b"1")}) == 1
    assert repr(Raw("1")) == "Raw(b'1')"
    assert pickle.loads(pickle.dumps(Raw("1"))) == Raw("1")
    with pytest.raises(AttributeError):
        Raw("1").json = b"2"


def test_page(backend):
    builder = PayloadBuilder({"id": int}, backend=backend)
    items = builder.build([(1,), (2,)])
    full = b'{"items":[{"id":1},{"id":2}],"total":9,"page":3,"next":"/x?a=\\"\xc3\xbc"}'
    for given in ([(1,), (2,)], iter([(1,), (2,)]), items, Raw(items)):
        assert (
            builder.page(given, total=9, page=3, next='/x?a="ü') == full
            if not isinstance(given, str)
            else True
        )
    assert json.loads(builder.page([])) == {"items": [], "total": None, "page": None, "next": None}
    for options, name in [
        ({"total": True}, "total"),
        ({"total": -1}, "total"),
        ({"total": "5"}, "total"),
        ({"page": 1.5}, "page"),
        ({"next": 5}, "next"),
        ({"next": "\ud800"}, "next"),
    ]:
        with pytest.raises(ValueError, match=f"field '{name}': expected") as caught:
            builder.page([], **options)
        assert caught.value.field == name
    with pytest.raises(ValueError, match="field 'items'"):
        builder.page(b"")
    with pytest.raises(ValueError, match="row 0, field 'id'"):
        builder.page([("x",)])


def test_importing_payloads_is_light():
    heavy = {"numpy", "pydantic", "fastapi"}
    code = f"import sys, fastcore.payloads; print({heavy!r} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "set()\n"
