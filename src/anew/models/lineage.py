"""Where a model or an experiment comes from, and what came of it: read from the record, by way of the catalog's indexes.

Upwards from a version of a model: the experiment, its code, what it read, and the experiments that it comes from. Downwards from a
content (a data set, a file): the experiments that read or logged it, those that come from them, and the models of all of these.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from ..errors import NotFound
from ..query.question import FactsQuestion, Question, SortKey, Wanted, parse_field
from ..query.syntax import Expression, Field, In, Part, Value
from ..reading.backend import Backend
from ..record.facts import ExperimentFacts
from ..record.inputs import InputFact, inputs_of
from ..record.models import ModelFact, VersionFact
from .registry import Registry

__all__ = [
    "Code",
    "LineageExperiment",
    "LineageFacts",
    "LineageVersion",
    "lineage_of_contents",
    "lineage_of_experiment",
    "lineage_of_version",
]

SHOWN = 1000
"""Experiments of one kind that an answer lists at most; their number counts all."""

_AT_ONCE = 2000
_DEEPEST = 100
_COLUMNS = ("prefix", "name", "status", "created_at", "relation", "parent", "user", "git.commit")


class LineageExperiment(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment in a lineage; `relation` says how it comes from its `parent`."""

    id: str
    prefix: str
    name: str
    status: str
    created_at: float
    relation: str | None = None
    parent: str | None = None
    user: str | None = None
    commit: str | None = None


class LineageVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model in a lineage."""

    model: str
    scope: str
    number: int
    aliases: tuple[str, ...] = ()
    experiment: str | None = None
    ref: str = ""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """The code that an experiment ran: the commit, and the SHA-256 of the patch with what was not committed."""

    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    patch: str | None = None
    remote: str | None = None


class LineageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A lineage, upwards and downwards.

    Attributes:
        asked: What was asked about; `kind` what that is.
        version: The version of a model that was asked about.
        experiment: The experiment that was asked about, or that the version comes from; None where none is known or it is gone.
        experiment_gone: "deleted" or "purged" where the version's experiment is.
        code, inputs: The code that the experiment ran, and what it read.
        parents: The experiments that it comes from, the nearest first.
        writers: Of a content: the experiments that logged it. Of anything else: those that logged what `experiment` read.
        readers: The experiments that read the content, or what the experiment logged; the newest first.
        descendants: Those that come from the experiment, or from a reader: children, forks, continuations and re-runs.
        models: The versions of models that come from any of these.
        reader_count, writer_count, descendant_count: How many there are, of which at most 1,000 are listed.
    """

    asked: str
    kind: Literal["version", "experiment", "content"]
    version: LineageVersion | None = None
    experiment: LineageExperiment | None = None
    experiment_gone: str | None = None
    code: Code | None = None
    inputs: tuple[InputFact, ...] = ()
    parents: tuple[LineageExperiment, ...] = ()
    writers: tuple[LineageExperiment, ...] = ()
    readers: tuple[LineageExperiment, ...] = ()
    descendants: tuple[LineageExperiment, ...] = ()
    models: tuple[LineageVersion, ...] = ()
    reader_count: int = 0
    writer_count: int = 0
    descendant_count: int = 0


def lineage_of_version(
    backend: Backend, asked: str, model: ModelFact, version: VersionFact
) -> LineageFacts:
    """The lineage of a version of a model; of what becomes of it, that of its experiment."""
    told = _told(model, version)
    found = LineageFacts(
        asked=asked, kind="version", version=told, experiment_gone=version.experiment_gone
    )
    if version.experiment is None:
        return found
    try:
        of = lineage_of_experiment(backend, asked, version.experiment)
    except NotFound:
        return found
    return msgspec.structs.replace(
        of,
        kind="version",
        version=told,
        experiment_gone=version.experiment_gone,
        models=tuple(one for one in of.models if one != told),
    )


def lineage_of_experiment(backend: Backend, asked: str, experiment_id: str) -> LineageFacts:
    """The lineage of an experiment, by its id.

    Raises:
        NotFound: It is not there.
    """
    question = FactsQuestion(
        ids=(experiment_id,), parts=frozenset({"state", "files"}), now=time.time()
    )
    facts = backend.facts(question)
    if not facts:
        raise NotFound(f"The experiment {experiment_id!r} is not there.", name=experiment_id)
    one = facts[0]
    inputs = inputs_of(one.state) if one.state is not None else ()
    logged = {file.hash for file in one.files or () if file.hash}
    logged |= set(_artifacts(one))
    walk = _Walk(backend)
    readers = walk.with_contents("inputs", logged, but=experiment_id)
    writers = walk.with_contents(
        "files", {hash for read in inputs for hash in read.hashes}, but=experiment_id
    )
    below = walk.below([experiment_id])
    of = {experiment_id, *readers, *below}
    return LineageFacts(
        asked=asked,
        kind="experiment",
        experiment=next(iter(walk.listed([experiment_id])), None),
        code=_code(one),
        inputs=inputs,
        parents=tuple(walk.above(one.parent, experiment_id)),
        writers=walk.listed(writers),
        readers=walk.listed(readers),
        descendants=walk.listed(below),
        models=_models(backend, of),
        reader_count=len(readers),
        writer_count=len(writers),
        descendant_count=len(below),
    )


def lineage_of_contents(backend: Backend, asked: str, called: Sequence[str]) -> LineageFacts:
    """What read and logged a content.

    Args:
        called: Its names and hashes, or the start of a hash.

    Raises:
        NotFound: No experiment has read or logged anything like that.
    """
    walk = _Walk(backend)
    readers = walk.with_contents("inputs", called)
    writers = walk.with_contents("files", called)
    if not readers and not writers:
        raise NotFound(
            f"No experiment has read or logged {asked!r}. Data is known by its hash where a program declared it "
            "(`exp.inputs.add(path)`) or opened it itself.",
            name=asked,
        )
    below = [one for one in walk.below(readers) if one not in set(readers)]
    return LineageFacts(
        asked=asked,
        kind="content",
        writers=walk.listed(writers),
        readers=walk.listed(readers),
        descendants=walk.listed(below),
        models=_models(backend, {*readers, *writers, *below}),
        reader_count=len(readers),
        writer_count=len(writers),
        descendant_count=len(below),
    )


class _Walk:
    """Asks a backend from experiments to experiments, many at a time."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._now = time.time()

    def with_contents(
        self, field: Literal["inputs", "files"], called: Iterable[str], but: str = ""
    ) -> list[str]:
        """The experiments that read or logged any of some contents, the newest first."""
        found: dict[str, None] = {}
        for some in _pieces(sorted(set(filter(None, called)))):
            found |= dict.fromkeys(self._ids(_any(field, some)))
        found.pop(but, None)
        return list(found)

    def below(self, ids: Sequence[str]) -> list[str]:
        """All that come from some experiments, one level after the other."""
        seen, level, found = set(ids), list(ids), []
        for _ in range(_DEEPEST):
            new = [
                one
                for some in _pieces(level)
                for one in self._ids(_any("parent", some))
                if one not in seen
            ]
            if not new:
                break
            level = list(dict.fromkeys(new))
            seen |= set(level)
            found += level
        return found

    def above(self, parent: str | None, child: str) -> Iterator[LineageExperiment]:
        """The experiments that one comes from, the nearest first."""
        seen = {child}
        while parent and parent not in seen and len(seen) <= _DEEPEST:
            seen.add(parent)
            found = self.listed([parent])
            if not found:
                return
            yield found[0]
            parent = found[0].parent

    def listed(self, ids: Sequence[str]) -> tuple[LineageExperiment, ...]:
        """The first of some experiments, as they are shown."""
        columns = tuple(Wanted(parse_field(one)) for one in _COLUMNS)
        asked = Question(ids=tuple(ids[:SHOWN]), columns=columns, now=self._now)
        if not ids:
            return ()
        found = self._backend.select(asked)
        rows = zip(*(column.values for column in found.columns), strict=True)
        return tuple(
            LineageExperiment(
                id=id_, prefix=row[0], name=row[1], status=str(row[2]), created_at=row[3], relation=row[4], parent=row[5],
                user=row[6], commit=row[7],
            )
            for id_, row in zip(found.ids, rows, strict=True)
        )  # fmt: skip

    def _ids(self, condition: Expression) -> Sequence[str]:
        sort = (SortKey(parse_field("created_at"), True),)
        return self._backend.select(Question(filter=condition, sort=sort, now=self._now)).ids


def _pieces(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(items), _AT_ONCE):
        yield items[begin : begin + _AT_ONCE]


def _any(field: str, values: Sequence[str]) -> Expression:
    """The field is one of these; contents: one of these is among it."""
    asked = Field((Part(field, False, 0),), field, 0, may_be_unknown=True)
    return In(asked, tuple(Value("text", one, repr(one), 0) for one in values), False, 0)


def _models(backend: Backend, experiments: set[str]) -> tuple[LineageVersion, ...]:
    """The versions of models that come from some experiments, by name and number."""
    return tuple(
        _told(model, one)
        for model in Registry(backend).models()
        for one in model.versions
        if one.experiment in experiments
    )


def _told(model: ModelFact, version: VersionFact) -> LineageVersion:
    return LineageVersion(
        model=model.name, scope=model.scope, number=version.number, aliases=version.aliases,
        experiment=version.experiment, ref=version.ref,
    )  # fmt: skip


def _code(one: ExperimentFacts) -> Code | None:
    git = one.state.captured.get("git", {}) if one.state is not None else {}

    def text(key: str) -> str | None:
        found = git.get(key) if isinstance(git, Mapping) else None
        return found if isinstance(found, str) and found else None

    found = Code(
        commit=one.git_commit, branch=one.git_branch, dirty=one.git_dirty, patch=text("patch"),
        remote=text("remote"),
    )  # fmt: skip
    return found if found != Code() else None


def _artifacts(one: ExperimentFacts) -> Iterator[str]:
    """The full names of the versions of W&B artifacts that an experiment logged, as who uses one has it."""
    logged: Any = one.state.captured.get("wandb_artifacts") if one.state is not None else None
    for name, fact in logged.items() if isinstance(logged, Mapping) else ():
        project = fact.get("project") if isinstance(fact, Mapping) else None
        if isinstance(name, str) and isinstance(project, str):
            yield f"{project}/{name}"
