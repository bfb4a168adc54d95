"""Programs as users write them: checked by mypy and pyright, never run."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_type

from fastapi import APIRouter, FastAPI

import fastcore
import fastcore.router
from fastcore import (
    BackendInfo,
    Decision,
    Field,
    LimitError,
    LogicError,
    PayloadBuilder,
    PayloadError,
    Raw,
    RuleSet,
    RuleSetError,
    RuleStore,
)
from fastcore.rules import jsonlogic


def backend() -> None:
    info = assert_type(fastcore.backend_info(), BackendInfo)
    assert_type(info.name, str)
    assert_type(info.jit, bool | None)


def fibonacci() -> None:
    assert_type(fastcore.fibonacci(10), int)
    assert_type(fastcore.fibonacci_text(10), str)
    assert_type(fastcore.fibonacci_mod(10, 7), int)
    assert_type(fastcore.fibonacci_sequence(0, 10), list[int])
    try:
        fastcore.fibonacci(10**12)
    except LimitError as error:
        assert_type(str(error), str)


def rules(event: dict[str, object], now: datetime) -> None:
    ruleset = assert_type(RuleSet.from_dict({"name": "r", "rules": []}, backend="python"), RuleSet)
    decision = assert_type(ruleset.evaluate(event, now=now), Decision)
    assert_type(decision.matched, tuple[str, ...])
    assert_type(decision.action, str | None)
    assert_type(ruleset.matches(event), list[str])
    assert_type(ruleset.first(event), str | None)
    assert_type(ruleset.score(event), int | float)
    assert_type(ruleset.evaluate_many([event]), list[Decision])
    assert_type(ruleset.explain(event).text(), str)
    store = RuleStore()
    store.replace(ruleset)
    assert_type(store["r"], RuleSet)
    try:
        RuleSet.from_file("rules.json")
    except RuleSetError as error:
        for path, message in error.errors:
            assert_type(path, str)
            assert_type(message, str)


def logic() -> object:
    rule = jsonlogic.compile({"max": [1, 2]}, operators={"double": lambda x: 2 * x})
    try:
        return rule({"a": 1})
    except LogicError as error:
        assert_type(error.type, str)
        return jsonlogic.apply({"+": [1, 2]}, None)


def payloads(rows: list[tuple[int, str]]) -> Iterator[bytes]:
    builder = PayloadBuilder(
        {"id": int, "name": Field(str | None, omit_null=True), "extra": Raw}, nan="error"
    )
    try:
        assert_type(builder.build(rows), bytes)
    except PayloadError as error:
        assert_type(error.row, int | None)
    assert_type(builder.page(rows, total=2), bytes)
    assert_type(builder.build_columns({"id": [1], "name": ["a"], "extra": [Raw(b"1")]}), bytes)
    yield from builder.stream(rows, lines=True)


def application(store: RuleStore) -> FastAPI:
    app = FastAPI()
    router = fastcore.router.create_router(rules=store, settings=fastcore.router.RouterSettings())
    app.include_router(assert_type(router, APIRouter), prefix="/fastcore")
    app.include_router(fastcore.router.router, prefix="/other")
    return app


async def watched() -> float:
    async with fastcore.router.EventLoopMonitor(threshold=0.05) as monitor:
        return assert_type(monitor.lag().p99, float)
