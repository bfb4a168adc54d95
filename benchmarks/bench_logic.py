"""General JSONLogic: our two backends beside json-logic-qubit and datalogic-py.

    pytest benchmarks/bench_logic.py

Timed is the evaluation of rules that are ready: those of the official suite, each on its own data (without
the few that a peer cannot run), and 60 fraud conditions, each on 20 events. json-logic-qubit has nothing to
make ready and reads the rule each time. A round is all of them.
"""

import importlib.util
from pathlib import Path

import pytest

from fastcore.errors import LogicError
from fastcore.lab.suites.bench_logic import *  # noqa: F403
from fastcore.lab.suites.bench_logic import CONDITIONS, EVENTS, FRAUD
from fastcore.rules import jsonlogic


def conformance():
    path = Path(__file__).parents[1] / "tests" / "conformance.py"
    spec = importlib.util.spec_from_file_location("conformance", path)
    module = importlib.util.module_from_spec(spec)
    __import__("sys").modules["conformance"] = module
    spec.loader.exec_module(module)
    return module


def fastcore_engine(backend):
    def prepare(rule):
        return jsonlogic.compile(rule, backend=backend)

    return prepare


def qubit_engine():
    evaluate = pytest.importorskip("json_logic", reason="json-logic-qubit is not installed").jsonLogic
    return lambda rule: lambda data: evaluate(rule, data)


def datalogic_engine():
    engine = pytest.importorskip("datalogic_py", reason="datalogic-py is not installed").Engine()
    return lambda rule: engine.compile(rule).evaluate


ENGINES = {
    "fastcore cython": lambda: fastcore_engine("cython"),
    "fastcore python": lambda: fastcore_engine("python"),
    "json-logic-qubit": qubit_engine,
    "datalogic-py": datalogic_engine,
}


PEERS = ["json-logic-qubit", "datalogic-py"]


def official_work():
    """Rules of the official suite with their data and results, but what a peer fails at."""
    kept = []
    peers = [ENGINES[name]() for name in PEERS if is_installed(name)]
    for case in conformance().cases():
        official = case.name.split("#")[0] in ("official.json", "compatible.json")
        if official and not isinstance(case.rule, str) and all(agrees(peer, case) for peer in peers):
            kept.append((case.rule, [case.data], [case.result]))
    return kept


def is_installed(name):
    module = {"json-logic-qubit": "json_logic", "datalogic-py": "datalogic_py"}[name]
    return importlib.util.find_spec(module) is not None


def agrees(prepare, case):
    try:
        return prepare(case.rule)(case.data) == case.result
    except Exception:
        return False


def fraud_work():
    """Conditions such as a fraud analyst writes, over synthetic events."""
    reference = [jsonlogic.compile(rule, backend="python") for rule in CONDITIONS]
    return [
        (rule, EVENTS, [expected(event) for event in EVENTS])
        for rule, expected in zip(CONDITIONS, reference, strict=True)
    ]


WORKS = {"official suite": official_work, "fraud conditions": fraud_work}


@pytest.fixture(scope="module")
def official():
    try:
        return official_work()
    except LogicError as error:
        pytest.fail(f"the official suite: {error}")


def evaluated(calls):
    return [call(data) for call, data in calls]


def evaluate(measure, engine, rules, *, group, work):
    """Measures an engine, and compares with the results that are known."""
    prepare = ENGINES[engine]()
    calls = [(prepared, data) for rule, events, _ in rules for prepared in [prepare(rule)] for data in events]
    ours = engine.startswith("fastcore")
    found = measure(
        evaluated,
        calls,
        group=group,
        work=work,
        by="fastcore" if ours else engine,
        algorithm="tree, read each time" if engine == "json-logic-qubit" else "compiled tree",
        unit="evaluation",
        units=len(calls),
    )
    assert found == [result for _, _, results in rules for result in results]


def test_official(measure, official, backend):
    evaluate(measure, f"fastcore {backend}", official, group="official suite", work=f"{len(official)} rules")


@pytest.mark.parametrize("engine", PEERS)
def test_official_peer(measure, official, engine):
    evaluate(measure, engine, official, group="official suite", work=f"{len(official)} rules")


@pytest.mark.parametrize("engine", PEERS)
def test_evaluating_peer(measure, engine):
    evaluate(measure, engine, fraud_work(), group=FRAUD["group"], work=FRAUD["work"])
