from dataclasses import FrozenInstanceError, fields

import pytest

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
