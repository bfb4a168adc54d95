"""Decisions are written as `Decision.to_json` writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore import RuleSet
from fastcore.router.decisions import decision_writer
from fastcore.rules import Decision, DecisionError

ODD = 'q"uote ☃ é'


def ruleset(**options):
    rules = [
        {"id": "a", "when": {">": [{"var": "x"}, 1]}, "score": 1.5, "action": "hold"},
        {"id": ODD, "when": {">": [{"var": "x"}, 2]}, "score": 10**20, "action": ODD},
    ]
    document = {"name": ODD, "version": ODD, "rules": rules, "default_action": "none"}
    document["decisions"] = [{"at_least": 3, "action": "some"}]
    return RuleSet.from_dict({**document, **options})


ERROR = DecisionError("throw", "message", "a", None)


@given(
    matched=st.lists(st.sampled_from(["a", ODD]), max_size=3),
    score=st.one_of(st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False)),
    action=st.sampled_from([None, "hold", "some", "none", ODD]),
    errors=st.sampled_from([(), (ERROR,)]),
)
def test_gives_the_bytes_of_to_json(matched, score, action, errors):
    decision = Decision(tuple(matched), score, action, errors, ODD, ODD)
    assert decision_writer(ruleset())(decision) == decision.to_json()


@pytest.mark.parametrize("score", [float("inf"), float("-inf"), float("nan"), 10**400])
def test_refuses_what_to_json_refuses(score):
    decision = Decision((), score, None, (), ODD, ODD)
    write = decision_writer(ruleset())
    try:
        expected = decision.to_json()
    except ValueError:
        with pytest.raises(ValueError, match="JSON compliant"):
            write(decision)
    else:
        assert write(decision) == expected


def test_as_evaluated(backend):
    rules = RuleSet.from_json(ruleset().to_json(), backend=backend)
    write = decision_writer(rules)
    for x in range(4):
        decision = rules.evaluate({"x": x})
        assert write(decision) == decision.to_json()
