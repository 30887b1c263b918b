"""Experiments written out: as tables for other programs, or whole as a zip file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from ..errors import InvalidValue
from .source import Source
from .views import ExperimentView

__all__ = ["Format", "export"]

Format = Literal["parquet", "csv", "jsonl", "zip"]
_FORMATS = get_args(Format)


def export(
    source: Source,
    views: Sequence[ExperimentView],
    target: str,
    format: Format | None,
    *,
    whole: bool = False,
) -> list[str]:
    """See `Store.export`.

    Args:
        whole: Whether these are all experiments: a zip file then also holds what belongs to none of them.

    Raises:
        InvalidValue: There is no such format.
        FileExistsError: Something is there already.
        InvalidSetting: A zip file is asked for, and the store is on another machine.
    """
    chosen = format or ("zip" if target.lower().endswith(".zip") else "parquet")
    if chosen not in _FORMATS:
        raise InvalidValue(
            f"format must be one of {', '.join(_FORMATS)}, not {format!r}.", key="format"
        )
    if chosen == "zip":
        source.looked_after().archive([view.id for view in views], target, whole=whole)
        return [target]
    from .export_tables import export_tables

    return export_tables(source, views, target, chosen)
