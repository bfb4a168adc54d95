"""Readers: every record comes out once, in order, with its line, however the input is cut into chunks."""

import csv
import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastcore.cli.csv_reader import read_csv
from fastcore.cli.json_reader import read_json
from fastcore.cli.readers import BadRecord, read_ndjson
from fastcore.cli.sources import SourceError

LIMIT = 1 << 20


def cut(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


def ndjson(data, size=1 << 18, limit=LIMIT):
    return [record for batch in read_ndjson(cut(data, size), limit=limit) for record in batch]


def array(data, size=1 << 18, limit=LIMIT):
    return [record for batch in read_json(cut(data, size), limit=limit) for record in batch]


def rows(data, size=1 << 18, limit=LIMIT, delimiter=","):
    def columns(header):
        return lambda row: dict(zip(header, row, strict=True))

    batches = read_csv(cut(data, size), columns, delimiter=delimiter, limit=limit)
    return [record for batch in batches for record in batch]


def reasons(records):
    return [event.reason for _, event in records if isinstance(event, BadRecord)]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
events = st.dictionaries(st.text(max_size=4), json_values, max_size=4)
chunk_sizes = st.integers(1, 40)

# what no reader may take for an event; none has a line end, and all leave brackets and quotes balanced
garbage = st.sampled_from(
    [
        "{",
        "}",
        "nope",
        "7",
        "null",
        '"text"',
        "{'a': 1}",
        '{"a": NaN}',
        '{"a":1}}',
        '{"a" 1}',
        "\ufeff{}",
        '{"a":1} {}',
    ]
)
balanced = st.sampled_from(
    ["nope", "7", "null", '"te,]xt"', "{'a': 1}", '{"a": NaN}', '{"a" 1}', "[{}]", '{"a":1} {}']
)


class TestNdjson:
    @given(
        st.lists(events | garbage),
        st.sampled_from(["\n", "\r\n", "\n\n", " \n \n"]),
        st.booleans(),
        chunk_sizes,
    )
    def test_each_line_comes_out_once(self, given, end, last_end, size):
        lines = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in given]
        text = end.join(lines) + (end if last_end else "")
        found = ndjson(text.encode(), size)
        assert [number for number, _ in found] == [1 + index * end.count("\n") for index in range(len(given))]
        for item, (_, event) in zip(given, found, strict=True):
            if isinstance(item, str):
                assert isinstance(event, BadRecord)
                assert event.text.rstrip() == item
            else:
                assert event == item

    @given(st.binary(max_size=300), chunk_sizes)
    def test_any_bytes(self, data, size):
        found = ndjson(data, size)
        expected = [number for number, line in enumerate(data.split(b"\n"), 1) if line.strip(b" \t\r")]
        assert [number for number, _ in found] == expected
        assert found == ndjson(data)

    @pytest.mark.parametrize("size", [1, 5, 1000])
    def test_a_long_line_costs_itself_only(self, size):
        long = b'{"a":"' + b"x" * 200 + b'"}'
        found = ndjson(b'{"a":1}\n' + long + b'\n{"a":2}\n' + long, size, limit=100)
        assert [number for number, _ in found] == [1, 2, 3, 4]
        assert [event for _, event in found if isinstance(event, dict)] == [{"a": 1}, {"a": 2}]
        assert reasons(found) == ["longer than 100 bytes"] * 2
        assert found[1][1].text.startswith('{"a":"xx')

    def test_a_line_of_exactly_the_limit_is_read(self):
        assert ndjson(b'{"a":1}\n{"a":1}', limit=7) == [(1, {"a": 1}), (2, {"a": 1})]

    def test_deep_nesting_and_bad_encoding_are_bad_records(self):
        found = ndjson(b'{"a":' * 5000 + b"1" + b"}" * 5000 + b'\n{"a":"\xff"}\n{"a":1}')
        assert [isinstance(event, BadRecord) for _, event in found] == [True, True, False]

    def test_what_is_shown_of_a_bad_record_is_short(self):
        ((_, bad),) = ndjson(b"x" * 10_000)
        assert len(bad.text) == 200


class TestJson:
    @given(st.lists(events | balanced), st.sampled_from([0, 2]), st.sampled_from(["", " \n"]), chunk_sizes)
    def test_each_element_comes_out_once(self, given, indent, blank, size):
        elements = [
            item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, indent=indent or None)
            for item in given
        ]
        text = f"{blank}[{blank}" + f"{blank},{blank}".join(elements) + f"{blank}]{blank}"
        found = array(text.encode(), size)
        assert len(found) == len(given)
        for item, (_, event) in zip(given, found, strict=True):
            assert isinstance(event, BadRecord) if isinstance(item, str) else event == item
        position = 0
        for element, (number, _) in zip(elements, found, strict=True):
            position = text.index(element, position)
            assert number == 1 + text.count("\n", 0, position)
            position += len(element)

    @given(st.text(alphabet='[]{},:"\\a1 \n', max_size=60), chunk_sizes)
    @example('[{"a":"\\\\"},{}]', 3)
    @example('[{"a":1}, {"b":2}', 4)
    def test_any_text_gives_the_same_in_any_chunks(self, text, size):
        found = array(text.encode(), size)
        # only how much is shown of what follows the array depends on the chunks
        assert [(number, getattr(event, "reason", event)) for number, event in found] == [
            (number, getattr(event, "reason", event)) for number, event in array(text.encode())
        ]
        try:
            value = json.loads(text)
        except ValueError:
            assert not text.strip() or reasons(found)
        else:
            if isinstance(value, list):
                got = [event for _, event in found]
                assert len(got) == len(value)
                assert [event for event in got if isinstance(event, dict)] == [
                    v for v in value if isinstance(v, dict)
                ]
            elif isinstance(value, dict):
                assert [event for _, event in found] == [value]
            else:
                assert len(reasons(found)) == 1

    def test_one_object_is_one_event(self):
        assert array(b'\n{\n "a": [1, 2]\n}\n') == [(2, {"a": [1, 2]})]

    @pytest.mark.parametrize(
        ("text", "count", "reason"),
        [
            (b'[{"a":1}', 1, "not closed"),
            (b'[{"a":1},', 1, "not closed"),
            (b"[", 0, "not closed"),
            (b'[{"a":1}] {"a":2}', 1, "after the end"),
            (b'[{"a":1},]', 1, "a comma without a record"),
            (b'[,{"a":1}]', 1, "a comma without a record"),
            (b"nothing", 0, "neither a JSON array nor an object"),
            (b"]", 0, "neither a JSON array nor an object"),
            (b'{"a":1} {"a":2}', 1, "after the end"),
        ],
    )
    def test_a_broken_frame_is_reported_and_costs_no_event(self, text, count, reason):
        for size in (1, 3, 100):
            found = array(text, size)
            assert sum(isinstance(event, dict) for _, event in found) == count
            assert len(reasons(found)) == 1
            assert reason in reasons(found)[0]

    @pytest.mark.parametrize("text", [b"", b"  \n ", b"[]", b" [ \n ] "])
    def test_nothing_is_no_record(self, text):
        assert array(text) == []

    @pytest.mark.parametrize("size", [1, 7, 64, 4096])
    def test_a_long_element_costs_itself_only(self, size):
        long = b'{"a":"' + b'x,]}\\"\n' * 50 + b'"}'
        found = array(b'[{"a":1},\n' + long + b',\n{"a":2},' + long + b"]", size, limit=100)
        assert [number for number, _ in found] == [1, 2, 53, 53]
        assert [event for _, event in found if isinstance(event, dict)] == [{"a": 1}, {"a": 2}]
        assert reasons(found) == ["longer than 100 bytes"] * 2

    def test_memory_does_not_grow_with_the_array(self):
        from fastcore.cli.json_reader import _Splitter

        splitter = _Splitter(LIMIT)
        splitter.feed(b"[")
        for _ in range(200):
            splitter.feed(b'{"a": "0123456789"},' * 50)
            assert len(splitter.buffer) <= 2000
        splitter = _Splitter(100)
        splitter.feed(b'["')
        for _ in range(200):
            splitter.feed(b"x" * 1000)
            assert len(splitter.buffer) <= 2000


cells = st.text(alphabet='ab,"\n\r; ü', max_size=6)


class TestCsv:
    @given(
        st.lists(st.lists(cells, min_size=3, max_size=3), max_size=8),
        st.sampled_from(["\n", "\r\n"]),
        chunk_sizes,
    )
    def test_what_the_csv_module_writes_is_read_back(self, table, end, size):
        # outside quotes a lone carriage return is no line end here, and inside it is kept as it is
        table = [[cell.replace("\r", "") for cell in row] for row in table]
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([["x", "y", "z"], *table])
        found = rows(buffer.getvalue().encode(), size)
        assert [list(event.values()) for _, event in found] == table

    @given(
        st.lists(
            st.sampled_from(["1,2", "3,4", "bad", "1,2,3", '"a,b', 'a",b', '"a"x,b', "", '"q""q",5']),
            max_size=12,
        ),
        chunk_sizes,
    )
    def test_every_line_is_accounted_for(self, lines, size):
        found = rows("\n".join(["x,y", *lines]).encode(), size)
        numbers = [number for number, _ in found]
        assert numbers == sorted(set(numbers))
        good = {number: event for number, event in found if isinstance(event, dict)}
        for number, line in enumerate(lines, 2):
            if line in ("1,2", "3,4"):
                # it is an event of its own, or part of a quoted value that is closed later
                inside = any(
                    line in value.split("\n")
                    for event in good.values()
                    for value in event.values()
                    if "\n" in value
                )
                assert good.get(number) == dict(zip("xy", line.split(","), strict=True)) or inside
        assert found == rows("\n".join(["x,y", *lines]).encode())

    def test_an_open_quote_costs_one_line(self):
        found = rows(b'x,y\n1,2\n"3,4\n5,6\n7,8\n', 5)
        assert [number for number, _ in found] == [2, 3, 4, 5]
        assert [event["x"] for _, event in found if isinstance(event, dict)] == ["1", "5", "7"]
        assert "unexpected end of data" in reasons(found)[0]

    def test_values_of_several_lines(self):
        found = rows(b'x,y\n"a\nb",2\r\n3,"c ""d"""\n', 4)
        assert found == [(2, {"x": "a\nb", "y": "2"}), (4, {"x": "3", "y": 'c "d"'})]

    def test_rows_of_another_width_are_bad(self):
        found = rows(b"x,y\n1\n1,2,3\n4,5\n")
        assert reasons(found) == ["1 value, but the header names 2", "3 values, but the header names 2"]
        assert found[2] == (4, {"x": "4", "y": "5"})

    def test_long_lines_and_long_quoted_values_are_bad(self):
        found = rows(b"x,y\n" + b"a" * 200 + b",1\n1,2\n" + b'"' + b"a\n" * 100 + b'",1\n3,4', limit=50)
        good = [event["x"] for _, event in found if isinstance(event, dict)]
        assert good == ["1", "3"]
        assert "longer than 50 bytes" in reasons(found)

    def test_bad_encoding_is_a_bad_record(self):
        found = rows(b'x,y\n\xff,1\n"\xff",2\n3,4')
        assert reasons(found) == ["not UTF-8 at byte 0", "not UTF-8 at byte 1"]
        assert found[2] == (4, {"x": "3", "y": "4"})

    def test_the_header_may_be_quoted_and_preceded_by_blank_lines(self):
        assert rows(b'\n\r\n"x","y"\n1,2') == [(4, {"x": "1", "y": "2"})]

    def test_nothing_is_no_record(self):
        assert rows(b"") == rows(b"\n\n") == rows(b"x,y\n") == []

    def test_a_header_that_cannot_be_read(self):
        with pytest.raises(SourceError, match="header"):
            rows(b'"x,y\n')
        with pytest.raises(SourceError, match="header"):
            rows(b"\xff\n1")
