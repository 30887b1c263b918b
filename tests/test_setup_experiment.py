"""`setup_experiment`: the folder that people make by hand, with everything in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from anew import current, finish, setup_experiment
from anew.errors import InvalidValue

CONFIG = {
    "algorithm": {"name": "dpo"},
    "model": {"name": "org/llama-7b"},
    "dpo": {"beta": 0.1},
    "lr": 3e-4,
}


def test_the_folder_has_the_structure_and_the_experiment_is_the_current_one(tmp_path):
    folder = setup_experiment(CONFIG, root=tmp_path, console="off", system_metrics=0)
    assert {p.name for p in folder.iterdir()} >= {
        "config.yaml",
        "metadata.json",
        "checkpoints",
        "logs",
        "outputs",
    }
    assert sorted(p.name for p in (folder / "outputs").iterdir()) == ["eval", "samples"]
    assert folder.name.startswith("dpo_llama-7b_beta0.1")
    current().log_metric("loss", 0.5, 0)
    finish()
    assert yaml.safe_load((folder / "config.yaml").read_text())["dpo"] == {"beta": 0.1}
    assert json.loads((folder / "metadata.json").read_text())["command"]["argv"]
    assert (folder / "environment/requirements.txt").exists()
    assert os.access(folder / "reproduce.sh", os.X_OK)


def test_the_name_follows_a_pattern_or_is_given(tmp_path):
    options = {"root": tmp_path, "console": "off", "system_metrics": 0}
    folder = setup_experiment(CONFIG, pattern="{algorithm.name}-{lr}", **options)
    assert folder.name.startswith("dpo-0.0003")
    assert setup_experiment(CONFIG, "lab/named", **options) == tmp_path / "lab/named"
    finish()


def test_a_config_file_is_frozen_without_inheritance(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base/model.yaml").write_text("model: {name: a, width: 8}\nlr: 0.1\n")
    (tmp_path / "base/data.json").write_text('{"data": {"name": "digits"}}')
    (tmp_path / "base/all.yaml").write_text("_base_: [model.yaml, data.json]\nepochs: 3\n")
    (tmp_path / "run.yaml").write_text("_base_: base/all.yaml\nmodel: {width: 16}\nepochs: 5\n")
    folder = setup_experiment(
        tmp_path / "run.yaml", "lab/x", root=tmp_path / "root", console="off", system_metrics=0
    )
    finish()
    assert yaml.safe_load((folder / "config.yaml").read_text()) == {
        "model": {"name": "a", "width": 16}, "lr": 0.1, "data": {"name": "digits"}, "epochs": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["_base_: a.yaml", "_base_: none.yaml", "_base_: 3"],
)  # fmt: skip
def test_inheritance_that_cannot_be_followed_is_refused(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InvalidValue):
        setup_experiment(tmp_path / "a.yaml", "lab/x", root=tmp_path / "root")
    assert not (tmp_path / "root").exists()


def test_a_failing_program_leaves_the_reason(tmp_path):
    program = (
        "from anew import current, setup_experiment\n"
        f"setup_experiment({{'lr': 1}}, 'lab/x', root={str(tmp_path)!r})\n"
        "current().log_metric('loss', 1.0, step=4)\nraise RuntimeError('out of luck')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    text = (tmp_path / "lab/x/FAILED.txt").read_text()
    assert "out of luck" in text
    assert "Failed at step 4" in text
