"""What MLflow's calls raise."""

from __future__ import annotations

from anew.errors import AnewError

__all__ = ["MlflowException"]


class MlflowException(AnewError):
    """A call that cannot be done; `error_code` says why in a word."""

    def __init__(self, message: object, error_code: str = "INTERNAL_ERROR") -> None:
        super().__init__(str(message))
        self.message = str(message)
        self.error_code = error_code

    @classmethod
    def invalid_parameter_value(cls, message: str) -> MlflowException:
        """A value that the call does not take."""
        return cls(message, "INVALID_PARAMETER_VALUE")

    def serialize_as_json(self) -> str:
        """Code and message, as MLflow's servers answer."""
        import json

        return json.dumps({"error_code": self.error_code, "message": self.message})


class OutOfRange(MlflowException, ValueError):
    """Numbers that a picture cannot have."""


class NotAPicture(MlflowException, TypeError):
    """Something that no picture can be made of."""


class WrongShape(MlflowException, ValueError):
    """An array that is no picture, by its shape."""


class MixedColumn(MlflowException, ValueError):
    """A column of a table that has pictures and something else."""


class NoSuchColumn(MlflowException, KeyError):
    """A fact that no run has."""

    __str__ = Exception.__str__  # a KeyError would show the message as a text in quotes


def missing(message: str) -> MlflowException:
    """There is nothing of that name."""
    return MlflowException(message, "RESOURCE_DOES_NOT_EXIST")
