"""Views and points as the rows and frames of frameworm."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from anew.errors import MissingDependency

if TYPE_CHECKING:
    import pandas

__all__ = ["COLUMNS", "frame", "pandas_module", "points", "row", "table", "with_short_times"]

COLUMNS = (
    "id", "experiment_id", "name", "description", "created_at", "updated_at", "status", "git_hash", "git_dirty",
    "path", "tags",
)  # fmt: skip


def pandas_module() -> Any:
    """pandas, or the error that says how to install it."""
    try:
        import pandas
    except ImportError as error:
        raise MissingDependency(
            "Data frames need pandas, which is not installed. Install it with: pip install pandas",
            name="pandas",
        ) from error
    return pandas


def row(view: Any) -> dict[str, Any]:
    """One experiment as `COLUMNS`."""
    import json

    pd, git = pandas_module(), view.git
    return {
        "id": view.id,
        "experiment_id": view.id,
        "name": view.name,
        "description": view.description,
        "created_at": pd.Timestamp(view.created_at, unit="s", tz="UTC"),
        "updated_at": pd.Timestamp(view.updated_at, unit="s", tz="UTC"),
        "status": str(view.status),
        "git_hash": git.get("commit"),
        "git_dirty": git.get("dirty"),
        "path": str(view.path),
        "tags": json.dumps([*view.tags], ensure_ascii=False),
    }


def frame(views: Iterable[Any]) -> pandas.DataFrame:
    """Experiments as `COLUMNS`, a row each."""
    found: pandas.DataFrame = pandas_module().DataFrame(
        [row(view) for view in views], columns=list(COLUMNS)
    )
    return found


def points(view: Any, metric: str | None) -> list[dict[str, Any]]:
    """Every point of one metric or of all, as logged."""
    pd = pandas_module()
    return [
        {
            "metric_name": name,
            "metric_value": value,
            "step": row["step"],
            "epoch": (row["metadata"] or {}).get("epoch"),
            "metric_type": (row["metadata"] or {}).get("metric_type", "train"),
            "timestamp": pd.Timestamp(row["time"], unit="s", tz="UTC"),
        }
        for row in view.metrics.rows()
        for name, value in row["values"].items()
        if metric is None or name == metric
    ]


def with_short_times(frame: pandas.DataFrame) -> pandas.DataFrame:
    """A copy to be printed."""
    times = frame["created_at"].dt.strftime("%Y-%m-%d %H:%M:%S")
    return frame.assign(created_at=times)


def table(frame: pandas.DataFrame) -> str:
    """What a list of experiments looks like in a terminal."""
    shown = frame[["experiment_id", "name", "status", "created_at"]]
    return with_short_times(shown).to_string(index=False)
