"""The service: ``uvicorn examples.fraud_api.app:app``, or ``python -m examples.fraud_api``."""

from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI, Query
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from fastcore import RuleSet, RuleStore
from fastcore.router import create_router

from .events import generate

__all__ = ["app"]

# Loaded on import, so that the service needs no lifespan and a bad ruleset keeps it from starting; what is
# edited later is followed
store = RuleStore.from_folder(Path(__file__).parent / "rules", watch=True)

app = FastAPI(
    title="Fraud API",
    summary="Decides on payments with fastcore. The events that it offers are synthetic.",
)
# The playground is for anybody here: examples/fraud_api listens on this machine only
app.include_router(create_router(rules=store, playground=True), prefix="/fastcore")

STATUS: dict[str | None, Literal["approved", "challenged", "in review", "declined"]] = {
    "approve": "approved",
    "challenge": "challenged",
    "review": "in review",
    "decline": "declined",
}


class Payment(BaseModel):
    """What every payment must say; whatever else the rules read is passed on to them as it comes."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(min_length=1, max_length=64, examples=["pay_0000001"])
    kind: Literal["purchase", "transfer", "withdrawal", "refund"]
    channel: Literal["ecommerce", "pos", "moto", "app", "atm"]
    amount_eur: float = Field(gt=0, le=1_000_000, examples=[129.9])


class Reason(BaseModel):
    """A rule that fired."""

    rule: str
    description: str
    score: float


class Verdict(BaseModel):
    """What happens to a payment, and why."""

    payment: str
    status: Literal["approved", "challenged", "in review", "declined"]
    score: float
    reasons: list[Reason]
    ruleset_version: str


@app.post("/payments", summary="Decide on a payment")
async def decide(payment: Payment) -> Verdict:
    """The heaviest reasons come first. Decisions are quick enough to be made on the event loop."""
    ruleset = store["fraud"]
    decision = ruleset.evaluate(payment.model_dump())
    return Verdict(
        payment=payment.id,
        status=STATUS[decision.action],
        score=decision.score,
        reasons=_reasons(ruleset, decision.matched),
        ruleset_version=decision.version,
    )


def _reasons(ruleset: RuleSet, matched: tuple[str, ...]) -> list[Reason]:
    reasons = [
        Reason(rule=rule.id, description=rule.description, score=rule.score)
        for rule in ruleset.rules
        if rule.id in matched
    ]
    return sorted(reasons, key=lambda reason: -abs(reason.score))


@app.get("/events/sample", summary="Synthetic payments")
def sample(
    count: int = Query(default=10, ge=1, le=1000),
    seed: int = Query(default=0, ge=0),
    fraud_share: float = Query(default=0.5, ge=0, le=1),
) -> list[dict[str, Any]]:
    """Events of the generator: one by one for `POST /payments`, together for the `evaluate-many` route."""
    return list(generate(count, seed=seed, fraud_share=fraud_share))


@app.get("/", include_in_schema=False)
def index() -> RedirectResponse:
    return RedirectResponse("/docs")
