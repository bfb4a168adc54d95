"""General JSONLogic: our two backends beside json-logic-qubit and datalogic-py.

    pytest benchmarks/bench_logic.py

Timed is the evaluation of rules that are ready: those of the official suite, each on its own data (without
the few that a peer cannot run), and 60 fraud conditions, each on 20 events. json-logic-qubit has nothing to
make ready and reads the rule each time. A round is all of them; extra_info has the number of evaluations
in it.
"""

import importlib.util
import random
from pathlib import Path

import pytest

from fastcore import _backend
from fastcore.errors import LogicError
from fastcore.rules import jsonlogic

SEED = 20_260


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


def official_work():
    """Rules of the official suite with their data and results, but what a peer fails at."""
    kept = []
    peers = [
        load() for name, load in ENGINES.items() if not name.startswith("fastcore") and is_installed(name)
    ]
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
    choose = random.Random(SEED)
    numbers = [
        "amount",
        "velocity_1h",
        "customer.age",
        "customer.tenure_days",
        "device.risk",
        "geo.distance_km",
    ]
    countries = ["US", "GB", "DE", "FR", "NG", "RU", "BR", "IN", "CN", "ID"]

    def test():
        kind = choose.random()
        if kind < 0.45:
            return {
                choose.choice(["<", "<=", ">", ">="]): [
                    {"var": choose.choice(numbers)},
                    choose.randint(0, 200),
                ]
            }
        if kind < 0.6:
            return {">": [{"/": [{"var": "amount"}, {"var": "avg_amount_30d"}]}, choose.choice([1.5, 2, 4])]}
        if kind < 0.8:
            return {"in": [{"var": "card.country"}, choose.sample(countries, 4)]}
        if kind < 0.9:
            return {"==": [{"var": "channel"}, choose.choice(["web", "pos", "app"])]}
        return {"==": [{"var": "device.is_new"}, True]}

    def event():
        return {
            "amount": round(choose.lognormvariate(4, 1.3), 2),
            "avg_amount_30d": round(choose.lognormvariate(3.9, 0.8) + 0.5, 2),
            "velocity_1h": choose.randint(0, 20),
            "customer": {"age": choose.randint(18, 90), "tenure_days": choose.randint(0, 4000)},
            "device": {"risk": choose.random(), "is_new": choose.random() < 0.2},
            "geo": {"distance_km": round(choose.expovariate(1 / 200), 1)},
            "card": {"country": choose.choice(countries)},
            "channel": choose.choice(["web", "pos", "app"]),
        }

    events = [event() for _ in range(20)]
    rules = [
        {choose.choice(["and", "and", "or"]): [test() for _ in range(choose.randint(2, 5))]}
        for _ in range(60)
    ]
    reference = [jsonlogic.compile(rule, backend="python") for rule in rules]
    return [
        (rule, events, [expected(event) for event in events])
        for rule, expected in zip(rules, reference, strict=True)
    ]


WORKS = {"official suite": official_work, "fraud conditions": fraud_work}


@pytest.fixture(scope="module", params=WORKS)
def work(request):
    try:
        return request.param, WORKS[request.param]()
    except LogicError as error:
        pytest.fail(f"{request.param}: {error}")


@pytest.mark.parametrize("engine", ENGINES)
def test_evaluation(benchmark, work, engine):
    if engine == "fastcore cython":
        try:
            _backend.load_extension()
        except ImportError as error:
            pytest.skip(str(error))
    name, rules = work
    prepare = ENGINES[engine]()
    calls = [(prepare(rule), data) for rule, events, _ in rules for data in events]
    benchmark.group = f"jsonlogic: {name}"
    benchmark.extra_info["evaluations"] = len(calls)

    def run():
        for call, data in calls:
            call(data)

    benchmark(run)
    wanted = [result for _, _, results in rules for result in results]
    assert [call(data) for call, data in calls] == wanted
