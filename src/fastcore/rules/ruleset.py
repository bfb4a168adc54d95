"""RuleSet: an immutable value made from a document, that says of an event which rules fire."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NoReturn, Self

from fastcore import _backend
from fastcore.errors import EvaluationError, EventError, LimitError
from fastcore.kernels import conditions as _conditions

from . import files, reading
from .columns import ColumnDecisions, decide_arrow, decide_columns
from .decision import Decision, DecisionError
from .diff import RuleSetDiff, diff
from .document import CheckedDocument, Rule, check_document, replace_lists
from .engine import Engine, make_decider, make_engine
from .examples import ExampleResult, run_example
from .explain import Explanation, explain
from .lint import LintWarning, lint
from .plan import Plan, make_plan

__all__ = ["RuleSet"]


class RuleSet:
    """Rules with scores and actions, and the decisions that follow from them.

    A RuleSet is immutable, hashable, and equal to another if their documents have equal content; the backend
    takes no part in that. It pickles as its document, and any number of threads may share it.

    Parameters:
        document: the ruleset as a mapping; see `document_schema` for its form.
        backend: ``"cython"``, ``"python"``, or None for the selected one.
        allow_regex: whether conditions may use `matches`; it needs the package google-re2, whose running time
            is linear.

    Raises:
        RuleSetError: the document is not valid; `errors` lists everything that is wrong, each with its path.
        ValueError, ImportError: there is no such backend, or not here; or regular expressions are allowed,
            but google-re2 is not installed.

    Complexity: an event costs a look-up per field that the rules read and a bit per rule and field.
        Conditions that are not comparisons with constants are evaluated where a rule still depends on
        them. Under ``missing="error"`` an event in which something is unknown costs that twice; rules that
        throw, and all rules under ``missing="jsonlogic"``, are evaluated.
    """

    __slots__ = (
        "__weakref__",
        "_backend",
        "_bound",
        "_checked",
        "_decide_now",
        "_decider",
        "_engine",
        "_matcher",
        "_matches_now",
        "_plan",
        "_reader",
    )

    _backend: str
    _bound: Any
    _checked: CheckedDocument
    _decide_now: Callable[[Any], Decision] | None
    _decider: Any
    _engine: Engine
    _matcher: Any
    _matches_now: Callable[[Any], list[str]] | None
    _plan: Plan
    _reader: Any

    def __init__(
        self, document: Mapping[str, Any], *, backend: str | None = None, allow_regex: bool = False
    ) -> None:
        checked = check_document(document, bool(allow_regex))
        plan = make_plan(checked)
        name = _backend.resolve(backend)
        self._assemble(name, checked, plan, make_engine(checked, plan, name))

    def _assemble(self, backend: str, checked: CheckedDocument, plan: Plan, engine: Engine) -> None:
        put = object.__setattr__
        put(self, "_backend", backend)
        put(self, "_checked", checked)
        put(self, "_plan", plan)
        put(self, "_engine", engine)
        decider = make_decider(checked, plan, backend)
        matcher = None if plan.clock else engine.matcher
        setting = engine.setting(None)
        put(self, "_decider", decider)
        put(self, "_matcher", matcher)
        bound = matcher and matcher.bind(setting, decider)
        put(self, "_bound", bound)
        # the two hottest calls: what they do without a time is looked up once, here
        put(self, "_matches_now", bound and bound.matches)
        put(self, "_decide_now", bound and bound.decide)
        reader = _backend.kernels("reading", backend).reader
        put(self, "_reader", matcher and reader(matcher, setting, decider, reading.read_event))

    # -- making one ------------------------------------------------------------------------------------------

    @classmethod
    def from_dict(
        cls, document: Mapping[str, Any], *, backend: str | None = None, allow_regex: bool = False
    ) -> Self:
        """The same as the constructor."""
        return cls(document, backend=backend, allow_regex=allow_regex)

    @classmethod
    def from_json(
        cls,
        text: str | bytes | bytearray | memoryview,
        *,
        backend: str | None = None,
        allow_regex: bool = False,
    ) -> Self:
        """From JSON text; a key that occurs twice in an object is an error.

        Raises:
            RuleSetError: it is not JSON or not a valid document.
        """
        return cls(files.parse_json(text), backend=backend, allow_regex=allow_regex)

    @classmethod
    def from_file(cls, path: str | Path, *, backend: str | None = None, allow_regex: bool = False) -> Self:
        """From a ``.json``, ``.yaml``, ``.yml`` or ``.toml`` file.

        Raises:
            RuleSetError: it cannot be parsed or is not a valid document; paths begin with the file's name.
            OSError: it cannot be read.
            ImportError: it is YAML, and PyYAML is not installed; or as the constructor.
        """
        file = Path(path)
        with files.naming(file.name):
            return cls(files.load(file), backend=backend, allow_regex=allow_regex)

    @classmethod
    def from_rules(
        cls,
        rules: Iterable[Mapping[str, Any] | Rule],
        *,
        name: str = "rules",
        backend: str | None = None,
        allow_regex: bool = False,
        **document: Any,
    ) -> Self:
        """From rules alone, each a mapping as in a document or a `Rule` of another RuleSet.

        Parameters:
            rules: in the order of the document.
            name: of the ruleset.
            document: the other keys of a document, such as ``missing=`` or ``lists=``.
        """
        entries = [files.rule_entry(rule) if isinstance(rule, Rule) else rule for rule in rules]
        whole = {"name": name, "rules": entries, **document}
        return cls(whole, backend=backend, allow_regex=allow_regex)

    def with_lists(self, lists: Mapping[str, Iterable[str | int | float | bool]]) -> Self:
        """A RuleSet with other entries in some of its named lists; everything else is shared with this one.

        Parameters:
            lists: by name all entries of the list; lists that are not named keep theirs.

        Raises:
            RuleSetError: the document has no such list, or entries are not valid; paths are those of the
                document, such as ``lists.blocked[17]``.
            TypeError: `lists` is no mapping.

        Complexity: linear in the new entries; the rules are not looked at, but under ``missing="jsonlogic"``
            those that read a list are compiled again.
        """
        checked = replace_lists(self._checked, lists)
        new = object.__new__(type(self))
        new._assemble(self._backend, checked, self._plan, self._engine.with_lists(checked, frozenset(lists)))
        return new

    # -- what it is ------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._checked.name

    @property
    def version(self) -> str:
        """The document's; without one the first 12 hex digits of the SHA-256 of the canonical document."""
        return self._checked.version

    @property
    def missing(self) -> str:
        """The policy for missing values: ``"unknown"``, ``"jsonlogic"`` or ``"error"``."""
        return self._checked.missing

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, disabled ones too, in the order of evaluation."""
        return self._checked.rules

    @property
    def fields(self) -> dict[str, tuple[str, ...]]:
        """Dotted path of each field that the rules read → the types that they imply for it."""
        return self._checked.fields

    @property
    def examples(self) -> tuple[dict[str, Any], ...]:
        """The examples of the document and of its rules: ``event``, ``expect``, and their ``path``."""
        return files.copy_examples(self._checked.examples)

    @property
    def warnings(self) -> tuple[LintWarning, ...]:
        """What is valid but hardly meant: rules that never or always fire, duplicates, shadowed rules."""
        return lint(self._checked)

    @property
    def backend(self) -> str:
        return self._backend

    @property
    def allow_regex(self) -> bool:
        """Whether its conditions may use `matches`; two RuleSets may differ in it and be equal."""
        return self._checked.allow_regex

    def to_dict(self) -> dict[str, Any]:
        """The document, as a fresh value that the caller may change."""
        document: dict[str, Any] = reading.read_json(self.to_json(), 1 << 30, files.decode)
        return document

    def to_json(self) -> bytes:
        """The canonical document: sorted keys, no spaces, UTF-8. Equal RuleSets have equal bytes."""
        return bytes(self._checked.text)

    # -- evaluating ------------------------------------------------------------------------------------------

    def evaluate(self, event: Any, *, now: datetime | None = None) -> Decision:
        """The decision for one event.

        Parameters:
            event: a mapping, dataclass, pydantic model or named tuple; it is not changed.
            now: the time, aware; None reads the clock once.

        Raises:
            EventError: the event has no fields.
            EvaluationError: under ``missing="error"``, for the first rule in order that is undecided.
            LimitError: the evaluation exceeds a documented limit.
        """
        if now is None and (decide := self._decide_now) is not None:
            return decide(event)
        return self._decide(event, self._time(now))

    def matches(self, event: Any, *, now: datetime | None = None) -> list[str]:
        """Ids of the rules that fire, in the order of evaluation; errors as `evaluate`."""
        if now is None and (matches := self._matches_now) is not None:
            return matches(event)
        ids = self._plan.ids
        return [ids[index] for index in self._fire(event, self._time(now))[0]]

    def score(self, event: Any, *, now: datetime | None = None) -> int | float:
        """The sum of the scores of the rules that fire; errors as `evaluate`."""
        if now is None and self._bound is not None:
            score: int | float = self._bound.score(event)
        else:
            score = self._decider.total(self._fire(event, self._time(now))[0])
        return score

    def first(self, event: Any, *, now: datetime | None = None) -> str | None:
        """Id of the first rule in order that fires, None if none does; errors as `evaluate`."""
        index: int
        if now is None and self._bound is not None:
            index = self._bound.first(event)
        else:
            moment = self._time(now)
            _conditions.conditions_event(event)
            index = self._engine.first(event, moment, self._plan.active(moment))
        return None if index < 0 else self._plan.ids[index]

    def evaluate_json(
        self,
        body: bytes | bytearray | memoryview | str,
        *,
        now: datetime | None = None,
        depth: int = reading.MAX_DEPTH,
    ) -> Decision:
        """The decision for one event given as JSON text.

        Parameters:
            body: UTF-8 bytes or a str, by RFC 8259, an object at the top; of duplicate keys the last wins.
            now: as in `evaluate`.
            depth: how deep its arrays and objects may nest.

        Raises:
            EventError: it is not such a text; `offset` says where.
            EvaluationError, LimitError: as `evaluate`.
        """
        moment = None if now is None else _aware(now)
        if self._reader is not None:  # as it is where the time does not matter
            decision: Decision = self._reader.decide(body, depth)
            return decision
        return self._decide(reading.read_event(body, depth), moment or self._time(None))

    def evaluate_many(
        self,
        events: Iterable[Any],
        *,
        errors: Literal["record", "raise"] = "record",
        now: datetime | None = None,
    ) -> list[Decision]:
        """The decisions for many events, in their order; the clock is read once.

        Parameters:
            events: each as in `evaluate`.
            errors: ``"record"`` gives an event that cannot be evaluated a Decision that `failed` in its
                place; ``"raise"`` raises for the first one, naming its index.
            now: as in `evaluate`.
        """
        if errors not in ("record", "raise"):
            raise ValueError(f"errors must be 'record' or 'raise', not {errors!r}")

        def failed(error: Exception, index: int) -> Decision:
            if not isinstance(error, (EventError, EvaluationError, LimitError)):
                raise error
            if errors == "raise":
                _raise_indexed(error, index)
            return self.failure(error)

        moment = self._time(now)
        if self._matcher is not None:
            setting = self._engine.setting(moment)
            decided: list[Decision] = self._matcher.decide_many(list(events), setting, self._decider, failed)
            return decided
        decisions = []
        for index, event in enumerate(events):
            try:
                decisions.append(self._decide(event, moment))
            except (EventError, EvaluationError, LimitError) as error:
                decisions.append(failed(error, index))
        return decisions

    def evaluate_columns(
        self,
        columns: Mapping[str, Any],
        *,
        matched: bool = False,
        threads: int = 1,
        errors: Literal["record", "raise"] = "record",
        now: datetime | None = None,
    ) -> ColumnDecisions:
        """The decisions for the rows of columns: for each what `evaluate` gives for a dict of its values.

        Parameters:
            columns: by dotted path, as in `fields`: numpy arrays (masked ones too), sequences, or arrays with
                the
                Arrow interface. Columns that no rule reads are ignored; one that is absent is missing
                everywhere.
            matched: whether to say which rules fired, not only how many.
            threads: how many work at it. They help where columns are no lists or arrays of objects.
            errors: ``"record"`` notes rows that cannot be evaluated in `ColumnDecisions.errors`; ``"raise"``
                raises
                for the first of them, naming its index.
            now: as in `evaluate`; the clock is read once.

        Raises:
            ValueError: columns have different lengths or several dimensions, or one lies within another.
            TypeError: something is no column.
            EvaluationError, LimitError: with ``errors="raise"``.

        Complexity: a row costs a look-up and an AND of a bit per clause for each field, in C without the GIL.
            Besides
            the results, memory is bounded by a chunk of 1,024 rows for each thread.
        """
        return decide_columns(self, columns, matched, threads, errors, self._time(now))

    def evaluate_arrow(
        self,
        data: Any,
        *,
        matched: bool = False,
        threads: int = 1,
        errors: Literal["record", "raise"] = "record",
        now: datetime | None = None,
    ) -> ColumnDecisions:
        """The decisions for the rows of an Arrow table, batch or stream.

        Parameters:
            data: anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``: a table of polars, pyarrow or
                DuckDB,
                a RecordBatchReader. Its columns are as in `evaluate_columns`; members of structs have dotted
                paths.
                A stream is read batch by batch.
            matched, threads, errors, now: as in `evaluate_columns`.

        Raises: as `evaluate_columns`; TypeError also if the data is no table.
        """
        return decide_arrow(self, data, matched, threads, errors, self._time(now))

    def failure(self, error: EventError | EvaluationError | LimitError) -> Decision:
        """The record that stands for an event that could not be evaluated."""
        if isinstance(error, EvaluationError):
            record = DecisionError("evaluation", str(error), error.rule, error.field)
        else:
            record = DecisionError("event" if isinstance(error, EventError) else "limit", str(error))
        return Decision((), 0, None, (record,), self.name, self.version)

    def explain(self, event: Any, rule: str | None = None, *, now: datetime | None = None) -> Explanation:
        """Why each rule did or did not fire: its conditions with their values and the fields they read.

        Parameters:
            event: as in `evaluate`.
            rule: id of the only rule to explain; None explains all, disabled ones too.
            now: as in `evaluate`.

        Raises:
            KeyError: no rule has that id.
            EventError: the event has no fields.
        """
        _conditions.conditions_event(event)
        moment = _aware(now) if now is not None else datetime.now(UTC)
        return explain(self._checked, self._engine, event, moment, rule)

    def diff(self, other: "RuleSet") -> RuleSetDiff:
        """What changes from this ruleset to another: rules, their keys and order, lists and settings.

        Parameters:
            other: the later ruleset.

        Returns: a value that is false exactly if the two are equal.

        Raises:
            TypeError: `other` is no RuleSet.

        Complexity: linear in the documents, and n log n in the rules that both have.
        """
        if not isinstance(other, RuleSet):
            raise TypeError(f"a RuleSet is compared with a RuleSet, not with {type(other).__name__}")
        return diff(self, other, (self._checked, other._checked))

    def run_examples(self) -> tuple[ExampleResult, ...]:
        """Runs the examples of the document, each at its own ``now`` or at the time of the call."""
        return tuple(run_example(self, example) for example in self.examples)

    def _decide(self, event: Any, moment: datetime | None) -> Decision:
        decision: Decision = self._decider.decision(*self._fire(event, moment))
        return decision

    def _fire(self, event: Any, moment: datetime | None) -> tuple[list[int], tuple[DecisionError, ...]]:
        _conditions.conditions_event(event)
        return self._engine.fire(event, moment, self._plan.active(moment))

    def _time(self, now: datetime | None) -> datetime | None:
        if now is not None:
            return _aware(now)
        return datetime.now(UTC) if self._plan.clock else None

    # -- a value among values --------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a RuleSet is immutable; {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a RuleSet is immutable; {name!r} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RuleSet):
            return NotImplemented
        return self._checked.text == other._checked.text

    def __hash__(self) -> int:
        return hash(self._checked.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, (self.to_json(), self.allow_regex)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __len__(self) -> int:
        return len(self._checked.rules)

    def __repr__(self) -> str:
        count = len(self)
        return f"<RuleSet {self.name!r} version {self.version!r}: {count} rule{'s' * (count != 1)}>"


def _load(text: bytes, allow_regex: bool = False) -> RuleSet:
    return RuleSet.from_json(text, allow_regex=allow_regex)


def _aware(now: datetime) -> datetime:
    if not isinstance(now, datetime):
        raise TypeError(f"now must be an aware datetime, not {type(now).__name__}")
    if now.utcoffset() is None:
        raise ValueError("now must be an aware datetime; this one has no time zone")
    return now


def _raise_indexed(error: EventError | EvaluationError | LimitError, index: int) -> NoReturn:
    if isinstance(error, EvaluationError):
        raise EvaluationError(error.rule, error.field, error.value, error.reason, index) from None
    if isinstance(error, EventError):
        raise EventError(f"event {index}: {error.message}", error.offset) from None
    raise LimitError(f"event {index}: {error}") from None
