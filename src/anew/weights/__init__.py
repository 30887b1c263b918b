"""Versions of model weights: stored once, restored bit for bit, and linked to experiments.

```python
from anew.weights import Repository, model_to_weights

repo = Repository("weights", init=True)
repo.stage_weights(model_to_weights(model))
commit = repo.commit("epoch 3")
repo.get_all_weights(commit.commit_hash)
```

Nothing is imported until one of the names is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anew.weights.bundle import Weights
    from anew.weights.changes import Diff, TensorChange
    from anew.weights.experiment import ExperimentWeights
    from anew.weights.merging import MergeConflict
    from anew.weights.model import model_to_weights
    from anew.weights.records import Commit
    from anew.weights.repository import Repository
    from anew.weights.snapshot import Snapshot

_HOMES = {
    "Commit": "records",
    "Diff": "changes",
    "ExperimentWeights": "experiment",
    "MergeConflict": "merging",
    "Repository": "repository",
    "Snapshot": "snapshot",
    "TensorChange": "changes",
    "Weights": "bundle",
    "model_to_weights": "model",
}

__all__ = [
    "Commit",
    "Diff",
    "ExperimentWeights",
    "MergeConflict",
    "Repository",
    "Snapshot",
    "TensorChange",
    "Weights",
    "model_to_weights",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
