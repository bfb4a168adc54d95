"""Rules and events such as a card fraud team has, synthetic and deterministic.

A rule has two to five predicates over 22 fields: 42 % compare a number, 12 % compare a ratio, product or
difference, 20 % ask whether a country is in a list of 2 to 12, 14 % compare a text, 12 % read a flag. 65 % of
the rules are a plain conjunction, 20 % have an `or` inside, 10 % a negation, 5 % are an `or` at the top.
Thresholds lie where few events reach them, so that about two in a hundred rules fire.
"""

import bisect
import json
import random
from collections.abc import Callable
from typing import Any

__all__ = [
    "COUNTRIES",
    "FIELDS",
    "FLAGS",
    "NUMBERS",
    "PLACES",
    "TEXTS",
    "document",
    "events",
    "generated",
    "local",
    "logics",
    "python_text",
    "text",
    "with_gaps",
]

Event = dict[str, Any]
Logic = dict[str, Any]


def words(text: str) -> list[str]:
    return text.split()


COUNTRIES = words(
    "US GB DE FR ES IT NL BE SE NO DK FI PL CZ AT CH IE PT GR RO BR MX AR CL CO "
    "PE CA AU NZ JP KR CN IN ID PH VN TH MY SG HK NG ZA KE GH EG MA TR RU UA IL"
)
TEXTS = {
    "merchant.sector": words(
        "food fuel travel hotel gaming crypto jewels media dining health bets gifts cash"
    ),
    "channel": words("web ios android pos phone api"),
    "card.scheme": words("visa master amex discover elo"),
    "device.browser": words("chrome safari firefox edge headless other"),
}
PLACES = ["card.country", "device.country", "customer.country"]
NUMBERS: dict[str, Callable[[random.Random], float]] = {
    "amount": lambda r: round(r.lognormvariate(4, 1.3), 2),
    "average_amount": lambda r: round(r.lognormvariate(3.9, 0.8) + 0.5, 2),
    "payments_hour": lambda r: min(40, int(r.expovariate(0.5))),
    "payments_day": lambda r: min(250, int(r.expovariate(0.1))),
    "customer.age": lambda r: r.randint(18, 90),
    "customer.days": lambda r: r.randint(0, 4000),
    "customer.disputes": lambda r: min(9, int(r.expovariate(2))),
    "device.risk": lambda r: round(r.random(), 4),
    "merchant.distance": lambda r: round(r.expovariate(1 / 200), 1),
    "hour": lambda r: r.randint(0, 23),
}
FLAGS = {
    "card.present": 0.4,
    "device.new": 0.15,
    "device.proxy": 0.07,
    "customer.vip": 0.05,
    "recurring": 0.2,
}
FIELDS = [*NUMBERS, *PLACES, *TEXTS, *FLAGS]


def put(event: Event, path: str, value: object) -> None:
    *parents, key = path.split(".")
    for parent in parents:
        event = event.setdefault(parent, {})
    event[key] = value


def events(count: int, seed: int = 1) -> list[Event]:
    """Events as nested dicts, every field present."""
    source = random.Random(seed)
    made = []
    for index in range(count):
        event: Event = {"id": f"payment-{index:08d}", "time": "2026-03-01T12:00:00Z"}
        for path, draw in NUMBERS.items():
            put(event, path, draw(source))
        for path in PLACES:
            put(event, path, COUNTRIES[min(len(COUNTRIES) - 1, int(source.expovariate(0.12)))])
        for path, choices in TEXTS.items():
            put(event, path, source.choice(choices))
        for path, share in FLAGS.items():
            put(event, path, source.random() < share)
        made.append(event)
    return made


def with_gaps(made: list[Event], share: float = 0.1, seed: int = 2) -> list[Event]:
    """The same events with a share of the fields missing or null, as many of one as of the other."""
    source = random.Random(seed)
    result = []
    for event in made:
        event = json.loads(json.dumps(event))
        for path in FIELDS:
            if source.random() < share:
                *parents, key = path.split(".")
                holder = event
                for parent in parents:
                    holder = holder[parent]
                if source.random() < 0.5:
                    holder[key] = None
                else:
                    del holder[key]
        result.append(event)
    return result


class _Source:
    """Draws predicates and rules."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        sample = random.Random(0)
        self.quantiles = {path: sorted(draw(sample) for _ in range(4000)) for path, draw in NUMBERS.items()}

    def comparison(self) -> Logic:
        path, op = self.random.choice(list(NUMBERS)), self.random.choice(["<", "<=", ">", ">="])
        rank = self.random.uniform(0.6, 0.98)
        values = self.quantiles[path]
        return {op: [{"var": path}, values[int(4000 * (rank if op[0] == ">" else 1 - rank))]]}

    def arithmetic(self) -> Logic:
        amount, hour, day = ({"var": path} for path in ("amount", "payments_hour", "payments_day"))
        return self.random.choice(
            [
                {">": [{"/": [amount, {"var": "average_amount"}]}, self.random.choice([1.5, 2, 3, 4, 5, 8])]},
                {">": [{"/": [amount, {"var": "average_amount"}]}, self.random.choice([2.5, 6, 10])]},
                {">": [{"*": [hour, amount]}, self.random.choice([200, 500, 1000, 2500])]},
                {"<": [{"-": [day, {"*": [hour, 2]}]}, self.random.choice([-5, -2, 0, 3])]},
            ]
        )

    def predicate(self) -> Logic:
        shape = bisect.bisect([0.42, 0.54, 0.74, 0.88], self.random.random())
        if shape == 0:
            return self.comparison()
        if shape == 1:
            return self.arithmetic()
        if shape == 2:
            members = sorted(self.random.sample(COUNTRIES, self.random.randint(2, 12)))
            return {"in": [{"var": self.random.choice(PLACES)}, members]}
        if shape == 3:
            path = self.random.choice(list(TEXTS))
            return {"==": [{"var": path}, self.random.choice(TEXTS[path])]}
        return {"==": [{"var": self.random.choice(list(FLAGS))}, True]}

    def rule(self) -> Logic:
        parts = [self.predicate() for _ in range(self.random.randint(2, 5))]
        shape = bisect.bisect([0.65, 0.85, 0.95], self.random.random())
        if shape == 0 or len(parts) < 3:
            return {"and": parts}
        if shape == 1:
            return {"and": [*parts[:-2], {"or": parts[-2:]}]}
        if shape == 2:
            return {"and": [*parts[:-1], {"!": [parts[-1]]}]}
        return {"or": [{"and": parts[:2]}, {"and": parts[2:]}]}


def logics(count: int, seed: int = 3) -> list[Logic]:
    """Conditions in JSONLogic."""
    source = _Source(seed)
    return [source.rule() for _ in range(count)]


def document(conditions: list[Logic], **options: Any) -> dict[str, Any]:
    """A ruleset of them, with scores, some actions, and decisions."""
    rules = [
        {
            "id": f"r{index}",
            "when": logic,
            "score": index % 10,
            **({"action": "hold"} if index % 50 == 49 else {}),
        }
        for index, logic in enumerate(conditions)
    ]
    decisions = [{"at_least": 100, "action": "block"}, {"at_least": 20, "action": "review"}]
    return {"rules": rules, "decisions": decisions, "default_action": "pass", **options}


def text(
    logic: Logic, field: Callable[[str], str], members: Callable[[list[str]], str], flag: Callable[[str], str]
) -> str:
    """An expression in a language with Python's operators."""
    ((op, operands),) = logic.items()
    if op == "var":
        return field(operands)
    if op == "in":
        return f"{field(operands[0]['var'])} in {members(operands[1])}"
    if op == "==" and operands[1] is True:
        return flag(field(operands[0]["var"]))
    if op == "!":
        return f"not ({text(operands[0], field, members, flag)})"
    parts = [
        text(part, field, members, flag) if isinstance(part, dict) else json.dumps(part) for part in operands
    ]
    return f" {op} ".join(f"({part})" if op in ("and", "or") or " " in part else part for part in parts)


def local(path: str) -> str:
    return path.replace(".", "_")


def python_text(logic: Logic) -> str:
    return text(logic, local, lambda texts: "{" + ", ".join(map(repr, texts)) + "}", lambda name: name)


def generated(conditions: list[Logic]) -> Callable[[Event], list[str]]:
    """All rules in one function that reads every field once, as one would write it by hand."""
    body = [f"    {local(path)} = e" + "".join(f"[{key!r}]" for key in path.split(".")) for path in FIELDS]
    body += [f"    if {python_text(logic)}: add('r{index}')" for index, logic in enumerate(conditions)]
    scope: dict[str, Any] = {}
    exec(
        "\n".join(["def matches(e):", "    found = []; add = found.append", *body, "    return found"]), scope
    )
    matches: Callable[[Event], list[str]] = scope["matches"]
    return matches
