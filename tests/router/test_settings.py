import os
import pickle
import sys
from dataclasses import FrozenInstanceError, fields

import pytest

from fastcore.errors import SettingsError
from fastcore.router import RouterSettings


def test_every_field_says_what_it_means():
    about = RouterSettings.describe()
    assert list(about) == [entry.name for entry in fields(RouterSettings)]
    assert all(about.values())


def test_is_immutable():
    with pytest.raises(FrozenInstanceError):
        RouterSettings().max_n = 5


def test_values_by_name_are_plain_data():
    values = RouterSettings(max_n=5).to_dict()
    assert values["max_n"] == 5
    assert values["algorithms"] == ["fast"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_n": "5"}, "max_n must be an int, not '5'"),
        ({"max_n": True}, "max_n must be an int, not True"),
        ({"max_n": 1.0}, "max_n must be an int, not 1.0"),
        ({"allow_updates": 1}, "allow_updates must be a bool, not 1"),
        ({"deadline_seconds": float("nan")}, "deadline_seconds must be a finite number, not nan"),
        ({"problem_base": None}, "problem_base must be a string, not None"),
        ({"algorithms": "fast"}, "algorithms must be a tuple of strings, not 'fast'"),
    ],
)
def test_refuses_a_wrong_type(values, message):
    with pytest.raises(TypeError, match=message):
        RouterSettings(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_n": 0}, "max_n must be at least 1, not 0"),
        ({"queue_length": -1}, "queue_length must be at least 0, not -1"),
        ({"deadline_seconds": 0}, "deadline_seconds must be at least 0.001, not 0"),
        ({"algorithms": ()}, "algorithms must be one or more of"),
        ({"algorithms": ("slow",)}, "algorithms must be one or more of"),
        ({"algorithms": ("fast", "fast")}, "algorithms must not repeat a name"),
    ],
)
def test_refuses_a_value_out_of_range(values, message):
    with pytest.raises(ValueError, match=message):
        RouterSettings(**values)


@pytest.fixture
def environment(monkeypatch):
    """Sets variables, in an environment that has none of ours."""
    for name in list(os.environ):
        if name.upper().startswith(("FASTCORE_", "OURS_")):
            monkeypatch.delenv(name)
    return lambda **variables: [monkeypatch.setenv(*pair) for pair in variables.items()]


def test_the_environment_gives_some_and_the_others_have_their_defaults(environment):
    assert RouterSettings.from_environment() == RouterSettings()
    environment(
        FASTCORE_MAX_N="77",
        FASTCORE_ALGORITHMS="fast, recursive",
        FASTCORE_DEADLINE_SECONDS="2.5",
        FASTCORE_ALLOW_UPDATES="on",
        FASTCORE_PROBLEM_BASE="https://example.org/problems/",
        FASTCORE_BACKEND="python",
        FASTCORE_SERVICE_HOST="10.0.0.7",
    )
    assert RouterSettings.from_environment() == RouterSettings(
        max_n=77,
        algorithms=("fast", "recursive"),
        deadline_seconds=2.5,
        allow_updates=True,
        problem_base="https://example.org/problems/",
    )


def test_every_field_can_be_given_by_the_environment(environment):
    values = RouterSettings(algorithms=("recursive", "fast")).to_dict()
    for name, value in values.items():
        text = ",".join(value) if isinstance(value, list) else str(value)
        environment(**{f"FASTCORE_{name.upper()}": text})
    assert RouterSettings.from_environment().to_dict() == values


def test_another_prefix(environment):
    environment(FASTCORE_MAX_N="5", OURS_MAX_N="6")
    assert RouterSettings.from_environment("OURS_").max_n == 6
    assert RouterSettings.from_environment("THEIRS_").max_n == RouterSettings().max_n


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("FASTCORE_MAX_N", "many", "valid integer.*not 'many'"),
        ("FASTCORE_MAX_N", "", "valid integer"),
        ("FASTCORE_MAX_N", "1.5", "valid integer"),
        ("FASTCORE_MAX_N", "0", "max_n must be at least 1, not 0"),
        ("FASTCORE_DEADLINE_SECONDS", "nan", "finite number"),
        ("FASTCORE_DEADLINE_SECONDS", "soon", "valid number"),
        ("FASTCORE_ALLOW_UPDATES", "perhaps", "valid boolean"),
        ("FASTCORE_ALGORITHMS", "fast,slow", "algorithms must be one or more of"),
        ("FASTCORE_ALGORITHMS", "", "algorithms must be one or more of"),
    ],
)
def test_an_error_names_the_variable(environment, variable, text, message):
    environment(**{variable: text})
    with pytest.raises(SettingsError, match=f"^{variable}: .*{message}") as caught:
        RouterSettings.from_environment()
    assert [name for name, _ in caught.value.errors] == [variable]
    assert isinstance(caught.value, ValueError)
    assert pickle.loads(pickle.dumps(caught.value)).errors == caught.value.errors


def test_all_errors_at_once_in_the_order_of_the_fields(environment):
    environment(
        FASTCORE_QUEUE_LENGTH="-1", FASTCORE_MAX_N="x", FASTCORE_MAX_DEPTH="0", FASTCORE_MAX_RECORDS="9"
    )
    with pytest.raises(SettingsError) as caught:
        RouterSettings.from_environment()
    names = [name for name, _ in caught.value.errors]
    assert names == ["FASTCORE_MAX_N", "FASTCORE_MAX_DEPTH", "FASTCORE_QUEUE_LENGTH"]
    assert str(caught.value).startswith("3 errors\n  FASTCORE_MAX_N: ")


def test_without_pydantic_settings_it_says_what_to_install(environment, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic_settings", None)
    with pytest.raises(ImportError, match=r"pip install 'fastcore-kernels\[settings\]'"):
        RouterSettings.from_environment()
