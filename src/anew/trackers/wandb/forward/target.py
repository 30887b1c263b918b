"""Forwarding to Weights & Biases: a run there mirrors an experiment."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Any

import wandb

from ....address import local_folder
from ....errors import InvalidSetting
from ....forwarders.account import Account
from ....forwarders.patience import answer_within, within
from ....forwarders.target import Item, Mirror, Refusal
from ....forwarding.address import WandB
from ....record.events import (
    BindrsChanged,
    Captured,
    Closed,
    ConfigSet,
    FieldSet,
    FileLogged,
    Linked,
    LogLine,
    Opened,
    ParamsSet,
    PointLine,
    RecordsLost,
    TagsChanged,
    ValueLogged,
)
from ....record.status import Status
from ..names import STEP, column
from ..translate.media import NotShown, as_media
from ..translate.transactions import TransactionLog, logs_of
from . import internals

__all__ = ["WandBTarget"]

_LONGEST_TAG = 64
_EXIT_CODES = {Status.COMPLETED: 0, Status.FAILED: 1, Status.CANCELLED: 255}
_SETTLE_SECONDS = {True: 20.0, False: 90.0}  # offline, online
_CLOSE_SECONDS = 8.0
_QUIET = {
    "silent": True,
    "console": "off",
    "capture_loggers": None,
    "disable_code": True,
    "disable_git": True,
    "disable_job_creation": True,
    "finish_timeout": 30.0,
    "init_timeout": 30.0,
    "save_code": False,
    "symlink": False,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
    "x_file_stream_transmit_interval": 1.0,
    "x_transaction_log_flush_interval": 0.1,
}


class WandBTarget:
    """A W&B run whose id is that of the experiment.

    Each line of points is a row of the run's history. A row's number (`_step`) is that of its record, so that W&B,
    which drops rows that go back, takes all of them, and so that a row is known again; our step is a column.

    The run is opened when there is something to write: offline, each opening is a folder of its own.
    """

    def __init__(self, address: WandB, mirror: Mirror, memo: dict[str, Any]) -> None:
        self._address = address
        self._mirror = mirror
        self._account = Account(memo)
        self._spread = int(memo.get("spread", 0))
        self._row = int(memo.get("row", -1))
        self._lines = int(memo.get("lines", 0))
        self._git: dict[str, str] = dict(memo.get("git", {}))
        self._host = str(memo.get("host", ""))
        self._run: Any = None
        self._log: TransactionLog | None = None
        self._there = -1
        self._lines_there = 0
        self._unsettled = False
        self._ended: dict[str, str] = {}

    @property
    def url(self) -> str | None:
        """The run's page; None offline, and before anything was sent."""
        return None if self._run is None else self._run.url

    # -- opening ---------------------------------------------------------------------------------------------------

    def _opened(self) -> Any:
        """The run, opened if it is not."""
        if self._run is not None:
            return self._run
        if wandb.run is None and "WANDB_SERVICE" in os.environ and not internals.has_service():
            del os.environ["WANDB_SERVICE"]  # the helper process of a program that uses W&B itself
        wandb.setup(settings=wandb.Settings(silent=True))
        known = wandb.Settings.model_fields
        settings: dict[str, Any] = {k: v for k, v in _QUIET.items() if k in known}
        said = {
            "host": self._host,
            "git_commit": self._git.get("commit"),
            "git_remote_url": self._git.get("remote"),
        }
        settings |= {k: v for k, v in said.items() if v}
        mode: Any = self._address.mode
        state, folder = self._account.state, self._folder()
        os.makedirs(folder, exist_ok=True)
        logs = logs_of(os.path.join(folder, "wandb"), self._mirror.experiment_id)
        run = wandb.init(
            project=self._address.project or self._mirror.project or "anew",
            entity=self._address.entity,
            mode=mode,
            id=self._mirror.experiment_id,
            name=state.name or self._mirror.name,
            notes=self._notes() or None,
            tags=self._tags()[0] or None,
            config=self._config(),
            allow_val_change=True,
            dir=folder,
            resume="allow",
            reinit="create_new",
            settings=wandb.Settings(**settings),
        )
        if run.disabled:
            raise InvalidSetting(
                'WANDB_MODE is "disabled", so W&B accepts nothing. Unset it, or set the mode of the forwarder.',
                setting="forward_to",
            )
        self._run = run
        self._unsettled = True
        if run.offline:
            self._log = TransactionLog(run.settings.sync_file)
            self._recognise(logs)
        else:
            self._there = max(self._there, run.starting_step - 1)
        run.define_metric("*", step_metric=STEP)
        return run

    def _folder(self) -> str:
        """Where W&B makes its folder `wandb` in."""
        return local_folder(
            self._address.dir or os.path.join(self._mirror.folder, "forwarded"),
            what="dir",
            setting="forward_to",
        )

    def _recognise(self, logs: list[str]) -> None:
        """Take note of what earlier openings wrote: the last row, and the messages after it."""
        there, lines = -1, 0
        for path in logs:
            for record in TransactionLog(path).records():
                kind = record.WhichOneof("record_type")
                if kind == "history":
                    there, lines = record.history.step.num, 0
                elif kind == "output_logger":
                    lines += 1
        self._there = max(self._there, there)
        if there == self._row:
            self._lines_there = max(0, lines - self._lines)
        else:
            self._lines_there = lines if there > self._row else 0

    # -- sending ---------------------------------------------------------------------------------------------------

    def send(self, items: Sequence[Item], again: bool) -> list[Refusal]:
        """See `Target.send`."""
        refusals: list[Refusal] = []
        for item in items:
            if self._account.is_new(item, refusals):
                self._unsettled = True
                self._send(item, refusals)
        return refusals

    def _send(self, item: Item, refusals: list[Refusal]) -> None:
        record = item.record
        if isinstance(record, PointLine):
            self._points(item, record, refusals)
        elif isinstance(record, ValueLogged):
            self._value(item, record, refusals)
        elif isinstance(record, LogLine):
            self._write(item, _line(record))
        elif isinstance(record, FileLogged):
            self._file(item, record, refusals)
        elif isinstance(record, TagsChanged):
            self._opened().tags = self._tags()[0]
            if odd := [tag for tag in self._tags()[1] if tag.partition(":")[0] in record.add]:
                reason = f"W&B takes tags of 1 to {_LONGEST_TAG} characters, but {odd[0]!r:.90} is longer or empty."
                self._account.refuse(item, reason, refusals)
        elif isinstance(record, (ConfigSet, ParamsSet, BindrsChanged, Linked)):
            self._opened().config.update(self._config(), allow_val_change=True)
        elif isinstance(record, FieldSet):
            run, state = self._opened(), self._account.state
            if record.field == "name":
                run.name = state.name or self._mirror.name
            else:
                run.notes = self._notes()
        elif isinstance(record, Captured):
            self._captured(record)
        elif isinstance(record, RecordsLost):
            self._write(item, f"{record.count} records were lost: {record.reason}")
        elif isinstance(record, Closed):
            if record.error and record.error != record.reason:  # the reason has a place of its own
                self._write(item, record.error)
        elif isinstance(record, Opened):
            self._host = self._host or record.host

    def _points(self, item: Item, line: PointLine, refusals: list[Refusal]) -> None:
        """A row for each step: without a given one, the metrics of a line may have several."""
        rows: dict[int, dict[str, Any]] = {}
        for name, step in self._account.steps(line).items():
            if name:
                rows.setdefault(step, {})[column(name)] = float(line.m[name])
            else:
                self._account.refuse(item, "W&B needs a name for every metric.", refusals)
        for place, (step, row) in enumerate(rows.items()):
            self._spread += place > 0
            self._log_row(item, row | {STEP: step}, line.t)

    def _log_row(self, item: Item, row: dict[str, Any], t: float) -> None:
        number = item.number + self._spread
        self._row, self._lines = number, 0
        run = self._opened()
        if number > self._there:
            run.log({**row, "_timestamp": t}, step=number, commit=True)

    def _value(self, item: Item, value: ValueLogged, refusals: list[Refusal]) -> None:
        name = column(value.name)
        try:
            media = as_media(value, self._mirror.folder)
        except NotShown as reason:
            self._account.refuse(item, str(reason), refusals)
            return
        if isinstance(media, wandb.Table) and item.number + self._spread > self._there:
            # Bound to the run, it is a file of the run; else W&B makes an artifact of it in the home folder.
            media.bind_to_run(self._opened(), name, item.number + self._spread)
        step = {} if value.step is None else {STEP: value.step}
        self._log_row(item, {name: media} | step, value.t)

    def _write(self, item: Item, text: str) -> None:
        """A message, unless it is among those that an earlier opening wrote."""
        run = self._opened()
        number = item.number + self._spread
        self._lines += 1
        if number <= self._there:
            return
        if self._lines_there:
            self._lines_there -= 1
            return
        run.write_logs(text)

    def _file(self, item: Item, file: FileLogged, refusals: list[Refusal]) -> None:
        source = os.path.join(self._mirror.folder, *file.path.split("/"))
        if not os.path.isfile(source):
            self._account.refuse(item, f"The file {file.path} is no longer there.", refusals)
            return
        name = "/".join(part for part in ("files", file.prefix, file.name) if part)
        self._save(name, lambda path: _link(source, path))

    def _captured(self, record: Captured) -> None:
        if record.what == "git":
            found = {k: record.data.get(k) for k in ("commit", "remote")}
            self._git = {k: v for k, v in found.items() if isinstance(v, str)}
        content = json.dumps(record.data, indent=1, ensure_ascii=False).encode()
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in record.what)
        self._save(f"captured/{name}.json", lambda path: _write_bytes(path, content))

    def _save(self, name: str, put: Callable[[str], object]) -> None:
        """Have `put` make a file of the run, and W&B keep it."""
        run = self._opened()
        path = os.path.join(run.dir, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        put(path)
        run.save(path, base_path=run.dir, policy="now", glob=False)

    # -- what the run is like ----------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        from ....record.plain import merge

        state = self._account.state
        config: dict[str, Any] = {}
        merge(config, state.config or {})
        merge(config, state.params)
        config.pop("_wandb", None)
        ours = {"experiment_id": self._mirror.experiment_id, "prefix": self._mirror.prefix}
        if state.parent:
            ours |= {"parent": state.parent, "relation": state.relation or "child"}
        ours |= self._ended
        return {k: _readable(v) for k, v in config.items()} | {
            "anew": ours | ({"bindrs": ", ".join(state.bindrs)} if state.bindrs else {})
        }

    def _tags(self) -> tuple[list[str], list[str]]:
        """The tags that W&B takes, and those that it does not."""
        tags = [k if v is None else f"{k}:{v}" for k, v in self._account.state.tags.items()]
        fits = [tag for tag in tags if 1 <= len(tag) <= _LONGEST_TAG]
        return fits, [tag for tag in tags if tag not in fits]

    def _notes(self) -> str:
        state = self._account.state
        return "\n\n".join(text for text in (state.description, state.notes) if text)

    # -- settling and ending -------------------------------------------------------------------------------------------

    def settle(self) -> dict[str, Any]:
        """See `Target.settle`. Offline, what was sent is in the file; online, the server has it."""
        if self._run is not None and self._unsettled:
            mark = f"{self._account.seen + 1}.{os.urandom(3).hex()}"
            self._run.config.update({"anew_sent": mark}, allow_val_change=True)
            arrived = self._is_written if self._log is not None else self._is_at_server
            self._wait_until(lambda: arrived(mark), _SETTLE_SECONDS[self._log is not None])
        self._unsettled = False
        return self._account.memo() | {
            "spread": self._spread,
            "row": self._row,
            "lines": self._lines,
            "git": self._git,
            "host": self._host,
        }

    def _wait_until(self, arrived: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not arrived():
            if time.monotonic() > until:
                raise TimeoutError(
                    f"W&B did not confirm within {seconds:g} seconds that it received the records."
                )
            time.sleep(0.02 if seconds == _SETTLE_SECONDS[True] else 1.0)

    def _is_written(self, mark: str) -> bool:
        """Whether the file has come to the mark: its records are in the order of the calls."""
        assert self._log is not None
        for record in self._log.records():
            if any(u.key == "anew_sent" and mark in u.value_json for u in record.config.update):
                with open(self._log.path, "rb") as file:
                    os.fsync(file.fileno())
                return True
        return False

    def _is_at_server(self, mark: str) -> bool:
        found = wandb.Api(timeout=15).run(self._run.path)
        return bool(found.config.get("anew_sent") == mark and found.lastHistoryStep >= self._row)

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """See `Target.end`. W&B has a code for how a run ended, and no place for the reason."""
        run, log = self._opened(), self._log
        self._ended = {"status": str(status)} | ({"reason": reason} if reason else {})
        run.config.update({"anew": self._config()["anew"]}, allow_val_change=True)
        self._run, self._log, self._ended = None, None, {}
        seconds = _SETTLE_SECONDS[log is not None]
        code = _EXIT_CODES.get(status, 0)
        answer_within(seconds, lambda: run.finish(exit_code=code), "W&B")
        if log is not None:  # which is still being written
            self._wait_until(lambda: any(r.HasField("exit") for r in log.records()), seconds)
        self._unsettled = False

    def close(self) -> None:
        """See `Target.close`. The run goes on as far as W&B knows."""
        run, self._run, self._log = self._run, None, None
        if run is None:
            return
        for let_go in (lambda: internals.leave(run), wandb.teardown):
            try:
                within(_CLOSE_SECONDS, let_go)
                return
            except Exception:  # noqa: BLE001  (the helper process is gone: the next run needs a new one)
                continue


def _readable(value: Any) -> Any:
    """Non-finite numbers by their names: W&B would make nothing of them."""
    if isinstance(value, dict):
        return (
            value["$float"]
            if set(value) == {"$float"}
            else {k: _readable(v) for k, v in value.items()}
        )
    return [_readable(v) for v in value] if isinstance(value, list) else value


def _line(log: LogLine) -> str:
    at = datetime.datetime.fromtimestamp(log.t, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
    fields = "".join(f"  {k}={json.dumps(v, ensure_ascii=False)}" for k, v in log.fields.items())
    return f"{at} {log.level.upper()} {log.message}{fields}"


def _link(source: str, path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)


def _write_bytes(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
