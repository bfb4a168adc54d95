"""The hot paths of a Python web service, compiled where that pays and never required.

Importing this package selects the backend and does nothing else; each public name is loaded when it is first
used.
"""

from importlib import import_module

from . import _backend
from ._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .errors import (
        EvaluationError,
        FastcoreError,
        LimitError,
        LogicError,
        PayloadError,
        RuleSetError,
        SchemaError,
    )
    from .info import BackendInfo, backend_info
    from .kernels.fibonacci import (
        fibonacci,
        fibonacci_array,
        fibonacci_mod,
        fibonacci_mod_array,
        fibonacci_recursive,
        fibonacci_sequence,
        fibonacci_text,
    )
    from .payloads import Field, PayloadBuilder, Raw
    from .rules import Decision, RuleSet, RuleStore

__all__ = [
    "BackendInfo",
    "Decision",
    "EvaluationError",
    "FastcoreError",
    "Field",
    "LimitError",
    "LogicError",
    "PayloadBuilder",
    "PayloadError",
    "Raw",
    "RuleSet",
    "RuleSetError",
    "RuleStore",
    "SchemaError",
    "__version__",
    "backend_info",
    "fibonacci",
    "fibonacci_array",
    "fibonacci_mod",
    "fibonacci_mod_array",
    "fibonacci_recursive",
    "fibonacci_sequence",
    "fibonacci_text",
]

_HOMES = {
    "BackendInfo": "info",
    "backend_info": "info",
    "EvaluationError": "errors",
    "FastcoreError": "errors",
    "LimitError": "errors",
    "LogicError": "errors",
    "PayloadError": "errors",
    "RuleSetError": "errors",
    "SchemaError": "errors",
    "Field": "payloads",
    "PayloadBuilder": "payloads",
    "Raw": "payloads",
    "Decision": "rules",
    "RuleSet": "rules",
    "RuleStore": "rules",
}


def __getattr__(name: str) -> object:
    if name.startswith("fibonacci") and name in __all__:
        value = getattr(_backend.kernels("fibonacci"), name)
    elif name in _HOMES:
        value = getattr(import_module(f"fastcore.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'fastcore' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
