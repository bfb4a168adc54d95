"""JSONLogic's public conformance suites: where they are, and how they get there.

``FASTCORE_CONFORMANCE`` names a folder that has ``jsonlogic/official.json`` and ``jsonlogic/extended/``.
Without it, the suites are taken from the source distribution of datalogic-py, pinned by version and hash,
which pip downloads once into ``.cache/conformance``. Nothing of them is part of this repository.

``python tests/conformance.py`` fetches them and prints how many cases there are.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "5.9.0"
SHA256 = "7fcf3230f78594fba377b613c1fcb58320e53fcd36d80b7a1fee93b3ce102229"
SUITES = f"datalogic_py-{VERSION}/crates/datalogic-rs/tests/suites/"
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "conformance"

# pip asks for an archive's metadata before it keeps it, and the archive's own backend would need a Rust
# compiler. This stands in for it while pip downloads, and answers that one question.
BACKEND = f"""
from pathlib import Path


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    name = "datalogic_py-{VERSION}.dist-info"
    Path(folder, name).mkdir()
    metadata = "Metadata-Version: 2.1\\nName: datalogic-py\\nVersion: {VERSION}\\n"
    Path(folder, name, "METADATA").write_text(metadata, encoding="utf-8")
    return name
"""

# What datalogic-py has beyond JSONLogic, or reads otherwise than JSONLogic's own suites do.
DIALECT_FILES = {
    "arithmetic/abs.json": "an operator of its own",
    "arithmetic/ceil.json": "an operator of its own",
    "arithmetic/floor.json": "an operator of its own",
    "control/switch.json": "an operator of its own",
    "datetime/datetime.json": "dates are text there; here they are datetime objects",
    "datetime/duration.json": "an operator of its own, and durations are text there",
    "datetime/now.json": "dates are text there; here they are datetime objects",
    "datetime/timezone.json": "operators of its own",
    "distinct.json": "an operator of its own",
    "flagd/fractional.json": "an operator of its own",
    "flagd/sem_ver.json": "an operator of its own",
    "group_by.json": "an operator of its own",
    "object-ops.json": "operators of its own",
    "scopes-nested.json": "odd levels are data there; json-logic-engine reads the loop's frame",
    "slice.json": "an operator of its own",
    "sort.json": "an operator of its own",
    "structured-objects.json": "templates, a mode of its own",
    "template-key-escape.json": "templates, a mode of its own",
    "tensor/construct.json": "operators of its own",
    "tensor/read.json": "operators of its own",
    "tensor/shape.json": "operators of its own",
    "tensor/value.json": "operators of its own",
    "type.json": "an operator of its own",
}
DIALECT_OPERATORS = {
    "distinct": "an operator of its own",
    "slice": "an operator of its own",
    "sort": "an operator of its own",
    "split": "an operator of its own",
    "switch": "an operator of its own",
    "trim": "an operator of its own",
    "type": "an operator of its own",
}
# single cases, by the first digits of their SHA-256 (see Case.digest)
DIALECT_CASES = {
    digest: reason
    for reason, digests in {
        "an empty object is false there": (
            "5dfafcd90714 136a97b11a7b 61eabe1d6a5f 514a34b36cae 87a6bab4192d"
        ),
        "an empty `and` or `or` is null there": ("de2412a7f512 5f5518e95321"),
        "odd levels are data there; json-logic-engine reads the loop's frame": (
            "382503d74c9e 272eba41b675 35ea8c22ad64 a9ccb48731f7 8a1435a64898 071f6bdb6d51 cd73fb32fc7f"
        ),
        "strings have no members there": ("eadf31908f06"),
        "objects and scalars can be looped over there": (
            "f269e8475cc6 c4c8b4f6c369 08f553b2ec92 d4d4145ccac1 98ecd024328b ee8d054d323d "
            "32afa7155e0a ee302749805f"
        ),
        "integers end at 64 bits there": (
            "acbceba3c2c1 0fd1815a1237 3c4fada5e327 44c592ab24ea f6bf97e00d4f 30578ff9c54f "
            "8bb1791d1db8 3789ceeb7e3d"
        ),
        "nulls are dropped by merge there": (
            "e65447eac8f4 674f2d7e7a0a 3c9b4143221c 4fcda4a31973 be00fa236dc6"
        ),
        "a single computed argument that is an array becomes the arguments there": (
            "2113d1396983 9616f227d8e8 e95d37dd81f9 5d3ec993a5c7"
        ),
        "computed paths are read otherwise than written ones there": (
            "c5ed7a99c22c 0104c5fda130 3f0bcd71d487"
        ),
    }.items()
    for digest in digests.split()
}


@dataclass(frozen=True)
class Case:
    """One case: ``error`` is the type of the error that is expected, or None; then ``result`` is."""

    name: str
    rule: Any
    data: Any
    result: Any = None
    error: str | None = None

    @property
    def digest(self) -> str:
        text = json.dumps([self.name.partition("#")[0], self.rule, self.data], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class UnavailableError(Exception):
    """The suites are neither where the environment says nor can they be downloaded."""


def cases() -> list[Case]:
    """All cases that JSONLogic engines are expected to agree on."""
    named = os.environ.get("FASTCORE_CONFORMANCE")
    if named:
        return list(_shared_cases(Path(named) / "jsonlogic"))
    return [case for case in _downloaded_cases() if case.digest not in DIALECT_CASES]


def _shared_cases(folder: Path) -> Iterator[Case]:
    official = folder / "official.json"
    extended = sorted((folder / "extended").rglob("*.json"))
    if not official.is_file() or not extended:
        raise UnavailableError(
            f"FASTCORE_CONFORMANCE: {folder} does not hold official.json and extended/**/*.json"
        )
    for path in [official, *extended]:
        name = path.relative_to(folder).as_posix()
        yield from _cases_of(name, json.loads(path.read_text(encoding="utf-8")))


def _downloaded_cases() -> Iterator[Case]:
    with tarfile.open(_archive()) as archive:
        index = archive.extractfile(SUITES + "index.json")
        assert index is not None
        for name in json.load(index):
            file = None if name in DIALECT_FILES else archive.extractfile(SUITES + name)
            if file is not None:
                yield from _cases_of(name, json.load(file))


def _cases_of(name: str, entries: list[Any]) -> Iterator[Case]:
    for number, entry in enumerate(entries):
        if isinstance(entry, list):
            yield Case(f"{name}#{number}", *entry)
        elif (
            isinstance(entry, dict)
            and "rule" in entry
            and not _operators(entry["rule"]) & DIALECT_OPERATORS.keys()
        ):
            error = entry["error"]["type"] if "error" in entry else None
            yield Case(f"{name}#{number}", entry["rule"], entry.get("data"), entry.get("result"), error)


def _operators(rule: Any) -> set[str]:
    if isinstance(rule, dict):
        return set(rule).union(*map(_operators, rule.values()))
    return set().union(*map(_operators, rule)) if isinstance(rule, list) else set()


def _archive() -> Path:
    path = CACHE / f"datalogic_py-{VERSION}.tar.gz"
    if not path.is_file():
        _download(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise UnavailableError(f"{path} has the hash {found}, not {SHA256}; delete it to download it again")
    return path


def _download(path: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        (folder / "maturin.py").write_text(BACKEND, encoding="utf-8")
        wanted = folder / "wanted.txt"
        wanted.write_text(f"datalogic-py=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
        command += [
            "--no-binary",
            "datalogic-py",
            "--require-hashes",
            "--dest",
            name,
            "--requirement",
            str(wanted),
        ]
        environment = {**os.environ, "PYTHONPATH": name}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnavailableError(
                "the conformance suites could not be downloaded with pip, and FASTCORE_CONFORMANCE names no "
                f"folder that has them:\n{done.stderr.strip()[-2000:]}"
            )
        (folder / path.name).replace(path)


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: true is not 1, but 1.0 is."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


if __name__ == "__main__":
    print(len(cases()), "cases")
