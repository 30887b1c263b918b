"""Artifacts have versions and aliases, are found from other runs, and come back as they were."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew.dialects.wandb as wandb
from anew import Store
from anew.dialects.wandb.errors import (
    ArtifactFinalizedError,
    ArtifactNotLoggedError,
    UnsupportedError,
)
from anew.errors import CorruptData
from anew.trackers.wandb.dialect.versions import Versions


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    yield
    wandb.teardown()


def logged(text: str, name: str = "ds", project: str = "p", **options: Any) -> wandb.Artifact:
    """A version of an artifact with one file of that text, logged by a run of its own."""
    artifact = wandb.Artifact(name, "dataset", metadata={"text": text})
    with artifact.new_file("data.txt") as file:
        file.write(text)
    with wandb.init(project=project) as run:
        return run.log_artifact(artifact, **options)


def test_versions_count_up_and_unchanged_content_makes_no_new_one():
    assert logged("one").version == "v0"
    assert logged("one").version == "v0"
    assert logged("two", aliases=["best", "prod"]).version == "v1"
    assert logged("three", aliases=["prod"]).version == "v2"
    assert (
        logged("one").version == "v3"
    )  # an older content again is a new version: latest is the newest
    assert logged("other", name="other").version == "v0"
    assert logged("far", project="far").version == "v0"
    api = wandb.Api()
    assert [a.version for a in api.artifacts("dataset", "p/ds")] == ["v3", "v2", "v1", "v0"]
    aliases = {a.version: a.aliases for a in api.artifacts("dataset", "p/ds")}
    assert aliases == {"v0": [], "v1": ["best"], "v2": ["prod"], "v3": ["latest"]}


def test_an_artifact_is_used_by_version_alias_or_neither_and_noted():
    logged("one")
    logged("two", aliases=["best"])
    logged("three")
    with wandb.init(project="p") as run:
        found = {
            name: Path(run.use_artifact(name).download(), "data.txt").read_text()
            for name in ("ds:v0", "ds:best", "ds:latest", "ds", "p/ds:v1")
        }
        again = run.use_artifact("ds:best", type="dataset")
        with pytest.raises(ValueError):
            run.use_artifact("ds", type="model")
    assert found == {
        "ds:v0": "one",
        "ds:best": "two",
        "ds:latest": "three",
        "ds": "three",
        "p/ds:v1": "two",
    }
    assert Path("artifacts/ds:v1/data.txt").read_text() == "two"
    assert (again.version, again.aliases, again.metadata) == ("v1", ["best"], {"text": "two"})
    assert [user.id for user in again.used_by()] == [run.id]
    by = again.logged_by()
    assert [a.name for a in by.logged_artifacts()] == ["ds:v1"]
    used = wandb.Api().run(run.path).used_artifacts()
    assert [artifact.name for artifact in used] == ["ds:v0", "ds:v1", "ds:v2"]
    with wandb.init(project="elsewhere") as run:
        assert run.use_artifact("p/ds:best").qualified_name == "p/ds:v1"


def test_what_is_not_there_is_told_with_what_is_near():
    with wandb.init(project="p") as run, pytest.raises(wandb.CommError):
        run.use_artifact("ds")
    logged("one", aliases=["best"])
    with wandb.init(project="p") as run:
        with pytest.raises(wandb.CommError):
            run.use_artifact("ds:bets")
        with pytest.raises(wandb.CommError):
            run.use_artifact("ds:v7")
        with pytest.raises(KeyError, match="'ds'"):
            run.use_artifact("dss")
    assert wandb.Api().artifact_exists("p/ds:best")
    assert not wandb.Api().artifact_exists("p/ds:other")


def test_files_folders_references_and_what_may_be_asked_of_them():
    Path("tree/deep").mkdir(parents=True)
    Path("tree/a.txt").write_text("a")
    Path("tree/deep/b.txt").write_text("b")
    Path("tree/.hidden").write_text("h")
    Path("single.bin").write_bytes(b"1")
    artifact = wandb.Artifact("all", "dataset", description="everything")
    entry = artifact.add_file("single.bin", name="renamed/single.bin")
    assert (entry.path, entry.size, entry.ref) == ("renamed/single.bin", 1, None)
    artifact.add_dir("tree")
    artifact.add_dir("tree", name="again")
    artifact.add_reference("s3://bucket/key.parquet")
    artifact.add_reference(f"file://{os.path.abspath('single.bin')}", name="ref.bin")
    artifact.add_file("single.bin", name="twice.bin")
    artifact.remove("again/deep/b.txt")
    Path("single.bin").write_bytes(b"2")  # after it was added
    assert artifact.is_draft()
    with wandb.init(project="p") as run:
        assert run.log_artifact(artifact) is artifact
        assert artifact.wait().version == "v0"
    found = wandb.Api().artifact("p/all")
    assert sorted(found.manifest.entries) == [
        ".hidden", "a.txt", "again/.hidden", "again/a.txt", "deep/b.txt", "key.parquet", "ref.bin", "renamed/single.bin",
        "twice.bin",
    ]  # fmt: skip
    assert (found.description, found.digest, found.state) == (
        "everything",
        artifact.digest,
        "COMMITTED",
    )
    assert found.get_entry("key.parquet").ref_target() == "s3://bucket/key.parquet"
    with pytest.warns(UserWarning, match="s3://bucket"):
        folder = found.download("got")
    assert {str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file()} == set(
        found.manifest.entries
    ) - {"key.parquet"}
    assert Path(folder, "renamed/single.bin").read_bytes() == b"1"
    assert Path(folder, ".hidden").read_text() == "h"
    assert Path(found.get_path("a.txt").download("one")).read_text() == "a"
    assert [file.name for file in found.files(names=["a.txt"])] == ["a.txt"]
    Path(folder, "extra.txt").write_text("x")
    with pytest.raises(ValueError):
        found.verify(folder)
    Path(folder, "extra.txt").unlink()
    found.verify(folder)
    Path(folder, "a.txt").write_text("changed")
    with pytest.raises(ValueError):
        found.verify(folder)
    with pytest.raises(ValueError):
        found.file()
    with pytest.raises(KeyError, match="zz"):
        found.get_entry("zz")
    # The content that is in it twice is kept once.
    kept = [f.name for f in Store()[run.native.id].files if f.prefix.startswith("artifacts/all")]
    assert len(kept) == 4


def test_names_and_paths_cannot_lead_outside():
    for name in ("a/b", "a:b", "", "..", ".hidden", "../x"):
        with pytest.raises(ValueError):
            wandb.Artifact(name, "t")
    with pytest.raises(ValueError, match="reserved"):
        wandb.Artifact("a", "job")
    with pytest.raises(TypeError, match="metadata"):
        wandb.Artifact("a", "t", metadata=5)  # type: ignore[arg-type]
    Path("f.txt").write_text("x")
    artifact = wandb.Artifact("a", "t")
    for path in ("../x", "/etc/x", "a/../../x", "..", "C:/x", "a\\..\\..\\x"):
        with pytest.raises(ValueError):
            artifact.add_file("f.txt", name=path)
    artifact.add_file("f.txt")
    Path("f.txt").write_text("y")
    with pytest.raises(ValueError):
        artifact.add_file("f.txt")
    for wrong in (lambda: artifact.add_file("nope"), lambda: artifact.add_dir("nope")):
        with pytest.raises(ValueError):
            wrong()
    with wandb.init(project="p") as run:
        for alias in ("a/b", "a:b", "v3", ""):
            with pytest.raises(ValueError, match="alias"):
                run.log_artifact(artifact, aliases=[alias])
        with pytest.raises(ValueError):
            run.log_artifact("f.txt", name="../up", type="t")


def test_odd_file_names_come_back_as_they_were():
    names = ["con.txt", "a b/c:d.txt", "ünï/x?.bin", "trailing."]
    artifact = wandb.Artifact("odd", "t")
    for number, name in enumerate(names):
        with artifact.new_file(name) as file:
            file.write(str(number))
    with wandb.init(project="p") as run:
        run.log_artifact(artifact)
    folder = wandb.Api().artifact("p/odd").download("odd")
    assert [Path(folder, name).read_text() for name in names] == ["0", "1", "2", "3"]


def test_a_damaged_file_is_refused_and_nothing_is_left_of_it():
    logged("precious")
    found = wandb.Api().artifact("p/ds")
    file = found.get_entry("data.txt")
    Path(str(file.local_path)).write_text("damaged!")
    with pytest.raises(CorruptData):
        found.download("got")
    assert not Path("got/data.txt").exists()


def test_drafts_and_logged_artifacts_say_what_cannot_be_asked_of_them():
    artifact = wandb.Artifact("ds", "dataset")
    with artifact.new_file("a.txt") as file:
        file.write("a")
    for ask in (
        lambda: artifact.version,
        lambda: artifact.aliases,
        artifact.download,
        artifact.wait,
        artifact.files,
    ):
        with pytest.raises(ArtifactNotLoggedError):
            ask()
    with wandb.init(project="p") as run:
        run.log_artifact(artifact)
    with pytest.raises(ArtifactFinalizedError, match="finalized"):
        artifact.add_reference("s3://x/y")
    draft = artifact.new_draft()
    with draft.new_file("b.txt") as file:
        file.write("b")
    with wandb.init(project="p") as run:
        run.log_artifact(draft)
    assert draft.version == "v1"
    assert sorted(wandb.Api().artifact("p/ds:v1").manifest.entries) == ["a.txt", "b.txt"]
    assert Path(artifact.file("own")).read_text() == "a"
    with pytest.raises(UnsupportedError):
        artifact.delete()
    with wandb.init(project="p") as run, pytest.raises(ValueError, match="type"):
        other = wandb.Artifact("ds", "model")
        run.log_artifact(other)


def test_aliases_change_with_save():
    logged("one", aliases=["best"])
    logged("two")
    artifact = wandb.Api().artifact("p/ds:v0")
    artifact.aliases.append("golden")
    artifact.aliases.remove("best")
    artifact.save()
    api = wandb.Api()
    assert api.artifact("p/ds:golden").version == "v0"
    assert not api.artifact_exists("p/ds:best")


def test_paths_models_and_code_are_artifacts_too():
    Path("w").mkdir()
    Path("w/model.bin").write_bytes(b"w")
    Path("src/.venv").mkdir(parents=True)
    Path("src/train.py").write_text("print()")
    Path("src/.venv/lib.py").write_text("no")
    Path("src/data.csv").write_text("1")
    with wandb.init(project="p", id="r1") as run:
        assert run.log_artifact("w/model.bin").name == "run-r1-model.bin:v0"
        assert run.log_artifact("w", name="folder", type="dataset").type == "dataset"
        run.log_model("w/model.bin", name="net")
        assert Path(run.use_model("net:latest")).read_bytes() == b"w"
        code = run.log_code("src")
        assert code is not None
        assert (code.type, list(code.manifest.entries)) == ("code", ["train.py"])
        csv = run.log_code("src", name="csv", include_fn=lambda path: path.endswith(".csv"))
        assert csv is not None
        assert list(csv.manifest.entries) == ["data.csv"]
        with pytest.raises(ValueError):
            run.log_artifact("nowhere")
    artifacts = wandb.Api().run("p/r1").logged_artifacts()
    assert [a.name for a in artifacts] == [
        "run-r1-model.bin:v0", "folder:v0", "net:v0", "source-p:v0", "csv:v0",
    ]  # fmt: skip
    assert len(wandb.Api().run("p/r1").files()) == 0


def test_tables_and_pictures_in_an_artifact_come_back():
    table = wandb.Table(columns=["a", "b"], data=[[1, "x"], [2.5, None]])
    artifact = wandb.Artifact("media", "results")
    artifact.add(table, "scores")
    artifact["picture"] = wandb.Image(np.eye(3), caption="diagonal")
    with pytest.raises(ValueError):
        artifact.add({"a": 1}, "x")
    with wandb.init(project="p") as run:
        run.log_artifact(artifact)
    found = wandb.Api().artifact("p/media")
    assert found.get("scores") == table
    picture = found["picture"]
    assert (np.asarray(picture.image) == np.eye(3) * 255).all()
    assert found.get("nothing") is None
    assert {"scores.table.json", "picture.image-file.json"} < set(found.manifest.entries)


def test_two_processes_never_get_the_same_version():
    program = textwrap.dedent(
        """
        import sys
        import anew.dialects.wandb as wandb
        for number in range(5):
            with wandb.init(project="p") as run:
                artifact = wandb.Artifact("shared", "t")
                with artifact.new_file("a.txt") as file:
                    file.write(f"{sys.argv[1]} {number}")
                run.log_artifact(artifact)
                print(artifact.version)
        """
    )
    Path("program.py").write_text(program)
    said: list[str] = []

    def run(name: str) -> None:
        found = subprocess.run(
            [sys.executable, "program.py", name], capture_output=True, text=True, check=True
        )
        said.extend(found.stdout.split())

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said, key=lambda v: int(v[1:])) == [f"v{number}" for number in range(10)]
    for version in said:
        assert wandb.Api().artifact(f"p/shared:{version}").version == version


def test_a_version_is_taken_once_however_many_ask_at_the_same_moment():
    taken: list[int] = []
    together = threading.Barrier(8)
    os.makedirs("experiments")

    def take() -> None:
        versions = Versions(Store("experiments"), "p", "a")
        for _ in range(25):
            together.wait()
            taken.append(versions.take())

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(200))


def test_a_process_killed_while_it_logs_leaves_no_half_version():
    logged("one")
    Versions(Store(), "p", "ds").take()  # and then it was killed
    with wandb.init(project="p") as run:
        assert run.use_artifact("ds:latest").version == "v0"
        with pytest.raises(wandb.CommError):
            run.use_artifact("ds:v1")
    assert logged("two").version == "v2"
    store = Store()
    store.refresh()
    assert store.doctor() == []


def test_all_that_is_known_of_versions_is_in_the_root_journal():
    logged("one", aliases=["best"])
    logged("two", aliases=["prod"])
    logged("three", aliases=["best"])
    late = wandb.Api().artifact("p/ds:v0")
    late.aliases.append("late")
    late.save()
    only_the_root_journal()
    api = wandb.Api()
    assert {a.version: a.aliases for a in api.artifacts("dataset", "p/ds")} == {
        "v0": ["late"], "v1": ["prod"], "v2": ["best", "latest"],
    }  # fmt: skip
    only_the_root_journal()
    assert logged("four").version == "v3"


def only_the_root_journal() -> None:
    """Delete everything that Anew keeps in the root besides the root's journal."""
    for entry in os.scandir("experiments/.anew"):
        if entry.name != "root":
            shutil.rmtree(entry.path) if entry.is_dir() else os.remove(entry.path)


def test_an_artifact_of_a_deleted_run_says_so():
    artifact = logged("one")
    wandb.Api().run(artifact.logged_by().id).delete()
    with pytest.raises(wandb.CommError):
        wandb.Api().artifact("p/ds:v0").download()


def test_a_run_that_is_resumed_goes_on_with_its_artifacts():
    with wandb.init(project="p", id="r") as run:
        artifact = wandb.Artifact("a", "t")
        with artifact.new_file("x") as file:
            file.write("x")
        run.log_artifact(artifact)
    with wandb.init(project="p", id="r", resume="must") as run:
        artifact = wandb.Artifact("b", "t")
        with artifact.new_file("x") as file:
            file.write("x")
        run.log_artifact(artifact)
    assert [a.name for a in wandb.Api().run("p/r").logged_artifacts()] == ["a:v0", "b:v0"]


def test_a_linked_artifact_is_a_version_of_a_model_of_the_store():
    first, second = logged("one"), logged("two")
    first.link("wandb-registry-model/vit", aliases=["production"])
    first.link("vit")  # it is one already
    with wandb.init(project="p") as run:
        run.link_artifact(second, "team/wandb-registry-model/vit", aliases=["candidate"])
        draft = wandb.Artifact("net", "model")
        with draft.new_file("data.txt") as file:
            file.write("three")
        run.link_artifact(draft, "vit", aliases="production")
        Path("m.bin").write_text("four")
        run.link_model("m.bin", "small")
        used = run.use_artifact("wandb-registry-model/vit:candidate")
        by_number = [run.use_artifact(f"wandb-registry-model/vit:v{n}") for n in range(3)]
        id_ = run.id
    assert used.qualified_name == second.qualified_name
    assert by_number[0].qualified_name == first.qualified_name
    assert by_number[1].qualified_name == second.qualified_name
    assert by_number[2].name.startswith("net:")
    assert Path(used.file("own")).read_text() == "two"
    with Store() as store:
        assert [one.name for one in store.models] == ["small", "vit"]
        model = store.models["vit"]
        assert {alias: one.number for alias, one in model.aliases.items()} == {"candidate": 2, "production": 3}  # fmt: skip
        assert [one.read_text() for one in store.models["vit:1"].files()] == ["one"]
        assert model["production"].fact.points_to == "artifact"
        up = store.lineage("vit:2")
        assert [one.id for one in up.readers]  # the run that used it
        assert id_ in {view.captured["wandb"]["id"] for view in map(store.get, (one.id for one in up.readers))}  # fmt: skip
    with pytest.raises(ValueError, match="reserved"):
        first.link("vit", aliases=["v7"])
