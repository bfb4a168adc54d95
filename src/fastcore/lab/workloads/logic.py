"""Conditions such as a fraud analyst writes, in general JSONLogic, and events for them."""

import random
from typing import Any

__all__ = ["fraud"]

NUMBERS = ["amount", "velocity_1h", "customer.age", "customer.tenure_days", "device.risk", "geo.distance_km"]
COUNTRIES = ["US", "GB", "DE", "FR", "NG", "RU", "BR", "IN", "CN", "ID"]
CHANNELS = ["web", "pos", "app"]


def fraud(
    conditions: int = 60, events: int = 20, seed: int = 20_260
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Conditions of two to five tests each, most of them conjunctions; and events that have every field."""
    choose = random.Random(seed)
    made = [_event(choose) for _ in range(events)]
    rules = [
        {choose.choice(["and", "and", "or"]): [_test(choose) for _ in range(choose.randint(2, 5))]}
        for _ in range(conditions)
    ]
    return rules, made


def _test(choose: random.Random) -> dict[str, Any]:
    kind = choose.random()
    if kind < 0.45:
        operator = choose.choice(["<", "<=", ">", ">="])
        return {operator: [{"var": choose.choice(NUMBERS)}, choose.randint(0, 200)]}
    if kind < 0.6:
        return {">": [{"/": [{"var": "amount"}, {"var": "avg_amount_30d"}]}, choose.choice([1.5, 2, 4])]}
    if kind < 0.8:
        return {"in": [{"var": "card.country"}, choose.sample(COUNTRIES, 4)]}
    if kind < 0.9:
        return {"==": [{"var": "channel"}, choose.choice(CHANNELS)]}
    return {"==": [{"var": "device.is_new"}, True]}


def _event(choose: random.Random) -> dict[str, Any]:
    return {
        "amount": round(choose.lognormvariate(4, 1.3), 2),
        "avg_amount_30d": round(choose.lognormvariate(3.9, 0.8) + 0.5, 2),
        "velocity_1h": choose.randint(0, 20),
        "customer": {"age": choose.randint(18, 90), "tenure_days": choose.randint(0, 4000)},
        "device": {"risk": choose.random(), "is_new": choose.random() < 0.2},
        "geo": {"distance_km": round(choose.expovariate(1 / 200), 1)},
        "card": {"country": choose.choice(COUNTRIES)},
        "channel": choose.choice(CHANNELS),
    }
