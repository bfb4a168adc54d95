"""Documents from text and files: JSON, TOML, and YAML where PyYAML is installed."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from fastcore.errors import EventError, RuleSetError

from . import reading
from .copying import DOCUMENT_DEPTH
from .document import Rule

__all__ = [
    "SUFFIXES",
    "copy_examples",
    "decode",
    "load",
    "naming",
    "parse",
    "parse_json",
    "rule_entry",
    "suffix_of",
]

SUFFIXES: Final = (".json", ".yaml", ".yml", ".toml")

decode: Final = json.JSONDecoder().decode


def parse_json(text: str | bytes | bytearray | memoryview) -> Any:
    """A document from JSON text.

    Raises:
        RuleSetError: it is not JSON, or an object has a key twice.
    """
    try:
        document, doubled = reading.read_document(text, DOCUMENT_DEPTH)
    except EventError as error:
        raise RuleSetError((("", f"not valid JSON: {error}"),)) from None
    if doubled:
        raise RuleSetError(tuple(doubled))
    return document


def load(file: Path) -> Any:
    """The document that a file holds, by its suffix."""
    parse = _parser(file.name)
    return parse(file.read_bytes())


def parse(name: str, content: bytes) -> Any:
    """The document that is the content of a file of this name."""
    return _parser(name)(content)


def _parser(name: str) -> Callable[[bytes], Any]:
    suffix = suffix_of(name)
    if suffix == ".json":
        return parse_json
    if suffix == ".toml":
        return _parse_toml
    if suffix in (".yaml", ".yml"):
        return lambda content: _parse_yaml(name, content)
    raise RuleSetError((("", f"a ruleset file ends with {', '.join(SUFFIXES)}, not {suffix!r}"),))


def suffix_of(name: str) -> str:
    """The suffix of a file name, in lower case."""
    return os.path.splitext(name)[1].lower()


def _parse_toml(content: bytes) -> Any:
    import tomllib

    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleSetError((("", f"not valid TOML: {error}"),)) from None
    except RecursionError:
        raise RuleSetError((("", "not valid TOML: nested too deep"),)) from None


def _parse_yaml(name: str, content: bytes) -> Any:
    try:
        import yaml
    except ImportError as error:
        message = f"{name}: reading YAML needs PyYAML, which is not installed: pip install pyyaml"
        raise ImportError(message, name="yaml") from error
    try:
        return yaml.load(content, Loader=_yaml_loader())
    except (yaml.YAMLError, ValueError) as error:
        raise RuleSetError((("", f"not valid YAML: {error}"),)) from None
    except RecursionError:
        raise RuleSetError((("", "not valid YAML: nested too deep"),)) from None


def _yaml_loader() -> Any:
    """The safe loader, but keys must be unique."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        loader.flatten_mapping(node)
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ValueError(f"the key {key!r} is not a string; write it in quotes{key_node.start_mark}")
            if key in found:
                raise ValueError(f"the key {key!r} occurs twice{key_node.start_mark}")
            found[key] = loader.construct_object(value_node, deep=True)
        return found

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    return Loader


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Puts a file's name before the paths of its errors."""
    try:
        yield
    except RuleSetError as error:
        raise RuleSetError(
            tuple((f"{name}: {path}" if path else name, message) for path, message in error.errors)
        ) from None


def rule_entry(rule: Rule) -> dict[str, Any]:
    """A rule as a document writes it; what has its default is left out."""
    entry: dict[str, Any] = {"id": rule.id, "when": rule.when}
    defaults = {"score": 0, "action": None, "priority": 0, "description": "", "enabled": True}
    for key, default in defaults.items():
        value = getattr(rule, key)
        if value != default:
            entry[key] = value
    if rule.tags:
        entry["tags"] = list(rule.tags)
    for key in ("valid_from", "valid_until"):
        moment = getattr(rule, key)
        if moment is not None:
            entry[key] = moment.isoformat()
    return entry


def copy_examples(examples: tuple[Mapping[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    """Examples as fresh values: they hold events, which belong to nobody else."""
    copied: list[dict[str, Any]] = json.loads(json.dumps(examples))
    return tuple(copied)
