"""Parameters: nested, typed, merged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment
from anew.errors import InvalidValue

from .reading import state


@pytest.fixture
def exp(root: Path) -> Any:
    with Experiment("a/b", root=root, console="off", system_metrics=0) as exp:
        yield exp


def test_dotted_keys_nest_and_later_settings_merge(exp: Experiment) -> None:
    exp.params.set({"model.layers": 3, "model": {"width": 8}}, lr=0.1)
    exp.params.set({"model.width": 16})
    exp.params["opt.name"] = "adam"
    exp.params.seed = 7
    nested = {"model": {"layers": 3, "width": 16}, "lr": 0.1, "opt": {"name": "adam"}, "seed": 7}
    assert exp.params.get() == nested
    assert exp.params.get(flatten=True) == {
        "model.layers": 3, "model.width": 16, "lr": 0.1, "opt.name": "adam", "seed": 7,
    }  # fmt: skip
    assert exp.params["model.width"] == exp.params.model.width == 16
    assert exp.params.get("none", 5) == 5
    assert "model.layers" in exp.params
    assert "model.depth" not in exp.params
    assert sorted(exp.params) == ["lr", "model", "opt", "seed"]
    with pytest.raises(AttributeError, match="depth"):
        exp.params.model.depth  # noqa: B018
    with pytest.raises(KeyError):
        exp.params["model.depth"]
    assert state(exp.folder).params == nested


def test_types_are_kept_and_come_back(exp: Experiment) -> None:
    given = {
        "i": 1,
        "f": 1.5,
        "b": True,
        "n": None,
        "s": "x",
        "l": [1, [2.5]],
        "inf": math.inf,
        "nan": math.nan,
    }
    exp.params.set(given)
    got = exp.params.get()
    assert math.isnan(got.pop("nan"))
    assert {k: (type(v), v) for k, v in got.items()} == {
        k: (type(v), v) for k, v in given.items() if k != "nan"
    }


def test_a_parameter_of_a_megabyte_is_kept(exp: Experiment) -> None:
    exp.params.set(text="x" * 1_000_000)
    assert state(exp.folder).params["text"] == "x" * 1_000_000


def test_a_configuration_object_will_do(exp: Experiment) -> None:
    import argparse

    exp.params.set(argparse.Namespace(lr=0.1))
    assert exp.params.lr == 0.1


@pytest.mark.parametrize("wrong", [3, ["a"], object()])
def test_anything_else_is_refused(exp: Experiment, wrong: Any) -> None:
    with pytest.raises(InvalidValue):
        exp.params.set(wrong)


def test_the_document_holds_them_all_at_the_end(root: Path) -> None:
    with Experiment("a/c", root=root, console="off", system_metrics=0) as exp:
        for i in range(50):
            exp.params.set({f"p{i}": i, "lr": math.inf})
    document = json.loads((Path(exp.folder) / "params.json").read_text())
    assert document == {"lr": "inf", **{f"p{i}": i for i in range(50)}}
