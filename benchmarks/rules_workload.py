"""The rules and events of ``fastcore.lab.workloads.rules``, and the same rules for other engines."""

import json

from fastcore.lab.workloads.rules import (
    COUNTRIES,
    FIELDS,
    FLAGS,
    NUMBERS,
    PLACES,
    TEXTS,
    document,
    events,
    generated,
    local,
    logics,
    python_text,
    text,
    with_gaps,
)

__all__ = [
    "COUNTRIES",
    "FIELDS",
    "FLAGS",
    "MODULES",
    "NUMBERS",
    "PEERS",
    "PLACES",
    "TEXTS",
    "document",
    "events",
    "generated",
    "logics",
    "with_gaps",
]


def lambdas(conditions):
    """A function per rule."""
    names = ", ".join(map(local, FIELDS))
    functions = [
        (f"r{index}", eval(f"lambda {names}: {python_text(logic)}")) for index, logic in enumerate(conditions)
    ]
    reads = ", ".join("e" + "".join(f"[{key!r}]" for key in path.split(".")) for path in FIELDS)
    read = eval(f"lambda e: ({reads})")

    def matches(event):
        values = read(event)
        return [name for name, function in functions if function(*values)]

    return matches


def datalogic(conditions):
    """datalogic-py at its best: all rules in one array, evaluated in one call."""
    import datalogic_py

    evaluate = datalogic_py.Engine().compile(conditions).evaluate
    ids = [f"r{index}" for index in range(len(conditions))]
    return lambda event: [name for name, value in zip(ids, evaluate(event), strict=True) if value]


def qubit(conditions):
    """json-logic-qubit, rule by rule; it has nothing to make ready."""
    from json_logic import jsonLogic

    rules = [(f"r{index}", logic) for index, logic in enumerate(conditions)]
    return lambda event: [name for name, logic in rules if jsonLogic(logic, event)]


def zen(conditions):
    """zen-engine, all rules in one compiled expression."""
    import zen

    parts = [text(logic, str, json.dumps, lambda name: f"{name} == true") for logic in conditions]
    evaluate = zen.compile_expression(f"[{', '.join(parts)}]").evaluate
    ids = [f"r{index}" for index in range(len(conditions))]
    return lambda event: [name for name, value in zip(ids, evaluate(event), strict=True) if value]


PEERS = {
    "a lambda per rule": lambdas,
    "datalogic-py": datalogic,
    "json-logic-qubit": qubit,
    "zen-engine": zen,
}
MODULES = {"datalogic-py": "datalogic_py", "json-logic-qubit": "json_logic", "zen-engine": "zen"}
"""Of the peers that are libraries, what is imported."""
