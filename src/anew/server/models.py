"""The routes of registered models and of lineage: who may change a model, its scope says."""

from __future__ import annotations

import msgspec

from ..models.asking import find_lineage
from ..models.lineage import LineageFacts
from ..models.names import parse_ref
from ..models.views import Models, ModelVersion
from ..record.models import AliasFact, ModelFact, VersionFact
from ..store import Store
from . import asking
from .routes import Call

__all__ = [
    "DemoteRequest",
    "EditRequest",
    "LineageRequest",
    "ModelRequest",
    "ModelsRequest",
    "PromoteRequest",
    "RegisterRequest",
    "RenameRequest",
    "RestoreRequest",
    "bring_back",
    "delete",
    "demote",
    "edit",
    "lineage",
    "model",
    "models",
    "promote",
    "register",
    "registered_models",
    "rename",
]


class ModelsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Registered models.

    Attributes:
        name: Only those of this name.
        scope: Only those that concern everybody ("root") or a project ("project/<prefix>").
        gone: Those that were deleted, in place of those that are there.
    """

    name: str | None = None
    scope: str | None = None
    gone: bool = False


class ModelRequest(msgspec.Struct, frozen=True):
    """A model by its name or `project/name`."""

    ref: str


class RegisterRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The next version of a model, which is made if it is not there.

    Attributes:
        target: What the version is: `EXPERIMENT:PATH` of a file or folder that it logged, `EXPERIMENT`, or an address.
        why: Why, for the history.
    """

    model: str
    target: str
    why: str | None = None
    description: str | None = None
    tags: dict[str, str] = {}


class PromoteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Have an alias mean a version.

    Attributes:
        version: `name:3` or `name@alias`.
        require: The verdict that re-runs must have: "identical", "within", "within:1e-3", "within:rtol=1e-3,atol=1e-6".
    """

    version: str
    alias: str
    why: str | None = None
    require: str | None = None


class DemoteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Take an alias away."""

    model: str
    alias: str
    why: str | None = None


class EditRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Set the description and tags of a model, or of a version of it (`name:3`).

    Attributes:
        description: An empty text removes it; what is not given stays.
        add: Tags to set; `remove` tags to remove.
    """

    ref: str
    description: str | None = None
    add: dict[str, str] = {}
    remove: tuple[str, ...] = ()


class RenameRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Give a model another name."""

    model: str
    name: str


class RestoreRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Bring back a model that was deleted, or a version that was withdrawn (`name:3`).

    Attributes:
        name: What to call a model whose name another one has by now.
    """

    ref: str
    name: str | None = None


class LineageRequest(msgspec.Struct, frozen=True):
    """Where something comes from, and what came of it.

    Attributes:
        of: A version of a model, an experiment, or the name or hash of a content.
    """

    of: str


def models(call: Call) -> tuple[ModelFact, ...]:
    """The models."""
    asked: ModelsRequest = call.question
    found = registered_models(call).registry.models(asked.name, scope=asked.scope, gone=asked.gone)
    return tuple(found)


def model(call: Call) -> ModelFact:
    """One model, with all that happened to it."""
    return registered_models(call).registry.model(call.question.ref, history=True)


def register(call: Call) -> VersionFact:
    """Make a version."""
    asked: RegisterRequest = call.question
    made = registered_models(call).register(
        asked.model, asked.target, why=asked.why, description=asked.description, tags=asked.tags
    )
    call.note("registered", _project(made.scope), f"model {made}")
    return made.fact


def promote(call: Call) -> AliasFact:
    """Move an alias."""
    asked: PromoteRequest = call.question
    version = registered_models(call).version(asked.version)
    moved = version.promote(asked.alias, why=asked.why, require=asked.require)
    call.note("promoted", _project(version.scope), f"model {version} {asked.alias}")
    return moved


def demote(call: Call) -> ModelFact:
    """Take an alias away."""
    asked: DemoteRequest = call.question
    registered = registered_models(call)
    found = registered.get(asked.model)
    found.demote(asked.alias, why=asked.why)
    call.note("demoted", _project(found.scope), f"model {found.name} {asked.alias}")
    return registered.get(asked.model).fact


def edit(call: Call) -> ModelFact:
    """Set descriptions and tags."""
    asked: EditRequest = call.question
    registered = registered_models(call)
    found = registered[asked.ref]
    if asked.description is not None:
        found = found.describe(asked.description or None)
    if asked.add or asked.remove:
        found.tag(asked.add, asked.remove)
    call.note("edited", _project(found.scope), f"model {asked.ref}")
    return registered.get(asked.ref).fact


def rename(call: Call) -> ModelFact:
    """Give a model another name."""
    asked: RenameRequest = call.question
    found = registered_models(call).get(asked.model).rename(asked.name)
    call.note("renamed", _project(found.scope), f"model {asked.model} to {asked.name}")
    return found.fact


def delete(call: Call) -> ModelFact:
    """Delete a model, or withdraw a version; the model as it was."""
    registered = registered_models(call)
    found = registered[call.question.ref]
    was = registered.get(call.question.ref).fact
    if isinstance(found, ModelVersion):
        found.withdraw()
    else:
        found.delete()
    call.note("deleted", _project(was.scope), f"model {call.question.ref}")
    return was


def bring_back(call: Call) -> ModelFact:
    """Bring back a model or a version."""
    asked: RestoreRequest = call.question
    registered = registered_models(call)
    number = None if "~" in asked.ref else parse_ref(asked.ref).number
    if number is not None:
        registered.get(asked.ref).restore(number)
        found = registered.get(asked.ref)
    else:
        found = registered.restore(asked.ref, to=asked.name)
    call.note("restored", _project(found.scope), f"model {asked.ref}")
    return found.fact


def lineage(call: Call) -> LineageFacts:
    """Where something comes from, and what came of it."""
    backend = call.place.backend(call.caller)
    return find_lineage(backend, call.question.of, files=False)  # the server's own disk is nobody's


def _project(scope: str) -> str:
    return scope.removeprefix("project/")


def registered_models(call: Call) -> Models:
    """The registered models, as the caller may see and change them."""
    store = Store(call.place.backend(call.caller))
    return Models(
        store.backend,
        store.get,
        lambda: store.weights,
        append=lambda question: asking.append_allowed(call, question),
    )
