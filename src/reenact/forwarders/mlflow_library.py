"""MLflow's own package, set up for a process that sends in the background and does nothing else.

Left alone, MLflow tries for minutes on a server that is down, repeats calls that make a run (which then are two), and reports to
its makers. It reads how from environment variables, when it is imported and at each call; what the user has set stays.
"""

from __future__ import annotations

import os

from ..errors import MissingDependency

for _name, _value in (
    ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0"),
    ("MLFLOW_HTTP_REQUEST_TIMEOUT", "10"),  # seconds, of each wait for the server
    ("MLFLOW_DISABLE_TELEMETRY", "true"),
):
    os.environ.setdefault(_name, _value)

try:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.exceptions import MlflowException
    from requests import HTTPError
except ImportError:
    raise MissingDependency(
        "Forwarding to mlflow needs a package that is not installed: pip install mlflow."
    ) from None

__all__ = ["HTTPError", "Metric", "MlflowClient", "MlflowException", "Param", "RunTag"]
