"""A generated corpus of JSON through every way into a payload: it parses back equal, whoever parses."""

import contextlib
import json
import math

import pytest

from fastcore import Field, PayloadBuilder, PayloadError, Raw
from fastcore.errors import SchemaError

from .corpus import NUMBERS, STRINGS, documents, texts

PARSERS = {"json": json.loads}
with contextlib.suppress(ImportError):  # neither exists for PyPy
    import msgspec
    import orjson

    PARSERS |= {"orjson": orjson.loads, "msgspec": msgspec.json.decode}

TEXTS = texts()


@pytest.fixture(params=PARSERS)
def parse(request):
    return PARSERS[request.param]


def exact(value):
    """Equal only for the same types, signs of zero and bits."""
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return repr(value)


def test_the_corpus_is_valid(parse):
    for name, text in TEXTS:
        assert exact(parse(text.encode())) == exact(json.loads(text)), name


@pytest.mark.parametrize("kind", [str, bytes, bytearray, memoryview, Raw])
def test_raw(kind, parse, backend):
    """Inserted byte by byte, between members that are written."""
    builder = PayloadBuilder({"before": str, "v": Raw, "after": int}, backend=backend)
    pieces = [text if kind is str else kind(text.encode()) for _, text in TEXTS]
    rows = [("\\", piece, index) for index, piece in enumerate(pieces)]
    data = builder.build(rows)
    for (name, text), piece in zip(TEXTS, parse(data), strict=True):
        assert exact(piece["v"]) == exact(json.loads(text)), name
        assert text.encode() in data
    assert data == builder.build_columns(
        dict(zip(("before", "v", "after"), zip(*rows, strict=True), strict=True))
    )


def test_constants(parse, backend):
    for name, text in TEXTS:
        if "nested" in name:
            continue
        constant = json.loads(text)
        (row,) = parse(
            PayloadBuilder({"v": Field(constant=constant), "i": int}, backend=backend).build([(1,)])
        )
        assert exact(row) == exact({"v": constant, "i": 1}), name


def test_random_constants(parse, backend):
    for constant in documents(150):
        schema = {"v": Field(constant=constant), "i": int}
        (row,) = parse(PayloadBuilder(schema, backend=backend).build([(1,)]))
        assert exact(row) == exact({"v": constant, "i": 1})


def test_random_raw(parse, backend):
    values = documents(400, seed=5)
    rows = [(json.dumps(value, ensure_ascii=bool(index % 2)),) for index, value in enumerate(values)]
    data = PayloadBuilder({"v": Raw}, backend=backend).build(rows)
    assert exact([row["v"] for row in parse(data)]) == exact(values)


def test_strings(parse, backend):
    values = [json.loads(text) for text in STRINGS.values()]
    builder = PayloadBuilder({"v": str, "o": str | None, "l": list[str]}, backend=backend)
    rows = [(value, None if index % 3 else value, [value, value]) for index, value in enumerate(values)]
    expected = [{"v": v, "o": o, "l": items} for v, o, items in rows]
    assert parse(builder.build(rows)) == expected
    lines = builder.build(rows, lines=True).split(b"\n")
    assert [parse(line) for line in lines[:-1]] == expected
    assert lines[-1] == b""


def test_strings_as_names(parse, backend):
    names = dict.fromkeys(json.loads(text) for text in STRINGS.values())
    numbers = range(len(names))
    builder = PayloadBuilder(dict.fromkeys(names, int), backend=backend)
    assert parse(builder.build([tuple(numbers)])) == [dict(zip(names, numbers, strict=True))]


def test_numbers(parse, backend):
    values = [json.loads(text) for text in NUMBERS.values()]
    floats = [float(value) for value in values]
    builder = PayloadBuilder({"f": float, "l": list[float]}, backend=backend)
    rows = parse(builder.build([(value, [value, -value]) for value in floats]))
    assert exact(rows) == exact([{"f": value, "l": [value, -value]} for value in floats])
    whole = [value for value in values if isinstance(value, int)]
    rows = parse(PayloadBuilder({"i": int}, backend=backend).build([(value,) for value in whole]))
    assert exact([row["i"] for row in rows]) == exact(whole)


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, {"a": -math.inf}, ["\ud800"], {"\udfff": 1}, {1: 2}, b"x"]
)
def test_a_constant_that_is_not_json(bad):
    with pytest.raises(SchemaError, match=r"^v: "):
        PayloadBuilder({"v": Field(constant=bad)})


@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b'"\xf5\x80\x80\x80"', b"\xe2\x82", "\ud800"]
)
def test_raw_that_is_not_utf8(bad, backend):
    with pytest.raises(PayloadError, match="UTF-8") as caught:
        PayloadBuilder({"v": Raw}, backend=backend).build([(b"1",), (bad,)])
    assert (caught.value.row, caught.value.field) == (1, "v")
