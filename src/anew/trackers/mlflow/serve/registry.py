"""MLflow's registry of models as a view of the store's own: models, versions, aliases and stages.

What MLflow keeps of a version and the store does not (the address as the client gave it, the stage) is in the version's `extra`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote_plus

from ....errors import Ambiguous, Conflict, InvalidName, NotFound
from ....models.registry import Registry, Target, version_of
from ....models.views import Models as Registered
from ....record.models import ModelFact, VersionFact
from ...places import safe_path
from ..translate.facts import milliseconds
from ..translate.filters import Condition, in_order
from . import artifacts
from .answers import Done
from .asking import Asker
from .checks import check_key
from .finding import Page, page_of, read_conditions, read_order, token_of
from .models import Holder, Models
from .problems import MlflowProblem, invalid, missing
from .registry_messages import (
    AliasAnswer,
    AliasGiven,
    AliasRequest,
    CreateRegisteredRequest,
    CreateVersionRequest,
    DownloadAnswer,
    LatestRequest,
    RegisteredAnswer,
    RegisteredFound,
    RegisteredListed,
    RegisteredRequest,
    RegisteredTagRequest,
    RenameRequest,
    SearchRegisteredRequest,
    SearchVersionsRequest,
    TransitionRequest,
    UpdateRegisteredRequest,
    UpdateVersionRequest,
    VersionAnswer,
    VersionFound,
    VersionRequest,
    VersionsFound,
    VersionsListed,
    VersionTagRequest,
)
from .requests import Pair

__all__ = ["ModelRegistry"]

T = TypeVar("T")
_STAGES = {one.lower(): one for one in ("None", "Staging", "Production", "Archived")}
_ARCHIVING = ("Staging", "Production")
_STAGE = "mlflow.stage"
_SOURCE = "mlflow.source"
_STORED_AT = "mlflow.storage"
_MODEL_FIELDS = ("name", "creation_timestamp", "last_updated_timestamp")
_VERSION_FIELDS = ("name", "run_id", "source_path", "version_number", "creation_timestamp", "last_updated_timestamp")  # fmt: skip
_PROMPT = "mlflow.prompt.is_prompt"
_PROJECT = "anew.project"
_MOST_MODELS = 1000
_MOST_VERSIONS = 200_000
_MOST_TAG = 100_000
_MOST_MODEL_TAG = 5000
_ALIAS = re.compile(r"[\w\-]{1,255}")
_VERSION_ALIAS = re.compile(r"[vV]\d+")
_LOGGED = re.compile(r"models:/+(m-[0-9a-f]{32})/?")
_NAMED = re.compile(r"models:/+([^/@]+)(?:/(\w+)|@([\w\-]+))")
_OF_RUN = re.compile(r"runs:/+([^/]+)/(.+)")
_STORED = re.compile(r"(?:mlflow-artifacts:|https?://[^/]+/[^?#]*?mlflow-artifacts/artifacts/)(.*)")
_FILES = ("file", "folder", "artifact", "mlflow")


class _Source(NamedTuple):
    """What a version is to point to: `path` lies in `experiment`, unless it is an address elsewhere."""

    experiment: str | None
    path: str


class ModelRegistry:
    """The registry of models. Any thread may call it.

    Args:
        logged: The logged models, which versions may point to.
        holder: Knows the MLflow experiment that a run is in.
    """

    def __init__(self, logged: Models, holder: Holder) -> None:
        self._logged = logged
        self._holder = holder

    # -- models ------------------------------------------------------------------------------------

    def create(self, who: Asker, asked: CreateRegisteredRequest) -> RegisteredFound:
        """Make a model without versions."""
        name = _model_name(asked.name)
        tags = _tags(asked.tags, _MOST_MODEL_TAG)
        registry = _registry(who)
        if registry.models(name):
            raise MlflowProblem(
                "RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists."
            )
        project = tags.get(_PROJECT)
        scope = who.models_scope if not project else f"project/{project.strip('/')}"
        if scope is None:
            raise MlflowProblem(
                "PERMISSION_DENIED",
                "You may write to several projects, and a registered model belongs to one of them: "
                f"give the name of the project as the tag {_PROJECT!r} of the model.",
            )
        with _answered(name):
            made = registry.create(
                name, scope=scope, description=asked.description or None, tags=tags
            )
        self._noted(who, "registered", made)
        return RegisteredFound(self._model(who, made))

    def get(self, who: Asker, asked: RegisteredRequest) -> RegisteredFound:
        """One model."""
        return RegisteredFound(self._model(who, _found(who, asked.name)))

    def rename(self, who: Asker, asked: RenameRequest) -> RegisteredFound:
        """Give a model another name."""
        name = _model_name(asked.new_name, "new_name")
        fact = _found(who, asked.name)
        with _answered(name):
            renamed = _registry(who).rename(fact.name, name, scope=fact.scope)
        self._noted(who, "renamed", renamed)
        return RegisteredFound(self._model(who, renamed))

    def update(self, who: Asker, asked: UpdateRegisteredRequest) -> RegisteredFound:
        """Set the description of a model."""
        fact = _found(who, asked.name)
        with _answered(fact.name):
            changed = _registry(who).describe(
                fact.name, asked.description or None, scope=fact.scope
            )
        return RegisteredFound(self._model(who, changed))

    def delete(self, who: Asker, asked: RegisteredRequest) -> Done:
        """Delete a model; `anew models restore` brings it back."""
        fact = _found(who, asked.name)
        with _answered(fact.name):
            _registry(who).delete(fact.name, scope=fact.scope)
        self._noted(who, "deleted", fact)
        return Done()

    def search(self, who: Asker, asked: SearchRegisteredRequest) -> RegisteredListed:
        """Which models meet a filter, by name if no order is given. Prompts are left out unless they are asked for."""
        conditions = read_conditions(asked.filter, _MODEL_FIELDS)
        order = read_order(map(_timestamp, asked.order_by or ()), _MODEL_FIELDS)
        limit = _limit(asked.max_results, _MOST_MODELS)
        prompts = any(one.entity == "tag" and one.name == _PROMPT for one in conditions)
        met = [
            one
            for one in _registry(who).models()
            if (prompts or one.tags.get(_PROMPT) != "true") and _meets(one, conditions, _of_model)
        ]
        page, token = _page(in_order(met, order, _of_model), asked.page_token, limit)
        return RegisteredListed(tuple(self._model(who, one) for one in page), token)

    def set_tag(self, who: Asker, asked: RegisteredTagRequest) -> Done:
        """Set a tag of a model."""
        tags = _tags((Pair(asked.key, asked.value),), _MOST_MODEL_TAG)
        fact = _found(who, asked.name)
        with _answered(fact.name):
            _registry(who).tag(fact.name, tags, scope=fact.scope)
        return Done()

    def delete_tag(self, who: Asker, asked: RegisteredTagRequest) -> Done:
        """Remove a tag of a model, if it has it."""
        check_key("Tag", asked.key)
        fact = _found(who, asked.name)
        with _answered(fact.name):
            _registry(who).tag(fact.name, remove=[asked.key], scope=fact.scope)
        return Done()

    # -- aliases -----------------------------------------------------------------------------------

    def set_alias(self, who: Asker, asked: AliasGiven) -> Done:
        """Have an alias mean a version from now on."""
        alias = _alias(asked.alias)
        fact, version = _version_found(who, asked.name, asked.version)
        with _answered(fact.name):
            _registry(who).point(fact.name, alias, version.number, scope=fact.scope)
        self._noted(who, "promoted", fact, f":{version.number} {alias}")
        return Done()

    def delete_alias(self, who: Asker, asked: AliasRequest) -> Done:
        """Take an alias away, if the model has it."""
        alias = _alias(asked.alias)
        fact = _found(who, asked.name)
        if alias in {one.alias for one in fact.aliases}:
            with _answered(fact.name):
                _registry(who).unpoint(fact.name, alias, scope=fact.scope)
            self._noted(who, "demoted", fact, f" {alias}")
        return Done()

    def by_alias(self, who: Asker, asked: AliasRequest) -> VersionFound:
        """The version that an alias means."""
        fact = _found(who, asked.name)
        if asked.alias.lower() == "latest" and fact.latest is not None:
            return VersionFound(self._version(who, fact.latest))
        try:
            return VersionFound(self._version(who, version_of(fact, None, asked.alias)))
        except NotFound:
            raise invalid(f"Registered model alias {asked.alias:.250} not found.") from None

    # -- versions ----------------------------------------------------------------------------------

    def create_version(self, who: Asker, asked: CreateVersionRequest) -> VersionFound:
        """Make the next version of a model."""
        fact = _found(who, asked.name)
        tags = _tags(asked.tags, _MOST_TAG)
        given = {"run_id": asked.run_id, "run_link": asked.run_link, "model_id": asked.model_id}
        extra = {_SOURCE: asked.source} | {f"mlflow.{k}": v for k, v in given.items() if v}
        target = self._target(who, asked)
        named = _version_named(who, asked.source)
        if named is not None:
            extra[_STORED_AT] = self._download(who, named)
        with _answered(fact.name):
            made = _registry(who).register(
                fact.name, target, scope=fact.scope, description=asked.description or None, tags=tags, extra=extra
            )  # fmt: skip
        if asked.model_id:
            with contextlib.suppress(MlflowProblem):  # who may register it may not write to it
                self._logged.registered(who, asked.model_id, fact.name, made.number)
        self._noted(who, "registered", fact, f":{made.number}")
        return VersionFound(self._version(who, made))

    def get_version(self, who: Asker, asked: VersionRequest) -> VersionFound:
        """One version."""
        return VersionFound(self._version(who, _version_found(who, asked.name, asked.version)[1]))

    def update_version(self, who: Asker, asked: UpdateVersionRequest) -> VersionFound:
        """Set the description of a version."""
        fact, one = _version_found(who, asked.name, asked.version)
        return VersionFound(
            self._version(who, self._edit(who, fact, one, description=asked.description or None))
        )

    def transition(self, who: Asker, asked: TransitionRequest) -> VersionFound:
        """Give a version another stage; the versions that had it are archived, if that is asked for."""
        stage = _stage(asked.stage)
        if asked.archive_existing_versions and stage not in _ARCHIVING:
            raise invalid(
                f"Model version transition cannot archive existing model versions because '{stage}' is not an Active stage. "
                f"Valid stages are {', '.join(_ARCHIVING)}"
            )
        fact, one = _version_found(who, asked.name, asked.version)
        if asked.archive_existing_versions:
            for other in fact.versions:
                if other.number != one.number and _stage_of(other) == stage:
                    self._edit(who, fact, other, extra={_STAGE: "Archived"})
        changed = self._edit(who, fact, one, extra={_STAGE: stage})
        self._noted(who, "promoted", fact, f":{one.number} {stage}")
        return VersionFound(self._version(who, changed))

    def delete_version(self, who: Asker, asked: VersionRequest) -> Done:
        """Withdraw a version."""
        fact, one = _version_found(who, asked.name, asked.version)
        with _answered(fact.name):
            _registry(who).withdraw(f"{fact.name}:{one.number}", scope=fact.scope)
        self._noted(who, "deleted", fact, f":{one.number}")
        return Done()

    def set_version_tag(self, who: Asker, asked: VersionTagRequest) -> Done:
        """Set a tag of a version."""
        tags = _tags((Pair(asked.key, asked.value),), _MOST_TAG)
        fact, one = _version_found(who, asked.name, asked.version)
        self._edit(who, fact, one, add=tags)
        return Done()

    def delete_version_tag(self, who: Asker, asked: VersionTagRequest) -> Done:
        """Remove a tag of a version, if it has it."""
        check_key("Tag", asked.key)
        fact, one = _version_found(who, asked.name, asked.version)
        self._edit(who, fact, one, remove=[asked.key])
        return Done()

    def search_versions(self, who: Asker, asked: SearchVersionsRequest) -> VersionsListed:
        """Which versions meet a filter; those that were changed last come first if no order is given."""
        conditions = read_conditions(asked.filter, _VERSION_FIELDS)
        order = read_order(asked.order_by, _VERSION_FIELDS)
        limit = _limit(asked.max_results, _MOST_VERSIONS)
        prompts = any(one.entity == "tag" and one.name == _PROMPT for one in conditions)
        every = [
            self._version(who, one)
            for model in _registry(who).models()
            for one in model.versions
            if prompts or one.tags.get(_PROMPT) != "true"
        ]
        every.sort(key=lambda one: (one.name, -int(one.version)))
        if not order:
            every.sort(key=lambda one: -one.last_updated_timestamp)
        met = [one for one in every if _meets(one, conditions, _of_version)]
        page, token = _page(in_order(met, order, _of_version), asked.page_token, limit)
        return VersionsListed(tuple(page), token)

    def latest(self, who: Asker, asked: LatestRequest) -> VersionsFound:
        """The newest version in each of some stages."""
        stages = [_stage(one) for one in asked.stages] or [*_STAGES.values()]
        newest = _newest(_found(who, asked.name))
        found = [newest[one] for one in dict.fromkeys(stages) if one in newest]
        return VersionsFound(tuple(self._version(who, one) for one in found))

    def download_uri(self, who: Asker, asked: VersionRequest) -> DownloadAnswer:
        """Where the files of a version are found."""
        return DownloadAnswer(
            self._download(who, _version_found(who, asked.name, asked.version)[1])
        )

    # -- what they share ---------------------------------------------------------------------------

    def _edit(self, who: Asker, fact: ModelFact, one: VersionFact, **given: Any) -> VersionFact:
        with _answered(fact.name):
            return _registry(who).edit_version(
                f"{fact.name}:{one.number}", scope=fact.scope, **given
            )

    def _noted(self, who: Asker, did: str, fact: ModelFact, what: str = "") -> None:
        who.note(did, fact.scope.removeprefix("project/"), f"model {fact.name}{what}")

    def _target(self, who: Asker, asked: CreateVersionRequest) -> Target:
        """What a version is to point to: files of a run that the caller may see, or an address as it was given."""
        source = asked.source
        _check_source(source)
        one = _version_named(who, source)
        if one is not None:
            return Target(points_to=one.points_to, ref=one.ref, experiment=one.experiment, digest=one.digest)  # fmt: skip
        place = self._place(who, asked)
        if place.experiment is None:
            return Target(points_to="address", ref=source)
        text = f"mlflow:{place.experiment}/{safe_path(place.path)}"
        try:
            found: Target = _pointed(who.registered(), text)
        except (NotFound, LookupError):  # MLflow takes an address before anything lies there
            if who.reader.find(place.experiment) is None:
                return Target(points_to="address", ref=source)
            return Target(points_to="mlflow", ref=place.path, experiment=place.experiment)
        return found

    def _place(self, who: Asker, asked: CreateVersionRequest) -> _Source:
        source = asked.source
        logged = _LOGGED.fullmatch(source)
        if logged is not None:
            if asked.model_id and asked.model_id != logged[1]:
                raise invalid(f"Invalid model version source: {source!r:.200} is not the model {asked.model_id:.80}.")  # fmt: skip
            model = self._logged.of(who, logged[1])
            return _Source(model.holder, artifacts.model_folder(model.id))
        of_run = _OF_RUN.fullmatch(source)
        if of_run is not None:
            return _Source(of_run[1], of_run[2].strip("/"))
        stored = _STORED.fullmatch(source)
        if stored is None:
            return _Source(None, source)
        path = stored[1]
        if path.startswith("//"):
            path = path[2:].partition("/")[2]
        try:
            place = artifacts.place_of(path.strip("/"))
        except MlflowProblem:
            return _Source(None, source)
        if place.model_id:
            model = self._logged.of(who, place.model_id)
            base = artifacts.model_folder(model.id)
            return _Source(model.holder, f"{base}/{place.path}" if place.path else base)
        return _Source(place.run_id, place.path)

    def _model(self, who: Asker, fact: ModelFact) -> RegisteredAnswer:
        there = {one.number for one in fact.versions}
        newest = _newest(fact)
        return RegisteredAnswer(
            name=fact.name, creation_timestamp=milliseconds(fact.created_at), last_updated_timestamp=milliseconds(fact.updated_at),
            user_id=fact.user, description=fact.description or "",
            latest_versions=tuple(self._version(who, newest[one]) for one in _STAGES.values() if one in newest),
            tags=_pairs(fact.tags),
            aliases=tuple(AliasAnswer(alias=a.alias, version=str(a.number)) for a in fact.aliases if a.number in there),
        )  # fmt: skip

    def _version(self, who: Asker, one: VersionFact) -> VersionAnswer:
        return VersionAnswer(
            name=one.model, version=str(one.number), creation_timestamp=milliseconds(one.created_at),
            last_updated_timestamp=milliseconds(one.updated_at), user_id=one.user, current_stage=_stage_of(one),
            description=one.description or "", source=self._source(who, one),
            run_id=_run_of(one), run_link=one.extra.get("mlflow.run_link", ""),
            status="READY", tags=_pairs(one.tags), aliases=one.aliases, model_id=one.extra.get("mlflow.model_id", ""),
        )  # fmt: skip

    def _download(self, who: Asker, one: VersionFact) -> str:
        """Where its files are found: of a copy of another version, where those of the other one were."""
        return one.extra.get(_STORED_AT) or self._source(who, one)

    def _source(self, who: Asker, one: VersionFact) -> str:
        """The address that its client gave, or where its files lie behind this server."""
        given = one.extra.get(_SOURCE)
        if given is not None:
            return given
        if one.points_to not in _FILES or one.experiment is None:
            return one.ref if one.points_to == "address" else f"anew:{one.points_to}:{one.ref}"
        facts = who.reader.find(one.experiment, "state")
        experiment_id = "0" if facts is None else self._holder.group_of(facts)
        return f"{artifacts.uri_of(experiment_id, one.experiment)}/{one.ref}"


def _registry(who: Asker) -> Registry:
    return who.registered().registry


def _pointed(registered: Registered, text: str) -> Target:
    from ....models.pointing import target_from

    return target_from(text, registered.find, registered.repository)[0]


@contextmanager
def _answered(name: str) -> Iterator[None]:
    """Errors in MLflow's words."""
    try:
        yield
    except Conflict:
        raise MlflowProblem(
            "RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists."
        ) from None
    except NotFound as error:
        raise missing(str(error)) from error
    except (InvalidName, Ambiguous) as error:
        raise invalid(str(error)) from error


def _found(who: Asker, name: str) -> ModelFact:
    _model_name(name)
    try:
        return _registry(who).model(name)
    except NotFound:
        raise missing(f"Registered Model with name={name:.250} not found") from None
    except (InvalidName, Ambiguous) as error:
        raise invalid(str(error)) from error


def _version_found(who: Asker, name: str, version: str) -> tuple[ModelFact, VersionFact]:
    number = _number(version)
    fact = _found(who, name)
    return fact, _numbered(fact, str(number))


def _numbered(fact: ModelFact, version: str) -> VersionFact:
    number = _number(version)
    for one in fact.versions:
        if one.number == number:
            return one
    raise missing(f"Model Version (name={fact.name}, version={number}) not found")


def _version_named(who: Asker, source: str) -> VersionFact | None:
    """The version that `models:/name/3` or `models:/name@alias` means; None for any other address."""
    named = _NAMED.fullmatch(source)
    if named is None:
        return None
    fact = _found(who, named[1])
    return _numbered(fact, named[2]) if named[2] else _aliased(fact, named[3])


def _aliased(fact: ModelFact, alias: str) -> VersionFact:
    try:
        return version_of(fact, None, alias)
    except NotFound as error:
        raise missing(str(error)) from None


def _number(version: str) -> int:
    if not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise invalid(f"Parameter 'version' must be an integer, got '{version:.80}'.")
    return int(version)


def _model_name(name: str | None, what: str = "name") -> str:
    if name is None or not name.strip():
        raise invalid(f"Missing value for required parameter '{what}'.")
    if "/" in name or ":" in name:
        raise invalid(f"Invalid model name '{name:.250}'. Names cannot contain '/' or ':'.")
    return name


def _alias(alias: str) -> str:
    if not alias:
        raise invalid("Registered model alias name cannot be empty.")
    if not _ALIAS.fullmatch(alias):
        raise invalid(f"Invalid alias name: '{alias:.250}'. Names may only contain alphanumerics, underscores (_), and dashes (-).")  # fmt: skip
    if alias.lower() == "latest":
        raise invalid("'latest' alias name (case insensitive) is reserved.")
    if _VERSION_ALIAS.fullmatch(alias):
        raise invalid(f"Version alias name '{alias}' is reserved.")
    return alias


def _stage(given: str) -> str:
    found = _STAGES.get(given.lower())
    if found is None:
        raise invalid(
            f"Invalid Model Version stage: {given:.80}. Value must be one of {', '.join(_STAGES.values())}."
        )
    return found


def _stage_of(one: VersionFact) -> str:
    return _STAGES.get(one.extra.get(_STAGE, "None").lower(), "None")


def _newest(fact: ModelFact) -> dict[str, VersionFact]:
    """The newest version in each stage."""
    return {_stage_of(one): one for one in fact.versions}


def _run_of(one: VersionFact) -> str:
    given = one.extra.get("mlflow.run_id")
    return given or (one.experiment or "" if _SOURCE not in one.extra else "")


def _check_source(source: str) -> None:
    """Refuse what leads to a file of some machine: no client says where anything lies."""
    text = source
    while (plain := unquote_plus(text)) != text:
        text = plain
    bad = (
        not source
        or text.startswith(("/", "\\", "~", "."))
        or text.lower().startswith("file:")
        or re.match(r"[A-Za-z]:[\\/]", text)
        or not text.isprintable()
        or ".." in re.split(r"[/\\]", text)
    )
    if bad:
        raise invalid(
            f"Invalid model version source: '{source:.250}'. A source is an address of a run, of a logged model or of a store elsewhere; "
            "a local path is none. If supplying a source as an http, https, s3 or mlflow-artifacts address, leave out relative parts."
        )


def _tags(given: Sequence[Pair], most: int) -> dict[str, str]:
    for one in given:
        check_key("Tag", one.key)
        if len(one.value) > most:
            raise invalid(
                f"Tag value '{one.value[:40]}…' had length {len(one.value)}, which exceeded length limit of {most}"
            )
    return {one.key: one.value for one in given}


def _pairs(given: dict[str, str]) -> tuple[Pair, ...]:
    return tuple(Pair(key, value) for key, value in given.items())


def _timestamp(clause: str) -> str:
    """MLflow's other word for when a model was last changed."""
    return re.sub(r"^\s*timestamp\b", "last_updated_timestamp", clause)


def _limit(given: int, most: int) -> int:
    if not 1 <= given <= most:
        raise invalid(
            f"Invalid value {given} for parameter 'max_results' supplied: It must be at least 1 and at most {most}."
        )
    return given


def _page(found: list[T], token: str | None, limit: int) -> tuple[list[T], str | None]:
    start = page_of(token).offset
    stop = start + limit
    return found[start:stop], token_of(Page(stop)) if stop < len(found) else None


def _meets(
    one: T, conditions: Sequence[Condition], get: Callable[[T, str, str], list[Any]]
) -> bool:
    return all(c.holds(get(one, c.entity, c.name)) for c in conditions)


def _of_model(one: ModelFact, entity: str, name: str) -> list[Any]:
    if entity == "tag":
        return _tag(one.tags, name)
    given = {
        "name": one.name, "creation_timestamp": milliseconds(one.created_at), "last_updated_timestamp": milliseconds(one.updated_at),
    }  # fmt: skip
    return [given[name]] if entity == "attribute" else []


def _tag(tags: dict[str, str], name: str) -> list[str]:
    """The value of a tag; what does not say whether it is a prompt is none: the client asks for `!= 'true'`."""
    if name == _PROMPT:
        return [tags.get(name, "false")]
    return [tags[name]] if name in tags else []


def _of_version(one: VersionAnswer, entity: str, name: str) -> list[Any]:
    if entity == "tag":
        return _tag({tag.key: tag.value for tag in one.tags}, name)
    if entity != "attribute":
        return []
    given = {"source_path": "source", "version_number": "version"}
    found = getattr(one, given.get(name, name))
    return [int(found) if name == "version_number" else found]
