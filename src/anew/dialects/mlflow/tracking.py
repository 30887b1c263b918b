"""`mlflow.tracking`: the client, by its other address."""

from __future__ import annotations

from ...trackers.mlflow.dialect.client import MlflowClient
from ...trackers.mlflow.dialect.places import (
    get_tracking_uri,
    is_tracking_uri_set,
    set_tracking_uri,
)

__all__ = ["MlflowClient", "get_tracking_uri", "is_tracking_uri_set", "set_tracking_uri"]
