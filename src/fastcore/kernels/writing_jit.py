"""Texts of floats and strings for a just-in-time compiler, which likes plain operations, not library calls.

Never compiled ahead of time.
"""

from json.encoder import encode_basestring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["short_float", "short_quote"]


def short_quote(text: str) -> str:
    """A string as JSON text: most need no escape. (What must be escaped but quotes is not printable.)"""
    if '"' in text or "\\" in text or not text.isprintable():
        return encode_basestring(text)
    return f'"{text}"'


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
