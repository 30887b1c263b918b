"""MLflow's own package, set up for a process that sends in the background and does nothing else.

Left alone, MLflow tries for minutes on a server that is down, repeats calls that make a run (which then are two), and reports to
its makers. It reads how from environment variables, when it is imported and at each call; what the user has set stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import MissingDependency

_TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_SECONDS = 10  # of each wait for the server
_ours = _TIMEOUT not in os.environ

for _name, _value in (
    ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0"),
    (_TIMEOUT, str(_SECONDS)),
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

__all__ = [
    "HTTPError",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Param",
    "RunTag",
    "waiting_for",
]


@contextmanager
def waiting_for(size: int) -> Iterator[None]:
    """While so many bytes are sent: a server that hands them on, to S3 say, answers when it has done so."""
    if _ours:
        os.environ[_TIMEOUT] = str(_SECONDS + size // 1_000_000)
    try:
        yield
    finally:
        if _ours:
            os.environ[_TIMEOUT] = str(_SECONDS)
