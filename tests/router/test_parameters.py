import pytest

from fastcore.router.exchange import Call
from fastcore.router.parameters import Integer, matches
from fastcore.router.problems import Problem

count = Integer("count", "path", 1, 1000, "how many")


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("007", 7), ("1000", 1000), ("0" * 5000 + "9", 9)])
def test_reads_ascii_digits(text, value):
    assert count.read(Call({"count": text})) == value


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.0", "1e3", " 1", "1_0", "٣", "x", "0x1", "1" + "\x00", "0"]
)
def test_refuses_anything_else(text):
    with pytest.raises(Problem) as caught:
        count.read(Call({"count": text}))
    assert caught.value.code == "invalid-parameter"
    assert caught.value.errors[0]["path"] == "path.count"


@pytest.mark.parametrize("text", ["1001", "9" * 100_000])
def test_refuses_above_the_limit_without_echoing_it_all(text):
    with pytest.raises(Problem) as caught:
        count.read(Call({"count": text}))
    assert caught.value.code == "limit-exceeded"
    assert len(caught.value.detail) < 120


@pytest.mark.parametrize(
    ("condition", "tag", "weak", "expected"),
    [
        ("*", '"a"', False, True),
        ("*", None, False, False),
        ('"a"', '"a"', False, True),
        ('"b", "a"', '"a"', False, True),
        ('"b"', '"a"', False, False),
        ('W/"a"', '"a"', False, False),
        ('W/"a"', 'W/"a"', False, False),
        ('W/"a"', '"a"', True, True),
        ('"a"', 'W/"a"', True, True),
        ("a", '"a"', True, False),
        ("", '"a"', True, False),
        ('"a"', None, True, False),
    ],
)
def test_entity_tags_compare_as_rfc_9110_says(condition, tag, weak, expected):
    assert matches(condition, tag, weak) is expected
