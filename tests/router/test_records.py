"""Records are cut out of a body as a parser of the whole would, wherever the pieces of the body end."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastcore.router.problems import Problem
from fastcore.router.records import ArrayCutter, LineCutter

NO_LIMIT = 1 << 30
BLANK = b" \t\r\n"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)
layouts = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])
cuts = st.lists(st.integers(0, 400), max_size=6) | st.integers(1, 7).map(lambda step: range(0, 5000, step))


def pieces(body, cuts):
    """The body, in pieces that end at these offsets."""
    ends = sorted({min(cut, len(body)) for cut in cuts} | {len(body)})
    return [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def cut(cutter, parts):
    """The records; of what there is in the place of one, the text."""
    records = [record for part in parts for record in cutter.feed(part)] + cutter.end()
    return [record.detail if isinstance(record, Problem) else record for record in records]


def array(body, cuts=(), limit=NO_LIMIT):
    return cut(ArrayCutter(limit), pieces(body, cuts))


def lines(body, cuts=(), limit=NO_LIMIT):
    return cut(LineCutter(limit), pieces(body, cuts))


def elements(body):
    """What ArrayCutter should give for a body that begins with ``[``: a byte after the other, all at once."""
    found, start, depth, quoted, at = [], 1, 0, False, 1

    def unclosed():
        return "the array is not closed" + (f" after its element {len(found) - 1}" if found else "")

    while at < len(body):
        byte = body[at : at + 1]
        if byte == b"\\":
            at += 1
        elif byte == b'"':
            quoted = not quoted
        elif quoted:
            pass
        elif byte in b"[{":
            depth += 1
        elif byte in b"]}":
            depth -= 1
            if depth < 0:
                break
        elif byte == b"," and not depth:
            found.append(body[start:at].strip(BLANK))
            start = at + 1
        at += 1
    if body[at : at + 1] != b"]" or depth >= 0:
        return [*found, unclosed()]
    last = body[start:at].strip(BLANK)
    found += [last] if last or found else []
    if body[at + 1 :].strip(BLANK):
        found.append(f"there is data after the end of the array, at offset {at + 1}")
    return found


@settings(max_examples=60)
@given(st.lists(values, max_size=5), layouts, cuts)
def test_an_array_is_cut_into_its_elements(expected, layout, cuts):
    body = json.dumps(expected, **layout).encode("utf-8", "surrogatepass")
    assert [json.loads(record) for record in array(body, cuts)] == expected


@given(st.lists(values), st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n\t\n"]), st.booleans(), layouts, cuts)
def test_lines_are_cut_into_records(expected, separator, ended, layout, cuts):
    layout = {**layout, "indent": None}
    records = [json.dumps(value, **layout).encode("utf-8", "surrogatepass") for value in expected]
    body = separator.join(records) + (separator if ended else b"")
    assert lines(body, cuts) == records


@st.composite
def broken(draw):
    """An array of objects with a few bytes of it changed."""
    record = draw(
        st.sampled_from([{"a": "]},{"}, {"a": [{"b": 1}, {"c": "\\"}]}, {"é": 'x"\n'}, {"a": {}}, 5])
    )
    text = bytearray(json.dumps([record] * draw(st.integers(1, 4)), **draw(layouts)).encode())
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(1, len(text)))
        text[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from([b'"', b"{", b"]", b"}", b"[", b",", b"\\", b" ", b"},", b"},{", b'"\\', b"\xff"])
        )
    return bytes(text)


@settings(max_examples=400)
@given(broken(), cuts)
@example(b'[{"a":1],5,[},{}]', [])
@example(b'[{"a":1\\},{},{}]', [])
@example(b"[{} 5, {},{}]", [])
def test_whatever_is_broken_every_way_to_cut_gives_the_same(body, cuts):
    assert array(body, cuts) == elements(body)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 120), max_size=8), st.integers(8, 60), st.booleans(), cuts)
def test_a_record_over_the_limit_is_a_problem_in_its_place(sizes, limit, as_lines, cuts):
    records = [b'{"a":"' + b"x" * size + b'"}' for size in sizes]
    expected = [
        record if len(record) <= limit else f"an event may have at most {limit} bytes" for record in records
    ]
    if as_lines:
        assert lines(b"\n".join(records), cuts, limit) == expected
    else:
        assert array(b"[" + b" ,".join(records) + b"]", cuts, limit) == expected


@pytest.mark.parametrize("size", [1, 1000, 1 << 20])
@pytest.mark.parametrize("blanks", [0, 4096, 4097, 20_000])
def test_blanks_after_a_record_count_only_when_there_are_very_many(size, blanks):
    record = b"{" + b" " * blanks + b"}"
    limit = len(record) - 1
    cuts = range(0, 50_000, size)
    refused = f"an event may have at most {limit} bytes"
    assert lines(record + b"\n5", cuts, limit) == [refused, b"5"]
    expected = b"5" if blanks <= 4097 else "an event may have at most 1 bytes"
    assert lines(b" " * 9000 + b"5" + b" " * (blanks - 1) + b"\n6", cuts, 1) == [expected, b"6"]
    assert array(b"[" + b" " * 9000 + b"5" + b" " * (blanks - 1) + b",6]", cuts, 1) == [expected, b"6"]


def test_of_a_record_over_the_limit_little_is_kept():
    for cutter, opening in [(LineCutter(100), b""), (ArrayCutter(100), b"[")]:
        cutter.feed(opening + b'{"a":"')
        for _ in range(100):
            cutter.feed(b"x" * 16_384)
        kept = cutter._begun._parts
        assert sum(map(len, kept)) <= 100 + 4096


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
        (b"[1", ["the array is not closed"]),
        (b"[1,2", [b"1", "the array is not closed after its element 0"]),
        (b'[1,"2]', [b"1", "the array is not closed after its element 0"]),
        (b"[1,[2]", [b"1", "the array is not closed after its element 0"]),
        (b"[1}", ["the array is not closed"]),
        (b"[1]]", [b"1", "there is data after the end of the array, at offset 3"]),
        (b"[] 5", ["there is data after the end of the array, at offset 2"]),
    ],
)
def test_nothing_of_a_bad_array_is_dropped_in_silence(body, expected):
    for size in range(1, len(body) + 1):
        assert array(body, range(0, len(body), size)) == expected


@pytest.mark.parametrize(
    ("body", "offset"), [(b"", 0), (b"  ", 2), (b"{}", 0), (b'\n"[1]"', 1), (b"\xef\xbb\xbf[]", 0)]
)
def test_a_batch_in_json_must_be_an_array(body, offset):
    for size in (1, 100):
        with pytest.raises(Problem) as caught:
            array(body, range(0, len(body), size))
        assert caught.value.code == "invalid-json"
        assert caught.value.errors[0]["offset"] == offset


@pytest.mark.parametrize(
    "unit",
    [b'"' + b"\\\\" * 500 + b'"', b"[[]]", b"[" * 500 + b"]" * 500, b'{"a":[{},{},{}]}', b"{}", b'{"":"]"}'],
)
def test_work_grows_with_the_body_and_not_faster(unit):
    """However small the pieces are; these would take hours if bytes were looked at again and again."""
    count = 100_000 // len(unit)
    body = b"[" + (unit + b",") * count + b"0]"
    for size in (3, 16_384, len(body)):
        assert len(array(body, range(0, len(body), size))) == count + 1
    tail = b"[" + unit * count
    for size in (3, 16_384):
        assert len(array(tail, range(0, len(tail), size))) == 1
