"""The group ``fastcore bench``. Its commands import what they need when they run, so that help stays fast."""

import typer

from .commands.compare import compare
from .commands.http import http
from .commands.memory import memory
from .commands.report import report
from .commands.run import run
from .commands.soak import soak

__all__ = ["bench"]

bench = typer.Typer(help="Compare interpreters and backends on this machine.", no_args_is_help=True)

bench.command()(run)
bench.command()(http)
bench.command()(memory)
bench.command()(soak)
bench.command()(report)
bench.command()(compare)
