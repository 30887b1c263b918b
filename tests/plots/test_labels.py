from dataclasses import dataclass, field
from typing import Any

from anew.plots.labels import differing, flat, labels, shown


@dataclass
class Run:
    id: str
    name: str
    params: dict[str, Any] = field(default_factory=dict)
    prefix: str = ""
    config: dict[str, Any] | None = None


def test_different_names_are_enough():
    assert labels([Run("a1", "vae"), Run("b1", "gan")]) == {"a1": "vae", "b1": "gan"}


def test_namesakes_are_told_apart_by_what_differs():
    runs = [
        Run("a1", "vae", {"opt": {"lr": 0.1}, "seed": 1}),
        Run("b1", "vae", {"opt": {"lr": 0.01}, "seed": 1}),
    ]
    assert labels(runs) == {"a1": "vae lr=0.1", "b1": "vae lr=0.01"}


def test_configuration_keys_tell_namesakes_apart_too():
    runs = [
        Run("a1", "vae", config={"opt": {"lr": 0.1}}),
        Run("b1", "vae", config={"opt": {"lr": 0.01}}),
    ]
    assert labels(runs) == {"a1": "vae lr=0.1", "b1": "vae lr=0.01"}


def test_as_few_parameters_are_named_as_will_do():
    runs = [Run(str(i), "vae", {"lr": i % 2, "depth": i // 2, "extra": i}) for i in range(4)]
    assert labels(runs)["3"] == "vae lr=1 depth=1"


def test_nothing_that_differs_leaves_the_id():
    runs = [Run("abcdefgh", "vae"), Run("bcdefghj", "vae")]
    assert labels(runs) == {"abcdefgh": "vae (abcdef)", "bcdefghj": "vae (bcdefg)"}


def test_a_missing_parameter_differs_from_every_value():
    assert differing([{"lr": 1, "same": 2}, {"same": 2}]) == ["lr"]


def test_nested_parameters_become_dotted():
    assert flat({"a": {"b": 1, "c": {}}, "d": [1]}) == {"a.b": 1, "a.c": {}, "d": [1]}


def test_floats_are_shown_without_noise():
    assert [shown(x) for x in (0.1 + 0.2, 3e-4, 1.0, True, None)] == [
        "0.3",
        "0.0003",
        "1",
        "True",
        "None",
    ]
