"""What a source has is here after an import: once, as it was, and whatever happened in between."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from anew import Store
from anew.errors import Conflict
from anew.importing import importer
from anew.importing.arriving import Arriving
from anew.importing.importer import Imported, Reached, bring_in, look_through
from anew.importing.kept import about, imports_of
from anew.importing.source import Finding, Points, Row
from anew.journal.lock import locked

from .sources import START, Logged, Made, curve, everything


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "root")


def states(imported: Imported) -> list[str]:
    return [run.state for run in imported.runs]


def points_of(root: str, prefix: str = "lab/a") -> dict[str, list[tuple[int, float, str]]]:
    """All points, by step; values as text, so that NaN is equal to itself."""
    with Store(root) as store:
        metrics = store[prefix].metrics
        found = {}
        for name in metrics:
            series = metrics[name].read()
            values = [str(value) for value in series.values.tolist()]
            found[name] = list(
                zip(series.steps.tolist(), series.times.tolist(), values, strict=True)
            )
        return found


def seal(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn all points into columns, however few there are."""
    monkeypatch.setattr("anew.stores.series.folder.SEAL_BYTES", 1)
    with Store(root) as store:
        store.seal()
    assert list(Path(root, "lab/a/metrics").glob("*.parquet"))


def test_where_an_import_stands_is_told_within_a_run_too(root, monkeypatch):
    monkeypatch.setattr(importer, "_TELLING_SECONDS", 0.0)
    source = Made(a=Logged(rows=curve(5)), b=Logged(rows=curve(3)))
    told: list[Reached] = []
    imported = bring_in(source, root, progress=told.append)
    assert told[0] == (told[0].run, 0, 0, 0)
    within = [at for at in told if at.runs == 0]
    (first, second) = (run.counts["points"] for run in imported.runs)
    assert [at.points for at in within] == sorted(at.points for at in within)
    assert {1, first} <= {at.points for at in within}
    assert within[-1].compared == first
    assert (told[-1].runs, told[-1].points, told[-1].compared) == (1, first + second, second)
    counted: list[Reached] = []
    look_through(source, progress=counted.append)
    assert counted[-1].points == first + second


def files_below(root: str) -> dict[str, bytes]:
    """The journals of all experiments."""
    base = Path(root, "lab")
    return {
        str(path.relative_to(base)): path.read_bytes()
        for path in sorted(base.rglob("*"))
        if path.is_file() and path.parent.name in ("journal", "metrics", "logs")
    }


def test_everything_arrives_and_both_accounts_agree(root):
    source = Made(a=everything(10), b=everything(3))
    source.say(
        "a",
        params={"lr": 0.1, "deep": {"layers": [1, 2]}},
        tags={"good": None, "team": "x"},
        notes="a note",
        user="alice",
    )
    source.say("b", parent="a", status="failed", reason="out of memory")
    imported = bring_in(source, root)
    assert imported.is_whole
    assert states(imported) == ["new", "new"]
    assert imported.counts["points"] == 10 + 3 + 3 + 3
    with Store(root) as store:
        a, b = store["lab/a"], store["lab/b"]
        assert (a.status, b.status, b.reason) == ("completed", "failed", "out of memory")
        assert (a.params, a.tags, a.notes, a.user) == (
            {"lr": 0.1, "deep": {"layers": [1, 2]}}, {"good": None, "team": "x"}, "a note", "alice",
        )  # fmt: skip
        assert (b.parent, a.started_at, a.ended_at) == (a.id, START, START + 100)
        assert sorted(file.name for file in a.files) == ["log.txt", "weights.bin"]
        assert [line.message for line in a.logs()] == [f"epoch {at}" for at in range(5)]
        assert store.doctor() == []
    found = points_of(root)
    assert found["a/b"] == [(-(2**63), START, "-inf"), (7, START, "nan")]
    assert found["c"] == [(0, START + 0.123456789, "-0.0")]


def test_a_second_import_finds_the_first_and_changes_nothing(root):
    source = Made(a=everything(10), b=everything(3))
    bring_in(source, root)
    before = files_below(root)
    again = bring_in(source, root)
    assert (states(again), again.is_whole) == (["same", "same"], True)
    assert files_below(root) == before


def test_what_goes_on_is_followed_through_its_end(root):
    source = Made(a=everything(10))
    source.say("a", status="running", ended=None, alive=START + 1)
    bring_in(source, root)
    source.logged["a"] = everything(25)
    source.logged["a"].rows = [*everything(10).rows, *curve(20, start=10)]
    assert states(bring_in(source, root)) == ["grown"]
    source.say("a", status="completed", ended=START + 500, params={"late": 1})
    assert states(bring_in(source, root)) == ["grown"]
    assert states(bring_in(source, root)) == ["same"]
    with Store(root) as store:
        assert (store["lab/a"].status, store["lab/a"].params) == ("completed", {"late": 1})
        assert store["lab/a"].metrics["loss"].count == 30


@pytest.mark.parametrize("sealed", [False, True])
def test_an_ended_run_that_goes_on_is_the_same_experiment(root, sealed, monkeypatch):
    source = Made(a=Logged(curve(10)))
    bring_in(source, root)
    if sealed:
        seal(root, monkeypatch)
    source.logged["a"].rows += curve(5, start=10)
    source.say("a", status="running", ended=None)
    assert (states(bring_in(source, root)), len(points_of(root)["loss"])) == (["grown"], 15)
    source.logged["a"].rows += curve(5, start=15)
    source.say("a", status="failed", ended=START + 900)
    last = bring_in(source, root)
    assert last.is_whole
    with Store(root) as store:
        assert store["lab/a"].status == "failed"
        assert store["lab/a"].metrics["loss"].to_pandas()["step"].tolist() == list(range(20))


def test_an_import_that_is_killed_anywhere_is_whole_after_the_next(root, tmp_path):
    source = Made(a=everything(40))
    whole = str(tmp_path / "whole")
    bring_in(source, whole)
    expected = files_below(whole)
    written = [name for name in expected if "/metrics/" in name or "/logs/" in name]
    for name in written:
        size = len(expected[name])
        for left in {0, 1, size // 3, size // 2 + 1, size - 1}:
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(whole, root)
            os.truncate(Path(root, "lab", name), left)
            imported = bring_in(source, root)
            assert imported.is_whole
            assert {n: files_below(root)[n] for n in written} == {n: expected[n] for n in written}


def test_an_import_that_was_killed_before_the_first_event_goes_on(root, tmp_path):
    source = Made(a=Logged(curve(3)))
    bring_in(source, root)
    shutil.rmtree(Path(root, "lab/a/journal"))
    shutil.rmtree(Path(root, "lab/a/metrics"))
    shutil.rmtree(Path(root, ".anew/root"))
    imported = bring_in(source, root)
    assert (imported.is_whole, imported.runs[0].prefix) == (True, "lab/a")


@pytest.mark.parametrize("sealed", [False, True])
def test_points_that_appear_among_the_earlier_ones_come_too_and_none_twice(
    root, sealed, monkeypatch
):
    rows = curve(10)
    source = Made(a=Logged([*rows[:4], *rows[6:]]))
    bring_in(source, root)
    if sealed:
        seal(root, monkeypatch)
    source.logged["a"].rows = [*rows, Row(2, START, {"loss": float("nan"), "other": 1.0})]
    for expected in (["grown"], ["same"]):
        imported = bring_in(source, root)
        assert (states(imported), imported.is_whole) == (expected, True)
    found = points_of(root)
    assert len(found["loss"]) == 11
    assert sorted(step for step, _, _ in found["loss"]) == sorted([*range(10), 2])


def test_equal_points_are_as_many_as_there_are(root):
    row = Row(1, START, {"loss": 0.5})
    source = Made(a=Logged([row, row]))
    bring_in(source, root)
    source.logged["a"].rows = [Row(0, START, {"loss": 0.25}), row, row, row]
    assert bring_in(source, root).is_whole
    assert sorted(value for _, _, value in points_of(root)["loss"]) == ["0.25", "0.5", "0.5", "0.5"]


def test_edits_that_were_made_here_stay(root):
    source = Made(a=Logged(curve(3)))
    source.say("a", tags={"theirs": None}, notes="theirs", params={"lr": 1})
    bring_in(source, root)
    with Store(root) as store:
        store.tag("lab/a", add=["ours"], remove=["theirs"])
        store.note("lab/a", "ours")
        store.set_params("lab/a", {"lr": 2})
    source.say("a", tags={"theirs": None, "new": None})
    bring_in(source, root)
    with Store(root) as store:
        found = store["lab/a"]
        assert (set(found.tags), found.notes, found.params) == ({"ours", "new"}, "ours", {"lr": 2})


def test_what_was_moved_here_is_found_and_what_was_deleted_stays_away(root):
    source = Made(a=Logged(curve(3)), b=Logged(curve(3)))
    bring_in(source, root)
    with Store(root) as store:
        store.move("lab/a", "elsewhere/x")
        store.delete("lab/b")
    source.logged["a"].rows += curve(2, start=3)
    imported = bring_in(source, root)
    assert states(imported) == ["grown", "deleted"]
    assert imported.runs[0].prefix == "elsewhere/x"
    with Store(root) as store:
        assert [one.prefix for one in store.list()] == ["elsewhere/x"]


def test_two_roots_that_imported_one_source_can_be_put_together(root, tmp_path):
    source = Made(a=everything(10))
    other = str(tmp_path / "other")
    bring_in(source, root)
    source.logged["a"].rows += curve(5, start=10)
    bring_in(source, other)
    shutil.copytree(other, root, dirs_exist_ok=True)
    with Store(root) as store:
        assert [one.prefix for one in store.list()] == ["lab/a"]
        assert store["lab/a"].metrics["loss"].count == 15


def test_names_that_are_none_here_lead_nowhere_else(root, tmp_path):
    source = Made(
        a=Logged(curve(2), files={"../../../evil": b"x", "/etc/evil": b"y", "ok/../fine": b"z"})
    )
    source.say(
        "a", place=("..", "a/b", "x\0y"), name="../../up~2", tags={"\x07": "bell", "t" * 5000: None}
    )
    imported = bring_in(source, root)
    assert (states(imported), imported.is_whole) == (["new"], True)
    assert {path.name for path in tmp_path.iterdir()} == {"root"}
    with Store(root) as store:
        (found,) = store.list()
        assert all(Path(file.path).is_relative_to(root) for file in found.files)
        assert len(found.tags) == 2


def test_secrets_are_masked_as_everywhere(root):
    token = "ghp_" + "a1B2c3D4e5" * 4
    source = Made(a=Logged(curve(1), printed=[f"token {token}"]))
    source.say("a", params={"api_key": token}, notes=f"use {token}", place=("lab", token))
    assert bring_in(source, root).is_whole
    assert bring_in(source, root).runs[0].state == "same"
    found = [
        path
        for path in Path(root).rglob("*")
        if path.is_file() and token.encode() in path.read_bytes()
    ]
    assert (found, list(Path(root).rglob(f"*{token}*"))) == ([], [])


def test_one_run_that_cannot_be_read_keeps_no_other_from_coming(root):
    class Broken(Made):
        def rows(self, run):
            if run.key == "a":
                raise OSError(5, "input/output error")
            return super().rows(run)

    imported = bring_in(Broken(a=Logged(), b=Logged(curve(3))), root)
    assert (states(imported), imported.is_whole) == (["failed", "new"], False)


def test_what_is_missing_here_is_said(root):
    source = Made(a=everything(10))
    bring_in(source, root)
    (kept,) = Path(root, "lab/a/files").rglob("weights.bin")
    kept.unlink()
    (values,) = Path(root, "lab/a/metrics").glob("*.jsonl")
    lines = values.read_bytes().splitlines(keepends=True)
    values.write_bytes(b"".join([*lines, lines[0]]))
    imported = bring_in(source, root)
    assert not imported.is_whole
    assert {(one.kind, one.name) for one in imported.runs[0].differs} == {
        ("files", ""),
        ("points", "loss"),
    }


def test_files_that_were_given_up_here_are_not_missed(root):
    source = Made(a=Logged(files={"weights.bin": b"\0" * 64, "notes.txt": b"kept"}))
    assert bring_in(source, root).is_whole
    with Store(root) as store:
        assert store.free_files("weights.bin").files == 1
    again = bring_in(source, root)
    assert again.is_whole
    assert again.runs[0].state == "same"
    with Store(root) as store:
        assert [one.name for one in store.get("lab/a").files.freed] == ["weights.bin"]


@pytest.mark.parametrize(
    ("kind", "where"), [("files", "files/**/weights.bin"), ("values", "values/*"), ("values", "")]
)
def test_bytes_that_are_no_longer_those_of_the_source_are_said(kind, where, root):
    source = Made(
        a=Logged(files={"weights.bin": b"\0" * 64}, texts=[("note", 1, "short"), ("long", 1, "x" * 40_000)])
    )  # fmt: skip
    assert bring_in(source, root).is_whole
    assert bring_in(source, root).is_whole
    (kept,) = Path(root, "lab/a").glob(where or "journal/*.jsonl")
    data = kept.read_bytes()
    kept.chmod(0o644)
    kept.write_bytes(data.replace(b"short", b"Short") if not where else b"\1" + data[1:])
    for _ in range(2):
        imported = bring_in(source, root)
        assert [one.kind for one in imported.runs[0].differs] == [kind]
        assert imported.runs[0].differs[0].there.count == imported.runs[0].differs[0].here.count


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("", set()),
        ("field", {"description", "notes"}),
        ("linked", {"parent"}),
        ("closed", {"status", "reason", "ended"}),
        ("captured", {"captured git", "kept"}),
        ("config", {"config"}),
    ],
)
def test_what_is_said_of_a_run_as_a_whole_is_compared_too(kind, lost, root, monkeypatch):
    source = Made(before=Logged(), a=Logged(curve(3)))
    source.say(
        "a", description="what", notes="why", status="failed", reason="it broke", parent="before", relation="forked", user="ann",
        host="far", captured={"git": {"commit": "c0ffee"}}, kept={"sweep": {"n": 1.5}}, config={"lr": {"max": 0.1, "seed": float("nan")}},
    )  # fmt: skip
    written = Arriving._event
    monkeypatch.setattr(
        Arriving, "_event", lambda self, one, *at, **fields: None if one == kind and self._run.key == "a" else written(self, one, *at, **fields)
    )  # fmt: skip
    imported = bring_in(source, root)
    assert {(one.kind, one.name) for run in imported.runs for one in run.differs} == {
        ("facts", name) for name in lost
    }
    monkeypatch.undo()
    again = bring_in(source, root)
    assert (again.is_whole, states(again)) == (True, ["same", "grown" if lost else "same"])
    source.say("a", status="completed", reason=None, notes="another", user="bob")
    assert bring_in(source, root).is_whole


def test_what_was_logged_beside_points_is_compared_too(root, monkeypatch):
    notes = [{"at": [1, 2.5]}, None, {"w": float("nan"), "é": "x"}, {"w": 1}]
    rows = [
        Row(at, START + at, {"loss": 1.0 * at, "a b": 2.0}, one) for at, one in enumerate(notes)
    ]
    source = Made(a=Logged(rows))
    with monkeypatch.context() as patch:
        written = importer.point_line
        patch.setattr(
            importer,
            "point_line",
            lambda row: written(row._replace(beside={"w": 2} if row.step == 3 else row.beside)),
        )
        (run,) = bring_in(source, root + "-wrong").runs
        assert {(one.kind, one.name, one.there.count, one.here.count) for one in run.differs} == {
            ("beside", "loss", 3, 3), ("beside", "a b", 3, 3),
        }  # fmt: skip
    assert bring_in(source, root).is_whole
    source.logged["a"] = Logged(
        [*rows[1:], Row(9, START + 9, {"loss": 3.0}, {"new": True}), rows[0]]
    )  # in another order
    (run,) = bring_in(source, root).runs
    assert (run.state, run.differs) == ("grown", ())
    seal(root, monkeypatch)
    assert states(bring_in(source, root)) == ["same"]
    with Store(root) as store:
        kept = store["lab/a"].metrics["loss"].read(metadata=True)
    assert kept.metadata is not None
    assert {str(one) for one in kept.metadata} >= {"{'new': True}"}


def test_a_dry_run_counts_and_writes_nothing(root):
    imported = look_through(Made(a=everything(10)), root)
    assert imported.counts["points"] == 13
    assert not os.path.exists(root)


def test_a_dry_run_shows_where_everything_will_be(root):
    source = Made(a=Logged(), b=Logged(), c=Logged(), d=Logged(), e=Logged())
    bring_in(Made(a=Logged()), root)
    with Store(root) as store:
        store.move("lab/a", "moved")
    other = Made(z=Logged())
    other.say("z", name="twice")
    bring_in(other, root)
    for key, name in {"b": "twice", "c": "twice", "d": "a/b: ~3", "e": "a"}.items():
        source.say(key, name=name)
    planned = look_through(source, root)
    assert [one.state for one in planned.runs] == ["here", *["new"] * 4]
    assert [one.prefix for one in planned.runs] == [
        one.prefix for one in bring_in(source, root).runs
    ]


def test_only_runs_since_a_moment(root):
    source = Made(a=Logged(curve(1)), b=Logged(curve(1)))
    source.say("b", started=START + 50)
    assert [run.key for run in bring_in(source, root, since=START + 10).runs] == ["b"]


def test_two_imports_at_once_are_refused(root, monkeypatch):
    monkeypatch.setattr(importer, "_LOCK_SECONDS", 0.0)
    source = Made(a=Logged(curve(1)))
    bring_in(source, root)
    with locked(os.path.join(root, ".anew", "import.lock"), 1.0) as held:
        assert held
        with pytest.raises(Conflict):
            bring_in(source, root)


def test_an_import_is_kept_with_its_counts_by_the_root(root):
    bring_in(Made(a=everything(10)), root)
    bring_in(Made(a=everything(10)), root)
    lines = [
        line
        for path in Path(root, ".anew/root").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert len([line for line in lines if '"k":"imported"' in line and '"points":13' in line]) == 1


def test_what_came_of_an_import_is_kept_for_each_experiment(root):
    class Damaged(Made):
        def findings(self):
            return (Finding("page 3", "It cannot be read.", True, "a"), Finding("x", "y", False))

    source = Damaged(a=everything(10), b=everything(3))
    bring_in(source, root)
    with Store(root) as store:
        account = store["lab/a"].captured["imported"]["account"]
        assert {kind: count for kind, (count, _) in account.items()} == {
            "points": 13, "messages": 5, "lines": 5, "files": 2, "values": 2,
        }  # fmt: skip
        ids = {name: store[f"lab/{name}"].id for name in ("a", "b")}
    (values,) = Path(root, "lab/b/metrics").glob("*.jsonl")
    values.write_bytes(values.read_bytes() + values.read_bytes())
    bring_in(source, root)
    newest, first = imports_of(root)
    assert (newest.whole, first.whole, first.counts["new"]) == (False, False, 2)
    source_there = "made a test"
    assert about([first], ids["b"], source_there) == (first, [], [])
    one, missing, left = about([newest, first], ids["a"], source_there)
    assert (one, missing, [each.where for each in left]) == (newest, [], ["page 3"])
    _, missing, _ = about([newest, first], ids["b"], source_there)
    assert {(each.kind, each.name, each.there, each.here) for each in missing} >= {
        ("points", "loss", 3, 6)
    }


def test_columns_and_rows_leave_the_same_points(root, tmp_path):
    values = [1.0, 1e-300, float("inf"), float("nan"), -0.0, 123456789.123, 5e-324, 1e22]
    rows = [Row(at, START + at / 3, {"m": value}) for at, value in enumerate(values)]
    columns = Points(
        ["m"] * len(values), list(range(len(values))), [row.time for row in rows], values
    )
    other = str(tmp_path / "other")
    assert bring_in(Made(a=Logged([*rows])), root).is_whole
    assert bring_in(Made(a=Logged([columns])), other).is_whole
    assert points_of(root) == points_of(other)
