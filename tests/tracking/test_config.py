"""Configurations: taken over whole, and frozen."""

from __future__ import annotations

import argparse
import collections
import copy
import dataclasses
import json
import math
import pickle
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pydantic
import pydantic.v1
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import MISSING, OmegaConf

from anew.errors import ConfigFrozen, InvalidValue
from anew.record.plain import from_plain
from anew.sweeps.sweep import read_config
from anew.tracking.config import FrozenConfig, config_yaml, differences, freeze
from anew.tracking.config_text import load_yaml

PLAIN = {"lr": 0.001, "model": {"name": "resnet", "layers": [64, 128]}}


@dataclasses.dataclass
class DataModel:
    name: str = "resnet"
    layers: tuple[int, ...] = (64, 128)


@dataclasses.dataclass
class DataConfig:
    lr: float = 0.001
    model: DataModel = dataclasses.field(default_factory=DataModel)


@attrs.define
class AttrsConfig:
    lr: float = 0.001
    model: DataModel = attrs.Factory(DataModel)


class PydanticModel(pydantic.BaseModel):
    name: str = "resnet"
    layers: list[int] = [64, 128]


class PydanticConfig(pydantic.BaseModel):
    lr: float = 0.001
    model: PydanticModel = PydanticModel()


@dataclasses.dataclass
class OmegaModel:
    name: str = "resnet"
    layers: list[int] = dataclasses.field(default_factory=lambda: [64, 128])


@dataclasses.dataclass
class OmegaConfig:
    lr: float = 0.001
    model: OmegaModel = dataclasses.field(default_factory=OmegaModel)


class HandWritten:
    def to_dict(self) -> dict[str, Any]:
        return {"lr": 0.001, "model": DataModel()}


Tuple = collections.namedtuple("Tuple", "lr model")


@pytest.mark.parametrize(
    "config",
    [
        PLAIN,
        types.MappingProxyType(PLAIN),
        collections.OrderedDict(PLAIN),
        DataConfig(),
        AttrsConfig(),
        PydanticConfig(),
        HandWritten(),
        Tuple(0.001, DataModel()),
        argparse.Namespace(lr=0.001, model=argparse.Namespace(name="resnet", layers=[64, 128])),
        types.SimpleNamespace(lr=0.001, model={"name": "resnet", "layers": (64, 128)}),
        OmegaConf.create(PLAIN),
        OmegaConf.structured(OmegaConfig),
        {"lr": 0.001, "model": OmegaConf.create({"name": "resnet", "layers": [64, 128]})},
        {
            "lr": np.float64(0.001),
            "model": {"name": np.str_("resnet"), "layers": np.array([64, 128])},
        },
        FrozenConfig(PLAIN),
    ],
    ids=lambda config: type(config).__name__,
)
def test_every_kind_of_configuration_becomes_the_same_plain_data(config: Any) -> None:
    frozen = freeze(config)
    assert frozen == PLAIN
    assert json.loads(json.dumps(frozen)) == PLAIN


def test_a_pydantic_1_model_is_a_configuration_too() -> None:
    class Old(pydantic.v1.BaseModel):
        lr: float = 0.5

    assert freeze(Old()) == {"lr": 0.5}


def test_a_pydantic_secret_stays_one() -> None:
    class WithSecret(pydantic.BaseModel):
        key: pydantic.SecretStr = pydantic.SecretStr("hunter2")

    assert "hunter2" not in json.dumps(freeze(WithSecret()))


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".yaml", "lr: 1e-3\nmodel:\n  name: resnet\n  layers: [64, 128]\n"),
        (".yml", "{lr: 0.001, model: {name: resnet, layers: [64, 128]}}"),
        (".json", json.dumps(PLAIN)),
        (".toml", 'lr = 1e-3\n[model]\nname = "resnet"\nlayers = [64, 128]\n'),
    ],
)
def test_a_file_is_a_configuration(tmp_path: Path, suffix: str, text: str) -> None:
    path = tmp_path / f"config{suffix}"
    path.write_text(text)
    assert freeze(path) == PLAIN
    assert freeze(str(path)) == PLAIN


def test_an_empty_file_is_an_empty_configuration(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("# nothing yet\n")
    assert freeze(tmp_path / "c.yaml") == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.yaml", "a: [1"),
        ("c.yaml", "- 1\n- 2\n"),
        ("c.yaml", "!!python/object/apply:os.system ['true']"),
        ("c.json", "{"),
        ("c.toml", "a = "),
        ("c.toml", b"\xff"),
        ("c.txt", "a: 1"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(
    tmp_path: Path, name: str, content: str | bytes
) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidValue):
        freeze(tmp_path / name)


@pytest.mark.parametrize("config", [None, 3, [1], "words", DataConfig, object(), "no/such.yaml"])
def test_what_is_no_configuration_is_refused_with_what_would_be(config: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        freeze(config)
    assert caught.value.key == "config"


def test_interpolations_are_resolved() -> None:
    config = OmegaConf.create({"size": 64, "model": {"width": "${size}", "text": "w${size}"}})
    assert freeze(config) == {"size": 64, "model": {"width": 64, "text": "w64"}}


def test_a_missing_value_of_an_omegaconf_is_named() -> None:
    for config in (
        OmegaConf.create({"data": {"path": MISSING}}),
        {"outer": OmegaConf.create({"data": {"path": MISSING}})},
    ):
        with pytest.raises(InvalidValue) as caught:
            freeze(config)
        assert caught.value.key == "data.path"
    with pytest.raises(InvalidValue):
        freeze(OmegaConf.create({"a": "${nowhere}"}))


def test_the_source_may_change_afterwards() -> None:
    source = {"a": {"b": [1]}}
    frozen = freeze(source)
    source["a"]["b"].append(2)
    assert frozen == {"a": {"b": [1]}}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_yaml_reads_back_exactly(config: dict[str, Any]) -> None:
    plain = freeze(config)
    text = config_yaml(plain)
    # repr tells 1 from 1.0 and True, and shows a NaN as one
    assert repr(load_yaml(text)) == repr(from_plain(plain))


def test_yaml_is_for_people() -> None:
    text = config_yaml(
        freeze(
            {
                "z": 1,
                "a": {"note": "größer 😀", "script": "one\ntwo\n"},
                "x": math.nan,
                "y": -math.inf,
            }
        )
    )
    assert text == (
        "z: 1\na:\n  note: größer 😀\n  script: |\n    one\n    two\nx: .nan\ny: -.inf\n"
    )


@pytest.mark.parametrize("text", ["1e-3", "yes", "null", "0x1F", "1_000", "~", "3.0", ".inf", ""])
def test_a_text_that_looks_like_something_else_stays_a_text(text: str) -> None:
    written = config_yaml({"a": text})
    assert load_yaml(written) == {"a": text}
    assert yaml.safe_load(written) == {"a": text}


def test_a_sweep_s_file_reads_numbers_as_a_configuration_does(tmp_path: Path) -> None:
    path = tmp_path / "sweep"
    path.write_text("parameters: {lr: {min: 1e-3, max: 0.1}}")
    assert read_config(str(path)) == {"parameters": {"lr": {"min": 0.001, "max": 0.1}}}
    for text in ("[" * 30_000, "- 1", "a: ["):
        path.write_text(text)
        with pytest.raises(InvalidValue, match="sweep"):
            read_config(str(path))


def test_a_frozen_config_is_read_by_name_key_and_dotted_key() -> None:
    config = FrozenConfig(
        {"training": {"lr": 0.1, "nan": math.nan}, "a.b": 1, "items": 3, "_target_": "x"}
    )
    assert config.training.lr == config["training"]["lr"] == config["training.lr"] == 0.1
    assert config.get("training.lr") == 0.1
    assert config.get("training.momentum", 0.9) == 0.9
    assert math.isnan(config.training.nan)
    assert config["a.b"] == 1
    assert config["items"] == 3
    assert config._target_ == "x"
    assert "training.lr" in config
    assert "training.x" not in config
    assert 3 not in config
    assert list(config) == ["training", "a.b", "items", "_target_"]
    assert {**config}["items"] == 3
    assert "training" in dir(config)
    with pytest.raises(AttributeError):
        config.trainig  # noqa: B018
    with pytest.raises(KeyError):
        config["training.x"]


def test_a_frozen_config_equals_what_it_was_made_of() -> None:
    assert FrozenConfig(PLAIN) == PLAIN
    assert FrozenConfig(PLAIN).to_dict() == PLAIN
    assert FrozenConfig(PLAIN).model.layers == [64, 128]


def _augment(config: Any) -> None:
    layers = config.model.layers
    layers += [1]


CHANGES: list[Callable[[Any], Any]] = [
    lambda c: setattr(c, "lr", 1),
    lambda c: setattr(c, "new", 1),
    lambda c: setattr(c.model, "name", 1),
    lambda c: delattr(c, "lr"),
    lambda c: c.__setitem__("lr", 1),
    lambda c: c.__delitem__("lr"),
    lambda c: c.update(lr=1),
    lambda c: c.pop("lr"),
    lambda c: c.popitem(),
    lambda c: c.setdefault("new", 1),
    lambda c: c.clear(),
    lambda c: c.__ior__({"lr": 1}),
    lambda c: c.model.layers.append(1),
    lambda c: c.model.layers.__setitem__(0, 1),
    lambda c: c.model.layers.sort(),
    _augment,
]


@pytest.mark.parametrize("change", CHANGES)
def test_no_way_of_changing_a_frozen_config_works(change: Callable[[Any], Any]) -> None:
    config = FrozenConfig(PLAIN)
    with pytest.raises(ConfigFrozen):
        change(config)
    assert config == PLAIN


def test_the_error_names_the_key() -> None:
    with pytest.raises(ConfigFrozen, match="'lr'") as caught:
        FrozenConfig(PLAIN).lr = 3
    assert caught.value.keys == ("lr",)


def test_copies_to_change_and_to_send_can_be_made() -> None:
    config = FrozenConfig(PLAIN)
    own = copy.deepcopy(config)
    own["model"]["layers"].append(1)
    assert config == PLAIN
    sent = pickle.loads(pickle.dumps(config))  # noqa: S301  (its own bytes)
    assert isinstance(sent, FrozenConfig)
    assert sent == config
    assert copy.copy(config) is config


def test_differences_are_dotted_keys() -> None:
    a = {"lr": 1, "model": {"name": "a", "layers": [1, 2]}, "nan": math.nan, "gone": 1, "empty": {}}
    b = {
        "lr": 1.0,
        "model": {"name": "b", "layers": [1, 3]},
        "nan": math.nan,
        "new": 1,
        "empty": {"x": 1},
    }
    assert differences(a, b) == ["empty", "empty.x", "gone", "model.layers", "model.name", "new"]
    assert differences(a, a) == []
    assert differences({"a": 1}, {"a": True}) == ["a"]
    assert differences(FrozenConfig(a), a) == []
