"""Which framework a value belongs to, told without importing any."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["classes_of", "framework_of", "is_keras", "keras_variables"]


def classes_of(value: Any) -> set[str]:
    """The classes that a value is an instance of, as `torch.Module`: first part of the module, and name."""
    return {f"{one.__module__.partition('.')[0]}.{one.__name__}" for one in type(value).__mro__}


def is_keras(classes: set[str]) -> bool:
    """Whether these are the classes of a Keras model or layer; with torch as its backend it is a torch module too."""
    return "keras.Model" in classes or "keras.Layer" in classes


def keras_variables(model: Any, attribute: str = "") -> dict[str, Any]:
    """The variables of a Keras model by their paths, without the name Keras numbered it with."""
    named = {w.path.removeprefix(f"{model.name}/"): w for w in model.weights}
    return {path: getattr(w, attribute) if attribute else w for path, w in named.items()}


def framework_of(tensors: Iterable[Any]) -> str:
    """The framework of the first tensor that is of a known one; "" if none is."""
    for tensor in tensors:
        module = type(tensor).__module__.partition(".")[0]
        if module in ("torch", "numpy"):
            return module
        if module in ("jax", "jaxlib"):
            return "jax"
    return ""
