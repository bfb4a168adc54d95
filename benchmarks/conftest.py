"""Every benchmark runs on both backends; what the files record says what was measured."""

import platform
import sysconfig
from pathlib import Path

import pytest

import fastcore
from fastcore import _backend


@pytest.fixture(params=_backend.NAMES)
def backend(request: pytest.FixtureRequest) -> str:
    try:
        return _backend.resolve(request.param)
    except ImportError as error:
        pytest.skip(str(error))


def cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, object]) -> None:
    machine_info["fastcore"] = {
        **fastcore.backend_info().to_dict(),
        "cpu": cpu_model(),
        "compiler_flags": sysconfig.get_config_var("CFLAGS"),
    }
