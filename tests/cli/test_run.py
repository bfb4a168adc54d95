"""``fastcore rules run``: one line for each record whatever is wrong with it, and an honest status."""

import contextlib
import copy
import gzip
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import DOCUMENT, invoke, lines_of, start, write

EVENTS = [
    {"amount": 150},
    {"amount": 50, "card": {"country": "NZ"}},
    {"amount": 500, "card": {"country": "CL"}},
    {},
]
MATCHED = [["large"], ["far"], ["large", "far"], []]
ACTIONS = ["review", "approve", "review", "approve"]

CSV = "amount,card.country\n150,\n50,NZ\n500,CL\n,\n"
NDJSON = "".join(json.dumps(event) + "\n" for event in EVENTS)


def check_answers(found, first_line):
    assert [answer["line"] for answer in found] == list(range(first_line, first_line + 4))
    assert [answer["matched"] for answer in found] == MATCHED
    assert [answer["action"] for answer in found] == ACTIONS
    assert [answer["score"] for answer in found] == [10, 5, 15, 0]
    assert {(answer["ruleset"], answer["version"]) for answer in found} == {("small", "1")}


@pytest.mark.parametrize(
    ("name", "data", "first_line"),
    [
        ("events.ndjson", NDJSON, 1),
        ("events.json", "[\n" + ",\n".join(map(json.dumps, EVENTS)) + "\n]", 2),
        ("events.csv", CSV, 2),
        ("events.tsv", CSV.replace(",", "\t"), 2),
        ("events.csv.gz", gzip.compress(CSV.encode()), 2),
        ("events", "\ufeff" + NDJSON, 1),
    ],
)
def test_every_format_gives_the_same_decisions(tmp_path, ruleset, backend, name, data, first_line):
    result = invoke("rules", "run", ruleset, write(tmp_path / name, data), "--backend", backend)
    assert result.exit_code == 0
    check_answers(lines_of(result.stdout), first_line)
    assert "records   4\nerrors    0\n" in result.stderr
    assert f"{backend} backend" in result.stderr
    assert "review   2   50.00%" in result.stderr
    assert "large  2   50.00%" in result.stderr


def test_standard_input_and_a_given_format(ruleset):
    result = invoke(
        "rules", "run", ruleset, "-", "--format", "csv", "--delimiter", ";", "-q", input=CSV.replace(",", ";")
    )
    assert result.exit_code == 0
    check_answers(lines_of(result.stdout), 2)
    assert result.stderr == ""


def test_nulls_and_types_of_columns(tmp_path, ruleset):
    events = write(tmp_path / "a.csv", "amount,card.country\nNA,NZ\n-,CL\n150,x\nlots,x\n")
    result = invoke("rules", "run", ruleset, events, "--null", "NA", "--null", "-", "--type", "amount=number")
    assert result.exit_code == 1
    *good, bad = lines_of(result.stdout)
    assert [answer["matched"] for answer in good] == [["far"], ["far"], ["large"]]
    assert bad == {
        "line": 5,
        "error": {"code": "event", "message": "column 'amount': expected a number, not 'lots'"},
    }


good_lines = st.fixed_dictionaries({}, optional={"amount": st.integers(0, 200), "note": st.text(max_size=5)})
bad_lines = st.sampled_from(["{", "nope", "[1]", '{"amount": NaN}', '{"a":1}}', "\x00", '"'])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.lists(good_lines | bad_lines, max_size=30))
def test_nothing_is_lost_whatever_lies_between(tmp_path, ruleset, given):
    text = "".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in given)
    result = invoke("rules", "run", ruleset, write(tmp_path / "a.ndjson", text))
    found = lines_of(result.stdout)
    assert [answer["line"] for answer in found] == list(range(1, len(given) + 1))
    for item, answer in zip(given, found, strict=True):
        if isinstance(item, str):
            assert answer["error"]["code"] == "event"
            assert answer["error"]["text"] == item
        else:
            assert ("large" in answer["matched"]) is (item.get("amount", 0) > 100)
    bad = sum(isinstance(item, str) for item in given)
    assert result.exit_code == (1 if bad else 0)
    assert f"records   {len(given)}\nerrors    {bad}\n" in result.stderr


def test_an_undecided_event_is_an_error_record_under_the_policy_error(tmp_path):
    document = copy.deepcopy(DOCUMENT) | {"missing": "error", "examples": []}
    document["rules"] = document["rules"][:1]
    result = invoke(
        "rules",
        "run",
        write(tmp_path / "r.json", json.dumps(document)),
        write(tmp_path / "e.ndjson", '{"amount":5}\n{}\n'),
    )
    assert result.exit_code == 1
    decision, error = lines_of(result.stdout)
    assert decision["matched"] == []
    assert (error["line"], error["error"]["code"], error["error"]["rule"], error["error"]["field"]) == (
        2,
        "evaluation",
        "large",
        "amount",
    )


def test_stop_ends_behind_the_first_bad_record(tmp_path, ruleset):
    events = write(tmp_path / "e.ndjson", '{"amount":5}\nbad\n{"amount":6}\n')
    result = invoke("rules", "run", ruleset, events, "--errors", "stop")
    assert result.exit_code == 1
    assert [answer["line"] for answer in lines_of(result.stdout)] == [1, 2]
    assert "stopped at a bad record: line 2: " in result.stderr
    assert "records   2\nerrors    1\n" in result.stderr


class TestOutput:
    def test_a_file_appears_when_it_is_complete(self, tmp_path, ruleset):
        target = write(tmp_path / "out.ndjson", "before")
        result = invoke("rules", "run", ruleset, write(tmp_path / "e.ndjson", NDJSON), "-o", target)
        assert result.exit_code == 0
        assert result.stdout == ""
        check_answers(lines_of(target.read_bytes()), 1)
        assert not list(tmp_path.glob("*.partial"))

    def test_bad_records_do_not_make_it_incomplete(self, tmp_path, ruleset):
        target = tmp_path / "out.ndjson"
        assert (
            invoke("rules", "run", ruleset, write(tmp_path / "e.ndjson", "bad\n{}\n"), "-o", target).exit_code
            == 1
        )
        assert len(lines_of(target.read_bytes())) == 2

    def test_what_is_incomplete_says_so_in_its_name(self, tmp_path, ruleset):
        packed = gzip.compress(b"".join(b'{"amount":%d}\n' % (n * n) for n in range(40_000)))
        events = write(tmp_path / "e.ndjson.gz", packed[: len(packed) // 2])
        target = write(tmp_path / "out.ndjson", "before")
        result = invoke("rules", "run", ruleset, events, "-o", target)
        assert result.exit_code == 1
        assert "any further" in result.stderr
        assert f"what was decided until then is in {target}.partial" in result.stderr
        assert target.read_text() == "before"
        assert lines_of((tmp_path / "out.ndjson.partial").read_bytes())

    def test_a_run_that_cannot_start_leaves_nothing(self, tmp_path, ruleset):
        target = write(tmp_path / "out.ndjson", "before")
        result = invoke("rules", "run", ruleset, write(tmp_path / "e.csv", "a,a\n1,2\n"), "-o", target)
        assert result.exit_code == 2
        assert target.read_text() == "before"
        assert not list(tmp_path.glob("*.partial"))

    def test_a_device_is_written_as_it_is(self, tmp_path, ruleset):
        result = invoke("rules", "run", ruleset, write(tmp_path / "e.ndjson", NDJSON), "-o", os.devnull)
        assert result.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.json", "-"], "missing.json: No such file or directory"),
        (["RULES", "missing.csv"], "cannot read missing.csv: No such file or directory"),
        (["RULES", "-", "--type", "amount"], "--type: COLUMN=TYPE"),
        (["RULES", "-", "--type", "amount=money"], "--type: COLUMN=TYPE"),
        (["RULES", "-", "--delimiter", ";;"], "--delimiter: one ASCII character"),
        (["RULES", "-", "-o", "missing/out"], "No such file or directory"),
        (["RULES", "-", "--backend", "rust"], "rust"),
        (["RULES", "-", "--format", "xml"], "xml"),
    ],
)
def test_what_keeps_a_run_from_starting(ruleset, arguments, message):
    result = invoke("rules", "run", *(ruleset if each == "RULES" else each for each in arguments), input="")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_nothing_in_nothing_out(tmp_path, ruleset):
    for name in ("e.ndjson", "e.json", "e.csv", "e"):
        result = invoke("rules", "run", ruleset, write(tmp_path / name, ""))
        assert (result.exit_code, result.stdout) == (0, "")


class TestProcess:
    def test_a_pipe_is_answered_as_it_comes(self, ruleset):
        process = start("rules", "run", ruleset, "-", "--format", "ndjson")
        for number in (1, 2):
            process.stdin.write(b'{"amount": 500}\n')
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["line"] == number
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        # no terminal: no bar, no colours
        assert b"\x1b" not in errors

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes in another way")
    def test_a_terminal_shows_the_progress(self, tmp_path, ruleset):
        terminal, its_end = os.openpty()
        events = write(tmp_path / "e.ndjson", NDJSON * 2000)
        arguments = ["rules", "run", ruleset, events, "-o", tmp_path / "out.ndjson"]
        process = start(*arguments, stderr=its_end)
        os.close(its_end)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux reports that the other end is closed
            while data := os.read(terminal, 4096):
                shown += data
        os.close(terminal)
        output, _ = process.communicate(timeout=60)
        assert (process.returncode, output) == (0, b"")
        assert b"records, " in shown
        assert b"errors    0" in shown
        assert len(lines_of((tmp_path / "out.ndjson").read_bytes())) == 8000

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes in another way")
    def test_an_interrupt_leaves_whole_lines(self, tmp_path, ruleset):
        target = tmp_path / "out.ndjson"
        process = start("rules", "run", ruleset, "-", "--format", "ndjson", "-o", target)
        process.stdin.write(b'{"amount": 500}\n' * 3)
        process.stdin.flush()
        partial = tmp_path / "out.ndjson.partial"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (partial.exists() and partial.stat().st_size):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert b"interrupted; what was decided until then is in" in errors
        assert b"records   3" in errors
        assert len(lines_of(partial.read_bytes())) == 3
        assert not target.exists()

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes in another way")
    def test_a_reader_that_has_enough_is_no_error_message(self, tmp_path, ruleset):
        events = write(tmp_path / "e.ndjson", NDJSON * 50_000)
        process = start("rules", "run", ruleset, events)
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 141
        assert errors == b""


def test_an_interrupt_while_writing_waits_for_the_line():
    from fastcore.cli.output import Shield

    events = []

    def write(shield, interrupts):
        with shield.writing():
            for _ in range(interrupts):
                signal.raise_signal(signal.SIGINT)
            events.append("written")
        events.append("went on")

    with Shield() as shield:
        with pytest.raises(KeyboardInterrupt):
            write(shield, 1)
        assert events == ["written"]
    with Shield() as shield:
        with pytest.raises(KeyboardInterrupt):
            write(shield, 2)
        assert events == ["written"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_memory_is_bounded(tmp_path, ruleset):
    """A hundred times the input does not need a hundred times the memory."""
    resource = pytest.importorskip("resource")

    def peak(count):
        events = write(
            tmp_path / "e.json", "[" + ",".join(['{"amount": 150, "note": "0123456789"}'] * count) + "]"
        )
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "fastcore.cli", "rules", "run", ruleset, events, "-q"],
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss

    assert resource
    assert peak(60_000) < 1.5 * peak(15_000)
