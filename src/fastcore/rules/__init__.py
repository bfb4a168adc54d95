"""Rules as data: documents become immutable RuleSets that decide, score and explain events."""

from . import jsonlogic
from .columns import ColumnDecisions
from .decision import Decision, DecisionError
from .diff import Change, ListChange, MovedRule, RuleChange, RuleSetDiff
from .document import Rule
from .examples import ExampleResult
from .explain import ExplainedCondition, ExplainedField, ExplainedRule, Explanation
from .folder import RejectedFile
from .lint import LintWarning
from .ruleset import RuleSet
from .schema import document_schema
from .store import RuleStore

__all__ = [
    "Change",
    "ColumnDecisions",
    "Decision",
    "DecisionError",
    "ExampleResult",
    "ExplainedCondition",
    "ExplainedField",
    "ExplainedRule",
    "Explanation",
    "LintWarning",
    "ListChange",
    "MovedRule",
    "RejectedFile",
    "Rule",
    "RuleChange",
    "RuleSet",
    "RuleSetDiff",
    "RuleStore",
    "document_schema",
    "jsonlogic",
]
