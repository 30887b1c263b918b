"""Errors as MLflow's client expects them: a code, a message, and the status of the answer."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["STATUS", "Code", "MlflowProblem", "Refusal", "invalid", "missing"]

Code = Literal[
    "BAD_REQUEST",
    "ENDPOINT_NOT_FOUND",
    "INTERNAL_ERROR",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "NOT_IMPLEMENTED",
    "PERMISSION_DENIED",
    "REQUEST_LIMIT_EXCEEDED",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_CONFLICT",
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_EXHAUSTED",
    "TEMPORARILY_UNAVAILABLE",
    "UNAUTHENTICATED",
]
STATUS: dict[Code, int] = {
    "BAD_REQUEST": 400,
    "ENDPOINT_NOT_FOUND": 404,
    "INTERNAL_ERROR": 500,
    "INVALID_PARAMETER_VALUE": 400,
    "INVALID_STATE": 400,
    "NOT_IMPLEMENTED": 501,
    "PERMISSION_DENIED": 403,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_ALREADY_EXISTS": 400,
    "RESOURCE_CONFLICT": 409,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "RESOURCE_EXHAUSTED": 507,
    "TEMPORARILY_UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
}


class MlflowProblem(Exception):
    """A request that MLflow's server would refuse too.

    Attributes:
        code: MLflow's word for what is wrong.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class Refusal(msgspec.Struct, frozen=True):
    """The body of an answer that reports an error."""

    error_code: str
    message: str


def invalid(message: str) -> MlflowProblem:
    """A value that MLflow does not take."""
    return MlflowProblem("INVALID_PARAMETER_VALUE", message)


def missing(message: str) -> MlflowProblem:
    """Something that is not there, or that the caller may not see."""
    return MlflowProblem("RESOURCE_DOES_NOT_EXIST", message)
