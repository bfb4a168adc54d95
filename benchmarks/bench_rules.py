"""Which of N rules fire for one event: a RuleSet beside generated Python and other engines.

Timed is one pass over the events, given as dicts, list of the fired rules out; rulesets, functions and events
are ready before. Rules and events are those of ``rules_workload.py``: synthetic and deterministic. Run with::

    pytest benchmarks/bench_rules.py --benchmark-only --benchmark-group-by=group
"""

import pytest
import rules_workload as peers

from fastcore.errors import EvaluationError
from fastcore.lab.suites.bench_rules import *  # noqa: F403
from fastcore.lab.suites.bench_rules import BODIES, EVENTS, TESTED, labels, over
from fastcore.lab.workloads import rules as workload
from fastcore.rules import RuleSet

SIZES = [20, 200, 2_000, 10_000]
SLOW = ["json-logic-qubit", "zen-engine"]


def group(count, what="matches"):
    return f"{what}: {count:,} rules, {len(EVENTS)} events"


def ruleset(count, backend, **options):
    return RuleSet(workload.document(workload.logics(count), **options), backend=backend)


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("peer", peers.PEERS)
def test_peer(measure, peer, count):
    if peer in peers.MODULES:
        pytest.importorskip(peers.MODULES[peer], reason=f"{peer} is not installed")
    if peer in SLOW and count > 200:
        pytest.skip(f"{peer} takes too long for so many rules")
    conditions = workload.logics(count)
    function = peers.PEERS[peer](conditions)
    result = measure(over, function, EVENTS, algorithm=TESTED, by=peer, **labels(count))
    assert result == over(workload.generated(conditions), EVENTS)


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("method", ["matches", "evaluate", "score", "first"])
def test_method(benchmark, backend, count, method):
    benchmark.group = group(count, "methods")
    rules = ruleset(count, backend)
    result = benchmark(over, getattr(rules, method), EVENTS)
    decisions = over(rules.evaluate, EVENTS)
    wanted = {
        "matches": [list(decision.matched) for decision in decisions],
        "evaluate": decisions,
        "score": [decision.score for decision in decisions],
        "first": [decision.matched[0] if decision.matched else None for decision in decisions],
    }
    assert result == wanted[method]


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("kind", ["complete", "a tenth missing or null"])
def test_gaps(benchmark, backend, count, kind):
    benchmark.group = group(count, "gaps")
    events = EVENTS if kind == "complete" else workload.with_gaps(EVENTS)
    rules = ruleset(count, backend)
    result = benchmark(over, rules.matches, events)
    assert result[0] == [each.rule.id for each in rules.explain(events[0]).rules if each.fired]


@pytest.mark.parametrize("count", [200, 2_000])
@pytest.mark.parametrize("policy", ["unknown", "error", "jsonlogic"])
def test_policy(benchmark, backend, count, policy):
    benchmark.group = group(count, "policies")
    result = benchmark(over, ruleset(count, backend, missing=policy).matches, EVENTS)
    assert result == over(workload.generated(workload.logics(count)), EVENTS)


@pytest.mark.parametrize("count", [200, 2_000])
def test_undecided(benchmark, backend, count):
    """Every event has gaps, and most leave a rule undecided."""
    benchmark.group = group(count, "missing='error', a tenth missing or null")
    rules = ruleset(count, backend, missing="error")

    def outcome(event):
        try:
            return rules.matches(event)
        except EvaluationError as error:
            return error.rule

    events = workload.with_gaps(EVENTS)
    result = benchmark(over, outcome, events)
    assert any(isinstance(found, str) for found in result)


@pytest.mark.parametrize("parser", ["orjson", "json"])
def test_parsing_alone(benchmark, parser):
    loads = pytest.importorskip(parser, reason=f"{parser} is not installed").loads
    benchmark.group = labels(200, "from JSON text")["group"]
    assert benchmark(over, loads, BODIES) == EVENTS


@pytest.mark.parametrize("count", [200, 2_000, 10_000])
def test_build(benchmark, backend, count):
    benchmark.group = f"building {count:,} rules from a parsed document"
    document = workload.document(workload.logics(count))
    assert len(benchmark.pedantic(RuleSet, (document,), {"backend": backend}, rounds=3)) == count


def test_replace_a_list(benchmark, backend):
    """A list that all of 10,000 rules could read."""
    benchmark.group = "replacing a named list of 100,000 entries"
    made = workload.document(workload.logics(10_000), lists={"blocked": []})
    made["rules"].append({"id": "listed", "when": {"in": [{"var": "card.id"}, {"list": "blocked"}]}})
    entries = [f"card-{index}" for index in range(100_000)]
    replaced = benchmark(RuleSet(made, backend=backend).with_lists, {"blocked": entries})
    assert "listed" in replaced.matches({"card": {"id": "card-77"}})


@pytest.mark.parametrize("count", [200, 10_000])
def test_explain_one(benchmark, backend, count):
    benchmark.group = "explaining one rule of five conditions"
    conditions = workload.logics(count)
    five = next(index for index, logic in enumerate(conditions) if len(logic.get("and", ())) == 5)
    rules = RuleSet(workload.document(conditions), backend=backend)
    found = benchmark(rules.explain, EVENTS[0], f"r{five}")
    assert [each.rule.id for each in found.rules] == [f"r{five}"]
