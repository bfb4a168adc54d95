"""Decides on all flights through the command line: ``python -m examples.flights [OUTPUT] [OPTIONS]``."""

import shlex
import sys
from pathlib import Path

from fastcore.cli import main

from .data import RULES, csv_file

DECISIONS = Path("build") / "flights-decisions.ndjson"


def command(arguments: list[str]) -> list[str]:
    """The arguments of ``fastcore`` that do it; what is given goes through."""
    output = arguments[:1] if arguments and not arguments[0].startswith("-") else [str(DECISIONS)]
    options = arguments[1:] if output == arguments[:1] else arguments
    return ["rules", "run", str(RULES), str(csv_file()), "--null", "NA", "--output", *output, *options]


if __name__ == "__main__":
    try:
        given = command(sys.argv[1:])
    except ModuleNotFoundError as error:
        raise SystemExit(str(error)) from None
    if str(DECISIONS) in given:
        DECISIONS.parent.mkdir(exist_ok=True)
    print("$", shlex.join(["fastcore", *given]), file=sys.stderr)
    raise SystemExit(main(given))
