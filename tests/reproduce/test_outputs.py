"""What runs leave behind beside curves, held against each other by hash and by value."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as safetensors

from anew import Experiment, Store
from anew.reproduce.comparison import compare
from anew.reproduce.contents import compare_arrays, compare_contents, readable
from anew.reproduce.verdict import Tolerance, Verdict

FLOATS = st.lists(st.floats(width=32), min_size=1, max_size=6)


def npy(values):
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values))
    return buffer.getvalue()


def npz(compressed=False, **arrays):
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


@given(FLOATS)
def test_every_format_is_the_same_as_itself(values):
    array = np.asarray(values, np.float32)
    for name, data in (
        ("a.npy", npy(array)),
        ("a.npz", npz(a=array)),
        ("a.safetensors", safetensors({"a": array})),
        ("a.json", json.dumps({"a": values}).encode()),
        ("a.jsonl", b"\n".join(json.dumps({"a": one}).encode() for one in values)),
        ("a.csv", "\n".join(["x", *map(repr, values)]).encode()),
    ):
        found = compare_contents(name, data, data)
        assert (found.differing, found.within) == (0, True), name
        assert found.compared >= len(values)


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [
        ("w.npy", npy([1.0, 2.0, 3.0]), npy([1.0, 2.5, 3.0])),
        ("w.npz", npz(w=[1.0, 2.0], v=[0]), npz(True, w=[1.0, 2.5], v=[0])),
        ("w.safetensors", safetensors({"w": np.array([1.0, 2.0])}), safetensors({"w": np.array([1.0, 2.5])})),
        ("w.json", b'{"w": [1, 2.0]}', b'{"w": [1, 2.5]}'),
        ("w.csv", b"w,v\n1,2\n", b"w,v\n1,2.5\n"),
        ("w.tsv", b"w\tv\n1\t2\n", b"w\tv\n1\t2.5\n"),
    ],
    ids=["npy", "npz", "safetensors", "json", "csv", "tsv"],
)  # fmt: skip
def test_the_largest_difference_is_found_and_held_against_the_tolerance(name, a, b):
    found = compare_contents(name, a, b)
    assert (found.differing, found.largest, found.within) == (1, 0.5, False)
    assert compare_contents(name, a, b, atol=0.5).within
    assert compare_contents(name, a, b, rtol=0.25).within
    assert not compare_contents(name, a, b, rtol=0.2).within


def test_other_bytes_of_the_same_values_are_the_same_by_value():
    array = np.arange(1000.0)
    plain, packed = npz(a=array), npz(True, a=array)
    assert plain != packed
    assert compare_contents("a.npz", plain, packed).differing == 0
    assert compare_contents("a.json", b'{"a": 1, "b": 2}', b'{"b": 2.0, "a": 1}').differing == 0


def test_another_shape_type_or_array_is_another_value():
    one = {"a": np.zeros(3)}
    assert compare_arrays(one, {"a": np.zeros(4)}).largest == math.inf
    assert compare_arrays(one, {"a": np.zeros(3, int)}).within is False
    assert compare_arrays(one, {"b": np.zeros(3)}).differing == 6
    assert compare_arrays(one, {"a": np.full(3, np.nan)}).largest == math.inf
    assert compare_arrays({"a": np.array(["x"])}, {"a": np.array(["y"])}, atol=9).within is False


@pytest.mark.parametrize("name", ["w.npy", "w.npz", "w.safetensors", "w.json", "w.csv", "w.pt"])
def test_what_cannot_be_read_is_not_compared_by_value(name):
    for data in (b"", b"\x80\x04K\x01.", b"\xff" * 20, npy(np.array([{}], object))):
        found = compare_contents(name, data, b"\xff\xfe")
        assert found is None
    assert not readable("model.pt")  # it would be run


@pytest.fixture
def pair(tmp_path):
    root = tmp_path / "experiments"

    def record(name, value, *, metric=False, text="same"):
        with Experiment(
            f"lab/out/{name}", root=root, quiet=True, console="off", system_metrics=0
        ) as exp:
            exp.files("models").save(npz(w=np.array([1.0, value])), "w.npz")
            exp.files().save_text(text, "notes.txt")
            exp.params.set({"final": {"acc": value}})
            if metric:
                exp.log_metric("loss", 1.0, step=0)

    def judged(**options):
        with Store(root) as store:
            return compare(store, store.get("lab/out/a"), store.get("lab/out/b"), **options)

    return record, judged


def test_runs_without_curves_are_judged_by_what_they_left_behind(pair):
    record, judged = pair
    record("a", 2.0)
    record("b", 2.001)
    found = judged(reproduced=True)
    assert found.verdict is Verdict.DIVERGED
    rows = {row.name: row for row in found.outputs}
    assert rows["models/w.npz"].values.largest == pytest.approx(0.001)
    assert rows["models/w.npz"].values.where == "w"
    assert rows["notes.txt"].same
    assert (rows["parameter final.acc"].a, rows["parameter final.acc"].b) == ("2.0", "2.001")
    plain = found.to_dict()["outputs"]["models/w.npz"]
    assert (plain["same"], plain["kind"], plain["values"]["differing"]) == (False, "file", 1)
    assert judged(tolerance=Tolerance(atol=0.01)).verdict is Verdict.WITHIN_TOLERANCE


def test_beside_curves_they_are_told_and_do_not_count(pair):
    record, judged = pair
    record("a", 2.0, metric=True)
    record("b", 3.0, metric=True)
    found = judged()
    assert found.verdict is Verdict.IDENTICAL
    assert [row.name for row in found.outputs if not row.equal] == ["models/w.npz"]


def test_committed_weights_are_compared_tensor_by_tensor(tmp_path):
    root = tmp_path / "experiments"
    for name, value in (("a", 2.0), ("b", 2.0), ("c", 2.25)):
        with Experiment(
            f"lab/w/{name}", root=root, quiet=True, console="off", system_metrics=0
        ) as exp:
            exp.weights.commit({"layer": np.array([1.0, value]), "bias": np.zeros(2)}, "end")
    with Store(root) as store:
        a, b, c = (store.get(f"lab/w/{name}") for name in "abc")
        assert compare(store, a, b).verdict is Verdict.IDENTICAL
        (row,) = compare(store, a, c).outputs
    assert (row.kind, row.same, row.values.largest, row.values.where) == ("weights", False, 0.25, "layer")  # fmt: skip
