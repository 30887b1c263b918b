"""`wandb.Run`: what `init` gives."""

from __future__ import annotations

import json
import operator
import os
import time
from collections.abc import Iterable, Mapping
from html import escape

import anew

from ..names import FACTS, OWN_CONFIG, OWN_SUMMARY
from . import active
from .api import Api
from .artifact import Artifact
from .configuration import Config
from .errors import RunFinished, UnsupportedError, UsageError
from .media import Media
from .nothing import NOTHING
from .opening import LONGEST_NAME
from .plain import nearest
from .restoring import restored
from .rows import Plain, Row, name_of
from .run_artifacts import RunArtifacts
from .saving import SavedFiles
from .summaries import Definitions, Metric, Summary
from .watching import Watches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from anew.sweeps import Trial

    from .opening import Opened
    from .settings import Settings

__all__ = ["Run"]

_LAST_STEP = 2**63 - 2
_LEVELS = {"INFO": "info", "WARN": "warning", "ERROR": "error"}


class RunStatus:
    """How far the run is written: always to its end."""

    sync_items_total = 0
    sync_items_pending = 0
    sync_time = None


class Run:
    """One run: an experiment of Anew, which `native` is."""

    __slots__ = (
        "__weakref__", "_artifacts", "_config", "_definitions", "_facts", "_files", "_finished", "_from", "_kinds",
        "_nested", "_parameters_exact", "_resumed", "_settings", "_started", "_step", "_step_metrics", "_summary",
        "_tags", "_watches", "native", "trial",
    )  # fmt: skip

    def __init__(self, opened: Opened, settings: Settings) -> None:
        self.native = opened.native
        self.trial: Trial | None = None  # what of a sweep it is
        self._settings = settings
        self._facts = opened.facts
        self._resumed = opened.resumed
        self._finished = False
        self._started = time.time()
        self._step = self._from = opened.next_step
        before = opened.before
        self._definitions = Definitions.from_dict(before.get("wandb_metrics", {}))
        kinds = before.get("wandb_keys", {})
        self._kinds: dict[str, type] = {
            name: kind for kind in (int, bool) for name in kinds.get(kind.__name__, ())
        }
        self._nested: set[str] = set(kinds.get("nested", ()))
        self._step_metrics: dict[str, str | None] | None = None
        self._config = Config(self._config_changed, bool(settings.allow_val_change), opened.params)
        self._parameters_exact = "wandb_config" not in before
        said = before.get("wandb_summary", {})
        self._summary = Summary(
            self._definitions,
            self._summary_set,
            self._keep_media,
            values=opened.summary,
            given=said.get("set", {}),
            deleted=said.get("deleted", []),
        )
        self._tags = tuple(k for k, v in self.native.tags.items() if v is None)
        if opened.resumed and settings.run_tags is not None:
            self.tags = settings.run_tags
        project = "/".join(part for part in (self.entity, self.project) if part)
        api = Api(root=self.native.root if self.native.folder else None)
        self._artifacts = RunArtifacts(self.native, self.id, project, before, api)
        self._files = SavedFiles(self.native)
        self._watches = Watches(self.native, lambda: self._step)
        self.name = self.name
        self._tell()
        active.add(self, meant=settings.reinit != "create_new" or self.disabled)

    # -- what it is ---------------------------------------------------------------------------------

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
        self._needs("name")
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
        self._needs("tags")
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
        self._needs("notes")
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
        return bool(self._settings.mode == "disabled") or not self.native.folder

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

    # -- logging -----------------------------------------------------------------------------------

    def log(
        self,
        data: Mapping[str, Any],
        step: int | None = None,
        commit: bool | None = None,
        sync: bool | None = None,
    ) -> None:
        """Log numbers, media, texts, lists and nested mappings of them.

        Args:
            step: The step; without it the current one. A step before the current one is kept like any other.
            commit: Whether the next `log` without a step belongs to the next one; True if no step is given.

        Raises:
            TypeError: It is no mapping with texts as keys.
            RunFinished: The run has ended.
        """
        if self.disabled and self._finished:
            return
        self._needs("log")
        if not isinstance(data, Mapping):
            raise TypeError("wandb.log must be passed a dictionary")
        at = self._step if step is None else operator.index(step)
        if abs(at) > _LAST_STEP:
            raise UsageError(f"The step {at} does not fit in 64 bits.")
        row = Row(data)
        if at > self._step:
            self._step = at
        if row.numbers:
            if self._step_metrics is not None:
                self._add_step_metrics(row)
            self.native.log_metrics(row.numbers, at)
        self._notice_kinds(row)
        for name, value in row.values:
            self._keep(name, value, at, row.told)
        told = row.told
        now = time.time()
        told |= {"_step": at, "_timestamp": now, "_runtime": now - self._started}
        known = len(self._summary.spoiled)
        self._summary.taken(told)
        if len(self._summary.spoiled) > known:
            self.native.capture("wandb_nan", {"metrics": sorted(self._summary.spoiled)})
        if (step is None if commit is None else commit) and at == self._step:
            self._step += 1
        if self.trial is not None and self.trial.should_stop(self.native):
            self._stop_early()

    def _stop_early(self) -> None:
        """End the run because its sweep says so, and the training that it is of."""
        from anew.sweeps import Stopped

        self._end(lambda run: run.cancel("stopped early"))
        raise Stopped("stopped early")

    def _keep(self, name: str, value: Any, step: int, told: dict[str, Any]) -> None:
        if isinstance(value, (Media, Plain, list, tuple)):
            self._mark(OWN_SUMMARY)  # data with parts, which no column of the index has
        if isinstance(value, Media):
            said: Any = value.keep(self.native, name, step)
        elif isinstance(value, Plain):
            text = anew.Text(json.dumps(value.data, ensure_ascii=False))
            self.native.log_value(name, text, step, metadata={FACTS: {"_type": "json"}})
            return
        elif isinstance(value, (list, tuple)):
            each = [one.keep(self.native, name, step) for one in value]
            said = {**each[0], "_type": "images/separated", "count": len(each)}
            if each[0]["_type"] != "image-file":
                said["_type"] = each[0]["_type"]
            if any("caption" in one for one in each):
                said.pop("caption", None)
                said["captions"] = [one.get("caption", "") for one in each]
        else:
            self.native.log_value(name, value, step)
            return
        inner = told
        *before, last = name.split(".") if name.split(".")[0] in self._nested else [name]
        for part in before:
            inner = inner.setdefault(part, {})
        inner[last] = said

    def _keep_media(self, name: str, value: Media) -> dict[str, Any]:
        """Log what the program put into the summary; what the summary says of it."""
        self._needs("summary.update")
        return value.keep(self.native, name, self._step)

    def _notice_kinds(self, row: Row) -> None:
        """Keep which numbers are integers or booleans, and which names are nested: a metric is a float64."""
        kinds, changed = self._kinds, False
        for name, value in row.numbers.items():
            kind = type(value)
            if kinds.get(name) is kind:
                continue
            if kind not in (int, bool):
                kind = float
            before = kinds.get(name)
            if before is None or (before is not float and before is not kind):
                kinds[name] = kind if before is None else float
                changed = changed or kinds[name] is not float or before is not None
        if row.nested and not self._nested.issuperset(row.nested):
            self._nested.update(row.nested)
            changed = True
        if changed:
            named = {
                kind.__name__: [name for name, found in kinds.items() if found is kind]
                for kind in (int, bool)
            }
            self.native.capture("wandb_keys", {**named, "nested": sorted(self._nested)})

    def define_metric(
        self,
        name: str | Metric,
        step_metric: str | Metric | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
    ) -> Metric:
        """Say what a metric, or all metrics that begin with what stands before a `*`, is drawn over and summarised by.

        Args:
            step_metric: The metric to draw it over.
            step_sync: Log the last value of `step_metric` beside it when it is not given; True if there is one.
            summary: "min", "max", "mean", "first", "last", "best", "copy", "none", or several with commas.
            goal: "minimize" or "maximize", which says what the best is.
            overwrite: Forget what was said of it before.

        Raises:
            Error: The name or one of these cannot be.
        """
        self._needs("define_metric")
        if step_metric is not None and step_sync is None:
            step_sync = True
        facts = {
            "step_metric": step_metric, "step_sync": step_sync, "hidden": hidden, "summary": summary, "goal": goal,
        }  # fmt: skip
        metric = self._definitions.define(name, facts, overwrite)
        self._summary.redefined()
        synced = any(m.step_metric and m.step_sync for m in self._definitions.metrics.values())
        self._step_metrics = {} if synced else None
        if metric.ops:
            self._mark(OWN_SUMMARY)
        self.native.capture("wandb_metrics", self._definitions.to_dict())
        return metric

    def _add_step_metrics(self, row: Row) -> None:
        known = self._step_metrics
        assert known is not None
        for name in list(row.numbers):
            if name not in known:
                metric = self._definitions.find(name)
                known[name] = (
                    metric.step_metric if metric is not None and metric.step_sync else None
                )
            over = known[name]
            if over and over not in row.numbers:
                last = self._summary.get(over)
                if isinstance(last, (int, float)):
                    row.numbers[over] = row.told[over] = last

    def alert(self, title: str, text: str, level: Any = None, wait_duration: Any = None) -> None:
        """Keep a message in the log, with the title beside it; nothing is sent to anybody.

        Raises:
            ValueError: The level is none of INFO, WARN and ERROR.
        """
        self._needs("alert")
        name = str(getattr(level, "value", level) or "INFO").upper()
        if name not in _LEVELS:
            raise ValueError("level must be one of 'INFO', 'WARN', or 'ERROR'")
        self.native.log(
            f"{title}: {text}", _LEVELS[name], alert=True, title=str(title), text=str(text)
        )

    def display(self, height: int = 420, hidden: bool = False) -> bool:
        """False: there is no page of W&B to show in a notebook."""
        return False

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """A line of HTML that names the run: there is no page of W&B to show in a notebook."""
        return f"<p>Run <b>{escape(self.name)}</b>, <code>{escape(self.path)}</code></p>"

    def pin_config_keys(self, keys: Iterable[str]) -> None:
        """Keep which keys of the config matter most."""
        self._needs("pin_config_keys")
        self.native.capture("wandb_pinned", {"keys": [str(key) for key in keys]})

    def write_logs(self, text: str) -> None:
        """Keep a text in the log."""
        self._needs("write_logs")
        self.native.log(text)

    def _label(self, *_: Any, **__: Any) -> None:
        """Nothing: it tells W&B which library calls."""

    def mark_preempting(self) -> None:
        """Note that the machine is about to be taken away."""
        self._needs("mark_preempting")
        self.native.capture("wandb_preempting", {"time": time.time()})

    # -- files, artifacts and models -----------------------------------------------------------------

    def watch(
        self,
        models: Any,
        criterion: Any = None,
        log: str | None = "gradients",
        log_freq: int = 1000,
        idx: int | None = None,
        log_graph: bool = False,
    ) -> None:
        """Log histograms of a torch model's gradients, its parameters, or "all", every `log_freq` backward passes."""
        self._needs("watch")
        self._watches.add(models, log, log_freq, idx)

    def unwatch(self, models: Any = None) -> None:
        """Log no more histograms of these models; of none at all if none is given."""
        self._watches.remove(models)

    def save(
        self,
        glob_str: str | os.PathLike[str] | bytes,
        base_path: str | os.PathLike[str] | None = None,
        policy: str = "live",
        glob: bool = True,
    ) -> list[str]:
        """Keep files; with the policies "live" and "end" they are kept again at the end if they changed."""
        self._needs("save")
        return self._files.save(glob_str, base_path, policy, glob)

    def restore(
        self, name: str, run_path: str | None = None, replace: bool = False, root: str | None = None
    ) -> Any:
        """A file of a run (this one if no path is given), copied to `root` and opened."""
        path, folder = run_path or self.path, root or self.dir
        return restored(name, path, folder, replace, self.native.root)

    def log_artifact(
        self,
        artifact_or_path: Artifact | str | os.PathLike[str],
        name: str | None = None,
        type: str | None = None,
        aliases: list[str] | None = None,
        tags: list[str] | None = None,
    ) -> Artifact:
        """Keep a version of an artifact; content that is the latest version's makes no new one."""
        if self.disabled and not isinstance(artifact_or_path, Artifact):
            return NOTHING  # type: ignore[no-any-return]
        self._needs("log_artifact")
        return self._artifacts.log(artifact_or_path, name, type, aliases, tags)

    def use_artifact(
        self,
        artifact_or_name: str | Artifact,
        type: str | None = None,
        aliases: list[str] | None = None,
        use_as: str | None = None,
    ) -> Artifact:
        """A version of an artifact, noted as something that this run used."""
        if self.disabled:
            return None  # type: ignore[return-value]
        self._needs("use_artifact")
        return self._artifacts.use(artifact_or_name, type)

    def log_code(
        self,
        root: str | None = ".",
        name: str | None = None,
        include_fn: Callable[..., bool] | None = None,
        exclude_fn: Callable[..., bool] | None = None,
    ) -> Artifact | None:
        """Keep source files as an artifact of type "code"; None if there are none."""
        self._needs("log_code")
        label = name or f"source-{_fit(self.project)}"
        return self._artifacts.log_code(root or ".", label, include_fn, exclude_fn)

    def log_model(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        aliases: list[str] | None = None,
    ) -> None:
        """Keep a file or folder as an artifact of type "model"."""
        self.log_artifact(path, name=name, type="model", aliases=aliases)

    def use_model(self, name: str) -> str:
        """The path of a model that was logged: its file, or its folder if it has several."""
        artifact = self.use_artifact(name, type="model")
        folder = artifact.download()
        files = list(artifact.manifest.entries)
        return os.path.join(folder, files[0]) if len(files) == 1 else folder

    def link_artifact(self, artifact: Artifact, target_path: str, aliases: Any = None) -> Artifact:
        """Make an artifact the next version of a registered model; it is logged first, if it was not."""
        if artifact.is_draft():
            self.log_artifact(artifact)
        return artifact.link(target_path, aliases)

    def link_model(
        self, path: Any, registered_model_name: str, name: Any = None, aliases: Any = None
    ) -> Any:
        """Keep a file or folder as an artifact of type "model", and make it the next version of a registered model."""
        artifact = self.log_artifact(path, name=name, type="model")
        return None if artifact is None else artifact.link(registered_model_name, aliases)

    def upsert_artifact(self, *_: Any, **__: Any) -> Any:
        """Not supported."""
        raise UnsupportedError(
            "An artifact of several runs is not supported: log it from one of them."
        )

    finish_artifact = upsert_artifact

    # -- life --------------------------------------------------------------------------------------

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End it: as failed with any other exit code than 0."""
        self._end(lambda run: run.fail(f"exit code {exit_code}") if exit_code else run.complete())

    def _end(self, end: Callable[[Any], None]) -> None:
        if self._finished:
            return
        self.before_the_end()
        if self.native.status is anew.Status.RUNNING:
            end(self.native.run)
        self._finished = True
        active.remove(self)

    def fail(self, reason: str) -> None:
        """End it as failed, for a reason."""
        self._end(lambda run: run.fail(reason))

    def before_the_end(self) -> None:
        """Keep what is kept last: the program's own files."""
        self.unwatch()
        if self.native.status is anew.Status.RUNNING and not self._finished:
            self._files.keep_last()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end(lambda run: run.__exit__(kind, error, traceback))

    # -- keeping what changes ----------------------------------------------------------------------

    def _config_changed(self, changed: dict[str, Any]) -> None:
        self._needs("config.update")
        if not changed:
            return
        old = self.native.params.get()
        self.native.params.set(changed)
        # Parameters merge, and dotted names nest; a config does neither.
        for key, value in changed.items():
            if (
                "." in key
                or (isinstance(value, dict) and (old.get(key) or not value))
                or _has_dots(value)
            ):
                self._parameters_exact = False
        if not self._parameters_exact:
            self._mark(OWN_CONFIG)
            self.native.capture("wandb_config", self._config.as_dict())

    def _summary_set(self, given: dict[str, Any], deleted: list[str]) -> None:
        self._needs("summary.update")
        self._mark(OWN_SUMMARY)
        self.native.capture("wandb_summary", {"set": given, "deleted": deleted})

    def _mark(self, tag: str) -> None:
        """Have the index know that the config or the summary is more than it sees."""
        if tag not in self.native.tags:
            self.native.add_tags({tag: "own"})

    def _needs(self, call: str) -> None:
        if self._finished and not self.disabled:
            raise RunFinished(
                f"Run ({self.id}) is finished. The call to `{call}` will be ignored. Please make sure that you "
                "are using an active run."
            )

    def _tell(self) -> None:
        self.native.capture(
            "wandb", {k: v for k, v in self._facts.items() if k != "name" and v not in (None, "")}
        )

    def __copy__(self) -> Run:
        return self

    def __deepcopy__(self, memo: Any) -> Run:
        return self  # as in wandb: what holds a run can be copied, and holds the same one

    def __reduce__(self) -> Any:
        return _run_of, (self.path, self.native.root if self.native.folder else None)

    def __repr__(self) -> str:
        return f"<wandb.Run {self.path}{' (finished)' if self._finished else ''}>"

    def __getattr__(self, name: str) -> Any:
        known = [one for one in dir(type(self)) if not one.startswith("_")]
        raise AttributeError(f"A Run has no attribute {name!r}.{nearest(name, known)}")


def _run_of(path: str, root: str | None) -> Any:
    """What a pickled run is read as: the open run in the process that has it, else the run as the `Api` shows it."""
    for run in active.active():
        if run.path == path:
            return run
    inherited = active.current()
    if inherited is not None and inherited.path == path:
        return inherited
    return None if root is None else Api(root=root).run(path)


def _has_dots(value: Any) -> bool:
    return isinstance(value, dict) and any("." in k or _has_dots(v) for k, v in value.items())


def _fit(text: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in text)
