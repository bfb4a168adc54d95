"""The examples keep their promises; they are part of the checkout, not of the package."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

if not (ROOT / "examples").is_dir():
    pytest.skip("the project's sources are not beside the tests", allow_module_level=True)
