"""A run as `Api` shows it."""

from __future__ import annotations

import json

from ..names import OWN_CONFIG, OWN_SUMMARY, iso_time
from .downloads import File, Files, file_of, files_of
from .errors import UsageError
from .plain import plain
from .reading import config_of, last_step, rows_of, state_of, summary_of
from .table_artifacts import logged_tables, table_artifact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    from .stored import Runs

    class Source(Runs, Protocol):
        """Where a run was found, and finds what it refers to: `api.Api`."""

        def artifact(self, name: str) -> Any:
            """A version of an artifact."""
            ...

        def sweep(self, path: str) -> Any:
            """A sweep."""
            ...


__all__ = ["PublicRun"]


class PublicSummary(dict):  # type: ignore[type-arg]  # Any is no name at run time
    """The summary of a run in the store, read by key and by attribute."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"The summary has no {name!r}.") from None

    _json_dict = property(lambda self: dict(self))


class PublicRun:
    """An experiment of the store, with the names that a run of wandb's API has; `native` is the view of it."""

    def __init__(self, api: Source, view: Any) -> None:
        self._api = api
        self._look(view)

    def _look(self, view: Any) -> None:
        self.native = view
        self._said: dict[str, Any] = view.captured.get("wandb", {})
        self._config: dict[str, Any] | None = None
        self._summary: PublicSummary | None = None
        self._tags = [tag for tag, value in view.tags.items() if value is None]
        self._notes = view.notes
        self._name = view.name

    @property
    def id(self) -> str:
        """Its id."""
        return str(self._said.get("id") or self.native.id)

    storage_id = id

    @property
    def name(self) -> str:
        """Its name; set it and `update()`."""
        return str(self._name)

    @name.setter
    def name(self, name: str) -> None:
        self._name = str(name)

    display_name = name

    @property
    def entity(self) -> str:
        """Whose project it is."""
        return str(self._said.get("entity") or self.native.owner or "")

    @property
    def project(self) -> str:
        """The project."""
        return str(self._said.get("project") or self.native.project or "uncategorized")

    @property
    def path(self) -> list[str]:
        """Entity, project and id."""
        return [part for part in (self.entity, self.project, self.id) if part]

    @property
    def url(self) -> str:
        """Its folder."""
        return f"file://{self.native.path}"

    @property
    def state(self) -> str:
        """running, finished, failed, crashed or killed."""
        return state_of(self.native)

    @property
    def group(self) -> str | None:
        """Its group."""
        found: str | None = self.native.tags.get("group")
        return found

    @property
    def job_type(self) -> str | None:
        """Its type of job."""
        found: str | None = self.native.tags.get("job_type")
        return found

    jobType = job_type

    @property
    def tags(self) -> list[str]:
        """Its tags; change them and `update()`."""
        return self._tags

    @tags.setter
    def tags(self, tags: list[str]) -> None:
        self._tags = list(tags)

    @property
    def notes(self) -> str | None:
        """What was noted; change it and `update()`."""
        return self._notes  # type: ignore[no-any-return]

    @notes.setter
    def notes(self, notes: str) -> None:
        self._notes = notes

    @property
    def config(self) -> dict[str, Any]:
        """Its config."""
        if self._config is None:
            self._config = config_of(self.native)
        return self._config

    rawconfig = config

    @property
    def json_config(self) -> str:
        """Its config as JSON, `{name: {"value": …}}`."""
        return json.dumps({name: {"value": value} for name, value in self.config.items()})

    @property
    def summary(self) -> PublicSummary:
        """Its summary, read by key and attribute."""
        if self._summary is None:
            self._summary = PublicSummary(summary_of(self.native))
        return self._summary

    @property
    def summary_metrics(self) -> dict[str, Any]:
        """Its summary."""
        return dict(self.summary)

    def plain_metric(self, name: str) -> tuple[bool, Any]:
        """Whether the summary's value of a name is simply the last one of that metric, and that value.

        For asking many runs: the whole summary takes ten times as long to put together.
        """
        if OWN_SUMMARY in self.native.tags:
            return False, None
        metrics = self.native.metrics
        return (True, metrics[name].last) if name in metrics else (False, None)

    @property
    def created_at(self) -> str:
        """When it began, in UTC."""
        return iso_time(self.native.created_at)

    createdAt = created_at

    @property
    def heartbeat_at(self) -> str:
        """When it last wrote anything, in UTC."""
        return iso_time(self.native.updated_at)

    heartbeatAt = heartbeat_at

    @property
    def username(self) -> str | None:
        """Who ran it."""
        return self.native.user  # type: ignore[no-any-return]

    user = username

    @property
    def host(self) -> str | None:
        """The machine it ran on."""
        return self.native.host  # type: ignore[no-any-return]

    @property
    def sweep_name(self) -> str | None:
        """The id of the sweep it belongs to."""
        return self._said.get("sweep")

    @property
    def sweep_parameters(self) -> dict[str, Any] | None:
        """The parameters that the sweep gave it; None without a sweep."""
        return self._said.get("sweep_parameters")

    @property
    def sweep(self) -> Any:
        """The sweep it belongs to; None for none."""
        return None if self.sweep_name is None else self._api.sweep(self.sweep_name)

    @property
    def lastHistoryStep(self) -> int:
        """The largest step; -1 if nothing was logged."""
        return last_step(self.native)

    @property
    def metadata(self) -> dict[str, Any]:
        """What was captured about the run: program, host, git, Python …"""
        captured = self.native.captured
        return {
            "host": self.host,
            "username": self.username,
            "startedAt": self.created_at,
            **captured,
        }

    @property
    def system_metrics(self) -> dict[str, Any]:
        """The last value of each metric of the machine."""
        return {n: m.last for n, m in self.native.metrics.items() if n.startswith("system/")}

    # -- what it logged ----------------------------------------------------------------------------

    def history(
        self,
        samples: int = 500,
        keys: list[str] | None = None,
        x_axis: str = "_step",
        pandas: bool = True,
        stream: str = "default",
    ) -> Any:
        """What was logged, a row a step: `_step`, `_runtime`, `_timestamp`, and what was logged at it.

        Args:
            samples: About how many rows at most; the extremes of each metric stay.
            keys: Only these, and only rows that have all of them.
            x_axis: The metric to order by.
            pandas: A frame of pandas; else a list of dicts.
            stream: "default", or "system" for the metrics of the machine.
        """
        if keys is not None and (
            not isinstance(keys, list) or not all(isinstance(k, str) for k in keys)
        ):
            raise UsageError("keys must be specified in a list of strings")
        wanted = None if keys is None else [*keys, *([x_axis] if x_axis not in keys else [])]
        rows = rows_of(self.native, wanted, samples=samples, system=stream != "default")
        if x_axis != "_step":
            rows = [row for row in rows if isinstance(row.get(x_axis), (int, float))]
            rows.sort(key=lambda row: row[x_axis])
        if keys is not None:
            kept = dict.fromkeys([x_axis, *keys])
            rows = [{name: row[name] for name in kept} for row in rows]
        if not pandas:
            return rows
        import pandas as pd

        return pd.DataFrame.from_records(rows)

    def scan_history(
        self,
        keys: list[str] | None = None,
        page_size: int = 1000,
        min_step: int = 0,
        max_step: int | None = None,
        use_cache: bool = True,
    ) -> Iterator[dict[str, Any]]:
        """All rows, in the order of their steps; with `keys` those that have all of them, and these keys alone.

        Args:
            min_step: The first step.
            max_step: The step before which to end.
        """
        if keys is not None and (
            not isinstance(keys, list) or not all(isinstance(k, str) for k in keys)
        ):
            raise UsageError("keys must be specified in a list of strings")
        first = None if min_step == 0 else min_step  # steps below 0 are kept here
        rows = rows_of(self.native, keys, min_step=first, max_step=max_step)
        return iter(rows if keys is None else [{key: row[key] for key in keys} for row in rows])

    beta_scan_history = scan_history

    def files(
        self, names: list[str] | None = None, pattern: str | None = None, per_page: int = 50
    ) -> Files:
        """The files it kept, of the names or that a pattern meets."""
        return files_of(self.native, [names] if isinstance(names, str) else names, pattern)

    def file(self, name: str) -> File:
        """One file.

        Raises:
            CommError: It kept none of that name.
        """
        return file_of(self.native, name)

    def logged_artifacts(self, per_page: int = 100) -> list[Any]:
        """The versions of artifacts that it logged."""
        said = self.native.captured.get("wandb_artifacts", {}).values()
        project = "/".join(self.path[:-1])
        tables = logged_tables(self.native, self.id).items()
        shown = [
            table_artifact(self.native, project, name, f"v{number}", found, self._api)
            for name, found in tables
            for number in range(len(found))
        ]
        return [one for one in shown if one is not None] + [
            self._api.artifact(f"{one['project']}/{one['name']}:v{one['version']}")
            for one in said
            if one.get("experiment", self.native.id) == self.native.id
        ]

    def used_artifacts(self, per_page: int = 100) -> list[Any]:
        """The versions of artifacts that it used."""
        names = self.native.captured.get("wandb_used", {}).get("artifacts", ())
        return [self._api.artifact(name) for name in names]

    # -- changing it -------------------------------------------------------------------------------

    def update(self) -> None:
        """Record what was changed: name, tags, notes, config and summary.

        The parameters of the experiment stay what the run set; its config, as `Api` shows it, is the new one.
        """
        store, view = self._api.store, self.native
        if self._config not in (None, config_of(view)):
            view = store.capture(view, "wandb_config", plain(self._config))
            view = store.tag(view, {OWN_CONFIG: "own"})
        if self._summary is not None and (before := summary_of(view)) != self._summary:
            now, said = plain(self._summary), view.captured.get("wandb_summary", {})
            given = {
                k: v
                for k, v in now.items()
                if k in said.get("set", {}) or before.get(k, v) != v or k not in before
            }
            gone = [*(k for k in before if k not in now), *said.get("deleted", ())]
            facts = {"set": given, "deleted": sorted({k for k in gone if k not in now})}
            view = store.capture(view, "wandb_summary", facts)
            view = store.tag(view, {OWN_SUMMARY: "own"})
        tagged = [tag for tag, value in view.tags.items() if value is None]
        new = [tag for tag in self._tags if tag not in tagged]
        gone = [tag for tag in tagged if tag not in self._tags]
        if new or gone:
            view = store.tag(view, new, gone)
        if self._notes != view.notes:
            view = store.note(view, self._notes)
        if self._name != view.name:
            view = store.rename(view, self._name)
        self._look(view)

    save = update

    def load(self, force: bool = False) -> dict[str, Any]:
        """Look at it again."""
        self._look(self._api.store.get(self.native.id))
        return {"id": self.id, "name": self.name, "state": self.state}

    def wait_until_finished(self) -> None:
        """Return when it does not run any more."""
        import time

        while self.state in ("running", "pending"):
            time.sleep(0.5)
            self.load()

    def delete(self, delete_artifacts: bool = False) -> None:
        """Put it in the trash, with the artifacts it logged."""
        self.native.delete()

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __repr__(self) -> str:
        return f"<Run {'/'.join(self.path)} ({self.state})>"
