"""`mlflow.models.signature`: the same by its longer address."""

from __future__ import annotations

from ....trackers.mlflow.dialect.flavors import ModelSignature, infer_signature

__all__ = ["ModelSignature", "infer_signature"]
