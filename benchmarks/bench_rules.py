"""Which of N rules fire for an event: a RuleSet beside generated Python and one lambda per rule; and how long
a RuleSet takes to build.

Timed is one pass over 200 events given as dicts, list of the fired rules out; rulesets, functions and events
are ready before. The rules are random: two to five predicates each, comparisons of fields, ratios and
products with constants, memberships, equalities and flags. Synthetic and deterministic. Run with::

    pytest benchmarks/bench_rules.py --benchmark-group-by=group
"""

import random

import pytest

from fastcore.rules import RuleSet

COUNTRIES = [
    "US",
    "GB",
    "DE",
    "FR",
    "ES",
    "IT",
    "NL",
    "BE",
    "SE",
    "NO",
    "PL",
    "BR",
    "MX",
    "CA",
    "JP",
    "CN",
    "IN",
    "NG",
]
CHANNELS = ["web", "ios", "android", "pos", "api"]
NUMBERS = [
    "amount",
    "average",
    "velocity.hour",
    "velocity.day",
    "customer.age",
    "device.risk",
    "geo.distance",
]
TEXTS = {"card.country": COUNTRIES, "ip.country": COUNTRIES, "channel": CHANNELS}
FLAGS = ["card.present", "device.new", "ip.proxy"]
SIZES = [20, 200, 2_000, 10_000]


def predicate(source):
    """A condition as JSONLogic and as a Python expression over local variables."""
    shape = source.random()
    if shape < 0.45:
        name, op, limit = source.choice(NUMBERS), source.choice(["<", ">"]), round(source.uniform(0, 100), 2)
        return {op: [{"var": name}, limit]}, f"{read(name)} {op} {limit!r}"
    if shape < 0.55:
        limit = source.choice([1.5, 2, 3, 5])
        logic = {">": [{"/": [{"var": "amount"}, {"var": "average"}]}, limit]}
        return logic, f"{read('amount')} / {read('average')} > {limit!r}"
    if shape < 0.75:
        members = sorted(source.sample(COUNTRIES, source.randint(2, 8)))
        return {"in": [{"var": "card.country"}, members]}, f"{read('card.country')} in {set(members)!r}"
    if shape < 0.88:
        name = source.choice(list(TEXTS))
        text = source.choice(TEXTS[name])
        return {"==": [{"var": name}, text]}, f"{read(name)} == {text!r}"
    name = source.choice(FLAGS)
    return {"==": [{"var": name}, True]}, read(name)


def read(name):
    return name.replace(".", "_")


def rules(count):
    source = random.Random(count)
    made = []
    for index in range(count):
        parts = [predicate(source) for _ in range(source.randint(2, 5))]
        op = "and" if source.random() < 0.9 else "or"
        made.append(
            (
                f"r{index}",
                {op: [logic for logic, _ in parts]},
                f" {op} ".join(f"({text})" for _, text in parts),
            )
        )
    return made


def events(count):
    source = random.Random(1)
    return [
        {
            "amount": round(source.lognormvariate(4, 1.3), 2),
            "average": round(source.lognormvariate(4, 0.8) + 0.5, 2),
            "velocity": {"hour": source.randrange(50), "day": source.randrange(300)},
            "customer": {"age": source.randrange(18, 90)},
            "device": {"risk": source.random() * 100, "new": source.random() < 0.15},
            "geo": {"distance": source.expovariate(1 / 50)},
            "card": {"country": source.choice(COUNTRIES), "present": source.random() < 0.4},
            "ip": {"country": source.choice(COUNTRIES), "proxy": source.random() < 0.07},
            "channel": source.choice(CHANNELS),
        }
        for _ in range(count)
    ]


EVENTS = events(200)


LOCALS = [
    f"    {read(name)} = e" + "".join(f"[{key!r}]" for key in name.split("."))
    for name in [*NUMBERS, *TEXTS, *FLAGS]
]


def generated(made):
    """All rules in one function that reads every field once, as one would write by hand."""
    lines = ["def fired(e):", "    found = []", *LOCALS]
    lines += [f"    if {text}: found.append({name!r})" for name, _, text in made]
    scope = {}
    exec("\n".join([*lines, "    return found"]), scope)
    return scope["fired"]


def lambdas(made):
    """One function per rule."""
    names = [read(name) for name in [*NUMBERS, *TEXTS, *FLAGS]]
    functions = [(name, eval(f"lambda {', '.join(names)}: {text}")) for name, _, text in made]
    scope = {}
    exec("\n".join(["def fields(e):", *LOCALS, f"    return {', '.join(names)}"]), scope)

    def fired(event):
        fields = scope["fields"](event)
        return [name for name, function in functions if function(*fields)]

    return fired


def over(fired):
    return [fired(event) for event in EVENTS]


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("make", [generated, lambdas], ids=["generated Python", "a lambda per rule"])
def test_python(benchmark, make, count):
    benchmark.group = f"{count} rules, 200 events"
    fired = make(rules(count))
    result = benchmark(over, fired)
    assert [len(found) for found in result] == [len(found) for found in over(generated(rules(count)))]


@pytest.mark.parametrize("count", SIZES)
def test_ruleset(benchmark, backend, count):
    benchmark.group = f"{count} rules, 200 events"
    made = rules(count)
    document = [{"id": name, "when": logic} for name, logic, _ in made]
    result = benchmark(over, RuleSet.from_rules(document, backend=backend).matches)
    assert result == over(generated(made))


@pytest.mark.parametrize("count", SIZES)
def test_build(benchmark, backend, count):
    """A parsed document to a RuleSet."""
    benchmark.group = f"{count} rules, from a parsed document"
    document = {"rules": [{"id": name, "when": logic, "score": 1} for name, logic, _ in rules(count)]}
    ruleset = benchmark(RuleSet.from_dict, document, backend=backend)
    assert len(ruleset) == count
    assert ruleset.to_dict() == document


def test_replace_a_list(benchmark, backend):
    """A list of 100,000 entries that all of 10,000 rules could read."""
    benchmark.group = "a named list of 100,000 entries"
    document = [{"id": name, "when": logic} for name, logic, _ in rules(10_000)]
    listed = {"id": "listed", "when": {"in": [{"var": "card.id"}, {"list": "blocked"}]}}
    ruleset = RuleSet.from_rules([*document, listed], lists={"blocked": []}, backend=backend)
    entries = [f"card-{index}" for index in range(100_000)]
    replaced = benchmark(ruleset.with_lists, {"blocked": entries})
    assert "listed" in replaced.matches({"card": {"id": "card-77"}})


@pytest.mark.parametrize("count", SIZES)
def test_explain(benchmark, backend, count):
    """One rule of five conditions, explained; what is made of an explanation later is not timed."""
    benchmark.group = "one rule explained, 200 events"
    document = [{"id": name, "when": logic} for name, logic, _ in rules(count)]
    chosen = next(rule["id"] for rule in document if len(rule["when"].get("and", ())) == 5)
    ruleset = RuleSet.from_rules(document, backend=backend)
    result = benchmark(over, lambda event: ruleset.explain(event, chosen))
    fired = [chosen in ruleset.matches(event) for event in EVENTS]
    assert [explanation.rules[0].fired for explanation in result] == fired
