"""Forwarding to Aim: a run in a repository mirrors an experiment."""

from __future__ import annotations

import datetime
import errno
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Sequence
from typing import Any

from ....address import local_folder
from ....errors import InvalidSetting
from ....forwarders.account import MOST_PASSES, Account, Passes
from ....forwarders.patience import answer_within, within
from ....forwarders.target import Item, Mirror, Refusal
from ....forwarding.address import Aim
from ....record.events import (
    BindrsChanged,
    Captured,
    Closed,
    ConfigSet,
    FieldSet,
    FileLogged,
    Linked,
    LogLine,
    ParamsSet,
    PointLine,
    RecordsLost,
    TagsChanged,
    ValueLogged,
)
from ....record.status import Status
from ..translate import NotShown, as_object, as_plain, run_hash
from . import internals

with (
    warnings.catch_warnings()
):  # Aim uses what SQLAlchemy and others will remove, which is nobody's concern here
    warnings.simplefilter("ignore")
    import aim
    from aim.sdk.errors import MissingRunError
    from aim.sdk.objects.artifact import Artifact
    from aim.sdk.repo import RepoStatus

__all__ = ["AimTarget"]

_SETTLE_SECONDS = 60.0
_CLOSE_SECONDS = 8.0
_SERVER = "The Aim server"


def _make(where: str) -> None:
    """Make a repository, whole or not at all: one that Aim was killed while making is of no version to it."""
    os.makedirs(where, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".aim-new-", dir=where) as folder:
        aim.Repo(folder, init=True).close()
        try:
            os.rename(os.path.join(folder, ".aim"), os.path.join(where, ".aim"))
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise  # else another process made it meanwhile


class AimTarget:
    """An Aim run whose hash follows from the experiment's id.

    Aim keeps one value for each name, context and step. Where a metric comes again to a step it had, or goes back, its
    points go on in the context `{"pass": n}`: in the first one whose last step is before theirs. So a record that is
    sent again finds its own place.
    """

    def __init__(self, address: Aim, mirror: Mirror, memo: dict[str, Any]) -> None:
        self._address = address
        self._mirror = mirror
        self._account = Account(memo)
        self._passes = Passes(memo.get("passes", {}))
        self._values: dict[str, int] = dict(memo.get("values", {}))
        self._logs = int(memo.get("logs", 0))
        self._tags: list[str] = list(memo.get("tags", []))
        self._repo: Any = None
        self._run: Any = None

    @property
    def url(self) -> str | None:
        """None: a repository is a folder, or a server for programs; `aim up` shows it."""
        return None

    # -- opening ---------------------------------------------------------------------------------------------------

    def _opened(self) -> Any:
        """The run, opened if it is not."""
        if self._run is not None:
            return self._run
        where = self._address.repo or "."
        remote = where.startswith("aim://")
        if not remote:
            where = local_folder(where, what="Aim repository", setting="forward_to")
        status = aim.Repo.check_repo_status(where)
        if status is RepoStatus.UPDATE_REQUIRED:
            raise InvalidSetting(
                f"The Aim repository in {where} has an older format. Upgrade it with: aim upgrade",
                setting="forward_to",
            )
        if status is RepoStatus.MISSING:
            _make(where)
        repo = self._repo = aim.Repo(where)
        name = run_hash(self._mirror.experiment_id)
        # Aim remembers for half a second which runs there were, so it is not asked before the run is made.
        is_new = (
            not repo.run_exists(name)
            if remote
            else not os.path.isdir(os.path.join(repo.path, "meta", "chunks", name))
        )
        if is_new:
            created = datetime.datetime.fromtimestamp(self._mirror.created_at, datetime.UTC)
            repo.request_props(name, False, created.replace(tzinfo=None))
            repo.request_tree("meta", name, read_only=False)
        run = self._run = self._resume(name, remote)
        run.name = self._account.state.name or self._mirror.name
        experiment = self._address.experiment or self._mirror.project
        if is_new and experiment:
            run.experiment = experiment
        run["anew"] = {
            "experiment_id": self._mirror.experiment_id,
            "prefix": self._mirror.prefix,
        }
        run["anew", "status"] = "running"
        return run

    def _resume(self, name: str, remote: bool) -> Any:
        # Nobody else writes this run, so a lock on it is that of a process that was killed. Should one live all the
        # same, its hold on the data base itself is an error here.
        locked = not remote and internals.is_locked(self._repo, name)
        until = time.monotonic() + 5.0
        while True:
            try:
                with internals.silent("aim.sdk.lock_manager"):
                    return aim.Run(
                        name,
                        repo=self._repo,
                        force_resume=locked,
                        system_tracking_interval=None,
                        log_system_params=False,
                        capture_terminal_logs=False,
                    )
            except MissingRunError:  # Aim looks which runs there are twice a second
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    # -- sending ---------------------------------------------------------------------------------------------------

    def send(self, items: Sequence[Item], again: bool) -> list[Refusal]:
        """See `Target.send`."""
        if "://" not in (self._address.repo or ""):
            return self._send_all(items)
        # What is on its way to a server has a limit, at which Aim waits for one that is gone for ever.
        return answer_within(_SETTLE_SECONDS, lambda: self._send_all(items), _SERVER)

    def _send_all(self, items: Sequence[Item]) -> list[Refusal]:
        refusals: list[Refusal] = []
        for item in items:
            if self._account.is_new(item, refusals):
                self._send(item, refusals)
        return refusals

    def _send(self, item: Item, refusals: list[Refusal]) -> None:
        record, state, run = item.record, self._account.state, self._opened()
        if isinstance(record, PointLine):
            self._points(item, record, refusals)
        elif isinstance(record, ValueLogged):
            self._value(item, record, refusals)
        elif isinstance(record, LogLine):
            extra = {f"{k}_": as_plain(v) for k, v in record.fields.items()}
            self._log(record.message, record.level, record.t, extra)
        elif isinstance(record, FileLogged):
            self._file(item, record, refusals)
        elif isinstance(record, ParamsSet):
            run["hparams"] = as_plain(state.params)
        elif isinstance(record, ConfigSet):
            run["config"] = as_plain(state.config)
        elif isinstance(record, TagsChanged):
            self._retag()
        elif isinstance(record, FieldSet):
            run.name = state.name or self._mirror.name
            run.description = "\n\n".join(t for t in (state.description, state.notes) if t)
        elif isinstance(record, Captured):
            run["captured", record.what] = as_plain(record.data)
        elif isinstance(record, BindrsChanged):
            run["anew", "bindrs"] = list(state.bindrs)
        elif isinstance(record, Linked):
            run["anew", "parent"] = state.parent
            run["anew", "relation"] = state.relation
        elif isinstance(record, RecordsLost):
            self._log(f"{record.count} records were lost: {record.reason}", "warning", record.t)
        elif isinstance(record, Closed) and record.error and record.error != record.reason:
            self._log(record.error, "error", record.t)  # the reason has a place of its own

    def _points(self, item: Item, line: PointLine, refusals: list[Refusal]) -> None:
        for name, step in self._account.steps(line).items():
            reason = self._track(name, step, float(line.m[name]), line.t)
            if reason:
                self._account.refuse(item, reason, refusals)

    def _value(self, item: Item, value: ValueLogged, refusals: list[Refusal]) -> None:
        position = self._values.get(value.name, 0)
        self._values[value.name] = position + 1
        try:
            shown = as_object(value, self._mirror.folder)
        except NotShown as error:
            self._account.refuse(item, str(error), refusals)
            return
        step = position if value.step is None else value.step
        if reason := self._track(value.name, step, shown, value.t, f"{value.kind} "):
            self._account.refuse(item, reason, refusals)

    def _track(self, name: str, step: int, value: Any, t: float, kind: str = "") -> str | None:
        """Put a value in its place; why there is none, if so."""
        place = self._passes.place(kind + name, step)
        if place is None:
            return f"Aim keeps one value for each step, but {name!r:.90} was logged more than {MOST_PASSES} times at some steps."
        try:
            # Not `track`, which takes the present for the time.
            internals.track(
                self._run, value, t, name, step, context={"pass": place} if place else {}
            )
        except ValueError as error:
            return f"Aim keeps values of one type under each name: {str(error)[:200].rstrip('.')}."
        self._passes.take(kind + name, step, place)
        return None

    def _log(self, message: str, level: str, t: float, extra: dict[str, Any] | None = None) -> None:
        from aim.sdk.logging import LogRecord

        number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
        record = LogRecord(message, number, timestamp=t, logger_info=("", 0), **(extra or {}))
        internals.track(self._run, record, t, "__log_records", self._logs)
        self._logs += 1

    def _file(self, item: Item, file: FileLogged, refusals: list[Refusal]) -> None:
        source = os.path.join(self._mirror.folder, *file.path.split("/"))
        if not os.path.isfile(source):
            reason = f"The file {file.path} is no longer there."
        elif self._repo.is_remote_repo and self._run.artifacts_uri is None:
            reason = (
                "An Aim server does not accept files, only the addresses of files stored elsewhere."
            )
        else:
            self._refer(source, file)
            return
        self._account.refuse(item, reason, refusals)

    def _refer(self, source: str, file: FileLogged) -> None:
        """An artifact that is the file where it lies: nothing is copied."""
        name = "/".join(part for part in (file.prefix, file.name) if part)
        facts = {"size": file.size, "hash": file.hash, "step": file.step}
        base = f"file://{os.path.dirname(source)}"
        artifact = Artifact(source, uri=base, name=os.path.basename(source), **facts)
        artifact.storage["name"] = name
        self._run.meta_run_tree.subtree("artifacts")[name] = artifact

    def _retag(self) -> None:
        """Set and remove our tags, and leave alone what people gave the run at Aim."""
        wanted = [k if v is None else f"{k}:{v}" for k, v in self._account.state.tags.items()]
        there = set(self._run.tags)
        for tag in self._tags:
            if tag not in wanted and tag in there:
                self._run.remove_tag(tag)
        for tag in wanted:
            if tag not in there:
                self._run.add_tag(tag)
        self._tags = wanted

    # -- settling and ending -----------------------------------------------------------------------------------------

    def settle(self) -> dict[str, Any]:
        """See `Target.settle`. What Aim has taken is in its data base's log; a server has confirmed it."""
        if self._repo is not None and self._repo.is_remote_repo:
            answer_within(
                _SETTLE_SECONDS,
                internals.client_of(self._repo).get_queue().wait_for_finish,
                _SERVER,
            )
        return self._account.memo() | {
            "passes": self._passes.memo(),
            "values": dict(self._values),
            "logs": self._logs,
            "tags": list(self._tags),
        }

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """See `Target.end`."""
        run = self._opened()
        run["anew", "status"] = status.value
        if reason:
            run["anew", "reason"] = reason
        if status is Status.COMPLETED:
            run.report_successful_finish(block=False)
        run.meta_run_tree["end_time"] = ended_at
        self.settle()
        self.close()

    def close(self) -> None:
        """See `Target.close`. A run that was not ended goes on as far as Aim knows."""
        run, repo, self._run, self._repo = self._run, self._repo, None, None
        if repo is None:
            return
        internals.detach(repo, run)
        try:
            within(_CLOSE_SECONDS, lambda: internals.leave(run, repo))
        except Exception:  # noqa: BLE001  (the server is gone: there is nothing to leave)
            pass
        if repo.is_remote_repo:
            internals.forget(internals.client_of(repo))
