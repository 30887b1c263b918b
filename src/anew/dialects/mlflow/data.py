"""`mlflow.data`: data sets that runs read."""

from __future__ import annotations

from ...trackers.mlflow.dialect.data import Dataset, from_numpy, from_pandas

__all__ = ["Dataset", "from_numpy", "from_pandas"]
