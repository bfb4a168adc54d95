"""Paths of JSONLogic: what ``var`` and ``val`` name, and what a value holds there."""

# Values are of any type here, and attributes of C classes may be None without saying so.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-any-generics
# mypy: disable-error-code="operator,attr-defined,arg-type,misc,call-overload,no-any-return"
# mypy: disable-error-code="assignment,unreachable"

from fastcore import _cython as cython

if not cython.compiled:  # compiled, all parts share one namespace
    from fastcore.kernels.logic_scopes import _LOGIC_MISSING
    from fastcore.kernels.logic_values import _logic_integer, _logic_text


@cython.cfunc
@cython.locals(members=dict)
def _logic_member(container: object, key: object) -> object:
    if type(container) is dict:
        members = container
        return members.get(key, _LOGIC_MISSING)
    if container is None:
        return _LOGIC_MISSING
    return _logic_member_other(container, key)


def _logic_member_other(container, key):
    if isinstance(container, (list, tuple, str)):
        if key.isdecimal() and key.isascii() and len(key) < 19 and (key == "0" or key[0] != "0"):
            index = int(key)
            return container[index] if index < len(container) else _LOGIC_MISSING
        return len(container) if key == "length" else _LOGIC_MISSING
    if not isinstance(container, (dict, int, float)):
        from collections.abc import Mapping

        if not isinstance(container, Mapping):
            return _LOGIC_MISSING
    elif not isinstance(container, dict):
        return _LOGIC_MISSING
    # asked first, so that a defaultdict is not made to grow
    return container[key] if key in container else _LOGIC_MISSING  # noqa: SIM401


@cython.cfunc
@cython.locals(key=object)
def _logic_walk(container: object, keys: tuple) -> object:
    for key in keys:
        container = _logic_member(container, key)
        if container is _LOGIC_MISSING:
            return container
    return container


def _logic_split(path):
    """Keys of a dotted path; a backslash takes the dot after it into the key."""
    if "\\" not in path:
        keys = path.split(".")
        # dots alone name as many empty keys as there are dots
        return tuple(keys[: len(path)] if path else ())
    keys, key, position = [], "", 0
    while position < len(path):
        character = path[position]
        following = path[position + 1 : position + 2]
        if character == "\\" and following and following in ".\\/":
            key += following
            position += 1
        elif character == ".":
            keys.append(key)
            key = ""
        else:
            key += character
        position += 1
    return (*keys, key)


def _logic_key(value):
    return value if type(value) is str else "null" if value is None else _logic_text(value, None)


def _logic_var_path(path):
    """Levels to climb and keys to follow; each leading ``../`` is a level."""
    if path is None or (isinstance(path, str) and not path):
        return 0, ()
    if type(path) is str and "." not in path and "\\" not in path:
        return 0, (path,)
    text = _logic_key(path)
    levels = 0
    while text.startswith("../"):
        text = text[3:]
        levels += 1
    return levels, _logic_split(text) if text else ()


def _logic_val_path(path):
    """Levels and keys of ``val``: a first element ``[n]`` climbs, and the sign of n says nothing."""
    if path is None:
        return 0, ()
    if not isinstance(path, (list, tuple)):
        return 0, (_logic_key(path),)
    levels = 0
    if path and isinstance(path[0], (list, tuple)):
        if len(path[0]) == 1:
            levels = abs(_logic_integer(path[0][0]))
            path = path[1:]
        elif len(path) == 1:
            path = path[0]
    if len(path) == 1 and path[0] is None:
        return min(levels, 1 << 30), ()
    return min(levels, 1 << 30), tuple([_logic_key(key) for key in path])
