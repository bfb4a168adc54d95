import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore.router.problems import Problem
from fastcore.router.records import Broken, array_records, line_records

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
layouts = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])


@given(st.lists(values), layouts)
def test_an_array_is_cut_into_its_elements(expected, layout):
    body = json.dumps(expected, **layout).encode("utf-8", "surrogatepass")
    assert [json.loads(record) for record in array_records(body)] == expected


@given(st.lists(values), st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n\t\n"]), st.booleans())
def test_lines_are_cut_into_records(expected, separator, ended):
    body = separator.join(json.dumps(value).encode() for value in expected) + (separator if ended else b"")
    assert [json.loads(record) for record in line_records(body)] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[]", []),
        (b" [ ] ", []),
        (b"[1,]", [b"1", b""]),
        (b"[,]", [b"", b""]),
        (b'["]",2]', [b'"]"', b"2"]),
        (b'["\\"]",2]', [b'"\\"]"', b"2"]),
        (b"[{oops},{}]", [b"{oops}", b"{}"]),
        (b"[1", [Broken("the array is not closed")]),
        (b"[1,2", [b"1", Broken("the array is not closed after its element 0")]),
        (b'[1,"2]', [b"1", Broken("the array is not closed after its element 0")]),
        (b"[1,[2]", [b"1", Broken("the array is not closed after its element 0")]),
        (b"[1}", [Broken("the array is not closed")]),
        (b"[1]]", [b"1", Broken("there is data after the end of the array, at offset 3")]),
        (b"[] 5", [Broken("there is data after the end of the array, at offset 2")]),
    ],
)
def test_nothing_of_a_bad_array_is_dropped_in_silence(body, expected):
    assert list(array_records(body)) == expected


@pytest.mark.parametrize(
    ("body", "offset"), [(b"", 0), (b"  ", 2), (b"{}", 0), (b'\n"[1]"', 1), (b"\xef\xbb\xbf[]", 0)]
)
def test_a_batch_in_json_must_be_an_array(body, offset):
    with pytest.raises(Problem) as caught:
        array_records(body)
    assert caught.value.code == "invalid-json"
    assert caught.value.errors[0]["offset"] == offset


def test_long_strings_and_many_tokens_are_cut_in_linear_time():
    body = b'["' + b"\\\\" * 200_000 + b'",' + b"[[]]," * 50_000 + b"0]"
    assert sum(1 for _ in array_records(body)) == 50_002
