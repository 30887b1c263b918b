"""The config, the summary and `define_metric` of the wandb dialect."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew.dialects.wandb as wandb
from anew import Store
from anew.dialects.wandb.errors import ConfigError


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    yield
    wandb.teardown()


def steps(run: Any, name: str) -> list[tuple[int, float]]:
    """The points of a metric in the order they were logged."""
    series = Store()[run.native.id].metrics[name].read(order="written")
    return [(int(s), float(v)) for s, v in zip(series.steps, series.values, strict=True)]


# -- config ----------------------------------------------------------------------------------------


def test_config_is_read_and_set_like_wandbs_and_is_the_parameters():
    run = wandb.init(
        project="p", config={"a": 1, "b": {"c": 2, "d": [1, 2]}, "t": (1, 2), "np": np.float32(1.5)}
    )
    config = wandb.config
    assert (config.a, config["b"]["c"], config.t, config.np) == (1, 2, [1, 2], 1.5)
    with pytest.raises(AttributeError, match="zz"):
        _ = config.zz
    with pytest.raises(KeyError):
        _ = config["zz"]
    config.update({"a": 1})
    for change in (
        lambda: config.update({"a": 2}),
        lambda: setattr(config, "a", 3),
        lambda: config.__setitem__("a", 3),
    ):
        with pytest.raises(ConfigError):
            change()
    config.update({"a": 2}, allow_val_change=True)
    config.setdefaults({"a": 9, "new": 1})
    config.attr = 5
    config.update(argparse.Namespace(ns=1, nothing=None))
    config.update({"f": print, "s": {2, 1}})
    config.update({"b": {"e": 1}}, allow_val_change=True)
    expected = {
        "a": 2, "b": {"e": 1}, "t": [1, 2], "np": 1.5, "new": 1, "attr": 5, "ns": 1, "nothing": None,
        "f": "builtins.print", "s": [1, 2],
    }  # fmt: skip
    assert dict(config) == config.as_dict() == dict(config.items()) == expected
    assert (list(config.keys()), "a" in config, "q" in config, config.get("q", 5)) == (
        list(expected),
        True,
        False,
        5,
    )
    with pytest.raises(TypeError):
        config.update(None)
    run.finish()
    assert config.a == 2
    view = Store()[run.native.id]
    assert (view.params.a, view.params.attr, view.params.s) == (2, 5, [1, 2])
    # Parameters merge where a config replaces: what it really was is kept beside them.
    assert wandb.Api().run(run.path).config == expected


def test_a_refused_change_changes_nothing():
    with wandb.init(project="p", config={"a": 1}) as run:
        with pytest.raises(ConfigError):
            run.config.update({"new": 1, "a": 2})
        assert dict(run.config) == {"a": 1}


def test_a_config_comes_from_files_namespaces_and_keys_that_are_chosen():
    Path("c.yaml").write_text("lr:\n  value: 0.1\n  desc: x\nd:\n  value:\n    a: 1\nplain: 3\n")
    with wandb.init(config="c.yaml") as run:
        assert dict(run.config) == {"lr": 0.1, "d": {"a": 1}, "plain": 3}
        assert run.project == "uncategorized"
    with wandb.init(config=argparse.Namespace(a=1, b=None)) as run:
        assert dict(run.config) == {"a": 1, "b": None}
    with wandb.init(config={"a": 1, "b": 2}, config_exclude_keys=["a"]) as run:
        assert dict(run.config) == {"b": 2}
    with wandb.init(config={"a": 1, "b": 2}, config_include_keys=["a"]) as run:
        assert dict(run.config) == {"a": 1}
    with pytest.raises(wandb.UsageError):
        wandb.init(config={}, config_include_keys=["a"], config_exclude_keys=["b"])
    with pytest.raises(wandb.UsageError):
        wandb.init(config="nowhere.yaml")
    Path("config-defaults.yaml").write_text("lr:\n  value: 0.5\nseed:\n  value: 1\n")
    with wandb.init(config={"lr": 0.1}, allow_val_change=True) as run:
        run.config.seed = 2
        assert dict(run.config) == {"lr": 0.1, "seed": 2}


def test_configurations_of_other_libraries_are_taken_with_all_that_is_in_them():
    from dataclasses import dataclass

    from omegaconf import OmegaConf

    @dataclass
    class Config:
        width: int = 3
        names: tuple[str, ...] = ("a", "b")

    with wandb.init(config=OmegaConf.create({"opt": {"lr": 0.1, "betas": [0.9, 0.99]}})) as run:
        assert dict(run.config) == {"opt": {"lr": 0.1, "betas": [0.9, 0.99]}}
    with wandb.init(config=Config()) as run:
        assert dict(run.config) == {"width": 3, "names": ["a", "b"]}
    with wandb.init(config={"api_key": "sk-abcdefghijklmnop", "lr": 0.1}) as run:
        assert run.config.api_key == "sk-abcdefghijklmnop"
    assert Store()[run.native.id].params.api_key == "***"
    for path in Path(run.native.folder).rglob("*"):
        assert not path.is_file() or b"sk-abcdefghijklmnop" not in path.read_bytes(), path


def test_sync_tensorboard_records_what_a_summary_writer_writes():
    from torch.utils.tensorboard import SummaryWriter

    with wandb.init(project="p", sync_tensorboard=True) as run, SummaryWriter("logs") as writer:
        writer.add_scalar("loss", 0.5, 3)
    assert steps(run, "loss") == [(3, 0.5)]


# -- summary and metrics ---------------------------------------------------------------------------


def test_the_summary_has_the_last_of_everything_and_what_the_program_sets():
    run = wandb.init(project="p")
    run.log({"loss": 1.0, "n": {"a": 1, "b": {"c": 2}}})
    run.log({"loss": 0.5, "n": {"a": 3}, "done": True})
    summary = wandb.summary
    assert (summary["loss"], summary.loss, summary["n"]["a"], summary["n"]["b"]["c"]) == (
        0.5,
        0.5,
        3,
        2,
    )
    assert (summary["done"], summary["_step"]) == (True, 1)
    summary["best"] = 0.4
    summary.attr = np.float64(5)
    summary.update({"u": 1, "d": {"x": 1}})
    summary["d"]["y"] = 2
    summary["n"]["z"] = 9
    assert (summary["attr"], summary.d.y, summary.get("zz", 4), "best" in summary) == (
        5.0,
        2,
        4,
        True,
    )
    assert not hasattr(summary, "zzz")
    with pytest.raises(KeyError):
        _ = summary["zzz"]
    del summary["u"]
    summary["loss"] = 99
    del summary["done"]
    assert summary["loss"] == 99
    shown = wandb.Api().run(run.path).summary
    assert (shown["loss"], shown["best"], shown["d"], "u" in shown, "done" in shown) == (
        99, 0.4, {"x": 1, "y": 2}, False, False,
    )  # fmt: skip
    assert shown["n"] == {"a": 3, "b": {"c": 2}, "z": 9}
    run.log({"loss": 0.3, "done": False})
    assert (summary["loss"], summary["done"]) == (0.3, False)
    run.finish()
    assert summary["loss"] == 0.3
    shown = wandb.Api().run(run.path).summary
    assert (shown["loss"], shown["done"], shown.best) == (0.3, False, 0.4)


def test_what_a_metric_is_summarised_by_is_the_same_in_the_run_and_in_the_api():
    run = wandb.init(project="p")
    for name, summary in (
        ("m1", "min"), ("m2", "max"), ("m3", "mean"), ("m4", "none"), ("m5", "copy"), ("m6", "last"), ("m7", "min,max"),
        ("m8", "first"), ("v/*", "max"), ("d.a", "max"), ("b1", "best"),
    ):  # fmt: skip
        run.define_metric(name, summary=summary)
    run.define_metric("b2", summary="best", goal="maximize")
    run.define_metric("v/low", summary="min")
    for value in (3, 1, 2):
        names = [*(f"m{n}" for n in range(1, 10)), "v/a", "v/low", "b1", "b2"]
        run.log(dict.fromkeys(names, value) | {"d": {"a": value}})
    expected = {
        "m1": {"min": 1}, "m2": {"max": 3}, "m3": {"mean": 2}, "m5": 2, "m6": {"last": 2}, "m7": {"min": 1, "max": 3},
        "m8": {"first": 3}, "m9": 2, "v/a": {"max": 3}, "v/low": {"min": 1}, "b1": {"best": 1}, "b2": {"best": 3},
        "d": {"a": {"max": 3}},
    }  # fmt: skip
    shown = {k: v for k, v in run.summary.items() if not k.startswith("_")}
    assert shown == expected
    run.finish()
    found = wandb.Api().run(run.path).summary_metrics
    assert {k: v for k, v in found.items() if not k.startswith("_")} == expected


def test_definitions_that_cannot_be_are_errors():
    run = wandb.init(project="p")
    for name, options in (
        ("m", {"summary": "maxx"}),
        ("*x", {"summary": "max"}),
        ("a*b", {}),
        ("", {}),
        (5, {}),
        ("m", {"goal": "high"}),
    ):
        with pytest.raises(wandb.Error):
            run.define_metric(name, **options)  # type: ignore[arg-type]
    with pytest.raises(wandb.Error, match="'max'"):
        run.define_metric("m", summary="maxx")


def test_a_step_metric_is_logged_beside_what_is_drawn_over_it():
    run = wandb.init(project="p")
    epoch = run.define_metric("epoch")
    run.define_metric("val/*", step_metric=epoch)
    run.define_metric("plain/*", step_metric="epoch", step_sync=False)
    run.log({"epoch": 3})
    run.log({"val/loss": 1.0})
    run.log({"plain/loss": 1.0})
    run.log({"epoch": 4, "val/loss": 0.5})
    run.finish()
    assert steps(run, "epoch") == [(0, 3.0), (1, 3.0), (3, 4.0)]
    assert Store()[run.native.id].captured["wandb_metrics"]["val/*"]["step_metric"] == "epoch"
