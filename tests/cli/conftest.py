"""What tests of commands share: a small ruleset, and ways to run a command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fastcore.cli.app import app

DOCUMENT = {
    "name": "small",
    "version": "1",
    "lists": {"far": ["NZ", "CL"]},
    "rules": [
        {
            "id": "large",
            "description": "More than a hundred.",
            "when": {">": [{"var": "amount"}, 100]},
            "score": 10,
            "examples": [
                {"event": {"amount": 101}, "fires": True},
                {"event": {"amount": 100}, "fires": False},
            ],
        },
        {"id": "far", "when": {"in": [{"var": "card.country"}, {"list": "far"}]}, "score": 5},
    ],
    "decisions": [{"at_least": 10, "action": "review"}],
    "default_action": "approve",
    "examples": [
        {"event": {"amount": 500, "card": {"country": "NZ"}}, "expect": {"score": 15, "action": "review"}}
    ],
}


@pytest.fixture
def ruleset(tmp_path):
    """The path of a valid ruleset."""
    return write(tmp_path / "small.json", json.dumps(DOCUMENT))


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def invoke(*arguments, **options):
    """Runs a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)


def start(*arguments, **options):
    """Starts a command as a process of its own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FASTCORE_")}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "fastcore.cli", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        **({"stderr": subprocess.PIPE} | options),
    )


def lines_of(text: str | bytes) -> list[dict]:
    """Lines of JSON, of which the last must be whole."""
    data = text.encode() if isinstance(text, str) else text
    assert not data or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]
