"""What MLflow's client asks of the registry of models and is answered, by the names of its protocol. Times are milliseconds since the epoch."""

from __future__ import annotations

import msgspec

from .requests import Pair

__all__ = [
    "AliasAnswer",
    "AliasGiven",
    "AliasRequest",
    "CreateRegisteredRequest",
    "CreateVersionRequest",
    "DownloadAnswer",
    "LatestRequest",
    "RegisteredAnswer",
    "RegisteredFound",
    "RegisteredListed",
    "RegisteredRequest",
    "RegisteredTagRequest",
    "RenameRequest",
    "SearchRegisteredRequest",
    "SearchVersionsRequest",
    "TransitionRequest",
    "UpdateRegisteredRequest",
    "UpdateVersionRequest",
    "VersionAnswer",
    "VersionFound",
    "VersionRequest",
    "VersionTagRequest",
    "VersionsFound",
    "VersionsListed",
]


class CreateRegisteredRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new registered model."""

    name: str
    tags: tuple[Pair, ...] = ()
    description: str | None = None


class RegisteredRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One registered model."""

    name: str


class RenameRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Another name for a registered model."""

    name: str
    new_name: str | None = None


class UpdateRegisteredRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Another description of a registered model."""

    name: str
    description: str | None = None


class SearchRegisteredRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which registered models, in which order."""

    filter: str | None = None
    max_results: int = 100
    order_by: tuple[str, ...] | None = None
    page_token: str | None = None


class LatestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The newest version of a model in each of some stages; in all of them, if none is given."""

    name: str
    stages: tuple[str, ...] = ()


class RegisteredTagRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of a registered model."""

    name: str
    key: str
    value: str = ""


class AliasRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An alias of a registered model."""

    name: str
    alias: str


class AliasGiven(msgspec.Struct, frozen=True, kw_only=True):
    """An alias of a registered model, and the version that it is to mean."""

    name: str
    alias: str
    version: str


class CreateVersionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new version of a registered model."""

    name: str
    source: str
    run_id: str | None = None
    tags: tuple[Pair, ...] = ()
    run_link: str | None = None
    description: str | None = None
    model_id: str | None = None


class VersionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One version."""

    name: str
    version: str


class UpdateVersionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Another description of a version."""

    name: str
    version: str
    description: str | None = None


class TransitionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Another stage for a version."""

    name: str
    version: str
    stage: str
    archive_existing_versions: bool = False


class SearchVersionsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which versions, in which order."""

    filter: str | None = None
    max_results: int = 200_000
    order_by: tuple[str, ...] | None = None
    page_token: str | None = None


class VersionTagRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of a version."""

    name: str
    version: str
    key: str
    value: str = ""


class AliasAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An alias, and the version that it means."""

    alias: str
    version: str


class VersionAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version."""

    name: str
    version: str
    creation_timestamp: int
    last_updated_timestamp: int
    user_id: str = ""
    current_stage: str
    description: str
    source: str
    run_id: str = ""
    run_link: str = ""
    status: str
    tags: tuple[Pair, ...] = ()
    aliases: tuple[str, ...] = ()
    model_id: str = ""


class RegisteredAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A registered model."""

    name: str
    creation_timestamp: int
    last_updated_timestamp: int
    user_id: str = ""
    description: str = ""
    latest_versions: tuple[VersionAnswer, ...] = ()
    tags: tuple[Pair, ...] = ()
    aliases: tuple[AliasAnswer, ...] = ()


class RegisteredFound(msgspec.Struct, frozen=True):
    """One registered model."""

    registered_model: RegisteredAnswer


class RegisteredListed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of registered models."""

    registered_models: tuple[RegisteredAnswer, ...] = ()
    next_page_token: str | None = None


class VersionFound(msgspec.Struct, frozen=True):
    """One version."""

    model_version: VersionAnswer


class VersionsFound(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some versions."""

    model_versions: tuple[VersionAnswer, ...] = ()


class VersionsListed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of versions."""

    model_versions: tuple[VersionAnswer, ...] = ()
    next_page_token: str | None = None


class DownloadAnswer(msgspec.Struct, frozen=True):
    """Where the files of a version are found."""

    artifact_uri: str
