"""Artifacts as versions of the store's registered models: what W&B's registry is here."""

from __future__ import annotations

from anew.errors import AnewError, NotFound

from .errors import CommError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import anew

    from .stored import Stored

__all__ = ["link", "linked"]

_ARTIFACT = "wandb.artifact"
"""What of a version holds the full name of the artifact that it is."""


def link(stored: Stored, name: str, qualified_name: str, target_path: str, aliases: Any) -> None:
    """Make a version of an artifact the next version of a registered model, unless it is one already.

    Args:
        target_path: `[[entity/]registry/]name`; its last part is the model's name.
        aliases: Words that mean that version from now on.

    Raises:
        ValueError: The model cannot be called so, or an alias cannot be one.
        CommError: The artifact has no files of its own here.
    """
    model = target_path.strip("/").rpartition("/")[2].partition(":")[0]
    models = stored.store.models
    try:
        version = _same(models, model, qualified_name) or models.register(
            model,
            f"artifact:{stored.experiment}/artifacts/{name}/{stored.version}",
            extra={_ARTIFACT: qualified_name},
        )
        for alias in [aliases] if isinstance(aliases, str) else aliases or []:
            if alias != "latest":
                version.promote(alias)
    except NotFound as error:
        raise CommError(str(error)) from error
    except AnewError as error:
        raise UsageError(str(error)) from error


def _same(models: Any, model: str, qualified_name: str) -> Any | None:
    """The version of a model that an artifact is already; None if it is none."""
    if model not in models:
        return None
    every = models.get(model).versions
    return next((one for one in every if one.fact.extra.get(_ARTIFACT) == qualified_name), None)


def linked(store: anew.Store, name: str, alias: str) -> str | None:
    """The full name of the artifact that a version of a registered model is; None if there is none like that.

    The first version is `v0`, as in W&B, where the store's own numbers begin at 1.
    """
    digits = alias[1:]
    if alias[:1] == "v" and digits.isascii() and digits.isdecimal() and len(digits) < 9:
        alias = str(int(digits) + 1)
    try:
        found: str | None = store.models.version(f"{name}:{alias}").fact.extra.get(_ARTIFACT)
    except (NotFound, LookupError, ValueError):
        return None
    return found
