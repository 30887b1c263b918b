"""The sets of parameters of a sweep: all of a grid, or drawn from distributions."""

from __future__ import annotations

import itertools
import math
import os
import random

from ..errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["count_of", "grid", "sample", "sampled"]

_DISTRIBUTIONS = (
    "constant", "categorical", "categorical_w_probabilities", "int_uniform", "uniform", "q_uniform", "log_uniform",
    "log_uniform_values", "q_log_uniform", "q_log_uniform_values", "inv_log_uniform", "inv_log_uniform_values", "normal",
    "q_normal", "log_normal", "q_log_normal", "beta", "q_beta",
)  # fmt: skip


def grid(parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each set of parameters of a grid.

    Raises:
        InvalidValue: One has no values that could be counted.
    """
    names, choices = [], []
    for name, said in parameters.items():
        names.append(name)
        choices.append(_choices(name, _said(name, said)))
    for one in itertools.product(*choices):
        yield dict(zip(names, one, strict=True))


def count_of(parameters: dict[str, Any]) -> int:
    """How many sets of parameters a grid has."""
    return math.prod(len(_choices(name, _said(name, said))) for name, said in parameters.items())


def _choices(name: str, said: dict[str, Any]) -> list[Any]:
    if "parameters" in said:
        return list(grid(said["parameters"]))
    if "values" in said:
        return list(said["values"])
    if "value" in said:
        return [said["value"]]
    if said.get("distribution") in ("int_uniform", "q_uniform") or (
        isinstance(said.get("min"), int) and isinstance(said.get("max"), int)
    ):
        step = said.get("q", 1)
        count = math.floor((said["max"] - said["min"]) / step + 1e-9)
        return [said["min"] + at * step for at in range(count + 1)]
    raise InvalidValue(
        f"The parameter {name!r} of a grid needs values, or a range of integers.", key=name
    )


def sampled(parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Sets of parameters drawn at random, without end."""
    source = random.Random(
        int.from_bytes(os.urandom(16), "big")
    )  # not the generator that a training seeds
    while True:
        yield {name: sample(name, _said(name, said), source) for name, said in parameters.items()}


def _said(name: str, said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise InvalidValue(
            f"The parameter {name!r} of a sweep must be a mapping such as {{'value': {said!r}}}.",
            key=name,
        )
    return said


def sample(name: str, said: dict[str, Any], source: random.Random) -> Any:
    """One value of a parameter, by its distribution.

    Raises:
        InvalidValue: What is said of it makes no distribution.
    """
    if "parameters" in said:
        return {
            k: sample(f"{name}.{k}", _said(k, v), source) for k, v in said["parameters"].items()
        }
    kind = said.get("distribution")
    if kind is None:
        kind = next(
            (k for key, k in (("value", "constant"), ("values", "categorical")) if key in said),
            None,
        )
        if kind is None and "min" in said and "max" in said:
            both = isinstance(said["min"], int) and isinstance(said["max"], int)
            kind = "int_uniform" if both else "uniform"
    if kind not in _DISTRIBUTIONS:
        raise InvalidValue(
            f"The parameter {name!r} has an unknown distribution: {kind!r}. There are {', '.join(_DISTRIBUTIONS)}.",
            key=name,
        )
    try:
        return _drawn(kind, said, source)
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidValue(
            f"The parameter {name!r} ({kind}) cannot be drawn: {error!r}", key=name
        ) from error


def _drawn(kind: str, said: dict[str, Any], source: random.Random) -> Any:
    if kind == "constant":
        return said["value"]
    if kind.startswith("categorical"):
        weights = said.get("probabilities")
        return source.choices(said["values"], weights)[0]
    if kind == "int_uniform":
        return source.randint(said["min"], said["max"])
    plain_kind = kind.removeprefix("q_")
    if plain_kind == "uniform":
        value = source.uniform(said["min"], said["max"])
    elif plain_kind == "log_uniform":
        value = math.exp(source.uniform(said["min"], said["max"]))
    elif plain_kind == "log_uniform_values":
        value = math.exp(source.uniform(math.log(said["min"]), math.log(said["max"])))
    elif plain_kind == "inv_log_uniform":
        value = 1 / math.exp(source.uniform(said["min"], said["max"]))
    elif plain_kind == "inv_log_uniform_values":
        low, high = 1 / said["max"], 1 / said["min"]
        value = 1 / math.exp(source.uniform(math.log(low), math.log(high)))
    elif plain_kind == "normal":
        value = source.gauss(said.get("mu", 0), said.get("sigma", 1))
    elif plain_kind == "log_normal":
        value = math.exp(source.gauss(said.get("mu", 0), said.get("sigma", 1)))
    else:
        value = source.betavariate(said.get("a", 1), said.get("b", 1))
    if kind != plain_kind:
        q = said.get("q", 1)
        value = round(value / q) * q
    return value
