"""A PyTorch module without its tensors: its code and structure as a pickle, in which a name stands for each tensor.

The tensors themselves are a commit in the store's repository of weights, which needs no pickle and stores equal ones once.
"""

from __future__ import annotations

import pickle
from typing import Any

__all__ = ["dump", "load"]


def dump(module: Any, path: str) -> None:
    """Write the structure of a module.

    Raises:
        Exception: Something in it cannot be pickled.
    """
    state = module.state_dict(keep_vars=True)
    names = {id(tensor): name for name, tensor in state.items() if hasattr(tensor, "shape")}

    class Pickler(_pickler()):  # type: ignore[misc]  # one of two, by what is installed
        def persistent_id(self, found: Any) -> Any:
            name = names.get(id(found))
            if name is None:
                return None
            dtype = str(found.dtype).removeprefix("torch.")
            parameter = type(found).__name__ == "Parameter"
            return name, tuple(found.shape), dtype, parameter, bool(found.requires_grad)

    with open(path, "wb") as file:
        Pickler(file, protocol=pickle.HIGHEST_PROTOCOL).dump(module)


def load(path: str) -> Any:
    """The module, with empty tensors, which are to be filled. This runs what is in the file."""
    import torch

    made: dict[str, Any] = {}

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, found: Any) -> Any:
            name, shape, dtype, parameter, trained = found
            if name not in made:
                tensor = torch.empty(shape, dtype=getattr(torch, dtype))
                made[name] = (
                    torch.nn.Parameter(tensor, requires_grad=trained)
                    if parameter
                    else tensor.requires_grad_(trained)
                )
            return made[name]

    with open(path, "rb") as file:
        return Unpickler(file).load()


def _pickler() -> Any:
    """What pickles classes of a program itself as well, where that is installed."""
    try:
        import cloudpickle
    except ImportError:
        return pickle.Pickler
    return cloudpickle.Pickler
