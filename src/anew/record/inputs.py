"""What an experiment read, as its captures have it: declared inputs, files that its program opened, artifacts and data sets of dialects.

What was captured may come from anybody's folder, so each value counts only where it has the type it should have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from .fold import ExperimentState

__all__ = ["READ", "InputFact", "inputs_of"]

READ = frozenset({"inputs", "mlflow inputs", "ran", "wandb_used"})
"""The captures that say what was read."""


class InputFact(msgspec.Struct, frozen=True):
    """One thing that an experiment read.

    Attributes:
        name: What it is called: the name of a declared input, the path of a file, the full name of an artifact's version.
        hash: A hash of its content, in hexadecimal where it is one of ours (SHA-256); "" where none was recorded.
        how: "declared" (`exp.inputs.add`), "opened" by the program, "listed" (a folder of which too many files were read to hash them; the
            hash is of their names and sizes), an "artifact" of the W&B dialect, or a "dataset" of the MLflow dialect.
        size: Bytes, where known.
        blake3: The BLAKE3 of a declared file, which logged files go by; "" where none was recorded.
    """

    name: str
    hash: str
    how: Literal["declared", "opened", "listed", "artifact", "dataset"]
    size: int | None = None
    blake3: str = ""

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes that are known, "" where none is."""
        return (self.hash, self.blake3) if self.blake3 else (self.hash,)


def inputs_of(state: ExperimentState) -> tuple[InputFact, ...]:
    """What all openings of an experiment read, each once, in the order of the openings."""
    captures = [state.captured, *(own.captured for own in state.own.values())]
    found = {(one.name, one.hash): one for captured in captures for one in _read(captured)}
    return tuple(found.values())


def _read(captured: Mapping[str, Any]) -> Iterator[InputFact]:
    for name, fact in _items(captured.get("inputs")):
        if isinstance(fact, Mapping):
            size, blake3 = _size(fact.get("size")), _text(fact.get("blake3"))
            yield InputFact(name, _text(fact.get("sha256")), "declared", size, blake3)
    ran = captured.get("ran")
    for key, how in (("read", "opened"), ("read_folders", "listed")):
        for name, fact in _items(ran.get(key) if isinstance(ran, Mapping) else None):
            if isinstance(fact, (list, tuple)) and len(fact) == 3:
                size = _size(fact[0] if how == "opened" else fact[1])
                yield InputFact(name, _text(fact[2]), how, size)  # type: ignore[arg-type]
    used = captured.get("wandb_used")
    names = used.get("artifacts") if isinstance(used, Mapping) else None
    for name in names if isinstance(names, (list, tuple)) else ():
        if isinstance(name, str) and name:
            yield InputFact(name, "", "artifact")
    inputs = captured.get("mlflow inputs")
    datasets = inputs.get("datasets") if isinstance(inputs, Mapping) else None
    for one in datasets if isinstance(datasets, (list, tuple)) else ():
        dataset = one.get("dataset") if isinstance(one, Mapping) else None
        if isinstance(dataset, Mapping) and _text(dataset.get("name")):
            yield InputFact(_text(dataset["name"]), _text(dataset.get("digest")), "dataset")


def _items(found: object) -> Iterator[tuple[str, Any]]:
    for name, value in found.items() if isinstance(found, Mapping) else ():
        if isinstance(name, str) and name:
            yield name, value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _size(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None
