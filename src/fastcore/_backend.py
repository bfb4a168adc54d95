"""The one selector: which backend serves, why, and what would be needed for the other.

``FASTCORE_BACKEND`` is read once, at import: ``auto`` (default), ``cython`` or ``python``. The choice is kept
as plain data (``requested``, ``name``, ``reason``) and nothing changes it afterwards. Whatever takes
``backend=`` gets its kernels from here, so both backends can be used side by side in one process.
"""

import os
import sys
from importlib import import_module

from ._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

NAMES = ("cython", "python")
EXTENSION = "fastcore._speedups"


def load_extension() -> "ModuleType":
    """The compiled extension, or an ImportError that says why it cannot serve and what cures that."""
    try:
        extension = import_module(EXTENSION)
    except ModuleNotFoundError as error:
        if error.name != EXTENSION:
            raise
        raise ImportError(
            f"{EXTENSION} is not part of this installation; "
            "reinstalling with FASTCORE_BUILD=require builds it or says why it cannot be built",
            name=EXTENSION,
        ) from error
    except ImportError as error:
        raise ImportError(
            f"{EXTENSION} cannot be loaded ({error}); reinstall fastcore-kernels for this interpreter",
            name=EXTENSION,
            path=error.path,
        ) from error
    if __version__ != extension.BUILD_VERSION:
        raise ImportError(
            f"{extension.__file__} is stale: built for fastcore {extension.BUILD_VERSION}, "
            f"found beside fastcore {__version__}; delete that file or reinstall fastcore-kernels",
            name=EXTENSION,
            path=extension.__file__,
        )
    return extension


def has_published_wheel() -> bool:
    """Whether a compiled wheel is published for this interpreter and platform."""
    import platform

    return (
        sys.implementation.name == "cpython"
        and (3, 11) <= sys.version_info[:2] <= (3, 15)
        and (sys.platform, platform.machine().lower())
        in {
            ("linux", "x86_64"),
            ("linux", "aarch64"),
            ("darwin", "x86_64"),
            ("darwin", "arm64"),
            ("win32", "amd64"),
            ("win32", "arm64"),
        }
    )


def select(requested: str) -> "tuple[str, str]":
    """Name and reason of the backend that ``FASTCORE_BACKEND=requested`` gives here.

    Raises:
        ImportError: the value is unknown, or it names a backend that is not available.
    """
    if requested == "python":
        return "python", "FASTCORE_BACKEND=python"
    if requested == "cython":
        try:
            load_extension()
        except ImportError as error:
            raise ImportError(
                f"FASTCORE_BACKEND=cython cannot be satisfied: {error}", name=EXTENSION, path=error.path
            ) from error
        return "cython", "FASTCORE_BACKEND=cython"
    if requested != "auto":
        raise ImportError(f"FASTCORE_BACKEND={requested!r} is not one of 'auto', 'cython', 'python'")
    if sys.implementation.name != "cpython":
        return "python", f"plain Python is the faster choice on {sys.implementation.name}"
    try:
        load_extension()
    except ImportError as error:
        if has_published_wheel():
            import warnings

            warnings.warn(
                f"fastcore runs without its compiled backend: {error} "
                "(FASTCORE_BACKEND=python makes this a choice and silences the warning)",
                RuntimeWarning,
                stacklevel=2,
            )
        return "python", str(error)
    return "cython", "the compiled extension is available"


requested = os.environ.get("FASTCORE_BACKEND") or "auto"
name, reason = select(requested)


def resolve(backend: "str | None") -> str:
    """The name of the backend that an argument ``backend=`` means; None is the selected one.

    Raises:
        ValueError: there is no such backend.
        ImportError: it is not available here; the message says why.
    """
    if backend is None:
        return name
    if backend not in NAMES:
        raise ValueError(f"backend must be 'cython', 'python' or None, not {backend!r}")
    if backend == "cython":
        load_extension()
    return backend


def kernels(family: str, backend: "str | None" = None) -> "ModuleType":
    """The module that holds the kernels of a family (``fibonacci``, ``logic``, …) in a backend.

    Raises: as ``resolve``.
    """
    if resolve(backend) == "cython":
        return import_module(EXTENSION)
    return import_module(f"fastcore.kernels.{family}")
