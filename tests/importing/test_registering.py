"""Registered models of a source become models here, as often as they are imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anew import Store
from anew.importing.importer import bring_in, look_through
from anew.importing.source import SourceModel, SourceVersion
from anew.journal.documents import RootJournal

from .sources import START, Logged, Made, curve


class Registry(Made):
    """A source with a registry."""

    def __init__(self, **runs: Logged) -> None:
        super().__init__(**runs)
        self.registered: list[SourceModel] = []

    def models(self) -> Iterator[SourceModel]:
        yield from self.registered


def version(number: int, run: str | None = "a", **more: object) -> SourceVersion:
    given = {"created": START + number, "user": "ada", **more}
    return SourceVersion(number, run, "folder", "out", f"s3://there/{number}", **given)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "root")


@pytest.fixture
def source() -> Registry:
    source = Registry(a=Logged(curve(1), files={"net.bin": b"n" * 10}), b=Logged(curve(1)))
    source.registered = [
        SourceModel(
            "vit", START, (version(1), version(3, description="the best", tags={"k": "v"})), {"best": 3, "first": 1},
            "sees things", {"team": "x"},
        ),
        SourceModel("empty", START),
        SourceModel("far", START, (version(1, None),)),
    ]  # fmt: skip
    return source


def lines(root: str) -> int:
    return sum(path.read_bytes().count(b"\n") for path in Path(root, ".anew/root").glob("*.jsonl"))


def test_models_come_with_versions_aliases_and_who_made_them(source, root):
    assert look_through(source, root).counts["versions"] == 3
    imported = bring_in(source, root)
    assert (imported.is_whole, imported.counts["models"], imported.counts["versions"]) == (True, 3, 3)  # fmt: skip
    with Store(root) as store:
        model = store.models["vit"]
        assert model.fact.description == "sees things"
        assert (model.fact.tags, model.fact.scope) == ({"team": "x"}, "project/lab")
        assert [one.number for one in model.versions] == [1, 3]
        best = store.models["vit@best"]
        assert (best.number, best.fact.created_at, best.fact.user) == (3, START + 3, "ada")
        assert (best.fact.description, best.fact.tags) == ("the best", {"k": "v"})
        assert best.experiment.prefix == "lab/a"
        assert [one.read_bytes() for one in best.files()] == [b"n" * 10]
        far = store.models["far:1"].fact
        assert (far.points_to, far.ref, far.experiment) == ("address", "s3://there/1", None)
        assert not store.models["empty"].versions
        # The next version that is registered here gets the next number.
        assert store.models.register("vit", "s3://here").number == 4


def test_what_was_said_once_is_not_said_again(source, root):
    bring_in(source, root)
    before = lines(root)
    bring_in(source, root)
    assert lines(root) == before


def test_what_changes_there_comes_and_what_was_changed_here_stays(source, root):
    bring_in(source, root)
    with Store(root) as store:
        store.models["vit"].promote(1, "best", why="mine")
        store.models["vit"].describe("mine")
        store.models["vit:1"].withdraw("wrong")
        store.models.delete("far")
    bring_in(source, root)
    with Store(root) as store:
        assert store.models["vit"].fact.description == "mine"
        assert [one.number for one in store.models["vit"].versions] == [3]
        assert "far" not in store.models
    vit = source.registered[0]
    source.registered[0] = vit._replace(
        versions=(*vit.versions, version(4)), aliases={"best": 4}, description="sees more"
    )
    assert bring_in(source, root).is_whole
    with Store(root) as store:
        assert store.models["vit@best"].number == 4
        assert store.models["vit"].fact.description == "sees more"
        assert set(store.models["vit"].aliases) == {"best"}
        assert "far" not in store.models


def test_a_model_of_the_same_name_is_another_one(source, root):
    bring_in(Made(a=Logged(curve(1))), root)
    with Store(root) as store:
        store.models.register("vit", "lab/a")
    imported = bring_in(source, root)
    assert any("vit~2" in one.what for one in imported.findings)
    bring_in(source, root)
    with Store(root) as store:
        assert [one.number for one in store.models["vit"].versions] == [1]
        assert [one.number for one in store.models["vit~2"].versions] == [1, 3]


def test_names_that_cannot_be_one_are_mended_and_what_has_no_place_is_said(source, root):
    source.registered = [SourceModel("lab/vit:x", START, (version(1),), {"latest": 1, "ok": 1})]
    imported = bring_in(source, root)
    assert not imported.is_whole  # the alias
    with Store(root) as store:
        assert store.models["lab-vit-x@ok"].number == 1


def test_the_experiment_of_a_version_is_known_once_its_run_has_come(source, root):
    bring_in(source, root, since=START + 1e6)
    with Store(root) as store:
        assert store.models["vit:1"].fact.points_to == "address"
    bring_in(source, root)
    with Store(root) as store:
        assert store.models["vit:1"].experiment.prefix == "lab/a"


def test_an_import_that_was_killed_between_two_lines_goes_on(source, root, tmp_path):
    bring_in(source, root)
    (path,) = [p for p in Path(root, ".anew/root").glob("*.jsonl") if b'"model"' in p.read_bytes()]
    whole = path.read_bytes().splitlines(keepends=True)
    first = next(at for at, line in enumerate(whole) if b'"k":"extension"' in line)
    for keep in range(first, len(whole)):
        path.write_bytes(b"".join(whole[:keep]))
        assert bring_in(source, root).is_whole
        with Store(root) as store:
            assert [one.name for one in store.models] == ["empty", "far", "vit"]
            assert [one.number for one in store.models["vit"].versions] == [1, 3]
            assert store.models["vit"].aliases.keys() == {"best", "first"}


@pytest.mark.parametrize(
    ("tag", "losing"), [("version", {"body": {}}), ("alias", {"number": 1}), ("document", {"body": {}})]
)  # fmt: skip
def test_what_is_said_of_a_model_and_did_not_arrive_is_said(source, root, monkeypatch, tag, losing):
    written = RootJournal.append

    def lost(self, kind, fields, **more):
        return written(self, kind, {**fields, **losing} if kind == tag else fields, **more)

    monkeypatch.setattr(RootJournal, "append", lost)
    imported = bring_in(source, root)
    assert not imported.is_whole
    assert any(one.where == "the model vit" for one in imported.findings)
