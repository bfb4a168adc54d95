"""Saving to a store's folder: one step for all processes, in which nobody's change is lost."""

import json
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from fastcore.errors import StoreError
from fastcore.rules import RuleSet, RuleStore
from fastcore.rules.file_lock import LOCK_NAME, locked
from tests.waiting import eventually


def document(name="a", version="1"):
    return {"name": name, "version": version, "rules": []}


def save(store, version, name="a", **options):
    content = json.dumps(document(name, version)).encode()
    return store.save(RuleSet.from_json(content), content, **options)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(document()))
    return folder


@pytest.fixture
def store(folder, backend):
    return RuleStore.from_folder(folder, backend=backend)


def files(folder):
    return sorted(set(os.listdir(folder)) - {LOCK_NAME})


def test_saves_to_the_folder_and_to_the_store(store, folder):
    before = store["a"]
    assert save(store, "2") is before
    assert save(store, "1", "b") is None
    assert store["a"].version == "2"
    assert files(folder) == ["a.json", "b.json"]
    assert RuleStore.from_folder(folder).snapshot() == dict(store.snapshot())
    with pytest.raises(ValueError, match="not loaded from a folder"):
        save(RuleStore(), "1")


def test_what_is_expected_is_asked_of_what_the_folder_has_now(store, folder):
    other = RuleStore.from_folder(folder)
    save(other, "2")
    save(other, "1", "new")
    seen = []
    assert save(store, "3", expect=seen.append).version == "2"
    assert save(store, "2", "new", expect=seen.append).version == "1"
    (folder / "a.json").unlink()
    assert save(store, "4", expect=seen.append) is None
    assert [None if ruleset is None else ruleset.version for ruleset in seen] == ["2", "1", None]


def test_an_expectation_that_fails_changes_nothing(store, folder):
    def refuse(before):
        raise LookupError("not this one")

    held, content = store["a"], (folder / "a.json").read_text()
    with pytest.raises(LookupError):
        save(store, "2", expect=refuse)
    assert store["a"] is held
    assert (folder / "a.json").read_text() == content
    assert save(store, "2") is held


def test_a_file_that_is_not_valid_is_replaced_by_the_next_save(store, folder):
    (folder / "a.json").write_text("{")
    assert save(store, "2").version == "1"
    assert store.rejected == ()
    assert RuleStore.from_folder(folder)["a"].version == "2"


def test_files_of_others_are_left_alone(store, folder):
    (folder / "b.json").write_text("{")
    with pytest.raises(StoreError, match=r"b\.json holds another ruleset, or none that is valid"):
        save(store, "1", "b")
    (folder / "c.toml").write_text('name = "c"\nrules = []')
    (folder / "b.json").unlink()
    store = RuleStore.from_folder(folder)
    with pytest.raises(StoreError, match=r"kept in c\.toml, which is not JSON"):
        save(store, "1", "c")
    assert files(folder) == ["a.json", "c.toml"]


def test_waits_for_who_holds_the_lock_but_not_forever(store, folder):
    with locked(folder, 0), pytest.raises(TimeoutError, match="another process held the lock"):
        save(store, "2", wait=0.05)
    assert store["a"].version == "1"
    done = threading.Event()

    def later():
        save(store, "2")
        done.set()

    with locked(folder, 0):
        thread = threading.Thread(target=later)
        thread.start()
        assert not done.wait(0.05)
    assert done.wait(60)
    thread.join()
    assert store["a"].version == "2"


def test_a_folder_that_cannot_be_written_changes_nothing(store, folder):
    folder.rename(folder.with_name("away"))
    with pytest.raises(OSError, match=r"\.fastcore\.lock"):
        save(store, "2")
    assert store["a"].version == "1"


def test_a_write_that_fails_leaves_the_file_as_it_was(store, folder, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    content = (folder / "a.json").read_text()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(store, "2")
    assert files(folder) == ["a.json"]
    assert (folder / "a.json").read_text() == content
    assert store["a"].version == "1"


def program(code, *arguments, environment):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def test_of_processes_that_save_at_once_none_loses_a_change(folder, clean_environment):
    code = """
        import json, sys
        from fastcore import RuleSet, RuleStore

        class Changed(Exception):
            pass

        store = RuleStore.from_folder(sys.argv[1])
        for _ in range(25):
            while True:
                store.reload()
                read = store["a"]
                document = {"name": "a", "version": str(int(read.version) + 1), "rules": []}

                def expect(before):
                    if before != read:
                        raise Changed

                try:
                    store.save(RuleSet(document), json.dumps(document).encode(), expect=expect, wait=60)
                except Changed:
                    continue
                break
    """
    running = [program(code, folder, environment=clean_environment) for _ in range(3)]
    assert [one.wait(120) for one in running] == [0, 0, 0]
    for one in running:
        one.stdin.close()
        one.stdout.close()
    assert RuleStore.from_folder(folder)["a"].version == str(1 + 3 * 25)


def test_the_lock_of_a_process_that_dies_is_free(store, folder, clean_environment):
    code = """
        import sys
        from pathlib import Path
        from fastcore.rules.file_lock import locked
        with locked(Path(sys.argv[1]), 10):
            print("held", flush=True)
            sys.stdin.read()
    """
    holder = program(code, folder, environment=clean_environment)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(TimeoutError):
        save(store, "2", wait=0)
    holder.kill()
    holder.wait(60)
    holder.stdin.close()
    holder.stdout.close()
    assert save(store, "2").version == "1"


def test_readers_of_the_file_see_one_content_or_the_other(store, folder):
    wrong, stop, reads = [], threading.Event(), []

    def read():
        while not stop.is_set():
            content = (folder / "a.json").read_bytes()
            reads.append(1)
            try:
                RuleSet.from_json(content)
            except Exception as error:
                wrong.append((content, error))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        eventually(lambda: reads, "the file was read")
        for number in range(2, 60):
            save(store, str(number) * 200)
    finally:
        stop.set()
        reader.join()
    assert wrong == []
