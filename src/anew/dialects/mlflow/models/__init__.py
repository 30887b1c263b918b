"""`mlflow.models`: what models take and give, and where they were kept."""

from __future__ import annotations

from ....trackers.mlflow.dialect.flavors import ModelInfo, ModelSignature, infer_signature
from . import signature

__all__ = ["ModelInfo", "ModelSignature", "infer_signature", "signature"]
