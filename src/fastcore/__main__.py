"""``python -m fastcore``: which backend runs here and why; ``--require cython`` fails where it is another."""

import argparse
import os
import sys

from .info import backend_info


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fastcore", description="Show which backend fastcore uses, and why."
    )
    parser.add_argument(
        "--require",
        choices=["cython", "python"],
        help="exit with status 1 unless this backend is the selected one",
    )
    required = parser.parse_args().require
    info = backend_info()
    if required and info.name != required:
        _print(f"{info}\n\nrequired: {required}, but the backend is {info.name}: {info.reason}")
        return 1
    _print(str(info))
    return 0


def _print(text: str) -> None:
    """Prints; a reader that wanted less, as ``head -1`` does, is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # the interpreter flushes once more at its end, and would complain then
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    raise SystemExit(main())
