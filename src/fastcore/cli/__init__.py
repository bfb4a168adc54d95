"""The command ``fastcore``: needs the extra ``cli`` (typer, rich)."""

import io
import sys

__all__ = ["main"]

_NEEDED = {"typer", "rich", "click"}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; without typer and rich, says in one line how to get them.

    Parameters:
        arguments: those of the command; None takes them from `sys.argv`.

    Returns:
        The status to exit with, 2, where the command line is not installed.

    Raises:
        SystemExit: the command has run; with its status.
    """
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        print(
            'fastcore: the command line needs typer and rich: pip install "fastcore-kernels[cli]"',
            file=sys.stderr,
        )
        return 2
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character must not end a command
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(arguments, prog_name="fastcore")
    return 0
