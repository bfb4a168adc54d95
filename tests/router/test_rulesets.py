"""What is derived from a ruleset, where, and how long its use is thought to take."""

import json
import threading

import pytest

from fastcore import RuleSet, RuleStore
from fastcore.router.counters import Counters
from fastcore.router.exchange import Call, Reply, Work
from fastcore.router.explanations import explanation
from fastcore.router.rulesets import Library, served

from .support import DOCUMENT, EVENT, make_client


def ruleset(count, backend, **more):
    rules = [{"id": f"r{n}", "when": {">": [{"var": "amount"}, n]}, "score": 1} for n in range(count)]
    return RuleSet.from_rules(rules, name="fraud", backend=backend, **more)


def test_what_follows_from_many_rules_is_derived_off_the_loop_and_once(backend):
    store = RuleStore([ruleset(2, backend)])
    library = Library(store, Counters())
    call = Call({"name": "fraud"})
    threads = []

    def handler(call, found):
        threads.append(threading.get_ident())
        return Work(0.5, lambda: Reply(b"%d" % len(found.ruleset)))

    few = library.called(call, handler)
    assert few.seconds == 0.5  # at once
    store.replace(ruleset(500, backend))
    many = library.called(call, handler)
    assert many.seconds == float("inf")
    thread = threading.Thread(target=lambda: threads.append(many.run(*many.arguments).body))
    thread.start()
    thread.join()
    assert threads[1] != threading.get_ident()
    assert threads[2] == b"500"
    assert library.called(call, handler).seconds == 0.5


def test_a_large_ruleset_is_answered_from_its_first_request_on(backend):
    client = make_client(backend, rules=ruleset(500, backend))
    answers = [client.post("/fastcore/rules/fraud/evaluate", json={"amount": 9.5}) for _ in range(2)]
    assert [answer.json()["score"] for answer in answers] == [10, 10]
    assert client.get("/fastcore/rules/fraud").json()["document"] == ruleset(500, backend).to_dict()
    many = client.post("/fastcore/rules/fraud/evaluate-many", json=[{"amount": 1}, 5]).json()
    assert [each.get("score") for each in many] == [1, None]


@pytest.mark.parametrize("rule", [None, "abroad"])
@pytest.mark.parametrize("missing", ["unknown", "error", "jsonlogic"])
def test_an_explanation_in_pieces_is_that_of_the_ruleset(backend, missing, rule):
    rules = RuleSet.from_dict({**DOCUMENT, "name": 'q"é', "missing": missing}, backend=backend)
    for event in (EVENT, {}, {"country": "\ud800", "amount": None}):
        whole = json.loads(rules.explain(event, rule).to_json())
        found = explanation(rules, event, rule, 1 << 20)
        assert json.loads(found) == whole
    assert explanation(rules, EVENT, rule, 1 << 20) == rules.explain(EVENT, rule).to_json()


def test_an_explanation_of_no_rule(backend):
    rules = RuleSet.from_rules([], name="none", backend=backend)
    assert explanation(rules, {}, None, 100) == rules.explain({}).to_json()
    with pytest.raises(KeyError):
        explanation(rules, {}, "a", 100)


def test_estimates_grow_with_what_costs(backend):
    small, large = served(ruleset(10, backend)), served(ruleset(1000, backend))
    coercing = served(ruleset(1000, backend, missing="jsonlogic"))
    assert small.seconds(100) < large.seconds(100) < coercing.seconds(100)
    assert small.seconds(100) < small.seconds(100_000) < small.seconds(100_000, events=1000)
    assert small.explain_seconds(100, "r1") < small.explain_seconds(100, None)
    # one rule among many costs what one rule costs
    assert large.explain_seconds(100, "r1") < 0.001 < large.explain_seconds(100, None)
