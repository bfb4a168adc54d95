"""``python -m fastcore``: which backend runs here and why; ``--require cython`` fails where it is another."""

import argparse

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
    print(info)
    if required and info.name != required:
        print(f"\nrequired: {required}, but the backend is {info.name}: {info.reason}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
