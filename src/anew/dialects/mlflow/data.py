"""`mlflow.data`: data sets that runs read."""

from __future__ import annotations

from ...trackers.mlflow.dialect.data import (
    CodeDatasetSource,
    Dataset,
    HTTPDatasetSource,
    MetaDataset,
    from_numpy,
    from_pandas,
    from_polars,
)

__all__ = [
    "CodeDatasetSource",
    "Dataset",
    "HTTPDatasetSource",
    "MetaDataset",
    "from_numpy",
    "from_pandas",
    "from_polars",
]
