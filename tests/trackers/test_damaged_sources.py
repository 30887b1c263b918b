"""Damaged and hostile sources of every kind: which file it is, is said; the rest is read; nothing else is, and nothing is run."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from anew import Experiment
from anew.errors import AnewError
from anew.importing.importer import Imported, bring_in
from anew.trackers.importers import KINDS, open_source
from tests.trackers.environments import recorded, unpacked
from tests.trackers.holding import contents
from tests.trackers.ml_dash.test_importer import put as ml_dash_run
from tests.trackers.sacred.test_importer import put as sacred_run
from tests.trackers.swanlab.test_importer import END, START, scalar
from tests.trackers.swanlab.test_importer import put as swanlab_run

SECRET = b"nobody's matter"
LONG_AGO = 1_750_000_000


class Made(NamedTuple):
    """A source.

    Attributes:
        kind: What it is.
        source: What is imported.
        bad: The files of one of its runs, as patterns below the source, that say what the run is or what it logged.
        rest: Whether other runs of it lie in files of their own.
        strict: Whether not every text may be such a file; a table may hold any.
    """

    kind: str
    source: Path
    bad: tuple[str, ...]
    rest: bool = True
    strict: bool = True


def _anew(folder: Path) -> Made:
    for name in ("good", "bad"):
        with Experiment(f"p/{name}", root=folder / "store", quiet=True, system_metrics=0) as exp:
            for step in range(20):
                exp.log({"loss": 1 / (step + 1)}, step=step)
    return Made("anew", folder / "store", ("p/bad/journal/*.jsonl",))


def _mlflow(folder: Path) -> Made:
    for name in ("good", "bad"):
        run = folder / "mlruns" / "7" / name
        (run / "metrics").mkdir(parents=True)
        (run / "params").mkdir()
        (run / "params" / "lr").write_text("0.1")
        meta = f"run_id: {name}\nrun_name: {name}\nstatus: 3\nstart_time: 1700000000000\nend_time: 1700000001000\n"
        (run / "meta.yaml").write_text(meta)
        lines = [f"{1_700_000_000_000 + at} {1 / (at + 1)} {at}\n" for at in range(50)]
        (run / "metrics" / "loss").write_text("".join(lines))
    (folder / "mlruns" / "7" / "meta.yaml").write_text("name: vision\n")
    return Made("mlflow", folder / "mlruns", ("7/bad/meta.yaml", "7/bad/metrics/loss"))


def _trackio(folder: Path) -> Made:
    return Made("trackio", recorded("trackio", folder).folder, ("*.db",), rest=False)


def _clearml(folder: Path) -> Made:
    bad = ("killed/task.json", "killed/metrics.jsonl", "*.zip")
    return Made("clearml", recorded("clearml", folder).folder, bad)


def _dvclive(folder: Path) -> Made:
    return Made(
        "dvclive", recorded("dvclive", folder).folder, ("**/plots/metrics/**/*.tsv",), rest=False
    )


def _aim(folder: Path) -> Made:
    pytest.importorskip("aimrocks")
    program = Path(__file__).with_name("aim") / "making.py"
    around = {**os.environ, "HOME": str(folder), "AIM_UI_TELEMETRY_ENABLED": "0"}
    (folder / "store").mkdir()
    command = [sys.executable, str(program), str(folder / "store"), str(folder / "answers")]
    subprocess.run(command, cwd=folder, env=around, check=True, capture_output=True)
    (folder / "answers").unlink()
    key = min(os.listdir(folder / "store" / ".aim" / "seqs" / "chunks"))
    bad = (f".aim/seqs/chunks/{key}/*.sst", f".aim/meta/chunks/{key}/*.sst", f".aim/*/chunks/{key}/MANIFEST*")  # fmt: skip
    return Made("aim", folder / "store", bad)


def _wandb(folder: Path) -> Made:
    store = unpacked(Path(__file__).with_name("awkward") / "wandb.zip", folder)
    return Made("wandb", store.folder / "wandb", ("*-killed/run-killed.wandb",))


def _ml_dash(folder: Path) -> Made:
    for name in ("good", "bad"):
        ml_dash_run(folder, f"me/p/{name}", [{"loss": 1.0, "step": at} for at in range(50)])
    bad = ("me/p/bad/experiment.json", "me/p/bad/metrics/train/data.jsonl", "me/p/bad/parameters.json")  # fmt: skip
    return Made("ml-dash", folder / ".dash", bad)


def _neptune(folder: Path) -> Made:
    pytest.importorskip("pyarrow")
    from tests.trackers.neptune.test_importer import one
    from tests.trackers.neptune.test_importer import put as part

    for number in (0, 1):
        part(folder, [one("loss", "float_series", at / 7, at) for at in range(50)], number)
    return Made("neptune", folder, ("data/*/*_part_1.parquet",), rest=False)


def _sacred(folder: Path) -> Made:
    for number in ("1", "2"):
        sacred_run(folder / "runs", number)
    return Made("sacred", folder / "runs", ("2/run.json", "2/metrics.json", "2/config.json"))


def _swanlab(folder: Path) -> Made:
    records = [START, *(scalar("loss", at, at / 7, at) for at in range(8)), END]
    for end in ("1", "2"):
        own = [record.replace(b"abc12345", b"abc1234" + end.encode()) for record in records]
        swanlab_run(folder, own, f"run-20260101_00000{end}-abc1234{end}")
    return Made("swanlab", folder / "swanlog", ("run-*2/*.swanlab",))


def _tensorboard(folder: Path) -> Made:
    from tensorboard.summary.writer.record_writer import RecordWriter

    from anew.trackers.tensorboard.translate.summaries import encoded, scalar

    assert RecordWriter
    for name in ("good", "bad"):
        (folder / "runs" / name).mkdir(parents=True)
        data = encoded([], 0, 1.7e9)
        for step in range(50):
            data += encoded([scalar("loss", 1 / (step + 1))], step, 1.7e9 + step)
        (folder / "runs" / name / f"events.out.tfevents.1.{name}.1").write_bytes(data)
    return Made("tensorboard", folder / "runs", ("bad/events*",))


def _table(folder: Path) -> Made:
    (folder / "tables").mkdir(parents=True)
    rows = "step,loss\n" + "".join(f"{at},{1 / (at + 1)}\n" for at in range(50))
    for name in ("good", "bad"):
        (folder / "tables" / f"{name}.csv").write_text(rows)
    return Made("table", folder / "tables", ("bad.csv",), strict=False)


MAKERS: dict[str, Callable[[Path], Made]] = {
    "anew": _anew, "mlflow": _mlflow, "trackio": _trackio, "aim": _aim, "clearml": _clearml, "wandb": _wandb, "dvclive": _dvclive,
    "ml-dash": _ml_dash, "neptune": _neptune, "sacred": _sacred, "swanlab": _swanlab, "tensorboard": _tensorboard, "table": _table,
}  # fmt: skip
QUICK = ("mlflow",)
EACH = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]


def _age(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    found = MAKERS[request.param](tmp_path_factory.mktemp(request.param.replace("-", "_")))
    _age(found.source)
    return found


def files_of(made: Made, source: Path) -> list[Path]:
    found = sorted({path for pattern in made.bad for path in source.glob(pattern)})
    assert found
    return found


def brought(made: Made, source: Path, root: Path) -> Imported | None:
    """What an import comes to; None where nothing can be made of the source, which is then said by an error of Anew's."""
    try:
        opened = open_source(str(source), made.kind)
    except AnewError:
        return None
    try:
        return bring_in(opened, str(root))
    finally:
        opened.close()


def _runs(imported: Imported) -> dict[str, Any]:
    return {run.key: run.counts for run in imported.runs}


@pytest.fixture
def damaged(made: Made, tmp_path: Path) -> Callable[[Path, bytes], tuple[Path, Path]]:
    """Makes a copy of the source with a file that has other bytes; the copy, and the file in it."""
    numbers = iter(range(1_000_000))

    def make(path: Path, data: bytes) -> tuple[Path, Path]:
        copy = tmp_path / f"source{next(numbers)}" / made.source.name
        shutil.copytree(made.source, copy, symlinks=True)
        changed = copy / path.relative_to(made.source)
        changed.write_bytes(data)
        _age(copy)
        return copy, changed

    return make


@pytest.mark.parametrize("made", EACH, indirect=True)
def test_a_file_of_rubbish_is_named_and_the_rest_is_read(made, damaged, tmp_path):
    whole = brought(made, made.source, tmp_path / "whole")
    assert whole is not None
    assert whole.is_whole, whole
    for number, path in enumerate(files_of(made, made.source)):
        copy, changed = damaged(path, b"\xff\xfe\x00[{\n" * 200)
        found = brought(made, copy, tmp_path / f"root{number}")
        if found is None:
            assert not made.rest
            continue
        if not made.strict:
            continue
        assert not found.is_whole, path
        told = [one.where for one in found.findings if one.lost] + [str(run.why) for run in found.runs]  # fmt: skip
        parts = (changed.name, changed.parent.name, changed.parent.parent.name)
        assert any(part and part in text for text in told for part in parts), (path, told)
        if made.rest:
            kept = _runs(found)
            assert sum(kept.get(key) == counts for key, counts in _runs(whole).items()) >= len(_runs(whole)) - 1  # fmt: skip


@pytest.mark.parametrize("made", EACH, indirect=True)
def test_cut_and_flipped_files_end_nothing_and_use_little(made, damaged, tmp_path):
    random = Random(11)
    whole = brought(made, made.source, tmp_path / "whole")
    assert whole is not None
    paths = files_of(made, made.source)
    for number in range(12):
        path = paths[number % len(paths)]
        data = bytearray(path.read_bytes())
        if number % 2:
            del data[random.randrange(len(data)) :]
        else:
            for _ in range(random.randrange(1, 6)):
                data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        copy, _ = damaged(path, bytes(data))
        tracemalloc.start()
        found = brought(made, copy, tmp_path / f"root{number}")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 64 << 20
        if made.rest:
            assert found is not None
            kept = _runs(found)
            assert sum(kept.get(key) == counts for key, counts in _runs(whole).items()) >= len(_runs(whole)) - 1  # fmt: skip


class _Harm:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("made", EACH, indirect=True)
def test_links_lead_nowhere_and_pickles_are_not_loaded(made, damaged, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET + b"\n1 2 3\n")
    for number, path in enumerate(files_of(made, made.source)):
        pickled = pickle.dumps(_Harm(str(tmp_path / "harmed")))
        for at, link in enumerate((False, True)):
            copy, changed = damaged(path, pickled)
            (changed.parent / "more.pkl").write_bytes(pickled)
            if link:
                changed.unlink()
                changed.symlink_to(secret)
                (changed.parent / "link").symlink_to(tmp_path)
            root = tmp_path / f"root{number}-{at}"
            found = brought(made, copy, root)
            assert found is None or not found.is_whole or not link, path
            assert not (tmp_path / "harmed").exists()
            if root.exists():
                assert SECRET not in b"".join(data or b"" for data in contents(root).values()), path


def test_every_kind_of_source_is_here():
    assert set(MAKERS) == set(KINDS)
