"""Settings from environment variables, by pydantic-settings."""

from collections.abc import Container
from dataclasses import fields
from typing import Annotated, Any

from fastcore.errors import SettingsError

__all__ = ["read_environment"]


def read_environment(kind: Any, prefix: str) -> dict[str, Any]:
    """What the environment has for a dataclass of settings; see `RouterSettings.from_environment`."""
    names = {entry.name: (prefix + entry.name).upper() for entry in fields(kind)}
    values, errors = _read(kind, prefix)
    for name, value in values.items():
        try:
            kind(**{name: value})
        except (TypeError, ValueError) as error:
            errors[name] = str(error)
    if errors:
        raise SettingsError(tuple((names[name], errors[name]) for name in names if name in errors))
    return values


def _read(kind: Any, prefix: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that are there, of their types, and what is wrong with others, by field."""
    from pydantic import ValidationError

    errors: dict[str, str] = {}
    model = _model(kind, prefix)
    try:
        return model().model_dump(exclude_unset=True), errors
    except ValidationError as error:
        for each in error.errors():
            errors[str(each["loc"][0])] = f"{each['msg']}, not {each['input']!r}"
    # what is right nevertheless may be out of its range
    rest = _model(kind, prefix, errors)
    return rest().model_dump(exclude_unset=True), errors


def _model(kind: Any, prefix: str, without: Container[str] = ()) -> Any:
    """A model that reads the fields of a dataclass from the environment."""
    try:
        from pydantic_settings import BaseSettings, SettingsConfigDict
    except ModuleNotFoundError as error:
        if error.name != "pydantic_settings":
            raise
        raise ImportError(
            "settings from the environment need pydantic-settings: pip install 'fastcore-kernels[settings]'",
            name="pydantic_settings",
        ) from error
    from pydantic import create_model

    class Environment(BaseSettings):
        # decoding would read several names as JSON; the defaults here say only that a variable is not set
        model_config = SettingsConfigDict(
            env_prefix=prefix, enable_decoding=False, extra="ignore", validate_default=False
        )

    described: dict[str, Any] = {
        entry.name: (_annotation(entry.type), None) for entry in fields(kind) if entry.name not in without
    }
    return create_model(kind.__name__, __base__=Environment, **described)


def _annotation(kind: Any) -> Any:
    """The type of a field; several strings are written with commas between them, None as ``none``."""
    from pydantic import BeforeValidator

    if kind == int | None:
        return Annotated[kind, BeforeValidator(_none)]
    return Annotated[kind, BeforeValidator(_split)] if kind == tuple[str, ...] else kind


def _none(text: str) -> str | None:
    return None if text.lower() == "none" else text


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))
