"""Writes the list of published wheels into docs/install.md, from what cibuildwheel would build; --check
compares.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "install.md"
PLATFORMS = {
    "linux": "x86_64,aarch64",
    "macos": "x86_64,arm64",
    "windows": "AMD64,ARM64",
}
BEGIN, END = "<!-- wheels: begin -->", "<!-- wheels: end -->"


def identifiers(platform: str, architectures: str) -> list[str]:
    command = [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers"]
    done = subprocess.run(
        [*command, "--platform", platform, "--archs", architectures, str(ROOT)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def table() -> str:
    rows: dict[str, list[str]] = {}
    for platform, architectures in PLATFORMS.items():
        for identifier in identifiers(platform, architectures):
            python, target = identifier.split("-", 1)
            rows.setdefault(target, []).append(python)
    lines = ["| platform | wheels for |", "|---|---|"]
    lines += [f"| `{target}` | {' '.join(pythons)} |" for target, pythons in sorted(rows.items())]
    return "\n".join([BEGIN, *lines, END])


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    expected = re.sub(f"{BEGIN}.*?{END}", table(), page, flags=re.DOTALL)
    if page == expected:
        return 0
    if "--check" in sys.argv:
        print(f"{PAGE.relative_to(ROOT)} does not list what cibuildwheel builds; run tools/wheel_matrix.py")
        return 1
    PAGE.write_text(expected, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
