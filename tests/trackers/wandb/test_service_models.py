"""W&B's artifacts as models and inputs: what was linked into its registry, artifacts of the type "model", and what runs used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.importing.importer import Imported, bring_in
from anew.trackers.importers import open_source

from .service import KEY, Project, serving

REGISTRY = {"__typename": "ArtifactPortfolio", "name": "best nets", "project": {"name": "registry"}}
OWN = {"__typename": "ArtifactSequence", "name": "net", "project": {"name": "vision ü"}}


def artifact(version: int, *aliases: str, kind: str = "model", name: str = "net", linked: tuple[str, ...] = ()) -> dict[str, Any]:  # fmt: skip
    words = [{"alias": one, "artifactCollection": OWN} for one in aliases]
    words += [{"alias": one, "artifactCollection": REGISTRY} for one in linked]
    return {
        "id": f"{name}{version}", "artifactSequence": {"name": name}, "versionIndex": version, "artifactType": {"name": kind}, "description": f"the {version}.",
        "metadata": "{}", "tags": [{"name": "checked"}], "aliases": words, "digest": f"d{version}", "createdAt": f"2026-01-02T03:04:0{version}",
        "files": {"net.bin": b"n" * (version + 1)},
    }  # fmt: skip


@pytest.fixture
def project() -> Project:
    project = Project()
    data = artifact(0, kind="dataset", name="digits")
    project.add("first", artifacts=[artifact(0, "v0"), data])
    project.add("second", artifacts=[artifact(1, "v1", "latest", "good", linked=("v3", "production"))])  # fmt: skip
    project.add("third", used=[data, artifact(1, "v1")])
    return project


@pytest.fixture
def url(project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    with serving(project) as url:
        monkeypatch.setenv("WANDB_BASE_URL", url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        yield f"{url}/lab/vision%20%C3%BC"


def brought(where: str, root: Path) -> Imported:
    source = open_source(where)
    try:
        return bring_in(source, str(root))
    finally:
        source.close()


def test_models_keep_their_versions_and_aliases(project, url, tmp_path):
    found = brought(url, tmp_path / "root")
    assert (found.is_whole, found.counts["models"], found.counts["versions"]) == (True, 2, 3)
    with Store(tmp_path / "root") as store:
        net, best = store.models["net"], store.models["best nets"]
        assert [one.number for one in net.versions] == [0, 1]
        assert [one.number for one in best.versions] == [3]
        assert store.models["net@good"].number == store.models["net:v1"].number == 1
        assert store.models["net:v0"].fact.description == "the 0."
        production = store.models["best nets@production"]
        assert production.experiment.name == "second"
        assert [one.read_bytes() for one in production.files()] == [b"nn"]
        assert production.fact.tags == {"checked": ""}
        assert store.models.register("net", "s3://elsewhere").number == 2
    assert brought(url, tmp_path / "root").is_whole


def test_what_a_run_used_is_found_by_lineage(project, url, tmp_path):
    brought(url, tmp_path / "root")
    with Store(tmp_path / "root") as store:
        assert [one.name for one in store.list("'digits:v0' in inputs")] == ["third"]
        readers = store.lineage("digits:v0").readers
        assert [one.prefix for one in readers] == ["vision ü/third"]


def test_a_registry_that_changed_is_compared_with_what_was_said(project, url, tmp_path):
    brought(url, tmp_path / "root")
    moved = artifact(1, "v1", "latest", linked=("v3",))
    project.runs["second"]["artifacts"] = [moved]
    project.add("fourth", artifacts=[artifact(2, "v2", "good", linked=("v4", "production"))])
    brought(url, tmp_path / "root")
    with Store(tmp_path / "root") as store:
        assert store.models["net@good"].number == 2
        assert store.models["best nets@production"].number == 4
    # One run says nothing of what the others have.
    brought(f"{url}/runs/first", tmp_path / "root")
    with Store(tmp_path / "root") as store:
        assert store.models["best nets@production"].number == 4
