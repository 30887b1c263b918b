"""Lineage over a thousand experiments: from a data set to all that read it, through the index alone."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from blake3 import blake3

from anew import Experiment, Store
from anew.models.asking import find_lineage
from anew.query.edits import AppendQuestion
from anew.query.question import Question, Selected
from anew.reading.local.backend import LocalBackend
from anew.record.edits import VersionEdit

OPTIONS = {"quiet": True, "console": "off", "system_metrics": 0}
SETS = 20


def recorded(root: Path, folder: Path, count: int) -> list[str]:
    """Experiments that each read one of some data sets, as copies of one that was recorded; their ids."""
    sums = []
    for number in range(SETS):
        (folder / f"set-{number}.csv").write_text(f"data set {number}\n" * 50)
        data = (folder / f"set-{number}.csv").read_bytes()
        sums.append((hashlib.sha256(data).hexdigest(), blake3(data).hexdigest()))
    with Experiment("lab/sets/run-0", root=root, **OPTIONS) as exp:  # type: ignore[arg-type]
        exp.inputs.add(folder / "set-0.csv", "set")
    ids, first = [exp.id], root / "lab" / "sets" / "run-0"
    for number in range(1, count):
        id_ = f"c{number:011d}"
        copy = root / "lab" / "sets" / f"run-{number}"
        shutil.copytree(first, copy)
        for path in (*(copy / "journal").iterdir(), copy / "metadata.json"):
            text = path.read_text().replace(exp.id, id_).replace("run-0", f"run-{number}")
            path.unlink()  # it may be a link that they share
            for old, new in zip(sums[0], sums[number % SETS], strict=True):
                text = text.replace(old, new)
            path.write_text(text)
        ids.append(id_)
    return ids


def check(tmp_path: Path, count: int) -> None:
    root, folder = tmp_path / "store", tmp_path / "data"
    folder.mkdir()
    ids = recorded(root, folder, count)
    with Store(root) as store:
        assert len(store) == count
        edits = tuple(
            VersionEdit(kind="model", name=f"m{at % 50}", number=1 + at // 50, target=id_)
            for at, id_ in enumerate(ids)
        )
        store.backend.append(AppendQuestion(edits))
        for number in range(SETS):
            found = store.lineage(folder / f"set-{number}.csv")
            wanted = set(ids[number::SETS])
            assert {one.id for one in found.readers} == wanted
            assert {one.experiment for one in found.models} == wanted
            assert found.reader_count == len(wanted)
        up = store.lineage("m7:1")
        assert up.experiment is not None
        assert up.experiment.id == ids[7]


def test_each_data_set_leads_to_its_experiments_and_their_models(tmp_path: Path):
    check(tmp_path, 60)


@pytest.mark.slow
def test_the_same_over_a_thousand_experiments(tmp_path: Path):
    check(tmp_path, 1000)


def test_no_experiment_is_read_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The catalog is asked a number of questions that does not depend on how many experiments there are."""
    root, folder = tmp_path / "store", tmp_path / "data"
    folder.mkdir()
    recorded(root, folder, 40)
    asked: list[Question] = []
    select = LocalBackend.select

    def counted(self: LocalBackend, question: Question) -> Selected:
        asked.append(question)
        return select(self, question)

    with Store(root) as store:
        store.refresh()
        monkeypatch.setattr(LocalBackend, "select", counted)
        found = find_lineage(store.backend, str(folder / "set-0.csv"), root=str(root))
    assert found.reader_count == 2
    assert len(asked) <= 6
