"""JSONLogic as users meet it: compiled rules as values, registered operators, limits, and the extensions."""

import copy
import pickle
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from fastcore.errors import LimitError, LogicError
from fastcore.rules import jsonlogic

RULE = {"and": [{">": [{"var": "amount"}, 100]}, {"in": [{"var": "country"}, ["NG", "RU"]]}]}


def failure(logic, data=None, **options):
    with pytest.raises(LogicError) as caught:
        jsonlogic.compile(logic, **options)(data)
    return caught.value.type


# --- compiled rules -----------------------------------------------------------------------------------------


def test_a_compiled_rule_is_a_function_of_the_event(backend):
    rule = jsonlogic.compile(RULE, backend=backend)
    assert rule({"amount": 101, "country": "RU"}) is True
    assert rule({"amount": 101, "country": "US"}) is False
    assert jsonlogic.apply({"var": "a"}, {"a": 1}, backend=backend) == 1
    assert jsonlogic.apply({"var": "a"}, backend=backend) is None
    assert jsonlogic.compile({"var": ""}, backend=backend)() is None


def test_rules_are_values_and_the_backend_does_not_show(backend):
    rule, other = (
        jsonlogic.compile(RULE, backend=backend),
        jsonlogic.compile(copy.deepcopy(RULE), backend="python"),
    )
    assert rule == other
    assert hash(rule) == hash(other)
    assert repr(rule) == repr(other) == f"CompiledLogic({RULE!r})"
    assert pickle.dumps(rule) == pickle.dumps(other)
    assert rule != jsonlogic.compile({"var": "a"})
    assert rule != jsonlogic.compile(RULE, max_operations=5)
    assert rule != jsonlogic.compile(RULE, operators={"f": abs})
    assert rule != RULE
    assert jsonlogic.compile(1) != jsonlogic.compile(True) != jsonlogic.compile(1.0)
    assert jsonlogic.compile({"preserve": {"a": 1, "b": 2}}) == jsonlogic.compile(
        {"preserve": {"b": 2, "a": 1}}
    )
    assert type(rule).__module__ == "fastcore.rules.jsonlogic"


def test_a_pickled_rule_evaluates_the_same(backend):
    rule = jsonlogic.compile(
        {"abs": [{"var": "x"}]}, operators={"abs": abs}, max_operations=77, backend=backend
    )
    again = pickle.loads(pickle.dumps(rule))
    assert again == rule
    assert again({"x": -5}) == 5
    assert copy.copy(rule) is copy.deepcopy(rule) is rule


def test_a_rule_cannot_be_changed(backend):
    logic = {"in": [{"var": "x"}, [1, 2, {"preserve": {"k": [1]}}]]}
    rule = jsonlogic.compile(logic, backend=backend)
    logic["in"][1].append(9)
    assert rule({"x": 9}) is False
    rule.logic["in"][1].append(9)
    assert rule({"x": 9}) is False
    for act in (
        lambda: setattr(rule, "logic", 1),
        lambda: delattr(rule, "_logic"),
        lambda: setattr(rule, "x", 1),
    ):
        with pytest.raises(AttributeError, match="cannot be changed"):
            act()


@pytest.mark.parametrize(
    "logic", [[1, [2]], {"preserve": {"a": [1]}}, {"merge": [[1], [[2]]]}, {"if": [True, [[1]]]}]
)
def test_what_a_caller_does_to_a_result_does_not_reach_the_rule(backend, logic):
    rule = jsonlogic.compile(logic, backend=backend)
    expected = copy.deepcopy(rule({}))
    result = rule({})
    if isinstance(result, dict):
        result["a"].append(3)
    else:
        result[-1].append(3) if isinstance(result[-1], list) else result.append(3)
    assert rule({}) == expected


def test_repr_of_a_large_rule_is_short():
    assert len(repr(jsonlogic.compile([0] * 1000))) < 230


def test_mappings_and_tuples_are_logic_too(backend):
    from types import MappingProxyType

    assert jsonlogic.apply(MappingProxyType({"+": (1, {"var": "x"})}), {"x": 2}, backend=backend) == 3


def test_rules_are_shared_between_threads(backend):
    rule = jsonlogic.compile(
        {"reduce": [{"var": "xs"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]}, backend=backend
    )
    results = [[] for _ in range(4)]

    def work(number):
        for _ in range(200):
            results[number].append(rule({"xs": list(range(number, number + 20))}))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [set(values) for values in results] == [{sum(range(n, n + 20))} for n in range(4)]


# --- registered operators -----------------------------------------------------------------------------------


def test_registered_operators_get_evaluated_arguments(backend):
    calls = []

    def spy(*args):
        calls.append(args)
        return len(args)

    def run(logic):
        return jsonlogic.apply(logic, {"x": 4, "xs": [1, 2]}, operators={"spy": spy}, backend=backend)

    assert run({"spy": [{"var": "x"}, {"+": [1, 1]}]}) == 2
    assert run({"spy": {"var": "x"}}) == 1
    assert run({"spy": {"var": "xs"}}) == 2
    assert run({"spy": []}) == 0
    assert run({"+": [{"spy": [1]}, 1]}) == 2
    assert calls == [(4, 2), (4,), (1, 2), (), (1,)]


def test_registered_operators_replace_built_in_ones_in_their_rule_only(backend):
    both = {"+": [1, 2]}
    assert jsonlogic.apply(both, operators={"+": lambda a, b: a * 10 + b}, backend=backend) == 12
    assert jsonlogic.apply(both, backend=backend) == 3
    assert jsonlogic.apply({"preserve": [1]}, operators={"preserve": lambda x: x}, backend=backend) == 1
    assert jsonlogic.apply({"now": []}, operators={"now": lambda: 5}, backend=backend) == 5
    assert (
        jsonlogic.apply({"contains": ["a", 1]}, operators={"contains": lambda *a: "mine"}, backend=backend)
        == "mine"
    )


def test_errors_of_registered_operators(backend):
    def broken(*args):
        raise KeyError("broken")

    def refusing(*args):
        raise LogicError("refused")

    operators = {"broken": broken, "refusing": refusing}
    with pytest.raises(KeyError, match="broken"):
        jsonlogic.apply({"try": [{"broken": []}, 1]}, operators=operators, backend=backend)
    assert (
        jsonlogic.apply({"try": [{"refusing": []}, {"var": "type"}]}, operators=operators, backend=backend)
        == "refused"
    )


@pytest.mark.parametrize(
    ("operators", "error", "message"),
    [
        ([], TypeError, "must map names to functions"),
        ({1: abs}, TypeError, "must be a string"),
        ({"": abs}, ValueError, "must not be empty"),
        ({"f": 5}, TypeError, "'f' must be a function, not int"),
    ],
)
def test_operators_are_checked(operators, error, message):
    with pytest.raises(error, match=message):
        jsonlogic.compile(1, operators=operators)


# --- limits -------------------------------------------------------------------------------------------------


def nested(depth, wrap, logic=True):
    for _ in range(depth):
        logic = wrap(logic)
    return logic


WRAPS = [
    lambda x: {"!": [x]},
    lambda x: {"!": x},
    lambda x: [x],
    lambda x: {"preserve": x},
    lambda x: {"if": [True, x]},
    lambda x: {"+": [x, 1, 1]},
    lambda x: {"cat": [x, "a"]},
    lambda x: {"map": [[1], x]},
    lambda x: {"try": [x]},
    lambda x: {"custom": x},
    lambda x: {"a": 1, "b": x},
]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("depth", [129, 100_000])
def test_rules_nested_too_deep_are_refused(backend, wrap, depth):
    with pytest.raises(LimitError, match="nested deeper than max_depth = 128 levels"):
        jsonlogic.compile(nested(depth, wrap), backend=backend)


@pytest.mark.parametrize("wrap", WRAPS)
def test_the_deepest_rules_fit_the_stack_of_a_small_thread(backend, wrap):
    # a variable at the bottom keeps it from being worked out beforehand
    logic = nested(126, wrap, {"var": "xs"})
    rule = jsonlogic.compile(logic, operators={"custom": lambda *a: 1}, backend=backend)
    outcomes = []

    def work():
        try:
            outcomes.append(rule({}))
        except Exception as error:
            outcomes.append(error)
        outcomes.append(rule == jsonlogic.compile(rule.logic, operators=rule.operators))

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert not isinstance(outcomes[0], (RecursionError, LimitError))
    assert outcomes[1] is True


def test_the_interpreters_recursion_limit_is_a_limit_too():
    rule = jsonlogic.compile(nested(120, lambda x: {"!": [x]}, {"var": "x"}), backend="python")

    def deep():
        rule({})
        deep()

    # whichever frame runs out, ours or the caller's: never a crash, and inside the rule it is a limit
    with pytest.raises((LimitError, RecursionError), match="recursion"):
        deep()


def test_a_rule_that_holds_itself_is_refused(backend):
    logic = []
    logic.append(logic)
    with pytest.raises(LimitError, match="max_depth"):
        jsonlogic.compile(logic, backend=backend)


def test_too_many_nodes_are_refused_however_they_came_about(backend):
    with pytest.raises(LimitError, match="max_nodes = 10 "):
        jsonlogic.compile([0] * 10, max_nodes=10, backend=backend)
    jsonlogic.compile([0] * 9, max_nodes=10, backend=backend)
    bomb = [1]
    for _ in range(100):
        bomb = [bomb, bomb]
    with pytest.raises(LimitError, match="max_nodes"):
        jsonlogic.compile(bomb, backend=backend)


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"max_depth": 0}, ValueError),
        ({"max_depth": 501}, ValueError),
        ({"max_nodes": -1}, ValueError),
        ({"max_operations": 1.5}, TypeError),
        ({"max_operations": True}, TypeError),
    ],
)
def test_limits_are_checked(limits, error):
    with pytest.raises(error, match=next(iter(limits))):
        jsonlogic.compile(1, **limits)


CURRENT, ACCUMULATOR = {"var": "current"}, {"var": "accumulator"}
GREEDY = [
    {"reduce": [{"var": "xs"}, {"cat": [ACCUMULATOR, ACCUMULATOR]}, "ab"]},
    {"reduce": [{"var": "xs"}, {"merge": [ACCUMULATOR, ACCUMULATOR]}, [1]]},
    {"reduce": [{"var": "xs"}, {"cat": [[ACCUMULATOR, ACCUMULATOR]]}, "ab"]},
    {"reduce": [{"var": "xs"}, {"*": [ACCUMULATOR, ACCUMULATOR]}, 3]},
    {"reduce": [{"var": "xs"}, {"+": [ACCUMULATOR, ACCUMULATOR]}, {"*": [1 << 4000, 1 << 90]}]},
    {"map": [{"var": "xs"}, {"map": [{"var": "../../xs"}, {"map": [{"var": "../../../../xs"}, 1]}]}]},
    {"map": [{"var": "xs"}, {"map": [{"val": [[2], "xs"]}, {"all": [{"val": [[4], "xs"]}, True]}]}]},
    {
        "===": [
            {"reduce": [{"var": "xs"}, [ACCUMULATOR, ACCUMULATOR], 1]},
            {"reduce": [{"var": "xs"}, [ACCUMULATOR, ACCUMULATOR], 1]},
        ]
    },
    {"cat": [{"reduce": [{"var": "xs"}, [ACCUMULATOR, ACCUMULATOR], 1]}]},
]


@pytest.mark.parametrize("logic", GREEDY)
def test_evaluation_is_bounded(backend, logic):
    rule = jsonlogic.compile(logic, max_operations=20_000, backend=backend)
    with pytest.raises(LimitError, match=r"max_operations = 20000 |more than 4096 bits|nested deeper"):
        rule({"xs": list(range(200))})
    with pytest.raises(LimitError):
        # no error of the rule's own, so nothing that try could hide
        jsonlogic.compile({"try": [logic, 1]}, max_operations=20_000, backend=backend)(
            {"xs": list(range(200))}
        )


def test_the_budget_is_of_one_evaluation(backend):
    rule = jsonlogic.compile({"map": [{"var": "xs"}, {"var": ""}]}, max_operations=100, backend=backend)
    for _ in range(50):
        assert rule({"xs": [1] * 20}) == [1] * 20


@pytest.mark.parametrize(
    ("logic", "error", "message"),
    [
        (
            {"and": [1, {"==": [1, object()]}]},
            TypeError,
            r"^logic\.and\[1\]\.==\[1\]: object is not a JSON value",
        ),
        ({"a": {1: 2}}, TypeError, r"^logic\.a: the keys of an object must be strings, not 1"),
        ([float("nan")], ValueError, r"^logic\[0\]: NaN is not a JSON value"),
        ({1, 2}, TypeError, "^logic: set is not a JSON value"),
        (b"x", TypeError, "^logic: bytes is not a JSON value"),
    ],
)
def test_logic_that_is_not_json_is_refused_with_its_place(backend, logic, error, message):
    with pytest.raises(error, match=message):
        jsonlogic.compile(logic, backend=backend)


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match="backend must be"):
        jsonlogic.compile(1, backend="rust")


# --- extensions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        ({"starts_with": ["fastcore", "fast"]}, True),
        ({"starts_with": ["fastcore", "core"]}, False),
        ({"ends_with": ["fastcore", "core"]}, True),
        ({"ends_with": ["fastcore", "fast"]}, False),
        ({"contains": ["fastcore", "stc"]}, True),
        ({"contains": ["fastcore", "x"]}, False),
        ({"lower": "ÀB"}, "àb"),
        ({"upper": ["straße"]}, "STRASSE"),
        ({"between": [5, 1, 10]}, True),
        ({"between": [1, 1, 10]}, True),
        ({"between": [10, 1, 10]}, True),
        ({"between": [11, 1, 10]}, False),
        ({"between": [0, 1, {"throw": "not reached"}]}, False),
        ({"between": ["b", "a", "c"]}, True),
        ({"datetime": "2024-01-02T03:04:05Z"}, datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ({"<": [{"datetime": "2024-01-02T03:00:00+02:00"}, {"datetime": "2024-01-02T02:00:00Z"}]}, True),
        ({"==": [{"datetime": "2024-01-02T03:00:00+02:00"}, {"datetime": "2024-01-02T01:00:00Z"}]}, True),
        ({"===": [{"datetime": "2024-01-02T03:00:00+02:00"}, {"datetime": "2024-01-02T01:00:00Z"}]}, True),
        (
            {"-": [{"datetime": "2024-01-02T00:00:00Z"}, {"datetime": "2024-01-01T00:00:00Z"}]},
            timedelta(days=1),
        ),
        ({"+": [{"datetime": "2024-01-02T00:00:00Z"}, {"duration": "1d"}]}, datetime(2024, 1, 3, tzinfo=UTC)),
        ({"*": [{"duration": "90s"}, 2]}, timedelta(minutes=3)),
        ({"/": [{"duration": "1d"}, {"duration": "1h"}]}, 24.0),
        ({">": [{"duration": "1d"}, {"duration": "PT23H59M"}]}, True),
        ({"duration": "P1W2DT3H4M5.5S"}, timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5.5)),
        ({"duration": "1d:2h:3m:4s"}, timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ({"duration": "-2h 30m"}, -timedelta(hours=2, minutes=30)),
        ({"date_diff": ["2024-03-01T00:00:00Z", "2024-02-01T12:00:00Z", "days"]}, 28),
        ({"date_diff": ["2024-02-01T12:00:00Z", "2024-03-01T00:00:00Z", "days"]}, -28),
        ({"date_diff": ["2024-01-01T01:00:00Z", "2024-01-01T00:00:00Z", "milliseconds"]}, 3_600_000),
        ({"cat": [{"datetime": "2024-01-02"}, "|", {"duration": "1h"}]}, "2024-01-02T00:00:00|1:00:00"),
        ({"!!": [{"datetime": "2024-01-02"}]}, True),
    ],
)
def test_extensions(backend, logic, expected):
    result = jsonlogic.apply(logic, backend=backend)
    assert (type(result), result) == (type(expected), expected)


@pytest.mark.parametrize(
    "logic",
    [
        {"starts_with": ["a"]},
        {"starts_with": [None, "a"]},
        {"ends_with": [1, "a"]},
        {"contains": ["a", "b", "c"]},
        {"lower": 5},
        {"upper": []},
        {"between": [1, 2]},
        {"between": 5},
        {"datetime": "yesterday"},
        {"datetime": 5},
        {"datetime": []},
        {"duration": "1y"},
        {"duration": "P1M"},
        {"duration": ""},
        {"duration": "P"},
        {"duration": "PT"},
        {"duration": "9" * 50 + "d"},
        {"duration": "٣d"},
        {"duration": 5},
        {"date_diff": ["2024-01-01", "2024-01-01", "months"]},
        {"date_diff": ["2024-01-01", "2024-13-01", "days"]},
        {"date_diff": ["2024-01-01T00:00:00", "2024-01-01T00:00:00Z", "days"]},
        {"date_diff": ["2024-01-01"]},
    ],
)
def test_extensions_refuse_what_they_cannot_take(backend, logic):
    assert failure(logic, backend=backend) == "Invalid Arguments"


@pytest.mark.parametrize(
    "logic",
    [
        {"<": [{"datetime": "2024-01-01T00:00:00"}, {"datetime": "2024-01-01T00:00:00Z"}]},
        {"==": [{"datetime": "2024-01-01T00:00:00"}, {"datetime": "2024-01-01T00:00:00Z"}]},
        {"==": [{"datetime": "2024-01-01T00:00:00"}, 5]},
        {"<": [{"duration": "1d"}, 5]},
        {"+": [{"duration": "1d"}, 5]},
        {"-": [{"datetime": "2024-01-01T00:00:00"}]},
        {"+": [{"datetime": "9999-12-31T00:00:00"}, {"duration": "99999d"}]},
    ],
)
def test_dates_do_not_mix_with_what_they_cannot_be_compared_with(backend, logic):
    assert failure(logic, backend=backend) == "NaN"


def test_dates_of_the_event(backend):
    data = {"day": date(2024, 5, 1), "next": date(2024, 5, 2), "at": datetime(2024, 5, 1, 12, tzinfo=UTC)}
    assert jsonlogic.apply({"<": [{"var": "day"}, {"var": "next"}]}, data, backend=backend) is True
    assert jsonlogic.apply({">": [{"now": []}, {"var": "at"}]}, data, backend=backend) is True
    assert failure({"<": [{"var": "day"}, {"var": "at"}]}, data, backend=backend) == "NaN"
    assert jsonlogic.apply({"datetime": {"var": "day"}}, data, backend=backend) == datetime(2024, 5, 1)


def test_now_is_read_once_an_evaluation(backend):
    rule = jsonlogic.compile({"map": [{"var": "xs"}, {"now": []}]}, backend=backend)
    first, *others = rule({"xs": list(range(50))})
    assert set(others) == {first}
    assert first.tzinfo is not None
    assert rule({"xs": [1]})[0] >= first


def test_regular_expressions_are_off_unless_allowed(backend):
    assert failure({"matches": ["a", "a"]}, backend=backend) == "Regular Expressions Not Allowed"


def test_regular_expressions_without_their_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(ImportError, match="google-re2"):
        jsonlogic.compile({"matches": ["a", "a"]}, allow_regex=True)


def test_decimals_of_the_event(backend):
    data = {"price": Decimal("19.99"), "rate": 0.5, "count": 3}
    assert jsonlogic.apply({"*": [{"var": "price"}, {"var": "count"}]}, data, backend=backend) == Decimal(
        "59.97"
    )
    half = jsonlogic.apply({"*": [{"var": "price"}, {"var": "rate"}]}, data, backend=backend)
    assert (type(half), half) == (float, 9.995)
    assert jsonlogic.apply({"==": [{"var": "price"}, 19.99]}, data, backend=backend) is False
    assert jsonlogic.apply({">": [{"var": "price"}, 19]}, data, backend=backend) is True
    assert jsonlogic.apply({"cat": [{"var": "price"}]}, data, backend=backend) == "19.99"
    assert failure({"+": [{"var": "x"}, 1]}, {"x": Decimal("NaN")}, backend=backend) == "NaN"
    assert failure({"/": [{"var": "x"}, 0]}, {"x": Decimal(1)}, backend=backend) == "NaN"
