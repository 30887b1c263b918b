"""Which experiment a run is: a new one of a name, or the one of an id."""

from __future__ import annotations

import os

import anew

from ...places import safe_segment
from ..names import OWN_ID
from .errors import UsageError
from .rows import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .settings import Settings

__all__ = ["LONGEST_NAME", "PROJECT", "Opened", "generate_id", "opened"]

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
PROJECT = "uncategorized"
LONGEST_NAME = 250


class Opened:
    """An experiment that runs, and what is known of it from earlier.

    Attributes:
        native: The experiment, started.
        facts: The run's id, name, project, entity, group and job type.
        resumed: Whether it goes on with an earlier opening.
        before: What that one captured.
        next_step: The step after its last one.
    """

    def __init__(self, native: anew.Experiment, facts: dict[str, Any]) -> None:
        self.native = native
        self.facts = facts
        self.resumed = False
        self.before: dict[str, Any] = {}
        self.params: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}
        self.next_step = 0


def generate_id(length: int = 8) -> str:
    """A new random id of a run."""
    import secrets

    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def opened(settings: Settings, options: dict[str, Any]) -> Opened:
    """Start the experiment that the settings mean.

    Args:
        options: What else the experiment is opened with.

    Raises:
        UsageError: `resume` asks for a run that is there, or for a new one, and it is not so.
    """
    project, entity = settings.project or PROJECT, settings.entity or ""
    folder = "/".join(safe_segment(part) for part in (entity, project) if part)
    if settings.mode == "disabled":
        native = anew.Experiment(mode="disabled", quiet=True)
        native.run.start()
        number = settings.run_id or generate_id()
        return Opened(native, _facts(settings, number, settings.run_name or f"dummy-{number}"))
    options |= {"tags": _tags(settings), "notes": settings.run_notes}
    root = anew.Experiment(**options).root
    prefix = _prefix(settings, root, folder)
    # Run again by `anew reproduce`, a program writes to another record: as if its run was not there.
    again = bool(os.environ.get("ANEW_JOIN"))
    there = prefix is not None and _is_there(root, prefix) and not again
    if settings.resume == "must" and not there and not again:
        raise UsageError(
            f"resume='must': there is no run {settings.run_id!r} in the project {project!r}. Give the id of an existing run, or resume='allow'."
        )
    if settings.resume == "never" and there:
        raise UsageError(
            f"resume='never': the run {settings.run_id!r} already exists in the project {project!r}. Give another id, or resume='allow' to continue it."
        )
    resumed = there and settings.resume in ("allow", "must", "auto")
    known = _known(root, prefix) if there and prefix else None
    if prefix is not None:
        native = anew.Experiment(prefix=prefix, resume="allow", **options)
    else:
        native = anew.Experiment(
            _label(settings.run_name), project=folder, resume="never", **options
        )
    native.run.start()
    number = settings.run_id or native.id or generate_id()
    if settings.resume == "auto" and prefix is not None:
        number = prefix.rsplit("/", 1)[-1]
    if number not in (native.id, native.tags.get(OWN_ID)):
        native.add_tags({OWN_ID: number})
    name = native.name if again else settings.run_name or native.name
    found = Opened(native, _facts(settings, number, name))
    found.resumed = resumed
    if known is not None:
        _take(found, known, resumed)
        if resumed and settings.run_notes is None:
            setattr(settings, "run_notes", known.notes)  # noqa: B010  (its names are not declared)
    return found


def _facts(settings: Settings, number: str, name: str) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "project": settings.project or PROJECT,
        "entity": settings.entity or "",
        "group": settings.run_group or "",
        "job_type": settings.run_job_type or "",
        "resume": settings.resume,
    }


def _tags(settings: Settings) -> dict[str, str | None]:
    tags: dict[str, str | None] = dict.fromkeys(settings.run_tags or ())
    for name, value in (("group", settings.run_group), ("job_type", settings.run_job_type)):
        if value:
            tags[name] = value
    return tags


def _label(name: str | None) -> str | None:
    """A name that is no prefix: a slash becomes a dash."""
    text = name_of(name or "")[:LONGEST_NAME].replace("/", "-").replace("\\", "-")
    return None if text.strip(".") == "" else text


def _is_there(root: str, prefix: str) -> bool:
    return os.path.isdir(os.path.join(root, *prefix.split("/"), "journal"))


def _prefix(settings: Settings, root: str, folder: str) -> str | None:
    """The prefix of the run that is meant by its id, or that is to be resumed; None for a new one of a name."""
    if settings.resume == "auto" and not settings.run_id:
        return _last_that_failed(root, settings, folder) or f"{folder}/{generate_id()}"
    if not settings.run_id:
        return None
    plain = f"{folder}/{safe_segment(settings.run_id)}"
    if _is_there(root, plain):
        return plain
    # A run that was opened by name has its id at the end of its folder's name.
    try:
        names = os.listdir(os.path.join(root, *folder.split("/")))
    except OSError:
        return plain
    for name in sorted(names):
        if name.endswith(f"-{settings.run_id}") and _is_there(root, f"{folder}/{name}"):
            return f"{folder}/{name}"
    return plain


def _last_that_failed(root: str, settings: Settings, folder: str) -> str | None:
    """The newest run of this project on this machine that was to be resumed and did not come to its end."""
    if not os.path.isdir(os.path.join(root, *folder.split("/"))):
        return None
    import platform

    for view in anew.Store(root).list(
        project=folder.rsplit("/", 1)[-1], limit=100, reproductions=True
    ):
        said = view.captured.get("wandb", {})
        if said.get("resume") != "auto" or not view.prefix.startswith(f"{folder}/"):
            continue
        if view.host not in (None, platform.node()) or view.status is anew.Status.RUNNING:
            continue
        return None if view.status is anew.Status.COMPLETED else view.prefix
    return None


def _known(root: str, prefix: str) -> Any:
    return anew.Store(root).get(prefix)


def _take(found: Opened, view: Any, resumed: bool) -> None:
    """What an earlier opening left: all of it for one that is resumed, else what must not be forgotten."""
    kept = view.captured
    found.before = {k: v for k, v in kept.items() if k == "wandb_artifacts" or resumed}
    if not resumed:
        return
    from .reading import config_of, last_step, summary_of

    found.params = config_of(view)
    found.summary = summary_of(view)
    found.next_step = last_step(view) + 1
    said = kept.get("wandb", {})
    found.facts |= {k: said.get(k, "") for k in ("group", "job_type") if not found.facts[k]}
