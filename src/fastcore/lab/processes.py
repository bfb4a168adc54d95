"""What a process uses: resident memory, memory of its own, processor time.

On Linux these are read from ``/proc``, elsewhere from psutil where that is installed; what cannot be told is
None.
"""

import contextlib
import importlib
import os
import shutil
from pathlib import Path
from typing import Any

__all__ = ["cpu_seconds", "no_memory_reason", "own_memory", "peak_memory", "pinned", "resident_memory"]

_PROC = Path("/proc/self/statm").exists()


def _psutil(pid: int) -> Any:
    """The process as psutil has it, or None."""
    try:
        return importlib.import_module("psutil").Process(pid)
    except Exception:  # not installed, or no such process
        return None


def no_memory_reason() -> str | None:
    """Why memory cannot be told here, with the cure; None where it can."""
    if _PROC or _psutil(os.getpid()) is not None:
        return None
    return "this system has no /proc: pip install psutil"


def resident_memory(pid: int) -> int | None:
    """Bytes of a process that are in memory now (RSS)."""
    if _PROC:
        with contextlib.suppress(OSError, IndexError):
            pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
        return None
    process = _psutil(pid)
    with contextlib.suppress(Exception):  # it has ended
        return int(process.memory_info().rss)
    return None


def own_memory(pid: int) -> int | None:
    """Bytes that the end of a process would free (USS): what it shares with no other."""
    if _PROC:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            fields = dict(line.split(":", 1) for line in text.splitlines()[1:] if ":" in line)
            return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) * 1024
        return None
    process = _psutil(pid)
    with contextlib.suppress(Exception):
        return int(process.memory_full_info().uss)
    return None


def peak_memory(pid: int) -> int | None:
    """The most that was resident since the process began; only Linux tells."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def cpu_seconds(pid: int) -> float | None:
    """Processor time that a process has taken, in all its threads."""
    if _PROC:
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return None
    process = _psutil(pid)
    with contextlib.suppress(Exception):
        times = process.cpu_times()
        return float(times.user + times.system)
    return None


def pinned(cores: tuple[int, ...]) -> list[str]:
    """What a command begins with to run on these cores only; nothing where there are none or no taskset."""
    if not cores or not shutil.which("taskset"):
        return []
    return ["taskset", "-c", ",".join(map(str, cores))]
