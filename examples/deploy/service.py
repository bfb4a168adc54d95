"""What the containers serve: rulesets of a folder, and the rest of the router, below ``/fastcore``.

RULES_FOLDER names the folder; a change there is followed. Limits are read from FASTCORE_… variables.
"""

import os

from fastapi import FastAPI

from fastcore import RuleStore
from fastcore.router import RouterSettings, install

__all__ = ["app"]

app = FastAPI(title="fastcore")
install(
    app,
    rules=RuleStore.from_folder(os.environ.get("RULES_FOLDER", "rules"), watch=True),
    settings=RouterSettings.from_environment(),
)
