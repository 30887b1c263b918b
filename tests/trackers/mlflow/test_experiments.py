"""Experiments of MLflow are documents of the store: shared by processes, exported, deleted and restored with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import anew.dialects.mlflow as mlflow
from anew import Store
from anew.dialects.mlflow.entities import ViewType
from anew.trackers.mlflow.translate.groups import Group
from anew.trackers.mlflow.write import Groups

from .world import fresh_mlflow as fresh_mlflow


def answer(root: str, program: str) -> object:
    """What a process of its own prints, which records below that root."""
    text = f"import json, anew.dialects.mlflow as mlflow\nprint(json.dumps({program}))"
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "ANEW_ROOT": root}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_processes_that_make_one_experiment_at_once_have_one():
    program = (
        "import sys, anew.dialects.mlflow as mlflow\n"
        "sys.stdin.readline()\n"
        "try:\n    print(mlflow.create_experiment('vision', tags={sys.argv[1]: 'x'}))\n"
        "except mlflow.MlflowException as error:\n    print(error.error_code)\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(n)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(4)
    ]  # fmt: skip
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    printed = {process.communicate()[0].strip() for process in started}
    (experiment,) = [one for one in mlflow.search_experiments() if one.name == "vision"]
    assert experiment.experiment_id in printed
    assert printed <= {experiment.experiment_id, "RESOURCE_ALREADY_EXISTS"}


def test_what_processes_say_at_once_of_an_experiment_is_all_kept():
    first, second = Groups("experiments"), Groups("experiments")
    assert first.find("vision") is second.find("vision") is None
    added = [
        groups.add(Group("vision", {tag: "1"}, False, None, 1.0, 1.0))
        for groups, tag in ((first, "a"), (second, "b"))
    ]
    assert added == [True, False]
    found = first.find("vision")
    assert found is not None
    assert found.tags == {"a": "1", "b": "1"}
    mlflow.delete_experiment_tag("a", mlflow.get_experiment_by_name("vision").experiment_id)  # type: ignore[union-attr]
    assert second.find("vision").tags == {"b": "1"}  # type: ignore[union-attr]
    (document,) = Store().documents("group")
    assert not document.others


def test_experiments_and_their_tags_survive_export_and_unpacking_below_another_root(tmp_path: Path):
    gone = mlflow.create_experiment("gone")
    made = mlflow.create_experiment("vision", tags={"team": "ml"})
    mlflow.set_experiment("vision")
    with mlflow.start_run() as run:
        mlflow.log_metric("loss", 1.0)
    mlflow.delete_experiment(gone)
    Store().export(None, "all.zip")
    shutil.unpack_archive("all.zip", tmp_path / "elsewhere")
    root = str(tmp_path / "elsewhere")
    shutil.rmtree("experiments")
    assert answer(root, f"mlflow.get_experiment({made!r}).tags") == {"team": "ml"}
    assert answer(root, "[e.name for e in mlflow.search_experiments()]") == ["vision", "Default"]
    assert answer(root, f"[e.name for e in mlflow.search_experiments({ViewType.DELETED_ONLY})]") == [
        "gone"
    ]  # fmt: skip
    found = "list(mlflow.search_runs(experiment_names=['vision'])['run_id'])"
    assert answer(root, found) == [run.native.id]
    assert answer(root, f"mlflow.restore_experiment({gone!r})") is None
    assert answer(root, f"mlflow.get_experiment({gone!r}).lifecycle_stage") == "active"


def test_a_document_that_says_nonsense_takes_no_other_experiment_along():
    mlflow.create_experiment("good", tags={"a": "b"})
    store = Store()
    store.set_document("group", "odd", {"tracker": "mlflow", "tags": [1], "created": "x"})
    store.set_document("group", "another tracker's", {"tracker": "elsewhere", "tags": {"c": "d"}})
    found = {one.name: one.tags for one in mlflow.search_experiments()}
    assert found == {"Default": {}, "good": {"a": "b"}, "odd": {}}


def test_a_program_that_chooses_an_experiment_opens_no_index():
    program = (
        "import sys, anew.dialects.mlflow as mlflow\n"
        "mlflow.set_experiment('vision')\nmlflow.set_experiment_tag('a', 'b')\n"
        "print(*sorted({'sqlalchemy', 'numpy', 'pandas'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == ""
