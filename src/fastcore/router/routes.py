"""The router that a host includes."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from fastapi.params import Depends

from fastcore import _backend
from fastcore.rules import RuleSet, RuleStore

from . import fib, payloads, rules, status
from .counters import Counters
from .exchange import Operation
from .fast_route import FastRoute
from .loop_watch import LoopWatch
from .metrics import Reported, report
from .openapi import extra, responses
from .playground import operations as playground_operations
from .profiling import DESCRIPTION, Profiled, Profiler, ProfileRoute, profiles
from .readiness import Readiness
from .rulesets import Library
from .serve import Endpoint, Service
from .settings import RouterSettings
from .work import Workers

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

__all__ = ["GROUPS", "create_router"]

GROUPS = ("fib", "payloads", "rules", "status")

_log = logging.getLogger("fastcore.router")

_RuleSource = RuleStore | RuleSet | Iterable[RuleSet] | None


def create_router(
    *,
    rules: _RuleSource = None,
    settings: RouterSettings | None = None,
    include: Collection[str] = GROUPS,
    dependencies: Sequence[Depends] = (),
    update_dependencies: Sequence[Depends] = (),
    profile_dependencies: Sequence[Depends] = (),
    operation_id_prefix: str = "fastcore_",
    tags: Sequence[str | Enum] = ("fastcore",),
    backend: str | None = None,
    meter_provider: "MeterProvider | None" = None,
    playground: bool = False,
) -> APIRouter:
    """A router with the paths of fastcore, for ``app.include_router(…, prefix=…)``.

    It has no prefix of its own, needs no lifespan, may be nested and included any number of times, and shares
    no state with another router. Every dependency of the host, at whatever level, runs before it.

    Parameters:
        rules: the rulesets to serve: a store, which the host may change while requests run, or one ruleset,
            or several.
        settings: limits and switches; by default ``RouterSettings()``.
        include: which groups of paths to offer, of ``"fib"``, ``"payloads"``, ``"rules"``, ``"status"``.
        dependencies: ``Depends(…)`` that run before every path of this router.
        update_dependencies: ``Depends(…)`` that run before PUT /rules/{name} as well; without one, or without
            ``settings.allow_updates``, or without a folder behind the store, that path does not exist.
        profile_dependencies: ``Depends(…)`` that run before a request with ``?profile=1``; without one, or
            without ``settings.allow_profile``, that parameter means nothing.
        operation_id_prefix: what the names of the routes begin with, and therefore the operation ids that
            FastAPI or the host's ``generate_unique_id_function`` makes of them.
        tags: OpenAPI tags of every path.
        backend: kernels for this router: ``"cython"``, ``"python"`` or None for the selected one. A store
            keeps the backend of its rulesets.
        meter_provider: OpenTelemetry's, for metrics of this router; by default the global one.
        playground: whether to offer the page GET /playground, and POST /playground/try, by which it tries
            rules that are not saved. Whoever may call that can keep a thread busy: put
            a dependency before it.

    Returns:
        An ``APIRouter``.

    Raises:
        ValueError: an unknown group or backend, or two rulesets of one name, or a playground without the
            group ``"rules"``.
        ImportError: the backend is not available; or profiles are wanted and pyinstrument is not installed.
    """
    settings = settings or RouterSettings()
    groups = frozenset(include)
    if playground and "rules" not in groups:
        raise ValueError("playground=True needs the group 'rules' in include")
    name = operation_id_prefix.strip("_") or "router"
    profiled = profiles(settings, profile_dependencies)
    if settings.allow_profile and profiled != "on":
        _log.warning("requests are not profiled: %s", profiled)
    operations, service = _build(
        rules,
        settings,
        groups,
        bool(update_dependencies),
        profiled,
        backend,
        name,
        meter_provider,
        playground,
    )
    profiler = Profiler(service) if profiled == "on" else None
    router = APIRouter(tags=list(tags), dependencies=list(dependencies), route_class=FastRoute)
    for operation in operations:
        guards = list(update_dependencies) if operation.guarded else []
        if profiler is not None:
            router.add_api_route(
                operation.path,
                Profiled(profiler, operation).framework,
                methods=[operation.method],
                name=f"{operation_id_prefix}{operation.name}_profile",
                response_class=Response,
                include_in_schema=False,
                dependencies=[*guards, *profile_dependencies],
                route_class_override=ProfileRoute,
            )
        router.add_api_route(
            operation.path,
            Endpoint(service, operation).framework,
            methods=[operation.method],
            name=operation_id_prefix + operation.name,
            summary=operation.summary,
            description=operation.description,
            response_class=Response,
            responses=responses(operation, settings.problem_base),
            openapi_extra=extra(operation, () if profiler is None else (DESCRIPTION,)),
            dependencies=guards,
        )
    return router


def _build(
    source: _RuleSource,
    settings: RouterSettings,
    groups: frozenset[str],
    guarded: bool,
    profiled: str,
    backend: str | None,
    name: str,
    meter_provider: "MeterProvider | None",
    with_playground: bool,
) -> tuple[list[Operation], Service]:
    unknown = sorted(groups.difference(GROUPS))
    if unknown:
        raise ValueError(f"include must be some of {', '.join(GROUPS)}, not {', '.join(map(repr, unknown))}")
    backend = _backend.resolve(backend)
    workers, counters = Workers(settings), Counters()
    store = rules.as_store(source, backend)
    library = Library(store, counters) if "rules" in groups else None

    def named(name: str) -> Reported:
        return Reported(name, counters, workers, library, settings.max_rule_series)

    reported, record_lag = report(name, named, meter_provider)
    watch = LoopWatch(settings, record_lag)
    updates = (
        rules.updates(store, settings, guarded) if "rules" in groups else "off: no rules are served here"
    )
    if settings.allow_updates and updates != "on":
        _log.warning("PUT /rules/{name} is not offered: %s", updates)
    operations: list[Operation] = []
    steps: dict[str, Callable[[], object]] = {}
    if "fib" in groups:
        operations += fib.operations(settings, backend)
        steps["fib"] = fib.warm_up(backend)
    if library is not None:
        operations += rules.operations(settings, library, counters, updates == "on")
        steps["rulesets"] = rules.warm_up(store)
    if "payloads" in groups:
        operations += payloads.operations(settings, backend)
        steps["payloads"] = payloads.warm_up(backend)
    if with_playground:
        operations += playground_operations(settings, store)
    if "status" in groups:
        expects = source is not None and "rules" in groups
        readiness = Readiness(steps, lambda: None if len(store) or not expects else "no ruleset is loaded")
        operations += status.operations(
            settings, backend, readiness, workers, counters, watch, updates, profiled, lambda: len(store)
        )
    return operations, Service(settings, workers, counters, watch, reported)
