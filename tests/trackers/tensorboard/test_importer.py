"""What was written for TensorBoard is read by TensorBoard and by us, and is the same."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from anew import Store
from anew.importing.importer import Imported, bring_in
from anew.trackers.importers import kind_of, open_source
from anew.trackers.tensorboard.importer.records import Damaged, records
from later import later

writers = later("torch.utils.tensorboard")
loader = later("tensorboard.backend.event_processing.event_accumulator")


COUNT = 300


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs as PyTorch's writer leaves them: a restart, parameters, several curves of one call, values of each kind."""
    folder = tmp_path_factory.mktemp("runs")
    random = np.random.default_rng(0)
    with writers.SummaryWriter(str(folder / "a" / "first ü")) as out:
        for step in range(COUNT):
            out.add_scalar("loss/train", 1 / (step + 1), step, walltime=1_700_000_000 + step / 8)
        out.add_scalar("odd", float("nan"), 2**40)
        out.add_scalar("odd", float("-inf"), 3)
        out.add_scalar("array", 1.5, 3, new_style=True)
        out.add_text("note", "hello *x*", 1)
        out.add_histogram("weights", random.normal(size=1000), 1)
        out.add_image("picture", random.random((3, 8, 8)), 1)
        out.add_audio("sound", random.random((1, 800)) * 2 - 1, 1, sample_rate=8000)
        out.add_pr_curve("curve", random.integers(0, 2, 50), random.random(50), 1)
        out.add_hparams(
            {"lr": 0.1, "opt": "adam", "amsgrad": True, "n": 3}, {"hp/acc": 0.9}, run_name="tried"
        )
    with writers.SummaryWriter(str(folder / "a" / "first ü"), filename_suffix=".again") as out:
        for step in range(10, 20):  # a restart from a checkpoint: these steps are there twice
            out.add_scalar("loss/train", -1.0, step)
    return folder


def brought(source: Path, root: Path) -> Imported:
    return bring_in(open_source(str(source)), str(root))


def test_the_tracker_s_own_answers_are_ours(logdir, tmp_path):
    imported = brought(logdir, tmp_path / "root")
    assert imported.is_whole
    accumulator = loader.EventAccumulator(
        str(logdir / "a" / "first ü"), size_guidance={loader.SCALARS: 0}, purge_orphaned_data=False
    ).Reload()
    with Store(tmp_path / "root") as store:
        view = store["a/first ü"]
        theirs = accumulator.Scalars("loss/train")
        series = view.metrics["loss/train"].read(order="written")
        ours = list(
            zip(series.steps.tolist(), series.times.tolist(), series.values.tolist(), strict=True)
        )
        assert ours == [(one.step, one.wall_time, one.value) for one in theirs]
        assert len(ours) == COUNT + 10
        odd = view.metrics["odd"].read(order="written")
        assert (odd.steps.tolist(), list(map(str, odd.values))) == ([2**40, 3], ["nan", "-inf"])
        assert view.metrics["array"].last == 1.5
        values = {one.name: one for one in view.values()}
        assert {name: one.kind for name, one in values.items()} == {
            "note/text_summary": "text", "weights": "histogram", "picture": "image", "sound": "audio",
        }  # fmt: skip
        assert sum(values["weights"].data["counts"]) == 1000
        assert [file.name for file in view.files] == ["curve.pb"]


def test_parameters_are_those_of_their_run(logdir, tmp_path):
    brought(logdir, tmp_path / "root")
    with Store(tmp_path / "root") as store:
        view = store["a/first ü/tried"]
        assert view.params == {"lr": 0.1, "opt": "adam", "amsgrad": True, "n": 3}
        assert (view.status, view.parent) == ("completed", store["a/first ü"].id)
        assert view.metrics["hp/acc"].last == pytest.approx(0.9)


def test_what_is_written_later_comes_with_the_next_import_from_wherever_it_lies(logdir, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(logdir, moved)
    brought(logdir, tmp_path / "root")
    with writers.SummaryWriter(str(moved / "a" / "first ü"), filename_suffix=".zz") as out:
        out.add_scalar("loss/train", 7.0, 1000)
    again = brought(moved, tmp_path / "root")
    assert again.is_whole
    assert sorted(run.state for run in again.runs) == ["grown", "same"]


def test_a_file_that_is_being_written_is_read_to_its_last_whole_record(logdir, tmp_path):
    (source,) = (logdir / "a" / "first ü").glob("*.again")
    whole = list(records(str(source)))
    cut = tmp_path / "events.out.tfevents.1.h.1"
    data = source.read_bytes()
    for size in range(0, len(data), 7):
        cut.write_bytes(data[:size])
        found = list(records(str(cut)))
        assert found == whole[: len(found)]


def test_every_byte_that_was_changed_is_found(logdir, tmp_path):
    (source,) = (logdir / "a" / "first ü").glob("*.again")
    data = source.read_bytes()[:200]
    whole = list(records(str(source)))
    spoilt = tmp_path / "spoilt"
    for at in range(150):
        changed = bytearray(data)
        changed[at] ^= 0x40
        spoilt.write_bytes(changed)
        found = []
        with contextlib.suppress(Damaged):
            for record in records(str(spoilt)):
                found.append(record)
        assert found == whole[: len(found)]
        assert sum(16 + len(one) for one in found) <= at


def test_damage_is_named_and_what_is_before_it_comes(logdir, tmp_path):
    source = tmp_path / "runs"
    shutil.copytree(logdir, source)
    first = sorted((source / "a" / "first ü").iterdir())[0]
    data = bytearray(first.read_bytes())
    data[2000] ^= 0xFF
    first.write_bytes(data)
    imported = brought(source, tmp_path / "root")
    assert not imported.is_whole
    (finding,) = [one for one in imported.findings if one.lost]
    assert finding.where == str(first)
    assert imported.counts["points"] > 10


def test_event_files_are_recognised(logdir, tmp_path):
    assert kind_of(str(logdir)) == "tensorboard"
    assert kind_of(str(next((logdir / "a" / "first ü").glob("*.again")))) == "tensorboard"
