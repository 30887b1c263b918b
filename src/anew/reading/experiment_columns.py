"""Many experiments as columns, of which every kind of table is made."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from ..query.question import Question, Wanted, parse_field
from .backend import Backend

__all__ = ["FACTS", "ExperimentColumn", "experiment_columns"]

FACTS = (
    "prefix", "name", "status", "owner", "project", "user", "host", "created_at",
    "started_at", "ended_at", "updated_at", "git.commit", "git.branch", "git.dirty", "parent",
    "relation", "description", "notes", "reason", "metric_count", "point_count", "file_count",
    "file_bytes", "lost",
)  # fmt: skip
"""The fields that a table begins with, after the id."""

_RENAMED = {f"git.{name}": f"git_{name}" for name in ("commit", "branch", "dirty")}
_SECTIONS = ("tags", "params", "config", "metrics")


class ExperimentColumn(msgspec.Struct, frozen=True, eq=False):
    """One column of a table of experiments.

    Attributes:
        kind: "text", "integer", "number", "bool", or "any" for what programs gave.
        values: A value per experiment, None where there is none.
    """

    name: str
    kind: str
    values: Sequence[Any]


def experiment_columns(backend: Backend, ids: Sequence[str]) -> list[ExperimentColumn]:
    """A row per experiment in the order of the ids: its facts, `tags` as JSON, `params.<name>`,
    `config.<name>` and `metrics.<name>` (last values). Those that are gone are left out."""
    fields = (*FACTS, *_SECTIONS)
    question = Question(
        ids=tuple(ids), columns=tuple(Wanted(parse_field(one)) for one in fields), now=time.time()
    )
    answer = backend.select(question)
    found = [ExperimentColumn("experiment_id", "text", answer.ids)]
    for one in answer.columns:
        if one.name == "tags":
            found.append(ExperimentColumn("tags", "text", _json(one.values)))
        else:
            found.append(ExperimentColumn(_RENAMED.get(one.name, one.name), one.kind, one.values))
    return found


def _json(several: Sequence[Any]) -> list[Any]:
    encode = msgspec.json.Encoder().encode
    return [encode(tags).decode() if tags else None for tags in several]
