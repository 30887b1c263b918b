"""`mlflow.artifacts`: the files of a run."""

from __future__ import annotations

from ...trackers.mlflow.dialect.artifacts import (
    download_artifacts,
    list_artifacts,
    load_dict,
    load_image,
    load_text,
)

__all__ = ["download_artifacts", "list_artifacts", "load_dict", "load_image", "load_text"]
