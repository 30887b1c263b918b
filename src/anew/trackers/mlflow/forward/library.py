"""MLflow's own package, set up for a process that sends in the background and does nothing else.

Left alone, MLflow tries for minutes on a server that is down, repeats calls that make a run (which then are two), and reports to
its makers. It reads how from environment variables, when it is imported and at each call; what the user has set stays.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ....errors import MissingDependency

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
    from mlflow import MlflowClient, get_tracking_uri
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
    "make_store",
    "waiting_for",
]


def make_store(uri: str | None) -> None:
    """Make a SQLite store that is not there yet, whole or not at all.

    MLflow makes one in a hundred steps, and opens none of which it was killed after some.
    """
    path = (uri or get_tracking_uri()).partition("?")[0]
    if not path.startswith("sqlite:///") or path.endswith((":///", ":memory:")):
        return
    path = os.path.abspath(path.removeprefix("sqlite:///"))
    if os.path.exists(path) or not os.path.isdir(os.path.dirname(path)):
        return
    utils: Any = import_module("mlflow.store.db.utils")
    make = getattr(utils, "_initialize_tables", None)
    if make is None:  # another version of MLflow: it makes its store itself
        return
    with tempfile.TemporaryDirectory(prefix=".mlflow-new-", dir=os.path.dirname(path)) as folder:
        new = os.path.join(folder, "mlflow.db")
        engine = utils.create_sqlalchemy_engine(f"sqlite:///{new}")
        make(engine)
        engine.dispose()
        try:
            os.link(new, path)
        except FileExistsError:
            pass  # another process made it meanwhile
        except OSError:  # no links on this file system
            os.rename(new, path)


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
