"""`wandb.Run`: what `init` gives."""

from __future__ import annotations

import operator
import time
from collections.abc import Mapping

import anew

from .configuration import Config
from .errors import NotStarted, UsageError
from .exits import unwatch_exit
from .keeping import Keeping
from .plain import nearest
from .rows import Row
from .summaries import Definitions, Metric, Summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from .media import Media
    from .opening import Opened
    from .settings import Settings

__all__ = ["Run", "active", "current", "required"]

_active: list[Run] = []
_LAST_STEP = 2**63 - 2
_LEVELS = {"INFO": "info", "WARN": "warning", "ERROR": "error"}


class Run(Keeping):
    """One run: an experiment of Anew, which `native` is."""

    __slots__ = ()

    def __init__(self, opened: Opened, settings: Settings) -> None:
        from .saving import SavedFiles

        self.native = opened.native
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
        self._config = Config(self._config_changed, bool(settings.allow_val_change))
        self._parameters_exact = "wandb_config" not in before
        if opened.params:
            self._config._items.update(opened.params)
        said = before.get("wandb_summary", {})
        self._summary = Summary(self._definitions, self._summary_set, self._keep_media)
        self._summary._begin(opened.summary, said.get("set", {}), said.get("deleted", []))
        self._tags = tuple(k for k, v in self.native.tags.items() if v is None)
        self._logged_artifacts = dict(before.get("wandb_artifacts", {}))
        self._used_artifacts = list(before.get("wandb_used", {}).get("artifacts", ()))
        self._files = SavedFiles(self.native)
        self._watches = []
        self.name = self.name
        self._tell()
        _active.append(self)

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
        self._summary.taken(told)
        if (step is None if commit is None else commit) and at == self._step:
            self._step += 1

    def _keep(self, name: str, value: Any, step: int, told: dict[str, Any]) -> None:
        from .media import Media as Medium
        from .rows import Plain

        if isinstance(value, Medium):
            said: Any = value.keep(self.native, name, step)
        elif isinstance(value, Plain):
            import json

            text = anew.Text(json.dumps(value.data, ensure_ascii=False))
            self.native.log_value(name, text, step, metadata={"wandb": {"_type": "json"}})
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
                last = self._summary._values.get(over)
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

    def write_logs(self, text: str) -> None:
        """Keep a text in the log."""
        self._needs("write_logs")
        self.native.log(text)

    def mark_preempting(self) -> None:
        """Note that the machine is about to be taken away."""
        self._needs("mark_preempting")
        self.native.capture("wandb_preempting", {"time": time.time()})

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
        if self in _active:
            _active.remove(self)
        if not _active:
            unwatch_exit()

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
            self.native.capture("wandb_config", self._config.as_dict())

    def _summary_set(self, given: dict[str, Any], deleted: list[str]) -> None:
        self._needs("summary.update")
        self.native.capture("wandb_summary", {"set": given, "deleted": deleted})

    def __repr__(self) -> str:
        return f"<wandb.Run {self.path}{' (finished)' if self._finished else ''}>"

    def __getattr__(self, name: str) -> Any:
        known = [one for one in dir(type(self)) if not one.startswith("_")]
        raise AttributeError(f"A Run has no attribute {name!r}.{nearest(name, known)}")


def _has_dots(value: Any) -> bool:
    return isinstance(value, dict) and any("." in k or _has_dots(v) for k, v in value.items())


def active() -> list[Run]:
    """The runs that have not ended, oldest first."""
    for run in list(_active):
        if run.native.status is not anew.Status.RUNNING:  # ended from outside
            run._finished = True
            _active.remove(run)
    return _active


def current() -> Run | None:
    """The run that calls of the module mean: the one that was opened first of those that have not ended."""
    runs = active()
    return runs[0] if runs else None


def required(call: str) -> Run:
    """The run that a call of the module means.

    Raises:
        NotStarted: There is none.
    """
    run = current()
    if run is None:
        raise NotStarted(call)
    return run
