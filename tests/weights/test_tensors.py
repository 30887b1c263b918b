"""Every kind of tensor comes back bit for bit, with its type, shape and sharing."""

import threading

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anew.errors import InvalidName, InvalidValue, WeightsError
from anew.weights import Repository, Weights, model_to_weights
from anew.weights.dtypes import TORCH, numpy_dtype
from later import later
from tensors import assert_same, bits, commit, noise, same

torch = later("torch")

NUMPY = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128", ">f4", ">i8", "<U5", "S3"),
    *("M8[ns]", "m8[s]"),
    *(
        getattr(ml_dtypes, name)
        for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "uint4")
    ),
    *(
        getattr(ml_dtypes, name)
        for name in ("float8_e8m0fnu", "float4_e2m1fn", "int2", "float6_e2m3fn")
    ),
    np.dtype([("left", "<i8"), ("value", "<f8"), ("flags", "u1", (2,))]),
]


@pytest.mark.parametrize("dtype", NUMPY, ids=str)
def test_numpy_arrays_of_every_type_come_back(repo, dtype):
    raw = np.random.default_rng(0).integers(0, 2, 96 * np.dtype(dtype).itemsize, np.uint8)
    array = raw.view(dtype).reshape(4, 24)
    expected = {
        "two": array,
        "zero": array[0, 0:1].reshape(()),
        "none": array[:0],
        "column": array[:, 3],
        "t": array.T,
    }
    commit(repo, {name: value.copy() if name != "t" else value for name, value in expected.items()})
    assert_same(repo.get_all_weights(), expected)


@pytest.mark.parametrize("name", sorted(TORCH))
def test_torch_tensors_of_every_type_come_back(repo, name):
    dtype = getattr(torch, name)
    size = torch.empty(0, dtype=dtype).element_size()
    raw = torch.from_numpy(np.random.default_rng(0).integers(0, 2, 96 * size, np.uint8))
    tensor = raw.view(dtype).reshape(4, 24)
    tensors = {
        "two": tensor,
        "zero": tensor.reshape(-1)[5].clone(),
        "none": torch.empty((0, 3), dtype=dtype),
        "t": tensor.t(),
    }
    commit(repo, tensors)
    restored = repo.get_all_weights()
    back = restored.to_torch()
    for key, value in tensors.items():
        assert back[key].dtype == dtype
        assert back[key].shape == value.shape
        assert (
            bits(restored[key])
            == value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )


@pytest.mark.parametrize("dtype", ["u2", "u4", "u8"])
def test_payloads_of_nan_and_the_sign_of_zero_survive_deltas(repo, dtype):
    floats = {"u2": np.float16, "u4": np.float32, "u8": np.float64}[dtype]
    width = np.dtype(dtype).itemsize * 8
    patterns = [0, 1 << (width - 1), (1 << width) - 1, (1 << (width - 1)) - 1, 1]
    signalling = int(np.array(np.inf, floats).view(dtype)) | 1
    base = np.ones(4000, floats)
    commit(repo, {"w": base})
    special = base.copy().view(dtype)
    special[: len(patterns)] = patterns
    special[100] = signalling
    commit(repo, {"w": special.view(floats)})
    assert np.array_equal(repo.get_all_weights()["w"].view(dtype), special)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_layout_of_any_array_comes_back(tmp_path_factory, data):
    repo = Repository(tmp_path_factory.mktemp("layout"), init=True, durable=False)
    dtype = data.draw(st.sampled_from(["f4", "i2", "u1", "c8"]))
    array = data.draw(
        hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    )
    order = data.draw(st.permutations(range(array.ndim)))
    steps = tuple(
        slice(None, None, data.draw(st.sampled_from([1, 2, -1]))) for _ in range(array.ndim)
    )
    view = array.transpose(order)[steps]
    commit(repo, {"view": view, "whole": array})
    assert_same(repo.get_all_weights(), {"view": view, "whole": array})


def test_later_training_steps_do_not_reach_what_was_committed(repo):
    weight = torch.nn.Parameter(torch.ones(1000))
    repo.stage_weights({"w": weight})
    with torch.no_grad():
        weight.fill_(7)
    repo.commit("before")
    first = repo.get_all_weights()["w"]
    commit(repo, {"w": weight})
    assert (first == 1).all()
    assert (repo.get_all_weights("HEAD~1")["w"] == 1).all()
    first[:] = 5
    assert (repo.get_all_weights("HEAD~1")["w"] == 1).all()


def test_a_tensor_larger_than_a_block_is_split_and_joined(repo):
    big = noise(3_000_001)
    commit(repo, {"big": big, "t": big[:3_000_000].reshape(1000, 3000).T})
    restored = repo.get_all_weights()
    assert same(restored["big"], big)
    assert same(restored["t"], np.ascontiguousarray(big[:3_000_000].reshape(1000, 3000).T))


def test_tied_tensors_are_stored_once_and_tied_again(repo, tmp_path):
    embedding = torch.nn.Embedding(300, 64)
    head = torch.nn.Linear(64, 300, bias=False)
    head.weight = embedding.weight
    module = torch.nn.ModuleDict({"embedding": embedding, "head": head})
    commit(repo, module)
    assert repo.show().nbytes == embedding.weight.nbytes
    restored = repo.get_all_weights()
    assert restored["head.weight"] is restored["embedding.weight"]
    back = restored.to_torch()
    back["embedding.weight"][0, 0] = 9
    assert back["head.weight"][0, 0] == 9


def test_a_transposed_and_a_partly_overlapping_view_share_again(repo):
    storage = np.arange(100, dtype=np.float32)
    tensors = {
        "w": storage[:64].reshape(8, 8),
        "t": storage[:64].reshape(8, 8).T,
        "part": storage[50:90],
    }
    commit(repo, tensors)
    restored = repo.get_all_weights()
    assert_same(restored, tensors)
    restored["w"][0, 1] = -1
    assert restored["t"][1, 0] == -1
    restored["w"][7, 7] = -2
    assert restored["part"][13] == -2
    torched = repo.get_all_weights().to_torch()
    torched["w"][7, 7] = -3
    assert torched["part"][13] == -3
    assert torched["t"].stride() == (1, 8)
    again = repo.get_all_weights()
    commit(repo, again)
    assert_same(repo.get_all_weights(), tensors)


def test_neighbours_in_one_buffer_are_not_called_shared(repo):
    flat = torch.arange(40.0)
    commit(repo, {"a": flat[:20], "b": flat[20:]})
    assert not repo.get_all_weights().views


def test_a_small_view_of_a_huge_buffer_does_not_store_the_buffer(repo):
    buffer = np.zeros((1000, 1000), np.float32)
    commit(repo, {"a": buffer[:, :1], "b": buffer[::2, :1]})
    assert repo.show().nbytes < 10_000
    assert_same(repo.get_all_weights(), {"a": buffer[:, :1], "b": buffer[::2, :1]})


def test_conjugated_and_negated_views_are_stored_as_they_look(repo):
    tensor = torch.tensor([1 + 2j, 3 - 4j])
    commit(repo, {"c": tensor.conj(), "i": tensor.conj().imag})
    assert_same(
        repo.get_all_weights(),
        {"c": tensor.conj().resolve_conj().numpy(), "i": np.array([-2, 4], np.float32)},
    )


@pytest.mark.parametrize(
    "name",
    [
        "a/b/c",
        "layer.0.weight",
        "..",
        "../../etc/passwd",
        "Gewicht-ü-重み",
        " ",
        "",
        "HEAD",
        "a\nb",
        "con",
        "x" * 4000,
    ],
)
def test_a_tensor_may_have_any_name(repo, name):
    commit(repo, {name: np.ones(3), "other": np.zeros(3)})
    assert_same(repo.get_all_weights(), {name: np.ones(3), "other": np.zeros(3)})


def test_a_name_that_is_no_text_is_refused(repo):
    with pytest.raises(InvalidName):
        repo.stage_weights({"\ud800": np.ones(3)})


def test_what_has_no_plain_bytes_is_refused_by_name_and_nothing_stays_staged(repo):
    refused = {
        "sparse": torch.ones(3, 3).to_sparse(),
        "meta": torch.empty(3, device="meta"),
        "objects": np.array([object()]),
        "long": np.zeros(3, np.longdouble),
    }
    for name, tensor in refused.items():
        with pytest.raises(InvalidValue, match=name):
            repo.stage_weights({"fine": np.ones(3), name: tensor})
    with pytest.raises(WeightsError):
        repo.commit("nothing")
    assert not repo.log()


def test_rows_are_read_without_the_rest(repo):
    table = noise((20_000, 300))
    commit(repo, {"table": table, "scalar": np.float32(1), "bias": noise(10)})
    snapshot = repo.open()
    for rows in (
        slice(3, 9),
        slice(19_990, None),
        slice(None, None, 1999),
        slice(50, 10, -7),
        slice(9, 9),
        -1,
        7,
        slice(None),
    ):
        assert np.array_equal(snapshot.read("table", rows), table[rows])
    with pytest.raises(InvalidValue):
        snapshot.read("scalar", slice(0, 1))
    with pytest.raises(IndexError):
        snapshot.read("table", 20_000)


def test_torch_float4_keeps_its_type_through_a_second_commit(repo):
    packed = torch.arange(8, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    commit(repo, {"w": packed})
    commit(repo, repo.get_all_weights())
    assert repo.get_all_weights().to_torch()["w"].dtype == torch.float4_e2m1fn_x2
    assert numpy_dtype("float4_e2m1fn_x2") == np.uint8


def test_weights_are_a_mapping_that_suggests_names():
    weights = Weights({"layer.weight": np.ones(2)})
    with pytest.raises(KeyError):
        weights["layer.wieght"]
    assert model_to_weights(weights)["layer.weight"] is weights["layer.weight"]


def test_a_tensor_that_changes_while_it_is_stored_is_stored_as_one_of_its_states(repo):
    """What is stored is what its key says, whatever another thread does to the tensor meanwhile."""
    array = noise(2_000_000)
    stop = threading.Event()

    def train():
        while not stop.is_set():
            array[...] += 1

    thread = threading.Thread(target=train)
    thread.start()
    try:
        for _ in range(4):
            commit(repo, {"w": array})
    finally:
        stop.set()
        thread.join()
    assert repo.fsck().ok
    for back in range(4):
        repo.get_all_weights(f"HEAD~{back}")
