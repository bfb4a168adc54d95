"""Decisions as JSON, with the texts of one ruleset ready."""

import json
from collections.abc import Callable

from fastcore.rules import Decision, RuleSet

__all__ = ["decision_writer"]


def decision_writer(ruleset: RuleSet) -> Callable[[Decision], bytes]:
    """A function that gives what ``Decision.to_json`` gives, for decisions of this ruleset, in less time."""
    texts = {rule.id: _text(rule.id) for rule in ruleset.rules}
    document = ruleset.to_dict()
    named = [rule.action for rule in ruleset.rules]
    named += [each["action"] for each in document.get("decisions", ())]
    actions = {action: _text(action) for action in [None, document.get("default_action"), *named]}
    tail = f',"errors":[],"ruleset":{_text(ruleset.name)},"version":{_text(ruleset.version)}}}'

    def write(decision: Decision) -> bytes:
        score = decision.score
        if decision.errors or not -_LARGE < score < _LARGE:  # JSON has no infinity; to_json refuses it
            return decision.to_json()
        matched = ",".join([texts[each] for each in decision.matched])
        action = actions[decision.action]
        return f'{{"matched":[{matched}],"score":{score!r},"action":{action}{tail}'.encode()

    return write


_LARGE = 1e300


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
