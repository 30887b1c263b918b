"""Weights out of nested containers: mappings of arrays, pytrees, and whatever JAX was told how to take apart."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from anew.weights.bundle import Weights
from anew.weights.frameworks import framework_of
from anew.weights.source import is_tensor
from anew.weights.structure import flatten

__all__ = ["weights_of_container", "weights_of_pytree", "weights_of_registered"]


def weights_of_container(value: Mapping[Any, Any] | list[Any] | tuple[Any, ...]) -> Weights:
    """The tensors of a mapping of names to tensors, which keep their names, or of any other nested container.

    Raises:
        InvalidValue: Something in it is neither a tensor nor plain data.
    """
    if isinstance(value, Mapping) and all(
        isinstance(name, str) and is_tensor(tensor) for name, tensor in value.items()
    ):
        return Weights(value, framework=framework_of(value.values()))
    return weights_of_pytree(value)


def weights_of_pytree(value: Any, framework: str = "") -> Weights:
    """The tensors of nested containers, named by their paths, with the containers as plain data.

    Raises:
        InvalidValue: Something in it is neither a tensor nor plain data.
    """
    tensors: dict[str, Any] = {}
    skeleton = flatten(value, "", tensors)
    found = framework or framework_of(tensors.values())
    return Weights(tensors, structure={"tree": skeleton}, framework=found)


def weights_of_registered(value: Any) -> Weights | None:
    """The tensors of a class that JAX was told how to take apart, such as a training state; None for any other."""
    jax = sys.modules.get("jax")
    if jax is None:
        return None
    leaves, _ = jax.tree_util.tree_flatten_with_path(value)
    if len(leaves) == 1 and leaves[0][1] is value:
        return None
    named = {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}
    tensors = {name: leaf for name, leaf in named.items() if is_tensor(leaf)}
    plain = {name: leaf for name, leaf in named.items() if name not in tensors}
    structure = {"leaves": flatten(plain, "leaves", tensors)} if plain else {}
    return Weights(tensors, structure=structure, framework="jax")
