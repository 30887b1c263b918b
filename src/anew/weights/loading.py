"""Putting restored weights into a live model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from anew.errors import InvalidValue, WeightsError

if TYPE_CHECKING:
    from anew.weights.bundle import Weights
    from anew.weights.snapshot import Snapshot

__all__ = ["load_into"]


def load_into(weights: Weights | Snapshot, target: Any) -> Any:
    """Copy weights into `target`, one tensor at a time; see `Weights.load_into`."""
    ancestry = {
        f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(target).__mro__
    }
    # Keras first: with torch as its backend, its models are torch modules too.
    if "keras.Model" in ancestry or "keras.Layer" in ancestry:
        from anew.weights.model import keras_variables

        variables = keras_variables(target)
        _check(weights, {path: tuple(v.shape) for path, v in variables.items()})
        for path, variable in variables.items():
            variable.assign(weights[path])
        return target
    if "torch.Module" in ancestry:
        return _into_module(weights, target)
    if "torch.Optimizer" in ancestry:
        from anew.weights.bundle import _to_torch

        target.load_state_dict(_nested_torch(weights, "optimizer", _to_torch))
        return target
    if isinstance(target, Mapping) and all(isinstance(v, np.ndarray) for v in target.values()):
        _check(weights, {name: array.shape for name, array in target.items()})
        for name, array in target.items():
            array[...] = weights[name]
        return target
    raise InvalidValue(
        f"Weights cannot be put into a {type(target).__name__}. Take the arrays with "
        "get_all_weights(...), or the nested value with .nested()."
    )


def _into_module(weights: Weights | Snapshot, module: Any) -> Any:
    import torch

    from anew.weights.bundle import _to_torch

    state = module.state_dict(keep_vars=True)
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    _check(weights, {name: tuple(value.shape) for name, value in tensors.items()})
    with torch.no_grad():
        for name, value in tensors.items():
            loaded = _to_torch(weights[name], weights.dtypes.get(name, ""))
            if loaded.dtype != value.dtype:
                raise WeightsError(
                    f"{name!r} was committed as {loaded.dtype} and the module has {value.dtype}; "
                    "copying would change its values. Convert the module first."
                )
            value.copy_(loaded)
    if "module" in weights.structure:
        others = _nested_torch(weights, "module", _to_torch)
        incomplete = {name: value for name, value in others.items() if name in state}
        module.load_state_dict({**module.state_dict(), **incomplete})
    return module


def _nested_torch(weights: Weights | Snapshot, root: str, convert: Any) -> Any:
    from anew.weights.structure import from_plain

    if root not in weights.structure:
        raise WeightsError(
            f"These weights keep no {root!r}: commit with the optimizer given to have it."
        )
    return from_plain(
        weights.structure[root], lambda name: convert(weights[name], weights.dtypes.get(name, ""))
    )


def _check(weights: Weights | Snapshot, wanted: dict[str, tuple[int, ...]]) -> None:
    missing = sorted(set(wanted) - set(weights))
    if missing:
        raise WeightsError(
            f"The weights have no {missing[:5]}; is this the model they were made from?"
        )
    kept = {name for name in weights if not _belongs_to_structure(weights, name)}
    surplus = sorted(kept - set(wanted))
    if surplus:
        raise WeightsError(f"The model has no place for {surplus[:5]}; is it the right model?")
    for name, shape in wanted.items():
        if (
            tuple(
                weights[name].shape if not hasattr(weights, "shape_of") else weights.shape_of(name)
            )
            != shape
        ):
            raise WeightsError(f"{name!r} has another shape than the model's {shape}.")


def _belongs_to_structure(weights: Weights | Snapshot, name: str) -> bool:
    """Whether the tensor is part of an optimizer's or another nested state beside the model."""
    return any(name.startswith(f"{root}/") for root in weights.structure if root != "tree")
