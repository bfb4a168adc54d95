"""One event from JSON bytes to a Decision, beside decoding alone and decoding before evaluating.

Timed is one pass over 200 events of about 500 bytes, at 200 rules; rulesets and texts are ready before. What
a decoder makes is dropped at once. Run with::

    pytest benchmarks/bench_rules_json.py --benchmark-group-by=group
"""

import json
from collections import deque
from importlib import import_module

import pytest
import rules_workload as workload

from fastcore.rules import RuleSet

EVENTS = workload.events(200)
UNREAD = {
    "id": "tx00000001",
    "merchant": {"name": "Café Zürich", "category": "restaurant", "tags": ["food", "drink"]},
    "billing": {"city": "Zürich", "street": "Bahnhofstraße 1", "code": "8001"},
    "note": "delivered to the reception; call before noon",
}
BODIES = [
    json.dumps({**event, "details": UNREAD}, ensure_ascii=False, separators=(",", ":")).encode()
    for event in EVENTS
]


def ruleset(backend):
    return RuleSet(workload.document(workload.logics(200)), backend=backend)


def over(function):
    deque(map(function, BODIES), maxlen=0)


def decoder(name):
    module = pytest.importorskip(name, reason=f"{name} is not installed")
    if name == "msgspec":
        return import_module("msgspec.json").Decoder().decode
    return module.loads


@pytest.mark.parametrize("name", ["orjson", "msgspec", "json"])
def test_decode(benchmark, name):
    benchmark.group = "JSON to a Decision, 200 rules, 200 events"
    benchmark(over, decoder(name))


@pytest.mark.parametrize("name", ["orjson", "msgspec", "json"])
def test_decode_and_evaluate(benchmark, backend, name):
    benchmark.group = "JSON to a Decision, 200 rules, 200 events"
    decode, evaluate = decoder(name), ruleset(backend).evaluate
    benchmark(over, lambda body: evaluate(decode(body)))


def test_evaluate_json(benchmark, backend):
    benchmark.group = "JSON to a Decision, 200 rules, 200 events"
    made = ruleset(backend)
    benchmark(over, made.evaluate_json)
    assert [made.evaluate_json(body) for body in BODIES] == [made.evaluate(event) for event in EVENTS]
