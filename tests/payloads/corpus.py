"""JSON texts of every shape, made by a small grammar and not kept as files.

In the manner of the test suites for parsers: a name for each text, which says what is awkward about it. All
texts are valid JSON that every parser must accept, and that loses nothing in 64-bit ints and binary64 floats.
"""

import itertools
import json
import math
import random
import struct

__all__ = ["NUMBERS", "STRINGS", "STRUCTURES", "documents", "texts"]

NUMBERS = {
    "zero": "0",
    "minus zero": "-0.0",
    "one digit": "7",
    "negative": "-123",
    "largest of 53 bits": str(2**53),
    "largest of 63 bits": str(2**63 - 1),
    "smallest of 64 bits": str(-(2**63)),
    "largest of 64 bits": str(2**64 - 1),
    "fraction": "0.5",
    "many digits": "0.1000000000000000055511151231257827",
    "digits beyond a float": "123.456789012345678901234567890",
    "exponent": "1e5",
    "capital exponent": "1E5",
    "signed exponent": "1e+5",
    "negative exponent": "1e-5",
    "exponent with zeros": "1e005",
    "fraction and exponent": "-12.5E-3",
    "smallest float": "5e-324",
    "largest subnormal": "2.225073858507201e-308",
    "smallest normal": "2.2250738585072014e-308",
    "largest float": "1.7976931348623157e308",
    "nearly nothing": "1e-400",
    "half way": "9007199254740993.0",
    "close to zero": "123.456e-789",
}
STRINGS = {
    "empty": '""',
    "ASCII": '"abc 123"',
    "every short escape": r'"\"\\\/\b\f\n\r\t"',
    "NUL": r'"\u0000"',
    "controls": '"' + "".join(f"\\u{code:04x}" for code in range(32)) + '"',
    "capital hex": r'"\u00C9\u1D11"',
    "DEL": '"\x7f"',
    "two bytes": '"éß"',
    "three bytes": '"日本語"',
    "four bytes": '"😀𝄞"',
    "escaped pair": r'"\ud834\udd1e"',
    "line separators": '"\u2028\u2029"',
    "escaped line separators": r'"\u2028\u2029"',
    "noncharacters": '"\ufffe\uffff\U0010ffff"',
    "byte order mark": '"\ufeff"',
    "private use": '"\ue000\U000f0000"',
    "combining": '"e\u0301"',
    "right to left": '"\u202eabc"',
    "escaped backslash before u": r'"\\u0041"',
    "markup": '"</script><!--"',
    "like JSON": r'"{\"a\":[1]}"',
    "long": '"' + "x" * 5000 + '"',
    "escape at every place": '"' + "".join("a" * length + r"\n" for length in range(70)) + '"',
}
STRUCTURES = {
    "empty array": "[]",
    "empty object": "{}",
    "spaces": "  [ 1 ,\t2 ,\r\n3 ]\n",
    "spaces in an object": '{ "a" : 1 , "b" : { } }',
    "lonely null": "null",
    "lonely true": "true",
    "lonely false": "false",
    "nested arrays": "[" * 60 + "]" * 60,
    "nested objects": '{"a":' * 60 + "1" + "}" * 60,
    "mixed array": '[null,true,false,1,1.5,"",[],{}]',
    "empty key": '{"":0}',
    "escaped key": r'{"\u0000\"é":1}',
    "keys like numbers": '{"1":1,"1.0":2,"true":3}',
    "many members": "{" + ",".join(f'"k{index}":{index}' for index in range(300)) + "}",
    "many elements": "[" + ",".join(["null"] * 2000) + "]",
}


def texts() -> "list[tuple[str, str]]":
    """All of them, and each number and string inside an array, an object and both."""
    found = [(f"{name} (structure)", text) for name, text in STRUCTURES.items()]
    for name, text in itertools.chain(NUMBERS.items(), STRINGS.items()):
        found.append((name, text))
        found.append((f"{name} in an array", f"[{text}]"))
        found.append((f"{name} in an object", f'{{"k":{text}}}'))
        found.append((f"{name} below", f'[{{"k":[null,{text}]}},{text}]'))
    return found


def documents(count: int, seed: int = 4) -> "list[object]":
    """Random values of JSON, deterministic: of any shape, with floats of any bit pattern."""
    source = random.Random(seed)
    strings = [json.loads(text) for name, text in STRINGS.items() if name != "long"]
    numbers = [json.loads(text) for text in NUMBERS.values()]

    def number() -> "float | int":
        if source.random() < 0.5:
            return source.choice([source.choice(numbers), source.getrandbits(source.randrange(1, 64))])
        value: float = struct.unpack("<d", source.randbytes(8))[0]
        return value if math.isfinite(value) else 0.0

    def make(depth: int) -> object:
        kind = source.randrange(4 if depth == 0 else 7)
        if kind == 0:
            return source.choice([None, True, False])
        if kind in (1, 2):
            return number()
        if kind == 3:
            return source.choice(strings)
        if kind == 4:
            return {source.choice(strings): make(depth - 1) for _ in range(source.randrange(5))}
        return [make(depth - 1) for _ in range(source.randrange(5))]

    return [make(4) for _ in range(count)]
