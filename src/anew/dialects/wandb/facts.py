"""What a run says of itself."""

from __future__ import annotations

import anew

from .configuration import Config
from .errors import RunFinished
from .opening import LONGEST_NAME
from .rows import name_of
from .summaries import Definitions, Summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .saving import SavedFiles
    from .settings import Settings

__all__ = ["RunFacts", "RunStatus"]


class RunStatus:
    """How far the run is written: always to its end."""

    sync_items_total = 0
    sync_items_pending = 0
    sync_time = None


class RunFacts:
    """The attributes of a run; `native` is the experiment below."""

    __slots__ = (
        "__weakref__", "_config", "_definitions", "_facts", "_files", "_finished", "_from", "_kinds",
        "_logged_artifacts", "_nested", "_parameters_exact", "_resumed", "_settings", "_started", "_step",
        "_step_metrics", "_summary", "_tags", "_used_artifacts", "_watches", "native",
    )  # fmt: skip

    native: anew.Experiment
    _config: Config
    _definitions: Definitions
    _facts: dict[str, Any]
    _files: SavedFiles
    _finished: bool
    _from: int
    _logged_artifacts: dict[str, Any]
    _resumed: bool
    _settings: Settings
    _started: float
    _step: int
    _summary: Summary
    _tags: tuple[str, ...]
    _used_artifacts: list[str]
    _watches: list[Any]

    @property
    def id(self) -> str:
        """Its id, which `init(id=…, resume="must")` takes."""
        return str(self._facts["id"])

    @property
    def name(self) -> str:
        """Its name, which may be changed."""
        return str(self._facts["name"])

    @name.setter
    def name(self, name: str) -> None:
        self._facts["name"] = str(name)
        label = name_of(str(name))[:LONGEST_NAME]
        if label and label != self.native.name:
            self.native.set_name(label)

    @property
    def project(self) -> str:
        """The project it belongs to."""
        return str(self._facts["project"])

    def project_name(self) -> str:
        """The project it belongs to."""
        return self.project

    @property
    def entity(self) -> str:
        """Whose project it is; "" if it was not said."""
        return str(self._facts["entity"])

    @property
    def group(self) -> str:
        """The group it is of; "" for none."""
        return str(self._facts["group"])

    @property
    def job_type(self) -> str:
        """What kind of job it is; "" if it was not said."""
        return str(self._facts["job_type"])

    @property
    def path(self) -> str:
        """`entity/project/id`, or `project/id`."""
        return "/".join(part for part in (self.entity, self.project, self.id) if part)

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags; to change them set another tuple: `run.tags += ("late",)`."""
        return self._tags

    @tags.setter
    def tags(self, tags: Iterable[str] | None) -> None:
        new = (tags,) if isinstance(tags, str) else tuple(str(tag) for tag in tags or ())
        gone = [tag for tag in self._tags if tag not in new]
        if gone:
            self.native.remove_tags(gone)
        self.native.add_tags([tag for tag in new if tag not in self._tags])
        self._tags = tuple(dict.fromkeys(new))

    @property
    def notes(self) -> str | None:
        """What was noted about it, which may be changed."""
        found: str | None = self._settings.run_notes
        return found

    @notes.setter
    def notes(self, notes: str) -> None:
        setattr(self._settings, "run_notes", notes)  # noqa: B010  (its names are not declared)
        self.native.set_notes(notes)

    @property
    def config(self) -> Config:
        """Its config."""
        return self._config

    @property
    def config_static(self) -> dict[str, Any]:
        """A copy of its config."""
        return self._config.as_dict()

    @property
    def summary(self) -> Summary:
        """Its summary."""
        return self._summary

    @property
    def dir(self) -> str:
        """A folder for files of the program's own; all in it are kept when the run ends."""
        return self._files.folder

    @property
    def sync_dir(self) -> str:
        """The experiment's folder."""
        return self.native.folder

    @property
    def step(self) -> int:
        """The step of the next `log` without one."""
        return self._step

    @property
    def starting_step(self) -> int:
        """The first step: 0, or the one after the last of the run that is resumed."""
        return self._from

    @property
    def resumed(self) -> bool:
        """Whether it goes on with an earlier run."""
        return self._resumed

    @property
    def disabled(self) -> bool:
        """Whether nothing is recorded."""
        return bool(self._settings.mode == "disabled")

    @property
    def offline(self) -> bool:
        """Whether `mode` was offline; a run is recorded on this machine in any case."""
        return self._settings.mode in ("offline", "dryrun")

    @property
    def start_time(self) -> float:
        """When it began, seconds since the epoch."""
        return self._started

    @property
    def settings(self) -> Settings:
        """What it was opened with."""
        return self._settings

    @property
    def sweep_id(self) -> str | None:
        """The sweep it is a part of."""
        found = self._facts.get("sweep")
        return None if found is None else str(found)

    @property
    def url(self) -> None:
        """None: there is no server that shows it; `anew server` does."""

    project_url = sweep_url = url

    def get_url(self) -> None:
        """None, as `url`."""

    get_project_url = get_sweep_url = get_url

    def status(self) -> RunStatus:
        """Nothing waits to be sent."""
        return RunStatus()

    def _needs(self, call: str) -> None:
        if self._finished:
            raise RunFinished(
                f"Run ({self.id}) is finished. The call to `{call}` will be ignored. Please make sure that you "
                "are using an active run."
            )

    def _tell(self) -> None:
        self.native.capture(
            "wandb", {k: v for k, v in self._facts.items() if k != "name" and v not in (None, "")}
        )
