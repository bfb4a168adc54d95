"""The deployment examples, as far as no container engine is needed: steps, commands, agreement."""

import ast
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
FILES = ["Containerfile.cpython", "Containerfile.pypy"]


def instructions(file):
    """Pairs of an instruction and its text, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def build_step(file):
    """The words of the command that makes the wheel."""
    (step,) = [text for name, text in instructions(file) if name == "RUN" and " -m build " in text]
    return shlex.split(step)


@pytest.fixture
def sources():
    if not (ROOT / "noxfile.py").exists():
        pytest.skip("the project's sources are not beside the tests")


def build_steps_of_ci():
    """FASTCORE_BUILD and the arguments of `build`, as the session `wheels` runs it."""
    module = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    (session,) = [node for node in module.body if getattr(node, "name", "") == "wheels"]
    for call in ast.walk(session):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "session.run":
            words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
            if words[:3] == ["python", "-m", "build"]:
                (environment,) = [ast.literal_eval(word.value) for word in call.keywords if word.arg == "env"]
                yield environment["FASTCORE_BUILD"], words[3:]


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize(("file", "switch"), list(zip(FILES, ("require", "skip"), strict=True)))
def test_a_container_builds_as_ci_does(file, switch):
    variable, _, *arguments = build_step(file)
    folder = arguments.index("/dist")
    del arguments[folder]
    assert variable == f"FASTCORE_BUILD={switch}"
    assert (switch, arguments[2:]) in list(build_steps_of_ci())


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("file", FILES)
def test_what_is_copied_is_enough_to_build(file, tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.c", "*.egg-info")
    steps = instructions(file)
    for name, text in steps[: steps.index(("RUN", shlex.join(build_step(file))))]:
        if name == "COPY":
            *names, target = text.split()
            for each in names:
                place = tmp_path / (target if len(names) == 1 else each)
                copy = shutil.copytree if (ROOT / each).is_dir() else shutil.copy
                copy(ROOT / each, place, **({"ignore": ignored} if copy is shutil.copytree else {}))
    # compiling it takes minutes, and which files that needs is what the source distribution is tested for
    arguments = [str(tmp_path / "out") if word == "/dist" else word for word in build_step(file)[4:]]
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", *arguments],
        cwd=tmp_path,
        env={**os.environ, "FASTCORE_BUILD": "skip"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "out").glob("*.whl"))) == 1


@pytest.mark.usefixtures("sources")
def test_the_build_context_has_what_is_copied_and_no_more():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        word
        for file in FILES
        for name, text in instructions(file)
        if name == "COPY" and not text.startswith("--from")
        for word in text.split()[:-1]
    }
    assert kept == copied


@pytest.fixture(params=FILES)
def served(request, tmp_path):
    """The command of a Containerfile, run here on a free port: the health check for it, and its URL."""
    pytest.importorskip("pydantic_settings", reason="pydantic-settings is not installed")
    steps = dict(instructions(request.param))  # of several the last: those of the final stage
    command = json.loads(steps["CMD"])
    command[command.index("8000")] = "0"
    variables = dict(word.split("=", 1) for word in shlex.split(steps["ENV"]))
    del variables["PATH"]
    variables["RULES_FOLDER"] = str(ROOT / "examples" / "fraud_api" / "rules")
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=DEPLOY,
            env=os.environ | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def address():
        assert process.poll() is None, log.read_text()
        return re.search(r"running on http://0\.0\.0\.0:(\d+)", log.read_text())

    try:
        port = eventually(address, log.read_text, 120)[1]
        check = json.loads(steps["HEALTHCHECK"].partition("CMD ")[2])
        yield [sys.executable, check[1], check[2].replace("8000", port)], f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def test_its_command_serves_and_becomes_ready(served):
    check, url = served

    def ready():
        try:
            with urllib.request.urlopen(f"{url}/fastcore/ready", timeout=60) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            return False

    eventually(ready, "ready", 120)
    assert subprocess.run(check, check=False).returncode == 0
    with urllib.request.urlopen(f"{url}/fastcore/rules", timeout=60) as answer:
        assert [each["name"] for each in json.load(answer)["rulesets"]] == ["fraud"]


def test_the_health_check_fails_where_nothing_answers():
    steps = dict(instructions(FILES[0]))
    check = json.loads(steps["HEALTHCHECK"].partition("CMD ")[2])
    done = subprocess.run(
        [sys.executable, check[1], check[2].replace("8000", "1")], capture_output=True, check=False
    )
    assert done.returncode != 0


def test_balancer_containers_and_compose_agree():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    balancer = (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8")
    templates = re.findall(r"^ +server-template (\w+) (\d+) (\w+):(\d+)$", balancer, re.MULTILINE)
    services = {name: each for name, each in compose["services"].items() if "build" in each}
    assert {name for name, *_ in templates} == set(services)
    for name, most, host, port in templates:
        service = services[name]
        file = Path(service["build"]["dockerfile"]).name
        steps = dict(instructions(file))
        command = json.loads(steps["CMD"])
        options = dict(itertools.pairwise(command))
        assert host == name
        assert options["--port"] == steps["EXPOSE"] == port
        assert service["deploy"]["replicas"] <= int(most)
        assert int(options["--timeout-graceful-shutdown"]) < int(service["stop_grace_period"].rstrip("s"))
        (most_connections,) = re.findall(r" maxconn (\d+) ", balancer)
        assert int(most_connections) < int(options["--limit-concurrency"])
        (keep_alive,) = re.findall(r"timeout http-keep-alive (\d+)s", balancer)
        assert int(keep_alive) < int(options["--timeout-keep-alive"])
        assert int(steps["USER"].split(":")[0]) > 0
    assert "http-check send meth GET uri /fastcore/ready " in balancer
