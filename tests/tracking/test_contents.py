"""Data as a file in the format of its name's ending: read back by the format's own reader, it is the same."""

from __future__ import annotations

import collections
import dataclasses
import io
import json
import math
import pathlib
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load as load_arrays

from anew.errors import InvalidValue
from anew.tracking.contents import file_bytes, is_data
from later import later

tensors = later("safetensors.torch")

torch = later("torch")

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text(), PLAIN, max_size=4) | st.lists(PLAIN, max_size=4))
def test_plain_data_comes_back_from_json(data: Any) -> None:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    for name in ("results", "results.json"):
        assert json.loads(file_bytes(data, name)) == data


def test_numbers_without_a_json_form_come_back_too() -> None:
    data = {"a": math.inf, "b": [-math.inf, math.nan], "c": 2**80}
    back = json.loads(file_bytes(data, "x.json"))
    assert (back["a"], back["b"][0], back["c"]) == (math.inf, -math.inf, 2**80)
    assert math.isnan(back["b"][1])


def test_lines_of_json_and_yaml() -> None:
    rows = [{"a": 1}, {"a": [1.5, None]}]
    lines = file_bytes(rows, "x.jsonl").decode().splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert yaml.safe_load(file_bytes({"a": rows, "b": "é"}, "x.YML")) == {"a": rows, "b": "é"}


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "last.ckpt", "model.bin", "ck.pth.tar"])
def test_a_state_dict_is_what_torch_loads(name: str) -> None:
    model = torch.nn.Linear(2, 1)
    checkpoint = {"model": model.state_dict(), "epoch": 3}
    back = torch.load(io.BytesIO(file_bytes(checkpoint, name)), weights_only=True)
    assert back["epoch"] == 3
    assert all(torch.equal(back["model"][k], v) for k, v in model.state_dict().items())
    assert torch.equal(torch.load(io.BytesIO(file_bytes(torch.ones(2), name))), torch.ones(2))


def test_tensors_and_arrays_in_their_own_formats() -> None:
    state = torch.nn.Linear(2, 1).state_dict()
    assert tensors.load(file_bytes(state, "m.safetensors")).keys() == state.keys()
    arrays = {"w": np.arange(6.0).reshape(2, 3).T, "b": np.int8([1])}
    for back in (
        load_arrays(file_bytes(arrays, "m.safetensors")),
        np.load(io.BytesIO(file_bytes(arrays, "m.npz"))),
    ):
        assert all(
            np.array_equal(back[k], v) and back[k].dtype == v.dtype for k, v in arrays.items()
        )
    assert np.array_equal(np.load(io.BytesIO(file_bytes(arrays["w"], "w.npy"))), arrays["w"])
    assert json.loads(file_bytes(arrays, "m.json")) == {"w": arrays["w"].tolist(), "b": [1]}


def test_objects_with_fields_become_mappings() -> None:
    @dataclasses.dataclass
    class Options:
        lr: float
        folder: pathlib.Path

    point = collections.namedtuple("point", "x y")(1, np.float32(0.5))
    data = {"options": Options(0.1, pathlib.Path("a/b")), "point": point, 3: {2, 1}}
    assert json.loads(file_bytes(data, "x.json")) == {
        "options": {"lr": 0.1, "folder": "a/b"},
        "point": {"x": 1, "y": 0.5},
        "3": [1, 2],
    }


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"a": object()}, "x.json"),
        ({1: "a", "1": "b"}, "x.json"),
        ([np.ones(2)], "x"),
        ({"a": 1}, "x.csv"),
        ({"a": 1}, "x.pkl"),
        ({"a": 1}, "model.h5"),
        ({"a": 1}, "x.jsonl"),
        ({"a": 1}, "x.npz"),
        ({"a": 1}, "x.safetensors"),
        ([object()], "x.npy"),
        ({"a": lambda: 0}, "x.pt"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_by_the_file_s_name(data: Any, name: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        file_bytes(data, name)
    assert caught.value.key == name


def test_what_pytorch_makes_is_refused_by_formats_that_cannot_hold_it() -> None:
    for data, name in (({"a": torch.nn.Linear(1, 1)}, "x.json"), ({"w": torch.ones(2)}, "x")):
        with pytest.raises(InvalidValue) as caught:
            file_bytes(data, name)
        assert caught.value.key == name


def test_what_counts_as_data() -> None:
    assert all(map(is_data, ({}, [], (), np.ones(1), torch.ones(1), collections.OrderedDict())))
    assert not any(map(is_data, ("x", b"x", 1, None, object(), np.ndarray)))
