"""``python -m fastcore.cli`` is the command ``fastcore``."""

from fastcore.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
