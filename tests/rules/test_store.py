"""RuleStore: snapshots for readers, one writer at a time, folders."""

import json
import threading

import pytest

from fastcore.errors import RuleSetError
from fastcore.rules import RuleSet, RuleStore


def rules(name, version="1", count=1, backend=None):
    entries = [{"id": f"{version}-{index}", "when": True, "score": 1} for index in range(count)]
    return RuleSet({"name": name, "version": version, "rules": entries}, backend=backend)


def test_a_store_of_names(backend):
    a, b = rules("a", backend=backend), rules("b", backend=backend)
    store = RuleStore([b, a])
    assert store.names() == ("a", "b")
    assert list(store) == ["a", "b"]
    assert len(store) == 2
    assert store["a"] is a
    assert store.get("z") is None
    assert "a" in store
    assert "z" not in store
    assert repr(store) == "<RuleStore: a, b>"
    with pytest.raises(KeyError, match="no ruleset is named 'z'"):
        store["z"]
    newer = rules("a", "2", backend=backend)
    before = store.snapshot()
    assert store.replace(newer) is a
    assert store.replace(rules("c")) is None
    assert store["a"] is newer
    assert before["a"] is a
    with pytest.raises(TypeError):
        before["a"] = newer
    assert store.remove("a") is newer
    assert store.names() == ("b", "c")
    with pytest.raises(KeyError):
        store.remove("a")
    with pytest.raises(TypeError, match="RuleSets, not dict"):
        store.replace({})
    with pytest.raises(ValueError, match="two rulesets are named 'a'"):
        RuleStore([a, newer])
    with pytest.raises(ValueError, match="not loaded from a folder"):
        store.reload()


def test_replace_is_atomic_while_threads_evaluate(backend):
    versions = [rules("a", str(version), count=version + 1, backend=backend) for version in range(8)]
    store = RuleStore([versions[0]])
    wrong, stop = [], threading.Event()

    def evaluate():
        while not stop.is_set():
            decision = store["a"].evaluate({})
            version = int(decision.version)
            expected = tuple(f"{version}-{index}" for index in range(version + 1))
            if decision.matched != expected or decision.score != version + 1:
                wrong.append(decision)

    threads = [threading.Thread(target=evaluate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for turn in range(400):
        store.replace(versions[turn % 8])
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_writer_is_lost():
    store = RuleStore()

    def write(start):
        for index in range(start, 200, 8):
            store.replace(rules(f"r{index}"))

    threads = [threading.Thread(target=write, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store) == 200


def write(folder, name, document):
    (folder / name).write_text(
        document if isinstance(document, str) else json.dumps(document), encoding="utf-8"
    )


def test_a_folder(tmp_path, backend):
    write(tmp_path, "one.json", {"rules": []})
    write(tmp_path, "two.toml", 'name = "second"\nrules = []')
    write(tmp_path, "notes.txt", "not a ruleset")
    (tmp_path / "deeper.json").mkdir()
    store = RuleStore.from_folder(tmp_path, backend=backend)
    assert store.names() == ("one", "second")
    assert store.folder == tmp_path
    assert store["one"].backend == backend
    write(tmp_path, "three.json", {"rules": []})
    (tmp_path / "two.toml").unlink()
    store.reload()
    assert store.names() == ("one", "three")


def test_all_errors_of_a_folder(tmp_path):
    write(tmp_path, "a.json", {"rules": [{"id": 1, "when": {"foo": 1}}]})
    write(tmp_path, "b.json", "{")
    write(tmp_path, "c.json", {"name": "same", "rules": []})
    write(tmp_path, "d.json", {"name": "same", "rules": []})
    with pytest.raises(RuleSetError) as caught:
        RuleStore.from_folder(tmp_path)
    assert [path for path, _ in caught.value.errors] == [
        "a.json: rules[0].id",
        "a.json: rules[0].when",
        "b.json",
        "d.json",
    ]
    assert "also that of c.json" in caught.value.errors[-1][1]


def test_a_reload_that_fails_changes_nothing(tmp_path):
    write(tmp_path, "a.json", {"rules": []})
    store = RuleStore.from_folder(tmp_path)
    held = store["a"]
    write(tmp_path, "b.json", "{")
    with pytest.raises(RuleSetError):
        store.reload()
    assert store["a"] is held
    with pytest.raises(FileNotFoundError):
        RuleStore.from_folder(tmp_path / "none")
