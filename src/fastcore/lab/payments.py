"""Payments, and 200 rules about them: as JSONLogic, and as expressions of languages like Python's.

Both are made from a seed, so every process has the same. A rule has two to four predicates, one in five has
an ``or``; about one rule in fifty fires. Events have every field, so that engines without a notion of missing
values decide the same.
"""

import json
import random
from collections.abc import Callable
from typing import Any

__all__ = ["CONDITIONS", "DOCUMENT", "EVENTS", "decisions_of", "expression", "python_rules"]

Logic = dict[str, Any]
Event = dict[str, Any]

_COUNTRIES = ["AT", "BE", "BR", "CH", "DE", "ES", "FR", "GB", "IT", "JP", "NG", "NL", "PL", "RU", "SE", "US"]
_CHANNELS = ["android", "api", "ios", "phone", "pos", "web"]
_NUMBERS: dict[str, Callable[[random.Random], float]] = {
    "amount": lambda source: round(source.lognormvariate(4, 1.3), 2),
    "payments_hour": lambda source: min(40, int(source.expovariate(0.5))),
    "payments_day": lambda source: min(250, int(source.expovariate(0.1))),
    "hour": lambda source: source.randrange(24),
    "customer.days": lambda source: source.randrange(4000),
    "customer.disputes": lambda source: min(9, int(source.expovariate(2))),
    "device.risk": lambda source: round(source.random(), 4),
    "merchant.distance": lambda source: round(source.expovariate(1 / 200), 1),
}
_PLACES = ("card.country", "device.country")
_FLAGS = ("device.new", "device.proxy", "recurring")


def _event(number: int, source: random.Random) -> Event:
    event: Event = {"id": f"payment-{number:06d}", "channel": source.choice(_CHANNELS)}
    for paths, draw in (
        (_PLACES, lambda: source.choice(_COUNTRIES)),
        (_FLAGS, lambda: source.random() < 0.2),
    ):
        for path in paths:
            _put(event, path, draw())
    for path, number_of in _NUMBERS.items():
        _put(event, path, number_of(source))
    return event


def _put(event: Event, path: str, value: object) -> None:
    *parents, key = path.split(".")
    for parent in parents:
        event = event.setdefault(parent, {})
    event[key] = value


def _predicate(source: random.Random, samples: dict[str, list[float]]) -> Logic:
    kind = source.random()
    if kind < 0.55:
        path = source.choice(list(_NUMBERS))
        operator = source.choice([">", "<"])
        share = source.uniform(0.6, 0.95)
        rank = int(len(samples[path]) * (share if operator == ">" else 1 - share))
        return {operator: [{"var": path}, samples[path][rank]]}
    if kind < 0.8:
        return {"in": [{"var": source.choice(_PLACES)}, sorted(source.sample(_COUNTRIES, 4))]}
    if kind < 0.9:
        return {"==": [{"var": "channel"}, source.choice(_CHANNELS)]}
    return {"==": [{"var": source.choice(_FLAGS)}, True]}


def _conditions(count: int, seed: int) -> list[Logic]:
    source = random.Random(seed)
    samples = {path: sorted(draw(source) for _ in range(1000)) for path, draw in _NUMBERS.items()}
    made = []
    for _ in range(count):
        parts = [_predicate(source, samples) for _ in range(source.randint(2, 4))]
        if len(parts) > 2 and source.random() < 0.4:
            parts = [*parts[:-2], {"or": parts[-2:]}]
        made.append({"and": parts})
    return made


def _events(count: int, seed: int) -> list[Event]:
    source = random.Random(seed)
    return [_event(number, source) for number in range(count)]


CONDITIONS = _conditions(200, seed=3)
EVENTS = _events(100, seed=1)
DOCUMENT: dict[str, Any] = {
    "name": "fraud",
    "rules": [
        {"id": f"r{number}", "when": logic, "score": number % 10} for number, logic in enumerate(CONDITIONS)
    ],
    "decisions": [{"at_least": 40, "action": "block"}, {"at_least": 20, "action": "review"}],
    "default_action": "pass",
}
"""The ruleset."""


def expression(
    logic: Logic, field: Callable[[str], str], members: Callable[[list[str]], str], true: str
) -> str:
    """A condition in a language with Python's operators.

    Parameters:
        logic: the condition.
        field: how the field of a path is written.
        members: how a list of texts is written.
        true: how truth is written, as what a flag is compared with.
    """
    ((operator, operands),) = logic.items()
    if operator in ("and", "or"):
        return f" {operator} ".join(f"({expression(part, field, members, true)})" for part in operands)
    left, right = field(operands[0]["var"]), operands[1]
    if operator == "in":
        return f"{left} in {members(right)}"
    return f"{left} {operator} {true if right is True else json.dumps(right)}"


def python_rules() -> list[Callable[[Event], bool]]:
    """A function for each rule, as one would write it by hand."""
    rules = []
    for number, logic in enumerate(CONDITIONS):
        text = expression(
            logic,
            lambda path: "event" + "".join(f"[{key!r}]" for key in path.split(".")),
            lambda texts: "{" + ", ".join(map(repr, texts)) + "}",
            "True",
        )
        scope: dict[str, Any] = {}
        exec(f"def r{number}(event):\n    return {text}", scope)
        rules.append(scope[f"r{number}"])
    return rules


def decisions_of(rules: list[Callable[[Event], Any]]) -> Callable[[Event], dict[str, Any]]:
    """A function that decides by a callable for each rule, and answers what the ruleset would."""

    def decide(event: Event) -> dict[str, Any]:
        matched, score = [], 0
        for number, rule in enumerate(rules):
            if rule(event):
                matched.append(f"r{number}")
                score += number % 10
        action = "block" if score >= 40 else "review" if score >= 20 else "pass"
        return {"matched": matched, "score": score, "action": action}

    return decide
