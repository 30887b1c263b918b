"""Weights in memory: what `model_to_weights` makes and `get_all_weights` gives back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anew.errors import NotFound, WeightsError
from anew.weights.dtypes import torch_tensor
from anew.weights.export import save
from anew.weights.loading import load_into
from anew.weights.records import View
from anew.weights.source import restrided
from anew.weights.structure import from_plain

__all__ = ["Weights", "closest", "strided"]


class Weights(Mapping[str, Any]):
    """Tensors by name, with what belongs to them that is not a tensor.

    From a repository the values are numpy arrays of this weights' own (bfloat16, float8 and int4
    through ml_dtypes). From a model they are the model's own tensors, uncopied: stage them before
    the model changes.

    Attributes:
        structure: for each nested value (an optimizer's state, a pytree) its plain form.
        framework: what the weights were made from: torch, keras, jax, sklearn, numpy or "".
        damaged: tensors that could not be read, with the reason, when asked to go on without.
        views: the tensors that share memory with another, and where they lie in it.
        hidden: memory that views share and that is no tensor of its own.
        dtypes: element types that numpy can only show as bytes, by tensor.
    """

    def __init__(
        self,
        tensors: Mapping[str, Any],
        *,
        structure: Mapping[str, Any] | None = None,
        framework: str = "",
    ) -> None:
        self._tensors = dict(tensors)
        self.structure = dict(structure or {})
        self.framework = framework
        self.damaged: dict[str, str] = {}
        self.views: dict[str, View] = {}
        self.hidden: dict[str, Any] = {}
        self.dtypes: dict[str, str] = {}

    def __getitem__(self, name: str) -> Any:
        try:
            return self._tensors[name]
        except KeyError:
            near = closest(name, self._tensors)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise NotFound(f"There is no tensor {name!r}.{hint}", name=name, nearest=near) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        total = sum(int(getattr(t, "nbytes", 0)) for t in self._tensors.values())
        return f"<Weights: {len(self)} tensors, {total:,} bytes>"

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return tuple(self[name].shape)

    def nested(self, root: str = "tree") -> Any:
        """The nested value kept under `root` ("optimizer", "tree", …) with its tensors back in place.

        Raises:
            NotFound: nothing is kept under that name.
        """
        if root not in self.structure:
            raise NotFound(
                f"These weights do not contain {root!r}; they contain {sorted(self.structure) or 'tensors alone'}.",
                name=root,
            )
        return from_plain(self.structure[root], lambda name: self[name])

    def to_torch(self) -> dict[str, Any]:
        """The tensors as torch tensors that share the arrays' memory, tied ones tied again."""
        import torch

        done: dict[str, Any] = {}
        for name, array in {**self.hidden, **self._tensors}.items():
            if name not in self.views:
                done[name] = torch_tensor(array, self.dtypes.get(name, ""))
        for name, view in self.views.items():
            if name in self._tensors and view.root in done:
                root = done[view.root].reshape(-1)
                shape = tuple(self._tensors[name].shape)
                done[name] = torch.as_strided(root, shape, view.strides, view.offset)
        return {name: done[name] for name in self._tensors}

    def load_into(self, target: Any) -> Any:
        """Put the weights into a torch module or optimizer, a Keras model or a dict of arrays.

        Returns the target. Shapes and names must match.

        Raises:
            WeightsError: a name is missing on either side, or a shape differs.
            InvalidValue: the target is of none of these kinds.
        """
        return load_into(self, target)

    def save(self, path: str | Path) -> Path:
        """Write the tensors to a `.safetensors`, `.npz` or `.pt` file, atomically."""
        return save(self, Path(path))


def strided(root: np.ndarray[Any, Any], shape: tuple[int, ...], view: View) -> np.ndarray[Any, Any]:
    """A view of `root`, once it is certain that it stays inside.

    Raises:
        WeightsError: it would reach outside, so what describes it is not to be trusted.
    """
    flat = root.reshape(-1)
    reach = view.offset + sum((n - 1) * s for n, s in zip(shape, view.strides, strict=True))
    if (
        view.offset < 0
        or min(view.strides, default=0) < 0
        or reach >= flat.size
        or math.prod(shape) == 0
    ):
        raise WeightsError(
            "A tensor is recorded as sharing memory that lies outside the other tensor."
        )
    if view.offset == 0 and shape == root.shape and view.strides == _contiguous(shape):
        return root
    steps = tuple(stride * flat.itemsize for stride in view.strides)
    return restrided(flat[view.offset :], shape, steps)


def closest(name: str, names: Any) -> list[str]:
    """The known names that are closest to a mistyped one, the closest first."""
    import difflib

    known = list(names)
    by_lower = {known_name.lower(): known_name for known_name in known}
    if name.lower() in by_lower:
        return [by_lower[name.lower()]]
    return difflib.get_close_matches(name, known, n=3)


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))
