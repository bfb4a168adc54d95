"""Random rulesets and random, ugly events: what the differential tests are made of.

Conditions are drawn by the type of their result, so that most of what is drawn is accepted when the ruleset
is built and gets far when it is evaluated. Fields have any value all the same.
"""

import dataclasses
import datetime as dt
import importlib.util
import math
from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from hypothesis import strategies as st

__all__ = ["LISTS", "NOW", "REGEX", "documents", "drawn_operators", "events", "json_events"]

REGEX = importlib.util.find_spec("re2") is not None
"""Whether conditions with regular expressions are drawn: their library is not everywhere."""

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LISTS = {
    "countries": ["US", "DE", "ß", ""],
    "mixed": [1, 2.5, True, "x", "1"],
    "offices": ["10.0.0.0/8", "192.168.7.0/24", "2001:db8::/32"],
    "empty": [],
}

named = st.deferred
"""Keeps the text of a strategy short; hypothesis writes it again and again."""

# --- conditions ---------------------------------------------------------------------------------------------

TYPED = {
    "number": ["n", "m", "o.n", "o.p.n", "list.0"],
    "string": ["s", "t", "o.s", "ip"],
    "boolean": ["f", "o.f"],
    "array": ["list", "rows", "o.list"],
    "datetime": ["at", "o.at"],
    "date": ["day"],
    "duration": ["took"],
    "any": ["n", "s", "f", "o", "o.p", "list", "rows.0", "rows.1.n", "at", "absent", ""],
}
ELEMENT = ["", "n", "s", "current", "accumulator", "current.n", "o.n"]
NUMBERS = [0, 1, -1, 2, 7, 0.5, -0.0, 2.5, 1e-9, 1e308, 5e-324, 2**53, 2**53 + 1, -(2**63), 2**64, 10**30]
STRINGS = ["", "x", "y", "1", "US", "DE", "ß", "SS", "\U0001f600", "10.0.0.1", "2026-03-01", "a.b"]
MOMENTS = ["2026-03-01T12:00:00Z", "2026-03-01T13:00:00+02:00", "2025-01-01T00:00:00", "2026-03-01"]
CONSTANTS = {
    "number": st.sampled_from(NUMBERS) | st.integers(-3, 9),
    "string": st.sampled_from(STRINGS),
    "boolean": st.booleans(),
    "datetime": st.sampled_from(MOMENTS).map(lambda text: {"datetime": text}) | st.just({"now": []}),
    "date": st.sampled_from(["2026-03-01", "2025-12-31"]).map(lambda text: {"date": text}),
    "duration": st.sampled_from(["P1D", "PT90M", "1d 12h", "PT0S"]).map(lambda text: {"duration": text}),
}
PATTERNS = ["^x", "^$", "[A-Z]{2}", "(?i)us|ß", r"^\d+(\.\d+)*$", "(a+)+$", "."]
UNITS = ["days", "hours", "minutes", "seconds", "milliseconds"]
CONCRETE = ["number", "string", "boolean", "array", "datetime", "date", "duration"]
ORDERED = ["number", "string", "datetime", "date", "duration"]
OPERATORS = {"exists", "list", "missing_some", "now", "val", "var"}
"""The names of the operators that conditions are drawn from, as far as they have been needed."""


def drawn_operators():
    """The names of all operators that conditions are drawn from."""
    for kind, make in MAKERS.items():
        make(1, False)
        generic(kind, 1, False)
    return frozenset(OPERATORS)


def op(names, *operands):
    """An operation by one of these operators."""
    OPERATORS.update(names.split())
    return st.builds(lambda name, *given: {name: list(given)}, st.sampled_from(names.split()), *operands)


def many(names, operand, least, most):
    OPERATORS.update(names.split())
    given = st.lists(operand, min_size=least, max_size=most)
    return st.builds(lambda name, operands: {name: operands}, st.sampled_from(names.split()), given)


@cache
def fields(kind, inside):
    """A field: mostly one that tends to hold values of the kind."""
    names = st.sampled_from(TYPED[kind] + (ELEMENT if inside else []))
    if not inside:
        names |= st.sampled_from(TYPED["any"])
    default = CONSTANTS.get(kind, st.sampled_from([0, "x", False]))
    shapes = [names.map(lambda name: {"var": name})] * 3
    shapes.append(names.map(lambda name: {"val": name.split(".") if name else []}))
    shapes.append(st.builds(lambda name, value: {"var": [name, value]}, names, default))
    if inside:
        shapes.append(st.sampled_from([{"val": [[1], "index"]}, {"val": [[2], "n"]}, {"val": [[-2], "s"]}]))
    return st.one_of(*shapes)


@cache
def values(kind, depth, inside=False):
    """An expression of a kind, at most so deep."""
    if kind == "any":
        return st.sampled_from(CONCRETE).flatmap(lambda one: values(one, depth, inside)) | fields(
            "any", inside
        )
    leaves = [fields(kind, inside), fields(kind, inside)]
    if kind == "array":
        plain = st.lists(st.sampled_from([0, 1, 2.5, "x", "US", True]), max_size=4)
        leaves.append(plain)
        leaves.append(st.lists(fields("any", inside), min_size=1, max_size=3))
    else:
        leaves.append(CONSTANTS[kind])
    if depth == 0:
        return st.one_of(*leaves)

    def made():
        shapes = MAKERS[kind](depth - 1, inside)
        return st.one_of(*leaves, *shapes, *shapes, *generic(kind, depth - 1, inside))

    return named(made)


def generic(kind, depth, inside):
    """What gives any kind."""
    one = values(kind, depth, inside)
    test = values("boolean", depth, inside)
    thrown = op("throw", st.sampled_from(["no", {"type": "odd"}]) | fields("any", inside))
    return [
        op("if ?:", test, one, one),
        op("if", test, one),
        many("?? and or", one, 1, 3),
        op("try", one | thrown, values(kind, depth, True)),
        op("try", one),
        thrown,
        *([op("min max", one)] if kind == "number" else []),
    ]


def booleans(depth, inside):
    test = values("boolean", depth, inside)
    number, text = values("number", depth, inside), values("string", depth, inside)
    array, anything = values("array", depth, inside), values("any", depth, inside)
    element = values("boolean", depth, True)
    entries = st.sampled_from(sorted(LISTS)).map(lambda name: {"list": name})
    ordered = st.sampled_from(ORDERED)
    names = st.sampled_from([*TYPED["any"], "n", "o.s", "absent.x"])
    return [
        many("and or", test, 1, 4),
        op("! !!", test),
        op("!", anything),
        op("< <= > >= == != === !==", number, CONSTANTS["number"]),
        op("< <= > >= == != === !==", CONSTANTS["number"], number),
        op("== != === !==", text, CONSTANTS["string"]),
        op("== !=", values("boolean", depth, inside), st.booleans()),
        op("== != === !==", anything, anything),
        ordered.flatmap(lambda kind: many("< <= > >=", values(kind, depth, inside), 2, 3)),
        ordered.flatmap(lambda kind: op("between", *[values(kind, depth, inside)] * 3)),
        op("between", number, CONSTANTS["number"], CONSTANTS["number"]),
        op("in", fields("any", inside) | number | text, st.lists(scalars, max_size=4) | entries),
        op("in", anything, array),
        op("in contains starts_with ends_with", text, text),
        op("contains", array, anything),
        op("in_network", text, st.sampled_from(["10.0.0.0/8", ["::/0", "10.1.0.0/16"], {"list": "offices"}])),
        *([op("matches", text, st.sampled_from(PATTERNS))] if REGEX else []),
        op("some all none", array, element),
        names.map(lambda name: {"exists": name}),
        many("missing", st.sampled_from([*TYPED["any"], "n", "o.s"]), 0, 3),
    ]


scalars = st.sampled_from(NUMBERS[:8]) | st.sampled_from(STRINGS) | st.booleans()


def numbers(depth, inside):
    number, array = values("number", depth, inside), values("array", depth, inside)
    moment = values("datetime", depth, inside) | values("date", depth, inside)
    return [
        many("+ - * / min max", number, 1, 3),
        many("%", number, 2, 3),
        op("+", st.sampled_from(["1", "2.5", "-7"]) | fields("string", inside)),
        op("length", values("string", depth, inside) | array),
        op("date_diff", moment, moment, st.sampled_from(UNITS)),
        op("reduce", array, op("+ * -", st.just({"var": "accumulator"}), values("number", 0, True))),
        op("reduce", array, values("number", depth, True), CONSTANTS["number"]),
    ]


def strings(depth, inside):
    text = values("string", depth, inside)
    place = st.integers(-3, 3)
    return [
        many("cat", text | values("number", depth, inside), 1, 3),
        op("substr", text, place),
        op("substr", text, place, place),
        op("lower upper", text),
    ]


def arrays(depth, inside):
    array = values("array", depth, inside)
    keys = st.lists(st.sampled_from(["n", "s", "absent", "o.n"]), max_size=3)
    return [
        op("filter", array, values("boolean", depth, True)),
        op("map", array, values("any", depth, True)),
        many("merge", array | values("number", depth, inside), 0, 3),
        st.builds(lambda need, names: {"missing_some": [need, names]}, st.integers(0, 2), keys),
        many("missing", st.sampled_from(["n", "s", "absent", "o.n"]), 0, 3),
    ]


def moments(name):
    def made(depth, inside):
        source = values("string", depth, inside)
        return [op(name, source), op(name, source if name == "duration" else values("datetime", 0, inside))]

    return made


MAKERS = {
    "boolean": booleans,
    "number": numbers,
    "string": strings,
    "array": arrays,
    **{name: moments(name) for name in ("datetime", "date", "duration")},
}

near = st.sampled_from([0, 1, 1.0, 2])
plain_number = st.sampled_from([{"var": name} for name in ("n", "m", "o.n", "list.0")])
plain_text = st.sampled_from([{"var": name} for name in ("s", "t", "o.s")])
simple = st.one_of(
    op("< <= > >= == !=", plain_number, near),
    op("< <= > >=", near, plain_number),
    op("<= <", near, plain_number, near),
    op("between", plain_number, near, near),
    op("== !=", plain_text, st.sampled_from(["x", "US", ""])),
    op("in", plain_number | plain_text, st.lists(near | st.sampled_from(["x", "US", True]), max_size=3)),
    op("< >", op("+ - *", plain_number, plain_number | near), near),
    op("== !=", st.just({"var": "f"}), st.booleans()),
    st.sampled_from([{"var": name} for name in ("n", "s", "f", "list")]),
)
joined = named(lambda: simple | many("and or", simple, 1, 3) | op("! !!", simple))
connected = named(lambda: many("and or", joined, 1, 3) | op("! !!", joined) | joined)
conditions = st.one_of(connected, connected, values("boolean", 1), values("boolean", 2), values("any", 1))

# --- documents ----------------------------------------------------------------------------------------------

times = st.sampled_from([None, None, None, NOW - dt.timedelta(1), NOW, NOW + dt.timedelta(1)])
scores = st.integers(-5, 40) | st.sampled_from([0.1, 0.2, 0.3, -1.5, 1e16, 10**20])


@st.composite
def documents(draw, missing):
    """A ruleset: conditions drawn one by one, and many more rules that combine them."""
    drawn = draw(st.lists(conditions, min_size=1, max_size=10))
    logics = [*drawn, *({"!": [logic]} for logic in drawn)]
    for left in drawn[: draw(st.integers(0, 2))]:
        for right in drawn:
            logics += [{"and": [left, right]}, {"or": [{"!": [left]}, right]}]
    floats = draw(st.booleans())
    rules = []
    for index, logic in enumerate(logics):
        rule = {"id": f"r{index}", "when": logic}
        if draw(st.booleans()):
            score = draw(scores)
            rule |= {"score": score if floats or isinstance(score, int) else 3}
            rule |= {"priority": draw(st.integers(-1, 1))}
        if draw(st.integers(0, 5)) == 0:
            start, end = draw(times), draw(times)
            rule |= {"action": f"a{index}", "enabled": draw(st.integers(0, 3)) > 0}
            rule |= {} if start is None else {"valid_from": start.isoformat()}
            late = end is not None and (start is None or start < end)
            rule |= {"valid_until": end.isoformat()} if late else {}
        rules.append(rule)
    thresholds = sorted(draw(st.sets(st.integers(-10, 60), max_size=3)))
    return {
        "rules": rules,
        "lists": LISTS,
        "missing": missing,
        "decisions": [{"at_least": least, "action": f"over {least}"} for least in thresholds],
        **draw(st.sampled_from([{}, {"default_action": "none"}])),
    }


# --- events -------------------------------------------------------------------------------------------------


class SubDict(dict):
    __slots__ = ()


class SubStr(str):
    __slots__ = ()


class SubInt(int):
    __slots__ = ()


class SubFloat(float):
    __slots__ = ()


class Reading(Mapping):
    """A mapping that is no dict."""

    def __init__(self, held):
        self.held = held

    def __getitem__(self, key):
        return self.held[key]

    def __iter__(self):
        return iter(self.held)

    def __len__(self):
        return len(self.held)

    def __repr__(self):
        return f"Reading({self.held!r})"


NAMES = ["n", "m", "s", "t", "f", "o", "list", "rows", "at", "day", "took", "ip"]


@dataclasses.dataclass
class Record:
    n: object = None
    s: object = None
    o: object = None
    list: object = None


class Row(NamedTuple):
    n: object = None
    s: object = None
    o: object = None
    list: object = None


try:
    import pydantic

    class Model(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        n: object = None
        s: object = None
        o: object = None
        list: object = None

    MODELS = [Record, Row, Model]
except ImportError:
    MODELS = [Record, Row]

try:
    import numpy as np

    ARRAY_SCALARS = [np.int64(7), np.uint8(1), np.float64(2.5), np.float32(0.5), np.bool_(True), np.str_("x")]
    ARRAY_SCALARS += [np.float64("nan"), np.datetime64("NaT", "s"), np.int64(2**53 + 1), np.array([1, 2])]
except ImportError:
    ARRAY_SCALARS = []

json_scalars = named(
    lambda: st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 9),
        st.sampled_from(NUMBERS),
        st.sampled_from(STRINGS),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
ODD = [
    *[math.nan, math.inf, -math.inf, 10**400, -(10**400), 2**53 + 1, -0.0],
    *[
        Decimal("0.5"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        Decimal(10**30),
        Decimal("1e400"),
    ],
    *[SubStr("x"), SubStr("US"), SubInt(1), SubFloat(2.5), SubFloat("nan"), "\ud800", "\ud800x", "İ"],
    *[b"x", bytearray(b"x"), {1}, frozenset(), object, 1j, range(3), ...],
    *[NOW, NOW.replace(tzinfo=None), NOW.astimezone(dt.timezone(dt.timedelta(hours=5)))],
    *[dt.date(2026, 3, 1), dt.timedelta(minutes=90), dt.timedelta(0), dt.time(1)],
    *["2026-03-01T12:00:00Z", "2026-03-01", "PT90M", "10.1.2.3", "2001:db8::1", "::ffff:10.0.0.1", "1e3"],
    *ARRAY_SCALARS,
]
flat = named(lambda: json_scalars | st.sampled_from(ODD) | st.text(st.characters(), max_size=3))


def record(kind, member):
    return st.builds(kind, n=member, s=member, o=member, list=member)


def containers(inner, plain):
    keys = st.sampled_from(["n", "s", "f", "p", "o", "list", "at"])
    objects = st.dictionaries(keys, inner, max_size=4)
    shapes = [st.lists(inner, max_size=4), objects]
    if not plain:
        shapes += [st.lists(inner, max_size=3).map(tuple)]
        shapes += [objects.map(kind) for kind in (SubDict, OrderedDict, MappingProxyType, Reading)]
        shapes += [record(kind, inner) for kind in MODELS]
    return st.one_of(*shapes)


def nested(leaf, plain):
    """Values in containers in containers, and leaves at each level."""
    inner = named(lambda: leaf | leaf | containers(leaf, plain))
    return named(lambda: leaf | leaf | containers(inner, plain))


ugly = nested(flat, False)
json_values = nested(json_scalars, True)
LIKELY = {
    **dict.fromkeys(["n", "m"], near | near | st.sampled_from(NUMBERS)),
    **dict.fromkeys(["s", "t"], st.sampled_from(["x", "US", ""]) | st.sampled_from(STRINGS)),
    "o": st.fixed_dictionaries({"n": near, "s": st.sampled_from(["x", "US"])}),
    "f": st.booleans(),
    "at": st.sampled_from(MOMENTS),
    "ip": st.sampled_from(["10.0.0.1", "192.168.7.9", "2001:db8::7", "x"]),
    "list": st.lists(st.integers(-1, 3) | st.sampled_from(STRINGS), max_size=3),
    "rows": st.lists(st.dictionaries(st.sampled_from(["n", "s"]), st.integers(0, 3)), max_size=3),
}


def keyed(value):
    """All or some of the names, each with a value that it tends to have or with any."""
    made = {name: st.one_of(*[LIKELY.get(name, value)] * 3, value) for name in NAMES}
    core = {name: made[name] for name in ("n", "m", "s", "f", "o")}
    return named(
        lambda: st.one_of(
            st.fixed_dictionaries(core),
            st.fixed_dictionaries(core, optional={name: made[name] for name in made if name not in core}),
            st.fixed_dictionaries({}, optional=made),
        )
    )


mappings = keyed(ugly)
events = st.one_of(
    mappings,
    mappings,
    mappings.map(SubDict),
    mappings.map(OrderedDict),
    mappings.map(MappingProxyType),
    mappings.map(Reading),
    *[record(kind, ugly) for kind in MODELS],
)
json_events = keyed(json_values)
