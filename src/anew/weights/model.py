"""The tensors of a model, whatever framework it is written in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anew.errors import InvalidValue
from anew.weights.bundle import Weights
from anew.weights.files import load
from anew.weights.frameworks import classes_of, is_keras, keras_variables
from anew.weights.pytree import weights_of_container, weights_of_pytree, weights_of_registered
from anew.weights.source import is_tensor
from anew.weights.structure import flatten

__all__ = ["model_to_weights"]


def model_to_weights(
    model: Any, *, optimizer: Any = None, extra: Mapping[str, Any] | None = None
) -> Weights:
    """All tensors of a model by name, uncopied, ready for `Repository.stage_weights`.

    Args:
        model: a torch module or state dict, a Keras model, a Flax or JAX pytree, a fitted
            scikit-learn estimator, a mapping of names to arrays, or a path to a `.safetensors`,
            `.npz` or `.pt` file (the last is read with weights_only=True; nothing is unpickled).
        optimizer: a torch optimizer, or any nested state; kept as tensors `optimizer/…` and JSON,
            and given back by `weights.nested("optimizer")`.
        extra: more nested state, kept the same way under the names given.

    Raises:
        InvalidValue: something in it is neither a tensor nor plain data.
    """
    weights = _model(model)
    tensors, structure = dict(weights), dict(weights.structure)
    nested = dict(extra or {})
    if optimizer is not None:
        state_dict = getattr(optimizer, "state_dict", None)
        nested["optimizer"] = state_dict() if callable(state_dict) else optimizer
    for name, value in nested.items():
        structure[name] = flatten(value, name, tensors)
    result = Weights(tensors, structure=structure, framework=weights.framework)
    result.views, result.hidden = weights.views, weights.hidden
    result.dtypes = weights.dtypes
    return result


def _model(model: Any) -> Weights:
    if isinstance(model, Weights):
        return model
    if isinstance(model, str | os.PathLike):
        return load(Path(model))
    classes = classes_of(model)
    if is_keras(classes):
        return Weights(keras_variables(model, "value"), framework="keras")
    if "torch.Module" in classes:
        return _torch_module(model)
    if "sklearn.BaseEstimator" in classes:
        return _estimator(model)
    if "flax.Pytree" in classes or hasattr(model, "__nnx_module__"):
        from flax import nnx

        return weights_of_pytree(nnx.to_pure_dict(nnx.state(model)), "jax")
    if isinstance(model, Mapping | list | tuple):
        return weights_of_container(model)
    registered = weights_of_registered(model)
    if registered is None:
        raise InvalidValue(
            f"The weights of a {type(model).__name__} cannot be found. Give a mapping of names to arrays."
        )
    return registered


def _torch_module(module: Any) -> Weights:
    tensors: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in module.state_dict().items():
        if is_tensor(value):
            tensors[name] = value
        else:
            others[name] = value
    structure = {"module": flatten(others, "module", tensors)} if others else {}
    return Weights(tensors, structure=structure, framework="torch")


def _estimator(estimator: Any) -> Weights:
    """What `fit` left on an estimator: its attributes that end in an underscore."""
    tensors: dict[str, Any] = {}

    def fitted(model: Any) -> dict[str, Any]:
        found = {}
        for name, value in vars(model).items():
            if name.endswith("_") and not name.startswith("_"):
                found[name] = plain(value)
        return found

    def plain(value: Any) -> Any:
        if hasattr(value, "get_params") and hasattr(value, "fit"):
            return fitted(value)
        if isinstance(value, np.ndarray) and value.dtype.hasobject:
            return _without_objects(value, plain)
        if isinstance(value, list | tuple):
            return type(value)(plain(item) for item in value)
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        return value

    state = fitted(estimator)
    if not state:
        raise InvalidValue(f"{type(estimator).__name__} has not been fitted: it has no arrays yet.")
    skeleton = flatten(state, "", tensors)
    return Weights(tensors, structure={"tree": skeleton}, framework="sklearn")


def _without_objects(array: np.ndarray[Any, Any], plain: Any) -> Any:
    if all(isinstance(item, str) for item in array.flat):
        return array.astype(str)
    return [plain(item) for item in array.tolist()]
