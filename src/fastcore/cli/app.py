"""The commands that are about this installation, and the groups of others."""

import json
from typing import Annotated

import typer

from fastcore.info import backend_info
from fastcore.lab.app import bench

from .doctor import diagnose
from .rules import rules

__all__ = ["app"]

app = typer.Typer(
    help="The hot paths of a Python web service: what runs here, rulesets on files, benchmarks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(rules, name="rules")
app.add_typer(bench, name="bench")


@app.command()
def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
) -> None:
    """Show which backend runs here, why, and on what."""
    found = backend_info()
    print(json.dumps(found.to_dict(), indent=2) if as_json else found)


@app.command()
def doctor(
    strict: Annotated[
        bool, typer.Option("--strict", help="Extras that are not installed are problems.")
    ] = False,
) -> None:
    """Say what is missing or broken, with the command that cures it; exit with 1 if there is a problem."""
    findings = diagnose()
    for finding in findings:
        print(finding)
    problems = sum(finding.is_problem or (strict and finding.is_missing) for finding in findings)
    print(f"\n{problems} problem{'' if problems == 1 else 's'}" if problems else "\nNothing is wrong.")
    raise typer.Exit(1 if problems else 0)
