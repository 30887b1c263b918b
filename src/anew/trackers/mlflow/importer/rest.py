"""What a database of MLflow's has of runs that Anew has no place for: columns and tables that other versions have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ....importing.source import Finding
from ....importing.unplaced import line_of
from .tables import Tables

__all__ = ["PLACED", "TOLD", "Rest"]

PLACED = (
    "run_uuid",
    "name",
    "experiment_id",
    "status",
    "user_id",
    "start_time",
    "end_time",
    "artifact_uri",
    "lifecycle_stage",
)
"""The columns of the table of runs that come as something else."""
TOLD = frozenset({"source_type", "source_name", "entry_point_name", "source_version", "deleted_time"})  # fmt: skip
"""Those that are kept, as MLflow has always had them."""
_READ = frozenset({
    "experiments", "runs", "metrics", "latest_metrics", "params", "tags", "experiment_tags", "datasets", "inputs", "input_tags", "registered_models",
    "registered_model_tags", "model_versions", "model_version_tags", "registered_model_aliases", "logged_models", "logged_model_params",
    "logged_model_tags", "logged_model_metrics",
})  # fmt: skip
_LEFT_OUT = {"trace_info": "traces", "evaluation_datasets": "data sets of evaluations"}
_OF_SERVERS = re.compile(
    r"alembic_version|workspaces|sqlite_\w+|sql_\w+|scheduler_leases|job_?\w*|webhook\w*|secrets|endpoint\w*|model_definitions|budget_policies|mcp_\w+"
    r"|trace_\w+|span\w*|assessments|scorer\w*|online_scoring_configs|evaluation_dataset_\w+|entity_associations|guardrail\w*|label_schemas|review_\w+|issues"
)
"""What a server keeps for itself, and what hangs on traces and data sets of evaluations, which are said themselves."""
_OF_RUN = ("run_uuid", "run_id", "source_run_id")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Rest:
    """What some tables have beside what is read of them otherwise."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        known = tables.columns("runs")
        self.columns = tuple(sorted(one for one in known if one not in PLACED and _NAME.fullmatch(one)))  # fmt: skip
        """Further columns of the table of runs."""
        self._others: dict[str, str] | None = None

    def others(self) -> Mapping[str, str]:
        """The tables with rows of runs that nobody knows, each with the column that says which run."""
        if self._others is None:
            self._others = {}
            for table in sorted(self._tables.names()):
                if self._is_unknown(table) and _NAME.fullmatch(table):
                    known = self._tables.columns(table)
                    column = next((one for one in _OF_RUN if one in known), None)
                    if column is not None and self._count(table):
                        self._others[table] = column
        return self._others

    def rows(self, run_id: Any) -> Iterator[tuple[str, bytes]]:
        """The rows of a run in those tables, as `kept_records` takes them."""
        for table, column in self.others().items():
            names = sorted(filter(_NAME.fullmatch, self._tables.columns(table)))
            shown = ", ".join(f'"{name}"' for name in names)
            for row in self._tables.ask(f"SELECT {shown} FROM {table} WHERE {column} = ?", run_id):
                yield f"table {table}.jsonl", line_of(dict(zip(names, row, strict=True)))

    def left_out(self) -> Iterator[Finding]:
        """What belongs to no run, and is not brought along."""
        for table in sorted(self._tables.names()):
            unknown = self._is_unknown(table) and table not in self.others()
            if not (unknown or table in _LEFT_OUT) or not _NAME.fullmatch(table):
                continue
            if count := self._count(table):
                what = _LEFT_OUT.get(table, "its rows")
                told = f"Anew has no place for {what}: {count:,} of them are not brought along."
                yield Finding(f"table {table}", told, True)

    def _is_unknown(self, table: str) -> bool:
        return table not in _READ and table not in _LEFT_OUT and not _OF_SERVERS.fullmatch(table)

    def _count(self, table: str) -> int:
        ((count,),) = self._tables.ask(f"SELECT count(*) FROM {table}")
        return int(count)
