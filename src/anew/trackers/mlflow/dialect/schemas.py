"""`mlflow.types`: what goes into a model and comes out of it, column by column or tensor by tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

__all__ = ["ColSpec", "DataType", "Schema", "TensorSpec"]


class DataType(Enum):
    """The types of columns."""

    boolean = "boolean"
    integer = "integer"
    long = "long"
    float = "float"
    double = "double"
    string = "string"
    binary = "binary"
    datetime = "datetime"


@dataclass(frozen=True)
class ColSpec:
    """A column: its type, and its name if it has one."""

    type: Any
    name: str | None = None
    required: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        kind = self.type.value if isinstance(self.type, DataType) else str(self.type)
        named = {} if self.name is None else {"name": self.name}
        return {"type": kind, **named, "required": self.required}


@dataclass(frozen=True)
class TensorSpec:
    """A tensor: the type of its elements, and its shape, in which -1 is any length."""

    type: Any
    shape: Sequence[int]
    name: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        named = {} if self.name is None else {"name": self.name}
        tensor = {"dtype": str(self.type), "shape": [int(length) for length in self.shape]}
        return {"type": "tensor", **named, "tensor-spec": tensor}


class Schema:
    """Columns or tensors.

    Args:
        inputs: All of them.
    """

    def __init__(self, inputs: Sequence[ColSpec | TensorSpec]) -> None:
        self.inputs = list(inputs)

    def input_names(self) -> list[str | int]:
        """The names; the numbers of those without one."""
        return [n if one.name is None else one.name for n, one in enumerate(self.inputs)]

    def input_types(self) -> list[Any]:
        """The types."""
        return [one.type for one in self.inputs]

    def to_dict(self) -> list[dict[str, Any]]:
        """As plain data."""
        return [one.to_dict() for one in self.inputs]

    def __len__(self) -> int:
        return len(self.inputs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.inputs == other.inputs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Schema({self.inputs})"
