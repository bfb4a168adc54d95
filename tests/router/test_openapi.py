import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastcore import RuleSet, RuleStore
from fastcore.router import RouterSettings, create_router

from .support import DOCUMENT, EVENT, make_app
from .test_updates import GUARD

TABLE = {
    "get /fib/{n}",
    "get /payloads/{count}",
    "get /payloads/{count}/stream",
    "get /rules",
    "get /rules/{name}",
    "get /rules/{name}/counts",
    "put /rules/{name}",
    "post /rules/{name}/evaluate",
    "post /rules/{name}/evaluate-many",
    "post /rules/{name}/explain",
    "get /health",
    "get /ready",
    "get /info",
    "get /playground",
    "post /playground/try",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    (folder / "fraud.json").write_text(json.dumps(DOCUMENT))
    app = FastAPI()
    app.include_router(
        create_router(
            rules=RuleStore.from_folder(folder),
            settings=RouterSettings(allow_updates=True),
            update_dependencies=GUARD,
            playground=True,
        )
    )
    return app


@pytest.fixture(scope="module")
def document(app):
    return app.openapi()


@pytest.fixture(scope="module")
def operations(document):
    return {
        f"{method} {path}": each for path, item in document["paths"].items() for method, each in item.items()
    }


def test_has_the_whole_table(operations):
    assert set(operations) == TABLE


def test_the_document_is_valid(document):
    validator = pytest.importorskip(
        "openapi_spec_validator", reason="openapi-spec-validator is not installed"
    )
    validator.validate(document)


def test_every_operation_is_named_and_described(operations):
    identifiers = [each["operationId"] for each in operations.values()]
    assert len(set(identifiers)) == len(identifiers)
    assert all(each.startswith("fastcore_") for each in identifiers)
    for each in operations.values():
        assert each["summary"]
        assert each["description"]
        assert each["tags"] == ["fastcore"]


def test_every_error_is_a_described_problem(operations):
    for name, each in operations.items():
        for status, response in each["responses"].items():
            assert response["description"]
            if int(status) >= 400:
                (media_type,) = response["content"]
                assert media_type == "application/problem+json", name
                schema = response["content"][media_type]["schema"]
                assert schema["properties"]["status"]["const"] == int(status)
                assert schema["properties"]["code"]["enum"]
            elif status != "304":
                assert all(content["schema"] for content in response["content"].values())
            assert ("Retry-After" in response.get("headers", {})) is (status == "503")
        if "requestBody" in each:
            assert {"400", "408", "413", "415", "422", "404"} - {"404"} <= set(each["responses"]), name


def test_every_body_has_an_example_that_fits_its_schema(operations):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    for each in operations.values():
        contents = [each["requestBody"]["content"]] if "requestBody" in each else []
        contents += [response.get("content", {}) for response in each["responses"].values()]
        for content in contents:
            for media_type, one in content.items():
                shown = (
                    [one["example"]] if "example" in one else [e["value"] for e in one["examples"].values()]
                )
                assert shown
                for example in shown:
                    text_only = one["schema"].get("type") == "string" or "ndjson" not in media_type
                    jsonschema.validate(example if text_only else json.loads(example), one["schema"])


def test_an_example_of_a_decision_is_one():
    from fastcore.router import examples

    ruleset = RuleSet.from_dict(examples.DETAIL["document"])
    assert ruleset.evaluate(examples.EVENT).to_dict() == examples.DECISION
    assert json.loads(ruleset.explain(examples.EVENT).to_json()) == examples.EXPLANATION


def test_parameters_are_complete(operations):
    for name, each in operations.items():
        path = name.split()[1]
        described = {(entry["in"], entry["name"]) for entry in each.get("parameters", ())}
        expected = {("path", part[1:-1]) for part in path.split("/") if part.startswith("{")}
        assert {entry for entry in described if entry[0] == "path"} == expected


def test_answers_fit_their_schemas(app, operations):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    client = TestClient(app)
    calls = [
        ("get /fib/{n}", "/fib/90", None),
        ("get /fib/{n}", "/fib/x", None),
        ("get /payloads/{count}", "/payloads/2", None),
        ("get /payloads/{count}", "/payloads/0", None),
        ("get /rules", "/rules", None),
        ("get /rules/{name}", "/rules/fraud", None),
        ("get /rules/{name}", "/rules/none", None),
        ("post /rules/{name}/evaluate", "/rules/fraud/evaluate", EVENT),
        ("post /rules/{name}/evaluate", "/rules/fraud/evaluate", []),
        ("post /rules/{name}/evaluate-many", "/rules/fraud/evaluate-many", [EVENT, {}, 5]),
        ("post /rules/{name}/explain", "/rules/fraud/explain", EVENT),
        ("put /rules/{name}", "/rules/fraud", DOCUMENT),
        ("put /rules/{name}", "/rules/fraud", {}),
        ("post /playground/try", "/playground/try", {"document": DOCUMENT, "event": EVENT}),
        ("post /playground/try", "/playground/try", {"document": {}, "event": EVENT}),
        ("get /health", "/health", None),
        ("get /info", "/info", None),
    ]
    for name, url, body in calls:
        response = client.request(name.split()[0], url, json=body, headers={"x-key": "secret"})
        documented = operations[name]["responses"][str(response.status_code)]
        media_type = response.headers["content-type"]
        jsonschema.validate(response.json(), documented["content"][media_type]["schema"])


def test_the_host_s_own_operation_ids_win():
    app = FastAPI(generate_unique_id_function=lambda route: f"{route.tags[0]}-{route.name}")
    app.include_router(create_router(rules=RuleSet.from_dict(DOCUMENT)), prefix="/x")
    assert app.openapi()["paths"]["/x/fib/{n}"]["get"]["operationId"] == "fastcore-fastcore_fibonacci"


def test_prefix_and_tags_of_operations():
    app = make_app(operation_id_prefix="kernels_", tags=["a", "b"])
    each = app.openapi()["paths"]["/fastcore/health"]["get"]
    assert each["operationId"].startswith("kernels_")
    assert each["tags"] == ["a", "b"]


def test_nothing_is_added_to_the_host_s_components(document):
    assert not document.get("components", {}).get("schemas")
