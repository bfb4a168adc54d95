"""The facts of an interpreter and its machine that decide speed.

This file runs in the interpreter that it describes, which need not have fastcore nor be supported: it
imports only the standard library, and says what it does not know by None. As a program it prints one JSON
object.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import sysconfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["interpreter_facts", "machine_facts"]


def interpreter_facts() -> dict[str, Any]:
    """What runs: implementation, version, JIT, GIL, compiler."""
    implementation = platform.python_implementation()
    release = sys.version_info
    if implementation == "PyPy":
        release = sys.pypy_version_info  # type: ignore[attr-defined]  # of PyPy alone
    jit = getattr(sys, "_jit", None)
    gil = getattr(sys, "_is_gil_enabled", None)
    return {
        "implementation": implementation,
        "version": ".".join(str(part) for part in release[:3]),
        "language": ".".join(str(part) for part in sys.version_info[:2]),
        "build": " ".join(sys.version.split()),
        "jit": _pypy_jit() if implementation == "PyPy" else bool(jit is not None and jit.is_enabled()),
        "jit_available": implementation == "PyPy" or bool(jit is not None and jit.is_available()),
        "gil": True if gil is None else bool(gil()),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "debug": hasattr(sys, "gettotalrefcount"),
        "compiler": platform.python_compiler(),
        "compiler_flags": sysconfig.get_config_var("CFLAGS"),
        "abi": sysconfig.get_config_var("SOABI"),
    }


def _pypy_jit() -> bool:
    try:
        import pypyjit  # type: ignore[import-not-found]  # of PyPy alone
    except ImportError:
        return False
    return bool(pypyjit) and not os.environ.get("PYPY_DISABLE_JIT")


def machine_facts() -> dict[str, Any]:
    """What it runs on: system, processor, cores, memory, how the processor's clock is governed."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "cpu": _from_file("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory(),
        "governor": _governor(),
    }


def _from_file(path: str, key: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return None


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _governor() -> str | None:
    try:
        with open("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return None


if __name__ == "__main__":
    print(json.dumps({"executable": sys.executable, **interpreter_facts()}))
