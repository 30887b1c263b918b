"""Putting restored weights into a live model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from anew.errors import InvalidValue, WeightsError
from anew.weights.dtypes import torch_tensor
from anew.weights.frameworks import classes_of, is_keras, keras_variables
from anew.weights.structure import from_plain

__all__ = ["Loadable", "load_into"]


class Loadable(Protocol):
    """Arrays by name, with what surrounds them; `Weights` and a `Snapshot` are."""

    @property
    def dtypes(self) -> dict[str, str]:
        """Element types that numpy can only show as bytes, by tensor."""
        ...

    @property
    def structure(self) -> dict[str, Any]:
        """The plain forms of nested values."""
        ...

    def __getitem__(self, name: str, /) -> Any:
        """One array."""
        ...

    def __iter__(self) -> Iterator[str]:
        """The names."""
        ...

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape of an array."""
        ...


def load_into(weights: Loadable, target: Any) -> Any:
    """Copy weights into `target`, one tensor at a time; see `Weights.load_into`."""
    classes = classes_of(target)
    if is_keras(classes):
        variables = keras_variables(target)
        _check(weights, {path: tuple(v.shape) for path, v in variables.items()})
        for path, variable in variables.items():
            variable.assign(weights[path])
        return target
    if "torch.Module" in classes:
        return _into_module(weights, target)
    if "torch.Optimizer" in classes:
        target.load_state_dict(_nested_torch(weights, "optimizer"))
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


def _into_module(weights: Loadable, module: Any) -> Any:
    import torch

    state = module.state_dict(keep_vars=True)
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    _check(weights, {name: tuple(value.shape) for name, value in tensors.items()})
    with torch.no_grad():
        for name, value in tensors.items():
            loaded = torch_tensor(weights[name], weights.dtypes.get(name, ""))
            if loaded.dtype != value.dtype:
                raise WeightsError(
                    f"{name!r} was committed as {loaded.dtype} and the module has {value.dtype}; "
                    "copying would change its values. Convert the module first."
                )
            value.copy_(loaded)
    if "module" in weights.structure:
        others = _nested_torch(weights, "module")
        incomplete = {name: value for name, value in others.items() if name in state}
        module.load_state_dict({**module.state_dict(), **incomplete})
    return module


def _nested_torch(weights: Loadable, root: str) -> Any:
    if root not in weights.structure:
        raise WeightsError(
            f"These weights keep no {root!r}: pass the optimizer when committing to keep it."
        )
    return from_plain(
        weights.structure[root],
        lambda name: torch_tensor(weights[name], weights.dtypes.get(name, "")),
    )


def _check(weights: Loadable, wanted: dict[str, tuple[int, ...]]) -> None:
    missing = sorted(set(wanted) - set(weights))
    if missing:
        raise WeightsError(
            f"The weights do not contain {missing[:5]}. Check that this is the model they were made from."
        )
    kept = {name for name in weights if not _belongs_to_structure(weights, name)}
    surplus = sorted(kept - set(wanted))
    if surplus:
        raise WeightsError(
            f"The model does not have {surplus[:5]}. Check that it is the right model."
        )
    for name, shape in wanted.items():
        if weights.shape_of(name) != shape:
            raise WeightsError(f"The shape of {name!r} differs from the model's {shape}.")


def _belongs_to_structure(weights: Loadable, name: str) -> bool:
    """Whether the tensor is part of an optimizer's or another nested state beside the model."""
    return any(name.startswith(f"{root}/") for root in weights.structure if root != "tree")
