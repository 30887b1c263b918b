"""`mlflow.pyfunc`: see `anew.trackers.mlflow.dialect.pyfunc`."""

from __future__ import annotations

from ...trackers.mlflow.dialect.automatic import autolog_of
from ...trackers.mlflow.dialect.flavors import load_pyfunc as load_model
from ...trackers.mlflow.dialect.flavors import log_model
from ...trackers.mlflow.dialect.pyfunc import PyFuncModel, PythonModel, PythonModelContext

autolog = autolog_of("pyfunc")

__all__ = [
    "PyFuncModel",
    "PythonModel",
    "PythonModelContext",
    "autolog",
    "load_model",
    "log_model",
]
