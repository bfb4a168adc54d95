"""The evaluator: coercions, scopes and errors of single operators, and both backends against each other."""

import json
import math
from collections import OrderedDict, UserDict, defaultdict
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastcore.errors import LimitError, LogicError
from fastcore.rules import jsonlogic

NAN, INVALID, UNKNOWN = "NaN", "Invalid Arguments", "Unknown Operator"


def evaluate(logic, data=None, backend=None, **options):
    """Kind and value, with the type, because True == 1 == 1.0."""
    try:
        value = jsonlogic.compile(logic, backend=backend, **options)(data)
    except LogicError as error:
        return "error", error.type
    return type(value).__name__, value


def value_of(logic, data, backend):
    kind, value = evaluate(logic, data, backend)
    assert kind != "error", value
    return value


def test_the_table_of_truth(backend):
    table = {
        False: [None, False, 0, 0.0, -0.0, "", [], (), Decimal(0), math.nan, Decimal("NaN")],
        True: [
            True,
            1,
            -1,
            0.5,
            "0",
            "false",
            " ",
            [0],
            [[]],
            {},
            {"a": 0},
            Decimal("0.1"),
            math.inf,
            OrderedDict(),
        ],
    }
    for truth, values in table.items():
        for value in values:
            data = {"x": value}
            assert value_of({"!!": [{"var": "x"}]}, data, backend) is truth, value
            assert value_of({"!!": {"var": "x"}}, data, backend) is truth, value
            assert value_of({"!": [{"var": "x"}]}, data, backend) is not truth, value
            assert value_of({"if": [{"var": "x"}, "yes", "no"]}, data, backend) == (
                "yes" if truth else "no"
            ), value
            assert value_of({"filter": [[1], {"val": [[2], "x"]}]}, data, backend) == (
                [1] if truth else []
            ), value


NUMBERS = [
    (None, 0),
    (True, 1),
    (False, 0),
    ("", 0),
    (" \t\n", 0),
    ("12", 12),
    (" 12 ", 12),
    ("-12", -12),
    ("+7", 7),
    ("1.5", 1.5),
    (".5", 0.5),
    ("5.", 5.0),
    ("1e2", 100.0),
    ("0x1F", 31),
    ("0b101", 5),
    ("0o17", 15),
    ("9007199254740993", 9007199254740993),
]
NO_NUMBERS = [
    "a",
    "1_000",
    "١٢",
    "inf",
    "Infinity",
    "-Infinity",
    "nan",
    "1e400",
    "0x",
    "1 2",
    "--1",
    "-0x10",
    [],
    [1],
    {},
]


@pytest.mark.parametrize(("given", "number"), NUMBERS)
def test_what_counts_as_a_number(backend, given, number):
    assert evaluate({"+": [{"var": "x"}]}, {"x": given}, backend) == (type(number).__name__, number)
    assert evaluate({"*": [{"var": "x"}, 1]}, {"x": given}, backend) == (type(number).__name__, number)
    assert evaluate({"+": [given]}, None, backend) == (type(number).__name__, number)


@pytest.mark.parametrize("given", NO_NUMBERS)
def test_what_does_not_count_as_a_number(backend, given):
    for logic in (
        {"+": [{"var": "x"}]},
        {"-": [1, {"var": "x"}]},
        {"*": [{"var": "x"}, 1, 1]},
        {"<": [{"var": "x"}, 1]},
    ):
        assert evaluate(logic, {"x": given}, backend) == ("error", NAN)


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        ({"/": [4, 2]}, 2),
        ({"/": [1, 2]}, 0.5),
        ({"/": [4.0, 2]}, 2.0),
        ({"/": [2**60 + 2, 2]}, 2**59 + 1),
        ({"+": [2**53, 1]}, 2**53 + 1),
        ({"*": [2**40, 2**40]}, 2**80),
        ({"==": [2**53, 2**53 + 1]}, False),
        ({"<": [2**53, 2.0**53]}, False),
        ({"<": [2.0**53, 2**53 + 1]}, True),
        ({"%": [-7, 3]}, -1),
        ({"%": [7, -3]}, 1),
        ({"%": [-7.5, 2]}, -1.5),
        ({"%": [2**70 + 1, 2]}, 1),
        ({"-": [0.0]}, -0.0),
        ({"*": [-1, 0.0]}, -0.0),
        ({"max": [1, 2.5, -3]}, 2.5),
        ({"min": [True]}, INVALID),
        ({"max": ["1"]}, INVALID),
        ({"max": []}, INVALID),
        ({"/": [1, 0]}, NAN),
        ({"/": [1, "0"]}, NAN),
        ({"/": [1e308, 1e-308]}, NAN),
        ({"%": [1, 0]}, NAN),
        ({"%": [1.5, 0]}, NAN),
        ({"%": [1]}, INVALID),
        ({"-": []}, INVALID),
        ({"*": []}, 1),
        ({"+": []}, 0),
    ],
)
def test_arithmetic(backend, logic, expected):
    kind, value = evaluate(logic, None, backend)
    if isinstance(expected, str):
        assert (kind, value) == ("error", expected)
    else:
        assert (kind, repr(value)) == (type(expected).__name__, repr(expected))


def test_nan_never_comes_out_of_an_operator(backend):
    data = {"nan": math.nan, "inf": math.inf, "ninf": -math.inf}
    for logic in [
        {"+": [{"var": "nan"}, 1]},
        {"+": [{"var": "inf"}, {"var": "ninf"}]},
        {"*": [{"var": "inf"}, 0]},
        {"-": [{"var": "inf"}, {"var": "inf"}]},
        {"%": [{"var": "inf"}, 2]},
        {"/": [{"var": "inf"}, {"var": "inf"}]},
        {"+": {"var": "nan"}},
        {"-": {"var": "nan"}},
        {"max": [{"var": "nan"}, 1]},
        {"<": [{"var": "nan"}, 1]},
        {"==": [{"var": "nan"}, {"var": "nan"}]},
    ]:
        assert evaluate(logic, data, backend) == ("error", NAN), logic
    assert evaluate({"===": [{"var": "nan"}, {"var": "nan"}]}, data, backend) == ("bool", False)
    assert evaluate({"<": [{"var": "ninf"}, {"var": "inf"}]}, data, backend) == ("bool", True)


def test_integers_are_exact_but_bounded(backend):
    assert value_of({"*": [{"var": "x"}, 2]}, {"x": 2**4000}, backend) == 2**4001
    for logic, data in [
        ({"*": [{"var": "x"}, {"var": "x"}]}, {"x": 2**4000}),
        ({"+": [{"var": "x"}, 1]}, {"x": 2**5000}),
        ({"cat": [{"var": "x"}]}, {"x": 2**5000}),
        ({"+": ["9" * 1001]}, None),
    ]:
        with pytest.raises(LimitError):
            value_of(logic, data, backend)
    assert value_of({">": [{"var": "x"}, 1.5]}, {"x": 2**50000}, backend) is True
    assert evaluate({"*": [{"var": "x"}, 0.5]}, {"x": 2**4000}, backend) == ("error", NAN)


SOFT = [
    (None, None, (False, True, True)),
    (None, 0, (False, True, True)),
    (None, "", (False, True, False)),
    (None, "5", (True, True, False)),
    (None, "a", (False, False, False)),
    ("", 0, (False, True, True)),
    ("2", "10", (False, False, False)),
    ("2", 10, (True, True, False)),
    (True, 1, (False, True, True)),
    (False, "0", (False, True, True)),
    (1, 1.0, (False, True, True)),
    ("a", "b", (True, True, False)),
    (Decimal("0.1"), 0.1, (True, True, False)),
    (Decimal(2), 2, (False, True, True)),
]


@pytest.mark.parametrize(("left", "right", "answers"), SOFT)
def test_the_table_of_coercing_comparisons(backend, left, right, answers):
    data = {"l": left, "r": right}
    pair = [{"var": "l"}, {"var": "r"}]
    less, at_most, equal = answers
    assert value_of({"<": pair}, data, backend) is less
    assert value_of({"<=": pair}, data, backend) is at_most
    assert value_of({"==": pair}, data, backend) is equal
    assert value_of({"!=": pair}, data, backend) is not equal
    assert value_of({">": pair[::-1]}, data, backend) is less
    assert value_of({">=": pair[::-1]}, data, backend) is at_most


STRICT = [
    None,
    True,
    False,
    0,
    1,
    2,
    "",
    "1",
    "a",
    [],
    [1],
    [True],
    [1, [2]],
    {},
    {"a": 1},
    {"a": True},
    {"b": 1},
]


def test_strict_equality_is_equality_as_json(backend):
    for left in STRICT:
        for right in STRICT:
            same = json.dumps(left) == json.dumps(right)
            data = {"l": left, "r": right}
            assert value_of({"===": [{"var": "l"}, {"var": "r"}]}, data, backend) is same
            assert value_of({"!==": [{"var": "l"}, {"var": "r"}]}, data, backend) is not same
            assert value_of({"in": [{"var": "l"}, [{"var": "r"}]]}, data, backend) is same
            assert value_of({"in": [{"var": "l"}, {"preserve": [right]}]}, data, backend) is same
    assert value_of({"===": [{"var": "l"}, {"var": "r"}]}, {"l": 1, "r": 1.0}, backend) is True
    assert value_of({"in": [{"var": "l"}, [1.0, "x"]]}, {"l": Decimal(1)}, backend) is True


def test_chains_are_lazy_and_need_every_pair(backend):
    boom = {"throw": "evaluated"}
    for logic, expected in [
        ({"<": [1, 2, 3]}, True),
        ({"<": [1, 3, 2]}, False),
        ({"<": [2, 1, boom]}, False),
        ({"==": ["a", "a", "a"]}, True),
        ({"===": [1, 1, 2, boom]}, False),
        ({"!=": [1, 2, 1]}, True),
        ({"!==": [1, 1, boom]}, False),
        ({"and": [0, boom]}, 0),
        ({"or": [5, boom]}, 5),
        ({"??": [0, boom]}, 0),
        ({"if": [True, 1, boom]}, 1),
        ({"and": []}, False),
        ({"or": []}, False),
        ({"if": []}, None),
        ({"??": []}, None),
        ({"try": []}, None),
    ]:
        assert evaluate(logic, {}, backend) == (type(expected).__name__, expected), logic


TEXTS = [
    (None, ""),
    (True, "true"),
    (5, "5"),
    (5.0, "5"),
    (-0.0, "0"),
    (1.5, "1.5"),
    (0.1, "0.1"),
    (1e21, "1e+21"),
    (1e20, "100000000000000000000"),
    (1.5e-7, "1.5e-7"),
    (1e-6, "0.000001"),
    (-1.25e-5, "-0.0000125"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
    (5e-324, "5e-324"),
    (123456789012345680.0, "123456789012345680"),
    (math.inf, "Infinity"),
    ([1, [None, "a"], 2.0], "1,,a,2"),
    ({"a": 1}, "[object Object]"),
    (Decimal("1.50"), "1.50"),
]


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_values_as_text(backend, value, text):
    assert value_of({"cat": [{"var": "x"}, "|"]}, {"x": value}, backend) == text + "|"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", 1),
        ("o.k", [1, {"z": 2}]),
        ("o.k.1.z", 2),
        ("o.k.length", 2),
        ("s.length", 3),
        ("s.1", "b"),
        ("o.k.01", None),
        ("o.k.-1", None),
        ("o.k.9", None),
        ("o.k.99999999999999999999", None),
        ("a.b", None),
        ("n.b", None),
        ("d\\.t", 7),
        ("nothing", None),
        (0, None),
        (1.5, "half"),
        (True, "yes"),
    ],
)
def test_paths(backend, path, expected):
    data = {
        "a": 1,
        "n": None,
        "s": "abc",
        "o": {"k": [1, {"z": 2}]},
        "d.t": 7,
        "1": {"5": "half"},
        "true": "yes",
    }
    assert value_of({"var": path}, data, backend) == expected
    assert value_of({"var": {"if": [True, path]}}, data, backend) == expected
    default = value_of({"var": [path, "default"]}, data, backend)
    assert default == ("default" if expected is None else expected)
    assert value_of({"missing": [path]}, data, backend) == ([path] if expected is None else [])


def test_a_default_replaces_what_is_missing_and_not_null(backend):
    data = {"n": None, "p": "q"}
    assert value_of({"var": ["n", 5]}, data, backend) is None
    assert value_of({"var": ["n.x", 5]}, data, backend) == 5
    assert value_of({"var": [{"cat": ["", "n"]}, 5]}, data, backend) is None
    assert value_of({"var": [{"var": "p"}, {"+": [1, 1]}]}, data, backend) == 2
    assert value_of({"exists": "n"}, data, backend) is True
    assert value_of({"exists": ["n", "x"]}, data, backend) is False
    assert value_of({"missing": [["n", "x"]]}, data, backend) == ["x"]
    assert value_of({"missing_some": [1, ["n", "x"]]}, data, backend) == []
    assert value_of({"missing_some": [2, ["n", "x"]]}, data, backend) == ["x"]


def test_scopes(backend):
    data = {"rows": [{"t": "A", "items": [1, 2]}], "t": "ROOT"}

    def inner(logic):
        return value_of({"map": [{"var": "rows"}, {"map": [{"var": "items"}, logic]}]}, data, backend)

    assert inner({"val": []}) == [[1, 2]]
    assert inner({"val": [[1], "index"]}) == [[0, 1]]
    assert inner({"val": [[-1], "index"]}) == [[0, 1]]
    assert inner({"val": [[2], "t"]}) == [["A", "A"]]
    assert inner({"val": [[3], "index"]}) == [[0, 0]]
    assert inner({"val": [[4], "t"]}) == [["ROOT", "ROOT"]]
    assert inner({"val": [[9], "t"]}) == [[None, None]]
    assert inner({"val": [[10**30], "t"]}) == [[None, None]]
    assert inner({"var": "../index"}) == [[0, 1]]
    assert inner({"var": "../../t"}) == [["A", "A"]]
    assert inner({"val": [[1]]}) == [[{"iterator": [1, 2], "index": i} for i in range(2)]]
    assert inner({"try": [{"throw": "x"}, {"cat": [{"var": "type"}, {"val": [[4], "t"]}]}]}) == [["xA", "xA"]]
    for name in ("some", "all", "none", "filter"):
        logic = {name: [{"var": "rows"}, {"==": [{"val": [[1], "index"]}, 0]}]}
        assert value_of(logic, data, backend) in (name != "none", data["rows"])


@pytest.mark.parametrize(
    ("logic", "kind"),
    [
        ({"map": 5}, INVALID),
        ({"map": [None, 1]}, INVALID),
        ({"map": [[1]]}, INVALID),
        ({"map": ["abc", 1]}, INVALID),
        ({"filter": [{"preserve": {"a": 1}}, True]}, INVALID),
        ({"all": [{"var": "nothing"}, True]}, INVALID),
        ({"<": [1]}, INVALID),
        ({"==": {"preserve": [1, 1]}}, INVALID),
        ({"if": 1}, INVALID),
        ({"length": 5}, INVALID),
        ({"substr": []}, INVALID),
        ({"missing_some": [1]}, INVALID),
        ({"nope": 1}, UNKNOWN),
        ({"+": 1, "-": 2}, UNKNOWN),
        ({"throw": "mine"}, "mine"),
        ({"throw": None}, "null"),
        ({"throw": 5}, "5"),
        ({"throw": {"preserve": {"type": "typed", "more": 1}}}, "typed"),
        ({"throw": {"preserve": {"more": 1}}}, "Error"),
        ({"substr": ["abc", "x"]}, NAN),
    ],
)
def test_errors_and_what_try_sees_of_them(backend, logic, kind):
    assert evaluate(logic, {}, backend) == ("error", kind)
    if "more" not in str(logic) or kind == "typed":
        assert value_of({"try": [logic, {"var": "type"}]}, {}, backend) == kind
    assert value_of({"if": [False, logic, "unreached"]}, {}, backend) == "unreached"


def test_an_unknown_operator_is_named(backend):
    with pytest.raises(LogicError) as caught:
        jsonlogic.apply({"nope": 1}, backend=backend)
    assert caught.value.__notes__ == ["the operator is 'nope'"]
    assert caught.value.value == {"type": UNKNOWN}


def test_strings(backend):
    for logic, expected in [
        ({"substr": ["jsonlogic", 4]}, "logic"),
        ({"substr": ["jsonlogic", -5, -2]}, "log"),
        ({"substr": ["jsonlogic", 1, None]}, "sonlogic"),
        ({"substr": ["añ😀b", 1, 2]}, "ñ😀"),
        ({"substr": ["abc", -10, 2]}, "ab"),
        ({"substr": ["abc", 10]}, ""),
        ({"substr": [12345, 1, 2]}, "23"),
        ({"in": ["b", "abc"]}, True),
        ({"in": [1, "a1"]}, True),
        ({"in": [None, "null"]}, False),
        ({"in": ["a", None]}, False),
        ({"in": ["a", {"preserve": {"a": 1}}]}, False),
        ({"in": ["a"]}, False),
        ({"length": "a😀"}, 2),
        ({"length": [[1, 2]]}, 2),
        ({"length": {"preserve": {"a": 1}}}, 1),
        ({"merge": [1, [2, [3]], None]}, [1, 2, [3], None]),
        ({"log": "x"}, "x"),
        ({"reduce": [[2, 3], {"+": [{"var": "current"}, {"var": "accumulator"}]}]}, 5),
        ({"reduce": [[], 1]}, None),
    ]:
        assert evaluate(logic, {}, backend) == (type(expected).__name__, expected), logic


class Level(IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


class Row(dict):
    def __missing__(self, key):
        raise AssertionError("never asked")


def test_data_of_other_types(backend):
    growing = defaultdict(list, x=1)
    for data in ({"x": 1}, OrderedDict(x=1), UserDict(x=1), growing, Row(x=1)):
        assert value_of({"var": "x"}, data, backend) == 1
        assert value_of({"var": "y"}, data, backend) is None
        assert value_of({"var": ["y.z", 3]}, data, backend) == 3
        assert value_of({"missing": ["x", "y"]}, data, backend) == ["y"]
    assert list(growing) == ["x"]
    assert value_of({"map": [{"var": "t"}, {"+": [{"var": ""}, 1]}]}, {"t": (1, 2)}, backend) == [2, 3]
    assert value_of({"==": [{"var": "t"}, "a"]}, {"t": Text("a")}, backend) is True
    assert value_of({"in": [{"var": "t"}, ["a", "b"]]}, {"t": Text("a")}, backend) is True
    assert evaluate({"+": [{"var": "l"}, 1]}, {"l": Level.HIGH}, backend) == ("int", 4)
    assert value_of({">": [{"var": "l"}, 2]}, {"l": Level.HIGH}, backend) is True
    assert value_of({"in": [{"var": "l"}, [3]]}, {"l": Level.HIGH}, backend) is True
    assert evaluate({"*": [{"var": "f"}, 2]}, {"f": Fraction(1, 2)}, backend) == ("float", 1.0)
    assert evaluate({"+": [{"var": "o"}, 2]}, {"o": object()}, backend) == ("error", NAN)
    assert value_of({"var": "o.x"}, {"o": object()}, backend) is None


class Index:
    """As the integers of numpy, which are no ints."""

    def __index__(self):
        return 5


class Single:
    """As numpy.float32, which is no float."""

    def __float__(self):
        return 0.5


def test_numbers_of_other_libraries(backend):
    data = {"i": Index(), "s": Single()}
    assert evaluate({"+": [{"var": "i"}, 1]}, data, backend) == ("int", 6)
    assert evaluate({"+": [{"var": "s"}, 1]}, data, backend) == ("float", 1.5)
    assert value_of({">": [{"var": "i"}, 4]}, data, backend) is True


def test_deep_data_does_not_crash(backend):
    deep, row = [], {}
    for _ in range(100_000):
        deep, row = [deep], {"a": row, "b": 1}
    data = {"deep": deep, "row": row}
    assert value_of({"var": "deep"}, data, backend) is deep
    assert value_of({"merge": [{"var": "deep"}, 1]}, data, backend) == [deep[0], 1]
    assert value_of({"===": [{"var": "deep"}, {"var": "deep"}]}, data, backend) is True
    assert value_of({"in": [{"var": "row"}, [{"var": "row"}]]}, data, backend) is True
    assert value_of({"var": "row" + ".a" * 1000 + ".b"}, data, backend) == 1
    assert value_of({"!!": [{"var": "deep"}]}, data, backend) is True
    with pytest.raises(LimitError, match="nested deeper than 100 levels"):
        value_of({"cat": [{"var": "deep"}]}, data, backend)
    while deep:
        deep = deep.pop()
    while row:
        row = row.pop("a", None)


# --- random logic -------------------------------------------------------------------------------------------

# the fixture is a mere name, the same for every example
QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "b", "5", "-1.5", " 7 ", "1e3", "abc", "x.y", "length", "0", "\U0001f600"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abxy01"), inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    "var",
    "val",
    "exists",
    "missing",
    "missing_some",
    "if",
    "?:",
    "and",
    "or",
    "!",
    "!!",
    "??",
    "==",
    "===",
    "!=",
    "!==",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "min",
    "max",
    "map",
    "filter",
    "reduce",
    "all",
    "some",
    "none",
    "merge",
    "in",
    "cat",
    "substr",
    "length",
    "try",
    "throw",
    "preserve",
    "log",
    "between",
    "starts_with",
    "contains",
    "lower",
    "nope",
]


def operations(inner):
    arguments = st.lists(inner, max_size=4) | inner
    return st.builds(lambda name, raw: {name: raw}, st.sampled_from(NAMES), arguments)


LOGIC = st.recursive(
    SCALARS
    | st.builds(
        lambda key: {"var": key}, st.sampled_from(["", "a", "b", "a.b", "x.0", "../index", "a.length"])
    ),
    lambda inner: operations(inner) | st.lists(inner, max_size=3),
    max_leaves=12,
)
DATA = st.dictionaries(st.sampled_from("abxy"), VALUES, max_size=4) | VALUES


def outcome(logic, data, backend):
    """Everything that can be seen of an evaluation; any other error fails the test."""
    try:
        value = jsonlogic.compile(logic, max_operations=5_000, backend=backend)(data)
    except (LogicError, LimitError) as error:
        return (
            type(error).__name__,
            str(error),
            repr(getattr(error, "value", None)),
            getattr(error, "__notes__", None),
        )
    return type(value).__name__, repr(value)


@settings(QUICK, max_examples=600)
@given(logic=LOGIC, data=DATA)
def test_random_logic_gives_a_value_or_an_error_of_ours(backend, logic, data):
    before = repr((logic, data))
    first = outcome(logic, data, backend)
    assert outcome(logic, data, backend) == first
    assert outcome(logic, data, "python") == first
    assert "nan" not in first[1]
    assert repr((logic, data)) == before


@settings(QUICK, max_examples=200)
@given(logic=LOGIC, data=DATA)
def test_constants_are_folded_without_a_difference(backend, logic, data):
    """The same logic with every scalar read through an operator that cannot be folded."""

    def opened(rule):
        if isinstance(rule, list):
            return [opened(item) for item in rule]
        if not isinstance(rule, dict):
            return {"log": rule} if isinstance(rule, (int, float, str)) else rule
        ((name, raw),) = rule.items()
        literal = name in ("var", "val", "exists", "preserve", "missing", "missing_some")
        return rule if literal or not isinstance(raw, list) else {name: opened(raw)}

    folded, plain = outcome(logic, data, backend), outcome(opened(logic), data, backend)
    if "LimitError" not in (folded[0], plain[0]):
        assert folded == plain


@settings(QUICK, max_examples=300)
@given(left=SCALARS, right=SCALARS, name=st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "===", "!=="]))
def test_comparing_with_a_constant_is_comparing(backend, left, right, name):
    data = {"l": left, "r": right}
    general = outcome({name: [{"var": "l"}, {"var": "r"}]}, data, backend)
    assert outcome({name: [{"var": "l"}, right]}, data, backend) == general
    assert outcome({name: [left, {"var": "r"}]}, data, backend) == general
    assert outcome({name: [left, right]}, data, backend) == general


@settings(QUICK, max_examples=300)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_float_reads_back_equal(backend, value):
    text = value_of({"cat": [value]}, None, backend)
    assert float(text) == value
    assert value_of({"+": [text]}, None, backend) == value
