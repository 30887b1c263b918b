import json
import pickle

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import AnewError, CorruptData, InvalidValue, NotFound, WeightsError
from anew.weights import model_to_weights
from anew.weights.safefile import read
from later import later
from tensors import assert_same, commit, noise

torch = later("torch")
tensorfile = later("safetensors.torch")


def test_a_safetensors_file_of_the_package_is_read_in_place(repo, tmp_path):
    tensors = {
        "w": torch.randn(30, 5),
        "b": torch.randn(4).bfloat16(),
        "f8": torch.ones(3).to(torch.float8_e5m2),
        "none": torch.empty(0, 3),
        "one": torch.tensor(2.5),
    }
    tensorfile.save_file(tensors, tmp_path / "m.safetensors", {"by": "me"})
    commit(repo, tmp_path / "m.safetensors")
    back = repo.get_all_weights()
    assert back.structure["metadata"] == {"by": "me"}
    for name, value in back.to_torch().items():
        assert torch.equal(
            value.reshape(-1).view(torch.uint8), tensors[name].reshape(-1).view(torch.uint8)
        )
        assert value.shape == tensors[name].shape


def test_a_checkout_writes_a_file_the_package_reads(repo, tmp_path):
    state = {
        "w": noise((300, 5000)),
        "b": noise(4),
        "e": np.zeros((0, 2), np.int8),
        "s": np.float64(1),
        "tied": None,
    }
    state["tied"] = state["w"]
    commit(repo, {**state, "b16": noise(8, dtype=ml_dtypes.bfloat16)})
    repo.checkout("HEAD", to=tmp_path / "out.safetensors")
    assert {p.name for p in tmp_path.iterdir()} == {"weights", "out.safetensors"}
    loaded = tensorfile.load_file(tmp_path / "out.safetensors")
    for name, array in state.items():
        assert np.array_equal(loaded[name].numpy(), array)
    assert loaded["b16"].dtype == torch.bfloat16
    commit(repo, tmp_path / "out.safetensors")
    assert not repo.diff("HEAD~1", "HEAD").added


def test_a_checkout_leaves_the_old_file_when_it_fails(repo, tmp_path):
    commit(repo, {"w": np.array(["text"])})
    target = tmp_path / "out.safetensors"
    target.write_text("precious")
    with pytest.raises(InvalidValue):
        repo.checkout("HEAD", to=target)
    assert target.read_text() == "precious"
    with pytest.raises(InvalidValue):
        repo.checkout("HEAD", to=tmp_path / "out.bin")


def test_npz_and_pt_files_go_both_ways(repo, tmp_path):
    state = {"w": noise((3, 4)), "n": np.int64(4)}
    commit(repo, state)
    repo.checkout("HEAD", to=tmp_path / "m.npz")
    repo.checkout("HEAD", to=tmp_path / "m.pt")
    assert_same(dict(np.load(tmp_path / "m.npz")), state)
    assert torch.equal(
        torch.load(tmp_path / "m.pt", weights_only=True)["w"], torch.from_numpy(state["w"])
    )
    for name in ("m.npz", "m.pt"):
        commit(repo, tmp_path / name)
        assert_same(repo.get_all_weights(), state)
    np.save(tmp_path / "one.npy", state["w"])
    assert np.array_equal(model_to_weights(tmp_path / "one.npy")["one"], state["w"])
    commit(repo, {"b": noise(3, dtype=ml_dtypes.bfloat16)})
    with pytest.raises(InvalidValue, match="npz"):
        repo.checkout("HEAD", to=tmp_path / "b.npz")


def test_a_whole_checkpoint_with_optimizer_comes_back_nested(repo, tmp_path):
    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    torch.save(
        {"model": module.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3},
        tmp_path / "c.pt",
    )
    commit(repo, tmp_path / "c.pt")
    nested = repo.get_all_weights().nested()
    assert nested["epoch"] == 3
    assert np.array_equal(nested["model"]["weight"], module.weight.detach().numpy())
    assert nested["optimizer"]["state"][0]["step"] == 1


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was run",))


def test_nothing_is_ever_unpickled(tmp_path):
    torch.save({"w": torch.ones(2), "bomb": Bomb()}, tmp_path / "bomb.pt")
    (tmp_path / "bomb.pth").write_bytes(pickle.dumps(Bomb(), 2))
    np.save(tmp_path / "bomb.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "bomb.npz", a=np.array([Bomb()], dtype=object))
    for name in ("bomb.pt", "bomb.pth", "bomb.npy", "bomb.npz"):
        with pytest.raises(WeightsError):
            model_to_weights(tmp_path / name)


def test_files_that_are_not_there_or_not_weights_are_refused(tmp_path):
    with pytest.raises(NotFound):
        model_to_weights(tmp_path / "missing.pt")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InvalidValue):
        model_to_weights(tmp_path / "notes.txt")


def with_header(path, header, data=b"\0" * 16):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        [],
        {"w": {}},
        {"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 32]}},
        {"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 12]}},
        {"w": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}},
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}},
        {"w": {"dtype": "Q9", "shape": [4], "data_offsets": [0, 16]}},
        {"w": 3},
    ],
)
def test_a_broken_safetensors_file_is_refused(tmp_path, header):
    with pytest.raises((CorruptData, InvalidValue)):
        read(with_header(tmp_path / "bad.safetensors", header))


@given(data=st.binary(max_size=60))
def test_no_bytes_at_all_make_the_reader_fall_over(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "x.safetensors"
    path.write_bytes(data)
    try:
        read(path)
    except AnewError:
        pass
