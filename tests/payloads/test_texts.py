"""Strings, datetimes, dates and UUIDs of every shape: equal on both backends, to json and to orjson."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastcore import PayloadBuilder, PayloadError
from tests.conftest import cython_problem

try:
    import orjson
except ImportError:
    orjson = None

BACKENDS = ["python"] if cython_problem() else ["cython", "python"]

ESCAPED = ["\0", "\x01", "\b", "\t", "\n", "\x0b", "\f", "\r", "\x1f", '"', "\\"]
EDGES = [
    "\x7f",
    "\x80",
    "\xff",
    "\u0100",
    "\u0122",
    "\u07ff",
    "\u0800",
    "\u2028",
    "\ud7ff",
    "\ue000",
    "\uffff",
]
ASTRAL = ["\U00010000", "\U0001f600", "\U0010ffff"]
FILLERS = {"ascii": "x", "latin": "é", "two bytes": "я", "three bytes": "語", "four bytes": "😀"}


def check(kind, values):
    """Writes a column of values on every backend; compares with orjson; gives the texts."""
    results = {
        PayloadBuilder({"v": kind}, backend=name).build([(value,) for value in values]) for name in BACKENDS
    }
    assert len(results) == 1
    data = results.pop()
    if orjson is not None:
        assert data == orjson.dumps([{"v": value} for value in values])
    return [row["v"] for row in json.loads(data)], data


def check_strings(values):
    read, data = check(str, values)
    assert read == values
    rows = [{"v": value} for value in values]
    assert data.decode() == json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("filler", FILLERS.values(), ids=FILLERS)
def test_every_length_and_place_of_what_is_escaped(filler):
    lengths = [*range(70), 127, 128, 129, 191, 192, 200]
    check_strings([filler * length for length in range(300)])
    for special in [*ESCAPED, *EDGES, *ASTRAL]:
        check_strings(
            [
                filler * before + special + filler * (length - before - 1)
                for length in lengths
                for before in {0, 1, length // 2, length - 2, length - 1}
                if 0 <= before < length
            ]
        )


def test_every_byte_of_ascii_and_of_latin():
    for count in (128, 256):
        every = "".join(map(chr, range(count)))
        check_strings([every, every * 3, *every, *[every[at:] + every[:at] for at in range(count)]])


def test_long_strings_that_are_escaped_throughout():
    check_strings([unit * 50_000 for unit in ("\0", '"', "a", "\n語", "é\\", "😀\x1f", "x" * 63 + "\x02")])


PIECES = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40),
    st.text(alphabet=st.sampled_from(ESCAPED), max_size=4),
    st.builds(
        lambda character, count: character * count,
        st.sampled_from([*FILLERS.values(), *EDGES, *ASTRAL]),
        st.integers(0, 130),
    ),
)


@given(st.lists(st.lists(PIECES, max_size=5).map("".join), max_size=8))
@settings(max_examples=300)
def test_text_of_every_plane(values):
    check_strings(values)


@given(
    st.lists(PIECES, max_size=3).map("".join),
    st.characters(categories=["Cs"]),
    st.lists(PIECES, max_size=3).map("".join),
)
@example("x" * 15, "\ud800", "")
@example("", "\udfff", "😀" * 40)
@example("x" * 70_000, "\udc80", "")
@settings(max_examples=200)
def test_a_lone_surrogate_is_refused_wherever_it_is(before, surrogate, after):
    messages = set()
    for name in BACKENDS:
        with pytest.raises(PayloadError) as caught:
            PayloadBuilder({"v": str}, backend=name).build([("fine",), (before + surrogate + after,)])
        messages.add(str(caught.value))
        assert (caught.value.row, caught.value.field) == (1, "v")
    assert len(messages) == 1


# --- time


def rounded(offset):
    """An offset in whole minutes."""
    return timezone(timedelta(minutes=offset))


ZONES = st.one_of(
    st.none(),
    st.just(UTC),
    st.just(UTC),
    st.integers(-1439, 1439).map(rounded),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]).map(ZoneInfo),
)


@given(st.lists(st.datetimes(timezones=ZONES), max_size=20))
@example([datetime.min, datetime.max, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@example(
    [datetime(2000, 2, 29, 23, 59, 59, 1), datetime(1900, 2, 28), datetime(2024, 12, 31, 0, 0, 0, 999_999)]
)
@settings(max_examples=300)
def test_datetimes_of_every_zone(values):
    plain = [value for value in values if value.utcoffset() is None or not value.utcoffset().seconds % 60]
    texts, _ = check(datetime, plain)
    assert texts == [value.isoformat() for value in plain]
    for name in BACKENDS:
        builder = PayloadBuilder({"v": datetime}, utc_z=True, backend=name)
        zulu = [row["v"] for row in json.loads(builder.build([(value,) for value in plain]))]
        assert zulu == [
            text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text for text in texts
        ]


@given(
    st.lists(
        st.datetimes(timezones=st.integers(-86399, 86399).map(lambda s: timezone(timedelta(seconds=s)))),
        max_size=20,
    )
)
def test_offsets_with_seconds_are_rounded_alike(values):
    results = {
        PayloadBuilder({"v": datetime}, backend=name).build([(value,) for value in values])
        for name in BACKENDS
    }
    assert len(results) == 1
    for row, value in zip(json.loads(results.pop()), values, strict=True):
        assert row["v"].startswith(value.replace(tzinfo=None).isoformat())


def test_every_date():
    first, last = date.min.toordinal(), date.max.toordinal()
    values = [date.fromordinal(day) for day in [*range(first, first + 1500), *range(first, last, 97), last]]
    texts, _ = check(date, values)
    assert texts == [value.isoformat() for value in values]


@given(st.lists(st.integers(0, 2**128 - 1), max_size=20))
@example([0, 1, 2**64 - 1, 2**64, 2**127, 2**128 - 1, 0x0123456789ABCDEFFEDCBA9876543210])
def test_uuids(numbers):
    values = [UUID(int=number) for number in numbers]
    texts, _ = check(UUID, values)
    assert texts == [str(value) for value in values]
