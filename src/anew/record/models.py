"""Registered models as a root's journal adds them up: names, versions, aliases, and who changed what, when and why.

A model is three kinds of events, all of the kind "model": a `document` that holds its name, description and tags, a `version`
event for each version, and `alias` events. Versions and aliases go by the model's *key*, which is the name that it got
first: so a model is renamed by writing its document under another name, and a name that is used again after its model was deleted
begins with a key of its own, and with version 1.

What a body holds may come from anybody's folder, so each value counts only where it has the type it should have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from .plain import from_plain
from .root import AliasSet, DocumentSet, RootEvent, RootState, VersionSet

__all__ = [
    "KIND",
    "POINTS_TO",
    "AliasFact",
    "Evidence",
    "ModelChange",
    "ModelFact",
    "PointsTo",
    "VersionFact",
    "models_in",
    "target_of",
]

KIND = "model"
"""The kind of the documents, versions and aliases that models are."""

PointsTo = Literal["weights", "file", "folder", "artifact", "mlflow", "address", "experiment"]
POINTS_TO: tuple[PointsTo, ...] = (
    "weights", "file", "folder", "artifact", "mlflow", "address", "experiment",
)  # fmt: skip
"""What a version can point to."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a promotion rests on: the verdict of a re-run.

    Attributes:
        required: What was asked for, such as "identical" or "within:rtol=0.001".
        verdict: What was said of the re-run, such as "IDENTICAL".
        rerun: The id of the experiment that the re-run was recorded as.
    """

    required: str = ""
    verdict: str = ""
    rerun: str = ""


class AliasFact(msgspec.Struct, frozen=True, kw_only=True):
    """An alias of a model: the version it means, who moved it there, when and why, and on what evidence."""

    alias: str
    number: int
    why: str | None
    time: float
    user: str
    host: str
    evidence: Evidence | None = None
    events: tuple[str, ...] = ()


class VersionFact(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model.

    Attributes:
        points_to: What it is: "weights" (a commit), a "file" or "folder" of an experiment, an "artifact" of the W&B dialect,
            an "mlflow" model, an "address" elsewhere, or an "experiment" as a whole.
        ref: Which one: the hash of the commit, the path of the file or folder in its experiment, the artifact's name and version,
            the model's path in its run, the address.
        experiment: The id of the experiment that it comes from, where one is known.
        experiment_gone: "deleted" where that is in the trash, "purged" where its files were removed for good.
        digest: A hash of what it points to.
        why: Why it was registered.
        created_at, user, host: When it was registered, by whom, and on which machine.
        updated_at: When something was last said about it.
        aliases: The aliases that mean it, without "latest".
        extra: What a dialect has to remember about it, by names of its own.
        withdrawn_at: When it was withdrawn; None for one that is there.
        events: The ids of the newest events about it.
    """

    model: str
    number: int
    points_to: PointsTo
    ref: str
    experiment: str | None
    experiment_gone: Literal["deleted", "purged"] | None = None
    digest: str | None = None
    description: str | None = None
    tags: dict[str, str] = {}
    why: str | None = None
    created_at: float = 0.0
    user: str = ""
    host: str = ""
    updated_at: float = 0.0
    aliases: tuple[str, ...] = ()
    extra: dict[str, str] = {}
    withdrawn_at: float | None = None
    events: tuple[str, ...] = ()


class ModelChange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a model.

    Attributes:
        what: "alias" covers promotions and removals: `number` is the version that `alias` means from then on (None: none), `before`
            the one that it meant.
        name: What the model was called then.
    """

    time: float
    user: str
    host: str
    what: Literal[
        "created", "changed", "renamed", "deleted", "registered", "edited", "withdrawn", "alias"
    ]
    name: str
    number: int | None = None
    alias: str | None = None
    before: int | None = None
    why: str | None = None
    evidence: Evidence | None = None


class ModelFact(msgspec.Struct, frozen=True, kw_only=True):
    """A registered model.

    Attributes:
        key: What its versions and aliases go by; it stays when the model is renamed.
        scope: Whom it concerns: "root" (everybody) or "project/<prefix>".
        versions: Those that are there, by number; `withdrawn` those that were withdrawn.
        aliases: By name.
        created_at, user: When it was made, and by whom.
        updated_at: When anything about it was last changed.
        deleted_at: When it was deleted; None for one that is there.
        history: All that happened to it, in order; empty where that was not asked for.
        events: The ids of the newest events of its document.
    """

    name: str
    key: str
    scope: str
    description: str | None = None
    tags: dict[str, str] = {}
    versions: tuple[VersionFact, ...] = ()
    withdrawn: tuple[VersionFact, ...] = ()
    aliases: tuple[AliasFact, ...] = ()
    created_at: float = 0.0
    user: str = ""
    updated_at: float = 0.0
    deleted_at: float | None = None
    history: tuple[ModelChange, ...] = ()
    events: tuple[str, ...] = ()

    @property
    def latest(self) -> VersionFact | None:
        """The newest version that is there."""
        return self.versions[-1] if self.versions else None


def target_of(points_to: PointsTo, ref: str, experiment: str | None) -> str:
    """The `target` of a `version` event: the experiment's id, or what it points to where none is known."""
    return experiment or f"{points_to}:{ref}"


class _Found:
    """What is known of one model: the events of its document, and the names that it goes by now."""

    def __init__(self) -> None:
        self.written: list[DocumentSet] = []
        self.now: list[DocumentSet] = []
        self.heads: tuple[str, ...] = ()
        self.numbers: list[int] = []
        self.aliases: list[str] = []


def models_in(
    state: RootState,
    name: str | None = None,
    scope: str | None = None,
    *,
    gone: bool = False,
    history: bool = False,
) -> list[ModelFact]:
    """The models of a name or scope, sorted by name and scope.

    Args:
        gone: Give the deleted ones, in place of those that are there.
        history: Also give all that happened to them.
    """
    deleted = state.deleted()
    experiments: dict[str, Literal["deleted", "purged"]] = {
        id_: "deleted" if event.__struct_config__.tag == "deleted" else "purged"
        for id_, event in deleted.items()
    }
    models = []
    for (where, key), found in sorted(_found(state).items()):
        if scope is not None and where != scope:
            continue
        is_gone = not found.now and bool(found.written)
        if is_gone != gone:
            continue
        model = _model(state, where, key, found, experiments, history=history)
        if name is None or name == model.name:
            models.append(model)
    return sorted(models, key=lambda one: (one.name, one.scope, one.key))


def _found(state: RootState) -> dict[tuple[str, str], _Found]:
    """All models, those that were deleted too, by scope and key."""
    found: dict[tuple[str, str], _Found] = {}

    def of(scope: str, key: str) -> _Found:
        return found.setdefault((scope, key), _Found())

    for subject in state.subjects("document"):
        if subject[2] != KIND:
            continue
        scope = subject[1]
        keys: dict[str, str] = {}
        for event in state.history(*subject):
            assert isinstance(event, DocumentSet)
            if event.body is None:
                before = [keys[id_] for id_ in event.after if id_ in keys] or list(keys.values())[
                    -1:
                ]
            else:
                before = [_key(event)]
            for key in dict.fromkeys(before):
                keys[event.id] = key
                of(scope, key).written.append(event)
        heads = state.heads(*subject)
        alive = [one for one in heads if isinstance(one, DocumentSet) and one.body is not None]
        if alive:
            one = of(scope, _key(alive[0]))
            one.now.append(alive[0])
            one.heads = tuple(head.id for head in heads)
    for subject in state.subjects("version"):
        if subject[2] == KIND:
            of(subject[1], subject[3]).numbers.append(int(subject[4]))
    for subject in state.subjects("alias"):
        if subject[2] == KIND and (subject[1], subject[3]) in found:
            of(subject[1], subject[3]).aliases.append(subject[4])
    return found


def _model(
    state: RootState,
    scope: str,
    key: str,
    found: _Found,
    experiments: Mapping[str, Literal["deleted", "purged"]],
    *,
    history: bool,
) -> ModelFact:
    # Renamed in two places at once, it goes by the newer name.
    written = sorted(found.written, key=lambda one: (one.t, one.id))
    bodies = sorted(found.now, key=lambda one: (one.t, one.id)) or [
        one for one in written if one.body is not None
    ]
    newest = bodies[-1] if bodies else None
    body: Mapping[str, Any] = (newest.body if newest is not None else None) or {}
    name = newest.name if newest is not None else key
    told = [
        change
        for at, one in enumerate(written)
        if (change := _of_document(one, at, written)) is not None
    ]
    changes = [*_timed(told)]
    versions: list[VersionFact] = []
    withdrawn: list[VersionFact] = []
    for number in sorted(found.numbers):
        said = state.history("version", scope, KIND, key, str(number))
        heads = state.heads("version", scope, KIND, key, str(number))
        version = _version(name, said, heads, experiments)
        (versions if version.withdrawn_at is None else withdrawn).append(version)
        changes += _timed([_of_version(one, at, name) for at, one in enumerate(said)])
    there = {one.number for one in versions}
    aliases = []
    for alias in sorted(found.aliases):
        said = state.history("alias", scope, KIND, key, alias)
        heads = state.heads("alias", scope, KIND, key, alias)
        fact = _alias(heads)
        if fact is not None and fact.number in there:
            aliases.append(fact)
        changes += _timed(_of_alias(said, name))
    called: dict[int, list[str]] = {}
    for one in aliases:
        called.setdefault(one.number, []).append(one.alias)
    in_time = [change for _, change in sorted(changes, key=lambda one: one[0])]
    first = in_time[0] if in_time else None
    return ModelFact(
        name=name,
        key=key,
        scope=scope,
        description=_text(body, "description"),
        tags=_texts(body, "tags"),
        versions=tuple(
            msgspec.structs.replace(one, aliases=tuple(called.get(one.number, ())))
            for one in versions
        ),
        withdrawn=tuple(withdrawn),
        aliases=tuple(aliases),
        created_at=first.time if first else 0.0,
        user=first.user if first else "",
        updated_at=in_time[-1].time if in_time else 0.0,
        deleted_at=None if found.now or not written else written[-1].t,
        history=tuple(in_time) if history else (),
        events=found.heads,
    )


def _timed(changes: Iterable[ModelChange]) -> Iterator[tuple[float, ModelChange]]:
    """Changes of one thing in their order, each with the time as of which it counts: a clock that was set back turns nothing around."""
    latest = 0.0
    for one in changes:
        latest = max(latest, one.time)
        yield latest, one


def _key(event: DocumentSet) -> str:
    """What the versions of the model that a document describes go by."""
    return _text(event.body or {}, "key") or event.name


def _version(
    model: str,
    said: Sequence[RootEvent],
    heads: Sequence[RootEvent],
    experiments: Mapping[str, Literal["deleted", "purged"]],
) -> VersionFact:
    """A version from all events about it, in order, and those of them that count."""
    events = [one for one in said if isinstance(one, VersionSet)]
    newest = [one for one in heads if isinstance(one, VersionSet)]
    there = [one for one in newest if one.target is not None]
    # One that was withdrawn is told as it was before.
    shown = there[0] if there else next((e for e in reversed(events) if e.target), events[-1])
    body = from_plain(shown.body)
    given, ref, target = _text(body, "points_to"), _text(body, "ref"), shown.target or ""
    points_to: PointsTo = next((one for one in POINTS_TO if one == given), "experiment")
    known = ref is not None and target == f"{points_to}:{ref}"
    experiment = None if known or not target else target
    return VersionFact(
        model=model,
        number=shown.number,
        points_to=points_to,
        ref=target if ref is None else ref,
        experiment=experiment,
        experiment_gone=experiments.get(experiment) if experiment else None,
        digest=shown.digest,
        description=_text(body, "description"),
        tags=_texts(body, "tags"),
        why=next((one.why for one in events if one.why), None),
        created_at=events[0].t,
        user=events[0].user,
        host=events[0].host,
        updated_at=events[-1].t,
        extra=_texts(body, "extra"),
        withdrawn_at=None if there else newest[0].t,
        events=tuple(one.id for one in newest),
    )


def _alias(heads: Sequence[RootEvent]) -> AliasFact | None:
    newest = [one for one in heads if isinstance(one, AliasSet)]
    shown = next((one for one in newest if one.number is not None), None)
    if shown is None or shown.number is None:
        return None
    return AliasFact(
        alias=shown.alias,
        number=shown.number,
        why=shown.why,
        time=shown.t,
        user=shown.user,
        host=shown.host,
        evidence=_evidence(shown),
        events=tuple(one.id for one in newest),
    )


def _evidence(event: AliasSet) -> Evidence | None:
    body = from_plain(event.body)
    given = {name: _text(body, name) or "" for name in Evidence.__struct_fields__}
    return Evidence(**given) if any(given.values()) else None


def _of_document(event: DocumentSet, at: int, written: Sequence[DocumentSet]) -> ModelChange | None:
    """What an event of its document did; None for the removal of the name that it had before it was renamed."""
    what: Literal["created", "changed", "renamed", "deleted"] = "changed"
    before = written[at - 1] if at else None
    if event.body is None:
        if before is not None and before.name != event.name:
            return None
        what = "deleted"
    elif before is None:
        what = "created"
    elif before.name != event.name:
        what = "renamed"
    return ModelChange(time=event.t, user=event.user, host=event.host, what=what, name=event.name)


def _of_version(event: RootEvent, at: int, name: str) -> ModelChange:
    assert isinstance(event, VersionSet)
    what: Literal["registered", "edited", "withdrawn"] = "edited" if at else "registered"
    if event.target is None:
        what = "withdrawn"
    return ModelChange(
        time=event.t, user=event.user, host=event.host, what=what, name=name, number=event.number, why=event.why
    )  # fmt: skip


def _of_alias(said: Sequence[RootEvent], name: str) -> list[ModelChange]:
    changes, before = [], None
    for event in said:
        assert isinstance(event, AliasSet)
        changes.append(
            ModelChange(
                time=event.t, user=event.user, host=event.host, what="alias", name=name, number=event.number,
                alias=event.alias, before=before, why=event.why, evidence=_evidence(event),
            )
        )  # fmt: skip
        before = event.number
    return changes


def _text(body: Mapping[str, Any], key: str) -> str | None:
    found = body.get(key)
    return found if isinstance(found, str) else None


def _texts(body: Mapping[str, Any], key: str) -> dict[str, str]:
    found = body.get(key)
    if not isinstance(found, Mapping):
        return {}
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}
