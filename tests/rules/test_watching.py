"""A store that follows its folder: changes are taken as a whole, what is not valid is left out and told."""

import gc
import json
import logging
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from fastcore.errors import RuleSetError
from fastcore.rules import RuleSet, RuleStore
from fastcore.rules.folder import Folder
from fastcore.rules.watching import Settling
from tests.waiting import eventually

QUICK = 0.02


def document(name, version="1", count=1):
    entries = [{"id": f"{version}-{index}", "when": True, "score": 1} for index in range(count)]
    return {"name": name, "version": version, "rules": entries}


def put(folder, file, content):
    """Writes a file as a whole."""
    text = content if isinstance(content, str) else json.dumps(content)
    temporary = folder / f".{file}.new"
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, folder / file)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    put(folder, "a.json", document("a"))
    put(folder, "b.json", document("b"))
    return folder


@pytest.fixture
def store(folder, backend):
    with RuleStore.from_folder(folder, backend=backend, watch=True, interval=QUICK) as store:
        yield store


def versions(store):
    return {name: ruleset.version for name, ruleset in store.snapshot().items()}


def until(store, expected):
    eventually(lambda: versions(store) == expected, lambda: f"{expected}, but {versions(store)}")


def rejected(store):
    return {each.file: each.ruleset for each in store.rejected}


def test_takes_files_that_change_come_and_go(store, folder, backend):
    assert store.watching
    b = store["b"]
    put(folder, "a.json", document("a", "2"))
    put(folder, "c.json", document("c"))
    until(store, {"a": "2", "b": "1", "c": "1"})
    assert store["b"] is b
    assert store["c"].backend == backend
    (folder / "b.json").unlink()
    put(folder, "notes.txt", "nothing")
    until(store, {"a": "2", "c": "1"})
    put(folder, "c.json", document("renamed", "7"))
    until(store, {"a": "2", "renamed": "7"})
    assert store.rejected == ()


def test_a_file_that_is_not_valid_is_told_and_changes_nothing(store, folder, caplog):
    caplog.set_level(logging.INFO, "fastcore.rules")
    held = store["a"]
    put(folder, "a.json", {"name": "a", "rules": [{"id": "x", "when": {"foo": 1}}]})
    put(folder, "new.json", "{")
    put(folder, "b.json", document("b", "2"))
    eventually(lambda: rejected(store) == {"a.json": "a", "new.json": None}, lambda: rejected(store))
    until(store, {"a": "1", "b": "2"})
    assert store["a"] is held
    errors = {each.file: each.errors for each in store.rejected}
    assert errors["a.json"][0][0] == "a.json: rules[0].when"
    assert "foo" in errors["a.json"][0][1]
    assert errors["new.json"][0][0] == "new.json"

    def warned():
        return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]

    eventually(lambda: len(warned()) == 2, warned)
    warnings = warned()
    assert warnings[0].startswith(
        "a.json is not used, ruleset 'a' stays at version '1': a.json: rules[0].when"
    )
    assert warnings[1].startswith("new.json is not used, and no ruleset comes from it: new.json: ")
    with pytest.raises(RuleSetError):
        store.reload()
    assert versions(store) == {"a": "1", "b": "2"}
    put(folder, "a.json", document("a", "3"))
    (folder / "new.json").unlink()
    until(store, {"a": "3", "b": "2"})
    assert store.rejected == ()
    eventually(lambda: "a.json gives ruleset 'a' version '3'" in caplog.messages, lambda: caplog.messages)


def test_a_file_that_becomes_again_what_it_was_is_no_longer_rejected(store, folder):
    held = store["a"]
    put(folder, "a.json", "{")
    eventually(lambda: rejected(store) == {"a.json": "a"}, lambda: rejected(store))
    put(folder, "a.json", document("a"))
    eventually(lambda: not store.rejected, lambda: rejected(store))
    assert store["a"] == held


def test_a_name_stays_with_the_file_that_had_it(store, folder):
    put(folder, "0.json", document("a", "thief"))
    eventually(lambda: rejected(store) == {"0.json": None}, lambda: rejected(store))
    assert versions(store) == {"a": "1", "b": "1"}
    (folder / "a.json").unlink()
    until(store, {"a": "thief", "b": "1"})
    eventually(lambda: not store.rejected, lambda: rejected(store))


def test_names_may_change_places(folder):
    known = Folder(folder, None, False)
    before = known.read(known.look(), {})
    put(folder, "a.json", document("b", "swapped"))
    put(folder, "b.json", document("a", "swapped"))
    after = known.read(known.look(), before)
    assert {file: (entry.ruleset.name, entry.error) for file, entry in after.items()} == {
        "a.json": ("b", None),
        "b.json": ("a", None),
    }


def test_a_chain_of_taken_names_leaves_each_name_with_one_file(folder):
    put(folder, "c.json", document("c"))
    known = Folder(folder, None, False)
    before = known.read(known.look(), {})
    put(folder, "a.json", document("b", "2"))
    put(folder, "b.json", document("c", "2"))
    after = known.read(known.look(), before)
    assert {file: entry.ruleset.name for file, entry in after.items()} == {
        "a.json": "a",
        "b.json": "b",
        "c.json": "c",
    }
    assert [file for file, entry in after.items() if entry.error] == ["a.json", "b.json"]


def link(target, place):
    """Points a symbolic link to another target as an orchestrator does: at once."""
    temporary = place.with_name(place.name + "_tmp")
    temporary.symlink_to(target)
    os.replace(temporary, place)


def generation(mount, version):
    folder = mount / f"..{version}"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.json").write_text(json.dumps(document(name, version)))
    link(folder.name, mount / "..data")


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_files_that_are_swapped_by_one_link_are_taken_at_once(tmp_path, backend):
    generation(tmp_path, "0")
    for name in "ab":
        (tmp_path / f"{name}.json").symlink_to(f"..data/{name}.json")
    mixed, stop = [], threading.Event()
    with RuleStore.from_folder(tmp_path, backend=backend, watch=True, interval=QUICK) as store:

        def watch():
            while not stop.is_set():
                found = versions(store)
                if found["a"] != found["b"]:
                    mixed.append(found)

        reader = threading.Thread(target=watch)
        reader.start()
        try:
            for number in range(1, 6):
                generation(tmp_path, str(number))
                until(store, {"a": str(number), "b": str(number)})
        finally:
            stop.set()
            reader.join()
    assert mixed == []


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_the_folder_itself_may_be_a_link_that_changes(tmp_path):
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        put(tmp_path / version, "a.json", document("a", version))
    link("1", tmp_path / "current")
    with RuleStore.from_folder(tmp_path / "current", watch=True, interval=QUICK) as store:
        link("2", tmp_path / "current")
        until(store, {"a": "2"})


def test_a_folder_that_is_gone_keeps_its_rulesets(store, folder, caplog):
    caplog.set_level(logging.INFO, "fastcore.rules")
    away = folder.with_name("away")
    folder.rename(away)
    eventually(lambda: rejected(store) == {".": None}, lambda: rejected(store))
    assert versions(store) == {"a": "1", "b": "1"}
    assert str(folder) not in str(store.rejected)
    away.rename(folder)
    eventually(lambda: not store.rejected, lambda: rejected(store))
    put(folder, "a.json", document("a", "2"))
    until(store, {"a": "2", "b": "1"})
    messages = [record.getMessage() for record in caplog.records]
    assert len([each for each in messages if "its rulesets stay as they are" in each]) == 1
    assert len([each for each in messages if "can be read again" in each]) == 1


def test_a_file_that_cannot_be_read_is_rejected(store, folder, monkeypatch):
    from pathlib import Path

    read = Path.read_bytes

    def refuse(path):
        if path.name == "a.json":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    put(folder, "a.json", document("a", "2"))
    eventually(lambda: rejected(store) == {"a.json": "a"}, lambda: rejected(store))
    assert store.rejected[0].errors == (("a.json", "it cannot be read: Permission denied"),)


def test_hidden_files_are_left_out(folder):
    put(folder, "._a.json", "resource fork")
    put(folder, ".b.json.swp", "swap file")
    (folder / ".#a.json").symlink_to("somebody@elsewhere")
    assert RuleStore.from_folder(folder).names() == ("a", "b")


def test_what_others_replaced_in_the_store_stays_until_its_file_changes(store, folder):
    store.replace(RuleSet(document("a", "by hand")))
    put(folder, "b.json", document("b", "2"))
    until(store, {"a": "by hand", "b": "2"})
    put(folder, "a.json", document("a", "2"))
    until(store, {"a": "2", "b": "2"})


def test_a_change_that_leaves_size_and_time_is_seen(folder):
    known = Folder(folder, None, False)
    file = folder / "a.json"
    before = known.look()
    times = file.stat()
    content = file.read_text()
    file.write_text(content.replace('"version": "1"', '"version": "2"'))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert known.look() != before or sys.platform == "win32"


def test_a_file_is_read_once_more_when_its_time_can_be_trusted(folder):
    known = Folder(folder, None, False)
    first = known.read(known.look(), {})
    later = {file: (*entry.stamp[:-1], False) for file, entry in first.items()}
    assert all(entry.stamp[-1] for entry in first.values())
    again = known.read(later, first)
    assert all(again[file].ruleset is first[file].ruleset for file in first)
    put(folder, "a.json", document("a", "within the same tick"))
    assert known.read(later, first)["a.json"].ruleset.version == "within the same tick"


def stamp(number):
    return (number, number, number, number, 1, False)


def settle(known, looks):
    settling = Settling()
    return [settling.settled(look, known) for look in looks]


def test_a_change_is_taken_when_it_is_found_twice():
    known, one, two = ({"a": stamp(number)} for number in range(3))
    assert settle(known, [known, one, one]) == [None, None, one]
    assert settle(known, [one, two, two]) == [None, None, two]
    assert settle(known, [one, known, one]) == [None, None, None]
    assert settle(known, [{}, {}]) == [None, {}]
    assert settle(known, [{}, known, known]) == [None, None, None]


def test_a_file_that_is_always_written_does_not_hold_up_the_others_for_long():
    known = {"a": stamp(0), "b": stamp(0)}
    looks = [{"a": stamp(number), "b": stamp(1)} for number in range(1, 8)]
    found = settle(known, looks)
    assert found[:4] == [None] * 4
    assert found[4] == {"a": stamp(0), "b": stamp(1)}
    assert settle(known, [{"a": stamp(number), "b": stamp(0)} for number in range(1, 20)]) == [None] * 19


def test_half_a_file_is_not_taken(folder, backend):
    store = RuleStore.from_folder(folder, backend=backend)
    settling = Settling()
    (folder / "a.json").unlink()
    lines = ['name = "a"', 'version = "half"', "rules = []", "# which is valid, but", "# there is more"]
    for count in range(3, 6):
        (folder / "a.toml").write_text("\n".join(lines[:count]))
        store._follow(settling)
        assert versions(store) == {"a": "1", "b": "1"}
    (folder / "a.toml").write_text("\n".join(lines).replace("half", "whole"))
    for _ in range(5):  # more than two only if a look falls on the moment in which the file stops to be new
        store._follow(settling)
    assert versions(store) == {"a": "whole", "b": "1"}


def watchers():
    return [thread for thread in threading.enumerate() if thread.name == "fastcore-rules-watch"]


def test_the_thread_ends_with_close(folder):
    before = set(watchers())
    store = RuleStore.from_folder(folder, watch=True)
    (thread,) = set(watchers()) - before
    assert thread.daemon
    store.watch()
    assert set(watchers()) - before == {thread}
    store.close()
    assert not thread.is_alive()
    assert not store.watching
    store.close()
    assert store.names() == ("a", "b")
    store.watch(QUICK)
    put(folder, "a.json", document("a", "2"))
    until(store, {"a": "2", "b": "1"})
    store.close()


def test_the_thread_ends_with_the_store(folder):
    before = set(watchers())
    store = RuleStore.from_folder(folder, watch=True, interval=3600)
    (thread,) = set(watchers()) - before
    del store
    gc.collect()
    thread.join(60)
    assert not thread.is_alive()


def test_watching_needs_a_folder_and_an_interval(folder):
    with pytest.raises(ValueError, match="not loaded from a folder"):
        RuleStore().watch()
    for interval in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="interval must be a positive number of seconds"):
            RuleStore.from_folder(folder, watch=True, interval=interval)
    with RuleStore() as store:
        assert not store.watching
        assert store.rejected == ()


def run(code, *arguments, environment):
    """Runs a program that may not take longer than a minute."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def test_the_process_ends_while_it_watches(folder, clean_environment):
    code = """
        import sys
        from fastcore import RuleStore
        store = RuleStore.from_folder(sys.argv[1], watch=True, interval=3600)
        other = RuleStore.from_folder(sys.argv[1], watch=True, interval=0.001)
        print(store.watching)
    """
    done = run(code, folder, environment=clean_environment)
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr
    assert "Traceback" not in done.stderr


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@forks
def test_a_forked_child_follows_by_itself(folder, clean_environment):
    code = """
        import json, os, sys, time
        from pathlib import Path
        from fastcore import RuleStore

        store = RuleStore.from_folder(sys.argv[1], watch=True, interval=0.02)
        children = []
        for _ in range(2):
            child = os.fork()
            if not child:
                end = time.monotonic() + 30
                while store["a"].version != "2" and time.monotonic() < end:
                    time.sleep(0.01)
                store.close()
                os._exit(0 if store["a"].version == "2" else 1)
            children.append(child)
        file = Path(sys.argv[1], "a.json")
        file.with_suffix(".new").write_text(json.dumps({"name": "a", "version": "2", "rules": []}))
        os.replace(file.with_suffix(".new"), file)
        print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
        end = time.monotonic() + 30
        while store["a"].version != "2" and time.monotonic() < end:
            time.sleep(0.01)
        print(store["a"].version)
    """
    done = run(code, folder, environment=clean_environment)
    assert done.stdout.split("\n") == ["[0, 0]", "2", ""], done.stderr


@forks
def test_a_fork_finds_no_lock_that_nobody_gives_back(folder, clean_environment):
    code = """
        import os, sys, threading
        from fastcore import RuleSet, RuleStore

        store = RuleStore.from_folder(sys.argv[1], watch=True, interval=0.001)
        stop = threading.Event()

        def write():
            while not stop.is_set():
                store.reload()
                store.replace(RuleSet({"name": "c", "rules": []}))
                RuleStore()

        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        codes = []
        for _ in range(30):
            child = os.fork()
            if not child:
                store.reload()
                store.replace(RuleSet({"name": "c", "rules": []}))
                store.close()
                RuleStore()
                os._exit(0)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        stop.set()
        for thread in threads:
            thread.join()
        print(sum(codes), len(codes))
    """
    done = run(code, folder, environment=clean_environment)
    assert done.stdout.strip() == "0 30", done.stderr
