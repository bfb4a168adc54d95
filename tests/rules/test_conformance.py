"""Every case of JSONLogic's public suites, on both backends."""

import importlib.util
from pathlib import Path

import pytest

from fastcore.errors import LogicError
from fastcore.rules import jsonlogic

_spec = importlib.util.spec_from_file_location("conformance", Path(__file__).parents[1] / "conformance.py")
conformance = importlib.util.module_from_spec(_spec)
# dataclasses look their module up by name
__import__("sys").modules["conformance"] = conformance
_spec.loader.exec_module(conformance)


@pytest.fixture(scope="module")
def suite():
    try:
        return conformance.cases()
    except conformance.UnavailableError as error:
        pytest.fail(str(error), pytrace=False)


def outcome(case, backend):
    try:
        return "value", jsonlogic.apply(case.rule, case.data, backend=backend)
    except LogicError as error:
        return "error", error.type


def test_every_case_of_the_suites(backend, suite):
    assert len(suite) >= 1000
    wrong = []
    for case in suite:
        kind, got = outcome(case, backend)
        if case.error is not None:
            right = (kind, got) == ("error", case.error)
        else:
            right = kind == "value" and conformance.same(got, case.result)
        if not right:
            wrong.append(
                f"{case.name} {case.rule!r} on {case.data!r}: {kind} {got!r}, "
                f"not {case.error or case.result!r}"
            )
    assert not wrong, f"{len(wrong)} of {len(suite)} cases\n" + "\n".join(wrong[:20])


def test_a_folder_without_the_suites_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("FASTCORE_CONFORMANCE", str(tmp_path))
    with pytest.raises(conformance.UnavailableError, match=r"official\.json"):
        conformance.cases()


def test_a_failed_download_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("FASTCORE_CONFORMANCE", raising=False)
    monkeypatch.setattr(conformance, "CACHE", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(conformance.UnavailableError, match="FASTCORE_CONFORMANCE"):
        conformance.cases()


def test_a_changed_archive_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv("FASTCORE_CONFORMANCE", raising=False)
    monkeypatch.setattr(conformance, "CACHE", tmp_path)
    (tmp_path / f"datalogic_py-{conformance.VERSION}.tar.gz").write_bytes(b"something else")
    with pytest.raises(conformance.UnavailableError, match="hash"):
        conformance.cases()
