"""What runs here: the selected backend, the reason, and the facts of the interpreter that decide speed."""

import platform
import sys
from dataclasses import asdict, dataclass

from . import _backend
from ._version import __version__

__all__ = ["BackendInfo", "backend_info"]


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """A record to paste into a bug report; made by ``backend_info()``.

    Attributes:
        name: ``"cython"`` or ``"python"``: what unqualified calls use.
        requested: the value of ``FASTCORE_BACKEND``, or ``"auto"``.
        reason: why it is this one.
        version: of fastcore.
        extension_file: path of the compiled extension, None where it cannot be used.
        extension_version: the version that it was built for, likewise.
        implementation: ``"CPython"``, ``"PyPy"``, …
        interpreter: its version and build, one line.
        jit: whether a JIT compiles Python code in this process; None where that cannot be told.
        gil: whether the global interpreter lock is on at this moment.
    """

    name: str
    requested: str
    reason: str
    version: str
    extension_file: str | None
    extension_version: str | None
    implementation: str
    interpreter: str
    jit: bool | None
    gil: bool

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"fastcore      {self.version}",
            f"backend       {self.name} (requested: {self.requested})",
            f"reason        {self.reason}",
            f"extension     {self.extension_file or 'not available'}",
            f"interpreter   {self.implementation} {self.interpreter}",
            f"JIT           {_on_off(self.jit)}",
            f"GIL           {_on_off(self.gil)}",
        ]
        return "\n".join(lines)


def backend_info() -> BackendInfo:
    """What is running, as a frozen record; `jit` and `gil` are read at the time of the call."""
    try:
        extension = _backend.load_extension()
    except ImportError:
        extension_file = extension_version = None
    else:
        extension_file, extension_version = extension.__file__, extension.BUILD_VERSION
    return BackendInfo(
        name=_backend.name,
        requested=_backend.requested,
        reason=_backend.reason,
        version=__version__,
        extension_file=extension_file,
        extension_version=extension_version,
        implementation=platform.python_implementation(),
        interpreter=" ".join(sys.version.split()),
        jit=jit_enabled(),
        gil=gil_enabled(),
    )


def jit_enabled() -> bool | None:
    """Whether a JIT is at work in this process; None where the interpreter does not tell."""
    if sys.implementation.name == "pypy":
        import os

        import pypyjit  # type: ignore[import-not-found]  # of PyPy alone

        return bool(pypyjit) and not os.environ.get("PYPY_DISABLE_JIT")
    jit = getattr(sys, "_jit", None)  # CPython 3.14 and later
    return bool(jit.is_enabled()) if jit is not None else False


def gil_enabled() -> bool:
    """Whether the GIL is on now: an extension that does not declare itself safe turns it on again."""
    is_enabled = getattr(sys, "_is_gil_enabled", None)
    return True if is_enabled is None else bool(is_enabled())


def _on_off(state: bool | None) -> str:
    return "unknown" if state is None else "on" if state else "off"
