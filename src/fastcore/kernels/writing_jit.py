"""Texts of floats and strings for a just-in-time compiler, which likes plain operations, not library calls.

Never compiled ahead of time.
"""

from functools import lru_cache
from json.encoder import ESCAPE, encode_basestring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = [
    "float_texts",
    "int_texts",
    "join_rows",
    "short_float",
    "short_quote",
    "str_pieces",
]

try:
    from __pypy__.builders import StringBuilder  # type: ignore[import-not-found]
except ImportError:  # an interpreter that is neither CPython nor PyPy uses the texts alone
    StringBuilder = None

_to_escape = ESCAPE.search
try:
    from _pypyjson import raw_encode_basestring_ascii as _ascii_escaped  # type: ignore[import-not-found]
except ImportError:  # of another version
    from json.encoder import encode_basestring_ascii

    def _ascii_escaped(text: str) -> str:
        return encode_basestring_ascii(text)[1:-1]


def short_quote(text: str) -> str:
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """What stands between the quotes of a text."""
    if text.isascii():
        found: str = _ascii_escaped(text)
        if len(found) == len(text) or "\x7f" not in text:  # only ASCII output escapes DEL
            return found
    return text if _to_escape(text) is None else encode_basestring(text)[1:-1]


def str_pieces(values: "Sequence[Any]", nullable: bool, node: "Any") -> "list[str | Sequence[str]]":
    if nullable:
        return [[short_quote(value) if type(value) is str else node(value) for value in values]]
    if set(map(type, values)) != {str}:
        raise TypeError("one is no string")
    return ['"', [escaped(value) for value in values], '"']


def int_texts(values: "Sequence[Any]", nullable: bool, node: "Any") -> "list[str]":
    return [str(value) if type(value) is int else node(value) for value in values]


def float_texts(values: "Sequence[Any]", nullable: bool, node: "Any") -> "list[str]":
    return [short_float(value, node) if type(value) is float else node(value) for value in values]


def join_rows(
    fragments: "list[str]", texts: "list[Sequence[str]]", count: int, opening: str, closing: str
) -> bytes:
    """Every row is the first fragment, the first text, the second fragment …; the first row has an opening in
    place of its first fragment."""
    result: bytes = _joiner(len(texts))(fragments, texts, opening, closing).encode()
    return result


@lru_cache(maxsize=256)
def _joiner(width: int) -> "Callable[..., str]":
    """`join_rows` for rows of so many texts: in a loop over them each would be a choice."""
    names = [f"fragment{index}" for index in range(width)], [f"text{index}" for index in range(width)]
    fragments, texts = (", ".join(part) for part in names)
    appends = [f"append({name})" for pair in zip(*names, strict=True) for name in pair][1:]
    source = f"""
def join(fragments, columns, opening, closing):
    builder = StringBuilder()
    append = builder.append
    {fragments}, = fragments
    head = opening
    for {texts}, in zip(*columns):
        append(head)
        {"; ".join(appends)}
        head = fragment0
    append(closing)
    return builder.build()
"""
    scope: dict[str, Any] = {"StringBuilder": StringBuilder}
    exec(source, scope)
    join: Callable[..., str] = scope["join"]
    return join


def short_float(value: float, otherwise: "Callable[[float], str]") -> str:
    """The shortest text of a float of up to six decimals and below 10**8; else `otherwise` gives it.

    If n / 10**6, correctly rounded, is the float, the at most 14 digits of n name it; no two decimals of up
    to 15 digits are the same float, so no shorter one can.
    """
    size = value if value > 0.0 else -value
    if 1e-5 <= size < 1e8:  # NaN is not
        millionths = int(size * 1e6 + 0.5)
        if millionths / 1e6 == size:
            whole = millionths // 1_000_000
            rest = millionths - whole * 1_000_000
            decimals = str(1_000_000 + rest)[1:].rstrip("0") if rest else "0"
            return f"{whole}.{decimals}" if value > 0.0 else f"-{whole}.{decimals}"
    return otherwise(value)
