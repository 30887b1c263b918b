"""MLflow's registry of models as a view of the store's own: registered models, their versions and aliases."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeVar

from anew.errors import AnewError, Conflict, InvalidName, InvalidValue, NotFound

from . import logged, places
from .entities import PagedList
from .exceptions import MlflowException, missing

if TYPE_CHECKING:
    Facts = Any

__all__ = [
    "ModelVersion",
    "RegisteredModel",
    "add_version",
    "delete_alias",
    "delete_model",
    "delete_version",
    "get_model",
    "get_version",
    "make_model",
    "register_model",
    "rename_model",
    "search_model_versions",
    "search_registered_models",
    "set_alias",
    "set_model_version_tag",
    "source_of",
    "tag_model",
    "tag_version",
    "update_model",
    "update_version",
    "version_of_alias",
]

T = TypeVar("T")
_CONDITION = re.compile(
    r"""\s*(?:(name|run_id|source_path)|tags?\.(?:`([^`]+)`|"([^"]+)"|([\w.-]+)))\s*"""
    r"""(=|!=|LIKE|ILIKE|IN)\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\([^)]*\))\s*""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model, times in milliseconds."""

    name: str
    version: int
    creation_timestamp: int
    last_updated_timestamp: int
    description: str | None = None
    user_id: str | None = None
    source: str | None = None
    run_id: str | None = None
    run_link: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    model_id: str | None = None
    status: str = "READY"
    status_message: str | None = None
    current_stage: str = "None"


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model, times in milliseconds; `aliases` are versions by alias, `latest_versions` its newest version."""

    name: str
    creation_timestamp: int
    last_updated_timestamp: int
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    latest_versions: list[ModelVersion] = field(default_factory=list)


@contextmanager
def _answered() -> Iterator[None]:
    """Errors as MLflow raises them."""
    try:
        yield
    except MlflowException:
        raise
    except Conflict as error:
        raise MlflowException(error, "RESOURCE_ALREADY_EXISTS") from error
    except NotFound as error:
        raise missing(str(error)) from error
    except (InvalidName, InvalidValue) as error:
        raise MlflowException.invalid_parameter_value(str(error)) from error
    except AnewError as error:
        raise MlflowException(error) from error


def _models() -> Any:
    """The store's models; the store is made where nothing was recorded yet."""
    found = places.store()
    if found is None:
        os.makedirs(places.root(), exist_ok=True)
        found = places.store()
    assert found is not None
    return found.models


# -- models -----------------------------------------------------------------------------------------


def make_model(
    name: str, tags: Mapping[str, Any] | None = None, description: str | None = None
) -> RegisteredModel:
    """Make a model without versions."""
    with _answered():
        texts = {str(key): str(value) for key, value in (tags or {}).items()}
        made = _models().create(name, description=description, tags=texts)
        return _model(made.fact)


def get_model(name: str) -> RegisteredModel:
    """A model."""
    with _answered():
        return _model(_models().get(name).fact)


def rename_model(name: str, new_name: str) -> RegisteredModel:
    """Give a model another name."""
    with _answered():
        return _model(_models().get(name).rename(new_name).fact)


def update_model(name: str, description: str | None) -> RegisteredModel:
    """Set a model's description."""
    with _answered():
        return _model(_models().get(name).describe(description).fact)


def tag_model(name: str, key: str, value: Any = None, *, remove: bool = False) -> None:
    """Set or remove a tag of a model."""
    with _answered():
        _models().get(name).tag({} if remove else {str(key): str(value)}, [key] if remove else [])


def delete_model(name: str) -> None:
    """Delete a model; `anew models restore` brings it back."""
    with _answered():
        _models().get(name).delete()


# -- versions ---------------------------------------------------------------------------------------


def register_model(
    model_uri: str,
    name: str,
    await_registration_for: int | None = None,
    *,
    tags: Mapping[str, Any] | None = None,
    env_pack: Any = None,
) -> ModelVersion:
    """Make the next version of a model out of `runs:/ID/path`; the model is made if it is not there.

    Raises:
        MlflowException: There is nothing at that address, or the model cannot be called so.
    """
    try:
        get_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        make_model(name)
    return add_version(name, model_uri, tags=tags)


def add_version(
    name: str,
    source: str,
    run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    run_link: str | None = None,
    description: str | None = None,
    model_id: str | None = None,
) -> ModelVersion:
    """Make the next version of a model that is there."""
    with _answered():
        models = _models()
        models.get(name)
        if source.startswith("models:/"):
            source = models.version(_ref(source)).fact.extra.get("mlflow.source", source)
        extra = {"mlflow.source": source}
        for key, value in (("run_link", run_link), ("model_id", model_id), ("run_id", run_id)):
            if value:
                extra[f"mlflow.{key}"] = str(value)
        texts = {str(key): str(value) for key, value in (tags or {}).items()}
        made = models.register(
            name, _target(source), description=description, tags=texts, extra=extra
        )
        return _version(made.fact)


def _target(source: str) -> str:
    """What a source is as the store's models write it."""
    found = re.fullmatch(r"runs:/+([^/]+)/(.+)", source)
    if found:
        return f"mlflow:{found[1]}/{found[2].strip('/')}"
    if "://" in source:
        return source
    return "file://" + os.path.abspath(source)


def get_version(name: str, version: Any) -> ModelVersion:
    """A version by its number."""
    with _answered():
        return _version(_models().get(name)[_number(version)].fact)


def version_of_alias(name: str, alias: str) -> ModelVersion:
    """The version that an alias means."""
    with _answered():
        model = _models().get(name)
        if alias.lower() != "latest" and alias not in model.aliases:
            raise MlflowException.invalid_parameter_value(
                f"Registered model alias {alias} not found."
            )
        return _version(model[alias].fact)


def update_version(name: str, version: Any, description: str | None) -> ModelVersion:
    """Set a version's description."""
    with _answered():
        return _version(_models().get(name)[_number(version)].describe(description).fact)


def tag_version(
    name: str, version: Any, key: str, value: Any = None, *, remove: bool = False
) -> None:
    """Set or remove a tag of a version."""
    with _answered():
        one = _models().get(name)[_number(version)]
        one.tag({} if remove else {str(key): str(value)}, [key] if remove else [])


def set_model_version_tag(
    name: str, version: Any = None, key: str | None = None, value: Any = None
) -> None:
    """Set a tag of a version."""
    tag_version(name, version, str(key), value)


def delete_version(name: str, version: Any) -> None:
    """Withdraw a version; aliases that meant it are gone."""
    with _answered():
        _models().get(name)[_number(version)].withdraw()


def set_alias(name: str, alias: str, version: Any) -> None:
    """Have an alias mean a version from now on."""
    with _answered():
        _models().get(name).promote(_number(version), alias)


def delete_alias(name: str, alias: str) -> None:
    """Take an alias away; nothing is said where there is none."""
    with _answered():
        model = _models().get(name)
        if alias in model.aliases:
            model.demote(alias)


def source_of(uri: str) -> str:
    """The address in its run of what `models:/name/3`, `models:/name@alias` or `models:/<id of a logged model>` means; any other address as it is.

    Raises:
        MlflowException: There is no such version.
    """
    if not uri.startswith("models:/"):
        return uri
    with _answered():
        parts = uri.removeprefix("models:/").strip("/").split("/")
        # Of a path in the model, the first two parts name the version, or the first one with an alias.
        count = 1 if "@" in parts[0] else 2
        place = logged.place_of(parts[0])
        if place is not None:
            return "/".join([place, *parts[1:]])
        fact = _models().version(_ref("/".join(parts[:count]))).fact
        if fact.experiment is None:
            raise missing(f"{uri!r} lies at {fact.ref}, which is not downloaded from here.")
        return "/".join([f"runs:/{fact.experiment}", fact.ref, *parts[count:]])


def _ref(uri: str) -> str:
    """`models:/name/3` and `models:/name@alias` as the store's models write them."""
    text = uri.removeprefix("models:/").strip("/")
    name, slash, which = text.partition("/")
    return f"{name}@{which}" if slash else text


def _number(version: Any) -> int:
    text = str(version)
    if not text.isdecimal() or len(text) > 9:
        raise MlflowException.invalid_parameter_value(
            f"Model version must be an integer, got '{version}'"
        )
    return int(text)


# -- searching --------------------------------------------------------------------------------------


def search_registered_models(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[RegisteredModel]:
    """The models for which a filter on name and tags is true, by name; all of them, if no number is given."""
    with _answered():
        fits = _parsed(filter_string, ("name",))
        found = [_model(one.fact) for one in _models()]
        chosen = [one for one in found if fits({"name": one.name}, one.tags)]
    most = max_results or max(1, len(chosen))
    return _page(_sorted(chosen, order_by, ("name", "last_updated_timestamp")), most, page_token)


def search_model_versions(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[ModelVersion]:
    """The versions for which a filter on name, run_id, source_path and tags is true; the newest first."""
    with _answered():
        fits = _parsed(filter_string, ("name", "run_id", "source_path"))
        every = [_version(one) for model in _models() for one in model.fact.versions]
    chosen = [
        one
        for one in every
        if fits(
            {"name": one.name, "run_id": one.run_id or "", "source_path": one.source or ""},
            one.tags,
        )
    ]
    chosen.sort(key=lambda one: (-one.last_updated_timestamp, one.name, -one.version))
    fields = ("name", "version_number", "last_updated_timestamp", "creation_timestamp")
    return _page(_sorted(chosen, order_by, fields), max_results, page_token)


Fits = Callable[[Mapping[str, str], Mapping[str, str]], bool]


def _parsed(text: str | None, known: Iterable[str]) -> Fits:
    """A filter such as `name LIKE 'a%' AND tags.stage = 'done'`."""
    conditions: list[tuple[str, str, str, list[str]]] = []
    at, text = 0, (text or "").strip()
    while at < len(text):
        found = _CONDITION.match(text, at)
        if found is None or (found[1] and found[1].lower() not in known):
            raise MlflowException.invalid_parameter_value(f"Invalid filter '{text}'")
        tag = found[2] or found[3] or found[4]
        values = re.findall(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", found[6])
        given = [re.sub(r"\\(.)", r"\1", one or other) for one, other in values]
        kind, name = ("tag", tag) if tag else ("field", found[1].lower())
        conditions.append((kind, name, found[5].upper(), given))
        at = found.end()
        if at < len(text):
            also = re.compile(r"AND\s+", re.IGNORECASE).match(text, at)
            if also is None:
                raise MlflowException.invalid_parameter_value(f"Invalid filter '{text}'")
            at = also.end()

    def fits(fields: Mapping[str, str], tags: Mapping[str, str]) -> bool:
        return all(
            _meets(tags.get(name) if kind == "tag" else fields[name], operator, given)
            for kind, name, operator, given in conditions
        )

    return fits


def _meets(value: str | None, operator: str, given: list[str]) -> bool:
    if value is None or not given:
        return False
    match operator:
        case "=":
            return value == given[0]
        case "!=":
            return value != given[0]
        case "IN":
            return value in given
        case _:
            pattern = "".join(
                "*" if c == "%" else "?" if c == "_" else f"[{c}]" if c in "*?[" else c
                for c in given[0]
            )
            if operator == "ILIKE":
                value, pattern = value.lower(), pattern.lower()
            return fnmatchcase(value, pattern)


def _sorted(found: list[T], order_by: Sequence[str] | None, known: tuple[str, ...]) -> list[T]:
    for clause in reversed([order_by] if isinstance(order_by, str) else order_by or []):
        name, _, direction = clause.strip().partition(" ")
        if name not in known or direction.strip().upper() not in ("", "ASC", "DESC"):
            raise MlflowException.invalid_parameter_value(f"Invalid order by clause '{clause}'.")
        attribute = "version" if name == "version_number" else name
        found = sorted(
            found,
            key=lambda one, by=attribute: getattr(one, by),  # type: ignore[misc]
            reverse=direction.strip().upper() == "DESC",
        )
    return found


def _page(found: list[T], most: int | None, token: str | None) -> PagedList[T]:
    start = int(token) if token and token.isdecimal() else 0
    end = start + (most or 100)
    return PagedList(found[start:end], str(end) if len(found) > end else None)


# -- as MLflow shows them ---------------------------------------------------------------------------


def _model(fact: Facts) -> RegisteredModel:
    newest = [_version(fact.latest)] if fact.latest is not None else []
    return RegisteredModel(
        fact.name, _milliseconds(fact.created_at), _milliseconds(fact.updated_at), fact.description, dict(fact.tags),
        {one.alias: one.number for one in fact.aliases}, newest,
    )  # fmt: skip


def _version(fact: Facts) -> ModelVersion:
    source = fact.extra.get("mlflow.source")
    if source is None:
        source = f"runs:/{fact.experiment}/{fact.ref}" if fact.experiment else fact.ref
    return ModelVersion(
        fact.model, fact.number, _milliseconds(fact.created_at), _milliseconds(fact.updated_at), fact.description,
        fact.user or None, source, fact.experiment or fact.extra.get("mlflow.run_id"), fact.extra.get("mlflow.run_link"),
        dict(fact.tags), list(fact.aliases), fact.extra.get("mlflow.model_id"),
    )  # fmt: skip


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
