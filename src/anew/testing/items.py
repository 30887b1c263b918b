"""Records of one experiment on their way to a target, for the suites."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from ..forwarders.target import Item, Mirror
from ..record.encode import number_or_name
from ..record.events import (
    Closed,
    ConfigSet,
    Event,
    FieldSet,
    FileLogged,
    LogLine,
    Opened,
    ParamsSet,
    PointLine,
    TagsChanged,
    ValueLogged,
)
from ..record.plain import to_plain
from ..record.status import Status

__all__ = ["START", "Records"]

START = 1_763_730_000.0


class Records:
    """Writes records of an experiment and numbers them as they would be sent: `items` has them all, in order.

    Each method adds one record and returns its item. Each record is a millisecond younger than the one before.
    """

    def __init__(self, mirror: Mirror, writer: str = "0001-main") -> None:
        self.mirror = mirror
        self.writer = writer
        self.items: list[Item] = []
        self._now = mirror.created_at
        self.add(
            Opened(
                t=self._now,
                version=1,
                experiment_id=mirror.experiment_id,
                name=mirror.name,
                user=mirror.user,
            )
        )

    def add(self, record: Event | PointLine | LogLine, writer: str | None = None) -> Item:
        """Any record, as it is."""
        item = Item(len(self.items), writer or self.writer, record)
        self.items.append(item)
        return item

    def points(
        self,
        values: Mapping[str, float],
        step: int | None = None,
        *,
        t: float | None = None,
        x: dict[str, Any] | None = None,
        writer: str | None = None,
    ) -> Item:
        """The metrics of one log call."""
        named = {name: number_or_name(float(value)) for name, value in values.items()}
        return self.add(PointLine(self._time(t), named, step, x), writer)

    def log(self, message: str, level: str = "info", **fields: Any) -> Item:
        """A message, which stands in the experiment's folder as well."""
        line = LogLine(self._time(), level, message, to_plain(fields))
        path = os.path.join(self.mirror.folder, "logs", f"logs-{self.writer}.jsonl")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
        return self.add(line)

    def params(self, params: Mapping[str, Any]) -> Item:
        """Parameters, nested."""
        return self.add(ParamsSet(t=self._time(), params=to_plain(params)))

    def config(self, config: Mapping[str, Any]) -> Item:
        """The configuration."""
        return self.add(ConfigSet(t=self._time(), config=to_plain(config)))

    def tags(
        self, add: Mapping[str, str | None] | None = None, remove: list[str] | None = None
    ) -> Item:
        """Tags set, or removed."""
        return self.add(TagsChanged(t=self._time(), add=dict(add or {}), remove=remove or []))

    def field(self, field: str, value: str | None) -> Item:
        """`name`, `description` or `notes`."""
        return self.add(FieldSet(t=self._time(), field=field, value=value))

    def file(self, prefix: str, name: str, content: bytes, step: int | None = None) -> Item:
        """A file with that content, written to where records say that it is."""
        file_id = f"f{len(self.items):011d}"
        path = "/".join(part for part in ("files", prefix, file_id, name) if part)
        whole = os.path.join(self.mirror.folder, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as file:
            file.write(content)
        return self.add(
            FileLogged(
                t=self._time(),
                file_id=file_id,
                prefix=prefix,
                name=name,
                path=path,
                size=len(content),
                hash="0" * 64,
                step=step,
            )
        )

    def value(self, name: str, value: Any, step: int | None = None) -> Item:
        """A value beyond numbers: an `Image`, a `Table` …"""
        saved = value.save(os.path.join(self.mirror.folder, "values"), f"{len(self.items):06d}")
        return self.add(
            ValueLogged(
                t=self._time(),
                name=name,
                kind=value.kind,
                step=step,
                path=f"values/{saved.path}" if saved.path else None,
                data=saved.data,
                metadata=to_plain(saved.metadata),
            )
        )

    def closed(self, status: Status, reason: str | None = None, error: str | None = None) -> Item:
        """The end of the writer."""
        return self.add(Closed(t=self._time(), status=status, reason=reason, error=error))

    def _time(self, t: float | None = None) -> float:
        self._now = round(self._now + 0.001, 3) if t is None else t
        return self._now
