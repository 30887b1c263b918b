"""What `cp`, `unzip`, `rsync` or a colleague brings is here as it was: once, under its own ids, and nothing here is lost for it."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
import uuid
import zipfile
from pathlib import Path

import numpy as np
import pytest

from anew import Experiment, Store
from anew.errors import InvalidValue
from anew.importing.importer import Imported, bring_in, look_through
from anew.journal.storage import FolderStorage
from anew.merging import archives
from anew.merging.comparing import differing_file
from anew.sync.files import files_in
from anew.sync.local import Local
from anew.trackers.importers import kind_of, open_source
from anew.values import Text

Listing = dict[str, tuple[int, int]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an experiment that has something of each kind, one inside it, one that was deleted, and a document."""
    there = tmp_path_factory.mktemp("theirs") / "experiments"
    note = there.parent / "note é.txt"
    note.write_text("n" * 100_000)
    for prefix, count in (("lab/vision/net", 50), ("lab/vision/net/inside", 3), ("lab/gone", 1)):
        with Experiment(
            prefix, root=there, params={"lr": 0.1, "deep": {"layers": [1, 2]}}, tags=["a", "b c"], quiet=True, console="off", system_metrics=0,
        ) as exp:  # fmt: skip
            for step in range(count):
                exp.log_metrics(
                    {"loss/ü x": float("nan") if step % 7 == 3 else 1 / (step + 1)}, step=step % 20
                )
            exp.log("a message", level="info")
            exp.files("out").save(note)
            exp.log_value("said", Text("hello"))
            if prefix == "lab/vision/net":
                exp.weights.commit({"w": np.arange(1000.0)}, "first")
    with Store(there) as store:
        store.delete("lab/gone")
        store.note("lab/vision/net", "a note")
        store.set_document("view", "mine", {"a": 1})
    return there


@pytest.fixture
def theirs(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "theirs", symlinks=True))


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "ours")


def states(imported: Imported) -> dict[str, str]:
    return {run.prefix: run.state for run in imported.runs}


def listing(folder: Path) -> Listing:
    """Every file with its size and time of change."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in found}


def brought(source: Path, root: str, **options: str) -> Imported:
    opened = open_source(str(source))
    try:
        return bring_in(opened, root, **options)
    finally:
        opened.close()


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent))
    return target


def tarred(folder: Path, target: Path) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, folder.name)
    return target


def test_a_whole_store_comes_with_files_weights_and_documents_and_is_not_changed(theirs, root):
    before = listing(theirs)
    imported = brought(theirs, root)
    assert imported.is_whole, imported
    assert states(imported) == {"lab/vision/net": "new", "lab/vision/net/inside": "new"}
    assert (imported.counts["points"], imported.counts["files"], imported.counts["messages"]) == (
        53,
        2,
        2,
    )
    assert listing(theirs) == before
    with Store(theirs) as there, Store(root) as here:
        ours, others = here["lab/vision/net"], there["lab/vision/net"]
        assert (ours.id, ours.params, ours.tags, ours.notes) == (
            others.id,
            others.params,
            others.tags,
            "a note",
        )
        for view, other in (
            (ours, others),
            (here["lab/vision/net/inside"], there["lab/vision/net/inside"]),
        ):
            (first, second) = (
                one.metrics["loss/ü x"].read(order="written") for one in (view, other)
            )
            assert first.values.tobytes() == second.values.tobytes()
            assert (first.steps.tolist(), first.times.tolist()) == (
                second.steps.tolist(),
                second.times.tolist(),
            )
        assert [file.name for file in ours.files] == ["note é.txt"]
        assert (
            here.weights.get_all_weights(f"experiments/{ours.id}")["w"].tolist()
            == np.arange(1000.0).tolist()
        )
        assert here.document("view", "mine").body == {"a": 1}
        assert here.doctor() == []
    again = brought(theirs, root)
    assert (set(states(again).values()), again.is_whole) == ({"same"}, True)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_is_unpacked_for_as_long_as_it_takes(pack, theirs, root, tmp_path):
    packed = pack(theirs, tmp_path / "packed.bin")
    shutil.rmtree(theirs)
    assert kind_of(str(packed)) == "anew"
    imported = brought(packed, root)
    assert imported.is_whole, imported
    assert states(imported) == {"lab/vision/net": "new", "lab/vision/net/inside": "new"}


def test_what_anew_exported_comes_back(theirs, root, tmp_path):
    with Store(theirs) as store:
        store.export(None, str(tmp_path / "all.zip"))
    imported = brought(tmp_path / "all.zip", root)
    assert imported.is_whole, imported
    with Store(root) as store:
        assert store["lab/vision/net"].notes == "a note"
        assert store.document("view", "mine").body == {"a": 1}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("lab/vision/net", ["lab/vision/net", "lab/vision/net/inside"]),
        ("lab/vision", ["lab/vision/net", "lab/vision/net/inside"]),
    ],
)
def test_a_part_of_a_store_is_filed_where_it_was_recorded(part, expected, theirs, root, tmp_path):
    copy = tmp_path / "copied" / part.rpartition("/")[2]
    shutil.copytree(theirs / part, copy)
    assert kind_of(str(copy)) == "anew"
    imported = brought(copy, root)
    assert (sorted(states(imported)), imported.is_whole) == (expected, True)
    assert [finding.lost for finding in imported.findings] == [False]  # weights lie in the store
    assert sorted(states(brought(theirs, root)).values()) == ["grown", "same"]  # and come with it


def test_everything_is_filed_under_a_prefix_that_is_given(theirs, root):
    brought(theirs, root, into="old")
    with Store(root) as store:
        assert sorted(view.prefix for view in store.list()) == [
            "old/lab/vision/net",
            "old/lab/vision/net/inside",
        ]


def test_a_copy_that_both_sides_went_on_with_is_put_together(theirs, root):
    brought(theirs, root)
    for side in (str(theirs), root):
        with Experiment(
            "lab/vision/net", root=side, resume="allow", quiet=True, console="off", system_metrics=0
        ) as exp:
            exp.log_metrics({"later": float(len(side))}, step=1)
        with Store(side) as store:
            store.tag("lab/vision/net", add=[f"by {len(side)}"])
    imported = brought(theirs, root)
    assert (states(imported)["lab/vision/net"], imported.is_whole) == ("grown", True)
    with Store(root) as store:
        view = store["lab/vision/net"]
        assert sorted(view.metrics["later"].read().values.tolist()) == sorted(
            [float(len(str(theirs))), float(len(root))]
        )
        assert {f"by {len(str(theirs))}", f"by {len(root)}"} <= set(view.tags)
        assert view.metrics["loss/ü x"].count == 50


@pytest.mark.parametrize("sealed", ["theirs", "ours", "both"])
def test_points_are_compared_whichever_side_has_sealed_them(sealed, theirs, root, monkeypatch):
    monkeypatch.setattr("anew.stores.series.folder.SEAL_BYTES", 1)
    if sealed != "ours":
        with Store(theirs) as store:
            store.seal()
    brought(theirs, root)
    if sealed != "theirs":
        with Store(root) as store:
            store.seal()
    imported = brought(theirs, root)
    assert (set(states(imported).values()), imported.is_whole) == ({"same"}, True)
    with Store(root) as store:
        assert store["lab/vision/net"].metrics["loss/ü x"].count == 50


def test_an_experiment_that_was_edited_by_hand_is_told_and_ours_stays(theirs, root):
    brought(theirs, root)
    (points,) = (theirs / "lab/vision/net/metrics").glob("*.jsonl")
    data = points.read_bytes()
    points.write_bytes(data.replace(b'"s":5,', b'"s":6,', 1))
    imported = brought(theirs, root)
    (run,) = [run for run in imported.runs if run.differs]
    assert (run.prefix, [kind.kind for kind in run.differs]) == ("lab/vision/net", ["points"])
    assert next(Path(root, "lab/vision/net/metrics").glob("*.jsonl")).read_bytes() == data


def test_another_of_the_same_prefix_is_filed_beside_it_and_one_deleted_here_stays_away(
    theirs, root
):
    with Experiment("lab/vision/net", root=root, quiet=True, console="off", system_metrics=0):
        pass
    imported = brought(theirs, root)
    assert "lab/vision/net~2" in states(imported)
    with Store(root) as store:
        store.delete("lab/vision/net/inside")
    assert sorted(states(brought(theirs, root)).values()) == ["deleted", "same"]


def test_a_running_experiment_is_followed_to_its_end(tmp_path, root):
    there = tmp_path / "theirs"
    exp = Experiment("lab/run", root=there, quiet=True, console="off", system_metrics=0)
    exp.run.start()
    counts = []
    for step in range(3):
        exp.log_metrics({"loss": 0.5}, step=step)
        if step == 2:
            exp.finish()
        imported = brought(there, root)
        assert imported.is_whole, imported
        with Store(root) as store:
            counts.append((store["lab/run"].status, store["lab/run"].metrics["loss"].count))
    assert counts == [("running", 1), ("running", 2), ("completed", 3)]


def test_a_file_that_is_written_anew_while_it_is_brought_is_compared_by_the_next_import(tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    document = there / "metadata.json"
    document.write_text("first")
    (here / "metadata.json").write_text("first")
    (found,) = files_in(Local("id", "run", str(there), FolderStorage(str(there)), None))
    assert differing_file(found, str(here)) is None
    document.write_text("second")
    assert differing_file(found, str(here)) is None
    (found,) = files_in(Local("id", "run", str(there), FolderStorage(str(there)), None))
    assert differing_file(found, str(here)) is not None
    document.unlink()
    assert differing_file(found, str(here)) is None


def test_a_half_written_line_waits_and_what_is_damaged_is_named(theirs, root):
    (events,) = (theirs / "lab/vision/net/inside/journal").glob("0*.jsonl")
    events.write_bytes(b"\0" * 500)
    (points,) = (theirs / "lab/vision/net/metrics").glob("*.jsonl")
    whole = points.read_bytes()
    points.write_bytes(whole[:-10])
    imported = brought(theirs, root)
    assert not imported.is_whole
    assert any(
        "inside" in finding.where or "inside" in run.prefix
        for finding in imported.findings
        for run in imported.runs
    )
    with Store(root) as store:
        assert store["lab/vision/net"].metrics["loss/ü x"].count == 49
    points.write_bytes(whole)
    brought(theirs, root)
    with Store(root) as store:
        assert store["lab/vision/net"].metrics["loss/ü x"].count == 50


@pytest.mark.parametrize("sealed", [False, True])
def test_damaged_lines_and_tables_are_named_and_the_rest_is_counted(sealed, theirs, root, monkeypatch):  # fmt: skip
    monkeypatch.setattr("anew.stores.series.folder.SEAL_BYTES", 1)
    if sealed:
        with Store(theirs) as store:
            store.seal()
    ends = "*.parquet" if sealed else "*.jsonl"
    (points,) = (theirs / "lab/vision/net/metrics").glob(ends)
    lines = points.read_bytes().splitlines(keepends=True)
    lines[3] = b"no line\n"
    points.chmod(0o644)
    points.write_bytes(b"no table" * 1000 if sealed else b"".join(lines))
    imported = brought(theirs, root)
    assert not imported.is_whole
    assert imported.counts["points"] == (0 if sealed else 49) + 3
    assert imported.counts["messages"] == 2  # the rest of it is here, and counted
    assert {one.where for one in imported.findings if one.lost} == {str(points)}
    told = look_through(open_source(str(theirs))).findings
    assert {one.where for one in told if one.lost} == {str(points)}


def test_a_dry_run_counts_and_writes_nothing(theirs, tmp_path):
    source = open_source(str(theirs))
    found = look_through(source)
    assert ({run.prefix for run in found.runs}, found.counts["points"]) == (
        {"lab/vision/net", "lab/vision/net/inside"},
        53,
    )
    assert not (tmp_path / "ours").exists()


def test_a_store_is_not_brought_into_itself(theirs):
    for source in (theirs, theirs / "lab"):
        with pytest.raises(InvalidValue):
            brought(source, str(theirs))


# -- hostile ones -----------------------------------------------------------------------------------


def test_no_link_is_followed_and_no_name_leads_out(theirs, root, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    marker = uuid.uuid4().hex
    (secret / "key.jsonl").write_text(f"{marker}\n")
    net = theirs / "lab/vision/net"
    (net / "logs" / "logs-0001-main-aaaa.jsonl").symlink_to(secret / "key.jsonl")
    (net / "files" / "x").symlink_to(secret)
    (theirs / "lab" / "linked").symlink_to(shutil.copytree(net, tmp_path / "elsewhere"))
    imported = brought(theirs, root)
    assert any("linked" in finding.where and finding.lost for finding in imported.findings)
    told = [p for p in Path(root).rglob("*") if p.is_file() and marker.encode() in p.read_bytes()]
    assert told == []
    assert not [
        path
        for path in Path(root).rglob("*")
        if path.is_symlink() and path.name not in ("logs.jsonl", "train.log")
    ]


def hostile_tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:

        def add(name: str, data: bytes = b"x", **facts: object) -> None:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for fact, value in facts.items():
                setattr(info, fact, value)
            archive.addfile(info, io.BytesIO(data))

        add("a/journal/0001-main-aaaa.jsonl", b'{"k":"opened","t":1,"experiment_id":"x"}\n')
        for name in ("../out", "/abs", "a/../../out", "a\\..\\out", "a//b"):
            add(name)
        add("link", type=tarfile.SYMTYPE, linkname="/etc", size=0)
        add("link/passwd")
        add("hard", type=tarfile.LNKTYPE, linkname="../../etc/passwd", size=0)
        add("pipe", type=tarfile.FIFOTYPE, size=0)
        add("device", type=tarfile.CHRTYPE, size=0)


def hostile_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "a/journal/0001-main-aaaa.jsonl", '{"k":"opened","t":1,"experiment_id":"x"}\n'
        )
        for name in ("../out", "/abs", "a/../../out", "a\\..\\out"):
            archive.writestr(name, "x")
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc")
        archive.writestr("link/passwd", "x")


@pytest.mark.parametrize("make", [hostile_tar, hostile_zip])
def test_a_hostile_archive_writes_plain_files_into_its_folder_alone(make, tmp_path):
    make(tmp_path / "a.bin")
    target = tmp_path / "in" / "deep"
    target.mkdir(parents=True)
    findings: list = []
    archives.unpack(str(tmp_path / "a.bin"), str(target), findings)
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if not p.is_dir()} - {"in/deep/link/passwd"} == {
        "a.bin", "in/deep/a/journal/0001-main-aaaa.jsonl",
    }  # fmt: skip
    assert not (target / "link").is_symlink()
    assert len(findings) >= 5


def test_a_bomb_is_given_up_and_nothing_of_it_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("anew.importing.foreign._FREE", 1 << 20)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/journal/0001-main-aaaa.jsonl", b"0" * (8 << 20))
    with pytest.raises(InvalidValue):
        open_source(str(tmp_path / "bomb.zip"))
    assert os.listdir(tmp_path / "tmp") == []


def test_an_archive_that_was_cut_short_gives_what_lies_before(theirs, root, tmp_path):
    packed = tarred(theirs, tmp_path / "a.tgz")
    data = packed.read_bytes()
    packed.write_bytes(data[: len(data) * 3 // 4])
    source = open_source(str(packed), "anew")
    try:
        assert any(finding.lost for finding in source.findings())
        assert not bring_in(source, root).is_whole
    finally:
        source.close()
