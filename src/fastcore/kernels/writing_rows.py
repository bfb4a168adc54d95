"""How rows are read, and a function made for each way of reading them.

From a plan this module makes one function per way of reading a row, as source text: a line per field that
tests the exact type, writes the common case in place and leaves everything else to the field's node
(``writing_values``), then one f-string with the constant key fragments. The nodes alone decide what is
allowed; the generated function is their short cut.

Fields are checked in order, encoding comes after: that is how the first error of a row is found.
"""

import sys

from fastcore import _cython as cython
from fastcore.errors import PayloadError

if not cython.compiled:  # compiled, both halves share one namespace
    from fastcore.kernels.writing_values import (  # noqa: F401 - some only complete this module
        _WRITE_VALUE_NODES,
        WriteSingle,
        _write_float_text,
        _write_is_number,
        _write_join,
        _write_quote,
        _write_shorten,
        _WriteMisfit,
        _WriteNode,
        write_constant,
    )

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from fastcore.payloads.plan import Plan, Step

    RowFunction = Callable[[Any], str]


# --------------------------------------------------------------------------------------- lists and objects


class _WriteList(_WriteNode):
    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        super().__init__(step, plan, path)
        self.item = _write_node(step.detail, plan, "")
        plain = step.detail.precision is None and not step.detail.as_string
        self.plain = step.detail.kind if plain else ""

    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        if not isinstance(value, (list, tuple)):
            if not hasattr(value, "tolist") or not getattr(value, "ndim", 0):
                self.refuse(value)
            value = list(value)  # of an array: keeps the types of its elements
        if self.plain in _WRITE_LISTS and (text := self.of_one_type(value)):
            return text
        if self.plain in _WRITE_LOOPS and (text := self.by_loop(value)):
            return text
        texts: list[str] = []
        try:
            for element in value:
                texts.append(self.item(element))  # noqa: PERF401 - their count says which one failed
        except _WriteMisfit as misfit:
            raise misfit.below(f"{self.path}[{len(texts)}]") from None
        return f"[{','.join(texts)}]"

    @cython.annotation_typing(False)
    def of_one_type(self, value: "Any") -> str:
        """The text of elements that have exactly the type of the list; "" where one must be looked at."""
        kind, write = _WRITE_LISTS[self.plain]
        if set(map(type, value)) != {kind}:
            return ""
        try:
            text = ",".join(map(write, value))
        except ValueError:  # an int has too many digits
            return ""
        if kind is float:
            if "n" in text:  # an infinity, NaN
                return ""
            if "e" in text:
                text = ",".join(map(_write_float_text, text.split(",")))
        return f"[{text}]"

    @cython.annotation_typing(False)
    def by_loop(self, value: "Any") -> str:
        """The text of any elements; "" where one does not fit."""
        try:
            return f"[{','.join(_WRITE_LOOPS[self.plain](value, False, self.item))}]"
        except (_WriteMisfit, ValueError):
            return ""


# For interpreters; a JIT compiler makes more of the loop.
_WRITE_LISTS: "dict[str, tuple[type, Any]]" = (
    {}
    if sys.implementation.name == "pypy"
    else {
        "int": (int, repr),
        "float": (float, repr),
        "str": (str, _write_quote),
        "bool": (bool, {True: "true", False: "false"}.__getitem__),
    }
)
_WRITE_LOOPS: "dict[str, Any]" = {}


class _WriteObject(_WriteNode):
    """A nested object; the type of each value says how it is read."""

    @cython.annotation_typing(False)
    def __init__(self, step: "Step", plan: "Plan", path: str) -> None:
        super().__init__(step, plan, path)
        self.reader = _WriteReader(step.detail)

    @cython.annotation_typing(False)
    def text(self, value: "Any") -> str:
        kind = self.reader.kind(value)
        if kind is None:
            self.refuse(value)
        try:
            text: str = self.reader.function(kind)(value)
            return text
        except _WriteMisfit as misfit:
            raise misfit.below(self.path) from None


@cython.annotation_typing(False)
def _write_node(step: "Step", plan: "Plan", path: str) -> _WriteNode:
    if step.kind == "list":
        return _WriteList(step, plan, path)
    if step.kind == "object":
        return _WriteObject(step, plan, path)
    return _WRITE_VALUE_NODES[step.kind](step, plan, path)


# ------------------------------------------------------------------------------------------ reading a row

_WRITE_NOT_ROWS = (str, bytes, bytearray, memoryview, int, float, complex, set, frozenset, type, type(None))


@cython.annotation_typing(False)
def _write_shape(row: "Any") -> "str | None":
    """What a row is: ``sequence dict mapping record object``; None for what cannot be a row."""
    if isinstance(row, (tuple, list)):
        return "sequence"
    kind = type(row)
    if kind is dict:
        return "dict"
    if isinstance(row, _WRITE_NOT_ROWS):
        return None
    if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "model_fields"):
        return "object"
    from collections.abc import Mapping

    if isinstance(row, Mapping):
        return "mapping"
    if hasattr(kind, "__getitem__") and hasattr(kind, "__len__"):
        return "record" if hasattr(kind, "keys") else "sequence"
    return "object"


@cython.annotation_typing(False)
def _write_inlined(step: "Step") -> bool:
    """Whether a flat row holds the members of this step side by side instead of an object."""
    return step.kind == "object" and not step.nullable and not step.omittable and step.default == ()


@cython.annotation_typing(False)
def _write_leaves(plan: "Plan") -> "list[Step]":
    """The steps that a flat row has values for, in order."""
    leaves: list[Step] = []
    for step in plan.steps:
        if _write_inlined(step):
            leaves.extend(_write_leaves(step.detail))
        elif step.source is not None:
            leaves.append(step)
    return leaves


class _WriteReader:
    """Finds the values of a plan's steps in a row, and keeps the functions that write such rows."""

    @cython.annotation_typing(False)
    def __init__(self, plan: "Plan") -> None:
        self.plan = plan
        self.steps = [step for step in plan.steps if step.source is not None]
        self.width = len(self.steps)
        self.flat_width = len(_write_leaves(plan))
        self.names = frozenset(step.source for step in self.steps)
        self.functions: dict[str, RowFunction] = {}

    @cython.annotation_typing(False)
    def kind(self, row: "Any") -> "str | None":
        """How a row is read: by position (``sequence``), by key (``dict``, ``record``), by attribute."""
        shape = _write_shape(row)
        if shape == "record":
            required = {step.source for step in self.steps if step.default == ()}
            shape = "record" if required <= set(row.keys()) else "sequence"
        return shape

    @cython.annotation_typing(False)
    def function(self, kind: str) -> "RowFunction":
        """The function from a row to its text; made at first use, by any thread."""
        function = self.functions.get(kind)
        if function is None:
            function = self.functions[kind] = _write_compile(self, kind)
        return function

    # What follows is called by generated functions, off their common path.

    @cython.annotation_typing(False)
    def sequence(self, row: "Any", width: int) -> "Any":
        """A row that is read by position, but is neither a tuple nor a list, or has the wrong length."""
        if _write_shape(row) not in ("sequence", "record"):
            raise _WriteMisfit("", f"a tuple or list of {_write_counted(width)}", _write_shorten(row))
        if len(row) != width:
            got = f"{_write_counted(len(row))}: {_write_shorten(row)}"
            raise _WriteMisfit("", f"a tuple or list of {_write_counted(width)}", got)
        return tuple(row)

    @cython.annotation_typing(False)
    def keyed(self, row: "Any") -> "tuple[Any, ...]":
        """The values of a row that is read by key, but is not a plain dict, or lacks a key."""
        if _write_shape(row) not in ("dict", "mapping", "record"):
            raise _WriteMisfit("", "a mapping", _write_shorten(row))
        keys = set(row.keys())
        return tuple([row[step.source] if step.source in keys else self.missing(step) for step in self.steps])

    @cython.annotation_typing(False)
    def attributes(self, row: "Any") -> "tuple[Any, ...]":
        """The values of an object that lacks an attribute."""
        if isinstance(row, (*_WRITE_NOT_ROWS, dict, tuple, list)):
            raise _WriteMisfit("", "an object with attributes", _write_shorten(row))
        values = []
        for step in self.steps:
            value = getattr(row, step.source or "", _WRITE_MISSING)
            values.append(self.missing(step) if value is _WRITE_MISSING else value)
        return tuple(values)

    @cython.annotation_typing(False)
    def missing(self, step: "Step") -> "Any":
        if step.default == ():
            raise _WriteMisfit(step.key, step.expected, "nothing: it is missing")
        return step.default[0]

    @cython.annotation_typing(False)
    def extra(self, row: "Any") -> None:
        for key in list(row.keys()):
            if key not in self.names:
                raise _WriteMisfit("", "no key beyond the schema's", f"the key {_write_shorten(key)}")


_WRITE_MISSING = object()


@cython.annotation_typing(False)
def _write_counted(count: int) -> str:
    return f"{count} value" if count == 1 else f"{count} values"


# --------------------------------------------------------------------------------- generating the function

_WRITE_CALL = "{w}({v})"
_WRITE_INLINE = {
    # numbers stay what they are: the f-string writes them
    "int": "{v} if type({v}) is int else {w}({v})",
    "float": (
        "{v} if type({v}) is float and (1e-4 <= {v} < 1e16 or -1e16 < {v} <= -1e-4 or {v} == 0.0)"
        " else {w}({v})"
    ),
    "str": "quote({v}) if type({v}) is str else {w}({v})",
    "bool": "'true' if {v} is True else 'false' if {v} is False else {w}({v})",
}


# PyPy follows a row's values through a loop: in one line each, every choice (a null, a sign, an escape) would
# double the paths that it compiles.
_WRITE_BY_LOOP = sys.implementation.name == "pypy" and not cython.compiled
_write_short: "Any" = None
if _WRITE_BY_LOOP:
    from fastcore.kernels.writing_jit import float_texts as _write_floats
    from fastcore.kernels.writing_jit import int_texts as _write_ints
    from fastcore.kernels.writing_jit import short_float as _write_short

    _WRITE_LOOPS.update(int=_write_ints, float=_write_floats)
    _WRITE_INLINE["int"] = "str({v}) if type({v}) is int else {w}({v})"
    _WRITE_INLINE["float"] = "short({v}, {w}) if type({v}) is float else {w}({v})"


class _WriteSource:
    """The lines and names of one generated function. Texts of a schema enter it as literals only."""

    @cython.annotation_typing(False)
    def __init__(self, reader: _WriteReader, flat: bool) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "quote": _write_quote,
            "short": _write_short,
            "reader": reader,
        }
        self.flat = flat
        self.values: list[str] = []  # the variables that the reader sets, in order
        self.fields: list[str] = []  # of the loop: functions to text, what they are given, where it goes
        self.given: list[str] = []
        self.texts: list[str] = []
        self.ints: list[str] = []  # pairs of variable and node where an int is written in place
        self.count = 0

    @cython.annotation_typing(False)
    def variable(self) -> str:
        self.count += 1
        return f"v{self.count}"

    @cython.annotation_typing(False)
    def object(self, plan: "Plan", prefix: str) -> str:
        """Emit the lines of an object's members; gives its part of the f-string's template.

        A member that may be left out carries its own key and comma: the comma comes after it as long as no
        member that is always there has been written, else before it. Without any such member the first comma
        is cut off.
        """
        steps = plan.steps
        first = next((index for index, step in enumerate(steps) if not step.omittable), len(steps))
        certain = first < len(steps)
        template = ""
        for index, step in enumerate(steps):
            before = "," if index > first or not certain else ""
            after = "," if index < first and certain else ""
            key = before + step.fragment
            if self.flat and _write_inlined(step):
                template += _write_literal(key) + self.object(step.detail, f"{prefix}{step.key}.")
            elif step.omittable:
                variable = self.value(step, plan, prefix)
                empty = "('', 'null')" if step.omit_null else "('',)"
                text = f"f{_write_literal(key) + '{' + variable + '}' + after!r}"
                self.lines.append(f"{variable} = '' if {variable} in {empty} else {text}")
                template += f"{{{variable}}}"
            else:
                template += f"{_write_literal(key)}{{{self.value(step, plan, prefix)}!s}}"
        if steps and not certain:
            variable = self.variable()
            self.lines.append(f"{variable} = f{template!r}[1:]")
            template = f"{{{variable}}}"
        return f"{{{{{template}}}}}"

    @cython.annotation_typing(False)
    def value(self, step: "Step", plan: "Plan", prefix: str) -> str:
        """Emit the line that turns a step's value into text; gives its variable."""
        variable = self.variable()
        writer = f"w{self.count}"
        node = self.names[writer] = _write_node(step, plan, prefix + step.key)
        if step.kind == "constant":
            code = repr(node(None))
        elif step.source is None:
            code = f"{writer}(None)"
        else:
            self.values.append(variable)
            plain = step.precision is None and not step.as_string
            code = _WRITE_INLINE.get(step.kind, _WRITE_CALL) if plain else _WRITE_CALL
            code = code.format(v=variable, w=writer)
            if plain and step.kind == "int":
                self.ints.append(f"({variable}, {writer})")
            if step.nullable:
                code = f"'null' if {variable} is None else {code}"
            if step.omit_missing:
                code = f"'' if {variable} is ... else {code}"
        if _WRITE_BY_LOOP and step.kind != "constant":
            self.fields.append(f"lambda {variable}: {code}")
            self.given.append("None" if step.source is None else variable)
            self.texts.append(variable)
        else:
            self.lines.append(f"{variable} = {code}")
        return variable


@cython.annotation_typing(False)
def _write_literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


@cython.annotation_typing(False)
def _write_compile(reader: _WriteReader, kind: str) -> "RowFunction":
    source = _WriteSource(reader, kind == "flat")
    template = source.object(reader.plan, "")
    body = [*source.lines, f"return f{template!r}"]
    fields = f"fields = ({', '.join(source.fields)},)\n" if source.fields else ""
    if fields:
        loop = f"[field(value) for field, value in zip(fields, ({', '.join(source.given)},))]"
        body.insert(0, f"{', '.join(source.texts)}, = {loop}")
    if source.ints:
        source.names["digits"] = _write_digits
        body = ["try:", *[f"    {line}" for line in body], "except ValueError as error:"]
        body.append(f"    digits(error, ({', '.join(source.ints)},))")
    lines = _write_read_lines(reader, kind, source) + body
    exec(fields + "def write(row):\n" + "".join(f"    {line}\n" for line in lines), source.names)
    function: RowFunction = source.names["write"]
    return function


@cython.annotation_typing(False)
def _write_read_lines(reader: _WriteReader, kind: str, source: _WriteSource) -> "list[str]":
    """The lines that set the variables of the values from `row`."""
    count = len(source.values)
    target = f"{', '.join(source.values)}, = " if count else ""
    if kind in ("sequence", "flat"):
        return [
            "if type(row) is not tuple and type(row) is not list:",
            f"    row = reader.sequence(row, {count})",
            "try:",
            f"    {target}row",
            "except ValueError:",
            f"    reader.sequence(row, {count})",
            "    raise",
        ]
    if kind == "object":
        for index, step in enumerate(reader.steps):
            source.names[f"name{index}"] = step.source
        reads = [f"{variable} = get(row, name{index})" for index, variable in enumerate(source.values)]
        source.names["get"] = getattr
        reads = [
            f"{variable} = row.{step.source}" if _write_is_plain(step.source or "") else read
            for variable, step, read in zip(source.values, reader.steps, reads, strict=True)
        ]
        lines = ["try:", *[f"    {read}" for read in reads], "    pass"]
        return [*lines, "except AttributeError:", f"    {target}reader.attributes(row)"]
    names = [repr(step.source) for step in reader.steps]
    reads = [f"{variable} = row[{name}]" for variable, name in zip(source.values, names, strict=True)]
    lines = ["if type(row) is dict:", "    try:", *[f"        {read}" for read in reads], "        pass"]
    lines += ["    except KeyError:", f"        {target}reader.keyed(row)"]
    lines += ["else:", f"    {target}reader.keyed(row)"]
    if reader.plan.extra == "error":
        lines += [f"if type(row) is not dict or len(row) != {count}:", "    reader.extra(row)"]
    return lines


@cython.annotation_typing(False)
def _write_is_plain(name: str) -> bool:
    """Whether a name may follow a dot in source text; others than ASCII are normalised there."""
    from keyword import iskeyword

    return name.isascii() and name.isidentifier() and not iskeyword(name) and not name.startswith("__")


@cython.annotation_typing(False)
def _write_digits(error: ValueError, pairs: "tuple[tuple[Any, _WriteNode], ...]") -> "NoReturn":
    """A line of a row raised ValueError: an int beyond the interpreter's limit of digits is a misfit."""
    for value, node in pairs:
        if type(value) is int:
            node(value)
    raise error


@cython.annotation_typing(False)
def _write_surrogate(text: str) -> "NoReturn":
    """The text of a row cannot be encoded: say which string in it."""
    import json

    place = next(index for index, char in enumerate(text) if "\ud800" <= char <= "\udfff")
    mark = next(char for char in map(chr, range(0xE000, 0xF900)) if char not in text)
    pending: list[tuple[str, Any]] = []
    try:  # noqa: SIM105 - contextlib is slow to import
        pending.append(("", json.loads(f"{text[:place]}{mark}{text[place + 1 :]}")))
    except ValueError:  # a Raw fragment need not be JSON
        pass
    while pending:
        path, value = pending.pop()
        if isinstance(value, str) and mark in value:
            value = value.replace(mark, text[place])
            raise _WriteMisfit(path, "text without lone surrogates", _write_shorten(value))
        if isinstance(value, dict):
            pending += [(_write_join(path, key), member) for key, member in value.items()]
        elif isinstance(value, list):
            pending += [(f"{path}[{index}]", member) for index, member in enumerate(value)]
    raise _WriteMisfit("", "text without lone surrogates", _write_shorten(text[max(place - 20, 0) :]))


# ----------------------------------------------------------------------------------------- a single value


@cython.annotation_typing(False)
def write_one(plan: "Plan", value: "Any") -> str:
    """The JSON text of one value by the only step of a plan: how a schema checks its defaults.

    Raises:
        PayloadError: it does not fit.
    """
    try:
        text = _write_node(plan.steps[0], plan, "")(value)
        text.encode()
    except _WriteMisfit as misfit:
        raise PayloadError(None, misfit.path, misfit.expected, misfit.got) from None
    except UnicodeEncodeError:
        raise PayloadError(None, "", "text without lone surrogates", _write_shorten(value)) from None
    return text


# ------------------------------------------------------------------------------------- what rows come from


@cython.annotation_typing(False)
def _write_iterable(rows: "Any") -> "Any":
    """What is given for rows, if it is an iterable of them."""
    from collections.abc import Mapping

    if isinstance(rows, (str, bytes, bytearray, memoryview, Mapping)) or not hasattr(type(rows), "__iter__"):
        raise PayloadError(None, "", "an iterable of rows", f"{type(rows).__name__}")
    return rows


# ------------------------------------------------------------------------------------------------ an envelope


@cython.annotation_typing(False)
def _write_count(name: str, value: "Any") -> bytes:
    if value is None:
        return b"null"
    if not _write_is_number(value) or value < 0:
        raise PayloadError(None, name, "a non-negative int or None", f"{type(value).__name__} {value!r}"[:60])
    return b"%d" % value


@cython.annotation_typing(False)
def _write_next(value: "Any") -> bytes:
    if value is None:
        return b"null"
    try:
        if isinstance(value, str):
            return write_constant(value).encode()
    except UnicodeEncodeError:
        pass
    raise PayloadError(
        None, "next", "a str without lone surrogates or None", f"{type(value).__name__} {value!a}"[:60]
    )
