"""Every way to an answer gives the same answer: random rulesets, random events, both backends.

The plain evaluator, which visits every rule, says which rules fire; what follows from that is computed here
from the document. FASTCORE_EXAMPLES sets how many examples each test tries; `nox -s differential` tries many.
"""

import json
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import EvaluationError, FastcoreError, RuleSetError
from fastcore.rules import RuleSet, jsonlogic, language
from tests.conftest import cython_problem

from .strategies import LISTS, NOW, REGEX, documents, drawn_operators, events, json_events

EXAMPLES = int(os.environ.get("FASTCORE_EXAMPLES", "80"))
BACKENDS = [name for name in _backend.NAMES if name == "python" or cython_problem() is None]
COUNTS = Counter()

many_examples = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module", autouse=True)
def _print_counts(request):
    yield
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None and "FASTCORE_EXAMPLES" in os.environ:
        counts = ", ".join(f"{count:,} {what}" for what, count in COUNTS.items())
        with capture.global_and_fixture_disabled():  # the end of a fixture is captured like a test
            reporter.write_line(f"\ndifferential: {counts}")


def built(document):
    """The ruleset on each backend, which agree on what is wrong with it."""
    found = []
    for backend in BACKENDS:
        try:
            found.append(RuleSet(document, backend=backend, allow_regex=REGEX))
        except RuleSetError as error:
            found.append(str(error))
    if isinstance(found[0], str):
        assert len(set(found)) == 1
        assume(False)
    COUNTS["rulesets"] += 1
    COUNTS["rules"] += len(found[0])
    return found


# --- what is expected ---------------------------------------------------------------------------------------


def plain(ruleset, event, backend):
    """What the plain evaluator says: ids of the rules that fired, that threw, of the first undecided."""
    plan = ruleset._plan
    kernels = _backend.kernels("conditions", backend)
    program = kernels.conditions_program(plan.trees)
    held = ruleset._checked.lists.items()
    lists = {name: kernels.conditions_list(each.values, each.blocks) for name, each in held}
    now = kernels.conditions_setting(NOW, lists)
    fired, thrown, unknown = program.fired(event, now, plan.active(NOW), ruleset.missing == "error")
    throwers = list(dict.fromkeys(plan.ids[index] for index, _ in thrown))
    return [plan.ids[index] for index in fired], throwers, plan.ids[unknown] if unknown >= 0 else None


def decision(document, ruleset, fired):
    """Matched, score and action by the document alone."""
    enabled = [rule for rule in ruleset.rules if rule.enabled]
    score = 0.0 if any(isinstance(rule.score, float) for rule in enabled) else 0
    for rule in enabled:
        score = score + rule.score if rule.id in fired else score
    actions = [rule.action for rule in enabled if rule.id in fired and rule.action is not None]
    reached = [entry for entry in document["decisions"] if entry["at_least"] <= score]
    if reached:
        actions.append(max(reached, key=lambda entry: entry["at_least"])["action"])
    return tuple(fired), repr(score), (*actions, document.get("default_action"))[0]


# --- what is found ------------------------------------------------------------------------------------------


def answer(call, *arguments, **options):
    """A decision as plain data, or how it was refused."""
    try:
        found = call(*arguments, **options)
    except EvaluationError as error:
        return ("evaluation", str(error), error.rule, error.field)
    except FastcoreError as error:
        return (type(error).__name__, str(error))
    if found.failed:
        (error,) = found.errors
        return (error.code, error.message, error.rule, error.field)
    return (found.matched, repr(found.score), found.action, found.errors)


def ways(ruleset, event):
    """The decision for one event by everything that makes decisions, by name."""
    yield "evaluate", answer(ruleset.evaluate, event, now=NOW)
    yield "evaluate_many", answer(lambda: ruleset.evaluate_many([{}, event, {}], now=NOW)[1])
    if not ruleset._plan.clock:
        yield "evaluate without a time", answer(ruleset.evaluate, event)
        yield "evaluate_many without a time", answer(lambda: ruleset.evaluate_many(iter([event]))[0])


def partial(ruleset, event):
    """What else can be asked, and what the decision makes of it."""
    clocks = [{"now": NOW}] if ruleset._plan.clock else [{"now": NOW}, {}]
    for options in clocks:
        matches = tuple(ruleset.matches(event, **options))
        yield matches, ruleset.first(event, **options), repr(ruleset.score(event, **options))


def test_conditions_are_drawn_from_every_operator():
    assert drawn_operators() == set(language.OPERATORS) - (set() if REGEX else {"matches"})


@many_examples
@given(documents("unknown"), st.lists(events, min_size=1, max_size=3))
def test_every_way_gives_the_same_decision(document, drawn):
    rulesets = built(document)
    for event in drawn:
        COUNTS["events"] += 1
        expected = [plain(rulesets[0], event, backend) for backend in BACKENDS]
        assert expected == [expected[0]] * len(expected)
        fired, throwers, _ = expected[0]
        wanted = decision(document, rulesets[0], fired)
        COUNTS["fired"] += len(fired)
        for ruleset in rulesets:
            for way, found in ways(ruleset, event):
                assert found[:3] == wanted, (ruleset.backend, way)
                assert list(dict.fromkeys(error.rule for error in found[3])) == throwers, way
            for found in partial(ruleset, event):
                assert found == (wanted[0], wanted[0][0] if wanted[0] else None, wanted[1]), ruleset.backend
        assert len({found for ruleset in rulesets for _, found in ways(ruleset, event)}) == 1


@many_examples
@given(documents("error"), st.lists(events, min_size=1, max_size=3))
def test_an_undecided_rule_is_the_same_for_all(document, drawn):
    rulesets = built(document)
    for event in drawn:
        COUNTS["strict events"] += 1
        fired, _, undecided = plain(rulesets[0], event, BACKENDS[0])
        assert plain(rulesets[0], event, BACKENDS[-1])[2] == undecided
        found = {each for ruleset in rulesets for _, each in ways(ruleset, event)}
        assert len(found) == 1
        (result,) = found
        if undecided is None:
            COUNTS["decided"] += 1
            assert result[:3] == decision(document, rulesets[0], fired)
            continue
        assert result[0] == "evaluation"
        assert result[2] == undecided
        for ruleset in rulesets:
            for ask in (ruleset.matches, ruleset.first, ruleset.score):
                with pytest.raises(EvaluationError) as caught:
                    ask(event, now=NOW)
                assert (str(caught.value), caught.value.rule, caught.value.field) == result[1:]
            with pytest.raises(EvaluationError) as caught:
                ruleset.evaluate_many([event], now=NOW, errors="raise")
            assert (caught.value.rule, caught.value.field, caught.value.index) == (*result[2:], 0)


@many_examples
@given(documents("jsonlogic"), st.lists(events, min_size=1, max_size=2))
def test_coercion_is_the_same_for_all(document, drawn):
    rulesets = built(document)
    for event in drawn:
        COUNTS["coerced events"] += 1
        assert len({found for ruleset in rulesets for _, found in ways(ruleset, event)}) == 1
        assert len({found for ruleset in rulesets for found in partial(ruleset, event)}) == 1


def mentions(logic, names):
    if isinstance(logic, list):
        return any(mentions(member, names) for member in logic)
    return isinstance(logic, dict) and any(
        key in names or mentions(value, names) for key, value in logic.items()
    )


def with_lists(logic):
    """Named lists as the arrays that they are."""
    if isinstance(logic, list):
        return [with_lists(member) for member in logic]
    if not isinstance(logic, dict):
        return logic
    ((name, given_to),) = logic.items()
    return LISTS[given_to] if name == "list" else {name: with_lists(given_to)}


@many_examples
@given(documents("jsonlogic"), json_events)
def test_coercion_is_the_truthiness_of_the_logic(document, event):
    rulesets = built(document)
    fired, failed = [], []
    for rule in rulesets[0].rules:
        late = rule.valid_until is not None and rule.valid_until <= NOW
        if not rule.enabled or late or (rule.valid_from is not None and rule.valid_from > NOW):
            continue
        if mentions(rule.when, ("in_network", "now", "date")):  # what JSONLogic does not have
            continue
        COUNTS["coerced conditions"] += 1
        try:
            logic = {"!!": [with_lists(rule.when)]}
            if jsonlogic.compile(logic, backend="python", allow_regex=REGEX)(event):
                fired.append(rule.id)
        except FastcoreError:
            failed.append(rule.id)
    skipped = {rule.id for rule in rulesets[0].rules if mentions(rule.when, ("in_network", "now", "date"))}
    for ruleset in rulesets:
        found = ruleset.evaluate(event, now=NOW)
        assert [rule for rule in found.matched if rule not in skipped] == fired
        assert [error.rule for error in found.errors if error.rule not in skipped] == failed


@many_examples
@given(st.sampled_from(["unknown", "error", "jsonlogic"]).flatmap(documents), json_events)
def test_json_is_the_same_as_what_it_says(document, event):
    rulesets = built(document)
    COUNTS["JSON events"] += 1
    texts = [json.dumps(event), json.dumps(event, ensure_ascii=False, indent=1)]
    for ruleset in rulesets:
        wanted = answer(ruleset.evaluate, json.loads(texts[0]), now=NOW)
        for text in texts:
            for body in (text, text.encode(), bytearray(text.encode())):
                assert answer(ruleset.evaluate_json, body, now=NOW) == wanted
