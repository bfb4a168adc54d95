"""Regular expressions, by google-re2 alone: its running time is linear in the text, whatever the pattern.

RE2's method is R. Cox, "Regular Expression Matching Can Be Simple And Fast" (2007): the pattern becomes an
automaton, which never goes back.
"""

from typing import Any, Final

__all__ = ["MAX_PATTERN", "Pattern", "library"]

MAX_PATTERN: Final = 1000
"""How many characters a pattern may have."""

MAX_MEMORY: Final = 1 << 20
"""How many bytes a compiled pattern may take, with the states that it remembers while it searches."""


def library() -> Any:
    """The module of google-re2.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import re2  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise ImportError(
            "matches needs the package google-re2, whose running time is linear: pip install google-re2",
            name="re2",
        ) from error
    if not hasattr(re2, "Options"):
        # a module of that name also comes with packages that go back to `re`
        raise ImportError(
            "matches needs google-re2, but the module re2 here is of another package", name="re2"
        )
    return re2


class Pattern:
    """A pattern made ready to be searched for; equal to another of the same text.

    Parameters:
        text: in RE2's syntax.

    Attributes:
        text: the same.
        search: takes UTF-8 bytes, and gives None where the pattern is not found in them.

    Raises:
        ValueError: it is no pattern, or too long or too large; the message says what is wrong.
        ImportError: google-re2 is not installed.

    Complexity: compiling takes time and memory that MAX_PATTERN and MAX_MEMORY bound; a search is linear in
        the text, at worst times the states of the pattern, of which a counted repetition has so many copies.
    """

    __slots__ = ("search", "text")

    def __init__(self, text: str) -> None:
        re2 = library()
        if len(text) > MAX_PATTERN:
            raise ValueError(f"a pattern has at most {MAX_PATTERN} characters, not {len(text)}")
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MAX_MEMORY
        # only whether it is found is asked, and without groups that takes one pass of an automaton
        options.never_capture = True
        try:
            self.search = re2.compile(text, options=options).search
        except UnicodeEncodeError:
            raise ValueError("half of a surrogate pair is no character") from None
        except re2.error as error:
            raise ValueError(_message(error)) from None
        self.text = text

    def found(self, text: str) -> bool | None:
        """Whether it occurs anywhere in a text; None where half of a surrogate pair makes that no text."""
        try:
            return self.search(text.encode("utf-8")) is not None
        except UnicodeEncodeError:
            return None

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Pattern) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"


def _message(error: Exception) -> str:
    """What RE2 says, which its package hands on as bytes."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return text if len(text) <= 100 else text[:99] + "…"
