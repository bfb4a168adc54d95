"""Named lists: looked up as sets, and replaced apart from the rules."""

import copy
import ipaddress
import pickle
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore import _backend
from fastcore.errors import EvaluationError, RuleSetError
from fastcore.rules import RuleSet, RuleStore

X, IP = {"var": "x"}, {"var": "ip"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def document(missing="unknown", **lists):
    return {
        "name": "lists",
        "missing": missing,
        "lists": {"blocked": ["a", 5], "nets": ["10.0.0.0/8"], "other": [True], **lists},
        "rules": [
            {"id": "blocked", "when": {"in": [X, {"list": "blocked"}]}, "score": 2},
            {"id": "contained", "when": {"contains": [{"list": "blocked"}, X]}},
            {"id": "not", "when": {"!": [{"in": [X, {"list": "blocked"}]}]}},
            {"id": "net", "when": {"in_network": [IP, {"list": "nets"}]}},
            {"id": "large", "when": {">": [{"length": [{"list": "blocked"}]}, 2]}},
            {"id": "some", "when": {"some": [{"list": "other"}, {"==": [{"var": ""}, True]}]}},
            {"id": "plain", "when": {">": [{"var": "n"}, 1]}},
        ],
    }


def errors_of(make):
    with pytest.raises(RuleSetError) as caught:
        make()
    return dict(caught.value.errors)


@pytest.mark.parametrize("missing", ["unknown", "jsonlogic"])
def test_replaced_lists_are_those_of_a_new_document(backend, missing):
    before = RuleSet(document(missing), backend=backend)
    lists = {"blocked": ["b", 1.5, True], "nets": ["2001:db8::/32", "1.2.3.4"]}
    after = before.with_lists(lists)
    fresh = RuleSet(document(missing, **lists), backend=backend)
    assert after == fresh
    assert hash(after) == hash(fresh)
    assert after.version == fresh.version != before.version
    assert after.to_json() == fresh.to_json()
    assert after.to_dict() == document(missing, **lists)
    assert after.fields == fresh.fields
    assert after.warnings == fresh.warnings
    assert after.rules == fresh.rules
    assert after.backend == backend
    assert before == RuleSet(document(missing))
    for event in [
        {"x": "a"},
        {"x": "b"},
        {"x": 5},
        {"x": 1.5},
        {"x": True},
        {"x": None},
        {},
        {"ip": "1.2.3.4"},
        {"ip": "10.1.1.1", "x": "z", "n": 2},
        {"ip": "2001:db8::5"},
    ]:
        assert after.evaluate(event) == fresh.evaluate(event)
        assert after.first(event) == fresh.first(event)
        assert after.explain(event, now=NOW) == fresh.explain(event, now=NOW)
        assert before.matches(event) == RuleSet(document(missing), backend=backend).matches(event)


def test_what_is_looked_up(backend):
    rules = RuleSet(document(), backend=backend)
    assert rules.matches({"x": "a", "ip": "10.255.0.1"}) == ["blocked", "contained", "net", "some"]
    assert rules.matches({"x": 5.0, "ip": "11.0.0.1"}) == ["blocked", "contained", "some"]
    assert rules.matches({"x": "z"}) == ["not", "some"]
    # no entry has the type of a boolean, so nothing is known
    assert rules.matches({"x": True}) == ["some"]
    assert rules.with_lists({"other": []}).matches({"x": True}) == []
    assert rules.with_lists({"blocked": ["a", "b", "c"]}).matches({"x": 5}) == ["large", "some"]


def test_what_the_lists_imply(backend):
    rules = RuleSet(document(), backend=backend)
    assert rules.fields == {"ip": ("string",), "n": ("number",), "x": ("number", "string")}
    assert rules.with_lists({"blocked": [True]}).fields["x"] == ("boolean",)
    assert rules.with_lists({"blocked": []}).fields["x"] == ()
    assert [w.code for w in rules.warnings if w.rules[0] == "blocked"] == []
    empty = rules.with_lists({"blocked": []}).warnings
    assert {w.code for w in empty if w.rules[0] == "blocked"} == {"never-fires", "empty-list"}


def test_only_the_lists_named_are_replaced(backend):
    rules = RuleSet(document(), backend=backend).with_lists({"blocked": ["c"]}).with_lists({"nets": ["::/0"]})
    assert rules == RuleSet(document(blocked=["c"], nets=["::/0"]))
    assert rules.matches({"x": "c", "ip": "::1"}) == ["blocked", "contained", "net", "some"]


def test_a_version_that_the_document_has_stays():
    rules = RuleSet({**document(), "version": "7"})
    assert rules.with_lists({"blocked": []}).version == "7"


def test_a_replaced_list_is_a_copy(backend):
    values = ["a"]
    rules = RuleSet({"lists": {"l": values}, "rules": [{"id": "r", "when": {"in": [X, {"list": "l"}]}}]})
    replaced = rules.with_lists({"l": values})
    values.append("b")
    assert rules.matches({"x": "b"}) == replaced.matches({"x": "b"}) == []
    assert rules.with_lists({"l": iter(values)}).matches({"x": "b"}) == ["r"]


def test_pickles_and_copies():
    rules = RuleSet(document()).with_lists({"blocked": ["b"]})
    assert pickle.loads(pickle.dumps(rules)) == rules
    assert copy.deepcopy(rules) is rules


def test_lists_are_a_mapping():
    with pytest.raises(TypeError, match="lists are a mapping from names to entries, not a list"):
        RuleSet(document()).with_lists([])


@pytest.mark.parametrize(
    ("lists", "path", "message"),
    [
        ({"none": []}, "lists.none", 'no list is named "none"; the document has "blocked", "nets", "other"'),
        ({"blocked": "abc"}, "lists.blocked", 'expected an array, not "abc"'),
        ({"blocked": 5}, "lists.blocked", "expected an array, not 5"),
        ({"blocked": {"a": 1}}, "lists.blocked", "expected an array"),
        ({"blocked": ["a", None]}, "lists.blocked[1]", "null in a list"),
        ({"blocked": [["a"]]}, "lists.blocked[0]", "expected a string, number or boolean"),
        ({"blocked": ["a", float("nan")]}, "lists.blocked[1]", "nan is not JSON"),
        ({"blocked": ["\ud800"]}, "lists.blocked[0]", "lone surrogate"),
        ({"blocked": [10**5000]}, "lists.blocked[0]", "too long"),
        ({"blocked": [b"a"]}, "lists.blocked[0]", "bytes is not a type of JSON"),
        ({"nets": ["10.0.0.0/8"] * 17 + ["10.0.0.1/8"]}, "lists.nets[17]", "10.0.0.1/8 has host bits set"),
        ({"nets": ["10.0.0.0/33"]}, "lists.nets[0]", "does not appear to be an IPv4 or IPv6 network"),
        ({"nets": [5]}, "lists.nets[0]", "5 is not a CIDR block"),
    ],
)
def test_errors_have_the_paths_of_the_document(lists, path, message):
    rules = RuleSet(document())
    found = errors_of(lambda: rules.with_lists(lists))
    assert list(found) == [path]
    assert message in found[path]
    if path != "lists.none" and lists != {"blocked": {"a": 1}}:
        assert errors_of(lambda: RuleSet(document(**lists))) == found


def test_all_errors_at_once():
    rules = RuleSet(document())
    found = errors_of(lambda: rules.with_lists({"nets": ["x", "10.0.0.0/8", "y"], "blocked": [None]}))
    assert list(found) == ["lists.blocked[0]", "lists.nets[0]", "lists.nets[2]"]


def test_under_error_the_lists_count_too(backend):
    rules = RuleSet(
        {
            "missing": "error",
            "lists": {"l": ["a"]},
            "rules": [{"id": "r", "when": {"in": [X, {"list": "l"}]}}],
        },
        backend=backend,
    )
    assert rules.matches({"x": "a"}) == ["r"]
    with pytest.raises(EvaluationError, match="the list has no such value"):
        rules.evaluate({"x": 5})
    assert rules.with_lists({"l": [5]}).matches({"x": 5}) == ["r"]


def test_lists_and_the_clock(backend):
    rules = RuleSet(
        {
            "lists": {"l": ["a"]},
            "rules": [
                {
                    "id": "r",
                    "when": {
                        "and": [
                            {"in": [X, {"list": "l"}]},
                            {">": [{"now": []}, {"datetime": "2026-01-01T00:00:00Z"}]},
                        ]
                    },
                }
            ],
        },
        backend=backend,
    )
    assert rules.matches({"x": "a"}, now=NOW) == []
    assert rules.matches({"x": "a"}, now=NOW + timedelta(1)) == ["r"]


def test_lists_within_an_iteration(backend):
    rules = RuleSet(
        {
            "lists": {"l": ["a"]},
            "rules": [{"id": "r", "when": {"all": [{"var": "xs"}, {"in": [{"var": ""}, {"list": "l"}]}]}}],
        },
        backend=backend,
    )
    assert rules.matches({"xs": ["a", "a"]}) == ["r"]
    assert rules.explain({"xs": ["a", 5]}).rules[0].why.startswith("undecided: xs[1] is a number")
    assert rules.with_lists({"l": ["b"]}).matches({"xs": ["a"]}) == []


scalars = st.one_of(
    st.text(max_size=3),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, float(2**53), 0.5, -0.0, 1e300]),
)


@given(st.lists(scalars, max_size=6), st.one_of(scalars, st.none(), st.lists(st.integers(), max_size=1)))
def test_a_named_list_is_the_array_written_out(values, needle):
    for backend in _backend.NAMES:
        if backend == "cython" and _backend.name != "cython":
            continue
        logics = [{"in": [X, {"list": "l"}]}, {"!": [{"in": [X, {"list": "l"}]}]}]
        named = RuleSet.from_rules(
            [{"id": str(i), "when": logic} for i, logic in enumerate(logics)],
            lists={"l": []},
            backend=backend,
        ).with_lists({"l": values})
        logics = [{"in": [X, values]}, {"!": [{"in": [X, values]}]}]
        written = RuleSet.from_rules(
            [{"id": str(i), "when": logic} for i, logic in enumerate(logics)], backend=backend
        )
        assert named.matches({"x": needle}) == written.matches({"x": needle})


# --- networks -----------------------------------------------------------------------------------------------

WRITTEN = [
    "10.0.0.0/8",
    "10.0.0.0/08",
    "10.0.0.0/255.0.0.0",
    "10.0.0.0/0.255.255.255",
    "10.0.0.1",
    "10.0.0.1/8",
    "010.0.0.0/8",
    "10.0.0/8",
    "10.0.0.0/",
    "10.0.0.0/ 8",
    "10.0.0.0/+8",
    "10.0.0.0/-1",
    "10.0.0.0/33",
    "10.0.0.0/8/8",
    "١٠.0.0.0/8",
    "10.0.0.0/٨",
    "",
    "/",
    "0.0.0.0/0",
    "255.255.255.255/32",
    "::/0",
    "::1",
    "2001:db8::/32",
    "2001:db8::1/32",
    "2001:DB8:0:0::/64",
    "::ffff:1.2.3.0/120",
    "::ffff:1.2.3.0",
    "fe80::1%eth0",
    "fe80::/64%eth0",
    "1::2::3",
    "::/129",
    "1.2.3.4\0",
    "\ud800",
]
addresses = st.one_of(
    st.sampled_from(WRITTEN),
    st.ip_addresses().map(str),
    st.builds(lambda a, n: f"{a}/{n}", st.ip_addresses(), st.integers(0, 130)),
    st.text("0123456789.:/abcf%", max_size=20),
)


@pytest.mark.parametrize("text", WRITTEN)
def test_blocks_are_read_as_ipaddress_does(backend, text):
    check_blocks(_backend.kernels("conditions", backend), text)


@given(addresses)
def test_any_text_as_a_block(text):
    for backend in _backend.NAMES:
        if backend == "python" or _backend.name == "cython":
            check_blocks(_backend.kernels("conditions", backend), text)


def check_blocks(kernels, text):
    blocks, errors = kernels.conditions_blocks([text])
    try:
        network, message = ipaddress.ip_network(text), ""
    except ValueError as error:
        network, message = None, str(error)
    if network is None:
        assert (blocks, errors) == ({}, [(0, message)])
        return
    shift = network.max_prefixlen - network.prefixlen
    prefix = int(network.network_address) >> shift
    assert errors == []
    assert blocks == {network.version: ((shift, frozenset([prefix])),)}


@given(addresses, st.lists(addresses, max_size=5))
def test_any_text_as_an_address(text, blocks):
    networks = []
    for block in blocks:
        try:
            networks.append(ipaddress.ip_network(block))
        except ValueError:
            continue
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        expected = None
    else:
        address = getattr(address, "ipv4_mapped", None) or address
        expected = any(
            address.version == network.version and int(network[0]) <= int(address) <= int(network[-1])
            for network in networks
        )
    for backend in _backend.NAMES:
        if backend == "cython" and _backend.name != "cython":
            continue
        kernels = _backend.kernels("conditions", backend)
        prepared, _ = kernels.conditions_blocks(blocks)
        program = kernels.conditions_program([("in_network", ("var", ("x",), 0), prepared)])
        assert program.probe(0, {"x": text}, None).value() is expected


# --- stores -------------------------------------------------------------------------------------------------


def test_a_store_replaces_lists():
    store = RuleStore([RuleSet(document())])
    before = store["lists"]
    after = store.replace_lists("lists", {"blocked": ["b"]})
    assert store["lists"] is after == RuleSet(document(blocked=["b"]))
    assert before == RuleSet(document())
    with pytest.raises(RuleSetError):
        store.replace_lists("lists", {"blocked": [None]})
    assert store["lists"] is after
    with pytest.raises(KeyError):
        store.replace_lists("none", {})


def test_no_replacement_is_lost():
    names = [f"l{index}" for index in range(8)]
    store = RuleStore([RuleSet({"name": "r", "rules": [], "lists": {name: [] for name in names}})])
    start = threading.Barrier(len(names))

    def replace(name):
        start.wait()
        for count in range(20):
            store.replace_lists("r", {name: list(range(count))})

    threads = [threading.Thread(target=replace, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store["r"].to_dict()["lists"] == {name: list(range(19)) for name in names}
