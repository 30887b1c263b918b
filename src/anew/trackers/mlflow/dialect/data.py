"""Data sets as `mlflow.data` makes them: their name, a digest of what is in them, where they come from."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import Any

from .entities import Dataset as Entity

__all__ = [
    "CodeDatasetSource",
    "Dataset",
    "HTTPDatasetSource",
    "MetaDataset",
    "from_numpy",
    "from_pandas",
    "from_polars",
]


class HTTPDatasetSource:
    """Data that lie at an address, which is not asked."""

    kind = "http"

    def __init__(self, url: str) -> None:
        self.url = url

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"url": self.url}


class CodeDatasetSource:
    """Data that a program made."""

    kind = "code"

    def __init__(self, tags: dict[str, Any] | None = None) -> None:
        self.tags = dict(tags or {})

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"tags": self.tags}


class Dataset:
    """A data set: `name`, `digest`, `source`, `schema` and `profile`.

    Attributes:
        path: Its source, if that is a file or folder of this machine.
    """

    def __init__(
        self, name: str | None, digest: str, source: Any, schema: Any, profile: dict[str, Any]
    ) -> None:
        self.name = name or "dataset"
        self.digest = digest
        self.source = source
        self.schema = schema
        self.profile = profile
        local = isinstance(source, (str, os.PathLike)) and os.path.exists(source)
        self.path: str | None = os.fspath(source) if local else None

    def to_entity(self) -> Entity:
        """What a run keeps of it."""
        known = isinstance(self.source, (str, os.PathLike))
        kind = "local" if self.path else "uri" if known else "code"
        source: dict[str, Any] = {"program": sys.argv[:1]}
        if known:
            source = {"uri": os.fspath(self.source)}
        if isinstance(self.source, (HTTPDatasetSource, CodeDatasetSource)):
            kind, source = self.source.kind, self.source.to_dict()
        return Entity(
            self.name, self.digest, kind, json.dumps(source), json.dumps(self.schema), json.dumps(self.profile),
        )  # fmt: skip

    def to_dict(self) -> dict[str, str]:
        """As a dictionary of texts."""
        return {key: str(value) for key, value in self.to_entity()}

    def __repr__(self) -> str:
        return f"<Dataset {self.name} {self.digest}>"


class MetaDataset(Dataset):
    """What is said of a data set that is not read."""

    def __init__(
        self, source: Any, name: str | None = None, digest: str | None = None, schema: Any = None
    ) -> None:
        said = source.to_dict() if hasattr(source, "to_dict") else str(source)
        told = json.dumps([name, said, str(schema)], sort_keys=True).encode()
        super().__init__(name, digest or _digest([told]), source, schema, {})


class PolarsDataset(Dataset):
    """A data set that is a frame of polars: `df`."""

    df: Any
    targets: str | None
    predictions: str | None


class PandasDataset(Dataset):
    """A data set that is a frame: `df`."""

    df: Any
    targets: str | None
    predictions: str | None


class NumpyDataset(Dataset):
    """A data set of arrays: `features` and `targets`."""

    features: Any
    targets: Any


def from_pandas(
    df: Any,
    source: Any = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> PandasDataset:
    """A data set out of a pandas frame."""
    columns = [
        {
            "type": _TYPES.get(str(kind), "string" if kind.kind == "O" else str(kind)),
            "name": str(name),
            "required": not bool(df[name].isna().any()),
        }
        for name, kind in df.dtypes.items()
    ]
    profile = {"num_rows": len(df), "num_elements": int(df.size)}
    found = PandasDataset(
        name, digest or _of_frame(df), source, {"mlflow_colspec": columns}, profile
    )
    found.df, found.targets, found.predictions = df, targets, predictions
    return found


def from_polars(
    df: Any,
    source: Any = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> PolarsDataset:
    """A data set out of a polars frame; its digest is a number, made of the hashes of its rows."""
    columns = [
        {"type": str(kind).lower(), "name": name, "required": df[name].null_count() == 0}
        for name, kind in df.schema.items()
    ]
    made = digest or str(sum(df.hash_rows().to_list()) % 2**64)
    profile = {"num_rows": df.height, "num_elements": df.height * df.width}
    found = PolarsDataset(name, made, source, {"mlflow_colspec": columns}, profile)
    found.df, found.targets, found.predictions = df, targets, predictions
    return found


def from_numpy(
    features: Any,
    source: Any = None,
    targets: Any = None,
    name: str | None = None,
    digest: str | None = None,
) -> NumpyDataset:
    """A data set out of arrays, or mappings of arrays."""
    schema, profile = {}, {}
    for role, given in (("features", features), ("targets", targets)):
        if given is None:
            continue
        arrays = given if isinstance(given, dict) else {"": given}
        for key, array in arrays.items():
            schema[f"{role}.{key}".strip(".")] = str(array.dtype)
            profile[f"{role}_{key}_shape".replace("__", "_")] = list(array.shape)
    found = NumpyDataset(name, digest or _of_arrays(features, targets), source, schema, profile)
    found.features, found.targets = features, targets
    return found


_TYPES = {
    "int64": "long", "uint32": "long", "int32": "integer", "int16": "integer", "int8": "integer", "uint16": "integer",
    "uint8": "integer", "float64": "double", "float32": "float", "bool": "boolean", "str": "string", "string": "string",
    "datetime64[ns]": "datetime", "datetime64[us]": "datetime",
}  # fmt: skip
"""What MLflow calls the types of pandas."""

_ROWS = 10_000
"""Rows, or numbers, that a digest is made of; of the rest their count is."""


def _of_frame(frame: Any) -> str:
    """MLflow's digest of a frame: pandas' hashes of the first rows of its texts and numbers, the number of rows, the columns."""
    import numpy as np
    import pandas

    first = frame.head(_ROWS)
    texts = [name for name in frame.columns if all(type(one) is str for one in frame[name])]
    numbers = first.select_dtypes(include=[np.number]).columns
    chosen = first[pandas.Index(texts, dtype=frame.columns.dtype).union(numbers)]
    return _digest(
        [
            pandas.util.hash_pandas_object(chosen).to_numpy().tobytes(),
            np.int64(len(frame)).tobytes(),
            *(str(name).encode() for name in frame.columns),
        ]
    )


def _of_arrays(*given: Any) -> str:
    """MLflow's digest of arrays: pandas' hashes of the first numbers of each, and its shape."""
    import numpy as np
    import pandas

    pieces: list[bytes] = []
    for one in given:
        arrays = [one[key] for key in sorted(one)] if isinstance(one, dict) else [one]
        for array in (np.asarray(found) for found in arrays if found is not None):
            first = array.flatten()[:_ROWS]
            try:
                pieces.append(pandas.util.hash_array(first).tobytes())
            except TypeError:
                pieces.append(np.int64(first.size).tobytes())
            pieces += [np.int64(length).tobytes() for length in array.shape]
    return _digest(pieces)


def _digest(pieces: list[bytes]) -> str:
    hashed = hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        hashed.update(piece)
    return hashed.hexdigest()[:8]
