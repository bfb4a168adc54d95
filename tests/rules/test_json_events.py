"""Decisions for JSON text: those for the event that `json` reads, or an error where it is not valid."""

import json
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import EventError
from fastcore.rules import RuleSet
from tests.conftest import cython_problem
from tests.rules import test_matching

BACKENDS = [name for name in _backend.NAMES if name == "python" or cython_problem() is None]


def is_one_of(path, members):
    return {"in": [{"var": path}, members]}


CONDITIONS = [
    {">": [{"var": "amount"}, 100]},
    {"<=": [{"var": "amount"}, -0.1]},
    {"==": [{"var": "amount"}, 0]},
    {"==": [{"var": "amount"}, 2**53 + 1]},
    {">": [{"var": "amount"}, 10**30]},
    {">=": [{"var": "amount"}, 1.7976931348623157e308]},
    {"==": [{"var": "amount"}, 5e-324]},
    {"==": [{"/": [{"var": "amount"}, {"var": "card.limit"}]}, 0.5]},
    {"<": [{"*": [{"var": "amount"}, {"var": "card.limit"}]}, 10**20]},
    {"%": [{"var": "amount"}, 3]},
    {"var": "amount"},
    {"!": [{"var": "card"}]},
    {"!!": [{"var": "card.limit"}]},
    {"!!": [{"var": "items"}]},
    {"!": [{"var": "items"}]},
    {"==": [{"var": "items.0"}, 7]},
    {"==": [{"var": "items.0.limit"}, 7]},
    {"==": [{"var": "card.number"}, "7"]},
    is_one_of(
        "country", ["US", "DE", "", "ü", "\n", '"', "\U0001f600", "a name that is longer than a block"]
    ),
    {"!=": [{"var": "country"}, "US"]},
    {"==": [{"var": "card.country"}, {"var": "country"}]},
    {"starts_with": [{"var": "country"}, "\U0001f600"]},
    {">": [{"length": [{"var": "country"}]}, 2]},
    {"==": [{"var": "proxy"}, True]},
    {"==": [{"var": "proxy"}, False]},
    {"missing": ["proxy"]},
    {"exists": "card.holder.name"},
    {"==": [{"var": "card.holder.name"}, "US"]},
    {"==": [{"var": "ü.\U0001f600"}, 1]},
    {"some": [{"var": "items"}, {">": [{"var": "limit"}, 3]}]},
    {"var": ["amount", 7]},
]
RULES = [{"id": f"r{number}", "when": when} for number, when in enumerate(CONDITIONS)]
# no event has to be decoded for them, so they alone see what a pass over the text lets through
EVALUATED = ("starts_with", "length", "missing", "exists", "some", "card.country", "if", "amount', 7")
LOOKED_UP = [rule for rule in RULES if not any(f"'{name}" in str(rule["when"]) for name in EVALUATED)]
# many rules are matched in another order of steps than few
OTHERS = [
    {"id": f"m{number}", "when": test_matching.condition(random.Random(number))} for number in range(700)
]
RULESETS = {
    (backend, size): RuleSet.from_rules(rules, backend=backend)
    for backend in BACKENDS
    for size, rules in {"looked up": LOOKED_UP, "few": RULES, "many": RULES + OTHERS}.items()
}

KEYS = ["amount", "card", "limit", "country", "items", "number", "holder", "name", "proxy", "device", "risk"]


@st.composite
def spelled(draw, characters):
    """A string with some characters escaped."""
    escapes = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r"}
    parts = []
    for character in draw(characters):
        raw = character >= " " and character not in '"\\' and not "\ud800" <= character <= "\udfff"
        how = draw(st.integers(0, 5))
        if raw and how:
            parts.append(character)
        elif character in escapes and how < 4:
            parts.append(escapes[character])
        else:
            units = character.encode("utf-16-be", "surrogatepass").hex()
            parts += [f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)]
    return f'"{"".join(parts)}"'


keys = spelled(st.sampled_from([*KEYS, "0", "", "ü", "\U0001f600"]))
texts = spelled(
    st.one_of(
        st.sampled_from(["US", "DE", "", "ü", "\n", '"', "\U0001f600", "a name that is longer than a block"]),
        st.text(st.one_of(st.characters(), st.sampled_from("\ud83d\ude00\udfff\\/\t\x7f")), max_size=40),
    )
)
digits = st.text("0123456789", min_size=1, max_size=30)
numbers = st.one_of(
    st.sampled_from(
        [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "7",
            "7.0",
            "1e400",
            "-1e400",
            "1e-400",
            "4e-324",
            "3e-324",
            "1e22",
            "1e23",
            "123456789e-30",
            "2.5E+0",
        ]
    ),
    st.sampled_from(
        ["9007199254740992", "-9007199254740993", "9007199254740993.0", "1.7976931348623158e308"]
    ),
    st.sampled_from(["1" + "0" * 30, "1" + "0" * 600, "9" * 641, "0." + "0" * 30 + "1"]),
    st.integers(-200, 200).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.tuples(
        st.sampled_from(["", "-"]),
        digits.map(lambda text: text.lstrip("0") or "0"),
        digits.map(".{}".format) | st.just(""),
        st.tuples(
            st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), digits.map(lambda text: text[:3])
        ).map("".join)
        | st.just(""),
    ).map("".join),
)
blanks = st.sampled_from(["", "", "", " ", "\n", "\t\r "])


@st.composite
def array(draw, members):
    inner = draw(st.lists(members, max_size=4))
    return f"[{draw(blanks)}{','.join(draw(blanks) + member + draw(blanks) for member in inner)}]"


@st.composite
def mapping(draw, members):
    pairs = [
        f"{draw(blanks)}{draw(keys)}{draw(blanks)}:{draw(blanks)}{draw(members)}{draw(blanks)}"
        for _ in range(draw(st.integers(0, 7)))
    ]
    return f"{{{draw(blanks)}{','.join(pairs)}}}"


scalars = st.one_of(numbers, texts, st.sampled_from(["true", "false", "null"]))
values = st.recursive(scalars, lambda members: array(members) | mapping(members), max_leaves=12)
documents = st.tuples(blanks, mapping(values), blanks).map("".join)


def refuse(name):
    raise ValueError(name)


def parsed(body):
    """The event of a text, None if it is not valid: as strict as RFC 8259."""
    try:
        text = body if isinstance(body, str) else bytes(body).decode("utf-8")
        event = json.loads(text, parse_constant=refuse)
    except ValueError:  # JSONDecodeError and UnicodeDecodeError are such
        return None
    return event if isinstance(event, dict) else None


def outcome(rules, body, **options):
    try:
        return rules.evaluate_json(body, **options)
    except EventError as error:
        return error.args, error.offset


def check(body):
    event = parsed(body)
    for size in ("looked up", "few", "many"):
        found = [outcome(RULESETS[name, size], body) for name in BACKENDS]
        assert found == found[:1] * len(found)
        if event is None:
            assert isinstance(found[0], tuple)
        else:
            assert found[0] == RULESETS["python", size].evaluate(event)


@given(documents)
@example('{"amount":1,"card":{"limit":3,"holder":{"name":"US"}},"card":{"country":"DE"},"amount":"x"}')
@example('{"card":{"holder":{"name":"US"},"holder":{}},"card":null}')
@example('{"items":[{"limit":7}],"country":"\\ud83d\\ude00"}')
@example('{"items":[{"limit":7}],"items":7,"country":"\\ud83d"}')
@example('{"\\u0061mount":1000}')
@example('{"country":"\\udfff\\ud83d\\ude00"}')
@example('{"card":[{"number":"7"}],"ü":{"\U0001f600":1}}')
def test_a_text_gives_the_decision_for_what_it_says(text):
    check(text)
    check(text.encode())


mutations = st.lists(
    st.tuples(
        st.integers(0, 10**6),
        st.integers(0, 3),
        st.one_of(
            st.binary(max_size=3),
            st.sampled_from([*b'{}[]",:\\0-.e \x00\n', 0xC0, 0xED, 0xF4, 0x80, 0xA0]).map(
                lambda code: bytes([code])
            ),
            st.sampled_from(
                [b"NaN", b"Infinity", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\u12", b"01", b"1.", b"}{"]
            ),
        ),
    ),
    min_size=1,
    max_size=3,
)


@given(documents, mutations)
def test_a_changed_text_is_refused_alike_or_read_alike(text, changes):
    body = bytearray(text.encode("utf-8", "surrogatepass"))
    for place, removed, inserted in changes:
        at = place % (len(body) + 1)
        body[at : at + removed] = inserted
    check(bytes(body))


@given(documents, st.integers(0, 10**6))
def test_a_text_that_ends_early_is_refused_alike(text, place):
    body = text.encode("utf-8", "surrogatepass")
    check(body[: place % (len(body) + 1)])


@pytest.mark.parametrize("size", [0, 1, 7, 8, 15, 16, 17, 31, 64])
def test_every_byte_at_every_place_of_a_string(size):
    """Blocks of several bytes and what is left over of them see the same."""
    for code in range(256):
        for at in range(0, size + 1, 1 + size // 8):
            inner = b"a" * at + bytes([code]) + b"b" * (size - at)
            check(b'{"x":"' + inner + b'"}')


@pytest.mark.parametrize(
    "inner",
    [
        bytes.fromhex(code)
        for code in [
            "c1bf",
            "c280",
            "dfbf",
            "e09fbf",
            "e0a080",
            "ed9fbf",
            "eda080",
            "ee8080",
            "f08fbfbf",
            "f0908080",
        ]
    ]
    + [bytes.fromhex(code) for code in ["f48fbfbf", "f4908080", "f5808080", "e282", "f09f98", "80", "ff"]]
    + [b"\xc3\xa9" * 20, b"\xe2\x82\xac" * 9],
)
def test_the_bounds_of_utf_8(inner):
    for body in (b'{"x":"' + inner + b'"}', b'{"' + inner + b'":1}', b'{"country":"' + inner + b'"}'):
        check(body)
        check(body.replace(b"x", b"abcdefghijklmnopqrstuvwxyz"))


@pytest.mark.parametrize(
    "inner",
    [
        "[1}",
        '{"a":1]',
        '[{},["a"}]',
        '[[],{"a":1]]',
        '[{"a":[]},[1,"b":2}]',
        "[1,]",
        '{"a":1,}',
        '{"a"}',
        "[,1]",
        "[",
    ],
)
def test_brackets_that_do_not_match(inner):
    check(f'{{"x":{inner}}}')
    check(f'{{"x":{{"card":{inner}}}}}')


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 127, 128, 129, 130, 200, 500])
@pytest.mark.parametrize("where", ["items", "x", "card"])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}', '{"holder":}'])
def test_the_depth_is_counted_alike(depth, where, brackets):
    opening, closing = brackets[:-1], brackets[-1]
    for nested in (depth - 2, depth - 1, depth):
        body = f'{{"{where}":{opening * nested}1{closing * nested}}}'
        found = [outcome(RULESETS[name, "looked up"], body, depth=depth) for name in BACKENDS]
        assert found == found[:1] * len(found)
        assert isinstance(found[0], tuple) == (max(nested, 0) + 1 > depth)


def numerals():
    """Decimals of all lengths, shortest forms of doubles, and halves between two doubles."""
    source = random.Random(5)
    for _ in range(150):
        whole, part = (source.randrange(10 ** source.randrange(1, most)) for most in (25, 9))
        yield f"{whole}.{part}{source.choice(['', f'e{source.randrange(-40, 40)}'])}"
        yield repr(source.random() * 10.0 ** source.randrange(-12, 18))
        half = 2 * source.randrange(2**52, 2**53) + 1
        yield f"{half << source.randrange(9)}.0"
        yield f"{half * 5**4}e-4"


def test_numbers_are_rounded_once(backend):
    texts = list(dict.fromkeys(numerals()))
    numbers = list(map(float, texts))
    rules = [
        {"id": text, "when": {"==": [{"var": "x"}, number]}}
        for text, number in zip(texts, numbers, strict=True)
    ]
    ruleset = RuleSet.from_rules(rules, backend=backend)
    for text, number in zip(texts, numbers, strict=True):
        same = tuple(other for other, equal in zip(texts, numbers, strict=True) if equal == number)
        assert ruleset.evaluate_json(f'{{"x":{text}}}').matched == same


def test_long_integers_are_compared_exactly(backend):
    big = 10**400 + 1
    rules = RuleSet.from_rules([{"id": "r", "when": {"==": [{"var": "x"}, big]}}], backend=backend)
    assert rules.evaluate_json(f'{{"x":{big}}}').matched == ("r",)
    assert rules.evaluate_json(f'{{"x":{big - 1}}}').matched == ()
    assert rules.evaluate_json(f'{{"x":{big}.0}}').matched == ()


def test_the_forms_of_a_text(backend):
    rules = RULESETS[backend, "few"]
    text = '{"amount":200,"country":"ü"}'
    expected = rules.evaluate(json.loads(text))

    class Text(str):
        __slots__ = ()

    class Bytes(bytes):
        __slots__ = ()

    data = text.encode()
    for body in (text, data, bytearray(data), memoryview(data), memoryview(data * 2)[: len(data)]):
        assert rules.evaluate_json(body) == expected
    assert rules.evaluate_json(Text(text)) == rules.evaluate_json(Bytes(data)) == expected
    with pytest.raises(TypeError, match="bytes or str, not int"):
        rules.evaluate_json(7)
    with pytest.raises(EventError):
        rules.evaluate_json(memoryview(data * 2)[1:])


def test_more_fields_than_the_stack_holds(backend):
    when = {"and": [{"==": [{"var": f"f{index}.value"}, index]} for index in range(500)]}
    rules = RuleSet.from_rules([{"id": "all", "when": when}], backend=backend)
    event = {f"f{index}": {"value": index} for index in range(500)}
    assert rules.evaluate_json(json.dumps(event)).matched == ("all",)
    event["f499"] = {"value": 498}
    assert rules.evaluate_json(json.dumps(event)).matched == ()


def test_a_string_may_be_written_in_escapes(backend):
    names = ["US", "ü", "€", "\U0001f600", "\U0010ffff", "\x7f\x80\u07ff\u0800\uffff", '"\\/\b\f\n\r\t\0']
    rules = [{"id": name, "when": {"==": [{"var": "x"}, name]}} for name in names]
    ruleset = RuleSet.from_rules(rules, backend=backend)
    for name in names:
        units = name.encode("utf-16-be").hex()
        escapes = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        for text in (f'"{escapes}"', f'"{escapes.upper().replace("U", "u")}"', json.dumps(name)):
            assert ruleset.evaluate_json(f'{{"x":{text}}}').matched == (name,)
            assert ruleset.evaluate_json(f'{{"x":{text[:-1]}\\udfff"}}').matched == ()
    assert ruleset.evaluate_json('{"x":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000"}').matched == (names[-1],)


def test_escaped_strings_of_any_length(backend):
    name = "\n" * 5000
    rules = RuleSet.from_rules([{"id": "r", "when": {"==": [{"var": "x"}, name]}}], backend=backend)
    assert rules.evaluate_json(json.dumps({"x": name})).matched == ("r",)
    assert rules.evaluate_json(json.dumps({"x": name + "a"})).matched == ()


def test_no_rules_still_read_the_text(backend):
    rules = RuleSet.from_rules([], backend=backend)
    assert rules.evaluate_json(b'{"a":[1,{"b":null}]}').matched == ()
    with pytest.raises(EventError):
        rules.evaluate_json(b'{"a":[1,{"b":nul}]}')
