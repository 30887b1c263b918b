"""What registered models are over every backend: numbers are claimed once, aliases have a history, and nothing is lost."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..errors import Conflict, InvalidName, NotFound, NotVerified
from ..models.asking import find_lineage
from ..models.registry import Registry, Target
from ..models.verdicts import parse_requirement, verified
from ..query.edits import AppendQuestion
from ..reading.backend import Backend
from ..record.edits import CaptureEdit, DeleteEdit, RestoreEdit, VersionEdit
from .backend_writing import BackendWriting

__all__ = ["ModelTests"]


def file_of(experiment: str | None, name: str = "models/best.pt") -> Target:
    """A file that a version points to."""
    return Target(points_to="file", ref=name, experiment=experiment, digest="ab" * 32)


class ModelTests(BackendWriting):
    """The promises of a backend that registered models rest on."""

    def test_a_version_says_what_it_is_and_an_alias_who_moved_it_and_why(
        self, backend: Backend
    ) -> None:
        registry = Registry(backend)
        first = registry.register("vit", file_of("abc"), why="best so far", tags={"task": "cls"})
        assert (first.number, first.ref, first.experiment) == (1, "models/best.pt", "abc")
        assert (first.why, first.tags, first.digest) == ("best so far", {"task": "cls"}, "ab" * 32)
        address = Target(points_to="address", ref="s3://bucket/model")
        second = registry.register("vit", address, extra={"mlflow.source": "dbfs:/x"})
        assert (second.number, second.experiment, second.ref) == (2, None, "s3://bucket/model")
        assert second.extra == {"mlflow.source": "dbfs:/x"}
        before = time.time()
        registry.point("vit", "production", 1, why="shipped")
        moved = registry.point("vit", "production", 2, why="faster")
        assert (moved.number, moved.why) == (2, "faster")
        assert before - 1 <= moved.time <= time.time() + 1
        assert registry.version("vit@production").number == 2
        assert registry.version("vit").aliases == ("production",)
        assert registry.version("vit:v1").aliases == ()
        registry.unpoint("vit", "production", why="it was wrong")
        with pytest.raises(NotFound):
            registry.version("vit@production")
        history = registry.model("vit", history=True).history
        assert [one.what for one in history[:1]] == ["created"]
        aliases = [one for one in history if one.what == "alias"]
        assert [(one.before, one.number, one.why) for one in aliases] == [
            (None, 1, "shipped"),
            (1, 2, "faster"),
            (2, None, "it was wrong"),
        ]
        assert len({one.user for one in history}) == 1

    def test_what_is_said_of_models_and_versions_is_added_to_and_kept(
        self, backend: Backend
    ) -> None:
        registry = Registry(backend)
        registry.create("vit", description="a transformer", tags={"a": "1"})
        registry.tag("vit", {"b": "2"}, remove=["a"])
        registry.register("vit", file_of("abc"), description="first")
        registry.edit_version("vit:1", add={"x": "1", "y": "2"})
        registry.edit_version("vit:1", remove=["x"], extra={"run_link": "there"})
        model = registry.model("vit")
        assert (model.description, model.tags) == ("a transformer", {"b": "2"})
        (one,) = model.versions
        assert (one.description, one.tags, one.extra) == (
            "first",
            {"y": "2"},
            {"run_link": "there"},
        )
        assert one.created_at < one.updated_at
        assert registry.edit_version("vit:1", description=None).description is None
        with pytest.raises(Conflict):
            registry.create("vit")
        for name in ("a/b:c@", "", "a\n"):
            with pytest.raises(InvalidName):
                registry.create(name)
        for alias in ("latest", "v3", "7", "a/b"):
            with pytest.raises(InvalidName):
                registry.point("vit", alias, 1)

    def test_a_renamed_model_keeps_all_and_a_deleted_one_comes_back(self, backend: Backend) -> None:
        registry = Registry(backend)
        registry.register("old", file_of("abc"))
        registry.point("old", "production", 1)
        registry.rename("old", "new")
        assert [one.name for one in registry.models()] == ["new"]
        assert registry.register("new", file_of("def")).number == 2
        registry.delete("new")
        assert registry.models() == []
        with pytest.raises(NotFound):
            registry.model("new")
        again = registry.register("new", file_of("ghi"))  # another model of that name
        assert (again.number, again.aliases) == (1, ())
        with pytest.raises(Conflict):
            registry.restore("new")
        back = registry.restore("new", name="old")
        assert [one.experiment for one in back.versions] == ["abc", "def"]
        assert registry.version("old@production").number == 1
        assert [one.name for one in registry.models()] == ["new", "old"]
        assert registry.models(gone=True) == []

    def test_a_withdrawn_version_is_out_of_sight_and_its_number_is_never_used_again(
        self, backend: Backend
    ) -> None:
        registry = Registry(backend)
        for name in ("one", "two"):
            registry.register("vit", file_of(name))
        registry.point("vit", "best", 2)
        registry.withdraw("vit:2", "trained on the test set")
        model = registry.model("vit")
        assert ([one.number for one in model.versions], model.aliases) == ([1], ())
        assert [one.number for one in model.withdrawn] == [2]
        for ref in ("vit:2", "vit@best"):
            with pytest.raises(NotFound):
                registry.version(ref)
        assert registry.register("vit", file_of("three")).number == 3
        back = registry.restore_version("vit:2")
        assert (back.experiment, back.aliases) == ("two", ("best",))

    def test_of_several_that_register_at_once_each_gets_a_number(self, backend: Backend) -> None:
        registry = Registry(backend)
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda n: registry.register("vit", file_of(f"e{n}")), range(8)))
        assert sorted(one.number for one in made) == list(range(1, 9))
        (model,) = registry.models()
        assert {one.experiment for one in model.versions} == {f"e{n}" for n in range(8)}

    def test_versions_of_a_deleted_experiment_say_so(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        registry = Registry(backend)
        registry.register("vit", file_of(id_))
        backend.append(AppendQuestion((DeleteEdit(id=id_),)))
        assert registry.version("vit").experiment_gone == "deleted"
        backend.append(AppendQuestion((RestoreEdit(id=id_),)))
        assert registry.version("vit").experiment_gone is None

    def test_a_version_that_was_set_by_itself_is_one_of_a_model(self, backend: Backend) -> None:
        edit = VersionEdit(kind="model", name="vit", number=4, target="abc", body={"tags": 3})
        backend.append(AppendQuestion((edit,)))
        registry = Registry(backend)
        one = registry.version("vit")
        assert (one.number, one.experiment, one.points_to) == (4, "abc", "experiment")
        registry.delete("vit")
        assert registry.models() == []

    def test_a_promotion_can_demand_that_results_came_back(
        self, backend: Backend, root: str
    ) -> None:
        first = self.write(root)
        within = parse_requirement("within:rtol=1e-3")
        with pytest.raises(NotVerified) as refused:
            verified(backend, first, within)
        assert refused.value.command == f"anew reproduce {first[:8]} --rtol 0.001"
        again = self.write(root, "lab/vision/again", parent=first, relation="reproduces")
        backend.select(self.now())

        def judge(verdict: str, **more: object) -> None:
            metrics = {"loss": {"verdict": verdict, **more}}
            data = {"a": first, "b": again, "verdict": verdict, "metrics": metrics}
            backend.append(AppendQuestion((CaptureEdit(id=again, what="verdict", data=data),)))

        with pytest.raises(NotVerified):  # it was never judged
            verified(backend, first, within)
        judge("DIVERGED")
        with pytest.raises(NotVerified) as refused:
            verified(backend, first, within)
        assert (refused.value.verdict, refused.value.rerun) == ("DIVERGED", again)
        judge("WITHIN TOLERANCE", rtol=1e-3, atol=0.0)
        found = verified(backend, first, within)
        assert (found.verdict, found.rerun) == ("WITHIN TOLERANCE", again)
        for stricter in ("identical", "within:1e-4"):
            with pytest.raises(NotVerified):
                verified(backend, first, parse_requirement(stricter))
        judge("IDENTICAL")
        evidence = verified(backend, first, parse_requirement("identical"))
        registry = Registry(backend)
        registry.register("vit", file_of(first))
        moved = registry.point("vit", "production", 1, evidence=evidence)
        assert moved.evidence == evidence

    def test_lineage_goes_up_to_what_was_read_and_down_to_who_read_it(
        self, backend: Backend, root: str, tmp_path: Path
    ) -> None:
        data, other = tmp_path / "train.csv", tmp_path / "other.csv"
        data.write_text("1,2\n")
        other.write_text("3,4\n")
        with self.begun(root, "lab/vision/first") as first:
            first.inputs.add(data, "train")
            saved = first.files("models").save_text("weights", "best.pt")
        model = tmp_path / "best.pt"
        model.write_text("weights")
        with self.begun(root, "lab/vision/second", parent=first.id, relation="forked") as second:
            second.inputs.add(model)
        with self.begun(root, "lab/vision/third") as third:
            third.inputs.add(other)
        backend.select(self.now())
        registry = Registry(backend)
        registry.register("vit", file_of(first.id))
        registry.register("small", file_of(second.id))
        registry.register("else", file_of(third.id))

        up = find_lineage(backend, "small")
        assert up.experiment is not None
        assert (up.kind, up.experiment.id) == ("version", second.id)
        assert [(one.id, one.relation) for one in up.parents] == [(first.id, None)]
        assert [one.id for one in up.writers] == [first.id]  # it read what the first logged
        assert {str(model)} <= {one.name for one in up.inputs}

        down = find_lineage(backend, str(data))
        assert (down.kind, [one.id for one in down.readers]) == ("content", [first.id])
        assert [one.id for one in down.descendants] == [second.id]
        assert {(one.model, one.number) for one in down.models} == {("vit", 1), ("small", 1)}
        digest = hashlib.sha256(data.read_bytes()).hexdigest()
        for asked in ("train", digest, digest[:8]):
            found = find_lineage(backend, asked, files=False)
            assert [one.id for one in found.readers] == [first.id]
        of_file = find_lineage(backend, saved.hash)
        assert [one.id for one in of_file.writers] == [first.id]
        assert [one.id for one in of_file.readers] == [second.id]
        of_first = find_lineage(backend, first.id)
        assert [one.id for one in of_first.readers] == [second.id]
        with pytest.raises(NotFound):
            find_lineage(backend, "0" * 64)
        backend.append(AppendQuestion((DeleteEdit(id=first.id),)))
        gone = find_lineage(backend, "vit")
        assert (gone.experiment, gone.experiment_gone) == (None, "deleted")
        with pytest.raises(NotFound):
            find_lineage(backend, digest)
