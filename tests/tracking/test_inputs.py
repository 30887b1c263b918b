"""`exp.inputs.add`: what is read is on record by hash, hashed once, and never in the training's way."""

from __future__ import annotations

import hashlib
import os
import subprocess

import pytest
from blake3 import blake3

from anew import Experiment, Store
from anew.errors import InvalidName, NotRunning
from anew.journal.layout import RootLayout
from anew.provenance.hashing import HashCache, hash_input, input_files
from anew.tracking import inputs as module

OPTIONS = {"quiet": True, "console": "off", "system_metrics": 0}


def recorded(tmp_path, *paths, name="lab/x", **named):
    with Experiment(name, root=tmp_path / "root", **OPTIONS) as exp:
        for path in paths:
            exp.inputs.add(path)
        for label, path in named.items():
            exp.inputs.add(path, label)
    with Store(tmp_path / "root") as store:
        return store[name].captured["inputs"]


def test_a_file_is_recorded_with_its_path_size_and_hashes(tmp_path):
    file = tmp_path / "train.csv"
    file.write_bytes(b"1,2\n")
    (fact,) = recorded(tmp_path, "train.csv").values()
    sums = {
        "sha256": hashlib.sha256(b"1,2\n").hexdigest(),
        "blake3": blake3(b"1,2\n").hexdigest(),
    }
    assert fact == {"path": str(file), "size": 4, **sums}


def test_a_folder_has_the_hash_of_its_list_and_any_change_in_it_changes_that(tmp_path):
    data = tmp_path / "data"
    (data / "sub").mkdir(parents=True)
    (data / "a").write_text("1")
    (data / "sub" / "b").write_text("2")
    first = recorded(tmp_path, data=data, name="lab/1")["data"]
    assert (first["files"], first["size"]) == (2, 2)
    listing = subprocess.run(
        ["sha256sum", "a", "sub/b"], cwd=data, capture_output=True, check=True
    ).stdout
    assert first["sha256"] == hashlib.sha256(listing).hexdigest()
    (data / "sub" / "b").rename(data / "sub" / "c")
    second = recorded(tmp_path, data=data, name="lab/2")["data"]
    (data / "empty").mkdir()
    third = recorded(tmp_path, data=data, name="lab/3")["data"]
    assert first["sha256"] != second["sha256"] == third["sha256"]


def test_the_list_of_sums_is_one_that_sha256sum_checks(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a b").write_text("1")
    (tmp_path / "c").write_text("2")
    recorded(tmp_path, "data", "c")
    sums = tmp_path / "root/lab/x/environment/inputs.sha256"
    subprocess.run(
        ["sha256sum", "--check", "--strict", sums], cwd=tmp_path, check=True, capture_output=True
    )


def test_large_data_is_hashed_while_the_program_goes_on_and_awaited(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 10)
    (tmp_path / "large").write_bytes(b"x" * 1000)
    with Experiment("lab/x", root=tmp_path / "root", **OPTIONS) as exp:
        exp.inputs.add("large")
        exp.log_metric("x", 1.0)
    with Store(tmp_path / "root") as store:
        assert (
            store["lab/x"].captured["inputs"]["large"]["sha256"]
            == hashlib.sha256(b"x" * 1000).hexdigest()
        )


def test_a_hash_is_remembered_until_the_file_changes(tmp_path, monkeypatch):
    from anew.provenance import hashing

    calls = []
    monkeypatch.setattr(
        hashing,
        "_hashes",
        lambda path, real=hashing._hashes, **more: calls.append(path) or real(path, **more),
    )
    file = tmp_path / "f"
    file.write_text("1")
    os.utime(file, (1e9, 1e9))
    root = RootLayout(str(tmp_path))

    def hashed() -> str:
        return hash_input(str(file), input_files(str(file)), HashCache(root))[0]["sha256"]

    first = hashed()
    assert hashed() == first
    assert len(calls) == 1
    file.write_text("2")  # the same size …
    os.utime(file, (1e9, 1e9))  # … and the same time: the time of its inode tells
    assert hashed() != first
    assert len(calls) == 2


def test_a_file_changed_a_moment_ago_is_not_remembered(tmp_path):
    file = tmp_path / "f"
    file.write_text("1")
    hash_input(str(file), input_files(str(file)), HashCache(RootLayout(str(tmp_path))))
    assert not (tmp_path / ".anew/hashes.tsv").exists()


def test_what_is_not_there_or_no_data_is_refused(tmp_path):
    with Experiment("lab/x", root=tmp_path / "root", **OPTIONS) as exp:
        with pytest.raises(FileNotFoundError):
            exp.inputs.add("nowhere")
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(InvalidName):
            exp.inputs.add(tmp_path / "pipe")
    with pytest.raises(NotRunning):
        exp.inputs.add(tmp_path)


def test_a_disabled_experiment_hashes_nothing(tmp_path):
    with Experiment("lab/x", root=tmp_path / "root", mode="disabled") as exp:
        exp.inputs.add("nowhere")


def test_secrets_in_a_name_are_masked(tmp_path):
    (tmp_path / "f").write_text("1")
    with Experiment("lab/x", root=tmp_path / "root", **OPTIONS) as exp:
        exp.inputs.add("f", "https://bob:hunter22@example.org/f")
    with Store(tmp_path / "root") as store:
        assert list(store["lab/x"].captured["inputs"]) == ["https://bob:***@example.org/f"]
