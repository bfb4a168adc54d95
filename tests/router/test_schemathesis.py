"""Requests generated from the OpenAPI document, good and bad ones: every answer is one that is documented."""

import json

import pytest
from fastapi import Depends, FastAPI
from hypothesis import HealthCheck, given, settings

from fastcore import RuleSet, RuleStore
from fastcore.router import RouterSettings, create_router

from .support import DOCUMENT

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

pytestmark = pytest.mark.filterwarnings("default")
few = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def write_lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def load(positive, **options):
    app = FastAPI()
    app.include_router(create_router(**options), prefix="/fastcore")
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    if positive:
        schema.config.generation.update(modes=[schemathesis.GenerationMode.POSITIVE])
    return schema


# its event loop outlives the tests, and would be warned of at the end
small = RouterSettings(max_stream_count=300, max_payload_count=50, watch_event_loop=False)
anything = load(False, rules=RuleSet.from_dict(DOCUMENT), settings=small, playground=True)
good = load(True, rules=RuleSet.from_dict(DOCUMENT), settings=small).include(path_regex="rules/")


@anything.parametrize()
@few
def test_every_answer_is_documented(case):
    # what makes a document valid cannot be told in OpenAPI
    skipped = [schemathesis.checks.positive_data_acceptance] if case.path.endswith("/try") else []
    case.call_and_validate(excluded_checks=skipped)


@good.parametrize()
@few
def test_valid_requests_to_a_ruleset_that_exists_are_answered(case):
    case.path_parameters["name"] = "fraud"
    case.query.pop("rule", None)
    assert case.call_and_validate().status_code in (200, 304)


def test_valid_trials_of_a_document_are_answered():
    operation = load(True, rules=RuleSet.from_dict(DOCUMENT), playground=True)["/fastcore/playground/try"][
        "POST"
    ]

    @few
    @given(case=operation.as_strategy())
    def run(case):
        case.body = {"document": DOCUMENT, "event": case.body["event"]}
        assert case.call_and_validate().status_code == 200

    run()


def test_replacements_are_answered_as_documented(tmp_path):
    """What makes a document valid cannot be told in OpenAPI, so any object is tried, and refused."""
    (tmp_path / "fraud.json").write_text(json.dumps(DOCUMENT))
    schema = load(
        True,
        rules=RuleStore.from_folder(tmp_path),
        settings=RouterSettings(allow_updates=True, watch_event_loop=False),
        update_dependencies=[Depends(lambda: None)],
    )
    operation = schema["/fastcore/rules/{name}"]["PUT"]

    @few
    @given(case=operation.as_strategy())
    def run(case):
        response = case.call()
        assert response.status_code in (404, 409, 412, 422)

    run()
